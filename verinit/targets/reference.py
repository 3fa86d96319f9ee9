"""The family `numpy`: every initializer of the NumPy reference, under its own scheme."""

from __future__ import annotations

import inspect
import math
from functools import cache, partial
from typing import Any

from verinit.laws.schemes import parse
from verinit.reference.initializers import INITIALIZERS
from verinit.targets.adaptation import ranks_of
from verinit.targets.forms import CASE_PARAMETERS
from verinit.vocabulary import Target

DTYPES = ("float32", "float64", "float16", "bfloat16")
_DECLARED = {"constant": "constant(value=0.1)", "variance_scaling": "variance_scaling(scale=2, mode=fan_avg)"}
_BOUND: dict[str, dict[str, Any]] = {
    "constant": {"value": 0.1},
    "variance_scaling": {"scale": 2.0, "mode": "fan_avg"},
}
_VARIANTS: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("he_normal", "fan_out", "he_normal(mode=fan_out)", {"mode": "fan_out"}),
    ("orthogonal", "sqrt2", "orthogonal(gain=sqrt(2))", {"gain": math.sqrt(2.0)}),
    ("truncated_normal", "uncorrected", "truncated_normal(corrected=false)", {"corrected": False}),
)
"""(function, variant, scheme, bound parameters): what the defaults do not reach."""


@cache
def targets() -> tuple[Target, ...]:
    """Every function of the catalogue once, and some again with parameters bound."""
    plain = [
        _target(f"numpy:{name}", name, _DECLARED.get(name, name), _BOUND.get(name, {}))
        for name in INITIALIZERS
    ]
    variants = [
        _target(f"numpy:{name}@{variant}", name, scheme, bound) for name, variant, scheme, bound in _VARIANTS
    ]
    return (*plain, *variants)


def _target(title: str, function: str, declared: str, bound: dict[str, Any]) -> Target:
    """The reference already speaks verinit's calling form: nothing is adapted."""
    draw, scheme = INITIALIZERS[function], parse(declared)
    takes = inspect.signature(draw).parameters
    return Target(
        name=title,
        kind="initializer",
        object=partial(draw, **bound) if bound else draw,
        scheme=scheme,
        parameters=tuple(name for name in CASE_PARAMETERS if name in takes),
        ranks=ranks_of(scheme),
        dtypes=DTYPES,
    )
