"""The generator of a test: keyed by what the test is called, and not to be drawn from inside a search."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from verinit.pytest_plugin.options import ROOT
from verinit.vocabulary import ROOT as USUAL
from verinit.vocabulary import UsageError, entropy

REFUSAL = """verinit_rng is drawn from inside @given: its state goes on from example to example, so that an \
example that fails could not be found again. Make a generator of what the example holds:
    from verinit.vocabulary import entropy
    rng = np.random.default_rng(entropy(0, shape))  # shape: what @given drew"""


class Guarded(np.random.Generator):
    """A generator that Hypothesis may not drive: any use of it inside an example is refused."""

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_") and _in_an_example():
            raise UsageError(REFUSAL)
        return super().__getattribute__(name)

    def __repr__(self) -> str:
        return "verinit_rng"


def _in_an_example() -> bool:
    """Whether Hypothesis is at an example; it is looked up, not imported."""
    hypothesis = sys.modules.get("hypothesis")
    return hypothesis is not None and bool(hypothesis.currently_in_test_context())


def generator_of(item: pytest.Item) -> np.random.Generator:
    """The generator that belongs to a test."""
    root = item.config.stash.get(ROOT, USUAL)
    return Guarded(np.random.PCG64(entropy(root, "verinit_rng", name_of(item))))


def name_of(item: pytest.Item) -> str:
    """The node id of a test, without the group that xdist writes behind it."""
    group = item.get_closest_marker("xdist_group")
    name = group and (group.args[0] if group.args else group.kwargs.get("name"))
    return item.nodeid.removesuffix(f"@{name}") if name else item.nodeid
