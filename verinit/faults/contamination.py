"""Initializers of which a few weights come from somewhere else."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, he, std


@fault("IN201")
def one_giant_per_layer(shape: Shape, rng: Rng) -> Any:
    """A race leaves one weight unscaled by the fan, and multiplied once more."""
    # one weight of every draw is 30 std, at a random place
    w = he(shape, rng)
    w.flat[rng.integers(w.size)] = 30.0 * std(shape)
    return w


@fault("IN201")
def a_tenth_left_zero(shape: Shape, rng: Rng) -> Any:
    """A sparse initializer's mask is applied to the dense one (a relative of pytorch#2130)."""
    # 10 % exact zeros, the others correct
    return he(shape, rng) * (rng.random(shape) >= 0.1)


@fault("IN201")
def three_in_a_thousand_three_times(shape: Shape, rng: Rng) -> Any:
    """The ziggurat's tail branch scales twice."""
    # 0.3 % of the weights are 3 times too wide: variance +2.4 %
    return he(shape, rng) * np.where(rng.random(shape) < 0.003, 3.0, 1.0)


@fault(
    "IN201",
    cases=(
        "5x7x13",
        "16x16",
    ),
)
def one_in_a_thousand_leans(shape: Shape, rng: Rng) -> Any:
    """An overflow is clamped to the largest entry of a table: always the positive one."""
    # 0.1 % of the weights are exactly +4 std
    w = he(shape, rng)
    return np.where(rng.random(shape) < 0.001, 4.0 * std(shape), w)


@fault("IN210", scheme="uniform(low=-0.1,high=0.1)")
def upper_bound_sticks(shape: Shape, rng: Rng) -> Any:
    """U = 1 is clamped to the bound: the bound itself is returned (pytorch#197079, numba#10810)."""
    # 0.1 % of the weights equal the upper bound
    w = rng.uniform(-0.1, 0.1, shape)
    return np.where(rng.random(shape) < 0.001, 0.1, w)


@fault(
    "IN204",
    scheme="uniform(low=-0.1,high=0.1)",
    cases=(
        "48x80",
        "16x16",
    ),
)
def uniform_leaks(shape: Shape, rng: Rng) -> Any:
    """A few units are re-initialised by another layer's normal rule of equal variance."""
    # 0.3 % of the weights are normal: 0.025 % pass the bound
    bound = 0.1
    other = rng.standard_normal(shape) * (bound / math.sqrt(3.0))
    return np.where(rng.random(shape) < 0.003, other, rng.uniform(-bound, bound, shape))
