"""Models whose walks go wrong: in one layer or in all, there or back, in the numbers or in the telling."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.faults.registry import plant
from verinit.laws.schemes import parse
from verinit.vocabulary import Case, Fault, Target

Array = NDArray[Any]
SCHEME = "he_normal"
CASE = "16x128?depth=5"


@dataclass(frozen=True, slots=True, kw_only=True)
class There:
    """One layer on the way there, as a model of one's own would tell of it."""

    layer: int
    weights: Array
    inputs: Array
    preactivation: Array
    output: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Back:
    """One layer on the way back."""

    layer: int
    cotangent: Array
    gradient: Array


def _drawn(layer: int, shape: tuple[int, int], rng: np.random.Generator, before: list[Array]) -> Array:
    return rng.normal(0.0, math.sqrt(2.0 / shape[0]), shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slipped:
    """A ReLU stack with He's weights in which one thing is done in another way.

    weights   (layer, shape, rng, weights before) to W
    forward   (layer, x, W) to z
    output    (z, y) to what the layer says it sent
    sees      (z, y) to what the next layer sees
    slope     z to what is multiplied on the way back
    backward  (layer, c, W, rng) to what is sent to the inputs
    number    what a layer says its number is
    """

    weights: Callable[[int, tuple[int, int], np.random.Generator, list[Array]], Array] = _drawn
    forward: Callable[[int, Array, Array], Array] = lambda layer, x, W: x @ W
    output: Callable[[Array, Array], Array] = lambda z, y: y
    sees: Callable[[Array, Array], Array] = lambda z, y: y
    slope: Callable[[Array], Array] = lambda z: (z > 0.0).astype(z.dtype)
    backward: Callable[[int, Array, Array, np.random.Generator], Array] = lambda layer, c, W, rng: c @ W.T
    number: Callable[[int], int] = lambda layer: layer

    def walk(self, inputs: Array, rng: np.random.Generator, *, depth: int = 5) -> Iterator[There | Back]:
        """Fresh layers of the width of the inputs, there and back."""
        x, n, dtype = inputs, inputs.shape[1], inputs.dtype
        kept: list[tuple[Array, Array]] = []
        for layer in range(depth):
            W = self.weights(layer, (n, n), rng, [weights for weights, _ in kept]).astype(dtype)
            z = self.forward(layer, x, W).astype(dtype)
            y = np.maximum(z, 0.0) if layer < depth - 1 else z
            sent = self.output(z, y)
            yield There(layer=self.number(layer), weights=W, inputs=x, preactivation=z, output=sent)
            kept.append((W, z))
            x = self.sees(z, y)
        c = rng.standard_normal(x.shape).astype(dtype)
        for layer in reversed(range(depth)):
            W, z = kept[layer]
            c = c * self.slope(z) if layer < depth - 1 else c
            g = self.backward(layer, c, W, rng).astype(dtype)
            yield Back(layer=self.number(layer), cotangent=c, gradient=g)
            c = g


def model(name: str, walker: Any, *codes: str, story: str, case: str = CASE) -> None:
    """Plant a model that says it is a ReLU stack with He's weights."""
    plant(
        Fault(
            name=name,
            codes=codes,
            target=Target(
                name=f"fault:{name}",
                kind="model",
                object=walker,
                scheme=parse(SCHEME),
                declared=(("activation", "relu"), ("batch_norm", False)),
                parameters=("depth",),
                ranks=(2,),
                dtypes=("float32", "float64"),
                replayable=False,
            ),
            story=story,
            cases=(Case.parse(case),),
        )
    )


def _scaled(ratio: float, *layers: int) -> Callable[..., Array]:
    def draw(layer: int, shape: tuple[int, int], rng: np.random.Generator, before: list[Array]) -> Array:
        W = _drawn(layer, shape, rng, before)
        return ratio * W if not layers or layer in layers else W

    return draw


model(
    "one_layer_draws_five_per_cent_wide",
    Slipped(weights=_scaled(1.05, 2)),
    "SP201",
    "SP202",
    story="One layer of five was given a gain of its own and nobody remembers.",
)
model(
    "every_layer_lacks_the_factor_two",
    Slipped(weights=_scaled(math.sqrt(0.5))),
    "SP201",
    "SP202",
    story="Xavier's weights under ReLU, called He's.",
)
model(
    "one_layer_multiplies_its_output",
    Slipped(forward=lambda layer, x, W: (1.05 if layer == 3 else 1.0) * (x @ W)),
    "SP102",
    "SP201",
    story="A scale that was meant for the attention logits is applied in one dense layer too.",
)
model(
    "gradient_scaled_in_one_layer",
    Slipped(backward=lambda layer, c, W, rng: (0.95 if layer == 1 else 1.0) * (c @ W.T)),
    "SP102",
    "SP202",
    story="A gradient hook that was put in for an experiment stays in one layer.",
)
model(
    "fixed_feedback_weights",
    Slipped(backward=lambda layer, c, W, rng: c @ _drawn(layer, W.shape[::-1], rng, [])),
    "SP102",
    story="The way back uses weights of its own, as in feedback alignment.",
)
model(
    "weights_shared_by_all_layers",
    Slipped(weights=lambda layer, shape, rng, before: before[0] if before else _drawn(layer, shape, rng, [])),
    "SP203",
    story="The list of layers holds the same layer five times: [Dense(n)] * 5.",
)


def _seeded_anew(layer: int, shape: tuple[int, int], rng: np.random.Generator, before: list[Array]) -> Array:
    if not before:
        return _drawn(layer, shape, rng, before)
    own = np.random.default_rng(int(abs(before[0][0, 0]) * 2**52))
    return 0.8 * _drawn(layer, shape, own, before) + 0.6 * before[-1] if layer % 2 else before[0]


model(
    "generator_restarted_for_every_layer",
    Slipped(weights=_seeded_anew),
    "SP203",
    story="Every layer makes its generator from one seed, so that layers begin alike.",
)
model(
    "bias_that_nobody_declared",
    Slipped(forward=lambda layer, x, W: x @ W + 0.5),
    "SP102",
    "SP204",
    story="A constant bias of 0.5, set against dead units, in a layer that says it has none.",
)


def _half_asleep(layer: int, shape: tuple[int, int], rng: np.random.Generator, before: list[Array]) -> Array:
    W = _drawn(layer, shape, rng, before)
    W[:, : shape[1] // 3] = -np.abs(W[:, : shape[1] // 3])
    return W


model(
    "a_third_of_the_units_asleep",
    Slipped(weights=_half_asleep),
    "SP204",
    "SP205",
    story="A sign is lost in a slice of the weights, so that a third of the units never fires.",
)
model(
    "straight_through_slope",
    Slipped(slope=np.ones_like),
    "SP104",
    "SP302",
    story="The way back of ReLU lets everything through, as a straight-through estimator does.",
)
model(
    "layers_counted_from_one",
    Slipped(number=lambda layer: layer + 1),
    "SP101",
    story="A walk of one's own counts its layers from 1 and hangs every gradient one layer too high.",
    case="16x128?depth=1",
)
model(
    "next_layer_sees_the_preactivation",
    Slipped(sees=lambda z, y: z),
    "SP101",
    story="The hook was registered before the activation, so that layers seem not to follow one another.",
)
model(
    "weights_from_the_clock",
    Slipped(weights=lambda layer, shape, rng, before: _drawn(layer, shape, np.random.default_rng(), before)),
    "SP103",
    story="Weights come from a generator of their own that nobody seeds.",
)
model(
    "weights_drawn_once",
    Slipped(weights=lambda layer, shape, rng, before: _drawn(layer, shape, np.random.default_rng(layer), [])),
    "SP103",
    story="Weights are drawn when the model is built, and every walk sees the same ones.",
)


model(
    "activation_forgotten",
    Slipped(sees=lambda z, y: z, slope=np.ones_like, output=lambda z, y: z),
    "SP301",
    "SP303",
    "SP304",
    story="The activation is set but never called, so that He's weights double the mean square by layers.",
)
