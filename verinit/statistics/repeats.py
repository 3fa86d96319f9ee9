"""Autocorrelation of a sequence at every shift at once: blocks that repeat, with either sign.

For z: (N,) iid N(0, 1) and a shift s, S = sum_i z_i z_{i+s} is a quadratic form on paths i, i + s, i + 2s ...
Its generating function is a product of determinants of tridiagonal matrices with 1 on and -t beside the
diagonal; one of L rows is at least r^L with r = (1 + sqrt(1 - 4 t^2)) / 2. Hence, for every s and |t| < 1/2,

    E exp(t S) <= r^(-N/2)        and with t = v / (1 + v^2)
    P(S >= N y) <= exp(-N (v y / (1 + v^2) - log(1 + v^2) / 2)),   0 <= v < 1.

The best v solves y = v (1 + v^2) / (1 - v^2). For small y this is exp(-N y^2 / 2), as if S were normal.
The union over N - 1 shifts and two signs costs a factor 2 (N - 1), nothing beside what a repeat leaves.
Assumption: z is iid N(0, 1).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from verinit.statistics.planning import root_n
from verinit.statistics.pooling import fit, unfit
from verinit.statistics.tails import chi_square_limits, p_value
from verinit.vocabulary import Evidence, Rates, UsageError

Floats = NDArray[np.float64]
_TOP = 1.0 - 2.0**-53


def _reach(v: float) -> float:
    """The y for which v is the best choice."""
    return v * (1 + v * v) / ((1 - v) * (1 + v))


def _rate(v: float, y: float) -> float:
    """The exponent that v proves at y, for one number."""
    return v * y / (1 + v * v) - math.log1p(v * v) / 2


def form_limit(n: int, log_level: float) -> float:
    """The y such that S exceeds n y with probability at most exp(log_level)."""
    needed = -log_level / n
    if _rate(_TOP, _reach(_TOP)) < needed:
        return math.inf
    return _reach(float(brentq(lambda v: _rate(v, _reach(v)) - needed, 0.0, _TOP)))


def log_form(n: int, y: float) -> float:
    """An upper bound on the natural logarithm of P(S >= n y) at any one shift."""
    if not y > 0.0:
        return -math.inf if math.isnan(y) else 0.0
    v = _TOP if _reach(_TOP) < y else float(brentq(lambda v: _reach(v) - y, 0.0, _TOP))
    return min(0.0, -n * _rate(v, y))


def repeats_resolution(n: int, rates: Rates) -> float:
    """The share of n numbers that must be copies to be seen.

    Alternative: L numbers anywhere are copies, or negatives, of the L numbers s places before them, none of
    which is itself a copy; everything else is iid. Contracting each copy onto its original leaves paths of
    n - L numbers, and S is their form plus a chi-square with L degrees of freedom: half of `false_pass` each.
    """
    low, high = 1, n // 2
    if not _seen(n, high, rates):
        return math.inf
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _seen(n, middle, rates) else (middle + 1, high)
    return high / n


def _seen(n: int, copies: int, rates: Rates) -> bool:
    if copies < 1:
        return False
    shortest, _ = chi_square_limits(copies, rates.false_pass / 2)
    lost = (n - copies) * form_limit(n - copies, math.log(rates.false_pass / 2))
    return copies * shortest - lost > n * _tolerance(n, rates)


def _tolerance(n: int, rates: Rates) -> float:
    return form_limit(n, math.log(rates.false_fail / 2) - math.log(n - 1))


@lru_cache(maxsize=256)
def repeats_samples(rates: Rates, discrepancy: float) -> int:
    """Numbers that see a share `discrepancy` of them being copies."""
    return root_n(lambda n: repeats_resolution(n, rates), discrepancy)


def _smooth(n: int) -> int:
    """The least m >= n that is 1, 3, 9, 5 or 15 times a power of 2, which a Fourier transform likes."""
    return min(odd << max(0, math.ceil(math.log2(n / odd))) for odd in (1, 3, 5, 9, 15))


def autocorrelation(z: Floats) -> Floats:
    """sum_i z_i z_{i+s} for the shifts s = 1 .. N - 1, by the fast Fourier transform."""
    size = _smooth(2 * z.size)
    spectrum = np.fft.rfft(z, size)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(np.fft.irfft(power, size)[1 : z.size])


def repeats(
    z: ArrayLike, rates: Rates, *, quantity: str = "autocorrelation of the weights at the worst shift"
) -> Evidence:
    """No block of weights comes again, at whatever distance and with whatever sign.

    z: any shape, numbers in the order of drawing; draws are laid end to end.
    Raises `UsageError` for fewer than two numbers.
    """
    x = np.asarray(z, dtype=np.float64).ravel()
    if x.size < 2:
        raise UsageError(f"{x.size} numbers: a repeat needs at least two")
    if not fit(x):
        return unfit(x, quantity)
    n = x.size
    shift = 1 + int(np.argmax(np.abs(autocorrelation(x))))
    observed = float(x[:-shift] @ x[shift:]) / n
    bound = math.log(2.0) + math.log(n - 1) + log_form(n, abs(observed))
    p, log10_p = p_value(bound)
    return Evidence(
        quantity=quantity,
        expected=0.0,
        observed=observed,
        distance=abs(observed),
        tolerance=_tolerance(n, rates),
        resolution=repeats_resolution(n, rates),
        n=n,
        basis="Chernoff",
        p=p,
        log10_p=log10_p,
        detail=f"shift {shift}",
    )
