"""Where we look: the named batteries, and the search for the smallest case that still fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from verinit.vocabulary import Battery, Case, UsageError, unknown

_SMOKE = ("13x11", "3x3x4x10")
_STANDARD = ("13x11", "64x32", "48x80", "5x6x10", "3x3x8x16", "48x80/float32", "3x3x4x16?groups=4")
_EXHAUSTIVE = (
    *_STANDARD,
    "1x37",
    "37x1",
    "17x501",
    "501x17",
    "257x255",
    "3x5x3x7x6",
    "64x32/float64",
    "64x32/float16",
    "3x3x4x16?groups=2,transposed=true",
    "48x80#1",
)


def cases(texts: Iterable[str | Case]) -> tuple[Case, ...]:
    """The cases that these words spell; a Case passes through."""
    return tuple(text if isinstance(text, Case) else Case.parse(text) for text in texts)


def _battery(name: str, texts: tuple[str, ...], coarseness: float) -> Battery:
    return Battery(name=name, cases=(("initializer", cases(texts)),), coarseness=coarseness)


BATTERIES: dict[str, Battery] = {
    "smoke": _battery("smoke", _SMOKE, 10.0),
    "standard": _battery("standard", _STANDARD, 1.0),
    "exhaustive": _battery("exhaustive", _EXHAUSTIVE, 0.5),
}
"""smoke sees 10 % of a std, standard 1 %, exhaustive 0.5 % at more shapes and dtypes.

The shapes are chosen so that no two well-known mistakes leave the same ratios at all of them: 64x32 alone
cannot tell a wrong fan from 2/sqrt(n), nor a square anything from anything.
"""


def battery(name: str | Battery, *, only: Iterable[str | Case] | None = None) -> Battery:
    """The battery of this name, or the same one at other cases.

    Raises `UsageError` for an unknown name or a case that cannot be read.
    """
    if isinstance(name, Battery):
        chosen = name
    elif name in BATTERIES:
        chosen = BATTERIES[name]
    else:
        raise unknown("battery", name, BATTERIES)
    if only is None:
        return chosen
    places = cases(only)
    if not places:
        raise UsageError("cases=(): give at least one case, such as '64x32'")
    return replace(chosen, cases=tuple((kind, places) for kind, _ in chosen.cases))


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
