"""The chapter's first figure: one row a scheme, one column a layer, one plate an activation."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from verinit.laws.activations import profile
from verinit.laws.responses import RESPONSES
from verinit.laws.signal import histogram_shares, variances
from verinit.textbook.experiment import BINS, RANGES, SCHEMES, WIDTH, Floats, Setting, layers, spread
from verinit.vocabulary import Axis, Exhibit

WINDOW = 0.5
"""A layer that fills at least half of f's range is drawn over the whole of it, else over its own extent."""


def range_of(activation: str) -> tuple[float, float]:
    """Between which two values f lies; unbounded for one that no law here describes."""
    if activation in RANGES:
        return RANGES[activation]
    if activation not in RESPONSES:
        return -math.inf, math.inf
    known = profile(activation)
    return known.low, known.high


def edges_for(y: Floats, activation: str) -> Floats:
    """Thirty bins over the range of f where the layer fills it, else over the layer's own extent.

    So that no panel is a single bar unless all activations are one number. Returns (31,).
    """
    low, high = range_of(activation)
    extent = (float(y.min()), float(y.max()))
    if math.isfinite(high) and extent[1] - extent[0] >= WINDOW * (high - low):
        return np.linspace(low, high, BINS + 1)
    start, end = (0.0 if low == 0.0 and not math.isfinite(high) else extent[0]), extent[1]
    room = max(end - start, BINS * float(np.spacing(abs(end) + abs(start))), BINS * np.finfo(np.float64).tiny)
    edges = np.linspace(start, start + room, BINS + 1)
    edges[-1] = max(edges[-1], end)  # start + (end - start) may be rounded below end
    return edges


def counted(y: Floats, edges: Floats) -> NDArray[np.int64]:
    """Activations in each of the even bins between the first edge and the last, (30,); none lies outside.

    By arithmetic alone: `np.histogram` then holds every value against the edges of its bin, which takes four
    times as long and moves no more than what lies within a rounding of an edge.
    """
    low, high = edges[0], edges[-1]
    places = y.ravel() - low
    places *= (len(edges) - 1) / (high - low)
    counts = np.bincount(places.astype(np.uint8), minlength=len(edges))
    counts[-2] += counts[-1]  # the last bin holds its upper edge
    return counts[:-1]


def at_the_edges(y: Floats, activation: str) -> tuple[str, str]:
    """Share of the activations in the outermost of 30 bins over f's range; for ReLU those exactly 0."""
    low, high = range_of(activation)
    if not math.isfinite(high):
        return "exactly 0", f"{1.0 - np.count_nonzero(y) / y.size:.0%}"
    step = (high - low) / BINS
    outside = np.count_nonzero((y < low + step) | (y >= high - step))
    return "at the edges", f"{outside / y.size:.0%}"


def panel(y: Floats, setting: Setting, scheme: str, layer: int, q: float) -> Exhibit:
    """One histogram of the chapter's figure beside the mean-field prediction z ~ N(0, q)."""
    return bars(
        y,
        setting.activation,
        name=f"activations-{setting.activation}-{list(SCHEMES).index(scheme) + 1}-{layer}",
        title=f"{setting.activation}, {scheme}, layer {layer}",
        q=q,
        plate=f"Activations by layer: {setting.activation}",
        row=scheme,
        column=f"layer {layer}",
    )


def bars(
    y: Floats, activation: str, *, name: str, title: str, q: float | None, plate: str, row: str, column: str
) -> Exhibit:
    """A layer's activations in 30 bins, beside the prediction z ~ N(0, q) where there is one."""
    edges = edges_for(y, activation)
    counts = counted(y, edges)
    expected = () if q is None else y.size * histogram_shares(activation, q, edges)
    beside = "" if q is None else ", beside mean-field theory (dashed)"
    return Exhibit(
        id=name,
        kind="histogram",
        title=title,
        caption=f"{y.size:,} activations a layer in {BINS} bins{beside}.",
        x_axis=Axis(label="activation"),
        y_axis=Axis(label="count"),
        x=tuple(map(float, edges)),
        observed=tuple(map(float, counts)),
        expected=tuple(map(float, expected)),
        n=y.size,
        plate=plate,
        row=row,
        column=column,
        notes=(("std", f"{spread(y):.3g}"), at_the_edges(y, activation)),
    )


def histograms(*, root: int) -> tuple[Exhibit, ...]:
    """Every panel of the figure: three activations, four schemes, five layers, one run each."""
    return tuple(exhibit for activation in RANGES for exhibit in plate(activation, root))


def plate(activation: str, root: int) -> Iterator[Exhibit]:
    """The panels of one activation: four schemes, five layers. One layer is kept at a time."""
    for scheme, std in SCHEMES.items():
        setting = Setting(activation=activation, std=std(WIDTH))
        q = variances(activation, fan_in=WIDTH, std=setting.std, depth=setting.depth)
        activations = layers(setting, root=root)
        for layer in range(1, setting.depth + 1):  # no name here outlives the making of the next layer
            yield panel(next(activations), setting, scheme, layer, float(q[layer - 1]))
