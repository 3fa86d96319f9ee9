"""AC3xx: slopes are those of the activation that is named, to rounding, and one of both at a kink."""

from __future__ import annotations

import math

import numpy as np

from verinit.checks.activation_contract import CONTRACT, SHAPED, not_numbers
from verinit.checks.activation_figures import around
from verinit.checks.activation_looks import (
    HALVED,
    Flags,
    Look,
    law_of,
    look_of,
    plainest,
    shown,
    unnamed_slope,
    without_slope,
)
from verinit.checks.activation_mistakes import lost_slope, wrong_slope
from verinit.checks.activation_values import ROUNDING, at_infinity, fine
from verinit.checks.registry import check
from verinit.checks.thresholds import largest
from verinit.laws.activation_rounding import OPERATIONS
from verinit.laws.activations import Kink
from verinit.laws.rounding import unit_roundoff
from verinit.laws.saturation import smallest_normal
from verinit.vocabulary import Case, Evidence, Measured, Target, Trial


@check(
    "AC301",
    kind="activation",
    equation="|y' - f'(x)| <= k u (|f'| + |x f''| + terms)",
    source=ROUNDING,
    after=CONTRACT,
    applies=unnamed_slope,
    exhibit=around("f'"),
)
def slope_is_that_of_the_function(trial: Trial) -> Measured:
    """The slope is that of the function which is named, to rounding.

    It is looked at where values are, but for kinks. Rounding is what the published formula may suffer: for
    sigmoid that is y (1 - y), whose error is a unit of 1 however small it is.
    """
    look = look_of(trial)
    where = look.held & look.off_kinks
    evidence = look.worst("y'", look.slope, look.true_slope, look.allowed_slope, where)
    wrong = not evidence.distance <= evidence.tolerance
    return Measured(evidence=evidence, likely=wrong_slope(look) if wrong else "")


def _fine(target: Target, case: Case) -> str:
    return without_slope(target) or fine(target, case)


@check(
    "AC302",
    kind="activation",
    equation="|y' - f'(x)| <= sqrt(u) (|f'| + |x f''|)",
    source="Higham 2002, section 1.7",
    after=CONTRACT,
    applies=_fine,
    exhibit=around("f'"),
)
def half_of_the_digits_of_a_slope_survive(trial: Trial) -> Measured:
    """Half of the digits of the slope survive wherever it is a normal number.

    A saturated unit learns by a slope that is small but not 0. y (1 - y) has no digit left of it where y
    rounds to 1, and s(x) s(-x) has all.
    """
    look = look_of(trial)
    where = look.held & look.off_kinks
    evidence = look.worst("y'", look.slope, look.true_slope, look.half_kept_slope, where, basis=HALVED)
    wrong = not evidence.distance <= evidence.tolerance
    return Measured(evidence=evidence, likely=lost_slope(look) if wrong else "")


@check(
    "AC303",
    kind="activation",
    equation="y'(+-inf) = lim f'",
    source="definition",
    after=CONTRACT,
    applies=unnamed_slope,
)
def slopes_have_their_limits(trial: Trial) -> Evidence:
    """At infinity the slope is the limit of the slope.

    Where the value is rightly 0 or 1, a backward of inf times 0 brings nan back to every weight below.
    """
    look = look_of(trial)
    return at_infinity(look, "f'", "y'", look.law.slope_ends)


def _kinked(target: Target, case: Case) -> str:
    reason = unnamed_slope(target)
    return reason or ("" if law_of(target).kinks else f"{law_of(target)} has no kink")


@check(
    "AC304",
    kind="activation",
    equation="min(f'-, f'+) <= y' <= max(f'-, f'+)",
    source="Clarke 1983, ch. 2",
    after=CONTRACT,
    applies=_kinked,
)
def slope_at_a_kink_lies_between_both_slopes(trial: Trial) -> Measured:
    """At a kink the slope is one of those between the slope on the left and the slope on the right.

    relu'(0) may be 0, 1/2 or 1; -1 or 2 is no convention. The same holds of both zeros, and of numbers below
    the smallest normal one, which may be taken for 0.
    """
    look = look_of(trial)
    found = [_at(look, kink) for kink in look.law.kinks]
    worst = max(found, key=lambda e: (not e.distance <= e.tolerance, e.distance))
    wrong = not worst.distance <= worst.tolerance
    return Measured(
        evidence=worst, likely="no one-sided slope: the branch at equality is wrong" if wrong else ""
    )


def _at(look: Look, kink: Kink) -> Evidence:
    near = np.abs(look.wide - kink.at) < smallest_normal(look.dtype)
    x, slope = look.wide[near], look.slope[near]
    low, high = min(kink.left, kink.right), max(kink.left, kink.right)
    beyond = np.maximum(np.maximum(low - slope, slope - high), 0.0)
    beyond = np.where(np.isnan(beyond), math.inf, beyond)
    i = int(np.argmax(beyond))
    return Evidence(
        quantity=f"y'({shown(x[i])}) at a kink",
        expected=min(max(float(slope[i]), low), high) if math.isfinite(slope[i]) else high,
        observed=float(slope[i]),
        distance=float(beyond[i]),
        tolerance=0.0 if look.law.exact else _constants(look, high),
        interval=(low, high),
        n=int(near.sum()),
        detail=f"y'({shown(x[i])}) is {shown(slope[i])}; the slopes beside it are {low:g} and {high:g}"
        if beyond[i]
        else "",
    )


def _constants(look: Look, size: float) -> float:
    """How far a slope may be off because its constants are rounded."""
    return OPERATIONS * unit_roundoff(look.dtype) * abs(size)


@check(
    "AC305",
    kind="activation",
    equation="sign y' = sign f'",
    source="definition",
    after=CONTRACT,
    applies=unnamed_slope,
)
def slope_has_the_right_sign(trial: Trial) -> Measured:
    """The slope has the sign of the true one, and is 0 only where rounding is an excuse.

    Of a function that rises everywhere it is never below 0. A step in the wrong direction climbs, and a
    slope of 0 at 13, where sigmoid still moves, ends learning.
    """
    look = look_of(trial)
    bad = _wrong_sign(look)
    i = plainest(look.wide, bad) if bad.any() else 0
    wrong = bool(bad.any())
    evidence = Evidence(
        quantity="numbers x at which y' has the wrong sign",
        expected=0.0,
        observed=float(bad.sum()),
        distance=float(bad.sum()),
        tolerance=0.0,
        n=look.x.size,
        detail=f"at x = {shown(look.wide[i])} y' is {shown(look.slope[i])}, expected "
        f"{shown(look.true_slope[i])}; and at {int(bad.sum()) - 1} more"
        if wrong
        else "",
    )
    return Measured(evidence=evidence, likely=wrong_slope(look) if wrong else "")


def _wrong_sign(look: Look) -> Flags:
    """Where the sign is wrong: of one that cannot be excused by rounding, and any negative one that rises."""
    true, got = look.true_slope, look.slope
    sure = (np.abs(true) > look.allowed_slope) & look.held & look.off_kinks
    wrong = sure & (np.sign(true) != np.sign(got)) & ~np.isnan(got)
    return np.asarray(wrong | (got < 0.0) if look.law.rising else wrong)


@check(
    "AC306",
    kind="activation",
    equation="y'(x) is not nan while x^2 is finite",
    source="definition",
    after=SHAPED,
    applies=without_slope,
)
def slope_of_a_number_is_a_number(trial: Trial) -> Evidence:
    """The slope of a number is never nan, at least where the square of the number is finite.

    inf times 0 in a backward, where a power of x overflows and its factor has reached 0. Powers beyond the
    square are the activation's own affair; squares are taken by every norm and every loss.
    """
    look = look_of(trial)
    within = np.abs(look.wide) < math.sqrt(largest(look.dtype))
    return not_numbers("f'", look.wide, np.isnan(look.slope), within)
