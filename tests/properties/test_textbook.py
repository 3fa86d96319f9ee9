"""The ledger of the textbook chapter: complete, the same at every root, and open to change.

Rates of our own: a ruling of the ledger depends on chance through intervals that hold together but for 1e-6,
so each test on a fresh root below fails by chance about once in 1e6 roots. Roots here are constants.
"""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.textbook import CLAIMS, EXAMINED, ledger, rule
from verinit.textbook.experiment import (
    BINS,
    DEPTH,
    INPUTS,
    SCHEMES,
    WIDTH,
    Setting,
    end_counts,
    layers,
    sample,
)
from verinit.textbook.figures import at_the_edges, counted, edges_for, histograms
from verinit.textbook.histograms import EDGES, bars_hold_every_activation, end_bins_hold_about
from verinit.textbook.ledgers import UNASKED, expected, surprises
from verinit.textbook.rectifiers import (
    he_keeps_the_mean_but_not_the_typical_run,
    two_over_root_n_doubles_every_layer,
)
from verinit.textbook.rules import combined, share
from verinit.textbook.schemes import small_weights_crowd_at_one_half, xavier_spreads_more_widely
from verinit.textbook.squashing import (
    GRID,
    PRINTED,
    slopes_fall_away_from_the_centre,
    squeezing_is_strongest_at_the_ends,
    weights_alone_would_not_pile_up,
)
from verinit.vocabulary import ROOT, Outcome, Rates, Ruling, UsageError, Verdict
from verinit.vocabulary.document import plain, restore

RATES = Rates()
RUNS = 36
RNG = np.random.default_rng(20260101)


FRESH = 2026
"""A root that is not the default one: that of `test_textbook_figures`."""


@pytest.fixture(scope="module")
def whole():
    return ledger(root=FRESH)


def test_every_claim_is_ruled_on_in_order(whole) -> None:
    assert [ruling.id for ruling in whole.rulings] == [f"T{n:02}" for n in range(1, 29)] == list(CLAIMS)
    assert [ruling.claim for ruling in whole.rulings] == list(CLAIMS.values())


def test_a_fresh_root_gives_the_committed_rulings(whole) -> None:
    assert whole.surprises == ()
    assert list(expected()) == list(CLAIMS)


def test_a_claim_that_was_not_examined_is_undecided_and_says_what_it_needs(whole) -> None:
    for ruling in whole.rulings:
        if ruling.id not in EXAMINED:
            assert (ruling.ruling, ruling.summary) == (Outcome.undecided, UNASKED)
        else:
            assert ruling.evidence
            assert ruling.conditions


def test_rulings_name_what_they_rest_on(whole) -> None:
    for ruling in (r for r in whole.rulings if r.evidence):
        assert "float64" in ruling.conditions or ruling.id == "T02"
        for evidence in ruling.evidence:
            assert evidence.basis
            assert evidence.n >= 1
            assert np.isfinite(evidence.observed)
            if evidence.p is not None:
                assert evidence.interval is not None


def test_theory_stands_beside_measurement_and_is_not_contradicted(whole) -> None:
    """Every line that sets a run beside mean-field or exact theory keeps its stated margin."""
    beside = ("mean of both bins", "standard deviation", "beside its drift", "energy gain", "units alive")
    lines = [e for r in whole.rulings for e in r.evidence if any(word in e.quantity for word in beside)]
    assert len(lines) == 5 + 5 + 5 + 2 + 2
    assert all(e.distance <= e.tolerance for e in lines)


def test_one_root_gives_one_result() -> None:
    assert rule("T03", root=5) == rule("T03", root=5)
    assert rule("T03", root=5).evidence != rule("T03", root=6).evidence


def test_a_ruling_does_not_depend_on_its_company(whole) -> None:
    alone = ledger(root=FRESH, only=("T16", "T03"))
    assert [ruling.id for ruling in alone.rulings] == ["T03", "T16"]
    assert alone.exhibits == ()
    assert all(ruling in whole.rulings for ruling in alone.rulings)


def test_an_unknown_claim_is_answered_in_one_sentence() -> None:
    with pytest.raises(
        UsageError, match=r"no textbook claim named 'T1'; did you mean 'T\d\d'\? \(allowed: T01,"
    ):
        ledger(only=("T1",))


def test_rulings_and_exhibits_make_the_json_round_trip(whole) -> None:
    for ruling in whole.rulings:
        assert restore(json.loads(json.dumps(plain(ruling), allow_nan=False)), Ruling) == ruling
    json.dumps(plain(whole.exhibits), allow_nan=False)


def test_surprises_name_both_words() -> None:
    ruling = rule("T08")
    changed = dataclasses.replace(ruling, ruling=Outcome.refuted)
    assert surprises([changed], expected()) == ("T08: expected holds, got refuted",)
    assert surprises([ruling], {}) == ("T08: expected nothing, got holds",)


# The figure


@pytest.fixture(scope="module")
def panels(whole):
    """The chapter's own figure; those of depth follow it."""
    return [exhibit for exhibit in whole.exhibits if exhibit.kind == "histogram"]


def test_the_figure_has_a_panel_for_every_scheme_and_layer(whole, panels) -> None:
    assert len(panels) == 3 * len(SCHEMES) * DEPTH
    assert tuple(panels) == whole.exhibits[: len(panels)]
    plates = {exhibit.plate for exhibit in panels}
    assert plates == {f"Activations by layer: {name}" for name in ("sigmoid", "tanh", "relu")}
    assert [e.column for e in panels[:DEPTH]] == [f"layer {n}" for n in range(1, DEPTH + 1)]


def test_every_panel_holds_every_activation_and_what_theory_expects(panels) -> None:
    for exhibit in panels:
        assert sum(exhibit.observed) == INPUTS * WIDTH == exhibit.n
        assert len(exhibit.observed) == len(exhibit.expected) == BINS
        assert sum(exhibit.expected) <= INPUTS * WIDTH * (1 + BINS * np.finfo(float).eps)
        assert (
            sum(exhibit.expected) >= 0.9 * INPUTS * WIDTH
        )  # bins over the data leave out theory's tails only
        assert exhibit.notes[0][0] == "std"


def test_no_panel_is_a_single_bar_unless_it_truly_is(panels) -> None:
    for exhibit in panels:
        assert np.count_nonzero(exhibit.observed) > 2
    edges = edges_for(np.full((4, 4), 0.5), "sigmoid")
    assert np.all(np.diff(edges) > 0)
    assert np.count_nonzero(np.histogram(np.full((4, 4), 0.5), edges)[0]) == 1
    assert np.all(np.diff(edges_for(np.zeros((4, 4)), "relu")) > 0)


def test_a_layer_that_fills_its_range_is_drawn_over_the_chapters_bins() -> None:
    y = next(layers(Setting(activation="sigmoid", std=1.0), root=3))
    assert np.array_equal(edges_for(y, "sigmoid"), EDGES)


def test_bins_counted_by_arithmetic_hold_what_a_search_among_edges_finds() -> None:
    for activation in ("sigmoid", "tanh", "relu"):
        for y in layers(Setting(activation=activation, std=0.1), root=4):
            edges = edges_for(y, activation)
            assert np.array_equal(counted(y, edges), np.histogram(y, edges)[0])
    ends = np.array([[0.0, 1.0], [1.0, 0.5]])
    assert counted(ends, np.linspace(0.0, 1.0, 31))[[0, 15, 29]].tolist() == [1, 1, 2]


def test_the_share_at_the_edges_is_that_of_the_outermost_bins() -> None:
    assert at_the_edges(np.array([0.0, 0.01, 0.5, 1.0]), "sigmoid") == ("at the edges", "75%")
    assert at_the_edges(np.array([-1.0, 0.0, 0.5, 0.9]), "tanh") == ("at the edges", "25%")
    assert at_the_edges(np.array([0.0, 0.0, 0.5, 7.0]), "relu") == ("exactly 0", "50%")


def test_another_root_draws_another_figure() -> None:
    assert histograms(root=1)[0].observed != histograms(root=2)[0].observed


@given(width=st.integers(1, 9), inputs=st.integers(1, 9), depth=st.integers(1, 4), run=st.integers(0, 99))
@settings(deadline=None)
def test_the_experiment_has_the_shapes_it_was_asked_for(
    width: int, inputs: int, depth: int, run: int
) -> None:
    setting = Setting(activation="tanh", std=0.5, inputs=inputs, width=width, depth=depth)
    ys = list(layers(setting, root=ROOT, run=run))
    assert [y.shape for y in ys] == [(inputs, width)] * depth
    assert all(y.dtype == np.float64 and np.all(np.abs(y) <= 1) for y in ys)
    again = list(layers(setting, root=ROOT, run=run))
    assert all(np.array_equal(a, b) for a, b in zip(ys, again, strict=True))


def test_a_setting_names_what_is_wrong_with_it() -> None:
    with pytest.raises(UsageError, match="did you mean 'sigmoid'"):
        Setting(activation="sigmoidd", std=1.0)
    with pytest.raises(UsageError, match="depth=0"):
        Setting(activation="tanh", std=1.0, depth=0)


# Every ruling can change


def test_parts_combine_into_one_word() -> None:
    good, bad, open_ = Verdict.passed, Verdict.failed, Verdict.inconclusive
    assert combined([good, good]) is Outcome.holds
    assert combined([bad, bad]) is Outcome.refuted
    assert combined([good, bad, open_]) is Outcome.depends
    assert combined([good, open_]) is combined([bad, open_]) is combined([]) is Outcome.undecided


def test_the_rates_of_all_parts_add_up_to_the_ledgers() -> None:
    part = share(RATES, 10)
    total = part.false_fail * 10 * len(CLAIMS)
    assert abs(total - RATES.false_fail) <= 4 * np.finfo(float).eps * RATES.false_fail


def counts(*centres: float) -> np.ndarray:
    """End-bin counts of 36 runs a layer, 100 either side of the centres."""
    jitter = np.linspace(-100, 100, RUNS)[:, None, None]
    return np.asarray(centres)[None, :, None] + jitter + np.zeros((1, 1, 2))


@pytest.mark.parametrize(
    ("centres", "outcome"),
    [
        ((35_000, 35_000), Outcome.holds),
        ((33_000, 37_000), Outcome.holds),
        ((30_000, 20_000), Outcome.refuted),
        ((35_000, 30_000), Outcome.depends),
    ],
)
def test_t01_follows_the_counts(centres, outcome: Outcome) -> None:
    assert end_bins_hold_about(counts(*centres), rates=RATES).ruling is outcome


def test_t01_is_undecided_where_runs_scatter_across_the_margin() -> None:
    wide = 35_000 + np.linspace(-9_000, 9_000, RUNS)[:, None, None] + np.zeros((1, 1, 2))
    assert end_bins_hold_about(wide, rates=RATES).ruling is Outcome.undecided


def test_t01_follows_the_claimed_number() -> None:
    measured = sample(end_counts, Setting(activation="sigmoid", std=1.0, depth=1), root=7, runs=RUNS)
    assert end_bins_hold_about(measured, rates=RATES).ruling is Outcome.holds
    assert end_bins_hold_about(measured, rates=RATES, claimed=20_000).ruling is Outcome.refuted


def test_t02_sees_one_activation_that_is_missing_and_bins_of_another_width() -> None:
    right = bars_hold_every_activation([100_000] * 5, EDGES, windowed=76_000)
    assert right.ruling is Outcome.holds
    assert bars_hold_every_activation([99_999] * 5, EDGES, windowed=0).ruling is not Outcome.holds
    assert bars_hold_every_activation([100_000] * 5, EDGES * 1.001, windowed=0).ruling is not Outcome.holds


def test_t03_sees_weights_of_another_spread() -> None:
    w = RNG.standard_normal(100_000)
    verdicts = weights_alone_would_not_pile_up(w, rates=RATES)
    assert verdicts.ruling is Outcome.depends
    assert weights_alone_would_not_pile_up(10 * w, rates=RATES).ruling is Outcome.refuted


def test_t04_sees_a_slope_that_does_not_fall() -> None:
    gap, slope = np.exp(-GRID) / (1 + np.exp(-GRID)), np.exp(-GRID) / (1 + np.exp(-GRID)) ** 2
    assert slopes_fall_away_from_the_centre(GRID, gap, slope, slope).ruling is Outcome.holds
    bent = slope.copy()
    bent[500] = bent[499]
    assert slopes_fall_away_from_the_centre(GRID, gap, bent, slope).ruling is Outcome.depends
    heavy = 1 / (1 + GRID)
    assert slopes_fall_away_from_the_centre(GRID, heavy, heavy, heavy).ruling is not Outcome.holds


def test_t08_sees_one_wrong_digit_and_a_slope_that_rises() -> None:
    x = np.array([1.0, 3.0, 5.0, 7.0, 9.0])
    y = 1 / (1 + np.exp(-x))
    slopes = {"sigmoid": y * (1 - y), "tanh": 1 - np.tanh(x) ** 2}
    assert squeezing_is_strongest_at_the_ends(y, slopes, np.tanh(x)).ruling is Outcome.holds
    misprint = (PRINTED[0] + 1e-8, *PRINTED[1:])
    wrong = squeezing_is_strongest_at_the_ends(y, slopes, np.tanh(x), printed=misprint)
    assert wrong.ruling is Outcome.depends
    assert wrong.summary.startswith("4 of the 5")
    rising = {**slopes, "tanh": slopes["tanh"][::-1]}
    assert squeezing_is_strongest_at_the_ends(y, rising, np.tanh(x)).ruling is Outcome.depends
    assert squeezing_is_strongest_at_the_ends(y, slopes, x).ruling is Outcome.depends


def layered(*rows: tuple[float, float, float]) -> np.ndarray:
    """36 runs of (spread, central share, end share), one row a layer, 1 % apart from run to run."""
    return np.array(rows)[None] * np.linspace(0.99, 1.01, RUNS)[:, None, None]


def test_t10_sees_activations_that_do_not_crowd() -> None:
    crowded, spread = (0.0125, 0.99, 0.0), (0.2, 0.2, 0.01)
    assert small_weights_crowd_at_one_half(layered(crowded, crowded), rates=RATES).ruling is Outcome.holds
    assert small_weights_crowd_at_one_half(layered(spread, spread), rates=RATES).ruling is Outcome.refuted
    assert small_weights_crowd_at_one_half(layered(crowded, spread), rates=RATES).ruling is Outcome.depends


def test_t14_sees_activations_that_spread_no_more() -> None:
    small, wide = layered((0.025, 0.8, 0.0)), layered((0.208, 0.1, 0.0))
    right = xavier_spreads_more_widely(wide, small, rates=RATES)
    assert right.ruling is Outcome.depends
    width = next(e for e in right.evidence if "spread with" in e.quantity)
    assert width.distance <= width.tolerance
    wrong = xavier_spreads_more_widely(small, small, rates=RATES)
    width = next(e for e in wrong.evidence if "spread with" in e.quantity)
    assert width.distance > width.tolerance


def test_t16_would_depend_if_two_over_root_n_kept_the_mean_square() -> None:
    steady = np.linspace(0.99, 1.01, RUNS)[:, None] * np.ones((1, 5))
    doubling = steady * 2.0 ** np.arange(1, 6)
    assert two_over_root_n_doubles_every_layer(doubling, steady, rates=RATES).ruling is Outcome.refuted
    assert two_over_root_n_doubles_every_layer(steady, steady, rates=RATES).ruling is Outcome.depends


def test_t17_would_hold_if_deep_layers_kept_their_mean_square() -> None:
    shallow = np.linspace(0.99, 1.01, RUNS)[:, None, None] * np.array([[[1.0, 0.5]] * 5])
    steady = np.empty((RUNS, 100, 3))
    steady[:, :, 0] = np.linspace(0.99, 1.01, RUNS)[:, None]
    steady[:, :, 1:] = (0.5, 12)
    fading = steady.copy()
    fading[:, :, 0] *= 0.8 ** np.arange(100)

    def ruling(deep: np.ndarray) -> Outcome:
        return he_keeps_the_mean_but_not_the_typical_run(shallow, deep, width=25, rates=RATES).ruling

    assert ruling(steady) is Outcome.holds
    assert ruling(fading) is Outcome.depends


def test_t17_survives_a_network_that_died() -> None:
    shallow = np.ones((RUNS, 5, 2)) * (1.0, 0.5)
    dead = np.zeros((RUNS, 100, 3))
    dead[:, :10] = (1.0, 0.5, 12)
    dead[:, 10:, 1] = np.nan
    ruling = he_keeps_the_mean_but_not_the_typical_run(shallow, dead, width=25, rates=RATES)
    assert ruling.ruling is Outcome.depends
