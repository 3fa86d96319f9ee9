"""Runs of right code that must not raise an alarm, with roots that nobody chose."""

from __future__ import annotations

from verinit.calibration.healthy import family
from verinit.cases import battery
from verinit.runner import plan, run_plan

BATTERY = "smoke"
REPLAYS = 10_000
BLOCK = 25
"""Runs that are done, and recorded, together."""


def alarms(first: int, count: int) -> list[int]:
    """The roots among `count`, from `first` on, at which a run of the family is not green."""
    return [root for root in range(first, first + count) if not _green(root)]


def _green(root: int) -> bool:
    return bool(run_plan(plan(family(), battery=battery(BATTERY), root=root)))


def size() -> tuple[int, int]:
    """Targets and trials of one run."""
    return len(family()), len(plan(family(), battery=battery(BATTERY)).trials)


def blocks(first: int, replays: int) -> list[tuple[int, int]]:
    """(first root, number of roots) of each block."""
    return [(start, min(BLOCK, first + replays - start)) for start in range(first, first + replays, BLOCK)]
