"""A check called by hand: what it may cost in false alarms, where it says nothing, and how it says so.

`check(target, case)` in a parametrised test or under Hypothesis is one call of many, and no call knows of the
others. So its level is a constant.
"""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from verinit.vocabulary.errors import CheckSkipped, UsageError
from verinit.vocabulary.places import Case, Rates
from verinit.vocabulary.targets import Target

if TYPE_CHECKING:
    from verinit.vocabulary.checks import Check, Trial

CALLS = 10_000
"""Calls by hand that share one budget.

Any ten thousand calls, of one test or of many, of one check or of all, raise a false alarm with probability
at most `Rates().false_fail` = 1e-6 together (union bound: it needs no independence). A hundred tests of a
hundred examples are that many. The share is the same for every call, whatever came before it: Hypothesis
replays an example and must find what it found. Calls that shrink a failure follow a failure, so they cannot
turn a green run red; that one of them is wrong moves the example shown, with probability 1e-10 a call.
"""


def one_of_many(rates: Rates) -> Rates:
    """The rates of one call by hand: a ten-thousandth part of the false alarms, the power as it is."""
    return Rates(false_fail=rates.false_fail / CALLS, false_pass=rates.false_pass)


DRAWS = 1 << 13
"""Draws that a call by hand makes at most: small arrays take hundreds of thousands to see one percent, and a
search looks at many small arrays. As many as a tenth of the standard resolution takes of single numbers."""
COARSER = (1.0, 2.0, 5.0, 10.0)
"""How many times the declared discrepancy a call by hand may look for, where less takes too many draws; 10 is
the coarseness of the smoke battery."""


def by_hand(check: Check, target: Target, case: Case) -> Trial:
    """The trial of a call by hand: at a constant level, and as sharp as `DRAWS` draws allow.

    A check that scales is held to its declared discrepancy where that takes no more draws, and to up to ten
    times as much where it does; the finding says to which. Others are as declared.
    """
    trial = check.trial(target, case, rates=one_of_many(check.rates))
    if not check.scales or check.samples is None or misfit(target, case) or check.applies(target, case):
        return trial
    ladder = (check.promised(target, case, check.discrepancy * times) for times in COARSER)
    trials = [replace(trial, discrepancy=discrepancy) for discrepancy in ladder]
    return next((each for each in trials if draws(each) <= DRAWS), trials[-1])


def draws(trial: Trial) -> float:
    """How many arrays a trial takes; more than can be where its promise cannot be kept."""
    try:
        return math.ceil(trial.n / max(1, trial.case.size))
    except UsageError:
        return math.inf


def refuse_what_is_none(check: Check, target: object, case: object) -> None:
    """Raise `UsageError` unless a check is given a target of its kind and a case."""
    if not isinstance(target, Target):
        given = getattr(target, "__name__", None) or repr(target)
        raise UsageError(
            f"{check.code} is given {given}, which is no Target: wrap it, verinit.target({given}, scheme=...)"
        )
    if target.kind != check.kind:
        raise UsageError(
            f"{check.code} is a claim about kind {check.kind!r}; {target.name} is of kind {target.kind!r}"
        )
    if not isinstance(case, Case):
        raise UsageError(f"{check.code} is given {case!r}, which is no Case: verinit.Case.parse('64x32') is")


def misfit(target: Target, case: Case) -> str:
    """Why a target cannot be asked for a case, in its terms; empty if it can."""
    if target.ranks and len(case.shape) not in target.ranks:
        taken = " or ".join(map(str, target.ranks))
        return f"{target.name} takes {taken} axes; shape {case.shape} has {len(case.shape)}"
    if case.dtype is not None and case.dtype not in target.dtypes:
        return f"{target.name} takes {', '.join(target.dtypes) or 'no dtype'}; {case.dtype} was asked for"
    stranger = next((name for name, _ in case.parameters if name not in target.parameters), "")
    return f"{target.name} takes no parameter {stranger!r}" if stranger else ""


def unsaid(trial: Trial) -> str:
    """Why a trial has nothing to say, known before anything is drawn; empty if it has.

    Four reasons: the target does not take the case, the claim says nothing of it, no number of draws keeps
    the check's promise at these rates, or too many would have to be made.
    """
    reason = misfit(trial.target, trial.case) or trial.check.applies(trial.target, trial.case)
    if reason:
        return reason
    try:
        arrays = math.ceil(trial.n / max(1, trial.case.size))
    except UsageError as error:
        return str(error)
    if arrays > DRAWS:
        return f"of so small an array it takes {arrays} draws; a call by hand makes at most {DRAWS}"
    return ""


def skipped(text: str) -> CheckSkipped:
    """A skip in the words of whoever is driving.

    pytest and unittest skip the test. Under Hypothesis the example is rejected as `assume` would reject it:
    the search goes on, and a test whose examples were all rejected fails as `Unsatisfiable`, or earlier by
    its health check. Everybody else sees a `CheckSkipped`.
    """
    return _skip(sys.modules.get("hypothesis.errors"))(text)


@cache
def _skip(hypothesis: Any) -> type[CheckSkipped]:
    """The class of a skip. Hypothesis is looked up, not imported: nobody pays for it who does not use it.

    Order matters: Hypothesis asks for its own exception before it asks for `SkipTest`, which would end the
    whole search at the first case that a claim says nothing of. unittest takes longer to load than the whole
    vocabulary, so it waits until something is skipped.
    """
    from unittest import SkipTest

    bases = (CheckSkipped, *([hypothesis.UnsatisfiedAssumption] if hypothesis else []), SkipTest)
    return type("CheckSkipped", bases, {"__module__": CheckSkipped.__module__, "location": None})
