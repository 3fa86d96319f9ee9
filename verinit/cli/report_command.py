"""`verinit report`: a result drawn again."""

from __future__ import annotations

from pathlib import Path

import click

from verinit.cli import options
from verinit.report import write
from verinit.vocabulary import UsageError
from verinit.vocabulary.document import decode


@click.command("report")
@click.argument("result", type=click.Path(path_type=Path, dir_okay=False), metavar="RESULT.json")
@options.folder
def command(result: Path, folder: Path) -> None:
    """Draw the report of a result again; needs no framework and runs nothing."""
    try:
        text = result.read_bytes()
    except OSError as error:
        raise UsageError(f"{result} cannot be read ({error.strerror})") from None
    click.echo(f"report {write(decode(text), folder)}")
