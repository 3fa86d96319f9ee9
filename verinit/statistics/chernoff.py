"""Proven bounds on the mean of independent bounded terms whose law is known.

Chernoff: for iid terms with cumulant generating function K, `P(mean >= m) <= exp(-n I(m))` with
`I(m) = sup_t (t m - K(t))`, at every n. The law is handed over as nodes and weights, so K is a sum.
Every single t proves `exp(-n (t m - K(t)))`, so the search may stop where a continuous law is no longer
what its nodes say: at the steepest tilt. Only a handful of draws ever get there, and their bound is loose.
Assumption: the terms are iid and bounded, so K exists for every t.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Floats = NDArray[np.float64]
_STEEPEST = 500.0
"""The largest |t value| of a tilt. A Gauss rule of m nodes misses the Chebyshev coefficients of exp(a x)
past 2m, below exp(-(2m)^2 / 2a) of the whole, and of exp(a x^2) below exp(-m^2 / a): at m = 256 and
a = 500, with up to 722 from a density, exp(-107) and exp(-53). Far more would reach past the last node,
where the nodes know no mass.
"""


_NEAR = 2.0**-20
"""How near the best tilt of a p-value is searched for, relative: any tilt proves its bound, and this far from
the best one it is worse by a share of the square."""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The law of one term as nodes `values` with `weights` that sum to 1."""

    values: tuple[float, ...]
    weights: tuple[float, ...]

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.values, self.weights))

    @cached_property
    def arrays(self) -> tuple[Floats, Floats]:
        """Values and the logarithms of the weights."""
        return np.array(self.values), np.log(np.array(self.weights))

    @cached_property
    def mean(self) -> float:
        """E[term]."""
        return math.fsum(v * w for v, w in zip(self.values, self.weights, strict=True))

    @cached_property
    def steepest(self) -> float:
        """The largest |t| at which K is that of the law and not of its nodes."""
        return _STEEPEST / max(map(abs, self.values))

    @cached_property
    def squared(self) -> Terms:
        """The law of the term's square."""
        return Terms(values=tuple(v * v for v in self.values), weights=self.weights)

    def tilted(self, t: float) -> tuple[float, float]:
        """K(t) and K'(t): the cumulant generating function and the mean of the law tilted by t."""
        values, logs = self.arrays
        exponents = t * values + logs
        top = float(exponents.max())
        mass = np.exp(exponents - top)
        total = float(mass.sum())
        return top + math.log(total), float(values @ mass) / total

    def rate(self, t: float) -> float:
        """I at the mean of the law tilted by t: `t K'(t) - K(t)`, which grows with |t|."""
        cumulant, mean = self.tilted(t)
        return t * mean - cumulant


@lru_cache(maxsize=512)
def limits(terms: Terms, n: int, level: float) -> tuple[float, float]:
    """(low, high) that the mean of n terms leaves, on either side, with probability at most `level`."""
    needed = -math.log(level) / n
    return _limit(terms, needed, -1.0), _limit(terms, needed, 1.0)


def _limit(terms: Terms, needed: float, side: float) -> float:
    """The mean at which I reaches `needed` on one side; past the steepest tilt t, where `t m - K(t)` does."""
    steepest = terms.steepest
    if terms.rate(side * steepest) < needed:
        return side * (needed + terms.tilted(side * steepest)[0]) / steepest
    top = math.log(steepest)
    root = brentq(lambda log: terms.rate(side * math.exp(log)) - needed, top - 40.0, top)
    return terms.tilted(side * math.exp(root))[1]


def log_tail(terms: Terms, n: int, mean: float) -> float:
    """An upper bound on the natural logarithm of the two-sided p-value of an observed mean."""
    if not math.isfinite(mean):
        return -math.inf
    side = 1.0 if mean >= terms.mean else -1.0

    def short_of(t: float) -> float:
        return side * (mean - terms.tilted(side * t)[1])

    if not short_of(0.0) > 0:
        return 0.0
    t = terms.steepest
    if short_of(t) < 0:
        t = brentq(short_of, 0.0, t, rtol=_NEAR)
    return min(0.0, math.log(2.0) - n * (side * t * mean - terms.tilted(side * t)[0]))
