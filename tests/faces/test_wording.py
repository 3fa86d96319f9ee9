"""Every sentence that a user reads of a finding or a report, to the letter."""

import math
from dataclasses import replace

import pytest

import verinit
from verinit.reference.initializers import he_normal
from verinit.vocabulary import (
    Case,
    CheckFailed,
    Claim,
    Evidence,
    Finding,
    Outcome,
    Rates,
    Report,
    Ruling,
    UsageError,
    Verdict,
    suggestion,
    unknown,
    wording,
)

VARIANCE = Claim(
    id="IN201",
    summary="The variance of the weights is the scheme's scale over its fan.",
    equation="Var[W] = scale / fan",
    source="He et al. 2015, eq. 10",
)
SHAPE = Claim(
    id="IN102",
    summary="The array has the shape that was asked for.",
    equation="init(shape, rng).shape = shape",
    source="SPEC 7",
)
SEEN = Evidence(
    quantity="Var[W] / predicted",
    expected=1.0,
    observed=0.166879,
    distance=0.833121,
    tolerance=0.010172,
    resolution=0.0187,
    n=524288,
    basis="chi-square",
    p=0.0,
    log10_p=-40123.7,
)
FAILED = Finding(
    claim=VARIANCE,
    target="torch:Linear.reset_parameters",
    case=Case.parse("64x32"),
    root=20260101,
    rates=Rates(false_fail=2e-7),
    discrepancy=0.02,
    verdict=Verdict.failed,
    evidence=SEEN,
    likely="ratio 1/6: uniform bound 1/sqrt(fan_in), i.e. kaiming_uniform_ with a=sqrt(5)",
)
COUNTED = Evidence(
    quantity="draws of another shape",
    expected=0.0,
    observed=8.0,
    distance=8.0,
    tolerance=0.0,
    n=8,
    detail="shape (32, 64) was drawn, (64, 32) was asked for",
)
PASSED = replace(
    FAILED,
    verdict=Verdict.passed,
    likely="",
    evidence=replace(SEEN, observed=1.0012, distance=0.0012, p=0.54, log10_p=None),
)
UNDECIDED = replace(
    PASSED, verdict=Verdict.inconclusive, evidence=replace(PASSED.evidence, n=900, resolution=0.4512)
)
SKIPPED = replace(
    FAILED, verdict=Verdict.skipped, evidence=None, likely="", reason="IN104 failed at this case"
)
ERRORED = replace(
    FAILED,
    verdict=Verdict.errored,
    evidence=None,
    likely="",
    reason="ZeroDivisionError: division by zero (in he, line 3)",
)
REPORT = Report(battery="standard", root=20260101, false_fail=1e-6, planned=1, findings=(PASSED,))


def at(finding, case):
    return replace(finding, case=Case.parse(case))


def lines(found):
    return str(found).splitlines()


def test_a_failure_reads_as_the_design_prints_it():
    assert str(FAILED) == (
        "IN201 FAILED for torch:Linear.reset_parameters at 64x32#0\n"
        "  claim     Var[W] = scale / fan   [He et al. 2015, eq. 10]\n"
        "  expected  Var[W] / predicted = 1 +- 0.0102   (chi-square, n = 524288, false-fail rate 2e-07)\n"
        "  observed  0.16688, 81.9 times the allowed distance\n"
        "  likely    ratio 1/6: uniform bound 1/sqrt(fan_in), i.e. kaiming_uniform_ with a=sqrt(5)\n"
        "  replay    verinit replay 3e936f7e"
    )


def test_the_id_is_readable_and_complete():
    assert FAILED.id == (
        "torch:Linear.reset_parameters::IN201::64x32#0::"
        "root=20260101,false_fail=2e-07,false_pass=1e-06,discrepancy=0.02"
    )


def test_the_likely_line_is_absent_where_no_mistake_fits():
    assert not [line for line in lines(replace(FAILED, likely="")) if "likely" in line]


def test_an_exact_failure_says_in_words_what_was_returned():
    found = replace(FAILED, claim=SHAPE, evidence=COUNTED, likely="", discrepancy=0.0)
    assert lines(found)[:4] == [
        "IN102 FAILED for torch:Linear.reset_parameters at 64x32#0",
        "  claim     init(shape, rng).shape = shape   [SPEC 7]",
        "  expected  draws of another shape = 0   (exact, n = 8)",
        "  observed  8   shape (32, 64) was drawn, (64, 32) was asked for",
    ]


def test_a_claim_without_an_equation_is_told_by_its_sentence():
    found = replace(FAILED, claim=replace(SHAPE, equation=""))
    assert lines(found)[1] == "  claim     The array has the shape that was asked for.   [SPEC 7]"


def test_a_pass_says_what_would_have_been_seen():
    assert str(PASSED) == (
        "IN201 passed for torch:Linear.reset_parameters at 64x32#0: Var[W] / predicted = 1.0012 "
        "(expected 1 +- 0.0102); a departure of 0.0187 would have been seen with probability 1 - 1e-06"
    )


def test_an_exact_pass_says_what_it_rests_on():
    found = replace(PASSED, claim=SHAPE, evidence=replace(COUNTED, observed=0.0, distance=0.0, detail=""))
    assert str(found) == (
        "IN102 passed for torch:Linear.reset_parameters at 64x32#0: draws of another shape = 0 (exact)"
    )


def test_a_skip_is_one_line_with_its_reason():
    assert str(SKIPPED) == (
        "IN201 skipped for torch:Linear.reset_parameters at 64x32#0: IN104 failed at this case"
    )


def test_an_inconclusive_finding_says_what_was_not_excluded():
    assert str(UNDECIDED) == (
        "IN201 INCONCLUSIVE for torch:Linear.reset_parameters at 64x32#0\n"
        "  claim     Var[W] = scale / fan   [He et al. 2015, eq. 10]\n"
        "  expected  Var[W] / predicted = 1 +- 0.0102   (chi-square, n = 900, false-fail rate 2e-07)\n"
        "  observed  1.0012\n"
        "  undecided a departure below 0.451 would not have been seen; the check promises 0.02\n"
        "  replay    verinit replay 3e936f7e"
    )


def test_a_crash_says_where_it_happened():
    assert str(ERRORED) == (
        "IN201 ERRORED for torch:Linear.reset_parameters at 64x32#0\n"
        "  claim     Var[W] = scale / fan   [He et al. 2015, eq. 10]\n"
        "  reason    ZeroDivisionError: division by zero (in he, line 3)\n"
        "  replay    verinit replay 3e936f7e"
    )


def test_an_excused_failure_says_why_it_was_expected():
    assert lines(replace(FAILED, excuse="float16 sampler, see issue 12"))[-2:] == [
        "  excused   expected to fail: float16 sampler, see issue 12",
        "  replay    verinit replay 3e936f7e",
    ]


def test_a_finding_that_nobody_can_replay_says_what_to_give():
    last = lines(replace(FAILED, replayable=False))[-1]
    assert last == "  replay    not replayable: give module:callable"


@pytest.mark.parametrize(
    ("p", "log10_p", "text"),
    [
        (None, None, ""),
        (0.54, None, "p = 0.54"),
        (1.234e-9, -8.9, "p = 1.2e-09"),
        (0.0, -40123.7, "p < 1e-40123"),
        (0.0, None, "p = 0"),
        (0.0, -math.inf, "p = 0"),
    ],
)
def test_a_p_that_underflows_is_printed_as_its_upper_bound(p, log10_p, text):
    assert wording.rate(replace(SEEN, p=p, log10_p=log10_p)) == text


def test_the_printed_bound_of_an_underflowing_p_is_never_below_the_true_one():
    for log10_p in (-400.0, -400.999, -400.001, -12345.678):
        printed = float(wording.rate(replace(SEEN, p=0.0, log10_p=log10_p)).removeprefix("p < 1e"))
        assert printed >= log10_p


@pytest.mark.parametrize(
    ("observed", "distance", "line"),
    [
        (math.nan, math.nan, "nan, not a finite distance"),
        (math.inf, math.inf, "inf, not a finite distance"),
        (-math.inf, math.inf, "-inf, not a finite distance"),
        (1.5, math.nan, "1.5, not a finite distance"),
        (8.0, 7.0, "8, 688 times the allowed distance"),
        (1e9, 1e9, "1000000000, 9.8e+10 times the allowed distance"),
        (1.01, 0.01, "1.01"),
    ],
)
def test_the_observed_line_holds_for_every_distance(observed, distance, line):
    assert wording.observation(replace(SEEN, observed=observed, distance=distance)) == line


def test_a_sentence_follows_a_distance_that_is_not_finite():
    text = wording.observation(replace(SEEN, observed=math.nan, distance=math.nan, detail="3 of 9 are nan"))
    assert text == "nan, not a finite distance   3 of 9 are nan"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.166879, "0.16688"),
        (524288.0, "524288"),
        (-3.0, "-3"),
        (0.0, "0"),
        (2e-7, "2e-07"),
        (1e12, "1e+12"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
    ],
)
def test_numbers_have_five_digits_and_whole_ones_are_whole(value, text):
    assert wording.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.010172, "0.0102"), (2e-7, "2e-07"), (0.9996, "1"), (math.nan, "nan"), (math.inf, "inf")],
)
def test_tolerances_and_rates_have_three_digits(value, text):
    assert wording.short(value) == text


def test_the_closing_lines_of_a_pass():
    assert wording.closing(REPORT) == [
        "1 passed, 0 failed, 0 inconclusive, 0 skipped, 0 errored",
        "root 20260101, battery standard, false alarms of the whole run at most 1e-06",
        "weakest pass IN201 for torch:Linear.reset_parameters at 64x32#0: a departure of 0.0187 in "
        "Var[W] / predicted would have been seen with probability 1 - 1e-06",
    ]


def test_the_weakest_pass_is_the_one_nearest_to_seeing_nothing():
    strong = replace(at(PASSED, "13x11"), evidence=replace(PASSED.evidence, resolution=0.001))
    exact = replace(PASSED, claim=SHAPE, evidence=replace(COUNTED, observed=0.0, distance=0.0))
    report = replace(REPORT, findings=(strong, exact, UNDECIDED, PASSED, FAILED))
    assert wording.weakest(report) == PASSED


def test_the_textbook_is_counted_in_the_first_closing_line():
    told = [
        Ruling(id=f"T0{i}", ruling=outcome, claim="c", summary="s")
        for i, outcome in enumerate((Outcome.holds, Outcome.refuted, Outcome.holds))
    ]
    assert wording.closing(replace(REPORT, rulings=tuple(told)))[0] == (
        "1 passed, 0 failed, 0 inconclusive, 0 skipped, 0 errored; textbook: 2 holds, 1 refuted"
    )


def skipped(*reasons):
    return replace(REPORT, findings=tuple(replace(SKIPPED, reason=reason) for reason in reasons))


def test_the_commonest_reasons_for_skipping_share_one_line():
    assert wording.skips(skipped("a", "b", "a")) == ["skipped where a (2); b (1)"]
    assert wording.skips(REPORT) == []


def test_reasons_beyond_the_fourth_are_counted():
    reasons = [*"aaaaaa", *"bbbbb", *"cccc", *"ddd", *"ee", "f"]
    assert wording.skips(skipped(*reasons)) == [
        "skipped where a (6); b (5); c (4); d (3); 2 more reasons in the report"
    ]


def test_one_is_singular():
    assert wording.skips(skipped(*"abcde")) == [
        "skipped where a (1); b (1); c (1); d (1); 1 more reason in the report"
    ]


def test_a_changed_ruling_is_told():
    closing = wording.closing(replace(REPORT, surprises=("T05: expected holds, got refuted",)))
    assert closing[-1] == "ruling changed: T05: expected holds, got refuted"


def test_an_incomplete_run_says_so_last():
    report = replace(REPORT, planned=40, complete=False)
    assert wording.closing(report)[-1] == (
        "INCOMPLETE: 1 of 40 planned trials were run; a partial run is never green"
    )


def test_an_incomplete_run_does_not_count_what_was_skipped_before_it_began():
    report = replace(REPORT, planned=3, unasked=1, findings=(SKIPPED, PASSED), complete=False)
    assert wording.closing(report)[-1] == (
        "INCOMPLETE: 1 of 3 planned trials were run; a partial run is never green"
    )


NOTHING_PASSED = "NOTHING PASSED: a run without a pass is never green"


def test_a_run_that_examined_nothing_says_so_first_and_last():
    closing = wording.closing(replace(REPORT, planned=0, findings=()))
    assert closing[0] == "nothing was examined"
    assert closing[-1] == NOTHING_PASSED


@pytest.mark.parametrize("found", [SKIPPED, UNDECIDED, replace(FAILED, excuse="known")])
def test_a_run_without_a_pass_says_why_it_is_not_green(found):
    report = replace(REPORT, findings=(found,))
    assert not report
    assert wording.closing(report)[-1] == NOTHING_PASSED


def test_a_ledger_alone_is_not_blamed_for_want_of_a_pass():
    told = Ruling(id="T01", ruling=Outcome.holds, claim="c", summary="s")
    report = replace(REPORT, planned=0, findings=(), rulings=(told,))
    assert report
    assert NOTHING_PASSED not in wording.closing(report)


def test_one_block_tells_all_places_of_one_failure():
    places = ["64x32", "48x80", "13x11"]
    assert wording.block([at(FAILED, place) for place in places]).splitlines() == [
        *lines(FAILED),
        "  also at   48x80#0, 13x11#0",
    ]


def test_a_long_list_of_places_is_cut_and_counted():
    places = [f"{i}x7" for i in range(1, 10)]
    last = wording.block([at(FAILED, place) for place in places]).splitlines()[-1]
    assert last == "  also at   2x7#0, 3x7#0, 4x7#0, 5x7#0, 6x7#0 and 3 more"


def test_no_case_is_lost_between_the_list_and_the_count():
    for n in range(1, 12):
        text = wording.block([at(FAILED, f"{i}x7") for i in range(1, n + 1)])
        _, _, rest = text.partition("also at")
        named, _, more = rest.partition(" and ")
        assert 1 + named.count("#") + int(more.split()[0] if more else 0) == n


def test_a_target_has_its_blocks_together_in_the_order_of_their_codes():
    other = replace(FAILED, target="numpy:he_normal")
    shape = replace(FAILED, claim=SHAPE, evidence=COUNTED)
    groups = wording.grouped([FAILED, other, shape, at(FAILED, "13x11")])
    assert groups == [[shape], [FAILED, at(FAILED, "13x11")], [other]]


def test_a_failure_is_not_said_to_be_also_at_a_case_that_is_undecided():
    report = replace(REPORT, findings=(FAILED, at(UNDECIDED, "13x11")))
    heads = [part.splitlines()[0] for part in str(report).split("\n\n")[:-1]]
    assert "also at" not in str(report)
    assert heads == [
        "IN201 FAILED for torch:Linear.reset_parameters at 64x32#0",
        "IN201 INCONCLUSIVE for torch:Linear.reset_parameters at 13x11#0",
    ]


def test_a_report_tells_the_worst_failure_first_then_the_undecided_then_closes():
    mild = replace(FAILED, target="mild", evidence=replace(SEEN, observed=1.02, distance=0.02))
    crash = replace(ERRORED, target="crash")
    undecided = replace(UNDECIDED, target="undecided")
    report = replace(REPORT, findings=(undecided, PASSED, mild, crash, FAILED))
    heads = [part.splitlines()[0] for part in str(report).split("\n\n")]
    assert heads == [
        "IN201 ERRORED for crash at 64x32#0",
        "IN201 FAILED for torch:Linear.reset_parameters at 64x32#0",
        "IN201 FAILED for mild at 64x32#0",
        "IN201 INCONCLUSIVE for undecided at 64x32#0",
        "1 passed, 2 failed, 1 inconclusive, 0 skipped, 1 errored",
    ]


def test_an_excuse_that_is_no_longer_needed_says_what_to_do():
    report = replace(REPORT, findings=(replace(PASSED, excuse="known"),))
    assert not report
    assert str(report).startswith(
        f"{PASSED}\n  expected to fail (known) and passed: remove it from expected=\n\n"
    )


def test_raise_for_failures_says_what_str_says():
    report = replace(REPORT, findings=(FAILED, PASSED))
    with pytest.raises(CheckFailed) as raised:
        report.raise_for_failures()
    assert str(raised.value) == str(report)
    assert raised.value.finding == FAILED
    assert isinstance(raised.value, AssertionError)
    assert REPORT.raise_for_failures() is REPORT


def test_a_ruling_reads_as_a_student_needs_it():
    told = Ruling(
        id="T16",
        ruling=Outcome.depends,
        claim="He's std is 2/sqrt(n).",
        summary="Right for n = 2 only.",
        conditions="n = 100, float64",
        evidence=(replace(SEEN, quantity="std", expected=0.2, observed=0.1414, interval=(0.14, 0.143), n=9),),
    )
    assert lines(told) == [
        "T16 DEPENDS: Right for n = 2 only.",
        "  the chapter  He's std is 2/sqrt(n).",
        "  conditions   n = 100, float64",
        "  std: predicted 0.2, measured 0.1414, interval [0.14, 0.143] (chi-square, n = 9)",
    ]


def test_an_unknown_name_is_answered_with_the_nearest_and_all_that_are_allowed():
    error = unknown("scheme", "he_norml", ["orthogonal", "he_normal"])
    assert isinstance(error, UsageError)
    assert str(error) == (
        "no scheme named 'he_norml'; did you mean 'he_normal'? (allowed: he_normal, orthogonal)"
    )


def test_a_name_unlike_any_other_gets_no_suggestion():
    assert suggestion("qqq", ["he_normal"]) == ""
    assert str(unknown("kind", 7, ["layer"])) == "no kind named 7 (allowed: layer)"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cases": (64, 32)}, "cases: 64 is no case; give words, such as '64x32'"),
        ({"cases": "64x32"}, "cases='64x32': give a list, ['64x32']"),
        ({"checks": "IN201"}, "checks='IN201': give a list, ['IN201']"),
        ({"root": "x"}, "root='x': a number is needed"),
        ({"root": -1}, "root=-1: a root is a whole number, 0 or above"),
        ({"discrepancy": "x"}, "discrepancy='x': a number is needed"),
        ({"cases": ("64x32?groop=2",)}, "takes no parameter 'groop'"),
    ],
)
def test_a_slip_in_an_argument_is_one_sentence(given, said):
    with pytest.raises(UsageError) as error:
        verinit.verify(he_normal, scheme="he_normal", **given)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_target_without_a_scheme_is_told_that_no_law_was_held():
    report = verinit.verify(lambda shape, rng: rng.standard_normal(shape), cases=("8x6",), name="mine")
    assert "NO LAW WAS HELD against mine: give a scheme" in str(report)
    assert "NO LAW" not in str(verinit.verify(he_normal, scheme="he_normal", cases=("8x6",)))
