"""Models of the family `numpy`: stacks of the reference's layers, drawn afresh at every walk.

A stack has no size of its own: its width and dtype are those of the inputs, its depth is a parameter of the
case. The schemes are those of the chapter's experiment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.laws.schemes import parse
from verinit.reference.activations import ACTIVATIONS
from verinit.reference.layers import Activate, Affine, BatchNorm
from verinit.reference.network import Echo, Network, Step
from verinit.targets.drawn import sampler
from verinit.vocabulary import Scheme, Target

DEPTH = 5
"""Weighted layers where a case names no depth, as in the chapter."""
DTYPES = ("float32", "float64")
CHAPTER = ("normal(std=1)", "normal(std=0.01)", "xavier_normal", "he_normal")
NORMED = (("relu", "he_normal"), ("tanh", "xavier_normal"), ("relu", "normal(std=1)"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """y = f(x W) or f(BN(x W)), layer after layer; the last layer's pre-activation is the output."""

    activation: str
    scheme: Scheme
    batch_norm: bool = False

    def walk(
        self, inputs: NDArray[Any], rng: np.random.Generator, *, depth: int = DEPTH
    ) -> Iterator[Step | Echo]:
        """Fresh weights for every layer; what each saw and sent, there and back."""
        width, dtype = inputs.shape[1], inputs.dtype
        layers: list[Any] = []
        for _ in range(depth):
            layers.append(Affine(np.empty((width, width), dtype), None))
            if self.batch_norm:
                layers.append(BatchNorm(np.ones(width, dtype), np.zeros(width, dtype)))
            layers.append(Activate(ACTIVATIONS[self.activation]))
        top = len(layers) - 1 - self.batch_norm
        return Network(layers[:top], initializer=sampler(self.scheme)).walk(inputs, rng)


def stack(activation: str, scheme: str, *, batch_norm: bool = False) -> Target:
    """A stack as a target: `numpy:mlp(relu, he_normal)`."""
    promised = parse(scheme)
    normed = ", batch_norm" if batch_norm else ""
    said = str(promised).replace("std=", "")  # a name with an equals sign would declare a scheme
    return Target(
        name=f"numpy:mlp({activation}, {said}{normed})",
        kind="model",
        object=Stack(activation=activation, scheme=promised, batch_norm=batch_norm),
        scheme=promised,
        declared=(("activation", activation), ("batch_norm", batch_norm)),
        parameters=("depth",),
        ranks=(2,),
        dtypes=DTYPES,
    )


@cache
def targets() -> tuple[Target, ...]:
    """Every scheme and activation of the chapter's experiment, and three stacks with batch norm."""
    plain = [stack(f, scheme) for f in ("sigmoid", "tanh", "relu") for scheme in CHAPTER]
    return (*plain, *(stack(f, scheme, batch_norm=True) for f, scheme in NORMED))
