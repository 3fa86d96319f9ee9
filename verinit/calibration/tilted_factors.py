"""False alarms of tests on whole matrices: triangular factors, and coordinates of Haar matrices."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import betainc, betaincinv, ndtr, ndtri

from verinit.calibration.tilting import Floats, Samples, sampled, scaled, weight
from verinit.statistics import haar, spectrum
from verinit.statistics.family import share
from verinit.statistics.tails import chi_square_limits, sidak
from verinit.vocabulary import Rates

Rng = np.random.Generator


@sampled("spectrum.above", "9 x 6", "exact", drawn="all of R above its diagonal scaled to either limit")
def above(rates: Rates, rng: Rng) -> Samples:
    """The entries above the diagonal of R are scaled together."""
    i, j = np.triu_indices(6, 1)
    scales = np.array(chi_square_limits(i.size, rates.false_fail / 2))
    while True:
        R, _ = spectrum.factor(rng.standard_normal((1, 9, 6)))
        R[:, i, j] *= math.sqrt(scales[rng.integers(2)])
        energy = float(np.sum(R[:, i, j] ** 2))
        yield weight(scaled(energy, i.size, scales)), spectrum.above(R, rates)


@sampled("spectrum.diagonal", "9 x 6", "exact", drawn="one entry of R's diagonal scaled to either limit")
def diagonal(rates: Rates, rng: Rng) -> Samples:
    """One entry of the diagonal, whichever it is, is scaled up or down."""
    p, k = 9, 6
    freedom = p - np.arange(k)
    one = sidak(rates.false_fail, k) / 2
    scales = np.array([chi_square_limits(int(f), one) for f in freedom]).T
    while True:
        R, _ = spectrum.factor(rng.standard_normal((1, p, k)))
        j = rng.integers(k)
        R[0, j, j] *= math.sqrt(scales[rng.integers(2), j])
        squares = np.diagonal(R[0]) ** 2
        yield weight(scaled(squares, freedom, scales)), spectrum.diagonal(R, p, rates)


def haar_draws(rng: Rng, count: int, n: int, k: int) -> Floats:
    """Haar matrices: QR of normal numbers with the signs of R undone (Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.standard_normal((count, n, k)))
    return np.asarray(q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :])


def _turned(q: Floats, a: Floats, b: Floats, wanted: float) -> Floats:
    """The matrix turned in the plane of a and Qb until a'Qb is `wanted`; all else about it stays Haar.

    Given v = Qb, the rest of Q is Haar on the complement of v, and so is its image under a rotation that
    depends on a and v alone.
    """
    v = q @ b
    t = float(a @ v)
    w = v - t * a
    w /= np.linalg.norm(w)
    have, want = math.acos(max(-1.0, min(1.0, t))), math.acos(max(-1.0, min(1.0, wanted)))
    c, s = math.cos(want - have), math.sin(want - have)
    in_a, in_w = a @ q, w @ q
    return np.asarray(q + np.outer(a, (c - 1) * in_a - s * in_w) + np.outer(w, s * in_a + (c - 1) * in_w))


def _directions(n: int) -> list[tuple[Floats, Floats]]:
    """The unit vectors a, b of each coordinate a'Qb, read off the coordinates of the unit matrices."""
    units = np.eye(n * n).reshape(n * n, n, n)
    found = []
    for outer in haar.coordinates(units).reshape(-1, n, n):
        left, _, right = np.linalg.svd(outer)
        found.append((left[:, 0], right[0]))
    return found


def _scores(t: Floats, n: int) -> Floats:
    """The |normal score| of a coordinate: 1 - t^2 is Beta((n - 1)/2, 1/2)."""
    return np.asarray(-ndtri(betainc((n - 1) / 2, 0.5, np.maximum(1.0 - t * t, 0.0)) / 2))


@sampled("haar.spread", "6 draws of 4 x 4", "bound", drawn="one of five coordinates scaled in its scores")
def spread(rates: Rates, rng: Rng) -> Samples:
    """The scores of one coordinate are scaled in all draws, by turning each matrix in one plane."""
    count, n = 6, 4
    scales = np.array(chi_square_limits(count, share(rates, 5).false_fail / 2))
    pairs = _directions(n)
    while True:
        q = haar_draws(rng, count, n, n)
        pair, root = rng.integers(5), math.sqrt(scales[rng.integers(2)])
        t = haar.coordinates(q)[pair]
        score = root * _scores(t, n)
        sine = betaincinv((n - 1) / 2, 0.5, 2 * ndtr(-score))
        wanted = np.sign(t) * np.sqrt(1 - sine)
        a, b = pairs[pair]
        q = np.stack([_turned(one, a, b, float(w)) for one, w in zip(q, wanted, strict=True)])
        energy = (_scores(haar.coordinates(q), n) ** 2).sum(axis=1)
        yield weight(scaled(energy[:, None], count, scales)), haar.spread(q, rates)
