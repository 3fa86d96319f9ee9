"""Initializers whose weights have another law than they claim."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, haar, he


def _fan_in(shape: Shape) -> int:
    return math.prod(shape[:-1])


def _cut(shape: Shape, rng: Rng, cut: float) -> Any:
    """N(0, 1) cut at +-cut, not corrected."""
    low, high = ndtr(-cut), ndtr(cut)
    return ndtri(low + (high - low) * rng.random(shape))


@fault("IN201")
def two_over_root_n(shape: Shape, rng: Rng) -> Any:
    """He's std typed as 2/sqrt(n), as the textbook chapter prints it."""
    return rng.standard_normal(shape) * 2.0 / math.sqrt(_fan_in(shape))


@fault("IN201")
def fan_of_the_wrong_axis(shape: Shape, rng: Rng) -> Any:
    """The fan is read off the last axis, right for another framework's layout."""
    return rng.standard_normal(shape) * math.sqrt(2.0 / (math.prod(shape[:-2]) * shape[-1]))


@fault("IN201", cases=("3x5x8x16", "3x3x4x10", "5x6x10"))
def receptive_field_forgotten(shape: Shape, rng: Rng) -> Any:
    """Channels are counted without the kernel (keras#7200)."""
    return rng.standard_normal(shape) * math.sqrt(2.0 / shape[-2])


@fault("IN201")
def variance_as_std(shape: Shape, rng: Rng) -> Any:
    """normal(0, 2/n): the variance stands where the sampler wants a std."""
    return rng.standard_normal(shape) * (2.0 / _fan_in(shape))


@fault("IN201")
def gain_forgotten(shape: Shape, rng: Rng) -> Any:
    """LeCun's rule is returned where He's was asked for (LBANN#316)."""
    return rng.standard_normal(shape) / math.sqrt(_fan_in(shape))


@fault("IN201", scheme="he_truncated_normal")
def truncation_not_corrected(shape: Shape, rng: Rng) -> Any:
    """The std is set before the cut, which takes 12 % of it (keras#8048, tensorflow#18706)."""
    return _cut(shape, rng, 2.0) * math.sqrt(2.0 / _fan_in(shape))


@fault("IN201", scheme="he_uniform")
def torch_linear_default(shape: Shape, rng: Rng) -> Any:
    """kaiming_uniform_ with a=sqrt(5): a bound of 1/sqrt(n) for whoever expects He (pytorch#15314)."""
    return rng.uniform(-1, 1, shape) / math.sqrt(_fan_in(shape))


@fault("IN201", scheme="xavier_uniform")
def root_three_missing(shape: Shape, rng: Rng) -> Any:
    """The std is used as the bound of the uniform law (keras afc5adbf)."""
    return rng.uniform(-1, 1, shape) * math.sqrt(2.0 / (_fan_in(shape) + math.prod(shape[:-2]) * shape[-1]))


@fault("IN201", alone=True)
def two_percent_wide(shape: Shape, rng: Rng) -> Any:
    """A constant is rounded to two digits: the std is 1.1 % too large."""
    return he(shape, rng) * 1.011


@fault("IN201", scheme="orthogonal(gain=2)")
def gain_not_applied(shape: Shape, rng: Rng) -> Any:
    """The gain argument of an orthogonal initializer is accepted and forgotten."""
    return haar(shape, rng)


@fault("IN202")
def shifted(shape: Shape, rng: Rng) -> Any:
    """A sampler's mean is off by a thirtieth of a std (jax a44c1caf)."""
    return he(shape, rng) + math.sqrt(2.0 / _fan_in(shape)) / 30


@fault("IN202", scheme="he_uniform")
def one_sided(shape: Shape, rng: Rng) -> Any:
    """`rng.random` is scaled without being centred: every weight is positive."""
    return rng.random(shape) * math.sqrt(6.0 / _fan_in(shape))


@fault("IN203", scheme="he_truncated_normal")
def not_truncated(shape: Shape, rng: Rng) -> Any:
    """A plain normal is drawn where the docs say truncated."""
    return he(shape, rng)


@fault("IN203", scheme="lecun_uniform")
def bound_too_wide(shape: Shape, rng: Rng) -> Any:
    """The bound of one uniform law is used for another: a fifth too wide."""
    return rng.uniform(-1.2, 1.2, shape) * math.sqrt(3.0 / _fan_in(shape))


@fault("IN204")
def clipped(shape: Shape, rng: Rng) -> Any:
    """`np.clip` at 2.5 std against rare large weights, never mentioned in the docs."""
    std = math.sqrt(2.0 / _fan_in(shape))
    return np.clip(he(shape, rng), -2.5 * std, 2.5 * std)


@fault("IN204")
def one_in_a_thousand_is_ten_times_too_large(shape: Shape, rng: Rng) -> Any:
    """A sampler's rare branch forgets to scale."""
    weights = he(shape, rng)
    return np.where(rng.random(shape) < 1e-3, 10.0 * weights, weights)


@fault("IN205")
def uniform_for_normal(shape: Shape, rng: Rng) -> Any:
    """The uniform variant is registered under the normal one's name: equal variance, another law."""
    return rng.uniform(-1, 1, shape) * math.sqrt(6.0 / _fan_in(shape))


@fault("IN205")
def laplace(shape: Shape, rng: Rng) -> Any:
    """Another sampler of the same variance stands in for the normal one."""
    return rng.laplace(0.0, math.sqrt(1.0 / _fan_in(shape)), shape)


@fault("IN205")
def coin(shape: Shape, rng: Rng) -> Any:
    """Signs alone, at the right variance: a binary network's initializer."""
    return np.where(rng.random(shape) < 0.5, -1.0, 1.0) * math.sqrt(2.0 / _fan_in(shape))


@fault("IN206", scheme="orthogonal")
def normalised_columns_only(shape: Shape, rng: Rng) -> Any:
    """Columns are scaled to length 1 and never made orthogonal to one another."""
    w = rng.standard_normal((_fan_in(shape), shape[-1]))
    return (w / np.linalg.norm(w, axis=0)).reshape(shape)


@fault("IN205", "IN204", scheme="orthogonal")
def padded_identity(shape: Shape, rng: Rng) -> Any:
    """Signed unit vectors are orthonormal and far from uniform on the orthogonal group."""
    rows, columns = _fan_in(shape), shape[-1]
    eye = np.eye(max(rows, columns), min(rows, columns)) * rng.choice([-1.0, 1.0], min(rows, columns))
    return (eye if rows >= columns else eye.T).reshape(shape)


@fault("IN207", scheme="zeros")
def tiny_instead_of_zero(shape: Shape, rng: Rng) -> Any:
    """Biases get 1e-3 "to break symmetry" where zeros were promised."""
    return np.full(shape, 1e-3)


@fault("IN207", scheme="constant(value=0.1)")
def ones_for_constant(shape: Shape, rng: Rng) -> Any:
    """The value argument is ignored."""
    return np.ones(shape)


@fault("IN311", scheme="orthogonal")
def signs_of_qr_left_in(shape: Shape, rng: Rng) -> Any:
    """The Q of a QR factorisation is returned as it is: its diagonal never changes sign (chainer#5615)."""
    rows, columns = _fan_in(shape), shape[-1]
    q, _ = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    return (q if rows >= columns else q.T).reshape(shape)


@fault("IN401", "IN402", scheme="orthogonal")
def plain_identity(shape: Shape, rng: Rng) -> Any:
    """The identity is orthogonal, and somebody found it good enough."""
    return np.eye(_fan_in(shape), shape[-1]).reshape(shape)


@fault("IN311")
def one_entry_stays(shape: Shape, rng: Rng) -> Any:
    """The first element of a preallocated buffer is never overwritten."""
    weights = he(shape, rng)
    weights.flat[0] = 1.3 * math.sqrt(2.0 / _fan_in(shape))
    return weights
