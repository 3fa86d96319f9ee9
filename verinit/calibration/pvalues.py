"""The p-values of each statistical check over right code: uniform if exact, larger if a bound."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from verinit.calibration.healthy import healthy
from verinit.calibration.inventory import is_union, rests_on
from verinit.calibration.kolmogorov import limit
from verinit.calibration.record import GRID, Kind, NullLaw
from verinit.calibration.tilting import WAYS
from verinit.vocabulary import examine

RUNS = 400
LEVEL = 1e-9
"""How often this comparison itself calls a right test wrong, by the exact law of Kolmogorov's distance."""
NUDGE = 1e-6
"""What rounding's excuse of a double may move a p-value by: 1e-13 of the statistic, times its slope."""
_ORDER: tuple[Kind, ...] = ("exact", "discrete", "bound", "none")


def kind_of(code: str) -> Kind:
    """The loosest kind of rate among the tests on which a check rests."""
    tests = rests_on(code)
    kinds = [way.kind for way in WAYS.values() if way.test in tests and _plain(way.variant)]
    if is_union(code):
        kinds.append("bound")
    return max(kinds, key=_ORDER.index, default="bound")


def _plain(variant: str) -> bool:
    """Whether a way is that of normal numbers, whose p-values are collected; bounded laws have Chernoff's."""
    return "law" not in variant or "normal law, n" in variant


def collected(code: str, first: int, runs: int) -> list[float]:
    """The p-values of a check on right code at these roots; nothing for a claim without chance."""
    trial = healthy(code)
    if trial is None or trial.check.samples is None:
        return []
    found = (examine(replace(trial, root=root)).evidence for root in range(first, first + runs))
    return [evidence.p for evidence in found if evidence is not None and evidence.p is not None]


def law(code: str, p: Sequence[float]) -> NullLaw | None:
    """The distribution function of p-values, with how far it strays from the diagonal on either side."""
    trial = healthy(code)
    if trial is None or not p:
        return None
    values = np.sort(np.asarray(p))
    n = values.size
    steps = np.arange(1, n + 1) / n
    shares = np.searchsorted(values, GRID, side="right") / n
    return NullLaw(
        code=code,
        kind=kind_of(code),
        target=trial.target.name,
        case=str(trial.case),
        runs=n,
        shares=tuple(round(float(share), 6) for share in shares),
        excess=round(max(0.0, float(np.max(steps - values))), 6),
        lack=round(max(0.0, float(np.max(values - (steps - 1 / n)))), 6),
        allowed=round(limit(LEVEL, n) + NUDGE, 6) if n else math.inf,
    )
