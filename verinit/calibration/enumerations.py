"""False alarms of tests that count: every count that is refused, summed by its probability.

The refused counts are found by asking the test itself, and their probabilities are sums of the binomial's own
terms, not the incomplete beta function that the test uses. Where a test is a union of counts, the sum over
them bounds its rate.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, xlog1py, xlogy

from verinit.calibration.kolmogorov import exceeds
from verinit.calibration.tilting import computed, proved, rejected
from verinit.statistics import atoms, binomial, equivalence, haar, marginal, shape
from verinit.vocabulary import Rates, UsageError

Refuses = Callable[[int], bool]
_FAR = 400
"""Terms beyond the first refused count by this many deviations are below 1e-16 of it."""


def _edges(n: int, q: float, refuses: Refuses) -> tuple[int, int]:
    """The least and greatest accepted count; between the mode and either end the verdict turns once."""
    mode = min(n, math.floor((n + 1) * q))
    if refuses(mode):
        return mode + 1, mode
    low, top = -1, mode
    while top - low > 1:
        middle = (low + top) // 2
        low, top = (middle, top) if refuses(middle) else (low, middle)
    bottom, high = mode, n + 1
    while high - bottom > 1:
        middle = (bottom + high) // 2
        bottom, high = (bottom, middle) if refuses(middle) else (middle, high)
    return top, bottom


def _mass(counts: range, n: int, q: float) -> float:
    """P(Binomial(n, q) in counts), a sum of its terms."""
    k = np.array(counts, dtype=np.float64)
    logs = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + xlogy(k, q) + xlog1py(n - k, -q)
    return math.fsum(np.exp(logs).tolist())


def outside(n: int, q: float, refuses: Refuses) -> float:
    """P(a count is refused) for Binomial(n, q)."""
    low, high = _edges(n, q, refuses)
    far = _FAR + math.ceil(40 * math.sqrt(n * q * (1 - q)))
    return _mass(range(max(0, low - far), low), n, q) + _mass(range(high + 1, min(n + 1, high + far)), n, q)


@computed("binomial.share", "worst of 9 sizes and chances", "discrete", how="enumeration of refused counts")
def share(rates: Rates) -> float:
    """The worst of several sizes and chances."""

    def rate(n: int, q: float) -> float:
        return outside(n, q, lambda k: rejected(binomial.share(k, n, rates, expected=q, quantity="q")))

    return max(rate(n, q) for n in (60, 1000, 50_000) for q in (0.5, 0.3, 0.0027))


@computed(
    "shape.tails_counted", "planned n, sum over thresholds", "discrete", how="enumeration of refused counts"
)
def tails_counted(rates: Rates) -> float:
    """Each threshold's refused counts, all other counts as expected."""
    n = shape.tails_samples(rates, 0.05)
    shares = [shape.tail_share(c) for c in shape.THRESHOLDS]
    usual = [round(n * q) for q in shares]

    def refuses(place: int, k: int) -> bool:
        counts = tuple(k if at == place else count for at, count in enumerate(usual))
        return rejected(shape.tails_counted(counts, n, rates))

    return math.fsum(outside(n, q, partial(refuses, place)) for place, q in enumerate(shares))


@computed("shape.tails", "n = 2000, sum over thresholds", "discrete", how="enumeration of refused counts")
def tails(rates: Rates) -> float:
    """The counts of `tails_counted`, in samples whose numbers lie between the thresholds."""
    n = 2000
    edges = (0.05, *((a + b) / 2 for a, b in zip(shape.THRESHOLDS, shape.THRESHOLDS[1:], strict=False)), 4.5)
    shares = [shape.tail_share(c) for c in shape.THRESHOLDS]

    def refuses(place: int, k: int) -> bool:
        counts = [k if at == place else round(n * q) for at, q in enumerate(shares)]
        z = np.repeat(edges, np.maximum(-np.diff([n, *counts, 0]), 0))
        beside = tuple(int(np.count_nonzero(z > c)) for c in shape.THRESHOLDS)
        return rejected(shape.tails(z, rates)) if beside == tuple(counts) else _counted(counts, n, rates)

    return math.fsum(outside(n, q, partial(refuses, place)) for place, q in enumerate(shares))


def _counted(counts: list[int], n: int, rates: Rates) -> bool:
    """Counts that no sample has, as more lie beyond a threshold than beyond a lower one."""
    return rejected(shape.tails_counted(tuple(counts), n, rates))


@computed("atoms.last_bit", "planned n", "discrete", how="enumeration of refused counts")
def last_bit(rates: Rates) -> float:
    """Of n float16 weights, k weights have an odd significand."""
    n = atoms.last_bit_samples(rates, 0.1)
    even, odd = np.array([0x3C00, 0x3C01], dtype=np.uint16).view(np.float16)

    def refuses(k: int) -> bool:
        return rejected(atoms.last_bit(np.where(np.arange(n) < k, odd, even), rates))

    return outside(n, 0.5, refuses)


@computed("haar.signs", "planned draws, sum over five", "discrete", how="enumeration of refused counts")
def signs(rates: Rates) -> float:
    """One matrix and its negative: all five coordinates have k positive signs."""
    n = haar.signs_samples(rates, 0.25)
    one = np.eye(3)
    up = np.sign(haar.coordinates(one[np.newaxis])[:, 0])
    if not np.all(up > 0):
        raise UsageError(f"the unit matrix has coordinates of signs {up}: choose a matrix with positive ones")

    def refuses(k: int) -> bool:
        return rejected(haar.signs(np.where(np.arange(n)[:, None, None] < k, one, -one), rates))

    return 5 * outside(n, 0.5, refuses)


@computed("haar.orientation", "planned draws", "discrete", how="enumeration of refused counts")
def orientation(rates: Rates) -> float:
    """K of n draws are rotations, the others reflections."""
    n = haar.orientation_samples(rates, 0.25)
    one, other = np.eye(3), np.diag([1.0, 1.0, -1.0])

    def refuses(k: int) -> bool:
        return rejected(haar.orientation(np.where(np.arange(n)[:, None, None] < k, one, other), rates))

    return outside(n, 0.5, refuses)


@computed("equivalence.median_within", "n = 101, margin 0", "discrete", how="enumeration of refused counts")
def median_within(rates: Rates) -> float:
    """K of 101 values lie above the median, in whole fractions."""
    n = 101

    def refuses(k: int) -> bool:
        values = np.where(np.arange(n) < k, 1.0, -1.0)
        return rejected(
            equivalence.median_within(
                values, expected=0.0, margin=0.0, outer_margin=1.0, rates=rates, quantity="median"
            )
        )

    low, high = _edges(n, 0.5, refuses)
    refused = sum(math.comb(n, k) for k in range(n + 1) if not low <= k <= high)
    return float(Fraction(refused, 2**n))


@computed(
    "equivalence.proportion_within", "n = 400, worst of 3", "discrete", how="enumeration of refused counts"
)
def proportion_within(rates: Rates) -> float:
    """The interval of Clopper and Pearson against its own probability."""
    n = 400

    def refuses(q: float, k: int) -> bool:
        return rejected(
            equivalence.proportion_within(
                k, n, expected=q, margin=0.0, outer_margin=0.1, rates=rates, quantity="share"
            )
        )

    return max(outside(n, q, partial(refuses, q)) for q in (0.5, 0.1, 0.01))


@computed(
    "marginal.distribution", "planned n, and n = 100", "bound", how="exact law of Kolmogorov's distance"
)
def distribution(rates: Rates) -> float:
    """P(D_n > tolerance); the distance on the grid is at most D_n."""
    planned = marginal.distribution_samples(rates, 0.02)
    sizes = (100, -(-planned // marginal.GRID) * marginal.GRID)
    tolerances = {n: marginal.distribution(_even(n), rates, quantity="D").tolerance for n in sizes}
    return max(exceeds(tolerance, n) for n, tolerance in tolerances.items())


def _even(n: int) -> NDArray[np.int64]:
    """As many draws, spread over the cells."""
    return np.bincount(np.arange(n) * marginal.GRID // n, minlength=marginal.GRID)


@computed(
    "equivalence.distribution_within", "n = 200, margin 0", "bound", how="exact law of Kolmogorov's distance"
)
def distribution_within(rates: Rates) -> float:
    """P(D_n > d) for the least distance d that is refused."""
    n = 200
    even = (np.arange(n) + 0.5) / n

    def refuses(moved: float) -> bool:
        u = np.minimum(even + moved, 1.0)
        return rejected(
            equivalence.distribution_within(u, margin=0.0, outer_margin=0.5, rates=rates, quantity="D")
        )

    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if refuses(middle) else (middle, high)
    return exceeds(high + 0.5 / n, n)


@computed("marginal.support", "any n", "none", how="no chance: right code never leaves its support")
def support(rates: Rates) -> float:
    """A draw at the bound, moved by all that is excused, is accepted."""
    found = marginal.support(1e-7, 100, rates, escape=lambda d: d, excuse=1e-7, quantity="excess")
    return float(rejected(found))


proved("collisions", "IN106, 8 seeds", "bound", source="union over forests of equal arrays (checks.contract)")
