"""T07: where what softmax with loss sends back, y - t, is exactly 0 in floating point."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.checks.thresholds import at_or_above, onset
from verinit.laws import saturation as law
from verinit.reference.precision import FLOATING
from verinit.targets.losses import ChapterLoss
from verinit.textbook.claims import CLAIMS
from verinit.textbook.rules import combined, exact
from verinit.textbook.saturation import number_step
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, judge

Array = NDArray[Any]
CLASSES = (2, 10)
CLOSE = 10.0
"""A gap at which y = 0.99995 is close to 1 by any eye."""
GAPS: tuple[float, ...] = tuple(0.5 * k for k in range(1, 85))


@dataclass(frozen=True, slots=True, kw_only=True)
class Gaps:
    """What softmax with loss sends back in one dtype to logits (z, 0, ..., 0) of K classes.

    right  gap from which y - 1 is exactly 0, the leading class being the label
    other  gap from which y - 0 is exactly 0, of a class that is not
    close  (y - 1) of the label at a gap of `CLOSE`
    wrong  y - 0 of the leading class, and y - 1 of the label, where the label is another class, there
    """

    dtype: str
    classes: int
    right: float
    other: float
    close: float
    wrong: tuple[float, float]


def sent_back(gaps: Array, classes: int, label: int) -> Array:
    """What comes back before a mean divides it: y - t, a row for each gap; (gaps, classes)."""
    loss, logits = ChapterLoss(), np.zeros((gaps.size, classes), dtype=gaps.dtype)
    logits[:, 0] = gaps
    with np.errstate(divide="ignore"):
        loss.forward(logits, np.full(gaps.size, label))
    t = np.eye(classes, dtype=gaps.dtype)[label]
    return np.asarray(loss.y - t)


@cache
def gaps(dtype: str, classes: int) -> Gaps:
    """Gaps, by search."""
    kind, high = FLOATING[dtype], 1.1 * law.zero_by_underflow(dtype)
    right, other = (
        onset(lambda z, k=k: sent_back(z, classes, 0)[:, k] == 0, dtype, low=0.5, high=high)  # type: ignore[misc]
        for k in (0, 1)
    )
    near = np.array([CLOSE], dtype=kind)
    wrong = sent_back(near, classes, 1)[0]
    return Gaps(
        dtype=dtype,
        classes=classes,
        right=right.settled,
        other=other.settled,
        close=float(sent_back(near, classes, 0)[0, 0]),
        wrong=(float(wrong[0]), float(wrong[1])),
    )


def t07(root: int, rates: Rates) -> Ruling:
    """T07, ruled without chance."""
    return gradients_vanish_where_outputs_are_right([gaps(d, k) for d in FLOATING for k in CLASSES])


def gradients_vanish_where_outputs_are_right(found: list[Gaps]) -> Ruling:
    """The gradient y - t is exactly 0 where a right output rounds; it is 1 where a wrong one does."""
    rounded = [line for item in found for line in _rounded(item)]
    two = [item for item in found if item.classes == min(CLASSES)]
    wrong, close = [line for item in two for line in _wrong(item)], [_close(item) for item in two]
    return Ruling(
        id="T07",
        ruling=combined([judge(item, 0.0) for item in (*rounded, *wrong)]),
        claim=CLAIMS["T07"],
        summary=_summary_of_gaps({item.dtype: item for item in found if item.classes == min(CLASSES)}),
        conditions="logits (z, 0, ..., 0) with one-hot labels, K = 2 and 10, the chapter's softmax as NumPy "
        "computes it in float16, bfloat16, float32 and float64, before the division by the batch size; "
        "with K = 10 the order of summation moves the first threshold by up to ln 9. Gaps between logits "
        "alone decide: the width and the depth of what made them do not enter",
        evidence=(*rounded, *close, *wrong),
        exhibits=(_table_of_gaps(found), _decay()),
    )


def _rounded(item: Gaps) -> tuple[Evidence, Evidence]:
    """For t = 1, p ln 2, or up to ln(K - 1) later where a sum keeps terms together; for t = 0, underflow."""
    base, room = law.one_by_sum(item.dtype), math.log(item.classes - 1)
    place = f"{item.dtype}, K = {item.classes}"
    return (
        exact(
            f"{place}: gap from which y - 1 is exactly 0, t = 1",
            expected=base + room / 2.0,
            observed=item.right,
            tolerance=room / 2.0 + number_step(item.right, item.dtype),
            basis="order of summation" if room else "1 number of the dtype",
        ),
        exact(
            f"{place}: gap from which y - 0 is exactly 0, t = 0",
            expected=law.zero_by_underflow(item.dtype),
            observed=item.other,
            tolerance=number_step(item.other, item.dtype),
            basis="1 number of the dtype",
        ),
    )


def _close(item: Gaps) -> Evidence:
    """At a gap of 10 a right output is close to 1; y - 1 is 0 there only where 1 - y is lost in rounding."""
    rest = math.exp(-CLOSE)
    lost = at_or_above(law.one_by_sum(item.dtype), item.dtype) <= CLOSE
    true = 0.0 if lost else -rest / (1.0 + rest)
    return exact(
        f"{item.dtype}, K = 2: y - 1 at a gap of {CLOSE:g}, t = 1 (y = {1.0 / (1.0 + rest):.5f})",
        expected=true,
        observed=item.close,
        tolerance=0.0 if lost else 2.0 * 2.0 ** -law.precision(item.dtype),
        basis="exact" if lost else "2 u",
    )


def _wrong(item: Gaps) -> tuple[Evidence, Evidence]:
    """What the sentence says of a confidently wrong output, 0, beside what comes back."""
    place = f"{item.dtype}, K = {item.classes}, gap {CLOSE:g}"
    return (
        exact(
            f"{place}, other label: y - 0 of the class with y close to 1, said to be 0",
            expected=0.0,
            observed=item.wrong[0],
        ),
        exact(
            f"{place}, other label: y - 1 of the label, with y close to 0, said to be 0",
            expected=0.0,
            observed=item.wrong[1],
        ),
    )


def _summary_of_gaps(by_dtype: Mapping[str, Gaps]) -> str:
    at = ", ".join(f"{dtype} {item.right:.4g}" for dtype, item in by_dtype.items())
    out = ", ".join(f"{dtype} {item.other:.4g}" for dtype, item in by_dtype.items())
    double = by_dtype["float64"]
    return (
        "Where the output is right it does, once 1 - y is rounded away: from a gap between two logits of "
        f"{at}. A class that is ruled out keeps its y - 0 until y underflows: {out}. Close is not enough: at "
        f"a gap of {CLOSE:g}, y - 1 is {double.close:.2g} in float64. And where the output is wrong it does "
        f"not vanish at all: y_k close to 1 with t_k = 0 sends back {double.wrong[0]:.5g}, as much as can be."
    )


def _table_of_gaps(found: list[Gaps]) -> Exhibit:
    rows = tuple(
        (
            item.dtype,
            str(item.classes),
            f"{item.right:.8g}",
            _between(law.one_by_sum(item.dtype), item.classes),
            f"{item.other:.8g}",
            f"{law.zero_by_underflow(item.dtype):.6g}",
            f"{item.wrong[0]:.6g}",
        )
        for item in found
    )
    return Exhibit(
        id="T07-thresholds",
        kind="table",
        title="Gaps between logits from which y - t is exactly 0",
        caption="Logits (z, 0, ..., 0). For t = 1 between p ln 2 and p ln 2 + ln(K - 1), by the order of "
        "summation; for t = 0 ln(2 / smallest number), by underflow. Last: y - t of a confidently wrong "
        "class, at a gap of 10.",
        header=("dtype", "K", "t = 1: 0 from", "closed form", "t = 0: 0 from", "closed form", "wrong"),
        rows=rows,
        n=len(rows),
    )


def _between(base: float, classes: int) -> str:
    return f"{base:.6g}" if classes == 2 else f"{base:.6g} to {base + math.log(classes - 1):.6g}"


def _decay() -> Exhibit:
    """|y - 1| of a right output over the gap, in float64: it steps by u, and is gone at 53 ln 2."""
    z = np.array(GAPS)
    sent = np.abs(sent_back(z, 2, 0)[:, 0])
    e = np.exp(-z)
    return Exhibit(
        id="T07-decay",
        kind="curve",
        title="What a right output sends back, float64, K = 2",
        caption="|y - 1| (solid) beside exp(-z) / (1 + exp(-z)) (dashed); what is exactly 0 has no place on "
        "this axis.",
        x_axis=Axis(label="gap z between the logits"),
        y_axis=Axis(label="|y - t|", log=True),
        x=GAPS,
        observed=tuple(map(float, sent)),
        expected=tuple(map(float, e / (1.0 + e))),
        n=len(GAPS),
        notes=(("0 from", f"{gaps('float64', 2).right:.4f}"),),
    )
