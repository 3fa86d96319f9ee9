"""torch's generators as functions of a NumPy generator.

torch's CPU generator is a Mersenne twister of 624 words, but `manual_seed` uses only the low 32 bits of a
seed: among ten thousand seeded draws two would be equal with probability 1 %. Its whole state is
therefore drawn from `rng`, and its first 624 words are then as good as rng's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from verinit.targets.torch.framework import pytorch

_WORDS = 624
_HEADER = 24
"""Bytes before the words: the seed, how many words are left, flags, the position."""


@cache
def _template() -> Any:
    """A freshly seeded state (bytes), and its words as a view that may be overwritten; None if unknown.

    The layout is recognised by the recurrence that seeding follows (Matsumoto and Nishimura's
    `init_genrand` of 2002), not by a version number.
    """
    state = pytorch().Generator().manual_seed(0).get_state()
    raw = state.numpy()
    if raw.size < _HEADER + 8 * _WORDS:
        return state, None
    words = raw[_HEADER : _HEADER + 8 * _WORDS].view(np.uint64)
    before = words[:-1]
    after = (1812433253 * (before ^ (before >> 30)) + np.arange(1, _WORDS, dtype=np.uint64)) % 2**32
    return state, words if words[0] == 0 and np.array_equal(words[1:], after) else None


def seed(generator: Any, rng: np.random.Generator) -> Any:
    """`generator`, a torch.Generator on the CPU, with a state drawn from `rng`."""
    state, words = _template()
    if words is None:
        return generator.manual_seed(int(rng.integers(2**63)))
    words[:] = rng.integers(0, 2**32, _WORDS, dtype=np.uint32)
    generator.set_state(state)
    return generator


@cache
def _own() -> Any:
    return pytorch().Generator()


def generator(rng: np.random.Generator) -> Any:
    """A torch.Generator whose draws depend on `rng` alone; good until the next call."""
    return seed(_own(), rng)


@contextmanager
def borrowed(rng: np.random.Generator) -> Iterator[None]:
    """Inside, torch's global CPU generator depends on `rng` alone; afterwards it is as it was."""
    default = pytorch().default_generator
    before = default.get_state()
    seed(default, rng)
    try:
        yield
    finally:
        default.set_state(before)
