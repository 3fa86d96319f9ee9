"""The command line as a newcomer meets it: exit codes, closing lines, and one sentence for every slip."""

import json
import math
import re

import pytest

from verinit.checks import CHECKS
from verinit.cli import COMMANDS
from verinit.vocabulary.document import decode, encode

FAST = ("--battery", "smoke", "--jobs", "0")


@pytest.fixture
def failed(verinit):
    """The output of a run that finds the chapter's He wrong."""
    return verinit("run", "cli_net:chapter=he_normal", *FAST)


def results(here, folder="verinit-report"):
    return json.loads((here / folder / "report.json").read_text(encoding="utf-8"))["results"]


def id_of(here, code):
    """The id of the failure of a check in the last report."""
    return next(r["id"] for r in results(here) if r["verdict"] == "failed" and r["check"] == code)


def test_the_reference_passes(verinit, here):
    code, out, err = verinit("run", "numpy", *FAST)
    lines = out.splitlines()
    assert code == 0
    assert re.fullmatch(
        r"plan: \d+ trials of \d+ targets at \d+ cases \(\d+ more do not apply\), battery smoke, "
        r"root 20260101, false alarms at most 1e-06, about \d+ s\n",
        err,
    )
    counted = re.fullmatch(r"\d+ passed, (\d+) failed, 0 inconclusive, \d+ skipped, 0 errored", lines[0])
    assert counted
    assert lines[1] == ("root 20260101, battery smoke, false alarms of the whole run at most 1e-06")
    assert lines[2] == f"expected to fail, each for its stated reason: {counted[1]} of the failures"
    assert re.fullmatch(r"skipped where .* \(\d+\).*", lines[3])
    assert re.match(r"weakest pass IN\d{3} for numpy:\w+ at \S+: a departure of ", lines[-3])
    assert re.match(r"PASSED\. Nothing failed unexpectedly: of \d+ trials, \d+ passed, ", lines[-2])
    digest = json.loads((here / "verinit-report" / "report.json").read_text(encoding="utf-8"))["digest"]
    assert re.fullmatch(rf"\d+\.\d\d s, report verinit-report/index\.html, digest {digest[:16]}", lines[-1])
    assert sorted(path.name for path in (here / "verinit-report").iterdir()) == [
        "index.html",
        "report.json",
        "report.md",
    ]
    assert bool(decode((here / "verinit-report" / "report.json").read_bytes()))


def test_two_runs_give_one_result(verinit, here):
    verinit("run", "cli_net:he=he_normal", *FAST, "--report", "one")
    verinit("run", "cli_net:he=he_normal", *FAST, "--report", "two")
    assert results(here, "one") == results(here, "two")


def test_the_chapters_he_is_found_out_and_named(failed):
    code, out, _ = failed
    block = out.split("\n\n")[0].splitlines()
    assert code == 1
    assert re.fullmatch(r"IN201 FAILED for cli_net:chapter=he_normal at (13x11|3x3x4x10)#0", block[0])
    assert block[1] == "  claim     Var[W] = scale / fan   [He et al. 2015, eq. 10]"
    assert re.fullmatch(
        r"  expected  Var\[W\] / predicted = 1 \+- 0\.\d+   \(chi-square, n = \d+, false-fail rate 1e-07\)",
        block[2],
    )
    assert re.match(r"  observed  [12]\.\d+, \S+ times the allowed distance", block[3])
    assert block[4] == ("  likely    ratio 2: 2/sqrt(n) where sqrt(2/n) is meant: the gain entered twice")
    assert re.fullmatch(r"  replay    verinit replay [0-9a-f]{8}", block[5])
    assert re.fullmatch(r"  also at   (13x11|3x3x4x10)#0", block[6])
    assert len(block) == 7


def test_the_replay_line_of_a_block_works_as_it_stands(failed, verinit):
    words = re.search(r"replay    verinit (replay [0-9a-f]{8})", failed[1]).group(1).split()
    code, out, _ = verinit(*words)
    block = failed[1].split("\n\n")[0].splitlines()
    assert code == 1
    assert out.split("\n\n")[1].strip().splitlines() == block[:6]


def test_a_full_id_needs_no_report(failed, verinit, here):
    identity = id_of(here, "IN201")
    (here / "verinit-report" / "report.json").unlink()
    code, out, _ = verinit("replay", identity)
    assert code == 1
    assert out.startswith(f"{identity}\n\nIN201 FAILED for cli_net:chapter=he_normal at ")


def test_replay_ends_well_once_the_fault_is_mended(failed, verinit, here):
    identity = id_of(here, "IN201").replace("chapter", "he")
    code, out, _ = verinit("replay", identity)
    assert code == 0
    assert "IN201 passed for cli_net:he=he_normal at " in out


def test_a_result_is_drawn_again(verinit, here):
    verinit("run", "cli_net:chapter=he_normal", *FAST, "--check", "IN101,IN201")
    code, out, _ = verinit("report", "verinit-report/report.json", "--report", "again")
    assert (code, out) == (0, "report again/index.html\n")
    for name in ("index.html", "report.md", "report.json"):
        assert (here / "again" / name).read_bytes() == (here / "verinit-report" / name).read_bytes()


def test_every_result_keeps_its_id_when_it_is_read_back(failed, here):
    text = (here / "verinit-report" / "report.json").read_text(encoding="utf-8")
    assert encode(decode(text)) == text


def test_every_replay_line_of_a_run_finds_its_finding(verinit, here):
    _, out, _ = verinit("run", "cli_net:fixed=he_normal", *FAST)
    assert "IN106 FAILED" in out
    for short in re.findall(r"verinit replay ([0-9a-f]{8})", out):
        assert verinit("replay", short)[0] == 1


def test_one_check_alone_finds_what_it_finds_in_company(failed, verinit, here):
    together = [r for r in results(here) if r["check"] == "IN201"]
    code, _, _ = verinit("run", "cli_net:chapter=he_normal", *FAST, "--check", "in201", "--report", "alone")
    assert code == 1
    assert results(here, "alone") == together


def test_json_is_printed_or_written_as_the_report_holds_it(verinit, here):
    words = ("run", "cli_net:he=he_normal", *FAST, "--format", "json")
    code, out, _ = verinit(*words)
    assert code == 0
    assert json.loads(out)["results"] == results(here)
    code, out, _ = verinit(*words, "--output", "out.json")
    assert json.loads((here / "out.json").read_text(encoding="utf-8"))["results"] == results(here)
    assert out.splitlines()[0].endswith("0 errored")


def test_markdown_is_printed(verinit):
    code, out, _ = verinit("run", "cli_net:he=he_normal", *FAST, "--format", "markdown")
    assert code == 0
    assert out.startswith("# ")


def test_a_fresh_seed_is_told_and_kept(verinit, here):
    words = ("run", "cli_net:he=he_normal", *FAST, "--check", "IN101", "--seed")
    roots = []
    for seed in ("fresh", "fresh", "7"):
        code, out, _ = verinit(*words, seed)
        assert code == 0
        roots.append(int(re.search(r"^root (\d+), ", out, re.MULTILINE).group(1)))
    # two roots of 32 bits are equal with probability 2.3e-10
    assert roots[0] != roots[1]
    assert roots[2] == 7


def test_without_a_scheme_only_the_contract_is_examined(verinit):
    code, out, _ = verinit("run", "cli_net:he", *FAST)
    assert code == 0
    assert "skipped where cli_net:he declares no scheme, so no law can be held against it (" in out


def test_one_trial_that_raises_leaves_the_others_examined(verinit):
    code, out, _ = verinit("run", "cli_net:kernels=he_normal", *FAST)
    assert code == 1
    head, _, reason, _ = out.split("\n\n")[0].splitlines()
    assert head == "IN101 ERRORED for cli_net:kernels=he_normal at 13x11#0"
    assert re.fullmatch(r"  reason    ValueError: kernels only \(in kernels, line \d+\)", reason)
    counts = out.split("\n\n")[1]
    assert re.match(r"\d{2,} passed, 0 failed, 0 inconclusive, \d+ skipped, 1 errored\n", counts)


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--strict",), 0)])
def test_strict_changes_nothing_where_nothing_is_open(verinit, words, code):
    assert verinit("run", "cli_net:he=he_normal", *FAST, *words)[0] == code


def test_what_is_selected_and_does_not_apply_is_not_green(verinit):
    code, out, _ = verinit("run", "cli_net:he=he_normal", *FAST, "--check", "IN207")
    assert code == 4
    assert out.startswith("0 passed, 0 failed, 0 inconclusive, 2 skipped, 0 errored\n")
    assert "\nskipped where " in out
    assert "\nNOTHING PASSED: a run without a pass is never green\n" in out


def test_nothing_selected_is_not_green(verinit):
    code, out, _ = verinit("list", "cli_net:he=he_normal", "--check", "IN207")
    assert (code, out) == (5, "nothing is selected\n")


def test_the_plan_is_listed_by_check_with_its_cost(verinit):
    code, out, _ = verinit("list", "cli_net:he=he_normal", "--battery", "smoke", "--check", "IN101,IN201")
    head, exact, chance, blank, *closing = out.splitlines()
    assert code == 0
    assert " ".join(head.split()) == "target check cases n resolves missed at most seconds"
    assert exact.split()[:5] == ["cli_net:he=he_normal", "IN101", "2", "exact", "never"]
    assert chance.split()[:3] == ["cli_net:he=he_normal", "IN201", "2"]
    assert chance.split()[4:6] == ["0.2", "1e-06"]
    assert blank == ""
    assert closing[0] == "4 trials at 2 (target, case) pairs, battery smoke"
    assert re.fullmatch(
        r"2 statistical, each wrong with probability 1e-07 at most \(1e-06 for the whole run\); "
        r"about \d+ s on one core",
        closing[1],
    )


def test_the_plan_as_json_is_the_plan_that_runs(verinit, here):
    words = ("cli_net:he=he_normal", "--battery", "smoke")
    code, out, _ = verinit("list", *words, "--json")
    planned = {(row["target"], row["check"], row["case"]) for row in json.loads(out)}
    verinit("run", *words, "--jobs", "0")
    examined = {(r["target"], r["check"], r["case"]) for r in results(here) if r["verdict"] != "skipped"}
    assert code == 0
    assert planned == examined
    assert all(set(row) >= {"n", "discrepancy", "power", "false_fail", "seconds"} for row in json.loads(out))
    assert math.fsum(row["false_fail"] for row in json.loads(out)) <= math.nextafter(1e-6, 1.0)


def test_a_check_is_explained_with_what_it_sees_and_catches(verinit):
    code, out, _ = verinit("explain", "in201")
    assert code == 0
    assert out.startswith(
        "IN201  The variance of the weights is the scheme's scale over its fan.\n"
        "  equation  Var[W] = scale / fan\n"
        "  source    He et al. 2015, eq. 10\n"
        "  sees      a departure of 0.02 (standard battery), missed with probability 1e-06 at most\n"
        "  needs     IN101, IN102, IN103, IN104 to hold at the same case\n"
    )
    assert "    two_over_root_n: He's std typed as 2/sqrt(n), as the textbook chapter prints it.\n" in out


@pytest.mark.parametrize("code", sorted(CHECKS))
def test_every_check_is_explained(verinit, code):
    ended, out, _ = verinit("explain", code)
    assert ended == 0
    assert CHECKS[code].claim.summary in out
    assert "planted faults that it must catch" in out


def test_the_chapters_he_is_refuted(verinit):
    code, out, _ = verinit("textbook", "t16")
    assert code == 0  # a refuted sentence of the chapter fails no run
    assert out.startswith("T16 REFUTED: He's std is sqrt(2 / n)")
    assert "\n  the chapter  He, for ReLU: std = 2 / sqrt(n).\n" in out


def test_the_help_page_names_every_command_and_exit_code(verinit):
    code, out, _ = verinit("--help")
    assert code == 0
    assert all(f"\n  {name} " in out for name in COMMANDS)
    text = " ".join(out.split())
    for number, meaning in {
        0: "nothing failed",
        2: "usage",
        5: "nothing selected",
        130: "interrupted",
    }.items():
        assert f"{number} {meaning}" in text
