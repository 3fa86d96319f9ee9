"""Legendre scores and tail counts keep their false alarms and see what they say they see."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from verinit.statistics import binomial, shape
from verinit.vocabulary import Rates, UsageError, Verdict, judge

RATES = Rates(false_fail=1e-9, false_pass=1e-9)
EPS = float(np.finfo(np.float64).eps)


def failed(evidence) -> bool:
    verdict = judge(evidence, math.inf) is Verdict.failed
    if evidence.p not in (0.0, 1.0):
        assert verdict is (evidence.p <= RATES.false_fail)  # two readings of one inequality
    return verdict


# -- binomial tails --------------------------------------------------------------------------------


def exact_tails(hits: int, n: int, q: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    with mpmath.workdps(40):
        at_least = mpmath.betainc(hits, n - hits + 1, 0, q, regularized=True) if hits else mpmath.mpf(1)
        at_most = mpmath.betainc(n - hits, hits + 1, 0, 1 - mpmath.mpf(q), regularized=True)
        return at_least, at_most


@pytest.mark.parametrize(
    ("hits", "n", "q"),
    [(60, 100, 0.3), (3, 100, 0.3), (700, 1000, 0.3), (30, 10_000, 6.3e-5), (900, 1000, 0.5), (3, 1800, 0.3)],
)
def test_log_tails_are_those_of_mpmath_down_to_1e_minus_300(hits: int, n: int, q: float) -> None:
    at_least, at_most = exact_tails(hits, n, q)
    for found, truth in (
        (binomial.log_at_least(hits, n, q), at_least),
        (binomial.log_at_most(hits, n, q), at_most),
    ):
        assert abs(found - float(mpmath.log(truth))) <= 4 * n * EPS  # each of n factors has its rounding


@pytest.mark.parametrize(
    ("hits", "n", "q"), [(9000, 10_000, 0.5), (10_000, 10_000, 0.5), (4000, 10_000, 1e-3)]
)
def test_past_underflow_the_logarithm_is_an_upper_bound(hits: int, n: int, q: float) -> None:
    with mpmath.workdps(40):
        truth = float(mpmath.log(mpmath.betainc(hits, n - hits + 1, 0, q, regularized=True)))
        mirrored = float(mpmath.log(mpmath.betainc(hits, n - hits + 1, 0, mpmath.mpf(q), regularized=True)))
    for found, exact in (
        (binomial.log_at_least(hits, n, q), truth),
        (binomial.log_at_most(n - hits, n, 1 - q), mirrored),
    ):
        assert exact - 1e4 * n * EPS <= found <= exact + math.log(n) + 2  # the prefactor Chernoff lacks


@given(
    n=st.integers(1, 400),
    q=st.floats(1e-6, 1 - 1e-6),
    level=st.sampled_from([0.2, 1e-3, 1e-9, 1e-15]),
)
@settings(deadline=None)
def test_accepted_counts_are_exactly_those_above_the_level(n: int, q: float, level: float) -> None:
    low, high = binomial.accepted(n, q, q, level)
    slack = 1e-10  # of the level: rounding of a tail, far above 4 n eps
    for hits, inside in ((low - 1, False), (low, True)):
        if 0 <= hits < n:
            assert (math.exp(binomial.log_at_most(hits, n, q)) > level * (1 - slack)) is inside or hits < 0
    for hits, inside in ((high + 1, False), (high, True)):
        if 0 < hits <= n:
            assert (math.exp(binomial.log_at_least(hits, n, q)) > level * (1 - slack)) is inside


@pytest.mark.parametrize(("n", "q"), [(500, 0.5), (5000, 0.92), (5000, 0.0027), (300_000, 6.3e-5)])
def test_false_fail_and_false_pass_of_a_share_are_kept_exactly(n: int, q: float) -> None:
    low, high = binomial.accepted(n, q, q, RATES.false_fail / 2)
    outside = exact_tails(low - 1, n, q)[1] * (low > 0) + exact_tails(high + 1, n, q)[0]
    assert outside <= RATES.false_fail * (1 + 1e-9)
    d = binomial.share_resolution(n, RATES, expected=q)
    more = 1e-9 * d  # beyond the resolution by rounding only
    assert exact_tails(high, n, min(1.0, q + d + more))[1] <= RATES.false_pass
    if d <= q - more:
        assert exact_tails(low, n, q - d - more)[0] <= RATES.false_pass


def test_samples_of_a_share_resolve_what_was_asked() -> None:
    n = binomial.share_samples(RATES, 0.01, expected=0.5)
    assert binomial.share_resolution(n, RATES, expected=0.5) <= 0.01
    assert binomial.share_resolution(n // 2, RATES, expected=0.5) > 0.01


@pytest.mark.parametrize("bad", [(-1, 10, 0.5), (11, 10, 0.5), (0, 0, 0.5), (3, 10, math.nan)])
def test_impossible_counts_are_refused(bad) -> None:
    hits, n, q = bad
    with pytest.raises(UsageError, match="hits lie between 0 and n"):
        binomial.share(hits, n, RATES, expected=q, quantity="x")


# -- Legendre scores -------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [2, 3, 4, 6])
def test_scores_are_centred_orthonormal_and_within_their_range(k: int) -> None:
    terms = shape.score_terms(k)
    second = math.fsum(v * v * w for v, w in zip(terms.values, terms.weights, strict=True))
    assert abs(terms.mean) <= 64 * EPS
    assert abs(second - 1.0) <= 64 * EPS
    low, high = shape.score_range(k)
    assert abs(high - math.sqrt(2 * k + 1)) <= 16 * EPS
    assert low - 16 * EPS <= min(terms.values)
    u = np.linspace(0.0, 1.0, 4001)
    slope = np.max(np.abs(np.diff(shape.legendre(k, u)))) * 4000
    assert 0.98 * shape.steepness(k) <= slope <= shape.steepness(k) * (1 + 1e-9)


@pytest.mark.parametrize("k", [2, 3, 4, 6])
@pytest.mark.parametrize("a", [500.0, -500.0, 40.0, -3.0])
def test_the_cumulant_generating_function_is_that_of_the_polynomial(k: int, a: float) -> None:
    t = a / math.sqrt(2 * k + 1)
    with mpmath.workdps(30):
        whole = mpmath.quad(
            lambda x: mpmath.exp(a * (mpmath.legendre(k, x) - (1 if a > 0 else 0))) / 2,
            mpmath.linspace(-1, 1, 13),
        )
        truth = float(mpmath.log(whole)) + (a if a > 0 else 0.0)
    assert abs(shape.score_terms(k).tilted(t)[0] - truth) <= 1e4 * EPS * max(1.0, abs(a))


@pytest.mark.parametrize("k", [2, 3, 4, 6])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_false_fail_of_a_score_is_kept_and_not_wasted(k: int, side: float) -> None:
    """Importance sampling at 1e-9: 4,000 samples of the tilted law, weighed back to the uniform one."""
    n, rng = 64, np.random.default_rng(k)
    terms = shape.score_terms(k)
    low, high = shape.limits(terms, n, RATES.false_fail / 2)
    t = _tilt(terms, high if side > 0 else low)
    cumulant = terms.tilted(t)[0]
    top = max(t * v for v in shape.score_range(k))
    edge = shape.score(math.copysign(n, side), n, RATES, k=k)
    u = _tilted_uniforms(k, t, top, 4000 * n, rng).reshape(4000, n)
    total = shape.legendre(k, u).sum(axis=1)
    fails = (np.sign(total) == side) & (np.abs(total) / n > edge.tolerance)
    assert [failed(shape.score(s, n, RATES, k=k)) for s in total[:50]] == fails[:50].tolist()
    weights = np.where(fails, np.exp(n * cumulant - t * total), 0.0)
    estimate, error = weights.mean(), weights.std() / math.sqrt(weights.size)
    assert estimate <= 1.1 * RATES.false_fail / 2 + 4 * error
    assert estimate >= RATES.false_fail / 2 / 60


def _tilt(terms, mean: float) -> float:
    grid = np.linspace(-5.0, 5.0, 2001)
    return float(grid[np.argmin([abs(terms.tilted(t)[1] - mean) for t in grid])])


def _tilted_uniforms(k: int, t: float, top: float, size: int, rng) -> np.ndarray:
    found = np.empty(0)
    while found.size < size:
        u = rng.random(4 * size)
        found = np.concatenate([found, u[np.log(rng.random(4 * size)) < t * shape.legendre(k, u) - top]])
    return found[:size]


@pytest.mark.parametrize("k", [2, 3, 4, 6])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_false_pass_of_a_score_is_kept_by_the_least_favourable_law(k: int, side: float) -> None:
    """Draws at the two places of extreme score, with the expectation that the resolution names."""
    n = 600
    d = shape.score_resolution(n, RATES, k=k)
    least, most = shape.score_range(k)
    share = (side * d - least) / (most - least)
    assert 0 < share < 1
    high, low = shape.limits(shape.score_terms(k), n, RATES.false_fail / 2)[::-1]
    accepted = [h for h in range(n + 1) if low <= (h * most + (n - h) * least) / n <= high]
    at_least, at_most = exact_tails(accepted[0], n, share)[0], exact_tails(accepted[-1], n, share)[1]
    assert min(at_least, at_most) <= RATES.false_pass


def test_samples_of_scores_resolve_what_was_asked() -> None:
    n = shape.scores_samples(RATES, 0.05)
    assert 0.99 * 0.05 <= shape.scores_resolution(n, RATES) <= 0.05


def test_rounding_is_excused_and_costs_resolution() -> None:
    u = np.full(1000, 0.5 + 1e-5)
    plain = shape.score(float(shape.legendre(3, u).sum()), 1000, RATES, k=3)
    excused = shape.score(float(shape.legendre(3, u).sum()), 1000, RATES, k=3, excuse=1e-3)
    assert excused.tolerance - plain.tolerance == pytest.approx(1e-3 * shape.steepness(3), rel=1e-9)
    assert excused.resolution > plain.resolution + 1e-3 * shape.steepness(3)
    assert excused.p == 1.0


# -- both, on samples ------------------------------------------------------------------------------


def normal(rng, n):
    return rng.standard_normal(n)


def t5(rng, n):
    return rng.standard_t(5, n) / math.sqrt(5 / 3)


def laplace(rng, n):
    return rng.laplace(size=n) / math.sqrt(2)


def twelve_uniforms(rng, n):
    return sum(rng.random(n) for _ in range(12)) - 6.0


def uniform(rng, n):
    return rng.uniform(-math.sqrt(3), math.sqrt(3), n)


def skewed(rng, n):
    return (rng.gamma(16.0, size=n) - 16.0) / 4.0


def truncated(rng, n):
    z = rng.standard_normal(2 * n)
    return z[np.abs(z) < 2][:n] / 0.8796256610342398


@pytest.mark.parametrize("law", [t5, laplace, uniform, skewed, truncated])
def test_a_wrong_shape_of_the_right_variance_is_caught(law) -> None:
    z = law(np.random.default_rng(1), 30_000)
    assert failed(shape.scores(ndtr(z), RATES))


def test_a_sum_of_twelve_uniforms_is_caught_by_its_tails_alone() -> None:
    z = twelve_uniforms(np.random.default_rng(2), 600_000)
    assert failed(shape.tails(z, RATES))
    assert not failed(shape.scores(ndtr(z[:65_536]), RATES))


@pytest.mark.parametrize("law", [t5, laplace, uniform, truncated])
def test_a_wrong_tail_is_caught_by_counting(law) -> None:
    assert failed(shape.tails(law(np.random.default_rng(3), 60_000), RATES))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("n", [1, 7, 400, 20_000])
def test_the_right_law_passes(seed: int, n: int) -> None:
    """At 1e-9 a test, these 160 err with probability below 2e-7."""
    z = normal(np.random.default_rng([7, seed]), n)
    assert not failed(shape.scores(ndtr(z), RATES))
    assert not failed(shape.tails(z, RATES))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_numbers_fail(bad: float) -> None:
    z = np.array([0.1, bad, -0.3])
    assert failed(shape.tails(z, RATES))
    assert failed(shape.scores(z, RATES))


def test_probabilities_outside_the_unit_interval_fail() -> None:
    assert failed(shape.scores(np.array([0.5, 1.0 + EPS]), RATES))


def test_a_constant_sample_fails() -> None:
    assert failed(shape.scores(np.full(500, 0.5), RATES))
    assert failed(shape.tails(np.zeros(500), RATES))


def test_no_sample_is_refused() -> None:
    for test in (shape.scores, shape.tails):
        with pytest.raises(UsageError, match="no numbers were given"):
            test(np.empty(0), RATES)
