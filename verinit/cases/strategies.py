"""Where Hypothesis looks: `cases_for`, a strategy whose simplest case is the smallest array without extras.

Every case is read off a row of whole numbers, each 0 at its simplest and drawn whatever the others are: axes,
dtype, transposed, groups, emptiness, aspect, breadth, rows, columns, and last the sizes of the kernel. So a
number can be lowered, or an extra dropped, without moving the rest, and shrinking ends at the smallest
failing case itself. Sizes are those of the kernel as a matrix (rows, columns): a kernel axis that is dropped
leaves the fan no smaller, and a dense layer takes the place of a convolution.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, Literal

from hypothesis import settings
from hypothesis import strategies as st

from verinit.cases.batches import RANKS as BATCHED
from verinit.cases.batches import batches_for
from verinit.cases.forms import LARGEST, Form, form_of
from verinit.vocabulary import Case, Check, Kind, Target, UsageError
from verinit.vocabulary.calls import by_hand, unsaid
from verinit.vocabulary.places import Parameter

Draw = st.DrawFn
Aspect = Literal["free", "square", "column", "row"]

SIZES: tuple[int, ...] = (*(size for size in range(1, 65) for _ in range(20)), *range(65, 701))
"""Sizes of an axis, in the proportions in which they are tried: two in three are at most 64.

Every size up to 700 is among them, so that the smallest at which a fault shows is one of them.
"""
WIDEST_KERNEL = 5
TRANSPOSED = (False, False, True)
FREE: Aspect = "free"
ASPECTS: tuple[Aspect, ...] = (*[FREE] * 8, "square", "square", "column", "row")
GROUPS = (*[1] * 4, 2, 3, 4, 8)
HOLLOW = (*[0] * 38, 1, 2)
"""The axis that is 0, from the last; none in nineteen cases of twenty."""
LONG = math.isqrt(LARGEST)
"""The longest side of a square."""
BROAD = 48
"""Half of the cases have as many rows and columns at least: layers mostly do, some claims are about such
lines alone, and what is large is cheap, as its draws are few."""


def cases_for(
    what: Kind | Target,
    *,
    check: Check | None = None,
    like: Case | None = None,
    ranks: Sequence[int] | None = None,
    dtypes: Sequence[str | None] | None = None,
    parameters: Sequence[str] | None = None,
    empty: bool = True,
) -> st.SearchStrategy[Case]:
    """Cases of one kind of target, or of those that one target takes: a few thousand numbers.

    Dense kernels, convolutions in 1 to 3 dimensions, grouped and transposed ones, 1 x 1, 1 x 700 and 700 x 1,
    and empty ones. They shrink to the smallest array: few axes, the dtype of the target, no parameters. The
    draw index is 0: a case's content keys its random stream.

    Functions, normalizers, activations and losses are looked at in batches (`verinit.cases.batches`): a few
    rows, of a scale at which they are linear or saturated, with special numbers or without.

    what        a kind such as "initializer" or "function", or a Target, of which the axes, dtypes and
                parameters are then those it takes
    check       only cases of which this check says something; it needs a Target to know them. Worth it for
                claims about few cases, such as squares: Hypothesis gives up where it finds next to none
    like        only cases with the axes of this one, none of them longer, and its dtype and parameters or
                less; the other options are then not needed
    ranks       numbers of axes, from 1 to 5; (2, 3, 4, 5), and 1 too where the target's law needs no fan
    dtypes      None is the target's own; of a kind (None,), of a Target all that it takes
    parameters  "groups", "transposed"; all that may be
    empty       whether an axis may be 0, where contract checks alone say something
    Raises `UsageError` for a word that nobody knows, and for what the target does not take; and, when it is
    drawn from, where Hypothesis has a deadline: how long an example takes is a matter of its draws.

    >>> from hypothesis import find, settings
    >>> quiet = settings(deadline=None, database=None, derandomize=True)
    >>> str(find(cases_for("initializer"), lambda case: case.size > 39, settings=quiet))
    '1x40#0'
    """
    if like is not None and (ranks, dtypes, parameters) != (None, None, None):
        raise UsageError(f"like={like} says which axes, dtypes and parameters: leave the other options out")
    kind = what.kind if isinstance(what, Target) else what
    if kind in BATCHED:
        return _in_batches(what, check, like, ranks=ranks, dtypes=dtypes, parameters=parameters)
    form = form_of(what, ranks=ranks, dtypes=dtypes, parameters=parameters, empty=empty)
    if check is not None:
        form = form.narrowed(check)
    cases = _drawn(read_off(form) if like is None else within(like))
    return cases if check is None else cases.filter(lambda case: not form.unsaid(check, case))


def _in_batches(
    what: Kind | Target, check: Check | None, like: Case | None, **chosen: Any
) -> st.SearchStrategy[Case]:
    """Batches, or those within one, of which a check says something."""
    cases = _drawn(batches_for(what, **chosen) if like is None else within(like))
    if check is None:
        return cases
    if not isinstance(what, Target):
        raise UsageError(
            f"check={check.code}: what it says something of depends on the target, so give one: "
            f"cases_for(mine, check=...)"
        )
    return cases.filter(lambda case: not unsaid(by_hand(check, what, case)))


@st.composite
def _drawn(draw: Draw, cases: st.SearchStrategy[Case]) -> Case:
    """A case, where Hypothesis gives it time."""
    deadline = settings.default.deadline if settings.default is not None else None
    if deadline is not None:
        raise UsageError(
            f"cases_for under a deadline of {deadline.total_seconds() * 1e3:g} ms: an example takes as long "
            "as its draws do, so add @settings(deadline=None) to the test, or to a profile of Hypothesis"
        )
    return draw(cases)


@st.composite
def read_off(draw: Draw, form: Form) -> Case:
    """A case of a form, from a row of independent numbers."""
    axes = draw(st.sampled_from(_ranks(form)))
    dtype = draw(st.sampled_from(form.dtypes))
    transposed = "transposed" in form.parameters and draw(st.sampled_from(TRANSPOSED))
    groups = draw(st.sampled_from(GROUPS)) if "groups" in form.parameters else 1
    hollow = draw(st.sampled_from(HOLLOW)) if form.empty else 0
    aspect = draw(st.sampled_from(ASPECTS))
    square = form.square or aspect == "square"
    least = max(form.least, BROAD if draw(st.booleans()) else 1)
    rows = _size(draw, least, LONG if square else LARGEST // least)
    columns = _size(draw, least, LARGEST if aspect == "row" else LARGEST // rows)
    sides = rows, columns
    if square:
        sides = rows, rows
    elif aspect != "free" and form.least == 1:
        sides = (rows, 1) if aspect == "column" else (1, columns)
    kernel: list[int] = []
    for _ in range(axes - 2):
        room = LARGEST // (sides[1] * math.prod(kernel))
        kernel.append(draw(st.integers(1, max(1, min(WIDEST_KERNEL, room)))))
    return _case(axes, kernel, sides, dtype, transposed=transposed, groups=groups, hollow=hollow)


def _ranks(form: Form) -> list[int]:
    """Numbers of axes, fewest first; two cases in three are dense, where they may be."""
    dense = [2] * (2 * len(form.ranks) - 3) if 2 in form.ranks else []
    return sorted([*form.ranks, *dense])


def _size(draw: Draw, least: int, most: int) -> int:
    start, stop = bisect_left(SIZES, least), bisect_right(SIZES, max(least, most))
    place: int = draw(st.integers(start, stop - 1))
    return SIZES[place]


def _case(
    axes: int,
    kernel: list[int],
    sides: tuple[int, int],
    dtype: str | None,
    *,
    transposed: bool,
    groups: int,
    hollow: int,
) -> Case:
    """The case of a kernel that is a matrix (rows, columns) = sides; only a convolution has parameters."""
    rows, columns = sides
    rows = max(1, rows // math.prod(kernel))
    if axes < 3:
        transposed, groups = False, 1
    if transposed:
        rows = _whole(rows, groups)
    elif groups > 1:
        columns = _whole(columns, groups)
    shape = [*kernel, rows, columns] if axes > 1 else [rows]
    if hollow:
        shape[-min(hollow, axes)] = 0
    return Case(shape=tuple(shape), dtype=dtype, parameters=extras(groups, transposed))


def _whole(channels: int, groups: int) -> int:
    """The channels, in groups of equal size: fewer, but at least one a group."""
    return max(1, channels // groups) * groups


def extras(groups: int, transposed: bool) -> tuple[tuple[str, Parameter], ...]:
    """The parameters of a case, of which the usual is not said."""
    named: dict[str, tuple[int, int | bool]] = {"groups": (1, groups), "transposed": (False, transposed)}
    return tuple((name, value) for name, (usual, value) in named.items() if value != usual)


@st.composite
def within(draw: Draw, like: Case) -> Case:
    """A case with the axes of `like`, none longer, and its dtype and parameters or less."""
    dtype = like.dtype if like.dtype and draw(st.booleans()) else None
    kept = tuple((name, value) for name, value in like.parameters if draw(st.booleans()))
    shape = tuple(draw(st.integers(min(1, size), size)) for size in like.shape)
    return fitted(Case(shape=shape, dtype=dtype, draw=like.draw, parameters=kept), like)


def fitted(case: Case, like: Case) -> Case:
    """The case with its channels in whole groups, where those of `like` are: rounded up."""
    chosen = dict(case.parameters)
    groups = chosen.get("groups", 1)
    axis = -2 if chosen.get("transposed") is True else -1
    if type(groups) is not int or groups < 2 or len(case.shape) < 2 or like.shape[axis] % groups:
        return case
    shape = list(case.shape)
    shape[axis] = -(-shape[axis] // groups) * groups
    return Case(shape=tuple(shape), dtype=case.dtype, draw=case.draw, parameters=case.parameters)
