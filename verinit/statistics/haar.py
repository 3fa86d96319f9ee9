"""Haar matrices: orthogonal, and with no preferred direction nor orientation.

For Q: (N, k) with orthonormal columns, Haar distributed, and fixed unit vectors a, b the number a'Qb is a
coordinate of a uniform point on the sphere in N dimensions: its square is Beta(1/2, (N - 1)/2), its sign
a fair coin (Muirhead 1982, theorem 1.5.7). Over R independent draws both are tested exactly. At k = N the
sign of the determinant is a fair coin too. Q times an independent Bartlett factor is iid normal exactly when
Q is Haar, so the tests of iid matrices apply as well; these see what one matrix cannot show.
Assumption: independent draws; N >= 3, as a coordinate of a circle piles up at its ends, where rounding rules.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainc, ndtri

from verinit.statistics import binomial, marginal
from verinit.statistics.family import share, worst
from verinit.statistics.pooling import LARGEST, unfit
from verinit.vocabulary import Evidence, Rates, UsageError

Floats = NDArray[np.float64]
LEAST = 3


def _matrices(q: ArrayLike, gain: float) -> Floats:
    """R draws as (R, N, k), N >= k, divided by the gain; wide ones are transposed."""
    x = np.asarray(q, dtype=np.float64)
    if x.ndim != 3 or x.size == 0 or max(x.shape[1:]) < LEAST:
        raise UsageError(
            f"q of shape {x.shape}: Haar statistics need draws (R, N, k) of matrices with a side of "
            f"at least {LEAST}"
        )
    tall = x if x.shape[1] >= x.shape[2] else x.swapaxes(1, 2)
    return np.asarray(tall / gain)


def _directions(n: int) -> tuple[Floats, Floats, Floats]:
    """Three unit vectors: the first axis, the diagonal, and a slope across all axes."""
    slope = np.arange(n) - n / 3.0 + 1.0
    return np.eye(n)[0], np.full(n, 1.0 / math.sqrt(n)), slope / np.linalg.norm(slope)


def coordinates(q: Floats) -> Floats:
    """The numbers a'Qb for five pairs of fixed directions; q: (R, N, k), result (5, R)."""
    axis, diagonal, slope = _directions(q.shape[1])
    e, d, s = _directions(q.shape[2])
    pairs = ((axis, e), (diagonal, d), (slope, s), (axis, d), (diagonal, e))
    return np.stack([(q @ b) @ a for a, b in pairs])


def _squared_scores(t: Floats, n: int) -> Floats:
    """Squared normal scores of |t|: chi-square with one degree of freedom if t is a coordinate."""
    sine = np.clip(1.0 - t * t, 0.0, 1.0)
    return np.asarray(ndtri(betainc((n - 1) / 2, 0.5, sine) / 2) ** 2)


def spread_resolution(count: int, rates: Rates) -> float:
    """By which share the mean squared score of a coordinate must differ. Alternative: scores N(0, 1 + d)."""
    return marginal.variance_resolution(count, share(rates, 5))


@lru_cache(maxsize=256)
def spread_samples(rates: Rates, discrepancy: float) -> int:
    """Draws that see the mean squared score of any of five coordinates differ by `discrepancy`."""
    return marginal.variance_samples(share(rates, 5), discrepancy)


def _nearest(t: Floats, n: int, excuse: float) -> float:
    """The sum of squared scores nearest to its expectation that rounding by `excuse` allows."""
    size = np.abs(t)
    least = float(_squared_scores(np.maximum(size - excuse, 0.0), n).sum())
    if least >= t.size:
        return least
    most = float(_squared_scores(np.minimum(size + excuse, 1.0), n).sum())
    return min(most, float(t.size))


def spread(
    q: ArrayLike,
    rates: Rates,
    *,
    gain: float = 1.0,
    excuse: float = 0.0,
    quantity: str = "mean squared score of a'Qb",
) -> Evidence:
    """Coordinates of Q are as long as those of a random direction: Beta scores, chi-square over draws.

    q: (R, N, k) or (R, k, N). excuse: how far rounding may have moved a coordinate.
    Raises `UsageError` below N = 3.
    """
    x = _matrices(q, gain)
    if not np.max(np.abs(x)) < LARGEST:
        return unfit(x, quantity)
    part, n = share(rates, 5), x.shape[1]
    totals = [_nearest(t, n, excuse) for t in coordinates(x)]
    return worst([marginal.variance(total, len(x), part, quantity=quantity) for total in totals])


def signs_resolution(count: int, rates: Rates) -> float:
    """The bias of the sign of a coordinate that is seen. Alternative: P(a'Qb > 0) = 1/2 +- d."""
    return binomial.share_resolution(count, share(rates, 5), expected=0.5)


@lru_cache(maxsize=256)
def signs_samples(rates: Rates, discrepancy: float) -> int:
    """Draws that see the sign of any of five coordinates biased by `discrepancy`."""
    return binomial.share_samples(share(rates, 5), discrepancy, expected=0.5)


def signs(
    q: ArrayLike, rates: Rates, *, gain: float = 1.0, quantity: str = "share of draws with a'Qb > 0"
) -> Evidence:
    """No coordinate of Q prefers a sign, as it does when QR's own signs are left in.

    q: (R, N, k) or (R, k, N). Raises `UsageError` below N = 3.
    """
    x = _matrices(q, gain)
    if not np.max(np.abs(x)) < LARGEST:
        return unfit(x, quantity)
    part = share(rates, 5)
    hits = [int(np.count_nonzero(t > 0)) for t in coordinates(x)]
    return worst([binomial.share(k, len(x), part, expected=0.5, quantity=quantity) for k in hits])


def orientation_resolution(count: int, rates: Rates) -> float:
    """The bias of the determinant's sign that is seen. Alternative: P(det Q > 0) = 1/2 +- d."""
    return binomial.share_resolution(count, rates, expected=0.5)


@lru_cache(maxsize=256)
def orientation_samples(rates: Rates, discrepancy: float) -> int:
    """Draws that see the sign of the determinant biased by `discrepancy`."""
    return binomial.share_samples(rates, discrepancy, expected=0.5)


def orientation(q: ArrayLike, rates: Rates, *, quantity: str = "share of draws with det Q > 0") -> Evidence:
    """Reflections come as often as rotations. Of one shape only: over shapes a bias would cancel.

    q: (R, N, N). Raises `UsageError` for other shapes and below N = 3.
    """
    x = _matrices(q, 1.0)
    if x.shape[1] != x.shape[2]:
        raise UsageError(f"q of shape {x.shape}: only square matrices have a determinant")
    if not np.max(np.abs(x)) < LARGEST:
        return unfit(x, quantity)
    sign, _ = np.linalg.slogdet(x)
    if bool(np.any(sign == 0)):
        return replace(unfit(x, quantity), detail=f"{int(np.count_nonzero(sign == 0))} draws are singular")
    return binomial.share(int(np.count_nonzero(sign > 0)), len(x), rates, expected=0.5, quantity=quantity)
