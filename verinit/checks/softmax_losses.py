"""SA2xx: what softmax with loss sends back, where it becomes exactly 0, and whether it is its loss's slope.

Logits are (z, 0, ..., 0): the first class leads by a gap z. It is right where the label is 0, and confidently
wrong where the label is 1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.checks.registry import check
from verinit.checks.s_shapes import BEYOND, Interval, within
from verinit.checks.thresholds import Onset, onset
from verinit.laws import saturation as law
from verinit.laws.rounding import COARSE, UNIT_ROUNDOFF, unit_roundoff
from verinit.reference.precision import FLOATING
from verinit.vocabulary import Case, CheckSkipped, Evidence, Measured, Target, Trial

LIKE = "softmax_with_loss"
Array = NDArray[Any]
Floats = NDArray[np.float64]
GAPS: tuple[float, ...] = tuple(float(z) for z in range(10, 31, 2))
"""Gaps by which a wrong class leads: small random logits never show them."""
FAR = (100.0, 1000.0, 10000.0)
STEEPEST_BEND = 1.0 / (6.0 * math.sqrt(3.0))
"""The largest third derivative of the loss with respect to a logit: y (1 - y) (1 - 2y) at its extreme."""
STEPS = {"float32": 2.0**-7, "float64": 2.0**-17}
"""Steps about as large as the cube root of u, and exact beside every gap: powers of two."""


def other(target: Target, case: Case) -> str:
    """Why claims about softmax with loss say nothing of a target at a case; empty if they do."""
    like = target.says("like")
    if like != LIKE:
        said = f"is like {like}" if like else "does not say what it is like"
        return f"a claim about {LIKE}; {target.name} {said}"
    if len(case.shape) != 2 or case.shape[0] < 1 or case.shape[1] < 2:
        return f"logits are rows of two classes or more; the case has shape {case.shape}"
    return ""


def _undifferenced(target: Target, case: Case) -> str:
    reason = other(target, case)
    if not reason and case.dtype in COARSE:
        return f"{case.dtype} is too coarse for differences; the same formula is looked at in float64"
    return reason


def _dtype(trial: Trial) -> str:
    return trial.case.dtype or "float64"


def _logits(gaps: Array, classes: int) -> Array:
    """One row a gap: (z, 0, ..., 0)."""
    x = np.zeros((gaps.size, classes), dtype=gaps.dtype)
    x[:, 0] = gaps
    return x


def _gradient(loss: Any, x: Array, label: int) -> Array:
    """What comes back for rows that all have one label."""
    with np.errstate(all="ignore"):
        loss.forward(x, np.full(len(x), label))
        return np.asarray(loss.backward())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Survey:
    """From which gap on the gradient is exactly 0: of the label's class, and of a class that is ruled out."""

    result: str
    sure: Onset
    ruled_out: Onset


def _survey(trial: Trial) -> _Survey:
    rows, classes = trial.case.shape
    return _searched(trial.target, _dtype(trial), rows, classes)


@lru_cache(maxsize=8)
def _searched(target: Target, dtype: str, rows: int, classes: int) -> _Survey:
    kind, loss = FLOATING[dtype], target.object
    result = _gradient(loss, _logits(np.ones(1, kind), classes), 0).dtype.name
    if result not in UNIT_ROUNDOFF:
        raise CheckSkipped(f"gradients of dtype {result} have no rounding rules here")
    high = BEYOND * law.sure_gap_at_last(result, classes)

    known: dict[bytes, NDArray[np.bool_]] = {}

    def flat(gaps: Array) -> NDArray[np.bool_]:
        """Which gaps send back 0 to class 0, and to class 1; both searches begin with the same look."""
        key = gaps.tobytes()
        if key not in known:
            known[key] = _gradient(loss, _logits(gaps, classes), 0)[:, :2] == 0
        return known[key]

    def begins(column: int) -> Onset:
        return onset(lambda gaps: flat(gaps)[:, column], dtype, low=1.0, high=high, rows=rows)

    return _Survey(result=result, sure=begins(0), ruled_out=begins(1))


def _measured(
    trial: Trial, what: str, seen: Onset, interval: Interval, forms: tuple[tuple[str, float], ...]
) -> Measured:
    """Where a gradient became 0, beside the closed forms for it."""
    dtype, result = _dtype(trial), _survey(trial).result
    evidence = within(
        f"gap from which {what} is exactly 0",
        seen,
        interval,
        dtype,
        expected=min(max(forms[0][1], interval[0]), interval[1]),
        detail=_said(what, seen, forms, dtype),
    )
    both = ((f"{what}, first", seen.first), (f"{what}, settled", seen.settled))
    kept = tuple((name, value) for name, value in both if math.isfinite(value))
    return Measured(evidence=evidence, sufficient=kept, likely=_cause(seen, result))


def _said(what: str, seen: Onset, forms: tuple[tuple[str, float], ...], dtype: str) -> str:
    if math.isinf(seen.first):
        return f"{what} is never exactly 0"
    room = 2.0 * unit_roundoff(dtype)
    near = next((w for w, value in forms if abs(seen.first - value) <= 2.0 * room * value), "")
    if not near and forms[0][1] < seen.first < forms[1][1]:
        near = f"between {forms[0][0]}, and {forms[1][0]}: the order of summation decides"
    ragged = "" if seen.sharp else f", throughout from {seen.settled!r} on"
    return f"0 from {seen.first!r} on{ragged}{': ' if near else ''}{near}"


def _cause(seen: Onset, result: str) -> str:
    """Probabilities that are clipped never go away; those kept in fewer bits go away at their threshold."""
    if math.isinf(seen.first):
        return "the probabilities are clipped, or something is added to them, before t is taken off"
    for coarse in ("bfloat16", "float16", "float32"):
        forms = (law.one_by_sum(coarse), law.one_within(coarse, ulps=0.5), law.zero_by_underflow(coarse))
        near = any(abs(seen.first - value) <= 3.0 * UNIT_ROUNDOFF[coarse] * value for value in forms)
        if near and UNIT_ROUNDOFF[coarse] > UNIT_ROUNDOFF[result]:
            return f"computed in {coarse} inside"
    return ""


@check(
    "SA201",
    kind="loss",
    equation="y_k - 1 = 0 from a gap of (p - 3) ln 2 at the earliest, for t_k = 1",
    source="Higham 2002, section 2.1",
    applies=other,
)
def sure_and_right_sends_back_nothing(trial: Trial) -> Measured:
    """What comes back to the label's class is exactly 0 where y rounds to 1, and not before.

    With two classes y = 1 / (1 + exp(-z)) rounds to 1 from p ln 2 on. With more, the terms of the sum are
    lost one by one or together, by the order of summation: anywhere up to ln(K - 1) later.
    """
    found, (rows, classes) = _survey(trial), trial.case.shape
    forms = (
        ("p ln 2, where the sum rounds to 1", law.one_by_sum(found.result)),
        ("p ln 2 + ln(K - 1), where the sum rounds to 1", law.one_by_sum(found.result) + _log(classes)),
        ("(p + 1) ln 2 + ln(K - 1), rounded once", law.sure_gap_rounded(found.result, classes)),
    )
    interval = law.sure_gap_earliest(found.result, rows), law.sure_gap_at_last(found.result, classes)
    return _measured(trial, "y - 1", found.sure, interval, forms)


def _log(classes: int) -> float:
    return math.log(classes - 1)


@check(
    "SA202",
    kind="loss",
    equation="y_k - 0 = 0 from a gap of -ln(smallest normal) at the earliest, for t_k = 0",
    source="Higham 2002, section 2.1",
    applies=other,
)
def ruled_out_class_is_heard_until_underflow(trial: Trial) -> Measured:
    """What comes back to a class that is ruled out is exactly 0 where exp(-z) underflows, and not before.

    Near 0 numbers are dense: a probability of 1e-30 is told from 0 in every dtype but float16. The mean over
    N rows divides it by N.
    """
    found, (rows, _) = _survey(trial), trial.case.shape
    forms = (
        ("ln(2 / smallest), where exp(-z) underflows", law.zero_by_underflow(found.result)),
        ("ln(2 / smallest) - ln N, where exp(-z) / N underflows", _mean(found.result, rows)),
        ("-ln(smallest normal), where subnormal numbers are flushed", law.zero_by_flush(found.result)),
    )
    interval = law.ruled_out_gap_earliest(found.result, rows), law.zero_at_last(found.result)
    return _measured(trial, "y - 0", found.ruled_out, interval, forms)


def _mean(dtype: str, rows: int) -> float:
    return law.zero_by_underflow(dtype) - math.log(rows)


@check(
    "SA203",
    kind="loss",
    equation="dL/dx_k = (L(x_k + h) - L(x_k - h)) / 2h at gaps 10 .. 30",
    source="definition",
    applies=_undifferenced,
)
def gradient_is_the_slope_of_the_loss_reported(trial: Trial) -> Measured:
    """What comes back is the slope of the loss that is reported, however wrong the output is.

    -log(y + 1e-7) keeps a loss finite and has the slope (y - t) y / (y + 1e-7): at a gap of 16 it is half of
    what y - t says, from 20 on almost nothing. Either the loss is not what is minimised, or the gradient
    is not its gradient. Differences at a single step: the tolerance is their rounding and their truncation.
    """
    dtype, classes = _dtype(trial), trial.case.shape[1]
    slopes, tolerances = zip(*(_slopes(trial.target.object, z, classes, dtype) for z in GAPS), strict=True)
    said, told = np.array([s[0] for s in slopes]), np.array([s[1] for s in slopes])
    allowed = np.array(tolerances)
    off = np.abs(said - told).max(axis=1)
    worst = int(np.argmax(np.where(np.isfinite(off), off / allowed, np.inf)))
    k = int(np.argmax(np.abs(said[worst] - told[worst])))
    evidence = Evidence(
        quantity=f"dL/dx_{k} at gap {GAPS[worst]:g}",
        expected=float(told[worst, k]),
        observed=float(said[worst, k]),
        distance=float(off[worst]),
        tolerance=float(allowed[worst]),
        n=len(GAPS),
        basis="central differences",
        detail=f"backward says {said[worst, k]:.6g}, the loss changes by {told[worst, k]:.6g} a unit",
    )
    return Measured(evidence=evidence, likely=_floor(said[:, 1], told[:, 1], allowed, classes))


def _slopes(loss: Any, gap: float, classes: int, dtype: str) -> tuple[tuple[Floats, Floats], float]:
    """Of logits 0 and 1, label 1: what backward says and what differences say, and how far they may differ.

    Each loss is off by at most k ulp, 2 k u |L|; a central difference by h^2/6 times the third derivative;
    and the gradient by k ulp of 1.
    """
    kind, h = FLOATING[dtype], STEPS[dtype]
    x = _logits(np.array([gap], dtype=kind), classes)
    said = _gradient(loss, x, 1)[0, :2].astype(np.float64)
    steps = h * np.eye(2, classes, dtype=kind)
    with np.errstate(all="ignore"):
        above, below = (
            np.array([float(loss.forward(x + sign * step, np.array([1]))) for step in steps])
            for sign in (kind.type(1), kind.type(-1))
        )
    u = unit_roundoff(dtype)
    size = max(gap, float(np.abs(above).max()))
    rounding = law.ULPS * 2.0 * u * (size / h + 1.0)
    return (said, (above - below) / (2.0 * h)), rounding + h * h / 6.0 * STEEPEST_BEND


def _floor(said: Floats, told: Floats, allowed: Floats, classes: int) -> str:
    """The number that was added to y in the logarithm, if one explains every gap; or a loss that is cut."""
    with np.errstate(all="ignore"):
        ratio = told / said
    if not np.all(np.isfinite(ratio)) or np.all(np.abs(ratio - 1.0) <= allowed):
        return ""
    middle = int(np.argmin(np.abs(ratio - 0.5)))
    y = np.exp(-np.array(GAPS)) / (1.0 + (classes - 1) * np.exp(-np.array(GAPS)))
    if allowed[middle] < ratio[middle] * (1.0 - ratio[middle]):
        delta = y[middle] * (1.0 / ratio[middle] - 1.0)
        # an error d of the middle ratio moves delta by d / (r (1 - r)), relatively, and no ratio by more
        room = allowed + allowed[middle] / (ratio[middle] * (1.0 - ratio[middle]))
        if room.max() < np.abs(ratio - 1.0).max() and np.all(np.abs(ratio - y / (y + delta)) <= room):
            return f"the loss is -log(y + {delta:.3g}), and the gradient is that of -log y"
    cut = (np.abs(ratio - 1.0) <= allowed) | (np.abs(ratio) <= allowed)
    if np.all(cut):
        first = GAPS[int(np.argmax(np.abs(ratio) <= allowed))]
        return (
            f"the loss is cut: at a gap of {first:g} it no longer changes, and the gradient is that of -log y"
        )
    return ""


@check(
    "SA204",
    kind="loss",
    equation="y_k - t_k = 1 and -1 at gaps 10 .. 10000, for a label that is ruled out",
    source="definition",
    applies=other,
)
def confidently_wrong_is_told_with_full_strength(trial: Trial) -> Measured:
    """A confidently wrong output gets the full gradient, 1 for the class that leads and -1 for the label.

    Saturated outputs lose their gradient only where they are right. Clipping probabilities before the
    logarithm, or squared error behind a softmax, takes the gradient away where it is needed most.
    """
    gaps, classes = (*GAPS, *FAR), trial.case.shape[1]
    kind = FLOATING[_dtype(trial)]
    rows = [_gradient(trial.target.object, _logits(np.array([z], kind), classes), 1)[0] for z in gaps]
    result = rows[0].dtype.name
    seen = np.array([row[:2].astype(np.float64) for row in rows])
    rest = (classes - 1) * np.exp(-np.array(gaps))
    true = np.stack([1.0 / (1.0 + rest), -1.0 + np.exp(-np.array(gaps)) / (1.0 + rest)], axis=1)
    off = np.abs(seen - true)
    worst, k = np.unravel_index(int(np.argmax(np.where(np.isnan(off), np.inf, off))), off.shape)
    evidence = Evidence(
        quantity=f"dL/dx_{k} at gap {gaps[worst]:g}, label 1",
        expected=float(true[worst, k]),
        observed=float(seen[worst, k]),
        distance=float(off[worst, k]),
        tolerance=2.0 * law.ULPS * UNIT_ROUNDOFF.get(result, 0.0),
        n=len(gaps),
        basis=f"{law.ULPS:g} ulp of 1",
    )
    return Measured(evidence=evidence, likely=_vanishing(np.abs(seen).max(axis=1), evidence.tolerance))


def _vanishing(sizes: Floats, tolerance: float) -> str:
    """Why gradients of these sizes, gap by gap, die where they should be 1."""
    if not sizes[-1] <= tolerance:
        return ""
    if np.any(sizes > 0.5):
        return "the loss is flat where probabilities are clipped: clip nothing, use log-softmax"
    return "the slope of softmax is still in the gradient, as with squared error of probabilities"
