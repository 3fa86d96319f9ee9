"""Activations have their limits at the ends of the line, let NaN through, keep the dtype and never warn."""

import math
import pickle

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.reference.activations import (
    ACTIVATIONS,
    SELU_ALPHA,
    SELU_LAMBDA,
    leaky_relu,
    relu,
    selu,
    softmax,
    softmax_vjp,
)
from verinit.vocabulary import Activation, UsageError

DTYPES = [np.dtype(d) for d in ("float16", ml_dtypes.bfloat16, "float32", "float64")]
INF = math.inf
# value at -inf, value at +inf, derivative at -inf, derivative at +inf
LIMITS = {
    "sigmoid": (0, 1, 0, 0),
    "tanh": (-1, 1, 0, 0),
    "relu": (0, INF, 0, 1),
    "leaky_relu": (-INF, INF, 0.01, 1),
    "elu": (-1, INF, 0, 1),
    "selu": (-SELU_LAMBDA * SELU_ALPHA, INF, 0, SELU_LAMBDA),
    "gelu": (0, INF, 0, 1),
    "gelu_tanh": (0, INF, 0, 1),
    "silu": (0, INF, 0, 1),
    "softplus": (0, INF, 0, 1),
    "identity": (-INF, INF, 1, 1),
}


def line(dtype):
    """Places from one end of the dtype's line to the other, with both infinities."""
    info = ml_dtypes.finfo(dtype)
    largest, least = float(info.max), float(info.smallest_subnormal)
    tails = [largest, largest / 2, *(2.0**k for k in range(-20, 15)), least, 0.0]
    x = np.array([INF, *tails, *(-t for t in tails), -INF])
    return x[np.isinf(x) | (np.abs(x) <= largest)].astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_ends_of_the_line_are_the_limits(name, dtype):
    f, ends = ACTIVATIONS[name], np.array([-INF, INF], dtype)
    low, high, left, right = (np.array(v).astype(dtype) for v in LIMITS[name])
    assert (f.value(ends) == [low, high]).all()
    assert (f.derivative(ends) == [left, right]).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_no_input_overflows_divides_by_zero_or_becomes_nan(name, dtype):
    with np.errstate(all="raise", under="ignore"):
        values, slopes = ACTIVATIONS[name].value(line(dtype)), ACTIVATIONS[name].derivative(line(dtype))
    assert not np.isnan(values).any()
    assert np.isfinite(slopes).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_nan_goes_through(name, dtype):
    x = np.array([math.nan, 1.0], dtype)
    with np.errstate(all="raise"):
        for y in (ACTIVATIONS[name].value(x), ACTIVATIONS[name].derivative(x)):
            assert np.isnan(y).tolist() == [True, False]


@settings(deadline=None, max_examples=60)
@given(
    name=st.sampled_from(sorted(ACTIVATIONS)),
    dtype=st.sampled_from(DTYPES),
    shape=st.lists(st.integers(0, 3), max_size=3).map(tuple),
)
def test_shape_and_dtype_are_kept_and_the_input_is_left_alone(name, dtype, shape):
    x = np.full(shape, -0.5, dtype)
    for f in (ACTIVATIONS[name].value, ACTIVATIONS[name].derivative):
        y = f(x)
        assert isinstance(y, np.ndarray)
        assert (y.shape, y.dtype) == (shape, dtype)
        assert not np.shares_memory(x, y)
    assert (x == -0.5).all()


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_whole_numbers_become_float64(name):
    for f in (ACTIVATIONS[name].value, ACTIVATIONS[name].derivative):
        assert f(np.array([-1, 0, 2])).dtype == np.float64
        assert (f(np.array([-1, 0, 2])) == f(np.array([-1.0, 0.0, 2.0]))).all()


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activations_meet_the_protocol_and_travel_between_processes(name):
    f = pickle.loads(pickle.dumps(ACTIVATIONS[name]))
    assert isinstance(f, Activation)
    assert f.name == name
    assert f.value(np.array([-1.0])) == ACTIVATIONS[name].value(np.array([-1.0]))


def test_slopes_at_kinks_are_as_stated():
    zeros = np.array([-0.0, 0.0])
    assert (relu.derivative(zeros) == 0).all()
    assert (leaky_relu(slope=0.2).derivative(zeros) == 0.2).all()
    assert (selu.derivative(zeros) == SELU_LAMBDA * SELU_ALPHA).all()


def test_leaky_relu_of_slope_zero_is_relu_even_at_minus_infinity():
    x = np.array([-INF, -1.0, 2.0])
    assert (leaky_relu(slope=0.0).value(x) == [0.0, 0.0, 2.0]).all()
    assert (leaky_relu(slope=0.25).value(x) == [-INF, -0.25, 2.0]).all()


@pytest.mark.parametrize("slope", [-0.1, 1.5, math.nan])
def test_a_slope_out_of_range_is_refused_in_words(slope):
    with pytest.raises(UsageError) as caught:
        leaky_relu(slope=slope)
    assert str(caught.value) == f"slope={slope!r}: must lie between 0 and 1"


def test_softmax_does_not_change_under_shifts():
    x = np.array([[-3.0, 0.5, 2.25], [7.0, 7.0, -1.125]])  # sums with whole numbers are exact
    for shift in (5.0, -1000.0, 2.0**40):
        assert (softmax(x + shift) == softmax(x)).all()


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 9)),
    axis=st.sampled_from([-1, 0, 1]),
    spread=st.sampled_from([1.0, 100.0, 1e300]),
)
def test_softmax_is_a_distribution(seed, shape, axis, spread):
    x = np.random.default_rng(seed).standard_normal(shape) * spread
    with np.errstate(all="raise", under="ignore"):
        y = softmax(x, axis=axis)
    assert (y >= 0).all()
    # k quotients, each within an ulp of its share of a sum that errs by k rounding errors
    assert np.abs(y.sum(axis=axis) - 1).max() <= (2 * shape[axis] + 2) * np.finfo(float).eps


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_softmax_keeps_the_dtype_and_gives_minus_infinity_no_weight(dtype):
    x = np.array([[1000.0, -INF, 1000.0, 0.0]], dtype)
    with np.errstate(all="raise", under="ignore"):
        y = softmax(x)
        g = softmax_vjp(y, np.array([[1.0, 5.0, -1.0, 2.0]], dtype))
    assert y.dtype == g.dtype == dtype
    assert y.tolist() == [[0.5, 0.0, 0.5, 0.0]]
    assert g.tolist() == [[0.5, 0.0, -0.5, 0.0]]


def test_softmax_without_a_finite_maximum_is_nan_and_silent():
    with np.errstate(all="raise"):
        assert np.isnan(softmax(np.array([[INF, 0.0], [-INF, -INF]]))).tolist() == [
            [True, True],
            [True, True],
        ]
