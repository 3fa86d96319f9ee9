"""Activations of the family `jax`: jax.nn's as they are compiled, and the slopes that jax.vjp finds.

`jax.nn.gelu` is the approximation by tanh unless it is told otherwise.
"""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from verinit.targets.activations.forms import LIMITS, ONE_MINUS, ONE_PLUS, Differentiated, Expected, built_in
from verinit.targets.jax.framework import google_jax
from verinit.targets.jax.vjp import Vjp
from verinit.vocabulary import Target

PLUS_ONE = "its value plus 1, which cancels on the left"
CUBED = (
    "AC306",
    "the gradient is infinity times 0 where x^3 overflows: from 148 on in float16, 1e19 in float32",
)


@cache
def targets() -> tuple[Target, ...]:
    """The activations of jax.nn that have a name in the reference, with their default parameters.

    Raises `TargetError` where jax is not installed.
    """
    jax = google_jax()
    nn = jax.nn
    rows: tuple[tuple[str, str, Any, Expected], ...] = (
        ("sigmoid", "sigmoid", nn.sigmoid, _slope(f"the gradient's {ONE_MINUS}")),
        ("tanh", "tanh", jax.numpy.tanh, _slope(f"the gradient's {ONE_MINUS}")),
        ("relu", "relu", nn.relu, ()),
        ("leaky_relu", "leaky_relu", nn.leaky_relu, ()),
        ("elu", "elu", nn.elu, _slope(f"the gradient of expm1 is {PLUS_ONE}")),
        ("selu", "selu", nn.selu, _slope(f"the gradient of expm1 is {PLUS_ONE}")),
        ("gelu", "gelu_tanh", nn.gelu, (*LIMITS, ("AC202", ONE_PLUS), *_slope(ONE_PLUS), CUBED)),
        ("gelu@exact", "gelu", partial(nn.gelu, approximate=False), LIMITS),
        ("silu", "silu", nn.silu, LIMITS),
        ("softplus", "softplus", nn.softplus, ()),
    )
    return tuple(
        built_in(f"jax:{name}", like, Differentiated(Vjp(function, compiled=True)), expected=expected)
        for name, like, function, expected in rows
    )


def _slope(reason: str) -> Expected:
    """That digits of a slope are lost."""
    return (("AC302", reason),)
