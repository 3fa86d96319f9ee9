"""Keras initializers: objects that are called with (shape, dtype) and carry a seed inside.

In Keras 3 an initializer without a seed invents one when it is made, and every call then returns the same
numbers. What is examined is therefore `from_config` of the object's own configuration, with a seed drawn
from rng for each call: the same class, the same parameters, another seed. Objects whose configuration
has no seed (Zeros, Constant) are called as they are. Nothing here imports keras.
"""

from __future__ import annotations

from typing import Any

import numpy as np

SEEDS = 2**31
"""Keras hands seeds to its backends as int32."""


def is_initializer(obj: Any) -> bool:
    """Whether an object is called like a Keras initializer and can be made again from its configuration."""
    return (
        callable(obj)
        and not isinstance(obj, type)
        and all(callable(getattr(obj, name, None)) for name in ("get_config", "from_config"))
    )


def reseeded(obj: Any, rng: np.random.Generator) -> Any:
    """The same initializer with a seed drawn from `rng`; `obj` itself if it has no seed."""
    configuration = obj.get_config()
    if "seed" not in configuration:
        return obj
    return type(obj).from_config({**configuration, "seed": int(rng.integers(SEEDS))})
