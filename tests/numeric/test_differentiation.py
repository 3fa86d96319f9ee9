"""Numerical derivatives: errors stay within their estimates, faults of the promised size are seen, and where.

Tolerances here are those that the code derives itself; the functions have derivatives in closed form.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verinit.differentiation import State, read
from verinit.differentiation.directions import direction, missed, probes_for, seen_from, size_of
from verinit.differentiation.imaginary import complex_step
from verinit.differentiation.kinks import corners, judged
from verinit.differentiation.ladders import SAFETY, climb, one_sided
from verinit.differentiation.location import entrywise, located
from verinit.differentiation.problems import noise_of, noise_values, nudged, pose
from verinit.differentiation.sharpening import sharpened

EPS = float(np.finfo(np.float64).eps)
CURVES = {
    "exp": (math.exp, 1.0),
    "sin": (lambda t: math.sin(3.0 * t + 0.3), 3.0 * math.cos(0.3)),
    "log": (lambda t: np.log(2.0 + t), 0.5),
    "steep": (lambda t: math.tanh(40.0 * t), 40.0),
    "straight": (lambda t: 5.0 * t + 1.0, 5.0),
}


def differences(f):
    def at(t):
        with np.errstate(all="ignore"):
            return np.array([(f(t) - f(-t)) / (2.0 * t)]), np.array(
                [((f(t) - f(0.0)) - (f(0.0) - f(-t))) / t]
            )

    return at


@pytest.mark.parametrize("name", CURVES)
def test_the_error_of_a_ladder_is_within_its_estimate(name):
    f, slope = CURVES[name]
    found = climb(differences(f), noise=EPS * max(1.0, abs(f(0.0))), goal=0.0)
    assert abs(found.value - slope) <= found.tolerance
    assert found.tolerance <= 1e-8 * abs(slope)  # what a certified derivative is good for


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_one_sided_slopes_of_a_kink_are_the_slopes_of_both_branches(side):
    def increment(t):
        x = side * t
        return max(0.0, x) * math.exp(x) + 0.25 * math.sin(x)

    found = one_sided(increment, noise=EPS)
    slope = side * ((1.0 if side > 0 else 0.0) + 0.25)
    assert abs(found.value - slope) <= SAFETY * found.error
    assert found.error <= 1e-7


def test_a_kink_makes_the_estimate_as_wide_as_the_jump():
    found = climb(differences(abs), noise=EPS, goal=0.0)
    assert found.error >= 0.5
    assert found.kink > found.error / 2.0


def test_kinks_that_cancel_in_the_sum_are_seen_in_its_parts():
    """|t| - |t|, each with a gap of its own: the sum is smooth, and what each part may choose is not."""

    def at(t):
        return np.zeros(2), np.array([2.0, -2.0])

    assert climb(at, noise=EPS, goal=0.0).error >= 2.0


def test_a_kink_that_small_steps_avoid_is_avoided():
    found = climb(differences(lambda t: math.exp(t) + max(0.0, t - 2e-3)), noise=EPS, goal=1e-9)
    assert abs(found.value - 1.0) <= found.tolerance <= 1e-6


@given(st.integers(0, 2**32 - 1), st.sampled_from([(1,), (7,), (3, 4), ()]))
def test_directions_are_short_in_binary_and_never_small(seed, shape):
    s = direction(shape, np.random.default_rng(seed), size=8.0)
    assert np.all(np.abs(s) >= 4.0)
    assert np.all(np.abs(s) < 8.0)
    assert np.array_equal(s * 8.0, np.round(s * 8.0))


@pytest.mark.parametrize(("rms", "size"), [(1.0, 1.0), (3.0, 4.0), (1e-3, 2.0**-10), (0.0, 1.0)])
def test_the_unit_of_a_step_is_the_power_of_two_next_to_the_size(rms, size):
    assert size_of(np.full((4, 5), rms)) == size


def test_the_size_of_huge_and_of_tiny_numbers_does_not_overflow():
    assert size_of(np.full(9, 1e300)) == pytest.approx(1e300, rel=0.5)
    assert size_of(np.full(9, 1e-300)) == pytest.approx(1e-300, rel=0.5)


@pytest.mark.parametrize(("false_pass", "probes"), [(1e-6, 4), (1e-3, 2), (0.5, 1)])
def test_the_number_of_probes_follows_from_false_pass(false_pass, probes):
    assert probes_for(false_pass) == probes
    fault = seen_from(1.0, false_pass, size=1.0, probes=probes)
    assert missed(1.0, fault, size=1.0, probes=probes) == pytest.approx(false_pass)
    assert seen_from(1.0, false_pass, size=1.0, probes=1) == math.inf or probes == 1


def test_a_probe_misses_no_more_often_than_its_bound():
    """Every value of one entry enumerated, whatever the others leave: at most 1 + 128 tol / e of 64."""
    m = np.concatenate([np.arange(32, 64), -np.arange(32, 64)]) / 64.0
    for fault in (1.0, 0.1, 0.01):
        for tolerance in (1e-4, 1e-3):
            rest = np.linspace(-fault, fault, 2001)
            unseen = np.abs(rest[:, None] + fault * m) <= tolerance
            assert unseen.mean(axis=1).max() <= missed(tolerance, fault, size=1.0, probes=1)


def test_the_noise_of_values_that_are_rounded_coarsely_is_found():
    def coarse(x):
        return np.round(np.sin(x) * 2.0**20) / 2.0**20

    rng = np.random.default_rng(1)
    x, v = np.linspace(0.1, 1.0, 400), np.ones(400)
    found = noise_of(noise_values(coarse, (x,), rng=rng), v, coarse(x))
    assert found < 2.0**-20 * math.sqrt(400)  # no point moves by a rounding unit here
    smooth = noise_of(noise_values(np.sin, (x,), rng=rng), v, np.sin(x))
    assert smooth <= 4.0 * EPS * math.sqrt(400)


def test_the_last_bit_moves_every_number_by_one_unit():
    x = np.array([1.0, -3.0, 0.5, 1e-300], dtype=np.float64)
    moved = nudged(x, np.random.default_rng(2))
    assert np.array_equal(np.abs(moved - x), np.spacing(np.abs(x)))
    whole = np.array([1, 2])
    assert nudged(whole, np.random.default_rng(2)) is whole


def cubic(x, y):
    return x**3 * y


def cubic_back(c, x, y):
    return c * 3.0 * x**2 * y, c * x**3


def problems(forward, backward, inputs, count=4, seed=3):
    rng = np.random.default_rng(seed)
    return [pose(forward, backward, inputs, rng=rng) for _ in range(count)]


def reading(forward, backward, inputs, j, seed=3, discrepancy=1e-6):
    posed = problems(forward, backward, inputs, seed=seed)
    return read(posed, j, discrepancy=discrepancy, false_pass=1e-6, rng=np.random.default_rng(seed))


XY = (np.linspace(0.5, 2.0, 30).reshape(5, 6), np.linspace(-1.0, 1.0, 30).reshape(5, 6))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("j", [0, 1])
def test_a_right_gradient_agrees_and_says_what_it_would_have_seen(seed, j):
    found = reading(cubic, cubic_back, XY, j, seed)
    assert found.state is State.agrees
    assert found.worst <= 1.0
    assert found.resolution <= 1e-6
    assert found.probes == 4


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [1.0, 1e-3, 1e-6])
def test_one_wrong_entry_of_the_promised_size_is_seen_and_found(seed, size):
    def wrong(c, x, y):
        dx, dy = cubic_back(c, x, y)
        dx.flat[17] += size * np.abs(dx).max()
        return dx, dy

    found = reading(cubic, wrong, XY, 0, seed)
    assert found.state is State.differs
    where = located(found.suspect, 0)
    assert where.entries == (17,)
    assert where.index == (2, 5)
    true = cubic_back(found.suspect.problem.cotangent, *XY)[0].flat[17]
    assert abs(where.numerical - true) <= where.tolerance
    assert abs(where.analytic - true) > where.tolerance


def test_the_numerical_gradient_is_right_entry_by_entry():
    (posed,) = problems(cubic, cubic_back, XY, 1)
    values, tolerances = entrywise(posed, 0, np.arange(30))
    true = cubic_back(posed.cotangent, *XY)[0].ravel()
    assert np.all(np.abs(values - true) <= tolerances)
    assert np.all(tolerances <= 1e-8 * np.abs(true).max())


def test_a_gradient_that_is_zero_but_for_rounding_is_null_and_has_a_bound():
    """A constant added to every row before its mean is taken off."""

    def centred(x, b):
        z = x + b
        return z - z.mean(axis=0)

    def back(c, x, b):
        d = c - c.mean(axis=0)
        return d, d.sum(axis=0)

    inputs = (np.random.default_rng(0).standard_normal((7, 3)), np.array([0.3, -2.0, 1.0]))
    found = reading(centred, back, inputs, 1)
    assert found.state is State.null
    assert found.resolution <= 1e-6
    assert reading(centred, back, inputs, 0).state is State.agrees


@pytest.mark.parametrize("z", [13.0, 20.0])
@pytest.mark.parametrize("wrong", [lambda g: 0.0 * g, lambda g: -g])
def test_a_saturated_sigmoid_whose_gradient_is_zero_or_of_the_wrong_sign_is_seen(z, wrong):
    def sigmoid(x):
        return 1.0 / (1.0 + np.exp(-x))

    def slope(x):
        return np.exp(-x) / (1.0 + np.exp(-x)) ** 2

    x = (np.full((8, 8), z) + np.linspace(0.0, 0.1, 64).reshape(8, 8),)
    assert reading(sigmoid, lambda c, x: (wrong(c * slope(x)),), x, 0).state is State.differs
    assert reading(sigmoid, lambda c, x: (c * slope(x),), x, 0).state in (State.agrees, State.unresolved)


def test_where_differences_see_nothing_the_gradient_is_unresolved_and_not_passed():
    """sigmoid at 33: alive, 5e-15, and lost in the rounding of 1."""

    def sigmoid(x):
        return 1.0 / (1.0 + np.exp(-x))

    x = (np.full((4, 4), 33.0),)
    found = reading(sigmoid, lambda c, x: (c * np.exp(-x),), x, 0)
    assert found.state is State.unresolved
    assert found.resolution > 1e-6


def test_the_complex_step_resolves_what_differences_do_not():
    def tail(x):
        return 1.0 + np.exp(-x)

    x = (np.full((4, 4), 24.0),)
    posed = problems(tail, lambda c, x: (-c * np.exp(-x),), x)
    asked = {"discrepancy": 1e-6, "false_pass": 1e-6}
    found = read(posed, 0, rng=np.random.default_rng(0), **asked)
    assert found.state is State.unresolved
    sharp = sharpened(found, posed, **asked)
    assert sharp.state is State.agrees
    assert sharp.resolution <= 1e-6


@pytest.mark.parametrize(
    ("forward", "why"),
    [
        (np.abs, "drops the imaginary part"),
        (lambda x: x / np.linalg.norm(x), "is not analytic"),
        (lambda x: (x - x.mean()) / np.std(x), "is not analytic"),
        (lambda x: np.floor(x) + x, "takes no complex numbers"),
        (lambda x: np.asarray([float(v) for v in x]), "drops the imaginary part"),
    ],
)
def test_the_complex_step_refuses_what_is_not_analytic(forward, why):
    x = np.array([0.3, -0.7, 1.1, 0.4])
    s, v = np.array([0.5, 0.75, -0.5, 0.9]), np.array([0.5, -0.9, 0.7, 0.6])
    h = 1e-6
    beside = float(np.sum(v * (forward(x + h * s) - forward(x - h * s)))) / (2 * h)
    found = complex_step(forward, (x,), 0, s, v, beside=beside, within=1e-8)
    assert why in found.refused


def test_the_complex_step_is_right_to_rounding_where_the_code_is_analytic():
    x, s, v = np.array([0.3, -0.7, 1.1]), np.array([0.5, 0.75, -0.5]), np.array([0.5, -0.9, 0.7])
    true = float(np.sum(v * np.cos(x) * s))
    found = complex_step(np.sin, (x,), 0, s, v, beside=true, within=1e-6)
    assert not found.refused
    assert abs(found.value - true) <= found.tolerance


@pytest.mark.parametrize("at_zero", [0.0, 0.5, 1.0])
def test_every_convention_at_a_kink_lies_between_both_slopes(at_zero):
    def back(c, x):
        return (c * np.where(x == 0, at_zero, x > 0),)

    (kink,) = kinks_of(lambda x: np.maximum(x, 0.0), back, np.array([-1.0, 0.0, 2.0]))
    assert kink.entry == 1
    assert kink.departure == 0.0


@pytest.mark.parametrize("at_zero", [-1.0, 2.0, 1.001])
def test_what_is_no_slope_of_either_side_departs(at_zero):
    def back(c, x):
        return (c * np.where(x == 0, at_zero, x > 0),)

    (kink,) = kinks_of(lambda x: np.maximum(x, 0.0), back, np.array([-1.0, 0.0, 2.0]))
    assert kink.departure == pytest.approx(max(-at_zero, at_zero - 1.0), rel=1e-3)


def test_ties_of_a_maximum_are_kinks_and_smooth_places_are_none():
    def top(x):
        return x.max(axis=1)

    def first(c, x):
        g = np.zeros_like(x)
        g[np.arange(len(x)), x.argmax(axis=1)] = c
        return (g,)

    x = np.array([[1.0, 1.0, 0.0], [3.0, 2.0, 1.0]])
    found = kinks_of(top, first, x)
    assert [k.entry for k in found] == [0, 1]
    assert [k.departure for k in found] == [0.0, 0.0]


def kinks_of(forward, backward, x):
    noise = noise_values(forward, (x,), rng=np.random.default_rng(0))
    found = corners(forward, (x,), 0, range(x.size))
    return [judged(forward, backward, (x,), corner, noise=noise) for corner in found]


def test_rounding_is_no_kink():
    """Outputs that nearly cancel: their rounding is far more than a unit in their own last place."""
    rng = np.random.default_rng(5)
    A, B = rng.standard_normal((3, 5)), rng.standard_normal((5, 4))

    def forward(x):
        return (x @ A) @ B - x @ (A @ B)

    assert kinks_of(forward, lambda c, x: (np.zeros_like(x),), rng.standard_normal((5, 3))) == []
