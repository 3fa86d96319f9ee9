"""Signal and gradient by layer: right stacks pass at any width and depth, one wrong layer of five is named.

Rates: each trial below runs at the check's own false_fail of 1e-6, so that a test over k trials of right code
fails by chance k times in a million roots at most. Roots are constants.
"""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import verinit
from verinit.cases import BATTERIES
from verinit.checks import CHECKS, checks_of
from verinit.checks.walks import walks
from verinit.faults import FAULTS, faults_of
from verinit.faults.propagation import Slipped
from verinit.reference.activations import relu
from verinit.reference.initializers import he_normal
from verinit.reference.network import mlp
from verinit.runner import plan
from verinit.targets import resolve
from verinit.targets.networks import CHAPTER, stack, targets
from verinit.vocabulary import Case, Rates, UsageError, Verdict, examine

LAWS = ("SP201", "SP202", "SP203", "SP204", "SP205")
MODELS = checks_of("model")
PLANTED = [(name, code) for name, fault in faults_of("model").items() for code in fault.codes]


@pytest.mark.parametrize("code", sorted(MODELS))
def test_every_check_of_models_owns_a_fault(code: str) -> None:
    assert any(code in fault.codes for fault in faults_of("model").values())


@pytest.mark.parametrize(("name", "code"), PLANTED)
def test_a_planted_fault_is_caught(name: str, code: str) -> None:
    fault = FAULTS[name]
    found = examine(CHECKS[code].trial(fault.target, fault.cases[0], root=11))
    assert found.verdict is Verdict.failed, str(found)


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("scheme", CHAPTER)
@pytest.mark.parametrize("case", ["8x64?depth=3", "16x64/float32?depth=3"])
def test_right_stacks_pass_layer_by_layer(activation: str, scheme: str, case: str) -> None:
    for code, check in MODELS.items():
        if code[:3] == "SP3":
            continue
        found = examine(check.trial(stack(activation, scheme), Case.parse(case), root=2))
        assert found.verdict in (Verdict.passed, Verdict.skipped), str(found)


def test_depth_and_width_change_nothing() -> None:
    """Fifty layers of ReLU, whose inputs have become one direction, and a wide stack of few."""
    for case in ("32x64?depth=50", "16x512?depth=2", "64x512/float32?depth=3"):
        for code in ("SP101", "SP102", "SP201", "SP202"):
            found = examine(CHECKS[code].trial(stack("relu", "he_normal"), Case.parse(case), root=3))
            assert found.verdict is Verdict.passed, str(found)


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_ten_networks_of_sixteen_inputs_name_a_layer_whose_gain_is_five_per_cent_off(way: str) -> None:
    """The third of five layers of 128 units; ten networks, no more, and every one of 20 roots."""
    from verinit.checks.propagation import _least_likely, _named, _part
    from verinit.statistics import marginal

    target = FAULTS["one_layer_draws_five_per_cent_wide"].target
    rates = _part(Rates(), 5)
    for root in range(20):
        have = walks(target, Case.parse("16x128?depth=5"), root).first(10)
        sums = [[getattr(layer, way) for layer in column] for column in zip(*have, strict=True)]
        found = [
            marginal.variance(sum(e.squares for e in c), sum(e.freedom for e in c), rates, quantity="gain")
            for c in sums
        ]
        wrong = [i for i, e in enumerate(found, start=1) if e.distance > e.tolerance]
        assert wrong == [3]
        gains = {i: float(np.sqrt(e.observed)) for i, e in enumerate(found, start=1)}
        ratio = re.search(r"layer 3 alone: its RMS gain is ([0-9.]+) times", _named(gains, wrong, "", ""))
        assert ratio
        assert abs(float(ratio[1]) - 1.05) < 0.04
        assert _least_likely(found).p <= 1e-6


def test_a_dead_layer_is_named_though_nothing_reaches_those_behind_it() -> None:
    def dead(layer, shape, rng, before):
        return (layer != 2) * rng.standard_normal(shape) * np.sqrt(2.0 / shape[0])

    wrong = replace(FAULTS["weights_shared_by_all_layers"].target, object=Slipped(weights=dead))
    told = {code: examine(CHECKS[code].trial(wrong, Case.parse("16x128?depth=5"))) for code in MODELS}
    assert told["SP201"].verdict is Verdict.failed
    assert told["SP201"].likely == "layer 3 alone: its RMS gain is 0 times the predicted one"
    assert told["SP103"].verdict is Verdict.failed
    assert told["SP103"].evidence.detail.endswith("draws the same weights in layer 3")
    assert told["SP202"].reason.startswith("nothing reaches layer 1 in float64")


def test_a_layer_that_repeats_neither_the_first_nor_the_last_is_seen() -> None:
    """The fourth of five has the weights of the second: in the sum of three it weighs 1 / sqrt(3)."""

    def repeated(layer, shape, rng, before):
        return before[1] if layer == 3 else rng.standard_normal(shape) * np.sqrt(2.0 / shape[0])

    wrong = replace(FAULTS["weights_shared_by_all_layers"].target, object=Slipped(weights=repeated))
    found = examine(CHECKS["SP203"].trial(wrong, Case.parse("16x128?depth=5")))
    assert found.verdict is Verdict.failed, str(found)
    assert found.evidence.quantity == "correlation of the weights of layer 4 with all before it"


@pytest.mark.parametrize(
    ("name", "code"), [(name, code) for name, code in PLANTED if code in ("SP201", "SP202")]
)
def test_a_fault_of_gain_is_no_rounding_where_the_bound_on_rounding_is_wide(name: str, code: str) -> None:
    """At 512 units in float32 the excuse is what was measured, and a wrong product may not excuse itself."""
    found = examine(CHECKS[code].trial(FAULTS[name].target, Case.parse("64x512/float32?depth=5"), root=11))
    assert found.verdict is Verdict.failed, str(found)


def test_uniform_weights_are_judged_in_all_directions() -> None:
    right = stack("tanh", "xavier_uniform")
    found = examine(CHECKS["SP201"].trial(right, Case.parse("8x48?depth=3")))
    assert found.verdict is Verdict.passed, str(found)
    wrong = replace(right, scheme=verinit.parse("lecun_uniform(gain=1.2)"))
    assert examine(CHECKS["SP201"].trial(wrong, Case.parse("8x48?depth=3"))).verdict is Verdict.failed
    assert examine(CHECKS["SP202"].trial(right, Case.parse("8x48?depth=3"))).verdict is Verdict.skipped


def test_a_batch_that_fills_the_layer_leaves_no_way_back_to_judge() -> None:
    found = examine(CHECKS["SP202"].trial(stack("relu", "he_normal"), Case.parse("64x64?depth=2")))
    assert found.verdict is Verdict.skipped
    assert "leave no direction of 64 free" in found.reason


@pytest.mark.parametrize(
    ("std", "case"),
    [("1e-6", f"4x32/float32?depth={depth}") for depth in (6, 7, 8, 9)]
    + [("1e-33", f"4x32?depth={depth}") for depth in (9, 11)],
)
def test_numbers_near_underflow_are_no_fault_of_a_layer(std: str, case: str) -> None:
    """Below the smallest normal number a product keeps fewer digits, and at last none."""
    for code in ("SP201", "SP202"):
        found = examine(CHECKS[code].trial(stack("tanh", f"normal(std={std})"), Case.parse(case)))
        assert found.verdict in (Verdict.passed, Verdict.skipped), str(found)


def test_what_underflows_is_skipped_with_its_reason() -> None:
    found = examine(
        CHECKS["SP202"].trial(stack("sigmoid", "normal(std=0.01)"), Case.parse("4x32/float32?depth=40"))
    )
    assert found.verdict is Verdict.skipped
    assert "nothing reaches layer" in found.reason


@pytest.mark.parametrize("name", sorted(BATTERIES))
def test_every_battery_has_a_case_for_every_stack(name: str) -> None:
    planned = plan(targets(), battery=BATTERIES[name])
    assert {trial.target.name for trial in planned.trials} == {target.name for target in targets()}


def test_the_family_is_found_by_name() -> None:
    names = [target.name for target in targets()]
    assert len(set(names)) == len(names) == 15
    assert [resolve(name)[0].name for name in names] == names


def test_a_network_of_ones_own_is_walked() -> None:
    mine = mlp((24,) * 4, np.random.default_rng(0), initializer=he_normal, activation=relu)
    report = verinit.verify(mine, scheme="he_normal", cases=("8x24",), name="mine", checks=LAWS)
    assert report.counts["failed"] == report.counts["errored"] == 0
    assert report.counts["passed"] >= 4
    wrong = verinit.verify(mine, scheme="xavier_normal", cases=("8x24",), name="mine", checks=("SP201",))
    assert wrong.red


def test_a_model_without_a_case_that_fits_says_so() -> None:
    mine = mlp((24,) * 4, np.random.default_rng(0), initializer=he_normal, activation=relu)
    with pytest.raises(UsageError, match="no case of battery standard fits"):
        verinit.verify(mine, scheme="he_normal", name="mine")
