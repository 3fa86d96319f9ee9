"""BN201 to BN205: what batch norm makes of a batch while training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from verinit.checks.batches import (
    Array,
    Bench,
    affine,
    agreement,
    bench_of,
    conventions,
    hidden,
    named,
    offers,
)
from verinit.checks.batchnorm_contract import FORWARD, SOURCE
from verinit.checks.registry import check
from verinit.laws.batchnorm import Wide, output, output_std, standardised
from verinit.laws.batchnorm_mistakes import fitting, wrong_outputs
from verinit.laws.batchnorm_rounding import output_error
from verinit.laws.rounding import unit_roundoff
from verinit.vocabulary import Case, Measured, Target, Trial


def cause(bench: Bench, x: Array, y: Wide, *, scaled: bool) -> str:
    """The mistake whose output fits, if one or two do."""
    gamma, beta = (bench.gamma, bench.beta) if scaled else (bench.ones, bench.zeros)
    b = bench.moments(x)
    with np.errstate(all="ignore"):
        bound = output_error(b, bench.eps, gamma, beta, bench.rounding)
        if bool(np.all(np.abs(y - output(b, bench.eps, gamma, beta)) <= bound)):
            return ""
        return named(fitting(y, wrong_outputs(b, bench.eps, gamma, beta), bound))


def sound(bench: Bench, x: Array) -> bool:
    """Whether a batch, with gamma 1 and beta 0, is normalised by the law."""
    b, y = bench.moments(x), bench.outputs(x)
    bound = output_error(b, bench.eps, bench.ones, bench.zeros, bench.rounding)
    return bool(np.all(np.abs(y - standardised(b, bench.eps)) <= bound))


def _centred(bench: Bench, x: Array) -> tuple[Wide, Wide, Wide]:
    """Outputs with gamma 1 and beta 0, their bounds, and their means."""
    y = bench.outputs(x)
    bound = output_error(bench.moments(x), bench.eps, bench.ones, bench.zeros, bench.rounding)
    return y, bound, y.mean(axis=0)


@check(
    "BN201",
    kind="normalizer",
    equation="mean(xhat) = 0",
    source=SOURCE,
    discrepancy=1e-3,
    floor=hidden,
    applies=offers(),
    after=FORWARD,
)
def every_feature_has_mean_zero(trial: Trial) -> Measured:
    """Over the batch every feature has mean 0, but for rounding.

    With gamma 1 and beta 0, in training. Statistics over another axis, or of another batch, leave a mean.
    The discrepancy is a mean in units of the output.
    """
    bench = bench_of(trial)
    x = bench.signal()
    y, bound, mean = _centred(bench, x)
    found = agreement("mean of a feature of xhat", mean, 0.0, bound.mean(axis=0))
    return Measured(evidence=found, likely=cause(bench, x, y, scaled=False))


@check(
    "BN202",
    kind="normalizer",
    equation="Var[xhat] = s^2 / (s^2 + eps)",
    source=SOURCE,
    discrepancy=1e-3,
    floor=hidden,
    applies=offers(),
    after=FORWARD,
)
def variance_is_one_but_for_epsilon(trial: Trial) -> Measured:
    """Over the batch every feature has variance s^2 / (s^2 + eps), not 1.

    With gamma 1 and beta 0, in training. Some features are as small as the root of epsilon, where that is
    1/2. As standard deviation is a norm, an error of each entry moves it by their root mean square at most.
    The discrepancy is a standard deviation in units of the output.
    """
    bench = bench_of(trial)
    x = bench.signal()
    y, bound, mean = _centred(bench, x)
    std = np.sqrt(((y - mean) ** 2).mean(axis=0))
    found = agreement(
        "standard deviation of a feature of xhat",
        std,
        output_std(bench.moments(x), bench.eps),
        np.sqrt((bound * bound).mean(axis=0)),
    )
    return Measured(evidence=found, likely=cause(bench, x, y, scaled=False))


@check(
    "BN203",
    kind="normalizer",
    equation="y = gamma (x - m) / sqrt(s^2 + eps) + beta",
    source=SOURCE,
    discrepancy=1e-3,
    floor=hidden,
    applies=offers(),
    after=FORWARD,
)
def output_is_scaled_and_shifted(trial: Trial) -> Measured:
    """Every output is gamma xhat + beta of its own feature.

    With gamma of both signs and beta, in training, entry by entry. The discrepancy is one of the output, in
    its own units.
    """
    bench = bench_of(trial)
    x = bench.signal()
    b, y = bench.moments(x), bench.outputs(x, scaled=True)
    bound = output_error(b, bench.eps, bench.gamma, bench.beta, bench.rounding)
    found = agreement("y", y, output(b, bench.eps, bench.gamma, bench.beta), bound)
    found = replace(found, detail=f"{found.detail}; held to {conventions(trial.target)}")
    return Measured(evidence=found, likely=cause(bench, x, y, scaled=True))


def _remote(target: Target, case: Case) -> float:
    """1 / sqrt(u) of the dtype of a case."""
    return float(unit_roundoff(Bench(target, case, 0).dtype.name) ** -0.5)


def _hidden_far(target: Target, case: Case) -> float:
    return hidden(target, case, offset=_remote(target, case))


@check(
    "BN204",
    kind="normalizer",
    equation="y(x + M) = y(x), M = s / sqrt(u)",
    source="Higham 2002, sec. 1.9",
    discrepancy=1e-2,
    floor=_hidden_far,
    applies=offers(),
    after=FORWARD,
)
def a_large_offset_does_not_cancel(trial: Trial) -> Measured:
    """A mean that is 1/sqrt(u) times the spread costs half the digits, not all of them.

    The variance as E[x^2] - E[x]^2 subtracts two numbers that agree in all digits of the dtype: it is noise,
    or negative. Mean first and differences squared loses the mean's rounding only. The discrepancy is one
    of xhat.
    """
    bench = bench_of(trial)
    signs = bench.rng("signs").choice((-1.0, 1.0), bench.width)
    x = bench.shaped(bench.noise("far") + signs * _remote(bench.target, bench.case))
    b, y = bench.moments(x), bench.outputs(x)
    bound = output_error(b, bench.eps, bench.ones, bench.zeros, bench.rounding)
    found = agreement("xhat of a batch with a large offset", y, standardised(b, bench.eps), bound)
    failed = not found.distance <= found.tolerance
    cancels = failed and _stretched(y, standardised(b, bench.eps), bound) and sound(bench, bench.signal())
    likely = "cancellation: the variance is computed as E[x^2] - E[x]^2" if cancels else ""
    return Measured(evidence=found, likely=likely)


def _stretched(y: Wide, xhat: Wide, bound: Wide) -> bool:
    """Whether each feature is xhat times a number of its own, or no number: the variance alone is wrong."""
    with np.errstate(all="ignore"):
        factor = np.maximum((y * xhat).sum(axis=0) / (xhat * xhat).sum(axis=0), 1.0)
        gap = np.abs(y - (y * xhat).mean(axis=0) / (xhat * xhat).mean(axis=0) * xhat)
    return not np.any(gap > 2.0 * factor * bound)


def _constant_units(bench: Bench) -> Array:
    """Of each feature its one number: 0, and a few roots of epsilon."""
    step = bench.eps**0.5
    return np.resize(np.array([0.0, 4.0 * step, -2.0 * step]), bench.width)


def _epsilon(target: Target, case: Case) -> str:
    reason = offers()(target, case)
    if reason or (target.says("eps") or 0.0):
        return reason
    return f"{target.name} declares no epsilon: of a constant it makes 0/0"


@check(
    "BN205",
    kind="normalizer",
    equation="x_i = x_k for all i, k  =>  y = beta",
    source=SOURCE,
    discrepancy=1e-2,
    floor=lambda target, case: 8.0 * hidden(target, case),
    applies=_epsilon,
    after=FORWARD,
)
def a_constant_feature_becomes_beta(trial: Trial) -> Measured:
    """A feature that is the same in all rows becomes beta.

    A dead unit has variance 0, and what is left of it after rounding is divided by the root of epsilon. The
    discrepancy is one of the output.
    """
    bench = bench_of(trial)
    x = bench.shaped(np.broadcast_to(_constant_units(bench), (bench.rows, bench.width)))
    b, y = bench.moments(x), bench.outputs(x, scaled=True)
    bound = output_error(b, bench.eps, bench.gamma, bench.beta, bench.rounding)
    found = agreement("y of a constant feature", y, output(b, bench.eps, bench.gamma, bench.beta), bound)
    return Measured(evidence=found, likely=cause(bench, x, y, scaled=True))


def _lonely(target: Target, case: Case) -> str:
    if case.size == 0 or case.size != case.shape[-1]:
        return "the batch has more rows than one, or none"
    return "" if target.says("single") else f"{target.name} does not take a batch of one row in training"


@check(
    "BN212",
    kind="normalizer",
    equation="n = 1  =>  y = beta",
    source=SOURCE,
    discrepancy=1e-2,
    floor=lambda target, case: 8.0 * hidden(target, case),
    applies=_lonely,
)
def a_batch_of_one_becomes_beta(trial: Trial) -> Measured:
    """A batch of one row becomes beta, whatever the row is.

    Its mean is the row and its variance 0: nothing of the input is left. The discrepancy is one of the
    output.
    """
    bench = bench_of(trial)
    x = bench.shaped(bench.noise("one") * max(bench.eps, 1e-6) ** 0.5)
    b, y = bench.moments(x), bench.outputs(x, scaled=affine(bench.target))
    bound = output_error(b, bench.eps, bench.gamma, bench.beta, bench.rounding)
    found = agreement("y of a batch of one", y, output(b, bench.eps, bench.gamma, bench.beta), bound)
    return Measured(evidence=found)
