"""Activations and derivatives agree with 60-digit arithmetic to a few ulp times their condition number."""

import functools
import math

import ml_dtypes
import mpmath as mp
import numpy as np
import pytest

from verinit.reference.activations import ACTIVATIONS, SELU_ALPHA, SELU_LAMBDA, softmax, softmax_vjp

DTYPES = [np.dtype(d) for d in ("float16", ml_dtypes.bfloat16, "float32", "float64")]
ROUNDINGS = 8
"""No formula here has more than eight roundings on its longest path; each is at most an ulp of its own."""


@pytest.fixture(autouse=True)
def _sixty_digits():
    with mp.workdps(60):
        yield


def logistic(x):
    return 1 / (1 + mp.exp(-x))


@functools.cache
def selu_constants():
    """alpha makes E[selu(z)] vanish and lambda makes E[selu(z)^2] one, z ~ N(0, 1); both by quadrature."""
    with mp.workdps(30):
        positive, negative = 1 / mp.sqrt(2 * mp.pi), [-20, -8, -3, 0]  # N(0, 1) below -20: 1e-89
        alpha = positive / -mp.quad(lambda z: mp.expm1(z) * mp.npdf(z), negative)
        square = mp.quad(lambda z: mp.expm1(z) ** 2 * mp.npdf(z), negative)
        return 1 / mp.sqrt(mp.mpf(1) / 2 + alpha**2 * square), alpha


def selu(x):
    lam, alpha = selu_constants()
    return lam * (x if x > 0 else alpha * mp.expm1(x))


EXACT = {
    "sigmoid": logistic,
    "tanh": mp.tanh,
    "relu": lambda x: max(x, mp.mpf(0)),
    "leaky_relu": lambda x: x if x > 0 else mp.mpf(0.01) * x,
    "elu": lambda x: x if x > 0 else mp.expm1(x),
    "selu": selu,
    "gelu": lambda x: x * mp.ncdf(x),
    "gelu_tanh": lambda x: x * logistic(2 * mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)),
    "silu": lambda x: x * logistic(x),
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "identity": lambda x: x,
}


def places(dtype):
    """Both signs, from a millionth to 30, where every function here has a normal value in every dtype."""
    rng = np.random.default_rng(11)
    x = np.concatenate([rng.normal(0, 2, 30), rng.uniform(-8, 8, 20), 10.0 ** rng.uniform(-4, 1.2, 20)])
    far = [-30.0, -12.0, 30.0] if dtype.itemsize == 8 else []
    return np.concatenate([x, -x[-10:], far]).astype(dtype)


def ulp(exact, dtype):
    """The distance between neighbours of `dtype` at a number."""
    info = ml_dtypes.finfo(dtype)
    if not exact:
        return float(info.smallest_subnormal)
    exponent = math.frexp(float(exact))[1] - 1
    return max(2.0**exponent * float(info.eps), float(info.smallest_subnormal))


def allowed(x, value, slope, dtype):
    """Roundings times condition number in the dtype computed with, and half an ulp where that is wider."""
    condition = 1 + abs(float(x * slope / value)) if value else 1.0
    if dtype.itemsize > 2:
        return ROUNDINGS * condition * ulp(value, dtype)
    return ulp(value, dtype) / 2 + ROUNDINGS * condition * ulp(value, np.dtype("float32"))


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", sorted(EXACT))
def test_value_and_derivative_are_exact_to_rounding(name, dtype):
    f, x, h = ACTIVATIONS[name], places(dtype), mp.mpf(10) ** -20
    for at, value, slope in zip(x, f.value(x), f.derivative(x), strict=True):
        t = mp.mpf(float(at))
        low, middle, high = (EXACT[name](t + k * h) for k in (-1, 0, 1))
        first, second = (high - low) / (2 * h), (high - 2 * middle + low) / h**2  # errors of order h^2
        assert abs(float(value) - middle) <= allowed(t, middle, first, dtype), float(at)
        assert abs(float(slope) - first) <= allowed(t, first, second, dtype), float(at)


def test_selu_is_the_fixed_point_of_mean_and_variance():
    eps = np.finfo(float).eps
    assert abs(SELU_LAMBDA / selu(mp.mpf(1)) - 1) <= eps
    assert abs(SELU_LAMBDA * SELU_ALPHA / -selu(-mp.mpf(1000)) - 1) <= 2 * eps


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_no_derivative_loses_its_tail(dtype):
    """Where 1 - s(x) or 1 - tanh(x)^2 are 0 in floating point, the slope is not."""
    x = np.array([-40.0, 40.0], dtype)
    eps = np.finfo(dtype).eps
    for name, rate in (("sigmoid", 1), ("tanh", 2)):
        slope = ACTIVATIONS[name].derivative(x).astype(float)
        tail = (1 if rate == 1 else 4) * math.exp(-rate * 40.0)
        assert np.abs(slope / tail - 1).max() <= ROUNDINGS * eps


def test_softmax_agrees_with_many_digits():
    x = np.random.default_rng(12).normal(0, 5, (6, 7))
    y = softmax(x)
    for row, got in zip(x, y, strict=True):
        total = mp.fsum(mp.exp(mp.mpf(v)) for v in row)
        for v, p in zip(row, got, strict=True):
            exact = mp.exp(mp.mpf(v)) / total
            # one rounding of x - max, magnified by |x - max| in exp; then exp, the sum of 7 and a quotient
            slack = (2 + abs(v - row.max()) + 7) * np.finfo(float).eps
            assert abs(p / exact - 1) <= slack


@pytest.mark.parametrize("axis", [-1, 0])
def test_softmax_vjp_is_the_complex_step_of_softmax(axis):
    rng = np.random.default_rng(13)
    x, c = rng.normal(0, 2, (5, 4)), rng.normal(0, 1, (5, 4))
    y, h = softmax(x, axis=axis), 2.0**-100
    got = softmax_vjp(y, c, axis=axis)
    slack = 4 * (x.shape[axis] + 8) * np.finfo(float).eps  # roundings of both sides, each entry of y included
    terms = y * (np.abs(c) + (y * np.abs(c)).sum(axis=axis, keepdims=True))
    for place in np.ndindex(x.shape):
        z = x.astype(complex)
        z[place] += 1j * h
        e = np.exp(z)
        derivative = ((c * e / e.sum(axis=axis, keepdims=True)).sum()).imag / h
        spread = 1 + np.abs(x).max()  # exp magnifies the rounding of its argument
        assert abs(derivative - got[place]) <= slack * spread * terms[place]
