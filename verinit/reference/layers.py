"""Layers, forward and backward: what each computes, and what it sends back.

`forward` stores what `backward` needs. `backward` takes the cotangent of the output (the gradient of a
scalar with respect to it), leaves the gradients of the parameters in `dW, db, dgamma, dbeta`, and
returns the cotangent of the input. Signals are `(N, D)` or channels-last `(N, ..., D)` and keep their
dtype; sums run in float32 or wider.
"""

from __future__ import annotations

import numpy as np

from verinit.reference.precision import Array, kept, product, rounded, widened
from verinit.vocabulary import Activation, UsageError


class Affine:
    """Each output is a weighted sum of the inputs: y = x W + b.

    W: (in, out); b: (out,), or None for no bias.
    """

    def __init__(self, W: Array, b: Array | None) -> None:
        self.W = W
        self.b = b
        self.dW: Array | None = None
        self.db: Array | None = None
        self.x: Array | None = None

    def forward(self, x: Array) -> Array:
        """`x: (..., in)` becomes x W + b, `(..., out)`."""
        self.x = x
        y = product(x, self.W)
        return y if self.b is None else rounded(widened(y) + widened(self.b), y.dtype)

    def backward(self, cotangent: Array) -> Array:
        """Returns c W'; dW = x' c and db = sum c over the batch."""
        x = _stored(self.x)
        rows = widened(cotangent).reshape(-1, cotangent.shape[-1])
        self.dW = rounded(widened(x).reshape(-1, x.shape[-1]).T @ rows, self.W.dtype)
        self.db = None if self.b is None else rounded(rows.sum(axis=0), self.b.dtype)
        return rounded(widened(cotangent) @ widened(self.W).T, kept(x.dtype))


class Activate:
    """Every entry goes through the same function: y = f(x)."""

    def __init__(self, activation: Activation) -> None:
        self.activation = activation
        self.x: Array | None = None

    def forward(self, x: Array) -> Array:
        """f(x), entry by entry."""
        self.x = x
        return self.activation.value(x)

    def backward(self, cotangent: Array) -> Array:
        """Returns c f'(x)."""
        slope = self.activation.derivative(_stored(self.x))
        return rounded(widened(cotangent) * widened(slope), slope.dtype)


class BatchNorm:
    """Over a batch every channel has mean beta and variance gamma^2 s^2 / (s^2 + eps).

    y = gamma (x - m) / sqrt(s^2 + eps) + beta, with m and the biased variance s^2 (divisor n) of the
    batch while training, of the running statistics otherwise; n counts all axes but the last.

    Running statistics follow `running = momentum * running + (1 - momentum) * batch`, the convention of
    Keras; a PyTorch momentum is 1 minus this one. `unbiased` says whether the running variance takes the
    divisor n - 1 (the paper's algorithm 2, and PyTorch) or n (Keras).

    gamma, beta, running_mean, running_var: (D,). Source: Ioffe & Szegedy 2015, algorithms 1 and 2.
    """

    def __init__(
        self,
        gamma: Array,
        beta: Array,
        *,
        eps: float = 1e-5,
        momentum: float = 0.9,
        running_mean: Array | None = None,
        running_var: Array | None = None,
        unbiased: bool = True,
    ) -> None:
        if not 0.0 <= momentum <= 1.0:
            raise UsageError(f"momentum={momentum!r}: must lie between 0 and 1")
        if not 0.0 <= eps < np.inf:
            raise UsageError(f"eps={eps!r}: must be finite and not negative")
        self.gamma, self.beta = gamma, beta
        self.eps, self.momentum, self.unbiased = eps, momentum, unbiased
        self.running_mean = np.zeros_like(widened(gamma)) if running_mean is None else running_mean
        self.running_var = np.ones_like(widened(gamma)) if running_var is None else running_var
        self.dgamma: Array | None = None
        self.dbeta: Array | None = None
        self.xhat: Array | None = None

    def forward(self, x: Array, training: bool) -> Array:
        """`x: (N, ..., D)` normalised; moves the running statistics while training."""
        wide = widened(x)
        mean, var = self._batch(wide) if training else (widened(self.running_mean), widened(self.running_var))
        self.training, self.dtype = training, kept(x.dtype)
        self.scale = 1.0 / np.sqrt(var + self.eps)
        self.xhat = (wide - mean) * self.scale
        return rounded(widened(self.gamma) * self.xhat + widened(self.beta), self.dtype)

    def backward(self, cotangent: Array) -> Array:
        """Returns gamma / sqrt(s^2 + eps) (c - mean(c) - xhat mean(c xhat)), without the means in evaluation.

        While training this is orthogonal to constants and, but for eps, to xhat: adding a constant to x,
        or scaling it, leaves y as it is.
        """
        xhat, c = _stored(self.xhat), widened(cotangent)
        batch = tuple(range(c.ndim - 1))
        self.dgamma = rounded((c * xhat).sum(axis=batch), self.gamma.dtype)
        self.dbeta = rounded(c.sum(axis=batch), self.beta.dtype)
        if self.training:
            c = c - c.mean(axis=batch) - xhat * (c * xhat).mean(axis=batch)
        return rounded(widened(self.gamma) * self.scale * c, self.dtype)

    def _batch(self, x: Array) -> tuple[Array, Array]:
        n = x.size // max(x.shape[-1], 1)
        if n < 1 + self.unbiased:
            kind = "unbiased variance: give 2 or more, or unbiased=False" if self.unbiased else "variance"
            raise UsageError(f"x of shape {x.shape}: a batch of {n} has no {kind}")
        batch = tuple(range(x.ndim - 1))
        mean = x.mean(axis=batch)
        var = ((x - mean) * (x - mean)).mean(axis=batch)
        bessel = n / (n - 1) if self.unbiased else 1.0
        self.running_mean = self._moved(self.running_mean, mean)
        self.running_var = self._moved(self.running_var, var * bessel)
        return mean, var

    def _moved(self, running: Array, batch: Array) -> Array:
        return rounded(self.momentum * widened(running) + (1.0 - self.momentum) * batch, running.dtype)


class Dropout:
    """While training an entry survives with probability 1 - rate and is divided by it: E[y] = x.

    Source: Srivastava et al. 2014, sec. 10 (inverted dropout).
    """

    def __init__(self, rate: float, rng: np.random.Generator) -> None:
        if not 0.0 <= rate < 1.0:
            raise UsageError(f"rate={rate!r}: must be at least 0 and less than 1")
        self.rate = rate
        self.rng = rng
        self.mask: Array | None = None

    def forward(self, x: Array, training: bool) -> Array:
        """`x` with entries dropped while training; `x` as it is otherwise."""
        wide = widened(x)
        survives = self.rng.random(x.shape) >= self.rate if training else np.ones(x.shape, bool)
        self.mask = survives.astype(wide.dtype) / (1.0 - self.rate if training else 1.0)
        return rounded(wide * self.mask, kept(x.dtype))

    def backward(self, cotangent: Array) -> Array:
        """Returns c where the entry survived, scaled as it was; 0 elsewhere."""
        return rounded(widened(cotangent) * _stored(self.mask), kept(cotangent.dtype))


class SoftmaxWithLoss:
    """The loss is the mean over rows of -log softmax(logits) at the label, by log-sum-exp.

    logits: (N, K); labels: (N,) whole numbers below K, or (N, K) rows of probabilities (one-hot).
    """

    def __init__(self) -> None:
        self.y: Array | None = None
        self.t: Array | None = None

    def forward(self, logits: Array, labels: Array) -> float:
        """The mean loss of the batch."""
        wide = widened(logits)
        self.dtype = kept(np.asarray(logits).dtype)
        self.t = _one_hot(np.asarray(labels), wide.shape).astype(wide.dtype)
        top = wide.argmax(axis=-1, keepdims=True)
        shifted = wide - np.take_along_axis(wide, top, axis=-1)
        others = np.exp(shifted)
        np.put_along_axis(others, top, 0.0, axis=-1)  # log1p: a confident loss keeps its digits
        log_y = shifted - np.log1p(others.sum(axis=-1, keepdims=True))
        self.y = np.exp(log_y)
        surprise = np.where(self.t == 0, 0.0, -log_y) * self.t  # 0 log 0 = 0
        return float(surprise.sum() / len(wide))

    def backward(self) -> Array:
        """The gradient with respect to the logits: (y - t) / N."""
        y, t = _stored(self.y), _stored(self.t)
        return rounded((y - t) / len(y), self.dtype)


def _one_hot(labels: Array, shape: tuple[int, ...]) -> Array:
    if len(shape) != 2 or 0 in shape:
        raise UsageError(f"logits of shape {shape}: must be (N, K) with at least one row and one class")
    if labels.shape == shape:
        return labels
    if labels.shape != shape[:1] or labels.dtype.kind not in "iu":
        raise UsageError(
            f"labels of shape {labels.shape} and dtype {labels.dtype}: must be {shape[0]} whole numbers "
            f"or one-hot rows of shape {shape}"
        )
    if labels.min() < 0 or labels.max() >= shape[1]:
        raise UsageError(
            f"labels from {labels.min()} to {labels.max()}: must lie between 0 and {shape[1] - 1}"
        )
    return np.eye(shape[1])[labels]


def _stored(array: Array | None) -> Array:
    if array is None:
        raise UsageError(
            "backward was called before forward: call forward first, it stores what backward needs"
        )
    return array
