"""Sigmoid and tanh: the limits they round to, where sound code reaches them, and a survey by search."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.checks.thresholds import (
    Onset,
    Property,
    at_or_above,
    largest,
    numbers_at,
    onset,
    ordinal,
)
from verinit.laws import saturation as law
from verinit.laws.rounding import UNIT_ROUNDOFF
from verinit.reference.precision import FLOATING
from verinit.vocabulary import Case, CheckSkipped, Evidence, Target, Trial

Array = NDArray[Any]
Floats = NDArray[np.float64]
Interval = tuple[float, float]
"""From the earliest to the latest threshold of sound code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An S-shaped function: its limits, and as functions of the result's dtype where it may reach them.

    right, left  intervals of |x| in which the value becomes exactly `top`, and `bottom`
    slopes       intervals of x and of |x| in which the slope becomes exactly 0 on either side
    forms        closed forms of |x|, each with its words, for the value on the right, the left, and the slope
    slope        of the true function, in float64
    underflows   |x| from which a slope that is rounded once is 0
    """

    top: float
    bottom: float
    right: Callable[[str], Interval]
    left: Callable[[str], Interval]
    slopes: Callable[[str], tuple[Interval, Interval]]
    forms: Callable[[str], tuple[tuple[str, float], ...]]
    slope: Callable[[Floats], Floats]
    underflows: Callable[[str], float]


def _sigmoid_forms(dtype: str) -> tuple[tuple[str, float], ...]:
    return (
        ("p ln 2, where 1 + exp(-x) rounds to 1", law.one_by_sum(dtype)),
        ("(p + 1) ln 2, where it is correctly rounded", law.one_within(dtype, ulps=0.5)),
        ("ln(max), where exp(-x) overflows", law.zero_by_overflow(dtype)),
        ("ln(2 / smallest), where exp(x) underflows", law.zero_by_underflow(dtype)),
        ("-ln(smallest normal), where subnormal numbers are flushed", law.zero_by_flush(dtype)),
    )


def _sigmoid_slope(x: Floats) -> Floats:
    e = np.exp(-np.abs(x))
    return np.asarray(e / (1.0 + e) ** 2)


def _tanh_slope(x: Floats) -> Floats:
    e = np.exp(-np.abs(x))
    return np.asarray((2.0 * e / (1.0 + e * e)) ** 2)


def _sigmoid_right(dtype: str) -> Interval:
    return law.one_within(dtype), law.one_at_last()


def _sigmoid_left(dtype: str) -> Interval:
    return law.zero_earliest(dtype), law.zero_at_last(dtype)


def _tanh_side(dtype: str) -> Interval:
    return law.tanh_one_within(dtype), law.tanh_one_at_last()


def _tanh_slopes(dtype: str) -> tuple[Interval, Interval]:
    side = law.tanh_one_within(dtype), law.tanh_slope_at_last(dtype)
    return side, side


SHAPES = {
    "sigmoid": Shape(
        top=1.0,
        bottom=0.0,
        right=_sigmoid_right,
        left=_sigmoid_left,
        slopes=lambda dtype: (
            (law.one_within(dtype), law.zero_at_last(dtype)),
            (law.zero_earliest(dtype), law.zero_at_last(dtype)),
        ),
        forms=_sigmoid_forms,
        slope=_sigmoid_slope,
        underflows=law.zero_by_underflow,
    ),
    "tanh": Shape(
        top=1.0,
        bottom=-1.0,
        right=_tanh_side,
        left=_tanh_side,
        slopes=_tanh_slopes,
        forms=lambda dtype: (
            ("(p + 2) ln 2 / 2, where it is correctly rounded", law.tanh_one_rounded(dtype)),
        ),
        slope=_tanh_slope,
        underflows=law.tanh_slope_by_underflow,
    ),
}
"""By what a target declares itself to be like."""


def shape_of(target: Target) -> Shape:
    """The shape that a target declares.

    Raises `CheckSkipped` where it declares none of them.
    """
    if not_shaped(target):
        raise CheckSkipped(not_shaped(target))
    return SHAPES[str(target.says("like"))]


def not_shaped(target: Target, case: Case | None = None) -> str:
    """Why claims about S-shaped functions say nothing of a target; empty if they do."""
    like = target.says("like")
    if like in SHAPES:
        return ""
    said = f"is like {like}" if like else "does not say what it is like"
    return f"a claim about {' and '.join(SHAPES)}; {target.name} {said}"


def dtype_of(trial: Trial) -> str:
    """The dtype that is looked at: the case's, else float64, else the first that the target takes."""
    own = trial.target.dtypes
    return trial.case.dtype or ("float64" if not own or "float64" in own else own[0])


def called(function: Callable[[Array], Any], x: Array) -> Array:
    """What a function makes of numbers; that exp overflows far out is looked for: nothing warns."""
    with np.errstate(all="ignore"):
        return np.asarray(function(x))


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Where a function and its derivative become exactly flat; |x| on the left.

    dtype    of the numbers that went in
    result   dtype of the values that came out, whose rounding decides
    extreme  values at the largest finite number and at its negative
    steepest derivatives there
    """

    dtype: str
    result: str
    right: Onset
    left: Onset
    slope_right: Onset
    slope_left: Onset
    extreme: tuple[float, float]
    steepest: tuple[float, float]


def survey(trial: Trial) -> Survey:
    """Of the trial's target in the trial's dtype: one search for all checks."""
    return _survey(trial.target, dtype_of(trial))


@lru_cache(maxsize=8)
def _survey(target: Target, dtype: str) -> Survey:
    shape, f = shape_of(target), target.object
    ends = np.array([largest(dtype), -largest(dtype)], dtype=FLOATING[dtype])
    values, slopes = called(f.value, ends), called(f.derivative, ends)
    result = values.dtype.name
    if result not in UNIT_ROUNDOFF:
        raise CheckSkipped(f"values of dtype {result} have no rounding rules here")
    (right, left), (far, farther) = shape.slopes(result), (shape.right(result), shape.left(result))

    def begins(has: Property, interval: Interval) -> Onset:
        return _onset(has, dtype, interval[1])

    return Survey(
        dtype=dtype,
        result=result,
        right=begins(lambda x: called(f.value, x) == shape.top, far),
        left=begins(lambda x: called(f.value, -x) == shape.bottom, farther),
        slope_right=begins(lambda x: called(f.derivative, x) == 0, right),
        slope_left=begins(lambda x: called(f.derivative, -x) == 0, left),
        extreme=(float(values[0]), float(values[1])),
        steepest=(float(slopes[0]), float(slopes[1])),
    )


BEYOND = 1.25
"""How far past the latest threshold of sound code is searched step by step; beyond that, binade by binade."""


def _onset(has: Property, dtype: str, latest: float) -> Onset:
    end = largest(dtype)
    high = end if FLOATING[dtype].itemsize == 2 else min(end, BEYOND * latest)
    found = onset(has, dtype, low=0.0, high=high)
    if high == end:
        return found
    tail = np.linspace(ordinal(high, dtype), ordinal(end, dtype), 512).astype(np.int64)
    lasting = bool(np.all(has(numbers_at(tail, dtype))))
    return Onset(first=found.first, settled=found.settled if lasting else np.inf, n=found.n + tail.size)


def within(
    quantity: str, seen: Onset, interval: Interval, dtype: str, *, expected: float, detail: str
) -> Evidence:
    """A threshold lies in the interval of sound code, whose upper end shows at the next number of `dtype`.

    Judged is the end that is farther off: that the property begins not before, that it lasts from there on.
    """
    low, high = interval[0], at_or_above(interval[1], dtype)
    observed = seen.first if low - seen.first > seen.settled - high else seen.settled
    early = observed < expected
    return Evidence(
        quantity=quantity,
        expected=expected,
        observed=observed,
        distance=abs(observed - expected),
        tolerance=expected - low if early else high - expected,
        n=seen.n,
        basis="rounding, by search",
        detail=detail,
    )


def explained(shape: Shape, x: float, dtype: str, result: str, *, tail: bool) -> str:
    """The closed form that a threshold is the first number of, or next to; empty if none.

    tail  whether the limit is 0, near which numbers are dense, so that only they end it
    """
    for words, value in shape.forms(result):
        if tail and value < law.zero_earliest(result):
            continue
        place = ordinal(at_or_above(value, dtype), dtype)
        if np.isfinite(x) and abs(ordinal(x, dtype) - place) <= 1:
            return words
    return ""
