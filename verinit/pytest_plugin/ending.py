"""The end of a session: one report of all its verinit tests, what is printed, written and compared."""

from __future__ import annotations

import importlib
import shlex
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from verinit.pytest_plugin.listening import Listener
from verinit.pytest_plugin.options import ROOT, path_of
from verinit.pytest_plugin.properties import Selection, heard
from verinit.vocabulary import ROOT as USUAL
from verinit.vocabulary import Finding, Report, VerinitError
from verinit.vocabulary.document import decode
from verinit.vocabulary.wording import closing, short

SHOWN = 10
"""Failures that are named with the command that shows them again; the others are in the list above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What a session found, and the lines that say so; `failed` where more went wrong than a test."""

    lines: tuple[str, ...]
    failed: bool

    @classmethod
    def of(cls, heard_of: Listener, session: pytest.Session) -> Ending:
        """The end of a session that ran tests of verinit, or was asked for their report."""
        config = heard_of.config
        if not heard_of.selection:
            asked = " and ".join(f"--verinit-{word}" for word in _wanted(config))
            return cls(lines=(f"no verinit test ran: {asked} had nothing to work on",), failed=False)
        selection = Selection.read(heard_of.selection)
        found = {node: heard(text) for node, text in heard_of.findings.items()}
        report = _report(heard_of, session, selection, list(found.values()))
        lines, failed = list(closing(report)), False
        lines.insert(2, _budgets(selection))
        folder, baseline = path_of(config, "verinit_report"), path_of(config, "verinit_baseline")
        by_node = {node: finding for node, (finding, _) in found.items()}
        lines += _again(by_node, folder, config)
        for step, place in ((_written, folder), (_compared, baseline)):
            if place is not None:
                said, wrong = step(report, place)
                lines += said
                failed = failed or wrong
        return cls(lines=tuple(lines), failed=failed)

    def show(self, terminal: pytest.TerminalReporter) -> None:
        """Print the section."""
        terminal.section("verinit")
        for line in self.lines:
            terminal.write_line(line)


def _wanted(config: pytest.Config) -> list[str]:
    return [word for word in ("report", "baseline") if path_of(config, f"verinit_{word}") is not None]


def _report(
    heard_of: Listener, session: pytest.Session, selection: Selection, found: list[tuple[Finding, bool]]
) -> Report:
    """The report of a session; incomplete if anything that was selected has not been found."""
    from verinit.runner.environment import environment, merged

    findings = {finding.id: (finding, unasked) for finding, unasked in found}
    unasked = sum(unasked for _, unasked in findings.values())
    stopped = bool(session.shouldstop or session.shouldfail)
    whole = len(findings) == selection.planned + selection.unasked
    interrupted = session.exitstatus == pytest.ExitCode.INTERRUPTED
    seconds = time.time() - heard_of.started
    return Report(
        battery=selection.battery,
        root=selection.root,
        false_fail=selection.false_fail,
        planned=selection.planned,
        unasked=unasked,
        findings=tuple(findings[name][0] for name in sorted(findings)),
        complete=whole and not interrupted and not stopped,
        environment=merged(environment(), *heard_of.environments),
        run=(
            ("started", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(heard_of.started))),
            ("seconds", f"{seconds:.2f}"),
            ("command", shlex.join(["pytest", *map(str, heard_of.config.invocation_params.args)])),
        ),
    )


def _budgets(selection: Selection) -> str:
    """How the budgets of the decorators add up."""
    if selection.tests == 1:
        return f"one decorated test, one run of {short(selection.false_fail)} with shares fixed before it"
    each = short(selection.false_fail / selection.tests)
    return f"the sum over {selection.tests} decorated tests, each a run of {each} with shares of its own"


def _again(by_node: dict[str, Finding], folder: Path | None, config: pytest.Config) -> list[str]:
    """How to see each failure again: the test alone, and the finding alone where its target can be found."""
    red = [(node, finding) for node, finding in by_node.items() if finding.red]
    root = config.stash.get(ROOT, USUAL)
    seed = "" if root == USUAL else f" --verinit-seed {root}"
    lines = []
    for node, finding in red[:SHOWN]:
        lines.append(f"again  pytest {shlex.quote(node)}{seed}")
        if finding.replayable and folder is not None:
            source = shlex.quote(_near(folder / "report.json"))
            lines.append(f"   or  verinit replay {finding.short_id} --from {source}")
        elif finding.replayable:
            lines.append(f"   or  verinit replay {shlex.quote(finding.id)}")
    return lines + ([f"again  {len(red) - SHOWN} more failures are named above"] if len(red) > SHOWN else [])


def _near(path: Path) -> str:
    """A path as it may be typed here: without the current folder."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


def _written(report: Report, folder: Path) -> tuple[list[str], bool]:
    """Write the report, with what is known of verinit itself."""
    from verinit.calibration.exhibits import exhibits
    from verinit.calibration.record import shipped
    from verinit.report import write

    measured = shipped()
    try:
        page = write(report if measured is None else replace(report, exhibits=exhibits(measured)), folder)
    except VerinitError as error:
        return [f"NOT WRITTEN: {error}"], True
    return [f"report {_near(page)}"], False


def _compared(report: Report, path: Path) -> tuple[list[str], bool]:
    """Compare with an earlier report; what has regressed fails the session."""
    compare: Any = importlib.import_module("verinit.comparison").compare
    try:
        result = compare(decode(path.read_bytes()), report)
    except (OSError, VerinitError) as error:
        return [f"NOT COMPARED: --verinit-baseline {path}: {error}"], True
    return str(result).splitlines(), not result
