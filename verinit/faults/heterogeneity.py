"""Initializers whose rows, columns, blocks or draws have unequal variance, the mean variance being right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, he


def _rows(w: Any, shape: Shape, scale: Any) -> Any:
    return (w.reshape(-1, shape[-1]) * scale[:, None]).reshape(shape)


@fault("IN209", cases=("16x16",))
def every_other_draw_wide(shape: Shape, rng: Rng) -> Any:
    """Half of the layers go through a cached gain, the others do not."""
    # a draw has std 0.6 or 1.28, at random
    return he(shape, rng) * (0.6 if rng.random() < 0.5 else math.sqrt(2 - 0.36))


@fault("IN209")
def variance_runs_down_the_rows(shape: Shape, rng: Rng) -> Any:
    """A positional decay is multiplied in."""
    # std falls linearly along the rows, 5 to 1
    w = he(shape, rng)
    ramp = np.linspace(5.0, 1.0, math.prod(shape[:-1]))
    return _rows(w, shape, ramp / np.sqrt(np.mean(ramp**2)))


@fault("IN201")
def packed_projection(shape: Shape, rng: Rng) -> Any:
    """Query, key and value are packed: one third is scaled by its own fan (pytorch#166378, 0.707x)."""
    # the first third of the columns is 0.707 wide, the rest as claimed
    w = he(shape, rng)
    w[..., : max(1, shape[-1] // 3)] *= math.sqrt(0.5)
    return w


@fault(
    "IN302",
    cases=(
        "3x5x8x16",
        "48x80",
    ),
)
def columns_alternate(shape: Shape, rng: Rng) -> Any:
    """Even and odd units belong to two gates with gains of their own."""
    # std 0.9 and 1.09 by the parity of the column
    scale = np.where(np.arange(shape[-1]) % 2 == 0, 0.9, math.sqrt(2 - 0.81))
    return he(shape, rng) * scale


@fault("IN302")
def columns_have_random_scale(shape: Shape, rng: Rng) -> Any:
    """Weight normalisation's g is initialised at random and folded in."""
    # a column's std is lognormal, 12 %
    g = np.exp(0.12 * rng.standard_normal(shape[-1]) - 0.12**2)
    return he(shape, rng) * g


@fault("IN302")
def rows_have_random_scale(shape: Shape, rng: Rng) -> Any:
    """Feature scales of one batch are divided out, row by row."""
    # a row's std is lognormal, 12 %
    g = np.exp(0.12 * rng.standard_normal(math.prod(shape[:-1])) - 0.12**2)
    return _rows(he(shape, rng), shape, g)


@fault(
    "IN309",
    cases=(
        "48x80/float32",
        "64x32",
    ),
)
def draws_have_random_scale(shape: Shape, rng: Rng) -> Any:
    """The std is estimated from 200 samples of data before it is used (LSUV on a small batch)."""
    # a draw's std varies by 6 %
    return he(shape, rng) * math.exp(0.06 * rng.standard_normal() - 0.06**2)


@fault(
    "IN302",
    cases=(
        "48x80",
        "48x80/float32",
    ),
)
def blocks_alternate(shape: Shape, rng: Rng) -> Any:
    """Expert blocks of four inputs alternate between two precisions' gains."""
    # rows 4k..4k+3 have std 0.92 or 1.07 by the parity of k
    parity = (np.arange(math.prod(shape[:-1])) // 4) % 2
    return _rows(he(shape, rng), shape, np.where(parity == 0, 0.92, math.sqrt(2 - 0.92**2)))


@fault(
    "IN201",
    scheme="uniform(low=-0.1,high=0.1)",
    cases=(
        "16x16",
        "5x7x13",
    ),
)
def one_narrow_uniform_row(shape: Shape, rng: Rng) -> Any:
    """The class-token row keeps its own, smaller bound."""
    # row 0 has half the bound
    w = rng.uniform(-0.1, 0.1, shape)
    w.reshape(-1, shape[-1])[0] *= 0.5
    return w


@fault("IN201")
def wide_corner(shape: Shape, rng: Rng) -> Any:
    """A pretrained block of another width is pasted into the corner."""
    # the leading quarter block has std 1.3
    w = he(shape, rng)
    matrix = w.reshape(-1, shape[-1])
    matrix[: max(1, matrix.shape[0] // 2), : max(1, shape[-1] // 2)] *= 1.3
    return w
