"""IN208 to IN212: the shape of a law beyond its moments, and the values that come again."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from verinit.checks.applicability import spread
from verinit.checks.marginals import MOMENTS
from verinit.checks.registry import check
from verinit.checks.samples import SHARP, Sample, hidden, nearest, sharper, typical
from verinit.checks.sampling import pool_of
from verinit.laws import marginals, rounding
from verinit.statistics import atoms, shape
from verinit.vocabulary import Case, Evidence, Target, Trial


def _share_excuse(dtype: str, mean: float, std: float) -> float:
    """How far rounding may move the share of draws in both tails together."""
    return 2.0 * rounding.distribution_excuse(dtype, mean, std)


@lru_cache(maxsize=64)
def _score_excuse(dtype: str, law: marginals.Law) -> float:
    """How far the scale that a coarse dtype rounds may move a score.

    To first order in the scale, from the law's own quantiles; twice that covers the second order.
    """
    u = (np.arange(4096) + 0.5) / 4096
    stretched = marginals.cdf(law, marginals.quantile(law, u) * (1.0 + rounding.scale_excuse(dtype)))
    return 2.0 * max(abs(float(shape.legendre(k, stretched).mean())) for k in shape.SCORES)


def _score_floor(target: Target, case: Case) -> float:
    dtype = case.dtype or "float32"
    return SHARP * _score_excuse(dtype, typical(target)) if dtype in rounding.COARSE else 0.0


def _score_plan(trial: Trial) -> int:
    law, dtype = typical(trial.target), trial.case.dtype or "float32"
    if dtype in rounding.COARSE:
        return shape.scores_samples(trial.rates, trial.discrepancy - 2.0 * _score_excuse(dtype, law))
    return shape.scores_samples(trial.rates, sharper(trial, rounding.distribution_excuse))


@check(
    "IN208",
    equation="E[phi_k(F(W))] = 0 for k = 3, 4, 6",
    source="Neyman 1937",
    discrepancy=0.05,
    samples=_score_plan,
    applies=spread,
    floor=_score_floor,
    after=MOMENTS,
    scales=False,
)
def shape_of_the_law_is_right(trial: Trial) -> Evidence:
    """Skewness and tails are the law's: the third, fourth and sixth Legendre scores are centred.

    A Laplace, logistic or Student law of equal variance differs from a normal one by a smooth bend of the
    distribution, which the scores see with a tenth of the draws that any distance between them takes.
    """
    return nearest(
        trial,
        lambda drawn: shape.scores(drawn.probabilities, trial.rates, excuse=drawn.excuse_of_the_law),
        rule=lambda dtype, mean, std: _score_excuse(dtype, marginals.standardised(pool_of(trial).law)),
    )


@check(
    "IN209",
    equation="P(|Z| > c) at c = 0.1, 1, 2, 2.5, 3, 3.5, 4",
    source="definition",
    discrepancy=0.01,
    samples=lambda trial: shape.tails_samples(trial.rates, sharper(trial, _share_excuse)),
    applies=spread,
    floor=hidden(_share_excuse),
    after=MOMENTS,
    scales=False,
)
def tails_hold_as_many_weights_as_the_law_says(trial: Trial) -> Evidence:
    """The centre, the shoulders and the tails hold the shares of weights that the law gives them.

    A sum of twelve uniform numbers has a normal law's moments, shape and nearly its distance, and too few
    weights beyond three standard deviations.
    """
    return nearest(trial, _tails, rule=_share_excuse)


def _tails(drawn: Sample) -> Evidence:
    quantity = "share of weights beyond a threshold"
    if not drawn.finite:
        return drawn.not_numbers(quantity)
    if drawn.law.family == "normal":
        counts = shape.tail_counts((drawn.x - drawn.law.mean) / drawn.law.std)
    else:
        counts = shape.tail_counts_of(drawn.probabilities)
    excuse = drawn.excuse_of_the_law
    return shape.tails_counted(counts, drawn.x.size, drawn.trial.rates, excuse=excuse, quantity=quantity)


def continuous(target: Target, case: Case) -> str:
    """Why a target's own values may come again; empty if they may not."""
    if target.scheme is not None and target.scheme.family == "orthogonal":
        return "entries of an orthogonal matrix are not independent"
    return spread(target, case)


def heaviest(dtype: str, law: marginals.Law) -> float:
    """An upper bound on the mass of one value: a rounding cell, and a lattice in probability."""
    return min(0.5, rounding.heaviest_cell(dtype, law.mean, law.std))


def _heaviest_at(target: Target, case: Case) -> float:
    return SHARP * heaviest(case.dtype or "float32", typical(target))


def many_bits(target: Target, case: Case) -> str:
    """Why values must come again among a few thousand; empty if they must not."""
    reason = continuous(target, case)
    if not reason and case.dtype in rounding.COARSE:
        reason = f"{case.dtype} has so few values that they come again by chance"
    return reason


@check(
    "IN210",
    equation="P(W = w) = 0 for every w",
    source="definition",
    discrepancy=0.001,
    samples=lambda trial: 1 << 16,
    applies=continuous,
    floor=_heaviest_at,
    after=MOMENTS,
    scales=False,
)
def no_value_comes_too_often(trial: Trial) -> Evidence:
    """No single value comes more often than rounding brings it.

    Clipped weights pile up at the bounds (pytorch#155588), dropped ones at 0, and a coarse generator has
    few values in all.
    """
    pool = pool_of(trial)
    return atoms.multiplicity(pool.rounded(trial.n)[: trial.n], trial.rates, q=heaviest(pool.dtype, pool.law))


@check(
    "IN211",
    equation="P(|W_i| = |W_k|) = 0",
    source="definition",
    discrepancy=0.02,
    samples=lambda trial: 1 << 12,
    applies=many_bits,
    after=MOMENTS,
    scales=False,
)
def weights_have_no_twins(trial: Trial) -> Evidence:
    """Weights do not come in pairs, equal or opposite.

    Antithetic halves, tiled blocks and 8-bit quantisation give every weight a twin within a few thousand.
    """
    pool = pool_of(trial)
    first = pool.rounded(trial.n)[: trial.n]
    single = pool.dtype == "float64" and bool(np.all(first == first.astype(np.float32)))
    grain = "float32" if single else pool.dtype  # numbers of single precision, handed over in double
    return atoms.ties(first - pool.law.mean, trial.rates, q=heaviest(grain, pool.law))


def few_bits(target: Target, case: Case) -> str:
    """Why a weight's last bit is not looked at; empty if it is."""
    reason = continuous(target, case)
    if not reason and case.dtype not in rounding.COARSE:
        reason = "only the last bits of 16-bit weights are those of the draw; finer ones are the generator's"
    return reason


def _last_bit_plan(trial: Trial) -> int:
    excuse = rounding.last_bit_excuse(trial.case.dtype or "float32")
    return atoms.last_bit_samples(trial.rates, trial.discrepancy - 3.0 * excuse)


@check(
    "IN212",
    equation="P(last bit of W is set) = 1/2",
    source="definition",
    discrepancy=0.02,
    samples=_last_bit_plan,
    applies=few_bits,
    floor=lambda target, case: SHARP * rounding.last_bit_excuse(case.dtype or "float32"),
    after=MOMENTS,
    scales=False,
)
def last_bits_are_fair(trial: Trial) -> Evidence:
    """The last bit of a 16-bit weight is set every other time.

    Weights that were rounded to a coarser format on their way, and a generator that fills too few bits, leave
    the last ones at 0.
    """
    pool = pool_of(trial)
    draws = np.stack(pool.arrays(pool.whole(trial.n) // trial.case.size)).ravel()[: trial.n]
    return atoms.last_bit(draws, trial.rates, excuse=rounding.last_bit_excuse(pool.dtype))
