"""report.json fits its schema, a damaged one does not, and nothing is lost on the way back."""

import importlib.resources
import json
import runpy
from pathlib import Path

import jsonschema
import pytest

import verinit.report
from verinit.vocabulary import Report
from verinit.vocabulary.document import decode, document, encode

sample = runpy.run_path(str(Path(__file__).with_name("test_report_sample.py")))["sample"]
FEW = encode(sample(exhibits=sample().exhibits[:2]))
"""The document of one of everything, but for most of its figures."""


def validator():
    text = importlib.resources.files(verinit.report).joinpath("schema.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def leaves(value, path=()):
    """Every place in a JSON document that holds a number, a text, a truth value or nothing."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from leaves(item, (*path, key))
    else:
        yield path


def replaced(whole, path, value):
    copy = json.loads(json.dumps(whole))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return copy


def test_the_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(validator().schema)


def test_every_document_fits_the_schema():
    whole = json.loads(encode(sample()))
    assert list(validator().iter_errors(whole)) == []


def test_a_run_without_findings_fits_the_schema():
    empty = Report(battery="smoke", root=1, false_fail=1e-6, planned=0)
    assert list(validator().iter_errors(json.loads(encode(empty)))) == []


def test_unknown_keys_are_tolerated_everywhere():
    whole = json.loads(FEW)
    for place in (whole, whole["results"][0], whole["rulings"][0], whole["exhibits"][0]):
        place["a_key_of_a_newer_minor"] = {"any": ["thing"]}
    assert validator().is_valid(whole)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schema",), "verinit.report/2"),
        (("digest",), "720f"),
        (("counts", "failed"), -1),
        (("false_fail",), 2.0),
        (("complete",), "yes"),
        (("results", 0, "verdict"), "OK"),
        (("results", 0, "case"), "64 by 32"),
        (("results", 0, "replay"), "not hex"),
        (("results", 0, "rates", "false_fail"), 0.0),
        (("results", 0, "discrepancy"), "nan"),
        (("rulings", 0, "ruling"), "true"),
        (("rulings", 0, "evidence", 0, "p"), 1.5),
        (("rulings", 0, "evidence", 0, "interval"), [0.1]),
        (("exhibits", 0, "kind"), "pie"),
        (("exhibits", 0, "band"), [[1.0]]),
    ],
)
def test_a_damaged_document_does_not_fit(path, value):
    assert validator().is_valid(json.loads(FEW))
    assert not validator().is_valid(replaced(json.loads(FEW), path, value))


def test_no_leaf_of_a_result_may_become_an_object():
    with_evidence, errored = (
        next(f for f in sample().findings if (f.evidence is None) == empty) for empty in (False, True)
    )
    report = sample(findings=(with_evidence, errored), exhibits=(), rulings=())
    whole = json.loads(encode(report))
    for path in leaves(whole["results"]):
        damaged = replaced(whole, ("results", *path), {"no": "leaf"})
        assert not validator().is_valid(damaged), path


def test_no_key_of_a_result_may_be_missing():
    whole = json.loads(encode(sample(exhibits=(), rulings=())))
    for key in whole["results"][0]:
        damaged = json.loads(json.dumps(whole))
        del damaged["results"][0][key]
        assert not validator().is_valid(damaged), key


def test_the_whole_makes_the_round_trip_through_json():
    report = sample()
    again = decode(encode(report))
    assert document(again) == document(report)
    assert repr(again.exhibits) == repr(report.exhibits)
    assert verinit.report.markdown(again) == verinit.report.markdown(report)


def test_a_page_is_the_same_drawn_from_json():
    report = sample(exhibits=sample().exhibits[:1])
    assert verinit.report.html(decode(encode(report))) == verinit.report.html(report)
