"""Options that several commands share, with what they accept said in one place."""

from __future__ import annotations

import errno
import os
import secrets
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from verinit.vocabulary import ROOT, UsageError

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
FOLDER = Path("verinit-report")
"""Where a run leaves its report unless told otherwise."""


def root_of(text: str | None) -> int:
    """The root that --seed asks for: a whole number, or "fresh" for new entropy.

    Raises `UsageError` for anything else.
    """
    if text is None:
        return ROOT
    if text == "fresh":
        return secrets.randbits(32)
    if text.isascii() and text.isdigit():
        return int(text)
    raise UsageError(f"--seed {text!r}: give a whole number, or 'fresh' for new entropy")


def codes_of(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Check codes from repeated or comma-separated options.

    Raises `UsageError` for an option that names none.
    """
    for text in texts:
        if not text.strip(" ,"):
            raise UsageError(f"--check {text!r}: give at least one code, such as IN201")
    return tuple(code.strip().upper() for text in texts for code in text.split(",") if code.strip())


def typed() -> str:
    """The command line as it was typed, for whoever wants to repeat it."""
    return shlex.join(["verinit", *sys.argv[1:]])


def _folder(ctx: click.Context, parameter: click.Parameter, value: Path) -> Path:
    """The folder of --report, where something can be put into it: a long run should not learn it at its end.

    The usual folder is left to the end, for some commands that have one write nothing.
    """
    from verinit.report.files import cannot
    from verinit.report.placing import refusal

    why = "" if ctx.get_parameter_source(str(parameter.name)) is ParameterSource.DEFAULT else refusal(value)
    if why:
        raise cannot(value, why)
    return value


def _file(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> Path | None:
    """The file of --output, where it can be put into its folder, which must be there."""
    if value is None or value.exists():
        return value
    from verinit.report.placing import refusal

    folder = value.absolute().parent
    why = refusal(folder) if folder.is_dir() else os.strerror(errno.ENOENT)
    if why:
        raise UsageError(f"--output {value}: cannot be written ({why}); choose another file")
    return value


battery: Decorator = click.option(
    "--battery", default="standard", show_default=True, metavar="NAME", help="smoke, standard or exhaustive."
)
checks: Decorator = click.option(
    "--check", "codes", multiple=True, metavar="CODE,...", help="Only these checks, at their usual level."
)
seed: Decorator = click.option(
    "--seed", default=None, metavar="N|fresh", help=f"Root of all random streams.  [default: {ROOT}]"
)
folder: Decorator = click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_folder,
    default=FOLDER,
    show_default=True,
    metavar="DIR",
    help="Where report.json, report.md and index.html go.",
)
form: Decorator = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown", "junit", "sarif", "github"]),
    default="text",
    show_default=True,
    help="What is printed, or written to --output.",
)
output: Decorator = click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_file,
    default=None,
    metavar="FILE",
    help="Write the chosen format there and the text here.",
)
quiet: Decorator = click.option("--quiet", is_flag=True, help="No progress; failures and closing lines only.")
