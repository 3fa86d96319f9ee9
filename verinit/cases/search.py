"""The search for the smallest case that still fails: the only caller of `hypothesis.find`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

from verinit.cases.strategies import fitted, within
from verinit.vocabulary import Case

LOOKS = 60
"""Cases that are tried for a simpler failure before one is settled."""


def smallest(fails: Callable[[Case], bool], *, like: Case) -> Case:
    """The smallest case no larger than `like` at which `fails` still holds; `like` itself if none is.

    Smaller is: an axis shorter, no dtype, a parameter less, fewer groups; the number of axes stays. No one
    axis of what is returned can be one shorter (one a group, where there are groups) or be 1, and nothing of
    it left out, or `fails` would not hold. `fails` must be a function of the case alone, and is asked once of
    each. The search is derandomised: equal questions get equal answers.
    """
    known: dict[Case, bool] = {}

    def broken(case: Case) -> bool:
        if case not in known:
            known[case] = fails(case)
        return known[case]

    quiet = settings(
        max_examples=LOOKS,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        found = find(within(like), broken, settings=quiet)
    except NoSuchExample:
        found = like
    return _settled(found, broken) if broken(found) else like


def _settled(case: Case, fails: Callable[[Case], bool]) -> Case:
    """The case with everything lowered that can be lowered alone."""
    lower: Case | None = case
    while lower is not None:
        case = lower
        lower = next(filter(fails, _lowered(case)), None)
    return case


def _lowered(case: Case) -> Iterator[Case]:
    """The case with one thing less: the largest steps first, the smallest last."""
    if case.dtype is not None:
        yield replace(case, dtype=None)
    for name, value in case.parameters:
        others = tuple(pair for pair in case.parameters if pair[0] != name)
        yield replace(case, parameters=others)
        if name == "groups" and type(value) is int:
            for fewer in range(2, value):
                yield fitted(replace(case, parameters=(*others, (name, fewer))), case)
    for axis, size in enumerate(case.shape):
        for shorter in _shorter(size):
            lower = fitted(_with(case, axis, shorter), case)
            if lower != case:
                yield lower


def _shorter(size: int) -> Iterator[int]:
    """1, then down by a half, a quarter, ... by one."""
    if size > 1:
        yield 1
    step = size // 2
    while step:
        yield size - step
        step //= 2


def _with(case: Case, axis: int, size: int) -> Case:
    return replace(case, shape=(*case.shape[:axis], size, *case.shape[axis + 1 :]))
