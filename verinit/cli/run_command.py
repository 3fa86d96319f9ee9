"""`verinit run`: the main job."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import click

from verinit.calibration.exhibits import exhibits
from verinit.calibration.record import shipped
from verinit.cases import battery as battery_named
from verinit.checks import CHECKS
from verinit.cli import configuration, options
from verinit.cli.baselines import stored
from verinit.cli.interruption import Stop, stoppable
from verinit.cli.outcome import RESUME, deliver
from verinit.cli.progress import progress
from verinit.cli.ruling import ruled
from verinit.cli.selection import DEFAULT, once, targets_of
from verinit.cli.terminal import say
from verinit.comparison import compare
from verinit.report import keep
from verinit.runner import Plan, plan, rows, run_plan
from verinit.runner.environment import environment, merged
from verinit.runner.excuses import Excuse, excuse_of, excused, excusing, idle
from verinit.runner.execution import serial, until_red
from verinit.runner.planning import nothing_asked
from verinit.runner.resumption import PLAN, done, fingerprint, resuming
from verinit.runner.workers import Workers
from verinit.textbook import ledger
from verinit.vocabulary import Battery, Finding, Report, Ruling, UsageError
from verinit.vocabulary.document import decode
from verinit.vocabulary.wording import short


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is asked of a run, once every option has been read."""

    words: tuple[str, ...]
    battery: Battery
    codes: tuple[str, ...]
    root: int
    exitfirst: bool
    quiet: bool
    excuses: tuple[Excuse, ...]
    before: Report | None
    settings: str

    @property
    def ruling(self) -> bool:
        """Whether the textbook ledger belongs to it: where neither targets nor checks were chosen."""
        return not self.words and not self.codes


def unfinished(folder: Path) -> Report:
    """The report of the interrupted run in a folder.

    Raises `UsageError` if none can be read there.
    """
    file = folder / "report.json"
    try:
        return decode(file.read_bytes())
    except OSError as error:
        raise UsageError(
            f"--resume: there is no interrupted run to go on with, {file} cannot be read ({error.strerror}); "
            "give its folder as --report, or leave --resume out"
        ) from None
    except UsageError as error:
        raise UsageError(f"--resume: {file} is {error}") from None


def announcement(planned: Plan, *, jobs: int, kept: int = 0, settings: str = "") -> str:
    """The plan before the run: how much, where, for how long about, and how sure it will be."""
    names = {trial.target.name for trial in planned.trials}
    units = planned.units
    places = {trial.case for trial in planned.trials}
    seconds = sum(row.seconds for row in rows(planned)) / max(1, min(jobs, len(units)))
    silent = f" ({len(planned.skipped)} more do not apply)" if planned.skipped else ""
    lines = [
        f"plan: {len(planned.trials)} trials of {len(names)} target{'s' * (len(names) != 1)} at "
        f"{len(places)} case{'s' * (len(places) != 1)}{silent}, battery {planned.battery.name}, "
        f"root {planned.root}, false alarms "
        f"at most {short(planned.false_fail)}, about {max(1.0, seconds):.0f} s"
    ]
    if kept:
        lines.append(f"going on: {kept} of these trials are done")
    if settings:
        lines.append(f"settings: {settings}")
    return "\n".join(lines)


def examined(job: Job, pool: Workers, stop: Stop, folder: Path) -> Report:
    """The report on the targets, incomplete if it was interrupted."""
    targets = once(pool.describe(job.words or DEFAULT)) if pool.jobs else targets_of(job.words)
    planned = plan(targets, battery=job.battery, codes=job.codes, root=job.root)
    unasked = nothing_asked(targets, job.codes)
    if unasked:
        say(f"verinit: {unasked}", err=True)
    kept: Mapping[str, Finding] = {}
    if job.before is not None:
        kept = done(job.before, planned, merged(environment(), pool.environment))
    if not job.quiet:
        say(announcement(planned, jobs=pool.jobs, kept=len(kept), settings=job.settings), err=True)
    engine = resuming(stop.engine(pool.engine if pool.jobs else serial), kept)
    engine = excusing(engine, job.excuses)
    with progress(len(planned.trials), quiet=job.quiet, kept=len(kept)) as tick:
        found = run_plan(planned, engine=until_red(engine) if job.exitfirst else engine, on_findings=tick)
    return replace(
        found,
        findings=tuple(excused(finding, job.excuses) for finding in found.findings),
        environment=merged(found.environment, pool.environment),
        run=(*found.run, (PLAN, fingerprint(planned))),
    )


def with_ledger(
    report: Report,
    stop: Stop,
    *,
    with_training: bool,
    known: Iterable[Ruling] = (),
    quiet: bool = True,
) -> Report:
    """The report with the textbook ledger added; interrupted, it has the rulings so far and is incomplete.

    known          rulings of the same root, which are not made again
    with_training  whether claims that take trainings are examined too
    """
    if not report.complete:
        return report
    started = time.monotonic()
    rulings, whole = ruled(stop, root=report.root, with_training=with_training, known=known, quiet=quiet)
    if not whole:
        return replace(report, rulings=tuple(rulings.values()), complete=False)
    book = ledger(root=report.root, known=rulings)
    return replace(
        report,
        rulings=book.rulings,
        surprises=book.surprises,
        exhibits=(*book.exhibits, *report.exhibits),
        run=later(report.run, time.monotonic() - started),
    )


def later(run: tuple[tuple[str, str], ...], seconds: float) -> tuple[tuple[str, str], ...]:
    """What a report says of its run, with more time spent."""
    return tuple(
        (name, f"{float(value) + seconds:.2f}" if name == "seconds" else value) for name, value in run
    )


def with_calibration(report: Report) -> Report:
    """The report with what is known of verinit itself, as it was measured once and shipped."""
    found = shipped()
    return report if found is None else replace(report, exhibits=(*report.exhibits, *exhibits(found)))


LONGEST = 1e6
"""Seconds that may be allowed for one case: eleven days."""
PATIENCE, LONG_PATIENCE = 60.0, 3600.0
"""Seconds that a case is allowed unless --timeout says so; exhaustive has cases that take minutes."""


def workers(jobs: int | None, timeout: float | None, battery: str) -> Workers:
    """The pool that was asked for; no process is started yet.

    Raises `UsageError` for a number of processes, or of seconds, that none can have.
    """
    if jobs is not None and not 0 <= jobs <= _most():
        raise UsageError(f"--jobs {jobs}: give 1 to {_most()} worker processes, or 0 to run in this one")
    limit = timeout
    if limit is None:
        limit = LONG_PATIENCE if battery == "exhaustive" else PATIENCE
    if not 0 < limit <= LONGEST:
        raise UsageError(f"--timeout {limit:g}: give seconds above 0, at most {LONGEST:g}")
    return Workers(jobs=min(os.cpu_count() or 1, 8) if jobs is None else jobs, limit=limit)


def _most() -> int:
    """Worker processes that may be asked for: four for each core, beyond which they only wait."""
    return 4 * (os.cpu_count() or 1)


@click.command("run")
@click.argument("words", nargs=-1, metavar="[TARGET]...")
@options.battery
@options.checks
@options.seed
@click.option("--jobs", type=int, default=None, metavar="N", help="Worker processes; 0 runs in this one.")
@click.option(
    "--timeout",
    type=float,
    default=None,
    help=f"Seconds a target may take per case.  [default: {PATIENCE:g}, {LONG_PATIENCE:g} if exhaustive]",
)
@click.option("-x", "--exitfirst", is_flag=True, help="Stop at the first failure.")
@click.option("--resume", is_flag=True, help="Go on with the interrupted run whose report is in --report.")
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
@options.strict
@options.quiet
def command(
    words: tuple[str, ...],
    battery: str,
    codes: tuple[str, ...],
    seed: str | None,
    jobs: int | None,
    timeout: float | None,
    exitfirst: bool,
    resume: bool,
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

    Targets and options can be kept in [tool.verinit] of pyproject.toml, and come from variables such as
    VERINIT_BATTERY too; what is typed goes first, then variables, then the file. Failures that are known
    stand in [tool.verinit.expected."TARGET"], each with its reason: IN201 = "...".

    Ctrl-C keeps what was done; the same command with --resume goes on from there.
    """  # noqa: D301
    ctx = click.get_current_context()
    settings = configuration.of(ctx)
    pool = workers(jobs, timeout, battery)
    configuration.known(settings, CHECKS)
    with configuration.blamed(ctx):
        before = unfinished(folder) if resume else None
        job = Job(
            words=words,
            battery=battery_named(battery),
            codes=options.codes_of(codes),
            root=before.root if before is not None and seed == "fresh" else options.root_of(seed),
            exitfirst=exitfirst,
            quiet=quiet,
            excuses=tuple(excuse_of(*each) for each in settings.expected),
            before=before,
            settings=configuration.origin(ctx),
        )
        older = None if baseline is None else stored(baseline)
        with stoppable() as stop:
            report = whole(job, pool, stop, folder)
            report = concluded(report, job, narrowed=configuration.narrowed(ctx), fresh=seed == "fresh")
            if stop.asked:
                say("verinit: interrupted; what was done is written now, again to end at once", err=True)
                with suppress(UsageError):  # said, and saved elsewhere, when the report is delivered
                    keep(report, folder)
            against = None if older is None else compare(older, report)
            report = with_calibration(report)
            if against is not None:
                report = replace(report, exhibits=(*against.exhibits, *report.exhibits))
            try:
                deliver(report, folder=folder, form=form, output=output, strict=strict, against=against)
            except SystemExit as end:
                raise SystemExit(_code(end.code, report, job, stop)) from None


def whole(job: Job, pool: Workers, stop: Stop, folder: Path) -> Report:
    """What is found of the targets and, where it belongs to the run, of the textbook."""
    try:
        report = examined(job, pool, stop, folder)
    finally:
        pool.kill()
    if not job.ruling:
        return report
    return with_ledger(
        report,
        stop,
        with_training=job.battery.name == "exhaustive",
        known=() if job.before is None else job.before.rulings,
        quiet=job.quiet,
    )


def concluded(report: Report, job: Job, *, narrowed: bool, fresh: bool) -> Report:
    """The report with what only the whole run tells: idle excuses, its time, how to repeat it or go on."""
    told = [("command", options.typed())]
    if not report.complete:
        told.append((RESUME, options.resuming(job.root if fresh else None)))
    if job.settings:
        told.append(("settings", job.settings))
    spent = float(dict(job.before.run).get("seconds", 0.0)) if job.before is not None else 0.0
    unneeded = idle(report.findings, job.excuses, narrowed=narrowed, codes=job.codes)
    return replace(report, idle=unneeded if report.complete else (), run=(*later(report.run, spent), *told))


def _code(code: object, report: Report, job: Job, stop: Stop) -> object:
    """The exit code: 130 for whoever pressed Ctrl-C, 1 where --exitfirst stopped at a failure."""
    if stop.asked:
        return 130
    return 1 if job.exitfirst and report.red else code
