"""What an activation is, and how often it lands where: value, derivative and inverse from the definition.

The laws own these formulas and share none with `verinit.reference`: agreement between parts that share a
formula proves nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from verinit.vocabulary import UsageError, unknown

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]
Name = str

_REACH_OF_BISECTION = 750.0
"""|x| beyond which exp(-|x|) is 0 in float64, and with it every falling tail here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An elementwise function with its derivative, written from its definition.

    slopes   (left, right) where f(x) = left x for x < 0 and right x for x >= 0; None otherwise
    kinks    where the derivative jumps: quadrature panels end there
    turn     where a function that first falls begins to rise; -inf for a function that never falls
    inverse  of the rising part; None asks for bisection
    """

    name: Name
    value: Function
    derivative: Function
    slopes: tuple[float, float] | None = None
    kinks: tuple[float, ...] = ()
    turn: float = -math.inf
    inverse: Function | None = None


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017, eq. 14
_GELU_TURN = -0.7517915246935645  # root of Phi(x) + x phi(x)
_GELU_TANH_TURN = -0.7524614220710163  # where the derivative below is 0
_SILU_TURN = -1.2784645427610738  # root of 1 + x sigmoid(-x)


def _density(x: Floats) -> Floats:
    result: Floats = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return result


_ROOT, _CUBE = math.sqrt(2.0 / math.pi), 0.044715  # Hendrycks & Gimpel 2016, the approximation by tanh


def _gelu_tanh(x: Floats) -> Floats:
    # x (1 + tanh u) / 2 = x sigmoid(2 u), which keeps its digits on the left
    result: Floats = x * special.expit(2.0 * _ROOT * (x + _CUBE * x**3))
    return result


def _gelu_tanh_slope(x: Floats) -> Floats:
    u = 2.0 * _ROOT * (x + _CUBE * x**3)
    rise = 2.0 * _ROOT * (1.0 + 3.0 * _CUBE * x * x)
    result: Floats = special.expit(u) * (1.0 + x * rise * special.expit(-u))
    return result


def _piecewise_linear(name: Name, left: float) -> Response:
    return Response(
        name=name,
        value=lambda x: np.where(x < 0, left * x, x),
        derivative=lambda x: np.where(x < 0, left, 1.0),
        slopes=(left, 1.0),
        kinks=() if left == 1.0 else (0.0,),
        inverse=(lambda y: np.where(y < 0, y / left, y)) if left else None,
    )


def _exponential_linear(name: Name, scale: float, alpha: float) -> Response:
    return Response(
        name=name,
        value=lambda x: scale * np.where(x < 0, alpha * np.expm1(np.minimum(x, 0.0)), x),
        derivative=lambda x: scale * np.where(x < 0, alpha * np.exp(np.minimum(x, 0.0)), 1.0),
        kinks=(0.0,),
        inverse=lambda y: np.where(
            y < 0, np.log1p(np.clip(y / (scale * alpha), -1.0, 0.0)), np.maximum(y, 0.0) / scale
        ),
    )


def _signed_log_odds(y: Floats) -> Floats:
    return np.arctanh(np.clip(y, -1.0, 1.0))


def _inverse_softplus(y: Floats) -> Floats:
    y = np.maximum(y, 0.0)
    return y + np.log(-np.expm1(-y))


RESPONSES: dict[Name, Response] = {
    response.name: response
    for response in (
        _piecewise_linear("identity", 1.0),
        _piecewise_linear("relu", 0.0),
        _piecewise_linear("leaky_relu", 0.01),
        _exponential_linear("elu", 1.0, 1.0),
        _exponential_linear("selu", _SELU_SCALE, _SELU_ALPHA),
        Response(
            name="sigmoid",
            value=special.expit,
            derivative=lambda x: special.expit(x) * special.expit(-x),
            inverse=lambda y: special.logit(np.clip(y, 0.0, 1.0)),
        ),
        Response(
            name="tanh",
            value=np.tanh,
            derivative=lambda x: 4.0 * special.expit(2.0 * x) * special.expit(-2.0 * x),
            inverse=_signed_log_odds,
        ),
        Response(
            name="gelu",
            value=lambda x: x * special.ndtr(x),
            derivative=lambda x: special.ndtr(x) + x * _density(x),
            turn=_GELU_TURN,
        ),
        Response(name="gelu_tanh", value=_gelu_tanh, derivative=_gelu_tanh_slope, turn=_GELU_TANH_TURN),
        Response(
            name="silu",
            value=lambda x: x * special.expit(x),
            derivative=lambda x: special.expit(x) * (1.0 + x * special.expit(-x)),
            turn=_SILU_TURN,
        ),
        Response(
            name="softplus",
            value=lambda x: np.logaddexp(0.0, x),
            derivative=special.expit,
            inverse=_inverse_softplus,
        ),
    )
}


def response(activation: Name | Response) -> Response:
    """Every activation named here has its value and its derivative written down independently.

    Raises `UsageError` for an unknown name.
    """
    if isinstance(activation, Response):
        return activation
    if activation not in RESPONSES:
        raise unknown("activation", activation, RESPONSES)
    return RESPONSES[activation]


STEEPEST: dict[Name, float] = {
    "sigmoid": 0.25,
    "tanh": 1.0,
    "relu": 1.0,
    "leaky_relu": 1.0,
    "elu": 1.0,
    "selu": _SELU_SCALE * _SELU_ALPHA,
    "gelu": 1.1290,
    "gelu_tanh": 1.1290,
    "silu": 1.1000,
    "softplus": 1.0,
    "identity": 1.0,
}
"""Upper bounds of |f'|: at 0, at a limit, or (gelu, silu) just above the turning point of the slope."""


def leaky_relu(negative_slope: float) -> Response:
    """A leaky ReLU is linear on each side of 0, so that all its Gaussian moments are closed forms."""
    return _piecewise_linear(f"leaky_relu({negative_slope:g})", float(negative_slope))


def _rising_inverse(f: Response, y: Floats) -> Floats:
    """Where the rising part of f reaches y; -inf below its range and +inf above it."""
    if f.inverse is not None:
        with np.errstate(divide="ignore"):
            return f.inverse(y)
    if f.slopes is not None:  # relu: flat on the left
        return np.where(y > 0, y, -np.inf)
    return _bisect(f.value, y, f.turn, np.maximum(np.abs(y), 1.0) + 2.0)


def _bisect(f: Function, y: Floats, low: ArrayLike, high: ArrayLike) -> Floats:
    """Where a monotone f crosses y between low and high, to the last bit that 200 halvings leave."""
    a, b = np.broadcast_to(low, y.shape).astype(np.float64), np.broadcast_to(high, y.shape).astype(np.float64)
    rising = bool(np.all(f(b) >= f(a)))
    for _ in range(200):
        middle = 0.5 * (a + b)
        beyond = (f(middle) < y) == rising
        a, b = np.where(beyond, middle, a), np.where(beyond, b, middle)
    return 0.5 * (a + b)


def _below(f: Response, q: float, y: Floats, *, closed: bool) -> Floats:
    """P(f(sqrt(q) Z) < y), or <= y where `closed`."""
    if q == 0.0:
        centre = f.value(np.zeros(1))
        return ((centre <= y) if closed else (centre < y)).astype(np.float64)
    s = math.sqrt(q)
    if f.slopes == (0.0, 1.0):
        inside = (y >= 0) if closed else (y > 0)
        return np.where(inside, special.ndtr(np.maximum(y, 0.0) / s), 0.0)
    upper = special.ndtr(_rising_inverse(f, y) / s)
    if not math.isfinite(f.turn):
        return np.asarray(upper, dtype=np.float64)
    lowest = float(f.value(np.array([f.turn]))[0])
    falling = np.where(y >= 0, -np.inf, _bisect(f.value, np.minimum(y, 0.0), -_REACH_OF_BISECTION, f.turn))
    return np.where(y > lowest, upper - special.ndtr(falling / s), 0.0)


def histogram_shares(activation: Name | Response, q: float, edges: ArrayLike) -> Floats:
    """P(f(z) in bin) for z ~ N(0, q): predicted shares of a histogram of activations.

    edges  (k + 1,) rising; bins are half open, the last one closed, as in `numpy.histogram`. An edge that f
           only tends to is never reached, whatever a dtype rounds onto it (gelu(-39) is -0.0 in float64)

    Returns (k,), absolute error about 1e-15. The half of ReLU at exactly 0 falls into the bin of 0.
    Raises `UsageError` unless the edges rise.
    """
    y = np.asarray(edges, dtype=np.float64)
    if y.ndim != 1 or y.size < 2 or not bool(np.all(np.diff(y) > 0)):
        raise UsageError("edges: a histogram needs at least two edges, each above the one before")
    f = response(activation)
    below = _below(f, q, y, closed=False)
    below[-1] = _below(f, q, y[-1:], closed=True)[0]
    return np.diff(below)
