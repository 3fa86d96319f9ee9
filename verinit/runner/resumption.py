"""An interrupted run goes on: its report is the ledger of what is done, and the plan must be the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from verinit.runner.environment import Versions
from verinit.runner.execution import Engine
from verinit.runner.planning import Plan
from verinit.vocabulary import Finding, Report, Trial, UsageError, Verdict

PLAN = "plan"
"""Under which name a report keeps the fingerprint of its plan, among what may differ between equal runs."""


def identity(trial: Trial) -> str:
    """The id of the finding that a trial will give."""
    return trial.finding(Verdict.passed).id


def fingerprint(planned: Plan) -> str:
    """Sixteen digits that two plans share only if they hold the same trials and skip the same claims."""
    digest = hashlib.sha256()
    for finding in planned.skipped:
        digest.update(f"skip {finding.id}\n".encode("utf-8", "backslashreplace"))
    for trial in planned.trials:
        digest.update(f"run {identity(trial)}\n".encode("utf-8", "backslashreplace"))
    return digest.hexdigest()[:16]


def differences(report: Report, planned: Plan, versions: Versions) -> list[str]:
    """In what the run of a report differs from a plan: battery, root, versions, targets or checks."""
    before, now = dict(report.environment), dict(versions)
    pairs = [
        ("battery", report.battery, planned.battery.name),
        ("root", report.root, planned.root),
        *((name, before[name], now[name]) for name in before if name in now),
    ]
    said = [f"{name} {then}, not {today}" for name, then, today in pairs if then != today]
    if not said and dict(report.run).get(PLAN) != fingerprint(planned):
        said.append("other targets or checks")
    return said


def done(report: Report, planned: Plan, versions: Versions) -> dict[str, Finding]:
    """The findings of an interrupted run that a plan need not measure again, by id.

    They carry the excuses of their targets as they are now. Only whole units are kept: the trials of a unit
    share their draws.
    Raises `UsageError` if the report is complete, or is one of another plan.
    """
    if report.complete:
        raise UsageError("--resume: the run of this report is complete, nothing is left to do")
    others = differences(report, planned, versions)
    if others:
        command = dict(report.run).get("command", "")
        again = f"; what was interrupted is: {command}" if command else ""
        raise UsageError(
            f"--resume: the interrupted run is another one ({'; '.join(others)}){again}; "
            "repeat it as it was, or leave --resume out to begin anew"
        )
    found = {finding.id: finding for finding in report.findings}
    kept: dict[str, Finding] = {}
    for unit in planned.units:
        ids = [identity(trial) for trial in unit]
        if all(name in found for name in ids):
            kept |= {
                name: replace(found[name], excuse=trial.target.excuse(trial.check.code))
                for name, trial in zip(ids, unit, strict=True)
            }
    return kept


def resuming(engine: Engine, kept: Mapping[str, Finding]) -> Engine:
    """An engine that gives what is kept first, and runs only what is missing."""

    def running(units: Sequence[Sequence[Trial]]) -> Iterator[list[Finding]]:
        missing = []
        for unit in units:
            if identity(unit[0]) in kept:
                yield [kept[identity(trial)] for trial in unit]
            else:
                missing.append(unit)
        yield from engine(missing)

    return running if kept else engine
