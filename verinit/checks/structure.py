"""IN301 to IN304, IN307 and IN315: how weights depend on their place and on their neighbours."""

from __future__ import annotations

from verinit.checks.matrices import LAW, by_lines, draws_for, looked_at, matrix_shape, wide_enough
from verinit.checks.registry import check
from verinit.statistics import lines, neighbours, pooling, repeats
from verinit.statistics.family import share
from verinit.vocabulary import Evidence, Trial


@check(
    "IN301",
    equation="Var[sum_j W_ij] = n Var[W]",
    source="definition",
    discrepancy=0.5,
    samples=by_lines(lines.sums_samples),
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
    return looked_at(trial, lambda z: pooling.both_axes(lines.sums, z, trial.rates, quantity=quantity))


@check(
    "IN302",
    equation="|W_i|^2 / Var[W] is chi-square(n)",
    source="definition",
    discrepancy=0.35,
    samples=by_lines(lines.spread_samples),
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
    return looked_at(trial, lambda z: pooling.both_axes(lines.spread, z, trial.rates, quantity=quantity))


def _neighbour_plan(trial: Trial) -> int:
    m, n = matrix_shape(trial.case)
    pairs = min(neighbours.neighbours_pairs((1, m, n)), neighbours.neighbours_pairs((1, n, m)))
    wanted = neighbours.correlation_samples(share(trial.rates, 2), trial.discrepancy)
    return draws_for(trial, pairs, wanted)


@check(
    "IN303",
    equation="corr(W_ij, W_i+1,j) = 0",
    source="definition",
    discrepancy=0.05,
    samples=_neighbour_plan,
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def neighbours_know_nothing_of_one_another(trial: Trial) -> Evidence:
    """A weight is not correlated with its neighbour in the next row or column.

    Smoothing, sorting and a generator with a short memory leave every single weight's law as it was.
    """
    quantity = "correlation of neighbours"
    return looked_at(
        trial, lambda z: pooling.both_axes(neighbours.neighbours, z, trial.rates, quantity=quantity)
    )


def _transpose_plan(trial: Trial) -> int:
    pairs = neighbours.transpose_pairs((1, *matrix_shape(trial.case)))
    return draws_for(trial, pairs, neighbours.correlation_samples(trial.rates, trial.discrepancy))


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
    return looked_at(trial, lambda z: neighbours.transpose(z, trial.rates))


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
    return looked_at(trial, lambda z: repeats.repeats(z, trial.rates))


def _overlap_plan(trial: Trial) -> int:
    m, n = matrix_shape(trial.case)
    wanted = neighbours.overlaps_samples(share(trial.rates, 2), trial.discrepancy)
    return draws_for(trial, min(m, n) // 2, wanted)


@check(
    "IN315",
    equation="(W_i . W_i+1)^2 / (|W_i|^2 Var[W]) is chi-square(1)",
    source="Muirhead 1982, section 1.5",
    discrepancy=0.5,
    samples=_overlap_plan,
    applies=wide_enough,
    after=LAW,
    scales=False,
)
def neighbours_overlap_as_random_directions_do(trial: Trial) -> Evidence:
    """A row or column overlaps the next as much as two random directions do.

    Units that were made orthogonal in pairs overlap too little, and units that lean on their neighbours with
    signs that vary too much; on average both overlap by nothing.
    """
    quantity = "variance of the overlaps of neighbours / predicted"
    return looked_at(
        trial, lambda z: pooling.both_axes(neighbours.overlaps, z, trial.rates, quantity=quantity)
    )
