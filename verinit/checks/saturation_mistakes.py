"""Mistakes that make an S-shaped function flat too early, or never: each leaves a threshold of its own."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from verinit.checks.s_shapes import Shape, Survey
from verinit.checks.thresholds import Onset
from verinit.laws import saturation as law
from verinit.laws.rounding import UNIT_ROUNDOFF
from verinit.vocabulary import Evidence

Floats = NDArray[np.float64]


def narrow(shape: Shape, seen: Onset, found: Survey) -> str:
    """The coarser dtype whose threshold this is."""
    for coarse in ("bfloat16", "float16", "float32"):
        if UNIT_ROUNDOFF[coarse] > UNIT_ROUNDOFF[found.result] and math.isfinite(seen.first):
            # it shows at the next of its numbers, 2u away at most, and half a number sooner as x is rounded
            for words, value in shape.forms(coarse):
                if abs(seen.first - value) <= 3.0 * UNIT_ROUNDOFF[coarse] * value:
                    return f"computed in {coarse} inside: {words.partition(',')[0]} of {coarse}"
    return ""


def clipped(shape: Shape, extreme: float, what: float) -> str:
    """The bound at which an argument or a value is cut, from the value at the largest number."""
    if not (math.isfinite(extreme) and extreme != what and shape.bottom <= extreme <= shape.top):
        return ""
    share = (extreme - shape.bottom) / (shape.top - shape.bottom)
    if not 0.0 < share < 1.0:
        return ""
    factor = 1.0 if shape.bottom == 0.0 else 2.0
    argument = math.log(share / (1.0 - share)) / factor
    return f"something is clipped: farthest out the value is {extreme!r}, which belongs to x = {argument:.4g}"


def left_cause(shape: Shape, found: Survey) -> str:
    """What makes the left side end elsewhere."""
    cut = clipped(shape, found.extreme[1], shape.bottom)
    if cut or shape.bottom != 0.0:
        return cut or narrow(shape, found.left, found)
    earliest = 2.0 * law.tanh_one_within(found.result)
    latest = 2.0 * law.tanh_one_at_last()
    if earliest <= found.left.first <= latest:
        return "1 + tanh(x/2), or 1 - s(-x), cancels: on the left use exp(x) / (1 + exp(x))"
    return narrow(shape, found.left, found)


def slope_cause(shape: Shape, found: Survey, bad: Floats) -> str:
    """What makes the slope 0 at the numbers `bad`."""
    if not bad.size:
        return ""
    first = min(found.slope_right.first, found.slope_left.first)
    half = law.zero_by_overflow(found.result) / 2.0
    room = law.moved(half, found.dtype, ulps=law.ULPS) - half
    if shape.bottom == 0.0 and np.all(bad < 0) and abs(found.slope_left.first - half) <= room:
        return "exp(-x) / (1 + exp(-x))^2: its square overflows at half the range; use y (1 - y)"
    return narrow(shape, Onset(first=first, settled=first, n=0), found)


def kept_alive(found: Survey, worst: Evidence) -> str:
    """What keeps a slope from dying."""
    farthest = found.steepest[0] if worst.quantity.endswith("x > 0") else found.steepest[1]
    if math.isinf(worst.observed) and math.isfinite(farthest) and farthest != 0:
        return f"something keeps the slope alive: farthest out it is {farthest!r}"
    return ""
