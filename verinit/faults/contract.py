"""Initializers that break what every caller relies on."""

from __future__ import annotations

from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, he


@fault("IN101")
def a_list(shape: Shape, rng: Rng) -> Any:
    """`.tolist()` left over from writing weights to JSON."""
    return he(shape, rng).tolist()


@fault("IN101")
def nothing(shape: Shape, rng: Rng) -> Any:
    """The array is filled, and never returned."""
    he(shape, rng)


@fault("IN101")
def objects(shape: Shape, rng: Rng) -> Any:
    """Rows of unequal type make NumPy fall back to an array of Python objects."""
    return he(shape, rng).astype(object)


@fault("IN102")
def stored_transposed(shape: Shape, rng: Rng) -> Any:
    """A kernel is built as (out, in), the layout of another framework."""
    return np.swapaxes(he(shape, rng), -1, -2)


@fault("IN102")
def flattened(shape: Shape, rng: Rng) -> Any:
    """`ravel` is called to fill a buffer and the shape is not restored."""
    return he(shape, rng).ravel()


@fault("IN103")
def whole_numbers(shape: Shape, rng: Rng) -> Any:
    """`np.zeros_like` of an integer template takes the weights: each is truncated to 0 or 1."""
    return he(shape, rng).astype(np.int64)


@fault("IN103", cases=("48x80/float32",))
def double_precision_always(shape: Shape, rng: Rng, *, dtype: str | None = None) -> Any:
    """The dtype argument is accepted and forgotten: weights are float64 whatever was asked for."""
    return he(shape, rng)


@fault("IN104")
def one_nan(shape: Shape, rng: Rng) -> Any:
    """Log of a uniform draw that may be 0, in a hand-written Box-Muller transform."""
    weights = he(shape, rng)
    weights.flat[0] = np.nan
    return weights


@fault("IN104")
def infinite(shape: Shape, rng: Rng) -> Any:
    """An inverse distribution function is evaluated at exactly 1."""
    weights = he(shape, rng)
    weights.flat[-1] = np.inf
    return weights


@fault("IN105")
def own_entropy(shape: Shape, rng: Rng) -> Any:
    """A fresh generator is made inside, so the one that was given changes nothing."""
    return he(shape, np.random.default_rng())


@fault("IN106")
def fixed_seed(shape: Shape, rng: Rng) -> Any:
    """A seed is fixed inside for reproducibility: all layers of one shape are equal."""
    return he(shape, np.random.default_rng(0))


@fault("IN106")
def seed_zero_is_false(shape: Shape, rng: Rng) -> Any:
    """`seed or default`: every other seed falls back on the default one (keras#19364)."""
    return he(shape, np.random.default_rng(int(rng.integers(2)) or 1337))
