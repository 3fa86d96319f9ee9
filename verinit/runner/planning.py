"""What will be run, fixed before anything runs: trials, their shares of the budget, their power."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from verinit.checks import CHECKS
from verinit.checks.applicability import layers_said
from verinit.statistics.budget import shares
from verinit.vocabulary import (
    ROOT,
    Battery,
    Case,
    Check,
    Finding,
    Rates,
    Target,
    Trial,
    UsageError,
    Verdict,
    unknown,
)
from verinit.vocabulary.calls import misfit

NANOSECONDS_A_NUMBER = 60.0
MILLISECONDS_A_CASE = 4.0
"""What a drawn and tested number, and a case, cost on one core of an ordinary machine; for forecasts only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Trials in the order they run, and what was skipped before running, with reasons."""

    battery: Battery
    root: int
    false_fail: float
    trials: tuple[Trial, ...]
    skipped: tuple[Finding, ...] = ()

    @property
    def units(self) -> list[tuple[Trial, ...]]:
        """Trials by (target, case): the unit of parallel work, which shares its draws."""
        return [tuple(group) for _, group in groupby(self.trials, key=lambda t: (id(t.target), t.case))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of `verinit list`: a trial with its n, resolution promised, power and share."""

    trial: Trial
    n: int
    seconds: float

    @property
    def power(self) -> float:
        """The probability of seeing a departure of the discrepancy."""
        return 1.0 - self.trial.rates.false_pass


def chosen(codes: Iterable[str]) -> tuple[Check, ...]:
    """The checks with these codes, all of them if none is named.

    Raises `UsageError` for an unknown code.
    """
    if isinstance(codes, str):
        raise UsageError(f"checks={codes!r}: give a list, [{codes!r}]")
    wanted = tuple(dict.fromkeys(codes))
    for code in wanted:
        if code not in CHECKS:
            raise unknown("check", code, CHECKS)
    return tuple(CHECKS[code] for code in sorted(CHECKS) if not wanted or code in wanted)


def fits(target: Target, case: Case) -> bool:
    """Whether a case is of a form that the target takes: its axes, dtype and parameters."""
    return (
        (not target.ranks or len(case.shape) in target.ranks)
        and (case.dtype is None or case.dtype in target.dtypes)
        and all(name in target.parameters for name, _ in case.parameters)
    )


def nothing_asked(targets: Sequence[Target], codes: Iterable[str]) -> str:
    """Why none of the checks that were named is asked of any target; empty if one is, or none was named."""
    named, kinds = chosen(codes) if tuple(codes) else (), {target.kind for target in targets}
    strangers = [check for check in named if check.kind not in kinds]
    if not named or len(strangers) < len(named):
        return ""
    return (
        f"nothing is selected: {', '.join(check.code for check in strangers[:3])} "
        f"{'are' if len(strangers) > 1 else 'is'} asked of kind {strangers[0].kind!r}, and what was given is "
        f"of kind {', '.join(sorted(kinds))}"
    )


def _misfits(target: Target, battery: Battery) -> str:
    """Why no case of a battery can be asked of a target, each reason once."""
    reasons = dict.fromkeys(misfit(target, case) for case in battery.of(target.kind))
    taken = ", ".join(target.parameters)
    hint = f" (it takes {taken})" if taken and any("parameter" in reason for reason in reasons) else ""
    return ("; ".join(list(reasons)[:3]) or f"there is none for kind {target.kind!r}") + hint


def plan(
    targets: Sequence[Target],
    *,
    battery: Battery,
    codes: Iterable[str] = (),
    root: int = ROOT,
    discrepancy: float | None = None,
) -> Plan:
    """Every applicable check at every case of every target, each with an equal share of the budget.

    The shares are fixed over the whole battery before `codes` selects from it, so a check run alone has
    the level, the draws and the verdict that it has in company.
    discrepancy: in place of the check's own, for checks that a battery scales; units of the relative std.
    Raises `UsageError` where no case fits any target, or a discrepancy cannot be resolved.
    """
    wanted = {check.code for check in chosen(codes)}
    trials, skipped = [], []
    for target in targets:
        cases = [case for case in battery.of(target.kind) if fits(target, case)]
        if not cases:
            raise UsageError(f"no case of battery {battery.name} fits: {_misfits(target, battery)}")
        for case in cases:
            for check in chosen(()):
                if check.kind != target.kind or not battery.asks(check.code):
                    continue
                trial = _trial(check, target, case, battery, root, discrepancy)
                reason = check.applies(target, case)
                if reason:
                    skipped.append(trial.finding(Verdict.skipped, reason=reason))
                else:
                    trials.append(trial)
    share = shares(battery.false_fail, sum(trial.check.samples is not None for trial in trials))
    level = [replace(trial, rates=replace(trial.rates, false_fail=share)) for trial in trials]
    for trial in level:
        trial.n  # noqa: B018 - a check that cannot reach its power is an error now, not when it runs
    return Plan(
        battery=battery,
        root=root,
        false_fail=battery.false_fail,
        trials=tuple(trial for trial in level if trial.check.code in wanted),
        skipped=tuple(finding for finding in skipped if finding.claim.id in wanted),
    )


def _trial(
    check: Check, target: Target, case: Case, battery: Battery, root: int, discrepancy: float | None
) -> Trial:
    trial = check.trial(target, case, rates=Rates(false_pass=check.rates.false_pass), root=root)
    if not (check.scales and check.samples is not None):
        return trial
    coarseness = battery.coarseness if discrepancy is None else discrepancy / STANDARD_RESOLUTION
    return replace(trial, discrepancy=check.promised(target, case, check.discrepancy * coarseness))


STANDARD_RESOLUTION = 0.01
"""The relative error of a std that the standard battery sees; a user's discrepancy scales from it."""


def rows(planned: Plan) -> list[Row]:
    """The plan as it is listed before it runs; draws are shared, so a unit's largest n carries the cost."""
    listed = []
    for unit in planned.units:
        for trial in unit:
            n = trial.n
            drawn = n * _numbers_for_one(trial)
            share = MILLISECONDS_A_CASE / 1e3 / len(unit) + drawn * NANOSECONDS_A_NUMBER / 1e9 / 2
            listed.append(Row(trial=trial, n=n, seconds=share))
    return listed


def _numbers_for_one(trial: Trial) -> float:
    """Numbers that are drawn for each one that is tested; of a walk the weights of all layers."""
    if trial.target.kind != "model" or len(trial.case.shape) != 2:
        return 1.0
    rows, width = trial.case.shape
    return layers_said(trial.target, trial.case, otherwise=1) * width / max(1, rows)
