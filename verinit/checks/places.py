"""One differentiable function at one case: its inputs, made once, and what all checks of it read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.checks.sampling import generator
from verinit.differentiation import Problem
from verinit.differentiation.problems import floating, noise_values, pose, wide
from verinit.vocabulary import Case, Target, Trial

Array = NDArray[Any]
WIDE = "float64"
NARROW = ("float16", "bfloat16", "float32")
DIFFERENCED = ("float32", "float64")
"""Dtypes fine enough for differences: in half precision nearly all of them are exactly 0."""
JITTER = 0.1
"""How far inputs are moved to leave a kink, of their own size."""


class Place:
    """A function at a case: named inputs in the case's dtype and in float64, and problems posed there."""

    def __init__(self, target: Target, case: Case, root: int) -> None:
        self.target, self.case, self.root = target, case, root
        self.function = target.object
        self._posed: dict[tuple[str, int], list[Problem]] = {}

    def rng(self, *words: object) -> np.random.Generator:
        """A stream of this place's own."""
        return generator(self.root, self.target, self.case, *words)

    @cached_property
    def inputs(self) -> tuple[Array, ...]:
        """The inputs as the function makes them for the case."""
        made = self.function.inputs(
            self.case.shape, self.rng("inputs"), dtype=self.case.dtype, **dict(self.case.parameters)
        )
        return tuple(np.asarray(x) for x in made)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the inputs are called; those without a name by their place."""
        given = tuple(self.function.names)
        return (*given, *(f"input {j}" for j in range(len(given), len(self.inputs))))

    @cached_property
    def dtype(self) -> str:
        """The dtype in which the function computes: that of its first floating input."""
        return next((x.dtype.name for x in self.inputs if floating(x)), WIDE)

    def fresh(self) -> tuple[Array, ...]:
        """Copies of the inputs, for code that may write on them."""
        return tuple(x.copy() for x in self.inputs)

    def widened(self) -> tuple[Array, ...]:
        """The same numbers in float64; whole numbers as they are."""
        return tuple(x.astype(WIDE) if floating(x) else x for x in self.inputs)

    def jittered(self, inputs: Sequence[Array], word: str, *, size: float = JITTER) -> tuple[Array, ...]:
        """Inputs moved by this share of their own size, off any kink they may lie on."""
        rng = self.rng("jitter", word)
        return tuple(
            (wide(x) + size * rng.uniform(-1.0, 1.0, x.shape) * _spread(x)).astype(x.dtype)
            if floating(x)
            else x
            for x in inputs
        )

    def problems(self, inputs: Sequence[Array], word: str, count: int) -> list[Problem]:
        """The function at these inputs under so many cotangents; the noise of its values is found once."""
        if (word, count) not in self._posed:
            rng = self.rng("cotangents", word)
            values = noise_values(self.function.forward, inputs, rng=rng)
            self._posed[word, count] = [
                pose(self.function.forward, self.function.backward, inputs, rng=rng, values=values)
                for _ in range(count)
            ]
        return self._posed[word, count]


def _spread(x: Array) -> float:
    rms = float(np.sqrt(np.mean(np.square(x, dtype=np.float64)))) if x.size else 0.0
    return rms or 1.0


@lru_cache(maxsize=4)
def _place(target: Target, case: Case, root: int) -> Place:
    return Place(target, case, root)


def place_of(trial: Trial) -> Place:
    """The place of a trial, shared by all checks of one target at one case."""
    return _place(trial.target, trial.case, trial.root)


def unless_wide(target: Target, case: Case) -> str:
    """Why a claim that is examined in float64 says nothing of a target at a case; empty if it does."""
    return "" if takes_wide(target, case) else f"{target.name} does not compute in float64; see GR203"


def takes_wide(target: Target, case: Case) -> bool:
    """Whether a function can be computed in float64 at a case."""
    return WIDE in target.dtypes or case.dtype == WIDE or (case.dtype is None and not target.dtypes)
