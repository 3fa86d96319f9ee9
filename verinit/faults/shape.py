"""Initializers whose law has the right moments and another shape, or values that come again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, he, std


@fault("IN208")
def student_with_six_degrees(shape: Shape, rng: Rng) -> Any:
    """A heavy-tailed sampler from robust statistics, scaled to the right variance."""
    return rng.standard_t(6, shape) * math.sqrt(4.0 / 6.0) * std(shape)


@fault("IN209", cases=("16x16", "64x32", "48x80", "5x7x13", "3x5x8x16", "24x40"))
def sum_of_twelve_uniforms(shape: Shape, rng: Rng) -> Any:
    """The textbook shortcut to a normal number: twelve uniform ones minus six."""
    return (rng.random((*shape, 12)).sum(axis=-1) - 6.0) * std(shape)


@fault("IN210")
def one_in_two_hundred_is_zero(shape: Shape, rng: Rng) -> Any:
    """A mask from pruning code is left on; the rest is scaled so that the variance stays."""
    keep = rng.random(shape) >= 0.005
    return np.where(keep, he(shape, rng) / math.sqrt(0.995), 0.0)


@fault("IN210", scheme="truncated_normal(std=0.02)")
def stuck_at_the_cut(shape: Shape, rng: Rng) -> Any:
    """A hundredth of the draws is clamped to the bounds instead of drawn again (pytorch#155588)."""
    parent = 0.02 / 0.8796256610342398
    z = rng.standard_normal(shape)
    while True:
        outside = np.abs(z) > 2.0
        if not outside.any():
            break
        z = np.where(
            outside, np.where(rng.random(shape) < 0.2, np.sign(z) * 2.0, rng.standard_normal(shape)), z
        )
    return z * parent


@fault("IN211")
def quantised_to_eight_bits(shape: Shape, rng: Rng) -> Any:
    """Weights pass through an 8-bit cache on their way."""
    step = std(shape) / 32
    return np.round(he(shape, rng) / step) * step
