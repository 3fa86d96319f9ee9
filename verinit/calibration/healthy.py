"""Right code, and the smallest case at which a check says something of it."""

from __future__ import annotations

from functools import cache

from verinit.cases import battery
from verinit.cases.batteries import cases
from verinit.checks import CHECKS
from verinit.runner import plan
from verinit.runner.planning import fits
from verinit.targets import resolve
from verinit.vocabulary import Target, Trial, UsageError

FAMILY = "numpy"
_TARGETS = (
    "he_normal",
    "he_uniform",
    "orthogonal",
    "zeros",
    "mlp(relu, he_normal)",
    "mlp(relu, he_normal, batch_norm)",
)
_CASES = ("13x11", "8x8", "13x11/float16", "48x80", "3x3x4x10")
_WALKED = ("4x24?depth=6", "16x40?depth=4")
"""Tried in this order: exact laws of normal weights first, small arrays first; models with units that die."""
COARSE = 10.0
"""The coarseness of the smoke battery, at which p-values of right code are collected."""


@cache
def family() -> tuple[Target, ...]:
    """The initializers of the reference in NumPy."""
    return tuple(target for target in resolve(FAMILY) if target.kind == "initializer")


@cache
def standard_level() -> float:
    """The share of one trial when the standard battery runs on the NumPy family."""
    trials = plan(family(), battery=battery("standard")).trials
    return min(trial.rates.false_fail for trial in trials if trial.check.samples is not None)


@cache
def healthy(code: str) -> Trial | None:
    """A check on right code, coarse and small; None where it has nothing to say of any."""
    check = CHECKS[code]
    members = {target.name: target for target in resolve(FAMILY) if target.kind in ("initializer", "model")}
    for target in (members[f"{FAMILY}:{name}"] for name in _TARGETS):
        for case in cases(_WALKED if target.kind == "model" else _CASES):
            if check.kind != target.kind or not fits(target, case) or check.applies(target, case):
                continue
            size = check.discrepancy * (COARSE if check.scales else 1.0)
            trial = Trial(
                check=check,
                target=target,
                case=case,
                rates=check.rates,
                discrepancy=check.promised(target, case, size),
            )
            try:
                trial.n  # noqa: B018 - some cases are too small for what a check promises
            except UsageError:
                continue
            return trial
    return None
