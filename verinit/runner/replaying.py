"""See one finding again, from its id alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from verinit.checks import CHECKS
from verinit.targets import resolve
from verinit.vocabulary import Case, Finding, Rates, Report, Trial, UsageError, examine, unknown

Number = TypeVar("Number", int, float)
_KNOBS = ("root", "false_fail", "false_pass", "discrepancy")
_SHORT = re.compile(r"[0-9a-f]{8}")


def is_short(text: str) -> bool:
    """Whether an id is the short form, which only a report can spell out."""
    return _SHORT.fullmatch(text) is not None


def spelt_out(short: str, report: Report) -> str:
    """The full id that a short one stands for in a report.

    Raises `UsageError` if the report holds no such finding, or one that nobody can replay.
    """
    for finding in report.findings:
        if finding.short_id == short:
            if not finding.replayable:
                raise UsageError(f"id={short!r}: {finding.target} is not importable; give module:callable")
            return finding.id
    raise UsageError(f"id={short!r}: no finding of the report has it; 'verinit run' writes a new report")


def trial_of(text: str) -> Trial:
    """The trial that a full id describes.

    Raises `UsageError` naming the part that cannot be read.
    """
    parts = text.rsplit("::", 3)
    if len(parts) != 4:
        raise UsageError(
            f"id={text!r}: an id reads target::check::case::knobs, with knobs "
            f"{','.join(f'{name}=...' for name in _KNOBS)}"
        )
    word, code, case, knobs = parts
    if code not in CHECKS:
        raise unknown("check", code, CHECKS)
    values = dict(pair.partition("=")[::2] for pair in knobs.split(","))
    missing = [name for name in _KNOBS if name not in values]
    if missing:
        raise UsageError(f"id={text!r}: {', '.join(missing)} is missing from its last part")
    targets = resolve(word)
    if len(targets) != 1:
        raise UsageError(
            f"id={text!r}: {word!r} stands for {len(targets)} targets; "
            f"an id names one, such as {targets[0].name}"
        )
    return Trial(
        check=CHECKS[code],
        target=targets[0],
        case=Case.parse(case),
        rates=Rates(
            false_fail=_number("false_fail", values, float),
            false_pass=_number("false_pass", values, float),
        ),
        discrepancy=_number("discrepancy", values, float),
        root=_number("root", values, int),
    )


def _number(name: str, values: dict[str, str], kind: Callable[[str], Number]) -> Number:
    try:
        return kind(values[name])
    except ValueError:
        raise UsageError(f"{name}={values[name]!r}: a number is needed") from None


def replay(text: str) -> Finding:
    """The finding of a full id, measured again."""
    return examine(trial_of(text))
