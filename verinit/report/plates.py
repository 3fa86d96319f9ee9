"""Exhibits that share a plate are panels of one figure; a plate knows its grid, its words and its size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verinit.report.legends import ALLOWED, BARS, DISCS, EXPECTED, OUTSIDE, TRACE, Entry, legend
from verinit.report.marks import DIGIT, Line, Mark, Words
from verinit.report.panels import SMALL, Frame, is_dense, lettering, outside, panel, remarks, y_ticks
from verinit.vocabulary import Exhibit

_PLOTS = {1: (320.0, 180.0), 2: (290.0, 165.0), 3: (230.0, 130.0), 4: (180.0, 96.0)}
_SMALLEST_PLOT = (148.0, 82.0)
_LINE = 13.0
_PAD = 14.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """A figure: `cells` holds its panels by (row, column), `tables` what is shown as text."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[tuple[int, int], Exhibit], ...]
    tables: tuple[Exhibit, ...]

    @property
    def panels(self) -> tuple[Exhibit, ...]:
        """The panels, row by row."""
        return tuple(exhibit for _, exhibit in self.cells)

    @property
    def caption(self) -> str:
        """The captions of all exhibits, each said once."""
        return " ".join(dict.fromkeys(e.caption for e in (*self.panels, *self.tables) if e.caption))

    @property
    def count(self) -> str:
        """How many numbers entered: "n = 100000", with "in each panel" where there are several."""
        counts = sorted({exhibit.n for exhibit in (*self.panels, *self.tables) if exhibit.n})
        if not counts:
            return ""
        several = " in each panel" if len(self.panels) > 1 else ""
        return f"n = {counts[0]}{several}" if len(counts) == 1 else f"n = {counts[0]} to {counts[-1]}"


def plates(exhibits: Iterable[Exhibit]) -> tuple[Plate, ...]:
    """One plate for each plate name, and one for each exhibit without; in the order of first appearance."""
    groups: dict[tuple[str, int], list[Exhibit]] = {}
    for position, exhibit in enumerate(exhibits):
        groups.setdefault((exhibit.plate, 0 if exhibit.plate else position + 1), []).append(exhibit)
    return tuple(_plate(name, members) for (name, _), members in groups.items())


def is_experiment(plate: Plate) -> bool:
    """Whether a plate has the form of the chapter's experiment: histograms in several rows and columns."""
    histograms = all(exhibit.kind == "histogram" for exhibit in plate.panels)
    return histograms and len(plate.rows) > 1 and len(plate.columns) > 1


def _plate(name: str, members: Sequence[Exhibit]) -> Plate:
    drawn = [exhibit for exhibit in members if exhibit.kind != "table"]
    rows = list(dict.fromkeys(exhibit.row for exhibit in drawn))
    columns = list(dict.fromkeys(exhibit.column for exhibit in drawn))
    cells: dict[tuple[int, int], Exhibit] = {}
    for exhibit in drawn:
        row, column = rows.index(exhibit.row), columns.index(exhibit.column)
        while (row, column) in cells:  # two panels for one place: the later one moves to the right
            column += 1
        columns += [""] * (column + 1 - len(columns))
        cells[row, column] = exhibit
    return Plate(
        title=name or members[0].title,
        rows=tuple(rows),
        columns=tuple(columns),
        cells=tuple(sorted(cells.items(), key=lambda item: item[0])),
        tables=tuple(exhibit for exhibit in members if exhibit.kind == "table"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Marks and the size of the sheet they are on, in pixels."""

    marks: tuple[Mark, ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """The measures of a plate, in pixels."""

    plot: tuple[float, float]
    margin: float
    above: float
    below: float
    heading: float
    shared: bool

    @property
    def step(self) -> tuple[float, float]:
        """From one panel to its right and lower neighbours."""
        return (
            self.margin + self.plot[0] + _PAD,
            self.heading + self.above + self.plot[1] + self.below + _PAD,
        )


def drawing(plate: Plate) -> Drawing:
    """The whole figure: a legend, then the panels in rows and columns."""
    grid = _measure(plate)
    width = max(len(plate.columns) * grid.step[0] + _PAD, 360.0)
    marks, y = _legend(plate, width, shared=grid.shared)
    for row, label in enumerate(plate.rows):
        if grid.heading:
            marks += _heading(label, y + grid.heading - 6, width)
        for (at, column), exhibit in plate.cells:
            if at == row:
                left = column * grid.step[0]
                marks += _cell(plate, exhibit, grid, left, y + grid.heading, plate.columns[column])
        y += grid.step[1]
    return Drawing(marks=tuple(marks), width=round(width), height=round(y))


def _measure(plate: Plate) -> _Grid:
    plot = _PLOTS.get(len(plate.columns), _SMALLEST_PLOT)
    panels = plate.panels
    labels = [label for exhibit in panels for _, label in y_ticks(exhibit, plot[1])]
    lines = max(len(remarks(exhibit)) for exhibit in panels)
    axes = {(str(exhibit.x_axis), str(exhibit.y_axis)) for exhibit in panels}
    shared = len(panels) > 1 and len(axes) == 1
    titled = len(panels) > 1
    return _Grid(
        plot=plot,
        margin=14.0 + DIGIT * SMALL * max(map(len, labels), default=3),
        above=_LINE * (titled + (not shared)) + (6 if shared else 10),
        below=_LINE * (1 + lines + (not shared)) + 8,
        heading=24.0 if any(plate.rows) else 0.0,
        shared=shared,
    )


def _heading(label: str, y: float, width: float) -> list[Mark]:
    under = Line(points=((8, y + 6), (width - _PAD, y + 6)), ink="hair", width=0.8)
    return [under, Words(point=(8, y), text=lettering(label, width - 24, size=12), size=12, bold=True)]


def _cell(plate: Plate, exhibit: Exhibit, grid: _Grid, left: float, top: float, label: str) -> list[Mark]:
    frame = Frame(left=left + grid.margin, top=top + grid.above, width=grid.plot[0], height=grid.plot[1])
    marks: list[Mark] = []
    title = (label or exhibit.title) if len(plate.panels) > 1 else ""
    if title:
        at = (frame.left, top + _LINE)
        marks.append(Words(point=at, text=lettering(title, frame.width, size=11), size=11, bold=True))
    y = frame.bottom + SMALL + 4
    if not grid.shared:
        up = Words(
            point=(left + 8, frame.top - 10),
            text=lettering(str(exhibit.y_axis), frame.width + grid.margin),
            ink="muted",
            size=SMALL,
        )
        y += _LINE
        across = Words(
            point=(frame.x(0.5), y),
            text=lettering(str(exhibit.x_axis), frame.width),
            ink="muted",
            size=SMALL,
            anchor="middle",
        )
        marks += [words for words in (up, across) if words.text]
    for line in remarks(exhibit):
        y += _LINE
        marks.append(Words(point=(frame.left, y), text=lettering(line, frame.width + _PAD), size=SMALL))
    return [*panel(exhibit, frame), *marks]


def _legend(plate: Plate, width: float, *, shared: bool) -> tuple[list[Mark], float]:
    """What the panels hold; where all axes agree, they are named here once."""
    marks, y = legend(_entries(plate.panels), width)
    if shared:
        first = plate.panels[0]
        named = [("across", str(first.x_axis)), ("up", str(first.y_axis))]
        text = ", ".join(f"{way}: {axis}" for way, axis in named if axis)
        marks.append(Words(point=(8.0, y + 2), text=lettering(text, width - 16), ink="muted", size=SMALL))
        y += 16
    return [mark for mark in marks if not isinstance(mark, Words) or mark.text], y - 2


def _entries(panels: Sequence[Exhibit]) -> list[Entry]:
    seen = [exhibit for exhibit in panels if exhibit.observed]
    curves = [exhibit for exhibit in seen if exhibit.kind == "curve"]
    shown = [
        (len(curves) < len(seen), BARS),
        (bool(curves), TRACE if all(map(is_dense, curves)) else DISCS),
        (any(exhibit.expected for exhibit in panels), EXPECTED),
        (any(exhibit.band for exhibit in panels), ALLOWED),
        (any(map(outside, curves)), OUTSIDE),
    ]
    return [entry for present, entry in shown if present]
