"""Chance for code that asks for none: the global generators, for a moment a function of `rng`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.targets.torch import chance

Words = NDArray[np.uint32]
WORDS = 8
"""Words of 32 bits that seed a generator: 256 bits, so that no two draws of a run are equal."""


@contextmanager
def borrowed(rng: np.random.Generator) -> Iterator[None]:
    """Inside, what the global generators draw depends on `rng` alone; afterwards they are as they were.

    Those of numpy and, if something has loaded them, of the standard library's `random` and of torch (on
    the CPU). Code that draws from none of them is not disturbed. `rng` is read once, whatever is loaded: what
    one process has loaded besides, another that sees a finding again may not have.
    """
    words = rng.integers(0, 2**32, WORDS, dtype=np.uint32)
    torch = chance.borrowed(np.random.default_rng(words)) if sys.modules.get("torch") else nullcontext()
    with _numpy(words), _standard_library(words), torch:
        yield


@contextmanager
def _numpy(words: Words) -> Iterator[None]:
    """Another bit generator takes the place of the user's, which rests meanwhile.

    It is a Mersenne twister whatever the user's is, so that code which calls `np.random.seed` goes on.
    The user's state is set again only where exchanging bit generators loses some of it: the normal number
    that the legacy generator has cached, and the state of the spare itself where calls are nested.
    """
    before = np.random.get_state(legacy=False)  # noqa: NPY002 - what users' code draws from
    generators: Any = np.random  # numpy names the next two in its docs, not in its __all__
    resting, spare = generators.get_bit_generator(), _spare()
    generators.set_bit_generator(spare)
    np.random.seed(words)  # noqa: NPY002, TID251 - of the spare
    try:
        yield
    finally:
        generators.set_bit_generator(resting)
        if before["has_gauss"] or resting is spare:
            np.random.set_state(before)  # noqa: NPY002


@cache
def _spare() -> np.random.BitGenerator:
    """Making one takes 13 times as long as seeding it."""
    return np.random.MT19937(0)


@contextmanager
def _standard_library(words: Words) -> Iterator[None]:
    module = sys.modules.get("random")
    if module is None:
        yield
        return
    before = module.getstate()
    module.seed(words.tobytes())
    try:
        yield
    finally:
        module.setstate(before)
