"""What was found: `Finding`, `Ruling` and the `Report` that holds them."""

from __future__ import annotations

import enum
import hashlib
from collections import Counter
from dataclasses import dataclass, field

from verinit.vocabulary import display, wording
from verinit.vocabulary.errors import CheckFailed
from verinit.vocabulary.evidence import Evidence, Exhibit, Verdict
from verinit.vocabulary.places import Case, Rates


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sentence about the world, its equation and where it was published."""

    id: str
    summary: str
    equation: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One verdict with all that is needed to believe it, and to see it again.

    `reason` says why a claim was skipped or errored; `excuse` why a failure was expected.
    `sufficient` holds sufficient statistics by name; `likely` the nearest well-known mistake.
    """

    claim: Claim
    target: str
    case: Case
    root: int
    rates: Rates
    discrepancy: float
    verdict: Verdict
    evidence: Evidence | None = None
    likely: str = ""
    reason: str = ""
    excuse: str = ""
    replayable: bool = True
    sufficient: tuple[tuple[str, float], ...] = ()
    exhibits: tuple[Exhibit, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "discrepancy", float(self.discrepancy))

    @property
    def id(self) -> str:
        """Readable and complete: target, check, case, root, rates and discrepancy."""
        knobs = (
            f"root={self.root},false_fail={self.rates.false_fail!r},"
            f"false_pass={self.rates.false_pass!r},discrepancy={self.discrepancy!r}"
        )
        return f"{self.target}::{self.claim.id}::{self.case}::{knobs}"

    @property
    def short_id(self) -> str:
        """Eight hexadecimal digits that stand for `id`."""
        return hashlib.sha256(self.id.encode("utf-8", "backslashreplace")).hexdigest()[:8]

    @property
    def red(self) -> bool:
        """Whether this finding makes a run fail: a failure or crash not excused, or an excuse without one."""
        broken = self.verdict in (Verdict.failed, Verdict.errored)
        return broken != bool(self.excuse) and (broken or self.verdict is Verdict.passed)

    def __str__(self) -> str:
        return wording.finding(self)

    def _repr_html_(self) -> str:
        return display.html(self)

    def _repr_pretty_(self, printer: display.Pretty, cycle: bool) -> None:
        display.pretty(self, printer, cycle=cycle)


class Outcome(enum.Enum):
    """What measurement and theory say of a sentence of the textbook."""

    holds = "holds"
    refuted = "refuted"
    depends = "depends"
    undecided = "undecided"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """A textbook claim held to measurement and theory.

    claim       what the chapter says
    summary     the ruling in one sentence that a student understands
    conditions  quantity, width, depth, dtype and activation for which it was reached
    """

    id: str
    ruling: Outcome
    claim: str
    summary: str
    conditions: str = ""
    evidence: tuple[Evidence, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()

    def __str__(self) -> str:
        return wording.ruling(self)

    def _repr_html_(self) -> str:
        return display.html(self)

    def _repr_pretty_(self, printer: display.Pretty, cycle: bool) -> None:
        display.pretty(self, printer, cycle=cycle)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything one run found.

    `false_fail` bounds the chance of any false alarm in the whole run; `planned` counts the trials that
    were to run, `unasked` the findings of claims that do not apply and were never to run; `run` holds
    what may differ between identical runs (times, the command).
    """

    battery: str
    root: int
    false_fail: float
    planned: int
    unasked: int = 0
    findings: tuple[Finding, ...] = ()
    rulings: tuple[Ruling, ...] = ()
    surprises: tuple[str, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    complete: bool = True
    environment: tuple[tuple[str, str], ...] = ()
    run: tuple[tuple[str, str], ...] = field(default=())

    @property
    def done(self) -> int:
        """How many of the planned trials were run."""
        return len(self.findings) - self.unasked

    @property
    def counts(self) -> dict[str, int]:
        """How many findings had each verdict, every verdict named."""
        tally = Counter(str(finding.verdict) for finding in self.findings)
        return {str(verdict): tally[str(verdict)] for verdict in Verdict}

    @property
    def red(self) -> tuple[Finding, ...]:
        """Findings that make the run fail, worst first."""
        return tuple(sorted((f for f in self.findings if f.red), key=wording.severity))

    def __bool__(self) -> bool:
        """False if anything failed or errored, if the run is incomplete, or if nothing passed."""
        seen_good = any(f.verdict is Verdict.passed for f in self.findings) or (
            not self.planned and bool(self.rulings)
        )
        return self.complete and not self.red and not self.surprises and seen_good

    def __str__(self) -> str:
        return wording.report(self)

    def _repr_html_(self) -> str:
        return display.html(self)

    def _repr_pretty_(self, printer: display.Pretty, cycle: bool) -> None:
        display.pretty(self, printer, cycle=cycle)

    def raise_for_failures(self) -> Report:
        """Return the report itself, or raise `CheckFailed` with what is wrong in it.

        An incomplete run and a run in which nothing passed are failures too.
        """
        __tracebackhide__ = True
        if self:
            return self
        first = self.red[0] if self.red else None
        raise CheckFailed(str(self), finding=first)
