"""The same evidence from one process and from the workers of xdist, and one report of it."""

import re

import pytest

from verinit.vocabulary.document import decode, document

pytest.importorskip("xdist")
pytestmark = pytest.mark.slow
FRESH = """

def test_drawn(verinit_rng, record_property):
    record_property("drawn", verinit_rng.random().hex())
"""


def lasting(path):
    whole = document(decode(path.read_text(encoding="utf-8")))
    return {name: part for name, part in whole.items() if name not in ("run", "environment")}


def test_evidence_and_report_are_the_same_bytes(session, mine, pytester):
    serial = session("--verinit-report", "one", test_mine=mine)
    spread = session("-n2", "--verinit-report", "two")
    assert len(serial.told) == 26
    assert spread.told == serial.told
    assert spread.outcomes == serial.outcomes
    assert lasting(pytester.path / "one" / "report.json") == lasting(pytester.path / "two" / "report.json")
    versions = decode((pytester.path / "two" / "report.json").read_bytes()).environment
    assert "numpy" in dict(versions)


def test_the_root_is_drawn_once_for_all_workers(session, mine):
    seen = session("-n2", "--verinit-seed", "fresh", test_mine=mine)
    (root,) = re.findall(r"again: --verinit-seed (\d+)\)", seen.text)
    assert set(re.findall(r'"root": (\d+)', str(seen.told))) == {root}
    assert f"root {root}, battery smoke" in seen.text


def test_a_stopped_session_is_never_green(session, mine, pytester):
    seen = session(
        "-n2", "-x", "--verinit-report", "out", test_mine=mine.replace("he, scheme", "chapter, scheme")
    )
    assert seen.code != 0
    report = decode((pytester.path / "out" / "report.json").read_bytes())
    assert not report
    assert not report.complete


def test_a_target_that_kills_its_worker_leaves_the_report_incomplete(session, pytester):
    text = """
import os, verinit

def deadly(shape, rng):
    if shape == (13, 11):
        os._exit(3)
    return rng.normal(size=shape)

@verinit.parametrize_with_checks(
    [verinit.target(deadly, scheme="normal(std=1)")], cases=["13x11", "7x9"], checks=["IN101"]
)
def test_it(target, check, case):
    check(target, case)
"""
    session("-n2", "--verinit-report", "out", test_it=text)
    report = decode((pytester.path / "out" / "report.json").read_bytes())
    assert not report.complete
    assert [str(finding.verdict) for finding in report.findings] == ["passed"]


def test_the_generator_of_a_test_is_keyed_by_its_name_and_the_root(session):
    def drawn(*words):
        return sorted(told["drawn"] for told in session(*words, test_a=FRESH, test_b=FRESH).properties)

    serial = drawn()
    assert len(set(serial)) == 2
    assert drawn("-n2") == serial
    assert drawn("-n2", "--dist=loadgroup") == serial
    assert not set(drawn("--verinit-seed", "4")) & set(serial)
