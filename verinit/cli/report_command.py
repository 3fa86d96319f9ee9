"""`verinit report`: a result drawn again, or told in another format."""

from __future__ import annotations

from pathlib import Path

import click

from verinit.cli import options
from verinit.cli.outcome import FORMS
from verinit.cli.outputs import save
from verinit.report import write
from verinit.vocabulary import UsageError
from verinit.vocabulary.document import decode


@click.command("report")
@click.argument("result", type=click.Path(path_type=Path, dir_okay=False), metavar="RESULT.json")
@options.folder
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMS)),
    default=None,
    help="Print the result in this format instead of drawing the page.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Write the format there.",
)
def command(result: Path, folder: Path, form: str | None, output: Path | None) -> None:
    """Draw the report of a result again, or tell it in another format; needs no framework and runs nothing.

    One run can so speak to everybody who asks. The exit code is that of the drawing, not of the result.

    \b
    verinit report verinit-report/report.json
    verinit report verinit-report/report.json --format junit --output junit.xml
    """  # noqa: D301
    if output is not None and form is None:
        raise UsageError(f"--output {output}: give --format too; a page is drawn into the folder of --report")
    try:
        text = result.read_bytes()
    except OSError as error:
        raise UsageError(f"{result} cannot be read ({error.strerror})") from None
    found = decode(text)
    if form is None:
        click.echo(f"report {write(found, folder)}")
    elif output is None:
        click.echo(FORMS[form](found).rstrip("\n"))
    else:
        save(output, FORMS[form](found))
