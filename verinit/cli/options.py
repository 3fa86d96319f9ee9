"""Options that several commands share, with what they accept said in one place."""

from __future__ import annotations

import secrets
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

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
    default=None,
    metavar="FILE",
    help="Write the chosen format there and the text here.",
)
quiet: Decorator = click.option("--quiet", is_flag=True, help="No progress; failures and closing lines only.")
