"""Every ruling is drawn, says what width and depth do to it, and its figures stand where theory puts them.

Chance. Roots are constants. Bands of the gains hold at every root but for the ledger's 1e-6; where a median
of 60 runs stands within the band of one run it lies eight of its own standard errors inside.
"""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from verinit.textbook import EXAMINED, ledger
from verinit.textbook.experiment import RANGES, SCHEMES, WIDTH
from verinit.vocabulary import ROOT
from verinit.vocabulary.document import plain, restore

WORDS = tuple(re.compile(p, re.IGNORECASE) for p in (r"\bwidths?\b", r"\bdepths?\b|\blayers?\b|\bdeep\b"))


@pytest.fixture(scope="module")
def whole():
    return ledger()


def test_the_committed_rulings_are_those_of_the_default_root(whole) -> None:
    assert whole.surprises == ()


@pytest.fixture(scope="module")
def rulings(whole):
    return {ruling.id: ruling for ruling in whole.rulings}


def exhibit(rulings, name):
    return next(e for ruling in rulings.values() for e in ruling.exhibits if e.id == name)


def words(ruling) -> str:
    shown = (" ".join((e.title, e.caption, str(e.x_axis), *e.header, e.row)) for e in ruling.exhibits)
    return " ".join((ruling.conditions, *shown))


@pytest.mark.parametrize("code", EXAMINED)
def test_every_ruling_has_a_figure_with_its_numbers(rulings, code) -> None:
    drawn = [e for e in rulings[code].exhibits if e.kind != "table"]
    assert drawn
    assert all(e.n and e.caption and e.observed for e in drawn)
    assert all(np.isfinite(e.observed).all() for e in drawn)
    assert any(e.expected for e in drawn)


@pytest.mark.parametrize("code", EXAMINED)
def test_every_ruling_says_what_width_and_depth_do(rulings, code) -> None:
    said = words(rulings[code])
    assert all(word.search(said) for word in WORDS), said


def test_names_of_exhibits_are_given_once(whole) -> None:
    names = [e.id for e in (*whole.exhibits, *(e for ruling in whole.rulings for e in ruling.exhibits))]
    assert len(set(names)) == len(names)


def test_the_ledger_with_its_figures_survives_a_document(whole) -> None:
    assert restore(plain(whole), type(whole)) == whole


def test_a_part_of_the_ledger_carries_no_figure_of_the_whole() -> None:
    assert ledger(only=("T08",)).exhibits == ()


COUNTED = ("T02-sigmoid", "T02-relu", "T03-W", "T03-sigmoid", "T10-layer-1", "T14-layer-1", "T21-means-1")


@pytest.mark.parametrize("name", COUNTED)
def test_histograms_lie_beside_their_laws(rulings, name) -> None:
    seen = exhibit(rulings, name)
    observed, expected = np.array(seen.observed), np.array(seen.expected)
    distance = np.abs(np.cumsum(observed - expected)).max() / seen.n
    assert distance < 0.05  # layer 1 of 100 units: |x|^2 and the weights' columns scatter by a few per cent
    assert distance > 0.0
    assert observed.sum() == pytest.approx(expected.sum(), rel=0.02)


def test_bars_of_the_window_are_those_that_the_ruling_counts(rulings) -> None:
    table = exhibit(rulings, "T02-sums")
    windowed = re.search(r"only ([\d,]+) of ReLU's", rulings["T02"].conditions)
    assert table.rows[2][1].startswith(windowed.group(1))
    assert all(cell == "100,000 (100,000)" for cell in table.rows[0][1:])
    for name, row in zip(("sigmoid", "tanh", "relu"), table.rows, strict=True):
        assert row[1].startswith(f"{sum(exhibit(rulings, f'T02-{name}').observed):,.0f} ")


def test_sigmoid_stays_under_its_bound_and_tends_to_it(rulings) -> None:
    for name in ("T04-distance", "T04-slope"):
        seen = exhibit(rulings, name)
        room = 1.0 + 4.0 * np.finfo(np.float64).eps  # either is right to 2 ulp, and they meet
        assert all(
            0.0 < value <= room * bound for value, bound in zip(seen.observed, seen.expected, strict=True)
        )
        assert seen.observed[-1] / seen.expected[-1] == pytest.approx(1.0)


def test_the_table_of_dtypes_brackets_its_closed_forms(rulings) -> None:
    for dtype, one, law, zero, flood in exhibit(rulings, "T04-dtypes").rows:
        spacing = 0.5 if dtype == "bfloat16" else 0.01
        assert float(one) == pytest.approx(float(law), abs=0.02)
        assert float(zero) == pytest.approx(float(flood), abs=spacing)


def test_s_curves_are_their_closed_forms(rulings) -> None:
    for e in (e for e in rulings["T08"].exhibits if e.kind == "curve"):
        assert e.observed == pytest.approx(e.expected, rel=1e-14, abs=1e-300)
    for x, printed, sigmoid, *_ in exhibit(rulings, "T08-five").rows:
        assert f"{1.0 / (1.0 + math.exp(-float(x))):.8f}" == printed == f"{float(sigmoid):.8f}"


@pytest.mark.parametrize("code", ["T10", "T14"])
def test_spreads_are_those_of_theory_at_every_width(rulings, code) -> None:
    curve = exhibit(rulings, f"{code}-spread")
    assert curve.observed == pytest.approx(curve.expected, rel=0.1)
    for row in exhibit(rulings, f"{code}-width").rows:
        seen, law = map(float, re.match(r"(\S+) \((\S+)\)", row[2]).groups())
        assert seen == pytest.approx(law, rel=0.15 if row[0] == "10" else 0.05)


def test_two_over_root_n_doubles_and_he_keeps(rulings) -> None:
    for gain, name in ((2.0, "2/sqrt(n)"), (1.0, "sqrt(2/n), He")):
        batch, single = (exhibit(rulings, f"T16-{kind}-{gain:g}") for kind in ("batch", "single"))
        assert batch.observed == pytest.approx(batch.expected, abs=0.3)
        low, high = single.band
        assert all(a < x < b for a, x, b in zip(low, single.observed, high, strict=True))
        table = {row[1]: row for row in exhibit(rulings, "T16-width").rows if row[0] == name}
        deep = {n: float(row[4].partition(" ")[0]) / gain**25 for n, row in table.items()}
        assert deep["25"] < 0.3 < deep["100"] < deep["1000"] < 1.2


def test_batch_norm_grows_gradients_alike_at_every_width(rulings) -> None:
    for *_, growth in exhibit(rulings, "T26-width").rows:
        seen, law = map(float, re.match(r"(\S+) \((\S+)\)", growth).groups())
        assert seen == pytest.approx(law, rel=0.05)


def test_more_inputs_make_batch_normed_outputs_more_normal(rulings) -> None:
    distances = [float(row[1]) for row in exhibit(rulings, "batchnorm-fan-in").rows]
    assert distances[0] > 0.05 > 0.03 > max(distances[2:])


def test_silent_units_are_those_below_their_batch(rulings) -> None:
    first, second = (exhibit(rulings, f"T24-silent-{k}") for k in (1, 2))
    assert set(first.observed) == {0.0}
    assert second.observed == pytest.approx(second.expected, abs=0.15)  # 200 units, five standard deviations


def test_learnt_factors_follow_their_laws_at_every_step(rulings) -> None:
    for name in ("T23-gamma", "T23-beta"):
        curve = exhibit(rulings, name)
        assert curve.observed == pytest.approx(curve.expected, rel=1e-9, abs=1e-12)


# The figures of depth


def named(whole, prefix):
    return [e for e in whole.exhibits if e.id.startswith(prefix)]


def test_signal_and_gradient_are_drawn_for_every_scheme_and_activation(whole) -> None:
    for way in ("signal", "gradient"):
        drawn = {(e.id.split("-")[2], e.column) for e in named(whole, f"depth-{way}")}
        assert drawn == {(f, scheme) for f in RANGES for scheme in SCHEMES}


def test_the_median_run_lies_within_the_band_of_one_run(whole) -> None:
    for e in named(whole, "depth-"):
        low, high = e.band
        room = 1e-12  # the input's own RMS is exactly 1
        assert all(a - room <= x <= b + room for a, x, b in zip(low, e.observed, high, strict=True)), e.id
        assert (e.x[0], e.x[-1]) == (1.0, 25.0)


def test_what_a_small_scale_loses_by_depth_is_what_theory_says(whole) -> None:
    """n std^2 / 16 a layer for sigmoid and std 0.01: 0.025 of the RMS, and 0.1 through the last weights."""
    sigmoid = next(e for e in named(whole, "depth-gradient-sigmoid") if e.column == "std 0.01")
    slope = 0.01 * math.sqrt(WIDTH) / 4.0
    assert sigmoid.expected[0] == pytest.approx(24 * math.log10(slope) - 1.0, abs=0.02)
    assert sigmoid.observed[0] == pytest.approx(sigmoid.expected[0], abs=0.3)


def test_gains_of_every_scheme_stand_within_their_bands(whole) -> None:
    panels = [e for e in named(whole, "gain-") if e.kind == "curve"]
    assert len(panels) == 2 * len(RANGES)
    for e in panels:
        assert all(a < x < b for a, x, b in zip(e.band[0], e.observed, e.band[1], strict=True)), e.id
    (table,) = (e for e in named(whole, "gain-") if e.kind == "table")
    assert [row[:2] for row in table.rows] == [(f, s) for f in RANGES for s in SCHEMES]
    assert all(row[3] == row[5] == "0 of 20" for row in table.rows)


def test_cosines_follow_their_map(whole) -> None:
    panels = named(whole, "cosine-")
    assert len(panels) == 9
    for e in panels:
        assert e.observed == pytest.approx(e.expected, abs=0.2)
        assert np.median(np.abs(np.subtract(e.observed, e.expected))) < 0.03
        assert e.observed[-1] == pytest.approx(1.0)


def test_flat_slopes_are_counted_as_theory_has_them(whole) -> None:
    for e in (e for e in named(whole, "flat-") if e.kind == "curve"):
        assert e.observed == pytest.approx(e.expected, abs=0.05)
    (table,) = (e for e in named(whole, "flat-") if e.kind == "table")
    cells = {row[0]: row[1:] for row in table.rows}
    assert set(cells["sigmoid, std 0.01: flat"]) == {"0.0% (0.0%)"}


def test_a_fresh_root_draws_the_same_laws_anew(whole) -> None:
    other = ledger(root=ROOT + 1, only=("T16",)).rulings[0]
    first = next(ruling for ruling in whole.rulings if ruling.id == "T16")
    for mine, theirs in zip(first.exhibits, other.exhibits, strict=True):
        assert mine.expected == theirs.expected
        assert mine.kind == "table" or mine.observed != theirs.observed
