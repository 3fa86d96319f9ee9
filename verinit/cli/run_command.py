"""`verinit run`: the main job."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import click

from verinit.calibration.exhibits import exhibits
from verinit.calibration.record import shipped
from verinit.cases import battery as battery_named
from verinit.cli import options
from verinit.cli.baselines import stored
from verinit.cli.outcome import deliver
from verinit.cli.progress import progress
from verinit.cli.selection import DEFAULT, once, targets_of
from verinit.comparison import compare
from verinit.runner import plan, run_plan
from verinit.runner.environment import merged
from verinit.runner.execution import serial, until_red
from verinit.runner.workers import Workers
from verinit.textbook import ledger
from verinit.vocabulary import Report, UsageError


def with_ledger(report: Report, *, with_training: bool) -> Report:
    """The report with the textbook ledger added; interrupted, it is marked incomplete."""
    if not report.complete:
        return report
    started = time.monotonic()
    try:
        book = ledger(root=report.root, with_training=with_training)
    except KeyboardInterrupt:
        return replace(report, complete=False)
    seconds = float(dict(report.run)["seconds"]) + time.monotonic() - started
    return replace(
        report,
        rulings=book.rulings,
        surprises=book.surprises,
        exhibits=(*book.exhibits, *report.exhibits),
        run=tuple((name, f"{seconds:.2f}" if name == "seconds" else value) for name, value in report.run),
    )


def with_calibration(report: Report) -> Report:
    """The report with what is known of verinit itself, as it was measured once and shipped."""
    found = shipped()
    return report if found is None else replace(report, exhibits=(*report.exhibits, *exhibits(found)))


def _slip(jobs: int | None, timeout: float) -> str:
    """What is wrong with --jobs or --timeout."""
    if jobs is not None and jobs < 0:
        return f"--jobs {jobs}: give the number of worker processes, or 0 to run in this one"
    return f"--timeout {timeout:g}: give seconds above 0"


@click.command("run")
@click.argument("words", nargs=-1, metavar="[TARGET]...")
@options.battery
@options.checks
@options.seed
@click.option("--jobs", type=int, default=None, metavar="N", help="Worker processes; 0 runs in this one.")
@click.option(
    "--timeout", type=float, default=60.0, show_default=True, help="Seconds a target may take per case."
)
@click.option("-x", "--exitfirst", is_flag=True, help="Stop at the first failure.")
@options.folder
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    default=None,
    metavar="FILE",
    help="An older report.json: exit 1 when something regressed since.",
)
@options.form
@options.output
@click.option("--strict", is_flag=True, help="Exit 4 when something is inconclusive.")
@options.quiet
def command(
    words: tuple[str, ...],
    battery: str,
    codes: tuple[str, ...],
    seed: str | None,
    jobs: int | None,
    timeout: float,
    exitfirst: bool,
    folder: Path,
    baseline: Path | None,
    form: str,
    output: Path | None,
    strict: bool,
    quiet: bool,
) -> None:
    """Hold targets to what is claimed of them, and write a report.

    TARGET is a family (numpy, torch), one member (torch:kaiming_normal_), an entry point, or your own
    initializer as module:callable=scheme. Without one: the NumPy reference and the textbook ledger.

    \b
    verinit run
    verinit run torch
    verinit run mynet.init:he=he_normal
    """  # noqa: D301
    if (jobs is not None and jobs < 0) or not timeout > 0:
        raise UsageError(_slip(jobs, timeout))
    wanted, root = options.codes_of(codes), options.root_of(seed)
    look, before = battery_named(battery), None if baseline is None else stored(baseline)
    pool = Workers(jobs=min(os.cpu_count() or 1, 8) if jobs is None else jobs, limit=timeout)
    try:
        targets = once(pool.describe(words or DEFAULT)) if pool.jobs else targets_of(words)
        planned = plan(targets, battery=look, codes=wanted, root=root)
        with progress(len(planned.trials), quiet=quiet) as tick:
            engine = pool.engine if pool.jobs else serial
            report = run_plan(planned, engine=until_red(engine) if exitfirst else engine, on_findings=tick)
    finally:
        pool.kill()
    report = replace(report, environment=merged(report.environment, pool.environment))
    if not words and not codes:
        report = with_ledger(report, with_training=look.name == "exhaustive")
    report = replace(with_calibration(report), run=(*report.run, ("command", options.typed())))
    against = None if before is None else compare(before, report)
    if against is not None:
        report = replace(report, exhibits=(*against.exhibits, *report.exhibits))
    deliver(report, folder=folder, form=form, output=output, strict=strict, against=against)
