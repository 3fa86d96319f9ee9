"""The well-known mistakes in activations, and which of them fits what was seen.

Each is a formula that people write by accident; the one that reproduces the results at every number that is
neither tiny nor far out is named. A mistake that no number fits is named by nobody.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy import special

from verinit.checks.activation_looks import Flags, Floats, Look, shown
from verinit.laws.activations import NAMES, Profile, profile
from verinit.laws.rounding import unit_roundoff
from verinit.reference.precision import FLOATING

Candidate = tuple[str, Callable[[Floats], Floats]]
NEAR = 2.0**-6, 2.0**5
"""Sizes of numbers at which candidates are compared: where functions differ, and none overflows."""
FIT = 16.0
"""Roundings by which a candidate may miss, of 1 + |x| + |f(x)|: twice what a sound implementation may."""


def _compared(look: Look) -> Flags:
    size = np.abs(look.wide)
    return (size >= NEAR[0]) & (size <= NEAR[1])


def _fits(look: Look, got: Floats, true: Floats, candidates: Iterator[Candidate]) -> str:
    """The words of the candidate that fits best; empty if none does, or only what is right fits."""
    chosen = _compared(look)
    x, seen, right = look.wide[chosen], got[chosen], true[chosen]
    best, words = 1.0, ""
    for said, f in candidates:
        with np.errstate(all="ignore"):
            guess = f(x)
            allowed = FIT * unit_roundoff(look.dtype) * (1.0 + np.abs(x) + np.abs(guess))
            miss = np.abs(seen - guess) / allowed
        worst = float(np.max(miss, initial=0.0)) if not np.isnan(miss).any() else math.inf
        if worst < best and not bool(np.all(np.abs(guess - right) <= allowed)):
            best, words = worst, said
    return words


_APPROXIMATED = {
    ("gelu", "gelu_tanh"): "the approximation by tanh is taken for the exact gelu",
    ("gelu_tanh", "gelu"): "the exact gelu is taken for its approximation by tanh",
    ("leaky_relu", "relu"): "the slope on the left is missing",
    ("relu", "leaky_relu"): "a leak is left in on the left",
}


def _others(p: Profile) -> Iterator[tuple[str, Profile]]:
    """Activations other than this one, and what to say where one is met instead."""
    for name in NAMES:
        if name != p.name:
            other = profile(name)
            yield _APPROXIMATED.get((p.name, name), ""), other


_STANDINS: tuple[Candidate, ...] = (
    ("it is clipped at 6, as ReLU6 is", lambda x: np.clip(x, 0.0, 6.0)),
    ("hard sigmoid, clip(x/6 + 1/2), stands in for it", lambda x: np.clip(x / 6.0 + 0.5, 0.0, 1.0)),
    ("hard sigmoid, clip(0.2 x + 1/2), stands in for it", lambda x: np.clip(0.2 * x + 0.5, 0.0, 1.0)),
    ("hard tanh, clip(x, -1, 1), stands in for it", lambda x: np.clip(x, -1.0, 1.0)),
    ("softsign, x / (1 + |x|), stands in for it", lambda x: x / (1.0 + np.abs(x))),
    ("quick gelu, x s(1.702 x), stands in for it", lambda x: x * special.expit(1.702 * x)),
    ("it is s(-x): the sign of the exponent is wrong", lambda x: special.expit(-x)),
    ("it is s(2x): tanh without its shift", lambda x: special.expit(2.0 * x)),
    ("it is tanh(x/2): sigmoid without its shift", lambda x: np.tanh(0.5 * x)),
    ("it is |x|", np.abs),
    ("it is the step function", lambda x: (x > 0).astype(np.float64)),
    ("it is erf", special.erf),
)


def _values(look: Look) -> Iterator[Candidate]:
    p = look.law
    yield "the sign is wrong", lambda x: -p.value(x)
    for words, other in _others(p):
        yield words or f"these are values of {other.name}", other.value
    yield from _STANDINS
    yield "the input is negated", lambda x: p.value(-x)
    yield "it is twice the function", lambda x: 2.0 * p.value(x)
    yield "it is half the function", lambda x: 0.5 * p.value(x)
    yield "the slope is returned in place of the value", p.slope
    yield from _pieces(look)


def _pieces(look: Look) -> Iterator[Candidate]:
    """Wrong constants of what has two branches."""
    p = look.law
    if p.name == "leaky_relu":
        i = int(np.argmin(np.abs(look.wide + 1.0)))
        slope = float(look.y[i] / look.wide[i])
        words = f"the slope on the left is {slope:.4g}, not {p.parameter('slope'):.4g}"
        yield words, lambda x: np.where(x < 0, slope * x, x)
    if p.name == "selu":
        scale = p.slope_ends[1]
        yield "the factor lambda is missing", lambda x: p.value(x) / scale
        yield (
            "the factor alpha is missing",
            lambda x: scale * np.where(x < 0, np.expm1(np.minimum(x, 0.0)), x),
        )
        yield "lambda multiplies the left branch only", lambda x: np.where(x < 0, p.value(x), x)
    if p.name == "elu":
        alpha = float(-look.y[0])
        words = f"alpha is {alpha:.4g}, not {p.parameter('alpha'):.4g}"
        yield words, lambda x: np.where(x < 0, alpha * np.expm1(np.minimum(x, 0.0)), x)


def wrong_value(look: Look) -> str:
    """What may have gone wrong with values that are not those of the function; empty if nobody knows."""
    bad = _bad(look, look.y, look.true, look.allowed)
    return (
        _fits(look, look.y, look.true, _values(look))
        or _overflowed(look, bad)
        or _narrow(look, look.y)
        or _cut_off(look, look.y, bad)
    )


def _bad(look: Look, got: Floats, true: Floats, allowed: Floats) -> Flags:
    with np.errstate(all="ignore"):
        return np.asarray(look.held & ~np.isnan(got) & (got != true) & ~(np.abs(got - true) <= allowed))


def _overflowed(look: Look, bad: Flags) -> str:
    if bad.any() and np.isinf(look.y[bad]).all():
        first = look.wide[bad][np.argmin(np.abs(look.wide[bad]))]
        return f"exp overflows from x = {shown(first)} on: give it an argument that is never positive"
    return ""


def _narrow(look: Look, got: Floats) -> str:
    """Results that are all numbers of a narrower dtype were computed in it."""
    chosen = _compared(look) & (got != 0.0)
    for dtype in ("bfloat16", "float16", "float32"):
        if FLOATING[dtype].itemsize < FLOATING[look.dtype].itemsize and chosen.any():
            with np.errstate(all="ignore"):
                same = got[chosen].astype(FLOATING[dtype]).astype(np.float64) == got[chosen]
            if same.all() and np.unique(got[chosen]).size > 2:
                return f"every result is a number of {dtype}: it is computed in that"
    return ""


def _cut_off(look: Look, got: Floats, bad: Flags) -> str:
    """Results that are one constant on each side wherever they are wrong: the input was clipped."""
    sides = [got[bad & (look.wide < 0)], got[bad & (look.wide > 0)]]
    if bad.any() and look.law.name == "softplus" and bool(np.all(got[bad] == look.wide[bad])):
        first = float(look.wide[bad].min())
        return f"it is x itself from x = {shown(first)} on; where that is meant, say softplus(threshold=...)"
    if bad.any() and all(np.unique(side).size <= 1 for side in sides):
        first = float(np.abs(look.wide[bad]).min())
        return f"it is constant from |x| = {shown(first)} on: the input is clipped, or the tail cut off"
    return ""


_LOST_VALUES = {
    "sigmoid": "(1 + tanh(x/2)) / 2 cancels on the left, where exp(x) / (1 + exp(x)) keeps every digit",
    "tanh": "e^x - e^-x, or 2 s(2x) - 1, cancels near 0",
    "elu": "exp(x) - 1 cancels near 0, where expm1 keeps every digit",
    "selu": "exp(x) - 1 cancels near 0, where expm1 keeps every digit",
    "gelu": "1 + erf(x / sqrt(2)) cancels on the left, where erfc(-x / sqrt(2)) keeps every digit",
    "gelu_tanh": "1 + tanh(u) cancels on the left, where 2 s(2u) keeps every digit",
    "silu": "1 + tanh(x/2) cancels on the left, where exp(x) / (1 + exp(x)) keeps every digit",
    "softplus": "log(1 + exp(x)) loses exp(x) beside 1 on the left, where log1p keeps every digit",
}
_LOST_SLOPES = {
    "sigmoid": "1 - y cancels where y is near 1, and s(x) s(-x) keeps every digit",
    "tanh": "1 - y^2 cancels where |y| is near 1, and 4 s(2x) s(-2x) keeps every digit",
    "elu": "y + alpha cancels on the left, where alpha exp(x) keeps every digit",
    "selu": "y + lambda alpha cancels on the left, where lambda alpha exp(x) keeps every digit",
    "gelu": "1 + erf(x / sqrt(2)) cancels on the left, where erfc(-x / sqrt(2)) keeps every digit",
    "gelu_tanh": "1 + tanh(u) and 1 - tanh(u)^2 cancel, where s(2u) and s(-2u) keep every digit",
    "silu": "1 - s(x) cancels, where s(-x) keeps every digit",
    "softplus": "1 - exp(-y) cancels on the left, where exp(x) / (1 + exp(x)) keeps every digit",
}


def lost_value(look: Look) -> str:
    """Which formula loses the digits of a value; empty where values are wrong altogether."""
    fault = _bad(look, look.y, look.true, look.allowed).any()
    return wrong_value(look) if fault else _LOST_VALUES.get(look.law.name, "")


def lost_slope(look: Look) -> str:
    """Which formula loses the digits of a slope; empty where slopes are wrong altogether."""
    fault = _bad(look, look.slope, look.true_slope, look.allowed_slope) & look.off_kinks
    return wrong_slope(look) if fault.any() else _LOST_SLOPES.get(look.law.name, "")


def _slopes(look: Look) -> Iterator[Candidate]:
    p = look.law
    yield "the sign is wrong", lambda x: -p.slope(x)
    yield "the value is returned in place of the slope", p.value
    yield "it is twice the slope", lambda x: 2.0 * p.slope(x)
    yield "it is half the slope", lambda x: 0.5 * p.slope(x)
    yield "it is the slope squared", lambda x: p.slope(x) ** 2
    yield "it is 1 everywhere: the derivative is forgotten", np.ones_like
    yield "it is 0 everywhere: nothing flows back", np.zeros_like
    yield "the slope is taken at y in place of x", lambda x: p.slope(p.value(x))
    yield "the slope is taken at -x", lambda x: p.slope(-x)
    yield from _SLIPS.get(p.name, ())
    for words, other in _others(p):
        yield words or f"this is the slope of {other.name}", other.slope
    yield from _wrong_pieces(look)


def _density(x: Floats) -> Floats:
    result: Floats = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return result


_SLIPS: dict[str, tuple[Candidate, ...]] = {
    "sigmoid": (
        ("x (1 - x): y is meant where x is used", lambda x: x * (1.0 - x)),
        ("the factor 1 - y is missing", special.expit),
        ("the factor y is missing", lambda x: special.expit(-x)),
        ("it is y (1 + y): the sign is wrong", lambda x: special.expit(x) * (1.0 + special.expit(x))),
    ),
    "tanh": (
        ("1 - x^2: y is meant where x is used", lambda x: 1.0 - x * x),
        ("1 - y: the square is missing", lambda x: 1.0 - np.tanh(x)),
        ("1 + y^2: the sign is wrong", lambda x: 1.0 + np.tanh(x) ** 2),
        ("y (1 - y) belongs to sigmoid", lambda x: np.tanh(x) * (1.0 - np.tanh(x))),
    ),
    "gelu": (
        ("the term x phi(x) is missing", special.ndtr),
        ("the term Phi(x) is missing", lambda x: x * _density(x)),
        ("the factor x of phi(x) is missing", lambda x: special.ndtr(x) + _density(x)),
    ),
    "silu": (
        ("the term x s'(x) is missing", special.expit),
        ("the term s(x) is missing", lambda x: x * special.expit(x) * special.expit(-x)),
        ("the factor x of s'(x) is missing", lambda x: special.expit(x) * (1.0 + special.expit(-x))),
    ),
    "softplus": (
        ("it is exp(x): the division by 1 + exp(x) is missing", np.exp),
        ("it is s(-x): the sign is wrong", lambda x: special.expit(-x)),
    ),
}


def _wrong_pieces(look: Look) -> Iterator[Candidate]:
    """Wrong constants, or branches exchanged, of what has two branches."""
    p = look.law
    if p.kinks:
        yield (
            "the branches are exchanged",
            lambda x: np.where(x < 0, p.slope_ends[1], p.slope(-np.abs(x))),
        )
    if p.name == "leaky_relu":
        slope = float(look.slope[int(np.argmin(np.abs(look.wide + 1.0)))])
        words = f"the slope on the left is {slope:.4g}, not {p.parameter('slope'):.4g}"
        yield words, lambda x: np.where(x < 0, slope, 1.0)
    if p.name in ("elu", "selu"):
        yield "y in place of y + alpha on the left", lambda x: np.where(x < 0, p.value(x), p.slope(x))
        yield (
            "the constants of the left branch are missing",
            lambda x: np.where(x < 0, np.exp(np.minimum(x, 0.0)), p.slope_ends[1]),
        )
    if p.name == "selu":
        scale = p.slope_ends[1]
        yield "the factor lambda is missing", lambda x: p.slope(x) / scale
        yield "lambda is missing on the right", lambda x: np.where(x < 0, p.slope(x), 1.0)


def wrong_slope(look: Look) -> str:
    """What may have gone wrong with slopes that are not those of the function; empty if nobody knows."""
    bad = _bad(look, look.slope, look.true_slope, look.allowed_slope) & look.off_kinks
    return (
        _fits(look, look.slope, look.true_slope, _slopes(look))
        or _dead(look, bad)
        or _narrow(look, look.slope)
        or _cut_off(look, look.slope, bad)
    )


def _dead(look: Look, bad: Flags) -> str:
    if bad.any() and not look.slope[bad].any():
        first = float(np.abs(look.wide[bad]).min())
        return f"the slope is 0 from |x| = {shown(first)} on, where the function still moves"
    return ""
