"""How often a departure is seen, size by size: never at size 0, always at size 1, which is the promise."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from scipy.special import betaincinv, gammainc, gammaincc, ndtr

from verinit.calibration.departures import DEPARTURES, Departure, target
from verinit.calibration.healthy import standard_level
from verinit.calibration.record import Power
from verinit.checks import CHECKS
from verinit.statistics import binomial
from verinit.statistics.tails import chi_square_limits, normal_limit
from verinit.vocabulary import Case, Rates, Trial, examine

SIZES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
"""In units of the discrepancy that the check promises to see."""
SURE = 0.95
GATE = 1e-9
"""How often a count that is as it should be is called wrong, in either tail."""


def sizes(code: str) -> tuple[float, ...]:
    """The sizes that there are of a check's departure."""
    return tuple(size for size in SIZES if size * _promised(code) <= DEPARTURES[code].most)


def _case(found: Departure) -> Case:
    return Case(shape=found.shape, dtype="float64")


def _trial(code: str, size: float, root: int) -> Trial:
    """A check at the level and fineness of the standard battery, on a target that is wrong by `size`."""
    found = DEPARTURES[code]
    check = replace(CHECKS[code], exhibit=None, diagnose=None)
    rates = Rates(false_fail=standard_level(), false_pass=check.rates.false_pass)
    right = check.trial(target(found, 0.0, 2), _case(found), rates=rates, root=root)
    wrong = target(found, size * right.discrepancy, right.n)
    return check.trial(wrong, _case(found), rates=rates, root=root)


def _promised(code: str) -> float:
    return _trial(code, 0.0, 1).discrepancy


def seen(code: str, size: float, first: int, roots: int) -> int:
    """How many of so many roots see a departure of this size."""
    return sum(examine(_trial(code, size, root)).red for root in range(first, first + roots))


def _mean(d: float, n: int, level: float) -> float:
    reach, off = normal_limit(level / 2), d * math.sqrt(n)
    return float(ndtr(off - reach) + ndtr(-off - reach))


def _variance(d: float, n: int, level: float) -> float:
    low, high = (n / 2 * limit / (1 + d) for limit in chi_square_limits(n, level / 2))
    return float(gammainc(n / 2, low) + gammaincc(n / 2, high))


def _bounds(d: float, n: int, level: float) -> float:
    return -math.expm1(-n * math.log1p(d))


CLOSED: dict[str, Callable[[float, int, float], float]] = {
    "IN201": _variance,
    "IN202": _mean,
    "IN203": _bounds,
}
"""The power in closed form, of n normal (or uniform) numbers at a level."""


def _interval(kills: int, roots: int) -> tuple[float, float]:
    """The interval of Clopper and Pearson 1934."""
    side = (1 - SURE) / 2
    low = 0.0 if kills == 0 else float(betaincinv(kills, roots - kills + 1, side))
    high = 1.0 if kills == roots else float(betaincinv(kills + 1, roots - kills, 1 - side))
    return round(low, 4), round(high, 4)


def _allowed(size: float, expected: float | None, roots: int, rates: Rates) -> tuple[int, int]:
    """The counts that the closed form, or what is promised, allows."""
    if expected is not None:
        return binomial.accepted(roots, expected, expected, GATE)
    if size == 0.0:
        return 0, binomial.accepted(roots, 0.0, rates.false_fail, GATE)[1]
    return (binomial.accepted(roots, 1 - rates.false_pass, 1.0, GATE)[0] if size >= 1.0 else 0), roots


def curve(code: str, kills: Sequence[int], roots: int) -> Power:
    """The power of one check, with what was expected of it."""
    trial, looked_at = _trial(code, 0.0, 1), sizes(code)
    closed = CLOSED.get(code)
    expected = tuple(
        closed(size * trial.discrepancy, trial.n, trial.rates.false_fail) for size in looked_at if closed
    )
    return Power(
        code=code,
        departure=DEPARTURES[code].words,
        discrepancy=trial.discrepancy,
        roots=roots,
        sizes=looked_at,
        kills=tuple(kills),
        expected=tuple(round(min(1.0, p), 6) for p in expected),
        intervals=tuple(_interval(k, roots) for k in kills),
        allowed=tuple(
            _allowed(size, expected[i] if expected else None, roots, trial.rates)
            for i, size in enumerate(looked_at)
        ),
    )
