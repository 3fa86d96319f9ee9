"""The activation checks: planted mistakes are caught by their own check and named, right code passes."""

import functools
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import verinit
from verinit.cases import battery
from verinit.checks import CHECKS, checks_of
from verinit.faults import FAULTS, faults_of
from verinit.runner import plan, run_plan
from verinit.runner.execution import eager
from verinit.targets import resolve
from verinit.vocabulary import Case, Verdict, examine

MINE = {code: one for code, one in checks_of("activation").items() if code.startswith("AC")}
PLANTED = [name for name, fault in faults_of("activation").items() if fault.codes[0] in MINE]


@functools.cache
def activations(family):
    return tuple(member for member in resolve(family) if member.kind == "activation")


def found_in(target, case, root=1, codes=MINE):
    return [examine(CHECKS[code].trial(target, case, root=root)) for code in codes]


@pytest.mark.parametrize("name", PLANTED)
def test_planted_fault_is_caught_by_its_check_alone(name):
    fault = FAULTS[name]
    (code,) = fault.codes
    for case in fault.cases:
        planned = plan([fault.target], battery=battery("standard", only=[case]), codes=[code], root=1)
        assert {f.claim.id for f in run_plan(planned, engine=eager).red} == {code}


@pytest.mark.parametrize("code", MINE)
def test_every_check_of_an_activation_owns_a_fault(code):
    assert any(code in FAULTS[name].codes for name in PLANTED)


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("gelu_by_tanh", "the approximation by tanh is taken for the exact gelu"),
        ("quick_gelu", "quick gelu"),
        ("tanh_for_sigmoid", "these are values of tanh"),
        ("hard_sigmoid", "hard sigmoid"),
        ("sigmoid_with_the_sign_lost", "the sign of the exponent is wrong"),
        ("tanh_without_its_shift", "tanh without its shift"),
        ("relu_that_stops_at_six", "ReLU6"),
        ("leak_of_another_framework", "the slope on the left is 0.3, not 0.01"),
        ("selu_without_lambda", "the factor lambda is missing"),
        ("softplus_that_overflows", "exp overflows from x = 88.7"),
        ("clipped_at_ten", "the input is clipped"),
        ("gelu_in_half_precision", "a number of float16"),
        ("sigmoid_by_tanh", "(1 + tanh(x/2)) / 2 cancels on the left"),
        ("elu_by_exp", "expm1 keeps every digit"),
        ("x_times_one_minus_x", "y is meant where x is used"),
        ("slope_at_the_output", "the slope is taken at y in place of x"),
        ("square_forgotten", "the square is missing"),
        ("slope_with_the_sign_of_the_loss", "the sign is wrong"),
        ("gelu_slope_without_density", "the term x phi(x) is missing"),
        ("silu_slope_without_product_rule", "the term x s'(x) is missing"),
        ("slope_on_the_left_missing", "the slope on the left is missing"),
        ("alpha_not_added_back", "y in place of y + alpha"),
        ("slope_by_one_minus_y", "1 - y cancels"),
        ("both_slopes_at_zero", "the branch at equality is wrong"),
        ("slope_cut_off_at_ten", "the slope is 0 from |x| = 10.0"),
    ],
)
def test_the_likely_cause_is_named(name, cause):
    fault = FAULTS[name]
    found = examine(CHECKS[fault.codes[0]].trial(fault.target, fault.cases[-1], root=1))
    assert found.verdict is Verdict.failed
    assert cause in found.likely


def test_a_cause_that_nobody_knows_is_named_by_nobody():
    fault = FAULTS["slope_below_zero"]
    found = examine(CHECKS["AC305"].trial(fault.target, fault.cases[0], root=1))
    assert found.verdict is Verdict.failed
    assert not found.likely


def test_a_failure_names_the_number_both_values_and_ulps():
    fault = FAULTS["leak_of_another_framework"]
    found = examine(CHECKS["AC201"].trial(fault.target, Case.parse("9x7/float32"), root=1))
    said = str(found)
    x = found.evidence.quantity.removeprefix("y(").removesuffix(")")
    assert f"at x = {x} y is {0.3 * float(x):.4f}"[:-2] in said
    assert "ulp of float32 apart" in said
    assert "4 are allowed" in said
    assert found.exhibits[0].band is not None


def test_results_that_are_all_infinite_are_told_without_a_curve():
    report = verinit.verify_activation(
        lambda x: np.full_like(x, np.inf), like="tanh", cases=["9x7/float64"], checks=["AC201"]
    )
    (found,) = report.red
    assert found.verdict is Verdict.failed
    assert found.exhibits[0].x == ()


def test_an_alarm_is_traced_to_the_number_nearest_to_zero():
    fault = FAULTS["both_branches_evaluated"]
    found = examine(CHECKS["AC109"].trial(fault.target, Case.parse("9x7/float32"), root=1))
    assert "x = -88.7228" in found.evidence.detail or "x = 88.7228" in found.evidence.detail


RIGHT = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "gelu_tanh", "silu", "softplus")


@pytest.mark.parametrize("name", RIGHT)
def test_the_reference_passes_at_twenty_roots(name):
    (target,) = resolve(f"numpy:{name}")
    for root in range(20):
        case = Case.parse(("7x9/float64", "7x9/float32")[root % 2])
        assert [
            str(f) for f in found_in(target, case, root) if f.verdict in (Verdict.failed, Verdict.errored)
        ] == []


@settings(max_examples=25)
@given(
    target=st.sampled_from(activations("numpy") + activations("scipy")),
    case=verinit.cases_for("activation", dtypes=("float64", "float32", "float16", "bfloat16")),
    root=st.integers(0, 2**32),
)
def test_no_healthy_activation_is_called_wrong(target, case, root):
    """Known failures fail, and nothing else: in every dtype, at every scale, with special numbers or not."""
    assume(case.dtype in target.dtypes)
    for found in found_in(target, case, root):
        broken = found.verdict in (Verdict.failed, Verdict.errored)
        assert not broken or found.excuse, str(found)


TORCH = pytest.mark.torch


@pytest.mark.parametrize(
    ("family", "case"),
    [
        *((family, case) for family in ("numpy", "scipy") for case in ("9x7", "9x7/float32")),
        ("numpy", "67/float16"),
        ("numpy", "67/bfloat16"),
        pytest.param("torch", "9x7", marks=TORCH),
        pytest.param("torch", "67/float16", marks=TORCH),
    ],
)
def test_known_failures_are_all_that_fails(family, case):
    for target in activations(family):
        if Case.parse(case).dtype in (None, *target.dtypes):
            assert [str(f) for f in found_in(target, Case.parse(case)) if f.red] == []


@pytest.mark.jax
def test_known_failures_are_all_that_fails_in_jax():
    (target,) = resolve("jax:gelu")
    found = found_in(target, Case.parse("67/float16"))
    assert [str(f) for f in found if f.red] == []
    assert "AC306" in {f.claim.id for f in found if f.excuse}


@pytest.mark.parametrize("convention", [0.0, 0.5, 1.0])
def test_relu_at_zero_passes_under_every_convention(convention):
    report = verinit.verify_activation(
        lambda x: np.maximum(x, 0),
        derivative=lambda x: np.where(x == 0, x.dtype.type(convention), (x > 0).astype(x.dtype)),
        like="relu",
        cases=["9x7/float32"],
    )
    assert report, str(report)


@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_a_slope_at_thirteen_that_is_zero_or_of_the_wrong_sign_fails(factor):
    (right,) = resolve("numpy:sigmoid")

    def slope(x):
        return np.where(np.abs(x) > 12, factor, 1.0).astype(x.dtype) * right.object.derivative(x)

    report = verinit.verify_activation(
        right.object.value, derivative=slope, like="sigmoid", cases=["9x7/float64"], checks=["AC305"]
    )
    assert {f.claim.id for f in report.red} == {"AC305"}


def test_one_number_of_a_two_byte_dtype_is_enough_to_be_seen():
    (right,) = resolve("numpy:tanh")

    def value(x):
        return np.where(x == np.float16(0.3333), np.float16(0.5), right.object.value(x)).astype(x.dtype)

    report = verinit.verify_activation(
        value, like="tanh", cases=["3/float16"], checks=["AC201"], name="one wrong entry of a table"
    )
    assert "y(0.333251953)" in str(report)


def test_a_softplus_with_a_threshold_is_told_how_to_say_so():
    def value(x):
        return np.where(x > 20, x, np.logaddexp(0, x)).astype(x.dtype)

    wrong = verinit.verify_activation(value, like="softplus", cases=["9x7/float64"])
    assert "say softplus(threshold=...)" in str(wrong)
    assert verinit.verify_activation(value, like="softplus(threshold=20)", cases=["9x7/float64"])


def without_a_branch(slope: float, dtype: str) -> Any:
    """What is red of a leaky ReLU written as a x + b |x|; at -inf that is inf - inf, AC204's."""
    a, b = (np.dtype(dtype).type(number) for number in ((1.0 + slope) / 2.0, (1.0 - slope) / 2.0))
    report = verinit.verify_activation(
        lambda x: a * x + b * np.abs(x),
        derivative=lambda x: a + b * np.sign(x),
        like=f"leaky_relu(slope={slope})",
        cases=[f"9x7/{dtype}"],
    )
    return {finding.claim.id: finding for finding in report.red if finding.claim.id != "AC204"}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_leaky_relu_without_a_branch_may_round_where_the_other_is_exact(dtype: str) -> None:
    assert without_a_branch(0.5, dtype) == {}


def test_what_a_leaky_relu_without_a_branch_cancels_is_told_on_the_left_alone() -> None:
    """0.505 x - 0.495 x keeps two digits fewer than 0.01 x."""
    found = without_a_branch(0.01, "float32")
    assert "AC201" in found
    assert found["AC201"].evidence.quantity.startswith("y(-")
