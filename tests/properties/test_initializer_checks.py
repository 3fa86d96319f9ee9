"""The initializer checks: planted faults are caught and named, right code passes, company changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verinit
from verinit.cases import battery
from verinit.cases.search import smallest
from verinit.checks import CHECKS
from verinit.faults import FAULTS, faults_of
from verinit.laws.schemes import parse
from verinit.reference.initializers import INITIALIZERS
from verinit.runner import plan, run_plan
from verinit.runner.execution import eager
from verinit.vocabulary import Battery, Case, Fault, Rates, Report, Target, Verdict, examine

CASES = ("16x16", "3x5x8x16", "48x80/float32")


def looked_at(
    target: Target, *, cases: tuple[str, ...] = CASES, name: str = "standard", root: int = 1
) -> Report:
    return run_plan(plan([target], battery=battery(name, only=cases), root=root))


def reference(scheme: str, name: str | None = None) -> Target:
    return Target(
        name=f"test:{scheme}",
        kind="initializer",
        object=INITIALIZERS[name or scheme],
        scheme=parse(scheme),
        dtypes=("float32", "float64"),
    )


def where(fault: Fault) -> Battery:
    """Where a fault shows: at its own cases, or anywhere."""
    return battery("standard", only=fault.cases or CASES)


@pytest.mark.parametrize("name", faults_of("initializer"))
def test_planted_fault_is_caught(name: str) -> None:
    """By its check alone: in company a check that it needs may speak first, and is red then."""
    fault = FAULTS[name]
    for code in fault.codes:
        planned = plan([fault.target], battery=where(fault), codes=[code], root=1)
        report = run_plan(planned, engine=eager)
        assert {finding.claim.id for finding in report.red} == {code}, str(report)


STATISTICAL = [
    code
    for code, check in CHECKS.items()
    if check.samples and check.kind == "initializer" and not code.startswith("IN10")
]
FAINT = {code: name for name, fault in FAULTS.items() if fault.alone for code in fault.codes}


@pytest.mark.parametrize("code", STATISTICAL)
def test_every_statistical_test_alone_kills_some_fault(code: str) -> None:
    """Why it is in the battery: without it, this fault would pass."""
    fault = FAULTS[FAINT[code]]
    report = run_plan(plan([fault.target], battery=where(fault), root=1))
    assert {finding.claim.id for finding in report.red} == {code}, str(report)


@pytest.mark.parametrize("code", sorted(CHECKS))
def test_every_check_owns_a_fault(code: str) -> None:
    assert any(code in fault.codes for fault in FAULTS.values())


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("two_over_root_n", "ratio 2: 2/sqrt(n) where sqrt(2/n) is meant"),
        ("fan_of_the_wrong_axis", "fan_out used: the fan of the wrong axis"),
        ("receptive_field_forgotten", "the receptive field is missing from the fan"),
        ("variance_as_std", "variance passed where a std is expected"),
        ("gain_forgotten", "ratio 1/2: gain omitted"),
        ("truncation_not_corrected", "truncation not corrected"),
        (
            "torch_linear_default",
            "ratio 1/6: uniform bound 1/sqrt(fan_in), i.e. kaiming_uniform_ with a=sqrt(5)",
        ),
        ("root_three_missing", "std used as the bound of a uniform law"),
    ],
)
@pytest.mark.parametrize("level", ["smoke", "standard"])
def test_likely_cause_is_named_alone(name: str, cause: str, level: str) -> None:
    cases = ("13x11", "48x80", "3x5x8x16")
    report = looked_at(FAULTS[name].target, cases=cases, name=level)
    causes = {finding.likely for finding in report.findings if finding.claim.id == "IN201" and finding.red}
    assert len(causes) == 1
    assert cause in causes.pop()
    assert not any("; or" in found.likely for found in report.findings)


def test_a_departure_without_a_known_cause_is_named_by_nobody() -> None:
    report = looked_at(FAULTS["two_percent_wide"].target)
    assert {f.verdict for f in report.findings if f.claim.id == "IN201"} == {Verdict.failed}
    assert all(not finding.likely for finding in report.findings)


def test_he_as_the_chapter_writes_it_is_caught_at_the_smallest_shape() -> None:
    target = FAULTS["two_over_root_n"].target

    def fails(case: Case) -> bool:
        return (
            examine(CHECKS["IN201"].trial(target, case, rates=Rates(false_fail=1e-9))).verdict
            is Verdict.failed
        )

    report = looked_at(target, cases=("1x1",), name="smoke")
    assert "2/sqrt(n)" in next(f.likely for f in report.red if f.claim.id == "IN201")
    found = smallest(
        lambda case: looked_at(target, cases=(str(case),), name="smoke").red != (), like=Case(shape=(7, 5))
    )
    assert found == Case(shape=(1, 1))
    assert fails(Case(shape=(4, 3)))


@pytest.mark.parametrize(
    "scheme", ["he_normal", "xavier_uniform", "lecun_truncated_normal", "orthogonal", "ones"]
)
@pytest.mark.parametrize("root", [1, 2, 3])
def test_right_code_passes(scheme: str, root: int) -> None:
    report = looked_at(reference(scheme), root=root)
    assert report, str(report)
    assert not report.counts["inconclusive"]


@settings(max_examples=25)
@given(
    shape=st.lists(st.integers(1, 24), min_size=2, max_size=4).map(tuple),
    scheme=st.sampled_from(["he_normal", "he_uniform(mode=fan_out)", "xavier_truncated_normal"]),
    dtype=st.sampled_from(["float32", "float64"]),
)
def test_right_code_passes_at_any_shape(shape: tuple[int, ...], scheme: str, dtype: str) -> None:
    name, _, parameters = scheme.partition("(")
    mode = {"mode": "fan_out"} if parameters else {}
    draw = INITIALIZERS[name]
    target = Target(
        name=f"test:{scheme}",
        kind="initializer",
        object=lambda shape, rng, *, dtype=None: draw(shape, rng, dtype=dtype, **mode),
        scheme=parse(scheme),
        dtypes=("float32", "float64"),
    )
    report = looked_at(target, cases=(str(Case(shape=shape, dtype=dtype)),), name="smoke")
    assert not report.red, str(report)


def test_a_check_alone_finds_what_it_finds_in_company() -> None:
    target = reference("he_uniform")
    look = battery("standard", only=("13x11", "64x32"))
    whole = {finding.id: finding for finding in run_plan(plan([target], battery=look)).findings}
    for code in ("IN201", "IN202", "IN204", "IN205"):
        alone = run_plan(plan([target], battery=look, codes=[code])).findings
        assert [finding.id for finding in alone] == sorted(i for i, f in whole.items() if f.claim.id == code)
        assert all(whole[finding.id] == finding for finding in alone)


def test_equal_roots_give_equal_findings_and_other_roots_others() -> None:
    target = reference("he_normal")
    first, again, other = (looked_at(target, name="smoke", root=root).findings for root in (5, 5, 6))
    assert first == again
    observed = [
        [f.evidence.observed for f in found if f.evidence and f.claim.id == "IN201"]
        for found in (first, other)
    ]
    assert observed[0] != observed[1]


def test_a_broken_contract_silences_the_law() -> None:
    report = looked_at(FAULTS["one_nan"].target)
    laws = [finding for finding in report.findings if finding.claim.id.startswith("IN2")]
    assert {finding.verdict for finding in laws} == {Verdict.skipped}
    assert any("IN104 failed at this case" in finding.reason for finding in laws)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_none_never_passes_a_law(bad: float) -> None:
    def broken(shape: tuple[int, ...], rng: np.random.Generator, *, dtype: str | None = None) -> object:
        weights = INITIALIZERS["he_normal"](shape, rng)
        weights.flat[0] = bad
        return weights

    target = Target(name="test:broken", kind="initializer", object=broken, scheme=parse("he_normal"))
    for code in ("IN201", "IN202", "IN204", "IN205"):
        found = examine(CHECKS[code].trial(target, Case(shape=(13, 11))))
        assert found.verdict is Verdict.failed, str(found)


def test_shares_of_a_plan_add_up_to_its_budget() -> None:
    planned = plan([reference("he_normal"), reference("he_uniform")], battery=battery("standard"))
    shares = [trial.rates.false_fail for trial in planned.trials if trial.check.samples is not None]
    assert sum(shares) <= planned.false_fail * (1 + len(shares) * np.finfo(float).eps)
    assert len(set(shares)) == 1
    alone = plan(
        [reference("he_normal"), reference("he_uniform")], battery=battery("standard"), codes=["IN202"]
    )
    assert {trial.rates.false_fail for trial in alone.trials} == set(shares)


def square_kernel_assumed(shape: tuple[int, ...], rng: np.random.Generator) -> object:
    """He's rule whose receptive field is the square of the kernel's height."""
    inside = shape[-2] * (shape[0] ** (len(shape) - 2))
    return rng.standard_normal(shape) * np.sqrt(2.0 / inside)


def normals_in_pairs(shape: tuple[int, ...], rng: np.random.Generator) -> object:
    """He's rule from a sampler that makes two numbers at a time, and leaves the last of an odd number."""
    weights = np.zeros(np.prod(shape))
    weights[: weights.size // 2 * 2] = rng.standard_normal(weights.size // 2 * 2)
    return weights.reshape(shape) * np.sqrt(2.0 / np.prod(shape[:-1]))


@pytest.mark.parametrize(
    ("broken", "case"), [(square_kernel_assumed, "3x5x8x16"), (normals_in_pairs, "5x7x13")]
)
def test_kernels_that_are_not_square_and_odd_sizes_are_looked_at(broken: Any, case: str) -> None:
    """What no square kernel and no even number of weights shows."""
    report = verinit.verify(broken, scheme="he_normal")
    places = {str(finding.case).partition("#")[0] for finding in report.red}
    assert places == {case}, str(report)


def test_a_mean_that_scatters_with_a_std_far_too_large_says_so() -> None:
    def huge(shape: tuple[int, ...], rng: np.random.Generator, *, dtype: str | None = None) -> object:
        return 50.0 * INITIALIZERS["he_normal"](shape, rng)

    target = Target(name="test:huge", kind="initializer", object=huge, scheme=parse("he_normal"))
    told = [
        found.likely
        for root in range(8)
        if (found := examine(CHECKS["IN202"].trial(target, Case(shape=(13, 11)), root=root))).verdict
        is Verdict.failed
    ]
    assert len(told) > 4
    assert all(said.startswith(("the std is 50 times", "the std is 49.9", "the std is 50.")) for said in told)
    shifted = FAULTS["mean_five_percent"]
    found = examine(CHECKS["IN202"].trial(shifted.target, Case(shape=(48, 80)), root=1))
    assert (found.verdict, found.likely) == (Verdict.failed, "")


def test_numbers_of_single_precision_in_an_array_of_double_are_no_twins() -> None:
    def single(shape: tuple[int, ...], rng: np.random.Generator) -> object:
        return (rng.standard_normal(shape, dtype=np.float32) * np.sqrt(2.0 / shape[0])).astype(np.float64)

    def single_in_double(shape: tuple[int, ...], rng: np.random.Generator) -> object:
        return np.sqrt(np.float32(2.0 / shape[0])) * rng.standard_normal(shape, dtype=np.float32)

    for right in (single, single_in_double):
        report = verinit.verify(right, scheme="he_normal", cases=["64x32", "48x80"])
        assert not report.red, str(report)
