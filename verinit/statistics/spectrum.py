"""Directions of rows and columns: cosines of pairs, and the triangular factor of the whole matrix.

The direction of iid normal numbers is uniform on the sphere, so a squared cosine is Beta(1/2, (n - 1)/2).
The factor R of a QR of a (p, k) matrix of iid normal numbers, p >= k, has independent entries: N(0, 1) above
the diagonal and R_jj^2 chi-square with p - j + 1 degrees of freedom (Bartlett 1933; Muirhead 1982, theorem
3.2.14). Whatever signs the algorithm gives to a row of R depend on earlier columns only.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtr, chdtrc

from verinit.statistics import marginal
from verinit.statistics.lines import each
from verinit.statistics.planning import root_n, smallest_n
from verinit.statistics.pooling import at_least, fit, stack, unfit
from verinit.statistics.tails import (
    chi_square_limits,
    log_cosine,
    log_p,
    log_sidak,
    normal_limit,
    p_value,
    sine_limit,
)
from verinit.vocabulary import Evidence, Rates

Floats = NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)


# -- pairs of lines --------------------------------------------------------------------------------


def pairs_of(groups: int, lines: int) -> int:
    """Pairs of lines within groups: G L (L - 1) / 2."""
    return groups * lines * (lines - 1) // 2


def cosines_resolution(pairs: int, length: int, rates: Rates, *, excuse: float = 0.0) -> float:
    """The correlation of two lines that is seen; 1 where none is.

    Alternative: b = rho a + sqrt(1 - rho^2) e for one pair of lines. With k = rho / sqrt(1 - rho^2) the
    cotangent of their angle is (k |a| + g) / |h|: g normal, |a|^2 and |h|^2 chi-square with n and n - 1
    degrees of freedom, a third of `false_pass` each.
    """
    miss = rates.false_pass / 3
    angle = math.asin(sine_limit(length, rates.false_fail / pairs)) - 2 * excuse
    if angle <= 0.0:
        return 1.0
    shortest = math.sqrt(length * chi_square_limits(length, miss)[0])
    longest = math.sqrt((length - 1) * chi_square_limits(length - 1, miss)[1])
    if shortest <= 0.0:
        return 1.0
    k = (longest / math.tan(angle) + normal_limit(miss)) / shortest
    return k / math.hypot(1.0, k)


@lru_cache(maxsize=256)
def cosines_samples(rates: Rates, discrepancy: float, *, pairs: int) -> int:
    """Numbers in a line that see one of `pairs` pairs correlate by `discrepancy`."""
    return root_n(lambda n: cosines_resolution(pairs, n, rates), discrepancy)


def largest_cosine(x: Floats) -> float:
    """The cosine of largest modulus between two lines of one group; nan where a line has no direction."""
    with np.errstate(invalid="ignore"):
        unit = x / np.sqrt(np.einsum("gln,gln->gl", x, x))[:, :, np.newaxis]
        gram = unit @ unit.swapaxes(1, 2)
    itself = np.arange(x.shape[1])
    gram[:, itself, itself] = 0.0
    return float(gram.ravel()[np.argmax(np.abs(gram))])


def cosines(
    x: Floats, rates: Rates, *, excuse: float = 0.0, quantity: str = "largest |cosine| of two lines"
) -> Evidence:
    """No two lines are parallel, opposite, or nearer to it than chance brings them.

    x: (G, L, n); pairs within a group. excuse: by how many radians rounding may have turned a line (the unit
    roundoff, where x was rounded to nearest); the rounding of the cosine itself is excused as well.
    """
    at_least(x, lines=2, length=2)
    if not fit(x):
        return unfit(x, quantity)
    pairs, n = pairs_of(*x.shape[:2]), x.shape[2]
    slack = (
        2 * (n + 4) * _EPS
    )  # an inner product of two vectors that were normalised: Higham 2002, section 3.1
    observed = largest_cosine(x)
    least = math.asin(sine_limit(n, rates.false_fail / pairs))
    angle = math.acos(min(1.0, max(0.0, abs(observed) - slack))) + 2 * excuse
    single = log_cosine(math.sin(min(angle, math.pi / 2)), n) if math.isfinite(observed) else -math.inf
    p, log10_p = p_value(math.log(pairs) + single)
    return Evidence(
        quantity=quantity,
        expected=0.0,
        observed=observed,
        distance=abs(observed),
        tolerance=math.cos(max(0.0, least - 2 * excuse)) + slack,
        resolution=cosines_resolution(pairs, n, rates, excuse=excuse),
        n=x.size,
        basis="beta, union",
        p=p,
        log10_p=log10_p,
    )


# -- Bartlett's factor -----------------------------------------------------------------------------


def factor(z: ArrayLike) -> tuple[Floats, int]:
    """The triangular factors (R, k, k) of R draws and the length p of the columns; k <= p.

    z: (m, n) or (R, m, n), transposed where it is wider than tall.
    """
    x = stack(z)
    tall = x if x.shape[1] >= x.shape[2] else x.swapaxes(1, 2)
    return np.asarray(np.linalg.qr(tall, mode="r")), tall.shape[1]


def above_count(shape: tuple[int, int, int]) -> int:
    """Entries above the diagonals of the factors of R draws of (m, n)."""
    k = min(shape[1:])
    return shape[0] * k * (k - 1) // 2


def above_resolution(entries: int, rates: Rates) -> float:
    """By which share the variance above the diagonal must differ. Alternative: all of it is scaled."""
    return marginal.variance_resolution(entries, rates)


@lru_cache(maxsize=256)
def above_samples(rates: Rates, discrepancy: float) -> int:
    """Entries above the diagonal that see their variance differ by `discrepancy`."""
    return marginal.variance_samples(rates, discrepancy)


def above(
    R: Floats, rates: Rates, *, quantity: str = "variance above the diagonal of R / predicted"
) -> Evidence:
    """Columns overlap as much as random directions do: the entries of R above its diagonal are N(0, 1).

    R: (G, k, k), from `factor`.
    """
    at_least(R, lines=2)
    if not fit(R):
        return unfit(R, quantity)
    i, j = np.triu_indices(R.shape[1], 1)
    entries = R[:, i, j].ravel()
    return marginal.variance(float(entries @ entries), entries.size, rates, quantity=quantity)


def _freedom(R: Floats, p: int) -> NDArray[np.int64]:
    return p - np.arange(R.shape[1])


def _squares(R: Floats) -> Floats:
    return np.asarray(np.diagonal(R, axis1=1, axis2=2)) ** 2


def diagonal_resolution(lines: int, length: int, count: int, rates: Rates) -> float:
    """Which share of what a column has of its own must be missing to be seen.

    lines, length: k and p of one factor; count: all diagonal entries looked at.
    Alternative: the part of one column off the span of those before it has its variance scaled by 1 - d;
    d = 1 is linear dependence. It refers to the first half of the columns, which keep p - k/2 or more
    dimensions; the last of a square matrix keeps one, which shows nothing.
    """
    freedom = length - (lines + 1) // 2 + 1
    low, _ = chi_square_limits(freedom, each(rates, count).false_fail / 2)
    _, most = chi_square_limits(freedom, rates.false_pass)
    return 1.0 - low / most


@lru_cache(maxsize=256)
def diagonal_samples(rates: Rates, discrepancy: float, *, lines: int, count: int) -> int:
    """Numbers in each of `lines` columns that see a share `discrepancy` of a column's own part missing."""
    return smallest_n(
        lambda length: diagonal_resolution(lines, length, count, rates), discrepancy, least=lines
    )


def diagonal(
    R: Floats, p: int, rates: Rates, *, quantity: str = "a column's own variance / predicted"
) -> Evidence:
    """No column is a combination of others: each R_jj^2 is chi-square, by Sidak.

    R: (G, k, k) and p, from `factor`.
    """
    if not fit(R):
        return unfit(R, quantity)
    squares, freedom = _squares(R), _freedom(R, p)
    tails = np.minimum(chdtr(freedom, squares), chdtrc(freedom, squares))
    draw, j = np.unravel_index(int(np.argmin(tails)), tails.shape)
    one = each(rates, squares.size)
    part = marginal.variance(float(squares[draw, j]), int(freedom[j]), one, quantity=quantity)
    value, log10_p = p_value(log_sidak(log_p(part), squares.size))
    return replace(
        part,
        resolution=diagonal_resolution(R.shape[1], p, squares.size, rates),
        n=squares.size,
        basis="chi-square, Sidak",
        p=value,
        log10_p=log10_p,
        detail=f"column {j + 1} of {R.shape[1]}",
    )
