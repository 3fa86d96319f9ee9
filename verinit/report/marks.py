"""What a figure is made of: areas, lines, points and words, in pixels from the upper left corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Ink = Literal["ink", "muted", "hair", "observed", "expected", "failed"]
INKS: tuple[Ink, ...] = ("ink", "muted", "hair", "observed", "expected", "failed")
Point = tuple[float, float]
DIGIT = 0.62
"""Width of a character as a share of its size: digits of a wide sans-serif face."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A closed shape, filled."""

    points: tuple[Point, ...]
    ink: Ink
    opacity: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An open line of `width` pixels; `dashed` tells it apart without colour."""

    points: tuple[Point, ...]
    ink: Ink
    width: float = 1.0
    dashed: bool = False
    opacity: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dots:
    """Points: discs, or crosses where `shape` is "x"."""

    points: tuple[Point, ...]
    ink: Ink
    shape: Literal["o", "x"] = "o"
    size: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One line of text whose baseline starts, is centred or ends at `point`."""

    point: Point
    text: str
    ink: Ink = "ink"
    size: float = 10.0
    anchor: Literal["start", "middle", "end"] = "start"
    bold: bool = False


Mark = Area | Line | Dots | Words
