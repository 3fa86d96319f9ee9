"""The search for the smallest case that still fails: the only caller of `hypothesis.find`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from verinit.vocabulary import Case


def shapes(like: tuple[int, ...]) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes with as many axes as `like`, each between 1 and its size there."""
    return st.tuples(*(st.integers(1, max(1, size)) for size in like))


def smallest(fails: Callable[[Case], bool], *, like: Case) -> Case:
    """The smallest case with the axes of `like` at which `fails` still holds; `like` itself if none is.

    `fails` must be a function of the case alone. The search is derandomised: equal questions get equal
    answers.
    """
    quiet = settings(
        max_examples=60,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    try:
        shape = find(shapes(like.shape), lambda shape: fails(replace(like, shape=shape)), settings=quiet)
    except NoSuchExample:
        return like
    return replace(like, shape=shape)
