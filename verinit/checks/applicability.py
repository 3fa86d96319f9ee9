"""Which targets and cases a claim says anything of, and why not of the others, in the target's terms."""

from __future__ import annotations

from verinit.checks.sampling import law_at
from verinit.laws.marginals import escape
from verinit.vocabulary import Case, Target, UsageError
from verinit.vocabulary.wording import NO_SCHEME

WIDER = 0.1
"""By which share of their half-width bounds must be too wide to be a fault worth drawing for."""
RARE = 1e-4
"""How rarely a weight may lie beyond bounds that are too wide, for a sample to be worth its cost."""


def spread(target: Target, case: Case) -> str:
    """Why a target's law has no spread to test at a case; empty if it has."""
    if target.scheme is None:
        return f"{target.name} {NO_SCHEME}"
    if target.scheme.family == "constant":
        return "a constant has no spread"
    if case.size == 0:
        return "the array is empty: contract checks only"
    try:
        law_at(target, case)
    except UsageError as error:
        return str(error)
    return ""


def bounds(target: Target, case: Case) -> str:
    """Why a target's law has no bounds at a case; empty if it has."""
    reason = spread(target, case)
    if not reason and not law_at(target, case).bounded:
        reason = "a normal law has no bounds"
    if not reason and escape(law_at(target, case), WIDER) < RARE:
        reason = "the bounds lie where the law has next to no mass: no affordable sample reaches them"
    return reason


def matrices(target: Target, case: Case) -> str:
    """Why a target draws no orthogonal matrices; empty if it does."""
    if target.scheme is None or target.scheme.family != "orthogonal":
        return "no orthogonal matrix is promised"
    return "the array is empty: contract checks only" if case.size == 0 else ""


def constants(target: Target, case: Case) -> str:
    """Why a target's weights are not constant; empty if they are."""
    if target.scheme is None or target.scheme.family != "constant":
        return "no constant is promised"
    return "the array is empty: contract checks only" if case.size == 0 else ""


def layers_said(target: Target, case: Case, *, otherwise: int) -> int:
    """Layers of a model at a case, by the case or else by the target; `otherwise` where neither says."""
    return int(dict(case.parameters).get("depth", target.says("depth")) or otherwise)
