"""A test of Hypothesis is watched while it runs: what it draws may not be the chance of a verdict."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from verinit.vocabulary.searches import searching


def watched(function: Callable[..., Any]) -> AbstractContextManager[None]:
    """The time in which Hypothesis drives a test."""
    return searching(drawn(function))


def drawn(function: Callable[..., Any]) -> tuple[str, ...]:
    """The arguments of a test that `@given` fills: those that pytest no longer sees."""
    inner = getattr(getattr(function, "hypothesis", None), "inner_test", None)
    if inner is None:
        return ()
    seen = inspect.signature(function).parameters
    return tuple(name for name in inspect.signature(inner).parameters if name not in seen)
