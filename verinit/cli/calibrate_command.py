"""`verinit calibrate`: false alarms and power of the battery itself."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path

import click

from verinit.calibration import record
from verinit.calibration.campaign import Campaign, assembled, cells
from verinit.calibration.cells import Cell, Said, red
from verinit.calibration.crew import measure
from verinit.calibration.kills import ROOTS
from verinit.calibration.ledgers import Ledger
from verinit.calibration.nulls import REPLAYS
from verinit.calibration.numerics import multiprecision
from verinit.calibration.wording import text
from verinit.cli import options
from verinit.cli.outputs import save
from verinit.cli.progress import Mark, progress
from verinit.runner.planning import chosen
from verinit.vocabulary import UsageError

WORK = Path("verinit-calibration")
"""Where a whole calibration keeps what is finished."""


def shipped_file() -> Path:
    """The calibration that ships with the package."""
    return Path(str(resources.files("verinit.calibration").joinpath(record.SHIPPED)))


def _destination(codes: tuple[str, ...], output: Path | None, update: bool) -> Path | None:
    """Where the calibration is written, if anywhere.

    Raises `UsageError` where only a part of one is asked for, or two places are.
    """
    if update and output is not None:
        raise UsageError(f"--update and --output {output}: give one of them")
    if codes and (update or output is not None):
        raise UsageError(
            f"{'--update' if update else f'--output {output}'} with {', '.join(codes)}: "
            "a calibration of some checks is printed, not written; leave the codes out"
        )
    return shipped_file() if update else output


def _whole(name: str, value: int, least: int) -> int:
    if value < least:
        raise UsageError(f"{name} {value}: give a whole number, at least {least}")
    return value


def _first(seed: str | None) -> int:
    return options.root_of(seed) if seed is not None else 1


@click.command("calibrate")
@click.argument("codes", nargs=-1, metavar="[CODE]...")
@click.option(
    "--replays", type=int, default=REPLAYS, show_default=True, metavar="N", help="Runs of right code."
)
@click.option(
    "--roots", type=int, default=ROOTS, show_default=True, metavar="N", help="Experiments for each fault."
)
@click.option("--jobs", type=int, default=None, metavar="N", help="Worker processes; 0 runs in this one.")
@click.option("--seed", default=None, metavar="N|fresh", help="The first root.  [default: 1]")
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="Write the whole calibration there, as JSON.",
)
@click.option("--update", is_flag=True, help="Write it over the one that ships with the package.")
@click.option(
    "--work-dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    metavar="DIR",
    help=f"Where finished parts are kept and found again.  [default: {WORK}, without codes]",
)
@options.quiet
def command(
    codes: tuple[str, ...],
    replays: int,
    roots: int,
    jobs: int | None,
    seed: str | None,
    output: Path | None,
    update: bool,
    folder: Path | None,
    quiet: bool,
) -> None:
    """Measure the battery itself: how often it is wrong about right code, and how often it sees a fault.

    With codes, only the tests and the planted faults of these checks: seconds. Without, everything: an hour
    and more on two cores, most of it runs of right code; interrupted, it goes on where it stopped.

    \b
    verinit calibrate IN201 IN303
    verinit calibrate --replays 1000 --output calibration.json
    """  # noqa: D301
    wanted = tuple(check.code for check in chosen(code.upper() for code in codes)) if codes else ()
    destination = _destination(wanted, output, update)
    workers = min(os.cpu_count() or 1, 8) if jobs is None else _whole("--jobs", jobs, 0)
    campaign = Campaign(
        codes=wanted,
        replays=_whole("--replays", replays, 0),
        roots=_whole("--roots", roots, 1),
        first=_first(seed),
    )
    if campaign.whole:
        multiprecision()
    asked = cells(campaign)
    ledger = Ledger(folder or (WORK if campaign.whole else None))
    with progress(len(asked), quiet=quiet, noun="parts") as tick:

        def on_cell(cell: Cell, said: Said) -> None:
            tick([Mark(red=red(cell, said))])

        measure(asked, ledger, jobs=workers, on_cell=on_cell)
    found = assembled(campaign, ledger)
    if destination is not None:
        save(destination, record.encode(found))
    click.echo(text(found))
    if destination is not None:
        click.echo(f"calibration {destination}")
    raise SystemExit(1 if found.missed else 0)
