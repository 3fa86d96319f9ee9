"""False alarms of tests on lines: sums, means and energies of rows, of columns, of draws."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainccinv, gammaincinv, ndtr

from verinit.calibration.tilted_numbers import scores_of
from verinit.calibration.tilting import Floats, Samples, sampled, scaled, shifted, weight
from verinit.statistics import draws, lines, pooling
from verinit.statistics.family import share
from verinit.statistics.tails import chi_square_limits, chi_square_scores, normal_limit, sidak
from verinit.vocabulary import Rates

Rng = np.random.Generator


def _along(z: Floats, axis: int, scale: float) -> Floats:
    """Every line's sum scaled to variance `scale`, all else as it was; axis: the one that is summed."""
    return np.asarray(z + (math.sqrt(scale) - 1.0) * z.mean(axis=axis, keepdims=True))


def _sums(z: Floats, axis: int) -> float:
    """Sum of squares of the lines' standardised sums."""
    return float(np.sum(z.sum(axis=axis) ** 2)) / int(z.shape[axis])


@sampled("lines.sums", "8 lines of 6", "exact", drawn="the sums of all lines scaled to either limit")
def sums(rates: Rates, rng: Rng) -> Samples:
    """The sums of all lines are scaled together."""
    shape = (1, 8, 6)
    scales = np.array(chi_square_limits(8, rates.false_fail / 2))
    while True:
        z = _along(rng.standard_normal(shape), 2, scales[rng.integers(2)])
        yield weight(scaled(_sums(z, 2), 8, scales)), lines.sums(z, rates)


@sampled("pooling.both_axes", "sums, 8 x 6", "bound", drawn="the sums of rows or of columns scaled")
def both_axes(rates: Rates, rng: Rng) -> Samples:
    """The sums of all rows, or of all columns, are scaled to one of their limits."""
    half = share(rates, 2).false_fail / 2
    scales = {2: np.array(chi_square_limits(8, half)), 1: np.array(chi_square_limits(6, half))}
    while True:
        axis = int(rng.integers(1, 3))
        z = _along(rng.standard_normal((1, 8, 6)), axis, scales[axis][rng.integers(2)])
        ratios = [scaled(_sums(z, a), (1, 8, 6)[3 - a], s) for a, s in scales.items()]
        yield weight(ratios), pooling.both_axes(lines.sums, z, rates, quantity="sums")


@sampled("lines.offset", "12 lines of 5", "exact", drawn="the mean of one line shifted to either limit")
def offset(rates: Rates, rng: Rng) -> Samples:
    """One line, whichever it is, is shifted up or down."""
    count, n = 12, 5
    c = normal_limit(sidak(rates.false_fail, count) / 2)
    while True:
        z = rng.standard_normal((1, count, n))
        z[0, rng.integers(count)] += c * (2 * rng.integers(2) - 1) / math.sqrt(n)
        t = z.sum(axis=2).ravel() / math.sqrt(n)
        yield weight([shifted(t, c), shifted(t, -c)]), lines.offset(z, rates)


@sampled("lines.energies", "10 lines of 7", "exact", drawn="one line scaled to either limit")
def energies(rates: Rates, rng: Rng) -> Samples:
    """One line, whichever it is, is scaled up or down."""
    count, n = 10, 7
    scales = chi_square_limits(n, sidak(rates.false_fail, count) / 2)
    while True:
        z = rng.standard_normal((1, count, n))
        z[0, rng.integers(count)] *= math.sqrt(scales[rng.integers(2)])
        energy = lines.line_energies(z)
        yield weight([scaled(energy, n, s) for s in scales]), lines.energies(z, rates)


def energy_at(u: Floats, n: int | NDArray[np.int64]) -> Floats:
    """The energy of n numbers that is exceeded with probability 1 - u."""
    return np.asarray(2.0 * gammaincinv(np.asarray(n) / 2, u))


@sampled("lines.spread", "40 lines of 6", "bound", drawn="the probabilities of the energies tilted")
def spread(rates: Rates, rng: Rng) -> Samples:
    """The energies of all lines are drawn from probabilities that are tilted by their second score."""
    count, n = 40, 6
    draw = scores_of(2, count, rng)(rates.false_fail)
    while True:
        u, ratios = draw()
        z = rng.standard_normal((1, count, n))
        z *= np.sqrt(energy_at(u, n) / lines.line_energies(z))[:, None]
        yield weight(ratios), lines.spread(z, rates)


@sampled("draws.means", "12 draws of 3 x 4", "exact", drawn="the means of all draws scaled to either limit")
def means(rates: Rates, rng: Rng) -> Samples:
    """The means of all draws are scaled together."""
    scales = np.array(chi_square_limits(12, rates.false_fail / 2))
    while True:
        z = _along(rng.standard_normal((1, 12, 12)), 2, scales[rng.integers(2)])
        yield weight(scaled(_sums(z, 2), 12, scales)), draws.means(z.reshape(12, 3, 4), rates)


@sampled("draws.variances", "12 draws of 3 x 4", "exact", drawn="the scores of the draws' energies scaled")
def variances(rates: Rates, rng: Rng) -> Samples:
    """The normal scores of the draws' energies are scaled together."""
    count, n = 12, 12
    scales = np.array(chi_square_limits(count, rates.false_fail / 2))
    while True:
        z = rng.standard_normal((1, count, n))
        energy = lines.line_energies(z)
        score = math.sqrt(scales[rng.integers(2)]) * chi_square_scores(energy, n)
        wanted = np.where(score < 0, gammaincinv(n / 2, ndtr(score)), gammainccinv(n / 2, ndtr(-score)))
        z *= np.sqrt(2 * wanted / energy)[:, None]
        ratios = scaled(float(score @ score), count, scales)
        yield weight(ratios), draws.variances(z.reshape(count, 3, 4), rates)
