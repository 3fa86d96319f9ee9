"""The shape of a law: Legendre scores of u = F(x), and the shares of draws in the tails.

Assumption: the draws are iid, so u is uniform on (0, 1) when the law is right. The scores are the
orthonormal polynomials phi_k(u) = sqrt(2k + 1) P_k(2u - 1): centred, of variance 1, bounded. Their mean is
judged by Chernoff's bound on their exact law (Neyman 1937 with a proven tail). The tail counts are
binomial, exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from verinit.statistics import binomial, marginal
from verinit.statistics.chernoff import Terms, limits
from verinit.statistics.family import share, worst
from verinit.statistics.planning import root_n
from verinit.statistics.pooling import fit, unfit
from verinit.vocabulary import Evidence, Rates

Floats = NDArray[np.float64]
SCORES = (3, 4, 6)
"""Skewness, weight of the tails, and one order more: what mean and variance leave unseen."""
THRESHOLDS = (0.1, 1.0, 2.0, 2.5, 3.0, 3.5, 4.0)
"""|z| beyond which draws are counted: the centre, the shoulders and the tails of a normal law."""
_NODES = 768
"""Nodes for each degree. On the ellipse of parameter rho |P_k| is at most cosh(k ln rho), as P_k is a convex
combination of Chebyshev polynomials; so the Chebyshev coefficients of exp(a P_k) past 768 k sum to less
than exp(-13) for every |a| up to the 500 at which `chernoff` stops, while its mean is never below 1.
"""
_BLOCK = 8192


# -- Legendre scores -------------------------------------------------------------------------------


def legendres(highest: int, u: Floats) -> list[Floats]:
    """phi_0(u) .. phi_highest(u), the orthonormal polynomials on (0, 1), by Bonnet's recursion."""
    x = 2.0 * u - 1.0
    found = [np.ones_like(x), x]
    for j in range(1, highest):
        found.append(((2 * j + 1) / (j + 1)) * x * found[j] - (j / (j + 1)) * found[j - 1])
    return [math.sqrt(2 * j + 1) * p for j, p in enumerate(found[: highest + 1])]


def legendre(k: int, u: Floats) -> Floats:
    """phi_k(u), the k-th orthonormal polynomial on (0, 1)."""
    return legendres(k, u)[k]


def _fejer(n: int) -> tuple[Floats, Floats]:
    """Nodes on (-1, 1) and weights, of sum 1, of Fejer's first rule: exact below degree n, all positive.

    Source: Waldvogel 2006, equation 2.4, for even n.
    """
    j = np.arange(n // 2)
    half = np.exp(1j * np.pi * j / n) / (1.0 - 4.0 * j * j)
    weights = np.fft.ifft(np.concatenate([half, [0.0], half[:0:-1].conj()])).real
    return np.cos((2 * np.arange(n) + 1) * np.pi / (2 * n)), weights


@lru_cache(maxsize=16)
def score_terms(k: int) -> Terms:
    """The law of phi_k(U) for uniform U, as nodes and weights; an even score needs one half of them."""
    x, w = _fejer(_NODES * k)
    kept = x > 0 if k % 2 == 0 else np.ones_like(x, dtype=bool)
    weights = w[kept] / math.fsum(w[kept])
    return Terms(values=tuple(legendre(k, (x[kept] + 1) / 2).tolist()), weights=tuple(weights.tolist()))


@lru_cache(maxsize=16)
def score_range(k: int) -> tuple[float, float]:
    """The least and greatest value of phi_k."""
    inner = np.polynomial.legendre.Legendre.basis(k).deriv().roots().real
    values = legendre(k, (np.concatenate([[-1.0, 1.0], inner]) + 1) / 2)
    return float(values.min()), float(values.max())


def steepness(k: int) -> float:
    """The largest slope of phi_k, at the ends: k (k + 1) sqrt(2k + 1)."""
    return k * (k + 1) * math.sqrt(2 * k + 1)


def _divergence(x: float, p: float) -> float:
    """KL(x, p) of two coins; x < p, both strictly inside (0, 1)."""
    return x * math.log(x / p) + (1 - x) * (math.log1p(-x) - math.log1p(-p))


def _seen(limit: float, low: float, high: float, needed: float) -> float:
    """The least expectation of a term in [low, high] at which n KL proves that its mean passes `limit`.

    Hoeffding 1963, theorem 1: of all laws on [low, high] the two-point law strays furthest.
    """
    x = (limit - low) / (high - low)
    if not 0.0 < x < 1.0:
        return math.inf
    top = 1.0 - 2.0**-52
    if _divergence(x, top) < needed:
        return math.inf
    return low + (high - low) * float(brentq(lambda p: _divergence(x, p) - needed, x, top))


def score_resolution(n: int, rates: Rates, *, k: int, excuse: float = 0.0) -> float:
    """The expected score that n draws see, the worse of both signs.

    Alternative: any law whatever with that expected score. Infinite where not even the largest possible
    score would be seen.
    """
    below, above = limits(score_terms(k), n, rates.false_fail / 2)
    least, greatest = score_range(k)
    slack = excuse * steepness(k)
    needed = -math.log(rates.false_pass) / n
    up = _seen(above + slack, least, greatest, needed)
    down = _seen(slack - below, -greatest, -least, needed)
    return max(up, down) + slack


@lru_cache(maxsize=256)
def score_samples(rates: Rates, discrepancy: float, *, k: int) -> int:
    """Draws that see an expected score of `discrepancy`."""
    return root_n(lambda n: score_resolution(n, rates, k=k), discrepancy)


def score(total: float, n: int, rates: Rates, *, k: int, excuse: float = 0.0, quantity: str = "") -> Evidence:
    """The mean of the k-th Legendre score is 0.

    total: sum of phi_k over n draws. excuse: how far rounding may have moved any one u.
    """
    evidence = marginal.mean(
        total,
        n,
        rates,
        terms=score_terms(k),
        excuse=excuse * steepness(k),
        quantity=quantity or f"mean Legendre score {k} of F(W)",
    )
    return replace(evidence, resolution=score_resolution(n, rates, k=k, excuse=excuse))


def scores_resolution(n: int, rates: Rates, *, excuse: float = 0.0) -> float:
    """The expected score, of whichever of `SCORES`, that n draws see."""
    part = share(rates, len(SCORES))
    return max(score_resolution(n, part, k=k, excuse=excuse) for k in SCORES)


@lru_cache(maxsize=256)
def scores_samples(rates: Rates, discrepancy: float) -> int:
    """Draws that see any of the expected scores reach `discrepancy`."""
    return root_n(lambda n: scores_resolution(n, rates), discrepancy)


def _totals(u: Floats) -> list[float]:
    """The sums of the scores `SCORES`, block by block, so that the polynomials stay in the cache."""
    sums = np.zeros(len(SCORES))
    for start in range(0, u.size, _BLOCK):
        values = legendres(max(SCORES), u[start : start + _BLOCK])
        sums += [values[k].sum() for k in SCORES]
    return [float(total) for total in sums]


def scores(
    u: Floats, rates: Rates, *, excuse: float = 0.0, quantity: str = "mean Legendre score of F(W)"
) -> Evidence:
    """The scores 3, 4 and 6 of u = F(x) are centred; the furthest off is reported.

    u: any shape, probabilities; anything else among them fails.
    """
    flat = np.asarray(u, dtype=np.float64).ravel()
    inside = (flat >= 0.0) & (flat <= 1.0)
    if not (fit(flat) and inside.all()):
        return unfit(np.where(inside, flat, math.nan), quantity)
    part = share(rates, len(SCORES))
    totals = _totals(flat)
    parts = [
        replace(score(total, flat.size, part, k=k, excuse=excuse, quantity=quantity), detail=f"score {k}")
        for k, total in zip(SCORES, totals, strict=True)
    ]
    return worst(parts)


# -- tail counts -----------------------------------------------------------------------------------


def tail_share(threshold: float) -> float:
    """P(|Z| > threshold) for a normal number."""
    return 2.0 * float(ndtr(-threshold))


def _worst_share(of: Callable[[float, Rates], float], rates: Rates) -> float:
    part = share(rates, len(THRESHOLDS))
    return max(of(tail_share(c), part) for c in THRESHOLDS)


def tails_resolution(n: int, rates: Rates, *, excuse: float = 0.0) -> float:
    """The change of the share of draws beyond any of `THRESHOLDS` that n draws see.

    Alternative: any law whatever with such a share. A share cannot fall by more than itself.
    """
    return _worst_share(
        lambda q, part: binomial.share_resolution(n, part, expected=q, excuse=2 * excuse), rates
    )


@lru_cache(maxsize=256)
def tails_samples(rates: Rates, discrepancy: float) -> int:
    """Draws that see any share beyond a threshold change by `discrepancy`."""
    return root_n(lambda n: tails_resolution(n, rates), discrepancy)


def tail_counts(z: Floats) -> tuple[int, ...]:
    """How many |z| lie beyond each of `THRESHOLDS`."""
    magnitude = np.abs(z)
    return tuple(int(np.count_nonzero(magnitude > c)) for c in THRESHOLDS)


def tails(
    z: Floats, rates: Rates, *, excuse: float = 0.0, quantity: str = "share of weights beyond a threshold"
) -> Evidence:
    """As many draws lie beyond 0.1, 1, 2, 2.5, 3, 3.5 and 4 as a normal law puts there.

    z: any shape, normal scores. excuse: how far rounding may have moved any one probability u.
    """
    if not fit(z):
        return unfit(z, quantity)
    return tails_counted(tail_counts(z), z.size, rates, excuse=excuse, quantity=quantity)


def tail_counts_of(u: Floats) -> tuple[int, ...]:
    """How many draws lie beyond each of `THRESHOLDS`, from their probabilities u."""
    return tuple(
        int(np.count_nonzero(u < tail_share(c) / 2) + np.count_nonzero(u > 1 - tail_share(c) / 2))
        for c in THRESHOLDS
    )


def tails_counted(
    counts: tuple[int, ...],
    n: int,
    rates: Rates,
    *,
    excuse: float = 0.0,
    quantity: str = "share of weights beyond a threshold",
) -> Evidence:
    """As many of n draws lie beyond each threshold as a normal law puts there; exact, binomial.

    counts: from `tail_counts` or `tail_counts_of`. excuse: as for `tails`.
    """
    part = share(rates, len(THRESHOLDS))
    parts = [
        replace(
            binomial.share(hits, n, part, expected=tail_share(c), excuse=2 * excuse, quantity=quantity),
            detail=f"beyond |z| = {c:g}",
        )
        for c, hits in zip(THRESHOLDS, counts, strict=True)
    ]
    return worst(parts)
