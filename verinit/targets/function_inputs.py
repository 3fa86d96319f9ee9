"""Inputs at which built-in functions are looked at: signals, weights, scales and shifts of mixed signs.

Everything is drawn in float64 and rounded once, so that one root gives the same place in every dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.reference.precision import floating, rounded

Array = NDArray[Any]

SPECIAL = (0.0, 1.0, -1.0, 1e-8, 2.0**-20)
"""Where functions have kinks, or code has cases: a signal sprinkled with them has ties in most rows."""
PARAMETERS = ("scale", "special")
"""What a case may ask of the inputs of a built-in function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """The source of the inputs of one case.

    scale    standard deviation of a signal: 30 saturates whatever saturates
    special  whether half of a signal's entries are exact zeros, ones, tiny numbers and ties
    """

    rng: np.random.Generator
    dtype: np.dtype[Any]
    scale: float = 1.0
    special: bool = False

    def signal(self, shape: tuple[int, ...]) -> Array:
        """What a layer sees: normal numbers."""
        x = self.scale * self.rng.standard_normal(shape)
        if self.special:
            x = np.where(self.rng.random(shape) < 0.5, self.rng.choice(SPECIAL, shape), x)
        return self._rounded(x)

    def weights(self, shape: tuple[int, ...], *, fan_in: int) -> Array:
        """Weights that keep the size of a signal: normal, of variance 1 / fan_in."""
        return self._rounded(self.rng.standard_normal(shape) / math.sqrt(max(fan_in, 1)))

    def scales(self, size: int) -> Array:
        """Factors of batch norm: from 1/2 to 3/2, of either sign."""
        sign = self.rng.choice((-1.0, 1.0), size)
        return self._rounded(sign * self.rng.uniform(0.5, 1.5, size))

    def shifts(self, size: int) -> Array:
        """Biases: normal, half as large as a signal."""
        return self._rounded(0.5 * self.rng.standard_normal(size))

    def variances(self, size: int) -> Array:
        """Running variances: from 1/2 to 3/2."""
        return self._rounded(self.rng.uniform(0.5, 1.5, size))

    def labels(self, rows: int, classes: int) -> Array:
        """One class for each row: whole numbers."""
        return self.rng.integers(0, max(classes, 1), rows)

    def _rounded(self, x: Array) -> Array:
        return rounded(np.asarray(x), self.dtype)


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A built-in function: its two passes, and how its inputs are drawn for a shape.

    draw  of the source and the shape of the signal: all inputs, in the order of `names`
    """

    names: tuple[str, ...]
    draw: Callable[[Drawn, tuple[int, ...]], tuple[Array, ...]]
    forward: Callable[..., Any]
    backward: Callable[..., tuple[Any, ...]]

    def inputs(
        self,
        shape: tuple[int, ...],
        rng: np.random.Generator,
        *,
        dtype: str | None = None,
        scale: float = 1.0,
        special: bool = False,
    ) -> tuple[Array, ...]:
        """All inputs of a case; `shape` is that of the first."""
        return self.draw(Drawn(rng=rng, dtype=floating(dtype), scale=scale, special=special), shape)
