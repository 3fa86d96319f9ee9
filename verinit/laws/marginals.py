"""The law of one weight: its moments, its bounds, its distribution function and both tails."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, roots_legendre

from verinit.laws.fans import fan
from verinit.laws.frozen import distribution
from verinit.vocabulary import Scheme, UsageError

Array = NDArray[np.float64]
_NODES = 256
_EPS = float(np.finfo(np.float64).eps)
_REACH = 38.0
"""Scores past which a normal law has no mass in float64: exp(-38^2 / 2) is 1e-314."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """The law of one entry.

    mean, std    of what is drawn
    low, high    the support; infinite for a normal law
    parent       (mean, std) of the normal that a truncated normal is cut from
    frozen       the distribution of scipy that a law of no named family is
    flipped      whether the law is that of -W for W of `frozen`
    """

    family: str
    mean: float
    std: float
    low: float = -math.inf
    high: float = math.inf
    parent: tuple[float, float] = (0.0, 1.0)
    frozen: Any = None
    flipped: bool = False

    @property
    def bounded(self) -> bool:
        """Whether the support is finite."""
        return math.isfinite(self.low) and math.isfinite(self.high)


@lru_cache(maxsize=1024)
def law_of(scheme: Scheme, shape: tuple[int, ...], *, groups: int = 1, transposed: bool = False) -> Law:
    """The law that a scheme gives to every entry of an array of this shape.

    Entries of an orthogonal matrix are not independent: the law given is that of `Q R / sqrt(scale)`
    with R an independent Bartlett factor, whose entries are iid N(0, 1) exactly when Q is Haar.
    Raises `UsageError` where the shape lacks a fan.
    """
    if scheme.family == "orthogonal":
        return Law(family="normal", mean=0.0, std=1.0)
    if scheme.family == "frozen":
        frozen = distribution(scheme.name)
        low, high = map(float, frozen.support())
        return Law(
            family="frozen",
            mean=scheme.mean,
            std=math.sqrt(scheme.scale),
            low=low,
            high=high,
            frozen=frozen,
        )
    divisor = fan(scheme.mode, shape, groups=groups, transposed=transposed)
    if divisor == 0:
        raise UsageError(f"scheme {scheme} has no variance at shape {shape!r}: its fan is 0")
    std = math.sqrt(scheme.scale / divisor)
    if scheme.family == "uniform":
        half = math.sqrt(3.0) * std
        return Law(
            family="uniform", mean=scheme.mean, std=std, low=scheme.mean - half, high=scheme.mean + half
        )
    if scheme.family == "truncated_normal" and scheme.cut is not None:
        return _truncated(scheme.mean, std, scheme.cut, scheme.corrected)
    return Law(family=scheme.family, mean=scheme.mean, std=std)


def cut_moments(low: float, high: float) -> tuple[float, float]:
    """Mean and std of N(0, 1) cut at low and high.

    The closed form cancels in narrow and in far cuts; errors are below 1e-6 where it does not raise.
    Source: Johnson et al. 1994, section 13.10.1.
    Raises `UsageError` where the cut holds too little of the normal for the closed form.

    >>> round(cut_moments(-2.0, 2.0)[1], 6)
    0.879626
    """
    density = [
        math.exp(-(x**2) / 2) / math.sqrt(2 * math.pi) if math.isfinite(x) else 0.0 for x in (low, high)
    ]
    edges = [x * f if math.isfinite(x) else 0.0 for x, f in zip((low, high), density, strict=True)]
    mass = _mass(low, high)
    if not mass > 1e-300:  # Phi(-37): what lies beyond is subnormal
        raise UsageError(f"cut={(low, high)!r}: it holds {mass:.1g} of the normal, it must hold 1e-300")
    mean = (density[0] - density[1]) / mass
    variance = 1.0 + (edges[0] - edges[1]) / mass - mean**2
    lost = float(np.finfo(np.float64).eps) * (1.0 + max(density) / mass) * (1.0 + mean**2)
    if not lost <= 1e-6 * variance:
        raise UsageError(f"cut={(low, high)!r}: too narrow or too far out for the law's closed form")
    return mean, math.sqrt(variance)


def _mass(low: float, high: float) -> float:
    """P(low < Z < high), from the tail that does not cancel."""
    return float(ndtr(-low) - ndtr(-high)) if low > 0 else float(ndtr(high) - ndtr(low))


def _truncated(mean: float, std: float, cut: tuple[float, float], corrected: bool) -> Law:
    shift, spread = cut_moments(*cut)
    parent = std / spread if corrected else std
    return Law(
        family="truncated_normal",
        mean=mean + parent * shift,
        std=parent * spread,
        low=mean + parent * cut[0],
        high=mean + parent * cut[1],
        parent=(mean, parent),
    )


def cdf(law: Law, x: Array) -> Array:
    """P(W <= x); `x` has any shape, the result has the same."""
    if law.family == "uniform":
        return np.clip((x - law.low) / (law.high - law.low), 0.0, 1.0)
    if law.family == "truncated_normal":
        return _cut_cdf(law, x)
    if law.family == "frozen":
        return np.asarray(law.frozen.sf(-x) if law.flipped else law.frozen.cdf(x))
    return np.asarray(ndtr((x - law.mean) / law.std))


def _cut_cdf(law: Law, x: Array) -> Array:
    mean, std = law.parent
    low, high = (law.low - mean) / std, (law.high - mean) / std
    z = np.clip((x - mean) / std, low, high)
    if low > 0:
        return np.asarray((ndtr(-low) - ndtr(-z)) / _mass(low, high))
    return np.asarray((ndtr(z) - ndtr(low)) / _mass(low, high))


def mirrored(law: Law) -> Law:
    """The law of -W."""
    return Law(
        family=law.family,
        mean=-law.mean,
        std=law.std,
        low=-law.high,
        high=-law.low,
        parent=(-law.parent[0], law.parent[1]),
        frozen=law.frozen,
        flipped=not law.flipped if law.frozen is not None else False,
    )


def standardised(law: Law) -> Law:
    """The law of (W - mean) / std, where it is not frozen; shapes of one scheme then share one law."""
    if law.family == "frozen":
        return law
    parent = ((law.parent[0] - law.mean) / law.std, law.parent[1] / law.std)
    low, high = (law.low - law.mean) / law.std, (law.high - law.mean) / law.std
    return Law(family=law.family, mean=0.0, std=1.0, low=low, high=high, parent=parent)


def score(law: Law, x: float) -> float:
    """The absolute normal score of x: z >= 0 with P(|Z| > z) = 2 min(P(W <= x), P(W >= x)).

    Infinite at and beyond the support.
    """
    if law.family == "normal":
        return abs(x - law.mean) / law.std
    tails = float(cdf(law, np.array(x))), float(cdf(mirrored(law), np.array(-x)))
    return math.nan if math.isnan(x) else float(-ndtri(min(*tails, 0.5)))


def _tails(law: Law, x: Array, half: Array, place: Array) -> tuple[NDArray[np.bool_], Array]:
    """Which numbers lie above the mean, and the probability beyond a point of the cell of each.

    The nearer tail is counted, so both keep their accuracy.
    """
    upper = x > law.mean
    tail = np.empty_like(x)
    for part, side, sign in ((~upper, law, 1.0), (upper, mirrored(law), -1.0)):
        y, h = sign * x[part], half[part]
        low, high = cdf(side, y - h), cdf(side, y + h)
        tail[part] = low + place[part] * (high - low)
    return upper, tail


def normal_scores(law: Law, x: Array, half: Array, place: Array) -> Array:
    """The normal scores of numbers that were rounded: z with P(Z <= z) = F at a point of the cell.

    half: half-width of each rounding cell; place: where in its cell, between 0 and 1. Both tails keep
    their accuracy. All of one shape. A number outside the support, which has no score, gets that of a tail
    of 2^-53: whether it may be there is a question of bounds.
    """
    upper, tail = _tails(law, x, half, place)
    z = np.asarray(ndtri(np.maximum(tail, _EPS / 2)))
    return np.where(upper, -z, z)


def unrounded(law: Law, x: Array, half: Array, place: Array) -> Array:
    """Numbers that were rounded, put back by the law to a point of the cell they were rounded from.

    Of the law exactly, where x is the law's, rounded once. A number whose whole cell is outside the support
    stays where it is. half, place: as for `normal_scores`.
    """
    upper, tail = _tails(law, x, half, place)
    y = np.where(upper, -quantile(mirrored(law), tail), quantile(law, tail))
    outside = (x + half < law.low) | (x - half > law.high)
    return np.where(outside | ~np.isfinite(x), x, y)


def quantile(law: Law, p: Array) -> Array:
    """The x with P(W <= x) = p; accurate where p is small."""
    if law.family == "uniform":
        return law.low + p * (law.high - law.low)
    if law.family == "frozen":
        return np.asarray(-law.frozen.isf(p) if law.flipped else law.frozen.ppf(p))
    if law.family != "truncated_normal":
        return np.asarray(law.mean + law.std * ndtri(p))
    mean, std = law.parent
    low, high = (law.low - mean) / std, (law.high - mean) / std
    if low > 0:
        return np.asarray(mean - std * ndtri(ndtr(-low) - p * _mass(low, high)))
    return np.asarray(mean + std * ndtri(ndtr(low) + p * _mass(low, high)))


def escape(law: Law, share: float, *, excuse: float = 0.0) -> float:
    """The chance that one draw leaves the support of `law` if its half-width were larger by `share`.

    excuse: how far outside a draw may lie and still count as inside; share of the half-width.
    """
    if share <= excuse:
        return 0.0
    if law.family == "uniform":
        return (share - excuse) / (1.0 + share)
    if law.family == "frozen":
        middle, half = (law.low + law.high) / 2, (law.high - law.low) / 2 * (1 + excuse) / (1 + share)
        inside = cdf(law, np.array(middle + half)) - cdf(law, np.array(middle - half))
        return float(1.0 - inside)
    mean, std = law.parent
    middle, half = ((law.low + law.high) / 2 - mean) / std, (law.high - law.low) / 2 / std
    near, far = half * (1.0 + excuse), half * (1.0 + share)
    outside = _mass(middle - far, middle - near) + _mass(middle + near, middle + far)
    return outside / _mass(middle - far, middle + far)


def standard_nodes(law: Law) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """A bounded or cut law in units of its std about its mean, as Gauss-Legendre nodes and weights.

    256 nodes integrate the smooth densities of the catalogue, and their exponentials as far as a
    Chernoff bound tilts them, to rounding; a cut past the reach of the normal counts as one at its reach.
    Raises `UsageError` for a normal law, which needs no nodes.
    """
    if law.family not in ("uniform", "truncated_normal"):
        raise UsageError(f"family={law.family!r}: only uniform and truncated normal laws have nodes")
    low, high = (law.low - law.mean) / law.std, (law.high - law.mean) / law.std
    parent = ((law.parent[0] - law.mean) / law.std, law.parent[1] / law.std)
    return _nodes(law.family, low, high, parent)


@lru_cache(maxsize=1)
def _rule() -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on (-1, 1)."""
    x, w = roots_legendre(_NODES)
    return x, w


@lru_cache(maxsize=64)
def _nodes(
    family: str, low: float, high: float, parent: tuple[float, float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    x, w = _rule()
    if family == "uniform":
        return tuple(((high + low) / 2 + x * (high - low) / 2).tolist()), tuple((w / 2).tolist())
    mean, std = parent
    below, above = (low - mean) / std, (high - mean) / std
    peak = min(max(below, 0.0), above)
    reach = math.hypot(peak, _REACH)
    below, above = max(below, -reach), min(above, reach)
    y = (above + below) / 2 + x * (above - below) / 2
    mass = w * np.exp((peak - y) * (peak + y) / 2)
    return tuple((mean + std * y).tolist()), tuple((mass / mass.sum()).tolist())


def counts(law: Law, edges: Array, n: int) -> Array:
    """Predicted counts of n draws between consecutive edges; `edges: (k + 1,)`, result `(k,)`."""
    return n * np.diff(cdf(law, edges))
