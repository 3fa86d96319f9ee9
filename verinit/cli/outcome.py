"""How a report leaves the program: printed, written, and as an exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from verinit.cli.baselines import comparison_code
from verinit.cli.baselines import text as comparison_text
from verinit.cli.outputs import save
from verinit.cli.rescue import CANNOT, code_without_report, rescued, spare
from verinit.cli.terminal import say
from verinit.comparison import Comparison
from verinit.report import github, junit, markdown, sarif, write
from verinit.report.characters import visible
from verinit.report.outline import verdict
from verinit.vocabulary import Report, UsageError, Verdict
from verinit.vocabulary.document import digest, encode

NOTHING = 5
"""The exit code where nothing was examined: an earlier report is worth more than an empty one."""


def exit_code(report: Report, *, strict: bool = False) -> int:
    """The exit code of a report: 130 > 1 > 5 > 4 > 0."""
    if not report.complete:
        return 130
    if report.red or report.surprises or report.idle:
        return 1
    if not report.findings and not report.rulings:
        return NOTHING
    open_questions = report.counts[str(Verdict.inconclusive)]
    if not report or (strict and open_questions):
        return 4
    return 0


def code_against(code: int, against: Comparison, *, strict: bool = False) -> int:
    """The exit code of a run with a baseline: what regressed fails a run that would not fail by itself."""
    if code not in (0, CANNOT, 4):
        return code
    compared = comparison_code(against, strict=strict)
    return 1 if compared == 1 else max(code, 4 if compared else 0)


def _text(report: Report) -> str:
    """What a person reads in a terminal, which a name of a target must not steer."""
    return visible(str(report))


FORMS: dict[str, Callable[[Report], str]] = {
    "text": _text,
    "json": encode,
    "markdown": markdown,
    "junit": junit,
    "sarif": sarif,
    "github": github,
}
"""What --format may be, each a function of the report alone."""


def deliver(
    report: Report,
    *,
    folder: Path | None,
    form: str = "text",
    output: Path | None = None,
    strict: bool = False,
    against: Comparison | None = None,
) -> None:
    """Write the report, print it in its form, and exit with its code.

    against: what became of everything since a baseline; printed under the report, or to stderr where the
    report is printed in another form than text.
    """
    page, code = None, exit_code(report, strict=strict)
    try:
        if folder is not None and code != NOTHING:
            spare(report, folder)
            page = write(report, folder)
    except UsageError as error:
        rescued(report, error)
        code = code_without_report(code)
    body = FORMS[form](report)
    if output is not None:
        try:
            save(output, body)
        except UsageError as error:
            if page is None:
                rescued(report, error)
            else:
                click.echo(f"verinit: {error}", err=True)
            code = code_without_report(code)
        form, body = "text", _text(report)
    if form == "text":
        say("\n".join([body, *_last(report, page)]))
    else:
        click.echo(body.rstrip("\n"))
    if against is not None:
        say(f"\nagainst the baseline\n\n{comparison_text(against)}", err=form != "text")
        code = code_against(code, against, strict=strict)
    raise SystemExit(code)


RESUME = "resume"
"""Under which name an incomplete report keeps the command that goes on with it."""


def _last(report: Report, page: Path | None) -> list[str]:
    """The verdict in one sentence, how to go on if something is left, and where to read more."""
    run = dict(report.run)
    sentence, tone = verdict(report)
    lines = [f"{tone.upper()}. {sentence}"] if report.complete or report.red else []
    if RESUME in run:
        lines.append(f"go on with  {run[RESUME]}")
    if page is not None:
        seconds = [f"{run['seconds']} s"] if "seconds" in run else []
        lines.append(", ".join([*seconds, f"report {page}", f"digest {digest(report)[:16]}"]))
    return lines
