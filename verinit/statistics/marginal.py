"""Tests on the law of one number, from iid draws: mean, variance, extreme value, support, distribution.

Every test is exact, or a proven bound, at every n. Each comes as a triple: the function itself returns
Evidence; `*_resolution` says which departure n numbers see but for a share `false_pass`; `*_samples`
inverts it. `excuse` is what rounding may have moved the statistic by; it widens the tolerance and
worsens the resolution by as much.

Assumption throughout: the draws are independent and identically distributed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtr, chdtrc, gammainccinv, gammaincinv, log_ndtr, ndtri

from verinit.statistics.chernoff import Terms, limits, log_tail
from verinit.statistics.planning import MOST, root_n, smallest_n
from verinit.vocabulary import Evidence, Rates, UsageError

_LN10 = math.log(10.0)
GRID = 4096
"""Cells of the probability grid on which distribution functions are compared."""


def _p(log_p: float) -> tuple[float, float]:
    """A p-value and its log10, from its natural logarithm; 0 where that is not a number."""
    if math.isnan(log_p):
        return 0.0, -math.inf
    bounded = min(0.0, log_p)
    return math.exp(bounded) if bounded > -745 else 0.0, bounded / _LN10


# -- mean ------------------------------------------------------------------------------------------


def _mean_limits(terms: Terms | None, n: int, level: float) -> tuple[float, float]:
    """How far below and above 0 the mean of n standardised draws strays, each but for a share `level`."""
    if terms is None:
        reach = float(-ndtri(level)) / math.sqrt(n)
        return reach, reach
    low, high = limits(terms, n, level)
    return terms.mean - low, high - terms.mean


def mean_resolution(n: int, rates: Rates, *, terms: Terms | None = None, excuse: float = 0.0) -> float:
    """The shift of the mean, in units of std, that n draws see, the worse of both directions."""
    below, above = _mean_limits(terms, n, rates.false_fail / 2)
    short, long = _mean_limits(terms, n, rates.false_pass)
    return max(above + short, below + long) + 2 * excuse


@lru_cache(maxsize=256)
def mean_samples(rates: Rates, discrepancy: float, *, terms: Terms | None = None) -> int:
    """Draws that see a shift of `discrepancy` std."""
    return root_n(lambda n: mean_resolution(n, rates, terms=terms), discrepancy)


def mean(
    total: float, n: int, rates: Rates, *, terms: Terms | None = None, excuse: float = 0.0, quantity: str
) -> Evidence:
    """The mean of standardised draws is 0: normal law exactly, else Chernoff on `terms`.

    total: sum of the n draws, each standardised by the claimed mean and std.
    """
    observed = total / n
    below, above = _mean_limits(terms, n, rates.false_fail / 2)
    tolerance = (above if observed >= 0 else below) + excuse
    if terms is None:
        log_p = math.log(2.0) + float(log_ndtr(-max(abs(observed) - excuse, 0.0) * math.sqrt(n)))
    else:
        log_p = log_tail(terms, n, terms.mean + math.copysign(max(abs(observed) - excuse, 0.0), observed))
    p, log10_p = _finite_p(observed, log_p)
    return Evidence(
        quantity=quantity,
        expected=0.0,
        observed=observed,
        distance=abs(observed),
        tolerance=tolerance,
        resolution=mean_resolution(n, rates, terms=terms, excuse=excuse),
        interval=(observed - above - excuse, observed + below + excuse),
        n=n,
        basis="normal" if terms is None else "Chernoff",
        p=p,
        log10_p=log10_p,
    )


def _finite_p(observed: float, log_p: float) -> tuple[float, float]:
    """The p-value of an observation; 0 where the observation is not a number."""
    return _p(log_p) if math.isfinite(observed) else (0.0, -math.inf)


# -- variance --------------------------------------------------------------------------------------


def _chi_square_limits(n: int, level: float) -> tuple[float, float]:
    """chi2_n / n leaves (low, high), on either side, with probability `level`."""
    return 2.0 * float(gammaincinv(n / 2, level)) / n, 2.0 * float(gammainccinv(n / 2, level)) / n


def _ratio_limits(terms: Terms | None, n: int, level: float) -> tuple[float, float]:
    """Limits of the mean square of n standardised draws; `terms` is the law of one square."""
    return _chi_square_limits(n, level) if terms is None else limits(terms, n, level)


def variance_resolution(n: int, rates: Rates, *, terms: Terms | None = None, excuse: float = 0.0) -> float:
    """The relative change of the variance that n draws see: |ratio - 1|, the worse of both sides."""
    low, high = _ratio_limits(terms, n, rates.false_fail / 2)
    least, most = _ratio_limits(terms, n, rates.false_pass)
    if least <= 0:
        return math.inf
    return max((high + 2 * excuse) / least - 1.0, 1.0 - (low - 2 * excuse) / most)


@lru_cache(maxsize=256)
def variance_samples(rates: Rates, discrepancy: float, *, terms: Terms | None = None) -> int:
    """Draws that see a relative change of the variance by `discrepancy`."""
    return root_n(lambda n: variance_resolution(n, rates, terms=terms), discrepancy)


def variance(
    squares: float, n: int, rates: Rates, *, terms: Terms | None = None, excuse: float = 0.0, quantity: str
) -> Evidence:
    """The mean square of standardised draws is 1: chi-square exactly for normal draws, else Chernoff.

    squares: sum of squares of the n draws, each standardised by the claimed mean and std.
    """
    observed = squares / n
    low, high = _ratio_limits(terms, n, rates.false_fail / 2)
    tolerance = (high - 1.0 if observed >= 1.0 else 1.0 - low) + excuse
    nearest = max(observed - excuse, 1.0) if observed >= 1.0 else min(observed + excuse, 1.0)
    log_p = _chi_square_log_p(nearest, n) if terms is None else log_tail(terms, n, nearest)
    p, log10_p = _finite_p(observed, log_p)
    return Evidence(
        quantity=quantity,
        expected=1.0,
        observed=observed,
        distance=abs(observed - 1.0),
        tolerance=tolerance,
        resolution=variance_resolution(n, rates, terms=terms, excuse=excuse),
        interval=(observed / (high + excuse), observed / max(low - excuse, 1e-300)),
        n=n,
        basis="chi-square" if terms is None else "Chernoff",
        p=p,
        log10_p=log10_p,
    )


def _chi_square_log_p(ratio: float, n: int) -> float:
    """Natural logarithm of the two-sided p-value of a mean square; past underflow Chernoff's bound."""
    if ratio <= 0.0:
        return -math.inf
    tail = float(chdtrc(n, n * ratio)) if ratio >= 1.0 else float(chdtr(n, n * ratio))
    if tail > 1e-290:
        return math.log(2.0) + math.log(min(tail, 0.5))
    return math.log(2.0) + n / 2 * (1.0 - ratio + math.log(ratio))


# -- extreme value ---------------------------------------------------------------------------------


def extreme_limits(n: int, level: float) -> tuple[float, float, float]:
    """(low, median, high) of the largest |normal score| of n draws; low and high leave `level` outside.

    P(max <= z) = (1 - t)^n with t = P(|Z| > z).
    """
    tails = (
        -math.expm1(math.log(level) / n),
        -math.expm1(-math.log(2.0) / n),
        -math.expm1(math.log1p(-level) / n),
    )
    low, median, high = (float(-ndtri(t / 2)) for t in tails)
    return low, median, high


def extreme_resolution(n: int, rates: Rates) -> float:
    """How far below its median the largest score is cut off, for the cut to be seen always."""
    low, median, _ = extreme_limits(n, rates.false_fail / 2)
    return median - low


@lru_cache(maxsize=256)
def extreme_samples(rates: Rates, discrepancy: float) -> int:
    """Draws that see a law cut off `discrepancy` below the median of its largest score, as more draws do.

    A handful of draws resolve little because their median is low; the resolution grows until n is about
    0.6 log(2 / false_fail), and shrinks from there.
    """
    least = math.ceil(math.log(2.0 / rates.false_fail))
    return smallest_n(lambda n: extreme_resolution(n, rates), discrepancy, least=least)


def extreme(inner: float, outer: float, n: int, rates: Rates, *, quantity: str) -> Evidence:
    """The largest |normal score| of n draws is that of n normal numbers.

    inner, outer: the scores at the near and far edge of the rounding cell of the most extreme draw;
    the test takes whichever is nearer to what was predicted.
    """
    low, median, high = extreme_limits(n, rates.false_fail / 2)
    if math.isnan(inner) or math.isnan(outer):
        observed = math.nan
    else:
        observed = outer if outer < median else max(inner, median)
    p, log10_p = _p(_extreme_log_p(observed, median, n))
    return Evidence(
        quantity=quantity,
        expected=median,
        observed=observed,
        distance=abs(observed - median),
        tolerance=high - median if observed >= median else median - low,
        resolution=median - low,
        interval=None,
        n=n,
        basis="largest of n",
        p=p,
        log10_p=log10_p,
    )


def _extreme_log_p(score: float, median: float, n: int) -> float:
    """Natural logarithm of the two-sided p-value of a largest score; past underflow the union bound."""
    log_tail = math.log(2.0) + float(log_ndtr(-score))
    if score < median:
        if score < 1.0:
            return math.log(2.0) + (
                n * math.log(math.erf(score / math.sqrt(2.0))) if score > 0 else -math.inf
            )
        return math.log(2.0) + n * math.log1p(-math.exp(log_tail))
    if log_tail + math.log(n) < -600:
        return math.log(2.0) + math.log(n) + log_tail
    return math.log(2.0) + math.log(-math.expm1(n * math.log1p(-math.exp(log_tail))))


# -- support ---------------------------------------------------------------------------------------


def support_resolution(n: int, rates: Rates, escape: Callable[[float], float]) -> float:
    """By which share of its half-width a support may be too wide and still go unseen by n draws.

    escape(d): the chance that one draw lands outside, by more than is excused, if the half-width is larger
    by a share d.
    """
    wanted = -math.expm1(math.log(rates.false_pass) / n)
    low, high = 0.0, 1.0
    while escape(high) < wanted:
        high *= 2.0
        if high > 1e6:
            return math.inf
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if escape(middle) >= wanted else (middle, high)
    return high


def support_samples(rates: Rates, discrepancy: float, escape: Callable[[float], float]) -> int:
    """Draws that see a support too wide by a share `discrepancy` of its half-width.

    Raises `UsageError` when more than `MOST` would be needed: a bound where the law has no mass.
    """
    seen = escape(discrepancy)
    if not seen > -math.log(rates.false_pass) / MOST:
        raise UsageError(
            f"discrepancy={discrepancy!r}: a support too wide by that share is left with probability "
            f"{seen:.3g} a draw, so {MOST} numbers cannot show it; leave the bound out of the claim"
        )
    return max(2, math.ceil(math.log(rates.false_pass) / math.log1p(-min(seen, 0.75))))


def support(
    excess: float, n: int, rates: Rates, *, escape: Callable[[float], float], excuse: float, quantity: str
) -> Evidence:
    """No draw leaves the support; what rounding may have moved is excused.

    excess, excuse: in units of the half-width. No chance is involved on the side of right code.
    """
    return Evidence(
        quantity=quantity,
        expected=0.0,
        observed=excess,
        distance=excess,
        tolerance=excuse,
        resolution=support_resolution(n, rates, escape),
        n=n,
        basis="half an ulp of the bound",
    )


# -- distribution function -------------------------------------------------------------------------


def distribution_resolution(n: int, rates: Rates, *, excuse: float = 0.0) -> float:
    """The distance between two distribution functions that n draws see.

    DKW on both sides: the sample strays by its tolerance under the claimed law, and by the second root
    under the true one; a grid of `GRID` cells sees a distance but for one cell.
    """
    return (
        math.sqrt(math.log(2.0 / rates.false_fail) / (2 * n))
        + math.sqrt(math.log(2.0 / rates.false_pass) / (2 * n))
        + 1.0 / GRID
        + 2 * excuse
    )


@lru_cache(maxsize=256)
def distribution_samples(rates: Rates, discrepancy: float) -> int:
    """Draws that see a distance of `discrepancy` between distribution functions."""
    return root_n(lambda n: distribution_resolution(n, rates), discrepancy)


def distribution(cells: NDArray[np.int64], rates: Rates, *, excuse: float = 0.0, quantity: str) -> Evidence:
    """The sample's distribution function is the claimed one, by Dvoretzky, Kiefer, Wolfowitz and Massart.

    cells: (GRID,) counts of the draws in cells of equal claimed probability. The distance on the grid is
    at most the distance everywhere, so the bound `P(D > d) <= 2 exp(-2 n d^2)` holds for it.
    Source: Massart 1990.
    """
    n = int(cells.sum())
    empirical = np.cumsum(cells) / n
    claimed = np.arange(1, len(cells) + 1) / len(cells)
    observed = float(np.max(np.abs(empirical - claimed)))
    tolerance = math.sqrt(math.log(2.0 / rates.false_fail) / (2 * n)) + excuse
    p, log10_p = _finite_p(observed, math.log(2.0) - 2 * n * max(observed - excuse, 0.0) ** 2)
    return Evidence(
        quantity=quantity,
        expected=0.0,
        observed=observed,
        distance=observed,
        tolerance=tolerance,
        resolution=distribution_resolution(n, rates, excuse=excuse),
        interval=(max(0.0, observed - tolerance), observed + tolerance),
        n=n,
        basis="Dvoretzky-Kiefer-Wolfowitz",
        p=p,
        log10_p=log10_p,
    )
