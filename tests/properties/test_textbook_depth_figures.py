"""What the figures of depth are made of, held to other ways of computing it and to worlds that are wrong.

Chance. Roots are constants; bands of gains hold at each but for 1e-6, other comparisons are of five standard
deviations.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from verinit.laws.correlation import cosine_map
from verinit.laws.criticality import edge_of_chaos
from verinit.laws.log_norms import log_norm_quantiles
from verinit.laws.signal import variances
from verinit.textbook import cosine_maps, depth_profiles, flat_slopes, layer_gains
from verinit.textbook.experiment import RANGES, SCHEMES, WIDTH
from verinit.textbook.gradients import critical_width
from verinit.textbook.layer_gains import LAYERS, WAYS, gains, outside, panel, standard_normal, walk
from verinit.vocabulary import Rates

RATES = Rates()
ROOTS = (1, 2)
TANH = SCHEMES["Xavier, 1/sqrt(n)"](WIDTH)


def measured(activation, std, root, *, flawed=None, factor=1.05):
    """Gains of networks one of whose layers draws weights that are too large by a factor."""

    def flaw(network):
        draw, number = network.initializer, iter(range(1, LAYERS + 1))
        network.initializer = lambda shape, rng, *, dtype=None: (
            (factor if next(number) == flawed else 1.0) * draw(shape, rng, dtype=dtype)
        )

    weights, inputs = standard_normal(root)
    rng = np.random.default_rng(root)
    walks = (walk(activation, std, W, x, rng, flaw=flaw) for W, x in zip(weights, inputs, strict=True))
    return gains(walks, std)


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize("activation", RANGES)
def test_right_layers_stay_within_their_bands(activation, root) -> None:
    for std in SCHEMES.values():
        seen = measured(activation, std(WIDTH), root)
        assert [outside(seen[way], RATES) for way in WAYS] == [[], []]


@pytest.mark.parametrize("root", ROOTS)
@pytest.mark.parametrize(("activation", "layer"), [("tanh", 7), ("relu", 1), ("sigmoid", 3)])
def test_a_gain_that_is_five_per_cent_off_in_one_layer_is_outside_there_alone(
    activation, layer, root
) -> None:
    seen = measured(activation, SCHEMES[layer_gains.MADE_FOR[activation]](WIDTH), root, flawed=layer)
    for way in WAYS:
        assert outside(seen[way], RATES) == [layer]
        assert seen[way][layer - 1].gain == pytest.approx(1.05, abs=0.03)
        drawn = panel(seen[way], way, activation, layer_gains.MADE_FOR[activation], RATES)
        at = drawn.x.index(float(layer))
        assert drawn.observed[at] > drawn.band[1][at]
        assert ("outside:", f"1 of {LAYERS} layers") in drawn.notes
        assert drawn.notes[0][1].endswith(f"layer {layer}")


def test_a_layer_that_is_not_drawn_is_drawn_once_it_is_outside() -> None:
    assert 7 not in layer_gains.SHOWN
    right, wrong = measured("tanh", TANH, 1), measured("tanh", TANH, 1, flawed=7)
    assert 7.0 not in panel(right["forward"], "forward", "tanh", "Xavier, 1/sqrt(n)", RATES).x
    assert 7.0 in panel(wrong["forward"], "forward", "tanh", "Xavier, 1/sqrt(n)", RATES).x


def test_degrees_of_freedom_are_those_of_the_theorems() -> None:
    seen = measured("tanh", TANH, 1)
    inputs = layer_gains.NETWORKS * layer_gains.BATCH
    assert {each.freedom for each in seen["forward"]} == {inputs * WIDTH}
    assert {each.freedom for each in seen["backward"]} == {inputs * (WIDTH - layer_gains.BATCH)}


def test_directions_that_rounding_has_taken_are_left_out() -> None:
    """With std 0.01 inputs grow alike 40 times a layer: in the end their common direction is left."""
    seen = measured("sigmoid", 0.01, 1)["forward"]
    assert seen[0].freedom == layer_gains.NETWORKS * layer_gains.BATCH * WIDTH
    assert seen[-1].freedom == layer_gains.NETWORKS * WIDTH
    assert all(each.excuse <= layer_gains.ROUNDED for each in seen)


def test_a_network_that_passes_nothing_on_is_outside() -> None:
    seen = measured("tanh", TANH, 1, flawed=4, factor=0.0)["forward"]
    assert 4 in outside(seen, RATES)
    assert not seen[5].freedom
    assert seen[5].band(RATES) == (0.0, math.inf)


# Signal and gradient


def test_single_relu_inputs_follow_the_exact_law_of_their_norms() -> None:
    std = SCHEMES["He, sqrt(2/n)"](WIDTH)
    runs = np.concatenate([depth_profiles.depths("relu", std, root).signal for root in range(10)])
    low, median, high = log_norm_quantiles(
        "relu", width=WIDTH, depth=depth_profiles.LAYERS - 1, levels=(0.1, 0.5, 0.9)
    )
    logs = 2.0 * math.log(10.0) * runs[:, 1:]
    for bound, level in ((low, 0.1), (median, 0.5), (high, 0.9)):
        below = (logs < bound).mean(axis=0)
        assert np.abs(below - level).max() < 5.0 * math.sqrt(level * (1.0 - level) / len(runs))


@pytest.mark.parametrize(("activation", "scheme"), [("tanh", "Xavier, 1/sqrt(n)"), ("relu", "He, sqrt(2/n)")])
def test_single_inputs_lose_what_drawn_networks_lose(activation, scheme) -> None:
    """The law without matrices beside reference networks with them, from the same kind of cotangent."""
    std, depth = SCHEMES[scheme](WIDTH), depth_profiles.LAYERS
    drawn = []
    for run in range(60):
        rng = np.random.default_rng(run)
        x = rng.standard_normal((1, WIDTH))
        x *= math.sqrt(WIDTH) / np.linalg.norm(x)
        W = rng.standard_normal((depth, WIDTH, WIDTH))
        echoes = [each for each in walk(activation, std, W, x, rng) if hasattr(each, "gradient")]
        drawn.append([0.5 * math.log10(float((e.gradient**2).mean())) for e in echoes[::-1]])
    ours = depth_profiles.depths(activation, std, 1).gradient
    theirs = np.array(drawn)
    for layer in (0, depth // 2, depth - 1):
        error = math.hypot(*(a[:, layer].std() / math.sqrt(len(a)) for a in (ours, theirs)))
        assert abs(ours[:, layer].mean() - theirs[:, layer].mean()) < 5.0 * error


def test_a_wrong_scale_leaves_the_band_of_single_runs() -> None:
    """Weights 5 % too large make 25 tanh layers without a bend grow by 1.05^24, 0.5 decades."""
    law = depth_profiles.theory("relu", SCHEMES["He, sqrt(2/n)"](WIDTH))
    wrong = depth_profiles.depths("relu", 1.1 * SCHEMES["He, sqrt(2/n)"](WIDTH), 1)
    assert np.median(wrong.signal[:, -1]) > law.signal_band[1][-1]


def test_relus_gradient_scales_with_the_weights() -> None:
    he, small = (depth_profiles.theory("relu", std) for std in (SCHEMES["He, sqrt(2/n)"](WIDTH), 0.01))
    steps = np.arange(depth_profiles.LAYERS, 0, -1) * math.log10(0.01 / SCHEMES["He, sqrt(2/n)"](WIDTH))
    for side in (0, 1):
        assert small.gradient_band[side] - he.gradient_band[side] == pytest.approx(steps)
    assert small.gradient - he.gradient == pytest.approx(steps)


# Saturation


@pytest.mark.parametrize("activation", flat_slopes.DRAWN)
def test_flat_slopes_of_the_first_layer_are_binomial(activation) -> None:
    """z is exactly N(0, 100) there, as inputs have a mean square of exactly 1."""
    seen = np.concatenate([depth_profiles.depths(activation, 1.0, root).flat[:, 0] for root in range(4)])
    law = float(flat_slopes.flat_in_theory(activation, np.array([100.0]))[0])
    assert abs(seen.mean() - law) < 5.0 * math.sqrt(law * (1.0 - law) / (seen.size * WIDTH))


def test_the_threshold_is_one_per_cent_of_the_steepest_slope() -> None:
    for activation, reach in (("sigmoid", 2.0), ("tanh", 1.0)):
        z = reach * math.atanh(math.sqrt(0.99))
        steep = 1.0 / math.cosh(z / reach) ** 2
        assert steep == pytest.approx(0.01)
        q = 4.0
        assert flat_slopes.flat_in_theory(activation, np.array([q]))[0] == pytest.approx(
            math.erfc(z / math.sqrt(2.0 * q))
        )


# The map of the cosine


@pytest.mark.parametrize(("activation", "scheme"), [("sigmoid", "N(0, 1)"), ("tanh", "N(0, 1)")])
def test_sampled_cosines_have_the_mean_of_the_map(activation, scheme) -> None:
    q, rng = cosine_maps.variance_of(activation, scheme), np.random.default_rng(4)
    for c in (-0.5, 0.0, 0.9):
        seen = np.array([cosine_maps.responses(activation, q, c, rng) for _ in range(100)])
        error = seen.std() / math.sqrt(seen.size)
        assert abs(seen.mean() - cosine_map(activation, q, c)) < 5.0 * error + 2.0 / cosine_maps.UNITS


def test_what_the_caption_calls_critical_is() -> None:
    tanh, relu, sigmoid = (edge_of_chaos(name) for name in ("tanh", "relu", "sigmoid"))
    assert (tanh.gain, tanh.q) == (1.0, 0.0)
    assert WIDTH * SCHEMES["Xavier, 1/sqrt(n)"](WIDTH) ** 2 == pytest.approx(tanh.gain)
    assert WIDTH * SCHEMES["He, sqrt(2/n)"](WIDTH) ** 2 == pytest.approx(relu.gain)
    assert critical_width() - 1 <= math.ceil(sigmoid.gain) <= critical_width()


def test_variances_are_those_of_the_fifth_layer() -> None:
    assert cosine_maps.variance_of("relu", "He, sqrt(2/n)") == pytest.approx(2.0)
    assert cosine_maps.variance_of("tanh", "std 0.01") == pytest.approx(
        variances("tanh", fan_in=WIDTH, std=0.01, depth=5)[-1]
    )
