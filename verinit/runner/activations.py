"""`verify_activation`: hold anybody's activation to the function that it is said to be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from verinit.runner.verification import hold
from verinit.targets import target as adapted
from verinit.targets.activations.written import activation
from verinit.vocabulary import ROOT, Battery, Case, Report


def verify_activation(
    f: Any,
    *,
    derivative: Callable[..., Any] | None = None,
    like: str | None = None,
    battery: str | Battery = "standard",
    cases: Iterable[str | Case] | None = None,
    checks: Iterable[str] = (),
    expected: Mapping[str, str] | None = None,
    root: int = ROOT,
    name: str | None = None,
    exitfirst: bool = False,
) -> Report:
    """Hold an activation to the function that it is said to be: values, limits, slopes, and its contract.

    f           a function of an array, of NumPy, torch or JAX; a module of torch; an object with `value` and
                `derivative`; a layer with `forward` and `backward`; a class of one of these; or a Target,
                such as `verinit.resolve("torch:gelu")[0]`, which brings its known failures
    derivative  of a function; left out, the autodiff of torch or JAX is examined, and of a function of NumPy
                the value alone
    like        "gelu", "leaky_relu(slope=0.2)", ... (`laws.activations.NAMES`); without it, contract only
    cases       places to look in place of the battery's: a shape and a dtype, such as "64x32/float16"
    checks      codes to run; expected: known failures, code to reason
    exitfirst   whether to stop at the first failure; the report is then incomplete
    Returns a Report. Raises `UsageError` naming the argument, the value and what is allowed.

    >>> import numpy as np
    >>> bool(verify_activation(np.tanh, like="tanh", cases=["4x3/float64"]))
    True
    """
    subject = adapted(
        activation(f, derivative=derivative, like=like, name=name), name=name, expected=expected
    )
    return hold(subject, battery=battery, cases=cases, checks=checks, root=root, exitfirst=exitfirst)
