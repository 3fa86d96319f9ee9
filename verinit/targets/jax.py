"""JAX: keys made from rng. The only module that imports jax, and only when a key is asked for."""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any

import numpy as np

from verinit.vocabulary import TargetError


def _jax() -> Any:
    try:
        return importlib.import_module("jax")
    except ImportError:
        raise TargetError("a parameter named key asks for a JAX key: pip install jax") from None


@cache
def _words() -> tuple[int, ...]:
    """The shape of a raw key: (2,) words of 32 bits for the default generator."""
    return tuple(_jax().random.PRNGKey(0).shape)


def key(rng: np.random.Generator) -> Any:
    """A raw key with all its words drawn from `rng`.

    `PRNGKey(seed)` has 32 bits of seed unless 64-bit numbers are enabled; among ten thousand draws two
    would then be equal with probability 1 %.
    """
    return _jax().numpy.asarray(rng.integers(0, 2**32, _words(), dtype=np.uint32))
