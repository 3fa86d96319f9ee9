"""A gradient in a narrow dtype beside the same code in float64, with a budget that follows the conditioning.

A fixed multiple of the dtype's rounding is no budget: right code in float32 is off by a third of a rounding
unit of its largest entry on one layer and by 10^5 units on another. What rounding may do is measured instead:

    own sway   how far the narrow gradient moves when inputs and cotangent change in their last narrow bit
    wide sway  how far the float64 gradient moves under changes of the same size
    output     one rounding of the output, as a backward written in terms of y sees it: u |v| |y| / |x|

each as the largest entry over the tensor. On right code the distance was below 2.6 of their sum
(`python benchmarks/gradients.py --calibrate`); `SAFETY` is four times that.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from verinit.checks.places import WIDE, Array, Place
from verinit.checks.violations import violations
from verinit.differentiation.directions import direction
from verinit.differentiation.problems import Wide, floating, nudged, wide, widened
from verinit.vocabulary import Evidence, Measured

SAFETY = 10.0
LOOKS = 2
"""Cotangents that are tried."""
SWAYS = 64.0
"""A gradient no larger than so many times what a change in the last bit of float64 does to it is 0 but for
rounding; its errors are measured by the gradient that there might be."""
NUDGES = 4
"""Times that the last bits are changed."""


def compared(place: Place) -> Measured:
    """Evidence of the tensor that is furthest off, in units of its budget."""
    rows = [row for look in range(LOOKS) for row in _rows(place, look)]
    if not rows:
        return Measured(evidence=violations("gradients that were compared", 0, 0, "all are exactly 0"))
    name, distance, budget, largest = max(rows, key=lambda row: row[1] / row[2] if row[2] else row[1])
    return Measured(
        evidence=Evidence(
            quantity=f"error of dL/d{name} in {place.dtype}, over the largest entry of the gradient",
            expected=0.0,
            observed=distance / largest,
            distance=distance / largest,
            tolerance=budget / largest,
            resolution=2.0 * budget / largest,
            n=len(rows),
            basis=f"change in the last bit, times {SAFETY:g}",
        )
    )


def _rows(place: Place, look: int) -> list[tuple[str, float, float, float]]:
    """(name, distance, budget, largest entry) of every differentiated input under one cotangent."""
    rng = place.rng("narrow", look)
    f, inputs = place.function, place.inputs
    raw = np.asarray(f.forward(*inputs))
    v = direction(raw.shape, rng).astype(raw.dtype)
    own, true = widened(f.backward(v.copy(), *inputs)), widened(f.backward(wide(v), *place.widened()))
    sway, wide_sway = [0.0] * len(inputs), [0.0] * len(inputs)
    for _ in range(NUDGES):
        c, moved = nudged(v, rng), tuple(nudged(x, rng) for x in inputs)
        _stretch(sway, f.backward(c.copy(), *moved), own)
        _stretch(sway, f.backward(wide(c), *(x.astype(WIDE) if floating(x) else x for x in moved)), true)
        _stretch(wide_sway, f.backward(nudged(wide(c), rng), *place.widened()), true)
    unit = float(np.spacing(np.ones(1, dtype=raw.dtype))[0])
    rows = []
    for j, (a, b) in enumerate(zip(own, true, strict=True)):
        if a is None or b is None or not b.size:
            continue
        largest, possible = float(np.abs(b).max()), _scale(v, raw, inputs[j])
        budget = SAFETY * (sway[j] + unit * (largest + possible) + _least(inputs[j]))
        whole = largest if largest > SWAYS * wide_sway[j] else max(largest, possible)
        if whole > 0.0:
            rows.append((place.names[j], float(np.abs(a - b).max()), budget, whole))
    return rows


def _stretch(sway: list[float], moved: Sequence[Array | None], still: Sequence[Wide | None]) -> None:
    """Enlarge each sway to the largest entry by which a gradient moved."""
    for j, (a, b) in enumerate(zip(widened(moved), still, strict=True)):
        if a is not None and b is not None and b.size:
            sway[j] = max(sway[j], float(np.abs(a - b).max()))


def _scale(v: Array, y: Array, x: Array) -> float:
    """The gradient that an input would have if doubling it doubled the output."""
    norm = float(np.linalg.norm(wide(x))) or float(x.size) ** 0.5
    return float(np.linalg.norm(wide(v) * wide(y))) / norm


def _least(x: Array) -> float:
    """The smallest number of the dtype of `x`."""
    return float(np.spacing(np.zeros(1, dtype=x.dtype))[0])
