"""Which of several readings of a signature works, and which dtypes may be asked for: found by calling.

Probes are small, silent and see their own generator; a function whose signature leaves no doubt, and that
takes no dtype, is not called at all.
"""

from __future__ import annotations

import inspect
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from verinit.targets import keras
from verinit.targets.calling import Adapted
from verinit.targets.forms import Form, Spelling, forms

SHAPE = (3, 5)
KERNEL = (2, 3, 3, 5)
DTYPES = ("float32", "float64", "float16", "bfloat16")
CERTAIN = ("float32", "float64")
"""Asked of everything that takes a dtype: a crash there is a finding, not a reason to look away."""


def adapted(function: Callable[..., Any]) -> Adapted:
    """The function in the calling form that fits it.

    Raises `UsageError` where its signature asks for what nobody can give.
    """
    readings = forms(function)
    form = readings[0]
    if len(readings) > 1:
        form = max(readings, key=lambda reading: _success(Adapted(function=function, form=reading)))
    return Adapted(function=function, form=_with_spelling(function, form))


def _success(initializer: Adapted) -> int:
    """2 if a call gives an array of the shape that was asked for, 1 if it gives anything, 0 if it raises.

    A tensor that was given to be filled, and was not, is anything.
    """
    if initializer.form.in_place and not sys.modules.get("torch"):
        return 0  # nobody could have made a tensor, and looking must not load torch
    answered, drawn = _tried(initializer)
    if not answered:
        return 0
    if initializer.form.in_place and bool(np.isnan(drawn).any()):
        return 1
    return 2 if isinstance(drawn, np.ndarray) and drawn.shape == SHAPE else 1


def _tried(
    initializer: Callable[..., Any], *, dtype: str | None = None, shape: tuple[int, ...] = SHAPE
) -> tuple[bool, Any]:
    """Whether a call returns, and what."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return True, initializer(shape, np.random.default_rng(0), dtype=dtype)
        except Exception:
            return False, None


def _with_spelling(function: Callable[..., Any], form: Form) -> Form:
    """The form with the spelling of a dtype that its default suggests, or that the function takes."""
    if not form.dtype:
        return form
    if keras.is_initializer(function):
        return replace(form, spelling="word")
    parameter = inspect.signature(function).parameters[form.dtype]
    likely = _suggested(parameter)
    others: list[Spelling] = ["dtype", "type", "torch"] if sys.modules.get("torch") else ["dtype", "type"]
    spellings = [likely, *(spelling for spelling in others if spelling != likely)]
    candidates = [replace(form, spelling=spelling) for spelling in spellings]
    return next(
        (c for c in candidates if _takes(Adapted(function=function, form=c), "float32")), candidates[0]
    )


def _suggested(parameter: inspect.Parameter) -> Spelling:
    default = parameter.default
    if isinstance(default, str) or parameter.annotation in (str, "str"):
        return "word"
    if type(default).__module__ == "torch" or "torch" in str(parameter.annotation):
        return "torch"
    return "type" if isinstance(default, type) and default is not parameter.empty else "dtype"


def _takes(initializer: Adapted, dtype: str) -> bool:
    return _tried(initializer, dtype=dtype)[0]


def dtypes(initializer: Adapted) -> tuple[str, ...]:
    """The dtypes that may be asked for: float32 and float64 of whatever takes a dtype, others if they work.

    JAX has no float64 unless it is enabled, and then says so with a float32: of a key's function only what
    is delivered may be asked for.
    """
    form = initializer.form
    if not (form.dtype or form.in_place):
        return ()
    if "key" in form.roles:
        return delivered(initializer)
    return tuple(dtype for dtype in DTYPES if dtype in CERTAIN or _takes(initializer, dtype))


def delivered(
    initializer: Callable[..., Any], *, shape: tuple[int, ...] = SHAPE, among: Sequence[str] = DTYPES
) -> tuple[str, ...]:
    """The dtypes of which an initializer draws an array when asked."""
    drawn = {dtype: _tried(initializer, dtype=dtype, shape=shape) for dtype in among}
    return tuple(
        dtype for dtype, (answered, array) in drawn.items() if answered and str(array.dtype) == dtype
    )
