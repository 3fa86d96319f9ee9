"""How a session with verinit ends: the section, the report, the root, the baseline; what is never green."""

import json
import re

import pytest

from verinit.vocabulary import ROOT
from verinit.vocabulary.document import decode

RIGHT = """
import verinit

@verinit.parametrize_with_checks(["numpy:he_normal"], battery="smoke", cases=["13x11"])
def test_{name}(target, check, case):
    check(target, case)
"""
QUIET = "def test_nothing():\n    assert True\n"


def written(pytester, folder="out"):
    """The report that a session wrote, and the document as it is."""
    text = (pytester.path / folder / "report.json").read_text(encoding="utf-8")
    return decode(text), json.loads(text)


def test_nothing_is_said_or_loaded_where_verinit_is_not_used(session):
    look = (
        "import sys\n"
        "def test_loaded():\n"
        "    heavy = 'numpy', 'scipy', 'hypothesis', 'matplotlib', 'msgspec', 'verinit.vocabulary'\n"
        "    assert [name for name in heavy if name in sys.modules] == []\n"
    )
    seen = session(alone=True, test_quiet=look)
    assert seen.code == 0, seen.text
    assert "= verinit =" not in seen.text
    assert "false alarms" not in seen.text


def test_the_section_sums_up(session, mine):
    seen = session(test_mine=mine, test_right=RIGHT.format(name="right"))
    section = seen.text.partition("= verinit =")[2]
    assert "27 passed, 1 failed, 0 inconclusive, 11 skipped, 0 errored" in section
    assert f"root {ROOT}, battery smoke, false alarms of the whole run at most 2e-06" in section
    assert "the sum over 2 decorated tests, each a run of 1e-06" in section
    assert re.search(r"weakest pass IN\d+ .* a departure of 0\.\d+ in .* with probability 1 - 1e-06", section)
    assert "again  pytest 'test_mine.py::test_mine[IN201-13x11-cli_net.chapter-he_normal]'" in section


def test_the_command_that_is_named_shows_the_failure_again(session, mine):
    seen = session(test_mine=mine)
    (node,) = re.findall(r"again  pytest '(.*)'", seen.text)
    again = session(node)
    assert list(again.outcomes.values()) == ["failed"]
    assert (
        again.told[node.partition("[")[2][:-1]]["verinit"]
        == seen.told[node.partition("[")[2][:-1]]["verinit"]
    )


def test_the_report_holds_what_was_found(session, mine, pytester):
    seen = session("--verinit-report", "out", test_mine=mine)
    report, document = written(pytester)
    assert {finding.id for finding in report.findings} == {
        json.loads(pairs["verinit"])["id"] for pairs in seen.told.values()
    }
    assert report.complete
    assert not report
    assert report.exhibits  # what is known of verinit itself
    assert document["counts"]["failed"] == 1
    assert "report out/index.html" in seen.text
    assert "verinit replay" in seen.text
    assert "--from out/report.json" in seen.text


def test_a_session_that_is_stopped_is_never_green(session, mine, pytester):
    seen = session("-x", "--verinit-report", "out", test_mine=mine)
    report, _ = written(pytester)
    assert not report.complete
    assert f"INCOMPLETE: {report.done} of {report.planned} planned trials were run" in seen.text
    assert report.done < report.planned == 20


def test_an_interrupted_session_is_never_green(session, pytester):
    broken = RIGHT.format(name="right").replace(
        "    check(target, case)",
        "    if check.code == 'IN202': raise KeyboardInterrupt\n    check(target, case)",
    )
    seen = session("--verinit-report", "out", alone=True, test_it=broken)
    assert seen.code == pytest.ExitCode.INTERRUPTED
    report, document = written(pytester)
    assert not report.red
    assert not report
    assert not document["complete"]
    assert "INCOMPLETE" in seen.text


def test_a_test_without_a_finding_leaves_the_report_incomplete(session, pytester):
    text = RIGHT.format(name="right").replace(
        "    check(", "    if check.code == 'IN202': return\n    check("
    )
    session("--verinit-report", "out", test_it=text)
    assert not written(pytester)[0].complete


def test_a_selection_is_a_whole_of_its_own(session, mine, pytester):
    seen = session("-k", "IN101", "--verinit-report", "out", test_mine=mine)
    assert seen.code == 0
    assert written(pytester)[0]
    assert "INCOMPLETE" not in seen.text


def test_the_root_is_chosen_and_told(session, pytester):
    seen = session("--verinit-seed", "7", "--verinit-report", "out", test_it=RIGHT.format(name="right"))
    assert written(pytester)[0].root == 7
    assert "verinit: root 7 (again: --verinit-seed 7)" in seen.text
    assert "root 7, battery smoke" in seen.text


def test_fresh_roots_differ_and_can_be_had_again(session):
    roots = [
        re.findall(r"again: --verinit-seed (\d+)", session("--verinit-seed", "fresh", test_it=QUIET).text)
        for _ in range(2)
    ]
    assert len(roots[0]) == len(roots[1]) == 1
    assert roots[0] != roots[1]


def test_the_battery_of_the_command_line_is_for_decorators_that_name_none(session):
    text = RIGHT.format(name="right")
    free = text.replace(', battery="smoke"', "")
    standard, smoke = (
        session("--collect-only", "-q", *words, test_it=free).text.count("::")
        for words in ((), ("--verinit-battery", "smoke"))
    )
    named = session("--collect-only", "-q", "--verinit-battery", "exhaustive", test_it=text).text.count("::")
    assert standard > smoke == named == 13


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--verinit-battery", "smok"), "did you mean 'smoke'?"),
        (("--verinit-seed", "-1"), "--verinit-seed '-1': give a whole number, or 'fresh' for new entropy"),
        (("--verinit-seed", "1e3"), "--verinit-seed '1e3': give a whole number"),
        (("--verinit-report", "test_it.py"), "this is a file; give a folder"),
        (("--verinit-baseline", "none.json"), "there is no such file; give the report.json of another run"),
    ],
)
def test_a_slip_in_an_option_is_told_before_anything_runs(session, words, said):
    seen = session(*words, test_it=QUIET)
    assert seen.code == pytest.ExitCode.USAGE_ERROR
    assert said in seen.errors


def test_a_report_that_cannot_be_written_fails_the_session(session, pytester):
    (pytester.path / "file").write_text("in the way")
    seen = session("--verinit-report", "file/out", test_it=RIGHT.format(name="right"))
    assert "NOT WRITTEN: report=" in seen.text
    assert seen.code == pytest.ExitCode.TESTS_FAILED


def test_a_report_of_nothing_is_said_to_be_none(session, pytester):
    seen = session("--verinit-report", "out", test_it=QUIET)
    assert "no verinit test ran: --verinit-report had nothing to work on" in seen.text
    assert not (pytester.path / "out").exists()


STANDING_IN = """
import sys, types

class Compared:
    def __init__(self, old, new):
        self.same = {finding.id for finding in old.findings} == {finding.id for finding in new.findings}
    def __str__(self):
        return "regressed 0" if self.same else "regressed 1"
    def __bool__(self):
        return self.same

sys.modules["verinit.comparison"] = module = types.ModuleType("verinit.comparison")
module.compare = Compared
"""


def test_what_has_regressed_since_the_baseline_fails_the_session(session, pytester):
    """The comparison itself is another's, and stood in for: what is held here is that its word counts."""
    pytester.makepyfile(standing_in=STANDING_IN)
    pytester.syspathinsert()
    text = RIGHT.format(name="right")
    assert session("--verinit-report", "out", test_it=text).code == 0
    words = ("-p", "standing_in", "--verinit-baseline", "out/report.json")
    same = session(*words)
    assert (same.code, "regressed 0" in same.text) == (0, True)
    other = session(*words, "--verinit-seed", "3")
    assert (other.code, "regressed 1" in other.text) == (pytest.ExitCode.TESTS_FAILED, True)


def test_a_baseline_that_is_no_report_fails_the_session(session, pytester):
    pytester.makepyfile(standing_in=STANDING_IN)
    pytester.syspathinsert()
    (pytester.path / "cut.json").write_text('{"schema": "verinit.rep')
    seen = session("-p", "standing_in", "--verinit-baseline", "cut.json", test_it=RIGHT.format(name="right"))
    assert "NOT COMPARED" in seen.text
    assert "cut off or damaged" in seen.text
    assert seen.code == pytest.ExitCode.TESTS_FAILED
