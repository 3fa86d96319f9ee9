"""The battery is calibrated, completely; and the calibration sees a battery that is not.

Rates of this file: enumerations, closed forms and comparisons with mpmath involve no chance. Importance
sampling of a right test misses its gate (4 standard errors and a tenth of the rate) less than once in 1e6;
seeds are fixed by content, so that a test which passes once passes for ever with these versions. What is
planted here is wrong by factors.
"""

from __future__ import annotations

import dataclasses
import json
import math
from importlib import resources

import jsonschema
import numpy as np
import pytest

from verinit.calibration import (
    controls,
    departures,
    inventory,
    kills,
    levels,
    numerics,
    power,
    pvalues,
    record,
)
from verinit.calibration.cells import KINDS, cell
from verinit.calibration.entries import ENTRIES
from verinit.calibration.ledgers import Ledger
from verinit.calibration.record import GRID, Control, Level, NullLaw, Power
from verinit.calibration.tilting import WAYS, Way, rejected, scaled, weight
from verinit.checks import CHECKS
from verinit.faults import FAULTS
from verinit.statistics import marginal
from verinit.vocabulary import Evidence, UsageError

LEVEL = 1e-9
SHIPPED = record.shipped()


# -- every test, check and fault is calibrated ---------------------------------------------------------


def test_every_statistical_test_has_a_level() -> None:
    assert set(inventory.statistical_tests()) - {test for test, _ in WAYS} == set()


def test_every_statistical_test_has_controls_that_a_right_sample_passes() -> None:
    assert set(ENTRIES) == set(inventory.statistical_tests())
    assert {name: controls.right(name) for name in ENTRIES} == dict.fromkeys(ENTRIES, "passed")


@pytest.mark.parametrize("code", inventory.statistical_codes())
def test_every_statistical_check_rests_on_calibrated_tests(code: str) -> None:
    if code == "IN106":  # its own bound, by proof
        assert inventory.rests_on(code) == ()
        return
    assert inventory.rests_on(code)
    assert set(inventory.rests_on(code)) <= {test for test, _ in WAYS}


def test_checks_are_seen_to_rest_on_what_they_call() -> None:
    assert inventory.rests_on("IN202") == ("marginal.mean",)
    assert set(inventory.rests_on("IN301")) == {"lines.sums", "pooling.both_axes"}
    assert inventory.is_union("IN301")
    assert not inventory.is_union("IN202")
    assert inventory.rests_on("IN101") == ()


# -- the calibration that ships --------------------------------------------------------------------------


def shipped() -> record.Calibration:
    assert SHIPPED is not None
    return SHIPPED


def test_the_shipped_calibration_names_every_check_and_fault() -> None:
    """A new check or fault needs a calibration: verinit calibrate --update."""
    assert shipped().codes == tuple(sorted(CHECKS))
    assert shipped().faults == tuple(sorted(FAULTS))


def test_the_shipped_calibration_covers_every_test() -> None:
    assert {(x.test, x.variant) for x in shipped().levels} == set(WAYS)
    assert {x.test for x in shipped().controls} == set(inventory.statistical_tests())
    assert {x.name for x in shipped().numerics} == set(numerics.ROWS)
    assert {x.code for x in shipped().powers} == set(departures.DEPARTURES)
    chance = [code for code in inventory.statistical_codes() if code != "IN203"]  # bounds have no p
    assert sorted(x.code for x in shipped().nulls) == chance


def test_nothing_missed_its_gate() -> None:
    assert shipped().missed == ()


def test_every_planted_fault_is_caught_59_times_of_59() -> None:
    wanted = {(name, code) for name, fault in FAULTS.items() for code in fault.codes}
    assert {(x.fault, x.code) for x in shipped().kills} == wanted
    assert {(x.kills, x.roots) for x in shipped().kills} == {(59, 59)}


def test_ten_thousand_replays_raised_no_alarm() -> None:
    assert shipped().replays is not None
    assert shipped().replays.runs >= 10_000
    assert shipped().replays.failed == ()


def test_the_shipped_file_is_what_encode_writes_and_fits_its_schema() -> None:
    home = resources.files("verinit.calibration")
    text = home.joinpath(record.SHIPPED).read_text(encoding="utf-8")
    schema = json.loads(home.joinpath("schema.json").read_text(encoding="utf-8"))
    assert record.encode(record.decode(text)) == text
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(text), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**json.loads(text), "kills": [{"fault": "x"}]}, schema)


def test_a_file_that_is_no_calibration_is_refused_in_one_sentence() -> None:
    for text, said in (
        ("{", "cut off or damaged"),
        ("[]", "schema=None"),
        ('{"schema": "other/9"}', "other/9"),
    ):
        with pytest.raises(UsageError, match=said):
            record.decode(text)


# -- levels ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "key",
    [
        ("marginal.mean", "normal law, n = 50"),
        ("marginal.variance", "normal law, n = 60"),
        ("marginal.extreme", "n = 300"),
        ("lines.energies", "10 lines of 7"),
        ("neighbours.transpose", "7 x 6"),
        ("spectrum.diagonal", "9 x 6"),
        ("draws.variances", "12 draws of 3 x 4"),
    ],
)
def test_exact_tests_meet_their_rate_at_1e_9(key: tuple[str, str]) -> None:
    found = levels.measured(WAYS[key], LEVEL, samples=2500)
    assert found.held, found
    assert found.kind == "exact"


@pytest.mark.parametrize("test", ["pooling.both_axes", "spectrum.cosines", "atoms.ties", "haar.spread"])
def test_bounds_keep_their_rate_at_1e_9_and_are_not_absurd(test: str) -> None:
    (way,) = levels.ways_of((test,))
    found = levels.measured(way, LEVEL, samples=2500)
    assert found.held, found
    assert found.ratio > 0.5  # unions of a few events that hardly overlap


@pytest.mark.parametrize("key", sorted(key for key, way in WAYS.items() if way.computed is not None))
@pytest.mark.parametrize("level", [LEVEL, 1e-6])
def test_enumerated_rates_are_kept_and_used(key: tuple[str, str], level: float) -> None:
    found = levels.measured(WAYS[key], level)
    assert found.held, found
    assert found.kind == "none" or found.ratio > 0.05  # the next count would be allowed


def test_importance_sampling_finds_a_rate_that_replays_can_see() -> None:
    """At 1e-2 replays see it too: 20,000 of them, whose binomial interval at 1e-9 holds the estimate."""
    found = levels.measured(WAYS["lines.sums", "8 lines of 6"], 1e-2, samples=4000)
    assert abs(found.ratio - 1) <= 0.1 + 6 * found.error


def clt_variance(squares: float, n: int, rates, **_) -> Evidence:
    """A variance test by the central limit theorem: right at a hundredth, 1e3 times too liberal at 1e-9."""
    z = (squares / n - 1) * math.sqrt(n / 2)
    reach = marginal.mean(0.0, 1, rates, quantity="z").tolerance
    return Evidence(quantity="z", expected=0.0, observed=z, distance=abs(z), tolerance=reach)


def tampered(test) -> Way:
    """The sampler of the variance with another test in its place."""

    def sampler(rates, rng):
        n = 60
        scales = np.array([0.05, 2.8])
        while True:
            squares = scales[rng.integers(2)] * float(np.sum(rng.standard_normal(n) ** 2))
            yield weight(scaled(squares, n, scales)), test(squares, n, rates, quantity="q")

    return Way(test="a", variant="b", kind="exact", how="c", sampler=sampler)


def test_a_level_that_is_missed_is_seen() -> None:
    """A central limit theorem at n = 60, and one side of two: neither shows in ten thousand replays."""
    assert not levels.measured(tampered(clt_variance), LEVEL, samples=4000).held

    def one_sided(squares, n, rates, **_):
        doubled = dataclasses.replace(rates, false_fail=min(0.4, 4 * rates.false_fail))
        return marginal.variance(squares, n, doubled, quantity="q")

    assert not levels.measured(tampered(one_sided), LEVEL, samples=4000).held


def row(**changes) -> Level:
    base = Level(
        test="t", variant="v", kind="exact", level=LEVEL, ratio=1.0, error=0.02, samples=9, how="importance"
    )
    return dataclasses.replace(base, **changes)


def test_gates_of_levels_are_those_that_are_stated() -> None:
    assert row().held
    assert row(ratio=1.17).held
    assert not row(ratio=1.19).held
    assert not row(ratio=0.4).held
    assert not row(ratio=1.0, error=0.2).held  # says too little
    assert not row(ratio=math.nan).held
    assert row(kind="bound", ratio=0.001).held
    assert not row(kind="bound", ratio=1.2).held
    assert row(kind="discrete", ratio=1.0, error=0.0).held
    assert not row(kind="discrete", ratio=1.001, error=0.0).held
    assert row(ratio=None).held


# -- numerics ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(set(numerics.ROWS) - {"Chernoff's bound on Legendre scores"}))
def test_p_values_are_those_of_mpmath(name: str) -> None:
    """The one left out takes ten seconds; the shipped calibration holds it."""
    found = numerics.compared(name)
    assert found.held, found
    assert found.points >= 11


def test_a_p_value_off_by_a_thousandth_is_seen(monkeypatch) -> None:
    mp = numerics.multiprecision()
    monkeypatch.setitem(numerics.ROWS, "wrong", lambda: iter([(math.log(1.001e-9), mp.log(mp.mpf("1e-9")))]))
    found = numerics.compared("wrong")
    assert found.error == pytest.approx(1e-3, rel=1e-6)
    assert not found.held


def test_a_bound_below_the_truth_is_seen(monkeypatch) -> None:
    mp = numerics.multiprecision()
    monkeypatch.setitem(numerics.ROWS, "wrong", lambda: iter([(-700.0, mp.mpf("-699.9"))]))
    assert not numerics.compared("wrong").held


# -- controls ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", inventory.statistical_tests())
def test_what_is_no_sample_never_passes(name: str) -> None:
    found = controls.controlled(name)
    assert found.held, found
    assert len(found.outcomes) >= 6


def test_a_test_that_passes_nan_is_seen(monkeypatch) -> None:
    """The naive comparison: fails only where the distance is too large."""

    def naive(total: float, n: int, rates, quantity: str) -> Evidence:
        found = marginal.mean(total, n, rates, quantity=quantity)
        return dataclasses.replace(
            found, distance=found.distance if found.distance > found.tolerance else 0.0
        )

    tests = {**inventory.statistical_tests(), "marginal.mean": naive}
    monkeypatch.setattr(controls, "statistical_tests", lambda: tests)
    assert dict(controls.controlled("marginal.mean").outcomes)["total = nan"] == "passed"


def test_a_test_without_controls_misses_its_gate(monkeypatch) -> None:
    monkeypatch.delitem(ENTRIES, "lines.sums")
    assert controls.controlled("lines.sums") == Control(test="lines.sums", outcomes=())
    assert not controls.controlled("lines.sums").held


# -- kills -------------------------------------------------------------------------------------------------


def test_kills_count_fresh_roots_at_the_level_of_verify() -> None:
    asked = kills.trials(FAULTS["gain_forgotten"], "IN201", 3)
    assert [trial.root for trial in asked] == [3] * len(kills.PLACES)
    assert {trial.discrepancy for trial in asked} == {CHECKS["IN201"].discrepancy}
    assert max(trial.rates.false_fail for trial in asked) <= 1e-6 / 100
    assert kills.killed("gain_forgotten", "IN201", 1, 3).held
    assert not kills.killed("gain_forgotten", "IN105", 1, 2).kills


def test_a_fault_that_one_check_sees_is_its_own() -> None:
    seen = kills.all_that_catch("double_precision_always", 1)
    assert seen.codes == ("IN103",)
    assert dict(kills.sole([seen], ["IN103", "IN201"])) == {
        "IN103": ("double_precision_always",),
        "IN201": (),
    }


def test_a_check_that_rests_on_a_failed_one_is_not_heard() -> None:
    assert kills.telling(("IN204", "IN313")) == ("IN204",)
    assert kills.telling(("IN205", "IN209")) == ("IN205", "IN209")


# -- p-values and power ----------------------------------------------------------------------------------


def test_the_law_of_p_values_is_seen_to_be_wrong() -> None:
    liberal = pvalues.law("IN202", (np.linspace(0, 1, 400) ** 3).tolist())
    careful = pvalues.law("IN202", (np.linspace(0, 1, 400) ** 0.2).tolist())
    right = pvalues.law("IN202", np.linspace(0, 1, 400).tolist())
    assert right.held
    assert not liberal.held
    assert not careful.held  # IN202 is exact on normal weights
    assert dataclasses.replace(careful, kind="bound").held
    assert len(right.shares) == len(GRID)


def test_p_values_of_right_code_are_uniform() -> None:
    found = pvalues.law("IN308", pvalues.collected("IN308", 1, 100))
    assert isinstance(found, NullLaw)
    assert found.kind == "exact"
    assert found.held


@pytest.mark.parametrize("code", ["IN202", "IN203", "IN301", "IN311", "IN402"])
def test_a_departure_of_what_is_promised_is_seen_and_none_is_not(code: str) -> None:
    assert power.seen(code, 0.0, 1, 4) == 0
    assert power.seen(code, 1.0, 1, 4) == 4


@pytest.mark.parametrize("code", sorted(power.CLOSED))
def test_power_curves_are_held_to_their_closed_form(code: str) -> None:
    flat = [0] * len(power.sizes(code))
    expected = power.curve(code, flat, 59).expected
    assert expected[0] <= 1e-6
    assert expected[4] >= 1 - 1e-6  # what is promised at size 1
    right = [round(59 * p) for p in expected]
    assert power.curve(code, right, 59).held
    assert not power.curve(code, flat, 59).held
    assert not power.curve(code, [59] * len(flat), 59).held


def test_power_curves_are_held_to_what_is_promised() -> None:
    assert isinstance(power.curve("IN301", [0, 0, 30, 59, 59, 59, 59], 59), Power)
    assert power.curve("IN301", [0, 0, 30, 59, 59, 59, 59], 59).held
    assert not power.curve("IN301", [2, 0, 30, 59, 59, 59, 59], 59).held
    assert not power.curve("IN301", [0, 0, 30, 59, 56, 59, 59], 59).held


# -- cells and their ledger ------------------------------------------------------------------------------


def test_a_ledger_remembers_and_survives_a_line_cut_off(tmp_path) -> None:
    first = Ledger(tmp_path)
    first.keep(cell("null", 1, 25), [])
    first.keep(cell("null", 26, 25), [30])
    with first.path.open("a") as file:
        file.write('["[\\"null\\", 51')
    again = Ledger(tmp_path)
    assert again[cell("null", 26, 25)] == [30]
    assert cell("null", 51, 25) not in again
    again.keep(cell("null", 51, 25), [])
    assert cell("null", 51, 25) in Ledger(tmp_path)


def test_a_ledger_without_a_folder_writes_nothing(tmp_path) -> None:
    kept = Ledger(None)
    kept.keep(cell("uses", "IN101"), [])
    assert kept.path is None
    assert cell("uses", "IN101") in kept


def test_what_cells_say_is_json() -> None:
    assert set(KINDS) == {"uses", "level", "numeric", "control", "kill", "caught", "power", "p", "null"}
    for asked in (cell("uses", "IN301"), cell("control", "lines.sums"), cell("null", 1, 1)):
        said = KINDS[asked.kind](*asked.arguments)
        assert json.loads(json.dumps(said)) == json.loads(json.dumps(said, default=str))


def test_what_is_not_finite_is_rejected() -> None:
    base = {"quantity": "q", "expected": 0.0, "observed": 0.0, "tolerance": 1.0}
    assert rejected(Evidence(distance=math.nan, **base))
    assert rejected(Evidence(distance=math.inf, **base))
    assert rejected(Evidence(distance=1.1, **base))
    assert not rejected(Evidence(distance=0.9, **base))
