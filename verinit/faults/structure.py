"""Initializers whose single weights have the right law, and whose weights together have not."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, he, matrix


@fault("IN301")
def a_faint_common_component(shape: Shape, rng: Rng) -> Any:
    """Every row gets a random offset of its own, as from a bias that is folded into the kernel."""
    z = matrix(he(shape, rng))
    std = math.sqrt(2.0 / z.shape[0])
    offset = rng.standard_normal((z.shape[0], 1)) * std
    return (math.sqrt(0.9) * z + math.sqrt(0.1) * offset).reshape(shape)


@fault("IN302")
def unequal_columns(shape: Shape, rng: Rng) -> Any:
    """Half of the units come from an older checkpoint with another gain; the total variance is right."""
    w = matrix(he(shape, rng))
    gains = np.where(np.arange(w.shape[1]) % 2 == 0, math.sqrt(1.6), math.sqrt(0.4))
    return (w * gains).reshape(shape)


@fault("IN302")
def normalised_columns(shape: Shape, rng: Rng) -> Any:
    """Every column is scaled to the same length: right on average, too equal to be random."""
    w = matrix(he(shape, rng))
    return (w / np.linalg.norm(w, axis=0) * math.sqrt(2.0)).reshape(shape)


@fault("IN303")
def smoothed(shape: Shape, rng: Rng) -> Any:
    """A moving average along the rows, rescaled to the right variance."""
    w = matrix(he(shape, rng))
    return (0.9 * w + 0.4358898943540674 * np.roll(w, 1, axis=0)).reshape(shape)


@fault("IN304", cases=("48x80",))
def symmetric(shape: Shape, rng: Rng) -> Any:
    """(W + W') / sqrt(2) on the leading square, from code that was written for undirected graphs."""
    w = matrix(he(shape, rng))
    k = min(w.shape)
    i, j = np.triu_indices(k, 1)
    w[j, i] = w[i, j]
    return w.reshape(shape)


@fault("IN305", cases=("48x80",))
def one_unit_twice(shape: Shape, rng: Rng) -> Any:
    """An index that is off by one copies a column over its neighbour."""
    w = matrix(he(shape, rng))
    w[:, 1] = w[:, 0]
    return w.reshape(shape)


@fault("IN306")
def secretly_orthogonal(shape: Shape, rng: Rng) -> Any:
    """An orthogonal initializer is registered as He's: every weight's law is nearly right."""
    w = matrix(he(shape, rng))
    tall = w if w.shape[0] >= w.shape[1] else w.T
    q, _ = np.linalg.qr(tall)
    q = q * rng.choice([-1.0, 1.0], q.shape[1]) * math.sqrt(2.0 * tall.shape[0] / w.shape[0])
    return (q if w.shape[0] >= w.shape[1] else q.T).reshape(shape)


@fault("IN307")
def buffer_filled_twice(shape: Shape, rng: Rng) -> Any:
    """A block of random numbers is drawn once and tiled to fill the array (arrayfire#898)."""
    w = he(shape, rng).ravel()
    half = w.size // 2
    w[half : 2 * half] = w[:half]
    return w.reshape(shape)


@fault("IN308", alone=True)
def centred_after_drawing(shape: Shape, rng: Rng) -> Any:
    """The sample mean is subtracted "to remove bias": the sum of the weights is always 0."""
    w = he(shape, rng)
    return w - w.mean()


@fault("IN308")
def antithetic(shape: Shape, rng: Rng) -> Any:
    """Every draw comes with its negative, a variance reduction from Monte-Carlo code."""
    w = he(shape, rng).ravel()
    half = w.size // 2
    w[w.size - half :] = -w[:half][::-1]
    return w.reshape(shape)


@fault("IN309", alone=True)
def rescaled_to_the_exact_variance(shape: Shape, rng: Rng) -> Any:
    """LSUV-style rescaling to the promised standard deviation, never mentioned."""
    w = he(shape, rng)
    return w / math.sqrt(np.mean(w * w)) * math.sqrt(2.0 / math.prod(shape[:-1]))


@fault("IN310")
def half_the_state_is_shared(shape: Shape, rng: Rng) -> Any:
    """Each layer adds its own noise to a matrix that is drawn from a fixed seed."""
    shared = he(shape, np.random.default_rng(7))
    return math.sqrt(0.5) * he(shape, rng) + math.sqrt(0.5) * shared
