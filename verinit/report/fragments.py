"""Exhibits outside a page: as text in a terminal, and as a piece of HTML in a notebook."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence
from html import escape

from verinit.report.characters import breadth, visible
from verinit.report.pictures import picture
from verinit.report.readings import Table, table
from verinit.vocabulary import Exhibit

_WIDE = 80
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_PAPER = (
    "background:#fdfdfb;color:#1c2127;padding:.5rem .8rem;overflow-x:auto;"
    "font:14px/1.45 system-ui,sans-serif;border-radius:6px"
)
_PROLOGUE = re.compile(r"^.*?(?=<svg)", re.DOTALL)


def strip(title: str, exhibits: Sequence[Exhibit]) -> str:
    """Histograms as rows of blocks and tables in columns, under a title; the chapter's figure fits 80."""
    histograms = [exhibit for exhibit in exhibits if exhibit.kind == "histogram"]
    lines = [visible(title)]
    if histograms:
        wide = max(breadth(exhibit.title) for exhibit in histograms)
        lines += ["", *(_bar(exhibit, wide) for exhibit in histograms)]
    for exhibit in exhibits:
        if exhibit.kind == "table":
            lines += ["", *columns(table(exhibit))]
            if exhibit.caption:
                lines += ["", *textwrap.wrap(visible(exhibit.caption), _WIDE)]
    return "\n".join(lines)


def _bar(exhibit: Exhibit, wide: int) -> str:
    """One histogram on one line: 30 blocks between its first and last edge."""
    top = max(exhibit.observed) or 1.0
    # a bin that is not empty shows at least the lowest block
    blocks = "".join(_EIGHTHS[-(-int(8 * count) // int(top)) if count else 0] for count in exhibit.observed)
    name = visible(exhibit.title) + " " * (wide - breadth(exhibit.title))
    return f"{name}  {exhibit.x[0]:>9.3g} |{blocks}| {exhibit.x[-1]:<9.3g}"


def columns(cells: Table) -> list[str]:
    """A table as lines, each column as wide as its widest cell; closer together where it would exceed 80."""
    rows = [cells.header, *cells.rows]
    widths = [max(breadth(row[i]) for row in rows) for i in range(len(cells.header))]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) <= _WIDE else " "
    return [
        gap.join(
            cell + " " * (width - breadth(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def fragment(exhibits: Iterable[Exhibit]) -> str:
    """Figure and tables as one element of HTML that brings its own colours; what it says is escaped."""
    shown = list(exhibits)
    parts = []
    if any(exhibit.kind != "table" for exhibit in shown):
        parts.append(_PROLOGUE.sub("", picture(shown, ".svg").decode(), count=1))
    parts += [_html(exhibit) for exhibit in shown if exhibit.kind == "table"]
    return f'<div style="{_PAPER}">{"".join(parts)}</div>'


def _html(exhibit: Exhibit) -> str:
    cells = table(exhibit)
    head = "".join(f'<th scope="col" style="text-align:left">{escape(name)}</th>' for name in cells.header)
    body = "".join(
        "<tr>" + "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row) + "</tr>"
        for row in cells.rows
    )
    caption = escape(visible(f"{exhibit.title}. {exhibit.caption}"))
    return (
        f"<table><caption style='text-align:left'>{caption}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
