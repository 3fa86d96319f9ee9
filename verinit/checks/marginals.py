"""IN2xx: the law of the weights that a scheme promises, entry by entry."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from verinit.checks.applicability import WIDER, bounds, spread
from verinit.checks.contract import CONTRACT
from verinit.checks.failures import histogram, scale_mistake
from verinit.checks.registry import check
from verinit.checks.samples import (
    Excuse,
    Sample,
    hidden,
    nearest,
    sample,
    sharper,
    squares,
    terms,
    typical,
)
from verinit.laws import marginals, rounding
from verinit.laws.marginals import Law
from verinit.statistics import marginal
from verinit.vocabulary import Evidence, Measured, Trial

MOMENTS = (*CONTRACT, "IN201", "IN202", "IN203")
"""Where these fail, the rest of the law must: one mistake, one message."""

_VARIANCE = 0.02
"""The relative change of the variance that the standard battery sees: 1 % of a std."""


def _moment_samples(trial: Trial) -> int:
    """Numbers in which both moments are seen: the same ones for both, which costs nothing more."""
    first, second = (_sharper_than_rounding(trial, rule) for rule in MOMENT_RULES)
    return max(
        marginal.mean_samples(trial.rates, first, terms=terms(trial.target)),
        marginal.variance_samples(trial.rates, second, terms=squares(trial.target)),
    )


MOMENT_RULES: tuple[Excuse, Excuse] = (rounding.mean_excuse, rounding.variance_excuse)


def _sharper_than_rounding(trial: Trial, rule: Excuse) -> float:
    """As `sharper`, of a departure that rounding does not hide."""
    seen = max(trial.discrepancy, hidden(rule)(trial.target, trial.case))
    return sharper(replace(trial, discrepancy=seen), rule)


@check(
    "IN201",
    equation="Var[W] = scale / fan",
    source="He et al. 2015, eq. 10",
    discrepancy=_VARIANCE,
    samples=_moment_samples,
    applies=spread,
    floor=hidden(rounding.variance_excuse),
    after=CONTRACT,
    exhibit=histogram,
    diagnose=scale_mistake,
)
def variance_follows_fan(trial: Trial) -> Measured:
    """The variance of the weights is the scheme's scale over its fan.

    A factor r in the variance is a factor r^L in the signal after L layers: at depth 50, one percent is
    a factor 1.6. The sum of squares of n standardised weights is chi-square with n degrees of freedom
    when they are normal; for bounded laws Chernoff's bound takes its place. Assumes iid weights.
    """
    drawn = sample(trial)
    n, (_, total) = drawn.x.size, drawn.sums
    scored = drawn.law.family == "frozen"
    evidence = marginal.variance(
        total,
        n,
        trial.rates,
        terms=squares(trial.target),
        excuse=drawn.excuse(rounding.variance_excuse),
        quantity="mean square of the normal scores" if scored else "Var[W] / predicted",
    )
    spread = math.sqrt(total / n) * drawn.law.std
    said = "" if scored else f"std {spread:.4g} about the promised mean, {drawn.law.std:.4g} promised"
    return Measured(
        evidence=replace(evidence, detail=said),
        sufficient=(("n", float(n)), ("sum of squares", total)),
    )


@check(
    "IN202",
    equation="E[W] = mean",
    source="He et al. 2015, section 2.2",
    discrepancy=0.02,
    samples=_moment_samples,
    applies=spread,
    floor=hidden(rounding.mean_excuse),
    after=CONTRACT,
    exhibit=histogram,
)
def weights_are_centred(trial: Trial) -> Measured:
    """The mean of the weights is the scheme's, which is 0 for every published one.

    A mean of eps standard deviations adds a rank-one part that grows like n eps^2 from layer to layer.
    """
    drawn = sample(trial)
    total, squared = drawn.sums
    evidence = marginal.mean(
        total,
        drawn.x.size,
        trial.rates,
        terms=terms(trial.target),
        excuse=drawn.excuse(rounding.mean_excuse),
        quantity="mean of the normal scores" if drawn.law.family == "frozen" else "(E[W] - mean) / std",
    )
    return Measured(
        evidence=evidence,
        sufficient=(("n", float(drawn.x.size)), ("sum", total)),
        likely=_scattered(evidence, math.sqrt(squared / drawn.x.size)),
    )


def _scattered(mean: Evidence, wider: float) -> str:
    """That a mean is no further off than a std so many times the promised one brings it."""
    if not mean.tolerance < mean.distance <= mean.tolerance * wider < math.inf:
        return ""
    return f"the std is {wider:.3g} times the promised one, and the mean scatters as much (see IN201)"


def _support_samples(trial: Trial) -> int:
    law = typical(trial.target)
    excuse = bound_excuse(law, trial.case.dtype or "float32")
    planned = marginal.support_samples(
        trial.rates, min(trial.discrepancy, WIDER), lambda share: marginals.escape(law, share, excuse=excuse)
    )
    finer = replace(trial, discrepancy=trial.discrepancy * _VARIANCE / WIDER)
    return max(planned, _moment_samples(finer))


def bound_excuse(law: Law, dtype: str) -> float:
    """How far rounding may carry a weight past the bounds of its law, in half-widths."""
    bound = max(abs(law.low), abs(law.high))
    return float(rounding.computed(bound, dtype)) / ((law.high - law.low) / 2)


@check(
    "IN203",
    equation="low <= W <= high",
    source="Johnson et al. 1994, section 13.10.1",
    discrepancy=WIDER,
    samples=_support_samples,
    applies=bounds,
    after=CONTRACT,
    exhibit=histogram,
)
def weights_stay_in_the_support(trial: Trial) -> Evidence:
    """No weight leaves the support of its law.

    Bounds are the one property of a law that a single draw can refute. No chance is involved, so every
    number is looked at that the variance needs, and a leak of a few in a million shows.
    """
    drawn = sample(trial)
    law = drawn.law
    half = (law.high - law.low) / 2
    quantity = "excess over the bound / half-width"
    if not drawn.finite:
        return drawn.not_numbers(quantity)
    excess = max(law.low - float(drawn.x.min()), float(drawn.x.max()) - law.high, 0.0) / half
    excuse = bound_excuse(law, drawn.dtype)
    return marginal.support(
        excess,
        drawn.x.size,
        trial.rates,
        escape=lambda share: marginals.escape(law, share, excuse=excuse),
        excuse=excuse,
        quantity=quantity,
    )


STRAYS = 0.85
"""How far below its median the largest normal score is seen to be. It strays by about as much by itself, and
a hundred times the draws would resolve hardly less."""
FEWEST = 1 << 11
"""Draws of which the largest is looked at even in a coarse battery: fewer have hardly a tail."""


def _extreme_samples(trial: Trial) -> int:
    return max(marginal.extreme_samples(trial.rates, trial.discrepancy), FEWEST)


@check(
    "IN204",
    equation="P(max |z| <= m) = (1 - P(|Z| > m))^n",
    source="Johnson et al. 1994, section 13.10.1",
    discrepancy=STRAYS,
    samples=_extreme_samples,
    applies=spread,
    floor=lambda target, case: STRAYS,
    after=MOMENTS,
    exhibit=histogram,
)
def largest_weight_is_as_large_as_the_law_says(trial: Trial) -> Evidence:
    """The largest weight of n is as far out as the law says.

    Clipping, a forgotten or an undeclared truncation, and one outlier in a thousand all leave the moments
    almost alone and show here with some twenty thousand draws.
    """
    drawn = sample(trial)
    quantity = "largest |normal score| of a weight"
    if not drawn.finite:
        return drawn.not_numbers(quantity)
    low, high = float(drawn.x.min()), float(drawn.x.max())
    h_low, h_high = (float(rounding.computed(x, drawn.dtype)) for x in (low, high))
    law = drawn.law
    inner = max(marginals.score(law, low + h_low), marginals.score(law, high - h_high))
    outer = max(marginals.score(law, low - h_low), marginals.score(law, high + h_high))
    return marginal.extreme(inner, outer, drawn.x.size, trial.rates, quantity=quantity)


def _distribution_samples(trial: Trial) -> int:
    return marginal.distribution_samples(trial.rates, sharper(trial, rounding.distribution_excuse))


@check(
    "IN205",
    equation="sup_x |F_n(x) - F(x)| = 0",
    source="Massart 1990",
    discrepancy=0.02,
    samples=_distribution_samples,
    applies=spread,
    floor=hidden(rounding.distribution_excuse),
    after=MOMENTS,
    exhibit=histogram,
)
def weights_follow_the_law(trial: Trial) -> Evidence:
    """The weights have the distribution that the scheme names, not only its moments.

    A uniform law and a normal one of equal variance differ by 0.06 in distribution: enough to matter for
    what saturates, too little for any test of moments.
    """
    return nearest(trial, _distribution, rule=rounding.distribution_excuse)


def _distribution(drawn: Sample) -> Evidence:
    quantity = "sup |F_n - F|"
    if not drawn.finite:
        return drawn.not_numbers(quantity)
    cells = np.minimum((drawn.probabilities * marginal.GRID).astype(np.intp), marginal.GRID - 1)
    return marginal.distribution(
        np.bincount(cells, minlength=marginal.GRID),
        drawn.trial.rates,
        excuse=drawn.excuse_of_the_law,
        quantity=quantity,
    )
