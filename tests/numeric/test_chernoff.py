"""Chernoff's bound is a bound, at every n and for the continuous law, not only for its nodes.

Everything here is compared with closed forms or with mpmath; no chance is involved.
"""

from __future__ import annotations

import itertools
import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.laws import marginals as laws
from verinit.laws.schemes import parse
from verinit.statistics.chernoff import Terms, limits, log_tail
from verinit.vocabulary import Scheme

EPS = float(np.finfo(np.float64).eps)
ROOT3 = math.sqrt(3.0)
SCHEMES = (
    "uniform",
    "truncated_normal",
    "truncated_normal(low=-1,high=3)",
    "truncated_normal(low=-6,high=6)",
    "truncated_normal(std=0.02,low=-100,high=100)",  # torch's trunc_normal_(std=0.02): bounds at +-2
    "truncated_normal(low=-1000,high=1000)",
    "truncated_normal(low=3,high=7)",
)


def terms_of(scheme: str | Scheme) -> Terms:
    values, weights = laws.standard_nodes(laws.law_of(parse(scheme), (2, 2)))
    return Terms(values=values, weights=weights)


UNIFORM = terms_of("uniform")
ANY = {text: terms_of(text) for text in SCHEMES}
HALF = Scheme(name="half", family="truncated_normal", scale=1.0, cut=(0.0, math.inf))


# -- the nodes are the law ---------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", [*SCHEMES, HALF], ids=str)
def test_nodes_have_mean_0_and_variance_1(scheme: str | Scheme) -> None:
    terms = terms_of(scheme)
    assert math.fsum(terms.weights) == pytest.approx(1.0, abs=256 * EPS)
    assert min(terms.weights) >= 0.0
    # the closed form of a cut law's moments has lost at most 1e4 ulps at these cuts
    assert abs(terms.mean) <= 1e4 * EPS
    assert abs(terms.squared.mean - 1.0) <= 1e4 * EPS


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_cumulant_is_that_of_the_continuous_law_up_to_the_steepest_tilt(scheme: str, power: int) -> None:
    law = laws.law_of(parse(scheme), (2, 2))
    terms = terms_of(scheme) if power == 1 else terms_of(scheme).squared
    if law.family == "uniform":
        low, high, place, density = -ROOT3, ROOT3, (lambda x: x), (lambda x: mp.mpf(1))
    else:
        low, high = parse(scheme).cut
        low, high = max(low, -45.0), min(high, 45.0)  # exp(-45^2 / 2) is 1e-440
        place = lambda y: ((law.parent[0] - law.mean) + law.parent[1] * y) / law.std  # noqa: E731
        peak = min(max(0.0, low), high)
        density = lambda y: mp.exp((peak - y) * (peak + y) / 2)  # noqa: E731
    with mp.workdps(20):
        points = mp.linspace(low, high, 25)
        for share in (1.0, -1.0, 0.05, -0.05):
            t = share * terms.steepest
            top, _ = terms.tilted(t)  # near the answer, to keep mpmath's absolute goal relative
            mass = mp.quad(density, points)
            truth = mp.quad(lambda y, t=t, top=top: density(y) * mp.exp(t * place(y) ** power - top), points)
            # moments to 1e4 ulps, times a tilt of at most 500
            assert abs(float(mp.log(truth / mass))) <= 500 * 1e4 * EPS


# -- the bound against exact tails ----------------------------------------------------------------------


def irwin_hall(n: int, mean: float) -> float:
    """log P(mean of n standard uniforms >= mean), from the exact piecewise polynomial."""
    with mp.workdps(60):
        below = n * (1 - mp.mpf(mean) / mp.sqrt(3)) / 2  # by symmetry: the sum of U(0, 1) is below this
        total = mp.fsum(
            (-1) ** k * mp.binomial(n, k) * (below - k) ** n for k in range(math.floor(below) + 1)
        )
        return float(mp.log(total / mp.factorial(n)))


@given(n=st.integers(1, 60), share=st.floats(0.05, 1 - 1e-7))
@settings(deadline=None, max_examples=200)
def test_the_tail_of_a_uniform_mean_lies_below_the_bound(n: int, share: float) -> None:
    mean = share * ROOT3
    bound = log_tail(UNIFORM, n, mean)
    exact = math.log(2) + irwin_hall(n, mean)
    assert bound >= min(exact, 0.0) - 1e-9
    # what a proof costs: sqrt(2 pi n) t sigma of the tilted law, t sigma <= 1, until the tilt is steepest
    if UNIFORM.rate(UNIFORM.steepest) * n > -exact:
        assert bound <= max(exact, -math.log(n + 1)) + math.log(8 * math.sqrt(2 * math.pi * n))


@pytest.mark.parametrize("n", [1, 2, 3, 8, 20, 50])
@pytest.mark.parametrize("radius", [1e-3, 0.03, 0.3, 1.0])
def test_the_mean_square_of_uniforms_near_0_lies_below_the_bound(n: int, radius: float) -> None:
    """Inside the unit cube, P(sum U_i^2 <= radius^2) is the volume of a ball over that of the cube."""
    exact = n / 2 * math.log(math.pi) - math.lgamma(n / 2 + 1) + n * math.log(radius / 2)
    ratio = 3 * radius**2 / n
    if ratio < 1.0:
        assert log_tail(UNIFORM.squared, n, ratio) >= min(0.0, math.log(2) + exact)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("level", [0.01, 1e-3, 1e-6, 1e-9, 1e-12])
def test_one_draw_leaves_the_limits_as_rarely_as_promised(scheme: str, level: float) -> None:
    """n = 1 is the hardest for nodes: the tail lies beyond the last of them."""
    law = laws.law_of(parse(scheme), (2, 2))
    low, high = (law.mean + law.std * edge for edge in limits(ANY[scheme], 1, level))
    assert float(laws.cdf(law, np.array(low))) <= level
    assert float(laws.cdf(laws.mirrored(law), np.array(-high))) <= level
    least, most = limits(ANY[scheme].squared, 1, level)
    outside = laws.cdf(law, np.array(law.mean - law.std * math.sqrt(most))) + laws.cdf(
        laws.mirrored(law), np.array(-law.mean - law.std * math.sqrt(most))
    )
    assert float(outside) <= level
    within = law.std * math.sqrt(max(least, 0.0))
    assert (
        float(laws.cdf(law, np.array(law.mean + within)) - laws.cdf(law, np.array(law.mean - within)))
        <= level
    )


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 10])
@pytest.mark.parametrize("level", [1e-3, 1e-9, 1e-12])
def test_a_handful_of_draws_leaves_the_limits_as_rarely_as_promised(n: int, level: float) -> None:
    low, high = limits(UNIFORM, n, level)
    assert high == pytest.approx(-low, rel=1e-9)  # a symmetric law; roots are found to 1e-12
    if high < ROOT3:
        assert irwin_hall(n, high) <= math.log(level)
    least, _ = limits(UNIFORM.squared, n, level)
    radius = math.sqrt(max(least, 0.0) * n / 3)
    if 0 < radius <= 1:
        assert n / 2 * math.log(math.pi) - math.lgamma(n / 2 + 1) + n * math.log(radius / 2) <= math.log(
            level
        )


@given(p=st.floats(0.05, 0.95), n=st.integers(20, 200), data=st.data())
@settings(deadline=None, max_examples=40)
def test_the_tail_of_a_coin_lies_below_the_bound(p: float, n: int, data) -> None:
    coin = Terms(values=(0.0, 1.0), weights=(1 - p, p))
    k = data.draw(st.integers(1, n - 1))
    heads = [mp.binomial(n, j) * mp.mpf(p) ** j * mp.mpf(1 - p) ** (n - j) for j in range(n + 1)]
    exact = mp.fsum(heads[k:]) if k >= n * p else mp.fsum(heads[: k + 1])
    assert log_tail(coin, n, k / n) >= min(0.0, float(mp.log(2 * exact))) - 1e-9


# -- limits and tails are one function ---------------------------------------------------------------------


@given(
    terms=st.sampled_from([each for one in ANY.values() for each in (one, one.squared)]),
    n=st.integers(1, 100_000_000),
    level=st.sampled_from([1e-2, 1e-6, 1e-9, 1e-12]),
)
@settings(deadline=None, max_examples=200)
def test_the_bound_at_a_limit_is_the_level(terms: Terms, n: int, level: float) -> None:
    for edge in limits(terms, n, level):
        # K to some 1e-15 times n, and the last ulp of the limit times the slope n t of the bound
        slack = 1e-9 + n * (64 * EPS + terms.steepest * EPS * abs(edge) * min(1.0, 30 / n))
        assert log_tail(terms, n, edge) == pytest.approx(math.log(2 * level), abs=slack)


@given(terms=st.sampled_from([each for one in ANY.values() for each in (one, one.squared)]), data=st.data())
@settings(deadline=None, max_examples=100)
def test_limits_close_in_with_n_and_open_with_the_level(terms: Terms, data) -> None:
    few, many = sorted(data.draw(st.tuples(st.integers(1, 10**7), st.integers(1, 10**7))))
    rare, often = sorted(data.draw(st.tuples(st.floats(1e-15, 0.3), st.floats(1e-15, 0.3))))
    for wide, narrow in (
        (limits(terms, few, rare), limits(terms, many, rare)),
        (limits(terms, many, rare), limits(terms, many, often)),
    ):
        slack = 1e-9 * max(map(abs, (*wide, 1.0)))
        assert wide[0] <= narrow[0] + slack
        assert narrow[1] <= wide[1] + slack


@given(terms=st.sampled_from(list(ANY.values())), n=st.integers(1, 10**6))
@settings(deadline=None, max_examples=60)
def test_the_bound_falls_with_the_distance_on_either_side(terms: Terms, n: int) -> None:
    for side in (-1.0, 1.0):
        tails = [log_tail(terms, n, terms.mean + side * d) for d in (0.0, 1e-6, 1e-3, 0.1, 1.0, 10.0, 1e6)]
        assert tails[0] == 0.0
        assert all(near >= far - 1e-9 for near, far in itertools.pairwise(tails))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_mean_that_is_no_number_has_no_probability(bad: float) -> None:
    assert log_tail(UNIFORM, 100, bad) == -math.inf
