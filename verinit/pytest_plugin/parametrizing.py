"""From what a decorator asks for to the items that pytest collects: planned, shared out and named."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence

import pytest

from verinit.cases import battery as battery_named
from verinit.pytest_plugin import RUNS
from verinit.pytest_plugin.decorator import ARGUMENTS, Asked
from verinit.pytest_plugin.options import ROOT
from verinit.pytest_plugin.runs import Run, Runs
from verinit.runner.planning import chosen, plan
from verinit.targets import resolve
from verinit.targets import target as adapted
from verinit.vocabulary import ROOT as USUAL
from verinit.vocabulary import Target, UsageError, VerinitError


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a test its items: one for each check at each case of each target that it names.

    Raises `CollectError`, in one sentence, for what a session cannot plan.
    """
    config = metafunc.config
    try:
        asked = _asked(metafunc)
        run = planned(asked, config)
    except VerinitError as error:
        raise pytest.Collector.CollectError(f"{metafunc.definition.nodeid}: {error}") from None
    config.stash.setdefault(RUNS, Runs(root=run.plan.root)).runs.append(run)
    grouped = config.pluginmanager.hasplugin("xdist")
    names = named(run.targets)
    parameters, ids = [], []
    for check in run.checks:
        trial = check.trial
        ids.append(f"{check.code}-{slug(str(trial.case))}-{names[trial.target.name]}")
        unit = f"{trial.case}-{trial.target}"
        marks = [pytest.mark.xdist_group(unit)] if grouped else []
        if check.unsaid is not None:
            marks.append(pytest.mark.skip(reason=check.unsaid.reason))
        parameters.append(pytest.param(trial.target, check, trial.case, marks=marks))
    metafunc.parametrize(ARGUMENTS, parameters, ids=ids)


def _asked(metafunc: pytest.Metafunc) -> Asked:
    """What the one decorator of a test asks for.

    Raises `UsageError` where there are several, or the test does not take what it is given.
    """
    asked, *others = [mark.args[0] for mark in metafunc.definition.iter_markers("verinit") if mark.args]
    if others or not isinstance(asked, Asked):
        raise UsageError("one test has one decorator: give it all targets in one list")
    missing = [name for name in ARGUMENTS if name not in metafunc.fixturenames]
    if missing:
        raise UsageError(
            f"the test does not take {' and '.join(missing)}: write def {metafunc.function.__name__}"
            "(target, check, case): check(target, case)"
        )
    return asked


def planned(asked: Asked, config: pytest.Config) -> Run:
    """The run of one decorator, in this session: its shares are fixed here.

    Raises `UsageError` naming what cannot be planned, `TargetError` for a target that cannot be loaded.
    """
    chosen(code for code, _ in asked.expected)
    targets = once(target for given in asked.targets for target in _targets(given, asked))
    look = battery_named(asked.battery or config.getoption("verinit_battery") or "standard", only=asked.cases)
    found = plan(
        targets,
        battery=look,
        codes=asked.checks,
        root=config.stash.get(ROOT, USUAL),
        discrepancy=asked.discrepancy,
    )
    if not found.trials:
        raise UsageError("no check says anything of these targets at these cases: give others")
    return Run(plan=found, targets=targets)


def _targets(given: Target | str, asked: Asked) -> Iterable[Target]:
    """The targets that one entry of the list stands for, with the failures that are expected of all."""
    for target in resolve(given) if isinstance(given, str) else (given,):
        expected = dict(target.expected) | dict(asked.expected)
        yield adapted(target, expected=expected) if asked.expected else target


def once(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Every target once, in order: the same name twice is the same code, where the name finds it.

    Raises `UsageError` for two targets of one name that may differ: their streams would be one.
    """
    kept: dict[str, Target] = {}
    for target in targets:
        other = kept.setdefault(target.name, target)
        if other is not target and not (other.replayable and target.replayable):
            raise UsageError(
                f"two targets are named {target.name!r}: give one of them another, "
                "verinit.target(..., name='...')"
            )
    return tuple(kept.values())


def named(targets: Sequence[Target]) -> dict[str, str]:
    """Names of targets as they stand in ids: alike ones get eight digits of what they are really called."""
    words = {target.name: slug(target.name) for target in targets}
    common = {word for word in words.values() if list(words.values()).count(word) > 1}
    return {
        name: f"{word}-{hashlib.sha256(name.encode()).hexdigest()[:8]}" if word in common else word
        for name, word in words.items()
    }


def slug(text: str) -> str:
    """Words that `-k` can select by, and that a shell need not quote.

    >>> slug("mynet.init:he=he_normal(mode=fan_out)"), slug("3x3x4x32/float32?groups=4#0")
    ('mynet.init.he-he_normal-mode-fan_out', '3x3x4x32-float32-groups-4')
    """
    text = text.removesuffix("#0").replace(":", ".")
    return re.sub(r"[^\w.+]+", "-", text).strip("-.")
