"""T18: whether an initial value that spreads activations suitably is a good one, before any training."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from verinit.statistics.equivalence import median_within
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import BINS, DEPTH, SCHEMES, WIDTH, Floats
from verinit.textbook.gradients import how_measured
from verinit.textbook.passes import Profile, by_exact_law, through_network
from verinit.textbook.rules import combined, share
from verinit.textbook.vanishing import GONE, SURELY_KEPT, apart_in_theory, kept
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, Verdict, judge

BAR, HIGH_BAR = 0.5, 0.6
"""Activations spread suitably if no layer has more than half of them (surely at most 60 %) in the two bins
at the centre of 30, or in the two at the ends: an even spread has 1/15 there."""
FAINT = 0.01
"""Standard deviation of faint inputs."""
XAVIER = SCHEMES["Xavier, 1/sqrt(n)"](WIDTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A network with a name, as the table shows it."""

    name: str
    activation: str
    std: float
    profile: Profile


def t18(root: int, rates: Rates) -> Ruling:
    """T18, measured and ruled."""

    def chapters(activation: str, name: str, std: float) -> Example:
        profile = through_network(activation, std, root)
        return Example(name=f"{activation} with {name}", activation=activation, std=std, profile=profile)

    faint = by_exact_law("tanh", XAVIER, root, width=WIDTH, scale=FAINT)
    wide = by_exact_law("sigmoid", 1.0, root, width=1000)
    return spread_is_neither_needed_nor_enough(
        (
            chapters("tanh", "Xavier", XAVIER),
            chapters("sigmoid", "std 0.01", 0.01),
            chapters("sigmoid", "Xavier", XAVIER),
            Example(
                name=f"tanh with Xavier on inputs of std {FAINT:g}",
                activation="tanh",
                std=XAVIER,
                profile=faint,
            ),
        ),
        (
            chapters("sigmoid", "std 1", 1.0),
            Example(name="sigmoid with std 1, width 1000", activation="sigmoid", std=1.0, profile=wide),
        ),
        rates=rates,
    )


def spread_is_neither_needed_nor_enough(
    examples: tuple[Example, ...], others: tuple[Example, ...], *, rates: Rates
) -> Ruling:
    """The spread of the activations tells neither whether inputs stay apart nor whether the gradient is kept.

    examples  ruled on: in each the sentence is right if spread and health agree
    others    for the table
    """
    part = share(rates, 3 * len(examples))
    judged = [(_crowding(e, part), *_health(e, part)) for e in examples]
    right = [_agree(*lines) for lines in judged]
    return Ruling(
        id="T18",
        ruling=combined(right),
        claim=CLAIMS["T18"],
        summary=_summary(examples),
        conditions=f"{how_measured()}; width {WIDTH}. Suitable: in no layer more than {BAR:.0%} of the "
        f"activations lie in the two bins at the centre of {BINS}, or in the two at the ends. Good, as far "
        f"as it shows before training: at least {GONE:g} of the RMS difference between two inputs and of "
        "the gradient's RMS is left after five layers. What suffices for both in wide networks is chi = n "
        "std^2 E[f'(z)^2] near 1 in every layer, with a steady mean square: chi is the gain of the "
        "gradient's mean square and of small differences alike. What training makes of it is T28's question",
        evidence=tuple(item for lines in judged for item in lines),
        exhibits=(*(_left(e, k) for k, e in enumerate(examples, 1)), _table((*examples, *others))),
    )


def _crowded(profile: Profile) -> Floats:
    """Largest share of any layer in the two central or in the two end bins: (runs,)."""
    return np.asarray(np.maximum(profile.middle, profile.ends).max(axis=1))


def _crowding(example: Example, rates: Rates) -> Evidence:
    return median_within(
        _crowded(example.profile),
        expected=0.0,
        margin=BAR,
        outer_margin=HIGH_BAR,
        rates=rates,
        quantity=f"{example.name}: largest share of a layer in two central or two end bins (suitable: at "
        f"most {BAR:g})",
    )


def _health(example: Example, rates: Rates) -> tuple[Evidence, Evidence]:
    profile, name = example.profile, example.name
    return (
        kept(profile.apart[:, -1], rates, f"{name}: difference between inputs left"),
        kept(profile.left, rates, f"{name}: RMS of the gradient left"),
    )


def _agree(crowding: Evidence, apart: Evidence, left: Evidence) -> Verdict:
    """Right where a suitable spread comes with health, or an unsuitable one without it."""
    spread, health = (
        judge(crowding, HIGH_BAR),
        combined([judge(apart, SURELY_KEPT), judge(left, SURELY_KEPT)]),
    )
    good = {"holds": Verdict.passed, "undecided": Verdict.inconclusive}.get(str(health), Verdict.failed)
    if Verdict.inconclusive in (spread, good):
        return Verdict.inconclusive
    return Verdict.passed if spread is good else Verdict.failed


def _summary(examples: tuple[Example, ...]) -> str:
    def told(e: Example) -> str:
        return (
            f"{np.median(e.profile.apart[:, -1]):.2g} of the difference between inputs and "
            f"{np.median(e.profile.left):.2g} of the gradient"
        )

    good, bad, blind, faint = examples
    crowd = f"{np.median(_crowded(faint.profile)):.0%}"
    return (
        f"Spread is not enough. It tells {good.name} ({told(good)} are left after five "
        f"layers) from {bad.name} ({told(bad)}). But {blind.name} spreads suitably too (std "
        f"{_spread(blind)} in layer {DEPTH}) and leaves {told(blind)}. Not needed either, if the inputs are "
        f"faint: {faint.name} crowds {crowd} of the activations into two of {BINS} bins and leaves "
        f"{told(faint)}."
    )


def _left(example: Example, number: int) -> Exhibit:
    """What is left of the difference between inputs, layer by layer, beside theory for inputs N(0, 1)."""
    e, chapters = example, "inputs" not in example.name
    law = apart_in_theory(e.activation, e.std, width=WIDTH) if chapters else ()
    apart = np.median(e.profile.apart, axis=0)
    crowd = np.median(_crowded(e.profile))
    return Exhibit(
        id=f"T18-left-{number}",
        kind="curve",
        title=e.name,
        caption="RMS difference between the responses to two inputs, over that between the inputs: median "
        "run, beside mean-field theory for inputs N(0, 1) (dashed). Below: largest share of a layer in two "
        f"of {BINS} bins.",
        x_axis=Axis(label="layer"),
        y_axis=Axis(label="difference left", log=True),
        x=tuple(float(k) for k in range(1, DEPTH + 1)),
        observed=tuple(map(float, apart)),
        expected=tuple(map(float, law)),
        n=len(e.profile.apart),
        plate="Spread beside what is left of a difference between inputs",
        column=e.name if chapters else f"{e.activation}, inputs {FAINT:g}",
        notes=(("in two bins:", f"{crowd:.0%}"), ("left:", f"{apart[-1]:.2g}")),
    )


def _spread(example: Example) -> str:
    return f"{np.median(example.profile.spread[:, -1]):.2f}"


def _table(examples: tuple[Example, ...]) -> Exhibit:
    rows = tuple(
        (
            e.name,
            f"{np.median(e.profile.spread[:, -1]):.2g}",
            f"{np.median(_crowded(e.profile)):.0%}",
            f"{np.median(e.profile.apart[:, -1]):.2g}",
            f"{np.median(e.profile.left):.2g}",
            f"{np.median(e.profile.gain[:, -1]) ** 2:.2g}",
            f"{np.median(e.profile.cosine[:, -1]):.4f}",
        )
        for e in examples
    )
    return Exhibit(
        id="T18-table",
        kind="table",
        title="Spread of the activations beside what they carry, five layers",
        caption=f"Median run. Spread: standard deviation in layer {DEPTH}. Crowded: largest share of a "
        f"layer in two of {BINS} bins. chi: gain of the gradient's mean square in layer {DEPTH}. The last "
        "rows spread most and pile up at the ends.",
        header=("network", "spread", "crowded", "difference left", "gradient left", "chi", "cosine"),
        rows=rows,
        n=len(rows),
    )
