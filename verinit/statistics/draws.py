"""What only shows across draws: means and variances too equal to be true, and positions that stay.

A sample that is standardised, stratified or antithetic has the right law entry by entry; draw by draw its
mean or its variance hardly varies. Those of R independent draws vary by a chi-square with R degrees of
freedom, and too little is as wrong as too much. Positions and pairs of draws are lines: use
`lines.sums`, `lines.offset`, `lines.energies` on `pooling.positions`, and `spectrum.cosines` on
`pooling.draws`.
Assumption: iid entries and independent draws. Whoever wants draws to be standardised declares it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from verinit.statistics import marginal
from verinit.statistics.lines import line_energies
from verinit.statistics.planning import smallest_n
from verinit.statistics.pooling import at_least, draws, fit, unfit
from verinit.statistics.tails import chi_square_limits, chi_square_scores
from verinit.vocabulary import Evidence, Rates

Floats = NDArray[np.float64]


def evenness_resolution(count: int, rates: Rates) -> float:
    """By which share the variance between `count` draws must be too small to be seen.

    Alternative: the draws' scores are N(0, 1 - d); d = 1 is a standardised sample. (That it is too large
    is seen as well, and resolved by `lines.sums_resolution`.)
    """
    low, _ = chi_square_limits(count, rates.false_fail / 2)
    _, most = chi_square_limits(count, rates.false_pass)
    return 1.0 - low / most


@lru_cache(maxsize=256)
def evenness_samples(rates: Rates, discrepancy: float) -> int:
    """Draws that see the variance between them too small by a share `discrepancy`."""
    return smallest_n(lambda n: evenness_resolution(n, rates), discrepancy)


def _evenness(scores: Floats, rates: Rates, quantity: str) -> Evidence:
    evidence = marginal.variance(float(scores @ scores), scores.size, rates, quantity=quantity)
    return replace(evidence, resolution=evenness_resolution(scores.size, rates))


def means(
    z: ArrayLike, rates: Rates, *, quantity: str = "variance of the draws' means / predicted"
) -> Evidence:
    """The means of draws vary as means of independent numbers do: sum of n mean^2 is chi-square.

    z: (R, m, n). Raises `UsageError` for fewer than two draws.
    """
    x = draws(z)
    at_least(x, lines=2)
    if not fit(x):
        return unfit(x, quantity)
    return _evenness(x[0].sum(axis=1) / np.sqrt(x.shape[2]), rates, quantity)


def variances(
    z: ArrayLike, rates: Rates, *, quantity: str = "variance of the draws' variances / predicted"
) -> Evidence:
    """The variances of draws vary as chi-square: their normal scores have mean square 1, exactly.

    z: (R, m, n). Raises `UsageError` for fewer than two draws.
    """
    x = draws(z)
    at_least(x, lines=2)
    if not fit(x):
        return unfit(x, quantity)
    return _evenness(chi_square_scores(line_energies(x), x.shape[2]), rates, quantity)
