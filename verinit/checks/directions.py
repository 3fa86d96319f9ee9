"""IN305, IN306 and IN314: the directions of rows and columns, two by two and all together."""

from __future__ import annotations

from collections.abc import Callable

from verinit.checks.matrices import LAW, draws_for, looked_at, matrix_shape, scores, wide_enough
from verinit.checks.registry import check
from verinit.statistics import pooling, spectrum
from verinit.statistics.family import share
from verinit.vocabulary import Case, Evidence, Rates, Target, Trial, UsageError

SHORTEST = 48
"""Numbers that a line needs for its angle to another to tell a copy from chance."""


def long_enough(target: Target, case: Case) -> str:
    """Why lines are too short for their angles to tell anything; empty if they are not."""
    reason = wide_enough(target, case)
    if not reason and min(matrix_shape(case)) < SHORTEST:
        reason = f"lines of fewer than {SHORTEST} weights come too near to one another by chance"
    return reason


LOOKS = 8
"""Draws in which lines are compared two by two: what one draw does not show, more of them hardly do."""


def _in_a_few_draws(resolution: Callable[[int, int, Rates], float]) -> Callable[[Trial], int]:
    """The plan of a test whose power is in the length of its lines, not in their number.

    resolution(lines, length, rates): of `LOOKS` draws of one axis. Raises `UsageError` where the lines of a
    case are too short for the departure that is promised.
    """

    def plan(trial: Trial) -> int:
        m, n = matrix_shape(trial.case)
        half = share(trial.rates, 2)
        seen = max(resolution(m, n, half), resolution(n, m, half))
        if not seen <= trial.discrepancy:
            raise UsageError(
                f"{trial.check.code} at {trial.case}: lines of {min(m, n)} weights resolve {seen:.3g}, "
                f"{trial.discrepancy:.3g} is promised"
            )
        return LOOKS * trial.case.size

    return plan


HARDEST = Rates(false_fail=1e-13)
"""A level below all that plans and calls by hand work at."""


def _seen_at(resolution: Callable[[int, int, Rates], float]) -> Callable[[Target, Case], float]:
    """What lines of a case resolve at the hardest level: nothing finer is promised of them."""

    def floor(target: Target, case: Case) -> float:
        m, n = matrix_shape(case)
        return max(resolution(m, n, HARDEST), resolution(n, m, HARDEST))

    return floor


def _cosine_resolution(lines: int, length: int, rates: Rates) -> float:
    return spectrum.cosines_resolution(spectrum.pairs_of(LOOKS, lines), length, rates)


def _own_resolution(lines: int, length: int, rates: Rates) -> float:
    k, p = min(lines, length), max(lines, length)
    return spectrum.diagonal_resolution(k, p, LOOKS * k, rates)


@check(
    "IN305",
    equation="|cos(W_i, W_k)| < 1",
    source="definition",
    discrepancy=0.99,
    samples=_in_a_few_draws(_cosine_resolution),
    applies=long_enough,
    floor=_seen_at(_cosine_resolution),
    after=LAW,
    scales=False,
)
def no_unit_is_a_copy_of_another(trial: Trial) -> Evidence:
    """No row or column is a copy, or the negative, of another.

    Two units that start equal and see equal gradients stay equal for ever.
    """
    quantity = "largest |cosine| of two lines"
    return pooling.both_axes(spectrum.cosines, scores(trial), trial.rates, quantity=quantity)


def _factor_plan(trial: Trial) -> int:
    entries = spectrum.above_count((1, *matrix_shape(trial.case)))
    return draws_for(trial, entries, spectrum.above_samples(trial.rates, trial.discrepancy))


@check(
    "IN306",
    equation="R_jk ~ N(0, 1) above the diagonal of W = QR",
    source="Muirhead 1982, theorem 3.2.14",
    discrepancy=0.2,
    samples=_factor_plan,
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def columns_overlap_as_random_directions_do(trial: Trial) -> Evidence:
    """Columns overlap as much as independent directions do, no more and no less.

    Low rank, mixed columns and columns that were made orthogonal without being declared so show in the
    triangular factor of the weights, whose entries above the diagonal are iid normal.
    """
    return looked_at(trial, lambda z: spectrum.above(spectrum.factor(z)[0], trial.rates))


@check(
    "IN314",
    equation="R_jj^2 is chi-square(n - j + 1) for W = QR",
    source="Muirhead 1982, theorem 3.2.14",
    discrepancy=0.95,
    samples=_in_a_few_draws(_own_resolution),
    applies=long_enough,
    floor=_seen_at(_own_resolution),
    after=LAW,
    scales=False,
)
def every_unit_has_something_of_its_own(trial: Trial) -> Evidence:
    """No row or column is a combination of others.

    A unit that is a mixture of others adds nothing to the layer, and no pair of lines gives it away: what it
    has beside the others, the diagonal of the triangular factor, is nothing.
    """
    return looked_at(trial, lambda z: spectrum.diagonal(*spectrum.factor(z), trial.rates))
