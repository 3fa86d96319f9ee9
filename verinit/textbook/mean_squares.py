"""Figures of T16: the mean square by layer under 2 / sqrt(n) and under He's sqrt(2 / n), beside theory."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from verinit.laws.log_norms import log_norm_band, log_norm_quantiles
from verinit.textbook.depth_profiles import LAYERS, LEVEL, RUNS, SHOWN, signals, stream
from verinit.textbook.experiment import INPUTS, SCHEMES, WIDTH, Floats
from verinit.vocabulary import Axis, Exhibit

Std = Callable[[int], float]
WIDTHS = (25, WIDTH, 1000)
OCTAVE = math.log(2.0)


def single_inputs(std: float, width: int, root: int) -> Floats:
    """log2 of the mean square of the activations over that of the input, one input a run: (runs, layers)."""
    rng = stream("relu", std, width, root)
    walked = [y for y, *_ in signals("relu", std, rng, width=width, layers=LAYERS + 1)]
    with np.errstate(divide="ignore"):  # a layer may be dead
        return np.stack([np.log2(np.einsum("ij,ij->i", y, y) / width) for y in walked[1:]], axis=1)


def figures(chapters: Floats, published: Floats, std: Std, *, root: int) -> tuple[Exhibit, ...]:
    """The chapter's runs and single inputs through 25 layers, under both rules, and a table by width.

    chapters, published  (runs, depth) mean squares of the chapter's experiment under `std` and under He's
    """
    rules: Mapping[str, tuple[Std, float, Floats]] = {
        "2/sqrt(n)": (std, 2.0, chapters),
        "sqrt(2/n), He": (SCHEMES["He, sqrt(2/n)"], 1.0, published),
    }
    seen = {
        (name, n): single_inputs(rule(n), n, root) for name, (rule, _, _) in rules.items() for n in WIDTHS
    }
    panels = []
    for name, (_, gain, squares) in rules.items():
        panels.append(_batch(name, gain, squares))
        panels.append(_single(name, gain, seen[name, WIDTH]))
    return (*panels, _by_width({name: gain for name, (_, gain, _) in rules.items()}, seen))


_PLATE = "Mean square by layer, ReLU"


def _batch(name: str, gain: float, squares: Floats) -> Exhibit:
    depth = squares.shape[1]
    layers = np.arange(1, depth + 1)
    observed = np.log2(np.median(squares, axis=0))
    return _panel(
        f"T16-batch-{gain:g}",
        name,
        f"mean over {INPUTS} inputs",
        layers,
        observed,
        layers * math.log2(gain),
        None,
        len(squares),
    )


def _single(name: str, gain: float, seen: Floats) -> Exhibit:
    at = np.array([layer - 1 for layer in SHOWN])
    low, high = log_norm_band("relu", width=WIDTH, depth=LAYERS, level=LEVEL, gain=2.0 * gain)
    return _panel(
        f"T16-single-{gain:g}",
        name,
        "one input",
        at + 1,
        np.median(seen, axis=0)[at],
        (at + 1) * math.log2(gain),
        (low[at] / OCTAVE, high[at] / OCTAVE),
        len(seen),
    )


def _panel(
    key: str,
    name: str,
    row: str,
    layers: Floats,
    observed: Floats,
    expected: Floats,
    band: tuple[Floats, Floats] | None,
    n: int,
) -> Exhibit:
    return Exhibit(
        id=key,
        kind="curve",
        title=f"{name}, {row}",
        caption=f"log2 of the mean square of ReLU's activations, median run, width {WIDTH}, beside theory's "
        f"2^l and 1 (dashed). The band, exact at this width, holds all but {LEVEL:.0%} of the runs of one "
        f"input at each layer; the upper row is the chapter's experiment, the lower {RUNS} inputs of mean "
        "square 1.",
        x_axis=Axis(label="layer"),
        y_axis=Axis(label="log2 of the mean square"),
        x=tuple(map(float, layers)),
        observed=tuple(map(float, observed)),
        expected=tuple(map(float, expected)),
        band=None if band is None else (tuple(map(float, band[0])), tuple(map(float, band[1]))),
        n=n,
        plate=_PLATE,
        row=row,
        column=name,
    )


def _by_width(gains: Mapping[str, float], seen: Mapping[tuple[str, int], Floats]) -> Exhibit:
    rows = []
    for (name, n), logs in seen.items():
        medians = log_norm_quantiles("relu", width=n, depth=LAYERS, levels=(0.5,), gain=2.0 * gains[name])[0]
        five, deep = (
            f"{2.0 ** float(np.median(logs[:, k - 1])):.3g} ({math.exp(medians[k - 1]):.3g})"
            for k in (5, LAYERS)
        )
        steps = np.median(logs[:, 4]) / 5.0
        rows.append((name, str(n), f"{2.0**steps:.3f}", five, deep, f"{gains[name] ** LAYERS:.3g}"))
    return Exhibit(
        id="T16-width",
        kind="table",
        title="Gain of the mean square by width and depth, ReLU",
        caption=f"Median of {RUNS} runs of one input, the exact median in brackets. The narrower and deeper, "
        "the further a typical run lies below the mean over draws, by the same factor under either rule.",
        header=(
            "std",
            "width",
            "gain a layer, 5 layers",
            "mean square, layer 5",
            f"layer {LAYERS}",
            f"layer {LAYERS}, mean over draws",
        ),
        rows=tuple(rows),
        n=RUNS,
    )
