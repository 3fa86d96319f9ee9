"""IN310 and IN312: arrays that should share nothing, from two seeds and from one generator."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from verinit.checks.matrices import LAW, Floats, wide_enough
from verinit.checks.registry import check
from verinit.checks.sampling import call, generator, law_at, pool_of, scores_apart, shaped
from verinit.statistics import neighbours
from verinit.statistics.family import share, worst
from verinit.vocabulary import Case, Evidence, Target, Trial


def _independent(target: Target, case: Case) -> str:
    """Why the entries of a target are not independent; empty if they are."""
    if target.scheme is not None and target.scheme.family == "orthogonal":
        return "entries of an orthogonal matrix are not independent"
    return wide_enough(target, case)


def _seed_plan(trial: Trial) -> int:
    return neighbours.correlation_samples(trial.rates, trial.discrepancy)


@check(
    "IN310",
    equation="corr(W(s), W(t)) = 0",
    source="SPEC 7",
    discrepancy=0.2,
    samples=_seed_plan,
    applies=_independent,
    after=(*LAW, "IN106"),
    scales=False,
)
def two_seeds_share_nothing(trial: Trial) -> Evidence:
    """Arrays drawn from two seeds are not correlated, entry by entry.

    Layers whose generators share a part of their state begin alike, which no look at one array shows.
    """
    pairs = max(1, math.ceil(trial.n / trial.case.size))
    arrays = [_from_seed(trial, seed) for seed in range(2 * pairs)]
    return neighbours.between(np.stack(arrays[::2]), np.stack(arrays[1::2]), trial.rates)


def _from_seed(trial: Trial, seed: int) -> Floats:
    """The normal scores drawn from a fresh generator."""
    rng = generator(trial.root, trial.target, trial.case, "seed of its own", seed)
    return scores_apart(shaped(call(trial.target, trial.case, rng), trial.case), pool_of(trial).law, rng)


def reversible(target: Target, case: Case) -> str:
    """Why a target draws no layer of the transposed shape, independent of the first; empty if it does."""
    reason = _independent(target, case)
    if not reason and case.parameters:
        reason = "grouped and transposed kernels have no layer of the transposed shape"
    return reason


def _layer_plan(trial: Trial) -> int:
    return neighbours.correlation_samples(share(trial.rates, 2), trial.discrepancy)


@check(
    "IN312",
    equation="corr(W_1, W_2) = corr(W_1, W_2') = 0",
    source="SPEC 7",
    discrepancy=0.2,
    samples=_layer_plan,
    applies=reversible,
    after=LAW,
    scales=False,
)
def two_layers_share_nothing(trial: Trial) -> Evidence:
    """A layer and the next, of the transposed shape, share nothing but their generator.

    Encoders and decoders tied in secret, and noise that is cached by its size, make one layer of two.
    """
    other = replace(trial.case, shape=(*trial.case.shape[:-2], trial.case.shape[-1], trial.case.shape[-2]))
    rng = generator(trial.root, trial.target, trial.case, "two layers in turn")
    pairs = max(1, math.ceil(trial.n / trial.case.size))
    drawn = [[_layer(trial, case, rng) for case in (trial.case, other)] for _ in range(pairs)]
    first = np.stack([one for one, _ in drawn])
    second = np.stack([two for _, two in drawn])
    half, quantity = share(trial.rates, 2), "correlation of two layers"
    parts = {"entry by entry": second.reshape(first.shape), "transposed": second.swapaxes(-1, -2)}
    found = {name: neighbours.between(first, part, half, quantity=quantity) for name, part in parts.items()}
    return worst([replace(part, detail=name) for name, part in found.items()])


def _layer(trial: Trial, case: Case, rng: np.random.Generator) -> Floats:
    """The normal scores of one layer, in the shape of its case."""
    array = shaped(call(trial.target, case, rng), case)
    return scores_apart(array, law_at(trial.target, case), rng).reshape(case.shape)
