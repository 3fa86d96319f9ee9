"""Initializers whose weights are not centred."""

from __future__ import annotations

from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, he, std


@fault("IN202")
def half_normal(shape: Shape, rng: Rng) -> Any:
    """A network of non-negative weights lends its initializer: the sign is dropped."""
    # |N(0, s^2)|: the mean is 0.8 std
    return np.abs(he(shape, rng))


@fault("IN202", scheme="uniform(low=-0.1,high=0.1)")
def low_forgotten(shape: Shape, rng: Rng) -> Any:
    """`rng.random() * high` is returned and `low` is never read."""
    # U(0, 0.1) instead of U(-0.1, 0.1)
    return rng.random(shape) * 0.1


@fault("IN202", alone=True)
def mean_five_percent(shape: Shape, rng: Rng) -> Any:
    """A sampler rounds its uniforms down before it inverts them, which moves the mean (jax a44c1caf)."""
    # mean -0.05 std
    return he(shape, rng) - 0.05 * std(shape)


@fault(
    "IN203",
    scheme="uniform(low=-0.1,high=0.1)",
    cases=(
        "5x7x13",
        "64x32",
    ),
)
def low_moved_by_an_eightieth(shape: Shape, rng: Rng) -> Any:
    """A range of 256 levels is anchored at its lower end, and every weight sits half a level high."""
    # U(-0.0975, 0.1025): mean +0.0025, 4.3 % of a std, and values above the bound
    return rng.uniform(-0.0975, 0.1025, shape)


@fault(
    "IN301",
    cases=(
        "48x80",
        "64x32",
    ),
)
def columns_alternate_in_mean(shape: Shape, rng: Rng) -> Any:
    """An unmixed on/off-centre prior is left in: odd output units lean up, even ones down."""
    # column means +-0.1 std, grand mean 0
    lean = 0.1 * (-1.0) ** np.arange(shape[-1])
    return he(shape, rng) + std(shape) * lean


@fault(
    "IN201",
    cases=(
        "5x7x13",
        "16x16",
    ),
)
def one_column_leans(shape: Shape, rng: Rng) -> Any:
    """The forget gate's bias of one is added to a column of weights, not to the bias."""
    # column 0 has mean 1 std
    w = he(shape, rng)
    w[..., 0] += std(shape)
    return w


@fault(
    "IN202",
    cases=(
        "48x80",
        "16x16",
    ),
)
def sign_bit_biased(shape: Shape, rng: Rng) -> Any:
    """The sign is taken from a low bit of a weak generator: 51 % of the weights are positive."""
    # P(w > 0) = 0.51 with |w| correct: mean +0.016 std
    sign = np.where(rng.random(shape) < 0.51, 1.0, -1.0)
    return np.abs(he(shape, rng)) * sign


@fault(
    "IN308",
    cases=(
        "48x80",
        "3x5x8x16",
    ),
)
def every_draw_has_its_own_mean(shape: Shape, rng: Rng) -> Any:
    """A layer's random bias is broadcast into its weights."""
    # the mean of a draw is N(0, 0.08^2) std: weights of one draw are correlated by 0.006
    return he(shape, rng) + 0.08 * std(shape) * rng.standard_normal()
