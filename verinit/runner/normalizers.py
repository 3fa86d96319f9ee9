"""`verify_batchnorm`: hold a batch norm, one's own or that of a framework, to its law."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from verinit.cases import battery as battery_named
from verinit.cases.batteries import cases as spelt
from verinit.runner.planning import fits
from verinit.runner.verification import hold
from verinit.targets import target as adapted
from verinit.targets.batchnorms import batchnorm
from verinit.vocabulary import ROOT, Battery, Case, Report, Target, UsageError


def verify_batchnorm(
    bn: Any,
    *,
    backward: Callable[..., Any] | None = None,
    eps: float | None = None,
    momentum: float | None = None,
    unbiased: bool | None = None,
    axis: int | None = None,
    battery: str | Battery = "standard",
    cases: Iterable[str | Case] | None = None,
    checks: Iterable[str] = (),
    expected: Mapping[str, str] | None = None,
    root: int = ROOT,
    name: str | None = None,
    exitfirst: bool = False,
) -> Report:
    """Hold a batch norm to its law: forward, backward, running statistics and evaluation.

    bn        an object with `forward(x, training)` and `backward(cotangent)` as the chapter's readers write
              it (gamma, beta, dgamma, dbeta, running_mean, running_var as attributes), or its class; a module
              of torch, or its class; a function `f(x)`, `f(x, gamma, beta)` or `f(x, gamma, beta, bn_param)`
              that returns y, or y and a cache; or a Target
    backward  of a function: `g(cotangent, cache)` returns dx, or dx, dgamma and dbeta
    eps       epsilon under the root
    momentum  of the running statistics: either the share that is kept or the share that is taken in
    unbiased  whether the running variance takes the divisor n - 1
    axis      where images have their channels: -1 or 1
    cases     places to look in place of the battery's, channels last: ("8x5", "4x3x3x5/float32")
    checks    codes to run; expected: known failures, code to reason
    exitfirst whether to stop at the first failure; the report is then incomplete
    What is not given is read from the object's attributes, or identified from a few probing forwards; the
    findings say which. The object is left as it was: copies are examined.
    Returns a Report. Raises `UsageError` naming the argument, the value and what is allowed.

    >>> from verinit.targets.normalizers import BatchNormalization
    >>> bool(verify_batchnorm(BatchNormalization, battery="smoke"))
    True
    """
    if isinstance(bn, Target):
        subject = bn
        if subject.kind != "normalizer":
            raise UsageError(
                f"bn={subject.name}: a target of kind 'normalizer' is needed, not {subject.kind!r}"
            )
    else:
        subject = batchnorm(
            bn, backward=backward, eps=eps, momentum=momentum, unbiased=unbiased, axis=axis, name=name
        )
    subject = adapted(subject, name=name, expected=expected)
    look = _of_its_width(battery_named(battery), subject) if cases is None else spelt(cases)
    return hold(subject, battery=battery, cases=look, checks=checks, root=root, exitfirst=exitfirst)


def _of_its_width(look: Battery, subject: Target) -> tuple[Case, ...]:
    """The cases of a battery with as many features as the target has, each once, that it takes."""
    width = subject.says("width")
    if width is None:
        return look.of("normalizer")
    given = (replace(case, shape=(*case.shape[:-1], int(width))) for case in look.of("normalizer"))
    found = tuple(dict.fromkeys(case for case in given if fits(subject, case)))
    return found or tuple(Case(shape=(4, *(2,) * (rank - 2), int(width))) for rank in subject.ranks)
