"""Initializers whose weights are, one by one, right, and are copies or orderings of one another."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, he, std


@fault("IN211")
def halves_tied(shape: Shape, rng: Rng) -> Any:
    """The two directions of a bidirectional layer are given one seed (keras#15586)."""
    # the right half of the columns equals the left half
    w = he(shape, rng)
    half = shape[-1] // 2
    w[..., shape[-1] - half :] = w[..., :half]
    return w


@fault("IN211")
def rows_repeat(shape: Shape, rng: Rng) -> Any:
    """A generator's blocks restart: every row of a block of eight recurs (arrayfire#898)."""
    # row i equals row i mod 8
    w = he(shape, rng).reshape(-1, shape[-1])
    return w[np.arange(len(w)) % 8].reshape(shape)


@fault(
    "IN315",
    cases=(
        "3x5x8x16",
        "64x32",
    ),
)
def everything_sorted(shape: Shape, rng: Rng) -> Any:
    """Quantiles of ordered uniforms are returned before they are shuffled."""
    # increasing in flat order
    return np.sort(he(shape, rng), axis=None).reshape(shape)


@fault("IN315")
def rows_sorted(shape: Shape, rng: Rng) -> Any:
    """A sampler that merges its pools returns each row in order."""
    # increasing along the last axis
    return np.sort(he(shape, rng), axis=-1)


@fault("IN211")
def antithetic_halves(shape: Shape, rng: Rng) -> Any:
    """Variance reduction is left on: the second half of the array is minus the first."""
    # flat[n/2 + i] = -flat[i]
    w = he(shape, rng)
    flat = w.reshape(-1)
    half = flat.size // 2
    flat[flat.size - half :] = -flat[:half]
    return w


@fault("IN211", scheme="normal(std=0.02)")
def antithetic_columns(shape: Shape, rng: Rng) -> Any:
    """Mirrored initialisation (concatenated ReLU): unit 2k+1 is minus unit 2k, undocumented."""
    # w[..., 2k+1] = -w[..., 2k]
    w = rng.standard_normal(shape) * 0.02
    half = shape[-1] // 2
    w[..., 1 : 2 * half : 2] = -w[..., 0 : 2 * half : 2]
    return w


@fault(
    "IN211",
    cases=(
        "5x7x13",
        "16x16",
    ),
)
def tile_of_eight(shape: Shape, rng: Rng) -> Any:
    """An 8x8 block is drawn and broadcast over the matrix (flax#2701: batch blocks identical)."""
    # w_ij depends on i mod 8 and j mod 8
    rows, columns = math.prod(shape[:-1]), shape[-1]
    tile = rng.standard_normal((8, 8)) * std(shape)
    return tile[np.arange(rows)[:, None] % 8, np.arange(columns) % 8].reshape(shape)


@fault(
    "IN209",
    cases=(
        "64x32",
        "48x80",
    ),
)
def low_rank(shape: Shape, rng: Rng) -> Any:
    """Two LoRA factors of rank 8 are multiplied and called a dense initializer."""
    # rank 8, kurtosis 3.75
    rows, columns = math.prod(shape[:-1]), shape[-1]
    product = rng.standard_normal((rows, 8)) @ rng.standard_normal((8, columns))
    return (product * (std(shape) / math.sqrt(8.0))).reshape(shape)


@fault("IN315")
def rank_one_signs(shape: Shape, rng: Rng) -> Any:
    """Signs are made by one word per row and one per column, to save random bits."""
    # marginals exact, entries pairwise independent, the signs of any rectangle multiply to +1
    w = np.abs(he(shape, rng)).reshape(-1, shape[-1])
    signs = rng.choice([-1.0, 1.0], (len(w), 1)) * rng.choice([-1.0, 1.0], shape[-1])
    return (w * signs).reshape(shape)


@fault("IN211")
def magnitudes_shared_by_two_rows(shape: Shape, rng: Rng) -> Any:
    """One magnitude serves two rows, with signs of their own."""
    # |row 2k+1| = |row 2k|, signs independent: no correlation, equal squares
    w = he(shape, rng)
    matrix = w.reshape(-1, shape[-1])
    pairs = len(matrix) // 2
    matrix[1 : 2 * pairs : 2] = matrix[0 : 2 * pairs : 2] * rng.choice([-1.0, 1.0], (pairs, shape[-1]))
    return w


@fault(
    "IN211",
    cases=(
        "16x16",
        "3x5x8x16",
    ),
)
def columns_reshuffle_the_first(shape: Shape, rng: Rng) -> Any:
    """Every unit gets a permutation of one unit's weights."""
    # all columns hold the same set of values
    rows, columns = math.prod(shape[:-1]), shape[-1]
    first = rng.standard_normal((rows, 1)) * std(shape)
    return rng.permuted(np.broadcast_to(first, (rows, columns)).copy(), axis=0).reshape(shape)


@fault("IN211")
def last_column_is_the_first(shape: Shape, rng: Rng) -> Any:
    """A ring buffer is one unit short, and wraps."""
    # one pair of equal columns
    w = he(shape, rng)
    w[..., -1] = w[..., 0]
    return w


@fault("IN211")
def buffer_wraps(shape: Shape, rng: Rng) -> Any:
    """A pool of random numbers is 2 % too small, and starts again."""
    # the last 2 % of the flat array equals the first 2 %
    w = he(shape, rng)
    flat = w.reshape(-1)
    short = max(1, flat.size // 50)
    flat[flat.size - short :] = flat[:short]
    return w


@fault("IN315")
def checkerboard_of_signs(shape: Shape, rng: Rng) -> Any:
    """Signs alternate by place so that every sum is balanced, and one coin flips them all."""
    # sign(w_ij) = c (-1)^(i+j)
    w = np.abs(he(shape, rng)).reshape(-1, shape[-1])
    board = (-1.0) ** (np.arange(len(w))[:, None] + np.arange(shape[-1]))
    return (w * board * rng.choice([-1.0, 1.0])).reshape(shape)
