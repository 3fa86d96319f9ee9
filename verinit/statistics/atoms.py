"""Values that come again: atoms, ties, entries that never change, and last bits that are not fair.

Assumption: the draws are iid, and no single value has a probability above q. q is the mass of the heaviest
rounding cell: for a law centred within its spread a cell has mass u and a generator that draws from a
lattice of 2u adds 2u, so 4u (1 + |mean| / std) is enough, 2^-22 for float32. All bounds are unions over
subsets of draws; no law of large numbers is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betainccinv

from verinit.statistics import binomial
from verinit.statistics.planning import smallest_n
from verinit.statistics.tails import p_value
from verinit.vocabulary import Evidence, Rates, UsageError

Floats = NDArray[np.float64]


def _choose(n: int, k: int) -> float:
    """Natural logarithm of C(n, k)."""
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _first(bound: Callable[[int], float], level: float, least: int, most: int) -> int:
    """The least k whose bound, and that of every larger k, is at most `level`; most + 1 if there is none.

    The bounds are log-concave in k: once below 1 on their way down they stay below.
    """
    wanted = math.log(level)
    if least > most or bound(most) > wanted:
        return most + 1
    low, high = least, most
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if bound(middle) <= wanted else (middle + 1, high)
    return high


def _masses(q: float) -> None:
    if not 0.0 < q < 1.0:
        raise UsageError(f"q={q!r}: the mass of the heaviest value lies strictly between 0 and 1")


def _numbers(x: ArrayLike, quantity: str) -> Floats | Evidence:
    """The draws in float64, or the evidence that some are no numbers."""
    flat = np.asarray(x).astype(np.float64)
    if flat.size < 2:
        raise UsageError(f"{flat.size} draws: a value can only come again among two or more")
    bad = int(np.count_nonzero(~np.isfinite(flat)))
    if not bad:
        return flat
    return Evidence(
        quantity=quantity,
        expected=0.0,
        observed=math.nan,
        distance=math.nan,
        tolerance=0.0,
        n=flat.size,
        p=0.0,
        log10_p=-math.inf,
        detail=f"{bad} of {flat.size} draws are nan or infinite",
    )


def _evidence(
    count: int, unit: float, allowed: int, log_bound: float, seen: float, n: int, of: str
) -> Evidence:
    """Evidence of a count that is allowed up to `allowed`; lengths are counts times `unit`."""
    p, log10_p = p_value(log_bound)
    return Evidence(
        quantity=of,
        expected=0.0,
        observed=count * unit,
        distance=count * unit,
        tolerance=allowed * unit,
        resolution=seen,
        n=n,
        basis="union over subsets",
        p=p,
        log10_p=log10_p,
    )


# -- atoms -----------------------------------------------------------------------------------------


def log_multiplicity(n: int, k: int, q: float) -> float:
    """The logarithm of C(n, k) q^(k-1), a bound on P(some value of mass at most q comes k times)."""
    return _choose(n, k) + (k - 1) * math.log(q)


@lru_cache(maxsize=256)
def _allowed_multiplicity(n: int, q: float, level: float) -> int:
    return _first(lambda k: log_multiplicity(n, k, q), level, 2, n) - 1


def multiplicity_resolution(n: int, rates: Rates, *, q: float) -> float:
    """The mass of an atom that n draws see. Alternative: one value has that mass; 1 where none is seen."""
    allowed = _allowed_multiplicity(n, q, rates.false_fail)
    return 1.0 if allowed >= n else float(betainccinv(allowed + 1, n - allowed, rates.false_pass))


@lru_cache(maxsize=256)
def multiplicity_samples(rates: Rates, discrepancy: float, *, q: float) -> int:
    """Draws that see an atom of mass `discrepancy`."""
    return smallest_n(lambda n: multiplicity_resolution(n, rates, q=q), discrepancy)


def multiplicity(
    x: ArrayLike, rates: Rates, *, q: float, quantity: str = "share of the commonest weight"
) -> Evidence:
    """No value comes again more often than rounding brings it: clipping, dead entries, few bits.

    x: any shape, the weights as they were rounded. q: the mass of the heaviest value.
    """
    _masses(q)
    flat = _numbers(x, quantity)
    if isinstance(flat, Evidence):
        return flat
    k, n = int(np.unique_counts(flat).counts.max()), flat.size
    allowed = _allowed_multiplicity(n, q, rates.false_fail)
    bound = log_multiplicity(n, k, q) if k > 1 else 0.0
    return _evidence(k, 1 / n, allowed, bound, multiplicity_resolution(n, rates, q=q), n, quantity)


# -- ties ------------------------------------------------------------------------------------------


def log_ties(n: int, k: int, q: float) -> float:
    """The logarithm of n! q^k / ((n - 2k)! 2^k k!), a bound on P(k disjoint pairs of n draws are tied).

    q: the chance that two draws tie. n! / ((n - 2k)! 2^k k!) is the number of sets of k disjoint pairs; the
    bound is at most (n^2 q / 2)^k / k!.
    """
    return math.lgamma(n + 1) - math.lgamma(n - 2 * k + 1) - math.lgamma(k + 1) + k * math.log(q / 2)


@lru_cache(maxsize=256)
def _allowed_ties(n: int, q: float, level: float) -> int:
    return _first(lambda k: log_ties(n, k, q), level, 1, n // 2) - 1


def ties_resolution(n: int, rates: Rates, *, q: float) -> float:
    """The share of the draws with a twin that is seen, always.

    Alternative: that share of the draws comes in pairs of equal modulus. Infinite where not even all is seen.
    """
    allowed = _allowed_ties(n, 2 * q, rates.false_fail)
    return 2 * (allowed + 1) / n if allowed < n // 2 else math.inf


@lru_cache(maxsize=256)
def ties_samples(rates: Rates, discrepancy: float, *, q: float) -> int:
    """Draws that see a share `discrepancy` of them in tied pairs."""
    return smallest_n(lambda n: ties_resolution(n, rates, q=q), discrepancy)


def ties(
    x: ArrayLike, rates: Rates, *, q: float, quantity: str = "share of weights with a twin, up to sign"
) -> Evidence:
    """Weights do not come in pairs, equal or opposite: copies, mirrored halves, too few bits.

    x: any shape, the weights as they were rounded, about 0. q: the mass of the heaviest value; a modulus has
    2q. With n^2 q near n, ties are no rarity: take a few thousand draws.
    """
    _masses(q)
    flat = _numbers(x, quantity)
    if isinstance(flat, Evidence):
        return flat
    counts = np.unique_counts(np.abs(flat)).counts
    k, n = int((counts // 2).sum()), flat.size
    allowed = _allowed_ties(n, 2 * q, rates.false_fail)
    bound = log_ties(n, k, 2 * q) if k else 0.0
    return _evidence(k, 2 / n, allowed, bound, ties_resolution(n, rates, q=q), n, quantity)


# -- constant entries ------------------------------------------------------------------------------


def log_constant(draws: int, n: int, k: int, q: float) -> float:
    """The logarithm of C(n, k) q^(k (R - 1)), a bound on P(k of n entries are the same in all R draws)."""
    return _choose(n, k) + k * (draws - 1) * math.log(q)


@lru_cache(maxsize=256)
def _allowed_constant(draws: int, n: int, q: float, level: float) -> int:
    return _first(lambda k: log_constant(draws, n, k, q), level, 1, n) - 1


def constant_resolution(draws: int, n: int, rates: Rates, *, q: float) -> float:
    """The share of entries that never change which is seen, always. Infinite where not even all is."""
    allowed = _allowed_constant(draws, n, q, rates.false_fail)
    return (allowed + 1) / n if allowed < n else math.inf


@lru_cache(maxsize=256)
def constant_samples(rates: Rates, n: int, *, q: float) -> int:
    """Draws after which one constant entry of n is seen."""
    return smallest_n(lambda draws: constant_resolution(draws, n, rates, q=q), 1.0 / n)


def constant(
    x: ArrayLike, rates: Rates, *, q: float, quantity: str = "share of entries that never change"
) -> Evidence:
    """Every entry changes from draw to draw.

    x: (R, ...), R draws as they were rounded. Raises `UsageError` for fewer than two draws.
    """
    _masses(q)
    stacked = np.asarray(x)
    if stacked.ndim < 2 or len(stacked) < 2 or stacked.size == 0:
        raise UsageError(f"x of shape {stacked.shape}: constancy needs two or more draws (R, ...)")
    flat = _numbers(stacked.reshape(len(stacked), -1), quantity)
    if isinstance(flat, Evidence):
        return flat
    draws, n = flat.shape
    k = int(np.count_nonzero((flat == flat[0]).all(axis=0)))
    allowed = _allowed_constant(draws, n, q, rates.false_fail)
    bound = log_constant(draws, n, k, q) if k else 0.0
    seen = constant_resolution(draws, n, rates, q=q)
    return _evidence(k, 1 / n, allowed, bound, seen, flat.size, quantity)


# -- the last bit ----------------------------------------------------------------------------------


def last_bit_resolution(n: int, rates: Rates, *, expected: float = 0.5, excuse: float = 0.0) -> float:
    """The change of the share of odd significands that n draws see. Alternative: another such share."""
    return binomial.share_resolution(n, rates, expected=expected, excuse=excuse)


@lru_cache(maxsize=256)
def last_bit_samples(rates: Rates, discrepancy: float, *, expected: float = 0.5) -> int:
    """Draws that see the share of odd significands change by `discrepancy`."""
    return binomial.share_samples(rates, discrepancy, expected=expected)


def last_bit(
    x: NDArray[Any],
    rates: Rates,
    *,
    expected: float = 0.5,
    excuse: float = 0.0,
    quantity: str = "share of odd significands",
) -> Evidence:
    """The last bit of a 16-bit weight is set as often as its law says, about every other time.

    x: an array of a 16-bit floating dtype, any shape. expected: the mass of all cells with an odd
    significand; a smooth law gives 1/2 up to about u, which is `excuse` where `expected` is left at 1/2.
    Raises `UsageError` for a wider dtype, whose last bits generators do not promise.
    """
    if x.dtype.itemsize != 2 or x.dtype.kind in "iu" or x.size == 0:
        raise UsageError(
            f"x of dtype {x.dtype} with {x.size} entries: the last bit is tested on 16-bit floating weights"
        )
    flat = np.ascontiguousarray(x).ravel()
    bad = int(np.count_nonzero(~np.isfinite(flat)))
    hits = int(np.count_nonzero(flat.view(np.uint16) & 1))
    evidence = binomial.share(hits, x.size, rates, expected=expected, excuse=excuse, quantity=quantity)
    if not bad:
        return evidence
    said = f"{bad} of {x.size} draws are nan or infinite"
    return replace(evidence, observed=math.nan, distance=math.nan, p=0.0, log10_p=-math.inf, detail=said)
