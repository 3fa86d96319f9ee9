"""The first number that has a property, by search: among all numbers of a two-byte dtype, else by narrowing.

Positive numbers of a dtype are ordered as the whole numbers that their bits spell, so that neighbours differ
by 1. In float32 and float64 a grid over the range is narrowed to two neighbours, one without and one with the
property; nothing is taken to be monotone: the first and the last change are searched for separately, and the
numbers around each are looked at one by one. Only a stretch that is shorter than a step of the grid, and away
from both, is not seen; where a property comes and goes for long, both ends are those that were met.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.reference.precision import FLOATING

Array = NDArray[Any]
Whole = NDArray[np.int64]
Property = Callable[[Array], NDArray[np.bool_]]
"""Of an array of positive numbers, which of them have it."""

ROWS = 1024
"""Numbers looked at in one call: always as many, so that what is compiled is compiled once."""
GRID = 1024
WALKS = 4
"""How often the neighbours of a change are looked at: where a property comes and goes, it moves each time."""
EVERY = 1 << 15
"""Numbers of which all are looked at: a two-byte dtype has no more that are positive."""
CALLS = 80
"""Calls that the first look takes at most where `rows` are few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Onset:
    """Where a property begins.

    first    the smallest number that has it; inf if none has
    settled  the smallest number from which on all have it; inf if the largest has it not
    n        numbers that were looked at
    """

    first: float
    settled: float
    n: int

    @property
    def sharp(self) -> bool:
        """Whether it begins once and for all."""
        return self.first == self.settled


def ordinal(x: float, dtype: str) -> int:
    """The place of a positive number among those of its dtype; 0 has place 0.

    >>> ordinal(1.0, "float16"), number_at(15361, "float16")
    (15360, 1.0009765625)
    """
    kind = FLOATING[dtype]
    return int(np.asarray([x]).astype(kind).view(f"u{kind.itemsize}")[0])


def numbers_at(places: Whole, dtype: str) -> Array:
    """The numbers at these places."""
    kind = FLOATING[dtype]
    found: Array = places.astype(f"u{kind.itemsize}").view(kind)
    return found


def number_at(place: int, dtype: str) -> float:
    """The number at this place."""
    return float(numbers_at(np.array([place]), dtype)[0])


def at_or_above(x: float, dtype: str) -> float:
    """The smallest number of a dtype that is not below a positive x: where a threshold x shows."""
    place = ordinal(x, dtype)
    return number_at(place if number_at(place, dtype) >= x else place + 1, dtype)


def largest(dtype: str) -> float:
    """The largest finite number of a dtype."""
    kind = FLOATING[dtype]
    infinite = int(np.asarray([np.inf]).astype(kind).view(f"u{kind.itemsize}")[0])
    return number_at(infinite - 1, dtype)


def grid(dtype: str, low: float, high: float, *, most: int = EVERY) -> Whole:
    """Places from `low` to `high`: every one if there are no more than `most`, else even steps."""
    a, b = ordinal(low, dtype), ordinal(high, dtype)
    if b - a < most:
        return np.arange(a, b + 1)
    even = np.linspace(low, high, min(most, GRID)).astype(FLOATING[dtype])
    places: Whole = np.unique(even.view(f"u{FLOATING[dtype].itemsize}").astype(np.int64))
    return places


def onset(has: Property, dtype: str, *, low: float, high: float, rows: int | None = None) -> Onset:
    """Where a property begins among the numbers of a dtype from `low` to `high`.

    rows  how many numbers `has` is given at once, in `CALLS` calls at first; None: `ROWS`, or every one of a
          two-byte dtype
    """
    short = FLOATING[dtype].itemsize == 2
    look = _Look(has=has, dtype=dtype, rows=rows or (0 if short else ROWS), seen=0)
    places = grid(dtype, low, high, most=CALLS * rows if rows else EVERY)
    found = look(places)
    first = int(np.argmax(found)) if found.any() else None
    settled = 0 if found.all() else int(places.size - np.argmin(found[::-1]))
    if first is None or places[-1] - places[0] < places.size:
        return _onset(look, places, first, settled)
    begins = look.begins(places, first) if first else int(places[0])
    if settled in (0, places.size):
        return Onset(
            first=number_at(begins, dtype),
            settled=number_at(int(places[0]), dtype) if not settled else math.inf,
            n=look.seen,
        )
    stays = begins if settled == first else look.settles(places, settled)
    begins, stays = look.around(begins, stays, int(places[0]), int(places[-1]))
    return Onset(first=number_at(begins, dtype), settled=number_at(stays, dtype), n=look.seen)


def _onset(look: _Look, places: Whole, first: int | None, settled: int) -> Onset:
    """What a look says where nothing is left to narrow."""
    return Onset(
        first=math.inf if first is None else number_at(int(places[first]), look.dtype),
        settled=number_at(int(places[settled]), look.dtype) if settled < places.size else math.inf,
        n=look.seen,
    )


@dataclass(slots=True, kw_only=True)
class _Look:
    """Asks for a property at places, so many at a time (0: all), and counts."""

    has: Property
    dtype: str
    rows: int
    seen: int

    def __call__(self, places: Whole) -> NDArray[np.bool_]:
        """Which places have it; the last one is asked for again until a call is full."""
        self.seen += places.size
        step = self.rows
        if not step:
            return np.asarray(self.has(numbers_at(places, self.dtype)))
        full = np.pad(places, (0, -places.size % step), mode="edge")
        parts = [self.has(numbers_at(full[i : i + step], self.dtype)) for i in range(0, full.size, step)]
        return np.concatenate(parts)[: places.size]

    def begins(self, places: Whole, first: int) -> int:
        """The first place with it, between a step of the grid without and the next one with."""
        return self._narrowed(int(places[first - 1]), int(places[first]), last=False)

    def settles(self, places: Whole, settled: int) -> int:
        """The place after the last one without it, between a step without and the next one with."""
        return self._narrowed(int(places[settled - 1]), int(places[settled]), last=True)

    def _narrowed(self, without: int, having: int, *, last: bool) -> int:
        while having - without > 1:
            inner = min(self.rows, having - without - 1)
            steps = np.arange(1, inner + 1, dtype=object) * (having - without) // (inner + 1)
            places = np.array([without, *(without + steps), having], dtype=np.int64)
            found = np.concatenate([[False], self(places[1:-1]), [True]])
            cut = found.size - int(np.argmin(found[::-1])) if last else int(np.argmax(found))
            without, having = int(places[cut - 1]), int(places[cut])
        return having

    def around(self, begins: int, stays: int, low: int, high: int) -> tuple[int, int]:
        """Both changes again, after a look at every neighbour of either, and at theirs where they moved."""
        for _ in range(WALKS):
            if begins == low:
                break
            below = np.arange(max(low, begins - self.rows), begins)
            found = self(below)
            if not found.any():
                break
            begins = int(below[np.argmax(found)])
        for _ in range(WALKS):
            if stays == high:
                break
            above = np.arange(stays, min(high, stays + self.rows) + 1)
            found = self(above)
            if found.all():
                break
            stays = int(above[above.size - np.argmin(found[::-1]) - 1]) + 1
        return begins, stays
