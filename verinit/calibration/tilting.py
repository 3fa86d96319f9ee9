"""Where rejections are drawn, and what a sample drawn there weighs.

A test at 1e-9 rejects right code never within reach of any number of replays. Its samples are therefore drawn
from a mixture of laws under which it rejects often, one for each way in which it may, and each is weighed by
dP0/dQ, P0 the law of right code and Q the mixture. The mean weight of rejected samples is the false-alarm
rate, without bias, and never heavier than the number of components times the tail itself.

A sampler is registered with `@sampled`; it yields (weight, evidence) for ever. Where the rate can be summed
or is known in closed form, `@computed` returns it; where only a proof speaks, `proved` says so.
Source: Hesterberg 1995 (defensive mixtures).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import logsumexp

from verinit.calibration.record import Kind
from verinit.statistics.chernoff import Terms, limits
from verinit.vocabulary import Evidence, Rates

Floats = NDArray[np.float64]
Samples = Iterator[tuple[float, Evidence]]
Sampler = Callable[[Rates, np.random.Generator], Samples]
Computed = Callable[[Rates], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way to learn the false-alarm rate of one test: sampled, computed, or by proof alone."""

    test: str
    variant: str
    kind: Kind
    how: str
    sampler: Sampler | None = None
    computed: Computed | None = None


WAYS: dict[tuple[str, str], Way] = {}


def _add(way: Way) -> None:
    if (way.test, way.variant) in WAYS:
        raise ValueError(f"{way.test} ({way.variant}) is registered twice")
    WAYS[way.test, way.variant] = way


def sampled(test: str, variant: str, kind: Kind, *, drawn: str) -> Callable[[Sampler], Sampler]:
    """Register a sampler; drawn: what is tilted, in words."""

    def register(sampler: Sampler) -> Sampler:
        how = f"importance sampling, {drawn}"
        _add(Way(test=test, variant=variant, kind=kind, how=how, sampler=sampler))
        return sampler

    return register


def computed(test: str, variant: str, kind: Kind, *, how: str) -> Callable[[Computed], Computed]:
    """Register a function that returns the false-alarm rate itself."""

    def register(function: Computed) -> Computed:
        _add(Way(test=test, variant=variant, kind=kind, how=how, computed=function))
        return function

    return register


def proved(test: str, variant: str, kind: Kind, *, source: str) -> None:
    """Register that a rate was not sampled, and where it is proved."""
    _add(Way(test=test, variant=variant, kind=kind, how=f"not sampled: {source}"))


def rejected(evidence: Evidence) -> bool:
    """Whether the evidence refutes what it looked at, at any resolution."""
    return not (math.isfinite(evidence.distance) and evidence.distance <= evidence.tolerance)


# -- weights ---------------------------------------------------------------------------------------


def weight(log_ratios: ArrayLike) -> float:
    """dP0/dQ of an even mixture Q, from log dQ_i/dP0 of its components."""
    ratios = np.asarray(log_ratios, dtype=np.float64).ravel()
    return math.exp(math.log(ratios.size) - float(logsumexp(ratios)))


def scaled(energy: ArrayLike, freedom: ArrayLike, scales: ArrayLike) -> Floats:
    """The log of dQ/dP0 where `freedom` normal numbers, of that energy, were drawn with variance `scales`."""
    s = np.asarray(scales, dtype=np.float64)
    return np.asarray(0.5 * np.asarray(energy) * (1.0 - 1.0 / s) - 0.5 * np.asarray(freedom) * np.log(s))


def shifted(t: ArrayLike, shifts: ArrayLike) -> Floats:
    """The log of dQ/dP0 where the normal number t was drawn with mean `shifts`."""
    c = np.asarray(shifts, dtype=np.float64)
    return np.asarray(c * np.asarray(t) - c * c / 2)


# -- tilts of bounded terms ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Tilt:
    """The law of one term, tilted by exp(t term) until the mean of n terms lies at the limit of a test.

    cumulant   K(t), so that log dQ/dP0 = t S - n K(t) for a sum S of n terms
    top        the largest t term
    """

    t: float
    cumulant: float
    top: float


def tilts(terms: Terms, n: int, level: float) -> tuple[Tilt, Tilt]:
    """The tilts to the lower and the upper limit of the mean of n terms, each at half the level."""
    low, high = limits(terms, n, level / 2)
    found = []
    for side, limit in ((-1.0, low), (1.0, high)):
        most = terms.steepest

        def beyond(t: float, side: float = side, limit: float = limit) -> float:
            return side * (terms.tilted(side * t)[1] - limit)

        t = most if beyond(most) < 0 else float(brentq(beyond, 0.0, most))
        tops = (side * t * v for v in (min(terms.values), max(terms.values)))
        found.append(Tilt(t=side * t, cumulant=terms.tilted(side * t)[0], top=max(tops)))
    return found[0], found[1]


def tilted(
    draw: Callable[[int], Floats],
    term: Callable[[Floats], Floats],
    tilt: Tilt,
    n: int,
    rng: np.random.Generator,
) -> Floats:
    """Draws whose term is tilted, by rejection: a draw is kept with probability exp(t term - top)."""
    kept: list[Floats] = []
    room = 1e-9  # nodes end a little before the ends of the law
    while sum(map(len, kept)) < n:
        x = draw(4 * n)
        kept.append(x[np.log(rng.random(x.size)) < tilt.t * term(x) - tilt.top - room])
    return np.concatenate(kept)[:n]
