"""A test of Hypothesis is watched while it runs: what it draws may not be the chance of a verdict."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from verinit.vocabulary import UsageError
from verinit.vocabulary.searches import Search, searching


@contextmanager
def watched(function: Callable[..., Any]) -> Iterator[None]:
    """The time in which Hypothesis drives a test; a refusal fails it in its own words and no more."""
    search = Search()
    try:
        with searching(drawn(function)) as search:
            yield
    except UsageError:
        if not search.refusal:
            raise
    if search.refusal:
        raise pytest.fail.Exception(f"verinit.UsageError: {search.refusal}", pytrace=False) from None


def drawn(function: Callable[..., Any]) -> tuple[str, ...]:
    """The arguments of a test that `@given` fills: those that pytest no longer sees."""
    inner = getattr(getattr(function, "hypothesis", None), "inner_test", None)
    if inner is None:
        return ()
    seen = inspect.signature(function).parameters
    return tuple(name for name in inspect.signature(inner).parameters if name not in seen)
