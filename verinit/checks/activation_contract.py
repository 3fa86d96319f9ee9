"""AC1xx: what every activation owes its caller, whatever function it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from verinit.checks.activation_looks import (
    Array,
    Flags,
    Floats,
    Look,
    everywhere,
    look_of,
    numbers,
    passes_of,
    shown,
    unnamed,
)
from verinit.checks.registry import check
from verinit.checks.thresholds import largest
from verinit.checks.violations import said, violations
from verinit.laws.activation_rounding import OPERATIONS, budget, sizes
from verinit.laws.rounding import UNIT_ROUNDOFF, unit_roundoff
from verinit.vocabulary import Case, Evidence, Target, Trial

SHAPED = ("AC101", "AC102")
"""Without these nothing can be compared."""
CONTRACT = (*SHAPED, "AC103", "AC105", "AC106")
"""Without these no law can be tested."""
SOURCE = "definition"


def _calls(trial: Trial) -> Iterator[tuple[str, Array, Any]]:
    """For value and slope: its name, the numbers it is given, and what it returns."""
    look = look_of(trial)
    for name in passes_of(trial.target):
        given = look.batch.copy()
        yield name, given, look.of(name, given)


@check("AC101", kind="activation", equation="f(x) is an array", source=SOURCE)
def maps_arrays_to_arrays(trial: Trial) -> Evidence:
    """An activation and its derivative map an array of numbers to an array of numbers.

    A list, None or an array of objects works in some callers and breaks in others.
    """

    def wrong(name: str, result: Any) -> str:
        if not isinstance(result, (np.ndarray, np.generic)):
            given = "None" if result is None else f"a {type(result).__name__}"
            return f"{name}(x) is {given}, not an array"
        holds = result.dtype.kind in "fiub" or result.dtype.name in UNIT_ROUNDOFF
        return "" if holds else f"{name}(x) holds {result.dtype}"

    return said("passes that return no array of numbers", [wrong(name, y) for name, _, y in _calls(trial)])


@check("AC102", kind="activation", equation="f(x).shape = x.shape", source=SOURCE, after=("AC101",))
def shape_is_kept(trial: Trial) -> Evidence:
    """The result has the shape of the input.

    Flattening, or a sum left in, is caught by broadcasting later, or by nobody.
    """

    def wrong(name: str, x: Array, y: Any) -> str:
        return "" if np.shape(y) == x.shape else f"{name}(x) has shape {np.shape(y)}, x has {x.shape}"

    return said("passes that change the shape", [wrong(*call) for call in _calls(trial)])


@check("AC103", kind="activation", equation="f(x).dtype = x.dtype", source=SOURCE, after=("AC101",))
def dtype_is_kept(trial: Trial) -> Evidence:
    """The result has the dtype of the input.

    One activation that answers in float64 turns every layer after it into float64.
    """

    def wrong(name: str, x: Array, y: Any) -> str:
        return "" if y.dtype == x.dtype else f"{name}(x) has dtype {y.dtype}, x has {x.dtype}"

    return said("passes that change the dtype", [wrong(*call) for call in _calls(trial)])


@check("AC104", kind="activation", equation="x is the same after f(x)", source=SOURCE)
def input_is_not_written_on(trial: Trial) -> Evidence:
    """The input is not written on.

    Backward needs the input again, and a residual connection adds it: an activation in place spoils both.
    """
    look, complaints = look_of(trial), []
    for name, function in passes_of(trial.target).items():
        given = look.batch.copy()
        with np.errstate(all="ignore"):
            function(given)
        changed = int(np.count_nonzero(_bits(given) != _bits(look.batch)))
        complaints.append(f"{name} changed {changed} of {given.size} numbers of its input" if changed else "")
    return said("passes that write on their input", complaints)


def _bits(x: Array) -> Array:
    return np.ascontiguousarray(x).view(f"u{x.dtype.itemsize}")


@check("AC105", kind="activation", equation="f(x) = f(x)", source=SOURCE, after=SHAPED)
def same_input_gives_the_same_output(trial: Trial) -> Evidence:
    """The same input gives the same output.

    A mask drawn anew, or state that is kept from call to call, makes a network no function of its input.
    """
    look, complaints = look_of(trial), []
    for name, x, first in _calls(trial):
        again = look.of(name, x)
        differs = np.ascontiguousarray(first).tobytes() != np.ascontiguousarray(again).tobytes()
        complaints.append(f"two calls of {name} with equal numbers gave different ones" if differs else "")
    return said("passes that give another output the second time", complaints)


def _lonely(target: Target, case: Case) -> str:
    return "" if case.size > 1 else "an array of one number has no neighbours"


@check(
    "AC106",
    kind="activation",
    equation="f(x)_i depends on x_i alone",
    source="Higham 2002, section 3.3",
    after=SHAPED,
    applies=_lonely,
)
def neighbours_do_not_matter(trial: Trial) -> Evidence:
    """What becomes of a number depends neither on its neighbours nor on its place.

    A maximum or mean over the array that enters, as in softmax, makes an activation a layer. The last bits
    may differ by place, where a vector loop ends and a scalar one takes over: both results may be off by what
    rounding does to one.
    """
    look = look_of(trial)
    looks = [found for name in passes_of(trial.target) for found in _disturbed(look, name)]
    return max(looks, key=lambda e: (not e.distance <= e.tolerance, e.distance / (e.tolerance or 1.0)))


def _disturbed(look: Look, name: str) -> Iterator[Evidence]:
    """The same numbers at other places, and every other one beside other neighbours."""
    x = look.batch.ravel()
    whole = np.arange(x.size)
    rest = whole[::2]
    others = x.copy()
    with np.errstate(over="ignore"):
        others[1::2] = -3.0 * x[1::2] - 5.0
    before = numbers(look.of(name, look.batch), look.batch).ravel()
    for words, given, places, seen in (
        ("at another place", x[::-1].copy(), whole[::-1], whole),
        ("beside other neighbours", others, rest, rest),
    ):
        again = numbers(look.of(name, given.reshape(look.case.shape)), look.batch).ravel()[places]
        yield _apart(look, name, words, x[seen].astype(np.float64), before[seen], again)


def _apart(look: Look, name: str, words: str, x: Floats, before: Floats, again: Floats) -> Evidence:
    with np.errstate(all="ignore"):
        same = (before == again) | (np.isnan(before) & np.isnan(again))
        distance = np.where(same, 0.0, np.abs(before - again))
    allowed = 2.0 * _rounding(look, name, x, before)
    distance = np.where(np.isnan(distance), np.inf, distance)
    i = int(np.argmax(np.where(distance == 0.0, 0.0, distance / allowed)))
    return Evidence(
        quantity=f"change of {name}({shown(x[i])}) {words}",
        expected=0.0,
        observed=float(distance[i]),
        distance=float(distance[i]),
        tolerance=float(allowed[i]),
        n=x.size,
        basis="roundings of two results",
        detail=f"{name}({shown(x[i])}) is {shown(before[i])}, and {shown(again[i])} {words}"
        if distance[i]
        else "",
    )


def _rounding(look: Look, name: str, x: Floats, y: Floats) -> Floats:
    """How far rounding may move a result; of an unknown function in units of its largest result."""
    if unnamed(look.target):
        largest_seen = float(np.max(np.abs(y), initial=0.0, where=np.isfinite(y)))
        return np.full(x.shape, OPERATIONS * unit_roundoff(look.dtype) * max(1.0, largest_seen))
    value, slope = sizes(look.law, x, look.dtype)
    return budget(value if name == "f" else slope, look.dtype)


@check("AC107", kind="activation", equation="f(x) is not nan for finite x", source=SOURCE, after=SHAPED)
def value_of_a_number_is_a_number(trial: Trial) -> Evidence:
    """The value of a finite number is never nan.

    inf / inf in (e^x - e^-x) / (e^x + e^-x), or inf times 0: one nan reaches every output of the network.
    """
    look = look_of(trial)
    return not_numbers("f", look.wide, np.isnan(look.y), np.ones(look.x.shape, dtype=bool))


def not_numbers(name: str, x: Floats, nan: Flags, where: Flags) -> Evidence:
    """How many results are nan, and the smallest number at which one is."""
    bad = nan & where
    first = float(x[bad][np.argmin(np.abs(x[bad]))]) if bad.any() else 0.0
    return violations(
        f"numbers x at which {name}(x) is nan",
        int(bad.sum()),
        int(where.sum()),
        f"{name}(x) is nan at x = {shown(first)}, and at {int(bad.sum()) - 1} more" if bad.any() else "",
    )


@check("AC108", kind="activation", equation="f(nan) = nan", source="definition", after=SHAPED)
def nan_stays_nan(trial: Trial) -> Evidence:
    """NaN gives NaN.

    np.where(x > 0, x, 0) makes a clean zero of it: training goes on, and nobody learns that it has diverged.
    """
    look = look_of(trial)
    y = everywhere(look, "f", np.nan)
    clean = ~np.isnan(y)
    detail = f"f(nan) is {shown(y[clean][0])}" if clean.any() else ""
    return violations("copies of nan that became numbers", int(clean.sum()), y.size, detail)


class _Alarms:
    """What NumPy reports of floating-point errors, counted."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __call__(self, kind: str, flag: int) -> None:
        self.heard.append(kind)

    def of(self, function: Any, x: Array) -> int:
        """How many alarms a call raises."""
        before = len(self.heard)
        with np.errstate(over="call", invalid="call", divide="call", under="ignore", call=self):
            function(x.copy())
        return len(self.heard) - before


@check("AC109", kind="activation", equation="no overflow, no 0/0", source="Higham 2002, section 2.1",
       after=SHAPED, applies=unnamed)  # fmt: skip
def no_alarm_is_raised(trial: Trial) -> Evidence:
    """No finite number whose value is finite raises an overflow or an invalid operation.

    exp(-x) overflows far on the left even where the result is rightly 0: a warning for every batch, and an
    error where warnings are errors. Numbers are looked at in NumPy; frameworks raise no alarms.
    """
    look, alarms, found = look_of(trial), _Alarms(), []
    quiet = np.where(
        look.held & (np.abs(look.wide) < largest(look.dtype) / 2.0), look.x, look.x.dtype.type(1)
    )
    for name, function in passes_of(trial.target).items():
        if alarms.of(function, quiet):
            kind = alarms.heard[-1]
            found.append(f"{name} raises {kind!r} at x = {shown(_first(alarms, function, quiet))}")
        else:
            found.append("")
    return said("passes that raise floating-point alarms", found)


def _first(alarms: _Alarms, function: Any, x: Array) -> float:
    """The number nearest to 0 that raises an alarm by itself, by halving."""
    x = x[np.argsort(np.abs(x.astype(np.float64)), kind="stable")]
    low, high = 0, x.size
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if alarms.of(function, x[low:middle]) else (middle, high)
    return float(x[low])
