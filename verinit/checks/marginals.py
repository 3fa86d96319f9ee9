"""IN2xx: the law of the weights that a scheme promises, entry by entry."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from verinit.checks.applicability import bounds, spread
from verinit.checks.contract import CONTRACT
from verinit.checks.failures import histogram, scale_mistake
from verinit.checks.registry import check
from verinit.checks.sampling import dtype_of, law_at, pool_of, scheme_of
from verinit.laws import marginals, rounding
from verinit.laws.marginals import Law
from verinit.statistics import marginal
from verinit.statistics.chernoff import Terms
from verinit.vocabulary import Evidence, Measured, Target, Trial

Floats = NDArray[np.float64]
Excuse = Callable[[str, float, float], float]
MOMENTS = (*CONTRACT, "IN201", "IN202")
"""Where these fail, the rest of the law must: one mistake, one message."""
_ANY_SHAPE = (2, 2)


def typical(target: Target) -> Law:
    """The target's law up to location and scale, on which alone the number of draws depends."""
    return marginals.law_of(scheme_of(target), _ANY_SHAPE)


def terms(target: Target) -> Terms | None:
    """One standardised draw of a bounded law as nodes; None for a normal law, where tests are exact."""
    law = typical(target)
    if law.family == "normal":
        return None
    values, weights = marginals.standard_nodes(law)
    return Terms(values=values, weights=weights)


def squares(target: Target) -> Terms | None:
    """The square of one standardised draw."""
    one = terms(target)
    return one.squared if one is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """n draws beside the law that was promised, and what their dtype excuses."""

    law: Law
    x: Floats
    dtype: str

    @property
    def standardised(self) -> Floats:
        """(x - mean) / std by the promised moments."""
        return (self.x - self.law.mean) / self.law.std

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


def sample(trial: Trial) -> Sample:
    """The draws that a trial's plan asks for."""
    x = pool_of(trial).values(trial.n)
    return Sample(law=law_at(trial.target, trial.case), x=x, dtype=dtype_of(trial))


def _variance_samples(trial: Trial) -> int:
    discrepancy = sharper(trial, rounding.variance_excuse)
    return marginal.variance_samples(trial.rates, discrepancy, terms=squares(trial.target))


@check(
    "IN201",
    equation="Var[W] = scale / fan",
    source="He et al. 2015, eq. 10",
    discrepancy=0.02,
    samples=_variance_samples,
    applies=spread,
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
    z = drawn.standardised
    total = float(z @ z)
    evidence = marginal.variance(
        total,
        z.size,
        trial.rates,
        terms=squares(trial.target),
        excuse=drawn.excuse(rounding.variance_excuse),
        quantity="Var[W] / predicted",
    )
    spread = math.sqrt(total / z.size) * drawn.law.std
    said = f"std {spread:.4g} about the promised mean, {drawn.law.std:.4g} promised"
    return Measured(
        evidence=replace(evidence, detail=said),
        sufficient=(("n", float(z.size)), ("sum of squares", total)),
    )


def _mean_samples(trial: Trial) -> int:
    discrepancy = sharper(trial, rounding.mean_excuse)
    return marginal.mean_samples(trial.rates, discrepancy, terms=terms(trial.target))


@check(
    "IN202",
    equation="E[W] = mean",
    source="He et al. 2015, section 2.2",
    discrepancy=0.02,
    samples=_mean_samples,
    applies=spread,
    after=CONTRACT,
    exhibit=histogram,
)
def weights_are_centred(trial: Trial) -> Measured:
    """The mean of the weights is the scheme's, which is 0 for every published one.

    A mean of eps standard deviations adds a rank-one part that grows like n eps^2 from layer to layer.
    """
    drawn = sample(trial)
    total = float(drawn.standardised.sum())
    evidence = marginal.mean(
        total,
        drawn.x.size,
        trial.rates,
        terms=terms(trial.target),
        excuse=drawn.excuse(rounding.mean_excuse),
        quantity="(E[W] - mean) / std",
    )
    return Measured(evidence=evidence, sufficient=(("n", float(drawn.x.size)), ("sum", total)))


def _support_samples(trial: Trial) -> int:
    law = typical(trial.target)
    excuse = bound_excuse(law, trial.case.dtype or "float32")
    return marginal.support_samples(
        trial.rates, trial.discrepancy, lambda share: marginals.escape(law, share, excuse=excuse)
    )


def bound_excuse(law: Law, dtype: str) -> float:
    """How far rounding may carry a weight past the bounds of its law, in half-widths."""
    bound = max(abs(law.low), abs(law.high))
    return float(rounding.computed(bound, dtype)) / ((law.high - law.low) / 2)


@check(
    "IN203",
    equation="low <= W <= high",
    source="Johnson et al. 1994, section 13.10.1",
    discrepancy=0.1,
    samples=_support_samples,
    applies=bounds,
    after=CONTRACT,
    scales=False,
    exhibit=histogram,
)
def weights_stay_in_the_support(trial: Trial) -> Evidence:
    """No weight leaves the support of its law.

    Bounds are the one property of a law that a single draw can refute.
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


def _extreme_samples(trial: Trial) -> int:
    return marginal.extreme_samples(trial.rates, trial.discrepancy)


@check(
    "IN204",
    equation="P(max |z| <= m) = (1 - P(|Z| > m))^n",
    source="Johnson et al. 1994, section 13.10.1",
    discrepancy=1.0,
    samples=_extreme_samples,
    applies=spread,
    after=MOMENTS,
    scales=False,
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
    discrepancy=0.01,
    samples=_distribution_samples,
    applies=spread,
    after=MOMENTS,
    exhibit=histogram,
)
def weights_follow_the_law(trial: Trial) -> Evidence:
    """The weights have the distribution that the scheme names, not only its moments.

    A uniform law and a normal one of equal variance differ by 0.06 in distribution: enough to matter for
    what saturates, too little for any test of moments.
    """
    drawn = sample(trial)
    quantity = "sup |F_n - F|"
    if not drawn.finite:
        return drawn.not_numbers(quantity)
    u = marginals.cdf(drawn.law, drawn.x)
    cells = np.minimum((u * marginal.GRID).astype(np.int64), marginal.GRID - 1)
    return marginal.distribution(
        np.bincount(cells, minlength=marginal.GRID),
        trial.rates,
        excuse=drawn.excuse(rounding.distribution_excuse),
        quantity=quantity,
    )
