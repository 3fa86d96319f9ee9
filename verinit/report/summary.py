"""The summary: the same order as the page, in GitHub's Markdown, short enough for a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verinit.report.commonmark import block, code, more, plain, table
from verinit.report.matrix import Cell
from verinit.report.outline import Group, Outline, command, outline, remedy, signed, tally
from verinit.report.states import OUTCOME_SIGNS
from verinit.vocabulary import Report, Ruling, wording

LIMIT = 60_000
"""Characters; GitHub refuses a comment of more than 65,536."""


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
    yield f"# verinit: {plain(whole.headline, room.text)}"
    yield "\n".join(f"- {plain(line, room.text)}" for line in (*whole.closing, _versions(report)) if line)
    yield from _failures(report, whole, room)
    yield from _undecided(report, whole, room)
    yield from _excused(whole, room)
    yield from _matrices(whole, room)
    yield from _ledger(report, room)
    yield from _tool(whole, room)
    yield from _skips(whole, room)
    yield from _again(report, room)


def _versions(report: Report) -> str:
    return ", ".join(f"{name} {value}" for name, value in report.environment[:6])


def _failures(report: Report, whole: Outline, room: _Room) -> Iterable[str]:
    if not (whole.failures or report.surprises or report.idle):
        return
    yield "## What failed or errored, worst first"
    yield "\n".join(f"- ruling changed: {plain(text, room.text)}" for text in report.surprises[: room.rows])
    yield "\n".join(f"- {wording.IDLE}: {plain(text, room.text)}" for text in report.idle[: room.rows])
    yield from _blocks(whole.failures, room, "targets and checks that failed, less grave than these")


def _blocks(groups: Sequence[Group], room: _Room, noun: str) -> Iterable[str]:
    yield from (block(wording.block(list(group)), room.text) for group in groups[: room.blocks])
    yield more(len(groups), room.blocks, noun).strip()


def _undecided(report: Report, whole: Outline, room: _Room) -> Iterable[str]:
    if not (whole.undecided or whole.open_rulings or not report.complete):
        return
    yield "## What is undecided, and what would decide it"
    if not report.complete:
        yield f"Incomplete: {wording.unfinished(report)}. Decided by letting the run finish."
    for group in whole.undecided[: room.blocks]:
        yield block(wording.block(list(group)), room.text)
        yield plain(remedy(group[0]), room.text)
    yield more(len(whole.undecided), room.blocks, "undecided trials").strip()
    yield "\n".join(
        f"- {plain(', '.join(r.id for r in together), room.text)} undecided: "
        f"{plain(together[0].summary, room.text)}"
        for together in whole.open_rulings[: room.rows]
    )


def _excused(whole: Outline, room: _Room) -> Iterable[str]:
    if not whole.excused:
        return
    yield "## Failures that were expected, with their reasons"
    rows = [
        (plain(f.claim.id, 24), code(f.target), code(f.case), plain(f.excuse, room.text))
        for f in whole.excused
    ]
    yield table(("Check", "Target", "Case", "Reason"), rows, room.rows)


def _matrices(whole: Outline, room: _Room) -> Iterable[str]:
    if not whole.matrices:
        return
    yield "## All targets and checks"
    for matrix in whole.matrices[: room.rows]:
        header = ("Target", *(plain(check, 16) for check in matrix.checks[: room.rows]))
        rows = [
            (code(target, 48), *(_cell(cell) for cell in cells[: room.rows])) for target, cells in matrix.rows
        ]
        yield table(header, rows, room.rows)


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
            plain(r.id, 24),
            f"{OUTCOME_SIGNS[r.ruling]} {r.ruling}",
            plain(r.claim, room.text // 4),
            plain(r.summary, room.text // 4),
            _measured(r, room),
        )
        for r in report.rulings
    ]
    yield table(
        ("Claim", "Ruling", "The chapter says", "What is so", "Predicted and measured"), rows, room.rows
    )


def _measured(ruling: Ruling, room: _Room) -> str:
    shown = ruling.evidence[:2]
    parts = [
        f"{plain(e.quantity, room.text // 8)}: {wording.number(e.expected)} and {wording.number(e.observed)}"
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
    yield plain(first.caption, room.text)
    rows = [[plain(cell, room.text) for cell in row] for row in first.rows]
    yield table([plain(name, 60) for name in first.header], rows, room.rows)


def _skips(whole: Outline, room: _Room) -> Iterable[str]:
    if not whole.skips:
        return
    yield "## Skipped, with reasons"
    rows = [(plain(s.check, 24), plain(s.reason, room.text), str(s.count)) for s in whole.skips]
    yield table(("Check", "Reason", "Trials"), rows, room.rows)


def _again(report: Report, room: _Room) -> Iterable[str]:
    yield "## Environment and how to run it again"
    pairs = [(plain(name, 60), plain(value, room.text)) for name, value in report.environment]
    if pairs:
        yield table(("What", "Which"), pairs, room.rows)
    yield block(command(report), room.text)
