"""Where checks are declared: `@check(code, ...)` over one function, whose docstring is the claim."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence

from verinit.vocabulary import (
    Case,
    Check,
    Claim,
    Evidence,
    Exhibit,
    Kind,
    Measured,
    Rates,
    Target,
    Trial,
    UsageError,
)

CHECKS: dict[str, Check] = {}


def checks_of(kind: Kind) -> dict[str, Check]:
    """The checks of one kind of target, by code."""
    return {code: one for code, one in sorted(CHECKS.items()) if one.kind == kind}


_CODE = re.compile(r"[A-Z]{2}[0-9]{3}")
Body = Callable[[Trial], Evidence | Measured]


def check(
    code: str,
    *,
    equation: str,
    source: str,
    discrepancy: float = 0.0,
    kind: Kind = "initializer",
    rates: Rates | None = None,
    samples: Callable[[Trial], int] | None = None,
    applies: Callable[[Target, Case], str] = lambda target, case: "",
    floor: Callable[[Target, Case], float] = lambda target, case: 0.0,
    after: tuple[str, ...] = (),
    scales: bool = True,
    exhibit: Callable[[Trial], Exhibit] | None = None,
    diagnose: Callable[[Sequence[tuple[Trial, Evidence]]], str] | None = None,
) -> Callable[[Body], Check]:
    """Declare a check: the decorated function measures one trial and returns Evidence.

    The first line of its docstring is the claim, a true sentence about the world; the rest says why it
    matters. Codes are for ever: two letters and three digits, never reused.
    Raises `UsageError` for a code that is malformed or taken, or a body without a docstring.
    """
    if not _CODE.fullmatch(code):
        raise UsageError(f"code={code!r}: a code is two capital letters and three digits, such as 'IN201'")

    def declare(body: Body) -> Check:
        if code in CHECKS:
            raise UsageError(
                f"code={code!r} is taken by {CHECKS[code].claim.summary!r}; codes are never reused"
            )
        doc = inspect.getdoc(body)
        if not doc:
            raise UsageError(f"{code}: the body needs a docstring; its first line is the claim")
        CHECKS[code] = Check(
            claim=Claim(id=code, summary=doc.splitlines()[0], equation=equation, source=source),
            kind=kind,
            body=body,
            discrepancy=discrepancy,
            rates=rates or Rates(),
            samples=samples,
            applies=applies,
            floor=floor,
            after=after,
            scales=scales,
            exhibit=exhibit,
            diagnose=diagnose,
            doc=doc,
        )
        return CHECKS[code]

    return declare
