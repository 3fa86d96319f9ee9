"""`verify_layer`: hold a layer of which only the outside is known to the gain that its weights promise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verinit.runner.verification import hold
from verinit.targets import target as adapted
from verinit.targets.layer_stacks import DEPTH, layer_stack
from verinit.vocabulary import ROOT, Battery, Case, Report, UsageError

BATCH = 16
"""Inputs that are sent through; fewer than there are units, so that the way back can be judged."""


def verify_layer(
    layer: Any,
    *,
    scheme: Any,
    activation: str = "identity",
    width: int | None = None,
    depth: int = DEPTH,
    battery: str | Battery = "standard",
    cases: Iterable[str | Case] | None = None,
    checks: Iterable[str] = (),
    expected: Mapping[str, str] | None = None,
    root: int = ROOT,
    name: str | None = None,
    exitfirst: bool = False,
) -> Report:
    """Hold a layer to the gain that its weights promise, forward and backward.

    layer       what makes one: a class or function `make(fan_in, fan_out)`, with `rng` where it takes one, or
                `make()`, of objects with forward(x) and backward(dout) or of modules of torch
    scheme      what its weights follow: "he_normal", a Scheme, a frozen distribution of scipy
    activation  that stands between layers when they are stacked, by name
    width       inputs and outputs of the layer, 128 unless it has its own; depth: layers of the stack
    cases       places to look, such as ("16x128?depth=3",)
    checks      codes to run; expected: known failures, code to reason
    exitfirst   whether to stop at the first failure; the report is then incomplete
    Returns a Report. Raises `UsageError` naming the argument, the value and what is allowed.

    >>> import numpy as np
    >>> from verinit.reference.layers import Affine
    >>> def dense(n, m, rng):
    ...     return Affine(rng.normal(0, (2 / n) ** 0.5, (n, m)), None)
    >>> bool(verify_layer(dense, scheme="he_normal", activation="relu", width=32, depth=2))
    True
    """
    for word, value in (("width", width), ("depth", depth)):
        if value is not None and (type(value) is not int or value < 1):
            raise UsageError(f"{word}={value!r}: a whole number from 1 is needed")
    subject = layer_stack(layer, scheme=scheme, activation=activation, width=width, name=name)
    subject = adapted(subject, expected=expected)
    if cases is None:
        sides = int(dict(subject.declared)["width"])
        cases = (f"{min(BATCH, max(1, sides // 2))}x{sides}?depth={depth}",)
    return hold(subject, battery=battery, cases=cases, checks=checks, root=root, exitfirst=exitfirst)
