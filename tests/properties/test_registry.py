"""What every declared check owes its reader: a sentence, an equation, a known source, a fault it catches."""

import re
from pathlib import Path

import pytest

import verinit.checks.registry as registry
from verinit.checks import CHECKS
from verinit.checks.registry import check
from verinit.faults import FAULTS
from verinit.laws.schemes import CATALOGUE
from verinit.vocabulary import KINDS, Check, Evidence, Rates, UsageError

BIBLIOGRAPHY = Path(__file__).parents[2] / "docs" / "bibliography.md"
LABELS = {
    row.split("|")[1].strip()
    for row in BIBLIOGRAPHY.read_text(encoding="utf-8").splitlines()
    if row.startswith("| ") and not row.startswith(("| label", "|---"))
}
SEEN = Evidence(quantity="q", expected=0.0, observed=0.0, distance=0.0, tolerance=0.0)


def label(source):
    """The label of a bibliography entry: all before the first comma."""
    return source.partition(",")[0]


def documented(trial):
    """Weights are weights.

    Why it matters.
    """
    return SEEN


@pytest.fixture
def shelf(monkeypatch):
    """A registry of one's own, so that no test adds a check for all others."""
    own = dict(CHECKS)
    monkeypatch.setattr(registry, "CHECKS", own)
    return own


@pytest.mark.parametrize(
    "code", ["", "IN1", "in201", "IN2010", "I2011", "INN01", "IN2O1", " IN201", "IN201\n", "ÎN201"]
)
def test_a_malformed_code_is_refused(code):
    with pytest.raises(UsageError) as raised:
        check(code, equation="x = x", source="definition")
    assert str(raised.value) == (
        f"code={code!r}: a code is two capital letters and three digits, such as 'IN201'"
    )


def test_a_code_is_never_given_twice(shelf):
    with pytest.raises(UsageError) as raised:
        check("IN201", equation="x = x", source="definition")(documented)
    assert str(raised.value) == (
        f"code='IN201' is taken by {CHECKS['IN201'].claim.summary!r}; codes are never reused"
    )
    assert shelf == CHECKS


def test_a_body_without_a_docstring_is_refused(shelf):
    with pytest.raises(UsageError) as raised:
        check("ZZ999", equation="x = x", source="definition")(lambda trial: SEEN)
    assert str(raised.value) == "ZZ999: the body needs a docstring; its first line is the claim"
    assert "ZZ999" not in shelf


def test_the_first_line_of_the_docstring_is_the_claim(shelf):
    made = check("ZZ999", equation="x = x", source="definition", discrepancy=0.5)(documented)
    assert shelf["ZZ999"] is made
    assert isinstance(made, Check)
    assert (made.code, str(made), made.claim.summary) == ("ZZ999", "ZZ999", "Weights are weights.")
    assert made.doc == "Weights are weights.\n\nWhy it matters."
    assert (made.discrepancy, made.rates, made.kind) == (0.5, Rates(), "initializer")
    assert "ZZ999" not in CHECKS


every_check = pytest.mark.parametrize("code", CHECKS)


def test_there_are_checks_to_examine():
    assert {"IN101", "IN201"} <= set(CHECKS)
    assert {"definition", "He et al. 2015"} <= LABELS


@every_check
def test_a_check_is_kept_under_its_own_code(code):
    assert CHECKS[code].code == code
    assert CHECKS[code].kind in KINDS


@every_check
def test_a_claim_is_one_sentence_with_an_equation(code):
    claim = CHECKS[code].claim
    assert re.fullmatch(r"[A-Z0-9].*[^.]\.", claim.summary)
    assert claim.summary == CHECKS[code].doc.splitlines()[0]
    assert claim.equation.strip() == claim.equation != ""


@every_check
def test_a_claim_says_why_it_matters(code):
    reasons = CHECKS[code].doc.splitlines()[1:]
    assert reasons[:1] == [""]
    assert any(reasons)


@every_check
def test_a_source_is_in_the_bibliography(code):
    assert label(CHECKS[code].claim.source) in LABELS


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_source_of_a_scheme_is_in_the_bibliography(name):
    assert label(CATALOGUE[name].source) in LABELS


def test_a_source_that_nobody_listed_is_noticed():
    assert label("Nobody et al. 2099, eq. 1") not in LABELS


@every_check
def test_a_check_owns_a_fault_that_it_must_catch(code):
    assert [fault.name for fault in FAULTS.values() if code in fault.codes]


@every_check
def test_a_discrepancy_is_promised_where_a_miss_is_possible_or_the_docstring_says_why(code):
    one = CHECKS[code]
    assert one.discrepancy >= 0.0
    if one.samples is not None:
        assert one.discrepancy > 0.0
    elif one.discrepancy:
        assert "discrepancy" in one.doc


@every_check
def test_a_check_needs_only_checks_of_its_kind_that_come_before_it(code):
    for earlier in CHECKS[code].after:
        assert earlier < code
        assert CHECKS[earlier].kind == CHECKS[code].kind


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_tells_its_story_and_names_checks_that_exist(name):
    fault = FAULTS[name]
    assert fault.story.splitlines()[0].endswith(".")
    assert fault.codes
    assert set(fault.codes) <= set(CHECKS)
    assert {CHECKS[code].kind for code in fault.codes} == {fault.target.kind}
