"""R draws of an (m, n) matrix enter the tests of structure as one array z: (R, m, n).

z holds normal scores: iid N(0, 1) when the code is right. A matrix (m, n) counts as one draw; conv kernels
enter as (prod(kernel) * in, out). What may be pooled over draws, and what must not:

- rows, columns, neighbours, triangles, pairs of rows and factors of a QR are formed within each draw, and
  their statistics, which are independent from draw to draw, are stacked: `rows`, `columns`.
- the draws themselves are lines too, and so are the R values of each position: `draws`, `positions`.
  Stacked into one long sample they would hide a sample that was standardised, stratified or made
  antithetic draw by draw: the whole looks right, even better than right, and only the draws' own means and
  variances, too equal to be true, give it away.
- repetition is looked for in all draws end to end, in the order of drawing: `repeats`.

Every test of lines takes x: (G, L, n), L lines of n numbers in each of G groups; these views make it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from verinit.statistics.family import share, worst
from verinit.vocabulary import Evidence, Rates, UsageError

Floats = NDArray[np.float64]
LARGEST = 1e60
"""Scores beyond this are no numbers to test: N(0, 1) never gets there, and fourth powers would overflow."""


class LineTest(Protocol):
    """A test on L lines of n numbers in each of G groups; x: (G, L, n)."""

    def __call__(self, x: Floats, rates: Rates, *, quantity: str) -> Evidence: ...


def stack(z: ArrayLike) -> Floats:
    """The draws as (R, m, n) in float64.

    Raises `UsageError` for another number of axes and for nothing at all.
    """
    x = np.asarray(z, dtype=np.float64)
    if x.ndim == 2:
        x = x[np.newaxis]
    if x.ndim != 3 or x.size == 0:
        raise UsageError(
            f"z of shape {np.shape(z)}: structure is tested on a matrix (m, n) or a stack of draws (R, m, n) "
            "that is not empty; reshape a kernel to (-1, out) first"
        )
    return x


def at_least(x: Floats, *, lines: int = 1, length: int = 1) -> None:
    """Raise `UsageError` unless x: (G, L, n) has enough lines of enough numbers."""
    if x.shape[1] < lines or x.shape[2] < length:
        raise UsageError(
            f"{x.shape[1]} lines of {x.shape[2]} numbers: this test needs at least {lines} of {length}"
        )


def rows(z: ArrayLike) -> Floats:
    """M rows of n numbers in each draw."""
    return stack(z)


def columns(z: ArrayLike) -> Floats:
    """N columns of m numbers in each draw."""
    return stack(z).swapaxes(1, 2)


def draws(z: ArrayLike) -> Floats:
    """R draws of m n numbers, in one group."""
    x = stack(z)
    return x.reshape(1, len(x), -1)


def positions(z: ArrayLike) -> Floats:
    """Every one of m n positions is a line of R numbers; all are in one group.

    Raises `UsageError` for a single draw, in which a position has no company.
    """
    x = draws(z)
    at_least(x, lines=2)
    return x.swapaxes(1, 2)


def fit(x: Floats) -> bool:
    """Whether every score is a number a test can be made of, and not all are the same.

    Raises `UsageError` where there is none.
    """
    if x.size == 0:
        raise UsageError("no numbers were given: a statistical test needs at least one draw")
    low, high = float(x.min()), float(x.max())
    return low > -LARGEST and high < LARGEST and (low < high or x.size == 1)


def unfit(x: Floats, quantity: str) -> Evidence:
    """The evidence of scores that have no place in a law: it fails whatever is allowed."""
    bad = int(np.count_nonzero(~(np.abs(x) < LARGEST)))
    said = f"{bad} of {x.size} scores are nan, infinite or beyond {LARGEST:g}"
    return Evidence(
        quantity=quantity,
        expected=0.0,
        observed=math.nan,
        distance=math.nan,
        tolerance=0.0,
        n=x.size,
        p=0.0,
        log10_p=-math.inf,
        detail=said if bad else f"all {x.size} scores are equal",
    )


def both_axes(test: LineTest, z: ArrayLike, rates: Rates, *, quantity: str) -> Evidence:
    """One test on rows and on columns alike, at half the rate each; the worse is reported."""
    half = share(rates, 2)
    views = {"rows": rows(z), "columns": columns(z)}
    parts = [(name, test(x, half, quantity=quantity)) for name, x in views.items()]
    return worst(
        [replace(part, detail=f"{name} {part.detail}".strip()) for name, part in parts],
    )
