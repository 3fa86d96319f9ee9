"""Functions of the family `numpy`: every layer and activation of the reference, forward and backward.

Each call builds the layer anew from its inputs, so that both passes are pure. Names are those of the
reference's classes; `@eval` and the like say in which of its modes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np

from verinit.reference.activations import ACTIVATIONS, softmax, softmax_vjp
from verinit.reference.layers import Activate, Affine, BatchNorm, Dropout, SoftmaxWithLoss
from verinit.reference.network import Network
from verinit.reference.precision import rounded, widened
from verinit.targets.function_inputs import PARAMETERS, Array, Drawn, Formula
from verinit.targets.reference import DTYPES
from verinit.vocabulary import ROOT, Target, entropy

RATE = 0.5
"""The share of entries that dropout forgets; always the same ones of a shape."""
BATCHES = (2, 3)
"""Numbers of axes of a batch: (N, D) or (N, T, D); batch norm takes images with channels last as well."""
ANY = (1, 2, 3)
Shape = tuple[int, ...]


@cache
def targets() -> tuple[Target, ...]:
    """Every layer, softmax, the loss, every activation, and small networks of all of them."""
    rows: tuple[tuple[str, Formula, Shape], ...] = (
        ("Affine", _formula(("x", "W", "b"), _affine_inputs, _affine), BATCHES),
        ("Affine@no_bias", _formula(("x", "W"), _linear_inputs, _affine), BATCHES),
        ("BatchNorm", _formula(("x", "gamma", "beta"), _batch_inputs, _batch_norm), (*BATCHES, 4)),
        ("BatchNorm@eval", _formula(_STATISTICS, _eval_inputs, _batch_norm_eval), (*BATCHES, 4)),
        ("Dropout", _formula(("x",), _signal, _dropout), ANY),
        ("softmax", _SOFTMAX, ANY),
        ("SoftmaxWithLoss", _LOSS, (2,)),
        *(
            (f"Activate({name})", _formula(("x",), _signal, partial(_activate, name)), ANY)
            for name in ACTIVATIONS
        ),
        *((f"Network({name})", _network(name), (2,)) for name in ("relu", "tanh")),
    )
    return tuple(_target(name, formula, ranks) for name, formula, ranks in rows)


def _target(name: str, formula: Formula, ranks: Shape) -> Target:
    return Target(
        name=f"numpy:vjp({name})",
        kind="function",
        object=formula,
        parameters=PARAMETERS,
        ranks=ranks,
        dtypes=DTYPES,
    )


Ready = Callable[..., tuple[Any, Array]]
"""Of all inputs: a layer that has seen them, and its output."""


def _formula(
    names: tuple[str, ...], draw: Callable[[Drawn, Shape], tuple[Array, ...]], seen: Ready
) -> Formula:
    """A layer as a function of its input and of its parameters, whose gradients it keeps under d + name."""

    def forward(*inputs: Array) -> Array:
        return seen(*inputs)[1]

    def backward(cotangent: Array, *inputs: Array) -> tuple[Array | None, ...]:
        layer, _ = seen(*inputs)
        dx = layer.backward(cotangent)
        return (dx, *(getattr(layer, f"d{name}", None) for name in names[1:]))

    return Formula(names=names, draw=draw, forward=forward, backward=backward)


def _signal(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    return (drawn.signal(shape),)


def _outputs(inputs: int) -> int:
    """How many outputs a layer has: fewer than inputs, so that no weight is square."""
    return inputs // 2 + 1 if inputs > 2 else inputs + 1


def _linear_inputs(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    fan_in = shape[-1]
    return drawn.signal(shape), drawn.weights((fan_in, _outputs(fan_in)), fan_in=fan_in)


def _affine_inputs(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    return (*_linear_inputs(drawn, shape), drawn.shifts(_outputs(shape[-1])))


def _affine(x: Array, W: Array, b: Array | None = None) -> tuple[Affine, Array]:
    layer = Affine(W, b)
    return layer, layer.forward(x)


def _activate(name: str, x: Array) -> tuple[Activate, Array]:
    layer = Activate(ACTIVATIONS[name])
    return layer, layer.forward(x)


def _batch_inputs(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    return drawn.signal(shape), drawn.scales(shape[-1]), drawn.shifts(shape[-1])


def _batch_norm(x: Array, gamma: Array, beta: Array) -> tuple[BatchNorm, Array]:
    layer = BatchNorm(gamma, beta)
    return layer, layer.forward(x, True)


_STATISTICS = ("x", "gamma", "beta", "running_mean", "running_var")


def _eval_inputs(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    size = shape[-1]
    return (*_batch_inputs(drawn, shape), drawn.shifts(size), drawn.variances(size))


def _batch_norm_eval(
    x: Array, gamma: Array, beta: Array, running_mean: Array, running_var: Array
) -> tuple[BatchNorm, Array]:
    layer = BatchNorm(gamma, beta, running_mean=running_mean, running_var=running_var)
    return layer, layer.forward(x, False)


def _dropout(x: Array) -> tuple[Dropout, Array]:
    layer = Dropout(RATE, np.random.default_rng(entropy(ROOT, "numpy:Dropout", x.shape, "mask")))
    return layer, layer.forward(x, True)


_SOFTMAX = Formula(
    names=("x",),
    draw=_signal,
    forward=softmax,
    backward=lambda cotangent, x: (softmax_vjp(softmax(x), cotangent),),
)


def _loss_inputs(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    return drawn.signal(shape), drawn.labels(*shape)


def _loss(x: Array, labels: Array) -> Array:
    return rounded(np.asarray(SoftmaxWithLoss().forward(x, labels)), x.dtype)


def _loss_gradient(cotangent: Array, x: Array, labels: Array) -> tuple[Array | None, ...]:
    layer = SoftmaxWithLoss()
    layer.forward(x, labels)
    return rounded(widened(cotangent) * widened(layer.backward()), x.dtype), None


_LOSS = Formula(names=("x", "labels"), draw=_loss_inputs, forward=_loss, backward=_loss_gradient)


WEIGHTED = 3
"""Affine layers of the small network; each but the last is followed by batch norm and an activation."""


def _network(activation: str) -> Formula:
    """Three affine layers, two batch norms, two activations; a bias that feeds batch norm has gradient 0."""
    names = ["x"]
    for i in range(1, WEIGHTED + 1):
        names += [f"W{i}", f"b{i}"] + ([f"gamma{i}", f"beta{i}"] if i < WEIGHTED else [])

    def backward(cotangent: Array, *inputs: Array) -> tuple[Array | None, ...]:
        network = _built(activation, *inputs[1:])
        network.forward(inputs[0])
        gradients: list[Array | None] = [network.backward(cotangent)]
        for layer in network.layers:
            if isinstance(layer, Affine):
                gradients += [layer.dW, layer.db]
            elif isinstance(layer, BatchNorm):
                gradients += [layer.dgamma, layer.dbeta]
        return tuple(gradients)

    return Formula(
        names=tuple(names),
        draw=_network_inputs,
        forward=lambda x, *parameters: _built(activation, *parameters).forward(x),
        backward=backward,
    )


def _network_inputs(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    found, width = [drawn.signal(shape)], shape[-1]
    for i in range(1, WEIGHTED + 1):
        found += [drawn.weights((width, width), fan_in=width), drawn.shifts(width)]
        found += [drawn.scales(width), drawn.shifts(width)] if i < WEIGHTED else []
    return tuple(found)


def _built(activation: str, *parameters: Array) -> Network:
    layers: list[Any] = []
    for i in range(WEIGHTED):
        W, b, *scale = parameters[4 * i : 4 * i + 4]
        layers.append(Affine(W, b))
        if scale:
            layers += [BatchNorm(*scale), Activate(ACTIVATIONS[activation])]
    return Network(layers)
