"""False alarms of tests on the law of one number: mean, variance, extreme value, Legendre scores."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

from verinit.calibration.tilting import Floats, Samples, sampled, scaled, shifted, tilted, tilts, weight
from verinit.statistics import marginal, shape
from verinit.statistics.chernoff import Terms
from verinit.statistics.family import share
from verinit.statistics.tails import chi_square_limits, normal_limit
from verinit.vocabulary import Rates

Rng = np.random.Generator
ROOT3 = math.sqrt(3.0)
CUT = 2.0
CUT_STD = math.sqrt(
    1.0 - 2.0 * CUT * math.exp(-CUT * CUT / 2) / (math.sqrt(2 * math.pi) * math.erf(CUT / math.sqrt(2.0)))
)
"""Std of a normal number cut at +-2, by integration by parts."""


def uniform(rng: Rng, n: int) -> Floats:
    """Uniform numbers of mean 0 and variance 1."""
    return rng.uniform(-ROOT3, ROOT3, n)


def truncated(rng: Rng, n: int) -> Floats:
    """Normal numbers cut at two standard deviations, of mean 0 and variance 1."""
    low, high = float(ndtr(-CUT)), float(ndtr(CUT))
    return np.asarray(ndtri(low + (high - low) * rng.random(n)) / CUT_STD)


def _nodes(draw: Callable[[Rng, int], Floats]) -> Terms:
    """The law of one draw as the middles of 1024 cells of equal mass: independent of `laws.marginals`.

    The test is handed these nodes and the sample the law itself, so that a wrong law of the nodes would show.
    """
    u = (np.arange(_CELLS) + 0.5) / _CELLS
    if draw is uniform:
        x = ROOT3 * (2 * u - 1)
    else:
        low, high = float(ndtr(-CUT)), float(ndtr(CUT))
        x = ndtri(low + (high - low) * u) / CUT_STD
    return Terms(values=tuple(x.tolist()), weights=(1.0 / _CELLS,) * _CELLS)


_CELLS = 1024
LAWS = {"uniform law": uniform, "normal law cut at 2": truncated}


# -- normal numbers --------------------------------------------------------------------------------


@sampled("marginal.mean", "normal law, n = 50", "exact", drawn="the mean shifted to either limit")
def mean(rates: Rates, rng: Rng) -> Samples:
    """The sum of n normal numbers is shifted to the limit."""
    n = 50
    shifts = normal_limit(rates.false_fail / 2) * np.array([-1.0, 1.0])
    while True:
        t = rng.standard_normal(n).sum() / math.sqrt(n) + shifts[rng.integers(2)]
        yield weight(shifted(t, shifts)), marginal.mean(t * math.sqrt(n), n, rates, quantity="mean")


@sampled("marginal.variance", "normal law, n = 60", "exact", drawn="all numbers scaled to either limit")
def variance(rates: Rates, rng: Rng) -> Samples:
    """Normal numbers are scaled until their mean square lies at the limit."""
    n = 60
    scales = np.array(chi_square_limits(n, rates.false_fail / 2))
    while True:
        squares = scales[rng.integers(2)] * float(np.sum(rng.standard_normal(n) ** 2))
        yield (
            weight(scaled(squares, n, scales)),
            marginal.variance(squares, n, rates, quantity="mean square"),
        )


@sampled(
    "marginal.extreme", "n = 300", "exact", drawn="one score beyond the upper limit, or all below the lower"
)
def extreme(rates: Rates, rng: Rng) -> Samples:
    """One score is drawn beyond c, or all within d; c and d lie a little on the accepted side."""
    n = 300
    low, _, high = marginal.extreme_limits(n, rates.false_fail / 2)
    c, d = 0.97 * high, 1.01 * low
    tail, inside = math.erfc(c / math.sqrt(2)), math.erf(d / math.sqrt(2))
    while True:
        if rng.integers(2):
            x = np.abs(rng.standard_normal(n))
            x[0] = -ndtri(tail / 2 * (1 - rng.random()))
        else:
            x = np.abs(ndtri((1 + inside * rng.random(n)) / 2))
        top = float(x.max())
        beyond = int(np.count_nonzero(x > c))
        ratios = [math.log(beyond / (n * tail)) if beyond else -math.inf]
        ratios.append(-n * math.log(inside) if top < d else -math.inf)
        yield weight(ratios), marginal.extreme(top, top, n, rates, quantity="largest score")


# -- bounded laws, by Chernoff ----------------------------------------------------------------------


def _bounded(draw: Callable[[Rng, int], Floats], *, squared: bool) -> Callable[[Rates, Rng], Samples]:
    n = 200
    test = marginal.variance if squared else marginal.mean

    def term(x: Floats) -> Floats:
        return x * x if squared else x

    def sampler(rates: Rates, rng: Rng) -> Samples:
        terms = _nodes(draw).squared if squared else _nodes(draw)
        both = tilts(terms, n, rates.false_fail)
        while True:
            chosen = both[rng.integers(2)]
            total = float(term(tilted(lambda k: draw(rng, k), term, chosen, n, rng)).sum())
            ratios = [tilt.t * total - n * tilt.cumulant for tilt in both]
            yield weight(ratios), test(total, n, rates, terms=terms, quantity="Chernoff")

    return sampler


for _name, _draw in LAWS.items():
    for _test, _squared in (("marginal.mean", False), ("marginal.variance", True)):
        _how = "the law of a number tilted to either limit of Chernoff"
        sampled(_test, f"{_name}, n = 200", "bound", drawn=_how)(_bounded(_draw, squared=_squared))


# -- Legendre scores -----------------------------------------------------------------------------------


def scores_of(k: int, n: int, rng: Rng) -> Callable[[float], Callable[[], tuple[Floats, Floats]]]:
    """At a level: a source of n probabilities tilted by their k-th score, with log dQ/dP0 of both sides."""
    terms = shape.score_terms(k)

    def at(level: float) -> Callable[[], tuple[Floats, Floats]]:
        both = tilts(terms, n, level)

        def draw() -> tuple[Floats, Floats]:
            chosen = both[rng.integers(2)]
            u = tilted(rng.random, lambda u: shape.legendre(k, u), chosen, n, rng)
            total = float(shape.legendre(k, u).sum())
            return u, np.array([tilt.t * total - n * tilt.cumulant for tilt in both])

        return draw

    return at


@sampled("shape.score", "k = 4, n = 300", "bound", drawn="probabilities tilted by their score")
def score(rates: Rates, rng: Rng) -> Samples:
    """The fourth Legendre score of uniform numbers is tilted to either limit."""
    n, k = 300, 4
    draw = scores_of(k, n, rng)(rates.false_fail)
    while True:
        u, ratios = draw()
        yield weight(ratios), shape.score(float(shape.legendre(k, u).sum()), n, rates, k=k)


@sampled("shape.scores", "n = 300", "bound", drawn="probabilities tilted by any one of the scores")
def scores(rates: Rates, rng: Rng) -> Samples:
    """Uniform numbers are tilted by one of three scores to one of its limits."""
    n = 300
    part = share(rates, len(shape.SCORES))
    both = {k: tilts(shape.score_terms(k), n, part.false_fail) for k in shape.SCORES}
    while True:
        k = shape.SCORES[rng.integers(len(shape.SCORES))]
        chosen = both[k][rng.integers(2)]
        u = tilted(rng.random, lambda u: shape.legendre(k, u), chosen, n, rng)  # noqa: B023 - used at once
        ratios = [
            tilt.t * float(shape.legendre(k, u).sum()) - n * tilt.cumulant for k in both for tilt in both[k]
        ]
        yield weight(ratios), shape.scores(u, rates)
