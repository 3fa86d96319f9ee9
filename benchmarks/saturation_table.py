"""From where on activations and gradients are exactly flat, found by search: the page docs/saturation.md.

    python benchmarks/saturation_table.py > docs/saturation.md

One line a formula or library, one column a dtype. The closed forms are those of verinit/laws/saturation.py;
tests/numeric/test_saturation_table.py holds every entry of the page: by the same search where the library is
installed in the version that the page names, by the interval of sound code elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from saturating import has_library, losses, naive, quietly, sent_back, stable, values

from verinit.checks.thresholds import Onset, at_or_above, largest, onset
from verinit.laws import saturation as law
from verinit.reference.precision import FLOATING

DTYPES = tuple(FLOATING)
SINGLE = ("float32", "float64")
LIBRARIES = ("numpy", "scipy", "torch", "jax")
STEPS = (1e-4, 1e-5)
GAINS = (0.25, 0.5, 0.1)
FEW = 4
"""Gaps between logits looked at in one call: each is a batch of its own."""
Interval = tuple[float, float]
Sound = Callable[[str], Interval]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one formula or library does, in every dtype that it knows.

    by      the library that computes
    has     of positive numbers of a dtype, which have the property
    broken  which of them give nan, where the property may be lost again
    sound   the interval of sound code, by dtype
    dtypes  those that are asked
    gap     whether numbers are gaps between logits
    within  from where the property is searched, where it comes and goes below
    """

    name: str
    by: str
    has: Callable[[Any], Any]
    sound: Sound
    broken: Callable[[Any], Any] | None = None
    dtypes: tuple[str, ...] = DTYPES
    gap: bool = False
    within: Callable[[str], float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One table: what its numbers are, and the rows."""

    title: str
    words: str
    rows: tuple[Row, ...]


def curves(name: str, side: int, limit: float, sound: Sound, *, slope: bool = False) -> tuple[Row, ...]:
    """Rows for every implementation of a function: where value or slope reach a limit on one side."""

    def row(words: str, library: str, f: Callable[[Any], Any]) -> Row:
        return Row(
            name=words,
            by=library,
            has=quietly(lambda x: f(side * x) == limit),
            broken=quietly(lambda x: f(side * x) != f(side * x)),
            sound=sound,
            dtypes=SINGLE if library == "scipy" else DTYPES,
        )

    return tuple(
        row(words, library, derivative if slope else value)
        for words, library, value, derivative in values(name)
        if slope or "autodiff" not in words
    )


def sigmoid_right(dtype: str) -> Interval:
    return law.one_within(dtype), law.one_at_last()


def sigmoid_left(dtype: str) -> Interval:
    """Half the range for what squares exp(-x); less for what cancels."""
    return min(law.zero_earliest(dtype) / 2.0, law.tanh_one_within(dtype)), law.zero_at_last(dtype)


def slope_right(dtype: str) -> Interval:
    return law.one_within(dtype), law.zero_at_last(dtype)


def tanh_right(dtype: str) -> Interval:
    return law.tanh_one_within(dtype), law.tanh_one_at_last()


def tanh_slope(dtype: str) -> Interval:
    return law.tanh_one_within(dtype), law.tanh_slope_at_last(dtype)


def activations() -> Iterator[Section]:
    yield Section(
        title="Smallest x > 0 at which sigmoid is exactly 1",
        words="p ln 2 where 1 + exp(-x) rounds to 1; (p + 1) ln 2 where the result is rounded once.",
        rows=curves("sigmoid", 1, 1.0, sigmoid_right),
    )
    yield Section(
        title="Smallest -x > 0 at which sigmoid is exactly 0",
        words="ln(max) where exp(-x) overflows; ln(2 / smallest number) where exp(x) underflows; "
        "-ln(smallest normal number) where subnormal numbers are flushed.",
        rows=curves("sigmoid", -1, 0.0, sigmoid_left),
    )
    yield Section(
        title="Smallest x > 0 at which the slope of sigmoid is exactly 0",
        words="Where y is 1, if the slope is y (1 - y); by underflow, if it is s(x) s(-x).",
        rows=curves("sigmoid", 1, 0.0, slope_right, slope=True),
    )
    yield Section(
        title="Smallest -x > 0 at which the slope of sigmoid is exactly 0",
        words="Autodiff of 1 / (1 + exp(-x)) squares 1 + exp(-x), which overflows at half the range.",
        rows=curves("sigmoid", -1, 0.0, sigmoid_left, slope=True),
    )
    yield Section(
        title="Smallest x > 0 at which tanh is exactly 1",
        words="(p + 2) ln 2 / 2 where it is correctly rounded.",
        rows=curves("tanh", 1, 1.0, tanh_right),
    )
    yield Section(
        title="Smallest x > 0 at which the slope of tanh is exactly 0",
        words="Where y is 1, if the slope is 1 - y^2.",
        rows=curves("tanh", 1, 0.0, tanh_slope, slope=True),
    )


def gap_rows(classes: int, k: int) -> tuple[Row, ...]:
    def sound(dtype: str) -> Interval:
        if k:
            return law.ruled_out_gap_earliest(dtype, 1), law.zero_at_last(dtype)
        return law.sure_gap_earliest(dtype, 1), law.sure_gap_at_last(dtype, classes)

    def row(words: str, library: str, loss: Any) -> Row:
        moved = not k and (classes > 2 or "reference" in words)  # it keeps 1 - y, and exp(log y) rounds it
        name = f"{words} *" if moved else words
        return Row(name=name, by=library, has=quietly(sent_back(loss, classes, k)), sound=sound, gap=True)

    return tuple(row(*made) for made in losses())


def gaps() -> Iterator[Section]:
    for classes in (2, 10):
        yield Section(
            title=f"Gap z of logits (z, 0, ..., 0), K = {classes}, from which y - t is exactly 0, t = 1",
            words="Between p ln 2 and p ln 2 + ln(K - 1) by the order of summation; later if 1 - y is kept.",
            rows=gap_rows(classes, 0),
        )
    yield Section(
        title="Gap z of logits (z, 0) from which y - t is exactly 0, t = 0",
        words="ln(2 / smallest number), or -ln(smallest normal number) where subnormal numbers are flushed.",
        rows=gap_rows(2, 1),
    )


def difference_rows(h: float) -> tuple[Row, ...]:
    def row(words: str, f: Callable[[Any], Any], sign: int) -> Row:
        limit, sound = (1, sigmoid_right) if sign > 0 else (0, sigmoid_left)

        def value_flat(dtype: str) -> float:
            high = 1.25 * sound(dtype)[1]
            return onset(quietly(lambda w: f(sign * w) == limit), dtype, low=1.0, high=high).settled

        return Row(
            name=f"{words}, w {'>' if sign > 0 else '<'} 0",
            by="numpy",
            has=quietly(lambda w: f(sign * w + w.dtype.type(h)) == f(sign * w - w.dtype.type(h))),
            sound=lambda d: (sound(d)[0], sound(d)[1] + h),
            dtypes=SINGLE,
            within=value_flat,
        )

    forms = (("1 / (1 + exp(-w))", naive), ("without overflow", stable))
    return tuple(row(words, f, sign) for words, f in forms for sign in (1, -1))


def differences() -> Iterator[Section]:
    for h in STEPS:
        possible = ", ".join(f"{law.difference_zero_from(h, d):.4f} in {d}" for d in SINGLE)
        yield Section(
            title=f"|w| from which f(w + h) - f(w - h) of sigmoid is exactly 0 everywhere, h = {h:g}",
            words="From where y is 1, or 0, at both ends. For w > 0 it may be 0 from ln(2h / eps) on: "
            f"{possible}; in between the analytic gradient is alive, and the numerical one is 0 with "
            "probability 1 - (2h / eps) exp(-w).",
            rows=difference_rows(h),
        )


def sections() -> tuple[Section, ...]:
    return (*activations(), *gaps(), *differences())


def threshold(row: Row, dtype: str) -> Onset:
    """From where on a row has its property, by search."""
    low, high = row.sound(dtype)
    if row.within is not None:
        start = row.within(dtype)
        return onset(row.has, dtype, low=start, high=start + 1.0)
    end = min(largest(dtype), 1.25 * high)
    return onset(row.has, dtype, low=low / 2.0, high=end, rows=FEW if row.gap else None)


def entry(row: Row, dtype: str) -> str:
    """What the page says: a number, and where nan begins if the property does not last."""
    if dtype not in row.dtypes:
        return ""
    found = threshold(row, dtype)
    if math.isfinite(found.settled) or row.broken is None:
        return repr(found.settled)
    low, high = row.sound(dtype)
    broken = onset(row.broken, dtype, low=low / 2.0, high=min(largest(dtype), 1.25 * high))
    return f"{found.first!r}, nan from {broken.first!r}"


def product_depth(gain: float, dtype: str) -> int:
    """How many factors make a product exactly 0 in a dtype, by multiplying."""
    kind = FLOATING[dtype].type
    x, depth = kind(1), 0
    while x != 0:
        x, depth = kind(x * kind(gain)), depth + 1
    return depth


def versions() -> dict[str, str]:
    return {name: metadata.version(name) for name in LIBRARIES if has_library(name)}


def lines_of(title: str, words: str, corner: str, rows: list[tuple[str, list[str]]]) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"{words}\n"
    yield f"| {corner} | {' | '.join(DTYPES)} |"
    yield f"|---|{'---|' * len(DTYPES)}"
    for name, cells in rows:
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""


FORMS: tuple[tuple[str, Callable[[str], float]], ...] = (
    ("p ln 2", law.one_by_sum),
    ("(p + 1) ln 2", lambda d: law.one_within(d, ulps=0.5)),
    ("ln(max)", law.zero_by_overflow),
    ("ln(2 / smallest number)", law.zero_by_underflow),
    ("-ln(smallest normal number)", law.zero_by_flush),
    ("(p + 2) ln 2 / 2", law.tanh_one_rounded),
)


def closed_forms() -> Iterator[str]:
    """Each form, and the number at which it shows; the steps that are lost in w."""
    rows = [(words, [f"{f(d):.10g}: {at_or_above(f(d), d)!r}" for d in DTYPES]) for words, f in FORMS]
    lost = [
        (f"w + h and w - h round to w from, h = {h:g}", [repr(law.absorbed_from(h, d)) for d in DTYPES])
        for h in STEPS
    ]
    words = (
        "A threshold is the smallest number of the dtype that is not below its closed form, or in float64, "
        "where the form itself is rounded, a neighbour of it."
    )
    return lines_of("Closed forms", words, "form", rows + lost)


def depths() -> Iterator[str]:
    words = (
        "By multiplying in the dtype, with gradual underflow. 1/4 is the largest slope of sigmoid. A gain "
        "above 1/2 never gets there: it rounds the smallest number to itself."
    )
    rows = [(f"{gain:g}", [str(product_depth(gain, d)) for d in DTYPES]) for gain in GAINS]
    return lines_of("Depth at which a product of gains is exactly 0", words, "gain", rows)


def page() -> str:
    named = ", ".join(f"{name} {version}" for name, version in versions().items())
    lines = [
        "# Where slopes are exactly 0\n",
        "Generated by `python benchmarks/saturation_table.py > docs/saturation.md`, by search over "
        f"neighbouring numbers, with {named}; a test holds every entry. Each number is the smallest one from "
        "which the property holds for good. p is the number of significant bits: 11, 8, 24, 53. Lines with * "
        "depend on which instructions the processor has, or on the order of summation.\n",
        *closed_forms(),
    ]
    for section in sections():
        rows = [(row.name, [entry(row, d) for d in DTYPES]) for row in section.rows]
        lines += lines_of(section.title, section.words, "by", rows)
    return "\n".join([*lines, *depths()]).rstrip() + "\n"


if __name__ == "__main__":
    print(page(), end="")
