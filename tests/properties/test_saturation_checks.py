"""The saturation checks: planted faults are caught and named, sound code passes in every dtype."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.cases import battery
from verinit.checks import CHECKS, checks_of
from verinit.faults import FAULTS
from verinit.laws import saturation as law
from verinit.reference.activations import ACTIVATIONS
from verinit.reference.layers import SoftmaxWithLoss
from verinit.reference.precision import FLOATING
from verinit.runner import plan, run_plan
from verinit.runner.verification import hold
from verinit.targets import resolve
from verinit.vocabulary import Case, Target, Verdict, examine

DTYPES = ("float16", "bfloat16", "float32", "float64")
CODES = {kind: [c for c in checks_of(kind) if c.startswith("SA")] for kind in ("activation", "loss")}
PLANTED = [name for name, fault in FAULTS.items() if fault.codes[0].startswith("SA")]
SHAPES = {"activation": "8x8", "loss": "64x10"}


@dataclass(frozen=True)
class Pair:
    value: Any
    derivative: Any


def activation(value, derivative, like="sigmoid"):
    return Target(
        name="mine",
        kind="activation",
        object=Pair(value, derivative),
        declared=(("like", like),),
        dtypes=DTYPES,
        replayable=False,
    )


def loss(made, **declared):
    like = tuple(declared.items()) or (("like", "softmax_with_loss"),)
    return Target(name="mine", kind="loss", object=made, declared=like, dtypes=DTYPES, replayable=False)


def findings(target, dtype, shape=None):
    case = Case.parse(f"{shape or SHAPES[target.kind]}/{dtype}")
    return {code: examine(CHECKS[code].trial(target, case)) for code in CODES[target.kind]}


def assert_passes(target, dtype, *, excused=(), shape=None):
    for code, found in findings(target, dtype, shape).items():
        allowed = (Verdict.passed, Verdict.failed if code in excused else Verdict.passed, Verdict.skipped)
        assert found.verdict in allowed, str(found)


# Faults


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_caught_by_its_check_alone(name):
    fault = FAULTS[name]
    for code in fault.codes:
        planned = plan([fault.target], battery=battery("standard", only=fault.cases), codes=[code])
        found = run_plan(planned).findings
        assert [f.verdict for f in found] == [Verdict.failed] * len(fault.cases), code


def test_every_saturation_check_owns_a_fault():
    owned = {code for name in PLANTED for code in FAULTS[name].codes}
    assert owned == {code for codes in CODES.values() for code in codes}
    assert len(PLANTED) >= 8


@pytest.mark.parametrize(
    ("name", "code", "cause"),
    [
        ("argument_clipped_at_ten", "SA101", "belongs to x = 10"),
        ("kept_off_one", "SA101", "the value is 0.9999999, "),
        ("sigmoid_of_half_precision", "SA101", "computed in float16 inside"),
        ("through_tanh", "SA102", "1 + tanh(x/2), or 1 - s(-x), cancels"),
        ("one_minus_the_mirrored", "SA102", "1 + tanh(x/2), or 1 - s(-x), cancels"),
        ("slope_of_the_quotient", "SA103", "its square overflows at half the range"),
        ("output_stored_in_half", "SA103", "computed in float16 inside"),
        ("tanh_stored_in_half", "SA103", "computed in float16 inside"),
        ("slope_kept_alive", "SA104", "farthest out it is 0.001"),
        ("read_from_a_table", "SA105", "read from a table"),
        ("probabilities_in_half", "SA201", "computed in float16 inside"),
        ("probabilities_clipped", "SA202", "clipped, or something is added"),
        (
            "floor_in_the_logarithm",
            "SA203",
            "the loss is -log(y + 1e-07), and the gradient is that of -log y",
        ),
        ("loss_of_clipped_probabilities", "SA203", "the loss is cut: at a gap of 18"),
        ("nothing_from_clipped_probabilities", "SA204", "flat where probabilities are clipped"),
        ("squared_error_of_probabilities", "SA204", "the slope of softmax is still in the gradient"),
    ],
)
def test_the_likely_cause_is_named(name, code, cause):
    fault = FAULTS[name]
    found = examine(CHECKS[code].trial(fault.target, fault.cases[0]))
    assert found.verdict is Verdict.failed
    assert cause in found.likely


@pytest.mark.parametrize("delta", [1e-12, 1e-9, 1e-7, 1e-6])
def test_whatever_was_added_to_y_is_found(delta):
    class Floored(SoftmaxWithLoss):
        def forward(self, logits, labels):
            super().forward(logits, labels)
            return float(-np.log((self.y * self.t).sum(axis=1) + delta).mean())

    found = findings(loss(Floored()), "float64")
    assert f"-log(y + {delta:.3g})" in found["SA203"].likely
    assert [code for code, f in found.items() if f.verdict is Verdict.failed] == ["SA203"]


# Sound code


def naive(x):
    return 1 / (1 + np.exp(-x))


def stable(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, x.dtype.type(1)) / (1 + e)


SOUND = {
    "y (1 - y)": activation(naive, lambda x: naive(x) * (1 - naive(x))),
    "s(x) s(-x)": activation(stable, lambda x: stable(x) * stable(-x)),
    "reference": activation(ACTIVATIONS["sigmoid"].value, ACTIVATIONS["sigmoid"].derivative),
    "1 - y^2": activation(np.tanh, lambda x: 1 - np.tanh(x) ** 2, "tanh"),
    "sech^2": activation(ACTIVATIONS["tanh"].value, ACTIVATIONS["tanh"].derivative, "tanh"),
    "2 s(2x) - 1": activation(lambda x: 2 * stable(2 * x) - 1, lambda x: 1 - np.tanh(x) ** 2, "tanh"),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SOUND)
def test_sound_activations_pass(name, dtype):
    assert_passes(SOUND[name], dtype)


@settings(max_examples=40)
@given(
    dtype=st.sampled_from(DTYPES),
    argument=st.floats(-2.0, 2.0),
    result=st.floats(-2.0, 2.0),
    flush=st.booleans(),
)
def test_errors_of_a_few_units_are_never_called_wrong(dtype, argument, result, flush):
    """exp off by two units, of an argument off by two, with or without subnormal numbers; rounded once."""
    u, tiny = 2.0 ** -law.precision(dtype), law.smallest_normal(dtype)

    def value(x):
        wide = x.astype(np.float64) * (1 + argument * u)
        e = np.exp(-np.abs(wide)) * (1 + result * u)
        y = np.where(wide < 0, e, 1) / (1 + e)
        return np.where(flush & (np.abs(y) < tiny), 0, y).astype(x.dtype)

    target = activation(value, lambda x: value(x) * (1 - value(x)))
    assert_passes(target, dtype)


def test_both_formulas_of_the_slope_pass_and_what_one_loses_is_reported():
    short, long = (findings(SOUND[name], "float64")["SA104"] for name in ("y (1 - y)", "s(x) s(-x)"))
    lost, kept = (dict(f.sufficient)["x > 0, first"] for f in (short, long))
    assert law.one_by_sum("float64") <= lost < 37
    assert kept > 745
    assert "short of 745.133, where it underflows" in short.evidence.detail


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_window_of_differences_lies_between_its_closed_forms(dtype):
    seen = dict(findings(SOUND["y (1 - y)"], dtype)["SA105"].sufficient)
    for h in (1e-4, 1e-5):
        first, last = seen[f"h = {h:g}, 0 first seen at"], seen[f"h = {h:g}, 0 from"]
        assert law.difference_zero_from(h, dtype) <= first < law.one_by_sum(dtype) < last
        assert abs(last - law.one_by_sum(dtype) - h) <= 4 * np.spacing(FLOATING[dtype].type(last))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", ["64x2", "64x10", "1x2", "5x3"])
def test_the_reference_loss_passes(dtype, shape):
    assert_passes(loss(SoftmaxWithLoss()), dtype, shape=shape)


@pytest.mark.parametrize(
    ("family", "dtypes"),
    [
        ("numpy", DTYPES),
        ("scipy", DTYPES),
        pytest.param("torch", DTYPES, marks=pytest.mark.torch),
        pytest.param("jax", ("float32",), marks=pytest.mark.jax),  # compiles for each; the table has them all
    ],
)
def test_built_in_targets_pass_but_for_what_they_excuse(family, dtypes):
    like = ("sigmoid", "tanh", "softmax_with_loss")
    seen = [t for t in resolve(family) if t.kind in CODES and t.says("like") in like]
    assert seen
    for target in seen:
        for dtype in set(dtypes) & set(target.dtypes):
            assert_passes(target, dtype, excused=[code for code, _ in target.expected])


def test_the_chapters_loss_fails_as_expected_and_its_run_is_green():
    (chapter,) = resolve("numpy:SoftmaxWithLoss@chapter")
    report = hold(chapter)
    assert report
    failed = [f for f in report.findings if f.verdict is Verdict.failed]
    assert {f.claim.id for f in failed} == {"SA203"}
    assert all(f.excuse and "-log(y + 1e-07)" in f.likely for f in failed)


def test_the_chapters_loss_moves_by_y_over_y_plus_its_floor():
    """The slope of -log(y + d) is (y - t) y / (y + d): measured by differences, to their tolerance."""
    (chapter,) = resolve("numpy:SoftmaxWithLoss@chapter")
    h, kind = 2.0**-17, np.float64
    for gap in (10.0, 14.0, 16.0, 20.0, 30.0):
        x = np.array([[gap, 0.0]])
        up, down = (
            chapter.object.forward(x + s * h * np.eye(1, 2), np.array([1])) for s in (kind(1), kind(-1))
        )
        y = np.exp(-gap) / (1 + np.exp(-gap))
        told = (1 - y) * y / (y + 1e-7)
        assert abs((up - down) / (2 * h) - told) <= 8 * 2.0**-52 * gap / h + h * h


# What is not asked


def test_claims_say_nothing_of_other_functions():
    relu = activation(lambda x: np.maximum(x, 0), lambda x: (x > 0) * 1.0, "relu")
    for found in findings(relu, "float64").values():
        assert (found.verdict, found.reason) == (
            Verdict.skipped,
            "a claim about sigmoid and tanh; mine is like relu",
        )
    other = findings(loss(SoftmaxWithLoss(), like="squared_error"), "float64")
    assert {f.reason for f in other.values()} == {
        "a claim about softmax_with_loss; mine is like squared_error"
    }


def test_half_precision_is_not_differenced():
    assert "lost in the rounding of float16" in findings(SOUND["reference"], "float16")["SA105"].reason
    assert "too coarse for differences" in findings(loss(SoftmaxWithLoss()), "bfloat16")["SA203"].reason


def test_logits_of_one_class_are_not_asked():
    found = findings(loss(SoftmaxWithLoss()), "float64", "4x1")
    assert {f.reason for f in found.values()} == {
        "logits are rows of two classes or more; the case has shape (4, 1)"
    }
