"""The mean-field theory of a random network: what depth does to the signal and to its gradient.

Take `y = f(x W)` with `W: (n, n_out)` of iid entries with mean 0 and variance `std^2`, no bias. Over the
draw of the weights each pre-activation has mean 0 and variance `q = n std^2 E[y^2]`, y being the layer's
input, and as the width grows its law tends to N(0, q). Everything below follows from that one statement:

    q_1 = n std^2 E[x^2]        q_{l+1} = n std^2 E[f(sqrt(q_l) Z)^2]        Z ~ N(0, 1)
    chi_l = n std^2 E[f'(sqrt(q_l) Z)^2]

`chi` is the gain of the *mean square* of the gradient from layer l + 1 to layer l; its root is the gain
of the RMS. At finite width n the mean square itself scatters around q with a relative variance of order
depth / n, so a single run may lie far from these numbers.

Sources: Glorot & Bengio 2010 (variances by layer); He et al. 2015, eqs. 7 to 14 (the ReLU case); Poole et al.
2016, eq. 3 (the variance map); Schoenholz et al. 2017, eqs. 3 and 9 (the gradient's gain chi).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import ArrayLike

from verinit.laws.responses import Floats, Function, Name, Response, histogram_shares, response
from verinit.vocabulary import UsageError

__all__ = [
    "Integral",
    "expectation",
    "gradient_gains",
    "histogram_shares",
    "mean_squares",
    "moment",
    "slope_moment",
    "spreads",
    "variances",
]

_EPS = float(np.finfo(np.float64).eps)
_REACH = 39.0
"""Half width of the integration range in standard deviations: exp(-39^2 / 2) is below the smallest float."""
_SATURATION = 40.0
"""|x| beyond which every activation here equals its asymptote to float64: exp(-40) < eps / 50."""
_NODES = 16
_WITNESS = 11
"""Gauss-Legendre nodes a panel, and of the coarser rule whose disagreement is the error estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Integral:
    """A Gaussian expectation and an estimate of its absolute error (not a proven bound)."""

    value: float
    error: float

    def __float__(self) -> float:
        return self.value


def _variance(q: float, name: str = "q") -> float:
    if not (math.isfinite(q) and q >= 0.0):
        raise UsageError(f"{name}={q!r}: a variance is finite and not negative")
    return float(q)


def _panel_edges(s: float, kinks: Sequence[float]) -> Floats:
    """Edges of panels short against both scales of f(x) exp(-x^2 / 2 s^2): 1/2 and s/2."""
    gaussian = np.arange(-_REACH, _REACH + 0.5, 0.5) * s
    reach = min(_SATURATION, _REACH * s)
    local = np.arange(0.0, _SATURATION, 0.5)
    local = local[local <= reach]
    edges = np.concatenate([gaussian, local, -local, np.asarray(kinks, dtype=np.float64)])
    return np.unique(edges[np.abs(edges) <= _REACH * s])


@cache
def _rule(nodes: int) -> tuple[Floats, Floats]:
    t, w = np.polynomial.legendre.leggauss(nodes)
    return t, w


@lru_cache(maxsize=64)
def _places(s: float, kinks: tuple[float, ...], nodes: int) -> tuple[Floats, Floats]:
    """Nodes and their weights under N(0, s^2), a row a panel: one variance is asked for many moments."""
    edges = _panel_edges(s, kinks)
    t, w = _rule(nodes)
    half = 0.5 * np.diff(edges)[:, None]
    x = 0.5 * (edges[1:] + edges[:-1])[:, None] + half * t
    weights = half / s * w * np.exp(-0.5 * (x / s) ** 2) / math.sqrt(2.0 * math.pi)
    x.flags.writeable = weights.flags.writeable = False  # shared by all who ask
    return x, weights


def _quadrature(g: Function, s: float, kinks: tuple[float, ...], nodes: int) -> tuple[Floats, float]:
    x, weights = _places(s, kinks, nodes)
    mass = g(x) * weights
    return mass.sum(axis=1), float(np.abs(mass).sum())


def expectation(g: Function, q: float, *, kinks: Sequence[float] = ()) -> Integral:
    """E[g(sqrt(q) Z)] for Z ~ N(0, 1), by Gauss-Legendre panels short against both of the integrand's scales.

    g      elementwise on float64 arrays; varies on the scale 1 within |x| < 40, slowly beyond
    q      variance, finite and not negative (tested from 0 to 1e4)
    kinks  points where g or a derivative of it jumps

    The error estimate is the sum over panels of the disagreement between 16 and 11 nodes (the truth is nearer
    to the 16-node value than that) plus rounding: eps times the root of the number of panels times E|g|.

    Raises `UsageError` for a variance that is not one.
    """
    q = _variance(q)
    if q == 0.0:
        value = float(g(np.zeros(1))[0])
        return Integral(value=value, error=_EPS * abs(value))
    s, places = math.sqrt(q), tuple(map(float, kinks))
    fine, absolute = _quadrature(g, s, places, _NODES)
    coarse, _ = _quadrature(g, s, places, _WITNESS)
    error = float(np.abs(fine - coarse).sum()) + _EPS * math.sqrt(fine.size + 1) * absolute
    return Integral(value=math.fsum(fine.tolist()), error=error)


def moment(activation: Name | Response, q: float, *, power: int = 2) -> Integral:
    """E[f(sqrt(q) Z)^k]: what one layer does to a Gaussian pre-activation of variance q.

    Functions that are linear on each side of 0 have the closed form
    (r^k + (-l)^k) q^(k/2) 2^(k/2 - 1) Gamma((k+1)/2) / sqrt(pi); for ReLU and k = 2 that is q / 2
    (He et al. 2015, between eqs. 8 and 9).

    Raises `UsageError` for a power below 1 or a variance that is not one.
    """
    if power != int(power) or power < 1:
        raise UsageError(f"power={power!r}: moments are taken for whole powers from 1")
    f = response(activation)
    if f.slopes is None:
        return expectation(lambda x: f.value(x) ** power, q, kinks=f.kinks)
    left, right = f.slopes
    half = 2.0 ** (power / 2 - 1) * math.gamma((power + 1) / 2) / math.sqrt(math.pi)
    value = (right**power + (-left) ** power) * _variance(q) ** (power / 2) * half
    return Integral(value=value, error=8 * _EPS * abs(value))


def slope_moment(activation: Name | Response, q: float) -> Integral:
    """E[f'(sqrt(q) Z)^2]: the share of a gradient's mean square that passes one activation.

    For functions linear on each side of 0 it is (l^2 + r^2) / 2 at every q, which is its limit at q = 0 too.
    """
    f = response(activation)
    if f.slopes is None:
        return expectation(lambda x: f.derivative(x) ** 2, q, kinks=f.kinks)
    _variance(q)
    value = 0.5 * (f.slopes[0] ** 2 + f.slopes[1] ** 2)
    return Integral(value=value, error=2 * _EPS * value)


def _layer_gain(fan: int, std: float, fan_name: str) -> float:
    if fan < 1:
        raise UsageError(f"{fan_name}={fan!r}: a layer has at least one unit")
    if not (math.isfinite(std) and std >= 0.0):
        raise UsageError(f"std={std!r}: a standard deviation is finite and not negative")
    return fan * std * std


def variances(
    activation: Name | Response, *, fan_in: int, std: float, depth: int, input_mean_square: float = 1.0
) -> Floats:
    """Pre-activation variances q_1 .. q_depth of y = f(x W): the variance map of Poole et al. 2016, eq. 3.

    fan_in             n, rows of every W: (n, n)
    std                of the weights, which have mean 0
    input_mean_square  E[x^2] of the entries of the input

    Returns (depth,); inf from where float64 overflows. Relative error per layer about 1e-14, compounding
    with depth; exact as the width grows.
    Raises `UsageError` for a width or depth below 1 or a std that is not one.
    """
    w = _layer_gain(fan_in, std, "fan_in")
    if depth < 1:
        raise UsageError(f"depth={depth!r}: a network has at least one layer")
    q = [w * _variance(input_mean_square, "input_mean_square")]
    for _ in range(depth - 1):
        q.append(w * moment(activation, q[-1]).value if math.isfinite(q[-1]) else math.inf)
    return np.array(q)


def mean_squares(activation: Name | Response, q: ArrayLike) -> Floats:
    """E[y_l^2] of the activations of layers whose pre-activations have variances `q: (depth,)`."""
    return np.array([moment(activation, float(each)).value for each in np.atleast_1d(q)])


def spreads(activation: Name | Response, q: ArrayLike) -> Floats:
    """Standard deviations of the activations, pooled over units and inputs, for variances `q: (depth,)`.

    Returns (depth,), in the unit of f. Computed as E[(f - E f)^2], so that small spreads keep their digits.
    """
    f = response(activation)
    result = []
    for each in np.atleast_1d(q):
        centre = moment(f, float(each), power=1).value
        second = expectation(lambda x, m=centre: (f.value(x) - m) ** 2, float(each), kinks=f.kinks)  # type: ignore[misc]
        result.append(math.sqrt(second.value))
    return np.array(result)


def gradient_gains(activation: Name | Response, q: ArrayLike, *, fan_out: int, std: float) -> Floats:
    """chi_l = n std^2 E[f'(z_l)^2] is the gain of the gradient's *mean square* across layer l.

    q        (depth,) pre-activation variances, from `variances`
    fan_out  n of the backward map, columns of the W that carries the gradient back
    std      of the weights

    Returns (depth,); the gain of the RMS is the root. Assumes that weights used backward are independent
    of those used forward (Schoenholz et al. 2017, eq. 9), which holds as the width grows.
    """
    w = _layer_gain(fan_out, std, "fan_out")
    return np.array([w * slope_moment(activation, float(each)).value for each in np.atleast_1d(q)])
