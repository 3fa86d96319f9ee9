"""A stored report as a baseline: read, compared with, printed in one of four forms, and as an exit code."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from verinit.comparison import Change, Comparison, State
from verinit.comparison.wording import HEADER, block, cells, closing, grouped, headline, listed
from verinit.report.characters import visible
from verinit.report.commonmark import plain as marked
from verinit.report.commonmark import table
from verinit.report.workflow_commands import SHOWN, annotation
from verinit.vocabulary import Finding, Report, Ruling, UsageError
from verinit.vocabulary.document import decode, plain

SCHEMA = "verinit.comparison/1"
_ROWS, _CELL = 60, 200
_QUIET = (State.identical, State.unchanged)


def stored(path: Path) -> Report:
    """The report in a file, or in the folder that a run wrote.

    Raises `UsageError` naming the file: it cannot be read, is cut off, no report, or of a later version.
    """
    file = path / "report.json" if path.is_dir() else path
    try:
        return decode(file.read_bytes())
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read ({error.strerror}); give the report.json of an earlier run"
        ) from None
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None


def comparison_code(found: Comparison, *, strict: bool = False) -> int:
    """The exit code of a comparison: 1 > 5 > 4 > 0."""
    if found.of(State.regressed):
        return 1
    if found.empty:
        return 5
    return 4 if found.partial or (strict and found.open) else 0


def text(found: Comparison) -> str:
    """The comparison as the terminal shows it, control characters made visible."""
    return visible(str(found))


# -- JSON ------------------------------------------------------------------------------------------


def encode(found: Comparison) -> str:
    """The comparison as a JSON document: every change that is not identical, and all counts."""
    whole = {
        "schema": SCHEMA,
        "green": bool(found),
        "counts": found.counts,
        "alpha": found.alpha,
        "tested": found.tested,
        "partial": found.partial,
        "notes": list(found.notes),
        "changes": [_entry(one) for one in found.changes if one.state is not State.identical],
        "rulings": [_entry(one) for one in found.rulings if one.state is not State.identical],
    }
    return json.dumps(plain_tree(whole), indent=1, allow_nan=False) + "\n"


def plain_tree(value: Any) -> Any:
    """As `plain`, through dictionaries too."""
    if isinstance(value, dict):
        return {name: plain_tree(item) for name, item in value.items()}
    return [plain_tree(item) for item in value] if isinstance(value, list | tuple) else plain(value)


def _entry(one: Change) -> dict[str, Any]:
    return {
        "target": one.target,
        "check": one.check,
        "case": one.case,
        "state": str(one.state),
        "reason": one.reason,
        "old": _side(one.old),
        "new": _side(one.new),
        "difference": one.difference,
        "interval": one.interval,
        "margin": one.margin,
        "method": one.method,
        "p": one.p,
        "needs": one.needs,
    }


def _side(found: Finding | Ruling | None) -> dict[str, Any] | None:
    if isinstance(found, Ruling):
        return {"ruling": str(found.ruling)}
    if found is None:
        return None
    return {"id": found.id, "verdict": str(found.verdict), "evidence": found.evidence}


# -- Markdown --------------------------------------------------------------------------------------


def markdown(found: Comparison) -> str:
    """The comparison as GitHub's Markdown: the counts, and one table of what is not as it was."""
    lines = [f"# verinit compare: {marked(headline(found), _CELL)}", ""]
    lines += [f"- {marked(line, _CELL)}" for line in closing(found)[1:]]
    rows = [tuple(marked(cell, _CELL) for cell in cells(group)) for group in listed(found)]
    if rows:
        lines += ["", table(HEADER, rows, _ROWS, where="the JSON form")]
    return "\n".join(lines) + "\n"


# -- GitHub Actions --------------------------------------------------------------------------------


def github(found: Comparison) -> str:
    """Errors for what regressed, warnings for what is undecided, and one line with the verdict."""
    lines = [*_commands(found, "regressed", "error"), *_commands(found, "undecided", "warning")]
    kind = "notice" if found else "error"
    return "\n".join([*lines, annotation(kind, "verinit compare", "\n".join(closing(found)))]) + "\n"


def _commands(found: Comparison, state: str, kind: str) -> list[str]:
    groups = grouped(one for one in (*found.changes, *found.rulings) if str(one.state) == state)
    lines = [
        annotation(kind, f"{state} {group[0].check} {group[0].target} at {group[0].case}", block(group))
        for group in groups[:SHOWN]
    ]
    left = len(groups) - len(lines)
    return [*lines, annotation(kind, f"{left} more {state}", "see the JSON form")] if left else lines


FORMS: dict[str, Callable[[Comparison], str]] = {
    "text": text,
    "json": encode,
    "markdown": markdown,
    "github": github,
}
