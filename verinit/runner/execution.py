"""Running a plan: unit by unit, in process or in workers, into one Report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from verinit.runner.environment import environment
from verinit.runner.isolation import undisturbed
from verinit.runner.planning import Plan
from verinit.vocabulary import Evidence, Exhibit, Finding, Report, Ruling, Trial, Verdict, examine

BROKEN = (Verdict.failed, Verdict.errored)
OnFinding = Callable[[Sequence[Finding]], None]
Engine = Callable[[Sequence[Sequence[Trial]]], Iterator[list[Finding]]]
"""Runs units and yields their findings, in any order."""


def run_unit(unit: Sequence[Trial], *, exitfirst: bool = False) -> list[Finding]:
    """The findings of one target at one case; a check whose prerequisite is broken there is skipped.

    exitfirst: whether the first red finding is the last.
    """
    found: dict[str, Finding] = {}
    for trial in unit:
        blocker = next((c for c in trial.check.after if c in found and found[c].verdict in BROKEN), "")
        if blocker:
            reason = f"{blocker} {found[blocker].verdict} at this case"
            found[trial.check.code] = trial.finding(Verdict.skipped, reason=reason)
        else:
            with undisturbed():
                found[trial.check.code] = examine(trial)
        if exitfirst and found[trial.check.code].red:
            break
    return list(found.values())


def serial(units: Iterable[Sequence[Trial]]) -> Iterator[list[Finding]]:
    """Units one after the other in this process."""
    return map(run_unit, units)


def eager(units: Iterable[Sequence[Trial]]) -> Iterator[list[Finding]]:
    """Units one after the other in this process, up to the first red finding."""
    return until_red(lambda units: (run_unit(unit, exitfirst=True) for unit in units))(list(units))


def until_red(engine: Engine) -> Engine:
    """An engine that stops at the first unit with a red finding."""

    def stopping(units: Sequence[Sequence[Trial]]) -> Iterator[list[Finding]]:
        for found in engine(units):
            yield found
            if any(finding.red for finding in found):
                return

    return stopping


def diagnosed(trials: Sequence[Trial], findings: Sequence[Finding]) -> list[Finding]:
    """Failures with the mistake that fits all cases of their check and target, not only their own."""
    by_id = {trial.finding(Verdict.passed).id: trial for trial in trials}
    seen: dict[tuple[str, str], list[tuple[Trial, Evidence]]] = {}
    for finding in findings:
        if finding.evidence is not None and finding.id in by_id:
            key = (finding.target, finding.claim.id)
            seen.setdefault(key, []).append((by_id[finding.id], finding.evidence))

    def named(finding: Finding) -> Finding:
        trial = by_id.get(finding.id)
        if finding.verdict is not Verdict.failed or trial is None or trial.check.diagnose is None:
            return finding
        return replace(finding, likely=trial.check.diagnose(seen[(finding.target, finding.claim.id)]))

    return [named(finding) for finding in findings]


def run_plan(
    planned: Plan,
    *,
    engine: Engine = serial,
    on_findings: OnFinding = lambda findings: None,
    rulings: tuple[Ruling, ...] = (),
    surprises: tuple[str, ...] = (),
    exhibits: tuple[Exhibit, ...] = (),
) -> Report:
    """The report of a plan; interrupted, it holds what was done and is marked incomplete.

    engine: runs units and yields their findings in any order.
    """
    started = time.time()
    findings = list(planned.skipped)
    complete = True
    try:
        for unit in engine(planned.units):
            findings.extend(unit)
            on_findings(unit)
    except KeyboardInterrupt:
        complete = False
    return Report(
        battery=planned.battery.name,
        root=planned.root,
        false_fail=planned.false_fail,
        planned=len(planned.trials),
        unasked=len(planned.skipped),
        findings=tuple(sorted(diagnosed(planned.trials, findings), key=lambda f: f.id)),
        rulings=rulings,
        surprises=surprises,
        exhibits=exhibits,
        complete=complete and len(findings) == len(planned.trials) + len(planned.skipped),
        environment=environment(),
        run=(
            ("started", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started))),
            ("seconds", f"{time.time() - started:.2f}"),
        ),
    )
