"""Cases for Hypothesis: legal ones that shrink to the smallest, of each of which a check says one thing."""

from __future__ import annotations

import math
import unittest
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import FailedHealthCheck, Unsatisfiable

import verinit
from verinit.cases.search import smallest
from verinit.checks import CHECKS, checks_of
from verinit.checks.sampling import pool
from verinit.laws.fans import fans
from verinit.laws.schemes import parse
from verinit.reference.initializers import INITIALIZERS
from verinit.vocabulary import (
    Case,
    Check,
    CheckFailed,
    CheckSkipped,
    Finding,
    Rates,
    Target,
    UsageError,
    Verdict,
    examine,
)
from verinit.vocabulary.calls import CALLS, DRAWS, by_hand, draws

DTYPES = ("float32", "float64", "float16", "bfloat16")
HALF = replace(CHECKS["IN201"], discrepancy=0.5)
"""The variance to one half: it takes a thousand numbers, and a test of ours no time."""


def he(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return rng.standard_normal(shape) * math.sqrt(2 / max(1, math.prod(shape[:-1])))


def wide_from_forty(shape: tuple[int, ...], rng: np.random.Generator, **_: Any) -> np.ndarray:
    return he(shape, rng) * (1.5 if math.prod(shape[:-1]) >= 40 else 1.0)


def made(function: Callable[..., Any], scheme: str = "he_normal", **options: Any) -> Target:
    return Target(name="test", kind="initializer", object=function, scheme=parse(scheme), **options)


def reference(scheme: str) -> Target:
    return replace(
        made(INITIALIZERS[scheme], scheme), dtypes=DTYPES, name=f"test:{scheme}", ranks=(2, 3, 4, 5)
    )


def shrunk(cases: st.SearchStrategy[Case], fails: Callable[[Case], bool], *, root: int) -> Case:
    """The last failing case that Hypothesis shows."""
    shown: list[Case] = []

    @seed(root)
    @settings(deadline=None, database=None, max_examples=1000, phases=(Phase.generate, Phase.shrink))
    @given(case=cases)
    def anywhere(case: Case) -> None:
        if fails(case):
            shown.append(case)
            pytest.fail("found")

    with pytest.raises(pytest.fail.Exception):
        anywhere()
    return shown[-1]


def matrix(case: Case) -> tuple[int, int]:
    return math.prod(case.shape[:-1]), case.shape[-1]


@settings(deadline=None, max_examples=300)
@given(case=verinit.cases_for("initializer", dtypes=(None, *DTYPES)))
def test_cases_are_small_and_legal_and_read_back(case: Case) -> None:
    assert Case.parse(str(case)) == case
    assert case.draw == 0
    assert case.size <= 8 * 4096  # groups of at most 8 need as many channels, whatever was drawn
    assert 2 <= len(case.shape) <= 5
    chosen = dict(case.parameters)
    assert len(case.shape) > 2 or not chosen
    assert chosen.get("groups", 2) != 1
    assert chosen.get("transposed", True) is True
    if case.size:
        assert min(fans(case.shape, **chosen)) > 0  # type: ignore[arg-type]


WANTED: dict[str, Callable[[Case], bool]] = {
    "dense": lambda case: len(case.shape) == 2,
    "1-d": lambda case: len(case.shape) == 3,
    "2-d": lambda case: len(case.shape) == 4,
    "3-d": lambda case: len(case.shape) == 5,
    "one number": lambda case: case.shape == (1, 1),
    "a long row": lambda case: case.shape[0] == 1 and case.shape[-1] > 300,
    "a long column": lambda case: case.shape[-1] == 1 and case.shape[0] > 300,
    "square": lambda case: len(case.shape) == 2 and case.shape[0] == case.shape[1] > 8,
    "grouped": lambda case: dict(case.parameters).get("groups", 1) != 1,
    "transposed": lambda case: "transposed" in dict(case.parameters),
    "both": lambda case: len(case.parameters) == 2,
    "empty": lambda case: case.size == 0,
    "half precision": lambda case: case.dtype == "bfloat16",
}


def test_every_form_is_looked_at() -> None:
    """Among a thousand cases, of which the seed is fixed: the search itself is what is tested."""
    seen: list[Case] = []

    @seed(0)
    @settings(deadline=None, database=None, max_examples=1000, phases=(Phase.generate,))
    @given(case=verinit.cases_for("initializer", dtypes=(None, *DTYPES)))
    def anywhere(case: Case) -> None:
        seen.append(case)

    anywhere()
    assert [what for what, wanted in WANTED.items() if not any(map(wanted, seen))] == []


@settings(deadline=None, max_examples=100)
@given(
    data=st.data(), ranks=st.sampled_from([(2,), (4,), (1, 3), ()]), dtypes=st.sampled_from([(), DTYPES[:1]])
)
def test_a_target_is_asked_for_what_it_takes(
    data: st.DataObject, ranks: tuple[int, ...], dtypes: tuple[str, ...]
) -> None:
    target = made(he, "normal(std=0.1)", ranks=ranks, dtypes=dtypes, parameters=("groups",))
    case = data.draw(verinit.cases_for(target))
    assert len(case.shape) in (ranks or (1, 2, 3, 4, 5))
    assert case.dtype in (None, *dtypes)
    assert {name for name, _ in case.parameters} <= {"groups"}


def test_vectors_are_for_laws_without_a_fan() -> None:
    fanless = made(he, "normal(std=0.1)")
    assert shrunk(verinit.cases_for(fanless), lambda case: True, root=0) == Case(shape=(1,))
    assert shrunk(verinit.cases_for(made(he)), lambda case: True, root=0) == Case(shape=(1, 1))


SMALLEST: dict[str, Callable[[Case], bool]] = {
    "1x1": lambda case: True,
    "40x1": lambda case: matrix(case)[0] >= 40,
    "1x40": lambda case: matrix(case)[1] >= 40,
    "40x30": lambda case: matrix(case)[0] >= 40 and matrix(case)[1] >= 30,
    "7x7": lambda case: matrix(case)[0] == matrix(case)[1] >= 7,
    "1x1/bfloat16": lambda case: case.dtype == "bfloat16",
    "40x1/float16": lambda case: case.dtype == "float16" and matrix(case)[0] >= 40,
    "1x1x1": lambda case: len(case.shape) == 3,
    "2x1x1": lambda case: math.prod(case.shape[:-2]) > 1,
    "3x3x1x1": lambda case: len(case.shape) == 4 and min(case.shape[:2]) >= 3,
    "1x1x2?groups=2": lambda case: "groups" in dict(case.parameters),
    "1x1x1?transposed=true": lambda case: "transposed" in dict(case.parameters),
    "1x2x1?groups=2,transposed=true": lambda case: len(case.parameters) == 2,
    "1x0": lambda case: case.size == 0,
}


@pytest.mark.parametrize("text", SMALLEST)
def test_a_failure_shrinks_to_the_smallest_case(text: str) -> None:
    cases = verinit.cases_for("initializer", dtypes=(None, *DTYPES))
    assert shrunk(cases, SMALLEST[text], root=1) == Case.parse(text)


@pytest.mark.parametrize("root", range(25))
def test_a_wrong_law_shrinks_to_the_smallest_shape_exactly(root: int) -> None:
    """With numbers that are drawn: the power is that of the plan, at forty numbers as at four thousand.

    A fault 125 % wide passes with probability below 1e-6, right code fails with probability 1e-10 a call.
    """
    target = replace(
        made(wide_from_forty), name=f"root {root}", parameters=("groups", "transposed"), dtypes=DTYPES
    )

    @seed(root)
    @settings(deadline=None, database=None, phases=(Phase.generate, Phase.shrink))
    @given(case=verinit.cases_for("initializer", dtypes=(None, *DTYPES)))
    def anywhere(case: Case) -> None:
        HALF(target, case)

    with pytest.raises(CheckFailed) as caught:
        anywhere()
    assert caught.value.finding is not None
    assert caught.value.finding.case == Case.parse("40x1")


@pytest.mark.parametrize("code", checks_of("initializer"))
def test_right_code_passes_anywhere(code: str) -> None:
    """A false alarm: 1e-10 an example, whatever Hypothesis draws."""
    check, target = CHECKS[code], reference(suited(code))
    examples = 3 if check.samples else 25

    @settings(deadline=None, max_examples=examples, suppress_health_check=[HealthCheck.filter_too_much])
    @given(case=verinit.cases_for(target, check=check))
    def anywhere(case: Case) -> None:
        check(target, case)

    anywhere()


def speaks(check: Check, target: Target) -> bool:
    try:
        verinit.cases_for(target, check=check)
    except UsageError:
        return False
    return True


@cache
def suited(code: str) -> str:
    """A scheme of which a check says something."""
    return next(
        s for s in ("he_normal", "he_uniform", "zeros", "orthogonal") if speaks(CHECKS[code], reference(s))
    )


LAW = [code for code in checks_of("initializer") if not code.startswith("IN10")]


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (3, 3, 0, 4), (3, 3, 4, 0)])
@pytest.mark.parametrize("scheme", ["he_normal", "orthogonal", "zeros"])
def test_of_an_empty_array_only_the_contract_is_asked(shape: tuple[int, ...], scheme: str) -> None:
    for code, check in checks_of("initializer").items():
        found = check.examine(reference(scheme), Case(shape=shape))
        contract = code in ("IN101", "IN102", "IN103", "IN104", "IN105")
        assert found.verdict is (Verdict.passed if contract else Verdict.skipped), str(found)


def user_test(check: Check, target: Target, cases: st.SearchStrategy[Case], **options: Any) -> None:
    """Three lines of a user's."""

    @settings(deadline=None, database=None, **options)
    @given(case=cases)
    def anywhere(case: Case) -> None:
        check(target, case)

    anywhere()


@pytest.mark.parametrize("code", ["IN101", "IN201", "IN204", "IN301"])
def test_a_case_of_which_nothing_is_said_does_not_end_the_search(code: str) -> None:
    """Convolutions, groups and empty arrays: this target takes none of them, or the check says nothing."""
    seen = []

    def dense(fan_in: int, fan_out: int, rng: np.random.Generator) -> np.ndarray:
        seen.append((fan_in, fan_out))
        return he((fan_in, fan_out), rng)

    target = verinit.target(dense, scheme="he_normal")
    user_test(CHECKS[code], target, verinit.cases_for("initializer"), max_examples=10, derandomize=True)
    assert len(set(seen)) > 4


def test_a_test_of_which_every_example_was_skipped_does_not_pass() -> None:
    check, target, cases = CHECKS["IN201"], reference("zeros"), verinit.cases_for("initializer")
    with pytest.raises(FailedHealthCheck):
        user_test(check, target, cases)
    with pytest.raises(Unsatisfiable):
        user_test(check, target, cases, suppress_health_check=list(HealthCheck))


def test_a_skip_is_a_skip_for_whoever_drives() -> None:
    with pytest.raises(CheckSkipped, match="a constant has no spread") as caught:
        CHECKS["IN201"](reference("zeros"), Case(shape=(3, 3)))
    assert isinstance(caught.value, unittest.SkipTest)


def test_a_claim_about_few_cases_is_given_those() -> None:
    target, check = reference("orthogonal"), CHECKS["IN403"]

    @settings(deadline=None, max_examples=50)
    @given(case=verinit.cases_for(target, check=check))
    def anywhere(case: Case) -> None:
        assert case.size == case.shape[-1] ** 2 <= 2048

    anywhere()


@settings(deadline=None, max_examples=8)
@given(case=verinit.cases_for("initializer", dtypes=(None, *DTYPES)))
@pytest.mark.parametrize("code", ["IN106", "IN204", "IN302"])
def test_a_finding_is_a_function_of_the_case(code: str, case: Case) -> None:
    target = replace(reference("he_normal"), parameters=("groups", "transposed"))
    target = replace(
        target, object=lambda shape, rng, dtype=None, **_: he(shape, rng).astype(dtype or "float32")
    )
    pool.cache_clear()
    first = CHECKS[code].examine(target, case)
    pool.cache_clear()
    assert CHECKS[code].examine(target, case) == first


def test_a_derandomised_test_finds_the_same_again() -> None:
    def findings() -> list[Finding]:
        found = []

        @settings(deadline=None, database=None, derandomize=True, max_examples=20)
        @given(case=verinit.cases_for("initializer"))
        def anywhere(case: Case) -> None:
            found.append(HALF.examine(made(he), case))

        pool.cache_clear()
        anywhere()
        return found

    assert findings() == findings()


def test_numpys_global_generator_stays_where_it_is() -> None:
    target = verinit.target(lambda shape: np.random.standard_normal(shape), scheme="normal", name="global")  # noqa: NPY002

    @settings(deadline=None, max_examples=10)
    @given(case=verinit.cases_for(target, empty=False))
    def anywhere(case: Case) -> None:
        before = np.random.get_state()[1].copy()  # type: ignore[index, union-attr] # noqa: NPY002
        assert HALF.examine(target, case).verdict is Verdict.passed
        assert (np.random.get_state()[1] == before).all()  # type: ignore[index] # noqa: NPY002

    anywhere()


@pytest.mark.torch
def test_torchs_global_generator_stays_where_it_is() -> None:
    import torch

    target = verinit.target(torch.nn.init.normal_, scheme="normal")

    @settings(deadline=None, max_examples=10)
    @given(case=verinit.cases_for(target, dtypes=(None,), empty=False))
    def anywhere(case: Case) -> None:
        before = torch.get_rng_state()
        assert HALF.examine(target, case).verdict is Verdict.passed
        assert bool((torch.get_rng_state() == before).all())

    anywhere()


def test_ten_thousand_calls_share_the_budget_of_a_run() -> None:
    target, case = made(he), Case(shape=(40, 1))
    levels = {HALF.examine(target, case).rates.false_fail for _ in range(3)}
    assert levels == {HALF.rates.false_fail / CALLS}
    assert CALLS * levels.pop() <= Rates().false_fail * (1 + np.finfo(float).eps)
    given_rates = Rates(false_fail=1e-3)
    assert examine(HALF.trial(target, case, rates=given_rates)).rates == given_rates


@settings(deadline=None, max_examples=100)
@given(case=verinit.cases_for("initializer", empty=False))
@pytest.mark.parametrize("code", ["IN201", "IN202", "IN205"])
def test_a_call_promises_as_declared_where_the_draws_allow_and_never_ten_times_less(
    code: str, case: Case
) -> None:
    check, target = CHECKS[code], made(he, parameters=("groups", "transposed"))
    trial = by_hand(check, target, case)
    assert check.discrepancy <= trial.discrepancy <= 10 * check.discrepancy
    assert draws(trial) <= DRAWS
    sharpest = check.trial(target, case, rates=trial.rates)
    assert (trial.discrepancy == sharpest.discrepancy) == (draws(sharpest) <= DRAWS)


RESHAPED: list[Callable[[np.ndarray], np.ndarray]] = [np.ravel, np.transpose, lambda w: w[:, :-1]]
PLACES = (Case(shape=(48, 80)), Case(shape=(24, 40), dtype="float16"), Case(shape=(40, 40)))


def passing(code: str, change: Callable[[np.ndarray], np.ndarray]) -> list[Case]:
    """Where changed draws pass a claim, among the places where right code does."""
    scheme, check = suited(code), CHECKS[code]
    draw = INITIALIZERS[scheme]
    changed = replace(
        reference(scheme), object=lambda shape, rng, dtype=None: change(draw(shape, rng, dtype=dtype))
    )
    return [
        case
        for case in PLACES
        if change(np.zeros(case.shape)).shape != case.shape or np.isnan(change(np.zeros((1, 1)))).any()
        if check.examine(changed, case).verdict is Verdict.passed
        if check.examine(reference(scheme), case).verdict is Verdict.passed
    ]


@pytest.mark.parametrize("code", LAW)
def test_an_array_of_another_shape_passes_no_law(code: str) -> None:
    assert not any(passing(code, change) for change in RESHAPED)


@pytest.mark.parametrize("code", LAW)
def test_what_is_not_a_number_passes_no_law(code: str) -> None:
    assert not passing(code, lambda w: w * np.nan)


def test_the_message_says_which_shape_was_drawn() -> None:
    with pytest.raises(CheckFailed, match=r"a draw has shape \(48, 79\), \(48, 80\) was asked for"):
        CHECKS["IN201"](made(lambda shape, rng, **_: he(shape, rng)[:, :-1]), Case(shape=(48, 80)))


def as_test(**options: Any) -> Callable[[], None]:
    @settings(database=None, **options)
    @given(case=verinit.cases_for("initializer"))
    def anywhere(case: Case) -> None:
        pass

    return anywhere


ANY = Case(shape=(4, 3))
MISUSE: dict[str, Callable[[], object]] = {
    r"IN201 is given he, which is no Target: wrap it, verinit\.target\(he, scheme=": lambda: CHECKS["IN201"](
        he, ANY
    ),  # type: ignore[arg-type]
    r"IN201 is given '4x3', which is no Case": lambda: CHECKS["IN201"](made(he), "4x3"),  # type: ignore[arg-type]
    r"IN201 is a claim about kind 'initializer'; relu is of kind 'activation'": lambda: CHECKS["IN201"](
        Target(name="relu", kind="activation", object=None), ANY
    ),
    r"no kind named 'initialiser'; did you mean 'initializer'\?": lambda: verinit.cases_for("initialiser"),  # type: ignore[arg-type]
    r"kind 'model' has no cases to draw": lambda: verinit.cases_for("model"),
    r"cases_for\(he\): give a kind such as 'initializer', or verinit\.target\(he": lambda: verinit.cases_for(
        he
    ),  # type: ignore[arg-type]
    r"no dtype named 'float31'; did you mean 'float32'\?": lambda: verinit.cases_for(
        "initializer", dtypes=("float31",)
    ),
    r"dtypes='float32': give a tuple": lambda: verinit.cases_for("initializer", dtypes="float32"),
    r"dtypes=\(\): give at least one of": lambda: verinit.cases_for("initializer", dtypes=()),
    r"no rank named 7 \(allowed: 1, 2, 3, 4, 5\)": lambda: verinit.cases_for("initializer", ranks=(7,)),
    r"no parameter named 'group'; did you mean 'groups'\?": lambda: verinit.cases_for(
        "initializer", parameters=("group",)
    ),
    r"no dtype named 'float64'.*allowed: None, float32": lambda: verinit.cases_for(
        made(he, dtypes=("float32",)), dtypes=("float64",)
    ),
    r"check=IN201: .* depends on the target": lambda: verinit.cases_for("initializer", check=CHECKS["IN201"]),
    r"IN206 says nothing of test at any case: no orthogonal matrix is promised": lambda: verinit.cases_for(
        made(he), check=CHECKS["IN206"]
    ),
    r"like=4x3#0 says which axes": lambda: verinit.cases_for("initializer", like=ANY, ranks=(2,)),
    r"under a deadline of 200 ms: .*add @settings\(deadline=None\)": as_test(deadline=200),
}


@pytest.mark.parametrize("message", MISUSE)
def test_misuse_is_refused_in_one_sentence(message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        MISUSE[message]()
    assert "\n" not in str(caught.value)


LIKE = Case.parse("5x6x8x64/float32?groups=8,transposed=true#3")
WITHIN: dict[str, Callable[[Case], bool]] = {
    "1x1x1x1#3": lambda case: True,
    "1x1x5x1#3": lambda case: case.shape[2] >= 5,
    "3x1x7x61#3": lambda case: case.shape[0] >= 3 and case.shape[2] >= 7 and case.shape[3] >= 61,
    "5x6x8x64#3": lambda case: math.prod(case.shape) == math.prod(LIKE.shape),
    "1x1x1x1/float32#3": lambda case: case.dtype == "float32",
    "1x1x2x1?groups=2,transposed=true#3": lambda case: len(case.parameters) == 2,
    "1x1x8x1?groups=8,transposed=true#3": lambda case: (
        dict(case.parameters).get("groups") == 8 and "transposed" in dict(case.parameters)
    ),
    "1x2x1x1?transposed=true#3": lambda case: "transposed" in dict(case.parameters) and case.shape[1] > 1,
}


@pytest.mark.parametrize("text", WITHIN)
def test_the_smallest_is_smallest_in_every_coordinate(text: str) -> None:
    assert smallest(WITHIN[text], like=LIKE) == Case.parse(text)


@pytest.mark.parametrize("least", [(1, 1), (64, 64), (63, 64), (2, 1), (1, 37), (33, 5), (17, 64)])
@pytest.mark.parametrize("needs", [True, False])
def test_a_corner_is_found_wherever_it_is(least: tuple[int, int], needs: bool) -> None:
    like = Case(shape=(64, 64), dtype="float32")

    def fails(case: Case) -> bool:
        big = all(size >= low for size, low in zip(case.shape, least, strict=True))
        return big and (case.dtype is not None or not needs)

    assert smallest(fails, like=like) == Case(shape=least, dtype="float32" if needs else None)


def test_the_smallest_of_no_failure_is_the_case_itself() -> None:
    assert smallest(lambda case: False, like=LIKE) == LIKE


@settings(deadline=None, max_examples=100)
@given(case=verinit.cases_for("initializer", like=LIKE))
def test_a_like_case_is_no_larger_and_legal(case: Case) -> None:
    assert all(size <= limit for size, limit in zip(case.shape, LIKE.shape, strict=True))
    assert case.dtype in (None, LIKE.dtype)
    assert set(case.parameters) <= set(LIKE.parameters)
    assert min(fans(case.shape, **dict(case.parameters))) > 0  # type: ignore[arg-type]
