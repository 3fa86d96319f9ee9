"""BN3xx: what batch norm sends back, to its input and to gamma and beta."""

from __future__ import annotations

from typing import Any

import numpy as np

from verinit.checks.batches import Array, Bench, agreement, bench_of, hidden, hidden_backward, named, offers
from verinit.checks.batchnorm_contract import BACKWARD
from verinit.checks.registry import check
from verinit.laws.batchnorm import (
    Wide,
    alignment,
    beta_gradient,
    gamma_gradient,
    input_gradient,
    scale,
    standardised,
    wide,
)
from verinit.laws.batchnorm_mistakes import fitting, wrong_gradients
from verinit.laws.batchnorm_rounding import (
    beta_gradient_error,
    evaluated_error,
    gamma_gradient_error,
    input_gradient_error,
    standardised_error,
)
from verinit.vocabulary import Measured, Trial

SOURCE = "Ioffe & Szegedy 2015, sec. 3"
DEFAULTS: dict[str, Any] = {
    "kind": "normalizer",
    "source": SOURCE,
    "discrepancy": 1e-2,
    "floor": hidden_backward,
    "applies": offers("backward"),
    "after": BACKWARD,
}
DGAMMA, DBETA = "dgamma", "dbeta"
GROSS = 2.0**-8
"""A share of dx that no rounding makes: the unit roundoff of bfloat16."""


def _unit(bench: Bench, x: Array) -> Wide:
    """What dx is measured in: gamma / S, (D,)."""
    s = scale(bench.moments(x), bench.eps)
    return np.abs(wide(bench.gamma)) / np.where(s > 0, s, 1)


def _dx(bench: Bench, x: Array, c: Array) -> tuple[Wide, Wide]:
    """The law of dx and its bound, (n, D)."""
    b = bench.moments(x)
    return (
        input_gradient(b, bench.eps, bench.gamma, c),
        input_gradient_error(b, bench.eps, bench.gamma, c, bench.rounding),
    )


def _cause(bench: Bench, x: Array, c: Array, dx: Wide) -> str:
    """The mistake whose dx fits, if one or two do and the law does not."""
    with np.errstate(all="ignore"):
        law, bound = _dx(bench, x, c)
        if bool(np.all(np.abs(dx - law) <= bound)):
            return ""
        return named(fitting(dx, wrong_gradients(bench.moments(x), bench.eps, bench.gamma, c), bound))


@check("BN301", equation="dx = gamma/S (c - mean(c) - xhat mean(c xhat))", **DEFAULTS)
def input_gradient_is_that_of_the_batch(trial: Trial) -> Measured:
    """The gradient of the input is that of the output, through mean and variance too.

    With a cotangent of mixed signs: one of ones has the gradient 0, whatever is wrong. Each entry has its own
    bound; the discrepancy is one of dx in units of gamma / S.
    """
    bench = bench_of(trial)
    x, c = bench.signal(), bench.cotangent()
    _, dx = bench.passes(x, c)
    law, bound = _dx(bench, x, c)
    found = agreement("dx S / gamma", dx, law, bound, _unit(bench, x))
    return Measured(evidence=found, likely=_cause(bench, x, c, dx))


@check("BN302", equation="sum_i dx_i = 0", **DEFAULTS)
def input_gradients_of_a_feature_sum_to_zero(trial: Trial) -> Measured:
    """Over the batch the gradients of a feature sum to 0, as adding a constant changes nothing.

    It needs no other derivation to compare with, and no epsilon breaks it. The discrepancy is a mean of dx in
    units of gamma / S.
    """
    bench = bench_of(trial)
    x, c = bench.signal(), bench.cotangent()
    _, dx = bench.passes(x, c)
    _, bound = _dx(bench, x, c)
    found = agreement("mean(dx) S / gamma", dx.mean(axis=0), 0.0, bound.mean(axis=0), _unit(bench, x))
    return Measured(evidence=found, likely=_cause(bench, x, c, dx))


@check("BN303", equation="sum_i dx_i xhat_i = gamma/S sum(c xhat) eps / (s^2 + eps)", **DEFAULTS)
def input_gradient_leaves_the_scale_to_epsilon(trial: Trial) -> Measured:
    """Over the batch sum dx xhat is 0 but for epsilon, as scaling the input changes epsilon's weight only.

    It would be 0 without epsilon; with it, it is the share eps / (s^2 + eps) of what comes in. The
    discrepancy is a mean of dx xhat in units of gamma / S.
    """
    bench = bench_of(trial)
    x, c = bench.signal(), bench.cotangent()
    _, dx = bench.passes(x, c)
    b, (_, bound) = bench.moments(x), _dx(bench, x, c)
    xhat = standardised(b, bench.eps)
    found = agreement(
        "mean(dx xhat) S / gamma",
        (dx * xhat).mean(axis=0),
        alignment(b, bench.eps, bench.gamma, c) / b.n,
        (bound * np.abs(xhat)).mean(axis=0),
        _unit(bench, x),
    )
    return Measured(evidence=found, likely=_cause(bench, x, c, dx))


_PARAMETERS: dict[str, Any] = {
    **DEFAULTS,
    "applies": offers("backward", "affine"),
    "discrepancy": 1e-3,
    "floor": lambda target, case: 2.0 * hidden(target, case),
}


def _parameters(trial: Trial, which: str) -> tuple[Bench, Array, Array, Wide]:
    bench = bench_of(trial)
    x, c = bench.signal(), bench.cotangent()
    made, _ = bench.passes(x, c)
    return bench, x, c, wide(getattr(made, which))


@check("BN304", equation="dbeta = sum_i c_i", **_PARAMETERS)
def beta_gradient_is_the_sum_of_the_cotangent(trial: Trial) -> Measured:
    """The gradient of beta is the sum of the cotangent over the batch.

    The discrepancy is one of the mean cotangent, whose entries lie between 1/2 and 1 in size.
    """
    bench, x, c, dbeta = _parameters(trial, DBETA)
    b = bench.moments(x)
    bound = beta_gradient_error(b, c, bench.rounding)
    found = agreement("dbeta / n", dbeta, beta_gradient(b, c), bound, float(b.n))
    return Measured(evidence=found, likely=_named_sum(bench, x, c, dbeta, bound, DBETA))


@check("BN305", equation="dgamma = sum_i c_i xhat_i", **_PARAMETERS)
def gamma_gradient_is_the_sum_over_the_standardised_batch(trial: Trial) -> Measured:
    """The gradient of gamma is the sum of the cotangent times xhat over the batch.

    Not times x, which is only the same where every batch comes with mean 0 and variance 1. The discrepancy is
    one of the mean of c xhat.
    """
    bench, x, c, dgamma = _parameters(trial, DGAMMA)
    b = bench.moments(x)
    bound = gamma_gradient_error(b, bench.eps, c, bench.rounding)
    found = agreement("dgamma / n", dgamma, gamma_gradient(b, bench.eps, c), bound, float(b.n))
    return Measured(evidence=found, likely=_named_sum(bench, x, c, dgamma, bound, DGAMMA))


def _named_sum(bench: Bench, x: Array, c: Array, observed: Wide, bound: Wide, which: str) -> str:
    b = bench.moments(x)
    rows, xhat = wide(c).reshape(b.x.shape), standardised(b, bench.eps)
    right = {DGAMMA: gamma_gradient(b, bench.eps, c), DBETA: beta_gradient(b, c)}
    law = right.pop(which)
    if bool(np.all(np.abs(observed - law) <= bound)):
        return ""
    gamma = wide(bench.gamma)
    mistakes = {
        "dgamma and dbeta are exchanged": next(iter(right.values())),
        "the mean is taken over the batch, not the sum": law / b.n,
        "the sign is wrong": -law,
        "gamma multiplies what it should not": gamma * law,
        "the size of the cotangent is used: its sign is lost": (
            np.abs(rows) * (xhat if which == DGAMMA else 1)
        ).sum(axis=0),
    }
    if which == DGAMMA:
        mistakes |= {
            "the raw x is used in place of xhat": (rows * b.x).sum(axis=0),
            "x - m is used in place of xhat: not divided by S": (rows * (b.x - b.mean)).sum(axis=0),
            "the output y is used in place of xhat": (rows * (gamma * xhat + wide(bench.beta))).sum(axis=0),
        }
    return named(fitting(observed, mistakes, np.abs(bound)))


@check("BN306", equation="dx(u - 2 w) = dx(u) - 2 dx(w)", **DEFAULTS)
def backward_is_linear_in_the_cotangent(trial: Trial) -> Measured:
    """What is sent back is linear in what comes in.

    Code that clips the cotangent, or takes its size, is right for some and wrong for others. The discrepancy
    is one of dx in units of gamma / S.
    """
    bench = bench_of(trial)
    x = bench.signal()
    u, w = bench.cotangent("u"), bench.cotangent("w")
    both = bench.rounded(np.asarray(u, np.float64) - 2.0 * np.asarray(w, np.float64))  # exact: see cotangent
    dx, du, dw = (bench.passes(x, c)[1] for c in (both, u, w))
    bounds = [_dx(bench, x, c)[1] for c in (both, u, w)]
    gap, room = dx - (du - 2 * dw), bounds[0] + bounds[1] + 2 * bounds[2]
    found = agreement("(dx(u - 2w) - dx(u) + 2 dx(w)) S / gamma", gap, 0.0, room, _unit(bench, x))
    gross = found.distance > found.tolerance and np.abs(gap).max() > GROSS * np.abs(dx).max()
    return Measured(evidence=found, likely="it depends on the size or sign of the cotangent" if gross else "")


@check(
    "BN307",
    equation="dx = gamma c / sqrt(v + eps)",
    **{**DEFAULTS, "applies": offers("backward", "running", "eval_backward")},
)
def backward_in_evaluation_has_no_means(trial: Trial) -> Measured:
    """In evaluation statistics are constants: what is sent back is gamma c / S, without the two mean terms.

    It matters wherever a network is tuned with batch norm frozen. The discrepancy is one of dx in units of
    gamma / S.
    """
    bench = bench_of(trial)
    x, c = bench.signal(), bench.cotangent()
    mean, variance = bench.statistics()
    made = bench.fresh(scaled=True)
    made.running_mean, made.running_var = mean.copy(), variance.copy()
    made.forward(x.copy(), False)
    dx = bench.flat(made.backward(c.copy()))
    slope = wide(bench.gamma) / np.sqrt(wide(variance) + np.longdouble(bench.eps))
    rows = wide(c).reshape(dx.shape)
    bound = evaluated_error(c, 0.0 * mean, variance, bench.eps, bench.gamma, bench.zeros, bench.rounding)
    found = agreement("dx S / gamma in evaluation", dx, slope * rows, bound, np.abs(slope))
    failed = not found.distance <= found.tolerance
    xhat = (wide(x).reshape(dx.shape) - wide(mean)) * slope / wide(bench.gamma)
    terms = slope * (rows - rows.mean(axis=0) - xhat * (rows * xhat).mean(axis=0))
    batch = _dx(bench, x, c)[0]
    mistakes = {
        "the mean terms of training are there": terms,
        "this is the gradient of training, with statistics of the batch": batch,
        "gamma is forgotten": rows * slope / wide(bench.gamma),
    }
    room = bound + standardised_error(bench.moments(x), bench.eps, bench.rounding) * np.abs(slope)
    return Measured(evidence=found, likely=named(fitting(dx, mistakes, room)) if failed else "")
