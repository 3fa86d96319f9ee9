"""Where depth does nothing to the signal: fixed points of the variance map, and the edge of chaos.

    V(q) = gain E[f(sqrt(q) Z)^2] + b        chi(q) = gain E[f'(sqrt(q) Z)^2]        gain = n Var[W]

`gain` is that of the *mean square*, n times the variance of a weight; its root is the gain that frameworks
multiply the standard deviation by. b is the variance of the bias. Where V(q) = q the signal keeps its size;
where chi = 1 the gradient keeps its mean square, and two nearby inputs their distance. Both at once is the
edge of chaos: there, and only there, is the depth scale of all three infinite.

Two identities of the normal law give every slope: dV/dq = gain E[x f f'] / q, by Stein's lemma
gain E[f'^2 + f f''], so that chi and dV/dq differ by gain E[f f''].

Sources: Poole et al. 2016, eq. 3; Schoenholz et al. 2017, section 3; Klambauer et al. 2017 (the fixed point
of selu at q = 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from verinit.laws.responses import Name, Response, response
from verinit.laws.signal import expectation, moment, slope_moment
from verinit.vocabulary import UsageError

__all__ = [
    "CriticalPoint",
    "FixedPoint",
    "chi",
    "critical_points",
    "edge_of_chaos",
    "elasticity",
    "fixed_points",
    "kept",
    "preserving_gain",
    "variance_slope",
]

_EPS = float(np.finfo(np.float64).eps)
SMALLEST, LARGEST = 1e-8, 1e6
"""Between these variances fixed points are searched for; 0 is looked at by its limit."""
_A_DECADE = 12
"""Places per decade at which the sign is looked at: two roots within a factor of 1.2 are not told apart."""
_FLAT = 64 * _EPS
"""Relative size below which a difference of two quadratures is rounding (they estimate a few dozen eps)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedPoint:
    """A variance that the map returns.

    slope  dV/dq there; stable below 1
    every  the map returns every other variance too, up to rounding: piecewise linear at its own gain
    """

    q: float
    slope: float
    every: bool = False

    @property
    def stable(self) -> bool:
        """Whether variances nearby are drawn to it; where the slope is 1 the first order does not tell."""
        return self.slope < 1.0 - _FLAT

    @property
    def depth_scale(self) -> float:
        """Xi_q = -1 / log(slope): after so many layers |q - q*| has fallen e times; inf where it does not."""
        if not self.stable:
            return math.inf
        return -1.0 / math.log(self.slope) if self.slope > 0.0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CriticalPoint:
    """A gain at which some variance is kept and chi is 1 there.

    gain   n Var[W]
    q      the variance that is kept; a limit where it is 0
    slope  dV/dq there. Above 1 nothing is drawn to it: a network only starts there
    every  every variance is critical at this gain, and q is one of them
    """

    gain: float
    q: float
    slope: float
    every: bool = False


def _not_negative(value: float, name: str) -> float:
    if not (math.isfinite(value) and value >= 0.0):
        raise UsageError(f"{name}={value!r}: it is finite and not negative")
    return float(value)


def _slope_at_zero(f: Response) -> float:
    """E[f'(sqrt(q) Z)^2] as q goes to 0: the mean of the squares of the slopes on either side of 0."""
    tiny = np.array([-1e-300, 1e-300])
    return float(np.mean(f.derivative(tiny) ** 2))


def chi(activation: Name | Response, q: float, *, gain: float) -> float:
    """The gain of the gradient's *mean square* per layer, gain E[f'(sqrt(q) Z)^2]."""
    f = response(activation)
    share = _slope_at_zero(f) if q == 0.0 else slope_moment(f, q).value
    return _not_negative(gain, "gain") * share


def variance_slope(activation: Name | Response, q: float, *, gain: float) -> float:
    """dV/dq = gain E[x f(x) f'(x)] / q for x ~ N(0, q); at q = 0 its limit, infinite where f(0) f'' is not 0.

    For functions linear on each side of 0 it is gain (l^2 + r^2) / 2 at every q.
    """
    f, gain = response(activation), _not_negative(gain, "gain")
    if f.slopes is not None:
        return gain * slope_moment(f, q).value
    if q > 0.0:
        return gain * expectation(lambda x: x * f.value(x) * f.derivative(x), q, kinks=f.kinks).value / q
    return (
        gain * _slope_at_zero(f) if f.value(np.zeros(1))[0] == 0.0 else variance_slope(f, SMALLEST, gain=gain)
    )


def elasticity(activation: Name | Response, q: float) -> float:
    """D log E[f^2] / d log q: by what a small relative change of the variance is multiplied in one layer.

    1 for functions linear on each side of 0; below 1 where f saturates, which is what damps the scatter.
    """
    return variance_slope(activation, q, gain=1.0) * q / moment(activation, q).value if q > 0.0 else 1.0


def kept(activation: Name | Response, *, gain: float, q: float = 1.0) -> float:
    """V(q) / q = gain E[f(sqrt(q) Z)^2] / q: by what one layer multiplies a pre-activation variance of q.

    tanh with the folklore gain 5/3 of the standard deviation has 25/9 E[tanh(Z)^2] = 1.0953 at q = 1.

    >>> round(kept("tanh", gain=25 / 9), 4), round(kept("relu", gain=2.0), 4)
    (1.0953, 1.0)
    """
    if not _not_negative(q, "q") > 0.0:
        raise UsageError(f"q={q!r}: a ratio of variances needs one above 0")
    return _not_negative(gain, "gain") * moment(activation, q).value / q


def preserving_gain(activation: Name | Response, *, q: float = 1.0) -> float:
    """Pre-activations of variance q keep it at the gain n Var[W] = q / E[f(sqrt(q) Z)^2].

    Kept is the *second moment of the pre-activations*, at this q and as the width grows: not the mean square
    of the gradient (that asks for chi = 1), and not other variances, which tend to q only where the fixed
    point is stable. The root is what multiplies 1 / sqrt(n): 1.5925 for tanh at q = 1, not 5/3.

    >>> round(preserving_gain("tanh") ** 0.5, 4), round(preserving_gain("selu") ** 0.5, 6)
    (1.5925, 1.0)
    """
    return 1.0 / kept(activation, gain=1.0, q=q)


def _roots(g: Callable[[float], float]) -> list[float]:
    """Where g changes its sign between `SMALLEST` and `LARGEST`, to the last bits of log q."""
    decades = math.log10(LARGEST / SMALLEST)
    grid = np.geomspace(SMALLEST, LARGEST, round(decades * _A_DECADE) + 1).tolist()
    signed = [(q, value) for q, value in ((q, g(q)) for q in grid) if abs(value) > _FLAT]
    return [
        _bisected(g, low, high, rising=b > 0.0)
        for (low, a), (high, b) in pairwise(signed)
        if (a < 0.0) != (b < 0.0)
    ]


def _bisected(g: Callable[[float], float], low: float, high: float, *, rising: bool) -> float:
    for _ in range(54):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if (g(middle) < 0.0) == rising else (low, middle)
    return math.sqrt(low * high)


def fixed_points(
    activation: Name | Response, *, gain: float, bias_variance: float = 0.0
) -> tuple[FixedPoint, ...]:
    """The variances q = gain E[f(sqrt(q) Z)^2] + b that a layer returns, rising; none is an answer too.

    q = 0 is one wherever f(0) = 0 and there is no bias. Functions linear on each side of 0 have a line for a
    map: one point, or none, or at gain 2 / (l^2 + r^2) without a bias every point, which is said by `every`.
    Others are searched for on a grid from `SMALLEST` to `LARGEST` and bisected.
    """
    f, gain = response(activation), _not_negative(gain, "gain")
    b = _not_negative(bias_variance, "bias_variance")
    if f.slopes is not None:
        return _fixed_line(gain * slope_moment(f, 1.0).value, b)
    zero = b == 0.0 and float(f.value(np.zeros(1))[0]) == 0.0
    found = [0.0] if zero else []
    found += _roots(lambda q: _change(gain * moment(f, q).value + b, q))
    return tuple(FixedPoint(q=q, slope=variance_slope(f, q, gain=gain)) for q in found)


def _change(value: float, q: float) -> float:
    """log(V / q)."""
    return math.log(value / q) if value > 0.0 else -math.inf


def _fixed_line(slope: float, b: float) -> tuple[FixedPoint, ...]:
    if abs(slope - 1.0) <= _FLAT:
        return (FixedPoint(q=1.0, slope=1.0, every=True),) if b == 0.0 else ()
    if b == 0.0:
        return (FixedPoint(q=0.0, slope=slope),)
    return (FixedPoint(q=b / (1.0 - slope), slope=slope),) if slope < 1.0 else ()


def critical_points(activation: Name | Response, *, bias_variance: float = 0.0) -> tuple[CriticalPoint, ...]:
    """Every gain at which a kept variance has chi = 1: q = E[f^2] / E[f'^2] + b and gain = 1 / E[f'^2].

    Without a bias: tanh, erf and every odd S-shape are critical at gain 1 / f'(0)^2 and q = 0 only, a
    variance that is approached like 1 / depth. Sigmoid, whose mean of 1/2 acts as a random bias does, is
    critical at gain 103.0 and q = 45.6, where most of its units are saturated. Functions linear on each side
    of 0 are critical at 2 / (l^2 + r^2) and every q. With a bias, S-shapes have one point for each variance
    of it, and ReLU has none.
    The search is that of `fixed_points`.
    """
    f, b = response(activation), _not_negative(bias_variance, "bias_variance")
    if f.slopes is not None:
        every = CriticalPoint(gain=1.0 / slope_moment(f, 1.0).value, q=1.0, slope=1.0, every=True)
        return (every,) if b == 0.0 else ()
    steep = _slope_at_zero(f)
    zero = b == 0.0 and steep > 0.0 and float(f.value(np.zeros(1))[0]) == 0.0
    found = [0.0] if zero else []
    found += _roots(lambda q: _change(q, moment(f, q).value / slope_moment(f, q).value + b))
    return tuple(_critical(f, q) for q in found)


def _critical(f: Response, q: float) -> CriticalPoint:
    gain = 1.0 / chi(f, q, gain=1.0)
    return CriticalPoint(gain=gain, q=q, slope=variance_slope(f, q, gain=gain))


def edge_of_chaos(activation: Name | Response, *, bias_variance: float = 0.0) -> CriticalPoint:
    """The critical initialisation: n Var[W] and the variance at which signal and gradient are both kept.

    Of several it is the one with the smallest variance.
    Raises `UsageError` where there is none, and says so: ReLU with a bias, for example, whose variance grows
    by b in every layer at gain 2 and is not kept.

    >>> edge_of_chaos("tanh").gain, edge_of_chaos("relu").gain
    (1.0, 2.0)
    """
    points = critical_points(activation, bias_variance=bias_variance)
    if not points:
        raise UsageError(
            f"{response(activation).name} has no critical initialisation at bias_variance={bias_variance!r}: "
            f"no variance up to {LARGEST:g} is kept where chi = 1; try another bias_variance"
        )
    return points[0]
