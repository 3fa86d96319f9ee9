"""A figure in words and in numbers: its description for those who do not see it, its data as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from verinit.report.characters import visible
from verinit.report.panels import outside
from verinit.report.plates import Drawing, Plate, drawing
from verinit.vocabulary import Exhibit, Finding, wording

_DESCRIBED = 24
"""Panels described one by one; a longer description is not listened to."""


def figure(value: float) -> str:
    """A value with six significant digits, enough to tell neighbouring edges apart.

    >>> figure(0.03333333), figure(35012.0), figure(float("inf"))
    ('0.0333333', '35012', 'inf')
    """
    if math.isfinite(value) and value == round(value) and abs(value) < 1e15:
        return str(round(value))
    return f"{value:.6g}"


def place(exhibit: Exhibit) -> str:
    """Where a panel stands: "He, relu, layer 3", by its title where it has no column."""
    return visible(", ".join(part for part in (exhibit.row, exhibit.column or exhibit.title) if part))


def description(plate: Plate) -> str:
    """What the figure shows, panel by panel, in sentences made of its data."""
    panels = plate.panels
    if len(panels) == 1:
        return f"{_kind(panels[0])}. {_panel(panels[0])}"
    head = f"{len(panels)} panels in {len(plate.rows)} rows and {len(plate.columns)} columns."
    told = [f"{place(exhibit)}: {_panel(exhibit)}" for exhibit in panels[:_DESCRIBED]]
    if len(panels) > _DESCRIBED:
        told.append(f"{len(panels) - _DESCRIBED} more panels: see the table.")
    return " ".join([head, *told])


def _kind(exhibit: Exhibit) -> str:
    axes = [visible(str(axis)) for axis in (exhibit.y_axis, exhibit.x_axis) if axis.label]
    return f"{exhibit.kind.capitalize()}" + (f" of {' against '.join(axes)}" if axes else "")


def _panel(exhibit: Exhibit) -> str:
    notes = [visible(f"{name} {value}") for name, value in exhibit.notes]
    shape = _histogram(exhibit) if exhibit.kind == "histogram" else _curve(exhibit)
    return "; ".join([*shape, *notes]) + "."


def _histogram(exhibit: Exhibit) -> list[str]:
    bins = [(count, index) for index, count in enumerate(exhibit.observed) if math.isfinite(count)]
    if not bins:
        return ["no counts"]
    count, index = max(bins)
    between = f"{figure(exhibit.x[index])} to {figure(exhibit.x[index + 1])}"
    span = f"{figure(exhibit.x[0])} to {figure(exhibit.x[-1])}"
    return [f"{len(exhibit.observed)} bins from {span}, the fullest from {between} with {figure(count)}"]


def _curve(exhibit: Exhibit) -> list[str]:
    parts = []
    for name, values in (("observed", exhibit.observed), ("expected", exhibit.expected)):
        if values:
            start, end = (f"{figure(values[i])} at {figure(exhibit.x[i])}" for i in (0, -1))
            parts.append(f"{name} {start} to {end}")
    if exhibit.band:
        parts.append(f"{len(outside(exhibit))} of {len(exhibit.observed)} points outside the allowed region")
    return parts or ["no values"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Text in rows and columns."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def table(exhibit: Exhibit) -> Table:
    """The numbers behind a panel, or the cells of a table."""
    if exhibit.kind == "table":
        rows = tuple(tuple(map(visible, row)) for row in exhibit.rows)
        return Table(title=visible(exhibit.title), header=tuple(map(visible, exhibit.header)), rows=rows)
    columns: list[tuple[str, Sequence[str]]] = [_abscissae(exhibit)]
    if exhibit.observed:
        columns.append(("observed", [figure(value) for value in exhibit.observed]))
    if exhibit.expected:
        columns.append(("expected", [figure(value) for value in exhibit.expected]))
    if exhibit.band:
        between = [f"{figure(low)} to {figure(high)}" for low, high in zip(*exhibit.band, strict=False)]
        columns.append(("allowed", between))
    header, cells = zip(*columns, strict=True)
    return Table(title=place(exhibit), header=header, rows=tuple(zip(*cells, strict=False)))


def _abscissae(exhibit: Exhibit) -> tuple[str, list[str]]:
    label = visible(str(exhibit.x_axis)) or "x"
    if exhibit.kind == "curve":
        return label, [figure(x) for x in exhibit.x]
    bins = zip(exhibit.x, exhibit.x[1:], strict=False)
    return label, [f"{figure(low)} to {figure(high)}" for low, high in bins]


@dataclass(frozen=True, slots=True, kw_only=True)
class Illustration:
    """A figure as it is printed: what is drawn, in words too, and its numbers; or tables alone.

    `count` says how many numbers entered; `data` are the tables under a drawing, `tables` those without one.
    """

    title: str
    caption: str
    count: str
    drawing: Drawing | None = None
    description: str = ""
    data: tuple[Table, ...] = ()
    tables: tuple[Table, ...] = ()


def illustration(plate: Plate) -> Illustration:
    """The figure that a plate stands for."""
    return Illustration(
        title=plate.title,
        caption=plate.caption,
        count=plate.count,
        drawing=drawing(plate) if plate.panels else None,
        description=description(plate) if plate.panels else "",
        data=tuple(map(table, plate.panels)),
        tables=tuple(map(table, plate.tables)),
    )


def basis(finding: Finding) -> str:
    """What the verdict of a finding rests on: "judged on n = 354215, Chernoff, false-fail rate 5e-10"."""
    evidence = finding.evidence
    if evidence is None:
        return ""
    parts = [f"n = {evidence.n}"] if evidence.n else []
    parts.append(visible(evidence.basis))
    if evidence.p is not None:
        rates = finding.rates
        parts.append(f"false-fail rate {wording.short(rates.false_fail)}")
        parts.append(f"false-pass rate {wording.short(rates.false_pass)}")
    return f"judged on {', '.join(parts)}"
