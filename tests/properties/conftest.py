"""What the tests of targets share: generators in one state, global states, and an exact test of variance."""
# ruff: noqa: NPY002 - the global generators are what users' code draws from

import random  # noqa: TID251 - users' code draws from it
import sys

import numpy as np
import pytest
from scipy.special import chdtri

RATE = 1e-9
"""How often a test with an exact law may fail on right code."""


def _within(array, variance):
    """Whether a sum of squares of independent centred normal weights is where chi-square puts it."""
    low, high = chdtri(array.size, [1.0 - RATE / 2, RATE / 2])
    return low < np.sum(np.square(array, dtype=np.float64)) / variance < high


def _rngs(seed=5):
    """Two generators in one state."""
    return np.random.default_rng(seed), np.random.default_rng(seed)


def _states():
    """The state of every global generator that this process has."""
    torch = sys.modules.get("torch")
    return (
        [str(part.tolist() if isinstance(part, np.ndarray) else part) for part in np.random.get_state()],
        random.getstate(),
        bytes(torch.get_rng_state().numpy()) if torch else b"",
    )


@pytest.fixture(scope="session")
def within():
    return _within


@pytest.fixture(scope="session")
def rngs():
    return _rngs


@pytest.fixture(scope="session")
def states():
    return _states
