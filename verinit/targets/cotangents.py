"""What passes returned, in one form: an array from a forward, one gradient for each input from a backward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from verinit.targets.results import plain
from verinit.targets.trees import leaves


def output(result: Any, inputs: Sequence[Any]) -> Any:
    """A tensor as an array; one of Python's numbers, which has no dtype, in that of the inputs.

    Anything else stays what it is, for the checks to see.
    """
    result = plain(result)
    if isinstance(result, (bool, int, float)):
        return np.asarray(result, dtype=next(x.dtype for x in inputs if floating(x)))
    return result


def gradients(result: Any, count: int) -> tuple[Any, ...]:
    """What a backward returned, one for each of `count` inputs where it is so many; else as many as came.

    A lone array is the gradient of a lone input. Lists and dicts are taken apart, as the inputs were.
    """
    result = plain(result)
    if count == 1 and isinstance(result, np.ndarray):
        return (result,)
    found = leaves(result, "") if isinstance(result, (Mapping, list, tuple)) else [("", result)]
    return tuple(_number(plain(leaf)) for _, leaf in found)


def _number(leaf: Any) -> Any:
    """NumPy's scalars are arrays without axes, and so is a number of Python's."""
    return np.asarray(leaf) if isinstance(leaf, (np.generic, int, float)) else leaf


def floating(x: Any) -> bool:
    """Whether an array holds floating-point numbers, which can be differentiated."""
    return bool(x.dtype.kind == "f" or x.dtype.name == "bfloat16")
