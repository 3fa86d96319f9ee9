"""Batch norms that are wrong in training's forward pass, or break what every caller relies on."""

from __future__ import annotations

from typing import Any

import numpy as np

from verinit.faults.batchnorms import RIGHT, Array, Norm, forward, replaces, wide

SOME_SPREAD = 0.01


@replaces("form", "BN101", cases=("4x3x5x6/float64",))
def image_left_flattened(norm: Norm, array: Array, like: Array) -> Array:
    """The image is flattened for the statistics and not restored."""
    return array.astype(like.dtype).reshape(-1, like.shape[-1])


@replaces("form", "BN102", cases=("5x3/float32",))
def output_in_double(norm: Norm, array: Array, like: Array) -> Array:
    """Running statistics or epsilon are float64, and NumPy promotes what they meet."""
    return array.astype(np.float64).reshape(like.shape)


_LEFT_OVER: dict[str, int] = {}


@replaces("output", "BN103")
def state_between_layers(norm: Norm, xhat: Array) -> Array:
    """A mutable default argument counts calls of all layers together, and enters the output."""
    _LEFT_OVER["calls"] = _LEFT_OVER.get("calls", 0) + 1
    return wide(norm.gamma) * xhat + wide(norm.beta) + 1e-3 * (_LEFT_OVER["calls"] % 7)


@replaces("forward", "BN104")
def written_in_place(norm: Norm, x: Array, training: bool) -> Any:
    """`x -= x.mean(0)` spares an array, and changes the caller's batch."""
    y = forward(norm, x, training)
    x -= x.reshape(-1, x.shape[-1]).mean(axis=0)
    return y


@replaces("root", "BN105", "BN205", "BN202", "BN203", "BN208")
def epsilon_missing(norm: Norm, variance: Array) -> Array:
    """Epsilon is left out, as variances are never 0 in the example."""
    with np.errstate(all="ignore"):
        return np.sqrt(variance)


@replaces("dgamma", "BN106")
def gamma_gradient_with_an_axis_too_many(norm: Norm, c: Array) -> Array:
    """`keepdims=True` is left over: dgamma is (1, D), and broadcasts."""
    return (c * norm.xhat).sum(axis=0, keepdims=True)


@replaces("dgamma", "BN107")
def gradients_are_added_up(norm: Norm, c: Array) -> Array:
    """`self.dgamma += ...`, and nobody sets it to 0."""
    total = RIGHT["dgamma"](norm, c) + (0 if norm.dgamma is None else wide(norm.dgamma))
    return np.asarray(total)


@replaces("statistics", "BN201", "BN203", "BN210", cases=("8x6/float64", "7x4/float32"))
def statistics_of_each_row(norm: Norm, rows: Array) -> tuple[Array, Array]:
    """`axis=1`: statistics are of each datum, which is layer norm."""
    mean = rows.mean(axis=1, keepdims=True)
    norm.running_mean = norm.running_mean[:1]
    return mean, ((rows - mean) ** 2).mean(axis=1, keepdims=True)


@replaces("statistics", "BN201", "BN203", "BN210")
def statistics_of_everything(norm: Norm, rows: Array) -> tuple[Array, Array]:
    """`x.mean()` without an axis: one number for all features."""
    width = rows.shape[1]
    return np.full(width, rows.mean()), np.full(width, rows.var())


@replaces("standardised", "BN201", "BN203", "BN207")
def mean_not_subtracted(norm: Norm, *_: Array) -> Array:
    """Only the scale is normalised: `x / std`."""
    return np.asarray(norm.rows / norm.root)


@replaces("root", "BN202", "BN203", "BN208", cases=("8x6/float64", "5x6/float16"))
def epsilon_outside_the_root(norm: Norm, variance: Array) -> Array:
    """`np.sqrt(var) + eps` in place of `np.sqrt(var + eps)`."""
    return np.sqrt(variance) + norm.eps


@replaces("root", "BN202", "BN203", "BN208", cases=("8x6/float64", "5x6/float16"))
def epsilon_added_twice(norm: Norm, variance: Array) -> Array:
    """The variance is kept with epsilon in it, and epsilon is added once more under the root."""
    return np.sqrt(variance + norm.eps + norm.eps)


@replaces("root", "BN202", "BN203")
def variance_in_place_of_its_root(norm: Norm, variance: Array) -> Array:
    """The root is forgotten: divided by the variance."""
    return variance + norm.eps


@replaces("statistics", "BN202", "BN203")
def divisor_n_minus_one(norm: Norm, rows: Array) -> tuple[Array, Array]:
    """`ddof=1`, or torch.var with its default: the batch is normalised by the unbiased variance."""
    return rows.mean(axis=0), rows.var(axis=0, ddof=1)


@replaces("output", "BN203")
def beta_before_gamma(norm: Norm, xhat: Array) -> Array:
    """The shift comes first: gamma (xhat + beta)."""
    return wide(norm.gamma) * (xhat + wide(norm.beta))


@replaces("output", "BN203")
def gamma_plus_one(norm: Norm, xhat: Array) -> Array:
    """The factor is stored as its distance from 1 by one side and taken for the factor by the other."""
    return (1 + wide(norm.gamma)) * xhat + wide(norm.beta)


@replaces("output", "BN203")
def gamma_and_beta_exchanged(norm: Norm, xhat: Array) -> Array:
    """Two arrays of one shape, given in the other order."""
    return wide(norm.beta) * xhat + wide(norm.gamma)


@replaces("statistics", "BN204")
def mean_of_squares_minus_squared_mean(norm: Norm, rows: Array) -> tuple[Array, Array]:
    """E[x^2] - E[x]^2 needs one pass over the batch, and cancels where the mean is large."""
    mean = rows.mean(axis=0)
    return mean, np.maximum((rows * rows).mean(axis=0) - mean * mean, 0.0)


@replaces("statistics", "BN204", cases=("64x5/float16", "64x5/bfloat16"))
def squares_in_half_precision(norm: Norm, rows: Array) -> tuple[Array, Array]:
    """E[x^2] - E[x]^2 with the squares kept in the two-byte dtype of the batch."""
    kind = norm.gamma.dtype
    mean = rows.mean(axis=0)
    squares = wide((rows * rows).astype(kind)).mean(axis=0).astype(kind)
    return mean, np.maximum(wide(squares) - wide((mean * mean).astype(kind)), 0.0)


@replaces("statistics", "BN203", cases=("700x3/float16", "700x3/bfloat16", "900x4/bfloat16"))
def sums_in_half_precision(norm: Norm, rows: Array) -> tuple[Array, Array]:
    """Two-byte numbers are summed in two bytes: from some row on nothing is added any more."""
    kind = norm.gamma.dtype
    mean = _half_mean(rows, kind)
    return mean, _half_mean((rows - mean) ** 2, kind)


def _half_mean(rows: Array, kind: Any) -> Array:
    total = np.zeros(rows.shape[1], kind)
    for row in rows.astype(kind):
        total = (total + row).astype(kind)
    return wide((wide(total) / len(rows)).astype(kind))


@replaces("root", "BN205")
def constant_features_marked(norm: Norm, variance: Array) -> Array:
    """Constant features are marked by nan for a branch that was never written."""
    constant = variance < norm.eps * SOME_SPREAD
    return np.where(constant, np.nan, np.sqrt(variance + norm.eps))


def _weights(n: int) -> Array:
    weights = np.ones(n)
    weights[0] = 2.0
    return weights / weights.sum()


@replaces("statistics", "BN206", "BN203")
def first_row_weighs_double(norm: Norm, rows: Array) -> tuple[Array, Array]:
    """A running sum starts with the first row, which the loop then adds again."""
    weights = _weights(len(rows))[:, None].astype(rows.dtype)
    mean = (weights * rows).sum(axis=0)
    return mean, (weights * (rows - mean) ** 2).sum(axis=0)


@replaces("statistics", "BN206", "BN209", "BN203")
def remainder_dropped(norm: Norm, rows: Array) -> tuple[Array, Array]:
    """`drop_last` inside: the last row does not enter the statistics."""
    mean = rows[:-1].mean(axis=0)
    return mean, ((rows[:-1] - mean) ** 2).mean(axis=0)


@replaces("standardised", "BN212", cases=("1x5/float64",))
def a_lone_row_passes(norm: Norm, *_: Array) -> Array:
    """A batch of one is passed on unnormalised, to avoid a variance of 0."""
    return norm.rows if len(norm.rows) == 1 else np.asarray((norm.rows - norm.mean) / norm.root)


@replaces("forward", "BN211", cases=("4x3x5x6/float64",))
def each_image_by_itself(norm: Norm, x: Array, training: bool) -> Array:
    """The batch axis is left out of the axes of an image: this is instance norm."""
    if x.ndim < 3:
        return np.asarray(forward(norm, x, training))
    return np.concatenate([np.asarray(forward(norm, image[None], training)) for image in x])
