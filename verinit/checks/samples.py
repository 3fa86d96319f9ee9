"""A trial's numbers beside the law that was promised, and what their dtype excuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from verinit.checks.sampling import pool_of, scheme_of
from verinit.laws import marginals, rounding
from verinit.laws.marginals import Law
from verinit.statistics.chernoff import Terms
from verinit.statistics.family import excess
from verinit.vocabulary import Case, Evidence, Target, Trial

Floats = NDArray[np.float64]
Excuse = Callable[[str, float, float], float]
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
        with np.errstate(over="ignore", invalid="ignore"):  # of weights near the largest number: it fails
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
