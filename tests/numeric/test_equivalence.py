"""Intervals for a median, a share and a law are exact, and three outcomes are possible."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.statistics.equivalence import (
    distribution_within,
    median_interval,
    median_rank,
    median_within,
    miss,
    proportion_within,
    seeds_needed,
)
from verinit.vocabulary import Rates, UsageError, Verdict, judge

RATES = Rates(false_fail=1e-6, false_pass=1e-6)
EPS = float(np.finfo(np.float64).eps)


def exact_miss(n: int, rank: int) -> Fraction:
    """2 P(Binomial(n, 1/2) < rank) in whole numbers."""
    return Fraction(2 * sum(math.comb(n, k) for k in range(rank)), 2**n)


@given(n=st.integers(1, 300), level=st.sampled_from([0.3, 0.05, 1e-3, 1e-6, 1e-10]))
@settings(deadline=None)
def test_the_rank_is_the_largest_that_keeps_the_level(n: int, level: float) -> None:
    rank = median_rank(n, level)
    if rank:
        assert exact_miss(n, rank) <= Fraction(level)
    if 2 * (rank + 1) <= n + 1:
        assert exact_miss(n, rank + 1) > Fraction(level)


@given(n=st.integers(1, 200), data=st.data())
@settings(deadline=None)
def test_miss_is_the_binomial_sum(n: int, data) -> None:
    rank = data.draw(st.integers(1, (n + 1) // 2))
    truth = min(1.0, float(exact_miss(n, rank)))
    assert abs(miss(n, rank) - truth) <= 256 * EPS * truth  # betainc is right to a few hundred ulps


@pytest.mark.parametrize("n", [5, 8, 11])
def test_coverage_is_exact_by_enumeration(n: int) -> None:
    """All 2^n patterns of signs about the median 0 are equally likely: count those that miss it."""
    level = 0.25
    rank = median_rank(n, level)
    missed = 0
    for pattern in range(2**n):
        values = [(k + 1.0) if pattern >> k & 1 else -(k + 1.0) for k in range(n)]
        low, high = median_interval(values, level=level)
        missed += not low <= 0.0 <= high
    assert Fraction(missed, 2**n) == exact_miss(n, rank) <= level


def test_too_few_seeds_are_named() -> None:
    assert seeds_needed(1e-10) == 35
    assert median_rank(36, 1e-10) == 1
    with pytest.raises(UsageError, match="34 seeds cannot enclose a median at level 1e-10; at least 35"):
        median_interval(np.arange(34.0), level=1e-10)


@given(level=st.floats(1e-14, 0.4))
@settings(deadline=None)
def test_seeds_needed_is_the_least_number(level: float) -> None:
    n = seeds_needed(level)
    assert median_rank(n, level) >= 1
    assert n == 1 or median_rank(n - 1, level) == 0


def near(values, *, margin: float = 0.1, outer_margin: float = 0.2):
    return median_within(
        values, expected=1.0, margin=margin, outer_margin=outer_margin, rates=RATES, quantity="x"
    )


@pytest.mark.parametrize(
    ("centre", "spread", "verdict"),
    [
        (1.0, 0.01, Verdict.passed),
        (1.09, 0.01, Verdict.passed),
        (2.0, 0.01, Verdict.failed),
        (0.0, 0.01, Verdict.failed),
        (1.0, 5.0, Verdict.inconclusive),
        (1.15, 0.2, Verdict.inconclusive),
    ],
)
def test_three_outcomes(centre: float, spread: float, verdict: Verdict) -> None:
    evidence = near(centre + spread * np.linspace(-1, 1, 60))
    assert judge(evidence, 0.2) is verdict


def test_evidence_says_what_the_interval_says() -> None:
    x = np.arange(1.0, 61.0)
    evidence = median_within(x, expected=0.0, margin=5.0, outer_margin=90.0, rates=RATES, quantity="x")
    low, high = median_interval(x, level=RATES.false_fail)
    assert evidence.interval == (low, high)
    assert evidence.distance == low
    assert evidence.resolution == high
    assert (evidence.observed, evidence.n, evidence.tolerance) == (30.5, 60, 5.0)


@given(
    values=st.lists(st.integers(-5, 5), min_size=25, max_size=60),
    margin=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
)
@settings(deadline=None)
def test_the_p_value_is_below_the_rate_exactly_when_the_interval_misses_the_margin(
    values, margin: float
) -> None:
    evidence = median_within(values, expected=0.0, margin=margin, outer_margin=9.0, rates=RATES, quantity="x")
    assert evidence.p is not None
    assert (evidence.p <= RATES.false_fail) == (evidence.distance > evidence.tolerance)


def test_values_that_are_no_numbers_never_help() -> None:
    x = np.ones(60)
    assert judge(near(x), 0.2) is Verdict.passed
    few, half = x.copy(), x.copy()
    few[:3], half[:30] = np.nan, np.nan
    assert "3 of 60 values are not numbers" in near(few).detail
    assert judge(near(few), 0.2) is Verdict.passed
    assert judge(near(half), 0.2) is Verdict.failed
    some = x.copy()
    some[:20] = np.nan
    assert judge(near(some), 0.2) is Verdict.inconclusive
    assert judge(near(np.full(60, np.inf)), 0.2) is Verdict.failed


@pytest.mark.parametrize(("margin", "outer_margin"), [(0.2, 0.2), (0.3, 0.2), (-0.1, 0.2), (math.nan, 0.2)])
def test_margins_must_nest(margin: float, outer_margin: float) -> None:
    with pytest.raises(UsageError, match="0 <= margin < outer_margin"):
        near(np.ones(60), margin=margin, outer_margin=outer_margin)


def test_a_median_needs_one_axis() -> None:
    with pytest.raises(UsageError, match=r"shape \(6, 10\)"):
        near(np.ones((6, 10)))


@pytest.mark.parametrize("n", [1, 7, 40])
@pytest.mark.parametrize("p", [0.02, 0.5, 0.9])
def test_the_interval_of_a_share_covers_by_enumeration(n: int, p: float) -> None:
    rates = Rates(false_fail=0.05, false_pass=0.05)
    missed = 0.0
    for hits in range(n + 1):
        evidence = proportion_within(
            hits, n, expected=p, margin=0.0, outer_margin=1.0, rates=rates, quantity="share"
        )
        assert evidence.interval is not None
        outside = not evidence.interval[0] <= p <= evidence.interval[1]
        assert evidence.p is not None
        assert outside == (evidence.distance > 0)
        assert outside <= (evidence.p <= rates.false_fail)
        missed += outside * math.comb(n, hits) * p**hits * (1 - p) ** (n - hits)
    assert missed <= rates.false_fail


def test_a_law_is_known_to_within_the_dkw_distance() -> None:
    n = 10_000
    even = (np.arange(n) + 0.5) / n

    def verdict(u, outer_margin: float) -> Verdict:
        evidence = distribution_within(u, margin=0.0, outer_margin=outer_margin, rates=RATES, quantity="D")
        return judge(evidence, outer_margin)

    assert verdict(even, 0.05) is Verdict.passed
    assert verdict(even, 0.02) is Verdict.inconclusive
    assert verdict(even**1.2, 0.05) is Verdict.failed
    evidence = distribution_within(even, margin=0.0, outer_margin=0.1, rates=RATES, quantity="D")
    assert abs(evidence.observed - 0.5 / n) <= 4 * EPS


def test_probabilities_are_between_0_and_1() -> None:
    for wrong in ([], [1.5], [math.nan]):
        with pytest.raises(UsageError, match="probabilities"):
            distribution_within(wrong, margin=0.0, outer_margin=0.1, rates=RATES, quantity="D")
