"""T06: where the central difference of a saturated sigmoid is exactly 0 in floating point."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.checks.thresholds import Onset, grid, numbers_at, onset
from verinit.laws import saturation as law
from verinit.reference.precision import FLOATING
from verinit.statistics.equivalence import proportion_within
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import EDGES
from verinit.textbook.rules import combined, exact, share
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, entropy, judge

Array = NDArray[Any]
WIDE = ("float32", "float64")
STEPS = (1e-4, 1e-5)
STEP = STEPS[0]
"""The chapter's h."""
PILED = -math.log(1.0 / float(EDGES[-2]) - 1.0)
"""Where sigmoid enters the last of 30 bins: saturated to the eye, y > 29/30."""
BINS = ((0.1, 0.35), (0.7, 0.95), (2.0, 2.25))
"""Stretches of w beyond ln(2h/eps) in which the share of exact zeros is measured."""
DRAWS = 200_000
SHARE, NOT_SHARE = 0.01, 0.02
"""The share of zeros is the law's within 0.01, and surely within 0.02."""


def sigmoid(x: Array) -> Array:
    """As the chapter writes it, in the dtype of x."""
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-x)))


def difference(w: Array, h: float) -> Array:
    """f(w + h) - f(w - h), as it is computed."""
    step = w.dtype.type(h)
    return np.asarray(sigmoid(w + step) - sigmoid(w - step))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Where a central difference of sigmoid is exactly 0, in one dtype and with one step.

    one    smallest w > 0 with y = 1; `zero`: smallest -w > 0 with y = 0
    first  smallest w > 0 at which a difference of 0 was met; `right`, `left`: |w| from which all are 0
    absorbed  smallest w from which w + h and w - h round to w; of a dtype of two bytes
    eye    numbers of the dtype, or even steps, from `PILED` to `one`; `flat`: those with a difference of 0
    """

    dtype: str
    h: float
    one: float
    zero: float
    first: float
    right: float
    left: float
    eye: int
    flat: int
    absorbed: float


@cache
def window(dtype: str, h: float) -> Window:
    """A window, by search."""
    coarse, high = dtype not in WIDE, law.one_at_last()
    far = 1.1 * law.zero_by_underflow(dtype)

    def begins(has: Callable[[Array], Any], low: float, top: float) -> Onset:
        return onset(has, dtype, low=low, high=top)

    one = begins(lambda w: sigmoid(w) == 1, 0.0, high).settled
    zero = begins(lambda w: sigmoid(-w) == 0, 0.0, far).settled
    lows = (0.0, 0.0) if coarse else (one, zero)  # where zeros come and go they end beyond these
    flat = [
        begins(lambda w, sign=sign: difference(sign * w, h) == 0, low, top)  # type: ignore[misc]
        for sign, low, top in ((1, 0.0, one), (1, lows[0], one + 1.0), (-1, lows[1], zero + 1.0))
    ]
    w = numbers_at(grid(dtype, PILED, one), dtype)
    return Window(
        dtype=dtype,
        h=h,
        one=one,
        zero=zero,
        first=flat[0].first,
        right=flat[1].settled,
        left=flat[2].settled,
        eye=w.size,
        flat=int(np.count_nonzero(difference(w, h) == 0)),
        absorbed=begins(lambda w: _absorbs(w, h), 0.0, one).settled if coarse else math.inf,
    )


def _absorbs(w: Array, h: float) -> Array:
    step = w.dtype.type(h)
    return np.asarray((w + step == w) & (w - step == w))


def t06(root: int, rates: Rates) -> Ruling:
    """T06, measured and ruled."""
    windows = [window(dtype, h) for dtype in FLOATING for h in STEPS]
    rng = np.random.default_rng(entropy(root, "textbook", "T06"))
    hits = {(dtype, place): _zeros(rng, dtype, *place) for dtype in WIDE for place in BINS}
    return differences_vanish_where_outputs_round(windows, hits, rates=rates)


def _zeros(rng: np.random.Generator, dtype: str, low: float, high: float) -> int:
    """How many of `DRAWS` uniform w in a stretch beyond ln(2h/eps) have a difference of exactly 0."""
    start = law.difference_zero_from(STEP, dtype)
    w = rng.uniform(start + low, start + high, DRAWS).astype(FLOATING[dtype])
    return int(np.count_nonzero(difference(w, STEP) == 0))


def differences_vanish_where_outputs_round(
    windows: list[Window], hits: Mapping[tuple[str, tuple[float, float]], int], *, rates: Rates
) -> Ruling:
    """Outputs that are exactly 0 or 1 make the difference 0; outputs in the end bins do in half precision.

    windows  by dtype and step
    hits     differences of exactly 0 among `DRAWS`, by dtype and stretch, with h = 1e-4
    """
    part = share(rates, len(hits))
    wide = [item for item in windows if item.dtype in WIDE]
    certain = [line for item in wide for line in _certain(item)]
    eye = [_to_the_eye(item) for item in windows if item.h == STEP]
    shares = [_share(dtype, place, n, part) for (dtype, place), n in hits.items()]
    verdicts = [judge(item, 0.0) for item in (*certain, *eye)]
    return Ruling(
        id="T06",
        ruling=combined(verdicts),
        claim=CLAIMS["T06"],
        summary=_summary_of_windows({item.dtype: item for item in windows if item.h == STEP}),
        conditions=_conditions_of_windows(windows),
        evidence=(*certain, *eye, *shares, *_beside(windows)),
        exhibits=(_table_of_windows(windows), *(_gradients(item) for item in wide if item.h == STEP)),
    )


def number_step(x: float, dtype: str) -> float:
    """The distance from a number to its neighbour, 2u to the power of two below it."""
    return 2.0 ** (1 - law.precision(dtype) + math.floor(math.log2(x)))


def _certain(item: Window) -> tuple[Evidence, Evidence]:
    """From T + h on both ends are exactly 1 (or 0): T is rounded up to a number, and so is w - h."""
    sides = (
        ("w", item.right, law.one_by_sum(item.dtype)),
        ("-w", item.left, law.zero_by_overflow(item.dtype)),
    )
    right, left = (
        exact(
            f"{item.dtype}, h = {item.h:g}: smallest {side} > 0 from which the difference is 0 everywhere",
            expected=threshold + item.h,
            observed=seen,
            tolerance=2.0 * number_step(seen, item.dtype),
            basis="2 numbers of the dtype",
        )
        for side, seen, threshold in sides
    )
    return right, left


def _to_the_eye(item: Window) -> Evidence:
    """Outputs in the last of 30 bins that are not yet 1: whether their difference is 0."""
    looked_at = "even steps of w" if item.dtype in WIDE else "numbers w"
    return exact(
        f"{item.dtype}, h = {item.h:g}: {looked_at} with 29/30 < y < 1 at which the difference is 0",
        expected=item.eye,
        observed=item.flat,
        n=item.eye,
    )


def _one(item: Window) -> Evidence:
    """Where y itself becomes 1."""
    return exact(
        f"{item.dtype}: smallest w with y exactly 1",
        expected=law.one_by_sum(item.dtype),
        observed=item.one,
        tolerance=number_step(item.one, item.dtype),
        basis="1 number of the dtype",
    )


def _beside(windows: list[Window]) -> list[Evidence]:
    """Where y itself becomes 1, and from where on a step is lost in w."""
    first = [_one(item) for item in windows if item.h == STEP]
    return first + [_lost(item) for item in windows if math.isfinite(item.absorbed)]


def _lost(item: Window) -> Evidence:
    """From one number above a power of two on, a step is less than half the distance between numbers."""
    return exact(
        f"{item.dtype}, h = {item.h:g}: smallest w from which w + h and w - h round to w",
        expected=law.absorbed_from(item.h, item.dtype),
        observed=item.absorbed,
    )


def _share(dtype: str, place: tuple[float, float], hits: int, rates: Rates) -> Evidence:
    low, high = place
    start = law.difference_zero_from(STEP, dtype)
    return proportion_within(
        hits,
        DRAWS,
        expected=law.difference_zero_mean(start + low, start + high, STEP, dtype),
        margin=SHARE,
        outer_margin=NOT_SHARE,
        rates=rates,
        quantity=f"{dtype}, h = {STEP:g}: share of differences of 0 at ln(2h/eps) + {low:g} .. {high:g}",
    )


def _summary_of_windows(by_dtype: Mapping[str, Window]) -> str:
    wide, single = by_dtype["float64"], by_dtype["float32"]
    coarse = by_dtype["float16"]
    return (
        f"Where y has been rounded to 1 it does: in float64 from w = {wide.right:.4f} on, in float32 from "
        f"{single.right:.4f}, on the left from -{wide.left:.2f} and -{single.left:.2f}. Before that it is "
        f"chance: beyond w = ln(2h/eps), {law.difference_zero_from(STEP, 'float64'):.2f} and "
        f"{law.difference_zero_from(STEP, 'float32'):.2f}, "
        "it is 0 with probability 1 - (2h/eps) exp(-w), while the analytic gradient is alive. An output that "
        f"only looks saturated (above 29/30, not yet 1) has a difference of 0 in {wide.flat / wide.eye:.0%} "
        f"of that range of w in float64 and {single.flat / single.eye:.0%} in float32, and at "
        f"{coarse.flat / coarse.eye:.0%} of its numbers in float16, where h is lost in w."
    )


def _conditions_of_windows(windows: list[Window]) -> str:
    absorbed = ", ".join(
        f"{dtype} {law.absorbed_from(STEP, dtype):.4g}" for dtype in FLOATING if dtype not in WIDE
    )
    return (
        "f = 1 / (1 + exp(-w)) of one weight, computed by NumPy in float16, bfloat16, float32 and float64, "
        f"h = {' and '.join(f'{h:g}' for h in dict.fromkeys(item.h for item in windows))}; found by search "
        "over neighbouring numbers. On the left y keeps its digits down to the smallest number, so that in "
        "float32 and float64 no output near 0 makes the difference 0 until exp(-w) overflows. With "
        f"h = {STEP:g} w + h and w - h round to w itself from: {absorbed}. One weight at a time: no width "
        "and no depth enters"
    )


def _table_of_windows(windows: list[Window]) -> Exhibit:
    rows = tuple(
        (
            item.dtype,
            f"{item.h:g}",
            f"{item.one:.8g}",
            _beyond(law.difference_zero_from(item.h, item.dtype)),
            f"{item.first:.8g}",
            f"{item.right:.8g}" if item.right else "everywhere",
            f"-{item.left:.8g}" if item.left else "everywhere",
        )
        for item in windows
    )
    return Exhibit(
        id="T06-thresholds",
        kind="table",
        title="Where f(w + h) - f(w - h) is exactly 0",
        caption="f = 1 / (1 + exp(-w)). Possible from ln(2h/eps) on; sure from where w - h is rounded to 1.",
        header=("dtype", "h", "y = 1 from", "0 possible from", "0 first met", "0 from", "0 from, left"),
        rows=rows,
        n=len(rows),
    )


def _beyond(start: float) -> str:
    return f"{start:.6g}" if start > 0 else "everywhere"


def _gradients(item: Window) -> Exhibit:
    """The numerical gradient beside the analytic one, over w: it steps, and is gone before."""
    w = np.linspace(0.0, 1.05 * item.one, 106).astype(FLOATING[item.dtype])
    numerical = difference(w, item.h).astype(np.float64) / (2.0 * item.h)
    x = w.astype(np.float64)
    e = np.exp(-x)
    start = law.difference_zero_from(item.h, item.dtype)
    return Exhibit(
        id=f"T06-window-{item.dtype}",
        kind="curve",
        title=f"Numerical gradient of sigmoid, {item.dtype}, h = {item.h:g}",
        caption="Central differences (solid) beside the derivative (dashed); differences of exactly 0 have "
        "no place on this axis. Values of y are eps apart, so the smallest difference is eps/2h.",
        x_axis=Axis(label="w"),
        y_axis=Axis(label="df/dw", log=True),
        x=tuple(map(float, x)),
        observed=tuple(map(float, numerical)),
        expected=tuple(map(float, e / (1.0 + e) ** 2)),
        n=x.size,
        plate="Numerical and analytic gradient of sigmoid",
        column=item.dtype,
        notes=(("0 possible from", f"{start:.2f}"), ("0 from", f"{item.right:.4f}")),
    )
