"""Initializers that take the wrong fan, or the wrong gain."""

from __future__ import annotations

import math
from typing import Any

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, fans


def _normal(shape: Shape, rng: Rng, variance: Any) -> Any:
    return rng.standard_normal(shape) * math.sqrt(variance)


@fault(
    "IN201",
    cases=(
        "3x5x8x16",
        "64x32",
    ),
)
def average_for_fan_in(shape: Shape, rng: Rng) -> Any:
    """He's factor is combined with Glorot's average of fans."""
    # variance 4/(m+n) instead of 2/m; equal on square layers only
    return _normal(shape, rng, 4.0 / sum(fans(shape)))


@fault("IN201", scheme="xavier_normal")
def sum_for_average(shape: Shape, rng: Rng) -> Any:
    """1 / (m + n) is taken for 1 / mean(m, n)."""
    # std 0.707
    return _normal(shape, rng, 1.0 / sum(fans(shape)))


@fault(
    "IN201",
    scheme="he_normal(mode=fan_out)",
    cases=(
        "3x5x8x16",
        "48x80",
    ),
)
def mode_ignored(shape: Shape, rng: Rng) -> Any:
    """mode="fan_out" is accepted and fan_in is used."""
    # variance 2/m instead of 2/n; equal on square layers only
    return _normal(shape, rng, 2.0 / fans(shape)[0])


@fault(
    "IN201",
    scheme="xavier_uniform",
    cases=(
        "64x32",
        "3x5x8x16",
    ),
)
def larger_fan(shape: Shape, rng: Rng) -> Any:
    """max(m, n) is used as the safe fan."""
    # variance 1/max instead of 2/(m+n)
    bound = math.sqrt(3.0 / max(fans(shape)))
    return rng.uniform(-bound, bound, shape)


@fault("IN201")
def two_groups_assumed(shape: Shape, rng: Rng) -> Any:
    """fan_in is divided by a number of groups that is not this layer's (timm#84, burn PR#574)."""
    # variance twice too large
    return _normal(shape, rng, 2.0 / max(1.0, fans(shape)[0] / 2.0))


@fault(
    "IN201",
    scheme="xavier_normal",
    cases=(
        "3x5x8x16",
        "5x7x13",
    ),
)
def first_two_axes(shape: Shape, rng: Rng) -> Any:
    """Fans are shape[0] and shape[1], which are a kernel's height and width (keras#7200)."""
    # conv only: fans of the kernel size
    return _normal(shape, rng, 2.0 / (shape[0] + shape[1]))


@fault(
    "IN201",
    scheme="xavier_normal",
    cases=(
        "3x5x8x16",
        "5x7x13",
    ),
)
def fan_out_without_field(shape: Shape, rng: Rng) -> Any:
    """fan_out leaves the receptive field out (keras#2252, chainer#1774)."""
    # conv only: fan_out is the number of channels
    return _normal(shape, rng, 2.0 / (fans(shape)[0] + shape[-1]))


@fault(
    "IN201",
    cases=(
        "3x5x8x16",
        "5x7x13",
    ),
)
def field_counted_twice(shape: Shape, rng: Rng) -> Any:
    """The receptive field is multiplied into a fan that has it already."""
    # conv only: variance too small by the field
    return _normal(shape, rng, 2.0 / (fans(shape)[0] * math.prod(shape[:-2])))


@fault("IN201", cases=("3x5x8x16",))
def field_summed(shape: Shape, rng: Rng) -> Any:
    """The kernel's height and width are added, not multiplied."""
    # conv of two or more kernel axes only: 8 instead of 15 for 3x5
    field = sum(shape[:-2]) or 1
    return _normal(shape, rng, 2.0 / (field * shape[-2]))


@fault("IN201")
def tanh_gain_for_relu(shape: Shape, rng: Rng) -> Any:
    """calculate_gain is given the wrong word: 5/3 where sqrt(2) was meant."""
    # std 1.18
    return _normal(shape, rng, (25.0 / 9.0) / fans(shape)[0])


@fault("IN201", scheme="lecun_uniform")
def selu_gain_for_lecun(shape: Shape, rng: Rng) -> Any:
    """SELU's gain of 3/4 is applied to LeCun's rule, which needs none (pytorch's 'selu' branch)."""
    # std 0.75
    bound = 0.75 * math.sqrt(3.0 / fans(shape)[0])
    return rng.uniform(-bound, bound, shape)


@fault(
    "IN201",
    scheme="xavier_normal",
    cases=(
        "64x32",
        "3x5x8x16",
    ),
)
def geometric_mean_of_fans(shape: Shape, rng: Rng) -> Any:
    """sqrt(m n) is used for the average of the fans."""
    # 64x32: std +3.0 %; 48x80: +1.6 %; 13x11: +0.2 %
    fan_in, fan_out = fans(shape)
    return _normal(shape, rng, 1.0 / math.sqrt(fan_in * fan_out))


@fault("IN201")
def bias_counted(shape: Shape, rng: Rng) -> Any:
    """The bias is counted among the inputs."""
    # fan_in + 1: std -3.6 % at 13, -0.8 % at 64
    return _normal(shape, rng, 2.0 / (fans(shape)[0] + 1))
