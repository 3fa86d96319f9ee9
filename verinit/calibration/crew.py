"""Cells in worker processes, a few in flight; Ctrl-C ends them and leaves what is done in the ledger."""

from __future__ import annotations

import signal
import sys
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from joblib.externals.loky import ProcessPoolExecutor

from verinit.calibration.cells import Cell, Said, perform
from verinit.calibration.ledgers import Ledger

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
AHEAD = 2
"""Cells handed over for each worker: one that is measured, one that waits."""
OnCell = Callable[[Cell, Said], None]


def _begin(paths: list[str]) -> None:
    """A worker leaves Ctrl-C to its parent and finds the modules that the parent finds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path[:] = paths


def measure(cells: Sequence[Cell], ledger: Ledger, *, jobs: int, on_cell: OnCell) -> None:
    """Measure the cells that the ledger lacks, in `jobs` processes, or in this one for 0.

    Raises what a cell raises; whatever was finished before is in the ledger, also after Ctrl-C.
    """
    for cell in cells:
        if cell in ledger:
            on_cell(cell, ledger[cell])
    missing = deque(cell for cell in cells if cell not in ledger)

    def done(cell: Cell, said: Said) -> None:
        ledger.keep(cell, said)
        on_cell(cell, said)

    if not jobs:
        for cell in missing:
            done(cell, perform(cell))
    elif missing:
        _in_workers(missing, jobs, done)


def _in_workers(missing: deque[Cell], jobs: int, done: OnCell) -> None:
    executor = ProcessPoolExecutor(
        max_workers=jobs, initializer=_begin, initargs=(sys.path,), env=_ONE_THREAD
    )
    flying: dict[Future[Any], Cell] = {}
    try:
        while missing or flying:
            while missing and len(flying) < AHEAD * jobs:
                cell = missing.popleft()
                flying[executor.submit(perform, cell)] = cell
            for future in wait(flying, return_when=FIRST_COMPLETED).done:
                done(flying.pop(future), future.result())
    finally:
        executor.shutdown(wait=True, kill_workers=True)
