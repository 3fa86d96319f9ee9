"""Kinks, entry by entry: a gradient there may be any number between the one-sided derivatives.

An entry is stepped to either side by itself, and the outputs are looked at one by one: of a single output
that has one kink there, every convention lies between its two slopes (max, ReLU, |x|, leaky ReLU, ties in a
pool). Of a sum of outputs it need not, as each may choose for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from verinit.differentiation.directions import size_of
from verinit.differentiation.ladders import SAFETY, one_sided
from verinit.differentiation.problems import Array, Wide, noise_of, wide, widened

GLANCES = (2.0**-8, 2.0**-12, 2.0**-16)
"""Steps at which kinks are looked for, of the size of the input. From one to the next the slope gap of a
smooth curve falls to a sixteenth, rounding makes it sixteen times as large, and that of a kink stays."""
SAME = 0.25
"""By how much, of the largest, the three gaps of a kink may differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kink:
    """One entry of one input at which one output has a kink, and what is claimed there.

    low, high  the one-sided derivatives in order, each widened by its tolerance
    analytic   the claimed derivative of that output
    scale      the larger of both slopes: the unit of a departure
    """

    input: int
    entry: int
    output: int
    low: float
    high: float
    analytic: float
    scale: float

    @property
    def departure(self) -> float:
        """How far the claim lies outside of the interval, relative to the slopes."""
        outside = max(self.low - self.analytic, self.analytic - self.high, 0.0)
        if not np.isfinite(self.analytic):
            return float("inf")
        return outside / self.scale if outside else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Corner:
    """Where a kink was noticed."""

    input: int
    entry: int
    output: int


def corners(
    forward: Callable[..., Array], inputs: Sequence[Array], j: int, entries: Sequence[int]
) -> Iterator[Corner]:
    """Entries at which some output's slope jumps: its gap does not shrink with the step."""
    base = wide(forward(*inputs))
    size = size_of(inputs[j])
    for entry in entries:
        gaps = np.stack([_gap(forward, inputs, j, entry, base, size * t).ravel() for t in GLANCES])
        if gaps.shape[1]:
            top, spread = np.abs(gaps).max(axis=0), np.ptp(gaps, axis=0)
            kinked = np.where((top > 0.0) & (spread <= SAME * top), top, 0.0)
            if kinked.max() > 0.0:
                yield Corner(input=j, entry=entry, output=int(np.argmax(kinked)))


def _moved(
    forward: Callable[..., Array], inputs: Sequence[Array], j: int, entry: int, step: float
) -> tuple[Wide, float]:
    """The output with one entry moved, and the step that rounding allowed."""
    x = inputs[j]
    there = np.array(x, copy=True)
    there.flat[entry] = there.dtype.type(float(there.flat[entry]) + step)
    y = wide(forward(*inputs[:j], there, *inputs[j + 1 :]))
    return y, float(there.flat[entry]) - float(x.flat[entry])


def _gap(
    forward: Callable[..., Array], inputs: Sequence[Array], j: int, entry: int, base: Wide, t: float
) -> Wide:
    """Forward less backward difference of every output along one entry."""
    right, ahead = _moved(forward, inputs, j, entry, t)
    left, behind = _moved(forward, inputs, j, entry, -t)
    return (right - base) / ahead - (left - base) / behind


def judged(
    forward: Callable[..., Array],
    backward: Callable[..., Sequence[Array | None]],
    inputs: Sequence[Array],
    corner: Corner,
    *,
    noise: Sequence[Wide],
) -> Kink:
    """The one-sided derivatives at a corner, and what backward claims there.

    noise: outputs at the points of the noise (`problems.noise_values`).
    """
    held = tuple(inputs)
    raw = np.asarray(forward(*held))
    one = np.zeros(raw.size, dtype=raw.dtype)
    one[corner.output] = 1
    gradient = widened(backward(one.reshape(raw.shape), *held))[corner.input]
    size = size_of(held[corner.input])
    base = wide(raw).ravel()[corner.output]
    rounding = noise_of(noise, wide(one.reshape(raw.shape)), raw)
    slopes = []
    for side in (1.0, -1.0):

        def increment(t: float, side: float = side) -> float:
            y, step = _moved(forward, held, corner.input, corner.entry, side * t * size)
            return float((y.ravel()[corner.output] - base) * (side * t * size / step if step else 1.0))

        found = one_sided(increment, noise=rounding)
        slopes.append((side * found.value / size, SAFETY * found.error / size))
    scale = max(abs(value) for value, _ in slopes)
    own = SAFETY * float(np.spacing(scale))  # the claim is rounded too
    low = min(value - tolerance for value, tolerance in slopes) - own
    high = max(value + tolerance for value, tolerance in slopes) + own
    return Kink(
        input=corner.input,
        entry=corner.entry,
        output=corner.output,
        low=low,
        high=high,
        analytic=float("nan") if gradient is None else float(gradient.flat[corner.entry]),
        scale=scale or 1.0,
    )
