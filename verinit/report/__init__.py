"""A report is a pure function of what was found: one page, one summary, one JSON document.

Nothing here measures or predicts. The package reads the vocabulary only, so that an old report.json
renders without any framework; matplotlib is loaded when a page with figures is asked for, not before.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from verinit.report.files import write
    from verinit.report.junit_xml import junit
    from verinit.report.pages import html, ledger_html
    from verinit.report.sarif_log import sarif
    from verinit.report.summary import markdown
    from verinit.report.workflow_commands import github

__all__ = ["github", "html", "junit", "ledger_html", "markdown", "sarif", "write"]

_HOMES = {
    "github": "workflow_commands",
    "junit": "junit_xml",
    "html": "pages",
    "ledger_html": "pages",
    "markdown": "summary",
    "sarif": "sarif_log",
    "write": "files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
