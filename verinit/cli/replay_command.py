"""`verinit replay`: one finding again."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from verinit.cli.options import FOLDER
from verinit.runner.replaying import is_short, remarks, replay, spelt_out
from verinit.vocabulary import Report, UsageError, Verdict
from verinit.vocabulary.document import decode

CODES = {
    Verdict.passed: 0,
    Verdict.failed: 1,
    Verdict.errored: 1,
    Verdict.inconclusive: 4,
    Verdict.skipped: 4,
}


@click.command("replay")
@click.argument("identity", metavar="ID")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, dir_okay=False),
    default=FOLDER / "report.json",
    show_default=True,
    metavar="FILE",
    help="The report in which a short id is looked up, and what is found is compared with what was.",
)
@click.option("--as-script", is_flag=True, help="Print a Python script that shows it, and run nothing.")
@click.pass_context
def command(context: click.Context, identity: str, source: Path, as_script: bool) -> None:
    """See one finding again, from its short id in a report or from its full id alone.

    Exit 0 when it passes now, 1 when it fails, 4 when it is inconclusive or skipped.

    \b
    verinit replay 5588e347
    verinit replay "torch:kaiming_normal_::IN201::64x32#0::root=1,false_fail=1e-9,..." > seen.txt
    verinit replay 5588e347 --as-script > reproduce.py
    """  # noqa: D301
    named = context.get_parameter_source("source") is not ParameterSource.DEFAULT
    report = _report(identity, source) if named or is_short(identity) else None
    if is_short(identity):
        assert report is not None
        identity = spelt_out(identity, report)
    if as_script:
        click.echo(_script(identity), nl=False)
        return
    found = replay(identity, report=report)
    notes = "".join(f"\nnote: {remark}" for remark in remarks(found, report))
    click.echo(f"{found.id}\n\n{found}\n{notes}".rstrip("\n"))
    raise SystemExit(CODES[found.verdict])


def _report(identity: str, source: Path) -> Report:
    """The report that was asked for.

    Raises `UsageError` where it cannot be read.
    """
    try:
        return decode(source.read_bytes())
    except OSError as error:
        short = f"id={identity!r} is short and " if is_short(identity) else ""
        raise UsageError(
            f"{short}{source} cannot be read ({error.strerror}); give --from FILE"
            f"{', or the full id' if short else ''}"
        ) from None
    except UsageError as error:
        raise UsageError(f"{source}: {error}") from None


def _script(identity: str) -> str:
    from verinit.runner.scripts import script

    return script(identity)
