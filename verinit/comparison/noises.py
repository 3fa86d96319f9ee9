"""How far chance alone moves a finding, and two findings against each other.

Everything is read off the evidence. A tolerance at level a is the reach of the statistic's noise; where it
is that of a chi-square, a normal or a binomial law with the stated n, two samples are compared by the exact
test of that law: F, z, Fisher. The level at which law and n reproduce the tolerance tells over how many
parts (layers, thresholds) it was split: the test of two parts with one name is multiplied by their number.

Everywhere else the true distances to theory have intervals, one for each run, and differ where these are
disjoint, which is valid under any dependence. An interval at level a is stretched to a stricter one by

    c = (log(2 / a') - 1) / (log(2 / a) - 1)

Assumption: minus the logarithm of a tail is convex, and at least 1/e of the noise is on either side of the
truth. That holds for Chernoff bounds, DKW, normal and chi-square noise with two degrees of freedom or more.
Where the evidence has no interval, the noise is that of its tolerance towards theory, and that of its
resolution away from it, as for a statistic that is shifted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtr, chdtrc, fdtr, fdtrc, fdtri, gammaln, log_ndtr, ndtri

from verinit.statistics.binomial import log_at_least, log_at_most
from verinit.vocabulary import Evidence, Finding

Interval = tuple[float, float]
MOST_PARTS = 10_000
"""More parts than any check has: a tolerance that would have been split further is of another law."""
_SINGLE = 1.5
_TERMS = 4096
_LARGEST = 2**53
"""Counts above it are not exact in float64."""


def log_level(level: float) -> float:
    """How strict a two-sided level is: log(2 / level)."""
    return math.log(2.0 / level)


def measured(found: Finding) -> Evidence:
    """The evidence of a finding that has one."""
    assert found.evidence is not None
    return found.evidence


# -- one sample ------------------------------------------------------------------------------------


def distances(found: Finding, strictness: float) -> Interval:
    """True distances to theory that a finding does not exclude at a level of strictness log(2 / level)."""
    seen, own = measured(found), log_level(found.rates.false_fail)
    c = max(1.0, (strictness - 1.0) / (own - 1.0))
    if seen.interval is not None:
        low, high = _stretched(seen, c)
        inside = low <= seen.expected <= high
        off = (abs(low - seen.expected), abs(high - seen.expected))
        return (0.0 if inside else min(off), max(off))
    missed = -math.log(found.rates.false_pass)
    if not missed > 1.0:  # a resolution that is missed so often says nothing of the noise
        return (max(0.0, seen.distance - c * seen.tolerance), math.inf)
    away = max(c, (strictness - 1.0) / (missed - 1.0)) * max(seen.tolerance, seen.resolution - seen.tolerance)
    return (max(0.0, seen.distance - c * seen.tolerance), seen.distance + away)


def _stretched(seen: Evidence, c: float) -> Interval:
    assert seen.interval is not None
    (low, high), at = seen.interval, seen.observed
    if c == 1.0:
        return low, high
    if seen.basis.startswith("chi-square") and 0.0 < low <= at <= high:  # the noise is a factor
        shrink = 1.0 - c * (1.0 - at / high)
        return at / (1.0 + c * (at / low - 1.0)), at / shrink if shrink > 0.0 else math.inf
    return at - c * (at - low), at + c * (high - at)


def difference(old: Finding, new: Finding, strictness: float) -> Interval:
    """Differences of the true distances to theory, new less old, at twice the level of either."""
    (least, most), (low, high) = distances(old, strictness), distances(new, strictness)
    return low - most, high - least


# -- two samples -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A statistic whose law is known: mean square of n normal numbers, mean of n, or share of n."""

    law: str
    n: int
    value: float
    parts: float


def sample(found: Finding) -> Sample | None:
    """The law and size of a finding's statistic, if they reproduce its tolerance; else None."""
    seen = measured(found)
    tail = _TAILS.get(seen.basis)
    numbers = (seen.observed, seen.expected, seen.tolerance)
    if tail is None or not 1 < seen.n < _LARGEST or not all(map(math.isfinite, numbers)):
        return None
    sizes = (seen.n, seen.n // 2) if seen.basis == "normal" else (seen.n,)
    for n in sizes:  # a correlation counts both members of its pairs
        log_tail = tail(seen, n)
        parts = math.exp(min(700.0, math.log(found.rates.false_fail) - log_tail))
        if 1.0 - 1e-6 <= parts <= MOST_PARTS:
            return Sample(law=seen.basis, n=n, value=seen.observed, parts=parts)
    return None


def _log(tail: float) -> float:
    return math.log(tail) if tail > 0.0 else -math.inf


def _chi_square_tail(seen: Evidence, n: int) -> float:
    above = seen.observed >= seen.expected
    if seen.expected != 1.0:
        return 0.0
    one = chdtrc(n, n * (1.0 + seen.tolerance)) if above else chdtr(n, max(0.0, n * (1.0 - seen.tolerance)))
    return math.log(2.0) + _log(float(one))


def _normal_tail(seen: Evidence, n: int) -> float:
    return math.log(2.0) + float(log_ndtr(-seen.tolerance * math.sqrt(n)))


def _binomial_tail(seen: Evidence, n: int) -> float:
    hits = seen.observed * n
    if seen.interval is not None or not 0.0 <= hits <= n or abs(hits - round(hits)) > 1e-6:
        return 0.0
    q = seen.expected
    if seen.observed >= q:
        return math.log(2.0) + log_at_least(round((q + seen.tolerance) * n) + 1, n, q)
    return math.log(2.0) + log_at_most(round((q - seen.tolerance) * n) - 1, n, q)


_TAILS: dict[str, Callable[[Evidence, int], float]] = {
    "chi-square": _chi_square_tail,
    "normal": _normal_tail,
    "binomial": _binomial_tail,
}


def pair(old: Finding, new: Finding) -> tuple[Sample, Sample] | None:
    """Both statistics, where one law describes both and they are of the same part of what was examined."""
    first, second = sample(old), sample(new)
    if first is None or second is None or first.law != second.law:
        return None
    if max(first.parts, second.parts) > _SINGLE and not _same_part(measured(old), measured(new)):
        return None
    return first, second


def _same_part(old: Evidence, new: Evidence) -> bool:
    named = bool(old.detail) or old.quantity[-1:].isdigit()
    return named and (old.quantity, old.detail, old.expected) == (new.quantity, new.detail, new.expected)


def two_sample(old: Finding, new: Finding, *, dependent: bool) -> tuple[float, str]:
    """A p-value, or a proven bound of one, of "the law is the same in both runs", and what it rests on.

    dependent: whether both runs drew from one stream, so that their noises are not independent.
    """
    both = None if dependent else pair(old, new)
    if both is None:
        return disjoint(old, new), "disjoint intervals"
    first, second = both
    test, name = _TESTS[first.law]
    return min(1.0, max(1.0, first.parts, second.parts) * test(first, second)), name


def disjoint(old: Finding, new: Finding) -> float:
    """The level at which the intervals of both distances to theory still have nothing in common."""

    def apart(strictness: float) -> bool:
        low, high = difference(old, new, strictness)
        return low > 0.0 or high < 0.0

    own = max(log_level(old.rates.false_fail), log_level(new.rates.false_fail))
    if not apart(own):
        return 1.0
    low, high = own, 2.0 * own
    while apart(high) and high < 1e4:
        low, high = high, 2.0 * high
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if apart(middle) else (low, middle)
    return min(1.0, 4.0 * math.exp(-low))


def _f_test(old: Sample, new: Sample) -> float:
    if not (old.value > 0.0 and new.value > 0.0):
        return 1.0 if old.value == new.value else 0.0
    ratio = new.value / old.value
    return 2.0 * min(0.5, float(fdtr(new.n, old.n, ratio)), float(fdtrc(new.n, old.n, ratio)))


def _z_test(old: Sample, new: Sample) -> float:
    z = (new.value - old.value) / math.sqrt(1.0 / old.n + 1.0 / new.n)
    return math.exp(min(0.0, math.log(2.0) + float(log_ndtr(-abs(z)))))


def _fisher_test(old: Sample, new: Sample) -> float:
    hits, others = round(new.value * new.n), round(old.value * old.n)
    above = _at_least(hits, others, new.n, old.n)
    below = _at_least(others, hits, old.n, new.n)
    return 2.0 * min(0.5, above, below)


def _at_least(hits: int, others: int, n: int, m: int) -> float:
    """P(X >= hits) of a hypergeometric X: hits + others marked among n + m, of which n are drawn.

    `_TERMS` terms are summed; the rest is at most a geometric series, since ratios of terms fall.
    """
    marked = hits + others
    x = np.arange(hits, min(marked, n, hits + _TERMS) + 1, dtype=np.float64)

    def choose(total: int, k: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.asarray(gammaln(total + 1.0) - gammaln(k + 1.0) - gammaln(total - k + 1.0))

    terms = np.exp(choose(n, x) + choose(m, marked - x) - choose(n + m, marked))
    last = int(x[-1])
    ratio = (n - last) * (marked - last) / ((last + 1) * (m - marked + last + 1))
    rest = float(terms[-1]) * ratio / (1.0 - ratio) if ratio < 1.0 else 1.0
    return min(1.0, float(terms.sum()) + rest)


_TESTS: dict[str, tuple[Callable[[Sample, Sample], float], str]] = {
    "chi-square": (_f_test, "F test"),
    "normal": (_z_test, "two-sample z test"),
    "binomial": (_fisher_test, "Fisher's exact test"),
}


# -- no difference that matters --------------------------------------------------------------------


def within(old: Finding, new: Finding, margin: float, *, dependent: bool) -> bool:
    """Whether the distances to theory differ by less than the margin, but for a share `false_pass`."""
    miss = min(old.rates.false_pass, new.rates.false_pass) / 2
    both = None if dependent else pair(old, new)
    if both is not None and both[0].law == "normal":
        a, b = both
        reach = float(-ndtri(miss / a.parts)) * math.sqrt(1.0 / a.n + 1.0 / b.n)
        return abs(b.value - a.value) + reach <= margin
    if both is not None and both[0].law == "chi-square" and both[0].value > 0.0:
        a, b = both
        ratio, level = b.value / a.value, miss / a.parts
        ends = (ratio * float(fdtri(a.n, b.n, level)), ratio * float(fdtri(a.n, b.n, 1.0 - level)))
        interval = measured(old).interval
        most = interval[1] if interval is not None else math.inf
        return most * max(abs(ends[0] - 1.0), abs(ends[1] - 1.0)) <= margin
    gap = abs(measured(new).distance - measured(old).distance)
    return gap + sum(max(0.0, measured(f).resolution - measured(f).tolerance) for f in (old, new)) <= margin
