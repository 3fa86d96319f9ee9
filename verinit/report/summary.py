"""The summary: the same order as the page, in GitHub's Markdown, short enough for a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verinit.report.characters import brief, clipped
from verinit.report.matrix import Cell
from verinit.report.outline import Group, Outline, command, outline, remedy, signed, tally
from verinit.report.states import OUTCOME_SIGNS
from verinit.vocabulary import Report, Ruling, wording

LIMIT = 60_000
"""Characters; GitHub refuses a comment of more than 65,536."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How many findings are shown in full, how many rows a table has, how long one text may be."""

    blocks: int
    rows: int
    text: int


_ROOMS = (
    _Room(blocks=20, rows=60, text=1500),
    _Room(blocks=8, rows=30, text=700),
    _Room(blocks=4, rows=10, text=200),
    _Room(blocks=1, rows=3, text=60),
)


def markdown(report: Report) -> str:
    """The report as Markdown of at most `LIMIT` characters; what is left out is counted."""
    whole = outline(report)
    text = ""
    for room in _ROOMS:
        text = "\n\n".join(part for part in _parts(report, whole, room) if part) + "\n"
        if len(text) <= LIMIT:
            break
    return text


def _parts(report: Report, whole: Outline, room: _Room) -> Iterable[str]:
    yield f"# verinit: {_plain(whole.headline, room.text)}"
    yield "\n".join(f"- {_plain(line, room.text)}" for line in (*whole.closing, _versions(report)) if line)
    yield from _failures(report, whole, room)
    yield from _undecided(report, whole, room)
    yield from _excused(whole, room)
    yield from _matrices(whole, room)
    yield from _ledger(report, room)
    yield from _tool(whole, room)
    yield from _skips(whole, room)
    yield from _again(report, room)


def _plain(text: object, width: int) -> str:
    """Text that Markdown shows as it is, on one line; an @ or a link in it calls nobody."""
    line = _SPECIAL.sub(r"\\\1", brief(str(text), width))
    return line.replace("&", "&amp;").replace("@", "&#64;").replace("://", "&#58;//")


def _code(text: object, width: int = 60) -> str:
    """Text as code, its fence longer than any run of backticks in it; safe in a table.

    Readers differ on a bar after a backslash in code, so such text is given as text.
    """
    if r"\|" in (shown := brief(str(text), width)):
        return _plain(shown, width)
    line = shown.replace("|", r"\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}" if line else ""


def _block(text: str, length: int) -> str:
    shown = clipped(text, length)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{fence}text\n{shown}\n{fence}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], limit: int) -> str:
    lines = [header, ["---"] * len(header), *rows[:limit]]
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    return text + _more(len(rows), limit, "rows")


def _more(total: int, limit: int, noun: str) -> str:
    return f"\n\n{total - limit} more {noun}: see report.json." if total > limit else ""


def _versions(report: Report) -> str:
    return ", ".join(f"{name} {value}" for name, value in report.environment[:6])


def _failures(report: Report, whole: Outline, room: _Room) -> Iterable[str]:
    if not (whole.failures or report.surprises):
        return
    yield "## What failed or errored, worst first"
    yield "\n".join(f"- ruling changed: {_plain(text, room.text)}" for text in report.surprises[: room.rows])
    yield from _blocks(whole.failures, room, "targets and checks that failed, less grave than these")


def _blocks(groups: Sequence[Group], room: _Room, noun: str) -> Iterable[str]:
    yield from (_block(wording.block(list(group)), room.text) for group in groups[: room.blocks])
    yield _more(len(groups), room.blocks, noun).strip()


def _undecided(report: Report, whole: Outline, room: _Room) -> Iterable[str]:
    if not (whole.undecided or whole.open_rulings or not report.complete):
        return
    yield "## What is undecided, and what would decide it"
    if not report.complete:
        run = f"{len(report.findings)} of {report.planned} planned trials were run."
        yield f"{run} Decided by letting the run finish."
    for group in whole.undecided[: room.blocks]:
        yield _block(wording.block(list(group)), room.text)
        yield _plain(remedy(group[0]), room.text)
    yield _more(len(whole.undecided), room.blocks, "undecided trials").strip()
    yield "\n".join(
        f"- {_plain(', '.join(r.id for r in together), room.text)} undecided: "
        f"{_plain(together[0].summary, room.text)}"
        for together in whole.open_rulings[: room.rows]
    )


def _excused(whole: Outline, room: _Room) -> Iterable[str]:
    if not whole.excused:
        return
    yield "## Failures that were expected, with their reasons"
    rows = [
        (_plain(f.claim.id, 24), _code(f.target), _code(f.case), _plain(f.excuse, room.text))
        for f in whole.excused
    ]
    yield _table(("Check", "Target", "Case", "Reason"), rows, room.rows)


def _matrices(whole: Outline, room: _Room) -> Iterable[str]:
    if not whole.matrices:
        return
    yield "## All targets and checks"
    for matrix in whole.matrices[: room.rows]:
        header = ("Target", *(_plain(check, 16) for check in matrix.checks[: room.rows]))
        rows = [
            (_code(target, 48), *(_cell(cell) for cell in cells[: room.rows]))
            for target, cells in matrix.rows
        ]
        yield _table(header, rows, room.rows)


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "·"
    count = f"{cell.count} of {cell.total}" if cell.count < cell.total else str(cell.total)
    return f"{signed(cell.state)} {count}"


def _ledger(report: Report, room: _Room) -> Iterable[str]:
    if not report.rulings:
        return
    yield "## The textbook ledger"
    yield f"What the chapter says, held to measurement and to theory: {tally(report)}."
    rows = [
        (
            _plain(r.id, 24),
            f"{OUTCOME_SIGNS[r.ruling]} {r.ruling}",
            _plain(r.claim, room.text // 4),
            _plain(r.summary, room.text // 4),
            _measured(r, room),
        )
        for r in report.rulings
    ]
    yield _table(
        ("Claim", "Ruling", "The chapter says", "What is so", "Predicted and measured"), rows, room.rows
    )


def _measured(ruling: Ruling, room: _Room) -> str:
    shown = ruling.evidence[:2]
    parts = [
        f"{_plain(e.quantity, room.text // 8)}: {wording.number(e.expected)} and {wording.number(e.observed)}"
        for e in shown
    ]
    left = len(ruling.evidence) - len(shown)
    return "<br>".join(parts) + (f"<br>{left} more" if left else "")


def _tool(whole: Outline, room: _Room) -> Iterable[str]:
    """The first table about verinit itself; the rest is on the page."""
    first = next((table for plate in whole.tool for table in plate.tables), None)
    if first is None:
        return
    yield "## Is the tool itself right"
    yield _plain(first.caption, room.text)
    rows = [[_plain(cell, room.text) for cell in row] for row in first.rows]
    yield _table([_plain(name, 60) for name in first.header], rows, room.rows)


def _skips(whole: Outline, room: _Room) -> Iterable[str]:
    if not whole.skips:
        return
    yield "## Skipped, with reasons"
    rows = [(_plain(s.check, 24), _plain(s.reason, room.text), str(s.count)) for s in whole.skips]
    yield _table(("Check", "Reason", "Trials"), rows, room.rows)


def _again(report: Report, room: _Room) -> Iterable[str]:
    yield "## Environment and how to run it again"
    pairs = [(_plain(name, 60), _plain(value, room.text)) for name, value in report.environment]
    if pairs:
        yield _table(("What", "Which"), pairs, room.rows)
    yield _block(command(report), room.text)
