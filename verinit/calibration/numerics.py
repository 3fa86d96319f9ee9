"""p-values against mpmath, from 1e-3 to 1e-300, at forty digits or more.

Each row walks a statistic into its tail. mpmath says what the tail, or the proven bound, is; the package
says what it takes it for. The error is that of p, not of its logarithm: a level is missed by as much.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
from scipy.special import betaincinv, ndtri_exp

from verinit.calibration.record import Numeric
from verinit.statistics import atoms, binomial, marginal, repeats, shape, tails
from verinit.statistics.chernoff import log_tail
from verinit.statistics.tails import chi_square_limits
from verinit.vocabulary import Rates, UsageError

RATES = Rates(false_fail=1e-9)
EXPONENTS = (3, 6, 9, 12, 20, 40, 80, 150, 220, 280, 300)
"""p = 10 to the minus these, about."""
FAR = 285.0
"""Past 1e-290 tails are replaced by proven bounds, which may only be larger."""
Point = tuple[float, Any]
"""(natural logarithm of p by the package, natural logarithm of p by mpmath)."""
Row = Callable[[], Iterator[Point]]
ROWS: dict[str, Row] = {}


def numeric(name: str) -> Callable[[Row], Row]:
    """Register a comparison."""

    def register(row: Row) -> Row:
        ROWS[name] = row
        return row

    return register


@cache
def multiprecision() -> Any:
    """The module mpmath.

    Raises `UsageError` where it is not installed.
    """
    try:
        return importlib.import_module("mpmath")
    except ImportError:
        raise UsageError(
            "p-values are calibrated against mpmath, which is not installed: pip install 'verinit[test]'"
        ) from None


def compared(name: str) -> Numeric:
    """The largest relative error of p in one row, and how far it exceeds the truth where it is a bound."""
    mp = multiprecision()
    worst, beyond, points = 0.0, math.inf, 0
    with mp.workdps(60):
        for found, truth in ROWS[name]():
            points += 1
            off = float(mp.mpf(found) - truth)
            if truth > -FAR * math.log(10):
                worst = max(worst, abs(math.expm1(min(off, 700.0))))
            beyond = min(beyond, math.exp(min(off, 700.0)))
    return Numeric(name=name, points=points, error=worst, beyond=beyond)


def _natural(evidence: Any) -> float:
    return tails.log_p(evidence)


@numeric("normal tail, two-sided")
def normal() -> Iterator[Point]:
    """The mean of normal draws."""
    mp = multiprecision()
    for k in EXPONENTS:
        z = -float(ndtri_exp(-k * math.log(10) - math.log(2)))
        truth = mp.log(mp.erfc(mp.mpf(z) / mp.sqrt(2)))
        yield tails.log_normal(z), truth
        observed = z / 32.0
        yield _natural(marginal.mean(observed * 1024, 1024, RATES, quantity="mean")), truth


@numeric("chi-square, either tail")
def chi_square() -> Iterator[Point]:
    """The mean square of normal draws."""
    mp = multiprecision()
    for n in (7, 143, 10_007):
        for k in EXPONENTS:
            for ratio in chi_square_limits(n, 0.5 * 10.0**-k):
                a = mp.mpf(n) / 2
                side = (a * ratio, mp.inf) if ratio >= 1 else (0, a * ratio)
                truth = mp.log(2 * mp.gammainc(a, *side, regularized=True))
                if ratio * n > 0:
                    yield _natural(marginal.variance(ratio * n, n, RATES, quantity="variance")), truth


@numeric("beta law of a cosine")
def cosine() -> Iterator[Point]:
    """The sine of the angle between two directions."""
    mp = multiprecision()
    for n in (6, 48, 257):
        b = mp.mpf(n - 1) / 2
        for k in EXPONENTS:
            sine = math.sqrt(float(betaincinv((n - 1) / 2, 0.5, 10.0**-k)))
            truth = mp.log(mp.betainc(b, 0.5, 0, mp.mpf(sine) ** 2, regularized=True))
            yield tails.log_cosine(sine, n), truth


@numeric("binomial, either tail")
def counts() -> Iterator[Point]:
    """Hits at least, and at most, so many."""
    mp = multiprecision()
    for n, q in ((400, 0.5), (3000, 0.3), (100_000, 2.7e-3)):
        for side in (1, -1):
            for k in EXPONENTS:
                hits = _hits(n, q, side, k)
                if hits is None:
                    continue
                if side > 0:
                    truth = mp.betainc(hits, n - hits + 1, 0, mp.mpf(q), regularized=True)
                    yield binomial.log_at_least(hits, n, q), mp.log(truth)
                else:
                    truth = mp.betainc(n - hits, hits + 1, 0, 1 - mp.mpf(q), regularized=True)
                    yield binomial.log_at_most(hits, n, q), mp.log(truth)


def _hits(n: int, q: float, side: int, k: int) -> int | None:
    """A count whose tail is about 10^-k, by Chernoff; None where no count is so rare."""
    low, high = (math.ceil(n * q), n) if side > 0 else (0, math.floor(n * q))
    wanted = k * math.log(10)
    candidates = np.arange(low, high + 1)
    share = np.clip(candidates / n, 1e-12, 1 - 1e-12)
    rate = n * (share * np.log(share / q) + (1 - share) * np.log((1 - share) / (1 - q)))
    return int(candidates[np.argmin(np.abs(rate - wanted))]) if rate.max() >= wanted else None


@numeric("largest of n, either tail")
def extreme() -> Iterator[Point]:
    """The largest normal score."""
    mp = multiprecision()
    for n in (300, 13_995):
        for k in EXPONENTS:
            log_level = -k * math.log(10) - math.log(2)
            upper = -float(ndtri_exp(log_level - math.log(n) - math.log(2)))
            inside = math.exp(log_level / n)
            lower = -float(ndtri_exp(math.log1p(-inside) - math.log(2)))
            for score in (upper, lower):
                with mp.workdps(60 + k):
                    within = n * mp.log1p(-mp.erfc(mp.mpf(score) / mp.sqrt(2)))
                    truth = mp.log(2) + (mp.log(-mp.expm1(within)) if score == upper else within)
                yield _natural(marginal.extreme(score, score, n, RATES, quantity="extreme")), truth


@numeric("Sidak, 1 - (1 - p)^n")
def sidak() -> Iterator[Point]:
    """The least of n p-values."""
    mp = multiprecision()
    for n in (1, 143, 5000):
        for k in EXPONENTS:
            one = math.log(10.0**-k)
            with mp.workdps(60 + 2 * k):
                truth = mp.log(-mp.expm1(n * mp.log1p(-mp.exp(mp.mpf(one)))))
            yield tails.log_sidak(one, n), truth


@numeric("Dvoretzky-Kiefer-Wolfowitz, 2 exp(-2 n d^2)")
def distribution() -> Iterator[Point]:
    """Distances that are whole steps of the grid."""
    mp = multiprecision()
    n = marginal.GRID
    for k in EXPONENTS:
        steps = round(math.sqrt((k * math.log(10) + math.log(2)) / (2 * n)) * n)
        cells = np.ones(marginal.GRID, dtype=np.int64)
        cells[0], cells[1 : 1 + steps] = 1 + steps, 0
        d = mp.mpf(steps) / n
        found = marginal.distribution(cells, RATES, quantity="distance")
        yield _natural(found), mp.log(2) - 2 * n * d * d


@numeric("Chernoff's bound on Legendre scores")
def legendre() -> Iterator[Point]:
    """K is that of the score itself: log 2 - n sup_t (t m - K(t)), by Gauss's quadrature."""
    mp = multiprecision()
    n = 900
    for order in (3, 4, 6):
        terms = shape.score_terms(order)
        for k in EXPONENTS[::2]:
            for side in (1.0, -1.0):
                mean = _mean_at(order, side, (k * math.log(10) + math.log(2)) / n)
                with mp.workdps(30):
                    yield log_tail(terms, n, mean), mp.log(2) - n * _rate(order, mean)


def _mean_at(order: int, side: float, rate: float) -> float:
    """A mean whose rate is about this: normal to second order, well inside the range of the score."""
    low, high = shape.score_range(order)
    limit = high if side > 0 else -low
    return side * min(math.sqrt(2 * rate), 0.8 * limit)


def _rate(order: int, mean: float) -> Any:
    """sup_t (t m - K(t)), by Newton's method on t from the normal guess."""
    mp = multiprecision()
    root = mp.sqrt(2 * order + 1)
    nodes = _gauss(order)
    t = mp.mpf(mean)
    for _ in range(60):
        mass = [(w * mp.exp(t * root * p), root * p) for p, w in nodes]
        total = mp.fsum(m for m, _ in mass)
        first = mp.fsum(m * v for m, v in mass) / total
        second = mp.fsum(m * v * v for m, v in mass) / total - first**2
        step = (mean - first) / second
        t += step
        if abs(step) < mp.mpf(10) ** -20:
            break
    return t * mean - mp.log(total)


@cache
def _gauss(order: int) -> tuple[tuple[Any, Any], ...]:
    """(P_k(x), weight) at Gauss-Legendre nodes on (-1, 1), weights of sum 1; 160 nodes see degree 319."""
    mp = multiprecision()
    count = 160
    rough = np.polynomial.legendre.leggauss(count)[0]
    found = []
    for guess in rough:
        x = mp.mpf(float(guess))
        for _ in range(4):
            value, slope = _legendre_and_slope(count, x)
            x -= value / slope
        _, slope = _legendre_and_slope(count, x)
        found.append((_legendre_and_slope(order, x)[0], 1 / ((1 - x * x) * slope * slope)))
    return tuple(found)


def _legendre_and_slope(k: int, x: Any) -> tuple[Any, Any]:
    """P_k(x) and P_k'(x), by Bonnet's recursion."""
    mp = multiprecision()
    before, here = mp.mpf(1), x
    for j in range(1, k):
        before, here = here, ((2 * j + 1) * x * here - j * before) / (j + 1)
    return here, k * (x * here - before) / (x * x - 1)


@numeric("Chernoff's bound on an autocorrelation")
def form() -> Iterator[Point]:
    """-n (v y / (1 + v^2) - log(1 + v^2) / 2) at the v that solves y = v (1 + v^2) / (1 - v^2)."""
    mp = multiprecision()
    for n in (500, 20_000):
        for k in EXPONENTS:
            y = repeats.form_limit(n, -k * math.log(10))
            v = mp.findroot(lambda v, y=y: v * (1 + v * v) - y * (1 - v * v), min(y, 0.5))
            yield repeats.log_form(n, y), -n * (v * y / (1 + v * v) - mp.log(1 + v * v) / 2)


@numeric("unions over ties, repeated values, constant entries")
def unions() -> Iterator[Point]:
    """Binomial coefficients times powers of q, at exact q = 2^-22."""
    mp = multiprecision()
    q = 2.0**-22
    log_q = -22 * mp.log(2)
    for n in (120, 4096, 65_536):
        for k in (2, 3, 5, 9, 20):
            choose = mp.log(mp.binomial(n, k))
            pairs = mp.log(mp.factorial(n) / mp.factorial(n - 2 * k) / mp.factorial(k) / mp.mpf(2) ** k)
            for found, truth in (
                (atoms.log_multiplicity(n, k, q), choose + (k - 1) * log_q),
                (atoms.log_ties(n, k, q), pairs + k * log_q),
                (atoms.log_constant(3, n, k, q), choose + 2 * k * log_q),
            ):
                if truth < 0:
                    yield found, truth
