"""IN208 to IN211: the shape of a law beyond its moments, and the values that come again."""

from __future__ import annotations

import math

import numpy as np

from verinit.checks.applicability import spread
from verinit.checks.marginals import MOMENTS, sample, sharper
from verinit.checks.registry import check
from verinit.checks.sampling import pool_of
from verinit.laws import marginals, rounding
from verinit.statistics import atoms, shape
from verinit.vocabulary import Case, Evidence, Target, Trial


def _score_plan(trial: Trial) -> int:
    return shape.scores_samples(trial.rates, sharper(trial, rounding.distribution_excuse))


@check(
    "IN208",
    equation="E[phi_k(F(W))] = 0 for k = 3, 4, 6",
    source="Neyman 1937",
    discrepancy=0.05,
    samples=_score_plan,
    applies=spread,
    after=MOMENTS,
    scales=False,
)
def shape_of_the_law_is_right(trial: Trial) -> Evidence:
    """Skewness and tails are the law's: the third, fourth and sixth Legendre scores are centred.

    A Laplace, logistic or Student law of equal variance differs from a normal one by a smooth bend of the
    distribution, which the scores see with a tenth of the draws that any distance between them takes.
    """
    drawn = sample(trial)
    u = marginals.cdf(drawn.law, drawn.x)
    return shape.scores(u, trial.rates, excuse=drawn.excuse(rounding.distribution_excuse))


@check(
    "IN209",
    equation="P(|Z| > c) at c = 0.1, 1, 2, 2.5, 3, 3.5, 4",
    source="definition",
    discrepancy=0.01,
    samples=lambda trial: shape.tails_samples(trial.rates, trial.discrepancy),
    applies=spread,
    after=MOMENTS,
    scales=False,
)
def tails_hold_as_many_weights_as_the_law_says(trial: Trial) -> Evidence:
    """The centre, the shoulders and the tails hold the shares of weights that the law gives them.

    A sum of twelve uniform numbers has a normal law's moments, shape and nearly its distance, and too few
    weights beyond three standard deviations.
    """
    draws = math.ceil(trial.n / trial.case.size)
    return shape.tails(pool_of(trial).scores(draws), trial.rates)


def continuous(target: Target, case: Case) -> str:
    """Why a target's own values may come again; empty if they may not."""
    if target.scheme is not None and target.scheme.family == "orthogonal":
        return "entries of an orthogonal matrix are not independent"
    return spread(target, case)


def heaviest(trial: Trial, law: marginals.Law, dtype: str) -> float:
    """An upper bound on the mass of one value: a rounding cell, and a lattice in probability."""
    return min(0.5, rounding.distribution_excuse(dtype, law.mean, law.std))


@check(
    "IN210",
    equation="P(W = w) = 0 for every w",
    source="definition",
    discrepancy=0.001,
    samples=lambda trial: 1 << 16,
    applies=continuous,
    after=MOMENTS,
    scales=False,
)
def no_value_comes_too_often(trial: Trial) -> Evidence:
    """No single value comes more often than rounding brings it.

    Clipped weights pile up at the bounds (pytorch#155588), dropped ones at 0, and a coarse generator has
    few values in all.
    """
    drawn = sample(trial)
    return atoms.multiplicity(drawn.x, trial.rates, q=heaviest(trial, drawn.law, drawn.dtype))


@check(
    "IN211",
    equation="P(|W_i| = |W_k|) = 0",
    source="definition",
    discrepancy=0.02,
    samples=lambda trial: 1 << 12,
    applies=continuous,
    after=MOMENTS,
    scales=False,
)
def weights_have_no_twins(trial: Trial) -> Evidence:
    """Weights do not come in pairs, equal or opposite.

    Antithetic halves, tiled blocks and 8-bit quantisation give every weight a twin within a few thousand.
    """
    drawn = sample(trial)
    first = drawn.x[: 1 << 12] - drawn.law.mean
    return atoms.ties(np.asarray(first), trial.rates, q=heaviest(trial, drawn.law, drawn.dtype))
