"""Failures that are expected, as data: which target, which check, why, and perhaps only where.

An excuse is strict both ways. A failure that it names is no longer red; a claim that passes after all is,
and so is an excuse that no finding needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from verinit.runner.execution import Engine
from verinit.vocabulary import Finding, Trial, Verdict

AT = " at "
"""What stands between target and case, here as in the first line of a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excuse:
    """Why check `code` is known to fail for a target, and at a case if one is named.

    target, case  names or globs; `torch:*` is every target of PyTorch, `3x3*` every 3 by 3 kernel
    """

    target: str
    code: str
    reason: str
    case: str = "*"

    def __str__(self) -> str:
        place = self.target if self.case == "*" else f"{self.target}{AT}{self.case}"
        return f"{self.code} for {place}"

    def meets(self, finding: Finding) -> bool:
        """Whether it speaks of this finding."""
        return (
            self.code == finding.claim.id
            and _like(finding.target, self.target)
            and _like(str(finding.case), self.case)
        )


def _like(name: str, pattern: str) -> bool:
    return name == pattern or fnmatchcase(name, pattern)


def excuse_of(place: str, code: str, reason: str) -> Excuse:
    """The excuse for a place as it is written: a target, or a target and a case with "at" between them.

    >>> str(excuse_of("mynet:draw at 3x3*", "IN201", "kernels are drawn by another library"))
    'IN201 for mynet:draw at 3x3*'
    """
    target, _, case = place.partition(AT)
    return Excuse(target=target.strip(), case=case.strip() or "*", code=code, reason=reason)


def excused(finding: Finding, excuses: Iterable[Excuse]) -> Finding:
    """The finding with the reason for which it was expected to fail; the last excuse that meets it counts."""
    for excuse in excuses:
        if excuse.meets(finding):
            finding = replace(finding, excuse=excuse.reason)
    return finding


def excusing(engine: Engine, excuses: Sequence[Excuse]) -> Engine:
    """An engine whose findings carry the excuses that meet them, whoever ran them."""

    def running(units: Sequence[Sequence[Trial]]) -> Iterator[list[Finding]]:
        for found in engine(units):
            yield [excused(finding, excuses) for finding in found]

    return running if excuses else engine


def idle(
    findings: Sequence[Finding], excuses: Iterable[Excuse], *, narrowed: bool, codes: Sequence[str] = ()
) -> tuple[str, ...]:
    """One line for each excuse that nothing in a complete run needs.

    narrowed  whether the run looked at less than is configured: what met nothing may then meet elsewhere
    codes     of the checks that were asked; empty means all
    """
    return tuple(
        f"{excuse} ({excuse.reason}): {why}; remove it"
        for excuse in excuses
        if not codes or excuse.code in codes
        for why in [_idle(excuse, findings, narrowed=narrowed)]
        if why
    )


def _idle(excuse: Excuse, findings: Sequence[Finding], *, narrowed: bool) -> str:
    met = [finding for finding in findings if excuse.meets(finding)]
    if met:
        skipped = all(finding.verdict is Verdict.skipped for finding in met)
        return f"the check is skipped there, {met[0].reason}" if skipped else ""
    return "" if narrowed else "it meets nothing in this run"
