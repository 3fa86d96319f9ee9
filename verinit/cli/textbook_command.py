"""`verinit textbook`: the ledger alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from verinit.cli import options
from verinit.cli.interruption import Stop, stoppable
from verinit.cli.outcome import deliver, exit_code
from verinit.cli.ruling import ruled
from verinit.cli.terminal import say
from verinit.portraits import figure_file, portrait
from verinit.runner.environment import environment
from verinit.textbook import CLAIMS, Ledger, ledger
from verinit.textbook.korean import told_in_korean
from verinit.vocabulary import Rates, Report, Ruling, UsageError, unknown


@click.command("textbook")
@click.argument("claims", nargs=-1, metavar="[T01]...")
@click.option(
    "--init", default=None, metavar="SCHEME", help="Draw the figure for these weights of one's own."
)
@click.option(
    "--activation", default=None, metavar="NAME", help="... with this activation.  [default: sigmoid]"
)
@click.option("--width", type=int, default=None, metavar="N", help="... of this width.  [default: 100]")
@click.option("--depth", type=int, default=None, metavar="L", help="... with so many layers.  [default: 5]")
@click.option(
    "--figure",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    metavar="FILE",
    help="... and save it there, as PNG or SVG.",
)
@click.option(
    "--with-training",
    is_flag=True,
    help="Rule on T25, T27 and T28 too: minutes of training on handwritten digits (extra `data`).",
)
@click.option(
    "--lang",
    type=click.Choice(["en", "ko"]),
    default="en",
    show_default=True,
    help="Of claims and one-sentence summaries.",
)
@options.seed
@options.folder
@options.form
@options.output
def command(
    claims: tuple[str, ...],
    init: str | None,
    activation: str | None,
    width: int | None,
    depth: int | None,
    figure: Path | None,
    with_training: bool,
    lang: str,
    seed: str | None,
    folder: Path,
    form: str,
    output: Path | None,
) -> None:
    """Rule on what the textbook chapter says: holds, refuted, depends or undecided, with the numbers.

    A ruling that differs from the expected one fails; a refuted sentence of the chapter does not.
    With --init, --activation, --width, --depth or --figure, the chapter's figure and table are drawn for a
    network of one's own instead: SCHEME is a scheme, or where one's own initializer is kept.

    \b
    verinit textbook T05
    verinit textbook --with-training
    verinit textbook --lang ko
    verinit textbook --init "normal(std=0.5)" --activation tanh --width 200 --depth 8
    verinit textbook --init mynet.init:draw --activation relu --figure mine.png
    """  # noqa: D301
    given = {"init": init, "activation": activation, "width": width, "depth": depth}
    asked = {name: value for name, value in given.items() if value is not None}
    if asked or figure is not None:
        strays = [*claims, *(["--with-training"] if with_training else [])]
        strays += [f"--output {output}"] if output is not None else []
        strays += [f"--format {form}"] if form != "text" else []
        if strays:
            stray = strays[0]
            raise UsageError(
                f"{stray} with a network of one's own: give claims or a network, not both; a network is "
                "printed as text, and saved with --figure"
            )
        _draw(asked, figure, options.root_of(seed))
        return
    wanted = tuple(claim.upper() for claim in claims)
    for code in wanted:
        if code not in CLAIMS:
            raise unknown("textbook claim", code, CLAIMS)
    with stoppable() as stop:
        told = told_in_korean if lang == "ko" else None
        report = _report(stop, options.root_of(seed), wanted, with_training, told)
    if form == "text" and output is None:
        say("\n\n".join(str(ruling) for ruling in report.rulings))
        click.echo()
    if claims:
        if form != "text":
            deliver(report, folder=None, form=form, output=output)
        raise SystemExit(exit_code(report))
    deliver(report, folder=folder, form=form, output=output)


def _report(
    stop: Stop,
    root: int,
    wanted: tuple[str, ...],
    with_training: bool,
    told: Callable[[Ruling], Ruling] | None,
) -> Report:
    """The report on the claims that are wanted; interrupted, it has the rulings so far and is incomplete."""
    started = time.monotonic()
    rulings, whole = ruled(stop, root=root, only=wanted, with_training=with_training)
    book = ledger(root=root, only=wanted, known=rulings) if whole else Ledger(rulings=tuple(rulings.values()))
    return Report(
        battery="textbook",
        root=root,
        false_fail=Rates().false_fail,
        planned=0,
        rulings=tuple(map(told, book.rulings)) if told else book.rulings,
        surprises=book.surprises,
        exhibits=book.exhibits,
        complete=whole,
        environment=environment(),
        run=(("seconds", f"{time.monotonic() - started:.2f}"),),
    )


def _draw(asked: dict[str, Any], figure: Path | None, root: int) -> None:
    place = None if figure is None else figure_file(figure)
    drawn = portrait(**asked, root=root)
    say(str(drawn))
    if place is not None:
        say(f"figure {drawn.save(place)}")
