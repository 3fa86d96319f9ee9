"""What differences leave unresolved, the complex step may see, where the code is analytic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from verinit.differentiation.directions import seen_from, size_of
from verinit.differentiation.imaginary import complex_step
from verinit.differentiation.ladders import SAFETY
from verinit.differentiation.probes import Probe, Reading, State
from verinit.differentiation.problems import Problem, wide


def sharpened(
    reading: Reading, problems: Sequence[Problem], *, discrepancy: float, false_pass: float
) -> Reading:
    """A reading that rounding left unresolved, looked at again with complex steps along the same directions.

    It can only turn into agreement: both ways of differentiating and the claimed gradient must say the same.
    Where the complex step is refused, or says otherwise, the reading stays as it is.
    """
    j = reading.input
    size = size_of(problems[0].inputs[j])
    tolerances = [_tolerance(found, j) for found in reading.tried]
    if not tolerances or None in tolerances:
        return reading
    widest = max(t for t in tolerances if t is not None)
    resolution = seen_from(widest, false_pass / 2.0, size=size, probes=len(tolerances)) / reading.largest
    if not resolution <= discrepancy:
        return reading
    return replace(reading, state=State.agrees, resolution=resolution, tolerance=widest / size)


def _tolerance(found: Probe, j: int) -> float | None:
    """How closely the complex step agrees with the claimed derivative along a direction; None if not."""
    problem, s = found.problem, found.s
    claimed = float(np.sum(wide(problem.gradients[j]) * s))
    step = complex_step(
        problem.forward,
        problem.inputs,
        j,
        s,
        problem.cotangent,
        beside=claimed + found.slope.value,
        within=found.tolerance,
    )
    sway = problem.sway[j]
    tolerance = step.tolerance + (SAFETY * float(np.linalg.norm(sway * s)) if sway is not None else 0.0)
    agrees = not step.refused and abs(step.value - claimed) <= tolerance
    return tolerance if agrees else None
