"""report.json: one document for one result, whatever the order, the host or the hour."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verinit.vocabulary import (
    ROOT,
    Case,
    Claim,
    Evidence,
    Exhibit,
    Finding,
    Outcome,
    Rates,
    Report,
    Ruling,
    UsageError,
    Verdict,
)
from verinit.vocabulary.document import SCHEMA, decode, document, encode

CLAIMS = {
    code: Claim(id=code, summary=f"{code} is so.", equation="x = 1", source="definition")
    for code in ("IN101", "IN201", "IN202")
}
SEEN = Evidence(quantity="x", expected=1.0, observed=1.001, distance=0.001, tolerance=0.01, n=9, p=0.5)


def finding(code, *, target="numpy:he_normal", case="64x32", verdict="passed", **changes):
    given_ = {
        "claim": CLAIMS[code],
        "target": target,
        "case": Case.parse(case),
        "root": ROOT,
        "rates": Rates(false_fail=1e-8),
        "discrepancy": 0.02,
        "verdict": Verdict(verdict),
        "evidence": SEEN,
    }
    return Finding(**{**given_, **changes})


FINDINGS = (
    finding("IN201", verdict="failed", likely="ratio 2", sufficient=(("n", 9.0), ("sum", 9.2))),
    finding("IN101", evidence=None, verdict="errored", reason="ValueError: no"),
    finding("IN202", case="13x11/float32#3"),
    finding("IN201", target="torch:kaiming_normal_", evidence=None, verdict="skipped", reason="no fan"),
    finding("IN202", verdict="inconclusive", evidence=replace(SEEN, resolution=math.inf)),
)
RULING = Ruling(id="T16", ruling=Outcome.refuted, claim="c", summary="s", evidence=(SEEN,))
REPORT = Report(
    battery="smoke",
    root=ROOT,
    false_fail=1e-6,
    planned=5,
    findings=FINDINGS,
    rulings=(RULING,),
    environment=(("python", "3.11.0"), ("numpy", "2.0.0")),
    run=(("started", "2026-01-01T00:00:00Z"), ("seconds", "1.25"), ("host", "a")),
)


def test_results_are_sorted_by_id():
    ids = [result["id"] for result in document(REPORT)["results"]]
    assert ids == sorted(ids)
    assert set(ids) == {found.id for found in FINDINGS}


@given(st.permutations(FINDINGS))
def test_the_order_of_findings_changes_no_byte(findings):
    assert encode(replace(REPORT, findings=tuple(findings))) == encode(REPORT)


@pytest.mark.parametrize(
    "changes",
    [
        {"run": (("started", "2031-12-31T23:59:59Z"), ("seconds", "99"), ("host", "b"))},
        {"environment": (("python", "3.14.1"),)},
        {"run": (), "environment": ()},
    ],
)
def test_times_hosts_and_versions_leave_results_and_digest_as_they_are(changes):
    other = document(replace(REPORT, **changes))
    for part in ("claims", "results", "rulings", "digest"):
        assert other[part] == document(REPORT)[part]


def test_no_result_holds_a_time_or_a_host():
    text = json.dumps(document(REPORT)["results"])
    for volatile in ("2026-01-01", "1.25", "host", "seconds", "started", 'numpy"', "3.11.0"):
        assert volatile not in text


CHANGES = [
    {"verdict": Verdict.passed},
    {"likely": "ratio 3"},
    {"reason": "why"},
    {"excuse": "known"},
    {"target": "numpy:he_uniform"},
    {"case": Case.parse("64x32#1")},
    {"root": ROOT + 1},
    {"rates": Rates(false_fail=1e-9)},
    {"discrepancy": 0.021},
    {"replayable": False},
    {"evidence": None},
    {"evidence": replace(SEEN, observed=math.nextafter(1.001, 2.0))},
    {"evidence": replace(SEEN, observed=math.nan)},
    {"sufficient": (("n", 9.0), ("sum", 9.25))},
    {"claim": replace(CLAIMS["IN101"], id="IN207")},
    {"exhibits": (Exhibit(id="e", kind="table", title="t"),)},
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_the_digest_changes_with_any_result(change):
    changed = (replace(FINDINGS[0], **change), *FINDINGS[1:])
    assert document(replace(REPORT, findings=changed))["digest"] != document(REPORT)["digest"]


@pytest.mark.parametrize(
    "change",
    [
        {"findings": FINDINGS[1:]},
        {"findings": (*FINDINGS, finding("IN202", case="7x7"))},
        {"rulings": ()},
        {"rulings": (replace(RULING, ruling=Outcome.holds),)},
    ],
)
def test_the_digest_changes_when_a_result_is_missing_or_added(change):
    assert document(replace(REPORT, **change))["digest"] != document(REPORT)["digest"]


def test_a_result_has_the_fields_that_the_contract_names():
    worst = next(result for result in document(REPORT)["results"] if result["verdict"] == "failed")
    assert {"id", "target", "check", "case", "verdict", "evidence", "likely", "sufficient", "replay"} <= set(
        worst
    )
    assert worst["case"] == "64x32#0"
    assert worst["check"] == "IN201"
    assert worst["replay"] == FINDINGS[0].short_id
    assert set(worst["evidence"]) == set(Evidence.__slots__)


def test_the_document_begins_with_what_a_reader_asks_first():
    whole = document(REPORT)
    assert list(whole)[:4] == ["schema", "green", "digest", "counts"]
    assert whole["schema"] == SCHEMA == "verinit.report/1"
    assert whole["green"] is False
    assert whole["counts"] == {"passed": 1, "failed": 1, "inconclusive": 1, "skipped": 1, "errored": 1}
    assert whole["complete"] is True


def test_a_partial_run_says_so():
    assert document(replace(REPORT, complete=False))["complete"] is False


def test_numbers_that_are_not_finite_are_spelt_out():
    text = encode(REPORT)
    assert '"resolution": "Infinity"' in text
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


def test_what_is_read_back_gives_the_same_document():
    assert encode(decode(encode(REPORT))) == encode(REPORT)
    assert encode(decode(encode(REPORT).encode())) == encode(REPORT)


def test_a_field_of_a_later_minor_version_is_ignored():
    later = {**document(REPORT), "colour": "red"}
    later["results"] = [{**result, "mood": 3} for result in later["results"]]
    assert encode(decode(json.dumps(later))) == encode(REPORT)


def refused(text):
    """The sentence with which a file is refused."""
    with pytest.raises(UsageError) as raised:
        decode(text)
    sentence = str(raised.value)
    assert "\n" not in sentence
    return sentence


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_that_is_cut_off_is_called_so(share):
    text = encode(REPORT).rstrip()
    sentence = refused(text[: int(len(text) * share)])
    assert sentence.startswith("not a verinit report: the JSON is cut off or damaged (")


@pytest.mark.parametrize("raw", [b"\xff\xfe\x00", b"\x89PNG\r\n", b"<html></html>"])
def test_a_file_that_is_no_json_is_called_so(raw):
    assert refused(raw).startswith("not a verinit report: the JSON is cut off or damaged (")


@pytest.mark.parametrize(
    ("data", "schema"),
    [
        ({"schema": "pytest.report/1"}, "pytest.report/1"),
        ({"schema": "verinit.report/2"}, "verinit.report/2"),
        ({"schema": 1}, 1),
    ],
)
def test_a_foreign_or_later_file_is_told_which_schema_is_read(data, schema):
    assert refused(json.dumps(data)) == (
        f"schema={schema!r}: this version of verinit reads 'verinit.report/1'; re-run, or update verinit"
    )


@pytest.mark.parametrize("data", [[], 3, None, {}, "schema", ["schema"]])
def test_json_that_is_no_report_is_called_so(data):
    assert refused(json.dumps(data)) == "not a verinit report: it has no 'schema'"


@pytest.mark.parametrize("part", ["claims", "results"])
def test_a_file_without_its_parts_is_refused_by_name(part):
    whole = document(REPORT)
    del whole[part]
    assert refused(json.dumps(whole)) == (f"not a verinit report: '{part}' is missing or has the wrong form")


@pytest.mark.parametrize("part", ["battery", "root", "false_fail", "planned"])
def test_a_file_without_a_field_is_refused_by_name(part):
    whole = document(REPORT)
    del whole[part]
    assert refused(json.dumps(whole)) == f"not a Report: Object missing required field `{part}`"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("verdict", "fine"),
        ("case", "64 x 32"),
        ("evidence", 3),
        ("rates", {"false_fail": 2.0}),
        ("root", "x"),
    ],
)
def test_a_field_of_the_wrong_form_is_named(key, value):
    whole = document(REPORT)
    whole["results"][0][key] = value
    sentence = refused(json.dumps(whole))
    assert key in sentence


@pytest.mark.parametrize("value", [None, 3, "x", {}, [1], [None], ["x"], [{}]])
@pytest.mark.parametrize("part", ["claims", "results", "rulings"])
def test_no_damage_to_a_part_escapes_as_anything_but_one_sentence(part, value):
    whole = {**document(REPORT), part: value}
    try:
        decode(json.dumps(whole))
    except UsageError as error:
        assert "\n" not in str(error)  # noqa: PT017


@given(st.data())
def test_no_cut_and_no_changed_character_escapes_as_anything_but_a_usage_error(data):
    text = encode(REPORT)
    place = data.draw(st.integers(0, len(text) - 1))
    damaged = text[:place] + data.draw(st.characters(exclude_categories=["Cs"])) + text[place + 1 :]
    try:
        decode(damaged)
    except UsageError as error:
        assert str(error)  # noqa: PT017


@pytest.mark.parametrize("opening", ["[", '{"schema": '])
def test_a_file_nested_without_end_is_refused(opening):
    sentence = refused(opening * 100_000)
    assert sentence.startswith("not a verinit report: the JSON is cut off or damaged (")


def test_a_name_that_utf8_cannot_hold_has_an_id():
    assert encode(replace(REPORT, findings=(finding("IN201", target="\ud800"),)))
