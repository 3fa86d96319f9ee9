"""T10, T14: what the chapter's initial values do to the spread of sigmoid's activations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np

from verinit.laws.marginals import law_of
from verinit.laws.schemes import scheme
from verinit.laws.signal import histogram_shares, spreads, variances
from verinit.statistics.equivalence import median_within
from verinit.textbook import sigmoid_spreads
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import (
    DEPTH,
    EDGES,
    INPUTS,
    SCHEMES,
    WIDTH,
    Floats,
    Setting,
    end_counts,
    sample,
    spread,
)
from verinit.textbook.rules import combined, exact, share
from verinit.vocabulary import Evidence, Rates, Ruling, judge

ROOTS = 36
"""Runs for T10 and T14: enough for the median at a ledger's share of 1e-6, whose least number is 31."""
MEAN_FIELD = 0.2
"""Relative margin between a median run and mean-field theory at width 100: twice 1 / sqrt(100)."""
CENTRE = (14, 16)
"""The two of 30 bins that touch 0.5, edges 14/30 to 16/30."""
CROWDED = 0.5
"""Activations crowd around 0.5 if at least half of them lie in those two bins; an even spread has 1/15."""
NOT_CROWDED = 0.4
WIDER = 2.0
"""Activations spread more widely if their standard deviation is at least twice as large."""


def spread_and_shares(y: Floats) -> tuple[float, float, float]:
    """Standard deviation, share of the two central bins, share of the two end bins."""
    low, high = EDGES[list(CENTRE)]
    central = np.count_nonzero((y >= low) & (y < high))
    return spread(y), central / y.size, sum(end_counts(y)) / y.size


@lru_cache(maxsize=8)
def _sigmoid(name: str, root: int) -> Floats:
    """(runs, depth, 3) of `spread_and_shares` for sigmoid under one of the chapter's schemes."""
    setting = Setting(activation="sigmoid", std=SCHEMES[name](WIDTH))
    return sample(spread_and_shares, setting, root=root, runs=ROOTS)


def t10(root: int, rates: Rates) -> Ruling:
    """T10, measured and ruled."""
    measured = _sigmoid("std 0.01", root)
    drawn = sigmoid_spreads.figures("T10", "std 0.01", SCHEMES["std 0.01"], measured[:, :, 0], root=root)
    return replace(small_weights_crowd_at_one_half(measured, rates=rates), exhibits=drawn)


def small_weights_crowd_at_one_half(measured: Floats, *, rates: Rates) -> Ruling:
    """More than half of all activations lie in the two of 30 bins that touch 0.5, in every layer.

    measured  (runs, depth, 3) of `spread_and_shares` for std 0.01
    """
    depth = measured.shape[1]
    part = share(rates, 2 * depth)
    q = variances("sigmoid", fan_in=WIDTH, std=0.01, depth=depth)
    judged = [
        median_within(
            measured[:, layer, 1],
            expected=1.0,
            margin=1.0 - CROWDED,
            outer_margin=1.0 - NOT_CROWDED,
            rates=part,
            quantity=f"layer {layer + 1}: share in the two bins that touch 0.5 (at least {CROWDED:g}, "
            f"surely {NOT_CROWDED:g})",
        )
        for layer in range(depth)
    ]
    beside = [
        _near(measured[:, layer, 0], std, part, f"layer {layer + 1}: standard deviation of the activations")
        for layer, std in enumerate(spreads("sigmoid", q))
    ]
    return Ruling(
        id="T10",
        ruling=combined([judge(item, 1.0 - NOT_CROWDED) for item in judged]),
        claim=CLAIMS["T10"],
        summary=_crowd_summary(judged, beside),
        conditions=_crowd_conditions(),
        evidence=(*judged, *beside),
    )


def _near(values: Floats, theory: float, rates: Rates, quantity: str) -> Evidence:
    """A median over runs beside mean-field theory."""
    return median_within(
        values,
        expected=float(theory),
        margin=MEAN_FIELD * float(theory),
        outer_margin=2 * MEAN_FIELD * float(theory),
        rates=rates,
        quantity=quantity,
    )


def _crowd_summary(judged: list[Evidence], beside: list[Evidence]) -> str:
    held = ", ".join(f"{100 * item.observed:.0f} %" for item in judged)
    std = ", ".join(f"{item.observed:.4f}" for item in beside)
    theory = ", ".join(f"{item.expected:.4f}" for item in beside)
    return (
        f"From layer 1 on {held} of the activations lie in the two of 30 bins at 0.5; their standard "
        f"deviation is {std} (theory {theory})."
    )


def _crowd_conditions() -> str:
    central = [
        histogram_shares("sigmoid", 1e-4 * width, EDGES)[slice(*CENTRE)].sum() for width in (WIDTH, 10_000)
    ]
    return (
        f"median of {ROOTS} runs; float64, inputs {INPUTS} x {WIDTH}, width {WIDTH}, depth {DEPTH}. It is a "
        f"small 0.01 sqrt(width) that crowds them: the two bins of layer 1 hold {100 * central[0]:.0f} % at "
        f"width {WIDTH} and {100 * central[1]:.0f} % at width 10,000, by theory"
    )


def t14(root: int, rates: Rates) -> Ruling:
    """T14, measured and ruled."""
    xavier, small = (_sigmoid(name, root) for name in ("Xavier, 1/sqrt(n)", "std 0.01"))
    drawn = sigmoid_spreads.figures("T14", "1/sqrt(n)", chapters_xavier, xavier[:, :, 0], root=root)
    return replace(xavier_spreads_more_widely(xavier, small, rates=rates), exhibits=drawn)


def chapters_xavier(fan_in: int) -> float:
    """The chapter's std: 1 / sqrt(n)."""
    return SCHEMES["Xavier, 1/sqrt(n)"](fan_in)


def xavier_spreads_more_widely(xavier: Floats, small: Floats, *, rates: Rates) -> Ruling:
    """1 / sqrt(n) is Glorot and Bengio's compromise on square layers only; sigmoid spreads wider with it.

    xavier, small  (runs, depth, 3) of `spread_and_shares` for 1 / sqrt(n) and for std 0.01
    """
    depth = xavier.shape[1]
    part = share(rates, 2 * depth)
    formula = [beside_published("xavier_normal", chapters_xavier, shape) for shape in SHAPES]
    std = [spreads("sigmoid", variances("sigmoid", fan_in=WIDTH, std=s, depth=depth)) for s in (0.1, 0.01)]
    wider = [
        median_within(
            xavier[:, layer, 0] / small[:, layer, 0],
            expected=float(ratio),
            margin=float(ratio) - WIDER,
            outer_margin=float(ratio) - 1.0,
            rates=part,
            quantity=f"layer {layer + 1}: spread with 1/sqrt(n) over that with std 0.01 (at least {WIDER:g}, "
            "surely 1)",
        )
        for layer, ratio in enumerate(std[0] / std[1])
    ]
    beside = [
        _near(xavier[:, layer, 0], each, part, f"layer {layer + 1}: standard deviation with 1/sqrt(n)")
        for layer, each in enumerate(std[0])
    ]
    verdicts = [judge(item, 0.0) for item in formula]
    verdicts += [judge(item, item.expected - 1.0) for item in wider]
    return Ruling(
        id="T14",
        ruling=combined(verdicts),
        claim=CLAIMS["T14"],
        summary=_xavier_summary(formula, wider, xavier),
        conditions=f"median of {ROOTS} runs; float64, inputs {INPUTS} x {WIDTH}, width {WIDTH}, depth "
        f"{DEPTH}; spread is the standard deviation of a layer's activations. With std 1 it is larger still "
        "(0.46 in layer 1), but piled at the ends: spread alone does not say what is good. By theory the "
        "spread with 1/sqrt(n) is the same at every width, and settles within a few layers of depth",
        evidence=(*formula, *wider, *beside),
    )


SHAPES = ((WIDTH, WIDTH), (WIDTH, 4 * WIDTH), (4 * WIDTH, WIDTH))
"""The chapter's layer, and two that are not square: (fan_in, fan_out)."""


def beside_published(name: str, chapters: Callable[[int], float], shape: tuple[int, int]) -> Evidence:
    """The chapter's std over the published one at a shape (fan_in, fan_out); equal to 4 ulp, or not."""
    return exact(
        f"chapter's std over {name}'s at {shape[0]} x {shape[1]}",
        expected=1.0,
        observed=chapters(shape[0]) / law_of(scheme(name), shape).std,
        tolerance=4 * float(np.spacing(1.0)),
        basis="4 ulp",
    )


def _xavier_summary(formula: list[Evidence], wider: list[Evidence], xavier: Floats) -> str:
    ratios = ", ".join(f"{item.observed:.1f}" for item in wider)
    odd = " and ".join(
        f"{item.observed:.2f} of it at {n} x {m}"
        for item, (n, m) in zip(formula[1:], SHAPES[1:], strict=True)
    )
    ends = 100 * float(np.median(xavier[:, 0, 2]))
    return (
        f"The activations do spread {ratios} times as widely as with std 0.01, from layer 1 on, with "
        f"{ends:.2f} % in layer 1's end bins. But 1 / sqrt(n) meets the forward condition alone (Glorot & "
        "Bengio 2010, eq. 10); the published compromise with the backward one is sqrt(2 / (n_in + n_out)) "
        f"(eq. 12): 1 / sqrt(n) equals it on square layers only, and is {odd}."
    )
