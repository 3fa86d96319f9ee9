"""The family `torch`: the functions of torch.nn.init, and what modules do by default.

Two declarations are what people believe, and fail: `Linear.reset_parameters` draws a sixth of He's
variance, and `trunc_normal_(std=1)` draws a standard deviation of 0.88. Beside each stands what the
documentation says, as `@documented`.

Left out: `eye_` and `dirac_` draw nothing, and `sparse_` has no scheme in the catalogue: its entries are a
mixture of zeros, a fixed number in each column, and normal weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.laws.schemes import parse
from verinit.targets.adaptation import ranks_of
from verinit.targets.probing import KERNEL, SHAPE, adapted, delivered
from verinit.targets.torch.chance import borrowed
from verinit.targets.torch.framework import pytorch
from verinit.targets.torch.tensors import filled
from verinit.vocabulary import Case, Target

_FAN_OUT = {"mode": "fan_out", "nonlinearity": "relu"}
_FUNCTIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("uniform_", "uniform", {}),
    ("normal_", "normal", {}),
    ("trunc_normal_", "truncated_normal(std=1)", {}),
    ("trunc_normal_@documented", "truncated_normal(std=1, corrected=false)", {}),
    ("constant_", "constant(value=0.1)", {"val": 0.1}),
    ("ones_", "ones", {}),
    ("zeros_", "zeros", {}),
    ("xavier_uniform_", "xavier_uniform", {}),
    ("xavier_normal_", "xavier_normal", {}),
    ("kaiming_uniform_", "he_uniform", {}),
    ("kaiming_uniform_@fan_out", "he_uniform(mode=fan_out)", _FAN_OUT),
    ("kaiming_normal_", "he_normal", {}),
    ("kaiming_normal_@fan_out", "he_normal(mode=fan_out)", _FAN_OUT),
    ("orthogonal_", "orthogonal", {}),
    ("orthogonal_@sqrt2", "orthogonal(gain=sqrt(2))", {"gain": math.sqrt(2.0)}),
)
"""(function of torch.nn.init, what it is declared to be, bound parameters)."""

_DEFAULT = "variance_scaling(scale=1/3, mode=fan_in, distribution=uniform)"
"""kaiming_uniform_ with a = sqrt(5): uniform on +-1/sqrt(fan_in), of variance 1 / (3 fan_in)."""


@cache
def targets() -> tuple[Target, ...]:
    """The whole family.

    Raises `TargetError` where torch is not installed.
    """
    return (*(_of_function(*row) for row in _FUNCTIONS), *_of_modules())


def _of_function(word: str, declared: str, bound: dict[str, Any]) -> Target:
    function = getattr(pytorch().nn.init, word.partition("@")[0])
    initializer = adapted(partial(function, **bound) if bound else function)
    scheme = parse(declared)
    return Target(
        name=f"torch:{word}",
        kind="initializer",
        object=initializer,
        scheme=scheme,
        ranks=ranks_of(scheme),
        dtypes=delivered(initializer),
    )


def _of_modules() -> list[Target]:
    dense, convolution = Reset(_linear), Reset(_conv2d)
    rows: list[tuple[str, Reset, str, tuple[int, ...], tuple[str, ...]]] = [
        ("Linear.reset_parameters", dense, "he_uniform", SHAPE, ()),
        ("Linear.reset_parameters@documented", dense, _DEFAULT, SHAPE, ()),
        ("Conv2d.reset_parameters@documented", convolution, _DEFAULT, KERNEL, ("groups",)),
    ]
    return [
        Target(
            name=f"torch:{word}",
            kind="initializer",
            object=reset,
            scheme=parse(declared),
            parameters=parameters,
            ranks=(len(shape),),
            dtypes=delivered(reset, shape=shape),
        )
        for word, reset, declared, shape, parameters in rows
    ]


class Reset:
    """Draws the weight that a module's `reset_parameters` leaves behind."""

    def __init__(self, build: Callable[[tuple[int, ...], int], Any]) -> None:
        self.module = lru_cache(maxsize=8)(partial(_built, build))

    def __call__(
        self, shape: tuple[int, ...], rng: np.random.Generator, *, dtype: str | None = None, groups: int = 1
    ) -> NDArray[Any]:
        module = self.module(shape, groups, dtype)
        weight = module.weight
        with borrowed(rng), pytorch().no_grad():
            weight.fill_(math.nan)
            module.reset_parameters()
            return filled(weight, weight.detach().clone())


def _built(
    build: Callable[[tuple[int, ...], int], Any], shape: tuple[int, ...], groups: int, dtype: str | None
) -> Any:
    """A module without bias: its weights are drawn before its bias, which therefore changes nothing."""
    torch = pytorch()
    with borrowed(np.random.default_rng(0)):  # building draws weights too, from the user's generator
        module = build(shape, groups)
    return module.to(dtype=torch.float32 if dtype is None else getattr(torch, dtype), device="cpu")


def _linear(shape: tuple[int, ...], groups: int) -> Any:
    fan_in, fan_out = shape
    return pytorch().nn.Linear(fan_in, fan_out, bias=False)


def _conv2d(shape: tuple[int, ...], groups: int) -> Any:
    """`shape: (*kernel, in / groups, out)`."""
    height, width, inputs, outputs = shape
    return pytorch().nn.Conv2d(inputs * groups, outputs, (height, width), groups=groups, bias=False)


def source(word: str, case: Case) -> tuple[str, dict[str, Any]] | None:
    """The module whose `reset_parameters` a member of the family calls, as source text; None for a function.

    >>> source("Linear.reset_parameters", Case(shape=(64, 32)))[0]
    'torch.nn.Linear(64, 32, bias=False)'
    """
    kind, dot, _ = word.partition(".reset_parameters")
    if not dot:
        return None
    if kind == "Linear":
        return f"torch.nn.Linear({case.shape[0]}, {case.shape[1]}, bias=False)", {}
    groups = int(dict(case.parameters).get("groups", 1))
    height, width, inputs, outputs = case.shape
    return (
        f"torch.nn.Conv2d({inputs * groups}, {outputs}, ({height}, {width}), groups={groups}, bias=False)",
        {},
    )
