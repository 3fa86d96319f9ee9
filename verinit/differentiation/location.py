"""Which entry is wrong: bisection on masked directions, then the entry certified by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from verinit.differentiation.directions import size_of
from verinit.differentiation.probes import Probe, probe
from verinit.differentiation.problems import Problem, Wide, wide


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """The smallest block of entries whose gradient is certified wrong, mostly one entry.

    entries    flat indices of the block
    analytic   the claimed derivative along `s` restricted to the block; of one entry, its gradient
    numerical  the same from differences
    tolerance  how far they may be apart
    """

    input: int
    entries: tuple[int, ...]
    shape: tuple[int, ...]
    analytic: float
    numerical: float
    tolerance: float

    @property
    def index(self) -> tuple[int, ...]:
        """The place of the first entry in its array."""
        return tuple(map(int, np.unravel_index(self.entries[0], self.shape))) if self.shape else ()


def located(suspect: Probe, j: int) -> Located:
    """Halve the block that differs until one entry is left, or neither half differs by itself.

    Of both halves the one is followed that differs by more of its tolerance; n entries take about 2 log2 n
    ladders.
    """
    problem, s = suspect.problem, suspect.s
    block, found = np.arange(s.size), suspect
    while block.size > 1:
        halves = [(half, _probed(problem, j, s, half)) for half in np.array_split(block, 2)]
        worse, there = max(halves, key=lambda pair: _ratio(pair[1]))
        if not there.differs:
            break
        block, found = worse, there
    unit = float(s.flat[block[0]]) if block.size == 1 else 1.0
    claimed = float(np.sum(_gradient(problem, j).ravel()[block] * s.ravel()[block]))
    return Located(
        input=j,
        entries=tuple(map(int, block)),
        shape=s.shape,
        analytic=claimed / unit,
        numerical=(claimed + found.slope.value) / unit,
        tolerance=found.tolerance / abs(unit),
    )


def _probed(problem: Problem, j: int, s: Wide, block: np.ndarray) -> Probe:
    masked = np.zeros(s.size)
    masked[block] = s.ravel()[block]
    return probe(problem, j, masked.reshape(s.shape), goal=0.0)


def _ratio(found: Probe) -> float:
    return abs(found.slope.value) / found.tolerance if found.tolerance else math.inf


def _gradient(problem: Problem, j: int) -> Wide:
    return wide(problem.gradients[j])


def entrywise(problem: Problem, j: int, entries: np.ndarray) -> tuple[Wide, Wide]:
    """The numerical gradient at these flat entries, and the tolerance of each: one ladder an entry."""
    size, shape = size_of(problem.inputs[j]), problem.inputs[j].shape
    claimed = _gradient(problem, j).ravel()
    values, tolerances = np.empty(len(entries)), np.empty(len(entries))
    for place, entry in enumerate(entries):
        s = np.zeros(claimed.size)
        s[entry] = size
        found = probe(problem, j, s.reshape(shape), goal=0.0)
        values[place] = claimed[entry] + found.slope.value / size
        tolerances[place] = found.tolerance / size
    return values, tolerances
