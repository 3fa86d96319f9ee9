"""Initializers whose weights agree with their law better than chance does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import ndtri

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, he, std


@fault("IN306", scheme="uniform(low=-0.1,high=0.1)")
def golden_ratio_sequence(shape: Shape, rng: Rng) -> Any:
    """Weyl's sequence with a random start is used for its even coverage."""
    # w_i determined by w_{i-1}: u_i = u_{i-1} + 0.618 mod 1
    u = (rng.random() + np.arange(math.prod(shape)) * ((math.sqrt(5.0) - 1.0) / 2.0)) % 1.0
    return (0.2 * u - 0.1).reshape(shape)


@fault("IN308")
def standardised(shape: Shape, rng: Rng) -> Any:
    """Each layer is standardised to its claimed std after the draw (weight standardisation)."""
    # mean exactly 0 and std exactly right in every draw
    w = rng.standard_normal(shape)
    w -= w.mean()
    return w * (std(shape) / max(math.sqrt(np.mean(w * w)), 1e-300))


@fault("IN308")
def centred(shape: Shape, rng: Rng) -> Any:
    """The mean of each layer is subtracted."""
    # mean exactly 0 in every draw
    w = he(shape, rng)
    return w - w.mean()


@fault("IN301")
def columns_centred(shape: Shape, rng: Rng) -> Any:
    """Each unit's weights are centred, so that constant inputs vanish."""
    # column means exactly 0; the variance is restored
    fan_in = math.prod(shape[:-1])
    w = he(shape, rng).reshape(fan_in, -1)
    w = (w - w.mean(axis=0)) * math.sqrt(fan_in / max(fan_in - 1, 1))
    return w.reshape(shape)


@fault(
    "IN302",
    cases=(
        "48x80",
        "48x80/float32",
    ),
)
def columns_of_one_length(shape: Shape, rng: Rng) -> Any:
    """Units are scaled to equal norm, as weight normalisation does."""
    # column norms exactly sqrt(2)
    w = rng.standard_normal((math.prod(shape[:-1]), shape[-1]))
    return (w * (math.sqrt(2.0) / np.linalg.norm(w, axis=0))).reshape(shape)


@fault("IN211")
def quantiles_shuffled(shape: Shape, rng: Rng) -> Any:
    """The n quantiles of the law are shuffled: a perfect histogram."""
    # every draw holds the same n values
    n = math.prod(shape)
    z = ndtri((np.arange(n) + 0.5) / n)
    return (rng.permutation(z) * std(shape)).reshape(shape)


@fault("IN308", scheme="uniform(low=-0.1,high=0.1)")
def stratified(shape: Shape, rng: Rng) -> Any:
    """One uniform is drawn from each of n equal cells, and the cells are shuffled."""
    # one weight per cell of probability 1/n
    n = math.prod(shape)
    u = (rng.permutation(n) + rng.random(n)) / n
    return (0.2 * u - 0.1).reshape(shape)


@fault("IN302")
def latin_hypercube(shape: Shape, rng: Rng) -> Any:
    """Each unit's weights are a Latin hypercube sample: stratified within a column."""
    # one weight of a column per cell of probability 1/fan_in
    rows, columns = math.prod(shape[:-1]), shape[-1]
    cells = rng.random((rows, columns)).argsort(axis=0)
    u = (cells + rng.random((rows, columns))) / rows
    return (ndtri(u) * std(shape)).reshape(shape)


@fault("IN309")
def std_half_corrected(shape: Shape, rng: Rng) -> Any:
    """A layer's std is pulled towards its target by one damped step of LSUV."""
    # the std of a draw varies half as much as by chance
    w = he(shape, rng)
    s = math.sqrt(np.mean(w * w)) / std(shape)
    return w / math.sqrt(s)


@fault("IN315", alone=True)
def columns_decorrelated_in_pairs(shape: Shape, rng: Rng) -> Any:
    """Neighbouring units are made orthogonal by one Gram-Schmidt step, and scaled back."""
    # columns 2k and 2k+1 are exactly orthogonal
    w = he(shape, rng).reshape(-1, shape[-1])
    pairs = shape[-1] // 2
    a, b = w[:, 0 : 2 * pairs : 2], w[:, 1 : 2 * pairs : 2]
    length = np.linalg.norm(b, axis=0)
    c = b - a * ((a * b).sum(axis=0) / (a * a).sum(axis=0))
    w[:, 1 : 2 * pairs : 2] = c * (length / np.maximum(np.linalg.norm(c, axis=0), 1e-300))
    return w.reshape(shape)
