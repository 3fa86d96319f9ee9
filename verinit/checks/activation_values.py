"""AC2xx: values are those of the activation that is named, to rounding, over the whole line."""

from __future__ import annotations

import math

import numpy as np

from verinit.checks.activation_contract import CONTRACT
from verinit.checks.activation_figures import around
from verinit.checks.activation_looks import (
    HALVED,
    Floats,
    Look,
    dtype_of,
    everywhere,
    law_of,
    look_of,
    numbers,
    shown,
    unnamed,
)
from verinit.checks.activation_mistakes import lost_value, wrong_value
from verinit.checks.registry import check
from verinit.checks.violations import violations
from verinit.laws.activation_rounding import OPERATIONS, budget, sizes
from verinit.laws.rounding import COARSE, unit_roundoff
from verinit.vocabulary import Case, Evidence, Measured, Target, Trial

ROUNDING = "Higham 2002, section 3.3"


def _unit(look: Look) -> float:
    """What a bound or limit may be off by that is itself rounded, relative."""
    return OPERATIONS * unit_roundoff(look.dtype)


@check(
    "AC201",
    kind="activation",
    equation="|y - f(x)| <= k u (|f| + |x f'| + terms)",
    source=ROUNDING,
    after=CONTRACT,
    applies=unnamed,
    exhibit=around("f"),
)
def value_is_that_of_the_function(trial: Trial) -> Measured:
    """The value is that of the function which is named, to rounding.

    At every number of a two-byte dtype, at thousands of a wider one: landmarks and their neighbours, all
    binades, random ones. Rounding is what the published formula may suffer, eight units of its largest term.
    """
    look = look_of(trial)
    evidence = look.worst("y", look.y, look.true, look.allowed, look.held)
    wrong = not evidence.distance <= evidence.tolerance
    return Measured(evidence=evidence, likely=wrong_value(look) if wrong else "")


def fine(target: Target, case: Case) -> str:
    """Why a claim about digits says nothing of a case; empty if it does."""
    reason = unnamed(target)
    if not reason and dtype_of(target, case) in COARSE:
        return (
            f"{dtype_of(target, case)} has few digits to lose: how many are lost depends on where it rounds"
        )
    return reason


@check(
    "AC202",
    kind="activation",
    equation="|y - f(x)| <= sqrt(u) (|f| + |x f'|)",
    source="Higham 2002, section 1.7",
    after=CONTRACT,
    applies=fine,
    exhibit=around("f"),
)
def half_of_the_digits_survive(trial: Trial) -> Measured:
    """Half of the digits survive wherever the value is a normal number.

    1 + erf and exp(x) - 1 cancel: their error is small beside 1 and as large as the value itself, so that a
    tail or what happens near 0 is lost. erfc, expm1, log1p keep it.
    """
    look = look_of(trial)
    evidence = look.worst("y", look.y, look.true, look.half_kept, look.held, basis=HALVED)
    wrong = not evidence.distance <= evidence.tolerance
    return Measured(evidence=evidence, likely=lost_value(look) if wrong else "")


@check(
    "AC203",
    kind="activation",
    equation="low <= y <= high",
    source="definition",
    after=CONTRACT,
    applies=unnamed,
)
def values_lie_in_the_range(trial: Trial) -> Evidence:
    """Values lie in the range of the function.

    A tanh that exceeds 1 in the last bit has 1 - y^2 below 0, and a sigmoid that does has log(1 - y) = nan. A
    bound of 0 or 1 is met exactly; another one is itself rounded.
    """
    look = look_of(trial)
    low, high = look.law.low, look.law.high
    with np.errstate(all="ignore"):
        beyond = np.maximum(low - look.y, look.y - high)
    i = int(np.argmax(np.where(np.isnan(beyond), -math.inf, beyond)))
    bound = low if look.y[i] < low or not math.isfinite(high) else high
    departure = max(0.0, float(beyond[i]))
    return Evidence(
        quantity=f"y({shown(look.wide[i])})",
        expected=bound if departure else float(look.y[i]),
        observed=float(look.y[i]),
        distance=departure,
        tolerance=0.0 if bound in (0.0, 1.0, -1.0) or not math.isfinite(bound) else _unit(look) * abs(bound),
        n=look.x.size,
        detail=f"at x = {shown(look.wide[i])} y is {shown(look.y[i])}, beyond {shown(bound)}"
        if departure
        else "",
    )


@check(
    "AC204",
    kind="activation",
    equation="y(+-inf) = lim f",
    source="definition",
    after=CONTRACT,
    applies=unnamed,
)
def infinities_have_their_limits(trial: Trial) -> Evidence:
    """At infinity the value is the limit of the function.

    An overflow upstream is an infinity here: x s(x) makes nan of -inf times 0, where 0 would stop it.
    """
    look = look_of(trial)
    return at_infinity(look, "f", "y", look.law.ends)


def at_infinity(look: Look, name: str, symbol: str, ends: tuple[float, float]) -> Evidence:
    """The infinity at which a result is farthest from its limit."""
    found = []
    for x, limit in zip((-math.inf, math.inf), ends, strict=True):
        seen = everywhere(look, name, x)
        with np.errstate(invalid="ignore"):
            distance = np.where(seen == limit, 0.0, np.abs(seen - limit))
        distance = np.where(np.isnan(distance), math.inf, distance)
        i = int(np.argmax(distance))
        wrong = int(np.count_nonzero(distance > 0.0))
        some = "" if wrong in (0, seen.size) else f" at {wrong} of {seen.size} places"
        found.append(
            Evidence(
                quantity=f"{symbol}({shown(x)})",
                expected=limit,
                observed=float(seen[i]),
                distance=float(distance[i]),
                tolerance=_unit(look) * abs(limit) if math.isfinite(limit) and limit not in _WHOLE else 0.0,
                n=2 * seen.size,
                detail=f"{symbol}({shown(x)}) is {shown(seen[i])}{some}; the limit is {shown(limit)}"
                if wrong
                else "",
            )
        )
    return max(found, key=lambda e: (not e.distance <= e.tolerance, e.distance))


_WHOLE = (0.0, 1.0, -1.0)
"""Limits that every dtype holds exactly, and that code reaches."""


def _mirrored(target: Target, case: Case) -> str:
    reason = unnamed(target)
    if not reason and law_of(target).mirror is None:
        return f"{law_of(target)} has no symmetry"
    return reason


@check(
    "AC205",
    kind="activation",
    equation="f(x) + a f(-x) = b + c x",
    source="definition",
    after=CONTRACT,
    applies=_mirrored,
)
def both_sides_mirror_each_other(trial: Trial) -> Evidence:
    """Both sides mirror each other: tanh is odd, s(x) + s(-x) = 1, gelu(x) - gelu(-x) = x.

    One branch for each sign is how these functions are made stable, and how one sign comes to be wrong. What
    is allowed is what both values may be off by.
    """
    look = look_of(trial)
    assert look.law.mirror is not None
    a, b, c = look.law.mirror
    other = numbers_of_mirror(look)
    x, held = look.wide, look.held & np.isfinite(look.y) & np.isfinite(other)
    with np.errstate(all="ignore"):
        left, right = look.y + a * other, b + c * x
        allowed = look.allowed + budget(sizes(look.law, -x, look.dtype)[0], look.dtype)
        allowed += 4.0 * unit_roundoff("float64") * (np.abs(look.y) + np.abs(other) + np.abs(c * x))
        held &= np.isfinite(allowed)
    return look.worst(f"y(x) {'+' if a > 0 else '-'} y(-x)", left, right, allowed, held)


def numbers_of_mirror(look: Look) -> Floats:
    """Values at -x."""
    return numbers(look.of("f", -look.x), look.x)


def _turns(target: Target, case: Case) -> str:
    reason = unnamed(target)
    if not reason and math.isnan(law_of(target).turn):
        return f"{law_of(target)} steps down at its threshold, as it says"
    return reason


@check(
    "AC206",
    kind="activation",
    equation="x < x' implies y(x) <= y(x') beyond the turn",
    source="definition",
    after=CONTRACT,
    applies=_turns,
)
def values_rise_as_the_function_does(trial: Trial) -> Evidence:
    """Values rise where the function rises and fall where it falls, up to rounding.

    A step down where two approximations meet, or where a table wraps, is a local maximum that gradient
    descent climbs for ever. Between adjacent numbers rounding may undo as much as both values may be off by.
    """
    look = look_of(trial)
    x, y = look.wide, look.y
    same_side = (x[:-1] >= look.law.turn) | (x[1:] <= look.law.turn)
    rises = np.where(x[:-1] >= look.law.turn, 1.0, -1.0)
    with np.errstate(all="ignore"):
        back = np.where(same_side, -rises * (y[1:] - y[:-1]), 0.0)
        allowed = look.allowed[1:] + look.allowed[:-1]
        held = look.held[1:] & look.held[:-1] & ~np.isnan(back)
        back = np.where(held, np.maximum(back, 0.0), 0.0)
        i = int(np.argmax(np.where(back > 0.0, back / allowed, 0.0)))
    way = "falls" if rises[i] > 0 else "rises"
    return Evidence(
        quantity=f"what y loses between {shown(x[i])} and {shown(x[i + 1])}",
        expected=0.0,
        observed=float(back[i]),
        distance=float(back[i]),
        tolerance=float(allowed[i]),
        n=x.size,
        basis="roundings of two values",
        detail=f"y {way} from {_all(y[i])} at x = {_all(x[i])} to {_all(y[i + 1])} at {_all(x[i + 1])}"
        if back[i]
        else "",
    )


def _all(x: float) -> str:
    """A number with all its digits: neighbours differ in the last."""
    return shown(x, digits=17)


def _through_zero(target: Target, case: Case) -> str:
    reason = unnamed(target)
    if not reason and float(law_of(target).value(np.zeros(1))[0]) != 0.0:
        return f"{law_of(target)} does not pass through 0"
    return reason


@check(
    "AC207",
    kind="activation",
    equation="y(0) = 0, y(-0.0) = -0.0 of odd functions",
    source="definition",
    after=CONTRACT,
    applies=_through_zero,
)
def zero_stays_zero(trial: Trial) -> Evidence:
    """Zero becomes exactly zero, and of an odd function zero of the same sign.

    What is padded, masked or dropped is 0 and must stay so: an epsilon inside, or a bias of a table, makes
    every empty place speak.
    """
    look = look_of(trial)
    bad, said = 0, ""
    for zero in (0.0, -0.0):
        y = everywhere(look, "f", zero)
        wrong = y != 0.0
        if look.law.odd:
            wrong |= np.signbit(y) != np.signbit(zero)
        bad += int(wrong.sum())
        if wrong.any() and not said:
            said = f"y({zero:g}) is {shown(y[wrong][0])}"
    return violations("zeros that became something else", bad, 2 * y.size, said)
