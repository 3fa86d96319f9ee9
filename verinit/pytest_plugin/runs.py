"""What one process examines for its tests: every trial once, and after those that it waits for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from verinit.checks import CHECKS
from verinit.pytest_plugin.properties import FINDING, SESSION, Selection, told
from verinit.runner.execution import BROKEN
from verinit.runner.planning import Plan
from verinit.vocabulary import (
    Case,
    CheckFailed,
    CheckInconclusive,
    Claim,
    Finding,
    Target,
    Trial,
    UsageError,
    Verdict,
    examine,
)

Place = tuple[str, Case, str]
"""Where a trial stands in its run: target, case and code."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlannedCheck:
    """A check at the share of a run's budget that was planned for one case of one target.

    unsaid: the finding that the claim says nothing there, which was known before anything ran.
    """

    trial: Trial
    run: Run
    unsaid: Finding | None = None

    @property
    def code(self) -> str:
        """The check's code, which is for ever."""
        return self.trial.check.code

    @property
    def claim(self) -> Claim:
        """What is claimed."""
        return self.trial.check.claim

    @property
    def place(self) -> Place:
        """Where it stands in its run."""
        return self.trial.target.name, self.trial.case, self.code

    def __repr__(self) -> str:
        return self.code

    def __call__(self, target: Target, case: Case) -> None:
        """Raise `CheckFailed` unless the claim passes; skip where it says nothing; xfail where it must fail.

        Raises `UsageError` for another target or case than was planned.
        """
        __tracebackhide__ = True
        found = self.examine(target, case)
        if found.verdict is Verdict.skipped:
            pytest.skip(found.reason)
        if found.verdict in BROKEN and found.excuse:
            pytest.xfail(found.excuse)  # does nothing under --runxfail
            raise CheckFailed(str(found), finding=found)
        if found.verdict is Verdict.inconclusive:
            raise CheckInconclusive(str(found), finding=found)
        if found.red:
            raise CheckFailed(str(found), finding=found)

    def examine(self, target: Target, case: Case) -> Finding:
        """What is found at the planned place, measured once.

        Raises `UsageError` for another target or case than was planned.
        """
        __tracebackhide__ = True
        if target is not self.trial.target or case != self.trial.case:
            raise UsageError(
                f"{self.code} has its share of the budget for {self.trial.target} at {self.trial.case}; at "
                f"another place, call verinit.CHECKS[{self.code!r}](target, case)"
            )
        self.run.answered.add(self.place)
        return self.unsaid or self.run.finding(self.trial)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Run:
    """The run of one decorator: its plan, what of it was selected, and what has been found."""

    plan: Plan
    targets: tuple[Target, ...]
    selected: dict[Place, Trial] = field(default_factory=dict)
    found: dict[Place, Finding] = field(default_factory=dict)
    answered: set[Place] = field(default_factory=set)

    @property
    def checks(self) -> list[PlannedCheck]:
        """All checks of the plan: each target in order, at each case in order, by their codes."""
        by_name = {target.name: target for target in self.targets}
        checks = [PlannedCheck(trial=trial, run=self) for trial in self.plan.trials]
        for finding in self.plan.skipped:
            check, target = CHECKS[finding.claim.id], by_name[finding.target]
            trial = check.trial(target, finding.case, root=self.plan.root)
            checks.append(PlannedCheck(trial=trial, run=self, unsaid=finding))
        order = {name: place for place, name in enumerate(by_name)}

        def place(check: PlannedCheck) -> tuple[int, int, str]:
            name, case, code = check.place
            return order[name], self.plan.battery.of(check.trial.target.kind).index(case), code

        return sorted(checks, key=place)

    def finding(self, trial: Trial) -> Finding:
        """The finding of a trial, with the mistake that fits all selected cases of its check and target."""
        found, check = self._measured(trial), trial.check
        if found.verdict is not Verdict.failed or check.diagnose is None:
            return found
        seen = [
            (other, evidence)
            for other in self.selected.values()
            if other.check is check
            and other.target is trial.target
            and (evidence := self._measured(other).evidence) is not None
        ]
        return replace(found, likely=check.diagnose(seen or [(trial, found.evidence)]))  # type: ignore[list-item]

    def _measured(self, trial: Trial) -> Finding:
        """The finding of a trial alone; it is skipped where one that it waits for is broken at its case."""
        place = trial.target.name, trial.case, trial.check.code
        if place not in self.found:
            reason = self._hindrance(trial)
            self.found[place] = trial.finding(Verdict.skipped, reason=reason) if reason else examine(trial)
        return self.found[place]

    def _hindrance(self, trial: Trial) -> str:
        """Which selected prerequisite is broken at the same case; empty if none is.

        One that was deselected is not asked: what nobody is told of must not turn a failure into a skip.
        """
        for code in trial.check.after:
            earlier = self.selected.get((trial.target.name, trial.case, code))
            if earlier is not None and (verdict := self._measured(earlier).verdict) in BROKEN:
                return f"{code} {verdict} at this case"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """All runs of a session in this process."""

    root: int
    runs: list[Run] = field(default_factory=list)

    def select(self, items: Sequence[pytest.Item]) -> None:
        """Note which items are left, and give each what it says of the session: the same in every process."""
        for run in self.runs:
            run.selected.clear()
        planned = [(item, check) for item in items if (check := planned_check(item)) is not None]
        for _, check in planned:
            if check.unsaid is None:
                check.run.selected[check.place] = check.trial
        chosen = {id(check.run): check.run for _, check in planned}.values()
        selection = Selection(
            root=self.root,
            battery=", ".join(sorted({run.plan.battery.name for run in chosen})),
            false_fail=sum(run.plan.false_fail for run in chosen),
            tests=len(chosen),
            planned=len({check.trial.finding(Verdict.passed).id for _, check in planned if not check.unsaid}),
            unasked=len({check.unsaid.id for _, check in planned if check.unsaid}),
        )
        for item, check in planned:
            tell(item, SESSION, selection.text())
            if check.unsaid is not None:
                tell(item, FINDING, told(check.unsaid, unasked=True))

    @contextmanager
    def recorded(self, item: pytest.Item) -> Iterator[None]:
        """The time in which a test runs; what it found goes with its report.

        A test that passes without having called its check fails: it could not have failed otherwise.
        """
        check = planned_check(item)
        if check is None:
            yield
            return
        check.run.answered.discard(check.place)
        try:
            yield
        finally:
            if check.place in check.run.answered:
                finding = check.unsaid or check.run.finding(check.trial)
                tell(item, FINDING, told(finding, unasked=check.unsaid is not None))
        if check.place not in check.run.answered:
            pytest.fail(
                f"the test was given {check.code} and did not call it: write check(target, case)",
                pytrace=False,
            )


def planned_check(item: pytest.Item) -> PlannedCheck | None:
    """The check that an item was planned for; None of an item that is not verinit's."""
    parameters: dict[str, Any] = getattr(getattr(item, "callspec", None), "params", {})
    check = parameters.get("check")
    return check if isinstance(check, PlannedCheck) else None


def tell(item: pytest.Item, name: str, text: str) -> None:
    """Give an item one property of a name."""
    item.user_properties[:] = [pair for pair in item.user_properties if pair[0] != name]
    item.user_properties.append((name, text))
