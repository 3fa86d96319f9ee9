"""`verinit list`: the plan before it runs."""

from __future__ import annotations

import json
import sys

import click

from verinit.cases import battery as battery_named
from verinit.cli import options
from verinit.cli.selection import targets_of
from verinit.cli.terminal import columns, say
from verinit.report.characters import breadth, visible
from verinit.runner import Row, plan, rows
from verinit.runner.planning import nothing_asked
from verinit.vocabulary.wording import short

_HEAD = "check  cases         n  resolves  missed at most  seconds"


def _lines(listed: list[Row], width: int | None) -> list[str]:
    """One line for each check of each target, all its cases together.

    width: columns that a line may take, None for any; where names and numbers need more side by side, a
    name stands above its numbers, whole.
    """
    groups: dict[str, dict[str, list[Row]]] = {}
    for row in listed:
        groups.setdefault(row.trial.target.name, {}).setdefault(row.trial.check.code, []).append(row)
    longest = max(breadth(visible(name)) for name in groups)
    if width is not None and longest + 2 + len(_HEAD) > width:
        lines = [f"  {_HEAD}"]
        for name, checks in groups.items():
            lines += [visible(name), *(f"  {_numbers(code, group)}" for code, group in checks.items())]
        return lines
    lines = [f"{'target':{longest}}  {_HEAD}"]
    for name, checks in groups.items():
        label = visible(name) + " " * (longest - breadth(visible(name)))
        lines += [f"{label}  {_numbers(code, group)}" for code, group in checks.items()]
    return lines


def _numbers(code: str, group: list[Row]) -> str:
    trial = group[0].trial
    n = max(row.n for row in group)
    exact = trial.check.samples is None
    resolves = "exact" if exact and not trial.discrepancy else short(trial.discrepancy)
    missed = "never" if exact else short(trial.rates.false_pass)
    return (
        f"{code}  {len(group):5d}  {n or '':>8}  {resolves:>8}  {missed:>14}  "
        f"{sum(row.seconds for row in group):7.2f}"
    )


def _object(row: Row) -> dict[str, object]:
    trial = row.trial
    return {
        "target": trial.target.name,
        "check": trial.check.code,
        "claim": trial.check.claim.summary,
        "case": str(trial.case),
        "n": row.n,
        "discrepancy": trial.discrepancy,
        "power": row.power,
        "false_fail": trial.rates.false_fail if trial.check.samples else 0.0,
        "false_pass": trial.rates.false_pass,
        "seconds": round(row.seconds, 4),
    }


@click.command("list")
@click.argument("words", nargs=-1, metavar="[TARGET]...")
@options.battery
@options.checks
@click.option("--json", "as_json", is_flag=True, help="One object for each trial.")
def command(words: tuple[str, ...], battery: str, codes: tuple[str, ...], as_json: bool) -> None:
    """Show the plan before it runs: n, the departure each check sees, how rarely it misses, seconds.

    `resolves` is in units of what the check measures (`verinit explain CODE`); seconds are a forecast.
    """
    targets, wanted = targets_of(words), options.codes_of(codes)
    planned = plan(targets, battery=battery_named(battery), codes=wanted)
    listed = rows(planned)
    if as_json:
        click.echo(json.dumps([_object(row) for row in listed], indent=1))
        return
    if not listed:
        click.echo(nothing_asked(targets, wanted) or "nothing is selected")
        raise SystemExit(5)
    say("\n".join(_lines(listed, columns(sys.stdout))))
    statistical = [row.trial for row in listed if row.trial.check.samples is not None]
    share = (
        f", each wrong with probability {short(statistical[0].rates.false_fail)} at most"
        if statistical
        else ""
    )
    click.echo()
    say(
        f"{len(listed)} trials at {len(planned.units)} (target, case) pairs, "
        f"battery {planned.battery.name}\n{len(statistical)} statistical{share} "
        f"({short(planned.false_fail)} for the whole run); "
        f"about {sum(row.seconds for row in listed):.0f} s on one core"
    )
