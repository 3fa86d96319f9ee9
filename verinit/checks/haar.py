"""IN401 and IN402: an orthogonal matrix is uniformly distributed on the orthogonal matrices."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from verinit.checks.applicability import matrices
from verinit.checks.contract import CONTRACT
from verinit.checks.registry import check
from verinit.checks.sampling import dtype_of, pool_of, scheme_of, semiorthogonal
from verinit.laws import rounding
from verinit.statistics import haar
from verinit.vocabulary import Case, Evidence, Target, Trial

ORTHONORMAL = (*CONTRACT, "IN206")
LARGEST = 1 << 11
"""Entries of the largest matrix whose coordinates are looked at: hundreds of draws of it are needed."""


def large_enough(target: Target, case: Case) -> str:
    """Why a case has no law of coordinates to test; empty if it has."""
    reason = matrices(target, case)
    if not reason and max(case.size // case.shape[-1], case.shape[-1]) < 3:
        reason = (
            f"an orthogonal matrix of shape {case.shape} is too small for its coordinates to have a density"
        )
    if not reason and case.size > LARGEST:
        reason = f"an orthogonal matrix of {case.size} entries takes too many draws for its coordinates"
    return reason


def stacked(trial: Trial) -> NDArray[np.float64]:
    """The draws that a trial asks for, (R, N, k) with N >= k."""
    count = math.ceil(trial.n / trial.case.size)
    return semiorthogonal(np.stack(pool_of(trial).arrays(count)).astype(np.float64))


def gain(trial: Trial) -> float:
    """The gain that is promised."""
    return math.sqrt(scheme_of(trial.target).scale)


@check(
    "IN401",
    equation="(a'Qb)^2 ~ Beta(1/2, (N - 1)/2)",
    source="Mezzadri 2007",
    discrepancy=1.0,
    samples=lambda trial: haar.spread_samples(trial.rates, trial.discrepancy) * trial.case.size,
    applies=large_enough,
    after=ORTHONORMAL,
    scales=False,
)
def directions_are_uniform(trial: Trial) -> Evidence:
    """No direction is preferred: coordinates of Q are as long as those of a random direction.

    Identity, permutations and block-diagonal matrices are orthogonal, and keep what should be mixed apart.
    """
    excuse = rounding.unit_roundoff(dtype_of(trial))
    return haar.spread(stacked(trial), trial.rates, gain=gain(trial), excuse=excuse)


@check(
    "IN402",
    equation="P(a'Qb > 0) = 1/2",
    source="Mezzadri 2007",
    discrepancy=0.25,
    samples=lambda trial: haar.signs_samples(trial.rates, trial.discrepancy) * trial.case.size,
    applies=large_enough,
    after=ORTHONORMAL,
    scales=False,
)
def no_sign_is_preferred(trial: Trial) -> Evidence:
    """No sign is preferred: a coordinate of Q is as often positive as negative.

    A QR factorisation chooses signs of its own; unless they are undone, Q is not uniform.
    """
    return haar.signs(stacked(trial), trial.rates, gain=gain(trial))


def square(target: Target, case: Case) -> str:
    """Why a case has no orientation to test; empty if it has."""
    reason = large_enough(target, case)
    if not reason and case.size != case.shape[-1] ** 2:
        reason = f"an orthogonal matrix of shape {case.shape} is not square: it has no orientation"
    return reason


@check(
    "IN403",
    equation="P(det Q > 0) = 1/2",
    source="Mezzadri 2007",
    discrepancy=0.25,
    samples=lambda trial: haar.orientation_samples(trial.rates, trial.discrepancy) * trial.case.size,
    applies=square,
    after=ORTHONORMAL,
    scales=False,
)
def reflections_come_as_often_as_rotations(trial: Trial) -> Evidence:
    """A square orthogonal matrix is a reflection as often as a rotation.

    Samplers of the rotation group, and products of a fixed number of reflections, draw one half of it only:
    no entry and no pair of entries shows it.
    """
    return haar.orientation(stacked(trial), trial.rates)
