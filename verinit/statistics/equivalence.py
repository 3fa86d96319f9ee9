"""How sure we may be that a median, a share or a law is near enough to what was claimed.

At finite width the mean square of a layer has heavy tails: the mean over seeds is carried by rare runs, and
a t-test of it raises far more false alarms than it states. The median is robust, and its interval is exact
for any continuous law: the number of draws below the median is Binomial(n, 1/2), so the k-th smallest and the
k-th largest of n draws enclose it except with probability 2 P(Binomial(n, 1/2) < k); with ties, at most that.

An approximate claim ("about 35,000") is then judged with three outcomes. It fails where the interval at
`false_fail` misses the margin; it passes where the interval at `false_pass` lies inside the outer margin;
between the two it is undecided, and more seeds decide it. A test of no difference could not do this: with few
seeds it never rejects, with many it always does.

Assumption: the values are independent draws of one law.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from verinit.vocabulary import Evidence, Rates, UsageError

Floats = NDArray[np.float64]


def _tail(n: int, k: NDArray[np.int64]) -> Floats:
    """P(Binomial(n, 1/2) <= k) for 0 <= k < n, with full relative accuracy."""
    result: Floats = special.betainc(n - k, k + 1.0, 0.5)
    return result


def median_rank(n: int, level: float) -> int:
    """The k-th smallest and k-th largest of n draws enclose the median except with probability `level`.

    Returns the largest such k, or 0 if not even the extremes do.
    Source: binomial law of the number of draws below the median (Thompson 1936).
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"level={level!r}: the chance of missing the median lies strictly between 0 and 1")
    if n < 1:
        return 0
    k = np.arange((n + 1) // 2)
    return int(np.count_nonzero(2.0 * _tail(n, k) <= level))


def miss(n: int, rank: int) -> float:
    """2 P(Binomial(n, 1/2) < rank) is the exact chance that the interval of this rank misses the median."""
    if not 1 <= rank <= (n + 1) // 2:
        raise UsageError(f"rank={rank!r}: for n={n} draws a rank lies between 1 and {(n + 1) // 2}")
    return float(min(1.0, 2.0 * _tail(n, np.array([rank - 1]))[0]))


def seeds_needed(level: float) -> int:
    """2^(1 - n) <= level gives the least number of seeds whose extremes enclose the median.

    >>> seeds_needed(1e-6), seeds_needed(1e-10)
    (21, 35)
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"level={level!r}: the chance of missing the median lies strictly between 0 and 1")
    n = max(1, math.floor(1.0 - math.log2(level)))
    while 2.0 ** (1 - n) > level:
        n += 1
    return n


def _sorted(values: ArrayLike) -> Floats:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1:
        raise UsageError(f"values of shape {x.shape}: a median is taken over one axis of seeds, shape (n,)")
    return np.sort(x)


def median_interval(values: ArrayLike, *, level: float) -> tuple[float, float]:
    """The median lies between two order statistics except with probability `level`, whatever the law.

    values  (n,) independent draws; nan is not a number and stands for any: it widens both ends
    level   chance of missing, split evenly between the two sides

    Raises `UsageError` if n is too small for the level, and says how many seeds are needed.
    """
    x = _sorted(values)
    rank = median_rank(x.size, level)
    if rank == 0:
        raise UsageError(
            f"{x.size} seeds cannot enclose a median at level {level:g}; "
            f"at least {seeds_needed(level)} are needed"
        )
    nans = int(np.count_nonzero(np.isnan(x)))
    finite = np.concatenate([np.full(nans, -np.inf), x[: x.size - nans], np.full(nans, np.inf)])
    return float(finite[rank - 1]), float(finite[finite.size - rank])


def _nested(expected: float, margin: float, outer_margin: float) -> None:
    if not (math.isfinite(expected) and 0.0 <= margin < outer_margin):
        raise UsageError(
            f"expected={expected!r}, margin={margin!r}, outer_margin={outer_margin!r}: expected must "
            "be finite and 0 <= margin < outer_margin, or no sample could decide"
        )


def _least(interval: tuple[float, float], expected: float) -> float:
    low, high = interval
    return max(low - expected, expected - high, 0.0)


def _greatest(interval: tuple[float, float], expected: float) -> float:
    return max(abs(interval[0] - expected), abs(interval[1] - expected))


def _sign_test(x: Floats, low: float, high: float) -> float:
    """p-value of "the median lies in [low, high]": at most a level exactly when the interval misses it."""
    k = min(int(np.count_nonzero(~(x > high))), int(np.count_nonzero(~(x < low))))
    return 1.0 if k >= x.size else min(1.0, 2.0 * float(_tail(x.size, np.array([k]))[0]))


def median_within(
    values: ArrayLike,
    *,
    expected: float,
    margin: float,
    outer_margin: float,
    rates: Rates,
    quantity: str,
) -> Evidence:
    """The median over seeds lies within a margin of what was expected, or does not, or cannot be told.

    values        (n,) one number a seed
    expected      what the claim says, in the unit of the values
    margin        how far the median may lie off and the claim still be called true
    outer_margin  how far off it must surely not be if the claim is to pass; undecided lies between

    Returns Evidence with distance = least |x - expected| in the (1 - false_fail) interval, tolerance =
    `margin`, resolution = greatest |x - expected| in the (1 - false_pass) interval. Judge it by
    `judge(evidence, outer_margin)`: failed, passed or inconclusive.
    Raises `UsageError` for margins that do not nest, for too few seeds, and for values that are not (n,).
    """
    _nested(expected, margin, outer_margin)
    x = _sorted(values)
    sure = median_interval(x, level=rates.false_fail)
    seen = median_interval(x, level=rates.false_pass)
    lost = int(np.count_nonzero(np.isnan(x)))
    return Evidence(
        quantity=quantity,
        expected=expected,
        observed=float(np.median(x[: x.size - lost])) if lost < x.size else math.nan,
        distance=math.nan if 2 * lost >= x.size else _least(sure, expected),
        tolerance=margin,
        resolution=_greatest(seen, expected),
        interval=sure,
        n=x.size,
        basis="order statistics of the median",
        p=_sign_test(x, expected - margin, expected + margin),
        detail=f"{lost} of {x.size} values are not numbers" if lost else "",
    )


def proportion_within(
    hits: int,
    n: int,
    *,
    expected: float,
    margin: float,
    outer_margin: float,
    rates: Rates,
    quantity: str,
) -> Evidence:
    """A probability lies within a margin of what was expected, or does not, or cannot be told.

    hits  how many of `n` independent draws had the property

    The interval is exact (Clopper & Pearson 1934): it misses at most at its level, split evenly.
    Outcomes and fields as in `median_within`.
    Raises `UsageError` for margins that do not nest, and unless 0 <= hits <= n and n >= 1.
    """
    _nested(expected, margin, outer_margin)
    if not 0 <= hits <= n or n < 1:
        raise UsageError(f"hits={hits!r}, n={n!r}: hits lie between 0 and n, and n is at least 1")
    sure, seen = (_clopper_pearson(hits, n, level) for level in (rates.false_fail, rates.false_pass))
    return Evidence(
        quantity=quantity,
        expected=expected,
        observed=hits / n,
        distance=_least(sure, expected),
        tolerance=margin,
        resolution=_greatest(seen, expected),
        interval=sure,
        n=n,
        basis="binomial",
        p=_binomial_p(hits, n, expected - margin, expected + margin),
    )


def _clopper_pearson(hits: int, n: int, level: float) -> tuple[float, float]:
    low = 0.0 if hits == 0 else float(special.betaincinv(hits, n - hits + 1, level / 2))
    high = 1.0 if hits == n else float(special.betainccinv(hits + 1, n - hits, level / 2))
    return low, high


def _binomial_p(hits: int, n: int, low: float, high: float) -> float:
    """p-value of "the probability lies in [low, high]", both tails doubled as in the interval."""
    low, high = max(low, 0.0), min(high, 1.0)
    at_least = 1.0 if hits == 0 else float(special.betainc(hits, n - hits + 1, max(high, 0.0)))
    at_most = 1.0 if hits == n else float(special.betaincc(hits + 1, n - hits, min(low, 1.0)))
    return min(1.0, 2.0 * min(at_least, at_most))


def distribution_within(
    probabilities: ArrayLike,
    *,
    margin: float,
    outer_margin: float,
    rates: Rates,
    quantity: str,
) -> Evidence:
    """The Kolmogorov distance between the law of a sample and a claimed law is small, or is not.

    probabilities  (n,) the claimed distribution function at each draw

    sup |F_n - F| lies within sqrt(log(2 / level) / (2 n)) of the distance between the two laws, except with
    probability `level` (Dvoretzky, Kiefer & Wolfowitz 1956 with the constant of Massart 1990), for any law of
    independent draws. Outcomes and fields as in `median_within`, with 0 expected.
    Raises `UsageError` for margins that do not nest and for probabilities that are none.
    """
    _nested(0.0, margin, outer_margin)
    u = _sorted(probabilities)
    n = u.size
    if n == 0 or not bool(np.all((u >= 0.0) & (u <= 1.0))):
        raise UsageError("probabilities: one or more values between 0 and 1 are needed")
    steps = np.arange(n + 1) / n
    distance = float(max(np.max(steps[1:] - u), np.max(u - steps[:-1])))
    sure, seen = (math.sqrt(math.log(2.0 / a) / (2.0 * n)) for a in (rates.false_fail, rates.false_pass))
    excess = max(0.0, distance - sure)
    return Evidence(
        quantity=quantity,
        expected=0.0,
        observed=distance,
        distance=excess,
        tolerance=margin,
        resolution=min(1.0, distance + seen),
        interval=(excess, min(1.0, distance + sure)),
        n=n,
        basis="DKW-Massart",
        p=min(1.0, 2.0 * math.exp(-2.0 * n * max(0.0, distance - margin) ** 2)),
    )
