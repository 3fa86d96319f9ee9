"""The mean-field laws against closed forms and against mpmath at 30 digits."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from verinit.laws import relu, signal
from verinit.laws.responses import RESPONSES, leaky_relu, response
from verinit.vocabulary import UsageError

EPS = float(np.finfo(np.float64).eps)
EXACT = {
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "tanh": mp.tanh,
    "relu": lambda x: max(x, mp.mpf(0)),
    "leaky_relu": lambda x: x if x > 0 else mp.mpf(0.01) * x,
    "elu": lambda x: x if x > 0 else mp.expm1(x),
    "gelu": lambda x: x * mp.ncdf(x),
    "gelu_tanh": lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3))),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
}
LOCAL = (-40, -20, -8, -4, -2, -1, 0, 1, 2, 4, 8, 20, 40)


def by_mpmath(g, q: float) -> float:
    """E[g(sqrt(q) Z)] with 25 digits."""
    with mp.workdps(25):
        s = mp.sqrt(q)
        points = sorted(
            {k * s for k in (-38, *range(-12, 13, 2), 38)} | {mp.mpf(k) for k in LOCAL if abs(k) < 38 * s}
        )
        return float(mp.quad(lambda x: g(x) * mp.npdf(x, 0, s), points))


@pytest.mark.parametrize("q", [1e-4, 1.0, 100.0, 1e4])
@pytest.mark.parametrize("name", EXACT)
def test_second_moment_is_that_of_mpmath_within_its_error_estimate(name: str, q: float) -> None:
    found = signal.moment(name, q)
    assert abs(found.value - by_mpmath(lambda x: EXACT[name](x) ** 2, q)) <= found.error + EPS * found.value


@pytest.mark.parametrize("q", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "silu", "gelu"])
def test_slope_moment_is_that_of_mpmath_within_its_error_estimate(name: str, q: float) -> None:
    found = signal.slope_moment(name, q)
    truth = by_mpmath(lambda x: mp.diff(EXACT[name], x) ** 2, q)
    assert abs(found.value - truth) <= found.error + 4 * EPS * truth  # mp.diff at 25 digits keeps 16


@pytest.mark.parametrize("q", [0.01, 1.0, 37.0])
def test_an_error_function_has_the_arcsine_moment(q: float) -> None:
    """E[erf(sqrt(q) Z)^2] = (2 / pi) arcsin(2q / (1 + 2q)): Williams 1997, eq. 11."""
    from scipy.special import erf

    found = signal.expectation(lambda x: erf(x) ** 2, q)
    truth = 2 / math.pi * math.asin(2 * q / (1 + 2 * q))
    assert abs(found.value - truth) <= found.error + 8 * EPS * truth  # asin near 1 loses a factor of 4


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "identity"])
@pytest.mark.parametrize("power", [1, 2, 3, 4])
def test_closed_forms_agree_with_the_quadrature(name: str, power: int) -> None:
    f = response(name)
    closed = signal.moment(name, 2.5, power=power)
    found = signal.expectation(lambda x: f.value(x) ** power, 2.5, kinks=f.kinks)
    assert abs(closed.value - found.value) <= closed.error + found.error


@given(q=st.floats(1e-6, 1e4))
@settings(deadline=None)
def test_relu_halves_the_mean_square_and_the_gradient(q: float) -> None:
    assert abs(signal.moment("relu", q).value - q / 2) <= 4 * EPS * q
    assert signal.slope_moment("relu", q).value == 0.5


def test_slope_moment_of_a_saturated_sigmoid_falls_like_one_over_the_root_of_q() -> None:
    """E f'^2 -> (integral of f'^2) phi(0) / s = 1 / (6 s sqrt(2 pi)), with relative error of order 1 / q."""
    for q in (1e3, 1e4):
        limit = 1 / (6 * math.sqrt(2 * math.pi * q))
        assert abs(signal.slope_moment("sigmoid", q).value / limit - 1) < 2 / q


@pytest.mark.parametrize("name", RESPONSES)
def test_a_response_is_the_integral_of_its_derivative(name: str) -> None:
    """By Gauss-Legendre over short panels; the tolerance is rounding of 60 panels of 16 nodes."""
    f = response(name)
    t, w = np.polynomial.legendre.leggauss(16)
    edges = np.linspace(-15.0, 15.0, 61)
    x = 0.5 * (edges[1:] + edges[:-1])[:, None] + 0.25 * t
    total = np.sum(0.25 * w * f.derivative(x), axis=1)
    rise = np.diff(f.value(edges))
    assert np.max(np.abs(total - rise)) <= 64 * EPS * max(1.0, float(np.max(np.abs(f.value(edges)))))


def test_the_variance_map_of_sigmoid_starts_at_one_hundred_for_the_chapter() -> None:
    q = signal.variances("sigmoid", fan_in=100, std=1.0, depth=5)
    assert q[0] == 100.0
    assert q[1] == 100.0 * signal.moment("sigmoid", 100.0).value
    assert np.all((q[1:] > 44) & (q[1:] < 47))


def test_he_is_the_fixed_point_of_relu_forward_and_backward() -> None:
    q = signal.variances("relu", fan_in=64, std=math.sqrt(2 / 64), depth=50)
    assert np.max(np.abs(q - 2.0)) <= 50 * 8 * EPS
    chi = signal.gradient_gains("relu", q, fan_out=64, std=math.sqrt(2 / 64))
    assert np.max(np.abs(chi - 1.0)) <= 4 * EPS


def test_two_over_root_n_doubles_the_mean_square_in_every_relu_layer() -> None:
    squares = signal.mean_squares("relu", signal.variances("relu", fan_in=100, std=0.2, depth=6))
    assert np.max(np.abs(squares[1:] / squares[:-1] - 2.0)) <= 32 * EPS


@given(
    name=st.sampled_from(sorted(RESPONSES)),
    q=st.floats(1e-4, 1e4),
    low=st.floats(-3, 0.9),
    width=st.floats(0.01, 5),
)
@settings(deadline=None)
def test_shares_are_the_expectation_of_the_bins_indicator(
    name: str, q: float, low: float, width: float
) -> None:
    """Against 20,001 quantiles of z: the empirical share is off by one point an edge."""
    from scipy.special import ndtri

    edges = np.array([low, low + width / 3, low + width])
    # where f tends to an edge, float64 reaches it (gelu(-39) = -0.0) and the exact function does not
    assume(np.min(np.abs(edges[:, None] - np.array([-1.0, 0.0, 1.0]))) > 1e-9)
    points = 20_001
    z = math.sqrt(q) * ndtri((np.arange(points) + 0.5) / points)
    counted = np.histogram(response(name).value(z), edges)[0] / points
    assert np.max(np.abs(signal.histogram_shares(name, q, edges) - counted)) <= 5 / points


def test_shares_of_the_whole_range_add_up_to_one() -> None:
    edges = np.linspace(0, 1, 31)
    for q in (0.0, 1e-4, 1.0, 100.0, 1e4):
        assert abs(signal.histogram_shares("sigmoid", q, edges).sum() - 1.0) <= 30 * EPS
    assert signal.histogram_shares("relu", 2.0, np.array([0.0, 1e-300, 1e3]))[0] == 0.5


def test_the_first_end_bin_holds_what_the_normal_tail_says() -> None:
    share = signal.histogram_shares("sigmoid", 100.0, np.linspace(0, 1, 31))[0]
    truth = float(mp.ncdf(-mp.log(29) / 10))
    assert abs(share - truth) <= 8 * EPS


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_spread_is_the_root_of_the_variance(name: str) -> None:
    first = signal.moment(name, 1.5, power=1).value
    second = signal.moment(name, 1.5).value
    assert abs(signal.spreads(name, [1.5])[0] ** 2 - (second - first**2)) <= 16 * EPS


@pytest.mark.parametrize("width", [1, 2, 25, 100])
def test_log_gain_of_a_relu_layer_is_that_of_the_mixture(width: int) -> None:
    found = relu.log_gain(width)
    with mp.workdps(25):
        p = [mp.binomial(width, k) for k in range(1, width + 1)]
        m = [mp.digamma(mp.mpf(k) / 2) + mp.log(mp.mpf(4) / width) for k in range(1, width + 1)]
        mean = mp.fdot(p, m) / mp.fsum(p)
        v = [
            mp.polygamma(1, mp.mpf(k) / 2) + (x - mean) ** 2
            for k, x in zip(range(1, width + 1), m, strict=True)
        ]
        variance = mp.fdot(p, v) / mp.fsum(p)
    # gammaln of n! has an absolute error of eps * log n!, which every weight shares or passes on
    slack = 16 * EPS * (1 + math.lgamma(width + 1)) * (1 + abs(float(mean)))
    assert abs(found.mean - mean) <= slack
    assert abs(found.variance - variance) <= 4 * slack


def test_log_gain_drifts_by_five_halves_over_n() -> None:
    found = relu.log_gain(10_000)
    assert abs(found.mean * -2 * 10_000 / 5 - 1) < 10 / 10_000
    assert abs(found.variance * 10_000 / 5 - 1) < 10 / 10_000


def test_cosines_of_orthogonal_inputs_begin_at_one_over_pi_and_rise() -> None:
    c = relu.cosines(100)
    assert c[0] == 1 / math.pi
    assert np.all(np.diff(c) > 0)
    assert c[-1] < 1
    assert relu.cosines(3, start=1.0).tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: signal.moment("sigmod", 1.0), "did you mean 'sigmoid'"),
        (lambda: signal.moment("tanh", -1.0), "not negative"),
        (lambda: signal.moment("tanh", math.nan), "not negative"),
        (lambda: signal.moment("tanh", 1.0, power=0), "whole powers from 1"),
        (lambda: signal.variances("tanh", fan_in=0, std=1.0, depth=1), "at least one unit"),
        (lambda: signal.variances("tanh", fan_in=1, std=1.0, depth=0), "at least one layer"),
        (lambda: signal.variances("tanh", fan_in=1, std=math.inf, depth=1), "std"),
        (lambda: signal.histogram_shares("tanh", 1.0, [0.0]), "at least two edges"),
        (lambda: signal.histogram_shares("tanh", 1.0, [1.0, 0.0]), "above the one before"),
        (lambda: relu.log_gain(0), "a unit or more"),
        (lambda: relu.cosines(0), "depth is 1 or more"),
    ],
)
def test_misuse_is_answered_in_one_sentence(call, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        call()


def test_a_leaky_relu_of_any_slope_has_closed_moments() -> None:
    assert signal.slope_moment(leaky_relu(0.5), 3.0).value == 0.5 * (1 + 0.25)
    assert abs(signal.moment(leaky_relu(0.5), 3.0).value - 0.5 * 3.0 * 1.25) <= 8 * EPS
