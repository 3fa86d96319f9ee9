"""`verinit replay`: one finding again."""

from __future__ import annotations

from pathlib import Path

import click

from verinit.cli.options import FOLDER
from verinit.cli.terminal import say
from verinit.runner.replaying import is_short, replay, spelt_out
from verinit.vocabulary import UsageError, Verdict
from verinit.vocabulary.document import decode


@click.command("replay")
@click.argument("identity", metavar="ID")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, dir_okay=False),
    default=FOLDER / "report.json",
    show_default=True,
    metavar="FILE",
    help="The report in which a short id is looked up.",
)
def command(identity: str, source: Path) -> None:
    """See one finding again, from its short id in a report or from its full id alone.

    Exit 1 when it still fails.
    """
    if is_short(identity):
        try:
            report = decode(source.read_bytes())
        except OSError as error:
            raise UsageError(
                f"id={identity!r} is short and {source} cannot be read ({error.strerror}); "
                "give --from FILE, or the full id"
            ) from None
        identity = spelt_out(identity, report)
    found = replay(identity)
    say(f"{identity}\n\n{found}")
    raise SystemExit(0 if found.verdict is Verdict.passed else 1)
