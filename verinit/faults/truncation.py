"""Initializers that cut the normal in the wrong place, or in the wrong way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from verinit.faults.registry import fault
from verinit.faults.right import CUT_STD, Rng, Shape

"""Std of N(0, 1) cut at +-2."""
CUT_AT_THREE_STD = 0.9865783925581898
"""Std of N(0, 1) cut at +-3."""


def _cut(shape: Shape, rng: Rng, low: Any, high: Any) -> Any:
    a, b = ndtr(low), ndtr(high)
    return ndtri(a + (b - a) * rng.random(shape))


def _lecun(shape: Shape) -> Any:
    """The std before the cut."""
    return math.sqrt(1.0 / math.prod(shape[:-1])) / CUT_STD


@fault("IN201", scheme="lecun_truncated_normal")
def clipped_at_the_cut(shape: Shape, rng: Rng) -> Any:
    """`np.clip` is used for truncation."""
    # 4.6 % of the weights are exactly at the cut
    return np.clip(rng.standard_normal(shape), -2, 2) * _lecun(shape)


@fault("IN203", scheme="lecun_truncated_normal")
def corrected_twice(shape: Shape, rng: Rng) -> Any:
    """The sampler corrects its std, and so does the caller."""
    # std and bound 1.137
    return _cut(shape, rng, -2, 2) * (_lecun(shape) / CUT_STD)


@fault("IN201", scheme="truncated_normal(std=0.02)")
def not_corrected(shape: Shape, rng: Rng) -> Any:
    """The std is that of the normal before the cut (keras#8048, flax#4091)."""
    # std 0.88
    return _cut(shape, rng, -2, 2) * 0.02


@fault("IN203", scheme="truncated_normal(std=0.02)")
def cut_in_absolute_units(shape: Shape, rng: Rng) -> Any:
    """trunc_normal_(std=0.02, a=-2, b=2) cuts at 100 std: nothing is cut (transformers#21789)."""
    # a plain normal of the right std: 2.3 % of the weights pass the bound
    return rng.standard_normal(shape) * 0.02


@fault("IN203", scheme="he_truncated_normal")
def cut_at_three(shape: Shape, rng: Rng) -> Any:
    """The cut is at three std, and the std is corrected for that."""
    # 2.1 % of the weights pass the bound; std right
    return _cut(shape, rng, -3, 3) * (math.sqrt(2.0 / math.prod(shape[:-1])) / CUT_AT_THREE_STD)


@fault("IN203", scheme="lecun_truncated_normal")
def cut_on_one_side(shape: Shape, rng: Rng) -> Any:
    """Only the lower bound is applied."""
    # mean +0.06 std, weights beyond the upper bound
    return _cut(shape, rng, -2, 40) * _lecun(shape)


@fault(
    "IN203",
    scheme="lecun_truncated_normal",
    cases=(
        "5x7x13",
        "16x16",
    ),
)
def redrawn_once(shape: Shape, rng: Rng) -> Any:
    """What lies beyond the cut is drawn again, once."""
    # 0.2 % of the weights pass the bound
    z = rng.standard_normal(shape)
    again = rng.standard_normal(shape)
    return np.where(np.abs(z) > 2, again, z) * _lecun(shape)


@fault("IN201", scheme="lecun_truncated_normal")
def wrapped(shape: Shape, rng: Rng) -> Any:
    """`fmod(z, 2)` brings weights back within the cut."""
    # 4.6 % of the weights fold to the middle: std too small by 1.7 %, peak at 0
    return np.fmod(rng.standard_normal(shape), 2.0) * _lecun(shape)


@fault("IN201", scheme="lecun_truncated_normal")
def reflected(shape: Shape, rng: Rng) -> Any:
    """What passes the cut is reflected at it."""
    # 4.6 % of the weights fold to the edge: std +4 %
    z = np.abs(rng.standard_normal(shape))
    z = np.where(z > 2, np.maximum(4.0 - z, 0.0), z)
    return np.where(rng.random(shape) < 0.5, -z, z) * _lecun(shape)


@fault("IN201", scheme="lecun_truncated_normal")
def replaced_by_uniform(shape: Shape, rng: Rng) -> Any:
    """What passes the cut is replaced by a uniform draw within it."""
    # 4.6 % of the weights are uniform: std +1.6 %
    z = rng.standard_normal(shape)
    return np.where(np.abs(z) > 2, rng.uniform(-2, 2, shape), z) * _lecun(shape)


@fault(
    "IN203",
    scheme="lecun_truncated_normal",
    cases=(
        "48x80",
        "16x16",
    ),
)
def constant_typed_as_087(shape: Shape, rng: Rng) -> Any:
    """The correction 0.8796 is typed as 0.87."""
    # std and bound +1.1 %
    return _cut(shape, rng, -2, 2) * (math.sqrt(1.0 / math.prod(shape[:-1])) / 0.87)
