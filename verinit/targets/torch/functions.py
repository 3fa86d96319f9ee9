"""Functions of the family `torch`: what layers, activations and losses compute, and autograd's gradients.

Each is looked at through the function that its module calls, with the module's parameters as inputs, in
torch's own layout: weights `(out, in)`, channels second.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from verinit.targets.function_inputs import PARAMETERS, Array, Drawn, Formula
from verinit.targets.torch.autograd import Autograd
from verinit.targets.torch.framework import pytorch
from verinit.vocabulary import Target

DTYPES = ("float32", "float64", "float16", "bfloat16")
KERNEL = 3
Shape = tuple[int, ...]
_ACTIVATIONS = {
    "GELU": "gelu",
    "SiLU": "silu",
    "ELU": "elu",
    "Softplus": "softplus",
    "LeakyReLU": "leaky_relu",
}
"""Modules, and the functions that they call."""


@cache
def targets() -> tuple[Target, ...]:
    """A layer of each kind, activations, softmax and the loss.

    Raises `TargetError` where torch is not installed.
    """
    f = pytorch().nn.functional
    rows: tuple[tuple[str, tuple[str, ...], Any, Callable[..., Any], Shape], ...] = (
        ("Linear", ("x", "weight", "bias"), _linear, f.linear, (2, 3)),
        ("Conv2d", ("x", "weight", "bias"), _kernel, f.conv2d, (4,)),
        ("BatchNorm1d", _SCALED, _channels, _batch_norm, (2, 3)),
        ("LayerNorm", _SCALED, _features, _layer_norm, (2, 3, 4)),
        ("softmax", ("x",), _signal, lambda x: f.softmax(x, dim=-1), (1, 2, 3)),
        ("cross_entropy", ("x", "labels"), _labelled, f.cross_entropy, (2,)),
        *((name, ("x",), _signal, getattr(f, word), (1, 2, 3)) for name, word in _ACTIVATIONS.items()),
    )
    return tuple(_target(*row) for row in rows)


_SCALED = ("x", "weight", "bias")


def _target(
    name: str, names: tuple[str, ...], draw: Any, function: Callable[..., Any], ranks: Shape
) -> Target:
    passes = Autograd(function)
    return Target(
        name=f"torch:vjp({name})",
        kind="function",
        object=Formula(names=names, draw=draw, forward=passes.forward, backward=passes.backward),
        parameters=PARAMETERS,
        ranks=ranks,
        dtypes=DTYPES,
    )


def _batch_norm(x: Any, weight: Any, bias: Any) -> Any:
    return pytorch().nn.functional.batch_norm(x, None, None, weight, bias, training=True)


def _layer_norm(x: Any, weight: Any, bias: Any) -> Any:
    return pytorch().nn.functional.layer_norm(x, x.shape[-1:], weight, bias)


def _signal(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    return (drawn.signal(shape),)


def _labelled(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    return drawn.signal(shape), drawn.labels(*shape)


def _linear(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    fan_in, fan_out = shape[-1], shape[-1] // 2 + 1
    return drawn.signal(shape), drawn.weights((fan_out, fan_in), fan_in=fan_in), drawn.shifts(fan_out)


def _kernel(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    channels, size, fan_out = shape[1], min(KERNEL, *shape[2:]), shape[1] + 1
    weight = drawn.weights((fan_out, channels, size, size), fan_in=channels * size * size)
    return drawn.signal(shape), weight, drawn.shifts(fan_out)


def _channels(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    return drawn.signal(shape), drawn.scales(shape[1]), drawn.shifts(shape[1])


def _features(drawn: Drawn, shape: Shape) -> tuple[Array, ...]:
    return drawn.signal(shape), drawn.scales(shape[-1]), drawn.shifts(shape[-1])
