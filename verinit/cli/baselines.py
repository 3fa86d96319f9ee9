"""A stored report as a baseline: read, compared with, printed in one of four forms, and as an exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from verinit.comparison import Change, Comparison, State
from verinit.comparison.wording import HEADER, block, cells, closing, grouped, headline, listed
from verinit.report.characters import brief, clipped, visible
from verinit.vocabulary import Finding, Report, Ruling, UsageError
from verinit.vocabulary.document import decode, plain

SCHEMA = "verinit.comparison/1"
_ROWS, _CELL = 60, 200
_ANNOTATIONS, _TITLE, _TEXT = 8, 120, 3000
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")
_QUIET = (State.identical, State.unchanged)


def stored(path: Path) -> Report:
    """The report in a file, or in the folder that a run wrote.

    Raises `UsageError` naming the file: it cannot be read, is cut off, no report, or of a later version.
    """
    try:
        return decode((path / "report.json" if path.is_dir() else path).read_bytes())
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}); give the report.json of an earlier run"
        ) from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


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
    lines = [f"# verinit compare: {_plain(headline(found))}", ""]
    lines += [f"- {_plain(line)}" for line in closing(found)[1:]]
    rows = listed(found)
    if rows:
        lines += ["", f"| {' | '.join(HEADER)} |", f"|{' --- |' * len(HEADER)}"]
        lines += [f"| {' | '.join(map(_plain, cells(group)))} |" for group in rows[:_ROWS]]
    if len(rows) > _ROWS:
        lines += ["", f"{len(rows) - _ROWS} more rows: see the JSON form."]
    return "\n".join(lines) + "\n"


def _plain(words: str) -> str:
    """Text that Markdown shows as it is, on one line; an @ or a link in it calls nobody."""
    line = _SPECIAL.sub(r"\\\1", brief(words, _CELL))
    return line.replace("&", "&amp;").replace("@", "&#64;").replace("://", "&#58;//")


# -- GitHub Actions --------------------------------------------------------------------------------


def github(found: Comparison) -> str:
    """Errors for what regressed, warnings for what is undecided, and one line with the verdict."""
    lines = [*_commands(found, "regressed", "error"), *_commands(found, "undecided", "warning")]
    kind = "notice" if found else "error"
    return "\n".join([*lines, _command(kind, "verinit compare", "\n".join(closing(found)))]) + "\n"


def _commands(found: Comparison, state: str, kind: str) -> list[str]:
    groups = grouped(one for one in (*found.changes, *found.rulings) if str(one.state) == state)
    lines = [
        _command(kind, f"{state} {group[0].check} {group[0].target} at {group[0].case}", block(group))
        for group in groups[:_ANNOTATIONS]
    ]
    left = len(groups) - len(lines)
    return [*lines, _command(kind, f"{left} more {state}", "see the JSON form")] if left else lines


def _command(kind: str, title: str, words: str) -> str:
    head = _message(brief(title, _TITLE)).replace(":", "%3A").replace(",", "%2C")
    return f"::{kind} title={head}::{_message(clipped(words, _TEXT))}"


def _message(words: str) -> str:
    return words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


FORMS: dict[str, Callable[[Comparison], str]] = {
    "text": text,
    "json": encode,
    "markdown": markdown,
    "github": github,
}
