"""What checks of structure read: normal scores as matrices (draws, m, n), iid N(0, 1) for right code.

A kernel enters as (prod(kernel) * in, out).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from verinit.checks.applicability import spread
from verinit.checks.marginals import MOMENTS
from verinit.checks.samples import SCALES
from verinit.checks.sampling import pool_of
from verinit.laws import rounding
from verinit.statistics.family import excess, share
from verinit.vocabulary import Case, Evidence, Rates, Target, Trial

Floats = NDArray[np.float64]
LAW = (*MOMENTS, "IN204", "IN205")
"""Scores of another law are not normal, and nothing that rests on them can be judged."""


def matrix_shape(case: Case) -> tuple[int, int]:
    """(m, n) of one draw as a matrix."""
    return case.size // case.shape[-1], case.shape[-1]


def wide_enough(target: Target, case: Case) -> str:
    """Why a case has no lines to compare; empty if it has."""
    reason = spread(target, case)
    if not reason and (len(case.shape) < 2 or min(matrix_shape(case)) < 2):
        reason = f"shape {case.shape} has no two lines to compare"
    return reason


def draws_for(trial: Trial, each: float, wanted: int) -> int:
    """Numbers in as many draws as hold `wanted` units, of which one draw has `each`."""
    return max(2, math.ceil(wanted / each)) * trial.case.size


def scores(trial: Trial) -> Floats:
    """The normal scores that a trial asks for, (draws, m, n)."""
    return pool_of(trial).scores(math.ceil(trial.n / trial.case.size))


def looked_at(trial: Trial, test: Callable[[Floats], Evidence]) -> Evidence:
    """A test of the scores; of a coarse dtype at that scale, of those rounding excuses, that suits it best.

    See `samples.nearest`, which does the same for single weights.
    """
    z = scores(trial)
    if not pool_of(trial).coarse:
        return test(z)
    excuse = rounding.scale_excuse(pool_of(trial).dtype)
    return min((test(z / (1.0 + part * excuse)) for part in SCALES), key=excess)


def by_lines(samples: Callable[[Rates, float], int]) -> Callable[[Trial], int]:
    """The plan of a test on rows and on columns, at half the rate each."""

    def plan(trial: Trial) -> int:
        wanted = samples(share(trial.rates, 2), trial.discrepancy)
        return draws_for(trial, min(matrix_shape(trial.case)), wanted)

    return plan
