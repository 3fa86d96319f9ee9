"""The share of n draws that have a property is Binomial(n, q) / n.

Assumption: the draws are independent, and each has the property with probability q (up to `excuse`).
The resolution refers to draws that have it with another probability: a departure of the probability by more
than the resolution is seen but for a share `false_pass`. Exact, by the incomplete beta function.
"""

from __future__ import annotations

import math
from functools import lru_cache

from scipy.special import betainc, betaincc, betainccinv, betaincinv, xlog1py, xlogy

from verinit.statistics.planning import root_n
from verinit.statistics.tails import p_value
from verinit.vocabulary import Evidence, Rates, UsageError

_UNDERFLOW = 1e-290


def _chernoff(hits: int, n: int, q: float) -> float:
    """-n KL(hits/n, q), an upper bound on the logarithm of the tail beyond hits (Hoeffding 1963)."""
    s = hits / n
    if s in (0.0, 1.0):
        return n * (math.log(q) if s else math.log1p(-q))
    return float(-n * (xlogy(s, s / q) + xlog1py(1 - s, -s) - xlog1py(1 - s, -q)))


def log_at_least(hits: int, n: int, q: float) -> float:
    """Natural logarithm of P(Binomial(n, q) >= hits); past underflow Chernoff's bound."""
    if hits <= 0 or q >= 1.0:
        return 0.0
    if hits > n or q <= 0.0:
        return -math.inf
    tail = float(betainc(hits, n - hits + 1, q))
    return math.log(tail) if tail > _UNDERFLOW else min(0.0, _chernoff(hits, n, q))


def log_at_most(hits: int, n: int, q: float) -> float:
    """Natural logarithm of P(Binomial(n, q) <= hits); past underflow Chernoff's bound."""
    if hits >= n or q <= 0.0:
        return 0.0
    if hits < 0 or q >= 1.0:
        return -math.inf
    tail = float(betaincc(hits + 1, n - hits, q))
    return math.log(tail) if tail > _UNDERFLOW else min(0.0, _chernoff(hits, n, q))


@lru_cache(maxsize=1024)
def accepted(n: int, least: float, most: float, level: float) -> tuple[int, int]:
    """(low, high): fewer hits than low, or more than high, come with probability at most `level` each.

    The chance of a hit lies between `least` and `most`.
    """
    wanted = math.log(level)
    low, top = 0, n
    while low < top:
        middle = (low + top) // 2
        low, top = (low, middle) if log_at_most(middle, n, least) > wanted else (middle + 1, top)
    bottom, high = 0, n
    while bottom < high:
        middle = (bottom + high + 1) // 2
        bottom, high = (middle, high) if log_at_least(middle, n, most) > wanted else (bottom, middle - 1)
    return low, high


def _span(expected: float, excuse: float) -> tuple[float, float]:
    return max(0.0, expected - excuse), min(1.0, expected + excuse)


def share_resolution(n: int, rates: Rates, *, expected: float, excuse: float = 0.0) -> float:
    """The change of the probability that n draws see, the worse of both directions.

    A probability cannot fall by more than itself, so a fall that is never seen counts as `expected`.
    """
    least, most = _span(expected, excuse)
    low, high = accepted(n, least, most, rates.false_fail / 2)
    above = 1.0 if high >= n else float(betainccinv(high + 1, n - high, rates.false_pass))
    below = 0.0 if low <= 0 else float(betaincinv(low, n - low + 1, rates.false_pass))
    return max(above - expected, expected - below) + excuse


@lru_cache(maxsize=256)
def share_samples(rates: Rates, discrepancy: float, *, expected: float) -> int:
    """Draws that see the probability change by `discrepancy`."""
    return root_n(lambda n: share_resolution(n, rates, expected=expected), discrepancy)


def share(
    hits: int, n: int, rates: Rates, *, expected: float, excuse: float = 0.0, quantity: str
) -> Evidence:
    """The share of draws with a property is what the law says, by the exact binomial in both tails.

    excuse: how far rounding may have moved the probability.
    Raises `UsageError` unless 0 <= hits <= n, n >= 1 and 0 <= expected <= 1.
    """
    if not (0 <= hits <= n and n >= 1 and 0.0 <= expected <= 1.0):
        raise UsageError(
            f"hits={hits!r}, n={n!r}, expected={expected!r}: hits lie between 0 and n, n is at least 1, "
            "and a probability between 0 and 1"
        )
    least, most = _span(expected, excuse)
    low, high = accepted(n, least, most, rates.false_fail / 2)
    observed = hits / n
    tail = min(log_at_least(hits, n, most), log_at_most(hits, n, least))
    p, log10_p = p_value(math.log(2.0) + tail)
    return Evidence(
        quantity=quantity,
        expected=expected,
        observed=observed,
        distance=abs(observed - expected),
        tolerance=high / n - expected if observed >= expected else expected - low / n,
        resolution=share_resolution(n, rates, expected=expected, excuse=excuse),
        n=n,
        basis="binomial",
        p=p,
        log10_p=log10_p,
    )
