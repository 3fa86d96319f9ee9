"""How a report leaves the program: printed, written, and as an exit code."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

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
) -> None:
    """Write the report, print it in its form, and exit with its code."""
    page = write(report, folder) if folder is not None else None
    body = FORMS[form](report)
    if output is not None:
        save(output, body)
        body = _text(report)
    click.echo(body.rstrip("\n"))
    if page is not None and (form == "text" or output is not None):
        seconds = dict(report.run).get("seconds", "")
        click.echo(f"{seconds} s, report {page}" if seconds else f"report {page}")
    raise SystemExit(exit_code(report, strict=strict))


def save(path: Path, text: str) -> None:
    """Write a file whole or leave the old one; what is a link or no file is written where it leads."""
    content = text.encode("utf-8", errors="backslashreplace")
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_bytes(content)
            return
        with tempfile.TemporaryDirectory(prefix=".verinit-", dir=path.absolute().parent) as staging:
            staged = Path(staging) / "output"
            staged.write_bytes(content)
            os.replace(staged, path)
    except OSError as error:
        raise UsageError(
            f"--output {path}: cannot be written ({error.strerror}); choose another file"
        ) from None
