"""Exhibits outside a page, as text in a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from verinit.report.characters import breadth, visible
from verinit.report.readings import Table, table
from verinit.vocabulary import Exhibit

_WIDE = 80
_EIGHTHS = " ▁▂▃▄▅▆▇█"


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
    """A table as lines, each column as wide as its widest cell."""
    rows = [cells.header, *cells.rows]
    widths = [max(breadth(row[i]) for row in rows) for i in range(len(cells.header))]
    return [
        "  ".join(
            cell + " " * (width - breadth(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
