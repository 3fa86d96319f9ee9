"""SA1xx: where sigmoid and tanh become exactly flat, and that rounding is all that makes them so."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.checks.registry import check
from verinit.checks.s_shapes import (
    Shape,
    Survey,
    called,
    dtype_of,
    explained,
    not_shaped,
    shape_of,
    survey,
    within,
)
from verinit.checks.saturation_mistakes import clipped, kept_alive, left_cause, narrow, slope_cause
from verinit.checks.thresholds import ROWS, Onset, grid, largest, numbers_at, onset, ordinal
from verinit.laws import saturation as law
from verinit.laws.rounding import UNIT_ROUNDOFF, unit_roundoff
from verinit.reference.precision import FLOATING
from verinit.vocabulary import Case, Evidence, Measured, Target, Trial

SOURCE = "Higham 2002, section 2.1"
STEPS = (1e-4, 1e-5)
"""Steps of central differences that textbooks use."""
Array = NDArray[Any]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def _said(shape: Shape, seen: Onset, found: Survey, what: str) -> str:
    """What was found, in words."""
    if math.isinf(seen.first):
        return f"never exactly {what}"
    where = explained(shape, seen.first, found.dtype, found.result, tail=what == "0")
    ragged = "" if seen.sharp else f", not throughout before {seen.settled!r}"
    return f"exactly {what} from {seen.first!r} on{ragged}{': ' if where else ''}{where}"


@check(
    "SA101",
    kind="activation",
    equation="y(x) = 1 from (p - 3) ln 2 at the earliest",
    source=SOURCE,
    applies=not_shaped,
)
def one_where_rounding_makes_it_one(trial: Trial) -> Measured:
    """Sigmoid and tanh are exactly 1 where rounding makes them so, and not before.

    Where y is 1 its gradient is lost. 1 / (1 + exp(-x)) loses it from p ln 2 on, p the bits of the dtype;
    code that clips, or that computes in fewer bits, loses it earlier, or never lets y reach its limit.
    """
    shape, found = shape_of(trial.target), survey(trial)
    interval = shape.right(found.result)
    evidence = within(
        f"x > 0 from which y is exactly {shape.top:g}",
        found.right,
        interval,
        found.dtype,
        expected=shape.forms(found.result)[0][1],
        detail=_said(shape, found.right, found, f"{shape.top:g}"),
    )
    likely = clipped(shape, found.extreme[0], shape.top) or narrow(shape, found.right, found)
    return Measured(evidence=evidence, sufficient=_onsets("y", found.right), likely=likely)


def _onsets(name: str, seen: Onset) -> tuple[tuple[str, float], ...]:
    both = ((f"{name}, first", seen.first), (f"{name}, settled", seen.settled))
    return tuple((words, value) for words, value in both if math.isfinite(value))


@check(
    "SA102",
    kind="activation",
    equation="y(-x) = y(-inf) from -ln(smallest normal) at the earliest",
    source=SOURCE,
    applies=not_shaped,
)
def flat_on_the_left_where_numbers_end(trial: Trial) -> Measured:
    """On the left sigmoid is exactly 0 where the dtype's numbers end, and tanh exactly -1 where it rounds.

    Near 0 numbers are dense: exp(x) keeps its digits down to the smallest one. A sigmoid that is formed as
    (1 + tanh(x/2)) / 2 cancels instead, and loses nine tenths of that range.
    """
    shape, found = shape_of(trial.target), survey(trial)
    tail = shape.bottom == 0.0
    evidence = within(
        f"|x| from which y(-|x|) is exactly {shape.bottom:g}",
        found.left,
        shape.left(found.result),
        found.dtype,
        expected=law.zero_by_underflow(found.result) if tail else shape.forms(found.result)[0][1],
        detail=_said(shape, found.left, found, f"{shape.bottom:g}"),
    )
    return Measured(evidence=evidence, sufficient=_onsets("y", found.left), likely=left_cause(shape, found))


@check(
    "SA103",
    kind="activation",
    equation="y'(x) = 0 only where y(x) = y(+-inf)",
    source=SOURCE,
    applies=not_shaped,
)
def slope_lives_while_the_value_moves(trial: Trial) -> Measured:
    """The slope is nowhere exactly 0 while the value is still away from its limits.

    y (1 - y) and s(x) s(-x) both keep this. A backward that squares exp(-x), or that keeps y in fewer bits
    than the forward, stops learning where the forward is still alive.
    """
    shape, found = shape_of(trial.target), survey(trial)
    bad, places = _dead_slopes(trial, shape, found)
    first = float(np.abs(bad).min()) if bad.size else 0.0
    evidence = Evidence(
        quantity="numbers x at which y' is exactly 0 and y is not",
        expected=0.0,
        observed=float(bad.size),
        distance=float(bad.size),
        tolerance=0.0,
        n=places,
        detail=f"first at |x| = {first!r}" if bad.size else "",
    )
    return Measured(evidence=evidence, likely=slope_cause(shape, found, bad))


def _dead_slopes(trial: Trial, shape: Shape, found: Survey) -> tuple[Floats, int]:
    """Numbers at which the slope is 0 and should not be, and how many were looked at.

    A slope below the smallest normal number times `ULPS` may be flushed; a value within `ULPS` units of 1 may
    be at its limit in the formula of the slope.
    """
    f, bad, seen = trial.target.object, [], 0
    sides = ((1, found.right, shape.right), (-1, found.left, shape.left))
    for sign, side, interval in sides:
        end = min(side.first, interval(found.result)[1], largest(found.dtype))
        x = sign * _numbers_up_to(end, found.dtype)
        y, slope = called(f.value, x), called(f.derivative, x)
        true = shape.slope(x.astype(np.float64))
        near = law.ULPS * unit_roundoff(found.result)
        alive = (np.abs(y - shape.top) > near) & (np.abs(y - shape.bottom) > near * abs(shape.bottom))
        due = alive & (true > law.ULPS * law.smallest_normal(found.result))
        bad.append(x[due & (slope == 0)].astype(np.float64))
        seen += int(np.count_nonzero(due))
    return np.concatenate(bad), seen


def _numbers_up_to(end: float, dtype: str) -> Array:
    """Numbers from 0 up to `end`, and every neighbour below it; of a two-byte dtype all. Always as many."""
    places = grid(dtype, 0.0, end)
    if FLOATING[dtype].itemsize > 2:
        last = ordinal(end, dtype)
        places = np.concatenate([np.resize(places, 2 * ROWS), np.arange(last - ROWS, last)])
    return numbers_at(places, dtype)


@check(
    "SA104",
    kind="activation",
    equation="y'(x) = 0 from y = 1 at the earliest, by underflow at last",
    source=SOURCE,
    applies=not_shaped,
)
def slope_ends_where_numbers_end(trial: Trial) -> Measured:
    """The slope becomes exactly 0 on either side, between where y rounds and where the slope underflows.

    Which of the two is a choice of formula, and both pass: y (1 - y) dies where y rounds to 1, s(x) s(-x)
    where it underflows. What the first one loses is reported. A slope that never dies is no slope: something
    was added or clipped to keep it alive.
    """
    shape, found = shape_of(trial.target), survey(trial)
    sides = tuple(
        zip(
            ("x > 0", "x < 0"), (found.slope_right, found.slope_left), shape.slopes(found.result), strict=True
        )
    )
    end = shape.underflows(found.result)
    looks = [
        within(
            f"|x| from which y' is exactly 0, {side}",
            seen,
            interval,
            found.dtype,
            expected=max(interval[0], min(shape.forms(found.result)[0][1], interval[1])),
            detail=_lost(side, seen, end),
        )
        for side, seen, interval in sides
    ]
    worst = max(looks, key=lambda e: (not e.distance <= e.tolerance, e.distance))
    sufficient = (*_onsets("x > 0", found.slope_right), *_onsets("x < 0", found.slope_left))
    return Measured(evidence=worst, sufficient=sufficient, likely=kept_alive(found, worst))


def _lost(side: str, seen: Onset, end: float) -> str:
    """How much of the range in which a slope can be told from 0 is lost."""
    if math.isinf(seen.settled):
        return f"{side}: the slope is never 0 for good"
    kept = f"{side}: 0 from {seen.first!r} on"
    share = 1.0 - seen.first / end
    return kept if seen.first >= end else f"{kept}, {share:.0%} short of {end:.6g}, where it underflows"


def _too_fine(target: Target, case: Case) -> str:
    """Why central differences say nothing of a target at a case; empty if they do.

    At the centre a difference h/2 of sigmoid must exceed what two values near 1/2, each off by k units of at
    most u, may hide.
    """
    reason = not_shaped(target)
    if reason or case.dtype is None:
        return reason
    hidden = case.dtype in UNIT_ROUNDOFF and min(STEPS) / 2.0 <= 2.0 * law.ULPS * unit_roundoff(case.dtype)
    return f"a step of {min(STEPS):g} is lost in the rounding of {case.dtype}" if hidden else ""


@check(
    "SA105",
    kind="activation",
    equation="f(w + h) - f(w - h) = 0 only if 2 h f'(w) <= 2 k ulp(f(w))",
    source=SOURCE,
    applies=_too_fine,
)
def differences_vanish_only_in_rounding(trial: Trial) -> Measured:
    """A central difference is exactly 0 only where rounding of the two values hides it.

    Sigmoid's can be from ln(2h/eps) on, and surely is from where w - h rounds to 1: between the two the
    analytic gradient is alive and the numerical one may be 0. A function read from a table is flat
    between its entries, and numerical differentiation says that nothing is to be learnt there.
    """
    shape, dtype = shape_of(trial.target), dtype_of(trial)
    w = _evenly(shape, dtype)
    looks = [_flat(trial, shape, w, h) for h in STEPS]
    flat, due = (np.concatenate(masks) for masks in zip(*looks, strict=True))
    bad = int(np.count_nonzero(flat))
    w = np.abs(np.tile(w.astype(np.float64), len(STEPS)))
    first = float(w[flat].min()) if bad else 0.0
    evidence = Evidence(
        quantity="numbers w and steps h at which the difference is 0 and rounding is no excuse",
        expected=0.0,
        observed=float(bad),
        distance=float(bad),
        tolerance=0.0,
        n=int(np.count_nonzero(due)),
        basis=f"{law.ULPS:g} ulp",
        detail=f"first at |w| = {first!r}" if bad else "",
    )
    sufficient = tuple(pair for h in STEPS for pair in _window(trial, h))
    return Measured(evidence=evidence, sufficient=sufficient, likely=_table(flat[due & (w <= 1.0)], bad))


def _evenly(shape: Shape, dtype: str) -> Array:
    """Numbers w on both sides, to where y rounds and to where numbers end."""
    ends = shape.right(dtype)[0], shape.left(dtype)[0]
    right, left = (np.linspace(0.0, end, ROWS) for end in ends)
    return np.concatenate([-left, right]).astype(FLOATING[dtype])


def _flat(trial: Trial, shape: Shape, w: Array, h: float) -> tuple[Mask, Mask]:
    """Where a difference is 0 although it must not be, and where it must not be.

    f(b) - f(a) is at least b - a times the slope at the farther end. Values err by k units of at most
    2 u |y|, or are flushed.
    """
    f, step = trial.target.object.value, w.dtype.type(h)
    a, b = w - step, w + step
    low, high = called(f, a), called(f, b)
    y = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64)))
    ends = a.astype(np.float64), b.astype(np.float64)
    least = (ends[1] - ends[0]) * np.minimum(*map(shape.slope, ends))
    u = unit_roundoff(low.dtype.name)
    hidden = 4.0 * law.ULPS * u * y + law.ULPS * law.smallest_normal(low.dtype.name)
    due = least > hidden
    return due & (high == low), due


def _window(trial: Trial, h: float) -> tuple[tuple[str, float], ...]:
    """From where on the difference is 0 somewhere, and from where on everywhere, for w > 0.

    With y exactly 1 from T on it is not 0 at T, where one end is 1 and the other is not: it is from T + h on.
    """
    found, f = survey(trial), trial.target.object.value
    step = FLOATING[found.dtype].type(h)

    def flat(w: Array) -> Mask:
        return np.asarray(called(f, w + step) == called(f, w - step))

    top = found.right.first
    if math.isinf(top):
        return ()
    first = onset(flat, found.dtype, low=0.0, high=top).first
    last = onset(flat, found.dtype, low=top, high=top + 3.0 * h).settled
    named = ((f"h = {h:g}, 0 first seen at", first), (f"h = {h:g}, 0 from", last))
    return tuple((words, value) for words, value in named if math.isfinite(value))


def _table(centre: Mask, bad: int) -> str:
    """Where f is steepest, only values that are kept coarsely are flat over a step."""
    if not bad:
        return ""
    if np.count_nonzero(centre) > centre.size // 2:
        return "f is read from a table, or its values are quantised"
    return (
        ""
        if centre.any()
        else "f is flat far out, where its values still differ: they are clipped, or cancel"
    )
