"""Units in worker processes that can be killed: a target that hangs or dies is a finding, not the end.

At most one unit a worker is in flight, so a unit's clock starts when it is handed over. When a worker
dies the pool loses all that was in flight: those units run again one at a time, and whichever kills its
worker alone is the culprit.
"""

from __future__ import annotations

import signal
import sys
import time
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from multiprocessing import resource_tracker
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor

from verinit.checks import CHECKS
from verinit.laws.schemes import parse
from verinit.runner.environment import Versions, environment, merged
from verinit.runner.execution import run_unit
from verinit.targets import resolve
from verinit.targets.jax.compiling import shared
from verinit.vocabulary import Case, Finding, Rates, Target, Trial, Verdict, crash

Unit = Sequence[Trial]
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
DEAD = "the process that ran it died (killed, out of memory, or a fault in C code)"
POLL = 0.2
"""Seconds between looks at the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A unit as it crosses to another process: names and numbers only."""

    target: str
    case: Case
    root: int
    trials: tuple[tuple[str, Rates, float], ...]


def order(unit: Unit) -> Order:
    """The order for one unit."""
    return Order(
        target=unit[0].target.name,
        case=unit[0].case,
        root=unit[0].root,
        trials=tuple((trial.check.code, trial.rates, trial.discrepancy) for trial in unit),
    )


@lru_cache(maxsize=64)
def _target(name: str) -> Target:
    (found,) = resolve(name)
    return found


def carry_out(work: Order) -> list[Finding]:
    """Run one unit from its order, in whatever process this is."""
    target = _target(work.target)
    return run_unit(
        [
            Trial(
                check=CHECKS[code],
                target=target,
                case=work.case,
                rates=rates,
                discrepancy=discrepancy,
                root=work.root,
            )
            for code, rates, discrepancy in work.trials
        ]
    )


def _begin(paths: list[str]) -> None:
    """A worker leaves Ctrl-C to its parent and finds the modules that the parent finds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    sys.path[:] = paths


@contextmanager
def _deaf() -> Iterator[None]:
    """Ctrl-C waits until the end; what is started inside does not hear it before it says so itself.

    A worker imports for a second before it can decline Ctrl-C, and would die of it with a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # started inside, it lets Ctrl-C through again (Python 3.11)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _awake() -> None:
    """Nothing, in a worker that has started and imported this module."""
    time.sleep(POLL)


def stopped(unit: Unit, reason: str) -> list[Finding]:
    """The findings of a unit that never answered: its first check errored, the others skipped."""
    first, *others = unit
    return [
        first.finding(Verdict.errored, reason=reason),
        *(
            trial.finding(Verdict.skipped, reason=f"{first.check.code} errored at this case")
            for trial in others
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """A unit in flight, and since when."""

    unit: Unit
    since: float


def load(word: str) -> tuple[tuple[Target, ...], Versions]:
    """What a word names, as far as a plan needs it: everything but the code."""
    return tuple(replace(target, object=None) for target in resolve(word)), environment()


def unknown_to_us(word: str) -> Target:
    """A target that could not even be looked at: its checks will say what it does to a worker."""
    scheme = word.partition("=")[2]
    return Target(name=word, kind="initializer", object=None, scheme=parse(scheme) if scheme else None)


@dataclass(slots=True, kw_only=True)
class Workers:
    """Worker processes, what is in flight since when, who must run alone, and which targets hung.

    folder: what workers share on disk, gone with them.
    """

    jobs: int
    limit: float
    waiting: deque[Unit] = field(default_factory=deque)
    suspects: deque[Unit] = field(default_factory=deque)
    flying: dict[Future[Any], Flight] = field(default_factory=dict)
    hung: set[str] = field(default_factory=set)
    executor: Any = None
    environment: Versions = ()
    folder: str = ""

    def start(self) -> None:
        """Fresh workers, all of them awake: starting one costs seconds that no target has to answer for."""
        self.folder = mkdtemp(prefix="verinit-")
        self.executor = ProcessPoolExecutor(
            max_workers=self.jobs,
            initializer=_begin,
            initargs=(sys.path,),
            env=_ONE_THREAD | shared(self.folder),
        )
        with _deaf():
            awake = [self.executor.submit(_awake) for _ in range(self.jobs)]
            wait(awake, timeout=POLL)  # or its thread finds nothing where it was told to look
        wait(awake)

    def kill(self) -> None:
        """No workers; what was in flight is forgotten."""
        self.flying.clear()
        if self.executor is not None:
            self.executor.shutdown(wait=True, kill_workers=True)
            self.executor = None
            rmtree(self.folder, ignore_errors=True)

    def describe(self, words: Iterable[str]) -> Iterator[Target]:
        """The targets that words name, looked up in a worker: code that hangs or dies there is a finding.

        Raises what `resolve` raises for a word that names nothing.
        """
        for word in words:
            if self.executor is None:
                self.start()
            looked = self.executor.submit(load, word)
            try:
                targets, versions = looked.result(timeout=self.limit)
            except (TimeoutError, BrokenExecutor):
                self.kill()
                yield unknown_to_us(word)
                continue
            self.environment = merged(self.environment, versions)
            yield from targets

    def engine(self, units: Sequence[Unit]) -> Iterator[list[Finding]]:
        """Run units in the workers; one that takes longer than `limit` seconds is killed."""
        self.waiting.extend(units)
        # a worker that holds much memory, as one does that compiles, is replaced between two units: no news
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
        try:
            while self.waiting or self.suspects or self.flying:
                self._feed()
                yield from self._collect()
                if self.hung:
                    yield from self._abandon()
        finally:
            self.kill()

    def _feed(self) -> None:
        """Hand over work: one unit a worker, or a single suspect."""
        if self.executor is None:
            self.start()
        if self.suspects:
            if not self.flying:
                self._submit(self.suspects.popleft())
            return
        while self.waiting and len(self.flying) < self.jobs:
            self._submit(self.waiting.popleft())

    def _submit(self, unit: Unit) -> None:
        future = self.executor.submit(carry_out, order(unit))
        self.flying[future] = Flight(unit=unit, since=time.monotonic())

    def _collect(self) -> Iterator[list[Finding]]:
        """Findings of units that are done, dead or out of time."""
        done, _ = wait(self.flying, timeout=POLL, return_when=FIRST_COMPLETED)
        alone, broken = len(self.flying) == 1, False
        for future in done:
            unit = self.flying[future].unit
            error = future.exception()
            if error is None:
                del self.flying[future]
                yield future.result()
            elif not isinstance(error, BrokenExecutor):
                del self.flying[future]
                yield stopped(unit, crash(error))
            else:
                broken = True
                if alone:
                    del self.flying[future]
                    yield stopped(unit, DEAD)
        if broken:  # whoever is left may have done it, or may only have been beside it
            self.suspects.extend(flight.unit for flight in self.flying.values())
            self.kill()
        yield from self._overdue()

    def _overdue(self) -> Iterator[list[Finding]]:
        now = time.monotonic()
        late = [flight.unit for flight in self.flying.values() if now - flight.since > self.limit]
        if not late:
            return
        self.suspects.extendleft(flight.unit for flight in self.flying.values() if flight.unit not in late)
        self.kill()
        for unit in late:
            self.hung.add(unit[0].target.name)
            yield stopped(unit, f"it did not answer within {self.limit:g} s and was stopped")

    def _abandon(self) -> Iterator[list[Finding]]:
        """Findings for other cases of targets that hung: they are not tried again."""
        for queue in (self.waiting, self.suspects):
            for unit in [unit for unit in queue if unit[0].target.name in self.hung]:
                queue.remove(unit)
                reason = "the target hung at another case"
                yield [trial.finding(Verdict.skipped, reason=reason) for trial in unit]
