"""The map of the cosine against closed forms, Hermite series with a proven remainder, and counted draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.laws import correlation, criticality, relu
from verinit.laws.kernels import ERF, joint_expectation
from verinit.laws.responses import leaky_relu, response
from verinit.laws.signal import expectation, moment
from verinit.statistics.equivalence import proportion_within
from verinit.vocabulary import Rates, UsageError, Verdict, entropy, judge

EPS = float(np.finfo(np.float64).eps)
SMOOTH = ["tanh", "sigmoid", "gelu", "silu", "softplus", "elu", "selu", "gelu_tanh"]
COSINES = [-1.0, -0.999, -0.3, 0.0, 1e-9, 0.5, 0.9, 1 - 1e-6, 1 - 1e-12, 1.0]


@pytest.mark.parametrize("c", COSINES)
@pytest.mark.parametrize("q", [1e-4, 1.0, 100.0])
def test_an_error_function_has_the_arcsine_kernel(q: float, c: float) -> None:
    """E[erf(u) erf(v)] = (2 / pi) arcsin(2 q c / (1 + 2 q)): Williams 1997, eq. 11."""
    found = correlation.covariance(ERF, q, q, c)
    truth = 2 / math.pi * math.asin(2 * q * c / (1 + 2 * q))
    assert abs(found.value - truth) <= found.error + 8 * EPS
    assert found.error < 1e-12


@pytest.mark.parametrize("c", COSINES)
@pytest.mark.parametrize("slope", [0.0, 0.01, 0.5, -0.7, 1.0])
def test_closed_kernels_agree_with_the_quadrature(slope: float, c: float) -> None:
    """Of values at two unequal variances, of slopes, and of squares."""
    f = leaky_relu(slope)
    closed = correlation.covariance(f, 1.7, 0.3, c)
    found = joint_expectation(f.value, f.value, 1.7, 0.3, c, kinks=(0.0,))
    assert abs(closed.value - found.value) <= closed.error + found.error + 4 * EPS
    slopes = joint_expectation(f.derivative, f.derivative, 1.7, 0.3, c, kinks=(0.0,))
    # arcsin near 1 turns an eps of c into its root
    near = math.sqrt(2 * EPS) if abs(c) > 0.999 else 0.0
    assert (
        abs(correlation.slope_covariance(f, 1.7, 0.3, c).value - slopes.value)
        <= slopes.error + 4 * EPS + near
    )
    both = joint_expectation(lambda x: f.value(x) ** 2, lambda x: f.value(x) ** 2, 1.0, 1.0, c, kinks=(0.0,))
    mean = moment(f, 1.0).value
    predicted = (correlation.square_covariance(f, 1.0, c) + 1.0) * mean**2
    assert abs(predicted - both.value) <= both.error + 16 * EPS * (1 + both.value)


@pytest.mark.parametrize("c", [-0.8, 0.6])
@pytest.mark.parametrize("name", ["tanh", "gelu", "softplus"])
def test_covariance_is_its_hermite_series_within_the_remainder(name: str, c: float) -> None:
    """E[f(u) f(v)] = sum a_k^2 c^k; what is left out after K terms is at most |c|^K (E f^2 - sum a_k^2)."""
    f, q, terms = response(name), 0.7, 40
    squares = []
    for k in range(terms):
        unit = np.zeros(k + 1)
        unit[k] = 1.0 / math.sqrt(math.factorial(k))
        hermite = lambda x, u=unit: np.polynomial.hermite_e.hermeval(np.clip(x / math.sqrt(q), -12, 12), u)  # noqa: E731
        squares.append(expectation(lambda x, h=hermite: f.value(x) * h(x), q).value ** 2)
    total = sum(a * c**k for k, a in enumerate(squares))
    left = abs(c) ** terms * max(0.0, moment(f, q).value - sum(squares))
    found = correlation.covariance(name, q, q, c)
    # P(|Z| > 12) is 4e-33; 40 coefficients are each good to a few eps of E f^2
    assert abs(found.value - total) <= found.error + left + 8 * terms * EPS * moment(f, q).value


@given(name=st.sampled_from(SMOOTH), q=st.floats(0.01, 3), c=st.floats(-1, 1))
@settings(deadline=None, max_examples=3)
def test_the_slope_covariance_is_the_derivative_of_the_covariance(name: str, q: float, c: float) -> None:
    """E[f f](c) - E[f f](0) = q times the integral of E[f' f'] (Price 1958), by 8 Gauss nodes.

    A Hermite series of one sign: over |c| < 1/4 the rule leaves about (c / 4)^16 = 2e-20 of it.
    """
    c *= 0.25
    t, w = np.polynomial.legendre.leggauss(8)
    slopes = [correlation.slope_covariance(name, q, q, c * 0.5 * (x + 1)) for x in t.tolist()]
    rise = q * c * 0.5 * sum(weight * s.value for weight, s in zip(w.tolist(), slopes, strict=True))
    end, start = correlation.covariance(name, q, q, c), correlation.covariance(name, q, q, 0.0)
    slack = end.error + start.error + q * max(s.error for s in slopes) + 64 * EPS * (q + abs(end.value))
    assert abs(end.value - start.value - rise) <= slack


@given(q=st.floats(1e-3, 10), c=st.floats(0, 1), name=st.sampled_from(SMOOTH))
@settings(deadline=None, max_examples=10)
def test_the_ends_of_the_map_are_moments(q: float, c: float, name: str) -> None:
    first = moment(name, q, power=1).value
    assert abs(correlation.covariance(name, q, q, 0.0).value - first * first) <= 64 * EPS * (
        1 + first * first
    )
    assert correlation.cosine_map(name, q, 1.0) >= 1 - 64 * EPS
    low, high = (correlation.cosine_map(name, q, x) for x in (0.0, 1.0))
    # the map is convex and rises, so it lies below its chord and above its start
    inside = correlation.cosine_map(name, q, c)
    assert low - 64 * EPS <= inside <= low + c * (high - low) + 64 * EPS


@pytest.mark.parametrize("std", [0.01, 0.1])
def test_relu_is_the_special_case_that_is_written_apart(std: float) -> None:
    found = correlation.activation_cosines("relu", fan_in=100, std=std, depth=50, start=0.2)
    # arccos near 1 amplifies: errors of eps a layer, on a map of slope at most 1
    assert np.max(np.abs(found - relu.cosines(50, start=0.2))) <= 50 * 8 * EPS
    before = correlation.cosines("relu", fan_in=100, std=std, depth=50, start=0.2)
    assert before[0] == 0.2
    assert np.array_equal(before[1:], found[:-1])


@pytest.mark.parametrize(
    ("name", "gain", "bias"),
    [("tanh", 0.8, 0.1), ("tanh", 2.0, 0.0), ("erf", 3.0, 0.2), ("sigmoid", 9.0, 0.1), ("selu", 1.0, 0.0)],
)  # fmt: skip
def test_the_stable_cosine_draws_every_start_at_the_rate_of_its_depth_scale(
    name: str, gain: float, bias: float
) -> None:
    f = ERF if name == "erf" else response(name)
    q = criticality.fixed_points(f, gain=gain, bias_variance=bias)[-1].q
    given_ = {"gain": gain, "bias_variance": bias}
    target = correlation.stable_cosine(f, q, **given_)
    rate = math.exp(-1 / correlation.correlation_depth_scale(f, q, **given_))
    c = target + (0.01 if target < 0.9 else -0.01)
    gaps = [c - target]
    for _ in range(3):
        c = correlation.cosine_map(f, q, c, **given_)
        gaps.append(c - target)
    # the second derivative of the map changes the rate by a share of the gap, which is at most 0.01 here;
    # 5 bounds f'' / f' of these maps near their fixed points
    assert abs(gaps[-1] / gaps[-2] - rate) <= 5 * abs(gaps[-2]) + 64 * EPS / abs(gaps[-2])


def test_the_slope_at_one_is_chi_at_a_fixed_point() -> None:
    point = criticality.fixed_points("tanh", gain=1.5, bias_variance=0.05)[0]
    slope = correlation.cosine_slope("tanh", point.q, 1.0, gain=1.5, bias_variance=0.05)
    assert abs(slope - criticality.chi("tanh", point.q, gain=1.5)) <= 64 * EPS


def test_edges_of_chaos_have_no_depth_scale() -> None:
    edge = criticality.edge_of_chaos("tanh", bias_variance=0.05)
    assert correlation.correlation_depth_scale("tanh", edge.q, gain=edge.gain, bias_variance=0.05) == math.inf
    assert correlation.correlation_depth_scale("relu", 1.0, gain=2.0) == math.inf
    assert correlation.stable_cosine("tanh", 0.5, gain=1.8) == 0.0


def test_an_odd_function_keeps_orthogonal_inputs_orthogonal_and_sigmoid_does_not() -> None:
    assert abs(correlation.cosine_map("tanh", 1.0, 0.0)) <= 64 * EPS
    assert correlation.cosine_map("sigmoid", 1.0, 0.0) > 0.8


@pytest.mark.parametrize("c", [-0.6, 0.25, 0.9])
def test_both_units_fire_as_often_as_the_slope_covariance_of_relu_says(c: float) -> None:
    """E[1(u > 0) 1(v > 0)] is a probability: counted over 200,000 pairs, exact interval at 1e-9."""
    rng = np.random.default_rng(entropy(0, "both fire", c))
    z, e = rng.standard_normal((2, 200_000))
    hits = int(np.count_nonzero((z > 0) & (c * z + math.sqrt(1 - c * c) * e > 0)))
    found = proportion_within(
        hits,
        z.size,
        expected=correlation.slope_covariance("relu", 1.0, 1.0, c).value,
        margin=0.0,
        outer_margin=0.01,
        rates=Rates(false_fail=1e-9, false_pass=1e-9),
        quantity="share",
    )
    assert judge(found, 0.01) is Verdict.passed


@given(inputs=st.integers(1, 40), cosine=st.floats(0, 1))
def test_effective_rank_is_the_participation_ratio_of_the_gram_matrix(inputs: int, cosine: float) -> None:
    gram = np.full((inputs, inputs), cosine) + (1 - cosine) * np.eye(inputs)
    values = np.linalg.eigvalsh(gram)
    ratio = values.sum() ** 2 / (values**2).sum()
    assert abs(correlation.effective_rank(inputs, cosine) / ratio - 1) <= 8 * inputs * EPS


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: correlation.covariance("tanh", 1.0, 1.0, 1.5), "lies in [-1, 1]"),
        (lambda: correlation.covariance("relu", -1.0, 1.0, 0.5), "not negative"),
        (lambda: joint_expectation(np.tanh, np.tanh, -1.0, 1.0, 0.5), "not negative"),
        (lambda: joint_expectation(np.tanh, np.tanh, 1.0, 1.0, math.nan), "lies in [-1, 1]"),
        (lambda: correlation.effective_rank(0, 0.5), "at least one input"),
        (lambda: correlation.cosine_map("tahn", 1.0, 0.5), "did you mean 'tanh'"),
    ],
)
def test_what_is_no_correlation_is_refused_in_words(call, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("[", r"\[").replace("]", r"\]")):
        call()
