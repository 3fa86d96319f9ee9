"""Several tests reported as one: Bonferroni's union, which holds under any dependence between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from verinit.statistics.tails import LN10, p_value
from verinit.vocabulary import Evidence, Rates


def share(rates: Rates, tests: int) -> Rates:
    """The rates of each of `tests` tests that are judged as one.

    Only `false_fail` is split: a departure is missed only if the test made for it misses it.
    """
    return Rates(false_fail=rates.false_fail / tests, false_pass=rates.false_pass)


def excess(evidence: Evidence) -> float:
    """How many tolerances the distance is; infinite for what is not a number, or not allowed at all."""
    if not math.isfinite(evidence.distance):
        return math.inf
    if evidence.tolerance > 0:
        return evidence.distance / evidence.tolerance
    return math.inf if evidence.distance > evidence.tolerance else 0.0


def worst(parts: Sequence[Evidence]) -> Evidence:
    """The part that lies furthest from what it allows, with the p-value and resolution of the whole.

    Every part must have been judged at `share(rates, len(parts))`. One distance exceeds its tolerance
    exactly when the reported one does; a departure above the resolution is seen in whichever part it is.
    """
    log10_p = min(part.log10_p if part.log10_p is not None else 0.0 for part in parts)
    p, log10_p = p_value((log10_p + math.log10(len(parts))) * LN10)
    return replace(
        max(parts, key=excess),
        resolution=max(part.resolution for part in parts),
        p=p,
        log10_p=log10_p,
    )
