"""A finding stands in one of seven states: its verdict, read together with its excuse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from verinit.vocabulary import Finding, Outcome, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A word, a sign that can be told apart without colour, and how bad it is (0 is worst)."""

    word: str
    sign: str
    rank: int


STATES = {
    state.word: state
    for state in (
        State(word="errored", sign="!", rank=0),
        State(word="failed", sign="✗", rank=1),
        State(word="unexpected", sign="‼", rank=2),
        State(word="inconclusive", sign="?", rank=3),
        State(word="excused", sign="≈", rank=4),
        State(word="passed", sign="✓", rank=5),
        State(word="skipped", sign="–", rank=6),
    )
}
MEANING = {
    "errored": "the code under examination raised",
    "failed": "further from the claim than allowed",
    "unexpected": "passed, though a failure was declared",
    "inconclusive": "could not have seen the fault",
    "excused": "failed, as declared with a reason",
    "passed": "within what was allowed, and a fault would have been seen",
    "skipped": "the claim does not apply",
}
OUTCOME_SIGNS = {Outcome.holds: "✓", Outcome.refuted: "✗", Outcome.depends: "◐", Outcome.undecided: "?"}


def state(finding: Finding) -> State:
    """The state of one finding; an excuse turns a failure into `excused` and a pass into `unexpected`."""
    broken = finding.verdict in (Verdict.failed, Verdict.errored)
    if broken and finding.excuse:
        return STATES["excused"]
    if finding.verdict is Verdict.passed and finding.excuse:
        return STATES["unexpected"]
    return STATES[str(finding.verdict)]


def worst(findings: Iterable[Finding]) -> State:
    """The worst state among `findings`, of which there is at least one."""
    return min((state(finding) for finding in findings), key=lambda s: s.rank)
