"""T19 to T24: each ruling follows what is measured, and would be another if something else were."""

import re

import numpy as np
import pytest

from verinit.textbook.batchnorm import (
    EPS,
    affine_outputs,
    chapters,
    statistics_are_taken_across_inputs,
    variance_is_one_where_epsilon_is_small,
)
from verinit.textbook.batchnorm_outputs import (
    BATCHES,
    ORDERS,
    RARE,
    RUNS,
    distance_of_a_normal_batch,
    distance_of_a_rare_feature,
    each_order_guarantees_another_thing,
    silent_in_theory,
    t20,
    two_moments_are_not_a_law,
)
from verinit.textbook.batchnorm_parameters import (
    AIM,
    epsilon_weighs_in_small_variances,
    factor_and_shift_start_neutral_and_learn,
)
from verinit.vocabulary import Outcome, Rates

RATES = Rates()
Z = affine_outputs(7, "a test of its own", 1.0)


def normalised(z, eps=EPS):
    return (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + eps)


def test_t19_depends_on_the_variance_beside_epsilon():
    wide, small = (Z, normalised(Z)), (1e-6 * Z, normalised(1e-6 * Z))
    assert variance_is_one_where_epsilon_is_small({"wide": wide}).ruling is Outcome.holds
    assert variance_is_one_where_epsilon_is_small({"wide": wide, "small": small}).ruling is Outcome.depends
    shifted = (Z, normalised(Z) + 0.5)
    ruling = variance_is_one_where_epsilon_is_small({"shifted": shifted})
    assert ruling.ruling is Outcome.depends
    doubled = (Z, 2.0 * normalised(Z) + 0.5)
    assert variance_is_one_where_epsilon_is_small({"doubled": doubled}).ruling is Outcome.refuted


def test_t20_follows_the_law_of_what_enters():
    rng = np.random.default_rng(3)
    normal, coin = rng.standard_normal(BATCHES), rng.choice((-1.0, 1.0), BATCHES)
    assert abs(coin.mean()) < 0.05
    assert abs(coin.var() - 1.0) < 0.05
    assert two_moments_are_not_a_law({"normal": normal}, rates=RATES).ruling is Outcome.holds
    assert two_moments_are_not_a_law({"coin": coin}, rates=RATES).ruling is Outcome.refuted
    both = two_moments_are_not_a_law({"normal": normal, "coin": coin}, rates=RATES)
    assert both.ruling is Outcome.depends
    few = two_moments_are_not_a_law({"normal": normal[:100]}, rates=RATES)
    assert few.ruling is Outcome.undecided


@pytest.mark.parametrize("rows", [2, 3, 5, 16])
def test_one_output_of_a_normal_batch_lies_as_far_from_normal_as_theory_says(rows):
    """The two empirical laws differ by 6 / sqrt(n) at most but for 2 exp(-72): Dvoretzky-Kiefer-Wolfowitz."""
    from scipy.special import ndtr

    n = 40_000
    x = np.random.default_rng(rows).standard_normal((rows, n))
    y = np.sort(normalised(x, eps=0.0)[0])
    y = np.where(np.abs(np.abs(y) - 1.0) < 1e-9, np.sign(y), y) if rows == 2 else y
    steps = np.arange(n + 1) / n
    seen = max(np.max(steps[1:] - ndtr(y)), np.max(ndtr(y) - steps[:-1]))
    assert abs(seen - distance_of_a_normal_batch(rows)) <= 6.0 / n**0.5


def kolmogorov(y):
    from scipy.special import ndtr

    y = np.sort(y)
    steps = np.arange(y.size + 1) / y.size
    return max(np.max(steps[1:] - ndtr(y)), np.max(ndtr(y) - steps[:-1]))


@pytest.mark.parametrize("share", [RARE, 0.5, 0.8])
def test_a_rare_feature_of_a_large_batch_lies_as_far_from_normal_as_theory_says(share):
    """One batch of 40,000 rows: its share of ones is off by at most 6 / sqrt(n) but for 2 exp(-72)."""
    n = 40_000
    x = (np.random.default_rng(8).random((n, 1)) < share).astype(float)
    values, counts = np.unique(normalised(x, eps=0.0), return_counts=True)
    seen = kolmogorov(np.repeat(values, counts))
    assert abs(seen - distance_of_a_rare_feature(share)) <= 2 * 6.0 / n**0.5


@pytest.mark.parametrize("root", [1, 2])
def test_t20_shows_laws_that_have_both_moments_and_are_not_normal(root):
    """The mean square of 40,000 outputs has a standard error of 3 / 200 where the fourth moment is 10."""
    ruling = t20(root, RATES)
    for exhibit in (e for e in ruling.exhibits if e.kind == "histogram"):
        mean, variance = re.search(r"mean (\S+), variance (\S+),", exhibit.caption).groups()
        assert abs(float(mean)) <= 6 / 200 + 1e-3
        assert abs(float(variance) - 1.0) <= 6 * 3 / 200 + 1e-3
    assert sum(e.observed > 0.05 for e in ruling.evidence) == 3


def test_t21_would_be_refuted_for_layer_norm():
    def layer_norm(z):
        return normalised(z.T).T

    def chapter(z):
        return chapters(z.shape[1]).forward(z, True)

    assert statistics_are_taken_across_inputs(Z, chapter).ruling is Outcome.holds
    assert statistics_are_taken_across_inputs(Z, layer_norm).ruling is Outcome.refuted


def test_t22_would_hold_if_epsilon_changed_nothing_else():
    zeros, lost = np.zeros((4, 2)), np.full((4, 2), np.nan)
    silent = dict.fromkeys((1000000.0, 1000.0, 1.0, 0.01), (1.0, 3.0, 3.0))
    assert epsilon_weighs_in_small_variances(silent, zeros, lost).ruling is Outcome.holds
    loud = {**silent, 1.0: (0.5, 2.1, 3.0)}
    assert epsilon_weighs_in_small_variances(loud, zeros, lost).ruling is Outcome.depends


def test_t23_sees_another_start_and_factors_that_do_not_learn():
    gamma, beta = np.full(100, -1.5), np.linspace(-1.0, 1.0, 100)
    scaled = (gamma, beta), gamma * normalised(Z) + beta
    v = normalised(Z).var(axis=0)
    learnt = AIM[0] + (1 - AIM[0]) * (1 - 0.25 * v) ** 40, np.full(100, AIM[1] * (1 - 0.75**40))
    start = normalised(Z)

    def ruling(*, start=start, scaled=scaled, learnt=learnt):
        return factor_and_shift_start_neutral_and_learn(Z, start, scaled, learnt).ruling

    assert ruling() is Outcome.holds
    assert ruling(start=0.0 * start) is Outcome.depends
    assert ruling(scaled=((gamma, beta), gamma * (start + beta))) is Outcome.depends
    assert ruling(learnt=(np.ones(100), np.zeros(100))) is Outcome.depends
    nothing = ruling(start=0.0 * start, scaled=((gamma, beta), start), learnt=(np.ones(100), np.zeros(100)))
    assert nothing is Outcome.refuted


def test_t24_would_hold_if_one_order_guaranteed_both():
    def runs(silent, largest):
        rows = np.tile([silent, 0.5, largest, 0.3989, 0.3408], (RUNS, 1))
        rows[:, 4] = 1.0 - silent if largest == 0.0 else rows[:, 4]
        return rows

    def ruling(before, after, mild=0.0):
        return each_order_guarantees_another_thing(
            dict(zip(ORDERS, (before, after), strict=True)), runs(mild, 0.0), rates=RATES
        )

    assert ruling(runs(0.0, 0.4), runs(0.3, 0.0)).ruling is Outcome.depends
    assert ruling(runs(0.0, 0.0), runs(0.0, 0.0)).ruling is Outcome.holds
    assert ruling(runs(0.2, 0.4), runs(0.3, 0.4)).ruling is Outcome.refuted
    told = ruling(runs(0.0, 0.4), runs(0.3, 0.0), 0.04).summary
    assert "30 % of the units were silent, and stay so, with biases of std 10 (4 % with biases" in told


@pytest.mark.parametrize("bias", [0.0, 1.0, 3.0, 10.0])
def test_units_are_silent_as_often_as_theory_says(bias):
    """Hoeffding's bound of 1e-9 over 4,000 units, and 0.02 for inputs of a length that scatters."""
    rng, units = np.random.default_rng(5), 4_000
    x = rng.standard_normal((1000, 100))
    z = x @ (rng.standard_normal((100, units)) * np.sqrt(2.0 / 100)) + bias * rng.standard_normal(units)
    silent = np.mean(~(z > 0).any(axis=0))
    assert abs(silent - silent_in_theory(bias)) <= np.sqrt(np.log(2e9) / (2 * units)) + 0.02
