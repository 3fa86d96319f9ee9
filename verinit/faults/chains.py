"""The right code that wrong gradients depart from: layers one after the other, forward and backward.

Written apart from `verinit.reference`, so that a slip there is no slip here; and analytic, so that it can be
stepped into the complex plane.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import ml_dtypes  # noqa: F401 - teaches numpy.dtype the word "bfloat16"
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Forward = Callable[..., Array]
Backward = Callable[..., tuple[Array, ...]]
EPS = 1e-5


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One layer. own: names of its parameters; made: (rng, width) to (parameters, width of the output).

    forward (x, *own) to y; backward (c, x, *own) to (dx, *gradients of own).
    """

    kind: str
    forward: Forward
    backward: Backward
    own: tuple[str, ...] = ()
    made: Callable[[np.random.Generator, int], tuple[list[Array], int]] = lambda rng, width: ([], width)


def affine(width: int) -> Step:
    """X W + b with `width` outputs."""

    def made(rng: np.random.Generator, inputs: int) -> tuple[list[Array], int]:
        return [rng.standard_normal((inputs, width)) / np.sqrt(inputs), rng.standard_normal(width) / 2], width

    return Step(
        kind="affine",
        own=("W", "b"),
        made=made,
        forward=lambda x, W, b: x @ W + b,
        backward=lambda c, x, W, b: (c @ W.T, x.T @ c, c.sum(axis=0)),
    )


def normalised(x: Array, eps: float = EPS) -> tuple[Array, Array]:
    """(x_hat, 1 / sqrt(var + eps)) over the batch."""
    centred = x - x.mean(axis=0)
    inverse = 1.0 / np.sqrt((centred * centred).mean(axis=0) + x.dtype.type(eps))
    return centred * inverse, inverse


def _batch_norm(x: Array, gamma: Array, beta: Array) -> Array:
    return gamma * normalised(x)[0] + beta


def _batch_norm_back(c: Array, x: Array, gamma: Array, beta: Array) -> tuple[Array, ...]:
    xhat, inverse = normalised(x)
    inner = c - c.mean(axis=0) - xhat * (c * xhat).mean(axis=0)
    return gamma * inverse * inner, (c * xhat).sum(axis=0), c.sum(axis=0)


def _scales(rng: np.random.Generator, width: int) -> tuple[list[Array], int]:
    sign = 1.0 - 2.0 * rng.integers(0, 2, width)
    return [sign * rng.uniform(0.5, 2.0, width), rng.standard_normal(width) / 2], width


BATCH_NORM = Step(
    kind="batch_norm", own=("gamma", "beta"), made=_scales, forward=_batch_norm, backward=_batch_norm_back
)


def _layer_norm(x: Array, gamma: Array, beta: Array) -> Array:
    return gamma * normalised(x.T)[0].T + beta


def _layer_norm_back(c: Array, x: Array, gamma: Array, beta: Array) -> tuple[Array, ...]:
    xhat, inverse = normalised(x.T)
    d = (c * gamma).T
    inner = d - d.mean(axis=0) - xhat * (d * xhat).mean(axis=0)
    return (inverse * inner).T, (c * xhat.T).sum(axis=0), c.sum(axis=0)


LAYER_NORM = Step(
    kind="layer_norm", own=("gamma", "beta"), made=_scales, forward=_layer_norm, backward=_layer_norm_back
)


def elementwise(kind: str, value: Callable[[Array], Array], slope: Callable[[Array], Array]) -> Step:
    """A function of every entry by itself, with its derivative."""
    return Step(kind=kind, forward=value, backward=lambda c, x: (c * slope(x),))


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)) without overflow."""
    e = np.exp(-_size(x))
    return np.asarray(np.where(x.real >= 0, 1.0, e).astype(x.dtype) / (1 + e))


def _size(x: Array) -> Array:
    """|x|, continued into the complex plane: x or -x."""
    return np.asarray(np.where(x.real >= 0, x, -x))


SIGMOID = elementwise("sigmoid", logistic, lambda x: logistic(x) * logistic(-x))
TANH = elementwise("tanh", np.tanh, lambda x: (1 - np.tanh(x)) * (1 + np.tanh(x)))
RELU = elementwise("relu", lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(x.dtype))
SOFTPLUS = elementwise("softplus", lambda x: np.maximum(x, 0) + np.log1p(np.exp(-_size(x))), logistic)
SILU = elementwise("silu", lambda x: x * logistic(x), lambda x: logistic(x) * (1 + x * logistic(-x)))
SQUARE = elementwise("square", lambda x: x * x, lambda x: 2 * x)


def _leaky_slope(x: Array) -> Array:
    return np.asarray(np.where(x > 0, 1, x.dtype.type(0.1)).astype(x.dtype))


LEAKY = elementwise("leaky", lambda x: np.asarray(x * _leaky_slope(x)), _leaky_slope)


def _softmax(x: Array) -> Array:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def _softmax_back(c: Array, x: Array) -> tuple[Array, ...]:
    y = _softmax(x)
    return (y * (c - (c * y).sum(axis=1, keepdims=True)),)


SOFTMAX = Step(kind="softmax", forward=_softmax, backward=_softmax_back)


def _labels(x: Array) -> Array:
    """One-hot rows: class n mod K for row n."""
    return np.asarray(np.eye(x.shape[1], dtype=x.dtype)[np.arange(len(x)) % x.shape[1]])


def _loss(x: Array) -> Array:
    shifted = x - x.max(axis=1, keepdims=True)
    log_y = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return np.asarray(-(_labels(x) * log_y).sum() / x.dtype.type(len(x)))


def _loss_back(c: Array, x: Array) -> tuple[Array, ...]:
    return (c * ((_softmax(x) - _labels(x)) / x.dtype.type(len(x))),)


LOSS = Step(kind="loss", forward=_loss, backward=_loss_back)
SPECIAL = (0.0, 0.0, 1.0, -1.0, 1e-8, 2.0**-20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Layers one after the other, as a function of the batch and all parameters."""

    steps: tuple[Step, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """x, then every parameter with the number of its layer: W1, b1, gamma2."""
        return ("x", *(f"{name}{k}" for k, step in enumerate(self.steps, 1) for name in step.own))

    def inputs(
        self,
        shape: tuple[int, ...],
        rng: np.random.Generator,
        *,
        dtype: str | None = None,
        scale: float = 1.0,
        special: bool = False,
    ) -> tuple[Array, ...]:
        """A normal batch (N, D) of this scale, some entries special numbers; parameters of usual sizes."""
        x = rng.standard_normal(shape) * scale
        if special:
            x = np.where(rng.random(shape) < 0.3, rng.choice(SPECIAL, shape), x)
        made, width = [x], shape[1]
        for step in self.steps:
            own, width = step.made(rng, width)
            made += own
        return tuple(a.astype(dtype or "float64") for a in made)

    def forward(self, *inputs: Array) -> Array:
        """The output of the last layer."""
        return self._walk(inputs)[-1]

    def backward(self, cotangent: Array, *inputs: Array) -> tuple[Array, ...]:
        """The gradient of <cotangent, output> for every input."""
        signals, own = self._walk(inputs), self._own(inputs)
        c: Array = cotangent
        found: list[Array] = []
        for step, x, parameters in reversed(list(zip(self.steps, signals[:-1], own, strict=True))):
            back = step.backward(_single(c), _single(x), *map(_single, parameters))
            c, *rest = (np.asarray(g, dtype=cotangent.dtype) for g in back)
            found = [*rest, *found]
        return (c, *found)

    def _own(self, inputs: Sequence[Array]) -> list[tuple[Array, ...]]:
        parts, start = [], 1
        for step in self.steps:
            parts.append(tuple(inputs[start : start + len(step.own)]))
            start += len(step.own)
        return parts

    def _walk(self, inputs: Sequence[Array]) -> list[Array]:
        signals = [inputs[0]]
        for step, parameters in zip(self.steps, self._own(inputs), strict=True):
            y = np.asarray(step.forward(_single(signals[-1]), *map(_single, parameters)))
            signals.append(y if y.dtype.kind == "c" else y.astype(inputs[0].dtype, copy=False))
        return signals


def _single(x: Array) -> Array:
    """Half precision is computed in single, as every framework does; a layer rounds its output once."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x
