"""What the process that prints and writes hears of findings, and what it does in the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from verinit.pytest_plugin.options import path_of

if TYPE_CHECKING:
    from verinit.pytest_plugin.ending import Ending

FINDING, SESSION = "verinit", "verinit_session"
LOADED = "verinit_environment"
"""Under which name a worker of xdist says what it had loaded."""


class Listener:
    """Keeps what reports of tests carry, and nothing else until the session ends."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.started = time.time()
        self.findings: dict[str, str] = {}
        self.selection = ""
        self.environments: list[tuple[tuple[str, str], ...]] = []
        self.ending: Ending | None = None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the finding of a test, by its node id."""
        for name, value in report.user_properties:
            if name == FINDING:
                self.findings[report.nodeid] = str(value)
            elif name == SESSION:
                self.selection = str(value)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Keep what a worker of xdist had loaded."""
        loaded = getattr(node, "workeroutput", {}).get(LOADED)
        if loaded:
            self.environments.append(tuple((name, version) for name, version in loaded))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write the report and compare it, if that was asked for; what cannot be done fails the session."""
        wanted = any(path_of(self.config, f"verinit_{word}") is not None for word in ("report", "baseline"))
        if self.config.option.collectonly or not (self.selection or wanted):
            return
        from verinit.pytest_plugin.ending import Ending

        self.ending = Ending.of(self, session)
        if self.ending.failed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """The section at the end, where a test of verinit has run."""
        if self.ending is not None:
            self.ending.show(terminalreporter)
