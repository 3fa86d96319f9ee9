"""Functions of the family `jax`: what jax.nn computes, and what jax.vjp makes of it.

`jax:vjp(gelu)` is looked at in float64 too, whether or not `jax_enable_x64` is set.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from verinit.targets.function_inputs import PARAMETERS, Array, Drawn, Formula
from verinit.targets.jax.framework import google_jax
from verinit.targets.jax.vjp import Vjp
from verinit.vocabulary import Target

DTYPES = ("float32", "float64", "float16", "bfloat16")
_ACTIVATIONS = ("sigmoid", "relu", "gelu", "silu", "softplus", "softmax")


@cache
def targets() -> tuple[Target, ...]:
    """Activations, softmax, the loss and a dense layer.

    Raises `TargetError` where jax is not installed.
    """
    nn = google_jax().nn
    return (
        *(_target(name, ("x",), _signal, getattr(nn, name), (1, 2, 3)) for name in _ACTIVATIONS),
        _target("standardize", ("x",), _signal, nn.standardize, (2, 3)),
        _target("cross_entropy", ("x", "labels"), _labelled, _cross_entropy, (2,)),
        _target("dense", ("x", "W", "b"), _dense, lambda x, W, b: nn.relu(x @ W + b), (2, 3)),
    )


def _target(
    name: str, names: tuple[str, ...], draw: Any, function: Callable[..., Any], ranks: tuple[int, ...]
) -> Target:
    passes = Vjp(function, compiled=True)
    return Target(
        name=f"jax:vjp({name})",
        kind="function",
        object=Formula(names=names, draw=draw, forward=passes.forward, backward=passes.backward),
        parameters=PARAMETERS,
        ranks=ranks,
        dtypes=DTYPES,
    )


def _cross_entropy(x: Any, labels: Any) -> Any:
    jax = google_jax()
    return -(jax.nn.log_softmax(x) * jax.nn.one_hot(labels, x.shape[-1], dtype=x.dtype)).sum(-1).mean()


def _signal(drawn: Drawn, shape: tuple[int, ...]) -> tuple[Array, ...]:
    return (drawn.signal(shape),)


def _labelled(drawn: Drawn, shape: tuple[int, ...]) -> tuple[Array, ...]:
    return drawn.signal(shape), drawn.labels(*shape)


def _dense(drawn: Drawn, shape: tuple[int, ...]) -> tuple[Array, ...]:
    fan_in, fan_out = shape[-1], shape[-1] // 2 + 1
    return drawn.signal(shape), drawn.weights((fan_in, fan_out), fan_in=fan_in), drawn.shifts(fan_out)
