"""SP301 to SP305: what depth does to a model from end to end, on the median over seeds.

At finite width the size of a deep signal has heavy tails, and no exact law is known of a batch, so that the
claim is one of equivalence: the median over independent seeds lies within a stated margin of theory. See
`depth_laws.MARGIN` for where the margin comes from, and `depth_walks` for what is walked. The exact laws of
single layers (SP201 and on) see far smaller faults; these see what no layer shows by itself.
"""

from __future__ import annotations

import math

import numpy as np

from verinit.checks.applicability import layers_said
from verinit.checks.depth_figures import by_depth, likely
from verinit.checks.depth_laws import (
    MARGIN,
    Curve,
    Floats,
    Theory,
    plain,
    planned,
    seeds,
    theory,
    unsaid,
)
from verinit.checks.depth_walks import Profile, profiles
from verinit.checks.registry import check
from verinit.laws.growth import batchnorm_growth
from verinit.statistics.equivalence import median_within
from verinit.vocabulary import Case, CheckSkipped, Evidence, Measured, Target, Trial

REACH = 2.5
"""Departure that must be seen, in standard deviations of one input's own law: a stated resolution.

For He and ReLU at width 128 and depth 5 a factor of 2.8 in the mean square, end to end.
"""


def _stacked(found: list[Profile], part: str) -> Floats:
    """One part of all profiles, (seeds, depth).

    Raises `CheckSkipped` where the walks have none, or not the same number of layers.
    """
    depths = {getattr(each, part).size for each in found}
    if depths == {0}:
        raise CheckSkipped(
            "the walk does not come back: no gradient is shown" if part == "gradient" else "no layer"
        )
    if len(depths) > 1:
        raise ValueError(f"walks of {min(depths)} and of {max(depths)} layers: every walk has the same depth")
    return np.array([getattr(each, part) for each in found])


def _judged(trial: Trial, observed: Floats, curve: Curve, at: int, quantity: str) -> Evidence:
    """The median over seeds of one layer's departures, in standard deviations."""
    return median_within(
        curve.scores(observed)[:, at],
        expected=0.0,
        margin=MARGIN,
        outer_margin=trial.discrepancy,
        rates=trial.rates,
        quantity=quantity,
    )


def _seen(trial: Trial, part: str) -> tuple[Floats, Theory]:
    observed = _stacked(profiles(trial), part)
    return observed, theory(trial, observed.shape[1])


def signals(trial: Trial) -> tuple[Floats, Curve]:
    """Logs of the mean squares of the pre-activations, (seeds, depth), and their law."""
    observed, laws = _seen(trial, "signal")
    return observed, laws.signal


def gradients(trial: Trial) -> tuple[Floats, Curve]:
    """Logs of the mean squares of the gradient at each layer's inputs, (seeds, depth), and their law."""
    observed, laws = _seen(trial, "gradient")
    return observed, laws.gradient


def likeness(trial: Trial) -> tuple[Floats, Curve]:
    """Mean cosines between pre-activations, (seeds, depth), and their law."""
    observed, laws = _seen(trial, "cosines")
    return observed, laws.cosines


@check(
    "SP301",
    kind="model",
    equation="median log|z_L|^2 = log q_L + O(L / n)",
    source="Schoenholz et al. 2017, section 3",
    discrepancy=REACH,
    samples=planned,
    applies=plain,
    after=("SP101",),
    exhibit=by_depth(signals, "mean square of the pre-activations", "ln", "signal"),
)
def signal_arrives_as_theory_says(trial: Trial) -> Measured:
    """What arrives at the last layer has the mean square that the scheme and the activation promise.

    Small errors add up over layers, and an activation that is not the one the gain was made for shows only
    here. Discrepancy and margin are in standard deviations of the log of one input's mean square, of order
    sqrt(depth / width); the median does not follow the mean, which rare seeds carry.
    """
    observed, curve = signals(trial)
    words = "median log mean square of the last pre-activations less its law / standard deviation"
    evidence = _judged(trial, observed, curve, -1, words)
    return Measured(evidence=evidence, sufficient=_sizes(observed), likely=likely(observed, curve, "signal"))


def _sizes(observed: Floats) -> tuple[tuple[str, float], ...]:
    """Medians over seeds, layer by layer, in octaves."""
    middle = np.median(observed, axis=0) / math.log(2.0)
    return tuple((f"log2 at layer {i}", float(m)) for i, m in enumerate(middle, start=1))


@check(
    "SP302",
    kind="model",
    equation="median log|g_1|^2 = sum log chi_l + O(L / n)",
    source="Schoenholz et al. 2017, section 3",
    discrepancy=REACH,
    samples=planned,
    applies=plain,
    after=("SP101",),
    exhibit=by_depth(gradients, "mean square of the gradient at the inputs", "ln", "gradient"),
)
def gradient_comes_back_as_theory_says(trial: Trial) -> Measured:
    """What comes back to the first layer has the mean square that the backward gains promise.

    A slope taken at the wrong place, a factor too many in each layer, a mask applied twice: the forward pass
    is right, and learning is not. Discrepancy and margin as of the signal.
    """
    observed, curve = gradients(trial)
    words = "median log mean square of the gradient at the inputs less its law / standard deviation"
    evidence = _judged(trial, observed, curve, 0, words)
    return Measured(
        evidence=evidence, sufficient=_sizes(observed), likely=likely(observed, curve, "gradient")
    )


@check(
    "SP303",
    kind="model",
    equation="c_{l+1} = E[f(u) f(v)] / E[f(u)^2]",
    source="Poole et al. 2016, section 2",
    discrepancy=REACH,
    samples=planned,
    applies=plain,
    after=("SP101",),
    exhibit=by_depth(likeness, "mean cosine between two inputs", "", "likeness"),
)
def inputs_grow_alike_as_theory_says(trial: Trial) -> Measured:
    """Two inputs grow alike, or apart, as the map of the cosine says.

    Inputs that have become one cannot be told apart by anything above; a bias that was not declared, or
    statistics taken across the batch, move them while every size stays right. Discrepancy and margin are in
    standard deviations of the cosine of one pair.
    """
    observed, curve = likeness(trial)
    words = "median mean cosine of the last pre-activations less its law / standard deviation"
    evidence = _judged(trial, observed, curve, -1, words)
    middle = np.median(observed, axis=0)
    named = tuple((f"cosine at layer {i}", float(c)) for i, c in enumerate(middle, start=1))
    return Measured(evidence=evidence, sufficient=named)


@check(
    "SP304",
    kind="model",
    equation="(sum s_i)^2 / sum s_i^2 = N / (1 + (N - 1) c^2)",
    source="Poole et al. 2016, section 2",
    discrepancy=REACH,
    samples=planned,
    applies=plain,
    after=("SP101",),
)
def a_batch_keeps_its_effective_rank(trial: Trial) -> Evidence:
    """A batch spans as many directions at the last layer as the map of the cosine leaves it.

    The participation ratio of its Gram matrix: how many different things the units still say. It sees pairs
    that the mean cosine averages away. Discrepancy and margin are in what one standard deviation of a cosine
    moves of its log.
    """
    observed, laws = _seen(trial, "ranks")
    words = "median log2 effective rank of the last pre-activations less its law / standard deviation"
    return _judged(trial, np.log2(observed), laws.ranks, -1, words)


FEWEST = 4
"""Layers of a stack between whose ends growth is seen."""
LEAST_BATCH = 16
"""A smaller batch leaves too little of the gradient beside the two directions that batch norm takes."""
OCTAVE = 0.4
"""Departure of the growth per layer that must be seen, in octaves of the mean square: stated."""
OFF = 2.0
"""How far the growth per layer may lie off, in octaves over the number of inputs N: stated.

The law's own correction for a batch of N is 1.44 / N octaves; what it leaves out is of the same order. On
right stacks of relu, tanh, sigmoid and gelu, N 16 to 64, widths 64 to 256, depths 4 to 10, it was 1.2 / N at
most (`tests/properties/test_depth_checks.py` measures a part of it again).
"""
SCATTER = 5.7
"""Over the root of N n k: standard deviation over seeds of the mean growth of k layers of width n, at most.

A mean square of N n dependent numbers; calibrated on the same stacks, where 5.0 is the largest.
"""


def _between(depth: int) -> int:
    """Layers whose growth is seen: neither the first, whose inputs have not been through f, nor the top two,
    where the cotangent is not yet that of a batch norm.
    """
    return depth - 3


def _normed(target: Target, case: Case) -> str:
    """Why the growth under batch norm is not spoken of; empty if it is."""
    if not target.says("batch_norm"):
        return "no batch norm is declared"
    if target.says("residual"):
        return "a sum of branches carries the gradient around the batch norm"
    reason = unsaid(target, case)
    if reason or case.shape[0] >= LEAST_BATCH:
        return reason
    return f"a batch of {case.shape[0]} is too small for the law; {LEAST_BATCH} or more are needed"


def _growth_samples(trial: Trial) -> int:
    rows, width = trial.case.shape
    depth = layers_said(trial.target, trial.case, otherwise=FEWEST)
    scatter = SCATTER / math.sqrt(rows * width * max(1, _between(depth)))
    return seeds(trial.rates, (trial.discrepancy - OFF / rows) / scatter) * trial.case.size


def growth_seen(gradient: Floats) -> Floats:
    """Octaves per layer of the mean square of gradients (seeds, depth) in natural logs, one number a seed."""
    apart = gradient[:, 1] - gradient[:, -2]
    return np.asarray(apart / (_between(gradient.shape[1]) * math.log(2.0)))


@check(
    "SP305",
    kind="model",
    equation="|g_{l-1}|^2 / |g_l|^2 = E[f'(Z)^2] / Var[f(Z)]",
    source="Yang et al. 2019",
    discrepancy=OCTAVE,
    samples=_growth_samples,
    applies=_normed,
    after=("SP101",),
)
def batch_norm_makes_gradients_grow_backwards(trial: Trial) -> Evidence:
    """Batch norm makes a gradient grow from layer to layer on its way back, by a law of the activation alone.

    For ReLU its mean square grows by pi / (pi - 1) a layer, whatever the weights. A backward pass that takes
    the statistics for constants, or forgets a factor, learns with another gradient. The discrepancy is in
    octaves of the mean square per layer; a batch of N multiplies it by (N - 2) / (N - 3).
    """
    rows = trial.case.shape[0]
    observed = _stacked(profiles(trial), "gradient")
    if observed.shape[1] < FEWEST:
        raise CheckSkipped(f"growth is seen between layers; of {observed.shape[1]} none lies between")
    law = batchnorm_growth(str(trial.target.says("activation"))).value * (rows - 2) / (rows - 3)
    return median_within(
        growth_seen(observed),
        expected=math.log2(law),
        margin=OFF / rows,
        outer_margin=trial.discrepancy,
        rates=trial.rates,
        quantity="median growth of the gradient's mean square per layer [octaves]",
    )
