"""The command line as a newcomer meets it: exit codes, closing lines, and one sentence for every slip."""

import json
import math
import re

import pytest

from verinit.checks import CHECKS
from verinit.cli import COMMANDS, main
from verinit.vocabulary.document import decode, encode

CODES = ", ".join(sorted(CHECKS))
SCHEMES = (
    "constant, he_normal, he_truncated_normal, he_uniform, lecun_normal, lecun_truncated_normal, "
    "lecun_uniform, normal, ones, orthogonal, truncated_normal, uniform, variance_scaling, xavier_normal, "
    "xavier_truncated_normal, xavier_uniform, zeros"
)
FAST = ("--battery", "smoke", "--jobs", "0")
NET = '''
"""Initializers as people write them."""

import numpy as np

NUMBER = 3


class Maker:
    pass


def he(shape, rng):
    return rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))


def chapter(shape, rng):
    return rng.standard_normal(shape) * 2 / np.sqrt(np.prod(shape[:-1]))


def fixed(shape, rng):
    return he(shape, np.random.default_rng(0))


def kernels(shape, rng):
    if len(shape) < 3:
        raise ValueError("kernels only")
    return he(shape, rng)
'''


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty folder to work in, which holds one module: the user's own."""
    (tmp_path / "cli_net.py").write_text(NET, encoding="utf-8")
    (tmp_path / "cli_broken.py").write_text("import a_module_that_nobody_has\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.fixture
def verinit(here, capsys):
    """The program: words in, exit code and what it printed out."""

    def run(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(list(words))
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


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
    assert (code, err) == (0, "")
    assert re.fullmatch(r"\d+ passed, 0 failed, 0 inconclusive, \d+ skipped, 0 errored", lines[0])
    assert lines[1] == ("root 20260101, battery smoke, false alarms of the whole run at most 1e-06")
    assert re.fullmatch(r"skipped where .* \(\d+\).*", lines[2])
    assert re.match(r"weakest pass IN\d{3} for numpy:\w+ at \S+: a departure of ", lines[-2])
    assert re.fullmatch(r"\d+\.\d\d s, report verinit-report/index\.html", lines[-1])
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
    assert "skipped where cli_net:he declares no scheme, so no law can be held against it (10); " in out


def test_one_trial_that_raises_leaves_the_others_examined(verinit):
    code, out, _ = verinit("run", "cli_net:kernels=he_normal", *FAST)
    assert code == 1
    head, _, reason, _ = out.split("\n\n")[0].splitlines()
    assert head == "IN101 ERRORED for cli_net:kernels=he_normal at 13x11#0"
    assert re.fullmatch(r"  reason    ValueError: kernels only \(in kernels, line \d+\)", reason)
    counts = out.split("\n\n")[1]
    assert re.match(r"10 passed, 0 failed, 0 inconclusive, 15 skipped, 1 errored\n", counts)


@pytest.mark.parametrize(("words", "code"), [((), 0), (("--strict",), 0)])
def test_strict_changes_nothing_where_nothing_is_open(verinit, words, code):
    assert verinit("run", "cli_net:he=he_normal", *FAST, *words)[0] == code


def test_what_is_selected_and_does_not_apply_is_not_green(verinit):
    code, out, _ = verinit("run", "cli_net:he=he_normal", *FAST, "--check", "IN207")
    assert code == 4
    assert out.startswith("0 passed, 0 failed, 0 inconclusive, 2 skipped, 0 errored\n")


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


MINE = "cli_net:he=he_normal"
SLIPS = [
    (
        ["rnu"],
        "no command named 'rnu'; did you mean 'run'? (allowed: explain, list, replay, report, run, textbook)",
    ),
    (
        ["run", "numpyy"],
        "no target named 'numpyy'; did you mean 'numpy'? (allowed: numpy, torch, or module:callable=scheme)",
    ),
    (
        ["list", "numpyy"],
        "no target named 'numpyy'; did you mean 'numpy'? (allowed: numpy, torch, or module:callable=scheme)",
    ),
    (
        ["run", "cli_net"],
        "no target named 'cli_net' (allowed: numpy, torch, or module:callable=scheme)",
    ),
    (
        ["run", "cli_net:"],
        "target 'cli_net:': give module:callable, such as mynet.init:he=he_normal",
    ),
    (
        ["run", "cli_nett:he=he_normal"],
        "target 'cli_nett:he': module 'cli_nett' cannot be imported "
        "(ModuleNotFoundError: No module named 'cli_nett')",
    ),
    (
        ["run", "cli_broken:he"],
        "target 'cli_broken:he': module 'cli_broken' cannot be imported "
        "(ModuleNotFoundError: No module named 'a_module_that_nobody_has')",
    ),
    (
        ["run", "cli_net:hee=he_normal"],
        "target 'cli_net:hee': module 'cli_net' has no attribute 'hee'; did you mean 'he'?",
    ),
    (
        ["run", "cli_net:he=he_norml"],
        f"no scheme named 'he_norml'; did you mean 'he_normal'? (allowed: {SCHEMES})",
    ),
    (
        ["run", "cli_net:he=he_normal(mdoe=fan_in)"],
        "no parameter of he_normal named 'mdoe'; did you mean 'mode'? (allowed: gain, mode, negative_slope)",
    ),
    (
        ["run", "cli_net:he=he normal"],
        "scheme='he normal': a scheme reads like 'he_normal' or 'normal(std=0.02)'",
    ),
    (
        ["run", "cli_net:he=normal(std=0)"],
        "normal(std=0): std must be above 0; for a constant use 'constant'",
    ),
    (
        ["run", MINE, "--battery", "smok"],
        "no battery named 'smok'; did you mean 'smoke'? (allowed: exhaustive, smoke, standard)",
    ),
    (
        ["run", MINE, "--check", "IN2O1"],
        f"no check named 'IN2O1'; did you mean 'IN201'? (allowed: {CODES})",
    ),
    (["explain", "IN2O1"], f"no check named 'IN2O1'; did you mean 'IN201'? (allowed: {CODES})"),
    (["run", MINE, "--seed", "abc"], "--seed 'abc': give a whole number, or 'fresh' for new entropy"),
    (["run", MINE, "--seed", "-1"], "--seed '-1': give a whole number, or 'fresh' for new entropy"),
    (
        ["run", MINE, "--jobs", "-1"],
        "--jobs -1, --timeout 60.0: jobs must be 0 or more, the timeout above 0 s",
    ),
    (["run", MINE, "--jobs", "many"], "Invalid value for '--jobs': 'many' is not a valid integer."),
    (["run", MINE, "--timeout", "soon"], "Invalid value for '--timeout': 'soon' is not a valid float."),
    (
        ["run", MINE, "--format", "yaml"],
        "Invalid value for '--format': 'yaml' is not one of 'text', 'json', 'markdown'.",
    ),
    (
        ["run", MINE, *FAST, "--output", "no/where.txt"],
        "--output no/where.txt: cannot be written (No such file or directory); choose another file",
    ),
    (
        ["run", MINE, *FAST, "--report", "cli_net.py/x"],
        "report='cli_net.py/x': the report cannot be written there (Not a directory); "
        "give a folder that you may write to",
    ),
    (["report", "nope.json"], "nope.json cannot be read (No such file or directory)"),
    (
        ["report", "cli_net.py"],
        "not a verinit report: the JSON is cut off or damaged (Extra data: line 2 column 3 (char 3))",
    ),
    (["textbook", "T16", "--seed", "x"], "--seed 'x': give a whole number, or 'fresh' for new entropy"),
    (
        ["textbook", "T99"],
        "no textbook claim named 'T99'; did you mean 'T19'? "
        f"(allowed: {', '.join(f'T{i:02d}' for i in range(1, 29))})",
    ),
    (
        ["replay", "zzz"],
        "id='zzz': an id reads target::check::case::knobs, with knobs "
        "root=...,false_fail=...,false_pass=...,discrepancy=...",
    ),
    (
        ["replay", "12345678"],
        "id='12345678' is short and verinit-report/report.json cannot be read (No such file or directory); "
        "give --from FILE, or the full id",
    ),
]
KNOBS = "root=1,false_fail=1e-07,false_pass=1e-06,discrepancy=0.2"
IDS = [
    (f"{MINE}::IN999::13x11#0::{KNOBS}", f"no check named 'IN999' (allowed: {CODES})"),
    (
        f"{MINE}::IN201::13 x 11#0::{KNOBS}",
        "case='13 x 11#0': a case reads like '64x32', '3x3x8x16/float32' or '64x32/float32?groups=4#7'",
    ),
    (f"{MINE}::IN201::13x11#0::{KNOBS.replace('1,', 'x,')}", "root='x': a number is needed"),
    (
        f"{MINE}::IN201::13x11#0::root=1,false_fail=1e-07,discrepancy=0.2",
        f"id='{MINE}::IN201::13x11#0::root=1,false_fail=1e-07,discrepancy=0.2': "
        "false_pass is missing from its last part",
    ),
    (
        f"{MINE}::IN201::13x11#0::{KNOBS.replace('1e-07', '7')}",
        "false_fail=7.0: a rate lies strictly between 0 and 0.5",
    ),
]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [*SLIPS, *((["replay", identity], sentence) for identity, sentence in IDS)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_slip_is_answered_with_one_sentence_and_exit_2(verinit, words, sentence):
    code, out, err = verinit(*words)
    assert (code, out) == (2, "")
    assert err.strip().splitlines()[-1] in (f"verinit: {sentence}", f"Error: {sentence}")


@pytest.mark.parametrize("name", ["NUMBER", "Maker"])
def test_what_is_no_initializer_is_named_in_one_sentence(verinit, name):
    code, out, err = verinit("run", f"cli_net:{name}=he_normal")
    assert (code, out) == (2, "")
    assert err.startswith(f"verinit: target 'cli_net:{name}': ")
    assert "; give " in err
    assert err.count("\n") == 1


def test_a_mistyped_member_is_answered_with_the_nearest(verinit):
    code, _, err = verinit("run", "numpy:he_norml")
    assert code == 2
    assert err.startswith(
        "verinit: no numpy target named 'numpy:he_norml'; did you mean 'numpy:he_normal'? "
        "(allowed: numpy:constant, numpy:he_normal, "
    )


def test_a_mistyped_option_is_answered_with_the_nearest(verinit):
    code, _, err = verinit("run", MINE, "--bttery", "smoke")
    assert code == 2
    assert "--battery" in err


def test_a_short_id_that_the_report_does_not_hold_is_told_so(failed, verinit):
    code, _, err = verinit("replay", "12345678")
    assert code == 2
    assert err == (
        "verinit: id='12345678': no finding of the report has it; 'verinit run' writes a new report\n"
    )


@pytest.mark.xfail(strict=True, raises=ValueError, reason="trial_of unpacks the family into one target")
def test_an_id_that_names_a_family_is_a_slip(verinit):
    assert verinit("replay", f"numpy::IN201::13x11#0::{KNOBS}")[0] == 2


@pytest.mark.xfail(strict=True, raises=OverflowError, reason="Scheme squares 1e200")
def test_a_number_out_of_range_is_a_slip(verinit):
    assert verinit("run", "cli_net:he=normal(std=1e200)", *FAST)[0] == 2


@pytest.mark.xfail(strict=True, reason="the sentence names --jobs None where only --timeout is wrong")
def test_a_sentence_names_only_the_argument_that_is_wrong(verinit):
    assert "--jobs" not in verinit("run", MINE, "--timeout", "0")[2]


@pytest.mark.xfail(strict=True, reason="an empty --check selects every check without a word")
def test_an_empty_selection_never_means_everything(verinit):
    assert verinit("run", MINE, *FAST, "--check", ",")[0] in (2, 5)


@pytest.mark.xfail(strict=True, reason="exit 4, and no line says that nothing applied")
def test_a_run_in_which_nothing_applies_says_why_it_is_not_green(verinit):
    code, out, _ = verinit("run", MINE, *FAST, "--check", "IN207")
    assert code
    assert "never green" in out
