"""Where activations are looked at: all numbers of a two-byte dtype; of a wider one where code goes wrong.

Always as many for one dtype and shape, so that what is compiled is compiled once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.checks.thresholds import largest, numbers_at, ordinal
from verinit.laws import saturation as law
from verinit.reference.precision import FLOATING

Array = NDArray[Any]
Whole = NDArray[np.int64]

ROWS = 1 << 13
"""Numbers of a wide dtype that are looked at beside those of the case."""
NEIGHBOURS = 2
"""Numbers on either side of each landmark."""
RUN = 8
"""Adjacent numbers in a row, for claims about neighbours."""
NEAR = 2.0**-20, 2.0**10
"""Between the two lies all that bends."""
SPECIALS = 10


def specials(dtype: str) -> Array:
    """Numbers at which code branches: zeros, ones, the smallest, the largest, and a saturated one."""
    kind, top = FLOATING[dtype], largest(dtype)
    tiny, normal = float(numbers_at(np.array([1]), dtype)[0]), law.smallest_normal(dtype)
    return np.array([0.0, -0.0, 1.0, -1.0, tiny, -tiny, normal, 13.0, -13.0, -top]).astype(kind)


def _landmarks(dtype: str) -> Iterator[float]:
    """Positive numbers near which a formula, or a library's branch, changes its ways."""
    top = largest(dtype)
    yield from (law.smallest_normal(dtype), 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.9053, 9.0, 13.0, 20.0, 25.0)
    yield from (0.75179, 0.75246, 1.27846)  # where gelu, gelu_tanh and silu turn
    yield from (5.9, 8.3, 13.4, 14.2, 38.5)  # where 1 + erf(x / sqrt(2)), and erfc of it, end
    yield from (law.one_by_sum(dtype), law.one_within(dtype), law.one_within(dtype, ulps=0.5))
    yield from (law.zero_by_overflow(dtype), law.zero_by_underflow(dtype), law.zero_by_flush(dtype))
    yield from (law.tanh_one_rounded(dtype), law.tanh_one_within(dtype), 0.5 * law.zero_by_flush(dtype))
    yield from (top ** (1 / 3), math.sqrt(top), top / 2.0, top)


@lru_cache(maxsize=8)
def _fixed(dtype: str) -> Whole:
    """Places of positive numbers: over all binades, over what bends, evenly, and around landmarks."""
    low, high = (ordinal(x, dtype) for x in NEAR)
    around = np.arange(-NEIGHBOURS, NEIGHBOURS + 1)
    marks = np.array([ordinal(x, dtype) for x in _landmarks(dtype) if x <= largest(dtype)])
    parts = (
        np.linspace(0, ordinal(largest(dtype), dtype), 500),
        np.linspace(low, high, 800),
        [ordinal(float(x), dtype) for x in np.linspace(0.0, 48.0, 500)],
        (marks[:, None] + around).ravel(),
        np.arange(2 * NEIGHBOURS + 1),
    )
    places = np.unique(np.concatenate([np.asarray(part).astype(np.int64) for part in parts]))
    return places[places <= ordinal(largest(dtype), dtype)]


def points(dtype: str, size: int, scale: float, rng: np.random.Generator) -> Array:
    """Finite numbers of a dtype, each once, in rising order but for the two zeros; (n,).

    size, scale: how many normal numbers of this standard deviation are among them where not all numbers are.
    Where two are equal, others are drawn in their place.
    """
    if FLOATING[dtype].itemsize == 2:
        every = np.arange(ordinal(largest(dtype), dtype) + 1)
        return _both_signs(every, every, dtype)
    fixed = _fixed(dtype)
    low, high = (ordinal(x, dtype) for x in NEAR)
    normal = scale * rng.standard_normal(size)
    drawn = np.abs(normal).astype(FLOATING[dtype]).view(f"u{FLOATING[dtype].itemsize}").astype(np.int64)
    runs = rng.integers(low, high, 128)[:, None] + np.arange(RUN)
    pools = [_filled(fixed, [drawn[wanted], runs[side::2].ravel()], ROWS // 2 + size, low, high, rng)
             for side, wanted in enumerate((normal < 0, normal >= 0))]  # fmt: skip
    return _both_signs(pools[0], pools[1], dtype)


def _filled(
    fixed: Whole, drawn: list[Whole], count: int, low: int, high: int, rng: np.random.Generator
) -> Whole:
    """Exactly `count` different places, rising: those given and others by chance."""
    found = np.unique(np.concatenate([fixed, *drawn]))
    while found.size < count:
        found = np.union1d(found, rng.integers(low, high, count - found.size))
    return found


def _both_signs(below: Whole, above: Whole, dtype: str) -> Array:
    """Numbers of these places, negative ones first, both in rising order."""
    left, right = numbers_at(below[::-1], dtype), numbers_at(above, dtype)
    return np.concatenate([-left, right])
