"""What a target takes, and of what a check says something: the form of the cases to look at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from verinit.vocabulary import KINDS, Case, Check, Kind, Target, UsageError, unknown
from verinit.vocabulary.calls import by_hand, unsaid

LARGEST = 4096
"""Numbers in the largest array that is looked at: what can be seen is set by the draws, not by the shape."""
RANKS = (1, 2, 3, 4, 5)
FANS = (2, 3, 4, 5)
"""Numbers of axes that have two fans."""
DTYPES = (None, "float32", "float64", "float16", "bfloat16")
PARAMETERS = ("groups", "transposed")
LONG = 64
"""The longest side of a square one."""
STOCK = (LONG, 48, 40, 8, 1)
"""Sides of the arrays at which a check is asked once whether it ever says anything."""

Word = TypeVar("Word", int, str, str | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Which cases to look at.

    ranks       numbers of axes, fewest first
    dtypes      simplest first; None is the target's own
    parameters  case parameters of convolutions
    empty       whether an axis may be 0
    least       rows and columns are at least as many
    square      rows and columns are equally many
    target      whose cases they are; None for those of a whole kind
    """

    ranks: tuple[int, ...] = FANS
    dtypes: tuple[str | None, ...] = (None,)
    parameters: tuple[str, ...] = PARAMETERS
    empty: bool = True
    least: int = 1
    square: bool = False
    target: Target | None = None

    def unsaid(self, check: Check, case: Case) -> str:
        """Why a check, called by hand, says nothing of the target at a case; empty if it does."""
        if self.target is None:
            raise UsageError(
                f"check={check.code}: what it says something of depends on the target, so give one: "
                f"cases_for(mine, check=...)"
            )
        return unsaid(by_hand(check, self.target, case))

    def narrowed(self, check: Check) -> Form:
        """The form without axes, dtypes and sizes of which the check says nothing.

        Raises `UsageError` where nothing is left.
        """
        stock = self._stock()
        said = [case for case in stock if not self.unsaid(check, case)]
        full = [case for case in said if case.size]
        if not full:
            reason = self.unsaid(check, stock[0])
            raise UsageError(f"{check.code} says nothing of {self.target} at any case: {reason}")
        first = full[0]
        return replace(
            self,
            ranks=tuple(rank for rank in self.ranks if any(len(case.shape) == rank for case in full)),
            dtypes=tuple(dtype for dtype in self.dtypes if any(case.dtype == dtype for case in full)),
            empty=self.empty and len(said) > len(full),
            least=self._least(check, like=first),
            square=not any(len(case.shape) == 1 or case.shape[-1] != case.shape[-2] for case in full),
        )

    def _least(self, check: Check, *, like: Case) -> int:
        """The shorter side of the first array, of the axes and dtype of `like`, of which a check speaks."""
        shapes = ((side, shape) for side in range(1, LONG + 1) for shape in _shapes(len(like.shape), side))
        cases = ((side, replace(like, shape=shape)) for side, shape in shapes)
        return next(side for side, case in cases if case.size and not self.unsaid(check, case))

    def _stock(self) -> list[Case]:
        shapes = [shape for rank in self.ranks for side in STOCK for shape in _shapes(rank, side)]
        return [Case(shape=shape, dtype=dtype) for dtype in self.dtypes for shape in shapes]


def _shapes(rank: int, side: int) -> list[tuple[int, ...]]:
    """One with equal sides, two with unequal ones, and an empty one."""
    if rank == 1:
        return [(side,), (0,)]
    kernel = (1,) * (rank - 2)
    wide = (side, LARGEST // side)
    return [(*kernel, *sides) for sides in ((side, side), (side + 1, side), wide, (side, 0))]


def form_of(
    what: Kind | Target,
    *,
    ranks: Sequence[int] | None = None,
    dtypes: Sequence[str | None] | None = None,
    parameters: Sequence[str] | None = None,
    empty: bool = True,
) -> Form:
    """The form of the cases of a kind, or of those that a target takes, with one's own choice among them.

    Raises `UsageError` for a word that nobody knows, and for what the target does not take.
    """
    whole = _taken_by(what) if isinstance(what, Target) else _of_kind(what)
    allowed = RANKS if whole.target is None or not whole.target.ranks else whole.ranks
    known = DTYPES if whole.target is None else whole.dtypes
    return replace(
        whole,
        ranks=_chosen("ranks", ranks, allowed, whole.ranks),
        dtypes=_chosen("dtypes", dtypes, known, whole.dtypes),
        parameters=_chosen("parameters", parameters, whole.parameters, whole.parameters),
        empty=empty,
    )


def _of_kind(kind: object) -> Form:
    if not isinstance(kind, str):
        given = getattr(kind, "__name__", None) or repr(kind)
        raise UsageError(
            f"cases_for({given}): give a kind such as 'initializer', or verinit.target({given}, scheme=...)"
        )
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    if kind != "initializer":
        raise UsageError(
            f"kind {kind!r} has no cases to draw yet (allowed: 'initializer', 'function', 'normalizer', "
            "'activation', 'loss')"
        )
    return Form()


def _taken_by(target: Target) -> Form:
    _of_kind(target.kind)
    scheme = target.scheme
    fanless = scheme is not None and scheme.mode == "none" and scheme.family != "orthogonal"
    usual = RANKS if fanless else FANS
    ranks = tuple(rank for rank in (target.ranks or usual) if rank in RANKS)
    if not ranks:
        raise UsageError(f"{target} takes {target.ranks} axes; cases have from 1 to 5")
    return Form(
        ranks=tuple(sorted(ranks)),
        dtypes=tuple(dtype for dtype in DTYPES if dtype is None or dtype in target.dtypes),
        parameters=tuple(name for name in PARAMETERS if name in target.parameters),
        target=target,
    )


def _chosen(
    name: str, given: Sequence[Word] | str | None, allowed: tuple[Word, ...], usual: tuple[Word, ...]
) -> tuple[Word, ...]:
    """What is chosen of what is allowed, in its order, simplest first."""
    if given is None:
        return usual
    if isinstance(given, str):
        raise UsageError(f"{name}={given!r}: give a tuple, such as {tuple(allowed[:1])!r}")
    if not given and name != "parameters":
        raise UsageError(f"{name}={given!r}: give at least one of {', '.join(map(str, allowed))}")
    for word in given:
        if word not in allowed:
            raise unknown(name.removesuffix("s"), word, (str(one) for one in allowed))
    return tuple(word for word in allowed if word in given)
