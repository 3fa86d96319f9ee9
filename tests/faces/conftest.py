"""The program, and a module of initializers as people write them, in a folder of one test's own."""

import importlib
import json
from types import SimpleNamespace

import pytest

from verinit.cli import main

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
def mine():
    """A test of right code and of wrong code, at one case: 26 items, of which 2 fail to be right."""
    return """
import verinit
from cli_net import chapter, he

@verinit.parametrize_with_checks(
    [verinit.target(he, scheme="he_normal"), "cli_net:chapter=he_normal"], battery="smoke", cases=["13x11"]
)
def test_mine(target, check, case):
    check(target, case)
"""


RECORDER = """
import json

def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder())

class Recorder:
    def pytest_runtest_logreport(self, report):
        if report.when == "call" or report.outcome != "passed":
            told = [list(pair) for pair in report.user_properties]
            with open("heard.jsonl", "a") as file:
                print(json.dumps([report.nodeid, report.outcome, told]), file=file)
"""


LOADED = ("numpy", "hypothesis", "matplotlib.figure", "verinit.report.files", "verinit.report.figures")
LOADED += ("verinit.calibration.exhibits", "verinit.calibration.record", "verinit.targets.batchnorms")
LOADED += tuple(
    f"verinit.pytest_plugin.{name}"
    for name in ("decorator", "ending", "examples", "failures", "generators", "parametrizing")
)
"""What sessions in this process may load; each would load it anew, which NumPy does not allow."""


@pytest.fixture(scope="session")
def loaded():
    """Everything loaded, before pytester notes what there was."""
    for name in LOADED:
        importlib.import_module(name)


@pytest.fixture
def session(loaded, pytester):
    """Sessions of pytest in a folder of their own, with the plugin, and what is learnt of each test.

    What comes back: exit code, what was printed, and by id of the test its outcome and properties.
    """
    pytester.makepyfile(cli_net=NET)
    pytester.makeconftest(RECORDER)

    def run(*words, alone=False, **files):
        if files:
            pytester.makepyfile(**files)
        heard = pytester.path / "heard.jsonl"
        heard.unlink(missing_ok=True)
        call = pytester.runpytest_subprocess if alone or "-n2" in words else pytester.runpytest_inprocess
        done = call("-p", "no:cacheprovider", "-p", "verinit.pytest_plugin", *words)
        lines = heard.read_text(encoding="utf-8").splitlines() if heard.exists() else []
        rows = [(node.partition("[")[2].rstrip("]"), *rest) for node, *rest in map(json.loads, lines)]
        return SimpleNamespace(
            code=done.ret,
            text=str(done.stdout),
            errors=str(done.stderr),
            outcomes={name: outcome for name, outcome, _ in rows if name},
            told={name: dict(told) for name, _, told in rows if name},
            properties=[dict(told) for _, _, told in rows],
        )

    return run
