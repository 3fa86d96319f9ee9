"""One exhibit becomes one panel: what was observed, what was expected, and the region that was allowed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from verinit.report.characters import brief
from verinit.report.marks import DIGIT, Area, Dots, Line, Mark, Point, Words
from verinit.report.scales import Scale, Tick, scale, ticks
from verinit.vocabulary import Exhibit

SMALL = 10.0
"""Size of tick labels and notes, in pixels."""
_MANY = 80
_TICK = 3.0
_ALONE = 4.0
Heights = Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The plot area of a panel, in pixels."""

    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """The base line."""
        return self.top + self.height

    def x(self, share: float) -> float:
        """Pixels from the left edge of the figure."""
        return self.left + share * self.width

    def y(self, share: float) -> float:
        """Pixels from the upper edge of the figure; a share of 1 is the top of the plot area."""
        return self.bottom - share * self.height


@dataclass(frozen=True, slots=True, kw_only=True)
class Scales:
    """Both scales of an exhibit, over all that it shows."""

    x: Scale
    y: Scale


def drawable(exhibit: Exhibit) -> bool:
    """Whether there is anything to draw: some abscissa, and for a histogram edges that rise."""
    if exhibit.kind == "histogram":
        rising = all(low < high for low, high in pairwise(exhibit.x))
        placed = scale(exhibit.x, log=exhibit.x_axis.log).places
        return len(exhibit.x) > 1 and rising and all(map(placed, exhibit.x))
    return any(math.isfinite(x) and (x > 0 or not exhibit.x_axis.log) for x in exhibit.x)


def scales(exhibit: Exhibit) -> Scales:
    """The scales of a drawable exhibit: histograms stand on zero, curves have room at both ends."""
    bars = exhibit.kind == "histogram"
    heights = [
        *exhibit.observed,
        *exhibit.expected,
        *(exhibit.band[0] + exhibit.band[1] if exhibit.band else ()),
    ]
    log = exhibit.y_axis.log
    return Scales(
        x=scale(exhibit.x, log=exhibit.x_axis.log, room=0.0 if bars else 0.04),
        y=scale(heights, log=log, floor=0.0 if bars else None, room=0.06),
    )


def is_dense(exhibit: Exhibit) -> bool:
    """Whether the points of a curve are too many to be told apart, so that a line alone is drawn."""
    return len(exhibit.observed) > _MANY


def undrawn(exhibit: Exhibit) -> int:
    """How many observed or expected values have no place in the panel."""
    if not drawable(exhibit):
        return 0
    places = scales(exhibit).y.places
    standing = exhibit.kind == "histogram"
    return sum(
        not places(value) and not (standing and value == 0)
        for value in (*exhibit.observed, *exhibit.expected)
    )


def y_ticks(exhibit: Exhibit, frame_height: float) -> list[Tick]:
    """Ticks of the vertical axis for a plot area of that height."""
    if not drawable(exhibit):
        return []
    most = max(2, min(5, int(frame_height / 26)))
    return ticks(scales(exhibit).y, most=most, room=frame_height)


def panel(exhibit: Exhibit, frame: Frame) -> list[Mark]:
    """The marks of one histogram or curve within `frame`; a sentence where nothing can be drawn."""
    if not drawable(exhibit):
        middle = (frame.x(0.5), frame.y(0.5))
        why = "no finite, rising edges" if exhibit.kind == "histogram" else "no value to draw"
        return [_base(frame), Words(point=middle, text=why, ink="muted", size=SMALL, anchor="middle")]
    on = scales(exhibit)
    body = _bars(exhibit, frame, on) if exhibit.kind == "histogram" else _curve(exhibit, frame, on)
    return [*_grid(exhibit, frame), *body, _base(frame), *_x_ticks(frame, on.x)]


def _base(frame: Frame) -> Line:
    return Line(points=((frame.left, frame.bottom), (frame.x(1), frame.bottom)), ink="muted", width=0.8)


def _grid(exhibit: Exhibit, frame: Frame) -> list[Mark]:
    marks: list[Mark] = []
    for share, label in y_ticks(exhibit, frame.height):
        y = frame.y(share)
        if share > 0:
            marks.append(Line(points=((frame.left, y), (frame.x(1), y)), ink="hair", width=0.7))
        at = (frame.left - 5, y + 0.35 * SMALL)
        marks.append(Words(point=at, text=label, ink="muted", size=SMALL, anchor="end"))
    return marks


def _x_ticks(frame: Frame, on: Scale) -> list[Mark]:
    marks: list[Mark] = []
    for share, label in ticks(on, most=6, room=frame.width, size=DIGIT * SMALL):
        x = frame.x(share)
        marks.append(Line(points=((x, frame.bottom), (x, frame.bottom + _TICK)), ink="muted", width=0.8))
        at = (x, frame.bottom + _TICK + SMALL)
        marks.append(Words(point=at, text=label, ink="muted", size=SMALL, anchor="middle"))
    return marks


def _bars(exhibit: Exhibit, frame: Frame, on: Scales) -> list[Mark]:
    edges = [frame.x(on.x.at(x) or 0.0) for x in exhibit.x]

    def tops(heights: Heights) -> list[float | None]:
        return [_height(value, frame, on.y) for value in heights]

    marks: list[Mark] = []
    for shape in _stairs(edges, tops(exhibit.observed)):
        closed = (*shape, (shape[-1][0], frame.bottom), (shape[0][0], frame.bottom))
        marks.append(Area(points=closed, ink="observed", opacity=0.75))
    if exhibit.band:
        lower, upper = (_stairs(edges, tops(side)) for side in exhibit.band)
        marks += _between(lower, upper)
    for shape in _stairs(edges, tops(exhibit.expected)):
        marks.append(Line(points=shape, ink="expected", width=1.3, dashed=True))
    return marks


def _height(value: float, frame: Frame, on: Scale) -> float | None:
    share = 0.0 if value == 0 else on.clamped(value)
    return None if share is None else frame.y(share)


def _runs(values: Sequence[float | None]) -> Iterable[tuple[int, int]]:
    start = None
    for index, value in enumerate([*values, None]):
        if value is not None and start is None:
            start = index
        elif value is None and start is not None:
            yield start, index
            start = None


def _stairs(edges: Sequence[float], tops: Sequence[float | None]) -> list[tuple[Point, ...]]:
    """Step outlines over the runs of bins that have a height; level neighbours share one step."""
    shapes = []
    for start, stop in _runs(tops):
        points: list[Point] = []
        for index in range(start, stop):
            top = tops[index] or 0.0
            if points and points[-1][1] == top:
                points[-1] = (edges[index + 1], top)
            else:
                points += [(edges[index], top), (edges[index + 1], top)]
        shapes.append(tuple(points))
    return shapes


def _between(lower: Sequence[tuple[Point, ...]], upper: Sequence[tuple[Point, ...]]) -> list[Mark]:
    """Regions between two outlines; drawn only where both have the same runs."""
    pairs = zip(lower, upper, strict=False)
    return [
        Area(points=(*high, *reversed(low)), ink="expected", opacity=0.22)
        for low, high in pairs
        if low[0][0] == high[0][0] and low[-1][0] == high[-1][0]
    ]


def _curve(exhibit: Exhibit, frame: Frame, on: Scales) -> list[Mark]:
    xs = [on.x.at(x) for x in exhibit.x]

    def points(values: Heights, *, clamp: bool = False) -> list[Point | None]:
        place = on.y.clamped if clamp else on.y.at
        return [_point(frame, x, place(y)) for x, y in zip(xs, values, strict=False)]

    marks: list[Mark] = []
    if exhibit.band:
        lower, upper = (points(side, clamp=True) for side in exhibit.band)
        both = [None if a is None or b is None else a for a, b in zip(lower, upper, strict=True)]
        for start, stop in _runs([None if p is None else p[0] for p in both]):
            high = [p for p in upper[start:stop] if p]
            low = [p for p in lower[start:stop] if p]
            if len(high) == 1:  # a point alone has a region of its own
                high, low = ([(x - _ALONE, y), (x + _ALONE, y)] for ((x, y),) in (high, low))
            marks.append(Area(points=(*high, *reversed(low)), ink="expected", opacity=0.22))
    marks += [
        Line(points=run, ink="expected", width=1.4, dashed=True)
        for run in _polylines(points(exhibit.expected))
    ]
    return marks + _observed(exhibit, points(exhibit.observed))


def _point(frame: Frame, x: float | None, y: float | None) -> Point | None:
    return None if x is None or y is None else (frame.x(x), frame.y(y))


def _polylines(points: Sequence[Point | None]) -> list[tuple[Point, ...]]:
    runs = _runs([None if point is None else point[0] for point in points])
    pieces = [tuple(point for point in points[start:stop] if point) for start, stop in runs]
    return [piece for piece in pieces if len(piece) > 1]


def _observed(exhibit: Exhibit, points: Sequence[Point | None]) -> list[Mark]:
    """Discs joined by a faint line, or a line alone where they are many; crosses outside the band."""
    rising = all(low < high for low, high in pairwise(exhibit.x))
    marks: list[Mark] = []
    many = is_dense(exhibit)
    if rising or many:
        width, opacity = (1.4, 1.0) if many else (0.9, 0.45)
        marks += [
            Line(points=run, ink="observed", width=width, opacity=opacity) for run in _polylines(points)
        ]
    out = outside(exhibit)
    inner = () if many else tuple(p for index, p in enumerate(points) if p and index not in out)
    outer = tuple(p for index, p in enumerate(points) if p and index in out)
    if inner:
        marks.append(Dots(points=inner, ink="observed"))
    if outer:
        marks.append(Dots(points=outer, ink="failed", shape="x", size=6.5))
    return marks


def outside(exhibit: Exhibit) -> frozenset[int]:
    """Positions of observed values that do not lie within the band; nan lies nowhere."""
    if not exhibit.band:
        return frozenset()
    triples = zip(exhibit.observed, *exhibit.band, strict=False)
    return frozenset(index for index, (value, low, high) in enumerate(triples) if not low <= value <= high)


def remarks(exhibit: Exhibit) -> list[str]:
    """What is printed under a panel: its notes, and how many values have no place in it."""
    lines = [f"{name} {value}".strip() for name, value in exhibit.notes]
    missing = undrawn(exhibit)
    if missing:
        why = "not positive or not finite" if exhibit.y_axis.log else "not finite"
        lines.append(f"{missing} not drawn: {why}")
    return lines


def lettering(text: str, width: float, *, size: float = SMALL) -> str:
    """`text` cut to `width` pixels."""
    return brief(text, max(4, int(width / (DIGIT * 0.95 * size))))
