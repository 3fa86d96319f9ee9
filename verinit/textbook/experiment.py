"""The chapter's experiment: 1000 standard normal inputs through five layers y = f(x W), width 100."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.reference.activations import ACTIVATIONS
from verinit.reference.initializers import normal
from verinit.reference.network import activations_by_layer
from verinit.vocabulary import UsageError, entropy, unknown

Floats = NDArray[np.float64]
INPUTS, WIDTH, DEPTH, BINS = 1000, 100, 5, 30

SCHEMES: dict[str, Callable[[int], float]] = {
    "N(0, 1)": lambda n: 1.0,
    "std 0.01": lambda n: 0.01,
    "Xavier, 1/sqrt(n)": lambda n: 1.0 / math.sqrt(n),
    "He, sqrt(2/n)": lambda n: math.sqrt(2.0 / n),
}
"""The chapter's schemes: the weights' std for n units in the previous layer."""

RANGES: dict[str, tuple[float, float]] = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, math.inf)}
"""The activations of the chapter's figure, with their ranges."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One network of the chapter: `std` of N(0, std^2) weights, `inputs` rows, `depth` layers of `width`."""

    activation: str
    std: float
    inputs: int = INPUTS
    width: int = WIDTH
    depth: int = DEPTH

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise unknown("activation", self.activation, ACTIVATIONS)
        if min(self.inputs, self.width, self.depth) < 1:
            raise UsageError(
                f"inputs={self.inputs!r}, width={self.width!r}, depth={self.depth!r}: each is at least 1"
            )

    @property
    def entries(self) -> int:
        """Activations of one layer: inputs x width."""
        return self.inputs * self.width


def layers(setting: Setting, *, root: int, run: int = 0) -> Iterator[Floats]:
    """One run of the experiment yields each layer's activations, float64 of shape (inputs, width).

    The stream is a function of root, setting and run number, so that one root gives one result.
    """
    s = setting
    rng = np.random.default_rng(
        entropy(root, "textbook", s.activation, s.std, s.inputs, s.width, s.depth, run)
    )
    x = normal((s.inputs, s.width), rng)
    weights = (normal((s.width, s.width), rng, std=s.std) for _ in range(s.depth))
    return activations_by_layer(x, weights, ACTIVATIONS[s.activation])


def sample(statistics: Callable[[Any], Sequence[float]], setting: Setting, *, root: int, runs: int) -> Floats:
    """Independent runs of the experiment, each layer reduced to a few numbers.

    statistics  of one layer's activations (inputs, width); k numbers
    Returns (runs, depth, k).
    """
    return np.array(
        [[statistics(y) for y in layers(setting, root=root, run=run)] for run in range(runs)],
        dtype=np.float64,
    )


EDGES: Floats = np.linspace(0.0, 1.0, BINS + 1)
"""The chapter's 30 bins over the range of sigmoid."""


def end_counts(y: Floats) -> tuple[int, int]:
    """Activations in the first and in the last of 30 bins over [0, 1]."""
    return int(np.count_nonzero(y < EDGES[1])), int(np.count_nonzero(y >= EDGES[-2]))


def spread(y: Floats) -> float:
    """Standard deviation of a layer's activations, pooled over units and inputs; in the unit of f."""
    off = y.ravel() - float(y.mean())
    return math.sqrt(float(off @ off) / y.size)
