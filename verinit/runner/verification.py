"""`verify`: hold one's own initializer to a scheme, from Python."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

from verinit.cases import battery as battery_named
from verinit.runner.execution import eager, run_plan, serial
from verinit.runner.planning import chosen, plan
from verinit.targets import target as adapted
from verinit.vocabulary import ROOT, Battery, Case, Report, Target, UsageError


def verify(
    initializer: Any,
    *,
    scheme: Any = None,
    battery: str | Battery = "standard",
    cases: Iterable[str | Case] | None = None,
    checks: Iterable[str] = (),
    discrepancy: float | None = None,
    expected: Mapping[str, str] | None = None,
    root: int = ROOT,
    name: str | None = None,
    exitfirst: bool = False,
    activation: str | None = None,
    batch_norm: bool | None = None,
) -> Report:
    """Hold an initializer to the scheme that it claims to follow.

    initializer  anything that draws an array: `f(shape)`, `f(shape, rng)`, an in-place `f(tensor)` of
                 torch, a keras object, or a Target
    scheme       a name such as "he_normal(mode=fan_out)", a Scheme, or a frozen continuous distribution of
                 scipy.stats; without one, contract only
    cases        places to look in place of the battery's, such as ("64x32", "3x5x8x16/float32")
    checks       codes to run; their level and draws are those they have in the whole battery
    discrepancy  the smallest relative error of the std that must be seen (standard: 0.01); the other
                 checks scale with it
    expected     known failures, code to reason; one that passes after all is reported
    exitfirst    whether to stop at the first failure; the report is then incomplete
    activation, batch_norm
                 of a network with `walk(inputs, rng)`, which is a target too: what its signal and gradient
                 by depth are held to; left out, what the network's own attributes of these names say
    Returns a Report: false alarms of the whole call at most 1e-6.
    Raises `UsageError` naming the argument, the value and what is allowed.

    >>> from verinit.reference.initializers import he_normal
    >>> bool(verify(he_normal, scheme="he_normal", battery="smoke"))
    True
    """
    subject = adapted(
        initializer,
        scheme=scheme,
        name=name,
        expected=expected,
        activation=activation,
        batch_norm=batch_norm,
    )
    return hold(
        subject,
        battery=battery,
        cases=cases,
        checks=checks,
        discrepancy=discrepancy,
        root=root,
        exitfirst=exitfirst,
    )


def hold(
    subject: Target,
    *,
    battery: str | Battery = "standard",
    cases: Iterable[str | Case] | None = None,
    checks: Iterable[str] = (),
    discrepancy: float | None = None,
    root: int = ROOT,
    exitfirst: bool = False,
) -> Report:
    """Hold a target of any kind to what is claimed of it: one run, with a budget of its own.

    Arguments, result and errors are those of `verify`; known failures are those of the target.
    """
    _require_number("root", root)
    _require_number("discrepancy", discrepancy)
    if root < 0 or root != int(root):
        raise UsageError(f"root={root!r}: a root is a whole number, 0 or above")
    if discrepancy is not None and not 0.0 < discrepancy < 1.0:
        raise UsageError(f"discrepancy={discrepancy!r}: a relative error of the std lies between 0 and 1")
    chosen(code for code, _ in subject.expected)
    look = battery_named(battery, only=cases)
    planned = plan([subject], battery=look, codes=checks, root=root, discrepancy=discrepancy)
    return run_plan(planned, engine=eager if exitfirst else serial)


def _require_number(name: str, value: object) -> None:
    """Raises `UsageError` for an argument that is neither a number nor left out."""
    if value is not None and (isinstance(value, bool) or not isinstance(value, Real)):
        raise UsageError(f"{name}={value!r}: a number is needed")
