"""Initializers that treat a fixed set of places differently."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, he, std


@fault(
    "IN201",
    cases=(
        "5x7x13",
        "3x5x8x16",
    ),
)
def last_column_zero(shape: Shape, rng: Rng) -> Any:
    """A loop over output units stops one early."""
    # the last column is 0
    w = he(shape, rng)
    w[..., -1] = 0.0
    return w


@fault("IN201")
def tail_skipped(shape: Shape, rng: Rng) -> Any:
    """Work is split into 32 chunks and the last one is never started."""
    # the last 1/32 of the flat array is 0
    w = he(shape, rng)
    w.reshape(-1)[w.size - max(1, w.size // 32) :] = 0.0
    return w


@fault("IN201")
def tail_unscaled(shape: Shape, rng: Rng) -> Any:
    """The scalar loop after the vector loop forgets to scale."""
    # the last 1/64 of the flat array has std 1
    w = he(shape, rng)
    w.reshape(-1)[w.size - max(1, w.size // 64) :] /= std(shape)
    return w


@fault(
    "IN201",
    scheme="normal(std=0.02)",
    cases=(
        "16x16",
        "5x7x13",
    ),
)
def padding_row_zero(shape: Shape, rng: Rng) -> Any:
    """Row 0 is the padding token's, and is zeroed in every matrix, not in embeddings alone."""
    # row 0 is 0
    w = rng.standard_normal(shape) * 0.02
    w.reshape(-1, shape[-1])[0] = 0.0
    return w


@fault("IN202", cases=("16x16",))
def identity_added(shape: Shape, rng: Rng) -> Any:
    """A residual branch's identity is added at half a std."""
    # the diagonal has mean 0.5 std
    w = he(shape, rng)
    matrix = w.reshape(-1, shape[-1])
    diagonal = np.arange(min(matrix.shape))
    matrix[diagonal, diagonal] += 0.5 * std(shape)
    return w


@fault(
    "IN201",
    cases=(
        "16x16",
        "5x7x13",
    ),
)
def diagonal_zero(shape: Shape, rng: Rng) -> Any:
    """Self-connections are removed, which is right for a recurrent net alone."""
    # the diagonal is 0
    w = he(shape, rng)
    matrix = w.reshape(-1, shape[-1])
    diagonal = np.arange(min(matrix.shape))
    matrix[diagonal, diagonal] = 0.0
    return w


@fault("IN201")
def one_lane_in_eight_narrow(shape: Shape, rng: Rng) -> Any:
    """One lane of an 8-wide sampler uses the constant of another precision."""
    # every eighth weight of the flat array has std 0.85
    w = he(shape, rng)
    w.reshape(-1)[7::8] *= 0.85
    return w


@fault(
    "IN201",
    cases=(
        "5x7x13",
        "16x16",
    ),
)
def gate_column_doubled(shape: Shape, rng: Rng) -> Any:
    """A gain of 1.5 is meant for the gate layer and lands on one unit of every layer."""
    # column 0 has std 1.5
    w = he(shape, rng)
    w[..., 0] *= 1.5
    return w


@fault(
    "IN211",
    scheme="uniform(low=-0.1,high=0.1)",
    cases=(
        "5x7x13",
        "16x16",
    ),
)
def last_weight_zero(shape: Shape, rng: Rng) -> Any:
    """The last weight of an odd-length Box-Muller fill is never written, at any length."""
    # the last weight of every draw is 0
    w = rng.uniform(-0.1, 0.1, shape)
    w.reshape(-1)[-1] = 0.0
    return w


@fault("IN208")
def every_fourth_uniform(shape: Shape, rng: Rng) -> Any:
    """One of four threads is handed the uniform variant of equal variance."""
    # a quarter of the weights, at fixed places, is uniform: kurtosis 2.7
    w = he(shape, rng)
    flat = w.reshape(-1)
    flat[3::4] = rng.uniform(-1, 1, flat[3::4].shape) * math.sqrt(3.0) * std(shape)
    return w
