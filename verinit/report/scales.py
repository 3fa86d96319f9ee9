"""A scale maps values to the unit interval and knows where its ticks are; linear or logarithmic.

Ticks are our own, so that a panel can be as small as a thumb, a value as large as a float can be, and
the bytes of a figure do not depend on a locator's mood.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass

LARGEST = sys.float_info.max
_RESOLVED = 2**16 * sys.float_info.epsilon
"""Relative width below which tick labels of six digits could not be told apart from rounding."""
_SMALLEST = math.sqrt(sys.float_info.min)
_DECADES = (-323.0, 308.0)
"""Powers of ten that a float64 can hold, the smallest of them subnormal."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
Tick = tuple[float, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """An interval [low, high], low < high, both finite; positive where `log`."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float) -> float | None:
        """Where `value` lies between 0 (low) and 1 (high), clamped; None if it cannot be placed."""
        if not self.places(value):
            return None
        return min(1.0, max(0.0, self._share(value)))

    def clamped(self, value: float) -> float | None:
        """Like `at`, but an unbounded side lies at the end of the scale; None for nan only."""
        if math.isnan(value):
            return None
        if self.places(value):
            return self.at(value)
        return 1.0 if value > 0 else 0.0

    def places(self, value: float) -> bool:
        """Whether `value` has a place: finite, and positive on a logarithmic scale."""
        return math.isfinite(value) and (value > 0 or not self.log)

    def _share(self, value: float) -> float:
        if self.log:
            bottom, top = math.log10(self.low), math.log10(self.high)
            return (math.log10(value) - bottom) / (top - bottom)
        span = self.high - self.low
        if math.isinf(span):
            return (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return (value - self.low) / span


def scale(
    values: Iterable[float], *, log: bool = False, floor: float | None = None, room: float = 0
) -> Scale:
    """The scale over those of `values` that can be placed, opened where they coincide.

    `floor` is a value that must be inside; `room` is left free at both ends, as a share of the span.
    """
    inside = [float(v) for v in values if math.isfinite(v) and (v > 0 or not log)]
    if floor is not None and (floor > 0 or not log):
        inside.append(floor)
    low, high = (min(inside), max(inside)) if inside else (0.1, 1.0)
    return _log_scale(low, high, room) if log else _linear_scale(low, high, room)


def _linear_scale(low: float, high: float, room: float) -> Scale:
    if not high - low > _RESOLVED * max(abs(low), abs(high)) or high - low < _SMALLEST:
        margin = max(abs(low), abs(high)) * 0.5 or 0.5
        low, high = low - margin, high + margin
    margin = room * (high / 2 - low / 2) * 2
    floor = 0.0 if low == 0 else low - margin
    return Scale(low=max(floor, -LARGEST), high=min(high + margin, LARGEST))


def _log_scale(low: float, high: float, room: float) -> Scale:
    bottom, top = math.log10(low), math.log10(high)
    if top - bottom < 0.1:
        bottom, top = bottom - 0.5, top + 0.5
    margin = room * (top - bottom)
    bottom, top = max(bottom - margin, _DECADES[0]), min(top + margin, _DECADES[1])
    return Scale(low=10.0**bottom, high=10.0**top, log=True)


def ticks(on: Scale, *, most: int, room: float, size: float = 0.0) -> list[Tick]:
    """At most `most` ticks whose labels, `size` a character, fit into `room`; (share, label) each.

    Where neighbouring labels would touch, every second or third is taken, zero among them.
    """
    make = _log_ticks if on.log else _linear_ticks
    for stride in (1, 2, 3):
        for count in range(most, 1, -1):
            marks = make(on, count, stride)
            if marks and sum(size * (len(label) + 2) for _, label in marks) <= room:
                return marks
    ends = _ends(on)
    longest = max(len(label) for _, label in ends)
    return ends if 2 * size * (longest + 1) <= room else ends[:1]


def _ends(on: Scale) -> list[Tick]:
    return [(0.0, f"{on.low:.4g}"), (1.0, f"{on.high:.4g}")]


def _linear_ticks(on: Scale, most: int, stride: int) -> list[Tick]:
    span = on.high - on.low
    largest = max(abs(on.low), abs(on.high))
    if not _RESOLVED * largest < span < LARGEST or span < _SMALLEST:
        return []
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    first, last = math.ceil(on.low / step), math.floor(on.high / step)
    places = math.floor(math.log10(step * 1.01))
    values = [index * step for index in range(first, last + 1) if index % stride == 0]
    marks = [(on.at(value) or 0.0, _label(value, largest, places)) for value in values]
    return marks if len(marks) > 1 else []


def _label(value: float, largest: float, places: int) -> str:
    """`value` with as many decimals as a step of 10**places needs."""
    if value == 0:
        return "0"
    if largest >= 1e9 or largest < 1e-3:
        digits = max(0, math.floor(math.log10(abs(value) * 1.01)) - places)
        mantissa, _, exponent = f"{value:.{digits}e}".partition("e")
        return f"{mantissa}e{int(exponent)}"
    for unit, letter in ((6, "M"), (3, "k")):
        if largest >= 10 ** (unit + (unit == 3)):
            return f"{value / 10**unit:.{max(0, unit - places)}f}{letter}"
    return f"{value:.{max(0, -places)}f}"


def _log_ticks(on: Scale, most: int, stride: int) -> list[Tick]:
    first, last = math.ceil(math.log10(on.low)), math.floor(math.log10(on.high))
    if last - first >= 1:
        stride *= math.ceil((last - first + 1) / most)
        powers = [power for power in range(first, last + 1) if power % stride == 0]
        return [(on.at(10.0**power) or 0.0, decade(power)) for power in powers] if len(powers) > 1 else []
    power = math.floor(math.log10(on.low))
    values = [m * 10.0**p for p in (power, power + 1) for m in (1, 2, 5)]
    inside = [value for value in values if on.low <= value <= on.high]
    if len(inside) > 1:
        return [(on.at(value) or 0.0, f"{value:g}") for value in inside]
    level = Scale(low=on.low, high=on.high)
    even = _linear_ticks(level, most, stride)
    return [(on.at(on.low + share * (on.high - on.low)) or 0.0, label) for share, label in even]


def decade(power: int) -> str:
    """A power of ten as it is written: 1, 10, 100, 10⁻⁶.

    >>> decade(-6), decade(0), decade(2)
    ('10⁻⁶', '1', '100')
    """
    if -2 <= power <= 3:
        return f"{10.0**power:g}"
    return f"10{str(power).translate(_SUPERSCRIPT)}"
