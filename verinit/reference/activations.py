"""Activations, value and derivative side by side, stable over the whole line.

Every pair takes `x` of any shape and returns the same shape and dtype (whole numbers become float64).
No finite or infinite input overflows on the way, limits at +-inf are the mathematical ones, NaN gives
NaN. Where a function has a kink the derivative at it is stated.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from verinit.reference.precision import Array, kept, rounded, widened
from verinit.vocabulary import UsageError

Function = Callable[..., Array]  # of x, and keyword parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class Elementwise:
    """A function of one number and its derivative, applied to every entry of an array."""

    name: str
    value: Function
    derivative: Function


def _rounded_once(f: Function) -> Function:
    """Two-byte inputs are computed in float32 and rounded once."""

    @functools.wraps(f)
    def g(x: ArrayLike, **parameters: float) -> Array:
        x = np.asarray(x)
        return rounded(np.asarray(f(widened(x), **parameters)), kept(x.dtype))

    return g


def _clipped(x: Array, bound: float) -> Array:
    """`x` where a tail has already reached its limit in float64, so that no product is 0 * inf."""
    return np.clip(x, -bound, bound)


def _step(x: Array, below: float) -> Array:
    """1 where x > 0, else `below`; NaN at NaN."""
    return np.where(np.isnan(x), x, np.where(x > 0, 1.0, below))


def _logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)) through the exponential that cannot overflow."""
    e = np.negative(np.abs(x), out=np.empty_like(x))
    e = np.exp(e, out=e)
    y = np.where(x < 0, e, 1.0)
    e += 1.0
    y /= e
    return y


@_rounded_once
def sigmoid_value(x: Array) -> Array:
    """Sigmoid: s(x) = 1 / (1 + exp(-x))."""
    return _logistic(x)


@_rounded_once
def sigmoid_derivative(x: Array) -> Array:
    """The slope of sigmoid is s(x) s(-x): no cancellation as in 1 - s(x)."""
    e = np.exp(-np.abs(x))
    return e / (1.0 + e) ** 2


@_rounded_once
def tanh_value(x: Array) -> Array:
    """Hyperbolic tangent."""
    return np.tanh(x)


@_rounded_once
def tanh_derivative(x: Array) -> Array:
    """The slope of tanh is sech(x)^2: no cancellation as in 1 - tanh(x)^2."""
    e = np.exp(-np.abs(x))
    return (2.0 * e / (1.0 + e * e)) ** 2


@_rounded_once
def relu_value(x: Array) -> Array:
    """ReLU passes what is positive: max(x, 0)."""
    return np.maximum(x, 0.0)


@_rounded_once
def relu_derivative(x: Array) -> Array:
    """The slope of ReLU is 1 above 0, else 0: relu'(0) = 0."""
    return _step(x, 0.0)


@_rounded_once
def elu_value(x: Array) -> Array:
    """ELU is x above 0, else exp(x) - 1 [Clevert et al. 2016, sec. 3, alpha = 1]."""
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0.0)))


@_rounded_once
def elu_derivative(x: Array) -> Array:
    """The slope of ELU is 1 above 0, else exp(x): continuous at 0."""
    return np.exp(np.minimum(x, 0.0))


SELU_LAMBDA = 1.0507009873554804934193349852946
SELU_ALPHA = 1.6732632423543772848170429916717
"""selu(z) has mean 0 and variance 1 for z ~ N(0, 1) [Klambauer et al. 2017, eq. 14].

With h = erfc(1 / sqrt(2)) sqrt(e): alpha = sqrt(2 / pi) / (1 - h), and lambda gives E[selu(z)^2] = 1.
"""


@_rounded_once
def selu_value(x: Array) -> Array:
    """SELU is lambda x above 0, else lambda alpha (exp(x) - 1)."""
    with np.errstate(over="ignore"):  # lambda > 1: the last twentieth of the dtype's range is truly infinite
        return np.where(x > 0, SELU_LAMBDA * x, SELU_LAMBDA * SELU_ALPHA * np.expm1(np.minimum(x, 0.0)))


@_rounded_once
def selu_derivative(x: Array) -> Array:
    """The slope of SELU is lambda above 0, else lambda alpha exp(x): at 0 the slope on the left."""
    left = SELU_LAMBDA * SELU_ALPHA * np.exp(np.minimum(x, 0.0))
    return np.where(x > 0, SELU_LAMBDA, left)


@_rounded_once
def gelu_value(x: Array) -> Array:
    """GELU is x Phi(x), Phi the normal distribution function [Hendrycks & Gimpel 2016, sec. 2]."""
    return np.asarray(np.maximum(x, -40.0) * ndtr(x))  # Phi(-40) = 0 in float64


@_rounded_once
def gelu_derivative(x: Array) -> Array:
    """The slope of GELU is Phi(x) + x phi(x)."""
    z = _clipped(x, 40.0)
    return np.asarray(ndtr(z) + z * np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi))


def _tanh_argument(x: Array) -> tuple[Array, Array]:
    """The doubled argument of gelu_tanh's tanh, and its slope: (1 + tanh u) / 2 = s(2u)."""
    c = 2.0 * math.sqrt(2.0 / math.pi)
    return c * (x + 0.044715 * x**3), c * (1.0 + 3.0 * 0.044715 * x * x)


@_rounded_once
def gelu_tanh_value(x: Array) -> Array:
    """GELU by tanh is x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2 [Hendrycks & Gimpel 2016, sec. 2]."""
    u, _ = _tanh_argument(_clipped(x, 25.0))  # s(u(-25)) = exp(-1155) = 0 in float64
    return np.maximum(x, -25.0) * _logistic(u)


@_rounded_once
def gelu_tanh_derivative(x: Array) -> Array:
    """The slope of x s(u(x)) is s(u) + x u' s(u) s(-u)."""
    z = _clipped(x, 25.0)
    u, slope = _tanh_argument(z)
    return _logistic(u) * (1.0 + z * slope * _logistic(-u))


@_rounded_once
def silu_value(x: Array) -> Array:
    """SiLU is x s(x) [Elfwing et al. 2018]."""
    return np.maximum(x, -1000.0) * _logistic(x)  # s(-1000) = 0 in float64


@_rounded_once
def silu_derivative(x: Array) -> Array:
    """The slope of SiLU is s(x) (1 + x s(-x))."""
    z = _clipped(x, 1000.0)
    return _logistic(z) * (1.0 + z * _logistic(-z))


@_rounded_once
def softplus_value(x: Array) -> Array:
    """Softplus is log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


@_rounded_once
def identity_value(x: Array) -> Array:
    """The identity returns a copy of x."""
    return x.copy()


@_rounded_once
def identity_derivative(x: Array) -> Array:
    """The slope of the identity is 1."""
    return _step(x, 1.0)


@_rounded_once
def leaky_relu_value(x: Array, slope: float) -> Array:
    """Leaky ReLU is x above 0, else slope times x."""
    return np.where(x > 0, x, slope * x)


@_rounded_once
def leaky_relu_derivative(x: Array, slope: float) -> Array:
    """The slope of leaky ReLU is 1 above 0, else `slope`."""
    return _step(x, slope)


def leaky_relu(*, slope: float = 0.01) -> Elementwise:
    """Leaky ReLU is x above 0, else slope times x; its derivative at 0 is `slope`.

    Raises `UsageError` unless 0 <= slope <= 1; a slope of 0 is relu.
    Source: Maas et al. 2013, sec. 2; He et al. 2015, eq. 1.
    """
    if not 0.0 <= slope <= 1.0:
        raise UsageError(f"slope={slope!r}: must lie between 0 and 1")
    if slope == 0.0:
        return Elementwise(name="leaky_relu", value=relu_value, derivative=relu_derivative)
    return Elementwise(
        name="leaky_relu",
        value=functools.partial(leaky_relu_value, slope=slope),
        derivative=functools.partial(leaky_relu_derivative, slope=slope),
    )


sigmoid = Elementwise(name="sigmoid", value=sigmoid_value, derivative=sigmoid_derivative)
tanh = Elementwise(name="tanh", value=tanh_value, derivative=tanh_derivative)
relu = Elementwise(name="relu", value=relu_value, derivative=relu_derivative)
elu = Elementwise(name="elu", value=elu_value, derivative=elu_derivative)
selu = Elementwise(name="selu", value=selu_value, derivative=selu_derivative)
gelu = Elementwise(name="gelu", value=gelu_value, derivative=gelu_derivative)
gelu_tanh = Elementwise(name="gelu_tanh", value=gelu_tanh_value, derivative=gelu_tanh_derivative)
silu = Elementwise(name="silu", value=silu_value, derivative=silu_derivative)
softplus = Elementwise(name="softplus", value=softplus_value, derivative=sigmoid_value)
identity = Elementwise(name="identity", value=identity_value, derivative=identity_derivative)

ACTIVATIONS: dict[str, Elementwise] = {
    f.name: f
    for f in (
        sigmoid,
        tanh,
        relu,
        leaky_relu(),
        elu,
        selu,
        gelu,
        gelu_tanh,
        silu,
        softplus,
        identity,
    )
}
"""Every elementwise activation by name; leaky_relu with its usual slope of 0.01."""


def softmax(x: ArrayLike, *, axis: int = -1) -> Array:
    """Softmax is exp(x) / sum exp(x) along `axis`; a shift of x changes nothing, so its maximum is taken off.

    An entry of -inf has probability 0; a slice whose maximum is infinite has no softmax and is NaN.
    """
    x = np.asarray(x)
    wide = widened(x)
    with np.errstate(invalid="ignore"):  # inf - inf
        e = np.exp(wide - wide.max(axis=axis, keepdims=True))
    return rounded(e / e.sum(axis=axis, keepdims=True), kept(x.dtype))


def softmax_vjp(y: ArrayLike, cotangent: ArrayLike, *, axis: int = -1) -> Array:
    """Softmax pulls a cotangent c of its output y back to y (c - <y, c>), the cotangent of its input."""
    y = np.asarray(y)
    wide, c = widened(y), widened(cotangent)
    return rounded(wide * (c - (wide * c).sum(axis=axis, keepdims=True)), kept(y.dtype))
