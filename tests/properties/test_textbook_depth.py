"""T05, T09, T11, T12, T13, T15, T18: the rulings follow the measurements, and differ in other worlds.

Rates of our own: two samples are held to the bound of Dvoretzky, Kiefer, Wolfowitz and Massart at 1e-9 each.
"""

import math
from dataclasses import fields

import numpy as np
import pytest

from verinit.textbook import rule
from verinit.textbook.depths import WIDTHS, xavier_keeps_the_signal_of_tanh
from verinit.textbook.experiment import DEPTH, WIDTH, Setting, end_counts, sample
from verinit.textbook.expression import DTYPES, Responses, one_half_is_not_all_they_say, rank_in_theory
from verinit.textbook.gradients import (
    JUDGED,
    SLOPES,
    SWEEP,
    critical_width,
    first_width,
    large_weights_silence_the_typical_unit,
    small_weights_let_the_gradient_vanish,
    zeros_in_theory,
)
from verinit.textbook.histograms import ends_by_layer
from verinit.textbook.linearity import GRID, linear_near_the_centre_is_not_yet_what_xavier_needs, off_from
from verinit.textbook.passes import Profile, draw_exact_law, draw_network, profile
from verinit.textbook.rectified import DEEPEST, scale_decides_not_the_shape
from verinit.textbook.spreads import Example, spread_is_neither_needed_nor_enough
from verinit.textbook.vanishing import GONE, apart_in_theory, gains_in_theory, left_in_theory, unit_in_theory
from verinit.vocabulary import Outcome, Rates

RATES = Rates()
RUNS = 60
CODES = ("T05", "T09", "T11", "T12", "T13", "T15", "T18")
JITTER = np.linspace(0.99, 1.01, RUNS)[:, None]


def world(depth=DEPTH, jitter=JITTER, **values):
    """Runs of 1 % scatter around the same numbers in every layer; what is not named is 1/2."""
    made = jitter * np.ones((1, depth))
    return Profile(**{f.name: values.get(f.name, 0.5) * made for f in fields(Profile)})


@pytest.fixture(scope="module", params=CODES)
def ruling(request):
    return rule(request.param)


# What is measured is what theory has


def test_every_line_beside_theory_keeps_its_margin(ruling):
    lines = [e for e in ruling.evidence if "beside" in e.quantity or "exactly 0 in" in e.quantity]
    assert all(e.distance <= e.tolerance for e in lines)
    assert lines or ruling.id in ("T13", "T18")


def test_rulings_name_their_conditions_and_show_more_than_one_number(ruling):
    assert all(word in ruling.conditions for word in ("float64", "width", "N(0, 1)", "median"))
    assert ruling.exhibits
    assert all(e.n >= 36 for e in ruling.evidence if e.interval)
    assert len({x.id for x in ruling.exhibits}) == len(ruling.exhibits)


def test_a_line_that_is_ruled_on_by_a_margin_names_the_outer_one_too(ruling):
    named = ("(kept:", "(vanished:", "(alike:", "(redundant:", "(merged:", "(no flat end:")
    lines = [e for e in ruling.evidence if any(word in e.quantity for word in named)]
    assert lines or ruling.id == "T13"
    assert all(", surely " in e.quantity for e in lines)


# Networks without weights


def batch(activation, derivative, width, depth, std, runs, rng):
    """Every weight drawn, forward and backward, without the package: pre, outputs, gradients."""
    outputs, pre = [rng.standard_normal((runs, 2, width))], []
    weights = [std * rng.standard_normal((runs, width, width)) for _ in range(depth)]
    for W in weights:
        pre.append(outputs[-1] @ W)
        outputs.append(activation(pre[-1]))
    g = rng.standard_normal(outputs[0].shape)
    gradients = [g]
    for W, z in zip(reversed(weights), reversed(pre), strict=True):
        g = (g * derivative(z)) @ W.swapaxes(1, 2)
        gradients.append(g)
    return outputs, gradients[::-1]


def apart_from(a, b):
    """The largest distance between two empirical laws."""
    both = np.sort(np.concatenate([a, b]))
    return np.abs(
        np.searchsorted(np.sort(a), both, "right") / a.size
        - np.searchsorted(np.sort(b), both, "right") / b.size
    ).max()


@pytest.mark.parametrize("width", [2, 3, 7])
def test_networks_by_the_exact_law_are_distributed_like_networks(width):
    runs, depth, std = 20_000, 3, 0.9
    setting = Setting(activation="tanh", std=std, inputs=2, width=width, depth=depth)
    walked = draw_exact_law(setting, np.random.default_rng(1), runs=runs)
    outputs, gradients = batch(
        np.tanh, lambda z: 1 - np.tanh(z) ** 2, width, depth, std, runs, np.random.default_rng(2)
    )

    def numbers(y, g):
        yield from ((layer**2).sum(axis=(1, 2)) for layer in (*y, *g))
        yield from ((layer[:, 0] * layer[:, 1]).sum(axis=1) for layer in (*y, *g))
        yield from ((a * b).sum(axis=(1, 2)) for a, b in zip(y, g, strict=True))
        yield (y[-1] ** 2).sum(axis=(1, 2)) * (g[0] ** 2).sum(axis=(1, 2))

    bound = 2 * math.sqrt(math.log(2 / 1e-9) / (2 * runs))
    for mine, direct in zip(
        numbers(walked.outputs, walked.gradients), numbers(outputs, gradients), strict=True
    ):
        assert apart_from(mine, direct) <= bound


def test_the_weights_sent_back_are_those_that_were_met_forward():
    """(g f') W' y' = (g f') z' for every pair of inputs, whatever W is: to rounding, width x eps."""
    setting = Setting(activation="tanh", std=0.3, inputs=2, width=40, depth=4)
    p = draw_exact_law(setting, np.random.default_rng(5), runs=6)
    for z, y, below, above in zip(p.pre, p.outputs[:-1], p.gradients[:-1], p.gradients[1:], strict=True):
        d = above * (1 - np.tanh(z) ** 2)
        left, right = below @ y.swapaxes(1, 2), d @ z.swapaxes(1, 2)
        size = np.abs(below) @ np.abs(y).swapaxes(1, 2) + np.abs(d) @ np.abs(z).swapaxes(1, 2)
        assert np.all(np.abs(left - right) <= 40 * np.finfo(float).eps * size)


def test_a_reference_network_shows_its_own_gradient():
    setting = Setting(activation="sigmoid", std=0.4, inputs=3, width=5, depth=2)
    walked = draw_network(setting, np.random.default_rng(9))
    p = profile(walked, "sigmoid")
    left = np.sqrt((walked.gradients[0] ** 2).mean() / (walked.gradients[-1] ** 2).mean())
    assert abs(p.left[0] - left) <= 8 * np.finfo(float).eps * left
    assert p.gain.shape == p.apart.shape == (1, 2)
    assert p.flat.max() == 0.0


def test_a_silent_layer_leaves_nothing_and_is_not_nan():
    setting = Setting(activation="relu", std=1.0, inputs=2, width=2, depth=40)
    p = profile(draw_exact_law(setting, np.random.default_rng(3), runs=50), "relu")
    assert np.isfinite(p.left).all()
    assert np.count_nonzero(p.left == 0.0) > 10


# Theory


@pytest.mark.parametrize(("activation", "std"), [("sigmoid", 1.0), ("tanh", 0.1), ("relu", 0.1)])
def test_gains_and_depths_agree(activation, std):
    chi = gains_in_theory(activation, std, width=100, depth=30)
    assert np.array_equal(chi[:4], gains_in_theory(activation, std, width=100, depth=4))
    product = math.sqrt(math.prod(chi.tolist()))
    assert abs(left_in_theory(activation, std, width=100, depth=30) / product - 1) < 1e-12
    apart = apart_in_theory(activation, std, width=100, depth=30)
    assert apart.shape == (30,)
    assert np.all(np.diff(apart) <= 0)


def test_small_differences_shrink_by_chi():
    apart = apart_in_theory("sigmoid", 0.01, width=100)
    assert abs(apart[-1] / apart[-2] / math.sqrt(gains_in_theory("sigmoid", 0.01, width=100)[-1]) - 1) < 1e-4


def test_the_median_unit_in_theory_is_that_of_a_simulation():
    """Of 200,001 products |g f'(z)| the share below theory's median is 1/2, but for Hoeffding's 1e-9."""
    rng, n = np.random.default_rng(11), 200_001
    z = 10.0 * rng.standard_normal(n)
    g = left_in_theory("sigmoid", 1.0, width=100) / math.sqrt(gains_in_theory("sigmoid", 1.0, width=100)[0])
    sent = np.abs(g * rng.standard_normal(n)) * np.exp(-np.abs(z)) / (1 + np.exp(-np.abs(z))) ** 2
    below = np.mean(sent < unit_in_theory("sigmoid", 1.0, width=100))
    assert abs(below - 0.5) <= math.sqrt(math.log(2e9) / (2 * n)) + 1e-3  # its four digits


def test_the_critical_width_parts_shrinking_from_growing():
    n = critical_width()
    assert gains_in_theory("sigmoid", 1.0, width=n - 1, depth=10)[-1] < 1
    assert gains_in_theory("sigmoid", 1.0, width=n, depth=10)[-1] >= 1


def test_the_rank_of_a_linear_stack_is_that_of_a_simulation():
    """A ratio of means differs from a median ratio by the order of 1/n, 2.5 % here; four are allowed."""
    rng, n = np.random.default_rng(4), 40
    y = rng.standard_normal((60, 2 * n, n))
    for law in rank_in_theory(n):
        y = y @ (rng.standard_normal((60, n, n)) / math.sqrt(n))
        c = y - y.mean(axis=1, keepdims=True)
        gram = c.swapaxes(1, 2) @ c
        seen = np.trace(gram, axis1=1, axis2=2) ** 2 / (gram**2).sum(axis=(1, 2))
        assert abs(np.median(seen) / law - 1) <= 4 / n


@pytest.mark.parametrize("lost", [0.01, 0.1, 0.5])
def test_the_line_is_off_from_where_it_is_said_to_be(lost):
    z = off_from("tanh", lost)
    assert abs(math.tanh(z) / z - (1 - lost)) < 1e-12
    assert off_from("sigmoid", lost) == 2 * z


# Every ruling can change


ZEROS = {d: round(SLOPES * zeros_in_theory(d)) for d in ("float32", "float64")}


def t05(narrow, wide, **values):
    worlds = {n: world(gain=narrow if n < WIDTH else wide, **values) for n in SWEEP}
    return large_weights_silence_the_typical_unit(worlds, ZEROS, rates=RATES)


def test_t05_follows_the_rms_at_each_width():
    assert t05(0.3, 0.3).ruling is Outcome.holds
    assert t05(1.0, 1.0).ruling is Outcome.refuted
    assert t05(0.3, 1.0).ruling is Outcome.depends
    wide = np.linspace(0.7, 1.3, RUNS)[:, None]
    assert t05(0.64, 0.64, jitter=wide).ruling is Outcome.undecided


def test_t05_shows_a_median_unit_that_is_silent_where_it_stands_and_does_not_rule_on_it():
    """A unit that no layer above has silenced says nothing of layers that are passed."""
    assert t05(1.0, 1.0, unit=0.01).ruling is Outcome.refuted
    assert t05(0.3, 0.3, unit=0.5).ruling is Outcome.holds
    units = [e for e in rule("T05").evidence if "median unit" in e.quantity]
    assert [e.quantity.partition(":")[0] for e in units] == [
        f"width {n}, layer {layer}" for n in JUDGED for layer in (DEPTH, 1)
    ]
    top = {e.quantity.partition(":")[0]: e.observed for e in units}
    assert all(top[f"width {n}, layer {DEPTH}"] < GONE / 10 for n in (WIDTH, 1000))


def test_t11_would_hold_if_the_gradient_were_kept():
    def t11(sigmoid, tanh):
        profiles = {n: world(gain=sigmoid, slope=0.25) for n in SWEEP}
        return small_weights_let_the_gradient_vanish(profiles, world(gain=tanh), rates=RATES).ruling

    assert t11(0.9, 1.1) is Outcome.holds
    assert t11(0.025, 0.1) is Outcome.refuted
    assert t11(0.025, 1.0) is Outcome.depends


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_the_first_width_leaves_a_tenth_and_the_one_below_it_does_not(activation):
    first = first_width(activation)
    step = 10 ** (len(str(first)) - 2)
    assert first % step == 0
    assert left_in_theory(activation, 0.01, width=first) >= GONE
    assert left_in_theory(activation, 0.01, width=first - step) < GONE


def test_t09_would_hold_if_every_scale_kept_the_gradient():
    def t09(he, other, flat):
        return scale_decides_not_the_shape(
            chapter=world(gain=he, flat=flat, dead=0.11),
            wide=world(25, gain=he),
            small=world(gain=other),
            xavier=world(25, gain=other),
            narrow=world(DEEPEST, gain=other),
            rates=RATES,
        ).ruling

    assert t09(1.0, 1.0, 0.01) is Outcome.holds
    assert t09(0.2, 0.2, 0.5) is Outcome.refuted
    assert t09(1.0, 0.1, 0.5) is Outcome.depends


def test_t12_would_hold_if_the_centred_responses_were_one_direction():
    def t12(unlike, rank, values):
        made = JITTER * np.ones((1, DEPTH))
        chapter = Responses(
            unlike=unlike * made,
            rank=rank * made,
            bent=4e-6 * made,
            values=dict.fromkeys(DTYPES, values * made),
        )
        return one_half_is_not_all_they_say(chapter, chapter, rates=RATES).ruling

    assert t12(1e-3, 1.2, 0.01) is Outcome.holds
    assert t12(0.5, 40.0, 1.0) is Outcome.refuted
    assert t12(1e-3, 40.0, 0.01) is Outcome.depends


def test_t13_would_hold_if_both_were_the_identity_near_zero():
    def t13(values, origins, gain):
        apart = {f: np.cumprod(gain * JITTER * np.ones((1, DEPTH)), axis=1) for f in ("tanh", "sigmoid")}
        return linear_near_the_centre_is_not_yet_what_xavier_needs(values, origins, apart, rates=RATES).ruling

    right = {"tanh": np.tanh(GRID), "sigmoid": 1 / (1 + np.exp(-GRID))}
    bent = {f: y + 0.1 * GRID**2 for f, y in right.items()}
    assert t13(right, dict.fromkeys(right, (0.0, 1.0)), 1.0) is Outcome.holds
    assert t13(bent, dict.fromkeys(right, (0.5, 0.25)), 0.25) is Outcome.refuted
    assert t13(right, {"tanh": (0.0, 1.0), "sigmoid": (0.5, 0.25)}, 0.6) is Outcome.depends


def test_t15_would_hold_if_sigmoid_kept_its_differences():
    def t15(tanh, sigmoid):
        return xavier_keeps_the_signal_of_tanh(
            tanh=world(**tanh),
            deep=world(25, **tanh),
            sigmoid=world(**sigmoid),
            fading=world(**sigmoid),
            widths={(f, n): world() for f in ("tanh", "sigmoid") for n in WIDTHS},
            rates=RATES,
        ).ruling

    alive, gone = {"apart": 0.3, "gain": 1.0}, {"apart": 0.001, "gain": 0.2}
    assert t15(alive, alive) is Outcome.holds
    assert t15(alive, gone) is Outcome.depends
    assert t15(gone, gone) is Outcome.depends  # the histogram of sigmoid still spreads


def test_t18_is_right_where_spread_and_health_agree():
    spread, crowded = {"middle": 0.2, "ends": 0.1}, {"middle": 0.9, "ends": 0.0}
    alive, gone = {"apart": 0.3, "gain": 1.0}, {"apart": 0.001, "gain": 0.2}

    def t18(*examples):
        made = tuple(
            Example(name=f"{k}", activation="tanh", std=0.1, profile=world(**p))
            for k, p in enumerate(examples)
        )
        return spread_is_neither_needed_nor_enough(made, (), rates=RATES).ruling

    agree = (spread | alive, crowded | gone)
    differ = (spread | gone, crowded | alive)
    assert t18(*agree, *agree) is Outcome.holds
    assert t18(*differ, *differ) is Outcome.refuted
    assert t18(*agree, *differ) is Outcome.depends
    half = {"apart": 0.07, "gain": 1.0}  # between a tenth and a twentieth: surely neither
    assert t18(*(spread | half,) * 4) is not Outcome.holds


def test_t01_counts_the_same_in_blocks():
    setting = Setting(activation="sigmoid", std=1.0)
    assert np.array_equal(ends_by_layer(setting, root=3, runs=3), sample(end_counts, setting, root=3, runs=3))
    assert setting.width == WIDTH
