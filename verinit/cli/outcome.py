"""How a report leaves the program: printed, written, and as an exit code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from verinit.cli.rescue import code_without_report, rescued
from verinit.report import github, junit, markdown, write
from verinit.report.placing import place
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


_FORMS: dict[str, Callable[[Report], str]] = {
    "text": str,
    "json": encode,
    "markdown": markdown,
    "junit": junit,
    "github": github,
}


def deliver(
    report: Report,
    *,
    folder: Path | None,
    form: str = "text",
    output: Path | None = None,
    strict: bool = False,
) -> None:
    """Write the report, print it in its form, and exit with its code."""
    page, code = None, exit_code(report, strict=strict)
    try:
        page = write(report, folder) if folder is not None else None
    except UsageError as error:
        rescued(report, error)
        code = code_without_report(code)
    body = _FORMS[form](report)
    if output is not None:
        try:
            save(output, body)
        except UsageError as error:
            if page is None:
                rescued(report, error)
            else:
                click.echo(f"verinit: {error}", err=True)
            code = code_without_report(code)
        body = str(report)
    click.echo(body.rstrip("\n"))
    if page is not None and (form == "text" or output is not None):
        seconds = dict(report.run).get("seconds", "")
        click.echo(f"{seconds} s, report {page}" if seconds else f"report {page}")
    raise SystemExit(code)


def save(path: Path, text: str) -> None:
    """Write the file of --output, whole or not at all.

    Raises `UsageError` where it cannot be written.
    """
    try:
        place({path: text})
    except OSError as error:
        raise UsageError(
            f"--output {path}: cannot be written ({error.strerror}); choose another file"
        ) from None
