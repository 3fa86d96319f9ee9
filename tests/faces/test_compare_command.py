"""`verinit compare` and `verinit run --baseline` as they are met: exit codes, forms, slips, hostile files."""

import json
import re
import time
from dataclasses import replace

import numpy as np
import pytest

from verinit import verify
from verinit.cli.outcome import code_against
from verinit.comparison import Change, Comparison, State, compare
from verinit.vocabulary import ROOT, Case, Claim, Evidence, Finding, Rates, Report, Verdict
from verinit.vocabulary.document import decode, encode

FAST = ("--battery", "smoke", "--jobs", "0", "--quiet")
NAME = "cli_net:he=he_normal"


def he(shape, rng):
    return rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))


def louder(shape, rng):
    return 1.5 * he(shape, rng)


@pytest.fixture(scope="module")
def reports():
    """Reports under one name, as their JSON: right at two roots, and wrong."""

    def of(draw, root):
        return encode(verify(draw, scheme="he_normal", battery="smoke", name=NAME, root=root))

    return {"old.json": of(he, ROOT), "again.json": of(he, 7), "loud.json": of(louder, ROOT)}


@pytest.fixture
def runs(here, reports):
    """A folder with these reports, beside the user's module."""
    for name, text in reports.items():
        (here / name).write_text(text, encoding="utf-8")
    return here


def edited(path, **changes):
    path.write_text(encode(replace(decode(path.read_bytes()), **changes)), encoding="utf-8")


# -- compare ---------------------------------------------------------------------------------------


def test_a_report_against_itself_is_identical(verinit, runs):
    code, out, err = verinit("compare", "old.json", "old.json")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.fullmatch(r"0 regressed, \d+ identical", lines[0])
    assert lines[-1] == "paired by root 20260101: what did not change is identical"


def test_unchanged_code_at_another_root_compares_clean(verinit, runs):
    code, out, _ = verinit("compare", "old.json", "again.json", "--strict")
    assert code == 0
    assert re.match(r"0 regressed, \d+ unchanged, \d+ identical\n", out)
    assert "with the noise" in out
    assert "roots 20260101 and 7: two independent samples" in out


def test_a_planted_regression_fails_and_says_what_moved(verinit, runs):
    code, out, _ = verinit("compare", "again.json", "loud.json")
    assert code == 1
    block = out.split("\n\n")[0].splitlines()
    assert re.fullmatch(r"IN201 REGRESSED for cli_net:he=he_normal at \S+#0", block[0])
    assert block[1] == "  because   passed before, fails now"
    assert re.fullmatch(r"  distance  \S+ -> 1\.\d+ from Var\[W\] / predicted = 1", block[2])
    assert re.fullmatch(r"  change    \[\S+, \S+\] in that distance; margin 0\.2", block[3])
    assert re.fullmatch(r"  test      F test, p (=|<) \S+", block[4])
    assert all(len(line) <= 80 for line in out.splitlines())


def test_a_repair_is_an_improvement_and_does_not_fail(verinit, runs):
    code, out, _ = verinit("compare", "loud.json", "again.json")
    assert code == 0
    assert "IN201 IMPROVED for cli_net:he=he_normal" in out
    assert "0 regressed" in out


def test_what_was_skipped_because_something_failed_is_said_once(verinit, runs):
    _, out, _ = verinit("compare", "again.json", "loud.json")
    assert out.count("NOT COMPARABLE") == 1
    assert "because   skipped now: IN201 failed at this case" in out
    assert verinit("compare", "loud.json", "again.json", "--strict")[0] == 4


def test_every_form_tells_the_same(verinit, runs):
    words = ("compare", "again.json", "loud.json", "--format")
    found = json.loads(verinit(*words, "json")[1])
    assert found["schema"] == "verinit.comparison/1"
    assert found["green"] is False
    assert found["counts"]["regressed"] > 0
    assert sum(found["counts"].values()) == found["counts"]["identical"] + len(found["changes"])
    worst = next(change for change in found["changes"] if change["state"] == "regressed")
    assert (worst["old"]["verdict"], worst["new"]["verdict"]) == ("passed", "failed")
    markdown = verinit(*words, "markdown")[1]
    assert f"{found['counts']['regressed']} regressed" in markdown
    assert "| regressed | IN201 | cli\\_net:he=he\\_normal |" in markdown
    github = verinit(*words, "github")[1].splitlines()
    assert github[0].startswith("::error title=regressed IN201 cli_net%3Ahe=he_normal at ")
    assert github[-1].startswith("::error title=verinit compare::")
    assert all(line.startswith("::") for line in github)


def test_output_goes_to_a_file_and_text_to_the_terminal(verinit, runs):
    code, out, _ = verinit("compare", "old.json", "again.json", "--format", "json", "--output", "c.json")
    assert code == 0
    assert out.startswith("0 regressed")
    assert json.loads((runs / "c.json").read_text(encoding="utf-8"))["green"] is True
    code, _, err = verinit("compare", "old.json", "loud.json", "--output", "nowhere/c.txt")
    assert code == 2
    assert (
        err == "verinit: --output nowhere/c.txt: cannot be written (No such file or directory); "
        "choose another file\n"
    )


def test_a_folder_stands_for_the_report_in_it(verinit, runs):
    (runs / "folder").mkdir()
    (runs / "old.json").rename(runs / "folder/report.json")
    assert verinit("compare", "folder", "again.json")[0] == 0
    code, _, err = verinit("compare", "again.json", ".")
    assert code == 2
    assert err.startswith(
        "verinit: report.json cannot be read (No such file or directory); give the report.json"
    )


def test_a_newer_run_that_fails_by_itself_is_named_though_nothing_is_worse(verinit, runs):
    code, out, _ = verinit("compare", "loud.json", "loud.json")
    assert code == 0
    assert re.search(r"the newer run fails by itself, in \d+ places: a comparison asks only", out)


def test_reports_with_nothing_in_common_are_not_green(verinit, runs):
    old = decode((runs / "old.json").read_bytes())
    edited(runs / "again.json", findings=tuple(replace(f, target="another") for f in old.findings))
    code, out, _ = verinit("compare", "old.json", "again.json")
    assert code == 5
    assert out.startswith("nothing to compare: the two reports have no finding and no ruling in common")


def test_an_incomplete_run_is_not_green(verinit, runs):
    edited(runs / "again.json", complete=False, planned=999)
    code, out, _ = verinit("compare", "old.json", "again.json")
    assert code == 4
    assert "INCOMPLETE: of the newer run" in out


# -- a run against a baseline ----------------------------------------------------------------------


def test_a_run_is_held_to_its_baseline(verinit, runs):
    code, out, _ = verinit("run", "cli_net:he=he_normal", *FAST, "--baseline", "old.json")
    assert code == 0
    after = out.split("against the baseline\n\n")[1]
    assert re.match(r"0 regressed, \d+ identical\n", after)
    page = (runs / "verinit-report/index.html").read_text(encoding="utf-8")
    assert "Against the older run" in page
    assert re.search(r"0 regressed, \d+ identical", page)


def test_a_regression_fails_a_run_that_would_not_fail_by_itself(verinit, here):
    """A declared failure that got worse: the run is green, and against its baseline it is not."""
    words = ("run", "numpy:SoftmaxWithLoss@chapter", *FAST)
    assert verinit(*words)[0] == 0
    old = decode((here / "verinit-report/report.json").read_bytes())
    (worst,) = (f for f in old.findings if f.verdict is Verdict.failed)
    mild = replace(worst, evidence=replace(worst.evidence, distance=worst.evidence.distance / 2))
    findings = tuple(mild if f is worst else f for f in old.findings)
    (here / "mild.json").write_text(encode(replace(old, findings=findings)), encoding="utf-8")
    code, out, _ = verinit(*words, "--baseline", "mild.json")
    assert code == 1
    assert f"{worst.claim.id} REGRESSED for {worst.target} at {worst.case}" in out
    assert "fails as before, beyond the margin" in out


@pytest.mark.parametrize(
    ("code", "state", "strict", "expected"),
    [
        (0, "regressed", False, 1),
        (4, "regressed", False, 1),
        (1, "regressed", False, 1),
        (130, "regressed", False, 130),
        (0, "gone", False, 0),
        (0, "gone", True, 4),
        (0, "improved", True, 0),
    ],
)
def test_a_baseline_can_only_make_a_run_fail(code, state, strict, expected):
    change = Change(target="t", check="IN201", case="2x2#0", state=State(state))
    same = replace(change, check="IN202", state=State.identical)
    found = Comparison(changes=(change, same), alpha=1e-6, tested=2)
    assert code_against(code, found, strict=strict) == expected


def test_another_form_keeps_stdout_to_itself(verinit, runs):
    code, out, err = verinit(
        "run", "cli_net:he=he_normal", *FAST, "--baseline", "old.json", "--format", "json"
    )
    assert code == 0
    assert json.loads(out)["schema"] == "verinit.report/1"
    assert "against the baseline" in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (No such file or directory); give the report.json of an earlier run"),
        ("", "not a verinit report: the JSON is cut off or damaged"),
        ('{"schema": "verinit.report/1", "claims"', "not a verinit report: the JSON is cut off or damaged"),
        ('{"schema": "verinit.report/2"}', "schema='verinit.report/2': this version of verinit reads"),
        ('{"results": []}', "not a verinit report: it has no 'schema'"),
        ("[1, 2]", "not a verinit report"),
        ('{"schema": "verinit.report/1", "claims": {}, "results": [1]}', "not a verinit report"),
        ("\x00\xff", "not a verinit report"),
    ],
)
def test_a_bad_baseline_is_one_sentence_before_anything_runs(verinit, here, content, said):
    if content is not None:
        (here / "base.json").write_text(content, encoding="utf-8")
    run = ("run", "cli_net:he=he_normal", *FAST, "--baseline", "base.json")
    for words in (run, ("compare", "base.json", "base.json")):
        code, out, err = verinit(*words)
        assert (code, out) == (2, "")
        assert err.startswith("verinit: base.json")
        assert said in err
        assert err.count("\n") == 1
    assert not (here / "verinit-report").exists()


# -- hostile reports -------------------------------------------------------------------------------


def made(count, *, names="t{}", distance=0.0):
    """A report of many findings, all with chance in them."""
    claim = Claim(id="IN201", summary="s", equation="e", source="x")
    evidence = Evidence(
        quantity="q",
        expected=1.0,
        observed=1.0 + distance,
        distance=distance,
        tolerance=0.1,
        p=0.5,
        interval=(0.9 + distance, 1.1 + distance),
        n=2000,
        basis="chi-square",
    )
    rates, case = Rates(false_fail=1e-10), Case(shape=(2, 2))
    findings = tuple(
        Finding(
            claim=claim,
            target=names.format(i),
            case=case,
            root=1,
            rates=rates,
            discrepancy=0.2,
            verdict=Verdict.passed,
            evidence=evidence,
        )
        for i in range(count)
    )
    return Report(battery="standard", root=1, false_fail=1e-6, planned=count, findings=findings)


def test_twenty_thousand_findings_take_seconds_and_grow_linearly(verinit, here):
    def seconds(count):
        old, new = made(count), made(count, distance=0.001)
        started = time.process_time()
        found = compare(old, replace(new, root=2))
        assert str(found)
        assert found.exhibits
        assert found.counts["unchanged"] == count
        return time.process_time() - started

    seconds(100)
    small, large = seconds(4_000), seconds(20_000)
    assert large < 60
    assert large < 15 * small


def test_names_that_would_act_are_shown_instead(verinit, here):
    evil = "<script>alert(1)</script>\x1b[31m::error::\u202e|{}" + "x" * 10_000
    crash = {"verdict": Verdict.errored, "evidence": None, "reason": "E: \x1b[2J\n::error::no"}
    wrong = made(3, names=evil)
    wrong = replace(wrong, findings=tuple(replace(f, **crash) for f in wrong.findings))
    (here / "old.json").write_text(encode(made(3, names=evil)), encoding="utf-8")
    (here / "new.json").write_text(encode(wrong), encoding="utf-8")
    for form in ("text", "json", "markdown", "github"):
        code, out, _ = verinit("compare", "old.json", "new.json", "--format", form)
        assert code == 1
        assert "\x1b" not in out
        assert "\u202e" not in out
    assert all(line.startswith("::") for line in out.splitlines())
    markdown = verinit("compare", "old.json", "new.json", "--format", "markdown")[1]
    assert re.search(r"(?<!\\)<", markdown) is None
    assert len(markdown) < 60_000


def test_numbers_that_are_none_survive_the_files(verinit, here):
    nan, inf = float("nan"), float("inf")
    old = made(2)
    broken = tuple(
        replace(
            f, verdict=Verdict.failed, evidence=replace(f.evidence, observed=v, distance=v, interval=None)
        )
        for f, v in zip(old.findings, (nan, inf), strict=True)
    )
    (here / "old.json").write_text(encode(old), encoding="utf-8")
    (here / "new.json").write_text(encode(replace(old, findings=broken)), encoding="utf-8")
    assert verinit("compare", "old.json", "new.json")[0] == 1
    code, out, _ = verinit("compare", "new.json", "new.json", "--format", "json")
    assert code == 0
    assert json.loads(out)["counts"]["identical"] == 2
    body = json.loads(verinit("compare", "old.json", "new.json", "--format", "json")[1])
    assert {change["new"]["evidence"]["observed"] for change in body["changes"]} == {"NaN", "Infinity"}
