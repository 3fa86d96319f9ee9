"""Other programs read the report: JUnit XML by a parser of its own, GitHub's commands by their grammar."""

from __future__ import annotations

import re
import runpy
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from verinit.report import github, junit, junit_xml
from verinit.report.states import state
from verinit.report.workflow_commands import SHOWN
from verinit.vocabulary import Verdict, wording

SAMPLE = runpy.run_path(str(Path(__file__).with_name("test_report_sample.py")))
sample, finding = SAMPLE["sample"], SAMPLE["finding"]
COMMAND = re.compile(r"::(error|warning|notice) (?:file=[^:,\r\n]+,line=1,)?title=([^:,\r\n]*)::([^\r\n]*)")


def cases(report):
    return [case for suite in JUnitXml.fromstring(junit(report).encode()) for case in suite]


def unescaped(text):
    for code, sign in (("%3A", ":"), ("%2C", ","), ("%0A", "\n"), ("%0D", "\r"), ("%25", "%")):
        text = text.replace(code, sign)
    return text


def commands(report):
    """Kind, title and message of every line, each of which must be a command."""
    lines = github(report).splitlines()
    found = [COMMAND.fullmatch(line) for line in lines]
    assert all(found), lines
    return [(match[1], unescaped(match[2]), unescaped(match[3])) for match in found]


def test_every_trial_and_every_claim_is_a_test_case_of_its_own():
    report = sample(complete=True)
    found = cases(report)
    assert len(found) == len(report.findings) + len(report.rulings) + len(report.surprises)
    assert len({(case.classname, case.name) for case in found}) == len(found)


def test_suites_count_what_they_hold():
    whole = JUnitXml.fromstring(junit(sample()).encode())
    for kind, count in ((Failure, whole.failures), (Error, whole.errors), (Skipped, whole.skipped)):
        assert count == sum(any(isinstance(r, kind) for r in case.result) for s in whole for case in s)
    assert whole.tests == sum(len(list(suite)) for suite in whole)


def test_a_failure_has_its_claim_its_numbers_and_its_whole_message():
    report = sample()
    failed = [f for f in report.findings if state(f).word in ("failed", "unexpected")]
    texts = {r.text for case in cases(report) for r in case.result if isinstance(r, Failure) and r.text}
    for found in failed:
        first = str(found).splitlines()[0]
        assert any(first.split(" for ")[0] in text for text in texts)
    assert any("replay" in text for text in texts)


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        ({"verdict": Verdict.failed}, Failure, "Var[W] / predicted"),
        ({"verdict": Verdict.errored, "reason": "ValueError: no"}, Error, "ValueError: no"),
        ({"verdict": Verdict.inconclusive}, Skipped, "inconclusive: Var[W]"),
        ({"verdict": Verdict.skipped, "reason": "no fan"}, Skipped, "no fan"),
        ({"verdict": Verdict.failed, "excuse": "known"}, Skipped, "expected to fail: known"),
        ({"verdict": Verdict.passed, "excuse": "known"}, Failure, "Var[W]"),
        ({"verdict": Verdict.passed}, None, ""),
    ],
)
def test_each_state_has_its_word(changes, kind, says):
    (case,) = cases(sample(findings=(finding(**changes),), rulings=(), surprises=(), complete=True))
    assert [type(result) for result in case.result] == ([kind] if kind else [])
    assert all(says in result.message for result in case.result)


def test_an_incomplete_run_is_an_error_and_a_changed_ruling_a_failure():
    report = sample(findings=(), complete=False, surprises=("T16: expected refuted, got holds",))
    kinds = [type(result) for case in cases(report) for result in case.result]
    assert Error in kinds
    assert Failure in kinds


def test_of_too_many_messages_the_worst_stand_whole_and_the_others_say_how_to_see_them(monkeypatch):
    many = tuple(finding(f"mine:f{n}", verdict=Verdict.failed) for n in range(9))
    monkeypatch.setattr(junit_xml, "WHOLE", 4 * len(str(many[0])))
    texts = [result.text for case in cases(sample(findings=many, surprises=())) for result in case.result]
    texts = [text for text in texts if text]
    assert texts == [*map(str, many[:4]), *map(wording.replay, many[4:])]


def test_nothing_in_a_name_ends_the_document():
    text = junit(sample())
    assert ElementTree.fromstring(text.encode()).tag == "testsuites"
    assert "\x00" not in text
    assert text == junit(sample())


def test_every_line_is_a_command_that_the_runner_reads():
    for kind, title, message in commands(sample()):
        assert kind in ("error", "warning", "notice")
        assert title
        assert message


def test_the_worst_come_first_and_the_others_are_counted():
    many = tuple(finding(f"mine:f{n}", verdict=Verdict.failed) for n in range(30))
    report = sample(findings=many, surprises=(), complete=True)
    errors = [(title, message) for kind, title, message in commands(report) if kind == "error"]
    assert len(errors) == SHOWN + 2 <= 10
    assert errors[-2][0] == f"{30 - SHOWN} more"
    assert errors[0][1] == wording.block([report.red[0]])


def test_changed_rulings_and_failures_share_the_room_and_all_are_counted():
    many = tuple(finding(f"mine:f{n}", verdict=Verdict.failed) for n in range(30))
    surprises = tuple(f"T{n:02}: expected holds, got refuted" for n in range(1, 21))
    report = sample(findings=many, surprises=surprises, complete=True)
    errors = [title for kind, title, _ in commands(report) if kind == "error"]
    assert errors == [*["ruling changed"] * SHOWN, f"{20 + 30 - SHOWN} more", "verinit"]


def test_an_annotation_stands_at_the_file_of_the_module_that_the_name_says():
    for target, place in (("mynet.init:he", "file=mynet/init.py,line=1,"), ("numpy:he_normal", "")):
        report = sample(findings=(finding(target, verdict=Verdict.failed),), surprises=(), complete=True)
        assert github(report).startswith(f"::error {place}title=IN201 ")


def test_names_with_braces_are_names():
    for verdict in (Verdict.passed, Verdict.failed, Verdict.skipped):
        assert "for mine:{0}{} at" in str(finding("mine:{0}{}", verdict=verdict))


def test_a_green_run_ends_with_a_notice_and_a_red_one_with_an_error():
    passed = sample(findings=(finding(),), surprises=(), complete=True)
    assert [kind for kind, *_ in commands(passed)] == ["notice"]
    assert commands(sample())[-1][0] == "error"
    assert commands(replace(passed, complete=False))[-1][0] == "error"
