"""T06 and T07: the rulings follow the measurements, and their exhibits show what they rest on."""

import dataclasses
import math

import numpy as np
import pytest

from verinit.laws import saturation as law
from verinit.reference.precision import FLOATING
from verinit.textbook import rule
from verinit.textbook.saturation import (
    BINS,
    DRAWS,
    STEP,
    STEPS,
    WIDE,
    differences_vanish_where_outputs_round,
    sigmoid,
    window,
)
from verinit.textbook.softmax_losses import CLASSES, gaps, gradients_vanish_where_outputs_are_right, sent_back
from verinit.vocabulary import Outcome, Rates

RATES = Rates()
SHARES = {
    (dtype, place): round(
        DRAWS
        * law.difference_zero_mean(*(law.difference_zero_from(STEP, dtype) + x for x in place), STEP, dtype)
    )
    for dtype in WIDE
    for place in BINS
}
"""The hits that the law expects."""


def windows():
    return [window(dtype, h) for dtype in FLOATING for h in STEPS]


def t06(found, hits=None):
    return differences_vanish_where_outputs_round(found, hits or SHARES, rates=RATES)


def t07(found):
    return gradients_vanish_where_outputs_are_right(found)


def cases():
    return [gaps(dtype, k) for dtype in FLOATING for k in CLASSES]


def lines(ruling, *words):
    return [e for e in ruling.evidence if all(word in e.quantity for word in words)]


def test_t06_depends_and_every_line_beside_a_law_keeps_it():
    ruling = rule("T06")
    assert ruling.ruling is Outcome.depends
    off = [e for e in ruling.evidence if not e.distance <= e.tolerance]
    assert {e.quantity.partition(",")[0] for e in off} == {"float32", "float64"}
    assert all("29/30 < y < 1" in e.quantity for e in off)


def test_t06_would_hold_if_all_that_looks_saturated_were_flat():
    assert t06([dataclasses.replace(w, flat=w.eye) for w in windows()]).ruling is Outcome.holds


def test_t06_would_be_refuted_if_nothing_saturated_were_flat():
    found = [dataclasses.replace(w, flat=0, right=2 * w.right, left=2 * w.left) for w in windows()]
    assert t06(found).ruling is Outcome.refuted


@pytest.mark.parametrize("field", ["right", "left"])
def test_t06_sees_a_threshold_that_is_a_few_numbers_off(field):
    found = windows()
    moved = getattr(found[-1], field)
    for _ in range(4):
        moved = math.nextafter(moved, math.inf)
    found[-1] = dataclasses.replace(found[-1], **{field: moved})
    wrong = [e for e in lines(t06(found), "from which the difference is 0") if e.distance > e.tolerance]
    assert len(wrong) == 1


def test_t06_sees_a_share_of_zeros_that_is_not_the_laws():
    right = lines(t06(windows()), "share of differences")
    assert len(right) == len(SHARES)
    assert all(e.distance <= e.tolerance for e in right)
    wrong = lines(t06(windows(), {k: n + DRAWS // 20 for k, n in SHARES.items()}), "share of differences")
    assert all(e.distance > e.tolerance for e in wrong)


@pytest.mark.parametrize("root", [1, 7, 2026])
def test_t06_finds_the_same_shares_at_other_roots(root):
    shares = lines(rule("T06", root=root), "share of differences")
    assert all(e.distance <= e.tolerance for e in shares)
    assert shares != lines(rule("T06"), "share of differences")


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("h", STEPS)
def test_a_window_begins_and_ends_where_it_is_said_to(dtype, h):
    """All differences from `right` on are 0, and the one before is not."""
    found, kind = window(dtype, h), FLOATING[dtype].type
    step = kind(h)
    w = np.linspace(found.right, found.right + 30.0, 2001).astype(dtype)
    w = np.maximum(w, kind(found.right))
    assert np.all(sigmoid(w + step) == sigmoid(w - step))
    assert sigmoid(np.array([found.one], dtype)) == 1
    if found.right:
        bits = f"u{kind(0).nbytes}"
        before = (np.array([found.right], dtype).view(bits) - 1).view(FLOATING[dtype])
        assert sigmoid(before + step) != sigmoid(before - step)


def test_t06_shows_a_table_and_both_gradients():
    table, *curves = rule("T06").exhibits
    assert table.kind == "table"
    assert len(table.rows) == len(FLOATING) * len(STEPS)
    assert [c.column for c in curves] == list(WIDE)
    for curve in curves:
        w, numerical, analytic = map(np.array, (curve.x, curve.observed, curve.expected))
        beyond = w > float(dict(curve.notes)["0 from"])
        assert np.all(numerical[beyond] == 0)
        assert np.all(analytic > 0)
        assert np.any(numerical[~beyond] == 0)
        assert np.all(numerical[w < float(dict(curve.notes)["0 possible from"]) - 0.5] > 0)


def test_t07_depends_on_whether_the_output_is_right():
    ruling = rule("T07")
    assert ruling.ruling is Outcome.depends
    wrong = lines(ruling, "other label")
    assert len(wrong) == 2 * len(FLOATING)
    assert all(e.distance > e.tolerance for e in wrong)
    assert all(e.distance <= e.tolerance for e in ruling.evidence if e not in wrong)


def test_t07_would_hold_if_wrong_outputs_sent_back_nothing():
    assert t07([dataclasses.replace(g, wrong=(0.0, 0.0)) for g in cases()]).ruling is Outcome.holds


def test_t07_would_be_refuted_if_right_outputs_never_rounded():
    found = [dataclasses.replace(g, right=2 * g.right, other=2 * g.other) for g in cases()]
    assert t07(found).ruling is Outcome.refuted


def test_t07_shows_a_table_and_the_decay():
    table, decay = rule("T07").exhibits
    assert len(table.rows) == len(FLOATING) * len(CLASSES)
    z, sent = np.array(decay.x), np.array(decay.observed)
    assert np.array_equal(sent == 0, z >= float(dict(decay.notes)["0 from"]))


@pytest.mark.parametrize("dtype", FLOATING)
def test_what_is_sent_back_sums_to_nothing(dtype):
    """A row of y - t sums to 0, but for the rounding of K numbers of at most 1 each."""
    for label in (0, 1):
        rows = sent_back(np.linspace(0.5, 30.0, 50).astype(dtype), 10, label).astype(np.float64)
        assert np.all(np.abs(rows.sum(axis=1)) <= 10 * 2.0 ** (1 - law.precision(dtype)))
