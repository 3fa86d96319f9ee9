"""See one finding again, from its id alone.

`replay(found.id) == found`, evidence and figures to the last bit, on any machine that computes alike. Four
things are no function of an id, and are told apart here:

- A claim that was skipped in a run because one that it builds on had failed there is measured: `remarks`
  says what it builds on.
- `likely` names what fits one case; a run names a mistake only where it fits all cases of the check. With the
  run's report the others are asked as well.
- `excuse` is what the target itself says; what was given with `expected=` is in the report.
- Whoever calls the target first, or keeps count of calls, gets other numbers: such a target is not a function
  of its generator.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from verinit.checks import CHECKS
from verinit.runner.environment import environment
from verinit.runner.execution import BROKEN, diagnosed, serial
from verinit.targets import resolve
from verinit.vocabulary import (
    Case,
    Finding,
    Rates,
    Report,
    Target,
    Trial,
    UsageError,
    Verdict,
    examine,
    suggestion,
    unknown,
)
from verinit.vocabulary.calls import misfit
from verinit.vocabulary.document import plain

Number = TypeVar("Number", int, float)
_KNOBS = ("root", "false_fail", "false_pass", "discrepancy")
_SHORT = re.compile(r"[0-9a-fA-F]{8}")


def is_short(text: str) -> bool:
    """Whether an id is the short form, which only a report can spell out."""
    return _SHORT.fullmatch(text.strip()) is not None


def spelt_out(short: str, report: Report) -> str:
    """The full id that a short one stands for in a report.

    Raises `UsageError` if the report holds no such finding, several, or one that nobody can replay.
    """
    asked = short.strip().lower()
    found = {finding.id: finding for finding in report.findings if finding.short_id == asked}
    if len(found) > 1:
        listed = "".join(f"\n  {identity}" for identity in found)
        raise UsageError(
            f"id={short!r} is short for {len(found)} findings of the report; give one in full:{listed}"
        )
    for finding in found.values():
        if not finding.replayable:
            raise UsageError(f"id={short!r}: {finding.target} is not importable; give module:callable")
        return finding.id
    near = suggestion(asked, (finding.short_id for finding in report.findings))
    raise UsageError(
        f"id={short!r}: no finding of the report has it{near}; 'verinit run' writes a new report"
    )


def trial_of(text: str) -> Trial:
    """The trial that a full id describes.

    Raises `UsageError` naming the part that cannot be read.
    """
    parts = text.strip().rsplit("::", 3)
    if len(parts) != 4:
        raise UsageError(
            f"id={_cut(text)!r}: a short id has 8 hexadecimal digits, such as 5588e347; a full one reads "
            f"target::check::case::knobs, with knobs {','.join(f'{name}=...' for name in _KNOBS)}"
        )
    word, code, case, knobs = parts
    if code not in CHECKS:
        raise unknown("check", code, CHECKS)
    trial = _trial(code, Case.parse(case), _values(text, knobs))
    return replace(trial, target=_target(text, word, trial))


def _values(text: str, knobs: str) -> dict[str, str]:
    """The last part of an id, by name."""
    values = dict(pair.partition("=")[::2] for pair in knobs.split(","))
    missing = [name for name in _KNOBS if name not in values]
    stranger = next((name for name in values if name not in _KNOBS), None)
    if stranger is not None:
        raise unknown("part of an id", stranger, _KNOBS)
    if missing:
        raise UsageError(f"id={_cut(text)!r}: {', '.join(missing)} is missing from its last part")
    return values


NOBODY = Target(name="", kind="initializer", object=None)


def _trial(code: str, case: Case, values: dict[str, str]) -> Trial:
    """A trial of a target that is yet to be found."""
    discrepancy = _number("discrepancy", values, float)
    if not 0.0 <= discrepancy < math.inf:
        raise UsageError(f"discrepancy={values['discrepancy']!r}: a finite number from 0 is needed")
    return Trial(
        check=CHECKS[code],
        target=NOBODY,
        case=case,
        rates=Rates(
            false_fail=_number("false_fail", values, float),
            false_pass=_number("false_pass", values, float),
        ),
        discrepancy=discrepancy,
        root=_number("root", values, int),
    )


def _target(text: str, word: str, trial: Trial) -> Target:
    """The one target that an id names, which must be of the check's kind and take the case."""
    targets = resolve(word)
    if len(targets) != 1:
        raise UsageError(
            f"id={_cut(text)!r}: {word!r} stands for {len(targets)} targets; "
            f"an id names one, such as {targets[0].name}"
        )
    (target,) = targets
    if target.kind != trial.check.kind:
        raise UsageError(
            f"id={_cut(text)!r}: {trial.check.code} is a claim about kind {trial.check.kind!r}; "
            f"{word} is of kind {target.kind!r}"
        )
    reason = misfit(target, trial.case)
    if reason:
        raise UsageError(f"id={_cut(text)!r}: {reason}")
    return target


def _cut(text: str) -> str:
    """An id that is no id may be anything, of any length."""
    return text if len(text) <= 200 else f"{text[:150]}...{text[-47:]}"


def _number(name: str, values: dict[str, str], kind: Callable[[str], Number]) -> Number:
    try:
        return kind(values[name])
    except ValueError:
        raise UsageError(f"{name}={values[name]!r}: a number is needed") from None


def replay(text: str, *, report: Report | None = None) -> Finding:
    """The finding of a full id, measured again.

    report: of the run that found it, for what an id does not say: the mistake that fits all its cases, and
    failures that were expected there.
    """
    trial = trial_of(text)
    ((found,),) = serial([(trial,)])
    return found if report is None else _in_company(trial, found, report)


def was(found: Finding, report: Report | None) -> Finding | None:
    """The same finding as a report holds it; None where it does not."""
    findings = () if report is None else report.findings
    return next((each for each in findings if each.id == found.id), None)


def _in_company(trial: Trial, found: Finding, report: Report) -> Finding:
    """A finding with what its report knows besides."""
    before = was(found, report)
    if before is None:
        return found
    found = replace(found, excuse=before.excuse)
    kind = (found.target, found.claim.id)
    company = [found if each.id == found.id else each for each in report.findings if _kind(each) == kind]
    trials = [
        replace(trial, case=each.case, rates=each.rates, discrepancy=each.discrepancy, root=each.root)
        for each in company
    ]
    return next(each for each in diagnosed(trials, company) if each.id == found.id)


def _kind(found: Finding) -> tuple[str, str]:
    return found.target, found.claim.id


def remarks(found: Finding, report: Report | None = None) -> list[str]:
    """What must be known beside a finding that was seen again: one sentence each."""
    before, trial = was(found, report), trial_of(found.id)
    said = _compared(before, found, report) if before is not None and report is not None else []
    if before is None:
        said += _builds_on(trial, found)
    if before is None and found.likely and trial.check.diagnose is not None:
        said.append("likely fits this case; a run names a mistake only where it fits all cases of the check")
    return said


def _compared(before: Finding, found: Finding, report: Report) -> list[str]:
    """Whether what is seen now is what was seen then, and what may have changed it."""
    if plain(before) == plain(found):  # as they are written: nan is not equal to itself
        return ["the same as in the report, to the last digit"]
    if before.verdict is Verdict.skipped:
        return [f"skipped in the report: {before.reason}"]
    here, there = dict(environment()), dict(report.environment)
    moved = [
        f"{name} {there[name]} there, {here[name]} here"
        for name in there
        if name in here and here[name] != there[name]
    ]
    seen = "" if before.evidence is None else f", observed {before.evidence.observed!r}"
    return [f"not as in the report: {before.verdict} there{seen}" + "".join(f"; {each}" for each in moved)]


def _builds_on(trial: Trial, found: Finding) -> list[str]:
    """Claims that fail at the same case, without which this one means little: a run would have skipped it."""
    if found.verdict not in BROKEN:
        return []
    scale = trial.discrepancy / trial.check.discrepancy if trial.check.scales and trial.discrepancy else 1.0
    below = (_below(trial, code, max(scale, 1.0)) for code in trial.check.after)
    broken = [each for each in below if each is not None and each.verdict in BROKEN]
    return [
        f"{each.claim.id} {each.verdict} at this case too, and {found.claim.id} builds on it: a run skips "
        f"{found.claim.id} here"
        for each in broken[:1]
    ]


def _below(trial: Trial, code: str, scale: float) -> Finding | None:
    """What another check finds at the place of a trial; None where it promises nothing there."""
    check = CHECKS[code]
    coarse = check.discrepancy * (scale if check.scales and check.samples is not None else 1.0)
    try:
        other = replace(trial, check=check, discrepancy=check.promised(trial.target, trial.case, coarse))
        other.n  # noqa: B018 - no number of draws may keep its promise
    except UsageError:
        return None
    return examine(replace(other, rates=replace(other.rates, false_pass=check.rates.false_pass)))
