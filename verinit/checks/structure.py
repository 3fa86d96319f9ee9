"""IN3xx: what no look at single weights can see: how weights depend on their place and on one another.

Every check reads normal scores as matrices (draws, m, n), iid N(0, 1) when the code is right; a kernel
enters as (prod(kernel) * in, out).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from verinit.checks.applicability import spread
from verinit.checks.marginals import MOMENTS
from verinit.checks.registry import check
from verinit.checks.sampling import call, generator, law_at, pool_of
from verinit.statistics import draws as between_draws
from verinit.statistics import lines, neighbours, pooling, repeats, spectrum
from verinit.statistics.family import share
from verinit.vocabulary import Case, Evidence, Rates, Target, Trial

Floats = NDArray[np.float64]
LAW = (*MOMENTS, "IN204", "IN205")
"""Scores of another law are not normal, and nothing that rests on them can be judged."""
SHORTEST = 48
"""Numbers that a line needs for its angle to another to tell a copy from chance."""


def matrix_shape(case: Case) -> tuple[int, int]:
    """(m, n) of one draw as a matrix."""
    return case.size // case.shape[-1], case.shape[-1]


def wide_enough(target: Target, case: Case) -> str:
    """Why a case has no lines to compare; empty if it has."""
    reason = spread(target, case)
    if not reason and (len(case.shape) < 2 or min(matrix_shape(case)) < 2):
        reason = f"shape {case.shape} has no two lines to compare"
    return reason


def long_enough(target: Target, case: Case) -> str:
    """Why lines are too short for their angles to tell anything; empty if they are not."""
    reason = wide_enough(target, case)
    if not reason and min(matrix_shape(case)) < SHORTEST:
        reason = f"lines of fewer than {SHORTEST} weights come too near to one another by chance"
    return reason


def _draws_for(trial: Trial, each: float, wanted: int) -> int:
    """Numbers in as many draws as hold `wanted` units, of which one draw has `each`."""
    return max(2, math.ceil(wanted / each)) * trial.case.size


def scores(trial: Trial) -> Floats:
    """The normal scores that a trial asks for, (draws, m, n)."""
    return pool_of(trial).scores(math.ceil(trial.n / trial.case.size))


def _by_lines(samples: Callable[[Rates, float], int]) -> Callable[[Trial], int]:
    """The plan of a test on rows and on columns, at half the rate each."""

    def plan(trial: Trial) -> int:
        wanted = samples(share(trial.rates, 2), trial.discrepancy)
        return _draws_for(trial, min(matrix_shape(trial.case)), wanted)

    return plan


@check(
    "IN301",
    equation="Var[sum_j W_ij] = n Var[W]",
    source="definition",
    discrepancy=0.5,
    samples=_by_lines(lines.sums_samples),
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def sums_of_lines_vary_as_sums_of_independent_weights(trial: Trial) -> Evidence:
    """The sums of rows, and of columns, vary as sums of independent weights do.

    Tied rows, a mean of its own in every row and a faint common component all add up in the sums: weights
    that correlate by rho in a line of n multiply their variance by 1 + (n - 1) rho.
    """
    quantity = "variance of the sums of lines / predicted"
    return pooling.both_axes(lines.sums, scores(trial), trial.rates, quantity=quantity)


@check(
    "IN302",
    equation="|W_i|^2 / Var[W] is chi-square(n)",
    source="definition",
    discrepancy=0.3,
    samples=_by_lines(lines.spread_samples),
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def no_line_is_stronger_than_another(trial: Trial) -> Evidence:
    """Rows, and columns, are equally strong but for chance.

    Units that start with more energy than others dominate the layer; normalised rows start with too equal
    an energy. Both move the energies' probabilities away from uniform.
    """
    quantity = "Legendre score 2 of the energies of lines"
    return pooling.both_axes(lines.spread, scores(trial), trial.rates, quantity=quantity)


def _neighbour_plan(trial: Trial) -> int:
    m, n = matrix_shape(trial.case)
    pairs = min(neighbours.neighbours_pairs((1, m, n)), neighbours.neighbours_pairs((1, n, m)))
    wanted = neighbours.correlation_samples(share(trial.rates, 2), trial.discrepancy)
    return _draws_for(trial, pairs, wanted)


@check(
    "IN303",
    equation="corr(W_ij, W_i+1,j) = 0",
    source="definition",
    discrepancy=0.1,
    samples=_neighbour_plan,
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def neighbours_know_nothing_of_one_another(trial: Trial) -> Evidence:
    """A weight is not correlated with its neighbour in the next row or column.

    Smoothing, sorting and a generator with a short memory leave every single weight's law as it was.
    """
    return pooling.both_axes(
        neighbours.neighbours, scores(trial), trial.rates, quantity="correlation of neighbours"
    )


def _transpose_plan(trial: Trial) -> int:
    pairs = neighbours.transpose_pairs((1, *matrix_shape(trial.case)))
    return _draws_for(trial, pairs, neighbours.correlation_samples(trial.rates, trial.discrepancy))


@check(
    "IN304",
    equation="corr(W_ij, W_ji) = 0",
    source="definition",
    discrepancy=0.1,
    samples=_transpose_plan,
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def a_matrix_is_not_its_own_transpose(trial: Trial) -> Evidence:
    """A weight is not correlated with its mirror image across the diagonal.

    (W + W') / sqrt(2) has the right variance off the diagonal and half the freedom.
    """
    return neighbours.transpose(scores(trial), trial.rates)


def _cosine_plan(trial: Trial) -> int:
    return 8 * trial.case.size


@check(
    "IN305",
    equation="|cos(W_i, W_k)| < 1",
    source="definition",
    discrepancy=0.99,
    samples=_cosine_plan,
    applies=long_enough,
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
    return _draws_for(trial, entries, spectrum.above_samples(trial.rates, trial.discrepancy))


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
    factor, _ = spectrum.factor(scores(trial))
    return spectrum.above(factor, trial.rates)


@check(
    "IN307",
    equation="corr(W_k, W_k+s) = 0 for every s",
    source="definition",
    discrepancy=0.1,
    samples=lambda trial: repeats.repeats_samples(trial.rates, trial.discrepancy),
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def no_block_of_weights_comes_again(trial: Trial) -> Evidence:
    """No block of weights comes again, at whatever distance and with whatever sign.

    Buffers that are filled twice, antithetic halves and a generator with a short period repeat themselves.
    """
    return repeats.repeats(scores(trial), trial.rates)


def _evenness_plan(trial: Trial) -> int:
    return between_draws.evenness_samples(trial.rates, trial.discrepancy) * trial.case.size


@check(
    "IN308",
    equation="n mean(W)^2 / Var[W] is chi-square(1)",
    source="definition",
    discrepancy=0.9,
    samples=_evenness_plan,
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def means_of_draws_vary_as_they_must(trial: Trial) -> Evidence:
    """The mean of a draw varies from draw to draw as the mean of independent weights does.

    Weights that were centred, stratified or made antithetic after drawing are too good to be iid: every
    single one has its law, and their sum is fixed.
    """
    return between_draws.means(scores(trial), trial.rates)


@check(
    "IN309",
    equation="|W|^2 / Var[W] is chi-square",
    source="definition",
    discrepancy=0.9,
    samples=_evenness_plan,
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def variances_of_draws_vary_as_they_must(trial: Trial) -> Evidence:
    """The variance of a draw varies from draw to draw as that of independent weights does.

    Weights that were rescaled to an exact variance after drawing are too good to be iid.
    """
    return between_draws.variances(scores(trial), trial.rates)


def _position_plan(trial: Trial) -> int:
    wanted = lines.offset_samples(trial.rates, trial.discrepancy, lines=trial.case.size)
    return wanted * trial.case.size


@check(
    "IN311",
    equation="E[W_ij] = mean for every i, j",
    source="definition",
    discrepancy=1.0,
    samples=_position_plan,
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def no_place_has_a_mean_of_its_own(trial: Trial) -> Evidence:
    """No place in the array has a mean of its own across draws.

    An entry that is the same in every draw, a stripe of padding, and the signs that QR leaves on the
    diagonal of an orthogonal matrix stay put while everything else changes.
    """
    quantity = "largest mean of a place across draws / std"
    return lines.offset(pooling.positions(scores(trial)), trial.rates, quantity=quantity)


def _independent(target: Target, case: Case) -> str:
    """Why the entries of a target are not independent; empty if they are."""
    if target.scheme is not None and target.scheme.family == "orthogonal":
        return "entries of an orthogonal matrix are not independent"
    return wide_enough(target, case)


def _seed_plan(trial: Trial) -> int:
    return neighbours.correlation_samples(trial.rates, trial.discrepancy)


@check(
    "IN310",
    equation="corr(W(s), W(t)) = 0",
    source="SPEC 7",
    discrepancy=0.2,
    samples=_seed_plan,
    applies=_independent,
    after=(*LAW, "IN106"),
    scales=False,
)
def two_seeds_share_nothing(trial: Trial) -> Evidence:
    """Arrays drawn from two seeds are not correlated, entry by entry.

    Layers whose generators share a part of their state begin alike, which no look at one array shows.
    """
    pairs = max(1, math.ceil(trial.n / trial.case.size))
    arrays = [_from_seed(trial, seed) for seed in range(2 * pairs)]
    return neighbours.between(np.stack(arrays[::2]), np.stack(arrays[1::2]), trial.rates)


def _from_seed(trial: Trial, seed: int) -> Floats:
    """The normal scores drawn from a fresh generator."""
    rng = generator(trial.root, trial.target, trial.case, "seed of its own", seed)
    drawn = np.asarray(call(trial.target, trial.case, rng), dtype=np.float64).ravel()
    return pool_of(trial).scored(drawn, law_at(trial.target, trial.case), rng)
