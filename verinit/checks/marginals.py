"""IN2xx: the law of the weights that a scheme promises, entry by entry."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from verinit.checks.applicability import WIDER, bounds, spread
from verinit.checks.contract import CONTRACT
from verinit.checks.failures import histogram, scale_mistake
from verinit.checks.registry import check
from verinit.checks.sampling import pool_of, scheme_of
from verinit.laws import marginals, rounding
from verinit.laws.marginals import Law
from verinit.statistics import marginal
from verinit.statistics.chernoff import Terms
from verinit.statistics.family import excess
from verinit.vocabulary import Case, Evidence, Measured, Target, Trial

Floats = NDArray[np.float64]
Excuse = Callable[[str, float, float], float]
MOMENTS = (*CONTRACT, "IN201", "IN202", "IN203")
"""Where these fail, the rest of the law must: one mistake, one message."""
_ANY_SHAPE = (2, 2)


def typical(target: Target) -> Law:
    """The target's law up to location and scale, on which alone the number of draws depends."""
    return marginals.law_of(scheme_of(target), _ANY_SHAPE)


def terms(target: Target) -> Terms | None:
    """One standardised draw of a bounded law as nodes; None where tests are exact: normal laws and scores."""
    return _terms(typical(target))


@lru_cache(maxsize=256)
def _terms(law: Law) -> Terms | None:
    if law.family in ("normal", "frozen"):
        return None
    values, weights = marginals.standard_nodes(law)
    return Terms(values=values, weights=weights)


def squares(target: Target) -> Terms | None:
    """The square of one standardised draw."""
    one = terms(target)
    return one.squared if one is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """n draws beside the law that was promised, and what their dtype excuses.

    scale: what the numbers were divided by before they were looked at; see `nearest`.
    """

    trial: Trial
    x: Floats
    scale: float = 1.0

    @property
    def law(self) -> Law:
        """The law that was promised."""
        return pool_of(self.trial).law

    @property
    def dtype(self) -> str:
        """The dtype of the draws."""
        return pool_of(self.trial).dtype

    @property
    def probabilities(self) -> Floats:
        """P(W <= x) by the law."""
        if self.scale == 1.0:
            return pool_of(self.trial).probabilities(self.x.size)[: self.x.size]
        return marginals.cdf(self.law, self.x)

    @property
    def sums(self) -> tuple[float, float]:
        """The sum and the sum of squares of the draws, standardised by the promised moments.

        Of a law that is known by its distribution function alone, those of its normal scores.
        """
        law, x = self.law, self.x
        if law.family == "frozen":
            z = pool_of(self.trial).scored(x.size)
            return float(z.sum()), float(z @ z)
        if law.mean:
            x = x - law.mean
        return float(x.sum()) / law.std, float(x @ x) / law.std / law.std

    @property
    def finite(self) -> bool:
        """Whether every draw is a number."""
        return bool(np.isfinite(self.x).all())

    def not_numbers(self, quantity: str) -> Evidence:
        """The evidence of draws that have no place in a law: it fails whatever is allowed."""
        bad = int(np.count_nonzero(~np.isfinite(self.x)))
        return Evidence(
            quantity=quantity,
            expected=0.0,
            observed=math.nan,
            distance=math.nan,
            tolerance=0.0,
            n=self.x.size,
            detail=f"{bad} of {self.x.size} weights are nan or infinite",
        )

    @property
    def excuse_of_the_law(self) -> float:
        """How far rounding may have moved a probability; nothing once the scale has been accounted for."""
        return 0.0 if pool_of(self.trial).coarse else self.excuse(rounding.distribution_excuse)

    def excuse(self, rule: Excuse) -> float:
        """What rounding excuses under one rule of `laws.rounding`."""
        return rule(self.dtype, self.law.mean, self.law.std)


def sharper(trial: Trial, rule: Excuse) -> float:
    """The discrepancy that sampling must resolve so that, with what rounding excuses, the promise is kept.

    An excuse enters the tolerance and the resolution, and what it multiplies is 1 to first order: three
    times is enough. Where little of the promise is left, no n keeps it, and n is that of a quarter.
    Without a dtype in the case the usual single precision is planned for.
    """
    law = typical(trial.target)
    excuse = rule(trial.case.dtype or "float32", law.mean, law.std)
    return max(trial.discrepancy - 3.0 * excuse, trial.discrepancy / 4)


SHARP = 6.0
"""How many times what rounding may cause a departure must be, to be promised: an excuse widens the tolerance
and the resolution, and more than half of what is promised is left for chance."""


def hidden(rule: Excuse) -> Callable[[Target, Case], float]:
    """The departure that rounding hides, by one rule of `laws.rounding`, at a case that names its dtype."""

    def floor(target: Target, case: Case) -> float:
        law = typical(target)
        return SHARP * rule(case.dtype or "float32", law.mean, law.std)

    return floor


def sample(trial: Trial) -> Sample:
    """The draws that a trial's plan asks for."""
    return Sample(trial=trial, x=pool_of(trial).values(trial.n)[: trial.n])


SCALES = (0.0, -0.5, 0.5, -1.0, 1.0)
"""Shares of what rounding excuses of the scale, at which a coarse dtype is looked at."""


def nearest(trial: Trial, test: Callable[[Sample], Evidence], *, rule: Excuse) -> Evidence:
    """The evidence at the scale, of those that rounding excuses, at which it is nearest to what is allowed.

    Only a coarse dtype has several. Right code has one of the scales between them, and passes there but
    for its rate; and as what is tested moves with the scale by less, from one of them to the next, than is
    allowed on both sides together, it passes at a neighbour too. What is seen is worse by what `rule` says.
    """
    drawn = sample(trial)
    if not pool_of(trial).coarse:
        return test(drawn)
    excuse = rounding.scale_excuse(drawn.dtype)
    scales = [1.0 + share * excuse for share in SCALES]
    found = min((test(Sample(trial=trial, x=drawn.x / s, scale=s)) for s in scales), key=excess)
    return replace(found, resolution=found.resolution + 2 * drawn.excuse(rule))


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
    total, _ = drawn.sums
    evidence = marginal.mean(
        total,
        drawn.x.size,
        trial.rates,
        terms=terms(trial.target),
        excuse=drawn.excuse(rounding.mean_excuse),
        quantity="mean of the normal scores" if drawn.law.family == "frozen" else "(E[W] - mean) / std",
    )
    return Measured(evidence=evidence, sufficient=(("n", float(drawn.x.size)), ("sum", total)))


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
    almost alone and show here with a few thousand draws.
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
