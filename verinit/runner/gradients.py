"""`verify_gradient`: hold a backward, one's own or that of a framework, to the derivative of its forward."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from verinit.cases import battery as battery_named
from verinit.runner.execution import eager, run_plan, serial
from verinit.runner.planning import Plan, chosen, plan
from verinit.targets import target as adapted
from verinit.targets.differentiable import Held, held
from verinit.targets.naming import name_of
from verinit.targets.written import NEEDED, dtypes_of
from verinit.vocabulary import ROOT, Battery, Case, Report, Target, UsageError

DERIVATIVE = "GR201"
"""The check whose discrepancy is the error of an entry in float64."""


def verify_gradient(
    forward: Any,
    inputs: Any = None,
    backward: Any = None,
    *,
    names: Sequence[str] | None = None,
    discrepancy: float | None = None,
    battery: str | Battery = "standard",
    cases: Iterable[str | Case] | None = None,
    checks: Iterable[str] = (),
    expected: Mapping[str, str] | None = None,
    root: int = ROOT,
    name: str | None = None,
    exitfirst: bool = False,
) -> Report:
    """Hold the gradient of a function to the differences of the function itself.

    forward      `forward(*inputs) -> array`: a function of NumPy, torch or JAX, a module of torch, a subclass
                 of torch.autograd.Function, a layer with forward and backward; or a Target or an object of
                 kind "function", which makes its own inputs
    inputs       an array, a sequence of arrays (or of lists and dicts of them), or a dict by name; whole
                 numbers are not differentiated. Parameters that a module or layer keeps are inputs too, in
                 the dtype of the first one given
    backward     `backward(cotangent, *inputs)`: the gradient of each input, None of one that has none;
                 left out where the forward has a backward, or where the framework's own is to be examined
    names        of the inputs, in place of the forward's own
    discrepancy  the smallest error of an entry that must be seen, relative to the largest of its gradient
    cases        places to look at an object that makes its own inputs, in place of the battery's
    checks       codes to run; expected: known failures, code to reason
    exitfirst    whether to stop at the first failure; the report is then incomplete
    Returns a Report. Raises `UsageError` naming the argument, the value and what is allowed.

    >>> bool(verify_gradient(np.sin, np.linspace(-2, 2, 9), lambda v, x: v * np.cos(x)))
    True
    """
    if discrepancy is not None and not 0.0 < discrepancy < 1.0:
        raise UsageError(
            f"discrepancy={discrepancy!r}: an error relative to the largest entry lies between 0 and 1"
        )
    if isinstance(forward, Target) or all(hasattr(forward, part) for part in NEEDED):
        subject = _own_inputs(forward, inputs, backward, names)
    else:
        if cases is not None:
            raise UsageError("cases: the inputs that are given are the one case; leave cases out")
        subject, cases = _given_inputs(forward, inputs, backward, names, name)
    subject = adapted(subject, name=name, expected=expected)
    chosen(code for code, _ in subject.expected)
    look = battery_named(battery, only=cases)
    planned = plan([subject], battery=look, codes=checks, root=root)
    return run_plan(_sharpened(planned, discrepancy), engine=eager if exitfirst else serial)


def _own_inputs(forward: Any, inputs: Any, backward: Any, names: Any) -> Target:
    """A target of kind function."""
    given = {"inputs": inputs, "backward": backward, "names": names}
    extra = next((word for word, value in given.items() if value is not None), "")
    if extra:
        raise UsageError(
            f"{extra}: {forward} makes its own inputs and has its own backward; leave {extra} out"
        )
    subject = adapted(forward)
    if subject.kind != "function":
        raise UsageError(
            f"{subject.name} is of kind {subject.kind!r}: give a function with its inputs, or a target of "
            "kind 'function'"
        )
    return subject


def _given_inputs(
    forward: Any, inputs: Any, backward: Any, names: Sequence[str] | None, name: str | None
) -> tuple[Target, tuple[Case, ...]]:
    """A target at the inputs that were given, and the one case that they are."""
    if inputs is None:
        raise UsageError("inputs is missing: give an array, a sequence of arrays, or a dict of them by name")
    function = held(forward, inputs, backward, names=names)
    _require_array(function)
    subject = Target(
        name=name or name_of(forward, scheme=None, given=None)[0],
        kind="function",
        object=function,
        dtypes=dtypes_of(function),
        replayable=False,
    )
    return subject, (Case(shape=function.first.shape, dtype=function.first.dtype.name),)


def _require_array(function: Held) -> None:
    """Raises `UsageError` where the forward returns no array; a crash is for the checks to find."""
    inputs = function.inputs(function.first.shape, np.random.default_rng(0))
    try:
        result = function.forward(*inputs)
    except Exception:
        return
    if not isinstance(result, (np.ndarray, np.generic)) or np.asarray(result).dtype.kind in "OSU":
        given = "None" if result is None else f"a {type(result).__name__}"
        raise UsageError(f"forward returned {given}: give a function that returns one array of numbers")


def _sharpened(planned: Plan, discrepancy: float | None) -> Plan:
    """The plan with another departure for the one claim that has a scale: that a gradient is a derivative."""
    if discrepancy is None:
        return planned
    trials = (
        replace(trial, discrepancy=discrepancy) if trial.check.code == DERIVATIVE else trial
        for trial in planned.trials
    )
    return replace(planned, trials=tuple(trials))
