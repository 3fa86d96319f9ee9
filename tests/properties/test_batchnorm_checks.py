"""Batch norm checks: planted faults are caught by their own check, right code is never called wrong."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.cases import battery
from verinit.cases.strategies import cases_for
from verinit.checks import CHECKS, checks_of
from verinit.faults import FAULTS, faults_of
from verinit.runner import plan, run_plan
from verinit.runner.execution import eager
from verinit.runner.planning import fits
from verinit.targets import resolve
from verinit.vocabulary import Case, Verdict, examine

NORMS = checks_of("normalizer")
NUMPY = [t for t in resolve("numpy") if t.kind == "normalizer"]
RED = (Verdict.failed, Verdict.errored)
NAMED = {
    "epsilon_missing": "epsilon is missing",
    "epsilon_outside_the_root": "epsilon is outside the root",
    "epsilon_added_twice": "epsilon is added twice",
    "statistics_of_each_row": "this is layer norm",
    "statistics_of_everything": "one mean and one variance for all features",
    "mean_not_subtracted": "the mean is not subtracted",
    "divisor_n_minus_one": "the variance takes the divisor n - 1 in place of n",
    "beta_before_gamma": "beta is added before gamma multiplies",
    "gamma_plus_one": "gamma multiplies as 1 + gamma",
    "gamma_and_beta_exchanged": "gamma and beta are exchanged",
    "mean_of_squares_minus_squared_mean": "cancellation",
    "remainder_dropped": "the last row is left out",
    "running_statistics_in_training": "initial running statistics",
    "mean_term_missing": "the mean term is missing",
    "variance_term_missing": "the variance term is missing",
    "both_terms_missing": "both terms are missing",
    "root_with_divisor_n_minus_one": "the standard deviation takes the divisor n - 1",
    "means_with_divisor_n_minus_one": "both means take the divisor n - 1",
    "sums_in_place_of_means": "the factor 1/n is missing",
    "factor_two_left_out": "lacks its factor 2",
    "gamma_left_out_of_dx": "gamma is forgotten",
    "epsilon_left_out_of_dx": "epsilon is missing in the factor 1/S",
    "mean_in_place_of_sum": "the mean is taken over the batch",
    "dbeta_is_dgamma": "dgamma and dbeta are exchanged",
    "dgamma_is_dbeta": "dgamma and dbeta are exchanged",
    "dgamma_with_raw_input": "the raw x is used",
    "dgamma_not_divided": "x - m is used",
    "size_of_the_cotangent": "the size",
    "cotangent_clipped": "size or sign of the cotangent",
    "means_in_evaluation": "the mean terms of training are there",
    "momentum_the_other_way_round": "the other way round",
    "nothing_is_forgotten": "nothing is forgotten",
    "running_variance_is_biased": "takes the divisor n where n - 1 is declared",
    "running_standard_deviation": "standard deviations are kept",
    "batch_statistics_in_evaluation": "the batch's own statistics",
    "deviation_for_variance_in_evaluation": "taken for a standard deviation",
}
SILENT = ("means_over_features", "first_row_weighs_double", "sums_in_half_precision", "a_lone_row_passes")


@pytest.mark.parametrize("name", faults_of("normalizer"))
def test_planted_fault_is_caught_by_its_check_alone(name):
    fault = FAULTS[name]
    for code in fault.codes:
        for root in (1, 2):
            look = battery("standard", only=fault.cases)
            planned = plan([fault.target], battery=look, codes=[code], root=root)
            assert {f.claim.id for f in run_plan(planned, engine=eager).red} == {code}


def found_by(name, root=1):
    fault = FAULTS[name]
    return [
        examine(CHECKS[code].trial(fault.target, case, root=root))
        for code in fault.codes
        for case in fault.cases
    ]


@pytest.mark.parametrize(("name", "words"), NAMED.items())
def test_the_likely_mistake_is_named(name, words):
    said = {finding.likely for finding in found_by(name) if finding.likely}
    assert said
    assert any(words in text for text in said)


@pytest.mark.parametrize("name", SILENT)
def test_a_mistake_that_nobody_knows_is_named_by_nobody(name):
    assert not {finding.likely for finding in found_by(name)} - {""}


def test_no_fault_is_named_wrongly_by_its_own_checks():
    """Where a fault has a name, its own checks give no other; a tie names it among two."""
    for name, words in NAMED.items():
        said = {f.likely for f in found_by(name, root=3) if f.likely}
        if name not in ("running_statistics_in_training", "size_of_the_cotangent"):
            assert all(words in text for text in said), (name, said)


@settings(max_examples=60, deadline=None)
@given(target=st.sampled_from(NUMPY), case=cases_for("normalizer"), root=st.integers(0, 99))
def test_right_code_is_never_called_wrong(target, case, root):
    if not fits(target, case):
        return
    for check in NORMS.values():
        found = examine(check.trial(target, case, root=root))
        assert found.verdict not in RED, str(found)


PLACES = [(t, c) for t in NUMPY for c in battery("exhaustive").of("normalizer") if fits(t, c)]


@pytest.mark.parametrize(("target", "case"), PLACES, ids=str)
def test_the_batteries_leave_nothing_undecided(target, case):
    for check in NORMS.values():
        found = examine(check.trial(target, case))
        assert found.verdict in (Verdict.passed, Verdict.skipped), str(found)


def test_every_check_passes_somewhere():
    """No check is skipped by all: each has a target and a case where it looks and passes."""
    cases = battery("standard").of("normalizer")
    for check in NORMS.values():
        looks = ((t, c) for t in NUMPY for c in cases if fits(t, c))
        assert any(examine(check.trial(t, c)).verdict is Verdict.passed for t, c in looks), check.code


def test_a_failure_says_to_which_conventions_the_code_is_held():
    fault = FAULTS["momentum_the_other_way_round"]
    said = str(examine(CHECKS["BN401"].trial(fault.target, fault.cases[0])))
    assert "held to eps 1e-05; momentum 0.9 of the old is kept; running variance over n - 1" in said


@pytest.mark.parametrize(("code", "case"), [("BN211", "8x6"), ("BN203", "1x5"), ("BN210", "7x1")])
def test_a_claim_that_says_nothing_of_a_case_says_why(code, case):
    found = examine(CHECKS[code].trial(NUMPY[1], Case.parse(case)))
    assert found.verdict is Verdict.skipped
    assert found.reason


@pytest.mark.torch
def test_torch_is_never_called_wrong():
    for target in (t for t in resolve("torch") if t.kind == "normalizer"):
        for case in battery("standard").of("normalizer"):
            if fits(target, case):
                for check in NORMS.values():
                    found = examine(check.trial(target, case))
                    assert found.verdict in (Verdict.passed, Verdict.skipped), str(found)
