"""What a search may not draw: the chance of a verdict.

Hypothesis looks for the worst example. Where it draws a seed it finds the worst of many samples, and shows a
number that means nothing: with alpha = 0.01 and a hundred examples, right code fails in two runs of three. So
inside a search the chance of a verdict is a function of the place that is looked at, as it is of
`Check.examine`, and whatever else moves it is refused. What is refused once is refused at every later
example, or the search would call the test unreliable.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from verinit.vocabulary.errors import UsageError
from verinit.vocabulary.evidence import Evidence
from verinit.vocabulary.places import Case

if TYPE_CHECKING:
    from verinit.vocabulary.checks import Trial

_SEED = re.compile(r"(.*_)?(seeds?|roots?|p?rng|random_state|randomness|entropy)")
POOLS = 2
"""Draw indices of one place that a search may see: those of a battery, which has two of a few places."""
REMEDY = """
Draw the place to look at instead; its content is the seed:
    @given(case=verinit.cases_for(mine))
    def test_it(case): verinit.CHECKS["{code}"](mine, case)"""


@dataclass(slots=True, kw_only=True)
class Search:
    """What was asked so far in one test that a search drives, and in which example it was asked first.

    seeds: drawn arguments that are called like a seed. refusal: why nothing more is answered.
    """

    seeds: tuple[str, ...] = ()
    roots: dict[int, Any] = field(default_factory=dict)
    pools: dict[tuple[str, str, Case], set[int]] = field(default_factory=dict)
    said: dict[tuple[object, ...], tuple[Any, set[str]]] = field(default_factory=dict)
    refusal: str = ""

    def refuse(self, why: str, trial: Trial, remedy: str = REMEDY) -> None:
        """Raise `UsageError`, now and whenever a verdict with chance is asked for again."""
        self.refusal = self.refusal or f"{why}{remedy.format(code=trial.check.code)}"
        raise _refused()(self.refusal)


@cache
def _refused() -> type[UsageError]:
    """An error that ends a search at once: Hypothesis looks for no simpler example of a `SkipTest`.

    It never leaves the block that is watched; see `searching`. unittest takes long to load, so it waits.
    """
    from unittest import SkipTest

    return type("UsageError", (UsageError, SkipTest), {})


_current: ContextVar[Search | None] = ContextVar("verinit search", default=None)


@contextmanager
def searching(drawn: Iterable[str]) -> Iterator[Search]:
    """Verdicts of this block are asked by a search that draws these arguments.

    Raises `UsageError` where one was refused, whatever the search makes of that.
    """
    search = Search(seeds=tuple(filter(_SEED.fullmatch, drawn)))
    token = _current.set(search)
    try:
        yield search
    except Exception:
        if search.refusal:
            raise UsageError(search.refusal) from None
        raise
    finally:
        _current.reset(token)


def _example() -> Any:
    """What stands for the example that Hypothesis is at; None where that cannot be told."""
    control = sys.modules.get("hypothesis.control")
    return getattr(getattr(control, "_current_build_context", None), "value", None)


def refuse_drawn_chance(trial: Trial) -> None:
    """Raise `UsageError` if a search draws the seed, root or draw index of a trial with chance."""
    search = _current.get()
    if search is None or trial.check.samples is None:
        return
    if search.refusal:
        search.refuse(search.refusal, trial)
    if search.seeds:
        search.refuse(
            f"{search.seeds[0]!r} is drawn by Hypothesis, and {trial.check.code} is a verdict with chance: "
            "of many seeds the search finds the worst, and shows a seed, not a fault.",
            trial,
        )
    example = _example()
    first = next(iter(search.roots.values()), None)
    search.roots.setdefault(trial.root, example)
    if len(search.roots) > 1 and (example is None or search.roots[trial.root] is not first):
        search.refuse(
            f"root={trial.root} in one example and root={next(iter(search.roots))} in another: the root of "
            f"{trial.check.code} is drawn by Hypothesis, which finds the worst of many seeds.",
            trial,
        )
    place = (trial.check.code, trial.target.name, replace(trial.case, draw=0))
    pools = search.pools.setdefault(place, set())
    pools.add(trial.case.draw)
    if len(pools) > POOLS:
        search.refuse(
            f"{trial.case} is draw {trial.case.draw} of one place, after {len(pools) - 1} others: the draw "
            f"index of {trial.check.code} is drawn by Hypothesis, which finds the worst of many seeds.",
            trial,
        )


def refuse_other_words(trial: Trial, evidence: Evidence) -> None:
    """Raise `UsageError` if a trial with chance says something else than it said in another example."""
    search = _current.get()
    if search is None or trial.check.samples is None:
        return
    example = _example()
    key = (trial.check.code, trial.target.name, trial.case, trial.root, trial.rates, trial.discrepancy)
    first, said = search.said.setdefault(key, (example, {repr(evidence)}))
    if example is not None and example is first:
        said.add(repr(evidence))  # several targets of one name
    if repr(evidence) in said:
        return
    search.refuse(
        f"{trial.check.code} for {trial.target.name} at {trial.case} says one thing in one example and "
        "another in the next: its chance depends on what Hypothesis draws, or on a generator that goes on "
        "from call to call. (If what is drawn is a setting and no seed, give the target a name that says it: "
        "verinit.target(..., name=f'mine {setting}').)",
        trial,
    )
