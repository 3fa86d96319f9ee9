"""verinit under pytest: options, a marker, a fixture, and hooks that do nothing until verinit is used.

Every session of pytest on a machine that has verinit loads this file, so it imports pytest and no more; what
works is imported by the first test that needs it.

    @verinit.parametrize_with_checks([verinit.target(he, scheme="he_normal")])
    def test_mine(target, check, case):
        check(target, case)
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from verinit.pytest_plugin.listening import LOADED, Listener
from verinit.pytest_plugin.options import ROOT, WORKER, add_options, prepare

if TYPE_CHECKING:
    import numpy as np

    from verinit.pytest_plugin.runs import Runs

RUNS: pytest.StashKey[Runs] = pytest.StashKey()
"""What this process examines, where it does."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, which change nothing for tests that are not verinit's."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """The marker, and whoever listens to what is found: not in a worker of xdist, which only finds.

    `-p no:verinit` turns everything off, as `-p no:verinit.pytest_plugin` does.
    """
    if config.pluginmanager.is_blocked("verinit"):
        config.pluginmanager.unregister(name=__name__)
        return
    config.addinivalue_line("markers", "verinit: a check of verinit at one case of one target")
    prepare(config)
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Listener(config), "verinit-listener")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Workers of xdist are told the root that was drawn once, here."""
    node.workerinput[WORKER] = node.config.stash.get(ROOT, None)


def pytest_report_header(config: pytest.Config) -> str | None:
    """The root, where one was asked for."""
    root = config.stash.get(ROOT, None)
    return None if root is None else f"verinit: root {root} (again: --verinit-seed {root})"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One item for each check at each case of each target."""
    if any(mark.args for mark in metafunc.definition.iter_markers("verinit")):
        from verinit.pytest_plugin.parametrizing import parametrize

        parametrize(metafunc)


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was selected is known: a check waits only for those that run in this session."""
    if RUNS in session.config.stash:
        session.config.stash[RUNS].select(session.items)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """The finding goes with the report of the test; a search that draws a seed is refused."""
    function: Any = getattr(item, "obj", None)
    with ExitStack() as around:
        if getattr(function, "is_hypothesis_test", False) is True:
            from verinit.pytest_plugin.examples import watched

            around.enter_context(watched(function))
        if RUNS in item.config.stash:
            around.enter_context(item.config.stash[RUNS].recorded(item))
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed claim reads as it does everywhere, without the frames of those who found it."""
    report = yield
    if report.failed and RUNS in item.config.stash:
        from verinit.pytest_plugin.failures import shorten

        shorten(report, item, call)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker of xdist says what it had loaded, for the report."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None and RUNS in session.config.stash:
        from verinit.runner.environment import environment

        output[LOADED] = [list(pair) for pair in environment()]


@pytest.fixture
def verinit_rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """A NumPy generator of this test's own, keyed by its node id and the session's root.

    The same test draws the same numbers alone, in company, in any order and under xdist; another test draws
    others. Inside `@given` it refuses to draw: its state would go on from example to example, and a failing
    example could not be found again. What a fixture draws from it before the examples begin is fixed for all.
    """
    from verinit.pytest_plugin.generators import generator_of

    return generator_of(request.node)
