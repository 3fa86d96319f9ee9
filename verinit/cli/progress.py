"""How a run shows that it is alive: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from verinit.cli.terminal import coloured, lively


class Done(Protocol):
    """Something that is finished, such as a Finding, and whether it would fail the run."""

    @property
    def red(self) -> bool: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Something finished that says no more than whether it would fail the run."""

    red: bool


HEARTBEAT = 30.0
"""Seconds between plain lines when nobody watches a terminal."""
Tick = Callable[[Sequence[Done]], None]


@contextmanager
def progress(total: int, *, quiet: bool, noun: str = "trials", kept: int = 0) -> Iterator[Tick]:
    """A callback that takes what is finished.

    total  how much was planned
    noun   what it is called
    kept   how much of it was finished before, and will be handed in without having taken time
    """
    if quiet or not total:
        yield lambda findings: None
    elif lively(sys.stderr):
        with _bar() as bar:
            task = bar.add_task(noun, total=total, red=0)
            red = _Red()
            yield lambda findings: bar.update(task, advance=len(findings), red=red.count(findings))
    else:
        with _Heartbeat(total, noun, kept) as heart:
            yield heart.count


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("failed {task.fields[red]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=Console(stderr=True, no_color=not coloured(sys.stderr)),
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
    """One line every half minute, whatever the work does: how far, how much longer, how many failed."""

    def __init__(self, total: int, noun: str, kept: int) -> None:
        self.total, self.noun, self.kept, self.done, self.told = total, noun, kept, 0, 0
        self.started = time.monotonic()
        self.red, self.over = _Red(), threading.Event()
        self.thread = threading.Thread(target=self._beat, name="verinit heartbeat", daemon=True)

    def __enter__(self) -> _Heartbeat:
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self.thread.join()

    def count(self, findings: Sequence[Done]) -> None:
        self.red.count(findings)
        self.done += len(findings)

    def _beat(self) -> None:
        while not self.over.wait(HEARTBEAT):
            click.echo(self.line(time.monotonic() - self.started), err=True)
            self.told = self.done

    def line(self, spent: float) -> str:
        """What is said after so many seconds."""
        minutes, seconds = divmod(int(spent), 60)
        fresh = self.done - self.kept
        if self.done == self.told:
            rest = f"nothing finished in the last {HEARTBEAT:g} s"
        elif fresh <= 0:
            rest = "no estimate yet"
        else:
            rest = f"about {spent / fresh * (self.total - self.done):.0f} s left"
        return (
            f"[{minutes:02d}:{seconds:02d}] {self.done}/{self.total} {self.noun}, "
            f"failed {self.red.total}, {rest}"
        )
