"""Losses of the family `numpy`: softmax with loss as the reference has it, and as the chapter has it."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.reference.layers import SoftmaxWithLoss
from verinit.vocabulary import Target

Array = NDArray[Any]
DTYPES = ("float32", "float64", "float16", "bfloat16")
DECLARED = (("like", "softmax_with_loss"),)
FLOOR = 1e-7
"""What the chapter adds to y, lest the logarithm of 0 be taken."""
WHY = (
    "the chapter reports -log(y + 1e-7) and sends back y - t, which is the gradient of -log y: at a gap of "
    "16 the loss changes by half of what the gradient says"
)


@cache
def targets() -> tuple[Target, ...]:
    """The loss of the reference, and the chapter's form of it, whose mismatch is known."""
    return (
        Target(
            name="numpy:SoftmaxWithLoss",
            kind="loss",
            object=SoftmaxWithLoss(),
            declared=DECLARED,
            ranks=(2,),
            dtypes=DTYPES,
        ),
        Target(
            name="numpy:SoftmaxWithLoss@chapter",
            kind="loss",
            object=ChapterLoss(),
            declared=DECLARED,
            expected=(("SA203", WHY),),
            ranks=(2,),
            dtypes=DTYPES,
        ),
    )


class ChapterLoss:
    """Softmax with loss as the chapter writes it: -log(y_t + 1e-7), and y - t sent back.

    Computed as it stands there, in the dtype of the logits.
    """

    def __init__(self) -> None:
        self.y: Array = np.empty((0, 0))
        self.t: Array = np.empty(0, dtype=int)

    def forward(self, x: Array, labels: Array) -> float:
        """The mean over rows; x: (N, K), labels: (N,) whole numbers."""
        e = np.exp(x - np.max(x, axis=-1, keepdims=True))
        self.y, self.t = e / np.sum(e, axis=-1, keepdims=True), labels
        rows = np.arange(len(x))
        return float(-np.sum(np.log(self.y[rows, labels] + self.y.dtype.type(FLOOR))) / len(x))

    def backward(self) -> Array:
        """(y - t) / N."""
        dx = self.y.copy()
        dx[np.arange(len(dx)), self.t] -= dx.dtype.type(1)
        sent: Array = dx / dx.dtype.type(len(dx))
        return sent


class Mean:
    """A function of logits (N, K) and labels (N,), by its two passes, as a loss that remembers what it saw.

    passes  forward(x, labels), and backward(cotangent, x, labels) with one gradient for each
    """

    def __init__(self, passes: Any) -> None:
        self.passes = passes
        self.seen: tuple[Array, Array] = (np.empty((0, 0)), np.empty(0, dtype=np.int64))

    def forward(self, x: Array, labels: Array) -> float:
        """The loss, a mean over rows."""
        self.seen = x, np.asarray(labels, dtype=np.int64)
        return float(self.passes.forward(*self.seen))

    def backward(self) -> Array:
        """Its gradient with respect to the logits."""
        gradient: Array = self.passes.backward(np.ones((), self.seen[0].dtype), *self.seen)[0]
        return gradient
