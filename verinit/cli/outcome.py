"""How a report leaves the program: printed, written, and as an exit code."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import click

from verinit.cli.terminal import say
from verinit.report import github, junit, markdown, sarif, write
from verinit.report.characters import visible
from verinit.report.outline import verdict
from verinit.vocabulary import Report, UsageError, Verdict
from verinit.vocabulary.document import digest, encode


def exit_code(report: Report, *, strict: bool = False) -> int:
    """The exit code of a report: 130 > 1 > 5 > 4 > 0."""
    if not report.complete:
        return 130
    if report.red or report.surprises or report.idle:
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
    page, lost = None, None
    try:
        page = write(report, folder) if folder is not None else None
    except UsageError as error:
        lost = error  # what was found is printed all the same
    body = FORMS[form](report)
    if output is not None:
        save(output, body)
        form, body = "text", _text(report)
    if form == "text":
        say("\n".join([body, *_last(report, page)]))
    else:
        click.echo(body.rstrip("\n"))
    if lost is not None:
        raise lost
    raise SystemExit(exit_code(report, strict=strict))


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
