"""Keras initializers: objects that are called with (shape, dtype) and carry a seed inside.

In Keras 3 an initializer without a seed invents one when it is made, and every call then returns the same
numbers. What is examined is therefore `from_config` of the object's own configuration, with a seed drawn
from rng for each call: the same class, the same parameters, another seed. Objects whose configuration
has no seed (Zeros, Constant) are called as they are. Nothing here imports keras.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np

SEEDS = 2**31
"""Keras hands a seed that is a number to its backends as int32."""


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
    seed = words(rng) if _own(obj) else int(rng.integers(SEEDS))
    return type(obj).from_config({**configuration, "seed": seed})


def _own(obj: Any) -> bool:
    """Whether an initializer is Keras's own, and so takes a SeedGenerator for a seed."""
    return "keras" in sys.modules and type(obj).__module__.partition(".")[0] == "keras"


def words(rng: np.random.Generator) -> Any:
    """A SeedGenerator whose next state, two words of 32 bits, is drawn from `rng`.

    A number for a seed is one word of 31 bits: of the three thousand draws of a case two would be equal
    with probability 0.2 %. The state is as long as JAX's key; the backend torch adds its words up, and
    has 32 bits.
    """
    generator, dtype = _generator()
    generator.words = rng.integers(0, 2**32, 2, dtype=np.uint32).astype(dtype)
    return generator


@cache
def _generator() -> tuple[Any, str]:
    """A SeedGenerator that says what it is told, and the dtype of a state; good until the next draw."""
    keras = sys.modules["keras"]

    class Told(keras.random.SeedGenerator):  # type: ignore[misc, name-defined]
        words: Any = None

        def next(self, ordered: bool = True) -> Any:
            return keras.ops.convert_to_tensor(self.words)

    generator = Told(seed=0, name="verinit")
    return generator, str(generator.state.dtype)
