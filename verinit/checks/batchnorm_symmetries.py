"""BN206 to BN211: what may be done to a batch without, or with, changing what comes out."""

from __future__ import annotations

from typing import Any

import numpy as np

from verinit.checks.batches import Bench, agreement, bench_of, hidden, offers
from verinit.checks.batchnorm_contract import FORWARD, SOURCE
from verinit.checks.batchnorm_forward import cause
from verinit.checks.registry import check
from verinit.checks.violations import said
from verinit.laws.batchnorm import Wide, scale
from verinit.laws.batchnorm_rounding import output_error
from verinit.vocabulary import Case, Evidence, Measured, Target, Trial

DEFAULTS: dict[str, Any] = {
    "kind": "normalizer",
    "source": SOURCE,
    "discrepancy": 1e-3,
    "applies": offers(),
    "after": FORWARD,
}


def _bound(bench: Bench, x: Any) -> Wide:
    return output_error(bench.moments(x), bench.eps, bench.gamma, bench.beta, bench.rounding)


def _flat(bench: Bench, x: Any) -> Any:
    return np.asarray(x).reshape(-1, bench.width)


def _twice(target: Target, case: Case) -> float:
    return 2.0 * hidden(target, case)


@check("BN206", equation="y(P x) = P y(x)", floor=_twice, **DEFAULTS)
def rows_may_be_permuted(trial: Trial) -> Measured:
    """A batch in another order gives the outputs in that order.

    Statistics of a part of the batch, or a row that weighs more than another, break it. The discrepancy is
    one of the output.
    """
    bench = bench_of(trial)
    x = bench.signal()
    count = len(x)
    moved = np.roll(np.arange(count), 1 + int(bench.rng("order").integers(max(count - 1, 1))))
    order = np.arange(bench.rows).reshape(count, -1)[moved].ravel()
    mixed = x[moved]
    y, z = bench.outputs(x, scaled=True), bench.outputs(mixed, scaled=True)
    bound = _bound(bench, x)[order] + _bound(bench, mixed)
    found = agreement("y of a permuted batch", z, y[order], bound)
    return Measured(evidence=found, likely=cause(bench, mixed, z, scaled=True))


GRID, STEPS, SHIFT = 4.0, 6, 8.0
"""Multiples of 1/4 up to 6 in size, and with 8 added: exact in seven bits, hence in every dtype."""


def _on_grid(bench: Bench) -> Any:
    """(n, D) multiples of 1/4 that are not all equal."""
    z = np.clip(np.round(GRID * 2.0 * bench.noise("grid")) / GRID, -STEPS, STEPS)
    z[0] = np.where(np.ptp(z, axis=0) > 0, z[0], z[0] + 1.0 / GRID)
    return z


def _hidden_shift(target: Target, case: Case) -> float:
    return 2.0 * hidden(target, case, offset=2.0 + SHIFT)


@check("BN207", equation="y(x + M) = y(x)", floor=_hidden_shift, **DEFAULTS)
def adding_a_constant_changes_nothing(trial: Trial) -> Measured:
    """A number that is added to a feature in all rows changes nothing, epsilon or not.

    It is why an affine layer needs no bias before batch norm. The sum is exact in the dtype. The discrepancy
    is one of the output.
    """
    bench = bench_of(trial)
    z = _on_grid(bench)
    x, shifted = bench.shaped(z), bench.shaped(z + bench.rng("shift").choice((-SHIFT, SHIFT), bench.width))
    y, moved = bench.outputs(x, scaled=True), bench.outputs(shifted, scaled=True)
    found = agreement("y of a shifted batch", moved, y, _bound(bench, x) + _bound(bench, shifted))
    return Measured(evidence=found, likely=cause(bench, shifted, moved, scaled=True))


FACTOR = -8.0


@check(
    "BN208", equation="xhat(a x) = a sqrt(s^2 + eps) / sqrt(a^2 s^2 + eps) xhat(x)", floor=_twice, **DEFAULTS
)
def scaling_the_input_changes_epsilon_only(trial: Trial) -> Measured:
    """A feature that is multiplied changes by its sign, and by what epsilon then weighs.

    The scale of the weights before batch norm is lost but for epsilon; without epsilon the output would be
    the same. The product is exact in the dtype. The discrepancy is one of xhat.
    """
    bench = bench_of(trial)
    x = bench.signal()
    b = bench.moments(x)
    scaled = (x * np.asarray(FACTOR, dtype=x.dtype)).astype(x.dtype)
    y, z = bench.outputs(x), bench.outputs(scaled)
    other = bench.moments(scaled)
    s, t = scale(b, bench.eps), scale(other, bench.eps)
    ratio = np.divide(FACTOR * s, t, out=np.ones_like(s), where=t > 0)
    errors = [output_error(each, bench.eps, bench.ones, bench.zeros, bench.rounding) for each in (b, other)]
    found = agreement("xhat of a batch times -8", z, ratio * y, np.abs(ratio) * errors[0] + errors[1])
    return Measured(evidence=found, likely=cause(bench, scaled, z, scaled=False))


MOST = 8
"""Rows that are looked at one by one: the first, the last, and some between."""


@check(
    "BN209",
    kind="normalizer",
    equation="dy_i / dx_k != 0 for i != k",
    source=SOURCE,
    applies=offers(),
    after=FORWARD,
)
def every_row_counts(trial: Trial) -> Evidence:
    """What comes out for a row depends on every other row of the batch.

    Batch norm is of the mini-batch: code that drops an incomplete remainder, masks a row, or looks at each
    row alone is something else. A row is made so large that its weight in mean and variance must show.
    """
    bench = bench_of(trial)
    x = bench.signal()
    before = bench.outputs(x)
    rows = sorted(set(np.linspace(0, bench.rows - 1, min(MOST, bench.rows)).astype(int).tolist()))

    def silent(row: int) -> str:
        changed = _flat(bench, x).astype(np.float64)
        changed[row] += 4.0 * bench.rows**0.5 * bench.spreads
        after = bench.outputs(bench.shaped(changed))
        others = np.arange(bench.rows) != row
        return "" if np.any(after[others] != before[others]) else f"row {row} changes no other row's output"

    return said("rows on which no other depends", map(silent, rows))


@check(
    "BN210",
    equation="dy_ij / dx_kl = 0 for j != l",
    floor=_twice,
    **{**DEFAULTS, "applies": lambda target, case: offers()(target, case) or _narrow(case)},
)
def features_do_not_mix(trial: Trial) -> Measured:
    """What comes out for a feature does not depend on the other features.

    Statistics are taken over the batch, not within a datum: layer norm taken for batch norm mixes features.
    The discrepancy is one of xhat.
    """
    bench = bench_of(trial)
    x = bench.signal()
    changed = _flat(bench, x).astype(np.float64)
    changed[:, 0] = changed[::-1, 0] * 3.0 + 5.0 * bench.spreads[0]
    other = bench.shaped(changed)
    y, z = bench.outputs(x)[:, 1:], bench.outputs(other)
    bound = output_error(bench.moments(x), bench.eps, bench.ones, bench.zeros, bench.rounding)[:, 1:]
    found = agreement("xhat of other features, one feature changed", z[:, 1:], y, 2.0 * bound)
    return Measured(evidence=found, likely=cause(bench, other, z, scaled=False))


def _narrow(case: Case) -> str:
    return "" if case.shape and case.shape[-1] > 1 else "there is one feature only"


def _spatial(target: Target, case: Case) -> str:
    reason = offers()(target, case)
    if reason or len(case.shape) > 2:
        return reason
    return "the batch has no axes between the first and the last"


@check("BN211", equation="m_c, s_c^2 over N, H, W", floor=_twice, **{**DEFAULTS, "applies": _spatial})
def positions_count_like_rows(trial: Trial) -> Measured:
    """In an image every position of a channel counts as a row: moving pixels moves outputs, and no more.

    Batch norm of a convolution keeps one mean and one variance a channel. Statistics of each pixel, or of
    each image, are another normalisation. The discrepancy is one of the output.
    """
    bench = bench_of(trial)
    x = bench.signal()
    order = bench.rng("pixels").permutation(bench.rows)
    mixed = bench.shaped(_flat(bench, x)[order])
    y, z = bench.outputs(x), bench.outputs(mixed)
    errors = [
        output_error(bench.moments(each), bench.eps, bench.ones, bench.zeros, bench.rounding)
        for each in (x, mixed)
    ]
    found = agreement("xhat of an image whose pixels were moved", z, y[order], errors[0][order] + errors[1])
    return Measured(evidence=found, likely=cause(bench, mixed, z, scaled=False))
