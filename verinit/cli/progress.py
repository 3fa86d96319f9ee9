"""How a run shows that it is alive: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Done(Protocol):
    """Something that is finished, such as a Finding, and whether it would fail the run."""

    @property
    def red(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something finished that says no more than whether it would fail the run."""

    red: bool


HEARTBEAT = 10.0
"""Seconds between plain lines when nobody watches a terminal."""
Tick = Callable[[Sequence[Done]], None]


@contextmanager
def progress(total: int, *, quiet: bool, noun: str = "trials") -> Iterator[Tick]:
    """A callback that takes what is finished; `total` is how much was planned, `noun` what it is called."""
    if quiet or not total:
        yield lambda findings: None
    elif sys.stderr.isatty():
        with _bar() as bar:
            task = bar.add_task("examining", total=total, red=0)
            red = _Red()
            yield lambda findings: bar.update(task, advance=len(findings), red=red.count(findings))
    else:
        yield _Heartbeat(total, noun).beat


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

    def count(self, findings: Sequence[Done]) -> int:
        self.total += sum(finding.red for finding in findings)
        return self.total


class _Heartbeat:
    """One line every ten seconds: how far, how fast, how much longer, how many failed."""

    def __init__(self, total: int, noun: str) -> None:
        self.total, self.done, self.noun = total, 0, noun
        self.started = self.last = time.monotonic()
        self.red = _Red()

    def beat(self, findings: Sequence[Done]) -> None:
        self.done += len(findings)
        red, now = self.red.count(findings), time.monotonic()
        if now - self.last >= HEARTBEAT:
            self.last = now
            spent = now - self.started
            left = spent / self.done * (self.total - self.done)
            minutes, seconds = divmod(int(spent), 60)
            click.echo(
                f"[{minutes:02d}:{seconds:02d}] {self.done}/{self.total} {self.noun}, failed {red}, "
                f"about {left:.0f} s left",
                err=True,
            )
