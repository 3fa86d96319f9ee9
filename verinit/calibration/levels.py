"""The rate at which each statistical test rejects what is true, at the levels it works at."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np

from verinit.calibration import (
    enumerations,
    planted_atoms,
    tilted_factors,
    tilted_lines,
    tilted_numbers,
    tilted_pairs,
)
from verinit.calibration.record import Level
from verinit.calibration.tilting import WAYS, Way, rejected
from verinit.vocabulary import Rates, entropy

__all__ = [
    "SAMPLES",
    "enumerations",
    "measured",
    "planted_atoms",
    "tilted_factors",
    "tilted_lines",
    "tilted_numbers",
    "tilted_pairs",
    "ways_of",
]
SAMPLES = 6000
"""Weighed samples for each exact rate, and half of them for a bound: standard errors of 2 to 5 percent."""
ROUND_LEVEL = 1e-9
"""The level at which rates are compared with one another; the other one is what the battery hands out."""


def ways_of(tests: tuple[str, ...]) -> tuple[Way, ...]:
    """All ways in which these tests are calibrated, in the order of their names."""
    return tuple(WAYS[key] for key in sorted(WAYS) if key[0] in tests)


def measured(way: Way, level: float, *, samples: int = SAMPLES, root: int = 1) -> Level:
    """The false-alarm rate of one test at one level, over that level."""
    rates = Rates(false_fail=level)
    ratio: float | None = None
    error, weighed = 0.0, 0
    if way.sampler is not None:
        rng = np.random.default_rng(entropy(root, "level", way.test, way.variant, repr(level)))
        weighed = samples // 2 if way.kind == "bound" else samples
        drawn = islice(way.sampler(rates, rng), weighed)
        weights = np.array([weight if rejected(evidence) else 0.0 for weight, evidence in drawn])
        ratio = float(weights.mean()) / level
        error = float(weights.std(ddof=1)) / math.sqrt(weighed) / level
    elif way.computed is not None:
        ratio = way.computed(rates) / level
    return Level(
        test=way.test,
        variant=way.variant,
        kind=way.kind,
        level=level,
        ratio=ratio,
        error=error,
        samples=weighed,
        how=way.how,
    )
