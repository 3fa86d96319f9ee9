"""Settings: what is typed goes before variables, these before the file; a slip is told, never ignored."""

import json
import sys

import click
import pytest

from verinit.cases.batteries import BATTERIES
from verinit.cli import COMMANDS, group
from verinit.cli.configuration import nearest, read
from verinit.cli.keys import KEYS
from verinit.vocabulary import UsageError

RIGHT, WRONG = "cli_net:he=he_normal", "cli_net:chapter=he_normal"
ALL_KEYS = ", ".join(sorted([*KEYS, "expected"]))


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    for key in KEYS.values():
        monkeypatch.delenv(key.variable, raising=False)


@pytest.fixture
def pyproject(here):
    """Writes the pyproject.toml of the working directory."""

    def write(text):
        (here / "pyproject.toml").write_text(text, encoding="utf-8")

    return write


def report_of(here, folder="verinit-report"):
    return json.loads((here / folder / "report.json").read_text(encoding="utf-8"))


def test_the_table_names_options_that_exist():
    ctx = click.Context(group)
    for key in KEYS.values():
        for name, option in key.options.items():
            command = group.get_command(ctx, name)
            there = {parameter.name for parameter in command.params}
            assert option in there or key.name == "baseline", (key.name, name)
            assert name in COMMANDS


def test_the_batteries_of_the_table_are_those_that_exist():
    assert all(KEYS["battery"].allows(name) for name in BATTERIES)
    assert KEYS["battery"].says == "'smoke', 'standard' or 'exhaustive'"
    assert set(BATTERIES) == {"smoke", "standard", "exhaustive"}


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    verinit, here, pyproject, monkeypatch
):
    pyproject(
        f'[tool.verinit]\ntargets = ["{RIGHT}"]\nbattery = "smoke"\njobs = 0\nseed = 5\nchecks = ["IN101"]\n'
    )
    assert verinit("run")[0] == 0
    assert report_of(here)["root"] == 5
    assert report_of(here)["battery"] == "smoke"
    monkeypatch.setenv("VERINIT_SEED", "6")
    monkeypatch.setenv("VERINIT_REPORT", "there")
    assert verinit("run")[0] == 0
    assert report_of(here, "there")["root"] == 6
    assert verinit("run", "--seed", "7")[0] == 0
    assert report_of(here, "there")["root"] == 7
    assert dict(report_of(here, "there")["run"])["settings"] == (
        "VERINIT_REPORT from the environment; targets, battery, checks, jobs from pyproject.toml"
    )


def test_an_empty_variable_is_not_set(verinit, pyproject, monkeypatch):
    pyproject(f'[tool.verinit]\ntargets = ["{RIGHT}"]\nbattery = "smoke"\njobs = 0\n')
    monkeypatch.setenv("VERINIT_BATTERY", "")
    monkeypatch.setenv("VERINIT_CHECKS", "in101 IN102,IN103")
    code, out, _ = verinit("list")
    assert code == 0
    assert [line.split()[1] for line in out.splitlines()[1:4]] == ["IN101", "IN102", "IN103"]


def test_what_was_not_typed_is_told_before_the_run(verinit, pyproject):
    pyproject(f'[tool.verinit]\ntargets = ["{RIGHT}"]\nbattery = "smoke"\njobs = 0\n')
    _, _, err = verinit("run", "--check", "IN101")
    assert err.splitlines() == [
        "plan: 2 trials of 1 target at 2 cases, battery smoke, root 20260101, false alarms at most 1e-06, "
        "about 1 s",
        "settings: targets, battery, jobs from pyproject.toml",
    ]


def test_strict_of_the_file_is_taken_back_on_the_command_line(here, pyproject):
    pyproject("[tool.verinit]\nstrict = true\n")
    taken = {}
    command = group.get_command(click.Context(group), "gradcheck")
    for words in ((), ("--no-strict",)):
        root = click.Context(group, info_name="verinit")
        group.resolve_command(root, ["gradcheck", "numpy:BatchNorm", *words])
        with command.make_context("gradcheck", ["numpy:BatchNorm", *words], parent=root) as ctx:
            taken[words] = ctx.params["strict"]
    assert taken == {(): True, ("--no-strict",): False}


def test_the_nearest_file_upwards_counts_alone_and_its_paths_are_its_own(here):
    below = here / "a" / "b"
    below.mkdir(parents=True)
    (here / "pyproject.toml").write_text('[tool.verinit]\nreport = "out"\n', encoding="utf-8")
    assert nearest(below) == here / "pyproject.toml"
    assert read(below).values == {"report": "out"}  # told from the working directory, which is `here`
    (here / "a" / "pyproject.toml").write_text('[tool.verinit]\nreport = "out"\n', encoding="utf-8")
    assert read(below).values["report"].replace("\\", "/") == "a/out"
    (below / "pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
    assert read(below).values == {}


def test_replay_looks_a_short_id_up_where_the_file_keeps_reports(verinit, here, pyproject):
    pyproject(f'[tool.verinit]\nreport = "kept"\nbattery = "smoke"\njobs = 0\ntargets = ["{WRONG}"]\n')
    code, out, _ = verinit("run", "--check", "IN201")
    assert code == 1
    short = out.split("verinit replay ")[1].split()[0]
    assert not (here / "verinit-report").exists()
    assert verinit("replay", short)[0] == 1


SLIPS = [
    (
        'battry = "smoke"',
        f"[tool.verinit] has no key named 'battry'; did you mean 'battery'? (allowed: {ALL_KEYS})",
    ),
    (
        '[tool.verinit.expcted."x"]\nIN201 = "y"',
        f"[tool.verinit] has no key named 'expcted'; did you mean 'expected'? (allowed: {ALL_KEYS})",
    ),
    ('battery = "smok"', "tool.verinit.battery = 'smok': it must be 'smoke', 'standard' or 'exhaustive'"),
    (
        "jobs = true",
        "tool.verinit.jobs = true: it must be a number of worker processes, or 0 to run in this one",
    ),
    (
        "targets = 'numpy'",
        "tool.verinit.targets = 'numpy': it must be a list of targets, such as "
        "['numpy', 'mynet.init:he=he_normal']",
    ),
    ("seed = 1.5", "tool.verinit.seed = 1.5: it must be a whole number, or 'fresh' for new entropy"),
    ("timeout = 0", "tool.verinit.timeout = 0: it must be seconds above 0"),
    ("strict = 'yes'", "tool.verinit.strict = 'yes': it must be true or false"),
    (
        '[tool.verinit.expected."x"]\nIN201 = "  "',
        "tool.verinit.expected.'x'.IN201 = '  ': the reason is needed, in words, for which the check is "
        "known to fail",
    ),
    (
        '[tool.verinit.expected]\nIN201 = "y"',
        "tool.verinit.expected.'IN201' = 'y': a table is needed, "
        '[tool.verinit.expected."torch:trunc_normal_"] with lines such as IN201 = "the reason"',
    ),
]


@pytest.mark.parametrize(("line", "sentence"), SLIPS, ids=[line.splitlines()[-1] for line, _ in SLIPS])
def test_a_slip_in_the_file_is_told_in_one_sentence(verinit, pyproject, line, sentence):
    pyproject(line if line.startswith("[") else f"[tool.verinit]\n{line}\n")
    assert verinit("run", "--jobs", "0") == (2, "", f"verinit: pyproject.toml: {sentence}\n")


def test_a_format_that_does_not_exist_is_told_with_the_nearest(verinit, pyproject, monkeypatch):
    pyproject('[tool.verinit]\nformat = "junitt"\n')
    code, _, err = verinit("run")
    assert code == 2
    assert err.startswith(
        "verinit: pyproject.toml: tool.verinit.format: no format named 'junitt'; did you mean 'junit'?"
    )
    pyproject("")
    monkeypatch.setenv("VERINIT_FORMAT", "jsn")
    assert verinit("run")[2].startswith(
        "verinit: VERINIT_FORMAT: no format named 'jsn'; did you mean 'json'?"
    )


def test_a_check_that_does_not_exist_is_told_with_the_nearest(verinit, pyproject):
    pyproject('[tool.verinit.expected."numpy:*"]\nIN2O1 = "y"\n')
    code, out, err = verinit("run", "--jobs", "0")
    assert (code, out) == (2, "")
    assert err.startswith(
        "verinit: pyproject.toml: tool.verinit.expected.'numpy:*': no check named 'IN2O1'; "
        "did you mean 'IN201'?"
    )


def test_a_slip_that_is_found_later_says_where_it_stands(verinit, pyproject):
    pyproject('[tool.verinit]\ntargets = ["nunpy"]\njobs = 0\n')
    code, _, err = verinit("run")
    assert code == 2
    assert err.startswith("verinit: no target named 'nunpy'; did you mean 'numpy'?")
    assert err.endswith("settings: targets, jobs from pyproject.toml\n")


@pytest.mark.parametrize(
    ("text", "start"),
    [
        (
            "[tool.verinit]\njobs = \n",
            "verinit: pyproject.toml cannot be read as TOML: Invalid value (at line 2",
        ),
        ("[tool.vernit]\njobs = 0\n", "verinit: pyproject.toml: tool.vernit: did you mean [tool.verinit]?"),
        (
            "[tool]\nverinit = 3\n",
            "verinit: pyproject.toml: tool.verinit = 3: a table is needed, [tool.verinit]",
        ),
    ],
)
def test_a_file_that_says_nothing_to_us_by_mistake_is_refused(verinit, pyproject, text, start):
    pyproject(text)
    code, out, err = verinit("list")
    assert (code, out) == (2, "")
    assert err.startswith(start)
    assert verinit("run", "--help")[0] == 0
    assert verinit("explain", "IN201")[0] == 0


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        (
            "VERINIT_JOBS",
            "two",
            "VERINIT_JOBS='two': it must be a number of worker processes, or 0 to run in this one",
        ),
        ("VERINIT_STRICT", "maybe", "VERINIT_STRICT='maybe': it must be true or false"),
        ("VERINIT_TIMEOUT", "-3", "VERINIT_TIMEOUT='-3': it must be seconds above 0"),
        (
            "VERINIT_STRIKT",
            "1",
            "no environment variable named 'VERINIT_STRIKT'; did you mean 'VERINIT_STRICT'? ",
        ),
    ],
)
def test_a_slip_in_the_environment_is_told_in_one_sentence(verinit, monkeypatch, variable, value, sentence):
    monkeypatch.setenv(variable, value)
    code, out, err = verinit("run")
    assert (code, out) == (2, "")
    assert err.startswith(f"verinit: {sentence}")
    assert len(err.splitlines()) == 1


def test_a_variable_of_somebody_else_is_told_and_ignored(verinit, monkeypatch):
    monkeypatch.setenv("VERINIT_FALSE_FAIL", "0.1")
    code, out, err = verinit("list", RIGHT, "--check", "IN101")
    assert code == 0
    assert out.startswith("target")
    assert err == "verinit: VERINIT_FALSE_FAIL is no setting of verinit and is ignored\n"


EXPECTED = f"""
[tool.verinit]
targets = ["{WRONG}", "{RIGHT}"]
battery = "smoke"
jobs = 0
"""


@pytest.mark.parametrize("jobs", ["0", "1"])
def test_a_failure_that_is_expected_is_excused_wherever_it_runs(verinit, here, pyproject, jobs):
    pyproject(f'{EXPECTED}[tool.verinit.expected."cli_net:ch*"]\nin201 = "the chapter has 2/sqrt(n)"\n')
    code, out, _ = verinit("run", "--jobs", jobs)
    assert code == 0, out
    assert "expected to fail, each for its stated reason: 2 of the failures\n" in out
    rows = [row for row in report_of(here)["results"] if row["excuse"]]
    assert {(row["target"], row["check"], row["verdict"]) for row in rows} == {(WRONG, "IN201", "failed")}
    assert {row["excuse"] for row in rows} == {"the chapter has 2/sqrt(n)"}


def test_an_excuse_may_be_for_one_case_alone(verinit, pyproject):
    pyproject(f'{EXPECTED}[tool.verinit.expected."{WRONG} at 3x3*"]\nIN201 = "kernels are wide"\n')
    code, out, _ = verinit("run")
    assert code == 1
    assert f"IN201 FAILED for {WRONG} at 13x11#0" in out
    assert "3x3x4x10#0\n" not in out.split("\n\n")[0]


def test_a_claim_that_passes_though_a_failure_was_expected_fails_the_run(verinit, pyproject):
    pyproject(f'{EXPECTED}[tool.verinit.expected."cli_net:*"]\nIN201 = "all are wide"\n')
    code, out, _ = verinit("run")
    assert code == 1
    assert f"IN201 passed for {RIGHT} at " in out
    assert "expected to fail (all are wide) and passed: remove it" in out


IDLE = '[tool.verinit.expected."cli_net:gone*"]\nIN201 = "was here"\n'
NEEDED = f'[tool.verinit.expected."{WRONG}"]\nIN201 = "the chapter"\n'
SAID = (
    "expected to fail and did not: IN201 for cli_net:gone* "
    "(was here): it meets nothing in this run; remove it"
)


def test_an_excuse_that_meets_nothing_fails_a_whole_run(verinit, here, pyproject):
    pyproject(EXPECTED + NEEDED + IDLE)
    code, out, _ = verinit("run")
    assert code == 1
    assert SAID in out.splitlines()
    assert out.splitlines()[-2].startswith("FAILED. Of ")
    assert out.splitlines()[-2].endswith(", 1 declared failure met nothing.")
    assert report_of(here)["green"] is False
    for form, mark in (
        ("junit", '<failure type="expected"'),
        ("github", "::error title=expected to fail"),
        ("sarif", "expected to fail and did not"),
    ):
        assert mark in verinit("run", "--format", form)[1]
    for page in ("report.md", "index.html"):
        assert "expected to fail and did not" in (here / "verinit-report" / page).read_text(encoding="utf-8")


def test_an_excuse_is_not_idle_in_a_run_that_was_narrowed(verinit, pyproject):
    pyproject(EXPECTED + NEEDED + IDLE)
    assert verinit("run", RIGHT)[0] == 0
    assert verinit("run", "--check", "IN101,IN102")[0] == 0


def test_an_excuse_for_a_check_that_is_skipped_is_idle(verinit, pyproject):
    pyproject(f'{EXPECTED}{NEEDED}IN205 = "it follows"\n')
    code, out, _ = verinit("run")
    assert code == 1
    said = f"IN205 for {WRONG} (it follows): the check is skipped there, IN201 failed at this case; remove it"
    assert f"expected to fail and did not: {said}" in out.splitlines()


def test_settings_are_read_without_any_numeric_library(here, pyproject):
    pyproject("[tool.verinit]\njobs = 0\n")
    before = set(sys.modules)
    assert read(here).values == {"jobs": 0}
    assert not {"numpy", "scipy"} & (set(sys.modules) - before)


def test_an_unreadable_value_names_its_file_from_afar(tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text("[tool.verinit]\njobs = -1\n", encoding="utf-8")
    below = tmp_path / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    with pytest.raises(UsageError) as told:
        read(below)
    assert str(told.value).startswith(f"{tmp_path / 'pyproject.toml'}: tool.verinit.jobs = -1: ")
