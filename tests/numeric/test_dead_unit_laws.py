"""The dead-unit law against orthant probabilities in closed form, and against units that were counted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.laws import relu
from verinit.laws.dead_units import dead_by_layer, dead_probability, layer_dead, stack_dead
from verinit.statistics.equivalence import proportion_within
from verinit.vocabulary import Rates, UsageError, Verdict, entropy, judge

EPS = float(np.finfo(np.float64).eps)
RATES = Rates(false_fail=1e-9, false_pass=1e-9)


@given(c=st.floats(0, 1))
@settings(deadline=None)
def test_one_two_and_three_inputs_have_closed_forms(c: float) -> None:
    """Orthants of equicorrelated normal numbers; arcsin near 1 turns an eps of c into its root."""
    near = 8 * EPS + (math.sqrt(2 * EPS) if c > 0.999 else 0.0)
    for inputs, truth in (
        (1, 0.5),
        (2, 0.25 + math.asin(c) / (2 * math.pi)),
        (3, 0.125 + 3 * math.asin(c) / (4 * math.pi)),
    ):
        found = dead_probability(inputs, c)
        assert abs(found.value - truth) <= found.error + near


@pytest.mark.parametrize("inputs", [1, 10, 100, 10_000])
def test_at_half_the_law_is_that_of_the_smallest_of_n_plus_one(inputs: int) -> None:
    """P(Z > all of E_1 .. E_N) = 1 / (N + 1)."""
    found = dead_probability(inputs, 0.5)
    # N log Phi carries N eps where Phi is near 1, and the mass lies where N (1 - Phi) is of order 1
    assert abs(found.value * (inputs + 1) - 1) <= 1e-10


def test_orthogonal_inputs_kill_independently_and_equal_ones_together() -> None:
    assert abs(dead_probability(20, 0.0).value * 2.0**20 - 1) <= 64 * EPS
    assert dead_probability(20, 1.0).value == 0.5
    assert dead_probability(5000, 0.0).value == 0.0


@given(inputs=st.integers(1, 500), low=st.floats(0, 1), high=st.floats(0, 1))
@settings(deadline=None, max_examples=50)
def test_the_more_alike_the_inputs_the_more_units_are_dead(inputs: int, low: float, high: float) -> None:
    low, high = sorted((low, high))
    a, b = dead_probability(inputs, low), dead_probability(inputs, high)
    assert a.value <= b.value + a.error + b.error


@pytest.mark.parametrize(("inputs", "cosine"), [(4, 0.3), (64, 0.9), (200, 0.99)])
def test_units_die_as_often_as_the_law_says(inputs: int, cosine: float) -> None:
    """Counted over 20,000 units of one layer, for inputs that have exactly this cosine; interval at 1e-9."""
    rng = np.random.default_rng(entropy(0, "dead units", inputs, cosine))
    gram = np.full((inputs, inputs), cosine) + (1 - cosine) * np.eye(inputs)
    x = np.linalg.cholesky(gram)
    units = 20_000
    dead = int(np.count_nonzero(np.all(x @ rng.standard_normal((inputs, units)) < 0, axis=0)))
    found = proportion_within(
        dead,
        units,
        expected=dead_probability(inputs, cosine).value,
        margin=0.0,
        outer_margin=0.05,
        rates=RATES,
        quantity="share of dead units",
    )
    assert judge(found, 0.05) is Verdict.passed, found


def test_by_layer_the_share_follows_the_cosines_up_to_one_half() -> None:
    found = dead_by_layer(16, depth=200)
    assert abs(found[0] * 2.0**16 - 1) <= 64 * EPS
    assert np.all(np.diff(found) > 0)
    assert found[-1] < 0.5
    apart = dead_probability(16, float(relu.cosines(5)[-1])).value
    assert abs(found[5] - apart) <= 64 * EPS  # cosines of two formulas, a few eps apart


def test_a_whole_layer_dies_with_two_to_the_minus_n_and_a_stack_as_often_as_counted() -> None:
    assert layer_dead(10) == 2.0**-10
    assert abs(stack_dead(3, 4) - (1 - (7 / 8) ** 4)) <= 8 * EPS
    assert stack_dead(1, 3) == 0.875
    rng = np.random.default_rng(entropy(0, "dead stacks"))
    nets, y = 4000, np.ones((4000, 1, 3))
    for _ in range(4):
        y = np.maximum(y @ rng.standard_normal((nets, 3, 3)), 0.0)
    dead = int(np.count_nonzero(~y.any(axis=(1, 2))))
    found = proportion_within(
        dead, nets, expected=stack_dead(3, 4), margin=0.0, outer_margin=0.1, rates=RATES, quantity="dead"
    )
    assert judge(found, 0.1) is Verdict.passed, found


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: dead_probability(0, 0.5), "one input or more"),
        (lambda: dead_probability(3, -0.5), "a common cosine"),
        (lambda: stack_dead(3, 0), "at least one layer"),
        (lambda: layer_dead(0), "at least one unit"),
    ],
)
def test_what_has_no_law_is_refused_in_words(call, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        call()
