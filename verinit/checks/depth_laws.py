"""What depth should do to a model that declares its scheme and its activation, where the theory can tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from verinit.checks.applicability import layers_said
from verinit.checks.depth_walks import START, unit
from verinit.laws.correlation import cosines, effective_rank
from verinit.laws.finite_width import cosine_spreads, gradient_log_moments, log_norm_moments
from verinit.laws.marginals import law_of
from verinit.laws.responses import RESPONSES
from verinit.laws.schemes import parse
from verinit.statistics.equivalence import median_rank, seeds_needed
from verinit.vocabulary import Case, CheckSkipped, Rates, Scheme, Target, Trial, UsageError

Floats = NDArray[np.float64]

MARGIN = 0.5
"""How far the median over seeds may lie from the law, in standard deviations of one input's own law: stated.

That deviation is of order sqrt(depth / width), what the law leaves out of order depth / width. Measured on
right stacks of relu, tanh, sigmoid and gelu, widths 32 to 128, batches of 4 to 32, depths of 5 up to
`DEEPEST`, where `SMALL` lets them pass, 150 seeds: at most 0.37 (`benchmarks/depth_margins.py`, a part of it
again in `tests/properties/test_depth_checks.py`).
"""
DEEPEST = 0.25
"""Greatest depth / width to which the leading order is trusted.

At 50 layers of 64 units the gradient of tanh with std 1 lies 0.7 standard deviations off, the effective rank
of tanh with Xavier's 2.0; at 50 of 128 three medians lie off by 0.53 to 0.56 (the same with `--beyond`).
"""
SMALL = 1.0
"""Greatest variance of one input's log, in nats^2, to which the leading order in 1 / width is trusted."""
SEEDS = 36
"""The fewest seeds over which a median is judged."""
NARROWEST = 32
"""A narrower ReLU layer may die, which a law of logs knows nothing of: 2^-32 a layer here."""
NEAREST = 0.1
"""What must be seen lies this far beyond the margin at least, in standard deviations: some 20,000 seeds."""
WEIGHTS = 1 << 22
"""Weights that one walk may draw: a median asks for some hundred walks."""
_IID = ("normal", "uniform", "truncated_normal")


def scheme_said(target: Target) -> Scheme | None:
    """The scheme that a model declares, as its own or among what it says."""
    if target.scheme is not None:
        return target.scheme
    said = target.says("scheme")
    return None if said is None else parse(str(said))


def unsaid(target: Target, case: Case) -> str:
    """Why no law by depth can be held against a model at a case; empty if one can."""
    scheme = scheme_said(target)
    if scheme is None:
        return f"{target.name} declares no scheme, so nothing is known of its signal"
    if scheme.family not in _IID or scheme.mean != 0.0:
        return f"the laws by depth are of independent weights of mean 0; {target.name} declares {scheme}"
    if str(target.says("activation")) not in RESPONSES:
        return f"{target.name} declares no activation that the laws know: give one, such as activation='relu'"
    if len(case.shape) != 2 or case.shape[0] < 2:
        return f"a batch of two inputs or more is needed; shape {case.shape} has none"
    if not case.shape[0] < case.shape[1]:
        return f"inputs of one cosine need a width above their number; shape {case.shape}"
    if case.shape[1] < NARROWEST:
        return f"at width {case.shape[1]} a layer may die; the laws by depth need {NARROWEST} or more"
    drawn = case.shape[1] ** 2 * layers_said(target, case, otherwise=1)
    if drawn > WEIGHTS:
        return f"a walk draws {drawn} weights, and hundreds of walks are needed"
    return ""


def plain(target: Target, case: Case) -> str:
    """Why the laws of a plain stack do not apply; empty if they do."""
    for said, what in (("batch_norm", "batch norm"), ("residual", "a sum of branches")):
        if target.says(said):
            return f"{what} resets the signal: its growth has a law of its own"
    return unsaid(target, case) or _too_deep(layers_said(target, case, otherwise=1), case.shape[1])


def _too_deep(depth: int, width: int) -> str:
    """Why the leading order in depth / width is not trusted; empty if it is."""
    if depth <= DEEPEST * width:
        return ""
    return f"{depth} layers of {width} units: laws to first order in depth / width are trusted to {DEEPEST:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A law by depth: what is expected, and the standard deviation of one input, each (depth,)."""

    mean: Floats
    spread: Floats

    def scores(self, observed: Floats) -> Floats:
        """How far observed values lie off, in standard deviations."""
        return (observed - self.mean) / self.spread


@dataclass(frozen=True, slots=True, kw_only=True)
class Theory:
    """All laws by depth of one plain stack."""

    signal: Curve
    gradient: Curve
    cosines: Curve
    ranks: Curve


def gain_of(target: Target, width: int) -> float:
    """The n Var[W] that the declared scheme gives to a square layer."""
    scheme = scheme_said(target)
    if scheme is None:
        raise UsageError(f"{target.name} declares no scheme")
    return width * law_of(scheme, (width, width)).std ** 2


def theory(trial: Trial, depth: int) -> Theory:
    """The laws of a trial's stack, once its depth is seen.

    Raises `CheckSkipped` where the leading order in 1 / width is not small any more.
    """
    inputs, width = trial.case.shape
    if reason := _too_deep(depth, width):
        raise CheckSkipped(reason)
    gain = gain_of(trial.target, width)
    found, variance = _theory(
        str(trial.target.says("activation")), width, depth, gain, inputs, unit(trial.case)
    )
    if not variance <= SMALL:
        raise CheckSkipped(
            f"at depth {depth} and width {width} the log of a mean square has variance {variance:.2g}: laws "
            f"to first order in depth / width are trusted up to {SMALL:g}"
        )
    return found


@lru_cache(maxsize=64)
def _theory(
    activation: str, width: int, depth: int, gain: float, inputs: int, u: float
) -> tuple[Theory, float]:
    stack: dict[str, Any] = {"width": width, "depth": depth, "gain": gain}
    one = log_norm_moments(activation, cosine=START, **stack).preactivations
    if not float(one.variance.max()) <= SMALL:
        nothing = Curve(mean=np.empty(0), spread=np.empty(0))
        return Theory(signal=nothing, gradient=nothing, cosines=nothing, ranks=nothing), float(
            one.variance.max()
        )
    rounding = 4.0 * u * np.arange(1, depth + 1)
    many = log_norm_moments(activation, cosine=START, inputs=inputs, **stack).preactivations
    back = gradient_log_moments(activation, cosine=START, inputs=inputs, **stack)
    alone = gradient_log_moments(activation, cosine=START, **stack)
    c = cosines(activation, fan_in=width, std=math.sqrt(gain / width), depth=depth, start=START)
    stray = cosine_spreads(activation, start=START, **stack) + rounding
    return Theory(
        signal=Curve(mean=many.mean, spread=np.sqrt(one.variance) + rounding),
        gradient=Curve(mean=back.mean, spread=np.sqrt(alone.variance) + rounding[::-1]),
        cosines=Curve(mean=c, spread=stray),
        ranks=_ranks(c, stray, inputs),
    ), float(one.variance.max())


def _ranks(c: Floats, stray: Floats, inputs: int) -> Curve:
    """Log2 of the participation ratio: E[cos^2] = c^2 + its variance; and what one deviation of c moves."""

    def log_rank(cosine: Floats) -> Floats:
        size = np.minimum(1.0, np.sqrt(cosine * cosine + stray * stray))
        return np.log2([effective_rank(inputs, float(each)) for each in size])

    middle = log_rank(c)
    spread = np.maximum(np.abs(log_rank(c + stray) - middle), np.abs(log_rank(np.abs(c) - stray) - middle))
    return Curve(mean=middle, spread=spread)


def seeds(rates: Rates, reach: float) -> int:
    """Seeds for a median to be judged where it lies `reach` standard deviations beyond the margin.

    Each value lies on the near side of the margin with probability Phi(-reach) at most, where it scatters no
    more than a normal law of one standard deviation; too many of them must do so with probability at most
    `false_pass`, for the outer interval and for the verdict of a fault.
    Raises `UsageError` where what must be seen lies hardly beyond the margin.
    """
    if not reach >= NEAREST:
        raise UsageError(
            f"a departure of {reach:.3g} standard deviations beyond the margin asks for too many seeds; "
            f"give a discrepancy that is {NEAREST:g} or more beyond it"
        )
    near = float(special.ndtr(-reach))
    n = max(SEEDS, seeds_needed(min(rates.false_fail, rates.false_pass)))
    while 2.0 * float(special.bdtrc(_rank(n, rates) - 1, n, near)) > rates.false_pass:
        n += 1 + n // 64
    return n


def _rank(n: int, rates: Rates) -> int:
    return min(median_rank(n, rates.false_fail), median_rank(n, rates.false_pass))


def planned(trial: Trial) -> int:
    """Numbers that a trial takes: as many batches as it takes seeds."""
    return seeds(trial.rates, trial.discrepancy - MARGIN) * trial.case.size
