"""Closed forms of saturation against exact arithmetic, against NumPy's own numbers, and against search."""

import math

import ml_dtypes
import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from verinit.checks.thresholds import at_or_above, grid, largest, number_at, numbers_at, onset, ordinal
from verinit.laws import saturation as law
from verinit.laws.rounding import UNIT_ROUNDOFF
from verinit.reference.precision import FLOATING
from verinit.vocabulary import UsageError

DTYPES = tuple(FLOATING)
every_dtype = pytest.mark.parametrize("dtype", DTYPES)
dtypes = st.sampled_from(DTYPES)
STEPS = (1e-4, 1e-5)
RATE = 1e-9
"""How often a test with an exact law may fail on right code."""


def info(dtype):
    return ml_dtypes.finfo(FLOATING[dtype])


def number(x, dtype):
    """The distance from a number to the next larger one."""
    return number_at(ordinal(x, dtype) + 1, dtype) - x


def agrees(x, exact, *, terms=4):
    """A float64 formula of few terms beside exact arithmetic: each rounds once, and so does the input."""
    return abs(mpmath.mpf(x) - exact) <= terms * 2.0**-52 * (1 + abs(exact))


@pytest.fixture(autouse=True)
def digits():
    with mpmath.workdps(60):
        yield


# Closed forms


@every_dtype
def test_a_format_has_the_numbers_that_numpy_says(dtype):
    assert law.smallest_normal(dtype) == float(info(dtype).smallest_normal)
    assert agrees(law.log_smallest(dtype), mpmath.log(mpmath.mpf(float(info(dtype).smallest_subnormal))))
    assert law.precision(dtype) == info(dtype).nmant + 1
    assert largest(dtype) == float(info(dtype).max)


@every_dtype
def test_the_sum_rounds_to_one_where_exp_is_half_the_distance_to_the_next_number(dtype):
    half = mpmath.mpf(float(info(dtype).eps)) / 2
    assert agrees(law.one_by_sum(dtype), -mpmath.log(half))


@every_dtype
@pytest.mark.parametrize("ulps", [0.5, 1.0, 8.0])
def test_sigmoid_and_tanh_are_within_k_units_of_one_where_they_are_said_to_be(dtype, ulps):
    k = ulps * mpmath.mpf(UNIT_ROUNDOFF[dtype])
    assert agrees(law.one_within(dtype, ulps=ulps), mpmath.log(1 / k - 1))
    assert agrees(law.tanh_one_within(dtype, ulps=ulps), mpmath.atanh(1 - k), terms=8)


@every_dtype
def test_overflow_and_underflow_begin_where_numbers_end(dtype):
    top = mpmath.mpf(float(info(dtype).max)) * (1 + mpmath.mpf(UNIT_ROUNDOFF[dtype]) / 2)
    after = mpmath.mpf(2) ** (math.frexp(float(info(dtype).max))[1])
    halfway = (mpmath.mpf(float(info(dtype).max)) + after) / 2
    assert agrees(law.zero_by_overflow(dtype), mpmath.log(halfway))
    assert halfway > top * (1 - mpmath.mpf(UNIT_ROUNDOFF[dtype]))
    assert agrees(
        law.zero_by_underflow(dtype), -mpmath.log(float(info(dtype).smallest_subnormal)) + mpmath.log(2)
    )
    assert agrees(law.zero_by_flush(dtype), -mpmath.log(float(info(dtype).smallest_normal)))


@every_dtype
def test_the_intervals_of_sound_code_hold_every_closed_form(dtype):
    assert law.one_within(dtype) < law.one_by_sum(dtype) < law.one_within(dtype, ulps=0.5) < law.one_at_last()
    assert law.zero_earliest(dtype) < min(law.zero_by_overflow(dtype), law.zero_by_flush(dtype))
    assert law.zero_by_underflow(dtype) < law.zero_at_last(dtype)
    assert law.tanh_one_within(dtype) < law.tanh_one_rounded(dtype) < law.tanh_one_at_last()
    assert law.tanh_one_at_last() < law.tanh_slope_by_underflow("float32") < law.tanh_slope_at_last("float32")
    for classes in (2, 10):
        assert law.sure_gap_earliest(dtype, 1) < law.one_by_sum(dtype)
        assert law.one_by_sum(dtype) < law.sure_gap_rounded(dtype, classes)
        assert law.sure_gap_rounded(dtype, classes) <= law.sure_gap_at_last(dtype, classes)


# Search


@given(dtype=dtypes, data=st.data())
def test_places_and_numbers_are_each_others_inverse_and_rise_together(dtype, data):
    place = data.draw(st.integers(0, ordinal(largest(dtype), dtype) - 1))
    x = number_at(place, dtype)
    assert ordinal(x, dtype) == place
    assert number_at(place + 1, dtype) > x
    if dtype in ("float32", "float64"):
        kind = FLOATING[dtype].type
        assert number_at(place + 1, dtype) == float(np.nextafter(kind(x), kind(np.inf)))


@given(dtype=dtypes, x=st.floats(1e-3, 1e3))
def test_a_threshold_shows_at_the_smallest_number_that_is_not_below_it(dtype, x):
    shown = at_or_above(x, dtype)
    assert shown >= x
    assert number_at(ordinal(shown, dtype) - 1, dtype) < x


@settings(max_examples=60)
@given(dtype=dtypes, threshold=st.floats(0.5, 99.0), rows=st.sampled_from([None, 4, 64]))
def test_a_sharp_threshold_is_found_to_the_number(dtype, threshold, rows):
    def has(x):
        return x.astype(np.float64) >= threshold

    found = onset(has, dtype, low=0.25, high=100.0, rows=rows)
    assert found.first == found.settled == at_or_above(threshold, dtype)
    assert found.sharp


@settings(max_examples=40)
@given(dtype=dtypes, start=st.floats(5.0, 20.0), length=st.floats(5.0, 20.0), period=st.integers(2, 7))
def test_a_property_that_comes_and_goes_has_two_ends(dtype, start, length, period):
    """Among numbers from `start` on, every period-th has it; all have it from start + length on."""
    bits = f"u{FLOATING[dtype].itemsize}"
    first, last = (ordinal(x, dtype) for x in (start, start + length))

    def has(x):
        places = x.view(bits).astype(np.int64)
        return (places >= last) | ((places >= first) & (places % period == 0))

    found = onset(has, dtype, low=1.0, high=80.0)
    ends = start - number(start, dtype), start + length + number(start + length, dtype)
    assert ends[0] <= found.first <= found.settled <= ends[1]
    if FLOATING[dtype].itemsize == 2:
        places = np.arange(first, last)
        without, held = places[places % period != 0], places[places % period == 0]
        assert found.settled == number_at(int(without[-1]) + 1, dtype)
        assert found.first == number_at(int(held[0]) if held.size else last, dtype)


def test_what_never_and_what_always_holds_is_said():
    for dtype in DTYPES:
        never = onset(lambda x: np.zeros(x.size, bool), dtype, low=1.0, high=9.0)
        always = onset(lambda x: np.ones(x.size, bool), dtype, low=1.0, high=9.0)
        assert (never.first, never.settled) == (math.inf, math.inf)
        assert (always.first, always.settled) == (1.0, 1.0)


def test_a_property_that_is_lost_again_never_settles():
    found = onset(lambda x: (x > 3) & (x < 7), "float64", low=1.0, high=9.0)
    assert found.first == np.nextafter(3.0, 4.0)
    assert found.settled == math.inf


@pytest.mark.parametrize(("dtype", "positive"), [("float16", 31744), ("bfloat16", 32640)])
def test_of_two_bytes_every_number_is_looked_at(dtype, positive):
    assert grid(dtype, 0.0, largest(dtype)).size == positive


@every_dtype
def test_the_written_sigmoid_is_one_and_zero_where_the_law_says(dtype):
    """To the number, or its neighbour: exp of the last places is not the law's business."""

    def sigmoid(x):
        with np.errstate(over="ignore"):
            return 1 / (1 + np.exp(-x))

    high = largest(dtype) if FLOATING[dtype].itemsize == 2 else 1000.0
    for has, form in (
        (lambda x: sigmoid(x) == 1, law.one_by_sum(dtype)),
        (lambda x: sigmoid(-x) == 0, law.zero_by_overflow(dtype)),
    ):
        found = onset(has, dtype, low=0.0, high=high)
        assert found.sharp
        assert abs(ordinal(found.first, dtype) - ordinal(at_or_above(form, dtype), dtype)) <= 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_a_correctly_rounded_function_is_one_where_the_law_says(dtype, name):
    form = law.one_within(dtype, ulps=0.5) if name == "sigmoid" else law.tanh_one_rounded(dtype)
    place = ordinal(at_or_above(form, dtype), dtype)
    before, at = (mpmath.mpf(number_at(n, dtype)) for n in (place - 1, place))
    exact = (lambda x: 1 / (1 + mpmath.exp(-x))) if name == "sigmoid" else mpmath.tanh
    rest = [float(1 - exact(x)) for x in (before, at)]  # beside u/2: halfway between 1 and the number before
    assert rest[0] > UNIT_ROUNDOFF[dtype] / 2 >= rest[1]


# Differences


@given(dtype=dtypes, h=st.floats(1e-6, 1e-2))
def test_a_step_is_lost_from_just_above_a_power_of_two_on(dtype, h):
    kind = FLOATING[dtype].type
    step = kind(h)
    assume(math.log2(h / UNIT_ROUNDOFF[dtype]) % 1 > 2.0**-7)  # h is not rounded to a power of two itself
    w = law.absorbed_from(h, dtype)
    place = ordinal(w, dtype)
    assert number_at(place, dtype) == w
    later = numbers_at(np.array([place, place + 1, place + 1000]), dtype)
    assert np.all((later + step == later) & (later - step == later))
    before = kind(number_at(place - 1, dtype))
    assert before + step != before or before - step != before


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("h", STEPS)
@pytest.mark.parametrize("offset", [0.1, 0.7, 2.0])
def test_the_share_of_zero_differences_is_the_laws(dtype, h, offset):
    """200,000 independent w: the share scatters by its binomial law, whose Hoeffding bound is used."""
    n = 200_000
    start = law.difference_zero_from(h, dtype) + offset
    w = np.random.default_rng(5).uniform(start, start + 0.25, n).astype(dtype)
    y = [1 / (1 + np.exp(-(w + sign * w.dtype.type(h)))) for sign in (1, -1)]
    share = np.mean(y[0] == y[1])
    scatter = math.sqrt(math.log(2.0 / RATE) / (2.0 * n))
    rounding = UNIT_ROUNDOFF[dtype] / h + UNIT_ROUNDOFF[dtype] * float(w.max()) / h  # of h and of w +- h
    assert abs(share - law.difference_zero_mean(start, start + 0.25, h, dtype)) <= scatter + rounding


@given(dtype=dtypes, h=st.sampled_from(STEPS), a=st.floats(0.0, 3.0), width=st.floats(0.01, 1.0))
def test_the_mean_share_is_the_mean_of_the_shares(dtype, h, a, width):
    """By the midpoint rule: off by at most width^2 / 24 / n^2 for a second derivative of at most 1."""
    n = 100
    low = law.difference_zero_from(h, dtype) + a
    middles = low + width * (np.arange(n) + 0.5) / n
    shares = [law.difference_zero_share(w, h, dtype) for w in middles]
    mean = law.difference_zero_mean(low, low + width, h, dtype)
    assert abs(np.mean(shares) - mean) <= width**2 / 24 / n**2 + 8 * 2.0**-52 / width * abs(low)


def test_no_difference_is_zero_before_the_law_allows_it():
    """Half a unit before: a difference of 1.65 eps, of two values that are each off by half an eps."""
    for dtype in ("float32", "float64"):
        for h in STEPS:
            w = np.linspace(0.0, law.difference_zero_from(h, dtype) - 0.5, 5000).astype(dtype)
            step = w.dtype.type(h)
            assert np.all(1 / (1 + np.exp(-(w + step))) != 1 / (1 + np.exp(-(w - step))))


# Products


@settings(max_examples=60)
@given(dtype=dtypes, gain=st.floats(0.05, 0.5))
def test_a_product_of_gains_is_zero_at_the_depth_of_the_law(dtype, gain):
    kind = FLOATING[dtype].type
    x, depth = kind(1), 0
    while x != 0:
        x, depth = kind(x * kind(gain)), depth + 1
    least, most = law.underflow_depth(float(kind(gain)), dtype)
    assert least <= depth <= most
    assert law.flush_depth(gain, dtype) < depth


@every_dtype
def test_a_gain_above_one_half_never_reaches_zero(dtype):
    kind = FLOATING[dtype].type
    smallest = kind(number_at(1, dtype))
    assert kind(smallest * kind(0.75)) == smallest
    with pytest.raises(UsageError, match=r"gain=0\.75: a product of factors reaches 0 if they lie above 0"):
        law.underflow_depth(0.75, dtype)
    with pytest.raises(UsageError, match=r"gain=1\.5"):
        law.flush_depth(1.5, dtype)
