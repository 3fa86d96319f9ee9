"""Fans count connections, dtypes are kept, draws follow from rng alone, misuse is answered in words."""

import math
from itertools import product

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.reference.initializers import (
    INITIALIZERS,
    fans,
    he_normal,
    normal,
    orthogonal,
    truncated_normal,
    uniform,
    variance_scaling,
    xavier_uniform,
)
from verinit.vocabulary import Initializer, UsageError

DTYPES = ["float16", "bfloat16", "float32", "float64"]


def connections(shape, groups, transposed):
    """The matrix of a stride-1 convolution, (output units, input units), from its kernel's layout."""
    *kernel, rows, columns = shape
    sizes = [2 * k - 1 for k in kernel]  # the middle unit is away from every border
    reach = [s + k - 1 for s, k in zip(sizes, kernel, strict=True)]
    ins, outs = (rows, columns * groups) if transposed else (rows * groups, columns)
    matrix = np.zeros((*reach, outs, *sizes, ins))
    weights = np.arange(1, math.prod(shape) + 1).reshape(shape)
    for place in product(*map(range, sizes)):
        for offset in product(*map(range, kernel)):
            target = tuple(p + o for p, o in zip(place, offset, strict=True))
            for a, b in product(range(rows), range(columns)):
                i = a if transposed else (b // (columns // groups)) * rows + a
                o = (a // (rows // groups)) * columns + b if transposed else b
                matrix[(*target, o, *place, i)] += weights[(*offset, a, b)]
    return matrix.reshape(math.prod(reach) * outs, -1)


@pytest.mark.parametrize("kernel", [(), (1,), (3,), (2, 3), (2, 1, 3)])
@pytest.mark.parametrize(
    ("groups", "rows", "columns"), [(1, 2, 3), (1, 3, 1), (2, 2, 4), (3, 3, 3), (2, 4, 6)]
)
@pytest.mark.parametrize("transposed", [False, True])
def test_fans_are_counts_of_connections(kernel, groups, rows, columns, transposed):
    shape = (*kernel, rows * (groups if transposed and rows % groups else 1), columns)
    nonzero = connections(shape, groups, transposed) != 0
    assert fans(shape, groups=groups, transposed=transposed) == (nonzero.sum(1).max(), nonzero.sum(0).max())


def test_fans_tell_the_axes_and_the_receptive_field_apart():
    assert fans((64, 32)) == (64, 32)
    assert fans((3, 5, 7, 11)) == (105, 165)
    assert fans((3, 3, 2, 16), groups=4) == (18, 36)
    assert fans((3, 3, 8, 4), groups=4, transposed=True) == (18, 36)


@pytest.mark.parametrize("name", sorted(INITIALIZERS))
@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_is_kept_and_is_the_only_difference(name, dtype):
    draw, shape = INITIALIZERS[name], (3, 3, 4, 6)
    exact = draw(shape, np.random.default_rng(1))
    given = draw(shape, np.random.default_rng(1), dtype=dtype)
    assert exact.dtype == np.float64
    assert given.dtype.name == dtype
    assert given.shape == shape
    assert (given == exact.astype(given.dtype)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.dtype("float16"), ml_dtypes.bfloat16])
def test_dtype_may_be_a_name_a_type_or_a_dtype(dtype):
    assert normal((2, 2), np.random.default_rng(0), dtype=dtype).dtype == np.dtype(dtype)


@pytest.mark.parametrize("name", sorted(INITIALIZERS))
def test_every_initializer_meets_the_protocol_and_bears_its_name(name):
    assert isinstance(INITIALIZERS[name], Initializer)
    assert INITIALIZERS[name].__name__ == name
    assert INITIALIZERS[name].__doc__


@settings(deadline=None, max_examples=50)
@given(
    name=st.sampled_from(sorted(INITIALIZERS)),
    shape=st.lists(st.integers(0, 5), min_size=2, max_size=4).map(tuple),
    seed=st.integers(0, 2**64 - 1),
)
def test_rng_is_the_only_source_of_chance(name, shape, seed):
    first = INITIALIZERS[name](shape, np.random.default_rng(seed))
    again = INITIALIZERS[name](shape, np.random.default_rng(seed))
    assert first.shape == shape
    assert (first == again).all()
    assert np.isfinite(first).all()


@pytest.mark.parametrize("name", sorted(set(INITIALIZERS) - {"zeros", "ones", "constant"}))
def test_one_stream_gives_another_array_each_time(name):
    rng = np.random.default_rng(2)
    first, second = (INITIALIZERS[name]((8, 8), rng) for _ in range(2))
    assert not np.intersect1d(first, second).size  # 64^2 pairs of 53-bit numbers: chance below 1e-12


class Extremes:
    """A generator whose uniforms are the least and the greatest that there are."""

    def random(self, shape):
        return np.resize([0.0, 1.0 - 2.0**-53, 2.0**-53, 0.5], shape)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("low", "high"), [(-2.0, 2.0), (-1.0, 3.0), (0.1, 0.2), (5.0, 8.0), (-9.0, -0.3)])
def test_no_draw_leaves_the_cut_in_its_dtype(dtype, low, high):
    args = {"mean": 0.1, "std": 0.3, "low": low, "high": high, "corrected": False}
    w = truncated_normal((2, 4), Extremes(), dtype=dtype, **args)
    ends = np.array([0.1 + 0.3 * low, 0.1 + 0.3 * high]).astype(w.dtype)
    assert ends[0] <= w.min()
    assert w.max() <= ends[1]
    # F^-1(0) is the end of the cut: ndtr, ndtri, a product, a sum and the cast err by an ulp or two each
    allowed = 8 * float(ml_dtypes.finfo(w.dtype).eps) * (0.1 + 0.3 * abs(low))
    assert abs(float(w[0, 0]) - float(ends[0])) <= allowed


def test_an_infinite_cut_is_no_cut():
    w = truncated_normal((4,), Extremes(), low=-np.inf, high=np.inf)
    assert np.isneginf(w[0])
    assert np.isfinite(w[1:]).all()


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (3, 0, 4), (0, 0)])
@pytest.mark.parametrize("name", sorted(INITIALIZERS))
def test_an_empty_shape_gives_an_empty_array(name, shape):
    w = INITIALIZERS[name](shape, np.random.default_rng(0), dtype="float32")
    assert w.shape == shape
    assert w.dtype == np.float32


RNG = np.random.default_rng(0)
MISUSE = [
    (
        lambda: he_normal((64,), RNG),
        "two fans need a shape of two or more axes, (fan_in, fan_out) or (*kernel, in, out); "
        "shape=(64,) has 1 axis",
    ),
    (
        lambda: orthogonal((), RNG),
        "two fans need a shape of two or more axes, (fan_in, fan_out) or (*kernel, in, out); "
        "shape=() has no axis",
    ),
    (lambda: fans((3, 4, 6), groups=4), "groups=4 must divide the 6 out channels of shape=(3, 4, 6)"),
    (
        lambda: fans((3, 4, 6), groups=3, transposed=True),
        "groups=3 must divide the 4 in channels of shape=(3, 4, 6)",
    ),
    (lambda: fans((3, 4, 6), groups=0), "groups=0 must divide the 6 out channels of shape=(3, 4, 6)"),
    (
        lambda: xavier_uniform((4, 4), RNG, mode="fan_inn"),
        "no mode named 'fan_inn'; did you mean 'fan_in'? (allowed: fan_avg, fan_in, fan_out)",
    ),
    (
        lambda: variance_scaling((4, 4), RNG, distribution="gauss"),
        "no distribution named 'gauss' (allowed: normal, truncated_normal, uniform)",
    ),
    (lambda: variance_scaling((4, 4), RNG, scale=-1.0), "scale=-1.0: must be finite and not negative"),
    (
        lambda: normal((4, 4), RNG, std=-1.0),
        "mean=0.0, std=-1.0: both must be finite, and std not negative",
    ),
    (
        lambda: uniform((4, 4), RNG, low=1.0, high=0.0),
        "low=1.0, high=0.0: both must be finite, and low at most high",
    ),
    (
        lambda: truncated_normal((4, 4), RNG, low=1.0, high=1.0),
        "low=1.0, high=1.0: the cut must have low below high",
    ),
    (
        lambda: truncated_normal((4, 4), RNG, low=40.0, high=41.0),
        "low=40.0, high=41.0: the cut holds 0 of the normal, it must hold 1e-300",
    ),
    (lambda: orthogonal((4, 4), RNG, gain=math.inf), "gain=inf: must be finite"),
    (
        lambda: normal((4, 4), RNG, dtype="int32"),
        "no floating dtype named 'int32' (allowed: bfloat16, float16, float32, float64)",
    ),
]


@pytest.mark.parametrize(("use", "message"), MISUSE)
def test_misuse_is_answered_in_words(use, message):
    with pytest.raises(UsageError) as caught:
        use()
    assert str(caught.value) == message
