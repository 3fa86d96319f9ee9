"""What was found is worth more than its folder: where it is kept when that cannot be written."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from verinit.report.placing import place
from verinit.runner.resumption import PLAN
from verinit.vocabulary import Report, UsageError
from verinit.vocabulary.document import decode, encode

CANNOT = 3
"""The exit code of a run that would have ended well, but for its report."""


def rescued(report: Report, why: Exception) -> None:
    """Keep report.json in a folder of its own for what is temporary, and say where and how to draw it."""
    click.echo(f"verinit: {why}", err=True)
    try:
        kept = Path(tempfile.mkdtemp(prefix="verinit-")) / "report.json"
        place({kept: encode(report)})
    except OSError as error:
        click.echo(
            f"verinit: nor can it be kept in {tempfile.gettempdir()} ({error.strerror}); what is printed is "
            "all there is",
            err=True,
        )
        return
    click.echo(f"verinit: the result is kept in {kept}: verinit report {kept} --report DIR", err=True)


def spare(report: Report, folder: Path) -> None:
    """Move the report of an interrupted run aside before that of another run takes its place."""
    file = folder / "report.json"
    try:
        text = file.read_bytes()
        if b'"complete": false' not in text:
            return
        before = decode(text)
        if before.complete or dict(before.run).get(PLAN) == dict(report.run).get(PLAN, ""):
            return
        aside = folder / "interrupted"
        aside.mkdir(exist_ok=True)
        file.replace(aside / file.name)
    except (OSError, UsageError):
        return
    command = dict(before.run).get("command", "its command")
    click.echo(
        f"verinit: {folder} held an interrupted run, which is kept in {aside}; go on with it by {command} "
        f"--resume --report {aside}",
        err=True,
    )


def code_without_report(code: int) -> int:
    """The exit code of a run without its report: a failure or an interruption outranks that."""
    return code if code in (1, 130) else CANNOT
