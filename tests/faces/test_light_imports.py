"""What is paid for only when it is used: each probe is shown to fail where it should."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("numpy", "scipy", "matplotlib", "hypothesis", "torch")


def loaded(code, *, names):
    """Which of `names` a fresh interpreter holds after `code`; `code` may end in SystemExit."""
    probe = (
        "import contextlib, io, sys\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        + "".join(f"    {line}\n" for line in code.splitlines())
        + f"print(*[name for name in {tuple(names)!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", probe], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_the_probe_sees_what_is_loaded():
    slow = ("torch", "scipy.stats")
    standing_in = f"import sys, types; sys.modules.update((n, types.ModuleType(n)) for n in {slow})"
    code = f"import numpy, scipy, matplotlib, hypothesis\n{standing_in}"
    assert loaded(code, names=(*HEAVY, *slow)) == {*HEAVY, *slow}


def test_the_probe_sees_what_is_loaded_before_the_program_ends():
    assert loaded("import numpy\nraise SystemExit(2)", names=HEAVY) == {"numpy"}


def test_the_probe_fails_where_code_fails():
    with pytest.raises(AssertionError, match="ModuleNotFoundError"):
        loaded("import a_module_that_nobody_has", names=HEAVY)


def test_importing_verinit_loads_nothing_heavy():
    assert loaded("import verinit", names=HEAVY) == set()


def test_a_session_of_pytest_loads_nothing_of_ours_but_the_plugin():
    names = (*HEAVY, "click", "msgspec", "verinit.vocabulary", "verinit.checks")
    assert loaded("import pytest, verinit.pytest_plugin", names=names) == set()
    assert loaded("import verinit.pytest_plugin.decorator", names=names) == {"verinit.vocabulary"}


def test_using_a_public_name_loads_its_home_and_no_more():
    assert loaded("import verinit; verinit.Case", names=HEAVY) == set()
    assert loaded("import verinit; verinit.CHECKS", names=HEAVY) >= {"numpy", "scipy"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], []])
def test_the_help_page_loads_nothing_heavy(arguments):
    assert loaded(f"from verinit.cli import main; main({arguments})", names=HEAVY) == set()


def test_an_unknown_command_loads_nothing_heavy():
    code = "from verinit.cli import main; import sys, io; sys.stderr = io.StringIO(); main(['rnu'])"
    assert loaded(code, names=HEAVY) == set()


@pytest.mark.parametrize("name", ["vocabulary", "report", "report.summary"])
def test_a_report_is_read_without_any_numeric_library(name):
    assert loaded(f"import verinit.{name}", names=HEAVY) == set()


def test_a_summary_is_drawn_without_any_numeric_library():
    code = (
        "from verinit.vocabulary import Report\n"
        "from verinit.vocabulary.document import decode, encode\n"
        "from verinit.report import markdown\n"
        "markdown(decode(encode(Report(battery='b', root=1, false_fail=1e-6, planned=0))))"
    )
    assert loaded(code, names=HEAVY) == set()


def test_a_page_loads_nothing_that_predicts_or_measures():
    names = ("scipy", "hypothesis", "torch", "verinit.laws", "verinit.checks", "verinit.targets")
    assert loaded("import verinit.report.pages", names=names) == set()


def test_the_plan_is_listed_without_frameworks_figures_or_distributions():
    code = "from verinit.cli import main; main(['list', '--battery', 'smoke'])"
    names = ("numpy", "torch", "jax", "flax", "keras", "matplotlib", "scipy.stats")
    assert loaded(code, names=names) == {"numpy"}  # so the probe sees what a command loads


@pytest.mark.parametrize(
    ("start", "page", "plugin", "code"),
    [
        (15, 149, 29, 0),
        (15, 151, 29, 1),
        (15, 149, 31, 1),
        (30, 299, 59, 0),
        (30, 301, 59, 1),
        (8, 149, 29, 0),
    ],
)
def test_the_benchmark_of_starting_fails_beyond_its_limits(monkeypatch, capsys, start, page, plugin, code):
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "startup.py"
    startup = runpy.run_path(str(path))
    costs = {"verinit --help": page, "pytest plugin": plugin}
    monkeypatch.setitem(startup["main"].__globals__, "measured", lambda rounds: (start, costs))
    assert startup["main"](1) == code
    assert capsys.readouterr().out.count("TOO SLOW") == code
