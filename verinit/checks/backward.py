"""GR1xx: what every function and its backward owe their caller before any derivative is compared."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verinit.checks.places import Array, Place, place_of, unless_wide
from verinit.checks.registry import check
from verinit.checks.violations import said, violations
from verinit.differentiation.directions import direction
from verinit.differentiation.problems import Wide, floating, nudged, wide, widened
from verinit.vocabulary import Evidence, Measured, Trial

CONTRACT = ("GR101", "GR102", "GR103", "GR104", "GR105")
"""Without these no gradient can be compared."""
SOURCE = "Griewank & Walther 2008, ch. 3"


def _same(a: Any, b: Any) -> bool:
    """Equal bit for bit, nan equal to nan."""
    if a is None or b is None:
        return a is b
    left, right = np.asarray(a), np.asarray(b)
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()


def _cotangent(place: Place, word: str) -> Array:
    """A cotangent of mixed signs for the output, in the output's dtype."""
    y = np.asarray(place.function.forward(*place.fresh()))
    return direction(y.shape, place.rng("cotangent", word)).astype(y.dtype)


def _gradients(place: Place, v: Array) -> tuple[Any, ...]:
    found = place.function.backward(v.copy(), *place.fresh())
    return tuple(found) if isinstance(found, (tuple, list)) else (found,)


@check("GR101", kind="function", equation="forward(x) = forward(x)", source=SOURCE)
def forward_is_deterministic(trial: Trial) -> Evidence:
    """The same inputs give the same output.

    A derivative of something that changes by itself is not defined: dropout with a fresh mask, an update of
    running statistics that enters the output, a random crop.
    """
    place = place_of(trial)
    first = place.function.forward(*place.fresh())
    if not isinstance(first, (np.ndarray, np.generic)):
        given = "None" if first is None else f"a {type(first).__name__}"
        return violations("calls that gave another output", 1, 1, f"forward returned {given}, not an array")
    complaints = [
        "" if _same(first, place.function.forward(*place.fresh())) else "a second call gave another output"
        for _ in range(2)
    ]
    return said("calls that gave another output", complaints)


@check("GR102", kind="function", equation="x after = x before", source=SOURCE, after=("GR101",))
def inputs_are_left_alone(trial: Trial) -> Evidence:
    """Neither forward nor backward writes on its inputs.

    `x -= x.mean(0)` changes the caller's batch, and every layer that still needs it.
    """
    place = place_of(trial)
    v = _cotangent(place, "alone")
    for_forward, for_backward = place.fresh(), place.fresh()
    place.function.forward(*for_forward)
    place.function.backward(v, *for_backward)
    complaints = [
        "" if _same(x, before) else f"{word} wrote on {name}"
        for word, given in (("forward", for_forward), ("backward", for_backward))
        for name, x, before in zip(place.names, given, place.inputs, strict=False)
    ]
    return said("inputs written on", complaints)


@check("GR107", kind="function", equation="v after = v before", source=SOURCE, after=("GR101",))
def cotangent_is_left_alone(trial: Trial) -> Evidence:
    """Backward does not write on the cotangent.

    `dout[mask] = 0; return dout` changes what another branch of the network, or a log, still has to read.
    """
    place = place_of(trial)
    v = _cotangent(place, "alone")
    kept = v.copy()
    place.function.backward(v, *place.fresh())
    return said("cotangents written on", ["" if _same(v, kept) else "backward wrote on the cotangent"])


@check(
    "GR103",
    kind="function",
    equation="shape, dtype of dL/dx = shape, dtype of x",
    source=SOURCE,
    after=("GR101",),
)
def gradients_have_the_form_of_their_inputs(trial: Trial) -> Evidence:
    """There is one gradient for each input, of the shape and dtype of that input.

    A gradient that broadcasts updates the wrong numbers without a word; one of another dtype changes the
    dtype of the weights.
    """
    place = place_of(trial)
    found = _gradients(place, _cotangent(place, "form"))
    if len(found) != len(place.inputs):
        text = f"backward returned {len(found)} gradients for {len(place.inputs)} inputs"
        return violations("gradients of another form than their input", 1, 1, text)
    complaints = [_misfit(n, g, x) for n, g, x in zip(place.names, found, place.inputs, strict=True)]
    if all(g is None for g in found):
        complaints = ["backward returned None for every input"]
    return said("gradients of another form than their input", complaints)


def _misfit(name: str, g: Any, x: Array) -> str:
    if g is None:
        return ""
    if not isinstance(g, (np.ndarray, np.generic)):
        return f"the gradient of {name} is a {type(g).__name__}, not an array"
    if g.shape != x.shape:
        return f"the gradient of {name} has shape {g.shape}, its input {x.shape}"
    if floating(x) and g.dtype != x.dtype:
        return f"the gradient of {name} has dtype {g.dtype}, its input {x.dtype}"
    return ""


@check(
    "GR104",
    kind="function",
    equation="|dL/dx| < inf where |y| < inf",
    source=SOURCE,
    after=("GR101", "GR103"),
)
def gradients_are_finite(trial: Trial) -> Evidence:
    """Where output and cotangent are finite, so are the gradients.

    0 times infinity in a backward pass is nan, and after one step of training so is every weight.
    """
    place = place_of(trial)
    if not np.all(np.isfinite(wide(place.function.forward(*place.fresh())))):
        return violations("gradients that are not finite", 0, 0, "the output is not finite here")
    found = widened(_gradients(place, _cotangent(place, "finite")))
    complaints = []
    for name, g in zip(place.names, found, strict=False):
        bad = 0 if g is None else int(np.count_nonzero(~np.isfinite(g)))
        complaints.append(
            f"{bad} of {g.size} entries of the gradient of {name}" if g is not None and bad else ""
        )
    return said("gradients that are not finite", complaints)


@check(
    "GR105",
    kind="function",
    equation="backward(v, x) = backward(v, x)",
    source=SOURCE,
    after=("GR101", "GR103"),
)
def backward_can_be_repeated(trial: Trial) -> Evidence:
    """Backward called again gives the same gradients.

    A buffer that is added to and never cleared makes the second gradient twice the first.
    """
    place = place_of(trial)
    v = _cotangent(place, "again")
    first = [None if g is None else np.array(g, copy=True) for g in _gradients(place, v)]
    complaints = [
        "" if _same(a, b) else f"a second call gave another gradient of {name}"
        for _ in range(2)
        for name, a, b in zip(place.names, first, _gradients(place, v), strict=False)
    ]
    return said("gradients that changed from call to call", complaints)


FAR = 2.0**10
"""A power of two: a cotangent times it multiplies every gradient by it exactly, if nothing is clipped."""
ROOM = 64.0
"""How many times the change of a gradient under a change in the last bit its departure from linearity may be.

Three such changes are tried, and the largest counts, with one rounding of the gradient and one of that which
there would be if doubling an input doubled the output: terms of that size may have cancelled. What is not
linear departs by percents; what right code does is measured (`python benchmarks/gradients.py --calibrate`).
"""
TRIALS = 3


@check(
    "GR106",
    kind="function",
    equation="g(u - 2w) = g(u) - 2 g(w), g(1024 w) = 1024 g(w)",
    source=SOURCE,
    discrepancy=0.01,
    applies=unless_wide,
    after=CONTRACT,
)
def backward_is_linear_in_its_cotangent(trial: Trial) -> Measured:
    """A backward pass is linear in what it is given.

    It is a product with a Jacobian. Guided backpropagation, |dy|, and a clip inside a layer are not, and look
    right under a cotangent of ones. Looked at in float64; its discrepancy is in units of the gradient's norm.
    """
    place = place_of(trial)
    inputs = place.widened()
    y = wide(place.function.forward(*inputs))
    u, w = (direction(y.shape, place.rng("cotangent", word)) for word in ("u", "w"))
    answers = [_answers(place, inputs, c) for c in (u, w, u - 2.0 * w, FAR * w)]
    sways = [_sway(place, inputs, c, g) for c, g in zip((u, w, u - 2.0 * w), answers, strict=False)]
    rows = []
    for j, (gu, gw, gm, gf) in enumerate(zip(*answers, strict=True)):
        if gu is None or gw is None or gm is None or gf is None:
            continue
        norm, sway = _norm(gu) + 2.0 * _norm(gw), sways[0][j] + 2.0 * sways[1][j] + sways[2][j]
        possible = _possible(inputs[j], w, y)
        room = ROOM * (sway + _rounding(gu, norm + possible))
        unit = norm if norm > room else max(norm, possible)
        for off, what in ((gm - (gu - 2.0 * gw), "g(u - 2w)"), (gf / FAR - gw, "g(1024 w)")):
            rows.append((_norm(off) / (unit or 1.0), room / (unit or 1.0), f"{what} of {place.names[j]}"))
    if not rows:
        return Measured(evidence=violations("gradients that are not linear", 0, len(place.names), ""))
    distance, tolerance, what = max(rows, key=lambda row: row[0] / row[1] if row[1] else row[0])
    found = Evidence(
        quantity=f"departure of {what} from linearity, over the norm of the gradient",
        expected=0.0,
        observed=distance,
        distance=distance,
        tolerance=tolerance,
        resolution=max(row[1] for row in rows),
        n=len(rows),
        basis=f"change in the last bit, times {ROOM:g}",
    )
    return Measured(evidence=found, likely=_bend(place, inputs, w) if distance > tolerance else "")


Answer = tuple[Wide | None, ...]


def _answers(place: Place, inputs: tuple[Array, ...], c: Array) -> Answer:
    found = place.function.backward(c.copy(), *(x.copy() for x in inputs))
    return widened(tuple(found) if isinstance(found, (tuple, list)) else (found,))


def _possible(x: Array, v: Array, y: Wide) -> float:
    """The norm of the gradient if doubling `x` doubled the output: the unit of one that is 0."""
    norm = _norm(wide(x)) or math.sqrt(x.size)
    return _norm(wide(v) * y) / norm * math.sqrt(x.size)


def _sway(place: Place, inputs: tuple[Array, ...], c: Array, still: Answer) -> list[float]:
    """How far the norm of each gradient moves when cotangent and inputs change in their last bit."""
    rng = place.rng("sway")
    trials = [_answers(place, tuple(nudged(x, rng) for x in inputs), nudged(c, rng)) for _ in range(TRIALS)]
    return [
        0.0 if g is None else max(_norm(wide(trial[j]) - g) for trial in trials) for j, g in enumerate(still)
    ]


def _norm(x: Wide) -> float:
    return float(np.linalg.norm(x))


def _rounding(g: Wide, norm: float) -> float:
    """How far one rounding of every entry moves an array of this norm."""
    one, nothing = float(np.spacing(1.0)), float(np.spacing(0.0))
    return one * norm + nothing * math.sqrt(g.size)


def _bend(place: Place, inputs: tuple[Array, ...], w: Array) -> str:
    """What kind of backward is not linear, from its answers to w, -w, 2 w and 0."""
    straight, back, twice, nothing = (
        [wide(0.0 if g is None else g) for g in _answers(place, inputs, c)] for c in (w, -w, 2.0 * w, 0.0 * w)
    )
    known = [j for j, g in enumerate(straight) if _norm(g)]
    if any(_norm(g) for g in nothing):
        return "a cotangent of 0 gives a gradient: something is added to it that does not depend on it"
    if all(_norm(back[j] - straight[j]) <= _norm(straight[j]) / FAR for j in known):
        return "the sign of the cotangent is lost: its absolute value or square is used"
    if all(_norm(twice[j] - 2.0 * straight[j]) <= _norm(straight[j]) / FAR for j in known):
        return "negative cotangents are treated otherwise than positive ones: guided backpropagation"
    return "the gradient does not grow with the cotangent: it is clipped, normalised, or a power is taken"
