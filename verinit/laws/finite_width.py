"""Signals at finite width: what is exact, and what is exact to leading order in 1 / n.

**Exact, any activation.** Let W: (n_in, n_out) be iid N(0, s^2) and h independent of W. Then the entries of
z = h W are iid N(0, s^2 |h|^2), so that |z|^2 / (s^2 |h|^2) is chi-square with n_out degrees of freedom:
given the input of a layer, hence also without it; and independent from layer to layer, as each draws its W.

**Exact, f(x) = l x or r x on either side of 0.** Then |f(z)|^2 / |z|^2 depends on directions alone, and the
log of the mean square of the activations is a sum of independent layers:

    log(m_L / m_0) = sum of log(gain S / n)        S = r^2 chi^2_K + l^2 chi^2_{n-K},  K ~ Binomial(n, 1/2)

with gain = n_in s^2 (n_in cancels: only the width of each layer counts). `log_norms` inverts the law of that
sum; for ReLU it is the law given that every layer is alive (`dead_units.stack_dead` has the rest).

**Leading order, any activation.** A layer adds s^2 / n to the variance of log m, where
s^2 = E f^4 / (E f^2)^2 - 1 (5 for ReLU), and takes s^2 / (2 n) off its mean; the next layer multiplies what
it is given by the elasticity of E[f^2] (`criticality.elasticity`). Terms of order 1 / n^2 are left out.

Sources: Hanin & Rolnick 2018 (sums of independent logs); He et al. 2015, eq. 10.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from verinit.laws.correlation import cosine_map, cosine_slope, square_covariance
from verinit.laws.criticality import elasticity
from verinit.laws.kernels import joint_expectation
from verinit.laws.relu import alive_shares
from verinit.laws.responses import Floats, Name, Response, response
from verinit.laws.signal import expectation, moment, slope_moment
from verinit.vocabulary import UsageError

__all__ = [
    "LogLaw",
    "LogMoments",
    "cosine_spreads",
    "gradient_log_moments",
    "log_norm_moments",
    "relu_gain_cdf",
    "relu_gain_quantile",
]


def relu_gain_cdf(x: ArrayLike, *, width: int, gain: float = 2.0) -> Floats:
    """P(m_1 / m_0 <= x) of one ReLU layer: the law of (gain / n) chi^2_K, K ~ Binomial(n, 1/2); exact.

    width  n, units of the layer
    gain   n_in Var[W]: 2 is He's scheme

    At 0 it jumps to 2^-n, the chance that no unit is alive. Mean gain / 2; moments of its log are those of
    `relu.log_gain`. Relative error about 1e-13 where it is above 1e-300.
    Raises `UsageError` for a width below 1 or a gain that is not positive.
    """
    k, p = _alive(width, gain)
    at = np.maximum(np.asarray(x, dtype=np.float64), 0.0)[..., None] * (width / (2.0 * gain))
    result: Floats = p[0] + special.gammainc(0.5 * k[1:], at) @ p[1:]
    return np.where(np.asarray(x) < 0.0, 0.0, np.minimum(result, 1.0))


def _alive(width: int, gain: float) -> tuple[Floats, Floats]:
    if width < 1 or not (gain > 0.0 and math.isfinite(gain)):
        raise UsageError(f"width={width!r}, gain={gain!r}: a layer has a unit or more and a positive gain")
    return alive_shares(width)


_HALVINGS = 80


def relu_gain_quantile(level: float, *, width: int, gain: float = 2.0) -> float:
    """The ratio m_1 / m_0 of one ReLU layer lies below this with probability `level`; exact, by bisection.

    0 up to a level of 2^-n. Raises `UsageError` for a level outside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"level={level!r}: a probability strictly between 0 and 1 has a quantile")
    _, p = _alive(width, gain)
    if level <= p[0]:
        return 0.0
    low, high = -1500.0, math.log(gain) + math.log(2000.0)  # e^-1500 has mass below any float's
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        below = float(relu_gain_cdf(math.exp(middle), width=width, gain=gain)) < level
        low, high = (middle, high) if below else (low, middle)
    return math.exp(0.5 * (low + high))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLaw:
    """Mean and variance of the natural log of a mean square by layer, each (depth,)."""

    mean: Floats
    variance: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMoments:
    """What depth does to the log of the mean square of a batch, to leading order in 1 / width."""

    preactivations: LogLaw
    activations: LogLaw


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scatter:
    """How the logs of the mean squares of N inputs scatter: their mean, variance, and covariance."""

    mean: float = 0.0
    variance: float = 0.0
    shared: float = 0.0

    def pooled(self, inputs: int) -> tuple[float, float]:
        """Mean and variance of the log of their average: log(sum e^d / N) = mean d + half their spread."""
        others = 1.0 - 1.0 / inputs
        spread = 0.5 * others * (self.variance - self.shared)
        return self.mean + spread, self.variance / inputs + others * self.shared

    def through(self, slope: float, curve: float, noise: float, common: float) -> _Scatter:
        """After a layer whose log response has this slope and curvature, and whose own noise is added."""
        return _Scatter(
            mean=slope * self.mean + 0.5 * curve * self.variance - 0.5 * noise,
            variance=slope * slope * self.variance + noise,
            shared=slope * slope * self.shared + common,
        )


_STEP = 1e-3
"""Of log q, over which slopes are differenced: off by 1e-6 of a term that is itself of order 1 / n."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """What a layer is given: the variance q of its pre-activations, their cosine, and how both scatter.

    scatter  of log q
    strays   n-th part of the variance of the cosine of the layer's inputs
    """

    q: float
    c: float
    scatter: _Scatter
    strays: float


@lru_cache(maxsize=64)
def _layers(
    activation: Name | Response, width: int, depth: int, gain: float, square: float, c: float
) -> tuple[_Layer, ...]:
    """Layers 1 .. depth + 1: mean-field values, with what the layers before have added in order 1 / n."""
    if width < 1 or depth < 1:
        raise UsageError(f"width={width!r}, depth={depth!r}: a network has a unit and a layer at least")
    if not (gain > 0.0 and math.isfinite(gain) and square > 0.0):
        raise UsageError(f"gain={gain!r}, input_mean_square={square!r}: both are positive numbers")
    f = response(activation)
    found = [_Layer(q=gain * square, c=float(c), scatter=_Scatter(), strays=0.0)]
    for _ in range(depth):
        at = found[-1]
        slope, curve, sent = _bent(f, at.q)
        after = at.scatter.through(
            slope,
            curve,
            square_covariance(f, at.q, 1.0) / width,
            square_covariance(f, at.q, at.c) / width,
        )
        q = gain * sent
        q = at.q if abs(q - at.q) <= _SETTLED * at.q else q
        c, strays = 1.0, 0.0  # inputs that are one direction stay one
        if at.c < 1.0:
            c = cosine_map(f, at.q, at.c)
            strays = cosine_slope(f, at.q, at.c) ** 2 * at.strays + _cosine_noise(f, at.q, at.c, c) / width
        found.append(_Layer(q=q, c=c, scatter=after, strays=strays))
    return tuple(found)


_SETTLED = 1e-12
"""Relative change of q below which it is held, so that what follows from it is computed once."""


@lru_cache(maxsize=512)
def _bent(f: Response, q: float) -> tuple[float, float, float]:
    """First and second derivative of log E[f^2] by log q, and E[f^2] itself."""
    square = moment(f, q).value
    if f.slopes is not None:
        return elasticity(f, q), 0.0, square
    up, down = elasticity(f, q * math.exp(_STEP)), elasticity(f, q * math.exp(-_STEP))
    return elasticity(f, q), (up - down) / (2.0 * _STEP), square


@lru_cache(maxsize=512)
def _cosine_noise(f: Response, q: float, c: float, after: float) -> float:
    """Var[f(u) f(v) - c' (f(u)^2 + f(v)^2) / 2] / E[f^2]^2: n times the variance of the next cosine."""
    square = moment(f, q).value ** 2
    fourth = moment(f, q, power=4).value / square
    mixed = square_covariance(f, q, c) + 1.0
    third = joint_expectation(lambda x: f.value(x) ** 3, f.value, q, q, c, kinks=f.kinks).value / square
    return max(0.0, (1.0 + 0.5 * after * after) * mixed - 2.0 * after * third + 0.5 * after * after * fourth)


def log_norm_moments(
    activation: Name | Response,
    *,
    width: int,
    depth: int,
    gain: float,
    input_mean_square: float = 1.0,
    inputs: int = 1,
    cosine: float = 0.0,
) -> LogMoments:
    """Mean and variance by layer of the log of the mean square of a batch; leading order in 1 / n.

    width              n, units of every layer
    gain               fan_in Var[W], the same in every layer; weights Gaussian, no bias
    input_mean_square  of every input
    inputs, cosine     how many inputs the mean square is taken over, and the cosine between any two of them

    The mean starts from the mean-field value, log q. Errors: terms of order depth / n^2. The median is the
    mean less a third moment of order 1 / n^2 a layer over the variance: of order 1 / n at any depth.
    Raises `UsageError` for a width or depth below 1, or a gain that is not positive.
    """
    layers = _layers(activation, width, depth, gain, input_mean_square, cosine)
    before = [
        (math.log(each.q), each.scatter.through(1.0, 0.0, 2.0 / width, 2.0 * each.c**2 / width))
        for each in layers[:-1]
    ]
    after = [(math.log(each.q / gain), each.scatter) for each in layers[1:]]
    return LogMoments(preactivations=_law(before, inputs), activations=_law(after, inputs))


def cosine_spreads(
    activation: Name | Response,
    *,
    width: int,
    depth: int,
    gain: float,
    start: float,
    input_mean_square: float = 1.0,
) -> Floats:
    """Standard deviations by layer of the cosine between the pre-activations of two inputs; leading order.

    Around `correlation.cosines`; arguments as of `log_norm_moments`. A linear map of n outputs adds
    (1 - c^2)^2 / n to the variance, an activation its own noise, and the slope of the c-map carries both on.
    What the scatter of the norms does to the map is left out; the mean itself moves by order depth / n.
    """
    layers = _layers(activation, width, depth, gain, input_mean_square, start)[:-1]
    return np.array([math.sqrt(each.strays + (1.0 - each.c**2) ** 2 / width) for each in layers])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Passage:
    """What the activation of one layer does to a gradient: log of E[f'^2], shift of the mean, and noise."""

    log: float
    shift: float
    own: float
    common: float


def _passage(f: Response, layer: _Layer, width: int) -> _Passage:
    """Entry i of the gradient is f'(z_i) a_i with a_i normal, and W W' was seen by the forward pass.

    Noise, times n: 3 E f'^4 / (E f'^2)^2 - 1 for one input, E[f'(u)^2 f'(v)^2] / (E f'^2)^2 - 1 for two whose
    gradients above are uncorrelated. Shift: along the layer's input, one direction of n, the gradient that
    the layer sends has r = E[x^2 f'^2] / (q E f'^2) times its usual mean square; and q itself scatters.
    """
    kept, own, common, along, first, second = _slopes(f, layer.q, layer.c)
    shift = first * layer.scatter.mean + 0.5 * second * layer.scatter.variance + (along - 1.0) / width
    return _Passage(log=math.log(kept), shift=shift, own=own / width, common=common / width)


@lru_cache(maxsize=512)
def _slopes(f: Response, q: float, c: float) -> tuple[float, float, float, float, float, float]:
    """E f'^2, both noises times n, r, and the first and second derivative of log E[f'^2] by log q."""

    def steep(x: Floats) -> Floats:
        return f.derivative(x) ** 2

    kept = slope_moment(f, q).value
    own = 3.0 * expectation(lambda x: steep(x) ** 2, q, kinks=f.kinks).value / kept**2 - 1.0
    common = joint_expectation(steep, steep, q, q, c, kinks=f.kinks).value / kept**2 - 1.0
    along = expectation(lambda x: x * x * steep(x), q, kinks=f.kinks).value / (q * kept)
    up, down = (math.log(slope_moment(f, q * math.exp(step)).value / kept) for step in (_STEP, -_STEP))
    return kept, own, common, along, (up - down) / (2.0 * _STEP), (up + down) / _STEP**2


def gradient_log_moments(
    activation: Name | Response,
    *,
    width: int,
    depth: int,
    gain: float,
    input_mean_square: float = 1.0,
    inputs: int = 1,
    cosine: float = 0.0,
) -> LogLaw:
    """Mean and variance of log(mean square of the gradient at the inputs of layer l / that of the cotangent).

    The cotangent enters at the pre-activations of the last layer, independent from input to input, with mean
    0. Arguments and errors as of `log_norm_moments`, gain being that of the backward map, fan_out Var[W];
    entry l - 1 of (depth,) belongs to layer l, so that the first has come all the way. Leading order in
    1 / n, with what the forward pass, which used the same weights, does to the mean. What it does to the
    variance is left out: drawn networks scatter by up to 1.4 times this standard deviation.
    """
    f, below = response(activation), []
    if depth > 1:
        layers = _layers(f, width, depth - 1, gain, input_mean_square, cosine)[:-1]
        below = [_passage(f, each, width) for each in layers]
    top = _Passage(log=0.0, shift=0.0, own=0.0, common=0.0)
    log, scatter, rows = 0.0, _Scatter(), []
    for each in [top, *reversed(below)]:
        log += math.log(gain) + each.log + each.shift
        scatter = scatter.through(1.0, 0.0, each.own, each.common)
        rows.append((log, scatter.through(1.0, 0.0, 2.0 / width, 0.0)))
    return _law(rows[::-1], inputs)


def _law(layers: list[tuple[float, _Scatter]], inputs: int) -> LogLaw:
    pooled = [scatter.pooled(inputs) for _, scatter in layers]
    return LogLaw(
        mean=np.array([log + mean for (log, _), (mean, _) in zip(layers, pooled, strict=True)]),
        variance=np.array([variance for _, variance in pooled]),
    )
