"""False alarms of tests on values that come again: ties are planted, and weighed by how many ways there were.

Right draws are uniform on V = 1/q values, the law with the most ties for a given q. Sample: k of n draws,
chosen at random, are made equal (or k disjoint pairs, or k entries in all draws). Then dQ/dP0 is the number
of such choices that are equal in the sample, over how many were expected.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from verinit.calibration.tilting import Samples, sampled
from verinit.statistics import atoms
from verinit.vocabulary import Rates

Rng = np.random.Generator


def _log_choose(n: int, k: int) -> float:
    return math.log(math.comb(n, k))


@sampled("atoms.multiplicity", "n = 300, one value three times", "bound", drawn="three draws made equal")
def multiplicity(rates: Rates, rng: Rng) -> Samples:
    """Three of 300 draws are made equal, among as many values as put the bound just below the level."""
    n, k = 300, 3
    values = _values(_log_choose(n, k), k - 1, rates)
    while True:
        x = rng.integers(values, size=n).astype(np.float64)
        chosen = rng.choice(n, k, replace=False)
        x[chosen] = x[chosen[0]]
        ways = sum(math.comb(int(count), k) for count in np.unique_counts(x).counts)
        weight = math.exp(_log_choose(n, k) - (k - 1) * math.log(values) - math.log(ways))
        yield weight, atoms.multiplicity(x, rates, q=1.0 / values)


def _values(log_count: float, power: int, rates: Rates) -> int:
    """The least number of values at which exp(log_count) values^-power is below the level."""
    return 1 + math.ceil(math.exp((log_count - math.log(rates.false_fail)) / power))


def _matchings(size: int) -> list[int]:
    """How many sets of j disjoint pairs there are in a group of `size`, for j = 0, 1, ..."""
    return [
        math.factorial(size) // (math.factorial(size - 2 * j) * math.factorial(j) * 2**j)
        for j in range(size // 2 + 1)
    ]


def _ways(x: NDArray[np.floating], k: int) -> int:
    """Sets of k disjoint pairs of equal modulus."""
    polynomial = [1]
    for size in np.unique_counts(np.abs(x)).counts:
        if size > 1:
            polynomial = [
                int(c) for c in np.convolve(np.array(polynomial, dtype=object), _matchings(int(size)))
            ]
    return polynomial[k] if k < len(polynomial) else 0


@sampled("atoms.ties", "n = 120, three pairs", "bound", drawn="three pairs of draws tied, up to sign")
def ties(rates: Rates, rng: Rng) -> Samples:
    """Three disjoint pairs of 120 draws are made equal or opposite."""
    n, k = 120, 3
    sets = math.factorial(n) // (math.factorial(n - 2 * k) * 2**k * math.factorial(k))
    moduli = _values(math.log(sets), k, rates)
    while True:
        x = (1.0 + rng.integers(moduli, size=n)) * (2.0 * rng.integers(2, size=n) - 1.0)
        chosen = rng.choice(n, 2 * k, replace=False)
        x[chosen[k:]] = x[chosen[:k]] * (2 * rng.integers(2, size=k) - 1)
        weight = math.exp(math.log(sets) - k * math.log(moduli) - math.log(_ways(x, k)))
        yield weight, atoms.ties(x, rates, q=0.5 / moduli)


@sampled("atoms.constant", "3 draws of 50, two entries stay", "bound", drawn="two entries held in all draws")
def constant(rates: Rates, rng: Rng) -> Samples:
    """Two of 50 entries are the same in all of three draws."""
    draws, n, k = 3, 50, 2
    values = _values(_log_choose(n, k), k * (draws - 1), rates)
    while True:
        x = rng.integers(values, size=(draws, n)).astype(np.float64)
        chosen = rng.choice(n, k, replace=False)
        x[:, chosen] = x[0, chosen]
        held = int(np.count_nonzero((x == x[0]).all(axis=0)))
        log_weight = _log_choose(n, k) - k * (draws - 1) * math.log(values) - math.log(math.comb(held, k))
        yield math.exp(log_weight), atoms.constant(x, rates, q=1.0 / values)
