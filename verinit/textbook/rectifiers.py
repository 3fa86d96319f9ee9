"""T16, T17: what He's initial value is, and what it keeps in a stack of ReLU layers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from verinit.laws.relu import cosines, log_gain
from verinit.statistics.equivalence import median_within, proportion_within
from verinit.statistics.marginal import variance
from verinit.textbook import mean_squares
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import INPUTS, SCHEMES, WIDTH, Floats, Setting, sample
from verinit.textbook.rules import combined, share
from verinit.textbook.schemes import beside_published
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, judge

ROOTS = 36
"""Runs of the chapter's experiment: the median at a ledger's share of 1e-6 needs 30."""
PRESERVED, NOT_PRESERVED = 0.2, 0.4
"""A gain of the mean square of 1 a layer counts as preserved within 20 %, and must surely be within 40 %."""

NARROW = 25
DEPTHS = (5, 25, 100)
SWEEP_ROOTS = 80
"""Runs of the depth sweep, whose law depends on depth / width: a narrow one stands for a deep wide one."""
EVEN, NOT_EVEN = 1.0, 1.5
"""The spread is even if the mean square of a layer is that of the input within a factor 2 (2^1.5 surely)."""
HALF, NOT_HALF = 0.05, 0.1
"""About half of all activations are exactly 0: within 0.05, and surely within 0.1."""


def chapters_he(fan_in: int) -> float:
    """The chapter's std: 2 / sqrt(n)."""
    return 2.0 / math.sqrt(fan_in)


def square_and_zeros(y: Floats) -> tuple[float, float]:
    """Mean square of a layer's activations, and the share that is exactly 0."""
    flat = y.ravel()
    return float(flat @ flat) / y.size, 1.0 - np.count_nonzero(y) / y.size


@lru_cache(maxsize=8)
def _relu(std: float, root: int) -> Floats:
    """(runs, depth, 2) of `square_and_zeros` for the chapter's experiment."""
    return sample(square_and_zeros, Setting(activation="relu", std=std), root=root, runs=ROOTS)


def t16(root: int, rates: Rates) -> Ruling:
    """T16, measured and ruled."""
    he = SCHEMES["He, sqrt(2/n)"](WIDTH)
    chapters, published = (_relu(std, root)[:, :, 0] for std in (chapters_he(WIDTH), he))
    ruling = two_over_root_n_doubles_every_layer(chapters, published, rates=rates)
    return replace(ruling, exhibits=mean_squares.figures(chapters, published, chapters_he, root=root))


def two_over_root_n_doubles_every_layer(chapters: Floats, published: Floats, *, rates: Rates) -> Ruling:
    """2 / sqrt(n) is He's std times sqrt(2): the mean square doubles in every ReLU layer instead of staying.

    chapters, published  (runs, depth) mean squares of the layers under 2 / sqrt(n) and sqrt(2 / n)
    """
    part = share(rates, 3)
    shapes = ((1, 1), (WIDTH, WIDTH), (100 * WIDTH, WIDTH))
    formula = [beside_published("he_normal", chapters_he, shape) for shape in shapes]
    kept = _gain(chapters, 1.0, part, "2/sqrt(n), as it should be if the std were He's")
    doubled = _gain(chapters, 2.0, part, "2/sqrt(n)")
    he = _gain(published, 1.0, part, "sqrt(2/n)")
    verdicts = [judge(item, 0.0) for item in formula] + [judge(kept, NOT_PRESERVED)]
    depth = chapters.shape[1]
    return Ruling(
        id="T16",
        ruling=combined(verdicts),
        claim=CLAIMS["T16"],
        summary="He's std is sqrt(2 / n) (He et al. 2015, eq. 10). 2 / sqrt(n) is sqrt(2) times as large at "
        f"every n, twice the variance: the mean square then grows {doubled.observed:.2f} times a layer "
        f"(theory 2), beside {he.observed:.2f} with sqrt(2 / n) (theory 1).",
        conditions=f"mean square of ReLU activations, its gain from layer 1 to layer {depth} to the power "
        f"1/{depth - 1}, median run; float64, inputs {INPUTS} x {WIDTH}, width {WIDTH}; the factor 2 is the "
        f"same at every width, and {2.0**50:.0e} after a depth of 50 layers. The two agree at no n",
        evidence=(*formula, kept, doubled, he),
    )


def _gain(squares: Floats, expected: float, rates: Rates, std: str) -> Evidence:
    """The gain of the mean square a layer, geometric mean from the first layer to the last, median run."""
    steps = squares.shape[1] - 1
    return median_within(
        (squares[:, -1] / squares[:, 0]) ** (1.0 / steps),
        expected=expected,
        margin=PRESERVED * expected,
        outer_margin=NOT_PRESERVED * expected,
        rates=rates,
        quantity=f"gain of the mean square a layer, std {std}",
    )


def energy_cosine_alive(y: Floats) -> tuple[float, float, int]:
    """Sum of squares of the first input's activations, its cosine to the second's, and its units alive."""
    a, b = y[0], y[1]
    energy = float(a @ a)
    both = math.sqrt(energy * float(b @ b))
    return energy, float(a @ b) / both if both else math.nan, int(np.count_nonzero(a))


@lru_cache(maxsize=4)
def _deep(width: int, root: int) -> Floats:
    """(runs, max depth, 3) of `energy_cosine_alive` for two inputs in a deep network with He's scheme."""
    std = SCHEMES["He, sqrt(2/n)"](width)
    setting = Setting(activation="relu", std=std, inputs=2, width=width, depth=max(DEPTHS))
    return sample(energy_cosine_alive, setting, root=root, runs=SWEEP_ROOTS)


def t17(root: int, rates: Rates) -> Ruling:
    """T17, measured and ruled."""
    chapter = _relu(SCHEMES["He, sqrt(2/n)"](WIDTH), root)
    return he_keeps_the_mean_but_not_the_typical_run(chapter, _deep(NARROW, root), width=NARROW, rates=rates)


def he_keeps_the_mean_but_not_the_typical_run(
    chapter: Floats, deep: Floats, *, width: int, rates: Rates, depths: Sequence[int] = DEPTHS
) -> Ruling:
    """A typical run keeps its mean square while depth is small beside width, and loses it beyond.

    chapter  (runs, depth, 2) of `square_and_zeros` with He's scheme in the chapter's experiment
    deep     (runs, depth, 3) of `energy_cosine_alive` at this width
    """
    part = share(rates, 5 + 2 * len(depths[1:]))
    shallow = [
        _log_square(np.log2(chapter[:, layer, 0]), 0.0, part, f"layer {layer + 1}, width {WIDTH}")
        for layer in (0, chapter.shape[1] - 1)
    ]
    fading = _fading(deep, width, depths)
    sweep = [
        _log_square(fading[:, d - 1], 0.0, part, f"layer {d} over layer 1, one input, width {width}")
        for d in depths[1:]
    ]
    beside = [_drift(fading[:, d - 1], d, width, part) for d in depths[1:]]
    zeros = median_within(
        chapter[:, -1, 1],
        expected=0.5,
        margin=HALF,
        outer_margin=NOT_HALF,
        rates=part,
        quantity=f"share of activations exactly 0 in layer {chapter.shape[1]}, width {WIDTH} (about half: "
        f"within {HALF:g}, surely {NOT_HALF:g})",
    )
    verdicts = [judge(item, NOT_EVEN) for item in (*shallow, *sweep)] + [judge(zeros, NOT_HALF)]
    return Ruling(
        id="T17",
        ruling=combined(verdicts),
        claim=CLAIMS["T17"],
        summary=_fading_summary(shallow, sweep, zeros, deep, width, depths),
        conditions=_fading_conditions(width),
        evidence=(*shallow, zeros, *kept_in_the_mean(deep, width, part), *sweep, *beside),
        exhibits=(_fading_exhibit(fading, width),),
    )


def kept_in_the_mean(deep: Floats, width: int, rates: Rates) -> tuple[Evidence, Evidence]:
    """E[|y|^2 / |h|^2] = (2/n) E[K] = 1: the gain of K units alive is (2/n) chi^2_K, K ~ Binomial(n, 1/2).

    Both halves are exact at any width and depth, and are judged over all layers and runs at once.
    """
    energy, alive = deep[:, :, 0], deep[:, 1:, 2]
    seen = energy[:, :-1] > 0.0
    ratio = np.divide(energy[:, 1:], energy[:, :-1], out=np.zeros_like(alive), where=seen)
    units = int(alive[seen].sum())
    squares = 0.5 * width * float(ratio[seen].sum())
    draws = width * int(np.count_nonzero(seen))
    return (
        variance(squares, units, rates, quantity="energy gain of a unit alive over He's n/2, one input"),
        proportion_within(
            units,
            draws,
            expected=0.5,
            margin=0.0,
            outer_margin=HALF,
            rates=rates,
            quantity=f"share of units alive for one input, all layers, width {width}",
        ),
    )


def _fading(deep: Floats, width: int, depths: Sequence[int]) -> Floats:
    """log2 of a layer's energy over the first layer's, one input: (runs, depth)."""
    with np.errstate(divide="ignore"):
        energy = np.log2(deep[:, : max(depths), 0])
    return np.asarray(energy - energy[:, :1])


def _log_square(values: Floats, expected: float, rates: Rates, where: str) -> Evidence:
    return median_within(
        values,
        expected=expected,
        margin=EVEN,
        outer_margin=NOT_EVEN,
        rates=rates,
        quantity=f"log2 of the mean square, {where} (even: within {EVEN:g} of 0, surely {NOT_EVEN:g})",
    )


def _drift(values: Floats, depth: int, width: int, rates: Rates) -> Evidence:
    """The log mean square beside the exact drift of a finite-width layer, over depth - 1 layers."""
    gain = log_gain(width)
    theory = (depth - 1) * gain.mean / math.log(2.0)
    scatter = math.sqrt((depth - 1) * gain.variance) / math.log(2.0)
    return median_within(
        values,
        expected=theory,
        margin=scatter / 2,
        outer_margin=scatter,
        rates=rates,
        quantity=f"log2 of the mean square, layer {depth} over layer 1, width {width}, beside its drift",
    )


def _fading_summary(
    shallow: list[Evidence],
    sweep: list[Evidence],
    zeros: Evidence,
    deep: Floats,
    width: int,
    depths: Sequence[int],
) -> str:
    last = 2.0 ** sweep[-1].observed
    both = deep[:, depths[-1] - 1, 1]
    alive = both[~np.isnan(both)]
    cosine = float(np.median(alive)) if alive.size else math.nan
    return (
        "He keeps the mean square exactly, but as a mean over all draws of the weights. In a typical run of "
        f"the chapter's five layers it is {2.0 ** shallow[1].observed:.2f} (theory 1) in layer 5, and "
        f"{100 * zeros.observed:.0f} % of the activations are 0; at width {width} and depth {depths[-1]} it "
        f"has faded to {last:.1e}, and the cosine between two inputs is {cosine:.4f} (wide theory "
        f"{cosines(depths[-1])[-1]:.4f}): the layer says the same of both."
    )


def _fading_conditions(width: int) -> str:
    depth = [math.log(2.0) / -log_gain(n).mean for n in (width, WIDTH, 1000)]
    return (
        "median run, He normal weights, no bias, float64. The median fades like exp(-5/2 depth/width): to a "
        f"half at depth {depth[0]:.0f} for width {width}, {depth[1]:.0f} for width {WIDTH}, {depth[2]:.0f} "
        "for width 1000. Even means within a factor 2; beyond that depth the sentence is false, before it "
        "true"
    )


def _fading_exhibit(fading: Floats, width: int) -> Exhibit:
    gain = log_gain(width)
    steps = np.arange(fading.shape[1])
    centre = steps * gain.mean / math.log(2.0)
    scatter = np.sqrt(steps * gain.variance) / math.log(2.0)
    return Exhibit(
        id="T17-depth",
        kind="curve",
        title=f"Mean square by depth, ReLU with He's scheme, width {width}",
        caption=f"Median of {fading.shape[0]} runs, one input, beside the exact drift of its logarithm; the "
        "band is one standard deviation of a run. The mean over all draws of the weights stays at 0 on this "
        "scale.",
        x_axis=Axis(label="layer"),
        y_axis=Axis(label="log2 of the mean square over layer 1's"),
        x=tuple(map(float, steps + 1)),
        observed=tuple(map(float, np.median(fading, axis=0))),
        expected=tuple(map(float, centre)),
        band=(tuple(map(float, centre - scatter)), tuple(map(float, centre + scatter))),
        n=fading.shape[0],
    )
