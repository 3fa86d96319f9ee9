"""Activations of the family `numpy`: all of the reference, and sigmoid as textbooks write it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.reference.activations import ACTIVATIONS
from verinit.targets.activations.forms import ONE_MINUS, built_in
from verinit.targets.kinds import Pair
from verinit.vocabulary import Target

Array = NDArray[Any]


def naive_sigmoid(x: Array) -> Array:
    """Sigmoid as textbooks write it: 1 / (1 + exp(-x))."""
    return np.asarray(1 / (1 + np.exp(-x)))


def naive_sigmoid_derivative(x: Array) -> Array:
    """Its slope as textbooks write it: y (1 - y)."""
    y = naive_sigmoid(x)
    return np.asarray(y * (1 - y))


NAIVE = (
    ("AC109", "exp(-x) overflows far on the left, where the result is rightly 0; NumPy warns of it"),
    ("AC302", f"y (1 - y): {ONE_MINUS}"),
)
"""What 1 / (1 + exp(-x)) and y (1 - y) really cannot do."""


@cache
def targets() -> tuple[Target, ...]:
    """Every activation of the reference, and `numpy:sigmoid@naive`."""
    naive = Pair(value=naive_sigmoid, derivative=naive_sigmoid_derivative)
    return (
        *(built_in(f"numpy:{name}", name, f) for name, f in ACTIVATIONS.items()),
        built_in("numpy:sigmoid@naive", "sigmoid", naive, expected=NAIVE),
    )
