"""Weights and signals have one of four floating dtypes, and arithmetic happens in float32 or wider.

Two-byte numbers are widened, computed with and rounded once at the end, as accelerators do with their
float32 accumulators; rounding after every step would be a property of NumPy, not of the formula.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes  # also teaches numpy.dtype the word "bfloat16"
import numpy as np
from numpy.typing import ArrayLike, NDArray

from verinit.vocabulary import unknown

Array = NDArray[Any]
FLOATING: dict[str, np.dtype[Any]] = {
    "float16": np.dtype(np.float16),
    "bfloat16": np.dtype(ml_dtypes.bfloat16),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
}


def floating(dtype: Any) -> np.dtype[Any]:
    """A dtype of weights is float16, bfloat16, float32 or float64; None means float64.

    Raises `UsageError` for every other dtype.
    """
    if dtype is None:
        return FLOATING["float64"]
    try:
        name = np.dtype(dtype).name
    except TypeError:
        name = str(dtype)
    if name not in FLOATING:
        raise unknown("floating dtype", name, FLOATING)
    return FLOATING[name]


def kept(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """A result has the dtype of its input, except that whole numbers become float64."""
    return FLOATING["float64"] if dtype.kind in "biu" else dtype


def widened(x: ArrayLike) -> Array:
    """`x` in the dtype that is computed with: at least float32, float64 for whole numbers."""
    x = np.asarray(x)
    return x.astype(np.promote_types(kept(x.dtype), np.float32), copy=False)


def rounded(x: Array, dtype: np.dtype[Any]) -> Array:
    """`x` rounded once to `dtype`; what is too large for it becomes infinite without a warning."""
    with np.errstate(over="ignore"):
        return x.astype(dtype, copy=False)


def product(x: ArrayLike, W: ArrayLike) -> Array:
    """The matrix product `x @ W`, accumulated in float32 or wider and rounded once.

    `x: (..., in)`, `W: (in, out)`, result `(..., out)` in NumPy's common dtype of the two.
    """
    x, W = np.asarray(x), np.asarray(W)
    return rounded(widened(x) @ widened(W), np.result_type(kept(x.dtype), kept(W.dtype)))
