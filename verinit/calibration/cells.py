"""Calibration as cells: each is a few plain words and numbers, says what was measured, and needs no other.

What a cell says is JSON, so that cells cross to other processes and lie on disk until the rest is done.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from verinit.calibration import controls, inventory, kills, levels, nulls, numerics, power, pvalues
from verinit.calibration.tilting import WAYS

Said = Any
"""JSON: what a cell measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One measurement: a kind, and the arguments of the function below of that name."""

    kind: str
    arguments: tuple[str | int | float, ...]

    @property
    def key(self) -> str:
        """What is asked, as text: equal keys, equal answers."""
        return json.dumps([self.kind, *self.arguments])


def cell(kind: str, *arguments: str | int | float) -> Cell:
    """A cell of one of `KINDS`."""
    return Cell(kind=kind, arguments=arguments)


def _uses(code: str) -> Said:
    return list(inventory.rests_on(code))


def _level(test: str, variant: str, level: float, samples: int, root: int) -> Said:
    way = WAYS[test, variant]
    return dataclasses.asdict(levels.measured(way, level, samples=samples, root=root))


def _numeric(name: str) -> Said:
    return dataclasses.asdict(numerics.compared(name))


def _control(test: str) -> Said:
    return dataclasses.asdict(controls.controlled(test))


def _kill(fault: str, code: str, first: int, roots: int) -> Said:
    return dataclasses.asdict(kills.killed(fault, code, first, roots))


def _caught(fault: str, root: int) -> Said:
    return dataclasses.asdict(kills.all_that_catch(fault, root))


def _null(first: int, count: int) -> Said:
    return nulls.alarms(first, count)


def _p(code: str, first: int, runs: int) -> Said:
    return pvalues.collected(code, first, runs)


def _power(code: str, size: float, first: int, roots: int) -> Said:
    return power.seen(code, size, first, roots)


KINDS: dict[str, Callable[..., Said]] = {
    "uses": _uses,
    "level": _level,
    "numeric": _numeric,
    "control": _control,
    "kill": _kill,
    "caught": _caught,
    "power": _power,
    "p": _p,
    "null": _null,
}


def perform(asked: Cell) -> Said:
    """Measure one cell, in whatever process this is."""
    return KINDS[asked.kind](*asked.arguments)


def red(asked: Cell, said: Said) -> bool:
    """Whether a cell misses its gate, as far as it can tell alone."""
    if asked.kind == "kill":
        return bool(said["kills"] < said["roots"])
    return asked.kind == "null" and bool(said)
