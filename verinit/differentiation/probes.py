"""One input array of a function: does its gradient agree with differences, and what would have been seen?"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from verinit.differentiation.directions import direction, seen_from, size_of
from verinit.differentiation.ladders import SAFETY, Slope, climb
from verinit.differentiation.problems import Problem, Wide

MORE_PROBES = 3
"""Probes that chance may add, in times of what `false_pass` asks for, where rounding leaves little room."""


GROSS = 0.1
"""The share of the claimed derivative from which a departure is looked at twice."""


class State(enum.Enum):
    """What may be said of a gradient after probing it.

    agrees      within the tolerance, and a fault of the size that must be seen would have been
    null        the gradient is 0 but for its rounding, and so are the differences
    differs     beyond the tolerance, in two sets of probes
    kinked      the function has a kink here, or so many near by that no step avoids them
    unresolved  rounding hides what must be seen
    """

    agrees = "agrees"
    null = "null"
    differs = "differs"
    kinked = "kinked"
    unresolved = "unresolved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One direction: the residual against the claimed gradient, its tolerance, and what it consists of."""

    problem: Problem
    s: Wide
    slope: Slope
    tolerance: float

    @property
    def kinked(self) -> bool:
        """Whether a kink, rather than rounding, is what makes the tolerance wide."""
        return self.slope.kink > max(self.slope.error / 4.0, 2.0 * SAFETY * self.slope.rounding)

    def steady(self, j: int) -> bool:
        """Whether the claimed derivative is about the same over the steps that were compared with it.

        A function that bends within less than a step has differences that say nothing of its derivative, and
        no table sees it: a batch of two rows that are nearly equal jumps from one side to the other. There
        the claimed derivative changes by as much as what is to be explained. Asked of gross departures alone.
        """
        p, off = self.problem, abs(self.slope.value)
        here = p.slope(j, self.s, 0.0)
        if off <= GROSS * abs(here):
            return True
        there = [p.slope(j, self.s, side * self.slope.step) for side in (1.0, -1.0)]
        return all(abs(value - here) <= off / 2.0 for value in there)

    @property
    def differs(self) -> bool:
        """Whether the residual is beyond its tolerance; one that is no number is."""
        return not abs(self.slope.value) <= self.tolerance and self.tolerance < math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What probing one input said.

    input       its place among the inputs
    largest     the largest entry of the claimed gradient: the unit of what follows
    worst       largest residual over its tolerance
    tolerance   of the worst probe, in units of the gradient
    resolution  the smallest fault of one entry that would have been seen, but for `false_pass`; relative to
                `largest`, or for a null gradient to `Problem.scale`
    tried       the probes, each along a direction of its own
    suspect     of a gradient that differs, the probe that is furthest off
    """

    state: State
    input: int
    largest: float
    worst: float
    tolerance: float
    resolution: float
    tried: tuple[Probe, ...]
    suspect: Probe | None = None

    @property
    def probes(self) -> int:
        """How many directions were tried."""
        return len(self.tried)


def probe(problem: Problem, j: int, s: Wide, *, goal: float) -> Probe:
    """One direction of one input: as many steps as it takes to bring the tolerance down to `goal`."""
    sway = problem.sway[j]
    own = SAFETY * float(np.linalg.norm(sway * s)) if sway is not None else 0.0
    slope = climb(problem.residuals(j, s), noise=problem.noise, goal=max(goal - own, goal / 2) / SAFETY)
    return Probe(problem=problem, s=s, slope=slope, tolerance=slope.tolerance + own)


def read(
    problems: Sequence[Problem],
    j: int,
    *,
    discrepancy: float,
    false_pass: float,
    rng: np.random.Generator,
) -> Reading:
    """Probe input `j`, each time with another cotangent; a failure must show in two sets of probes.

    It must be beyond the usual tolerance of its set too: where that varies from one direction to the next, an
    estimate that is small has been small by chance.

    problems     the function with as many cotangents as there are to be probes
    discrepancy  the fault that must be seen: of one entry, relative to the largest of the gradient
    false_pass   how rarely it may go unseen; half of it is for a first set that sees and a second that does
                 not, which is the price of never failing on one error estimate that was too small
    """
    x = problems[0].inputs[j]
    unit, null = unit_of(problems, j)
    size, room = size_of(x), 1.0 / seen_from(1.0, false_pass / 2.0, size=1.0, probes=len(problems))
    goal = discrepancy * unit * size * room / (QUIET if null and not _largest(problems, j) else 1.0)

    def tried(times: int) -> list[Probe]:
        return [
            probe(p, j, direction(x.shape, rng, size=size), goal=goal) for _ in range(times) for p in problems
        ]

    def resolved(probes: Sequence[Probe], count: int) -> float:
        widest = max(p.tolerance for p in probes)
        return _over(seen_from(widest, false_pass / 2.0, size=size, probes=count), unit)

    found = tried(1)
    if resolved(found, len(found)) > discrepancy >= resolved(found, MORE_PROBES * len(found)):
        found += tried(MORE_PROBES - 1)
    if _beyond(found, j):
        again = tried(max(1, len(found) // len(problems)))
        suspects = _beyond(again, j)
        if suspects:
            suspect, both = max(suspects, key=_ratio), [*found, *again]
            return _reading(State.differs, j, unit, size, both, suspect, resolved(both, len(both)))
        found = again
    found = [replace(p, tolerance=max(p.tolerance, abs(p.slope.value))) if p.differs else p for p in found]
    resolution = resolved(found, len(found))
    widest = max(found, key=lambda p: p.tolerance)
    state = State.kinked if widest.kinked else State.unresolved
    if resolution <= discrepancy:
        state = State.null if null else State.agrees
    return _reading(state, j, unit, size, found, max(found, key=_ratio), resolution)


def _beyond(probes: Sequence[Probe], j: int) -> list[Probe]:
    """Probes that differ by more than is usual in their set, and whose claimed derivative is steady."""
    usual = float(np.median([p.tolerance for p in probes]))
    return [p for p in probes if p.differs and not abs(p.slope.value) <= usual and p.steady(j)]


def _ratio(found: Probe) -> float:
    return _over(abs(found.slope.value), found.tolerance)


def _reading(
    state: State, j: int, unit: float, size: float, tried: list[Probe], worst: Probe, resolution: float
) -> Reading:
    return Reading(
        state=state,
        input=j,
        largest=unit,
        worst=_ratio(worst),
        tolerance=_over(worst.tolerance, size),
        resolution=resolution,
        tried=tuple(tried),
        suspect=worst if state is State.differs else None,
    )


QUIET = 2.0**10
"""How much closer a gradient that is exactly 0 everywhere is looked at: it may have forgotten a small one."""


def _largest(problems: Sequence[Problem], j: int) -> float:
    return max(float(np.max(np.abs(_or_zero(p.gradients[j])), initial=0.0)) for p in problems)


def unit_of(problems: Sequence[Problem], j: int) -> tuple[float, bool]:
    """The largest entry of a claimed gradient; if that is no more than its rounding, the scale it might have.

    The second says which.
    """
    largest = _largest(problems, j)
    sway = max(float(np.max(np.abs(_or_zero(p.sway[j])), initial=0.0)) for p in problems)
    if largest > SAFETY * sway:
        return largest, False
    return max(p.scale(j) for p in problems), True


def _or_zero(gradient: Wide | None) -> Wide:
    return np.zeros(1) if gradient is None else gradient


def _over(part: float, whole: float) -> float:
    """A ratio; 0 of 0 is 0."""
    return part / whole if whole else (0.0 if part == 0.0 else math.inf)
