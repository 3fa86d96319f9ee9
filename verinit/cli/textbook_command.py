"""`verinit textbook`: the ledger alone."""

from __future__ import annotations

import time
from pathlib import Path

import click

from verinit.cli import options
from verinit.cli.outcome import deliver, exit_code
from verinit.runner.environment import environment
from verinit.textbook import ledger
from verinit.vocabulary import Rates, Report


@click.command("textbook")
@click.argument("claims", nargs=-1, metavar="[T01]...")
@options.seed
@options.folder
@options.form
@options.output
def command(claims: tuple[str, ...], seed: str | None, folder: Path, form: str, output: Path | None) -> None:
    """Rule on what the textbook chapter says: holds, refuted, depends or undecided, with the numbers.

    A ruling that differs from the expected one fails; a refuted sentence of the chapter does not.
    """
    root, started = options.root_of(seed), time.monotonic()
    book = ledger(root=root, only=tuple(claim.upper() for claim in claims))
    report = Report(
        battery="textbook",
        root=root,
        false_fail=Rates().false_fail,
        planned=0,
        rulings=book.rulings,
        surprises=book.surprises,
        exhibits=book.exhibits,
        environment=environment(),
        run=(("seconds", f"{time.monotonic() - started:.2f}"),),
    )
    if form == "text" and output is None:
        click.echo("\n\n".join(str(ruling) for ruling in book.rulings) + "\n")
    if claims:
        if form != "text":
            deliver(report, folder=None, form=form, output=output)
        raise SystemExit(exit_code(report))
    deliver(report, folder=folder, form=form, output=output)
