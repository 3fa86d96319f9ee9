"""Exact laws at finite width against closed forms, and against networks whose weights were really drawn."""

from __future__ import annotations

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from verinit.laws import finite_width, log_norms, relu
from verinit.laws.correlation import square_covariance
from verinit.laws.finite_width import log_norm_moments, relu_gain_cdf, relu_gain_quantile
from verinit.laws.log_norms import log_norm_band, log_norm_quantiles
from verinit.laws.responses import leaky_relu, response
from verinit.statistics.equivalence import median_within, proportion_within
from verinit.vocabulary import Evidence, Rates, UsageError, Verdict, entropy, judge

EPS = float(np.finfo(np.float64).eps)
RATES = Rates(false_fail=1e-9, false_pass=1e-9)


def drawn(f, *, width: int, depth: int, gain: float, nets: int, inputs: int = 1) -> np.ndarray:
    """Log of the mean square of the activations of each layer, (nets, depth), over orthogonal unit inputs."""
    rng = np.random.default_rng(entropy(0, "drawn networks", width, depth, nets, inputs))
    y = np.broadcast_to(np.eye(width)[:inputs] * math.sqrt(width), (nets, inputs, width))
    logs = []
    for _ in range(depth):
        weights = rng.standard_normal((nets, width, width)) * math.sqrt(gain / width)
        y = f.value(y @ weights)
        with np.errstate(divide="ignore"):
            logs.append(np.log(np.mean(y * y, axis=(1, 2))))
    return np.array(logs).T


def share(hits: int, n: int, expected: float, margin: float = 0.0) -> Evidence:
    return proportion_within(
        hits, n, expected=expected, margin=margin, outer_margin=margin + 0.15, rates=RATES, quantity="share"
    )


@pytest.mark.parametrize("width", [1, 2, 7, 64])
def test_the_gain_of_a_relu_layer_is_a_binomial_mixture_of_gammas(width: int) -> None:
    for x in (1e-3, 0.3, 1.0, 2.5):
        with mp.workdps(25):
            below = (
                mp.fsum(
                    mp.binomial(width, k)
                    * (
                        1
                        if k == 0
                        else mp.gammainc(mp.mpf(k) / 2, 0, mp.mpf(x) * width / 4, regularized=True)
                    )
                    for k in range(width + 1)
                )
                / mp.mpf(2) ** width
            )
        found = float(relu_gain_cdf(x, width=width))
        # weights err by eps log n!, gammainc by some 30 eps
        assert abs(found / float(below) - 1) <= EPS * (64 + 16 * math.lgamma(width + 1))


@given(width=st.integers(1, 300), level=st.floats(1e-6, 1 - 1e-6), gain=st.floats(0.1, 10))
@settings(deadline=None, max_examples=50)
def test_quantiles_invert_the_distribution(width: int, level: float, gain: float) -> None:
    x = relu_gain_quantile(level, width=width, gain=gain)
    if level <= 0.5**width:
        assert x == 0.0
    else:
        slack = 1e-12  # of a probability: the density of log x is below 10 for these widths, x good to 1e-14
        assert abs(float(relu_gain_cdf(x, width=width, gain=gain)) - level) <= slack


def test_a_relu_layer_keeps_the_mean_and_loses_the_median() -> None:
    x = np.linspace(0.0, 40.0, 400_001)
    mean = float(np.trapezoid(1.0 - relu_gain_cdf(x, width=8), x))
    assert abs(mean - 1.0) <= 1e-6  # the step is 1e-4, squared; beyond 40 lies e^-80
    assert relu_gain_quantile(0.5, width=8) < 1.0


@pytest.mark.parametrize("width", [1, 2, 5, 32, 256, 1024])
@pytest.mark.parametrize("level", [1e-6, 0.1, 0.5, 0.999])
def test_one_layer_of_the_band_is_the_mixture(width: int, level: float) -> None:
    dead = 0.5**width
    truth = math.log(relu_gain_quantile(dead + (1 - dead) * level, width=width))
    found = log_norm_quantiles("relu", width=width, depth=1, levels=(level,))[0, 0]
    # 1e-14 of probability over the density, at least level / 4 on either side of a log law of this kind
    assert abs(found - truth) <= 4e-14 * (1 / level + 1 / (1 - level)) + 1e-12


def test_two_linear_layers_of_two_units_have_the_law_of_a_product_of_exponentials() -> None:
    """m_2 / m_0 = E E' with E, E' ~ Exp(1): P(E E' > t) = 2 sqrt(t) K_1(2 sqrt(t))."""
    for level in (1e-4, 0.2, 0.5, 0.97):
        t = math.exp(log_norm_quantiles("identity", width=2, depth=2, levels=(level,))[0, 1])
        above = 2 * math.sqrt(t) * special.kv(1, 2 * math.sqrt(t))
        assert abs(1 - above - level) <= 1e-12


def test_one_unit_with_two_slopes_has_the_law_of_half_a_square() -> None:
    """P(f(z)^2 <= x) = (erf(sqrt(x / 2)) + erf(sqrt(x / 2) / 0.1)) / 2 at gain 1."""
    for level in (1e-3, 0.4, 0.9):
        x = math.exp(log_norm_quantiles(leaky_relu(0.1), width=1, depth=1, levels=(level,), gain=1.0)[0, 0])
        below = 0.5 * (math.erf(math.sqrt(x / 2)) + math.erf(math.sqrt(x / 2) / 0.1))
        assert abs(below - level) <= 1e-12


@pytest.mark.parametrize(
    "f",
    ["relu", "leaky_relu", leaky_relu(0.4), leaky_relu(-0.5), "identity"],
    ids=("relu", "leaky", "leaky 0.4", "leaky -0.5", "identity"),
)
@pytest.mark.parametrize(("width", "depth"), [(3, 6), (16, 10)])
def test_drawn_networks_lie_where_the_exact_law_says(f, width: int, depth: int) -> None:
    f, nets = response(f), 3000
    gain = 2.0 / (f.slopes[0] ** 2 + 1.0)
    logs = drawn(f, width=width, depth=depth, gain=gain, nets=nets)
    levels = (0.02, 0.5, 0.9)
    quantiles = log_norm_quantiles(f, width=width, depth=depth, levels=levels)
    for layer in (0, depth - 1):
        alive = logs[:, layer][np.isfinite(logs[:, layer])]
        for level, at in zip(levels, quantiles[:, layer], strict=True):
            found = share(int(np.count_nonzero(alive <= at)), alive.size, level)
            assert judge(found, 0.15) is Verdict.passed, found


def test_a_band_holds_its_level_and_pre_activations_have_their_own() -> None:
    f, nets = response("relu"), 3000
    logs = drawn(f, width=16, depth=5, gain=2.0, nets=nets)
    low, high = log_norm_band("relu", width=16, depth=5, level=0.1)
    inside = np.count_nonzero((logs >= low) & (logs <= high), axis=0)
    assert all(judge(share(int(k), nets, 0.9), 0.15) is Verdict.passed for k in inside)
    first = log_norm_quantiles("relu", width=16, depth=1, levels=(0.3,), preactivations=True, gain=2.0)[0, 0]
    assert abs(special.gammainc(8.0, 8.0 * math.exp(first) / 2.0) - 0.3) <= 1e-12


@pytest.mark.parametrize("width", [64, 1024])
def test_bands_follow_the_leading_order_at_large_width(width: int) -> None:
    """Mean and standard deviation by normal quantiles of the exact law: off by order 1 / sqrt(n) of them."""
    depth = 20
    low, middle, high = log_norm_quantiles(
        "relu", width=width, depth=depth, levels=(special.ndtr(-1), 0.5, special.ndtr(1))
    )
    laws = log_norm_moments("relu", width=width, depth=depth, gain=2.0).activations
    sd = np.sqrt(laws.variance)
    assert np.max(np.abs(0.5 * (high - low) / sd - 1)) <= 2 / math.sqrt(width)
    # the median is the mean less a sixth of skewness (of order 1 / sqrt(n L)) standard deviations
    assert np.max(np.abs(middle - laws.mean - math.log(1.0)) / sd) <= 2 / math.sqrt(width)
    exact = relu.log_gain(width)
    assert abs(laws.variance[-1] / depth / exact.variance - 1) <= 10 / width
    assert abs(laws.mean[-1] / depth / exact.mean - 1) <= 10 / width


@pytest.mark.parametrize(("name", "gain"), [("tanh", 2.5), ("sigmoid", 4.0), ("gelu", 2.0), ("relu", 2.0)])
@pytest.mark.parametrize("inputs", [1, 8])
def test_drawn_batches_scatter_as_the_leading_order_says(name: str, gain: float, inputs: int) -> None:
    """The median lies within a quarter standard deviation, the share within one within 8 %."""
    width, depth, nets = 48, 5, 600
    logs = drawn(response(name), width=width, depth=depth, gain=gain, nets=nets, inputs=inputs)
    law = log_norm_moments(name, width=width, depth=depth, gain=gain, inputs=inputs).activations
    sd = np.sqrt(law.variance)
    for layer in (0, depth - 1):
        values = (logs[:, layer] - law.mean[layer]) / sd[layer]
        middle = median_within(
            values, expected=0.0, margin=0.25, outer_margin=0.8, rates=RATES, quantity="median"
        )
        assert judge(middle, 0.8) is Verdict.passed, middle
        inside = share(int(np.count_nonzero(np.abs(values) < 1)), nets, 0.6827, margin=0.08)
        assert judge(inside, 0.3) is Verdict.passed, inside


@pytest.mark.parametrize(("name", "noise"), [("relu", 5.0), ("identity", 2.0)])
def test_the_noise_of_a_layer_is_the_kurtosis_of_its_response(name: str, noise: float) -> None:
    assert abs(square_covariance(name, 1.0, 1.0) - noise) <= 16 * EPS


def test_exact_bands_are_cheap() -> None:
    """At most 4096 steps of one period for a hundred layers of a thousand units."""
    layer = log_norms._layer(response("relu"), 1024)
    assert log_norms._grid([(layer, 100)]).size <= 4096


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: log_norm_band("tanh", width=8, depth=2, level=0.1), "finite_width.log_norm_moments"),
        (lambda: log_norm_band("relu", width=8, depth=2, level=0.0), "between 0 and 1"),
        (lambda: log_norm_quantiles("relu", width=0, depth=2, levels=(0.1,)), "a unit and a layer"),
        (lambda: log_norm_quantiles("relu", width=8, depth=2, levels=(1e-15,)), "each lies between"),
        (lambda: log_norm_quantiles("relu", width=8, depth=2, levels=(0.5,), gain=-1.0), "gain=-1.0"),
        (lambda: relu_gain_cdf(1.0, width=0), "a unit or more"),
        (lambda: relu_gain_quantile(1.0, width=4), "strictly between"),
        (lambda: log_norm_moments("tanh", width=8, depth=2, gain=0.0), "positive numbers"),
        (lambda: finite_width.log_norm_moments("tanh", width=0, depth=2, gain=1.0), "a unit and a layer"),
    ],
)
def test_what_has_no_law_is_refused_in_words(call, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        call()
