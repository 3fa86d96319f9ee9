"""How a report leaves the program: printed, written, and as an exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from verinit.cli.baselines import comparison_code
from verinit.cli.baselines import text as comparison_text
from verinit.cli.outputs import save
from verinit.cli.rescue import CANNOT, code_without_report, rescued
from verinit.comparison import Comparison
from verinit.report import github, junit, markdown, sarif, write
from verinit.report.characters import visible
from verinit.vocabulary import Report, UsageError, Verdict
from verinit.vocabulary.document import encode


def exit_code(report: Report, *, strict: bool = False) -> int:
    """The exit code of a report: 130 > 1 > 5 > 4 > 0."""
    if not report.complete:
        return 130
    if report.red or report.surprises:
        return 1
    if not report.findings and not report.rulings:
        return 5
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
        page = write(report, folder) if folder is not None else None
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
        body = _text(report)
    click.echo(body.rstrip("\n"))
    if page is not None and (form == "text" or output is not None):
        seconds = dict(report.run).get("seconds", "")
        click.echo(f"{seconds} s, report {page}" if seconds else f"report {page}")
    if against is not None:
        beside = form != "text" and output is None
        click.echo(f"\nagainst the baseline\n\n{comparison_text(against)}", err=beside)
        code = code_against(code, against, strict=strict)
    raise SystemExit(code)
