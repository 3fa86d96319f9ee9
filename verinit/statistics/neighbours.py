"""Correlations between numbers at different places of one matrix, or of two.

If b: (n,) is iid N(0, 1) and independent of a, then a.b / |a| is N(0, 1) exactly, whatever a is
(rotation invariance; Muirhead 1982, section 1.5). Pairs are disjoint, so that a and b share no number.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from verinit.statistics import marginal
from verinit.statistics.planning import root_n
from verinit.statistics.pooling import at_least, fit, stack, unfit
from verinit.statistics.tails import chi_square_limits, log_normal, normal_limit, p_value
from verinit.vocabulary import Evidence, Rates, UsageError

Floats = NDArray[np.float64]


def correlation_resolution(pairs: int, rates: Rates) -> float:
    """The correlation that `pairs` pairs see; above 1 where none is.

    Alternative: b = rho a + sqrt(1 - rho^2) e with e iid N(0, 1), so that a.b / |a| is rho |a| and a normal
    number of std at most 1. It falls short only if |a|^2, chi-square, or that number is low: half of
    `false_pass` each. About (z_{a/2} + z_b) / sqrt(pairs).
    """
    shortest, _ = chi_square_limits(pairs, rates.false_pass / 2)
    if shortest <= 0.0:
        return math.inf
    needed = normal_limit(rates.false_fail / 2) + normal_limit(rates.false_pass / 2)
    return needed / math.sqrt(pairs * shortest)


@lru_cache(maxsize=256)
def correlation_samples(rates: Rates, discrepancy: float) -> int:
    """Pairs that see a correlation of `discrepancy`."""
    return root_n(lambda n: correlation_resolution(n, rates), discrepancy)


def correlation(a: Floats, b: Floats, rates: Rates, *, quantity: str = "correlation") -> Evidence:
    """Numbers at two places are uncorrelated: a.b / |a| is a normal number.

    a, b: the same shape, no number in both. What is reported is that number over sqrt(n).
    Raises `UsageError` for shapes that differ and for fewer than two pairs.
    """
    if a.shape != b.shape or a.size < 2:
        raise UsageError(f"shapes {a.shape} and {b.shape}: a correlation needs two or more pairs of numbers")
    if not (fit(a) and fit(b)):
        return unfit(np.stack([a, b]), quantity)
    left, right = a.ravel(), b.ravel()
    length = math.sqrt(float(left @ left))
    z = float(left @ right) / length if length > 0 else math.nan
    p, log10_p = p_value(log_normal(z))
    root = math.sqrt(left.size)
    reach = normal_limit(rates.false_fail / 2) / root
    return Evidence(
        quantity=quantity,
        expected=0.0,
        observed=z / root,
        distance=abs(z) / root,
        tolerance=reach,
        resolution=correlation_resolution(left.size, rates),
        interval=(z / root - reach, z / root + reach),
        n=2 * left.size,
        basis="normal",
        p=p,
        log10_p=log10_p,
    )


def neighbours_pairs(shape: tuple[int, int, int]) -> int:
    """Disjoint pairs of neighbours in G groups of L lines of n numbers: G (L // 2) n."""
    groups, lines, length = shape
    return groups * (lines // 2) * length


def neighbours(x: Floats, rates: Rates, *, quantity: str = "correlation of neighbours") -> Evidence:
    """A number knows nothing of the one at its place in the next line.

    x: (G, L, n); lines 1 and 2, 3 and 4 and so on are paired, number by number. Triple:
    `correlation_resolution` and `correlation_samples` of `neighbours_pairs`. Alternative: each pair
    correlates by rho.
    """
    at_least(x, lines=2)
    half = x.shape[1] // 2 * 2
    return correlation(x[:, 0:half:2, :], x[:, 1:half:2, :], rates, quantity=quantity)


def overlaps_resolution(pairs: int, rates: Rates) -> float:
    """By which share the variance of the overlaps of `pairs` pairs of lines must differ to be seen.

    Alternative: every overlap is N(0, 1 + d). Lines that correlate by rho_k, of any sign, give
    d = n E[rho_k^2]; lines that were made orthogonal d = -1.
    """
    return marginal.variance_resolution(pairs, rates)


@lru_cache(maxsize=256)
def overlaps_samples(rates: Rates, discrepancy: float) -> int:
    """Pairs of lines that see the variance of their overlaps differ by `discrepancy`."""
    return marginal.variance_samples(rates, discrepancy)


def overlaps(
    x: Floats, rates: Rates, *, quantity: str = "variance of the overlaps of neighbours / predicted"
) -> Evidence:
    """A line overlaps the next as a random direction does: each a.b / |a| is N(0, 1); chi-square over pairs.

    x: (G, L, n); lines 1 and 2, 3 and 4 and so on. Both tails: too much is correlation whose sign varies, too
    little is lines that were made orthogonal.
    """
    at_least(x, lines=2)
    if not fit(x):
        return unfit(x, quantity)
    half = x.shape[1] // 2 * 2
    a, b = x[:, 0:half:2, :], x[:, 1:half:2, :]
    squares = np.einsum("gln,gln->gl", a, b) ** 2 / np.einsum("gln,gln->gl", a, a)
    return marginal.variance(float(squares.sum()), squares.size, rates, quantity=quantity)


def transpose_pairs(shape: tuple[int, int, int]) -> int:
    """Pairs of mirrored entries in R draws of (m, n): R k (k - 1) / 2 at k = min(m, n)."""
    k = min(shape[1:])
    return shape[0] * k * (k - 1) // 2


def transpose(z: ArrayLike, rates: Rates, *, quantity: str = "correlation of W_ij and W_ji") -> Evidence:
    """A matrix is not its own transpose, nor the negative of it, nor near either.

    z: (m, n) or (R, m, n); the leading square is used, below against above the diagonal. Triple:
    `correlation_resolution` and `correlation_samples` of `transpose_pairs`. Alternative: mirrored entries
    correlate by rho.
    """
    x = stack(z)
    k = min(x.shape[1:])
    at_least(x, lines=2, length=2)
    i, j = np.triu_indices(k, 1)
    return correlation(x[:, i, j], x[:, j, i], rates, quantity=quantity)


def between(
    a: ArrayLike, b: ArrayLike, rates: Rates, *, quantity: str = "correlation of two arrays"
) -> Evidence:
    """Two layers, or two seeds, share nothing.

    a, b: any shapes; number k of one meets number k of the other as far as both go, as layers that share a
    seed begin alike. Triple: `correlation_resolution` and `correlation_samples` of the shorter size.
    """
    left, right = (np.asarray(x, dtype=np.float64).ravel() for x in (a, b))
    common = min(left.size, right.size)
    return correlation(left[:common], right[:common], rates, quantity=quantity)
