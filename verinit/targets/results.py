"""What a call returned, as an array where it is a tensor of some framework, and as it came otherwise."""

from __future__ import annotations

from typing import Any

import numpy as np

from verinit.targets.torch.tensors import as_array

_TENSORS = ("jax", "jaxlib", "tensorflow")


def plain(result: Any) -> Any:
    """Tensors of torch, JAX and TensorFlow become arrays of the same shape and dtype, without a copy where
    NumPy can share their memory; a list, None or a string stays what it is, for the checks to see.
    """
    if isinstance(result, np.ndarray):
        return result
    homes = {base.__module__.partition(".")[0] for base in type(result).__mro__}
    if "torch" in homes and hasattr(result, "detach"):
        return as_array(result)
    if homes.intersection(_TENSORS) and hasattr(result, "__array__"):
        return np.asarray(result)
    return result
