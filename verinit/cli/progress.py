"""How a run shows that it is alive: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from verinit.vocabulary import Finding

HEARTBEAT = 10.0
"""Seconds between plain lines when nobody watches a terminal."""
Tick = Callable[[Sequence[Finding]], None]


@contextmanager
def progress(total: int, *, quiet: bool) -> Iterator[Tick]:
    """A callback that takes finished findings; `total` is the number of planned trials."""
    if quiet or not total:
        yield lambda findings: None
    elif sys.stderr.isatty():
        with _bar() as bar:
            task = bar.add_task("examining", total=total, red=0)
            red = _Red()
            yield lambda findings: bar.update(task, advance=len(findings), red=red.count(findings))
    else:
        yield _Heartbeat(total).beat


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("failed {task.fields[red]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


class _Red:
    """How many findings so far would fail the run."""

    def __init__(self) -> None:
        self.total = 0

    def count(self, findings: Sequence[Finding]) -> int:
        self.total += sum(finding.red for finding in findings)
        return self.total


class _Heartbeat:
    """One line every ten seconds: how far, how fast, how much longer, how many failed."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0
        self.started = self.last = time.monotonic()
        self.red = _Red()

    def beat(self, findings: Sequence[Finding]) -> None:
        self.done += len(findings)
        red, now = self.red.count(findings), time.monotonic()
        if now - self.last >= HEARTBEAT:
            self.last = now
            spent = now - self.started
            left = spent / self.done * (self.total - self.done)
            minutes, seconds = divmod(int(spent), 60)
            click.echo(
                f"[{minutes:02d}:{seconds:02d}] {self.done}/{self.total} trials, failed {red}, "
                f"about {left:.0f} s left",
                err=True,
            )
