"""A figure made of evidence alone: what was expected, allowed and observed, one line for each case.

For findings whose check draws nothing of its own, so that every failure has its picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verinit.report.characters import brief, visible
from verinit.report.legends import ALLOWED, DISCS, EXPECTED, INTERVAL, NOT_EXCLUDED, OUTSIDE, Entry, legend
from verinit.report.marks import DIGIT, Area, Dots, Line, Mark, Words
from verinit.report.panels import SMALL, lettering
from verinit.report.plates import Drawing
from verinit.report.readings import Illustration, Table, basis, figure
from verinit.report.scales import Scale, scale, ticks
from verinit.vocabulary import Evidence, Finding, wording

MOST = 8
"""Cases drawn in one figure; the rest are counted below it."""
_LABEL, _PLOT, _VALUE, _ROW = 120.0, 250.0, 74.0, 24.0
_THIN = 1.2
"""Half the width, in pixels, below which an allowed region could not be seen."""
_SEEN = 0.01
"""Two lengths that differ by less than this share of the larger one look the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """One case on the axis of the figure: all in the claim's units."""

    case: str
    n: int
    expected: float
    allowed: tuple[float, float]
    observed: float
    outside: bool
    interval: tuple[float, float] | None
    sampled: bool


def intervals(findings: Sequence[Finding]) -> Illustration | None:
    """The evidence of one claim for one target; None where nothing finite was expected.

    Cases share an axis, so only those are drawn that measured the quantity that the first one did. Where a
    verdict does not rest on observed less expected (a relative distance, the worst of many), the axis is
    the distance that was judged.
    """
    pairs = [(f, f.evidence) for f in findings if f.evidence and math.isfinite(f.evidence.expected)]
    if not pairs:
        return None
    finding, first = pairs[0]
    plain = all(_is_plain(evidence) for _, evidence in pairs)
    rows = [
        _plain(finding, evidence) if plain else _judged(finding, evidence)
        for finding, evidence in pairs
        if evidence.quantity == first.quantity and (evidence.expected == first.expected or not plain)
    ][:MOST]
    left = len(findings) - len(rows)
    caption = "What was expected, allowed and observed" + (", case by case." if len(rows) > 1 else ".")
    if left:
        caption += f" {left} more case{'s' * (left > 1)} not drawn."
    quantity = first.quantity if plain else f"distance judged: {first.quantity}"
    return Illustration(
        title=f"{first.quantity} for {finding.target}",
        caption=caption,
        count=f"J{basis(finding)[1:]}",
        drawing=_drawing(rows, quantity),
        description=" ".join(map(_told, rows)),
        data=(_table(rows, quantity),),
    )


def _is_plain(evidence: Evidence) -> bool:
    """Whether the distance is what an eye sees between the expected value and what was observed of it."""
    if not math.isfinite(evidence.distance):
        return not math.isfinite(evidence.observed)
    seen = abs(evidence.observed - evidence.expected)
    gaps = [seen]
    if evidence.interval:
        low, high = evidence.interval
        gaps.append(max(low - evidence.expected, evidence.expected - high, 0.0))
    scale = max(seen, evidence.distance, evidence.tolerance)
    return any(abs(gap - evidence.distance) <= _SEEN * scale for gap in gaps)


def _plain(finding: Finding, evidence: Evidence) -> _Row:
    return _Row(
        case=str(finding.case),
        n=evidence.n,
        expected=evidence.expected,
        allowed=(evidence.expected - evidence.tolerance, evidence.expected + evidence.tolerance),
        observed=evidence.observed,
        outside=not evidence.distance <= evidence.tolerance,
        interval=evidence.interval,
        sampled=evidence.p is not None,
    )


def _judged(finding: Finding, evidence: Evidence) -> _Row:
    return _Row(
        case=str(finding.case),
        n=evidence.n,
        expected=0.0,
        allowed=(0.0, evidence.tolerance),
        observed=evidence.distance,
        outside=not evidence.distance <= evidence.tolerance,
        interval=None,
        sampled=False,
    )


def _drawing(rows: Sequence[_Row], quantity: str) -> Drawing:
    width = _LABEL + _PLOT + _VALUE
    marks, top = legend(_entries(rows), width)
    bottom = top + _ROW * len(rows)
    on = scale([value for row in rows for value in _spanned(row)], room=0.06)
    marks += _axis(on, top, bottom)
    for index, row in enumerate(rows):
        marks += _marks(row, on, top + _ROW * (index + 0.5))
    named = lettering(visible(quantity), 2 * (_PLOT / 2 + _VALUE) - 8)
    at = (_LABEL + _PLOT / 2, bottom + 2 * SMALL + 10)
    marks.append(Words(point=at, text=named, ink="muted", size=SMALL, anchor="middle"))
    return Drawing(marks=tuple(marks), width=round(width), height=round(bottom + 2 * SMALL + 18))


def _spanned(row: _Row) -> Iterable[float]:
    yield from (row.expected, row.observed, *row.allowed, *(row.interval or ()))


def _entries(rows: Sequence[_Row]) -> list[Entry]:
    present = [
        (True, ALLOWED),
        (True, EXPECTED),
        (any(not row.outside for row in rows), DISCS),
        (any(row.outside for row in rows), OUTSIDE),
        (any(row.interval for row in rows), NOT_EXCLUDED if _sampled(rows) else INTERVAL),
    ]
    return [entry for wanted, entry in present if wanted]


def _sampled(rows: Sequence[_Row]) -> bool:
    """Whether the intervals are what a sample leaves open, rather than what a law allows."""
    return any(row.sampled for row in rows)


def _said(row: _Row) -> str:
    """The observed value, or by how much it is off where five digits would not show it."""
    value = wording.number(row.observed)
    if row.outside and value == wording.number(row.expected):
        return f"{row.observed - row.expected:.2g} off"
    return value


def _axis(on: Scale, top: float, bottom: float) -> list[Mark]:
    marks: list[Mark] = [Line(points=((_LABEL, bottom), (_LABEL + _PLOT, bottom)), ink="muted", width=0.8)]
    for share, label in ticks(on, most=5, room=_PLOT, size=DIGIT * SMALL):
        x = _LABEL + share * _PLOT
        marks.append(Line(points=((x, top), (x, bottom)), ink="hair", width=0.7))
        at = (x, bottom + SMALL + 4)
        marks.append(Words(point=at, text=label, ink="muted", size=SMALL, anchor="middle"))
    return marks


def _marks(row: _Row, on: Scale, y: float) -> list[Mark]:
    """One case: its name, the allowed region about the expected value, what was seen, and that in figures."""

    def x(value: float) -> float:
        return _LABEL + (on.clamped(value) or 0.0) * _PLOT

    name = brief(row.case, int((_LABEL - 12) / (DIGIT * SMALL)))
    centre = x(row.expected)
    low, high = min(x(row.allowed[0]), centre - _THIN), max(x(row.allowed[1]), centre + _THIN)
    up, down, base = y - 8, y + 8, y + 0.35 * SMALL
    marks: list[Mark] = [
        Words(point=(_LABEL - 8, base), text=name, size=SMALL, anchor="end"),
        Area(points=((low, up), (high, up), (high, down), (low, down)), ink="expected", opacity=0.22),
        Line(points=((centre, up), (centre, down)), ink="expected", width=1.4, dashed=True),
        Words(point=(_LABEL + _PLOT + 10, base), text=_said(row), size=SMALL),
    ]
    if row.interval and not any(map(math.isnan, row.interval)):
        ends = tuple((x(end), y) for end in row.interval)
        marks.append(Line(points=ends, ink="observed", width=2.0))
    if not math.isnan(row.observed):
        seen = ((x(row.observed), y),)
        cross = Dots(points=seen, ink="failed", shape="x", size=6.5)
        marks.append(cross if row.outside else Dots(points=seen, ink="observed"))
    return marks


def _told(row: _Row) -> str:
    where = "outside" if row.outside else "within"
    return (
        f"At {brief(row.case, 60)}: observed {figure(row.observed)}, {where} the allowed "
        f"{_range(row.allowed)} about the expected {figure(row.expected)}."
    )


def _range(ends: tuple[float, float]) -> str:
    return " to ".join(map(figure, ends))


def _table(rows: Sequence[_Row], quantity: str) -> Table:
    cells = tuple(
        (
            brief(row.case, 60),
            figure(row.expected),
            _range(row.allowed),
            figure(row.observed),
            _range(row.interval) if row.interval else "",
            str(row.n),
        )
        for row in rows
    )
    interval = "not excluded by the sample" if _sampled(rows) else "interval"
    header = ("case", "expected", "allowed", "observed", interval, "n")
    return Table(title=visible(quantity), header=header, rows=cells)
