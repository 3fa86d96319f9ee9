"""How many numbers a test needs, from the departure it must see and how rarely it may miss it."""

from __future__ import annotations

import math
from collections.abc import Callable

from verinit.vocabulary import UsageError

MOST = 100_000_000
"""No plan asks for more numbers than this: past it the generators' own resolution shows."""
_NEAR = 0.995


def smallest_n(resolution: Callable[[int], float], discrepancy: float, *, least: int = 2) -> int:
    """The smallest n at which `resolution(n) <= discrepancy`; `resolution` must not increase with n.

    Raises `UsageError` when not even `MOST` numbers resolve the discrepancy: a check that cannot reach
    its power is an error when it is planned, never a silent pass.
    """
    _require_departure(discrepancy)
    high = least
    while not resolution(high) <= discrepancy:
        if high >= MOST:
            raise UsageError(
                f"discrepancy={discrepancy!r} cannot be resolved with {MOST} numbers; "
                f"the smallest that can is {resolution(MOST):.3g}"
            )
        high = min(2 * high, MOST)
    low = max(least, high // 2)
    while low < high:
        middle = (low + high) // 2
        if resolution(middle) <= discrepancy:
            high = middle
        else:
            low = middle + 1
    return high


def _require_departure(discrepancy: float) -> None:
    if not discrepancy > 0:
        raise UsageError(f"discrepancy={discrepancy!r}: a departure to be seen must be above 0")


def root_n(resolution: Callable[[int], float], discrepancy: float, *, least: int = 2) -> int:
    """An n whose resolution is at most the discrepancy and no finer than 0.995 of it.

    For resolutions that shrink like 1 / sqrt(n): each step corrects n by the square of the misfit, so
    that a handful of evaluations are enough. Falls back on `smallest_n`, whose errors it shares.
    """
    _require_departure(discrepancy)
    n = 1024
    for _ in range(40):
        reached = resolution(n)
        if _NEAR * discrepancy <= reached <= discrepancy or (n == least and reached <= discrepancy):
            return n
        if not 0 < reached < math.inf:
            break
        aim = (1 + _NEAR) / 2 * discrepancy
        n = min(MOST, max(least, math.ceil(n * (reached / aim) ** 2)))
    return smallest_n(resolution, discrepancy, least=least)
