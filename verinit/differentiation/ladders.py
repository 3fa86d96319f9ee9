"""The derivative of a curve at 0 from a ladder of steps, and how wrong it may be.

Central differences R(t) = f' + a t^2 + b t^4 + ... go into a Richardson table; so do the slope gaps S(t) =
forward minus backward difference = f'' t + ..., which tend to 0 unless the curve has a kink at 0 or a step
crosses one. A crossing moves a gap by exactly twice what it moves the central difference. So the error of
an entry of the table is estimated by the sum of

    truncation  the largest difference to its two parents in the table, as a norm over the parts
    rounding    twice the noise of a value, over the step
    kink        what is left of the gaps at the same place of their own table, as a norm over the parts

and the entry with the least estimate is taken. How often the true error exceeds the estimate was measured on
right code (`python benchmarks/gradients.py --calibrate`); `SAFETY` is three times the worst that was seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FIRST = 2.0**-5
RATIO = 4.0
RUNGS = 9
"""Steps 2^-5, 2^-7, ... 2^-21 of the size of the array."""
HIGH = 2.0
HIGH_RUNGS = 4
"""Steps 2, 1/2, 1/8, 1/32 of that size, where rounding leaves nothing better."""
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


Parts = NDArray[np.float64]
Differences = Callable[[float], tuple[Parts, Parts]]
"""Of a step t and each part of the curve: the central difference, and the forward less the backward one.

A curve is a sum of parts, one for each output of a function. Errors of two parts may cancel where neither is
small, and kinks too, so each is looked at by itself.
"""


def climb(differences: Differences, *, noise: float, goal: float, rungs: int = RUNGS) -> Slope:
    """The derivative at 0 of a curve, by as many rungs as it takes to bring the error down to `goal`.

    Where rounding is most of what is left, larger steps are tried too: a curve may be straight far beyond
    the size of its argument.
    noise: standard deviation of the rounding of one value of the curve; units of the curve.
    """
    best = _descend(differences, FIRST, noise=noise, goal=goal, rungs=rungs)
    if best.error > goal and best.rounding > best.error / 4.0:
        wider = _descend(differences, HIGH, noise=noise, goal=goal, rungs=HIGH_RUNGS)
        best = min(best, wider, key=lambda slope: slope.error)
    return best


def _descend(differences: Differences, t: float, *, noise: float, goal: float, rungs: int) -> Slope:
    """The best entry of the table of a ladder that starts at `t`."""
    central: list[Parts] = []
    gaps: list[Parts] = []
    best = Slope(value=math.nan, error=math.inf, kink=0.0, rounding=0.0, step=t, rungs=0)
    for k in range(rungs):
        r, s = differences(t)
        above, above_gaps = central, gaps
        central, gaps = [r], [s]
        for m in range(k):
            even, odd = RATIO ** (2 * m + 2), RATIO ** (2 * m + 1)
            central.append(central[m] + (central[m] - above[m]) / (even - 1.0))
            gaps.append(gaps[m] + (gaps[m] - above_gaps[m]) / (odd - 1.0))
            kink, rounding = _size(gaps[m + 1]), 2.0 * noise / t
            truncation = max(_size(central[m + 1] - central[m]), _size(central[m + 1] - above[m]))
            error = truncation + rounding + kink
            if error < best.error:
                best = Slope(
                    value=float(central[m + 1].sum()),
                    error=error,
                    kink=kink,
                    rounding=rounding,
                    step=t,
                    rungs=k + 1,
                )
        t /= RATIO
        if best.error <= goal or best.error <= 2.0 * noise / t:
            break  # good enough, or the next step would be all rounding
    return best


def _size(parts: Parts) -> float:
    """The norm over the parts, or their sum where that is more."""
    return max(math.sqrt(float(parts @ parts)), abs(float(parts.sum())))


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
