"""SP201 to SP206: what a layer does to signal and gradient, by laws that are exact at any width and depth.

All of them condition on what the layer saw, so that no layer answers for another: see `verinit.checks.walks`
for the two theorems. Each statistic is added up over independent networks; the layer that is least likely is
named.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from verinit.checks.registry import check
from verinit.checks.walks import ROUNDED, Layer, Walks, walks
from verinit.laws.responses import RESPONSES, STEEPEST
from verinit.laws.signal import slope_moment
from verinit.reference.precision import floating
from verinit.statistics import binomial, gains
from verinit.statistics.tails import log_normal, normal_limit, p_value
from verinit.vocabulary import Case, CheckSkipped, Evidence, Measured, Rates, Target, Trial

SOURCE = "Muirhead 1982, theorem 3.2.14"
LAYERS = 64
"""Layers that a plan reckons with where neither case nor target says how many there are."""
NARROW = 32
"""Units below which a whole layer may be dead by chance (2^-32), and with it the way back."""


def normal_weights(target: Target, case: Case) -> str:
    """The exact laws hold for normal weights with mean 0."""
    scheme = target.scheme
    if scheme is None:
        return "no scheme is declared for the weights"
    if scheme.family != "normal" or scheme.mean:
        return f"weights of {scheme} are not normal with mean 0"
    return ""


def with_a_way_back(target: Target, case: Case) -> str:
    """The inputs must leave some directions of the first layer free."""
    reason = normal_weights(target, case)
    if reason or case.shape[0] < case.shape[1]:
        return reason
    return f"{case.shape[0]} inputs leave no direction of {case.shape[1]} free"


def _plain(target: Target, case: Case) -> str:
    reason = with_a_way_back(target, case)
    if reason:
        return reason
    activation = target.says("activation")
    if activation not in RESPONSES:
        return "no activation with a known law is declared"
    if target.says("batch_norm"):
        return "batch norm stands between the pre-activation and the activation"
    return "" if case.shape[1] >= NARROW else f"of fewer than {NARROW} units all may be dead by chance"


def depth_of(trial: Trial) -> int:
    """Layers of the model at this case, as far as they are known before it is walked."""
    said = dict(trial.case.parameters).get("depth", trial.target.says("depth") or LAYERS)
    return int(said)


def seen(trial: Trial) -> Walks:
    """The walks that all checks of one target at one case share."""
    return walks(trial.target, trial.case, trial.root)


def _gain_samples(trial: Trial) -> int:
    excuse = 0.0 if trial.case.dtype in (None, "float64") else ROUNDED
    return gains.gain_samples(depth_of(trial), trial.rates, trial.discrepancy, excuse=excuse)


def _gain(trial: Trial, way: str, words: str) -> Measured:
    """The RMS gain of the layer that is least likely, and those of all layers."""
    energies = seen(trial).energies(way, trial.n)
    names = [f"{words} of layer {number} / predicted" for number in range(1, len(energies) + 1)]
    evidence, worst = gains.gains(energies, trial.rates, names=names)
    return Measured(
        evidence=evidence,
        sufficient=tuple((f"layer {i}", e.gain) for i, e in enumerate(energies, start=1)),
        likely=_named(energies, worst, trial.rates, words),
    )


def _named(energies: list[gains.Energy], worst: int, rates: Rates, words: str) -> str:
    """One layer and its ratio where the others are right, all layers where they share a ratio."""
    count = len(energies)
    limit = math.log(rates.false_fail / count)
    wrong = [i for i, energy in enumerate(energies) if gains.log_p(energy) < limit]
    if len(wrong) == 1 < count:
        ratio = energies[wrong[0]].gain
        return f"layer {wrong[0] + 1} alone: its {words} is {ratio:.4g} times the predicted one"
    if len(wrong) == count > 1:
        ratios = [energy.gain for energy in energies]
        return f"every layer: its {words} is {min(ratios):.4g} to {max(ratios):.4g} times the predicted one"
    if len(wrong) > 1:
        listed = ", ".join(f"{i + 1} ({energies[i].gain:.3g})" for i in wrong)
        return f"layers {listed}: {words} over the predicted one in brackets"
    return ""


@check(
    "SP201",
    kind="model",
    equation="|S^-1 U' X W|^2 / s^2 is chi-square, X = U S V'",
    source=SOURCE,
    discrepancy=0.05,
    samples=_gain_samples,
    applies=normal_weights,
    after=("SP101",),
)
def every_layer_gains_what_its_weights_promise(trial: Trial) -> Measured:
    """Every layer multiplies the RMS of its inputs by what its weights promise.

    A gain error of a few per cent a layer is a fading or exploding network at depth. Given its inputs, what a
    layer sends is normal, whatever came before: each layer is judged by itself, exactly, at any width. The
    gain is that of the RMS.
    """
    return _gain(trial, "forward", "RMS gain")


@check(
    "SP202",
    kind="model",
    equation="|P (D W')' S^-1|^2 / s^2 is chi-square, P off the inputs",
    source=SOURCE,
    discrepancy=0.05,
    samples=_gain_samples,
    applies=with_a_way_back,
    after=("SP101",),
)
def every_layer_sends_back_what_its_weights_promise(trial: Trial) -> Measured:
    """Every layer multiplies the RMS of the gradient by what its weights promise.

    The gradient that comes in depends on the weights through the layer's outputs, so that its plain gain
    follows no simple law; the part of it that is orthogonal to the layer's inputs does, exactly.
    """
    return _gain(trial, "backward", "RMS gain of the gradient")


def _worst_normal(
    means: list[float], sizes: list[int], rates: Rates, names: list[str], basis: str
) -> Evidence:
    """Means of independent numbers N(0, 1 / size): the least likely of them."""
    count = len(means)
    scores = [mean * math.sqrt(size) for mean, size in zip(means, sizes, strict=True)]
    worst = max(range(count), key=lambda i: abs(scores[i]))
    limit = normal_limit(rates.false_fail / (2 * count))
    p, log10_p = p_value(log_normal(scores[worst]) + math.log(count))
    scale = math.sqrt(sizes[worst])
    return Evidence(
        quantity=names[worst],
        expected=0.0,
        observed=means[worst],
        distance=abs(means[worst]),
        tolerance=limit / scale,
        resolution=(limit + normal_limit(rates.false_pass)) / math.sqrt(min(sizes)),
        interval=(means[worst] - limit / scale, means[worst] + limit / scale),
        n=sizes[worst],
        basis=basis,
        p=p,
        log10_p=log10_p,
    )


def _link_samples(trial: Trial) -> int:
    limit = normal_limit(trial.rates.false_fail / (4 * depth_of(trial)))
    return math.ceil(((limit + normal_limit(trial.rates.false_pass)) / trial.discrepancy) ** 2)


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
    """The weights of a layer know nothing of those of the first layer, and of the layer before.

    A generator that is seeded anew for every layer, or one weight that is used twice, leaves every layer's
    own law as it was; theory of depth assumes fresh weights.
    """
    have = seen(trial).enough(lambda layer: layer.size if layer.links else trial.n, trial.n)
    rows = [
        (f"correlation of the weights of layers {other} and {number}", column, place)
        for number, column in enumerate(zip(*have, strict=True), start=1)
        for place, other in enumerate(dict.fromkeys((1, number - 1)))
        if number > 1 and len(column[0].links) > place
    ]
    if not rows:
        raise CheckSkipped("no two layers that could be compared have the same shape")
    means = [sum(layer.links[place] for layer in column) / len(column) for _, column, place in rows]
    sizes = [sum(layer.size for layer in column) for _, column, _ in rows]
    names = [name for name, *_ in rows]
    return _worst_normal(means, sizes, trial.rates, names, f"normal, least likely of {len(rows)} pairs")


def _share_samples(trial: Trial) -> int:
    rates = _part(trial.rates, depth_of(trial))
    return binomial.share_samples(rates, trial.discrepancy, expected=0.5)


def _part(rates: Rates, parts: int) -> Rates:
    return Rates(false_fail=rates.false_fail / parts, false_pass=rates.false_pass)


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
    return max(found, key=lambda e: e.distance / e.tolerance if e.tolerance else math.inf)


@check(
    "SP204",
    kind="model",
    equation="P(z > 0) = 1/2",
    source="He et al. 2015, section 2.2",
    discrepancy=0.12,
    samples=_share_samples,
    applies=normal_weights,
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
    applies=normal_weights,
    after=("SP101", "SP204"),
    scales=False,
)
def as_many_units_are_dead_as_never_rest(trial: Trial) -> Evidence:
    """As many units are below zero on the whole batch as are above zero on the whole of it.

    A ReLU that no input wakes learns nothing; how many there are is a matter of how alike the inputs have
    become, but weights without a preferred sign leave as many that no input puts to sleep. Exact: given the
    inputs, W and -W are equally likely. The discrepancy is that of the share of the dead among both.
    """
    have = seen(trial).first(LOOKED_AT)
    columns = list(zip(*have, strict=True))
    wanted = binomial.share_samples(_part(trial.rates, len(columns)), trial.discrepancy, expected=0.5)
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
                _part(trial.rates, len(columns)),
                expected=0.5,
                quantity=f"share of dead units among those on one side, layer {number + 1}",
            )
        )
    return max(found, key=lambda e: e.distance / e.tolerance if e.tolerance else math.inf)


LOOKED_AT = 16
"""Networks whose dead units are counted: how many there are grows with the batch's likeness, not by plan."""


def _slope_samples(trial: Trial) -> int:
    one, other = _hoeffding(trial.rates.false_fail / depth_of(trial)), math.log(1.0 / trial.rates.false_pass)
    return math.ceil(((math.sqrt(one) + math.sqrt(other)) / trial.discrepancy) ** 2 / 2)


def _hoeffding(level: float) -> float:
    return math.log(2.0 / level)


@check(
    "SP206",
    kind="model",
    equation="E[f'(z)^2], z ~ N(0, s^2 |h|^2) given the input h",
    source="Schoenholz et al. 2017, eq. 9",
    discrepancy=0.15,
    samples=_slope_samples,
    applies=_plain,
    after=("SP101",),
    scales=False,
)
def an_activation_passes_back_what_saturation_leaves(trial: Trial) -> Evidence:
    """What an activation lets through of the gradient is the mean square of its slope.

    Saturation enters a network's gain as this factor and as nothing else. Given an input its units are iid
    normal, so that the factor of one input is a mean of independent numbers between 0 and the steepest slope
    squared (Hoeffding 1963, theorem 2). In units of that square.
    """
    activation = str(trial.target.says("activation"))
    steep = STEEPEST[activation] ** 2

    def looks(layer: Layer) -> int:
        return layer.passed[2] if layer.passed else 0

    have = [walk[:-1] for walk in seen(trial).first(1)]
    needed = max(1, math.ceil(trial.n / max(1, min(map(looks, have[0]), default=1))))
    have = [walk[:-1] for walk in seen(trial).first(needed)]
    rows = []
    for number, column in enumerate(zip(*have, strict=True), start=1):
        told = [layer.passed for layer in column if layer.passed]
        n = sum(count for _, _, count in told)
        if n:
            off = sum(c * (mean - slope_moment(activation, q).value) for mean, q, c in told) / (n * steep)
            rows.append((off, n, f"mean f'(z)^2 less the predicted one, layer {number}, of its largest"))
    if not rows:
        raise CheckSkipped("no layer has an activation above it that sends something back")
    return _worst_bounded(trial, rows)


def _worst_bounded(trial: Trial, rows: list[tuple[float, int, str]]) -> Evidence:
    """Means of n independent numbers between 0 and 1, less their expectation: the least likely."""
    count = len(rows)
    off, n, name = max(rows, key=lambda row: abs(row[0]) * math.sqrt(row[1]))
    excuse = 16.0 * float(_unit(trial))
    bound = math.sqrt(_hoeffding(trial.rates.false_fail / count) / (2 * n))
    missed = math.sqrt(math.log(1.0 / trial.rates.false_pass) / (2 * min(row[1] for row in rows)))
    p, log10_p = p_value(math.log(2.0 * count) - 2.0 * n * max(0.0, abs(off) - excuse) ** 2)
    return Evidence(
        quantity=name,
        expected=0.0,
        observed=off,
        distance=abs(off),
        tolerance=bound + excuse,
        resolution=bound + missed + 2 * excuse,
        interval=(off - bound - excuse, off + bound + excuse),
        n=n,
        basis=f"Hoeffding, least likely of {count} layers",
        p=p,
        log10_p=log10_p,
    )


def _unit(trial: Trial) -> float:
    """The rounding unit of a slope: a quotient of two numbers that were rounded a few times each."""
    return {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}[
        floating(trial.case.dtype).name
    ]
