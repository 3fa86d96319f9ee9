"""Softmax with loss: gradients that die too early, never, or that are not those of the loss reported."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.faults.registry import plant
from verinit.vocabulary import Case, Fault, Target

Array = NDArray[Any]
DTYPES = ("float16", "bfloat16", "float32", "float64")


def softmax(x: Array) -> Array:
    """Of rows, shifted by their maximum."""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


def log_loss(x: Array, labels: Array) -> Array:
    """-log softmax at the label, one a row, by log-sum-exp."""
    shifted = x - x.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(len(x)), labels])


def minus_one_hot(y: Array, labels: Array) -> Array:
    """The gradient of a mean over rows: y - t, divided by their number."""
    return np.asarray((y - np.eye(y.shape[1], dtype=y.dtype)[labels]) / y.dtype.type(len(y)))


@dataclass(slots=True, kw_only=True)
class Written:
    """A loss and a gradient, each a function of logits (N, K) and labels (N,)."""

    loss: Callable[[Array, Array], Array]
    gradient: Callable[[Array, Array], Array]
    seen: tuple[Array, Array] | None = None

    def forward(self, x: Array, labels: Array) -> float:
        """The mean of the losses of the rows."""
        self.seen = x, labels
        return float(self.loss(x, labels).mean())

    def backward(self) -> Array:
        """Its gradient with respect to the logits, as it is claimed."""
        assert self.seen is not None
        return self.gradient(*self.seen)


def written(*codes: str, cases: str = "64x2/float64 64x10/float64") -> Callable[[Any], Any]:
    """Plant what the decorated function returns: the losses of rows, and the gradient of their mean."""

    def planted(make: Callable[[], tuple[Any, Any]]) -> Any:
        loss, gradient = make()
        name = make.__name__
        plant(
            Fault(
                name=name,
                codes=codes,
                target=Target(
                    name=f"fault:{name}",
                    kind="loss",
                    object=Written(loss=loss, gradient=gradient),
                    declared=(("like", "softmax_with_loss"),),
                    ranks=(2,),
                    dtypes=DTYPES,
                    replayable=False,
                ),
                story=inspect.getdoc(make) or "",
                cases=tuple(map(Case.parse, cases.split())),
            )
        )
        return make

    return planted


def right(x: Array, labels: Array) -> Array:
    """The gradient of the mean of -log softmax."""
    return minus_one_hot(softmax(x), labels)


@written("SA201", cases="64x2/float64 64x10/float64 64x2/float32")
def probabilities_in_half() -> tuple[Any, Any]:
    """Probabilities are kept in float16 between the passes, and t is taken off what was kept."""
    return log_loss, lambda x, labels: minus_one_hot(softmax(x).astype(np.float16).astype(x.dtype), labels)


@written("SA201", "SA202", cases="64x2/float64 64x10/float64 64x2/float32")
def probabilities_clipped() -> tuple[Any, Any]:
    """Probabilities are clipped to [1e-7, 1 - 1e-7] for the logarithm, and the gradient is made of them."""
    return log_loss, lambda x, labels: minus_one_hot(np.clip(softmax(x), 1e-7, 1 - 1e-7), labels)


@written("SA202", cases="64x2/float64 64x10/float64 64x2/float32 64x2/bfloat16")
def small_probabilities_dropped() -> tuple[Any, Any]:
    """Probabilities below 1e-12 are set to 0, to keep the gradient sparse."""

    def gradient(x: Array, labels: Array) -> Array:
        y = softmax(x)
        return minus_one_hot(np.where(y < 1e-12, y.dtype.type(0), y), labels)

    return log_loss, gradient


@written("SA203", cases="64x2/float64 64x10/float64 64x2/float32")
def floor_in_the_logarithm() -> tuple[Any, Any]:
    """-log(y + 1e-7) is reported, lest y be 0, and y - t is sent back.

    The textbook's form. The two agree while no output is both confident and wrong.
    """
    rows = np.arange
    return lambda x, labels: -np.log(softmax(x)[rows(len(x)), labels] + x.dtype.type(1e-7)), right


@written("SA203", cases="64x2/float64 64x10/float64 64x2/float32")
def loss_of_clipped_probabilities() -> tuple[Any, Any]:
    """The loss is taken of probabilities clipped at 1e-7, and y - t is sent back."""
    rows = np.arange
    return lambda x, labels: -np.log(np.maximum(softmax(x)[rows(len(x)), labels], x.dtype.type(1e-7))), right


@written("SA204", cases="64x2/float64 64x10/float64 64x2/float32 64x2/float16")
def nothing_from_clipped_probabilities() -> tuple[Any, Any]:
    """Autodiff of a logarithm of clipped probabilities: beyond the clip nothing comes back.

    Loss and gradient agree, and a confidently wrong output is never corrected.
    """

    def gradient(x: Array, labels: Array) -> Array:
        y = softmax(x)
        kept = y[np.arange(len(y)), labels] > 1e-7
        return np.asarray(right(x, labels) * kept[:, None])

    def loss(x: Array, labels: Array) -> Array:
        return np.asarray(np.minimum(log_loss(x, labels), x.dtype.type(-np.log(1e-7))))

    return loss, gradient


@written("SA204", cases="64x2/float64 64x10/float64 64x2/float32")
def squared_error_of_probabilities() -> tuple[Any, Any]:
    """Squared error stands where cross entropy was meant: the slope of softmax is in the gradient, twice.

    Right or wrong, a saturated output then learns nothing.
    """

    def gradient(x: Array, labels: Array) -> Array:
        y = softmax(x)
        c = minus_one_hot(y, labels)
        return np.asarray(y * (c - (y * c).sum(axis=1, keepdims=True)))

    def loss(x: Array, labels: Array) -> Array:
        off = softmax(x) - np.eye(x.shape[1])[labels]
        return np.asarray((off * off).sum(axis=1) / 2)

    return loss, gradient
