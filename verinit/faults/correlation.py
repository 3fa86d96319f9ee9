"""Initializers whose weights are exactly normal and lean on one another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, std


def _share(shape: Shape, rng: Rng, rho: Any, shared: Any) -> Any:
    """sqrt(1-rho) z + sqrt(rho) f, with a factor f of the shape `shared`, per (fan_in, out)."""
    z = rng.standard_normal((math.prod(shape[:-1]), shape[-1]))
    f = rng.standard_normal(shared)
    return ((math.sqrt(1.0 - rho) * z + math.sqrt(rho) * f) * std(shape)).reshape(shape)


def _neighbours(rho: Any, z: Any) -> Any:
    """A z_i + b z_{i+1} along the last axis: lag-1 correlation rho, variance 1."""
    b = math.sqrt((1.0 - math.sqrt(1.0 - 4.0 * rho * rho)) / 2.0) * math.copysign(1.0, rho)
    return math.sqrt(1.0 - b * b) * z[..., :-1] + b * z[..., 1:]


@fault("IN315")
def autoregressive(shape: Shape, rng: Rng) -> Any:
    """A congruential generator of small multiplier feeds consecutive weights."""
    # AR(1) in flat order, rho 0.5
    memory = 0.5 ** np.arange(54)  # beyond it nothing is left of a float64
    z = rng.standard_normal(math.prod(shape) + memory.size - 1)
    return np.convolve(z, memory, "valid").reshape(shape) * math.sqrt(0.75) * std(shape)


@fault("IN301")
def columns_share_a_factor(shape: Shape, rng: Rng) -> Any:
    """Every unit adds a bias of its own to all of its weights."""
    # correlation 0.05 within a column
    return _share(shape, rng, 0.05, (1, shape[-1]))


@fault("IN301")
def rows_share_a_factor(shape: Shape, rng: Rng) -> Any:
    """Every input adds a factor of its own, left from an embedding's norm."""
    # correlation 0.03 within a row
    return _share(shape, rng, 0.03, (math.prod(shape[:-1]), 1))


@fault("IN303")
def neighbours_in_a_row(shape: Shape, rng: Rng) -> Any:
    """A lagged generator uses each word for two weights, weighted."""
    # correlation 0.05 between neighbours in flat order
    z = rng.standard_normal(math.prod(shape) + 1)
    return _neighbours(0.05, z).reshape(shape) * std(shape)


@fault("IN303")
def neighbours_in_a_column(shape: Shape, rng: Rng) -> Any:
    """Weights are smoothed along the inputs, as for a spline basis."""
    # correlation 0.05 between vertical neighbours, 0 between horizontal ones
    z = rng.standard_normal((shape[-1], math.prod(shape[:-1]) + 1))
    return np.ascontiguousarray(_neighbours(0.05, z).T).reshape(shape) * std(shape)


@fault("IN303")
def neighbours_repel(shape: Shape, rng: Rng) -> Any:
    """A sampler balances each weight against the one before."""
    # correlation -0.06 between neighbours in flat order
    z = rng.standard_normal(math.prod(shape) + 1)
    return _neighbours(-0.06, z).reshape(shape) * std(shape)


@fault("IN304", alone=True)
def transposed_pairs(shape: Shape, rng: Rng) -> Any:
    """A matrix is half symmetrised: a tenth of its transpose is mixed in."""
    # w_ij and w_ji correlate by 0.2 on the leading square; the marginals stay exact
    w = rng.standard_normal((math.prod(shape[:-1]), shape[-1]))
    k = min(w.shape)
    square = w[:k, :k]
    b = 0.1015
    mixed = math.sqrt(1.0 - b * b) * square + b * square.T
    mixed[np.arange(k), np.arange(k)] = np.diagonal(square)
    w[:k, :k] = mixed
    return (w * std(shape)).reshape(shape)


@fault("IN315")
def volatility_clusters(shape: Shape, rng: Rng) -> Any:
    """Box-Muller's radius is shared by the sine and the cosine with a wrong angle."""
    # neighbours 2k, 2k+1 have radii in common: signs and products are independent, |w| correlates by 0.4
    n = math.prod(shape)
    radius = np.repeat(np.sqrt(-np.log1p(-rng.random((n + 1) // 2)) * 2.0), 2)[:n]
    return (radius * np.cos(2 * math.pi * rng.random(n)) * std(shape)).reshape(shape)


@fault(
    "IN303",
    cases=(
        "5x7x13",
        "16x16",
    ),
    alone=True,
)
def sign_sticks(shape: Shape, rng: Rng) -> Any:
    """The sign bit is reused for the next weight three times in a hundred too often."""
    # neighbouring signs agree with probability 0.53, |w| is independent: correlation 0.038
    n = math.prod(shape)
    flips = np.where(rng.random(n) < 0.53, 1.0, -1.0)
    flips[0] = rng.choice([-1.0, 1.0])
    return (np.abs(rng.standard_normal(n)) * np.cumprod(flips) * std(shape)).reshape(shape)


@fault("IN303", scheme="uniform(low=-0.1,high=0.1)")
def uniform_neighbours_swapped(shape: Shape, rng: Rng) -> Any:
    """Two uniforms share their high bits now and then."""
    # one in twenty weights lies within 1/16 bound of its left neighbour: correlation 0.05, marginal uniform
    n = math.prod(shape)
    u = rng.random(n)
    near = (np.roll(u, 1) + rng.random(n) / 16.0) % 1.0
    take = (rng.random(n) < 0.1) & (np.arange(n) % 2 == 1)
    return (0.2 * np.where(take, near, u) - 0.1).reshape(shape)
