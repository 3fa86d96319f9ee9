"""How a failed claim looks in a terminal: the line that asked, and the message that it has everywhere."""

from __future__ import annotations

from typing import Any

import pytest

from verinit.pytest_plugin.runs import planned_check
from verinit.vocabulary import CheckFailed

STYLES = ("auto", "short")
"""Styles of --tb in which pytest leaves it to us; whoever asks for another gets it."""


def shorten(report: pytest.TestReport, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """Replace the traceback of a failed claim by the line of the test that asked for it."""
    excinfo = call.excinfo
    if excinfo is None or not isinstance(excinfo.value, CheckFailed) or planned_check(item) is None:
        return
    if item.config.getoption("tbstyle", "auto") not in STYLES or item.config.getoption("fulltrace", False):
        return
    shown: Any = excinfo.getrepr(
        style="short", tbfilter=lambda info: info.traceback.cut(path=item.path).filter(info)
    )
    name = excinfo.exconly().partition(str(excinfo.value).splitlines()[0])[0]
    for entry in shown.reprtraceback.reprentries[-1:]:
        entry.lines = [line.replace(f"E   {name}", "E   ", 1) for line in entry.lines]
    if shown.reprcrash is not None:
        shown.reprcrash.message = shown.reprcrash.message.removeprefix(name)
    report.longrepr = shown
