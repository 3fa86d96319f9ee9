"""How a ruling is reached: each part of a sentence gets a verdict, and the verdicts together one word."""

from __future__ import annotations

from collections.abc import Sequence

from verinit.textbook.claims import CLAIMS
from verinit.vocabulary import Evidence, Outcome, Rates, Ruling, Verdict


def share(rates: Rates, parts: int) -> Rates:
    """The part of the ledger's rates that one of a ruling's `parts` measurements may spend.

    The ledger's budget is split evenly over the claims and then over the measurements of each, so that all
    intervals of the ledger hold together except with probability `false_fail`.
    """
    pieces = len(CLAIMS) * parts
    return Rates(false_fail=rates.false_fail / pieces, false_pass=rates.false_pass / pieces)


def combined(verdicts: Sequence[Verdict]) -> Outcome:
    """Parts that all pass make a sentence hold, parts that all fail refute it, both kinds make it depend."""
    words = set(verdicts)
    if {Verdict.passed, Verdict.failed} <= words:
        return Outcome.depends
    if words == {Verdict.passed}:
        return Outcome.holds
    if words == {Verdict.failed}:
        return Outcome.refuted
    return Outcome.undecided


def verdict(true: bool) -> Verdict:
    """The verdict on a part that involves no chance."""
    return Verdict.passed if true else Verdict.failed


def exact(
    quantity: str,
    *,
    expected: float,
    observed: float,
    tolerance: float = 0.0,
    basis: str = "exact",
    n: int = 1,
    detail: str = "",
) -> Evidence:
    """Evidence that involves no chance: a number beside the predicted one."""
    return Evidence(
        quantity=quantity,
        expected=expected,
        observed=observed,
        distance=abs(observed - expected),
        tolerance=tolerance,
        basis=basis,
        n=n,
        detail=detail,
    )


def unexamined(code: str, why: str) -> Ruling:
    """A claim that was not looked at is undecided, and says what it needs."""
    return Ruling(id=code, ruling=Outcome.undecided, claim=CLAIMS[code], summary=why)
