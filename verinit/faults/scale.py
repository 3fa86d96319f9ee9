"""Initializers whose weights are too wide or too narrow."""

from __future__ import annotations

import math
from typing import Any

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, fans


def _normal(shape: Shape, rng: Rng, variance: Any) -> Any:
    return rng.standard_normal(shape) * math.sqrt(variance)


@fault("IN201", scheme="xavier_normal")
def root_forgotten_in_xavier(shape: Shape, rng: Rng) -> Any:
    """The square root is left out of Glorot's std, as in DLFS_code#10."""
    # std 2/(m+n) instead of sqrt(2/(m+n))
    fan_in, fan_out = fans(shape)
    return rng.standard_normal(shape) * (2.0 / (fan_in + fan_out))


@fault("IN201")
def sampler_of_std_081(shape: Shape, rng: Rng) -> Any:
    """A vectorised single-precision normal sampler has std 0.81 (VectorizedRNG#19)."""
    # std 19 % too small
    return 0.81 * _normal(shape, rng, 2.0 / fans(shape)[0])


@fault("IN201", scheme="normal(std=0.02)")
def std_taken_for_variance(shape: Shape, rng: Rng) -> Any:
    """The argument std=0.02 is passed where the sampler wants a variance, and its root is taken."""
    # std 0.141 instead of 0.02
    return rng.standard_normal(shape) * math.sqrt(0.02)


@fault("IN201", scheme="xavier_normal(gain=5/3)")
def gain_inside_the_root(shape: Shape, rng: Rng) -> Any:
    """The gain 5/3 of tanh multiplies the variance, not the std."""
    # std 0.775 of what is claimed
    return _normal(shape, rng, (5.0 / 3.0) * 2.0 / sum(fans(shape)))


@fault("IN203", scheme="lecun_uniform")
def bound_from_root_six_over_two(shape: Shape, rng: Rng) -> Any:
    """In a LeCun uniform the bound of a fan average is kept: sqrt(6 / 2n) times sqrt(2)."""
    # bound and std 1.414 times too wide
    bound = math.sqrt(6.0 / fans(shape)[0])
    return rng.uniform(-bound, bound, shape)


@fault("IN201", scheme="he_uniform")
def width_taken_for_bound(shape: Shape, rng: Rng) -> Any:
    """`bound * (rng.random() - 0.5)`: the full width is given the half width's value."""
    # std and bound half of what is claimed
    return math.sqrt(6.0 / fans(shape)[0]) * (rng.random(shape) - 0.5)


@fault("IN201", scheme="he_normal(negative_slope=0.2)")
def slope_not_squared(shape: Shape, rng: Rng) -> Any:
    """He's leaky rule is typed 2 / (1 + a) instead of 2 / (1 + a^2)."""
    # std 6.9 % too small at a = 0.2
    return _normal(shape, rng, 2.0 / (1.2 * fans(shape)[0]))


@fault("IN201", scheme="xavier_normal")
def two_percent_narrow(shape: Shape, rng: Rng) -> Any:
    """A ziggurat table loses its outermost layer's area, and the std ends 2 % short."""
    # std -2 %
    return 0.98 * _normal(shape, rng, 2.0 / sum(fans(shape)))


@fault("IN201")
def root_two_typed_as_one_point_four(shape: Shape, rng: Rng) -> Any:
    """The gain sqrt(2) is typed as 1.4."""
    # std -1.0 %
    return rng.standard_normal(shape) * 1.4 / math.sqrt(fans(shape)[0])


@fault("IN201", scheme="he_uniform")
def root_three_typed_as_one_point_seven(shape: Shape, rng: Rng) -> Any:
    """The sqrt(3) between a std and its uniform bound is typed as 1.7 (a relative of tch-rs#573)."""
    # bound and std -1.85 %
    bound = 1.7 * math.sqrt(2.0 / fans(shape)[0])
    return rng.uniform(-bound, bound, shape)
