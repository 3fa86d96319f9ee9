"""A network is a stack of layers with a probe on every activation and every gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from verinit.reference.layers import Activate, Affine, BatchNorm, Dropout
from verinit.reference.precision import Array, floating, product
from verinit.vocabulary import Activation, UsageError

Initializer = Callable[..., Array]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one weighted layer saw and sent.

    layer          counts weighted layers from 0
    weights        W: (in, out), freshly drawn
    inputs         what the layer saw: (N, in)
    preactivation  inputs W + b: (N, out), before batch norm
    output         what the next weighted layer sees: (N, out)
    """

    layer: int
    weights: Array
    inputs: Array
    preactivation: Array
    output: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """What came back to one weighted layer, and what it sent on.

    layer      counts weighted layers from 0, as in `Step`
    cotangent  the gradient at the layer's pre-activation: (N, out)
    gradient   what the layer sent to its inputs: (N, in)
    """

    layer: int
    cotangent: Array
    gradient: Array


class Network:
    """Signals pass through the layers in order, gradients in reverse.

    layers       any mixture of Affine, Activate, BatchNorm, Dropout or objects with forward and backward
    initializer  draws fresh weights for `walk`: `(shape, rng, *, dtype)`
    activations  after `forward`: the output of every layer
    gradients    after `backward`: the gradient with respect to each of those outputs, in the same order
    """

    def __init__(self, layers: Sequence[Any], *, initializer: Initializer | None = None) -> None:
        self.layers = list(layers)
        self.initializer = initializer
        self.activations: list[Array] = []
        self.gradients: list[Array] = []

    def forward(self, x: Array, *, training: bool = True) -> Array:
        """The output of the last layer; every layer's is kept in `activations`."""
        self.activations = []
        for layer in self.layers:
            x = _forward(layer, x, training)
            self.activations.append(x)
        return x

    def backward(self, cotangent: Array) -> Array:
        """The gradient with respect to the network's input; those between layers are kept in `gradients`."""
        self.gradients = []
        for layer in reversed(self.layers):
            self.gradients.append(cotangent)
            cotangent = layer.backward(cotangent)
        self.gradients.reverse()
        return cotangent

    def walk(self, inputs: Array, rng: np.random.Generator) -> Iterator[Step | Echo]:
        """Draw fresh weights layer by layer, in training mode, and yield what each layer saw and sent.

        First a Step for each weighted layer, in order; then, from a standard normal cotangent at the top, an
        Echo for each on the way back. The drawn weights stay in the layers; biases, scales and shifts are
        left as they are.

        Raises `UsageError` for a network without an initializer.
        """
        if self.initializer is None:
            raise UsageError("this network cannot draw fresh weights: give Network(layers, initializer=...)")
        return self._there_and_back(inputs, rng, self.initializer)

    def _there_and_back(
        self, x: Array, rng: np.random.Generator, initializer: Initializer
    ) -> Iterator[Step | Echo]:
        steps = 0
        for step in self._steps(x, rng, initializer):
            steps, x = step.layer + 1, step.output
            yield step
        if not steps:
            return
        cotangent = rng.standard_normal(x.shape).astype(x.dtype)
        for layer in reversed(self.layers):
            sent = layer.backward(cotangent)
            if isinstance(layer, Affine):
                steps -= 1
                yield Echo(layer=steps, cotangent=cotangent, gradient=sent)
            cotangent = sent

    def _steps(self, x: Array, rng: np.random.Generator, initializer: Initializer) -> Iterator[Step]:
        step: Step | None = None
        for layer in self.layers:
            if not isinstance(layer, Affine):
                x = _forward(layer, x, True)
                step = step and replace(step, output=x)
                continue
            if step is not None:
                yield step
            layer.W = initializer(layer.W.shape, rng, dtype=layer.W.dtype.name)
            z = layer.forward(x)
            number = 0 if step is None else step.layer + 1
            step = Step(layer=number, weights=layer.W, inputs=x, preactivation=z, output=z)
            x = z
        if step is not None:
            yield step


def mlp(
    widths: Sequence[int],
    rng: np.random.Generator,
    *,
    initializer: Initializer,
    activation: Activation,
    batch_norm: bool = False,
    bias: bool = False,
    dtype: Any = None,
) -> Network:
    """A multilayer perceptron: affine layers, each but the last followed by the activation.

    widths      (inputs, hidden, ..., outputs), so there is one weight matrix fewer than widths
    batch_norm  between each affine layer and its activation, gamma = 1 and beta = 0
    bias        zeros, where there are any

    Raises `UsageError` for fewer than two widths.
    """
    if len(widths) < 2:
        raise UsageError(f"widths={widths!r}: a network needs two or more, (inputs, ..., outputs)")
    dtype = floating(dtype)
    layers: list[Any] = []
    for fan_in, fan_out in pairwise(widths):
        W = initializer((fan_in, fan_out), rng, dtype=dtype.name)
        layers.append(Affine(W, np.zeros(fan_out, dtype) if bias else None))
        if batch_norm:
            layers.append(BatchNorm(np.ones(fan_out, dtype), np.zeros(fan_out, dtype)))
        layers.append(Activate(activation))
    last = next(i for i in reversed(range(len(layers))) if isinstance(layers[i], Affine))
    return Network(layers[: last + 1], initializer=initializer)


def activations_by_layer(x: Array, weights: Iterable[Array], activation: Activation) -> Iterator[Array]:
    """The textbook experiment: y_l = f(y_{l-1} W_l) for l = 1 .. L, from y_0 = x.

    x: (N, in). `weights` may be a generator: no more than one layer is kept at a time.
    """
    for W in weights:
        x = product(x, W)
        x = activation.value(x)
        yield x


def _forward(layer: Any, x: Array, training: bool) -> Array:
    y: Array = layer.forward(x, training) if isinstance(layer, BatchNorm | Dropout) else layer.forward(x)
    return y
