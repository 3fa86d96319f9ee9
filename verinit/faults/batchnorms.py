"""A right batch norm in steps, of which a planted fault replaces one."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import ml_dtypes  # noqa: F401 - teaches numpy.dtype the word "bfloat16"
import numpy as np

from verinit.faults.registry import plant
from verinit.vocabulary import Case, Fault, Target
from verinit.vocabulary.places import Parameter

Array = Any
"""An array in float32 or wider."""
Step = Callable[..., Any]
DTYPES = ("float16", "bfloat16", "float32", "float64")
DECLARED: tuple[tuple[str, Parameter], ...] = (
    ("eps", 1e-5),
    ("momentum", 0.9),
    ("convention", "keep"),
    ("unbiased", True),
    ("axis", -1),
    ("single", True),
)


def wide(x: Any) -> Array:
    """Numbers in float32 or wider."""
    array = np.asarray(x)
    return array.astype(np.promote_types(array.dtype, np.float32), copy=False)


class Norm:
    """A batch norm over all axes but the last, with steps that may be replaced.

    Steps are functions of the normalizer and what they need: `statistics(norm, rows)` is mean and variance,
    `root(norm, variance)` the divisor, `output(norm, xhat)`, `dx(norm, c)`, `dgamma(norm, c)`,
    `dbeta(norm, c)`, `moved(norm, running, batch)`, `spread(norm, variance)` what the running variance takes
    in, `given(norm)` mean and variance in evaluation, `form(norm, array, like)` what is handed out.
    """

    eps, momentum = 1e-5, 0.9
    rows: Array
    mean: Array
    variance: Array
    root: Array
    xhat: Array
    training: bool

    def __init__(self, steps: Mapping[str, Step], width: int = 1, dtype: str = "float64") -> None:
        self.steps = dict(steps)
        self.gamma, self.beta = np.ones(width, dtype), np.zeros(width, dtype)
        kept = wide(self.gamma).dtype
        self.running_mean, self.running_var = np.zeros(width, kept), np.ones(width, kept)
        self.dgamma: Any = None
        self.dbeta: Any = None

    def fresh(self, width: int, dtype: str | None = None) -> Norm:
        """One that has seen nothing."""
        return Norm(self.steps, width, dtype or "float64")

    def step(self, name: str, *arguments: Any) -> Any:
        """The step of this name, replaced or right."""
        return self.steps.get(name, RIGHT[name])(self, *arguments)

    def forward(self, x: Array, training: bool) -> Any:
        """The output; the running statistics move while training."""
        return self.step("forward", x, training)

    def backward(self, cotangent: Array) -> Any:
        """The gradient of the input."""
        c = wide(cotangent).reshape(self.rows.shape)
        kept = self.gamma.dtype
        self.dgamma = self.step("dgamma", c).astype(kept)
        self.dbeta = self.step("dbeta", c).astype(kept)
        return self.step("form", self.step("dx", c), cotangent)


def forward(norm: Norm, x: Array, training: bool) -> Any:
    """Statistics of the batch while training, running ones otherwise."""
    norm.rows, norm.training = wide(x).reshape(-1, x.shape[-1]), training
    if training:
        norm.mean, norm.variance = norm.step("statistics", norm.rows)
        norm.step("move")
    else:
        norm.mean, norm.variance = norm.step("given")
    norm.root = norm.step("root", norm.variance)
    norm.xhat = norm.step("standardised")
    return norm.step("form", norm.step("output", norm.xhat), x)


def moments(norm: Norm, rows: Array) -> tuple[Array, Array]:
    """Mean and biased variance of each feature, in two passes."""
    mean = rows.mean(axis=0)
    return mean, ((rows - mean) ** 2).mean(axis=0)


def move(norm: Norm) -> None:
    """Both running statistics take in those of the batch."""
    norm.running_mean = norm.step("moved", norm.running_mean, norm.mean)
    norm.running_var = norm.step("moved", norm.running_var, norm.step("spread", norm.variance))


def unbiased(norm: Norm, variance: Array) -> Array:
    """Bessel's correction."""
    n = len(norm.rows)
    return variance * (n / (n - 1)) if n > 1 else variance


def dx(norm: Norm, c: Array) -> Array:
    """The law: gamma / S (c - mean(c) - xhat mean(c xhat)), without the means in evaluation."""
    if norm.training:
        c = c - c.mean(axis=0) - norm.xhat * (c * norm.xhat).mean(axis=0)
    return wide(norm.gamma) / norm.root * c


RIGHT: dict[str, Step] = {
    "forward": forward,
    "statistics": moments,
    "move": move,
    "given": lambda norm: (norm.running_mean, norm.running_var),
    "root": lambda norm, variance: np.sqrt(variance + norm.eps),
    "standardised": lambda norm: (norm.rows - norm.mean) / norm.root,
    "output": lambda norm, xhat: wide(norm.gamma) * xhat + wide(norm.beta),
    "moved": lambda norm, running, new: (norm.momentum * running + (1 - norm.momentum) * new).astype(
        running.dtype
    ),
    "spread": unbiased,
    "dx": dx,
    "dgamma": lambda norm, c: (c * norm.xhat).sum(axis=0),
    "dbeta": lambda norm, c: c.sum(axis=0),
    "form": lambda norm, array, like: array.astype(like.dtype).reshape(like.shape),
}
WHERE = ("8x6/float64", "5x3/float32")


def replaces(step: str, *codes: str, cases: tuple[str, ...] = WHERE) -> Callable[[Step], Step]:
    """Plant a fault: the decorated function takes the place of a step; its docstring says how it happens."""

    def planted(replacement: Step) -> Step:
        name = replacement.__name__
        target = Target(
            name=f"fault:{name}",
            kind="normalizer",
            object=Norm({step: replacement}),
            declared=DECLARED,
            parameters=("scale",),
            dtypes=DTYPES,
            replayable=False,
        )
        story = inspect.getdoc(replacement) or ""
        plant(Fault(name=name, codes=codes, target=target, story=story, cases=tuple(map(Case.parse, cases))))
        return replacement

    return planted
