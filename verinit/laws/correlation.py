"""How alike two inputs are, layer by layer: the map of the cosine, its fixed points and its depth scale.

Let two inputs of equal norm have the cosine c between them. As the width grows, the pre-activations u and v
of one unit are jointly normal with variance q and correlation c, and

    c' = (gain E[f(u) f(v)] + b) / (gain E[f(u)^2] + b)            gain = n Var[W], b the variance of the bias

is the cosine of the next pre-activations, which is that of the activations where there is no bias. With
Hermite coefficients a_k of f, E[f(u) f(v)] is the sum of a_k^2 c^k: on [0, 1] the map rises and is convex. So
1 is a fixed point; if the slope there is at most 1 it is the only one in (0, 1] and draws everything; if the
slope is above 1 there is exactly one other in [0, 1), and that one is stable.

All cosines are uncentred: a mean that the activations share counts as likeness.

Sources: Poole et al. 2016, section 2 (the map); Schoenholz et al. 2017, section 3 (depth scales);
Cho & Saul 2009, eq. 6 (the ReLU case in closed form).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from verinit.laws.kernels import joint_expectation
from verinit.laws.responses import Floats, Name, Response, response
from verinit.laws.signal import Integral, moment, variances
from verinit.vocabulary import UsageError

__all__ = [
    "activation_cosines",
    "correlation_depth_scale",
    "cosine_map",
    "cosine_slope",
    "cosines",
    "covariance",
    "effective_rank",
    "slope_covariance",
    "square_covariance",
    "stable_cosine",
]

_EPS = float(np.finfo(np.float64).eps)
_KEPT = 4096
"""Expectations that are remembered, so that two laws of one network compute each once."""


def _correlation(c: float) -> float:
    if not -1.0 <= c <= 1.0:
        raise UsageError(f"c={c!r}: a cosine lies in [-1, 1]")
    return float(c)


def _root(q: float) -> float:
    if not (math.isfinite(q) and q >= 0.0):
        raise UsageError(f"q={q!r}: a variance is finite and not negative")
    return math.sqrt(q)


def _halves(slopes: tuple[float, float]) -> tuple[float, float]:
    """f(x) = a x + b |x|: the odd and the even half of a function linear on each side of 0."""
    left, right = slopes
    return 0.5 * (right + left), 0.5 * (right - left)


def covariance(activation: Name | Response, q1: float, q2: float, c: float) -> Integral:
    """E[f(u) f(v)] for u ~ N(0, q1), v ~ N(0, q2) with correlation c.

    Functions that are linear on each side of 0, f(x) = a x + b |x|, have the closed form
    sqrt(q1 q2) (a^2 c + b^2 (2 / pi) (sqrt(1 - c^2) + c arcsin c)), for ReLU eq. 6 of Cho & Saul 2009.
    Not centred: subtract the product of the means for the covariance in the strict sense.
    """
    return _covariance(response(activation), float(q1), float(q2), _correlation(c))


@lru_cache(maxsize=_KEPT)
def _covariance(f: Response, q1: float, q2: float, c: float) -> Integral:
    if f.slopes is None:
        return joint_expectation(f.value, f.value, q1, q2, c, kinks=f.kinks)
    a, b = _halves(f.slopes)
    size = _root(q1) * _root(q2)
    even = 2.0 / math.pi * (math.sqrt((1.0 - c) * (1.0 + c)) + c * math.asin(c))
    return Integral(value=size * (a * a * c + b * b * even), error=8 * _EPS * size * (a * a + b * b))


def slope_covariance(activation: Name | Response, q1: float, q2: float, c: float) -> Integral:
    """E[f'(u) f'(v)]: sqrt(q1 q2) times it is the derivative of `covariance` by c (Price 1958).

    For functions linear on each side of 0 it is a^2 + b^2 (2 / pi) arcsin c, whatever the variances.
    """
    return _slope_covariance(response(activation), float(q1), float(q2), _correlation(c))


@lru_cache(maxsize=_KEPT)
def _slope_covariance(f: Response, q1: float, q2: float, c: float) -> Integral:
    if f.slopes is None:
        return joint_expectation(f.derivative, f.derivative, q1, q2, c, kinks=f.kinks)
    a, b = _halves(f.slopes)
    return Integral(value=a * a + b * b * 2.0 / math.pi * math.asin(c), error=4 * _EPS * (a * a + b * b))


def square_covariance(activation: Name | Response, q: float, c: float) -> float:
    """Cov(f(u)^2, f(v)^2) / E[f^2]^2 for u, v ~ N(0, q) with correlation c.

    At c = 1 it is E f^4 / (E f^2)^2 - 1, 5 for ReLU: n times the relative variance that one layer of width n
    adds to the mean square of one input.
    Functions linear on each side of 0 have (a^2 + b^2)^2 (1 + 2 c^2) + 4 a^2 b^2 E[u |u| v |v|] for
    E[f(u)^2 f(v)^2] at q = 1, where E[u |u| v |v|] = (2 / pi) (3 c sqrt(1 - c^2) + (1 + 2 c^2) arcsin c).
    """
    return _square_covariance(response(activation), float(q), _correlation(c))


@lru_cache(maxsize=_KEPT)
def _square_covariance(f: Response, q: float, c: float) -> float:
    if f.slopes is None:
        both = joint_expectation(lambda x: f.value(x) ** 2, lambda x: f.value(x) ** 2, q, q, c, kinks=f.kinks)
        return both.value / moment(f, q).value ** 2 - 1.0
    a, b = _halves(f.slopes)
    even, odd = a * a + b * b, 2.0 * a * b
    signed = 2.0 / math.pi * (3.0 * c * math.sqrt((1.0 - c) * (1.0 + c)) + (1.0 + 2.0 * c * c) * math.asin(c))
    return (even * even * (1.0 + 2.0 * c * c) + odd * odd * signed) / even**2 - 1.0


def cosine_map(
    activation: Name | Response, q: float, c: float, *, gain: float = 1.0, bias_variance: float = 0.0
) -> float:
    """The cosine c' of the next pre-activations of two inputs that have variance q and cosine c now.

    gain  n Var[W]; without a bias it cancels, and c' is the cosine of the activations too

    nan where no signal is left, as 0 / 0. Absolute error about 1e-15; 1 - c' is no finer than that.
    """
    top = gain * covariance(activation, q, q, c).value + bias_variance
    bottom = gain * moment(activation, q).value + bias_variance
    return max(-1.0, min(1.0, top / bottom)) if bottom > 0.0 else math.nan


def cosine_slope(
    activation: Name | Response, q: float, c: float, *, gain: float = 1.0, bias_variance: float = 0.0
) -> float:
    """dc'/dc = gain q E[f'(u) f'(v)] / (gain E[f^2] + b): at c = 1 and a fixed point of q it is chi."""
    bottom = gain * moment(activation, q).value + bias_variance
    return gain * q * slope_covariance(activation, q, q, c).value / bottom if bottom > 0.0 else math.nan


def cosines(
    activation: Name | Response,
    *,
    fan_in: int,
    std: float,
    depth: int,
    start: float,
    input_mean_square: float = 1.0,
) -> Floats:
    """Cosines of the pre-activations of two inputs, (depth,): the first is that of the inputs themselves.

    fan_in, std        of the weights (n, n), which have mean 0; no bias
    start              cosine between the two inputs, which have the same norm
    input_mean_square  E[x^2] of their entries

    Exact as the width grows: W keeps cosines in the limit, and only f changes them. At width n a cosine
    scatters by about (1 - c^2) / sqrt(n) a layer. Raises `UsageError` as `signal.variances` does.
    """
    return _walk(activation, fan_in, std, depth, start, input_mean_square)[:-1]


def activation_cosines(
    activation: Name | Response,
    *,
    fan_in: int,
    std: float,
    depth: int,
    start: float,
    input_mean_square: float = 1.0,
) -> Floats:
    """Cosines of the activations of two inputs, (depth,): those of the next layer's pre-activations.

    Arguments and errors as of `cosines`. For ReLU it is `relu.cosines`, at every std.
    """
    return _walk(activation, fan_in, std, depth, start, input_mean_square)[1:]


def _walk(
    activation: Name | Response, fan_in: int, std: float, depth: int, start: float, input_mean_square: float
) -> Floats:
    c = [_correlation(start)]
    for q in variances(
        activation, fan_in=fan_in, std=std, depth=depth, input_mean_square=input_mean_square
    ).tolist():
        dark = math.isnan(c[-1]) or not math.isfinite(q)
        c.append(math.nan if dark else cosine_map(activation, q, c[-1]))
    return np.array(c)


_STEPS = 100
"""Newton steps at most: 8 are common, and near the edge of chaos each first halves the distance."""


def stable_cosine(
    activation: Name | Response, q: float, *, gain: float = 1.0, bias_variance: float = 0.0
) -> float:
    """The fixed point of the map that draws every start in (0, 1): 1, or the only one below if 1 repels.

    q  a fixed point of the variance map, as a rule; any q is allowed, and held fixed

    0 for odd functions without a bias that are above the edge of chaos; these have a mirror image -c* of any
    other, for starts below 0. As c' - c is convex on [0, 1], Newton's method from 0 rises to its first root
    and never passes it.
    """
    f = response(activation)
    given = {"gain": gain, "bias_variance": bias_variance}
    if cosine_slope(f, q, 1.0, **given) <= 1.0 + _SLACK:
        return 1.0
    if cosine_map(f, q, 0.0, **given) <= _SLACK:
        return 0.0
    c = 0.0
    for _ in range(_STEPS):
        ahead = 1.0 - cosine_slope(f, q, c, **given)
        step = (cosine_map(f, q, c, **given) - c) / ahead if ahead > 0.0 else 0.0
        if not step > _SLACK:
            break
        c = min(1.0, c + step)
    return c


_SLACK = 64 * _EPS
"""What the slope at 1 and the map at 0 may be off by: the quadratures estimate at most a few dozen eps."""


def correlation_depth_scale(
    activation: Name | Response, q: float, *, gain: float = 1.0, bias_variance: float = 0.0
) -> float:
    """1 / xi = -log(slope of the map at its stable fixed point): after xi layers |c - c*| is e times less.

    inf at the edge of chaos, where the approach is a power of the depth (ReLU: 9 pi^2 / (2 l^2)).
    In the ordered phase c* = 1 and the slope is chi. Source: Schoenholz et al. 2017, section 3.
    """
    c = stable_cosine(activation, q, gain=gain, bias_variance=bias_variance)
    slope = cosine_slope(activation, q, c, gain=gain, bias_variance=bias_variance)
    if slope >= 1.0 - _SLACK:
        return math.inf
    return -1.0 / math.log(slope) if slope > 0.0 else 0.0


def effective_rank(inputs: int, cosine: float) -> float:
    """The participation ratio of N vectors of one length with one cosine c is N / (1 + (N - 1) c^2).

    (sum of eigenvalues)^2 / (sum of their squares) of the Gram matrix: N for orthogonal inputs, 1 once
    all are alike. Uncentred; exact for a Gram matrix of exactly these cosines. At width n each sampled c^2
    exceeds the square of its mean by the variance of a cosine, about (1 - c^2)^2 / n where nothing else
    scatters, so that this holds where N << n.
    Raises `UsageError` for fewer than one input or a cosine that is none.
    """
    if inputs < 1:
        raise UsageError(f"inputs={inputs!r}: a batch has at least one input")
    return inputs / (1.0 + (inputs - 1) * _correlation(cosine) ** 2)
