"""Normalizers of the family `numpy`: the reference in both conventions, and the chapter's own class."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.reference.layers import BatchNorm
from verinit.reference.precision import floating
from verinit.targets.normalizer_forms import Written
from verinit.targets.reference import DTYPES
from verinit.vocabulary import Target, UsageError
from verinit.vocabulary.places import Parameter

Array = NDArray[Any]
ANY = (2, 3, 4, 5)
PARAMETERS = ("scale",)


class BatchNormalization:
    """Batch norm as the chapter describes it, in our words.

    gamma and beta are given; epsilon is 10e-7, inside; running statistics start as zeros when the first batch
    comes, and keep the share `momentum` of what they were, at every batch. Variances take the divisor n.
    Batches are (N, D); the backward pass walks back through each step of the forward pass in training.
    """

    def __init__(
        self,
        gamma: Array,
        beta: Array,
        momentum: float = 0.9,
        running_mean: Array | None = None,
        running_var: Array | None = None,
    ) -> None:
        self.gamma, self.beta = gamma, beta
        self.momentum = momentum
        self.running_mean, self.running_var = running_mean, running_var
        self.dgamma: Array | None = None
        self.dbeta: Array | None = None
        self.seen: tuple[Array, Array] | None = None

    def forward(self, x: Array, train_flg: bool = True) -> Array:
        """`x: (N, D)` standardised, scaled and shifted; by its own statistics while training."""
        if self.running_mean is None or self.running_var is None:
            self.running_mean, self.running_var = np.zeros(x.shape[1]), np.zeros(x.shape[1])
        if not train_flg:
            off = x - self.running_mean
            return np.asarray(self.gamma * (off / np.sqrt(self.running_var + 10e-7)) + self.beta)
        mean = x.mean(axis=0)
        off = x - mean
        variance = np.mean(off**2, axis=0)
        std = np.sqrt(variance + 10e-7)
        self.seen = off, std
        self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
        self.running_var = self.momentum * self.running_var + (1 - self.momentum) * variance
        return np.asarray(self.gamma * (off / std) + self.beta)

    def backward(self, dout: Array) -> Array:
        """The gradient of x, through the difference, the standard deviation and the mean in turn."""
        if self.seen is None:
            raise UsageError("backward was called before forward in training: call forward first")
        off, std = self.seen
        rows = len(dout)
        self.dbeta = dout.sum(axis=0)
        self.dgamma = np.sum(off / std * dout, axis=0)
        dnormal = self.gamma * dout
        dstd = -np.sum(dnormal * off / (std * std), axis=0)
        doff = dnormal / std + 2.0 / rows * off * (0.5 * dstd / std)
        return np.asarray(doff - doff.sum(axis=0) / rows)


def _reference(unbiased: bool) -> Callable[[int, str], BatchNorm]:
    def make(width: int, dtype: str) -> BatchNorm:
        kind = floating(dtype)
        return BatchNorm(np.ones(width, kind), np.zeros(width, kind), unbiased=unbiased)

    return make


def _chapters(width: int, dtype: str) -> BatchNormalization:
    return BatchNormalization(np.ones(width, floating(dtype)), np.zeros(width, floating(dtype)))


@cache
def targets() -> tuple[Target, ...]:
    """The reference with the paper's divisor and with Keras's, and the chapter's class in float64."""
    chapter: dict[str, Parameter] = {"eps": 10e-7, "momentum": 0.9, "convention": "keep", "unbiased": False}
    usual: dict[str, Parameter] = {"eps": 1e-5, "momentum": 0.9, "convention": "keep", "axis": -1}
    rows: tuple[tuple[str, Callable[[int, str], Any], dict[str, Parameter], dict[str, Any]], ...] = (
        ("BatchNorm@paper", _reference(True), {**usual, "unbiased": True, "single": False}, {"ranks": ANY}),
        ("BatchNorm@keras", _reference(False), {**usual, "unbiased": False, "single": True}, {"ranks": ANY}),
        (
            "BatchNormalization@chapter",
            _chapters,
            {**chapter, "axis": -1, "eval_backward": False, "single": True},
            {"ranks": (2,), "dtypes": ("float64",)},
        ),
    )
    return tuple(_target(*row) for row in rows)


def _target(
    name: str, make: Callable[[int, str], Any], declared: dict[str, Parameter], takes: dict[str, Any]
) -> Target:
    return Target(
        name=f"numpy:{name}",
        kind="normalizer",
        object=Written(make(1, "float64"), make=make),
        declared=tuple(declared.items()),
        parameters=PARAMETERS,
        **{"dtypes": DTYPES, **takes},
    )
