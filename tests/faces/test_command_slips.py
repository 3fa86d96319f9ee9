"""One sentence for every slip on the command line: what was given, what is allowed, what to do."""

import os
import re

import pytest

from verinit.checks import CHECKS
from verinit.cli.run_command import workers

CODES = f"{len(CHECKS)} names, from {min(CHECKS)} to {max(CHECKS)}"
SCHEMES = (
    "constant, he_normal, he_truncated_normal, he_uniform, lecun_normal, lecun_truncated_normal, "
    "lecun_uniform, normal, ones, orthogonal, truncated_normal, uniform, variance_scaling, xavier_normal, "
    "xavier_truncated_normal, xavier_uniform, zeros"
)
FAST = ("--battery", "smoke", "--jobs", "0")
MINE = "cli_net:he=he_normal"
SLIPS = [
    (
        ["rnu"],
        "no command named 'rnu'; did you mean 'run'? (allowed: calibrate, compare, explain, gradcheck, list, "
        "replay, report, run, textbook)",
    ),
    (
        ["run", "numpyy"],
        "no target named 'numpyy'; did you mean 'numpy'? (allowed: numpy, torch, jax, flax, keras, scipy, or "
        "module:callable=scheme)",
    ),
    (
        ["list", "numpyy"],
        "no target named 'numpyy'; did you mean 'numpy'? (allowed: numpy, torch, jax, flax, keras, scipy, or "
        "module:callable=scheme)",
    ),
    (
        ["run", "cli_net"],
        "no target named 'cli_net' (allowed: numpy, torch, jax, flax, keras, scipy, "
        "or module:callable=scheme)",
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
        f"--jobs -1: give 1 to {4 * os.cpu_count()} worker processes, or 0 to run in this one",
    ),
    (["run", MINE, "--timeout", "0"], "--timeout 0: give seconds above 0, at most 1e+06"),
    (["run", MINE, "--timeout", "-2.5"], "--timeout -2.5: give seconds above 0, at most 1e+06"),
    (["run", MINE, *FAST, "--check", ","], "--check ',': give at least one code, such as IN201"),
    (["run", MINE, *FAST, "--check", ""], "--check '': give at least one code, such as IN201"),
    (["list", MINE, "--check", " "], "--check ' ': give at least one code, such as IN201"),
    (["run", MINE, "--jobs", "many"], "Invalid value for '--jobs': 'many' is not a valid integer."),
    (["run", MINE, "--timeout", "soon"], "Invalid value for '--timeout': 'soon' is not a valid float."),
    (
        ["run", MINE, "--format", "yaml"],
        "Invalid value for '--format': 'yaml' is not one of "
        "'text', 'json', 'markdown', 'junit', 'sarif', 'github'.",
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
        "id='zzz': a short id has 8 hexadecimal digits, such as 5588e347; a full one reads "
        "target::check::case::knobs, with knobs "
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
    (f"{MINE}::XY999::13x11#0::{KNOBS}", f"no check named 'XY999' (allowed: {CODES})"),
    (
        f"{MINE}::IN201::13 x 11#0::{KNOBS}",
        "case='13 x 11#0': a case reads like '64x32', '3x5x8x16/float32' or '64x32/float32?groups=4#7'",
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
    here_and_now = ["--jobs", "0"] if words[0] == "run" and "--jobs" not in words else []
    code, out, err = verinit(*words, *here_and_now)
    assert (code, out) == (2, "")
    assert err.strip().splitlines()[-1] in (f"verinit: {sentence}", f"Error: {sentence}")


@pytest.mark.parametrize("word", ["cli_net:he=he_norml", "cli_broken:he", "cli_net:NUMBER=he_normal"])
def test_a_slip_that_a_worker_meets_is_answered_with_the_same_sentence(verinit, word):
    code, out, err = verinit("run", word, "--jobs", "1")
    assert (code, out) == (2, "")
    assert err == verinit("run", word, "--jobs", "0")[2]


@pytest.mark.parametrize("name", ["NUMBER", "Maker"])
def test_what_is_no_initializer_is_named_in_one_sentence(verinit, name):
    code, out, err = verinit("run", f"cli_net:{name}=he_normal", "--jobs", "0")
    assert (code, out) == (2, "")
    assert err.startswith(f"verinit: target 'cli_net:{name}': ")
    assert "; give " in err
    assert err.count("\n") == 1


def test_a_mistyped_member_is_answered_with_the_nearest(verinit):
    code, _, err = verinit("run", "numpy:he_norml", "--jobs", "0")
    assert code == 2
    assert err.startswith(
        "verinit: no numpy target named 'numpy:he_norml'; did you mean 'numpy:he_normal'? (allowed: "
    )


def test_a_mistyped_option_is_answered_with_the_nearest(verinit):
    code, _, err = verinit("run", MINE, "--bttery", "smoke")
    assert code == 2
    assert "--battery" in err


def test_a_short_id_that_the_report_does_not_hold_is_told_so(verinit):
    verinit("run", MINE, *FAST, "--check", "IN101")
    code, _, err = verinit("replay", "12345678")
    assert code == 2
    assert err == (
        "verinit: id='12345678': no finding of the report has it; 'verinit run' writes a new report\n"
    )


def test_an_id_that_names_a_family_is_a_slip(verinit):
    identity = f"numpy::IN201::13x11#0::{KNOBS}"
    code, out, err = verinit("replay", identity)
    assert (code, out) == (2, "")
    start = re.escape(f"verinit: id={identity!r}: 'numpy' stands for ")
    assert re.fullmatch(start + r"\d+ targets; an id names one, such as numpy:\S+\n", err)


@pytest.mark.parametrize("number", ["1e200", "-1", "nan", "1e-200"])
def test_a_number_out_of_range_is_a_slip(verinit, number):
    code, out, err = verinit("run", f"cli_net:he=normal(std={number})", *FAST)
    assert (code, out) == (2, "")
    assert err.startswith("verinit: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--timeout", "inf"), "--timeout inf: give seconds above 0, at most 1e+06"),
        (("--jobs", "99999"), "--jobs 99999: give 1 to"),
    ],
)
def test_a_number_that_no_machine_has_is_refused(verinit, options, said):
    code, _, err = verinit("run", "cli_net:he=he_normal", "--battery", "smoke", *options)
    assert code == 2
    assert said in err


@pytest.mark.parametrize("command", ["run", "list"])
def test_a_check_of_another_kind_is_told_so(verinit, command):
    code, out, err = verinit(command, MINE, "--check", "AC101")
    assert code == 5
    said = (
        "nothing is selected: AC101 is asked of kind 'activation', and what was given is of kind initializer"
    )
    assert said in out + err


def test_the_exhaustive_battery_waits_longer_unless_it_is_told():
    """Fifty layers of a thousand units take minutes, and are no target that hangs."""
    assert [workers(1, None, battery).limit for battery in ("smoke", "standard", "exhaustive")] == [
        60,
        60,
        3600,
    ]
    assert workers(1, 5.0, "exhaustive").limit == 5.0
