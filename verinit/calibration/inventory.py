"""Which statistical tests there are, and on which of them each check rests. Nothing is typed in.

A test is a public function of `verinit.statistics` that takes `rates` and returns Evidence. What a check
rests on is seen by watching it look at right code once.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable
from functools import cache
from types import CodeType, FrameType
from typing import Any

import verinit.statistics
from verinit.calibration.healthy import healthy
from verinit.checks import CHECKS
from verinit.vocabulary import Evidence, examine

Test = Callable[..., Evidence]
COMBINATORS = frozenset({"pooling.both_axes"})
"""Tests of tests: what they are given is what a check rests on too."""


@cache
def statistical_tests() -> dict[str, Test]:
    """Every public test by its name, "lines.sums"."""
    found: dict[str, Test] = {}
    for module in pkgutil.iter_modules(verinit.statistics.__path__):
        home = importlib.import_module(f"verinit.statistics.{module.name}")
        for name, function in inspect.getmembers(home, inspect.isfunction):
            if function.__module__ == home.__name__ and _is_test(name, function):
                found[f"{module.name}.{name}"] = function
    return dict(sorted(found.items()))


def _is_test(name: str, function: Callable[..., Any]) -> bool:
    signature = inspect.signature(function)
    return (
        not name.startswith("_")
        and "rates" in signature.parameters
        and signature.return_annotation == "Evidence"
    )


class _Watch:
    """A profiler that notes which tests are entered while no other is."""

    def __init__(self) -> None:
        self.names: dict[CodeType, str] = {f.__code__: name for name, f in statistical_tests().items()}
        self.open = 0
        self.seen: list[str] = []

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        name = self.names.get(frame.f_code)
        if name is None or event not in ("call", "return"):
            return
        if event == "call" and not self.open:
            self.seen.append(name)
        if name not in COMBINATORS:
            self.open += 1 if event == "call" else -1


@cache
def calls(code: str) -> tuple[str, ...]:
    """The tests that a check calls itself on right code, as often as it does; none without statistics."""
    trial = healthy(code)
    if trial is None:
        return ()
    watch, before = _Watch(), sys.getprofile()
    sys.setprofile(watch)
    try:
        examine(trial)
    finally:
        sys.setprofile(before)
    return tuple(sorted(watch.seen))


def rests_on(code: str) -> tuple[str, ...]:
    """The tests on which a check rests."""
    return tuple(dict.fromkeys(calls(code)))


def is_union(code: str) -> bool:
    """Whether a check takes the worst of several tests, whose p-value is then a bound."""
    return len(calls(code)) > 1


def statistical_codes() -> tuple[str, ...]:
    """The codes of all checks into which chance enters."""
    return tuple(code for code in sorted(CHECKS) if CHECKS[code].samples is not None)
