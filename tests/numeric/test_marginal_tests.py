"""Tests of one number's law are right at the level they promise, and see what they say they see.

Rates of this file: what is compared with mpmath or in closed form involves no chance. Importance sampling
uses `SIGMAS` = 7 standard errors of a mean of at least 4000 bounded weights (one error in 1e11 each), replays
an exact binomial quantile at 1e-10.
"""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from verinit.laws import marginals as laws
from verinit.laws.schemes import parse
from verinit.statistics import marginal
from verinit.statistics.chernoff import Terms
from verinit.vocabulary import Rates, UsageError, Verdict, judge

EPS = float(np.finfo(np.float64).eps)
SIGMAS = 7.0
WORKING = Rates(false_fail=1e-9, false_pass=1e-6)
MODERATE = Rates(false_fail=1e-3, false_pass=1e-2)
LEVELS = st.sampled_from([1e-3, 1e-6, 1e-9, 2.5e-12])
SIZES = st.integers(2, 3_000_000)


def terms_of(text: str) -> Terms:
    values, weights = laws.standard_nodes(laws.law_of(parse(text), (2, 2)))
    return Terms(values=values, weights=weights)


BOUNDED = {
    name: terms_of(name) for name in ("uniform", "truncated_normal", "truncated_normal(low=-1,high=3)")
}
ANY_TERMS = st.sampled_from([None, *BOUNDED.values()])


def square(terms: Terms | None) -> Terms | None:
    return terms.squared if terms else None


# -- p against mpmath ------------------------------------------------------------------------------


@pytest.mark.parametrize("z", [0.5, 3.3, 6.1, 11.4, 20.0, 37.0, 60.0, 1000.0])
@pytest.mark.parametrize("n", [2, 1000, 589_708])
def test_the_p_of_a_mean_is_the_normal_tail(z: float, n: int) -> None:
    observed = z / math.sqrt(n)
    found = marginal.mean(observed * n, n, WORKING, quantity="m")
    with mp.workdps(40):
        truth = float(mp.log10(mp.erfc(mp.mpf(observed) * mp.sqrt(n) / mp.sqrt(2))))
    # the exponent z^2 / 2 carries a few ulps of z twice
    assert abs(found.log10_p - truth) <= 16 * EPS * max(1.0, z * z)


@pytest.mark.parametrize("n", [2, 10, 143, 1000, 10_007])
@pytest.mark.parametrize("level", [1e-3, 1e-9, 1e-15, 1e-30, 1e-200])
def test_the_p_of_a_variance_is_the_chi_square_tail(n: int, level: float) -> None:
    for ratio in marginal._chi_square_limits(n, level):
        found = marginal.variance(ratio * n, n, WORKING, quantity="v")
        a = mp.mpf(n) / 2
        with mp.workdps(40):
            side = (a * ratio, mp.inf) if ratio >= 1 else (0, a * ratio)
            truth = float(mp.log10(2 * mp.gammainc(a, *side, regularized=True)))
        assert abs(found.log10_p - truth) <= 1e4 * EPS * abs(truth)  # scipy's igam: 1e-12 at p = 1e-200


@pytest.mark.parametrize("n", [10, 1000])
@pytest.mark.parametrize("ratio", [1e-30, 1e-7, 0.02, 5.0, 40.0, 1e4])
def test_past_underflow_log10_p_bounds_the_p_of_a_variance(n: int, ratio: float) -> None:
    found = marginal.variance(ratio * n, n, WORKING, quantity="v")
    a = mp.mpf(n) / 2
    with mp.workdps(60):
        side = (a * ratio, mp.inf) if ratio >= 1 else (0, a * ratio)
        truth = float(mp.log10(2 * mp.gammainc(a, *side, regularized=True)))
    slack = 1e3 * EPS * abs(truth)
    assert found.log10_p >= truth - slack
    # Chernoff's bound over the tail is about |ratio - 1| sqrt(pi n), with Stirling's next factor
    gap = 2 + (1 + abs(ratio - 1)) * math.sqrt(math.pi * n) * math.exp(1 / (6 * n))
    assert found.log10_p <= truth + math.log10(gap) + slack


@pytest.mark.parametrize("n", [1, 50, 2328, 589_708])
@pytest.mark.parametrize("score", [1e-3, 0.5, 1.5, 2.5, 3.5, 4.5, 6.5, 9.0, 12.0, 20.0, 36.0, 40.0, 300.0])
def test_the_p_of_an_extreme_is_that_of_the_largest_of_n(n: int, score: float) -> None:
    found = marginal.extreme(score, score, n, WORKING, quantity="x")
    with mp.workdps(60):
        inside = n * mp.log(mp.erf(mp.mpf(score) / mp.sqrt(2)))
        outer = mp.log(n) + mp.log(mp.erfc(mp.mpf(score) / mp.sqrt(2)))  # to first order, past 60 digits
        upper = mp.log(-mp.expm1(inside)) if outer > -100 else outer
        truth = float(mp.log10(2) + min(inside, upper) / mp.log(10))
    assert abs(found.log10_p - min(truth, 0.0)) <= 256 * EPS * max(1.0, abs(truth), score**2)


@pytest.mark.parametrize("n", [5, 100, 10_000])
@pytest.mark.parametrize("level", [0.3, 1e-3, 1e-6, 1e-12])
def test_the_p_of_a_distribution_bounds_the_exact_law_of_kolmogorov(n: int, level: float) -> None:
    d = math.sqrt(math.log(2 / level) / (2 * n))
    cells = np.zeros(marginal.GRID, dtype=np.int64)
    cells[min(math.ceil(d * marginal.GRID), marginal.GRID - 1)] = n
    found = marginal.distribution(cells, WORKING, quantity="d")
    assert found.p >= stats.kstwo.sf(found.observed, n)
    assert level >= stats.kstwo.sf(d, n)


def test_the_law_of_kolmogorov_leaves_the_tolerance_at_most_at_the_working_level() -> None:
    for n in (4096, 40_960, 368_640):
        cells = np.full(marginal.GRID, n // marginal.GRID)
        found = marginal.distribution(cells, WORKING, quantity="d")
        assert 0.5 * WORKING.false_fail <= stats.kstwo.sf(found.tolerance, n) <= WORKING.false_fail


# -- tolerance and p are one inequality ---------------------------------------------------------------


def assert_one_inequality(found, rates: Rates, *, near: float = 1e-6) -> None:
    """distance <= tolerance iff p >= false_fail, but for a sliver of `near` about the boundary."""
    if abs(found.distance / found.tolerance - 1.0) > near:
        assert (found.distance <= found.tolerance) == (found.p >= rates.false_fail)
        assert (found.distance <= found.tolerance) == (found.log10_p >= math.log10(rates.false_fail))


MISSES = st.sampled_from([0.0, 0.3, 0.9, 1 - 2e-6, 1 + 2e-6, 1.1, 3.0])


@given(
    n=SIZES, level=LEVELS, terms=ANY_TERMS, miss=MISSES, up=st.booleans(), excuse=st.sampled_from([0, 1e-3])
)
@settings(deadline=None, max_examples=200)
def test_a_mean_fails_exactly_where_its_p_is_below_the_rate(n, level, terms, miss, up, excuse) -> None:
    rates = Rates(false_fail=level)
    sign = 1.0 if up else -1.0
    edge = marginal.mean(sign * 1e-300 * n, n, rates, terms=terms, excuse=excuse, quantity="m").tolerance
    found = marginal.mean(sign * miss * edge * n, n, rates, terms=terms, excuse=excuse, quantity="m")
    assert_one_inequality(found, rates)


@given(
    n=SIZES, level=LEVELS, terms=ANY_TERMS, miss=MISSES, up=st.booleans(), excuse=st.sampled_from([0, 1e-3])
)
@settings(deadline=None, max_examples=200)
def test_a_variance_fails_exactly_where_its_p_is_below_the_rate(n, level, terms, miss, up, excuse) -> None:
    rates, law = Rates(false_fail=level), square(terms)
    start = n if up else n * (1 - EPS)
    edge = marginal.variance(start, n, rates, terms=law, excuse=excuse, quantity="v").tolerance
    observed = 1.0 + (miss * edge if up else -miss * edge)
    if observed > 0:
        found = marginal.variance(observed * n, n, rates, terms=law, excuse=excuse, quantity="v")
        # near 0 the tolerance 1 - low has lost the digits of low
        assert_one_inequality(found, rates, near=1e-6 + 4 * EPS / max(observed, EPS))


@given(n=SIZES, level=LEVELS, miss=MISSES, up=st.booleans())
@settings(deadline=None, max_examples=200)
def test_an_extreme_fails_exactly_where_its_p_is_below_the_rate(n, level, miss, up) -> None:
    rates = Rates(false_fail=level)
    low, median, high = marginal.extreme_limits(n, level / 2)
    score = median + miss * ((high - median) if up else (low - median))
    if score > 0:
        assert_one_inequality(marginal.extreme(score, score, n, rates, quantity="x"), rates)


@given(m=st.integers(1, 100), share=st.floats(0, 1), level=LEVELS, excuse=st.sampled_from([0, 1e-3]))
@settings(deadline=None, max_examples=100)
def test_a_distribution_fails_exactly_where_its_p_is_below_the_rate(m, share, level, excuse) -> None:
    rates = Rates(false_fail=level)
    moved = np.repeat([1, -1], marginal.GRID // 2) * round(share * m)
    found = marginal.distribution(moved + m, rates, excuse=excuse, quantity="d")
    assert found.observed == pytest.approx(round(share * m) / (2 * m), abs=marginal.GRID * EPS)
    assert_one_inequality(found, rates)


# -- false alarms at the working level, by importance sampling --------------------------------------------


def estimate(weights: np.ndarray) -> tuple[float, float]:
    """Mean and standard error of an importance sampler's weights."""
    return float(weights.mean()), float(weights.std(ddof=1)) / math.sqrt(weights.size)


def failed(found) -> bool:
    return not found.distance <= found.tolerance


def failures(test, totals: np.ndarray, n: int) -> np.ndarray:
    """Which totals fail: a test's tolerance depends on the side of the prediction alone."""
    centre = test(totals[0]).expected
    below, above = (test((centre + d) * n).tolerance for d in (-0.01, 0.01))
    for total in totals[:50]:
        found = test(total)
        assert found.tolerance == (above if found.observed >= centre else below)
    observed = totals / n - centre
    return ~(np.abs(observed) <= np.where(observed >= 0, above, below))


@pytest.mark.parametrize("side", [-1, 1])
def test_the_mean_of_normal_draws_keeps_its_false_fail(side: int) -> None:
    n, replays, rng = 50, 30_000, np.random.default_rng([1, side + 1])
    shift = side * stats.norm.isf(WORKING.false_fail / 2) / math.sqrt(n)
    totals = (rng.standard_normal((replays, n)) + shift).sum(axis=1)
    alarmed = failures(lambda s: marginal.mean(s, n, WORKING, quantity="m"), totals, n)
    rate, error = estimate(np.exp(-shift * totals + n * shift**2 / 2) * alarmed)
    assert abs(rate - WORKING.false_fail / 2) <= SIGMAS * error < 0.1 * WORKING.false_fail


@pytest.mark.parametrize("side", [-1, 1])
def test_the_variance_of_normal_draws_keeps_its_false_fail(side: int) -> None:
    n, replays, rng = 60, 30_000, np.random.default_rng([2, side + 1])
    scale = marginal._chi_square_limits(n, WORKING.false_fail / 2)[(side + 1) // 2]
    squares = scale * (rng.standard_normal((replays, n)) ** 2).sum(axis=1)
    alarmed = failures(lambda s: marginal.variance(s, n, WORKING, quantity="v"), squares, n)
    rate, error = estimate(np.exp(n / 2 * math.log(scale) - squares / 2 * (1 - 1 / scale)) * alarmed)
    assert abs(rate - WORKING.false_fail / 2) <= SIGMAS * error < 0.1 * WORKING.false_fail


def test_an_extreme_too_large_keeps_its_false_fail() -> None:
    """One score of n is drawn beyond c; its weight is n P(|Z| > c) over how many lie there."""
    n, replays, rng = 300, 10_000, np.random.default_rng(3)
    c = 0.97 * marginal.extreme_limits(n, WORKING.false_fail / 2)[2]
    tail = math.erfc(c / math.sqrt(2))
    scores = np.abs(rng.standard_normal((replays, n)))
    scores[:, 0] = stats.norm.isf(tail / 2 * (1 - rng.random(replays)))
    weights = n * tail / (scores > c).sum(axis=1)
    alarmed = [failed(marginal.extreme(s, s, n, WORKING, quantity="x")) for s in scores.max(axis=1)]
    rate, error = estimate(weights * alarmed)
    assert abs(rate - WORKING.false_fail / 2) <= SIGMAS * error < 0.1 * WORKING.false_fail


def test_an_extreme_too_small_keeps_its_false_fail() -> None:
    """All n scores are drawn below c, which has probability (1 - P(|Z| > c))^n."""
    n, replays, rng = 300, 6_000, np.random.default_rng(4)
    c = 1.01 * marginal.extreme_limits(n, WORKING.false_fail / 2)[0]
    inside = math.erf(c / math.sqrt(2))
    scores = special.ndtri((1 + inside * rng.random((replays, n))) / 2)
    alarmed = [failed(marginal.extreme(s, s, n, WORKING, quantity="x")) for s in scores.max(axis=1)]
    rate, error = estimate(inside**n * np.array(alarmed))
    assert abs(rate - WORKING.false_fail / 2) <= SIGMAS * error < 0.1 * WORKING.false_fail


def standard_draws(name: str, rng: np.random.Generator, size: int) -> np.ndarray:
    """Draws of mean 0 and variance 1, made without the package."""
    if name == "uniform":
        return rng.uniform(-math.sqrt(3), math.sqrt(3), size)
    z = rng.standard_normal(size + size // 8 + 1000)  # 4.6 % lie outside
    z = z[np.abs(z) <= 2.0][:size]
    return z / math.sqrt(1 - 4 * stats.norm.pdf(2) / math.erf(math.sqrt(2)))


def tilted_draws(name: str, statistic, t: float, top: float, rng, size: int) -> np.ndarray:
    """`statistic` of draws whose law is tilted by exp(t statistic), by rejection."""
    kept: list[np.ndarray] = []
    while sum(map(len, kept)) < size:
        g = statistic(standard_draws(name, rng, 2 * size))
        kept.append(g[rng.random(g.size) < np.exp(t * g - top)])
    return np.concatenate(kept)[:size]


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("moment", ["mean", "variance"])
@pytest.mark.parametrize("name", ["uniform", "truncated_normal"])
def test_chernoff_keeps_its_false_fail_and_is_not_vacuous(name: str, moment: str, side: int) -> None:
    n, replays, rng = 200, 4000, np.random.default_rng([5, len(name), len(moment), side + 1])
    terms = BOUNDED[name] if moment == "mean" else BOUNDED[name].squared
    statistic = np.asarray if moment == "mean" else np.square
    needed = math.log(2 / WORKING.false_fail) / n
    t = side * next(t for t in np.geomspace(1e-3, 10, 2000) if terms.rate(side * t) >= needed)
    top = max(t * v for v in (min(terms.values), max(terms.values))) + 0.01
    totals = tilted_draws(name, statistic, t, top, rng, n * replays).reshape(replays, n).sum(axis=1)
    test = marginal.mean if moment == "mean" else marginal.variance
    alarmed = failures(lambda s: test(s, n, WORKING, terms=terms, quantity="q"), totals, n)
    rate, error = estimate(np.exp(n * terms.tilted(t)[0] - t * totals) * alarmed)
    assert rate <= WORKING.false_fail / 2 + SIGMAS * error
    assert rate - SIGMAS * error >= WORKING.false_fail / 100  # the price of a proof, about 15


# -- power at the stated resolution -----------------------------------------------------------------------


@given(n=SIZES, level=LEVELS, excuse=st.sampled_from([0.0, 1e-4]))
@settings(deadline=None, max_examples=60)
def test_a_shift_of_the_resolution_is_missed_as_rarely_as_promised(n, level, excuse) -> None:
    rates = Rates(false_fail=level, false_pass=1e-6)
    found = marginal.mean(0.0, n, rates, excuse=excuse, quantity="m")
    root = math.sqrt(n)
    worst = found.resolution - excuse  # rounding may hide part of the shift
    missed = stats.norm.cdf(root * (found.tolerance - worst)) - stats.norm.cdf(
        root * (-found.tolerance - worst)
    )
    slack = 64 * EPS * root * found.tolerance * 6  # ulps of the argument, times the tail's log-slope
    assert (1 - 1e-3) * rates.false_pass <= missed <= (1 + 1e-9 + slack) * rates.false_pass


@pytest.mark.parametrize("n", [100, 2000, 10_007])
@pytest.mark.parametrize("excuse", [0.0, 1e-3])
def test_a_scale_of_the_resolution_is_missed_as_rarely_as_promised(n: int, excuse: float) -> None:
    rates = Rates(false_fail=1e-9, false_pass=1e-6)
    high = 1 + marginal.variance(n, n, rates, excuse=excuse, quantity="v").tolerance
    low = 1 - marginal.variance(n * (1 - EPS), n, rates, excuse=excuse, quantity="v").tolerance
    resolution = marginal.variance_resolution(n, rates, excuse=excuse)
    misses = []
    for ratio, hidden in ((1 + resolution, excuse), (1 - resolution, -excuse)):
        a = mp.mpf(n) / 2
        ends = [a * max(edge + hidden, 0) / ratio for edge in (low, high)]
        misses.append(float(mp.gammainc(a, *ends, regularized=True)) if ratio > 0 else 0.0)
    assert max(misses) <= rates.false_pass * (1 + 1e-6)
    assert max(misses) >= 0.9 * rates.false_pass  # the resolution is not padded


@given(n=st.integers(20, 1_000_000), level=LEVELS)
@settings(deadline=None, max_examples=60)
def test_a_law_cut_off_by_the_resolution_is_always_seen(n: int, level: float) -> None:
    rates = Rates(false_fail=level)
    cut = marginal.extreme_limits(n, level / 2)[1] - marginal.extreme_resolution(n, rates)
    for score in (cut * (1 - 1e-9), cut * 0.9):  # a draw of the cut law lies below the cut
        assert failed(marginal.extreme(score, score, n, rates, quantity="x"))


@pytest.mark.parametrize("u", [1e-5, 1e-9 + 410 / 4096, 0.3701, 0.5])
@pytest.mark.parametrize("n", [5000, 368_743])
def test_a_distance_of_the_resolution_is_missed_as_rarely_as_promised(n: int, u: float) -> None:
    """A miss leaves G_n within the tolerance of F at the next edge of the grid, which is binomial."""
    found = marginal.distribution(np.bincount([0] * n, minlength=marginal.GRID), WORKING, quantity="d")
    edge = math.ceil(u * marginal.GRID) / marginal.GRID
    true = u + found.resolution
    missed = stats.binom.cdf(math.floor(n * (edge + found.tolerance)), n, true)
    assert missed <= WORKING.false_pass
    strays = (edge - u) + found.tolerance - found.resolution  # DKW's own promise: what is left for chance
    assert math.log(2) - 2 * n * strays**2 <= math.log(WORKING.false_pass) * (1 - 1e-9)


@pytest.mark.parametrize("moment", ["mean", "variance"])
@pytest.mark.parametrize("name", ["uniform", "truncated_normal"])
def test_chernoff_misses_a_departure_of_its_resolution_as_rarely_as_promised(name: str, moment: str) -> None:
    n, replays, rng = 300, 4000, np.random.default_rng([6, len(name), len(moment)])
    terms = BOUNDED[name] if moment == "mean" else BOUNDED[name].squared
    test = marginal.mean if moment == "mean" else marginal.variance
    draws = standard_draws(name, rng, n * replays).reshape(replays, n)

    def measured(total: float):
        return test(total, n, MODERATE, terms=terms, quantity="q")

    resolution = measured(float(n)).resolution
    right = draws.sum(axis=1) if moment == "mean" else (draws**2).sum(axis=1)
    totals = right + n * resolution if moment == "mean" else (1 + resolution) * right
    missed = np.count_nonzero(~failures(measured, totals, n))
    assert missed <= stats.binom.isf(1e-10, replays, MODERATE.false_pass)
    wrong = np.count_nonzero(failures(measured, right, n))
    assert wrong <= stats.binom.isf(1e-10, replays, MODERATE.false_fail)


@pytest.mark.parametrize("name", ["uniform", "truncated_normal", "truncated_normal(low=-1,high=3)"])
@pytest.mark.parametrize("discrepancy", [0.01, 0.1, 0.5])
@pytest.mark.parametrize("excuse", [0.0, 5e-4])
def test_a_support_too_wide_by_the_discrepancy_is_left_by_one_draw(name, discrepancy, excuse) -> None:
    law = laws.law_of(parse(name), (2, 2))

    def escape(share: float) -> float:
        return laws.escape(law, share, excuse=excuse)

    n = marginal.support_samples(WORKING, discrepancy, escape)
    assert (1 - escape(discrepancy)) ** n <= WORKING.false_pass * (1 + n * EPS)
    assert (1 - escape(discrepancy)) ** (n - 1) > WORKING.false_pass * (1 - n * EPS)
    assert marginal.support_resolution(n, WORKING, escape) <= discrepancy * (1 + 64 * EPS)


# -- resolution and n -------------------------------------------------------------------------------------


RESOLUTIONS = {
    "mean": marginal.mean_resolution,
    "variance": marginal.variance_resolution,
    "extreme": marginal.extreme_resolution,
    "distribution": marginal.distribution_resolution,
    **{f"mean of {k}": lambda n, r, t=t: marginal.mean_resolution(n, r, terms=t) for k, t in BOUNDED.items()},
    **{
        f"variance of {k}": lambda n, r, t=t.squared: marginal.variance_resolution(n, r, terms=t)
        for k, t in BOUNDED.items()
    },
}


@pytest.mark.parametrize("name", RESOLUTIONS)
@given(pair=st.tuples(SIZES, SIZES).map(sorted), level=LEVELS)
@settings(deadline=None, max_examples=25)
def test_more_numbers_never_see_less(name: str, pair: list[int], level: float) -> None:
    rates = Rates(false_fail=level, false_pass=1e-6)
    if name == "extreme":  # a handful of draws has a low median to be cut off from
        pair = [max(n, math.ceil(math.log(2 / level))) for n in pair]
    coarse, fine = (RESOLUTIONS[name](n, rates) for n in pair)
    assert fine <= coarse * (1 + 1e-9)  # roots of the rate function are found to 1e-12


@given(level=LEVELS, miss=st.sampled_from([1e-2, 1e-6]), discrepancy=st.floats(0.004, 0.9), terms=ANY_TERMS)
@settings(deadline=None, max_examples=60)
def test_planned_numbers_see_the_discrepancy(level, miss, discrepancy, terms) -> None:
    rates = Rates(false_fail=level, false_pass=miss)
    n = marginal.mean_samples(rates, discrepancy, terms=terms)
    assert marginal.mean_resolution(n, rates, terms=terms) <= discrepancy
    n = marginal.variance_samples(rates, discrepancy, terms=square(terms))
    assert marginal.variance_resolution(n, rates, terms=square(terms)) <= discrepancy
    n = marginal.distribution_samples(rates, discrepancy)
    assert marginal.distribution_resolution(n, rates) <= discrepancy
    n = marginal.extreme_samples(rates, discrepancy + 1)
    assert marginal.extreme_resolution(n, rates) <= discrepancy + 1
    assert n <= 40 or marginal.extreme_resolution(n - 1, rates) > discrepancy + 1
    assert max(marginal.extreme_resolution(n + k, rates) for k in range(40)) <= discrepancy + 1


def test_impossible_plans_are_refused() -> None:
    for plan in (
        lambda: marginal.mean_samples(WORKING, 1e-6),
        lambda: marginal.variance_samples(WORKING, 1e-6),
        lambda: marginal.distribution_samples(WORKING, 1.0 / marginal.GRID),
        lambda: marginal.extreme_samples(WORKING, 0.01),
        lambda: marginal.mean_samples(WORKING, 0.0),
        lambda: marginal.mean_samples(WORKING, math.nan),
    ):
        with pytest.raises(UsageError, match="discrepancy"):
            plan()


@pytest.mark.parametrize("cut", [6, 10, 100])
def test_a_bound_where_the_law_has_no_mass_is_refused(cut: int) -> None:
    law = laws.law_of(parse(f"truncated_normal(low=-{cut},high={cut})"), (2, 2))
    with pytest.raises(UsageError, match="support too wide"):
        marginal.support_samples(WORKING, 0.1, lambda share: laws.escape(law, share))


# -- what is no number never passes -----------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("terms", [None, BOUNDED["uniform"]])
def test_what_is_not_a_number_fails_every_test(bad: float, terms: Terms | None) -> None:
    n = 10_000
    for found in (
        marginal.mean(bad, n, WORKING, terms=terms, quantity="m"),
        marginal.variance(bad, n, WORKING, terms=square(terms), quantity="v"),
        marginal.extreme(bad, bad, n, WORKING, quantity="x"),
        marginal.support(bad, n, WORKING, escape=lambda share: 0.1, excuse=1e-7, quantity="s"),
    ):
        if found.basis == "half an ulp of the bound" and bad < 0:
            continue  # an excess is never negative: checks take the larger of it and 0
        assert judge(found, math.inf) is Verdict.failed
        assert found.p in (0.0, None)


@pytest.mark.parametrize("good", [3.0, 3.9])
def test_an_extreme_with_one_edge_missing_fails(good: float) -> None:
    for edges in ((math.nan, good), (good, math.nan)):
        assert judge(marginal.extreme(*edges, 10_000, WORKING, quantity="x"), math.inf) is Verdict.failed


def test_an_empty_sample_is_refused() -> None:
    for measure in (
        lambda: marginal.mean(0.0, 0, WORKING, quantity="m"),
        lambda: marginal.variance(0.0, 0, WORKING, quantity="v"),
        lambda: marginal.extreme(0.0, 0.0, 0, WORKING, quantity="x"),
    ):
        with pytest.raises((ArithmeticError, ValueError)):
            measure()
    with pytest.raises((ArithmeticError, ValueError)), np.errstate(invalid="ignore"):
        marginal.distribution(np.zeros(marginal.GRID, dtype=np.int64), WORKING, quantity="d")


@pytest.mark.parametrize("terms", [None, BOUNDED["uniform"], BOUNDED["truncated_normal"]])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_constant_sample_is_no_sample(terms: Terms | None, value: float) -> None:
    """A constant 0 has the right mean, a constant 1 the right mean square; no constant passes everything."""
    n = 10_000
    cells = np.zeros(marginal.GRID, dtype=np.int64)
    cells[math.floor(stats.norm.cdf(value) * marginal.GRID)] = n
    verdicts = [
        judge(found, math.inf)
        for found in (
            marginal.mean(value * n, n, WORKING, terms=terms, quantity="m"),
            marginal.variance(value * n, n, WORKING, terms=square(terms), quantity="v"),
            marginal.extreme(value, value, n, WORKING, quantity="x"),
            marginal.distribution(cells, WORKING, quantity="d"),
        )
    ]
    assert verdicts.count(Verdict.failed) == 3


@given(
    terms=ANY_TERMS,
    n=SIZES,
    total=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300),
)
@settings(deadline=None, max_examples=100)
def test_every_finite_sum_has_a_p_that_is_a_probability(terms, n, total) -> None:
    mean = marginal.mean(total, n, WORKING, terms=terms, quantity="m")
    variance = marginal.variance(abs(total), n, WORKING, terms=square(terms), quantity="v")
    for found in (mean, variance):
        assert 0.0 <= found.p <= 1.0
        assert found.log10_p <= 0.0
        assert found.p < 1e-300 or abs(math.log10(found.p) - found.log10_p) <= 1e-9 * (1 - found.log10_p)


def test_right_draws_pass_and_two_percent_fails() -> None:
    """In the numbers that a plan asks for. Each of the three may be wrong with probability 1e-9 at most."""
    planned = Rates(false_fail=1e-9, false_pass=1e-9)
    n = marginal.variance_samples(planned, 0.02)
    z = np.random.default_rng(7).standard_normal(n)
    assert judge(marginal.variance(float(z @ z), n, planned, quantity="v"), 0.02) is Verdict.passed
    for ratio in (1.02, 0.98):
        assert failed(marginal.variance(ratio * float(z @ z), n, planned, quantity="v"))
