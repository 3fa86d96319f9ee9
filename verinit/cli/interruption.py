"""Ctrl-C and SIGTERM: the first stops the run and keeps what is done, the second ends it at once."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TypeVar

import click

from verinit.runner.execution import Engine
from verinit.vocabulary import Finding, Trial

Item = TypeVar("Item")
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether somebody asked to stop, and whether that may interrupt what runs just now.

    Until work begins there is nothing to lose. Then work in `each` is interrupted at once; anything else,
    such as putting a result where it is kept or writing the report, is finished first, so that nothing that
    was done is lost. Asked twice, it interrupts whatever runs.
    """

    def __init__(self) -> None:
        self.asked, self.working = 0, True

    def signalled(self, number: int, frame: FrameType | None) -> None:
        """What the program does on a signal."""
        self.asked += 1
        if self.working or self.asked > 1:
            raise KeyboardInterrupt
        click.echo("\nverinit: stopping after what is being written; again to end at once", err=True)

    def each(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items of a lazy iterable, each made interruptibly and handed over whole."""
        source = iter(items)
        while True:
            if self.asked:
                raise KeyboardInterrupt
            self.working = True
            try:
                item = next(source)
            except StopIteration:
                return
            finally:
                self.working = False
            yield item

    def engine(self, engine: Engine) -> Engine:
        """An engine that may be interrupted while a unit runs, and at no other time."""

        def running(units: Sequence[Sequence[Trial]]) -> Iterator[list[Finding]]:
            return self.each(engine(units))

        return running


@contextmanager
def stoppable() -> Iterator[Stop]:
    """Listen to Ctrl-C and SIGTERM while a run lasts; in another thread than the main one, to neither."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {
        number: signal.signal(number, stop.signalled) for number in SIGNALS
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
