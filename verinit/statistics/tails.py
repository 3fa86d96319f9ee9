"""Tails of exact laws in logarithms, where p-values would underflow, and their limits at a level.

Everything here is exact or an upper bound of a probability; nothing is asymptotic.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import (
    betainc,
    betaincinv,
    betaln,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    log_ndtr,
    ndtri,
)

from verinit.vocabulary import Evidence

Floats = NDArray[np.float64]
LN10 = math.log(10.0)
_UNDERFLOW = 1e-290
"""Below this a tail is replaced by its proven bound: special functions lose digits among the subnormals."""


def p_value(log_p: float) -> tuple[float, float]:
    """A p-value and its log10 from its natural logarithm; 0 where that is not a number."""
    if math.isnan(log_p):
        return 0.0, -math.inf
    bounded = min(0.0, log_p)
    return math.exp(bounded) if bounded > -745 else 0.0, bounded / LN10


def log_p(evidence: Evidence) -> float:
    """The natural logarithm of the p-value of a piece of evidence."""
    return -math.inf if evidence.log10_p is None else evidence.log10_p * LN10


def log_normal(z: float) -> float:
    """Natural logarithm of P(|Z| >= |z|) for a normal number."""
    return -math.inf if math.isnan(z) else min(0.0, math.log(2.0) + float(log_ndtr(-abs(z))))


def normal_limit(level: float) -> float:
    """The z that one normal number exceeds with probability `level`."""
    return float(-ndtri(level))


def sidak(level: float, n: int) -> float:
    """The level of each of n independent tests that together err with probability `level`, exactly."""
    return -math.expm1(math.log1p(-level) / n)


def log_sidak(log_p: float, n: int) -> float:
    """Natural logarithm of P(the least of n independent p-values <= p): 1 - (1 - p)^n, at most n p."""
    if math.isnan(log_p):
        return -math.inf
    union = math.log(n) + log_p
    one = math.exp(min(0.0, log_p))
    if union < -30.0:
        return union
    return 0.0 if one >= 1.0 else math.log(-math.expm1(n * math.log1p(-one)))


def chi_square_limits(n: int, level: float) -> tuple[float, float]:
    """chi2_n / n leaves (low, high), on either side, with probability `level`."""
    return 2.0 * float(gammaincinv(n / 2, level)) / n, 2.0 * float(gammainccinv(n / 2, level)) / n


def chi_square_scores(squares: Floats, n: int | NDArray[np.int64]) -> Floats:
    """Normal scores of chi-square variables: N(0, 1) exactly if `squares` are chi2_n."""
    lower, upper = gammainc(n / 2, squares / 2), gammaincc(n / 2, squares / 2)
    return np.asarray(np.where(lower < upper, ndtri(lower), -ndtri(upper)))


def log_cosine(sine: float, n: int) -> float:
    """Natural logarithm of P(the sine between two directions in n dimensions <= sine), n >= 2.

    The squared sine is Beta((n - 1)/2, 1/2). Past underflow the bound
    `x^b (1 - x)^(-1/2) / (b B(b, 1/2))` at b = (n - 1)/2, which holds as (1 - t)^(-1/2) grows with t.
    """
    b, x = (n - 1) / 2, sine * sine
    if not x < 1.0:
        return 0.0
    tail = float(betainc(b, 0.5, x))
    if tail > _UNDERFLOW:
        return math.log(tail)
    if sine <= 0.0:
        return -math.inf
    return 2 * b * math.log(sine) - 0.5 * math.log1p(-x) - math.log(b) - float(betaln(b, 0.5))


def sine_limit(n: int, level: float) -> float:
    """The sine below which two directions in n dimensions come with probability `level`."""
    return math.sqrt(float(betaincinv((n - 1) / 2, 0.5, level)))
