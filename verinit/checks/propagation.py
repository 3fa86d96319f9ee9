"""SP201 to SP205: what a layer does to signal and gradient, by laws that are exact at any width and depth.

All of them condition on what the layer saw, so that no layer answers for another: see `verinit.checks.walks`
for the two theorems. Each statistic is added up over independent networks; the layer that is least likely is
named.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from verinit.checks.applicability import layers_said
from verinit.checks.failures import scale_mistake
from verinit.checks.registry import check
from verinit.checks.samples import squares
from verinit.checks.walks import EXCUSED, Layer, Walks, walks
from verinit.statistics import binomial, marginal
from verinit.statistics.tails import log_p, p_value
from verinit.vocabulary import Case, CheckSkipped, Evidence, Measured, Rates, Target, Trial

SOURCE = "Muirhead 1982, theorem 3.2.14"
LAYERS = 64
"""Layers that a plan reckons with where neither case nor target says how many there are."""


def normal_weights(target: Target, case: Case) -> str:
    """The exact laws hold for normal weights with mean 0."""
    scheme = target.scheme
    if scheme is None:
        return "no scheme is declared for the weights"
    if scheme.family != "normal" or scheme.mean:
        return f"weights of {scheme} are not normal with mean 0"
    return ""


def independent_weights(target: Target, case: Case) -> str:
    """Gains and signs are known for independent weights of a symmetric law about 0."""
    scheme = target.scheme
    if scheme is None:
        return "no scheme is declared for the weights"
    uneven = scheme.cut is not None and scheme.cut[0] != -scheme.cut[1]
    if scheme.family not in ("normal", "uniform", "truncated_normal") or scheme.mean or uneven:
        return f"weights of {scheme} are not independent and symmetric about 0"
    return ""


def with_a_way_back(target: Target, case: Case) -> str:
    """The inputs must leave some directions of the first layer free."""
    reason = normal_weights(target, case)
    if reason or case.shape[0] < case.shape[1]:
        return reason
    return f"{case.shape[0]} inputs leave no direction of {case.shape[1]} free"


def depth_of(trial: Trial) -> int:
    """Layers of the model at this case, as far as they are known before it is walked."""
    return layers_said(trial.target, trial.case, otherwise=LAYERS)


def seen(trial: Trial) -> Walks:
    """The walks that all checks of one target at one case share."""
    return walks(trial.target, trial.case, trial.root)


def _gain_samples(trial: Trial) -> int:
    rates = _part(trial.rates, depth_of(trial))
    terms = squares(trial.target)
    return marginal.variance_samples(rates, trial.discrepancy - 6.0 * EXCUSED, terms=terms)


def _gain(trial: Trial, way: str, words: str) -> Measured:
    """The gain of the layer that is least likely, and the RMS gains of all layers.

    Raises `CheckSkipped` where nothing reaches a layer, and those that something reaches are right.
    """
    walked, terms = seen(trial), squares(trial.target)
    energies = walked.energies(way, trial.n)
    reached = {number: energy for number, energy in enumerate(energies, start=1) if energy is not None}
    rates = _part(trial.rates, len(energies))
    found = {
        number: marginal.variance(
            energy.squares,
            energy.freedom,
            rates,
            terms=terms,
            excuse=2.0 * energy.excuse + energy.excuse**2,
            quantity=f"gain of the mean square{words} / predicted, layer {number}",
        )
        for number, energy in reached.items()
    }
    wrong = [number for number, evidence in found.items() if not evidence.distance <= evidence.tolerance]
    if not wrong and len(reached) < len(energies):
        missed = next(number for number in range(1, len(energies) + 1) if number not in reached)
        raise CheckSkipped(f"nothing reaches layer {missed} in {walked.dtype} that rounding would leave")
    gains = {number: energy.gain for number, energy in reached.items()}
    return Measured(
        evidence=_least_likely(list(found.values())),
        sufficient=tuple((f"RMS gain, layer {number}", gain) for number, gain in gains.items()),
        likely=_named(gains, wrong, words, _mistake(trial, list(found.values()))),
    )


def _mistake(trial: Trial, found: list[Evidence]) -> str:
    """The well-known mistake that would leave every layer's ratio."""
    width = trial.case.shape[1]
    square = replace(trial, case=Case(shape=(width, width)))
    return scale_mistake([(square, evidence) for evidence in found])


def _named(gains: dict[int, float], wrong: list[int], words: str, mistake: str) -> str:
    """One layer and its ratio where the others are right, all layers where none is."""
    name = f"RMS gain{words}"
    if len(wrong) == 1 < len(gains):
        return f"layer {wrong[0]} alone: its {name} is {gains[wrong[0]]:.4g} times the predicted one"
    if len(wrong) == len(gains) > 1:
        least, most = min(gains.values()), max(gains.values())
        told = f"every layer: its {name} is {least:.4g} to {most:.4g} times the predicted one"
        return f"{told}; {mistake}" if mistake else told
    if wrong:
        listed = ", ".join(f"{number} ({gains[number]:.3g})" for number in wrong)
        return f"layers {listed}: {name} over the predicted one in brackets"
    return ""


def _least_likely(found: list[Evidence]) -> Evidence:
    """The evidence of the layer with the least p-value, which is then that of the least of so many."""
    worst = min(found, key=log_p)
    p, log10_p = p_value(log_p(worst) + math.log(len(found)))
    resolution = max(evidence.resolution for evidence in found)
    return replace(worst, p=p, log10_p=log10_p, resolution=resolution)


def _part(rates: Rates, parts: int) -> Rates:
    """The rates of one of several layers that are judged together: a union bound."""
    return Rates(false_fail=rates.false_fail / parts, false_pass=rates.false_pass)


@check(
    "SP201",
    kind="model",
    equation="|S^-1 U' X W|^2 / s^2 is chi-square, X = U S V'",
    source=SOURCE,
    discrepancy=0.0975,
    samples=_gain_samples,
    applies=independent_weights,
    after=("SP101",),
)
def every_layer_gains_what_its_weights_promise(trial: Trial) -> Measured:
    """Every layer multiplies the RMS of its inputs by what its weights promise.

    A gain error of a few per cent a layer is a fading or exploding network at depth. Given its inputs, what a
    layer sends is normal, whatever came before: each layer is judged by itself, exactly, at any width. Where
    weights are independent but not normal, the gain is that over all directions of the input, |W|^2 / (s^2 in
    out), by Chernoff's bound. The discrepancy is that of the mean square: 5 % of the RMS.
    """
    return _gain(trial, "forward", "")


@check(
    "SP202",
    kind="model",
    equation="|P (D W')' S^-1|^2 / s^2 is chi-square, P off the inputs",
    source=SOURCE,
    discrepancy=0.0975,
    samples=_gain_samples,
    applies=with_a_way_back,
    after=("SP101",),
)
def every_layer_sends_back_what_its_weights_promise(trial: Trial) -> Measured:
    """Every layer multiplies the RMS of the gradient by what its weights promise.

    The gradient that comes in depends on the weights through the layer's outputs, so that its plain gain
    follows no simple law; the part of it that is orthogonal to the layer's inputs does, exactly. The
    discrepancy is that of the mean square: 5 % of the RMS.
    """
    return _gain(trial, "backward", " of the gradient")


def _link_samples(trial: Trial) -> int:
    return marginal.mean_samples(_part(trial.rates, 3 * depth_of(trial)), trial.discrepancy)


@check(
    "SP203",
    kind="model",
    equation="corr(W_l, W_m) = 0",
    source="Schoenholz et al. 2017, section 2",
    discrepancy=0.05,
    samples=_link_samples,
    applies=normal_weights,
    after=("SP101",),
    scales=False,
)
def layers_are_drawn_independently(trial: Trial) -> Evidence:
    """The weights of a layer know nothing of those of the layers before it.

    A generator that is seeded anew for every layer, or one weight that is used twice, leaves every layer's
    own law as it was; theory of depth assumes fresh weights. A layer is compared with the first of its shape,
    with the last before it, and with the sum of all before it, in which a copy of one among k weighs
    1 / sqrt(k).
    """
    have = seen(trial).enough(lambda layer: layer.size if layer.links else trial.n, trial.n)
    rows = [
        (f"correlation of the weights of layer {number} with {other}", column, other)
        for number, column in enumerate(zip(*have, strict=True), start=1)
        for other in column[0].links
    ]
    if not rows:
        raise CheckSkipped("no two layers that could be compared have the same shape")
    found = []
    for name, column, other in rows:
        total = sum(layer.links[other] * layer.size for layer in column)  # a sum of `n` numbers N(0, 1)
        n = sum(layer.size for layer in column)
        found.append(marginal.mean(total, n, _part(trial.rates, len(rows)), quantity=name))
    return _least_likely(found)


def _share_samples(trial: Trial) -> int:
    rates = _part(trial.rates, depth_of(trial))
    return binomial.share_samples(rates, trial.discrepancy, expected=0.5)


def _worst_share(
    trial: Trial, pairs: Callable[[Layer], tuple[int, int]], have: list[tuple[Layer, ...]], words: str
) -> Evidence:
    """Hits and looks of every layer, each a fair coin: the layer that is least likely."""
    columns = list(zip(*have, strict=True))
    found = []
    for number, column in enumerate(columns, start=1):
        hits, looks = (sum(each) for each in zip(*map(pairs, column), strict=True))
        if looks:
            rates = _part(trial.rates, len(columns))
            found.append(
                binomial.share(hits, looks, rates, expected=0.5, quantity=f"{words}, layer {number}")
            )
    if not found:
        raise CheckSkipped("no layer sends anything")
    return _least_likely(found)


@check(
    "SP204",
    kind="model",
    equation="P(z > 0) = 1/2",
    source="He et al. 2015, section 2.2",
    discrepancy=0.12,
    samples=_share_samples,
    applies=independent_weights,
    after=("SP101",),
    scales=False,
)
def half_of_the_units_fire(trial: Trial) -> Evidence:
    """Of every input half of the units of a layer are above zero.

    That half is what He's factor 2 makes up for. A bias that was not declared, weights with a mean or a sign
    of their own move it. Exact: given the input, signs are independent fair coins.
    """
    have = seen(trial).enough(lambda layer: layer.positive[1], trial.n)
    return _worst_share(trial, lambda layer: layer.positive, have, "share of units above 0 for one input")


@check(
    "SP205",
    kind="model",
    equation="P(unit dead on the batch) = P(unit alive on all of it)",
    source="He et al. 2015, section 2.2",
    discrepancy=0.25,
    samples=_share_samples,
    applies=independent_weights,
    after=("SP101", "SP204"),
    scales=False,
)
def as_many_units_are_dead_as_never_rest(trial: Trial) -> Evidence:
    """As many units are below zero on the whole batch as are above zero on the whole of it.

    A ReLU that no input wakes learns nothing; how many there are is a matter of how alike the inputs have
    become, but weights without a preferred sign leave as many that no input puts to sleep. Exact: given the
    inputs, W and -W are equally likely. The discrepancy is that of the share of the dead among both.
    """
    have = seen(trial).first(math.ceil(LOOKED_AT / trial.case.shape[1]))
    columns = list(zip(*have, strict=True))
    rates = _part(trial.rates, len(columns))
    wanted = binomial.share_samples(rates, trial.discrepancy, expected=0.5)
    enough = [
        number
        for number, column in enumerate(columns)
        if sum(sum(layer.one_sided) for layer in column) >= wanted
    ]
    if not enough:
        raise CheckSkipped("fewer units than it takes are on one side of 0 for the whole batch")
    found = []
    for number in enough:
        sides = [layer.one_sided for layer in columns[number]]
        dead, alive = (sum(each) for each in zip(*sides, strict=True))
        found.append(
            binomial.share(
                dead,
                dead + alive,
                rates,
                expected=0.5,
                quantity=f"share of dead units among those on one side, layer {number + 1}",
            )
        )
    return _least_likely(found)


LOOKED_AT = 2048
"""Units of a layer looked at: how many are dead is no matter of plan, but of how alike the inputs are."""
