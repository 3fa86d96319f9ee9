"""Initializers as verinit calls them: `(shape, rng, *, dtype=None, **parameters) -> array`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import ml_dtypes  # noqa: F401 - teaches numpy.dtype the word "bfloat16"
import numpy as np

from verinit.targets import jax, keras
from verinit.targets.forms import CHANCE, Form, Role, Spelling, says_in_place
from verinit.targets.globals import borrowed
from verinit.targets.results import plain
from verinit.targets.torch import chance, tensors
from verinit.targets.torch.framework import pytorch

SHORT = 2**32
"""Seeds below this are taken by every generator, numpy's legacy one among them."""
LONG = 2**63
"""Among ten thousand seeds below this two are equal with probability 5e-12."""

_CHANCE: dict[Role, Callable[[np.random.Generator], Any]] = {
    "rng": lambda rng: rng,
    "random_state": lambda rng: np.random.RandomState(
        np.random.MT19937(rng.integers(0, SHORT, 8, dtype=np.uint32))
    ),
    "seed": lambda rng: int(rng.integers(LONG)),
    "short seed": lambda rng: int(rng.integers(SHORT)),
    "key": jax.key,
    "torch generator": chance.generator,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapted:
    """A function called in its own form; chance comes from `rng` alone, and global generators stay put.

    A function that takes no chance may draw from global generators: they are seeded from `rng` for the
    call and restored after it. Where it takes a generator it is trusted to use it.
    """

    function: Callable[..., Any]
    form: Form

    def __call__(
        self, shape: tuple[int, ...], rng: np.random.Generator, *, dtype: str | None = None, **parameters: Any
    ) -> Any:
        form = self.form
        keywords = dict(parameters)
        if form.dtype and dtype is not None:
            keywords[form.dtype] = spelt(dtype, form.spelling)
        given = tensors.blank(shape, dtype) if form.in_place else shape
        ordered: list[Any] = []
        for keyword, role in form.arguments:
            values = _values(role, given, shape, rng)
            if keyword:
                (keywords[keyword],) = values
            else:
                ordered.extend(values)
        function = (
            keras.reseeded(self.function, rng) if keras.is_initializer(self.function) else self.function
        )
        with nullcontext() if form.roles & CHANCE else borrowed(rng):
            result = function(*ordered, **keywords)
        if not form.in_place:
            return plain(result)
        return tensors.filled(given, given if says_in_place(self.function) else result)


def _values(role: Role, given: Any, shape: tuple[int, ...], rng: np.random.Generator) -> tuple[Any, ...]:
    """What is passed for a role: one value, or one for each axis."""
    if role == "sizes":
        return shape
    if role == "shape":
        return (given,)
    if role in ("fan_in", "fan_out"):
        fan_in, fan_out = shape
        return (fan_in if role == "fan_in" else fan_out,)
    return (_CHANCE[role](rng),)


def spelt(dtype: str, spelling: Spelling) -> Any:
    """A dtype as a function wants it: numpy's dtype or scalar type, its name, or torch's dtype.

    >>> spelt("float32", "dtype"), spelt("float32", "type"), spelt("float32", "word")
    (dtype('float32'), <class 'numpy.float32'>, 'float32')
    """
    if spelling == "word":
        return dtype
    if spelling == "torch":
        return getattr(pytorch(), dtype)
    return np.dtype(dtype).type if spelling == "type" else np.dtype(dtype)
