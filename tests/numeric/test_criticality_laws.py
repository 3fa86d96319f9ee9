"""Fixed points and the edge of chaos against closed forms of erf, published points, and the maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.laws import criticality, growth
from verinit.laws.kernels import ERF
from verinit.laws.responses import RESPONSES, leaky_relu, response
from verinit.laws.signal import moment, slope_moment, variances
from verinit.vocabulary import UsageError

EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize("bias", [0.05, 1.0])
def test_the_edge_of_chaos_of_erf_solves_its_closed_equations(bias: float) -> None:
    """chi = gain (4 / pi) / sqrt(1 + 4 q) = 1 and q = gain (2 / pi) arcsin(2 q / (1 + 2 q)) + b."""
    edge = criticality.edge_of_chaos(ERF, bias_variance=bias)
    assert abs(edge.gain * 4 / math.pi / math.sqrt(1 + 4 * edge.q) - 1) <= 64 * EPS
    residue = edge.gain * 2 / math.pi * math.asin(2 * edge.q / (1 + 2 * edge.q)) + bias - edge.q
    # q was bisected to the last bits of a difference of quadratures, which vanishes with a slope above 1/4
    assert abs(residue) <= 256 * EPS * edge.q


def test_published_points_are_met() -> None:
    """Schoenholz et al. 2017: tanh with bias variance 0.05 is critical near 1.76; Klambauer 2017: selu."""
    assert round(criticality.edge_of_chaos("tanh", bias_variance=0.05).gain, 2) == 1.76
    selu = criticality.fixed_points("selu", gain=1.0)[-1]
    assert abs(selu.q - 1) <= 64 * EPS
    assert selu.stable
    assert criticality.edge_of_chaos("relu").gain == 2.0
    assert criticality.edge_of_chaos("tanh").q == 0.0


@given(slope=st.floats(-1, 1))
def test_piecewise_linear_functions_are_critical_at_every_variance(slope: float) -> None:
    edge = criticality.edge_of_chaos(leaky_relu(slope))
    assert edge.every
    assert abs(edge.gain - 2 / (1 + slope * slope)) <= 8 * EPS
    (point,) = criticality.fixed_points(leaky_relu(slope), gain=edge.gain)
    assert point.every
    assert point.depth_scale == math.inf


@pytest.mark.parametrize("bias", [0.0, 0.3])
@pytest.mark.parametrize("name", ["tanh", "gelu", "selu", "leaky_relu"])
def test_every_critical_point_keeps_signal_and_gradient(name: str, bias: float) -> None:
    for point in criticality.critical_points(name, bias_variance=bias):
        if point.q > 0.0:
            kept = point.gain * moment(name, point.q).value + bias
            assert abs(kept / point.q - 1) <= 512 * EPS  # an error of 64 eps, over a slope above 1/8
        assert abs(criticality.chi(name, point.q, gain=point.gain) - 1) <= 4 * EPS


def test_sigmoid_is_critical_far_out_and_softplus_nowhere() -> None:
    (far,) = criticality.critical_points("sigmoid")
    assert far.q > 40
    assert far.gain > 100
    with pytest.raises(UsageError, match="softplus has no critical initialisation"):
        criticality.edge_of_chaos("softplus")
    with pytest.raises(UsageError, match=r"relu has no critical initialisation at bias_variance=0\.1"):
        criticality.edge_of_chaos("relu", bias_variance=0.1)


@pytest.mark.parametrize(
    ("name", "gain", "bias"),
    [("tanh", 0.9, 0.0), ("tanh", 25 / 9, 0.0), ("sigmoid", 16.0, 0.2), ("selu", 1.0, 0.0),
     ("gelu", 2.05, 0.0), ("elu", 1.3, 0.0), ("softplus", 1.0, 0.0), ("relu", 1.0, 0.7), ("relu", 3.0, 0.0)],
)  # fmt: skip
def test_a_fixed_point_is_kept_and_its_slope_says_what_becomes_of_neighbours(
    name: str, gain: float, bias: float
) -> None:
    points = criticality.fixed_points(name, gain=gain, bias_variance=bias)
    assert points
    for point in points:
        if point.q == 0.0:
            continue
        for factor in (0.99, 1.01):
            start = point.q * factor
            moved = (gain * moment(name, start).value + bias - point.q) / (start - point.q)
            # the curvature of these maps over 1 % changes the slope by less than 1 %
            assert abs(moved - point.slope) <= 0.01 * (1 + point.slope)


@given(name=st.sampled_from(sorted(RESPONSES)), q=st.floats(0.05, 50))
@settings(deadline=None, max_examples=15)
def test_the_slope_of_the_variance_map_is_its_derivative(name: str, q: float) -> None:
    """V(1.2 q) - V(q) is the integral of dV/dq, by 12 Gauss nodes: analytic on a scale above q / 2."""
    t, w = np.polynomial.legendre.leggauss(12)
    half = 0.1 * q
    slopes = [criticality.variance_slope(name, q + half * (x + 1), gain=1.0) for x in t.tolist()]
    rise = half * sum(weight * s for weight, s in zip(w.tolist(), slopes, strict=True))
    truth = moment(name, 1.2 * q).value - moment(name, q).value
    assert abs(rise - truth) <= 256 * EPS * (q + moment(name, 1.2 * q).value)


def test_five_thirds_does_not_preserve_tanh_and_one_preserves_selu() -> None:
    assert round(criticality.kept("tanh", gain=25 / 9), 4) == 1.0953
    assert abs(criticality.kept("selu", gain=1.0) - 1) <= 8 * EPS


def test_the_surplus_of_selu_is_an_artefact_of_gauss_hermite_at_the_kink() -> None:
    """200 Gauss-Hermite points give 1.000022: they do not see the kink at 0, which panels end at."""
    x, w = np.polynomial.hermite_e.hermegauss(200)
    rough = float((w / w.sum()) @ response("selu").value(x) ** 2)
    assert round(rough, 6) == 1.000022


@given(name=st.sampled_from(sorted(set(RESPONSES) - {"identity"})), q=st.floats(0.01, 30))
@settings(deadline=None, max_examples=30)
def test_the_preserving_gain_keeps_the_variance_at_its_q_for_ever(name: str, q: float) -> None:
    gain = criticality.preserving_gain(name, q=q)
    walk = variances(name, fan_in=1, std=math.sqrt(gain), depth=2, input_mean_square=q / gain)
    assert np.max(np.abs(walk / q - 1)) <= 64 * EPS


@pytest.mark.parametrize("name", RESPONSES)
def test_elasticity_is_the_log_slope(name: str) -> None:
    step = 1e-4
    up, down = (math.log(moment(name, 1.3 * math.exp(s)).value) for s in (step, -step))
    # central difference: step^2 of a third log-derivative below 1, and 64 eps over the step
    slack = step * step + 64 * EPS / step
    assert abs((up - down) / (2 * step) - criticality.elasticity(name, 1.3)) <= slack


@pytest.mark.parametrize("name", RESPONSES)
def test_batch_norm_never_shrinks_a_gradient(name: str) -> None:
    """Poincare: Var f <= E f'^2, with equality for affine f alone."""
    growth_ = growth.batchnorm_growth(name)
    assert growth_.value >= 1.0
    assert (growth_.value == 1.0) == (name == "identity")
    mean, square = moment(name, 1.0, power=1).value, moment(name, 1.0).value
    apart = slope_moment(name, 1.0).value / (square - mean * mean)
    assert abs(growth_.value - apart) <= 32 * EPS * apart * square / (square - mean * mean)


def test_batch_norm_and_relu_grow_by_pi_over_pi_minus_one() -> None:
    assert abs(growth.batchnorm_growth("relu").value - math.pi / (math.pi - 1)) <= 8 * EPS


def test_residual_growth_is_the_mean_over_every_sign_of_the_last_weights() -> None:
    """Weights of +-1 are exactly enumerable: mean 0, and a branch gain of 2 for two units."""
    x, hidden, scale = np.array([0.3, -1.2]), np.array([0.7, 0.4]), 0.6
    signs = np.array(np.meshgrid(*[[-1.0, 1.0]] * 4)).reshape(4, -1).T.reshape(-1, 2, 2)
    after = np.mean(np.sum((x + scale * (hidden @ signs)) ** 2, axis=1))
    gain = 2 * np.sum(hidden**2) / np.sum(x**2)
    assert abs(after / np.sum(x**2) - growth.residual_growth(gain, scale=scale)) <= 8 * EPS
    assert growth.residual_mean_squares(3, 2.0).tolist() == [3.0, 9.0, 27.0]
    assert growth.prenorm_mean_squares(3, 1.0).tolist() == [2.0, 3.0, 4.0]
    blocks = 1000
    assert growth.residual_mean_squares(blocks, 2.0, scale=blocks**-0.5)[-1] < math.exp(2.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: criticality.fixed_points("tanh", gain=-1.0), "gain=-1.0"),
        (lambda: criticality.kept("tanh", gain=1.0, q=0.0), "above 0"),
        (lambda: criticality.critical_points("tanh", bias_variance=math.nan), "bias_variance=nan"),
        (lambda: growth.residual_growth(-1.0), "not negative"),
        (lambda: growth.residual_mean_squares(0, 1.0), "at least one block"),
    ],
)
def test_what_has_no_answer_is_refused_in_words(call, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        call()
