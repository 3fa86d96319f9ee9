"""Departures of known size from right code, one for each check that has a natural one.

A departure bends one draw of normal scores z: (1, m, n), iid N(0, 1), until it is wrong by d, in units of
what the check measures. d = 0 is right code, but for the cut of IN204, which is then at the median of the
largest.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gammaincinv, ndtr, ndtri

from verinit.calibration.tilting import Floats
from verinit.laws.schemes import parse
from verinit.statistics import haar, lines, marginal, shape
from verinit.statistics.tails import chi_square_scores
from verinit.vocabulary import Target

Rng = np.random.Generator
Bend = Callable[[Floats, float, Rng], Floats]
SHAPE = (20, 16)
"""Every departure is planted in matrices of this shape, draw by draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What is wrong, in words, and what makes it so.

    most     the largest size there is
    placed   what the bend is told, from the size and the n that the check looks at
    """

    code: str
    words: str
    bend: Bend
    scheme: str = "normal"
    shape: tuple[int, int] = SHAPE
    most: float = math.inf
    placed: Callable[[float, int], float] = lambda size, n: size


DEPARTURES: dict[str, Departure] = {}


def departure(code: str, words: str, **details: Any) -> Callable[[Bend], Bend]:
    """Register a departure from what one check claims."""

    def register(bend: Bend) -> Bend:
        DEPARTURES[code] = Departure(code=code, words=words, bend=bend, **details)
        return bend

    return register


def target(found: Departure, size: float, n: int) -> Target:
    """An initializer that is wrong by `size` and says it is right; n: the numbers to be looked at."""
    told = found.placed(size, n)

    def draw(shape: tuple[int, ...], rng: Rng, *, dtype: str | None = None) -> Floats:
        z = rng.standard_normal((1, *shape))
        return np.asarray(found.bend(z, told, rng)[0])

    return Target(
        name=f"departure:{found.code} by {size:.6g}",
        kind="initializer",
        object=draw,
        scheme=parse(found.scheme),
        dtypes=("float64",),
        replayable=False,
    )


# -- one number ------------------------------------------------------------------------------------


@departure("IN201", "the variance is 1 + d")
def variance(z: Floats, d: float, rng: Rng) -> Floats:
    """All weights are scaled."""
    return z * math.sqrt(1 + d)


@departure("IN202", "the mean is d std")
def mean(z: Floats, d: float, rng: Rng) -> Floats:
    """All weights are shifted."""
    return z + d


@departure("IN203", "the bounds are wider by a share d", scheme="uniform(low=-1,high=1)")
def bounds(z: Floats, d: float, rng: Rng) -> Floats:
    """A uniform law is stretched."""
    return np.asarray((2 * ndtr(z) - 1) * (1 + d))


@departure(
    "IN204",
    "cut off d below the median of the largest",
    placed=lambda size, n: marginal.extreme_limits(n, 0.25)[1] - size,
)
def cut(z: Floats, c: float, rng: Rng) -> Floats:
    """The law of normal numbers within +-c."""
    high = float(ndtr(c))
    return np.asarray(ndtri((1 - high) + (2 * high - 1) * ndtr(z)))


@departure("IN205", "distributions differ by d", most=0.5)
def distribution(z: Floats, d: float, rng: Rng) -> Floats:
    """A share 2 d of the upper half is moved to the lower half."""
    u = ndtr(z)
    moved = (u > 0.5) & (rng.random(z.shape) < 2 * d)
    return np.asarray(ndtri(np.where(moved, u - 0.5, u)))


@departure("IN208", "the third Legendre score is d", most=0.37)
def skewness(z: Floats, d: float, rng: Rng) -> Floats:
    """The density of u becomes 1 + d phi_3(u)."""
    return np.asarray(ndtri(_scored(3, d, z.shape, rng)))


def _scored(k: int, d: float, shape_: tuple[int, ...], rng: Rng) -> Floats:
    """Uniform numbers with density 1 + d phi_k, by rejection."""
    low, high = shape.score_range(k)
    top = 1 + max(d * low, d * high)
    wanted, kept = math.prod(shape_), [np.empty(0)]
    while sum(map(len, kept)) < wanted:
        u = rng.random(2 * wanted)
        kept.append(u[rng.random(u.size) * top < 1 + d * shape.legendre(k, u)])
    return np.concatenate(kept)[:wanted].reshape(shape_)


@departure("IN209", "a share d more lies beyond |z| = 1", most=0.6)
def shoulders(z: Floats, d: float, rng: Rng) -> Floats:
    """Weights from within are drawn again from beyond."""
    q = shape.tail_share(1.0)
    moved = (np.abs(z) < 1) & (rng.random(z.shape) < d / (1 - q))
    return np.where(moved, np.sign(z) * -ndtri(q / 2 * rng.random(z.shape)), z)


@departure("IN210", "one value has mass d", most=1.0)
def atom(z: Floats, d: float, rng: Rng) -> Floats:
    """Some weights are replaced by one and the same."""
    return np.where(rng.random(z.shape) < d, 0.5, z)


@departure("IN211", "a share d of the weights has a twin", most=1.0)
def twins(z: Floats, d: float, rng: Rng) -> Floats:
    """Weights are repeated with the other sign."""
    flat = z.reshape(len(z), -1).copy()
    pairs = _whole(d * flat.shape[1] / 2, rng)
    flat[:, flat.shape[1] - pairs :] = -flat[:, :pairs]
    return flat.reshape(z.shape)


def _whole(x: float, rng: Rng) -> int:
    """A whole number whose expectation is x."""
    return math.floor(x) + int(rng.random() < x - math.floor(x))


# -- lines -----------------------------------------------------------------------------------------


@departure("IN301", "sums of rows have variance 1 + d")
def sums(z: Floats, d: float, rng: Rng) -> Floats:
    """The part of every row along the diagonal is stretched."""
    return np.asarray(z + (math.sqrt(1 + d) - 1) * z.mean(axis=2, keepdims=True))


@departure("IN302", "the score of the rows' energies is d", most=0.89)
def energies(z: Floats, d: float, rng: Rng) -> Floats:
    """The energies' probabilities have density 1 + d phi_2."""
    u = _scored(2, d, z.shape[:2], rng)
    wanted = 2 * gammaincinv(z.shape[2] / 2, u)
    return np.asarray(z * np.sqrt(wanted / lines.line_energies(z).reshape(z.shape[:2]))[:, :, None])


@departure("IN303", "rows correlate with the next by d", most=1.0)
def neighbours(z: Floats, d: float, rng: Rng) -> Floats:
    """Every second row leans on the one before it."""
    w = z.copy()
    w[:, 1::2] = d * z[:, 0::2] + math.sqrt(1 - d * d) * z[:, 1::2]
    return w


@departure("IN304", "mirrored entries correlate by d", most=1.0)
def mirrored(z: Floats, d: float, rng: Rng) -> Floats:
    """Entries below the diagonal lean on those above it."""
    w = z.copy()
    i, j = np.triu_indices(min(z.shape[1:]), 1)
    w[:, j, i] = d * z[:, i, j] + math.sqrt(1 - d * d) * z[:, j, i]
    return w


@departure("IN305", "two columns correlate by d", shape=(64, 48), most=1.0)
def parallel(z: Floats, d: float, rng: Rng) -> Floats:
    """One column leans on another."""
    w = z.copy()
    w[:, :, 1] = d * z[:, :, 0] + math.sqrt(1 - d * d) * z[:, :, 1]
    return w


@departure("IN306", "R has variance 1 + d above its diagonal")
def factor(z: Floats, d: float, rng: Rng) -> Floats:
    """The triangular factor is stretched, and multiplied back."""
    q, r = np.linalg.qr(z)
    i, j = np.triu_indices(r.shape[1], 1)
    r[:, i, j] *= math.sqrt(1 + d)
    return np.asarray(q @ r)


@departure("IN313", "one place has variance 1 + d")
def place_variance(z: Floats, d: float, rng: Rng) -> Floats:
    """One entry is scaled."""
    w = z.copy()
    w[:, 2, 3] *= math.sqrt(1 + d)
    return w


@departure("IN311", "one place has mean d std")
def place_mean(z: Floats, d: float, rng: Rng) -> Floats:
    """One entry is shifted."""
    w = z.copy()
    w[:, 2, 3] += d
    return w


@departure("IN315", "overlaps of rows have variance 1 + d")
def overlaps(z: Floats, d: float, rng: Rng) -> Floats:
    """The part of every second row along the one before it is stretched."""
    w = z.copy()
    unit = z[:, 0::2] / np.linalg.norm(z[:, 0::2], axis=2, keepdims=True)
    along = (unit * z[:, 1::2]).sum(axis=2, keepdims=True)
    w[:, 1::2] += (math.sqrt(1 + d) - 1) * along * unit
    return w


# -- draws -----------------------------------------------------------------------------------------


@departure("IN307", "a share d of the weights is a copy", most=0.5)
def copies(z: Floats, d: float, rng: Rng) -> Floats:
    """A block of every draw comes again half a draw later."""
    flat = z.reshape(len(z), -1).copy()
    count, half = _whole(d * flat.shape[1], rng), flat.shape[1] // 2
    flat[:, half : half + count] = flat[:, :count]
    return flat.reshape(z.shape)


@departure("IN308", "means of draws have variance 1 - d", most=1.0)
def means(z: Floats, d: float, rng: Rng) -> Floats:
    """A part of its mean is taken off every draw."""
    return np.asarray(z - (1 - math.sqrt(1 - d)) * z.mean(axis=(1, 2), keepdims=True))


@departure("IN309", "scores of draws' variances have variance 1 - d", most=1.0)
def variances(z: Floats, d: float, rng: Rng) -> Floats:
    """Every draw is scaled until its variance is nearer to its median."""
    n = z[0].size
    energy = (z * z).sum(axis=(1, 2))
    score = math.sqrt(1 - d) * chi_square_scores(energy, n)
    return np.asarray(z * np.sqrt(2 * gammaincinv(n / 2, ndtr(score)) / energy)[:, None, None])


@departure("IN310", "two seeds correlate by d", most=1.0)
def seeds(z: Floats, d: float, rng: Rng) -> Floats:
    """A part of every draw comes from a fixed seed."""
    shared = np.random.default_rng(7).standard_normal(z.shape[1:])
    return math.sqrt(d) * shared + math.sqrt(1 - d) * z


# -- orthogonal matrices ---------------------------------------------------------------------------


@departure("IN402", "a'Qb is positive with probability 1/2 + d", scheme="orthogonal", shape=(6, 6), most=0.5)
def signs(z: Floats, d: float, rng: Rng) -> Floats:
    """Matrices whose corner is negative are negated, some of them."""
    q = _haar(z)
    flip = (haar.coordinates(q)[0] < 0) & (rng.random(len(q)) < 2 * d)
    return np.where(flip[:, None, None], -q, q)


@departure("IN403", "det Q is positive with probability 1/2 + d", scheme="orthogonal", shape=(6, 6), most=0.5)
def orientation(z: Floats, d: float, rng: Rng) -> Floats:
    """One column of some reflections is negated."""
    q = _haar(z)
    flip = (np.linalg.det(q) < 0) & (rng.random(len(q)) < 2 * d)
    q[flip, :, 0] *= -1
    return q


def _haar(z: Floats) -> Floats:
    q, r = np.linalg.qr(z)
    return np.asarray(q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :])
