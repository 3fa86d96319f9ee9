"""`verinit compare`: two reports, claim by claim."""

from __future__ import annotations

from pathlib import Path

import click

from verinit.cli.baselines import FORMS, comparison_code, stored
from verinit.cli.outputs import save
from verinit.comparison import compare

_FILE = click.Path(path_type=Path, dir_okay=False)
_REPORT = click.Path(path_type=Path)


@click.command("compare")
@click.argument("old", type=_REPORT, metavar="OLD.json")
@click.argument("new", type=_REPORT, metavar="NEW.json")
@click.option(
    "--format",
    "form",
    type=click.Choice(sorted(FORMS)),
    default="text",
    show_default=True,
    help="What is printed, or written to --output.",
)
@click.option(
    "--output",
    type=_FILE,
    default=None,
    metavar="FILE",
    help="Write the chosen format there and the text here.",
)
@click.option(
    "--strict", is_flag=True, help="Exit 4 when something is undecided, not comparable or not run again."
)
def command(old: Path, new: Path, form: str, output: Path | None, strict: bool) -> None:
    """Compare two reports, claim by claim, with the noise of both: what regressed, improved or changed.

    Only what regressed fails. Nothing is run again: OLD and NEW are the report.json of two runs, or the
    folders that hold them. Runs of one root are paired, so that what did not change is identical; other roots
    are two independent samples.

    Exit codes: 0 nothing regressed, 1 something did, 2 a file is no report, 4 the newer run is incomplete, or
    something is undecided (--strict), 5 nothing in common.

    \b
    verinit compare baseline/report.json verinit-report
    verinit compare old.json new.json --format markdown --output changes.md
    """  # noqa: D301
    found = compare(stored(old), stored(new))
    body = FORMS[form](found)
    if output is not None:
        save(output, body)
        body = FORMS["text"](found)
    click.echo(body.rstrip("\n"))
    raise SystemExit(comparison_code(found, strict=strict))
