"""What is asked: `Check` (a claim with a body that measures), `Trial`, `Battery`, `Fault`."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from verinit.vocabulary.calls import by_hand, refuse_what_is_none, skipped, unsaid
from verinit.vocabulary.errors import CheckFailed, CheckInconclusive, CheckSkipped
from verinit.vocabulary.evidence import Evidence, Exhibit, Verdict, judge
from verinit.vocabulary.findings import Claim, Finding
from verinit.vocabulary.places import ROOT, Case, Rates
from verinit.vocabulary.searches import refuse_drawn_chance, refuse_other_words
from verinit.vocabulary.targets import Kind, Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A check at one case of one target, with its share of the budget: the unit of ids and replay."""

    check: Check
    target: Target
    case: Case
    rates: Rates
    discrepancy: float
    root: int = ROOT

    @property
    def n(self) -> int:
        """Numbers that the trial needs to see its discrepancy; 0 for a claim without chance."""
        return self.check.samples(self) if self.check.samples is not None else 0

    def finding(self, verdict: Verdict, **details: object) -> Finding:
        """A finding about this trial."""
        return Finding(
            claim=self.check.claim,
            target=self.target.name,
            case=self.case,
            root=self.root,
            rates=self.rates,
            discrepancy=self.discrepancy,
            verdict=verdict,
            excuse=self.target.excuse(self.check.claim.id),
            replayable=self.target.replayable,
            **details,  # type: ignore[arg-type]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a body may return beside its evidence.

    sufficient  sufficient statistics by name
    likely      the mistake that is named if this fails, where one look is enough to tell
    """

    evidence: Evidence
    sufficient: tuple[tuple[str, float], ...] = ()
    likely: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A claim, a body that measures it, the departure it must see and how rarely it may miss it.

    body         measures a trial and returns Evidence; never judges, prints, catches or knows a name
    discrepancy  smallest departure that must be seen, in units of `Evidence.quantity`; 0 for exact claims
    samples      numbers that a trial needs at its rates and discrepancy; None for a claim without chance
    applies      why the claim says nothing of a target at a case; empty if it does
    floor        the departure below which nothing is promised where the claim applies, because rounding
                 or chance hides it whatever n is
    after        codes whose failure at the same case makes this check meaningless
    scales       whether a coarser battery multiplies the discrepancy
    exhibit      the figure of a failure
    diagnose     names the likely mistake from all trials of one target, with their evidence
    """

    claim: Claim
    kind: Kind
    body: Callable[[Trial], Evidence | Measured]
    discrepancy: float = 0.0
    rates: Rates = field(default_factory=Rates)
    samples: Callable[[Trial], int] | None = None
    applies: Callable[[Target, Case], str] = lambda target, case: ""
    floor: Callable[[Target, Case], float] = lambda target, case: 0.0
    after: tuple[str, ...] = ()
    scales: bool = True
    exhibit: Callable[[Trial], Exhibit] | None = None
    diagnose: Callable[[Sequence[tuple[Trial, Evidence]]], str] | None = None
    doc: str = ""

    @property
    def code(self) -> str:
        """The check's code, which is for ever."""
        return self.claim.id

    def __str__(self) -> str:
        return self.code

    def trial(self, target: Target, case: Case, *, rates: Rates | None = None, root: int = ROOT) -> Trial:
        """The check at one case of one target, with the check's own rates unless others are given."""
        return Trial(
            check=self,
            target=target,
            case=case,
            rates=rates or self.rates,
            discrepancy=self.promised(target, case, self.discrepancy),
            root=root,
        )

    def promised(self, target: Target, case: Case, discrepancy: float) -> float:
        """The departure that is promised to be seen: `discrepancy`, or the floor where that is higher."""
        return discrepancy if self.applies(target, case) else max(discrepancy, self.floor(target, case))

    def __call__(self, target: Target, case: Case) -> None:
        """Raise `CheckFailed` unless the claim passes; `CheckSkipped` where it says nothing.

        One call of many: see `examine`. Under pytest a skip skips the test, under Hypothesis it rejects the
        example, as `assume` does.
        """
        __tracebackhide__ = True
        found = self.examine(target, case)
        if found.verdict is Verdict.skipped:
            raise skipped(str(found))
        if found.verdict is Verdict.inconclusive:
            raise CheckInconclusive(str(found), finding=found)
        if found.verdict is not Verdict.passed:
            raise CheckFailed(str(found), finding=found)

    def examine(self, target: Target, case: Case) -> Finding:
        """What is found when this check, called by hand, looks at one case of one target.

        Its false_fail is a ten-thousandth part of the check's, whoever calls and how often: up to ten
        thousand calls, or examples of Hypothesis, raise a false alarm with probability at most 1e-6 together
        (`calls.CALLS`). Of arrays so small that they would take too many draws it promises less, and says so
        (`calls.DRAWS`). What it needs (`after`) is not run before it.
        Raises `UsageError` for what is no target of the check's kind, or no case.
        """
        refuse_what_is_none(self, target, case)
        trial = by_hand(self, target, case)
        reason = unsaid(trial)
        return trial.finding(Verdict.skipped, reason=reason) if reason else examine(trial)


def examine(trial: Trial) -> Finding:
    """Run one trial: measure, judge, and turn a crash of foreign code into a finding.

    Raises `UsageError` where a search such as Hypothesis' draws the chance of the trial: see `searches`.
    """
    refuse_drawn_chance(trial)
    reason = trial.check.applies(trial.target, trial.case)
    if reason:
        return trial.finding(Verdict.skipped, reason=reason)
    try:
        measured = trial.check.body(trial)
    except CheckSkipped as skip:
        return trial.finding(Verdict.skipped, reason=str(skip))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # foreign code that calls sys.exit, or raises worse, must not end the run
        if of_a_driver(error):
            raise
        return trial.finding(Verdict.errored, reason=crash(error))
    if isinstance(measured, Evidence):
        measured = Measured(evidence=measured)
    refuse_other_words(trial, measured.evidence)
    found = trial.finding(
        judge(measured.evidence, trial.discrepancy),
        evidence=measured.evidence,
        sufficient=measured.sufficient,
    )
    if found.verdict is Verdict.failed and trial.check.exhibit is not None:
        with suppress(Exception):  # it may draw more than was judged, and the code under test may break there
            found = replace(found, exhibits=(trial.check.exhibit(trial),))
    if found.verdict is Verdict.failed and measured.likely:
        found = replace(found, likely=measured.likely)
    if found.verdict is Verdict.failed and trial.check.diagnose is not None:
        found = replace(found, likely=trial.check.diagnose([(trial, measured.evidence)]))
    return found


def of_a_driver(error: BaseException) -> bool:
    """Whether pytest or Hypothesis speaks to itself: a skip, or the end of an example, is nobody's crash."""
    homes = {base.__module__.partition(".")[0] for base in type(error).__mro__}
    return not isinstance(error, Exception) and bool(homes & {"_pytest", "hypothesis"})


SAID = 500
"""Characters of what an error says that are kept."""


def crash(error: BaseException) -> str:
    """A crash in one line: the error's type, the first line it says, and where it happened."""
    try:
        said = str(error).strip().splitlines()
    except Exception:
        said = ["its message cannot be read"]
    first = "" if not said else said[0] if len(said[0]) <= SAID else f"{said[0][:SAID]}..."
    text = f"{type(error).__name__}: {first}" if said else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    return f"{text} (in {frames[-1].name}, line {frames[-1].lineno})" if frames else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Battery:
    """Named cases for each kind, one total false_fail, and how coarse the look is.

    `coarseness` multiplies each check's discrepancy: 1 is the discrepancy as declared. `families` are
    the beginnings of the codes that it asks; none means all.
    """

    name: str
    cases: tuple[tuple[Kind, tuple[Case, ...]], ...]
    false_fail: float = Rates().false_fail
    coarseness: float = 1.0
    families: tuple[str, ...] = ()

    def asks(self, code: str) -> bool:
        """Whether the battery asks the check of this code."""
        return not self.families or code.startswith(self.families)

    def of(self, kind: Kind) -> tuple[Case, ...]:
        """The cases for one kind of target."""
        return dict(self.cases).get(kind, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A planted mistake: a target that the named checks must catch.

    `story` says how it happens in practice; `cases` where it shows, empty for everywhere. `alone`: no other
    check of the battery sees it, which is why the one that does belongs there.
    """

    name: str
    codes: tuple[str, ...]
    target: Target
    story: str
    cases: tuple[Case, ...] = field(default=())
    alone: bool = False
