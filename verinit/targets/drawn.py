"""A scheme as code: the reference's sampler for the law that a scheme gives an array of a shape."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from verinit.laws.frozen import distribution
from verinit.laws.marginals import law_of
from verinit.reference.initializers import constant, normal, orthogonal, truncated_normal, uniform
from verinit.vocabulary import Scheme

Draw = Callable[..., Any]


def sampler(scheme: Scheme) -> Draw:
    """An initializer `(shape, rng, *, dtype=None)` that follows a scheme, whatever its family.

    The law's parameters are computed at each shape; the numbers are drawn by `verinit.reference`.

    >>> from verinit.laws.schemes import parse
    >>> sampler(parse("normal(std=0.5)"))((2, 3), np.random.default_rng(0)).shape
    (2, 3)
    """

    def draw(shape: tuple[int, ...], rng: np.random.Generator, *, dtype: str | None = None) -> Any:
        return _drawn(scheme, shape, rng, dtype or "float64")

    draw.__name__ = draw.__qualname__ = str(scheme)
    return draw


def _drawn(scheme: Scheme, shape: tuple[int, ...], rng: np.random.Generator, dtype: str) -> Any:
    if scheme.family == "orthogonal":
        return orthogonal(shape, rng, gain=math.sqrt(scheme.scale), dtype=dtype)
    if scheme.family == "constant":
        return constant(shape, rng, value=scheme.mean, dtype=dtype)
    if scheme.family == "frozen":
        return np.asarray(distribution(scheme.name).rvs(size=shape, random_state=rng)).astype(dtype)
    law = law_of(scheme, shape)
    if scheme.family == "uniform":
        return uniform(shape, rng, low=law.low, high=law.high, dtype=dtype)
    if scheme.family == "truncated_normal" and scheme.cut is not None:
        (mean, std), (low, high) = law.parent, scheme.cut
        return truncated_normal(
            shape, rng, mean=mean, std=std, low=low, high=high, corrected=False, dtype=dtype
        )
    return normal(shape, rng, mean=law.mean, std=law.std, dtype=dtype)
