"""Sums and energies of lines: rows, columns, draws or positions of iid normal scores.

x: (G, L, n), G groups of L lines of n numbers (see `pooling`). Under the null every line's sum is
N(0, n) and its energy (sum of squares) chi-square with n degrees of freedom, independently of all other
lines, so everything here is exact but `spread`, which is a Chernoff bound.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from verinit.statistics import marginal, shape
from verinit.statistics.family import excess
from verinit.statistics.planning import root_n
from verinit.statistics.pooling import fit, unfit
from verinit.statistics.tails import log_normal, log_p, log_sidak, normal_limit, p_value, sidak
from verinit.vocabulary import Evidence, Rates

Floats = NDArray[np.float64]


def each(rates: Rates, lines: int) -> Rates:
    """The rates of one of several independent lines that err together at `rates.false_fail`, exactly."""
    return Rates(false_fail=sidak(rates.false_fail, lines), false_pass=rates.false_pass)


def line_energies(x: Floats) -> Floats:
    """Sum of squares of every line, (G * L,)."""
    return np.asarray(np.einsum("gln,gln->gl", x, x)).ravel()


# -- the sums of all lines -------------------------------------------------------------------------


def sums_resolution(lines: int, rates: Rates) -> float:
    """By which share the variance of the sums must differ from predicted to be seen in `lines` lines.

    Alternative: every sum is normal with variance (1 + d) n. Numbers that correlate by rho with every
    other of their line give d = (n - 1) rho; a mean of its own in every line, of variance v, d = n v.
    """
    return marginal.variance_resolution(lines, rates)


@lru_cache(maxsize=256)
def sums_samples(rates: Rates, discrepancy: float) -> int:
    """Lines that see the variance of their sums differ by `discrepancy`."""
    return marginal.variance_samples(rates, discrepancy)


def sums(x: Floats, rates: Rates, *, quantity: str = "variance of the sums of lines / predicted") -> Evidence:
    """The sums of lines vary as sums of independent numbers do: chi-square, in both tails."""
    if not fit(x):
        return unfit(x, quantity)
    totals = x.sum(axis=2).ravel()
    return marginal.variance(float(totals @ totals) / x.shape[2], totals.size, rates, quantity=quantity)


# -- the worst sum ---------------------------------------------------------------------------------


def offset_resolution(lines: int, length: int, rates: Rates) -> float:
    """The mean of one line, in std of an entry, that is seen. Alternative: that one line is shifted."""
    level = sidak(rates.false_fail, lines)
    return (normal_limit(level / 2) + normal_limit(rates.false_pass)) / math.sqrt(length)


@lru_cache(maxsize=256)
def offset_samples(rates: Rates, discrepancy: float, *, lines: int) -> int:
    """Numbers in a line that see one of `lines` lines shifted by `discrepancy` std."""
    return root_n(lambda n: offset_resolution(lines, n, rates), discrepancy)


def offset(x: Floats, rates: Rates, *, quantity: str = "largest mean of a line / std") -> Evidence:
    """No line has a mean of its own: the largest of L independent normal means, by Sidak."""
    if not fit(x):
        return unfit(x, quantity)
    means = x.mean(axis=2).ravel()
    lines, length = means.size, x.shape[2]
    observed = float(means[np.argmax(np.abs(means))])
    p, log10_p = p_value(log_sidak(log_normal(observed * math.sqrt(length)), lines))
    return Evidence(
        quantity=quantity,
        expected=0.0,
        observed=observed,
        distance=abs(observed),
        tolerance=normal_limit(sidak(rates.false_fail, lines) / 2) / math.sqrt(length),
        resolution=offset_resolution(lines, length, rates),
        n=x.size,
        basis="normal, Sidak",
        p=p,
        log10_p=log10_p,
    )


# -- the worst energy ------------------------------------------------------------------------------


def energies_resolution(lines: int, length: int, rates: Rates) -> float:
    """By which share the variance of one line must differ to be seen.

    Alternative: that one line is scaled, and all others are as they should be.
    """
    return marginal.variance_resolution(length, each(rates, lines))


@lru_cache(maxsize=256)
def energies_samples(rates: Rates, discrepancy: float, *, lines: int) -> int:
    """Numbers in a line that see the variance of one of `lines` lines differ by `discrepancy`."""
    return marginal.variance_samples(each(rates, lines), discrepancy)


def energies(
    x: Floats, rates: Rates, *, quantity: str = "variance of the worst line / predicted"
) -> Evidence:
    """No line is stronger or weaker than chance makes it: two-sided chi-square for each, by Sidak."""
    if not fit(x):
        return unfit(x, quantity)
    energy = line_energies(x)
    one = each(rates, energy.size)
    parts = [
        marginal.variance(float(extreme), x.shape[2], one, quantity=quantity)
        for extreme in (energy.max(), energy.min())
    ]
    p, log10_p = p_value(log_sidak(min(map(log_p, parts)), energy.size))
    return replace(max(parts, key=excess), basis="chi-square, Sidak", p=p, log10_p=log10_p)


# -- the spread of energies ------------------------------------------------------------------------


def spread_resolution(lines: int, rates: Rates) -> float:
    """The second Legendre score of the energies' probabilities that is seen in `lines` lines.

    Alternative: any law of the energies whose expected score is that; sqrt(5) is the largest score.
    """
    return shape.score_resolution(lines, rates, k=2)


@lru_cache(maxsize=256)
def spread_samples(rates: Rates, discrepancy: float) -> int:
    """Lines that see an expected second Legendre score of `discrepancy`."""
    return shape.score_samples(rates, discrepancy, k=2)


def spread(
    x: Floats, rates: Rates, *, quantity: str = "second Legendre score of the energies of lines"
) -> Evidence:
    """The energies of lines vary as much as chance makes them: too much is positive, too little negative.

    u = P(chi2_n <= energy) is uniform; its second Legendre score is centred and bounded.
    """
    if not fit(x):
        return unfit(x, quantity)
    u = np.asarray(gammainc(x.shape[2] / 2, line_energies(x) / 2))
    return shape.score(float(shape.legendre(2, u).sum()), u.size, rates, k=2, quantity=quantity)
