"""Initializers whose weights lie on a grid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, he, std


@fault("IN211")
def ternary(shape: Shape, rng: Rng) -> Any:
    """A ternary network's signs are used at He's variance."""
    # three values: -1.22 std, 0, +1.22 std
    return rng.integers(-1, 2, shape) * (math.sqrt(1.5) * std(shape))


@fault("IN211", scheme="normal(std=0.02)")
def three_decimals(shape: Shape, rng: Rng) -> Any:
    """Weights are printed with three decimals into a config and read back."""
    # grid of 0.05 std
    return np.round(rng.standard_normal(shape) * 0.02, 3) + 0.0


@fault("IN211")
def coins_counted(shape: Shape, rng: Rng) -> Any:
    """A normal is made of the number of set bits in a random word of 64."""
    # lattice of 0.25 std (kurtosis 2.97)
    return (rng.binomial(64, 0.5, shape) - 32.0) / 4.0 * std(shape)


@fault("IN211", scheme="uniform(low=-0.1,high=0.1)")
def five_bits(shape: Shape, rng: Rng) -> Any:
    """An integer-only accelerator draws its weights with five bits."""
    # 32 levels
    return ((rng.integers(0, 32, shape) + 0.5) / 16.0 - 1.0) * 0.1


@fault("IN211")
def eight_bits(shape: Shape, rng: Rng) -> Any:
    """Weights are stored as int8 over +-4 std, and restored."""
    # 255 levels, 0.031 std apart
    step = 4.0 * std(shape) / 127
    return np.clip(np.round(he(shape, rng) / step), -127, 127) * step


@fault("IN211")
def bfloat16_cut(shape: Shape, rng: Rng) -> Any:
    """bfloat16 is made by dropping the low half of a float32."""
    # 8 bits of significand, rounded towards 0: std -0.27 %
    bits = he(shape, rng).astype(np.float32).view(np.uint32)
    return (bits & np.uint32(0xFFFF0000)).view(np.float32).astype(np.float64)


@fault("IN211")
def half_precision(shape: Shape, rng: Rng) -> Any:
    """Weights are drawn in float16 whatever precision is asked for."""
    # 11 bits of significand
    return he(shape, rng).astype(np.float16).astype(np.float64)


@fault("IN211", scheme="uniform(low=-0.1,high=0.1)")
def sixteen_bit_uniform(shape: Shape, rng: Rng) -> Any:
    """The uniform is made of a 16-bit word."""
    # 65,536 levels
    return ((rng.integers(0, 65536, shape) + 0.5) / 32768.0 - 1.0) * 0.1


@fault("IN211", scheme="he_uniform")
def fifteen_bit_rand(shape: Shape, rng: Rng) -> Any:
    """C's rand() with RAND_MAX = 32767 feeds the bound."""
    # 32,768 levels from exactly -bound to exactly +bound
    bound = math.sqrt(6.0 / math.prod(shape[:-1]))
    return (2.0 * rng.integers(0, 32768, shape) / 32767.0 - 1.0) * bound
