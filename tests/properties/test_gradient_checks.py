"""The gradient checks: planted slips are caught by their own check and named, right chains pass."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st

import verinit
from verinit.cases import battery
from verinit.checks import CHECKS, checks_of
from verinit.faults import FAULTS, faults_of
from verinit.faults.chains import (
    BATCH_NORM,
    LAYER_NORM,
    LEAKY,
    LOSS,
    RELU,
    SIGMOID,
    SILU,
    SOFTMAX,
    SOFTPLUS,
    TANH,
    Chain,
    affine,
)
from verinit.runner import plan, run_plan
from verinit.runner.execution import eager
from verinit.vocabulary import Case, Rates, Target, Verdict, examine

STEPS = (affine(5), BATCH_NORM, LAYER_NORM, LOSS, SOFTMAX, RELU, LEAKY, SIGMOID, TANH, SOFTPLUS, SILU)
DTYPES = ("float16", "bfloat16", "float32", "float64")
GRADIENTS = checks_of("function")


def target(*steps, name="chain"):
    return Target(
        name=name,
        kind="function",
        object=Chain(steps=steps),
        parameters=("scale", "special"),
        dtypes=DTYPES,
        replayable=False,
    )


@pytest.mark.parametrize("name", faults_of("function"))
def test_planted_fault_is_caught_by_its_check_alone(name):
    fault = FAULTS[name]
    for code in fault.codes:
        planned = plan([fault.target], battery=battery("standard", only=fault.cases), codes=[code], root=1)
        assert {f.claim.id for f in run_plan(planned, engine=eager).red} == {code}


@pytest.mark.parametrize("code", GRADIENTS)
def test_every_check_of_a_function_owns_a_fault(code):
    assert any(code in fault.codes for fault in faults_of("function").values())


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("no_mean_term", "the mean term is missing or wrong"),
        ("no_variance_term", "the variance term is missing or wrong"),
        ("statistics_as_constants", "the terms of both mean and variance"),
        ("gamma_left_out", "the factor gamma1 is forgotten"),
        ("gradients_exchanged", "beta1 and gamma1 are exchanged"),
        ("epsilon_forgotten", "another epsilon or divisor"),
        ("weights_not_transposed", "W1 is used where its transpose is meant"),
        ("dw_of_the_other_product", "the gradient is transposed"),
        ("one_minus_y_left_out", "the factor 1 - y is missing"),
        ("slope_of_the_input", "x (1 - x) is used"),
        ("passes_everything", "the derivative of the function is missing"),
        ("guided", "guided backpropagation"),
        ("clipped_cotangent", "it is clipped"),
        ("one_over_n_left_out", "the factor 1/N of the mean is missing"),
        ("divided_by_n_twice", "divided by N once too often"),
        ("t_minus_y", "the sign is wrong"),
        ("zero_gradient", "nothing flows back"),
        ("everything_times_two", "twice the derivative"),
        ("one_sign_flipped", "one entry alone is wrong"),
        ("a_percent_too_large", "1.01 times the derivative"),
        ("minus_one_at_zero", "the branch at equality is wrong"),
    ],
)
def test_the_likely_cause_is_named(name, cause):
    fault = FAULTS[name]
    found = examine(CHECKS[fault.codes[0]].trial(fault.target, fault.cases[0], root=1))
    assert found.verdict is Verdict.failed
    assert cause in found.likely


def test_a_cause_that_nobody_knows_is_named_by_nobody():
    fault = FAULTS["sums_over_the_wrong_axis"]
    found = examine(CHECKS["GR201"].trial(fault.target, fault.cases[0], root=1))
    assert found.verdict is Verdict.failed
    assert not found.likely


def test_a_failure_names_tensor_entry_both_values_and_tolerance():
    fault = FAULTS["one_sign_flipped"]
    said = str(examine(CHECKS["GR201"].trial(fault.target, fault.cases[0], root=1)))
    assert "dL/db1[" in said
    assert "backward says" in said
    assert "differences say" in said
    assert " +- " in said


CASES = (
    "8x6/float64",
    "8x6/float32",
    "7x5/float16",
    "7x5/bfloat16",
    "6x4/float64?special=true",
    "5x7/float64?scale=30",
    "2x3/float64",
    "9x2/float32?scale=0.01",
)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.kind)
@pytest.mark.parametrize("case", CASES)
def test_right_layers_pass(step, case):
    for code, check in GRADIENTS.items():
        found = examine(check.trial(target(step), Case.parse(case), root=4))
        assert found.verdict not in (Verdict.failed, Verdict.errored), f"{code}: {found}"
        if "bfloat16" not in case and code != "GR203":  # there rounding may hide all but the grossest fault
            assert found.verdict is not Verdict.inconclusive, f"{code}: {found}"


@pytest.mark.parametrize("root", range(40, 56))
@pytest.mark.parametrize("shape", ["2x2", "3x2"])
def test_digits_that_are_lost_between_the_layers_are_no_fault(shape, root):
    """Batch norm over two almost equal outputs of softmax: right, and 4,000 units off in float32."""
    case = Case.parse(f"{shape}/float32?scale=0.01")
    found = examine(CHECKS["GR202"].trial(target(SOFTMAX, BATCH_NORM), case, root=root))
    assert found.verdict in (Verdict.passed, Verdict.inconclusive), str(found)


@pytest.mark.parametrize("root", range(4))
def test_half_precision_inside_is_a_fault(root):
    def coarse(c, x, W, b):
        narrow = "bfloat16" if x.dtype == "float32" else x.dtype
        return affine(5).backward(c, x.astype(narrow).astype(x.dtype), W, b)

    step = replace(affine(5), backward=coarse)
    found = examine(CHECKS["GR202"].trial(target(step), Case.parse("8x6/float32"), root=root))
    assert found.verdict is Verdict.failed, str(found)


@settings(max_examples=40)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=1, max_size=4),
    n=st.integers(2, 9),
    width=st.integers(2, 7),
    scale=st.sampled_from([1e-2, 0.3, 1.0, 5.0, 30.0]),
    special=st.booleans(),
    dtype=st.sampled_from(["float64", "float32"]),
)
def test_right_networks_are_never_called_wrong(steps, n, width, scale, special, dtype):
    """A loss is the last layer of a network."""
    order = [step for step in steps if step.kind != "loss"] + [s for s in steps if s.kind == "loss"][:1]
    case = Case(shape=(n, width), dtype=dtype, parameters=(("scale", scale), ("special", special)))
    for check in GRADIENTS.values():
        found = examine(check.trial(target(*order), case))
        assert found.verdict not in (Verdict.failed, Verdict.errored), str(found)


@pytest.mark.parametrize("at_zero", [0.0, 0.5, 1.0])
def test_relu_at_exact_zeros_passes_under_every_convention(at_zero):
    step = replace(RELU, backward=lambda c, x: (c * np.where(x == 0, at_zero, x > 0),))
    for code in ("GR106", "GR201", "GR204"):
        found = examine(CHECKS[code].trial(target(step), Case.parse("8x8/float64?special=true"), root=2))
        assert found.verdict is Verdict.passed, str(found)


@pytest.mark.parametrize("z", [13.0])
@pytest.mark.parametrize("factor", [0.0, -1.0])
def test_a_saturated_gradient_that_is_zero_or_of_the_wrong_sign_fails(z, factor):
    class At(Chain):
        def inputs(self, shape, rng, **_):
            return (z + 0.1 * rng.standard_normal(shape),)

    step = replace(SIGMOID, backward=lambda c, x: (factor * SIGMOID.backward(c, x)[0],))
    made = replace(target(step), object=At(steps=(step,)))
    assert examine(CHECKS["GR201"].trial(made, Case.parse("8x8/float64"), root=1)).verdict is Verdict.failed


def test_a_function_that_knows_no_float64_is_looked_at_in_its_own_dtype():
    made = replace(target(TANH), dtypes=("float32",))
    case = Case.parse("8x6/float32")
    verdicts = {code: examine(check.trial(made, case, root=1)).verdict for code, check in GRADIENTS.items()}
    assert verdicts["GR203"] is Verdict.passed
    assert {verdicts[code] for code in ("GR106", "GR201", "GR202", "GR204")} == {Verdict.skipped}


def test_fewer_misses_ask_for_more_probes():
    made, case = target(TANH), Case.parse("8x6/float64")
    check = CHECKS["GR201"]
    few = examine(check.trial(made, case, rates=Rates(false_pass=1e-2), root=1))
    many = examine(check.trial(made, case, rates=Rates(false_pass=1e-9), root=1))
    assert few.evidence.n < many.evidence.n
    assert dict(many.sufficient)["tensors"] == 1.0


ANY_LAYER = {"step": st.sampled_from(STEPS), "code": st.sampled_from(sorted(GRADIENTS))}


@settings(max_examples=60)
@given(case=verinit.cases_for("function"), **ANY_LAYER)
def test_the_users_driver_finds_nothing_wrong_with_right_layers(case, step, code):
    found = GRADIENTS[code].examine(target(step), case)
    assert found.verdict not in (Verdict.failed, Verdict.errored), str(found)


@settings(max_examples=200)
@given(case=verinit.cases_for(target(TANH)))
def test_batches_are_of_the_form_that_a_target_takes(case):
    assert len(case.shape) == 2
    assert min(case.shape) >= 1
    assert case.dtype in (None, *DTYPES)
    assert set(dict(case.parameters)) <= {"scale", "special"}


def test_a_failure_shrinks_to_the_smallest_batch():
    found = find(
        verinit.cases_for("function"),
        lambda case: case.shape[0] >= 3 and dict(case.parameters).get("scale", 1.0) > 1.0,
        settings=settings(database=None, derandomize=True, deadline=None),
    )
    assert (found.shape, found.dtype, found.draw) == ((3, 1), None, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dtypes": ("float31",)}, "no dtype named 'float31'"),
        ({"ranks": (7,)}, "no rank named 7"),
        ({"parameters": ("scal",)}, "no parameter named 'scal'; did you mean 'scale'"),
        ({"dtypes": ()}, "dtypes=(): give at least one of"),
        ({"check": CHECKS["GR201"]}, "depends on the target, so give one"),
    ],
)
def test_a_typo_is_answered_with_one_sentence(options, said):
    with pytest.raises(verinit.UsageError) as caught:
        verinit.cases_for("function", **options)
    assert said in str(caught.value)
