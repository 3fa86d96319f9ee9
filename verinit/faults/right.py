"""The right code that faults depart from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Shape = tuple[int, ...]
Rng = np.random.Generator
CUT_STD = 0.8796256610342398
"""The std of N(0, 1) cut at two of its own."""


def std(shape: Shape) -> float:
    """He's standard deviation: sqrt(2 / fan_in)."""
    return math.sqrt(2.0 / math.prod(shape[:-1]))


def he(shape: Shape, rng: Rng) -> Any:
    """He's rule as published."""
    return rng.standard_normal(shape) * std(shape)


def fans(shape: Shape) -> tuple[int, int]:
    """(fan_in, fan_out) of a dense or convolution kernel."""
    field = math.prod(shape[:-2])
    return field * shape[-2], field * shape[-1]


def matrix(weights: Any) -> Any:
    """A kernel as a matrix (prod(kernel) * in, out), sharing its memory."""
    return weights.reshape(-1, weights.shape[-1])


def haar(shape: Shape, rng: Rng) -> Any:
    """A semi-orthogonal kernel, uniformly distributed (Mezzadri 2007)."""
    rows, columns = math.prod(shape[:-1]), shape[-1]
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q = q * np.sign(np.diag(r))
    return (q if rows >= columns else q.T).reshape(shape)
