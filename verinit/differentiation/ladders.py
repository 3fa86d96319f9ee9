"""The derivative of a curve at 0 from a ladder of steps, and how wrong it may be.

Central differences R(t) = f' + a t^2 + b t^4 + ... go into a Richardson table; so do the slope gaps S(t) =
forward minus backward difference = f'' t + ..., which tend to 0 unless the curve has a kink at 0 or a step
crosses one. A crossing moves the gap by exactly twice what it moves the central difference. So the error of
an entry of the table is estimated by the sum of

    truncation  the largest difference to its two parents in the table
    rounding    twice the noise of a value, over the step
    kink        half of what is left of the gap at the same place of its own table

and the entry with the least estimate is taken. How often the true error exceeds the estimate was measured on
right code (`python benchmarks/gradients.py --calibrate`); `SAFETY` is three times the worst that was seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

FIRST = 2.0**-5
RATIO = 4.0
RUNGS = 9
"""Steps 2^-5, 2^-7, ... 2^-21 of the size of the array."""
SAFETY = 4.0
"""How many times its estimate an error is allowed to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slope:
    """The derivative of a curve at 0, with the estimate of its error and what that consists of."""

    value: float
    error: float
    kink: float
    rounding: float
    step: float
    rungs: int

    @property
    def tolerance(self) -> float:
        """How far the derivative may be from `value`."""
        return SAFETY * self.error


Differences = Callable[[float], tuple[float, float]]
"""Of a step t: the central difference, and the forward minus the backward one."""


def climb(differences: Differences, *, noise: float, goal: float, rungs: int = RUNGS) -> Slope:
    """The derivative at 0 of a curve, by as many rungs as it takes to bring the error down to `goal`.

    noise: standard deviation of the rounding of one value of the curve; units of the curve.
    """
    central: list[float] = []
    gaps: list[float] = []
    best = Slope(value=math.nan, error=math.inf, kink=0.0, rounding=0.0, step=FIRST, rungs=0)
    t = FIRST
    for k in range(rungs):
        r, s = differences(t)
        above, above_gaps = central, gaps
        central, gaps = [r], [s]
        for m in range(k):
            even, odd = RATIO ** (2 * m + 2), RATIO ** (2 * m + 1)
            central.append(central[m] + (central[m] - above[m]) / (even - 1.0))
            gaps.append(gaps[m] + (gaps[m] - above_gaps[m]) / (odd - 1.0))
            found = _entry(central, gaps, above, m + 1, noise / t, t, k + 1)
            if found.error < best.error:
                best = found
        t /= RATIO
        if best.error <= goal or best.error <= 2.0 * noise / t:
            break  # good enough, or the next step would be all rounding
    return best


def _entry(
    row: list[float], gaps: list[float], above: list[float], m: int, noise: float, t: float, rungs: int
) -> Slope:
    truncation = max(abs(row[m] - row[m - 1]), abs(row[m] - above[m - 1]))
    kink = abs(gaps[m]) / 2.0
    error = truncation + 2.0 * noise + kink
    return Slope(
        value=row[m],
        error=error if math.isfinite(error) else math.inf,
        kink=kink,
        rounding=2.0 * noise,
        step=t,
        rungs=rungs,
    )


def one_sided(values: Callable[[float], float], *, noise: float, rungs: int = RUNGS) -> Slope:
    """The derivative of a curve at 0 from one side, from its increments f(t) - f(0) over t > 0.

    All powers of t are eliminated one by one: no symmetry helps.
    """
    row: list[float] = []
    best = Slope(value=math.nan, error=math.inf, kink=0.0, rounding=0.0, step=FIRST, rungs=0)
    t = FIRST
    for k in range(rungs):
        above, row = row, [values(t) / t]
        for m in range(k):
            row.append(row[m] + (row[m] - above[m]) / (RATIO ** (m + 1) - 1.0))
            truncation = max(abs(row[m + 1] - row[m]), abs(row[m + 1] - above[m]))
            error = truncation + 4.0 * noise / t
            if error < best.error:
                best = Slope(
                    value=row[m + 1], error=error, kink=0.0, rounding=4.0 * noise / t, step=t, rungs=k + 1
                )
        t /= RATIO
    return best
