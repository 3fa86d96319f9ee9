"""A function at its inputs, a cotangent, and the gradients that are claimed: what every probe reads from.

The function is reduced to a curve: step all entries of one input along a direction, take the inner product of
the output's change with the cotangent. Changes are formed entry by entry before they are summed, so that the
size of the output costs no digits; the step is the one that was really taken, rounded as the input is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.differentiation.directions import direction, size_of

Array = NDArray[Any]
Wide = NDArray[np.float64]
NOISE_POINTS = 7
NOISE_STEP = 2.0**-30
"""Spacing of the points of the noise, of the size of each input: in float64 some 2^22 rounding units, over
which a fourth difference of anything smooth is far below one."""
FEWEST = 4
"""Highest order of difference in the noise; the lower one is 3."""


def wide(x: Any) -> Wide:
    """`x` in float64."""
    return np.asarray(x, dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One function at one place, and its claimed gradients.

    forward     (*inputs) -> array; backward (cotangent, *inputs) -> gradients
    inputs      arrays; those without a gradient are held fixed
    cotangent   of the output's shape, float64
    gradients   of <cotangent, forward(*inputs)>, one for each input, None where none is claimed
    sway        how far each gradient moves when inputs and cotangent change in their last bit
    output      forward(*inputs), float64; `dtype` is its own
    noise       standard deviation of the rounding of <cotangent, forward>; its least value on these numbers
    """

    forward: Callable[..., Array]
    backward: Callable[..., Sequence[Array | None]]
    inputs: tuple[Array, ...]
    cotangent: Wide
    gradients: tuple[Wide | None, ...]
    sway: tuple[Wide | None, ...]
    output: Wide
    dtype: np.dtype[Any]
    noise: float

    def moved(self, j: int, step: Wide) -> tuple[Wide, Wide]:
        """The output with input `j` moved by `step`, and the step that rounding allowed."""
        x = self.inputs[j]
        there = (wide(x) + step).astype(x.dtype)
        inputs = (*self.inputs[:j], there, *self.inputs[j + 1 :])
        with np.errstate(all="ignore"):  # a step may leave the domain; its estimate is infinite then
            return wide(self.forward(*inputs)), wide(there) - wide(x)

    def residuals(self, j: int, s: Wide) -> Callable[[float], tuple[Wide, Wide]]:
        """Of a step t: each output's central difference, less the claimed derivative; their slope gaps."""
        g = _claimed(self.gradients[j])

        def at(t: float) -> tuple[Wide, Wide]:
            right, ahead = self.moved(j, t * s)
            left, behind = self.moved(j, -t * s)
            change = np.ravel(self.cotangent * (right - left))
            claimed = float(np.sum(g * (ahead - behind)))
            gaps = np.ravel(self.cotangent * ((right - self.output) - (self.output - left)))
            return np.append(change, -claimed) / (2.0 * t), gaps / t

        return at

    def slope(self, j: int, s: Wide, t: float) -> float:
        """The claimed derivative along `s` of input `j`, where that input is moved by t s."""
        x = self.inputs[j]
        inputs = (*self.inputs[:j], (wide(x) + t * s).astype(x.dtype), *self.inputs[j + 1 :])
        with np.errstate(all="ignore"):
            g = self.backward(self.cotangent.astype(self.dtype), *inputs)[j]
        return float(np.sum(_claimed(None if g is None else wide(g)) * s))

    def scale(self, j: int) -> float:
        """The gradient that input `j` would have if doubling it doubled the output: |v y| / |x|.

        What "small" means for a gradient that is 0.
        """
        x = np.linalg.norm(wide(self.inputs[j])) or math.sqrt(max(1, self.inputs[j].size))
        return float(np.linalg.norm(self.cotangent * self.output) / x)


def _claimed(gradient: Wide | None) -> Wide:
    if gradient is None:
        raise TypeError("no gradient is claimed for this input")
    return gradient


def pose(
    forward: Callable[..., Array],
    backward: Callable[..., Sequence[Array | None]],
    inputs: Sequence[Array],
    *,
    rng: np.random.Generator,
    values: Sequence[Wide] | None = None,
) -> Problem:
    """A function with a random cotangent of mixed signs, its gradients, and the noise of both.

    values: outputs at the points of the noise, where they are known already (`noise_values`).
    """
    held = tuple(np.asarray(x) for x in inputs)
    raw = np.asarray(forward(*held))
    output = wide(raw)
    v = direction(raw.shape, rng).astype(raw.dtype)
    gradients = widened(backward(v.copy(), *held))
    points = noise_values(forward, held, rng=rng) if values is None else values
    return Problem(
        forward=forward,
        backward=backward,
        dtype=raw.dtype,
        inputs=held,
        cotangent=wide(v),
        gradients=gradients,
        sway=swayed(backward, v, held, gradients, rng),
        output=output,
        noise=noise_of(points, wide(v), raw),
    )


def widened(gradients: Sequence[Array | None]) -> tuple[Wide | None, ...]:
    """Gradients in float64; None stays None."""
    return tuple(None if g is None else wide(g) for g in gradients)


def floating(x: Array) -> bool:
    """Whether an array holds floating-point numbers, bfloat16 among them."""
    return x.dtype.kind == "f" or x.dtype.name == "bfloat16"


def nudged(x: Array, rng: np.random.Generator) -> Array:
    """`x` with every entry moved by a unit in its last place, up or down; an exact 0 has none and stays.

    Zeros are where kinks are: beyond one, a gradient differs for a better reason than rounding.
    """
    if not floating(x):
        return x
    unit = wide(np.spacing(np.abs(x)))
    step = np.where(x == 0, 0.0, unit) * (1.0 - 2.0 * rng.integers(0, 2, x.shape))
    return np.asarray((wide(x) + step).astype(x.dtype))


def swayed(
    backward: Callable[..., Sequence[Array | None]],
    v: Array,
    inputs: tuple[Array, ...],
    gradients: tuple[Wide | None, ...],
    rng: np.random.Generator,
) -> tuple[Wide | None, ...]:
    """How far gradients move, entry by entry, when all they depend on changes in its last bit: two trials.

    That is what rounding may have done to them: an error of the last bit of every input, the backward pass's
    own conditioning included.
    """
    trials = [widened(backward(nudged(v, rng), *(nudged(x, rng) for x in inputs))) for _ in range(2)]
    return tuple(
        None if g is None else np.maximum(*(np.abs(_claimed(trial[j]) - g) for trial in trials))
        for j, g in enumerate(gradients)
    )


def noise_values(
    forward: Callable[..., Array], inputs: Sequence[Array], *, rng: np.random.Generator
) -> list[Wide]:
    """Outputs at seven even points so close together that all but their rounding is a straight line.

    Spaced by 2^-30 of each input's size, or by as many last places where its dtype is coarser.
    """
    steps = [direction(x.shape, rng, size=_close(x)) if floating(x) else None for x in inputs]
    middle = NOISE_POINTS // 2

    def at(i: int) -> Wide:
        moved = (
            x if s is None else (wide(x) + i * s).astype(x.dtype) for x, s in zip(inputs, steps, strict=True)
        )
        return wide(forward(*moved))

    return [at(i) for i in range(-middle, middle + 1)]


def _close(x: Array) -> float:
    """The spacing of the points of the noise, in units of `x`."""
    return size_of(x) * max(NOISE_STEP, 8.0 * float(np.finfo(x.dtype).eps))


def noise_of(points: Sequence[Wide], v: Wide, output: Array) -> float:
    """Standard deviation of the rounding of <v, output>, from differences of order 3 and 4.

    Differences of order k of independent errors have variance (2k)! / (k!)^2 times theirs (Hamming 1973, ch.
    6; More & Wild 2011, sec. 3). It is not below a quarter of a unit in the last place of every entry, the
    spread of a rounding, as a value that never moves says nothing of its own rounding.
    """
    base = points[len(points) // 2]
    with np.errstate(invalid="ignore", over="ignore"):
        values = np.array([float(np.sum(v * (y - base))) for y in points])
        differences, found = values, 0.0
        for k in range(1, FEWEST + 1):
            differences = np.diff(differences)
            if k >= FEWEST - 1:
                growth = math.comb(2 * k, k)
                found = max(found, math.sqrt(float(np.mean(np.square(differences))) / growth))
        spacing = wide(np.spacing(np.abs(output)))
    least = float(np.linalg.norm(v * spacing)) / 4.0
    return max(found, least) if math.isfinite(found) else math.inf
