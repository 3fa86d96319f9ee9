"""JAX's keys as functions of a NumPy generator."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from verinit.targets.jax.framework import google_jax

_MISSING = "a parameter named key asks for a JAX key: pip install jax"


@cache
def _words() -> tuple[int, ...]:
    """The shape of a raw key: (2,) words of 32 bits for the default generator."""
    return tuple(google_jax(missing=_MISSING).random.PRNGKey(0).shape)


def key(rng: np.random.Generator) -> Any:
    """A raw key with all its words drawn from `rng`.

    `PRNGKey(seed)` has 32 bits of seed unless 64-bit numbers are enabled; among ten thousand draws two
    would then be equal with probability 1 %.
    """
    words = rng.integers(0, 2**32, _words(), dtype=np.uint32)
    return google_jax(missing=_MISSING).numpy.asarray(words)
