"""Batches for Hypothesis: where functions, normalizers, activations and losses are looked at.

A case is a few rows of a few features, in any dtype that the target takes, of a scale at which it is linear
or saturated, with special numbers (exact zeros, ties, tiny ones) or without. It shrinks to one row of one
feature, in the target's own dtype, of scale 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from verinit.vocabulary import Case, Kind, Target, UsageError, unknown

ROWS = 12
FEATURES = 8
FIELD = 4
"""Sizes of the axes between: positions of a sequence, or of an image."""
SCALES = (1.0, 0.01, 5.0, 30.0)
"""Linear, tiny, curved, saturated."""
RANKS: dict[Kind, tuple[int, ...]] = {
    "function": (2,),
    "normalizer": (2, 3, 4),
    "activation": (1, 2),
    "loss": (2,),
}
DTYPES = (None, "float64", "float32", "float16", "bfloat16")
PARAMETERS = ("scale", "special")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batches:
    """Which batches to draw: numbers of axes, dtypes and parameters, each simplest first."""

    ranks: tuple[int, ...]
    dtypes: tuple[str | None, ...]
    parameters: tuple[str, ...]


def batches_for(
    what: Kind | Target,
    *,
    ranks: Sequence[int] | None = None,
    dtypes: Sequence[str | None] | None = None,
    parameters: Sequence[str] | None = None,
) -> st.SearchStrategy[Case]:
    """Cases of a kind that is looked at in batches, or of those that a target takes.

    Raises `UsageError` for what the target does not take.
    """
    kind = what.kind if isinstance(what, Target) else what
    taken = Batches(ranks=RANKS[kind], dtypes=DTYPES, parameters=PARAMETERS)
    if isinstance(what, Target):
        taken = Batches(
            ranks=what.ranks or taken.ranks,
            dtypes=tuple(d for d in DTYPES if d is None or d in what.dtypes),
            parameters=tuple(name for name in PARAMETERS if name in what.parameters),
        )
    return _batches(
        Batches(
            ranks=_among("rank", ranks, taken.ranks),
            dtypes=_among("dtype", dtypes, taken.dtypes),
            parameters=_among("parameter", parameters, taken.parameters),
        )
    )


def _among(name: str, given: Sequence[Any] | None, allowed: tuple[Any, ...]) -> tuple[Any, ...]:
    """What is given of what is allowed."""
    if given is None:
        return allowed
    for word in given:
        if word not in allowed:
            raise unknown(name, word, map(str, allowed))
    if not given and name != "parameter":
        raise UsageError(f"{name}s={given!r}: give at least one of {', '.join(map(str, allowed))}")
    return tuple(word for word in allowed if word in given)


@st.composite
def _batches(draw: st.DrawFn, form: Batches) -> Case:
    rank = draw(st.sampled_from(form.ranks))
    dtype = draw(st.sampled_from(form.dtypes))
    parameters: list[tuple[str, Any]] = []
    if "scale" in form.parameters:
        scale = draw(st.sampled_from(SCALES))
        parameters += [("scale", scale)] if scale != 1.0 else []
    if "special" in form.parameters and draw(st.booleans()):
        parameters.append(("special", True))
    rows, features = draw(st.integers(1, ROWS)), draw(st.integers(1, FEATURES))
    field = tuple(draw(st.integers(1, FIELD)) for _ in range(rank - 2))
    shape = (rows * features,) if rank == 1 else (rows, *field, features)
    return Case(shape=shape, dtype=dtype, draw=draw(st.integers(0, 3)), parameters=tuple(parameters))
