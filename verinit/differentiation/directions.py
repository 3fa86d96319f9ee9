"""Where to step: dyadic random directions, of which no fault is orthogonal for long.

An entry of a direction is +-m/64 of the array's own size, m drawn from 32 to 63. Such numbers are short in
binary, so that x +- t s is nearly exact, and every one is at least half the size: none is forgotten.

A fault of size e in one entry shows as a residual c + e s_i, where c is what all other entries leave. Of the
64 equally likely values of s_i, at most 1 + 128 tol / (e size) bring that within +-tol, whatever c is: a
probe misses with probability at most 1/64 + 2 tol / (e size), however many entries there are.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
PARTS = 64
"""Values that an entry of a direction may take."""


def size_of(x: NDArray[np.floating]) -> float:
    """The power of two nearest to the root mean square of `x`, 1 where that is 0: the unit of a step."""
    if not x.size:
        return 1.0
    wide = np.abs(np.asarray(x, dtype=np.float64))
    top = float(wide.max())
    if not (0.0 < top < math.inf):
        return 1.0
    rms = top * math.sqrt(float(np.mean(np.square(wide / top))))
    return 2.0 ** round(math.log2(rms)) if rms > 0.0 else 1.0


def direction(shape: tuple[int, ...], rng: np.random.Generator, *, size: float = 1.0) -> Array:
    """A direction of this shape: entries +-m/64 times `size`, m from 32 to 63."""
    m = rng.integers(PARTS // 2, PARTS, shape)
    sign = 1.0 - 2.0 * rng.integers(0, 2, shape)
    return np.asarray(sign * m * (size / PARTS), dtype=np.float64)


def missed(tolerance: float, fault: float, *, size: float, probes: int) -> float:
    """A bound on the probability that no probe sees a fault of this size in one entry or more."""
    if fault <= 0.0:
        return 1.0
    return min(1.0, 1.0 / PARTS + 2.0 * tolerance / (fault * size)) ** probes


def seen_from(tolerance: float, false_pass: float, *, size: float, probes: int) -> float:
    """The smallest fault of an entry that so many probes miss with probability at most `false_pass`.

    Infinite where the probes are too few whatever the tolerance is.
    """
    room = false_pass ** (1.0 / probes) - 1.0 / PARTS
    return 2.0 * tolerance / (size * room) if room > 0.0 else math.inf


def probes_for(false_pass: float) -> int:
    """How many probes see a fault that is much larger than the tolerance, but for `false_pass`.

    Each misses with probability 1/64 then; the half of that again is left to the tolerance.

    >>> probes_for(1e-6)
    4
    """
    return math.ceil(math.log(false_pass) / math.log(1.5 / PARTS))
