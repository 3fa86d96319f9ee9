"""The well-known wrong batch norms, and what each makes of a batch: a failure is named by the one that fits.

Every entry is a sentence and what the mistake computes, in the notation of `laws.batchnorm`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from verinit.laws.batchnorm import Batch, Wide, batch, input_gradient, scale, standardised, wide

Output = Callable[[Batch, float, Wide, Wide], Wide]
Gradient = Callable[[Batch, float, Wide, Wide], Wide]


def _scaled(b: Batch, total: Wide) -> Wide:
    """(x - m) / total."""
    return np.divide(b.x - b.mean, total, out=np.full_like(b.x, np.nan), where=total != 0)


def _layer(b: Batch, eps: float) -> Wide:
    off = b.x - b.x.mean(axis=1, keepdims=True)
    return off / np.sqrt((off * off).mean(axis=1, keepdims=True) + eps)


def _but_last(b: Batch, eps: float) -> Wide:
    rest = batch(b.x[:-1])
    return (b.x - rest.mean) / scale(rest, eps)


def _unbiased(b: Batch, eps: float) -> Wide:
    return _scaled(b, np.sqrt(b.variance * b.n / (b.n - 1) + eps))


OUTPUTS: dict[str, Output] = {
    "the variance takes the divisor n - 1 in place of n": lambda b, e, g, h: g * _unbiased(b, e) + h,
    "epsilon is missing": lambda b, e, g, h: g * _scaled(b, np.sqrt(b.variance)) + h,
    "epsilon is outside the root": lambda b, e, g, h: g * _scaled(b, np.sqrt(b.variance) + e) + h,
    "epsilon is inside the root and outside": lambda b, e, g, h: g * _scaled(b, scale(b, e) + e) + h,
    "epsilon is added twice": lambda b, e, g, h: g * standardised(b, 2 * e) + h,
    "the root is missing: divided by the variance": lambda b, e, g, h: g * _scaled(b, b.variance + e) + h,
    "the mean is not subtracted": lambda b, e, g, h: g * b.x / scale(b, e) + h,
    "nothing is divided by the standard deviation": lambda b, e, g, h: g * (b.x - b.mean) + h,
    "statistics are of each row, not of each feature: this is layer norm": lambda b, e, g, h: (
        g * _layer(b, e) + h
    ),
    "one mean and one variance for all features": lambda b, e, g, h: (
        g * (b.x - b.x.mean()) / np.sqrt(b.x.var() + e) + h
    ),
    "the last row is left out of the statistics": lambda b, e, g, h: g * _but_last(b, e) + h,
    "initial running statistics, 0 and 1, are used in training": lambda b, e, g, h: (
        g * b.x / np.sqrt(1 + np.longdouble(e)) + h
    ),
    "the batch is passed on as it is": lambda b, e, g, h: b.x + 0 * g,
    "gamma is forgotten": lambda b, e, g, h: standardised(b, e) + h,
    "beta is forgotten": lambda b, e, g, h: g * standardised(b, e) + 0 * h,
    "beta is added before gamma multiplies": lambda b, e, g, h: g * (standardised(b, e) + h),
    "gamma multiplies as 1 + gamma": lambda b, e, g, h: (1 + g) * standardised(b, e) + h,
    "gamma and beta are exchanged": lambda b, e, g, h: h * standardised(b, e) + g,
    "gamma's size is used: its sign is lost": lambda b, e, g, h: np.abs(g) * standardised(b, e) + h,
    "beta is subtracted": lambda b, e, g, h: g * standardised(b, e) - h,
}


def _terms(
    b: Batch, e: float, g: Wide, c: Wide, *, mean: float = 1.0, variance: float = 1.0, of: Any = None
) -> Wide:
    """Parts of it: gamma / S (c - mean * mean(c) - variance * xhat mean(c xhat)), with S of epsilon `of`."""
    xhat, s = standardised(b, e), scale(b, e if of is None else of)
    return g / s * (c - mean * c.mean(axis=0) - variance * xhat * (c * xhat).mean(axis=0))


def _ddof_scale(b: Batch, e: float, g: Wide, c: Wide) -> Wide:
    return _terms(b, e, g, c) * scale(b, e) / np.sqrt(b.variance * b.n / (b.n - 1) + e)


def _over_means(b: Batch) -> float:
    return b.n / (b.n - 1)


GRADIENTS: dict[str, Gradient] = {
    "the mean term is missing": lambda b, e, g, c: _terms(b, e, g, c, mean=0),
    "the variance term is missing": lambda b, e, g, c: _terms(b, e, g, c, variance=0),
    "mean and variance are taken for constants: both terms are missing": lambda b, e, g, c: _terms(
        b, e, g, c, mean=0, variance=0
    ),
    "the standard deviation takes the divisor n - 1": _ddof_scale,
    "both means take the divisor n - 1": lambda b, e, g, c: _terms(
        b, e, g, c, mean=_over_means(b), variance=_over_means(b)
    ),
    "the mean of c takes the divisor n - 1": lambda b, e, g, c: _terms(b, e, g, c, mean=_over_means(b)),
    "the variance term takes the divisor n - 1": lambda b, e, g, c: _terms(
        b, e, g, c, variance=_over_means(b)
    ),
    "means are sums: the factor 1/n is missing": lambda b, e, g, c: _terms(
        b, e, g, c, mean=b.n, variance=b.n
    ),
    "the variance term lacks its factor 2": lambda b, e, g, c: _terms(b, e, g, c, variance=0.5),
    "the variance term has the wrong sign": lambda b, e, g, c: _terms(b, e, g, c, variance=-1),
    "the mean term has the wrong sign": lambda b, e, g, c: _terms(b, e, g, c, mean=-1),
    "gamma is forgotten": lambda b, e, g, c: _terms(b, e, np.ones_like(g), c),
    "gamma is used twice": lambda b, e, g, c: _terms(b, e, g * g, c),
    "epsilon is missing in the factor 1/S": lambda b, e, g, c: _terms(b, e, g, c, of=0.0),
    "the factor 1/S is missing": lambda b, e, g, c: _terms(b, e, g, c) * scale(b, e),
    "the factor 1/S is used twice": lambda b, e, g, c: _terms(b, e, g, c) / scale(b, e),
    "everything is divided by n once more": lambda b, e, g, c: _terms(b, e, g, c) / b.n,
    "everything is multiplied by n": lambda b, e, g, c: _terms(b, e, g, c) * b.n,
    "the sign is wrong": lambda b, e, g, c: -_terms(b, e, g, c),
    "nothing flows back": lambda b, e, g, c: 0 * c * g,
    "the cotangent is passed on as it is": lambda b, e, g, c: c + 0 * g,
    "the size of the cotangent is used: its sign is lost": lambda b, e, g, c: input_gradient(
        b, e, g, np.abs(c)
    ),
}


def fitting(observed: Any, found: dict[str, Wide], bound: Any) -> tuple[str, ...]:
    """The mistakes whose prediction fits every entry within its bound, at most two: more say nothing."""
    names = tuple(
        name for name, predicted in found.items() if bool(np.all(np.abs(observed - predicted) <= bound))
    )
    return names if len(names) <= 2 else ()


def wrong_outputs(b: Batch, eps: float, gamma: Any, beta: Any) -> dict[str, Wide]:
    """What each mistake makes of a batch."""
    return {name: f(b, eps, wide(gamma), wide(beta)) for name, f in OUTPUTS.items()}


def wrong_gradients(b: Batch, eps: float, gamma: Any, cotangent: Any) -> dict[str, Wide]:
    """What each mistake sends back."""
    c = wide(cotangent).reshape(b.x.shape)
    return {name: f(b, eps, wide(gamma), c) for name, f in GRADIENTS.items()}
