"""Figures of T10 and T14: how sigmoid's activations spread, layer by layer and by width, beside theory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from verinit.laws.signal import histogram_shares, spreads, variances
from verinit.textbook.experiment import BINS, DEPTH, EDGES, WIDTH, Floats, Setting, layers, spread
from verinit.textbook.passes import MANY, PAIR, by_exact_law
from verinit.vocabulary import Axis, Exhibit

WIDTHS = (10, WIDTH, 1000)
DRAWN = (1, DEPTH)
DEEP = 25
"""A depth at which theory alone speaks."""
CENTRE = (14, 16)
"""The two of 30 bins that touch 0.5."""


def figures(
    code: str, scheme: str, std: Callable[[int], float], measured: Floats, *, root: int
) -> tuple[Exhibit, ...]:
    """Histograms of layers 1 and 5, the spread by layer, and a table by width.

    std       of the weights, by width
    measured  (runs, depth) standard deviations of the layers in the chapter's experiment
    """
    setting = Setting(activation="sigmoid", std=std(WIDTH))
    q = variances("sigmoid", fan_in=WIDTH, std=setting.std, depth=DEPTH)
    run = enumerate(layers(setting, root=root), 1)
    bars = [_bars(code, scheme, layer, y, float(q[layer - 1])) for layer, y in run if layer in DRAWN]
    return (
        *bars,
        _by_layer(code, scheme, measured, spreads("sigmoid", q)),
        _by_width(code, scheme, std, root),
    )


def _bars(code: str, scheme: str, layer: int, y: Floats, q: float) -> Exhibit:
    counts = np.histogram(y, EDGES)[0]
    centre = counts[slice(*CENTRE)].sum() / y.size
    return Exhibit(
        id=f"{code}-layer-{layer}",
        kind="histogram",
        title=f"sigmoid, {scheme}, layer {layer}",
        caption=f"{y.size:,} activations of one run in {BINS} bins over [0, 1], beside mean-field theory "
        "(dashed).",
        x_axis=Axis(label="activation"),
        y_axis=Axis(label="count"),
        x=tuple(map(float, EDGES)),
        observed=tuple(map(float, counts)),
        expected=tuple(map(float, y.size * histogram_shares("sigmoid", q, EDGES))),
        n=y.size,
        plate=f"Activations of sigmoid, {scheme}",
        column=f"layer {layer}",
        notes=(("std", f"{spread(y):.3g}"), ("two central bins", f"{centre:.0%}")),
    )


def _by_layer(code: str, scheme: str, measured: Floats, law: Floats) -> Exhibit:
    return Exhibit(
        id=f"{code}-spread",
        kind="curve",
        title=f"Spread by layer, sigmoid, {scheme}",
        caption=f"Standard deviation of a layer's activations, median of {len(measured)} runs of the "
        "chapter's experiment, beside mean-field theory (dashed).",
        x_axis=Axis(label="layer"),
        y_axis=Axis(label="standard deviation of the activations"),
        x=tuple(float(k) for k in range(1, measured.shape[1] + 1)),
        observed=tuple(map(float, np.median(measured, axis=0))),
        expected=tuple(map(float, law)),
        n=len(measured),
    )


def _by_width(code: str, scheme: str, std: Callable[[int], float], root: int) -> Exhibit:
    rows = []
    for n in WIDTHS:
        seen = by_exact_law("sigmoid", std(n), root, width=n)
        q = variances("sigmoid", fan_in=n, std=std(n), depth=DEEP)
        law = spreads("sigmoid", q[[0, DEPTH - 1, DEEP - 1]])
        centre = float(histogram_shares("sigmoid", float(q[0]), EDGES)[slice(*CENTRE)].sum())
        rows.append(
            (
                str(n),
                f"{std(n):.4g}",
                f"{np.median(seen.spread[:, 0]):.3g} ({law[0]:.3g})",
                f"{np.median(seen.spread[:, -1]):.3g} ({law[1]:.3g})",
                f"{law[2]:.3g}",
                f"{np.median(seen.middle[:, 0]):.0%} ({centre:.0%})",
            )
        )
    return Exhibit(
        id=f"{code}-width",
        kind="table",
        title=f"Spread by width and depth, sigmoid, {scheme}",
        caption=f"Median of {MANY} networks, {PAIR} inputs each, by the exact law of the weights; mean-field "
        f"theory in brackets. Spread: standard deviation of the activations, at width {WIDTHS[0]} over "
        f"{PAIR * WIDTHS[0]} numbers, which alone lowers it by some per cent.",
        header=(
            "width",
            "std of W",
            "spread, layer 1",
            f"layer {DEPTH}",
            f"layer {DEEP} (theory)",
            "two central bins, layer 1",
        ),
        rows=tuple(rows),
        n=MANY,
    )
