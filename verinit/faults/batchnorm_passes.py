"""Batch norms that are wrong in their backward pass, in running statistics or in evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

from verinit.faults.batchnorms import RIGHT, Array, Norm, dx, forward, move, replaces, wide


def _terms(norm: Norm, c: Array, *, mean: float = 1.0, variance: float = 1.0) -> Array:
    along = c - mean * c.mean(axis=0) - variance * norm.xhat * (c * norm.xhat).mean(axis=0)
    return np.asarray(wide(norm.gamma) / norm.root * along)


def _over(norm: Norm) -> float:
    return len(norm.rows) / (len(norm.rows) - 1)


@replaces("dx", "BN301", "BN302")
def mean_term_missing(norm: Norm, c: Array) -> Array:
    """The mean is forgotten on the way back."""
    return _terms(norm, c, mean=0.0)


@replaces("dx", "BN301", "BN303")
def variance_term_missing(norm: Norm, c: Array) -> Array:
    """The standard deviation is taken for a constant on the way back."""
    return _terms(norm, c, variance=0.0)


@replaces("dx", "BN301", "BN302", "BN303")
def both_terms_missing(norm: Norm, c: Array) -> Array:
    """Evaluation's backward is used in training: gamma c / S."""
    return _terms(norm, c, mean=0.0, variance=0.0)


@replaces("dx", "BN301")
def root_with_divisor_n_minus_one(norm: Norm, c: Array) -> Array:
    """Backward computes the standard deviation anew, with `ddof=1`."""
    return dx(norm, c) * norm.root / np.sqrt(norm.variance * _over(norm) + norm.eps)


@replaces("dx", "BN301", "BN302", "BN303")
def means_with_divisor_n_minus_one(norm: Norm, c: Array) -> Array:
    """Both means of the backward pass are divided by n - 1, as the running variance is."""
    return _terms(norm, c, mean=_over(norm), variance=_over(norm))


@replaces("dx", "BN301", "BN302", "BN303")
def sums_in_place_of_means(norm: Norm, c: Array) -> Array:
    """The factor 1/n is left out of both means."""
    n = float(len(norm.rows))
    return _terms(norm, c, mean=n, variance=n)


@replaces("dx", "BN303", "BN301")
def factor_two_left_out(norm: Norm, c: Array) -> Array:
    """The derivative of a square is taken for the number: half the variance term is there."""
    return _terms(norm, c, variance=0.5)


@replaces("dx", "BN301")
def gamma_left_out_of_dx(norm: Norm, c: Array) -> Array:
    """The gradient of xhat is taken to be that of y."""
    return dx(norm, c) / wide(norm.gamma)


@replaces("dx", "BN301", "BN303", cases=("8x6/float64", "5x6/float32"))
def epsilon_left_out_of_dx(norm: Norm, c: Array) -> Array:
    """Backward divides by the standard deviation of the batch, without epsilon."""
    return dx(norm, c) * norm.root / np.sqrt(norm.variance)


@replaces("dx", "BN301", "BN302")
def means_over_features(norm: Norm, c: Array) -> Array:
    """Backward averages along the wrong axis."""
    along = norm.xhat * (c * norm.xhat).mean(axis=1, keepdims=True)
    return np.asarray(wide(norm.gamma) / norm.root * (c - c.mean(axis=1, keepdims=True) - along))


@replaces("dbeta", "BN304")
def mean_in_place_of_sum(norm: Norm, c: Array) -> Array:
    """The gradient of beta is averaged over the batch, though the loss has done that already."""
    return np.asarray(c.mean(axis=0))


@replaces("dbeta", "BN304")
def dbeta_is_dgamma(norm: Norm, c: Array) -> Array:
    """Both gradients are returned in the other order."""
    return np.asarray((c * norm.xhat).sum(axis=0))


@replaces("dgamma", "BN305")
def dgamma_is_dbeta(norm: Norm, c: Array) -> Array:
    """Both gradients are unpacked in the other order."""
    return np.asarray(c.sum(axis=0))


@replaces("dgamma", "BN305")
def dgamma_with_raw_input(norm: Norm, c: Array) -> Array:
    """The input is kept in place of xhat: right for batches that are standardised already."""
    return np.asarray((c * norm.rows).sum(axis=0))


@replaces("dgamma", "BN305")
def dgamma_not_divided(norm: Norm, c: Array) -> Array:
    """The centred input is kept in place of xhat."""
    return np.asarray((c * (norm.rows - norm.mean)).sum(axis=0))


@replaces("dx", "BN306", "BN301")
def size_of_the_cotangent(norm: Norm, c: Array) -> Array:
    """A cotangent of ones is all it was tried on, so that its sign did not matter."""
    return dx(norm, np.abs(c))


@replaces("dx", "BN306", cases=("8x6/float64",))
def cotangent_clipped(norm: Norm, c: Array) -> Array:
    """Gradients are clipped inside the layer, against explosion."""
    return dx(norm, np.clip(c, -1.0, 1.0))


@replaces("dx", "BN307")
def means_in_evaluation(norm: Norm, c: Array) -> Array:
    """The mode is not remembered: backward in evaluation has the terms of training."""
    return _terms(norm, c)


@replaces("moved", "BN401", "BN402", "BN406")
def momentum_the_other_way_round(norm: Norm, running: Array, new: Array) -> Array:
    """PyTorch's momentum, the share that is taken in, is read as Keras's, the share that is kept."""
    return np.asarray(((1 - norm.momentum) * running + norm.momentum * new).astype(running.dtype))


@replaces("moved", "BN401", "BN402", "BN406")
def nothing_is_forgotten(norm: Norm, running: Array, new: Array) -> Array:
    """`running += (1 - momentum) * new`: the old value is not multiplied."""
    return np.asarray((running + (1 - norm.momentum) * new).astype(running.dtype))


@replaces("spread", "BN402", "BN406")
def running_variance_is_biased(norm: Norm, variance: Array) -> Array:
    """Bessel's correction is announced and left out: small batches are underestimated."""
    return variance


@replaces("spread", "BN402", "BN406")
def running_standard_deviation(norm: Norm, variance: Array) -> Array:
    """The standard deviation is averaged in place of the variance."""
    return np.asarray(np.sqrt(RIGHT["spread"](norm, variance)))


@replaces("given", "BN403", "BN406")
def batch_statistics_in_evaluation(norm: Norm) -> Any:
    """The switch is not read: evaluation normalises by the batch it is given."""
    return RIGHT["statistics"](norm, norm.rows)


@replaces("given", "BN403")
def deviation_for_variance_in_evaluation(norm: Norm) -> tuple[Array, Array]:
    """Evaluation takes the running variance for a standard deviation: it divides by S squared."""
    return norm.running_mean, (norm.running_var + norm.eps) ** 2 - norm.eps


@replaces("statistics", "BN404", "BN203")
def running_statistics_in_training(norm: Norm, rows: Array) -> tuple[Array, Array]:
    """`track_running_stats` is read as "use them": training normalises by the running statistics."""
    return norm.running_mean, norm.running_var


@replaces("forward", "BN405")
def statistics_moved_in_evaluation(norm: Norm, x: Array, training: bool) -> Any:
    """The update stands outside the branch: evaluation trains the statistics."""
    y = forward(norm, x, training)
    if not training:
        rows = wide(x).reshape(-1, x.shape[-1])
        kept = norm.mean, norm.variance
        norm.mean, norm.variance = RIGHT["statistics"](norm, rows)
        move(norm)
        norm.mean, norm.variance = kept
    return y


@replaces("forward", "BN406")
def last_batch_in_evaluation(norm: Norm, x: Array, training: bool) -> Any:
    """Evaluation after training uses the statistics of the last batch, which forward has kept."""
    if training or not hasattr(norm, "mean"):
        return forward(norm, x, training)
    kept = norm.running_mean, norm.running_var
    norm.running_mean, norm.running_var = norm.mean, norm.variance
    y = forward(norm, x, training)
    norm.running_mean, norm.running_var = kept
    return y
