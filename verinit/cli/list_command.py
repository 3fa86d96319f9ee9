"""`verinit list`: the plan before it runs."""

from __future__ import annotations

import json

import click

from verinit.cases import battery as battery_named
from verinit.cli import options
from verinit.cli.selection import targets_of
from verinit.runner import Row, plan, rows
from verinit.vocabulary.wording import short


def _lines(listed: list[Row]) -> list[str]:
    """One line for each check of each target, all its cases together."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in listed:
        groups.setdefault((row.trial.target.name, row.trial.check.code), []).append(row)
    width = max(len(name) for name, _ in groups)
    head = f"{'target':{width}}  check  cases         n  resolves  missed at most  seconds"
    return [head, *(_line(name, code, group, width) for (name, code), group in groups.items())]


def _line(name: str, code: str, group: list[Row], width: int) -> str:
    trial = group[0].trial
    n = max(row.n for row in group)
    exact = trial.check.samples is None
    resolves = "exact" if exact and not trial.discrepancy else short(trial.discrepancy)
    missed = "never" if exact else short(trial.rates.false_pass)
    return (
        f"{name:{width}}  {code}  {len(group):5d}  {n or '':>8}  {resolves:>8}  {missed:>14}  "
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
    planned = plan(targets_of(words), battery=battery_named(battery), codes=options.codes_of(codes))
    listed = rows(planned)
    if as_json:
        click.echo(json.dumps([_object(row) for row in listed], indent=1))
        return
    if not listed:
        click.echo("nothing is selected")
        raise SystemExit(5)
    click.echo("\n".join(_lines(listed)))
    statistical = [row.trial for row in listed if row.trial.check.samples is not None]
    share = (
        f", each wrong with probability {short(statistical[0].rates.false_fail)} at most"
        if statistical
        else ""
    )
    click.echo(
        f"\n{len(listed)} trials at {len(planned.units)} (target, case) pairs, "
        f"battery {planned.battery.name}\n{len(statistical)} statistical{share} "
        f"({short(planned.false_fail)} for the whole run); "
        f"about {sum(row.seconds for row in listed):.0f} s on one core"
    )
