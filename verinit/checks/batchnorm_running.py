"""BN4xx: running statistics, which training moves and evaluation uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from verinit.checks.batches import Array, Bench, agreement, bench_of, conventions, hidden, named, offers
from verinit.checks.batchnorm_contract import FORWARD
from verinit.checks.registry import check
from verinit.checks.violations import said
from verinit.laws.batchnorm import Batch, Rounding, Wide, bessel, evaluated, moved, output, rounding, wide
from verinit.laws.batchnorm_mistakes import fitting
from verinit.laws.batchnorm_rounding import evaluated_error, mean_error, moved_error, variance_error
from verinit.vocabulary import Case, Evidence, Measured, Target, Trial

SOURCE = "Ioffe & Szegedy 2015, algorithm 2"
STEPS = 5
"""Batches that move the statistics."""
DEFAULTS: dict[str, Any] = {
    "kind": "normalizer",
    "source": SOURCE,
    "discrepancy": 1e-3,
    "applies": offers("running"),
    "after": FORWARD,
}


def _floor(target: Target, case: Case) -> float:
    return 4.0 * hidden(target, case)


def keeps(target: Target, steps: Sequence[int]) -> list[float]:
    """The share of the old value that is kept at each step, counted from 1.

    "keep": the momentum itself (the chapter, Keras); "take": 1 - momentum (PyTorch); "average": all batches
    count the same, 1 - 1/step.
    """
    momentum = float(target.says("momentum") or 0.0)
    kept = {"take": 1.0 - momentum}.get(str(target.says("convention")), momentum)
    return [1.0 - 1.0 / step if target.says("convention") == "average" else kept for step in steps]


class Moved:
    """A normalizer that has seen some batches: what it keeps after the first, and after all."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.batches = [bench.signal(f"step {k}") for k in range(STEPS + 1)]
        made = bench.fresh(scaled=True)
        self.unbiased = bool(bench.target.says("unbiased"))
        self.keeps = keeps(bench.target, range(2, STEPS + 2))
        for k, x in enumerate(self.batches):
            made.forward(x.copy(), True)
            if k == 0:
                self.start = np.array(made.running_mean), np.array(made.running_var)
        self.end = np.array(made.running_mean), np.array(made.running_var)
        self.made = made

    @property
    def moments(self) -> list[Batch]:
        """Of the batches after the first."""
        return [self.bench.moments(x) for x in self.batches[1:]]

    def rounding(self, kept: Array) -> Rounding:
        """The coarser of the dtypes of the batch and of what is kept."""
        return max((self.bench.rounding, rounding(kept.dtype.name)), key=lambda r: r.unit)

    def law(self, which: int) -> tuple[Wide, Wide]:
        """Where the running mean (0) or variance (1) must be after all steps, and how far off it may be."""
        r, start = self.rounding(self.end[which]), self.start[which]
        values = [b.mean if which == 0 else bessel(b, self.unbiased) for b in self.moments]
        errors = [mean_error(b, r) if which == 0 else self._spread_error(b, r) for b in self.moments]
        return moved(start, values, self.keeps), moved_error(start, values, errors, self.keeps, r)

    def _spread_error(self, b: Batch, r: Rounding) -> Wide:
        """2 from n / (n - 1), which is 2 at most, and two roundings of it."""
        return 2 * (variance_error(b, r) + 2 * r.unit * b.variance)


def _likely(found: Moved, which: int, bound: Wide) -> str:
    """The mistake that leads from the first statistics to the last, if one or two do."""
    start, observed = wide(found.start[which]), wide(found.end[which])
    means, spreads = [b.mean for b in found.moments], [bessel(b, found.unbiased) for b in found.moments]
    values = (means, spreads)[which]
    if bool(np.all(np.abs(observed - moved(start, values, found.keeps)) <= bound)):
        return ""
    other = [1.0 - keep for keep in found.keeps]
    mistakes = {
        "the momentum is meant the other way round": moved(start, values, other),
        "running statistics do not move": start,
        "the last batch replaces what was kept": values[-1],
        "statistics are added up, nothing is forgotten": start
        + sum((1 - np.longdouble(keep)) * v for keep, v in zip(found.keeps, values, strict=True)),
    }
    if which == 1:
        eps = np.longdouble(found.bench.eps)
        divisor = [bessel(b, not found.unbiased) for b in found.moments]
        word = "n where n - 1" if found.unbiased else "n - 1 where n"
        mistakes |= {
            f"the running variance takes the divisor {word} is declared": moved(start, divisor, found.keeps),
            "standard deviations are kept in place of variances": moved(
                start, [np.sqrt(v) for v in spreads], found.keeps
            ),
            "epsilon is part of what is kept": moved(start, [v + eps for v in spreads], found.keeps),
        }
    return named(fitting(observed, mistakes, bound))


def _recursion(trial: Trial, which: int) -> Measured:
    """Running means in units of the larger of their size and the feature's spread, variances in their own."""
    found = Moved(bench_of(trial))
    law, bound = found.law(which)
    unit = law if which else np.maximum(wide(found.bench.spreads), np.abs(law))
    quantity = f"running {'variance' if which else 'mean'} after {STEPS} more batches, over its size"
    seen = agreement(quantity, wide(found.end[which]), law, bound, unit)
    held = replace(seen, detail=f"{seen.detail}; held to {conventions(trial.target)}")
    return Measured(evidence=held, likely=_likely(found, which, bound))


@check("BN401", equation="r_k = a r_(k-1) + (1 - a) m_k", floor=_floor, **DEFAULTS)
def running_mean_follows_its_recursion(trial: Trial) -> Measured:
    """After several batches the running mean is where its recursion puts it.

    In the convention that is declared: the momentum is the share that is kept (Keras, the chapter), or that
    is taken in (PyTorch). The discrepancy is one of the mean in units of its size, or of the feature's
    standard deviation where that is larger.
    """
    return _recursion(trial, 0)


@check("BN402", equation="r_k = a r_(k-1) + (1 - a) s_k^2 [n / (n - 1)]", floor=_floor, **DEFAULTS)
def running_variance_follows_its_recursion(trial: Trial) -> Measured:
    """After several batches the running variance is where its recursion puts it.

    With the divisor that is declared: n - 1 (the paper, PyTorch) or n (Keras, the chapter). The discrepancy
    is one of the variance in units of its own size.
    """
    return _recursion(trial, 1)


def _evaluated(bench: Bench, x: Array, mean: Array, variance: Array) -> tuple[Wide, Wide]:
    """The output in evaluation for given statistics, and how far off it may be."""
    given = (x, mean, variance, bench.eps, bench.gamma, bench.beta)
    return evaluated(*given), evaluated_error(*given, bench.rounding)


@check("BN403", equation="y = gamma (x - r_m) / sqrt(r_v + eps) + beta", floor=_floor, **DEFAULTS)
def evaluation_uses_running_statistics(trial: Trial) -> Measured:
    """In evaluation the output is that of the running statistics, whatever the batch is.

    With statistics that no batch has. A forgotten switch uses the batch's own: then what comes out for an
    input depends on its company. The discrepancy is one of the output.
    """
    bench = bench_of(trial)
    x, (mean, variance) = bench.signal(), bench.statistics()
    made = bench.fresh(scaled=True)
    made.running_mean, made.running_var = mean.copy(), variance.copy()
    y = bench.flat(made.forward(x.copy(), False))
    law, bound = _evaluated(bench, x, mean, variance)
    found = agreement("y in evaluation", y, law, bound)
    failed = not found.distance <= found.tolerance
    return Measured(evidence=found, likely=_evaluation_cause(bench, x, y, bound) if failed else "")


def _evaluation_cause(bench: Bench, x: Array, y: Wide, bound: Wide) -> str:
    mean, variance = (wide(each) for each in bench.statistics())
    rows, g, h = wide(x).reshape(y.shape), wide(bench.gamma), wide(bench.beta)
    eps = np.longdouble(bench.eps)
    mistakes = {
        "the batch's own statistics are used": output(bench.moments(x), bench.eps, g, h),
        "the running variance is taken for a standard deviation": g * (rows - mean) / (variance + eps) + h,
        "epsilon is missing": g * (rows - mean) / np.sqrt(variance) + h,
        "epsilon is outside the root": g * (rows - mean) / (np.sqrt(variance) + eps) + h,
        "initial statistics, 0 and 1, are used": g * rows / np.sqrt(1 + eps) + h,
        "gamma and beta are not applied": (rows - mean) / np.sqrt(variance + eps),
    }
    return named(fitting(y, mistakes, 4 * bound))


@check(
    "BN404",
    kind="normalizer",
    equation="y_train(x; r) = y_train(x)",
    source=SOURCE,
    applies=offers("running"),
    after=FORWARD,
)
def training_does_not_read_running_statistics(trial: Trial) -> Evidence:
    """In training the output is the same whatever the running statistics are, bit for bit.

    Statistics that are mixed into training are no longer differentiated with the batch.
    """
    bench = bench_of(trial)
    x, (mean, variance) = bench.signal(), bench.statistics()
    made = bench.fresh(scaled=True)
    made.running_mean, made.running_var = mean.copy(), variance.copy()
    y, z = made.forward(x.copy(), True), bench.fresh(scaled=True).forward(x.copy(), True)
    changed = int(np.count_nonzero(np.asarray(y) != np.asarray(z)))
    return said(
        "outputs that running statistics changed",
        [f"{changed} of {x.size} outputs changed with the running statistics" if changed else ""],
    )


@check(
    "BN405",
    kind="normalizer",
    equation="r after evaluation = r before",
    source=SOURCE,
    applies=offers("running"),
    after=FORWARD,
)
def evaluation_leaves_running_statistics_alone(trial: Trial) -> Evidence:
    """Evaluation does not move the running statistics.

    If it does, the test set trains the network, and the score depends on how often it was taken.
    """
    bench = bench_of(trial)
    made = bench.fresh(scaled=True)
    made.forward(bench.signal(), True)
    before = [np.array(made.running_mean), np.array(made.running_var)]
    made.forward(bench.signal("other"), False)
    after = [np.asarray(made.running_mean), np.asarray(made.running_var)]
    return said(
        "statistics that evaluation moved",
        (
            "" if a.tobytes() == b.tobytes() else f"evaluation moved the running {word}"
            for word, a, b in zip(("mean", "variance"), before, after, strict=True)
        ),
    )


@check("BN406", equation="y_eval(x) = gamma (x - r_k) / sqrt(v_k + eps) + beta", floor=_floor, **DEFAULTS)
def evaluation_follows_training(trial: Trial) -> Measured:
    """What is evaluated after training uses the statistics that training left, by their law.

    Nothing is set from outside: batches go in while training, and the output in evaluation is that of the
    recursion's mean and variance. The discrepancy is one of the output.
    """
    found = Moved(bench_of(trial))
    bench, x = found.bench, found.batches[0]
    y = bench.flat(found.made.forward(x.copy(), False))
    (mean, off_mean), (variance, off_variance) = found.law(0), found.law(1)
    total = variance + np.longdouble(bench.eps)
    law = evaluated(x, mean, variance, bench.eps, bench.gamma, bench.beta)
    share = np.minimum(off_variance / total, 0.5)
    rounded = evaluated_error(x, mean, variance, bench.eps, bench.gamma, bench.beta, bench.rounding)
    slope = np.abs(wide(bench.gamma)) / np.sqrt(total * (1 - share))
    moved_by = off_mean * slope + np.abs(law - wide(bench.beta)) * ((1 - share) ** -0.5 - 1)
    return Measured(evidence=agreement("y in evaluation after training", y, law, rounded * 2 + moved_by))
