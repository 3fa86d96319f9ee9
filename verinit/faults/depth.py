"""Models that depth gives away: a slip in the activation, between the layers, or on the way back."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.faults.propagation import Slipped, model
from verinit.faults.registry import plant
from verinit.laws.schemes import parse
from verinit.reference.activations import ACTIVATIONS
from verinit.reference.layers import Activate, Affine, BatchNorm
from verinit.reference.network import Echo, Network, Step
from verinit.vocabulary import Activation, Case, Fault, Target

Array = NDArray[Any]


def _default_in_the_middle(
    layer: int, shape: tuple[int, int], rng: np.random.Generator, before: list[Array]
) -> Array:
    return rng.normal(0.0, math.sqrt((1.0 / 3.0 if layer == 2 else 2.0) / shape[0]), shape)


def _centred(z: Array, y: Array) -> Array:
    """The batch's mean taken off, and the size put back."""
    off = y - y.mean(axis=0)
    return np.asarray(off * math.sqrt(float(np.mean(y * y)) / float(np.mean(off * off))))


def _each_in_an_order_of_its_own(z: Array, y: Array) -> Array:
    return np.asarray(np.random.default_rng(7).permuted(y, axis=1))


model(
    "one_layer_keeps_the_default_of_its_framework",
    Slipped(weights=_default_in_the_middle),
    "SP301",
    story="One layer is built after the loop that initialises, and keeps kaiming_uniform with a = sqrt(5).",
)
model(
    "gradient_averaged_in_every_layer",
    Slipped(backward=lambda layer, c, W, rng: c @ W.T / len(c)),
    "SP302",
    story="The mean over the batch, which belongs to the loss, is taken again by every layer.",
)
model(
    "batch_is_centred_between_layers",
    Slipped(sees=_centred),
    "SP303",
    story="Features are standardised over the batch between layers, a batch norm that nobody declared.",
)
model(
    "every_row_in_an_order_of_its_own",
    Slipped(sees=_each_in_an_order_of_its_own),
    "SP303",
    "SP304",
    story="An augmentation shuffles the features of every row by itself, which no layer's size shows.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stacked:
    """A stack of the reference's layers, wrong in one of them.

    gain  by which the standard deviation 1 / sqrt(n) is multiplied
    f     in place of the declared activation
    norm  a kind of batch norm before every activation, or none
    """

    gain: float
    f: Activation
    norm: type[BatchNorm] | None = None

    def walk(self, inputs: Array, rng: np.random.Generator, *, depth: int = 5) -> Iterator[Step | Echo]:
        """Fresh layers of the width of the inputs, there and back."""
        n, dtype = inputs.shape[1], inputs.dtype
        layers: list[Any] = []
        for _ in range(depth):
            layers.append(Affine(np.empty((n, n), dtype), None))
            if self.norm is not None:
                layers.append(self.norm(np.ones(n, dtype), np.zeros(n, dtype)))
            layers.append(Activate(self.f))
        top = max(i for i, layer in enumerate(layers) if isinstance(layer, Affine))
        draw = partial(_normal, gain=self.gain)
        return Network(layers[: top + 1], initializer=draw).walk(inputs, rng)


def _normal(
    shape: tuple[int, int], rng: np.random.Generator, *, dtype: str = "float64", gain: float = 1.0
) -> Array:
    return (gain / math.sqrt(shape[0]) * rng.standard_normal(shape)).astype(dtype)


class SlopeOfTheOutput:
    """Sigmoid whose slope is taken at y: s'(s(x))."""

    def value(self, x: Array) -> Array:
        """1 / (1 + exp(-x))."""
        return ACTIVATIONS["sigmoid"].value(x)

    def derivative(self, x: Array) -> Array:
        """The right slope of the wrong number."""
        return ACTIVATIONS["sigmoid"].derivative(self.value(x))


class ConstantStatistics(BatchNorm):
    """Batch norm whose way back takes mean and variance for constants, and the scale for gone."""

    def backward(self, cotangent: Array) -> Array:
        """Gamma c."""
        return np.asarray(self.gamma * cotangent)


class RootForgotten(BatchNorm):
    """Batch norm whose way back divides by the variance."""

    def backward(self, cotangent: Array) -> Array:
        """As the right one, over the standard deviation once more."""
        return np.asarray(super().backward(cotangent) * self.scale)


def _plant(name: str, made: Stacked, *codes: str, says: str, scheme: str, story: str) -> None:
    plant(
        Fault(
            name=name,
            codes=codes,
            target=Target(
                name=f"fault:{name}",
                kind="model",
                object=made,
                scheme=parse(scheme),
                declared=(("activation", says), ("batch_norm", made.norm is not None)),
                parameters=("depth",),
                ranks=(2,),
                dtypes=("float32", "float64"),
                replayable=False,
            ),
            story=story,
            cases=(Case.parse("16x128?depth=5"),),
        )
    )


_plant(
    "tanh_with_five_thirds",
    Stacked(gain=5.0 / 3.0, f=ACTIVATIONS["tanh"]),
    "SP301",
    says="tanh",
    scheme="lecun_normal",
    story="The gain 5/3 of a framework is applied to weights that say they have variance 1 / n.",
)
_plant(
    "another_activation_than_was_said",
    Stacked(gain=math.sqrt(2.0), f=ACTIVATIONS["tanh"]),
    "SP301",
    "SP303",
    "SP304",
    says="relu",
    scheme="he_normal",
    story="The activation is chosen by a word, and an unknown word falls back to tanh.",
)
_plant(
    "batch_norm_back_without_its_scale",
    Stacked(gain=math.sqrt(2.0), f=ACTIVATIONS["relu"], norm=ConstantStatistics),
    "SP305",
    says="relu",
    scheme="he_normal",
    story="The way back of batch norm is written as that of y = gamma x + beta.",
)
_plant(
    "batch_norm_back_with_the_variance",
    Stacked(gain=math.sqrt(2.0), f=ACTIVATIONS["relu"], norm=RootForgotten),
    "SP305",
    says="relu",
    scheme="he_normal",
    story="The root of the variance is taken on the way there and forgotten in one place of the way back.",
)
_plant(
    "slope_taken_at_the_output",
    Stacked(gain=math.sqrt(128.0), f=SlopeOfTheOutput()),
    "SP302",
    says="sigmoid",
    scheme="normal(std=1)",
    story="The layer keeps y for the way back and hands it to a slope that expects x.",
)
