"""Planted faults against the checks: how often each is caught, and by which checks besides its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache

from verinit.calibration.record import Caught, Kill
from verinit.cases import battery
from verinit.cases.batteries import cases
from verinit.checks import CHECKS
from verinit.faults import FAULTS
from verinit.runner import plan
from verinit.runner.planning import fits
from verinit.vocabulary import Case, Check, Fault, Rates, Trial, examine

ROOTS = 59
"""0.95^59 < 0.05: what is caught 59 times of 59 is caught with probability 0.95, at 95 % confidence."""
PLACES = ("13x11", "3x5x8x16", "48x80/float32")
"""Where an initializer's fault is looked at if it shows everywhere: odd, a kernel, long lines in float32."""
BATTERY = "standard"


def places(fault: Fault) -> tuple[Case, ...]:
    """The cases at which a fault is looked at."""
    kind = fault.target.kind
    usual = cases(PLACES) if kind == "initializer" else battery(BATTERY).of(kind)
    return tuple(case for case in fault.cases or usual if fits(fault.target, case))


@cache
def _rates(name: str) -> tuple[tuple[str, Rates], ...]:
    """The rates of each check when `verify` holds the target of this fault to its scheme, battery and all."""
    planned = plan([FAULTS[name].target], battery=battery(BATTERY))
    least: dict[str, Rates] = {}
    for trial in planned.trials:
        code = trial.check.code
        if code not in least or trial.rates.false_fail < least[code].false_fail:
            least[code] = trial.rates
    return tuple(least.items())


def trials(fault: Fault, code: str, root: int) -> list[Trial]:
    """One check at the cases of a fault, at the level and fineness that `verify` has; no picture is drawn.

    A check that the whole battery nowhere asks of the target has the level of those that it asks.
    """
    known = dict(_rates(fault.name))
    rates = known.get(code) or min(known.values(), key=lambda r: r.false_fail, default=Rates())
    check = _bare(CHECKS[code])
    return [
        check.trial(fault.target, case, rates=replace(rates, false_pass=check.rates.false_pass), root=root)
        for case in places(fault)
        if check.kind == fault.target.kind
    ]


def _bare(check: Check) -> Check:
    return replace(check, exhibit=None, diagnose=None)


def caught(asked: Iterable[Trial]) -> bool:
    """Whether one of the trials fails or crashes; the rest is not looked at."""
    return any(examine(trial).red for trial in asked)


def killed(name: str, code: str, first: int, roots: int) -> Kill:
    """How many of so many roots, from `first` on, catch a fault under one check alone."""
    fault = FAULTS[name]
    kills = sum(caught(trials(fault, code, root)) for root in range(first, first + roots))
    return Kill(fault=name, code=code, kills=kills, roots=roots)


def all_that_catch(name: str, root: int) -> Caught:
    """Every check that catches a fault at one root, each alone: none is skipped for another's failure."""
    fault = FAULTS[name]
    found = tuple(code for code in sorted(CHECKS) if caught(trials(fault, code, root)))
    return Caught(fault=name, codes=found)


def telling(codes: Sequence[str]) -> tuple[str, ...]:
    """Of the checks that see a fault, those that a whole run hears: none that rests on another of them."""
    return tuple(code for code in codes if not set(CHECKS[code].after) & set(codes))


def sole(table: Sequence[Caught], codes: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """For each code, the faults that a whole run would not tell of without it: it alone is heard."""
    heard = {row.fault: telling(row.codes) for row in table}
    alone = {fault: codes[0] for fault, codes in heard.items() if len(codes) == 1}
    return tuple((code, tuple(f for f, c in alone.items() if c == code)) for code in codes)


def pairs(codes: Iterable[str] = ()) -> list[tuple[str, str]]:
    """Every fault with each of the codes that must catch it; of these codes alone, if any is given."""
    wanted = set(codes)
    return [
        (name, code)
        for name, fault in sorted(FAULTS.items())
        for code in fault.codes
        if not wanted or code in wanted
    ]
