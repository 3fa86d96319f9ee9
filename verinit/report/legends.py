"""The legend of a figure: a swatch and a word for each thing that is drawn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from verinit.report.marks import Area, Dots, Line, Mark, Point, Words

Entry = tuple[str, tuple[Area | Line | Dots, ...]]
"""A word, and its swatch as if it began at the origin of a line of text."""
LEFT, FIRST = 8.0, 14.0
"""Where the first entry of a legend stands."""
_BOX: tuple[Point, ...] = ((0.0, -9.0), (18.0, -9.0), (18.0, 1.0), (0.0, 1.0))
_ALONG: tuple[Point, ...] = ((0.0, -4.0), (18.0, -4.0))
_MIDDLE: tuple[Point, ...] = ((9.0, -4.0),)

BARS: Entry = ("observed", (Area(points=_BOX, ink="observed", opacity=0.75),))
DISCS: Entry = ("observed", (Dots(points=_MIDDLE, ink="observed"),))
TRACE: Entry = ("observed", (Line(points=_ALONG, ink="observed", width=1.4),))
EXPECTED: Entry = ("expected", (Line(points=_ALONG, ink="expected", width=1.4, dashed=True),))
ALLOWED: Entry = ("allowed", (Area(points=_BOX, ink="expected", opacity=0.22),))
OUTSIDE: Entry = ("outside", (Dots(points=_MIDDLE, ink="failed", shape="x", size=6.5),))
NOT_EXCLUDED: Entry = ("not excluded", (Line(points=_ALONG, ink="observed", width=2.0),))
INTERVAL: Entry = ("interval", NOT_EXCLUDED[1])


def legend(entries: Iterable[Entry], width: float) -> tuple[list[Mark], float]:
    """The entries in as many lines of `width` pixels as they need, and where the figure may begin below."""
    marks: list[Mark] = []
    x, y = LEFT, FIRST
    for word, swatch in entries:
        after = x + 24 + 6.4 * len(word) + 18
        if after - 18 > width and x > LEFT:
            x, y, after = LEFT, y + 16, LEFT + after - x
        marks += [_moved(mark, x, y) for mark in swatch]
        marks.append(Words(point=(x + 24, y), text=word, size=10))
        x = after
    return marks, y + 14


def _moved(mark: Area | Line | Dots, right: float, down: float) -> Mark:
    return replace(mark, points=tuple((x + right, y + down) for x, y in mark.points))
