"""A gradient in a narrow dtype beside the same code in float64, with a budget that follows the conditioning.

A fixed multiple of the dtype's rounding is no budget: right code in float32 is off by a third of a rounding
unit of its largest entry on one layer and by 10^5 units on another. What rounding may do is measured instead:

    own sway   how far the narrow gradient moves when inputs and cotangent change in their last narrow bit
    wide sway  how far the float64 gradient moves under changes of the same size
    output     one rounding of the output, as a backward written in terms of y sees it: u |v| |y| / |x|
    slope      one rounding of the largest slope on the way to 0: what is left of a saturated one is 1 - y,
               and that is rounded like 1
    wander     how far the error itself changes from place to place near by: what lies between input and
               output is rounded too, and a last bit of the input may be too small to show it. No more of it
               counts than `INSIDE` units, or than the same code loses to rounding in float64, seen as the
               noise of its gradient along a line (More & Wild 2011): 16 bits inside of a function make its
               error wander too, and leave float64 as smooth as a staircase

each as the largest entry over the tensor. How far right code is off in units of their sum is measured
(`python benchmarks/gradients.py --calibrate`): below 1.5 on 4,000 cases in float32, float16 and bfloat16.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from verinit.checks.places import WIDE, Array, Place
from verinit.checks.violations import violations
from verinit.differentiation.directions import direction
from verinit.differentiation.problems import Wide, floating, nudged, wide, widened
from verinit.laws.rounding import COARSE
from verinit.vocabulary import Evidence, Measured

SAFETY = 10.0
LOOKS = 2
"""Cotangents that are tried."""
SWAYS = 64.0
"""A gradient no larger than so many times what a change in the last bit of float64 does to it is 0 but for
rounding; its errors are measured by the gradient that there might be."""
WAY = (2.0**-2, 2.0**-4, 2.0**-6)
"""How far along the way to 0 slopes are looked at: an input of size 30 is linear at a sixty-fourth of it."""
INSIDE = 128.0
"""Rounding units of the largest entry by which an error may wander in float32, however little is lost in
float64. Half precision inside of a function is 8192 units coarse: were more allowed, it would pass for
rounding.
"""
STEP, POINTS = 2.0**-30, 4
"""Spacing, relative to each input, and number of the points of a line whose third difference is noise: of a
smooth gradient it is 2^-90 of it, and its rounding errors add up to sqrt(1 + 9 + 9 + 1) times that of one.
"""
NEAR = 2.0**-4
"""How far away, of the size of each input, near by is: some rounding units of bfloat16."""
_FINE = float(np.finfo(WIDE).eps)
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
    sway, wide_sway, wander = ([0.0] * len(inputs) for _ in range(3))
    error = [None if a is None else a - wide(b) for a, b in zip(own, true, strict=True)]
    for turn in range(NUDGES):
        c, moved = nudged(v, rng), tuple(nudged(x, rng) for x in inputs)
        _stretch(sway, f.backward(c.copy(), *moved), own)
        _stretch(sway, f.backward(wide(c), *(x.astype(WIDE) if floating(x) else x for x in moved)), true)
        _stretch(wide_sway, f.backward(nudged(wide(c), rng), *place.widened()), true)
        _wander(wander, place, v, error, f"near {look} {turn}")
    unit = float(np.spacing(np.ones(1, dtype=raw.dtype))[0])
    noise = [0.0] * len(inputs) if place.dtype in COARSE else _noise(place, v, rng)
    rows = []
    for j, (b, off) in enumerate(zip(true, error, strict=True)):
        if b is None or off is None or not b.size:
            continue
        largest, possible = float(np.abs(b).max()), _scale(v, raw, inputs[j])
        slope = max(largest, possible, _steepest(place, v, j))
        whole = largest if largest > SWAYS * wide_sway[j] else max(largest, possible)
        lost = max(INSIDE * whole, noise[j] / _FINE)
        near = wander[j] if place.dtype in COARSE else min(wander[j], unit * lost)
        budget = SAFETY * (sway[j] + near + unit * slope + _least(inputs[j]))
        if whole > 0.0:
            rows.append((place.names[j], float(np.abs(off).max()), budget, whole))
    return rows


def _steepest(place: Place, v: Array, j: int) -> float:
    """The largest entry of a gradient in float64 on the way to 0, of its input alone or of all inputs."""
    held, found = place.widened(), 0.0
    ways = [(*held[:j], held[j] * part, *held[j + 1 :]) for part in WAY]
    ways += [tuple(x * part if floating(x) else x for x in held) for part in WAY]
    for moved in ways:
        g = widened(place.function.backward(wide(v), *moved))[j]
        there = np.zeros(1) if g is None else np.abs(g)
        found = max(found, float(np.max(there[np.isfinite(there)], initial=0.0)))
    return found


def _noise(place: Place, v: Array, rng: np.random.Generator) -> list[float]:
    """The largest rounding error of each gradient in float64, from third differences along `NUDGES` lines."""
    held, found = place.widened(), [0.0] * len(place.inputs)
    for _ in range(NUDGES):
        ways = [x * rng.uniform(-STEP, STEP, x.shape) if floating(x) else x for x in held]
        line = [
            widened(
                place.function.backward(
                    wide(v), *(x + k * s if floating(x) else x for x, s in zip(held, ways, strict=True))
                )
            )
            for k in range(POINTS)
        ]
        for j, points in enumerate(zip(*line, strict=True)):
            if all(g is not None and g.size for g in points):
                difference = np.abs(np.diff(np.stack(points), n=POINTS - 1, axis=0)) / math.sqrt(20.0)
                found[j] = max(found[j], float(np.max(difference[np.isfinite(difference)], initial=0.0)))
    return found


def _wander(sway: list[float], place: Place, v: Array, error: Sequence[Wide | None], word: str) -> None:
    """Enlarge each sway by how far the error of a gradient is another at a place near by."""
    moved = place.jittered(place.inputs, word, size=NEAR)
    widely = (x.astype(WIDE) if floating(x) else x for x in moved)
    f = place.function
    own, true = widened(f.backward(v.copy(), *moved)), widened(f.backward(wide(v), *widely))
    there = [None if a is None else a - wide(b) for a, b in zip(own, true, strict=True)]
    _stretch(sway, there, error)


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
