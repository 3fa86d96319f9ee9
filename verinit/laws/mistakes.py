"""The well-known wrong formulas, and the variance ratio that each leaves behind.

Each row has happened: the story names where. A ratio is Var[W] as drawn over Var[W] as claimed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from verinit.laws.fans import fan, fans
from verinit.laws.marginals import cut_moments
from verinit.laws.schemes import CUT
from verinit.vocabulary import Case, Scheme


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a ratio may depend on: the scheme, the shape's fans and its receptive field."""

    scheme: Scheme
    fan: float
    fan_in: float
    fan_out: float
    field: int

    @property
    def variance(self) -> float:
        """The variance that was claimed."""
        return self.scheme.scale / self.fan


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A wrong formula: its name, the ratio it leaves (None where it makes no sense), and a real case."""

    name: str
    ratio: Callable[[Place], float | None]
    story: str


def place(scheme: Scheme, case: Case) -> Place:
    """Where a case lies, in the terms that mistakes are made of."""
    keywords = dict(case.parameters)
    groups, transposed = int(keywords.get("groups", 1)), bool(keywords.get("transposed", False))
    fan_in, fan_out = (
        fans(case.shape, groups=groups, transposed=transposed) if len(case.shape) > 1 else (1.0, 1.0)
    )
    return Place(
        scheme=scheme,
        fan=fan(scheme.mode, case.shape, groups=groups, transposed=transposed),
        fan_in=fan_in,
        fan_out=fan_out,
        field=math.prod(case.shape[:-2]),
    )


def _fan(p: Place, wrong: float) -> float | None:
    return None if p.scheme.mode == "none" else p.fan / wrong


def _cut(p: Place, power: int) -> float | None:
    return cut_moments(*(p.scheme.cut or CUT))[1] ** power


def _scaled(p: Place, ratio: float) -> float | None:
    return None if p.scheme.mode == "none" else ratio


MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        name="2/sqrt(n) where sqrt(2/n) is meant: the gain entered twice",
        ratio=lambda p: _scaled(p, p.scheme.scale),
        story="the textbook chapter prints He's std as 2/sqrt(n)",
    ),
    Mistake(
        name="fan_in used: the fan of the wrong axis, or a kernel stored transposed",
        ratio=lambda p: _fan(p, p.fan_in),
        story="keras#22789, torch layouts (out, in) read as (in, out)",
    ),
    Mistake(
        name="fan_out used: the fan of the wrong axis, or a kernel stored transposed",
        ratio=lambda p: _fan(p, p.fan_out),
        story="keras#22789, torch layouts (out, in) read as (in, out)",
    ),
    Mistake(
        name="the mean of both fans used where one is meant",
        ratio=lambda p: _fan(p, (p.fan_in + p.fan_out) / 2),
        story="mode fan_avg left from a Xavier row",
    ),
    Mistake(
        name="the sum of both fans used where their mean is meant: sqrt(1/(fan_in + fan_out))",
        ratio=lambda p: _fan(p, p.fan_in + p.fan_out),
        story="Glorot's sqrt(2/(n + m)) without its 2",
    ),
    Mistake(
        name="the receptive field is missing from the fan: channels counted without the kernel",
        ratio=lambda p: _scaled(p, p.field),
        story="keras#2252, keras#7200, chainer#1774",
    ),
    Mistake(
        name="gain omitted: scale 1 (LeCun's rule) where the claim has a gain",
        ratio=lambda p: _scaled(p, 1.0 / p.scheme.scale),
        story="LBANN#316: He was LeCun",
    ),
    Mistake(
        name="He's gain of 2 where the claim has none",
        ratio=lambda p: _scaled(p, 2.0 / p.scheme.scale),
        story="one gain for every activation",
    ),
    Mistake(
        name="Xavier's rule 2/(fan_in + fan_out) in place of the claim",
        ratio=lambda p: _scaled(p, p.fan / p.scheme.scale * 2 / (p.fan_in + p.fan_out)),
        story="the default of Keras layers taken for He",
    ),
    Mistake(
        name="uniform bound 1/sqrt(fan_in), i.e. kaiming_uniform_ with a=sqrt(5)",
        ratio=lambda p: _scaled(p, p.fan / (3.0 * p.scheme.scale * p.fan_in)),
        story="pytorch#15314, #57109: the default of Linear and Conv layers",
    ),
    Mistake(
        name="variance passed where a std is expected",
        ratio=lambda p: p.variance,
        story="normal(0, 2/n) instead of normal(0, sqrt(2/n))",
    ),
    Mistake(
        name="std passed where a variance is expected: the root taken twice",
        ratio=lambda p: p.variance**-0.5,
        story="a sampler whose scale argument is a variance",
    ),
    Mistake(
        name="std used as the bound of a uniform law: sqrt(3) is missing",
        ratio=lambda p: 1.0 / 3.0,
        story="keras afc5adbf (2015), tch-rs#573",
    ),
    Mistake(
        name="the bound of a uniform law used as a std: sqrt(3) too many",
        ratio=lambda p: 3.0,
        story="glorot's limit handed to a normal sampler",
    ),
    Mistake(
        name="truncation not corrected: the std is that of the normal before the cut",
        ratio=lambda p: _cut(p, 2),
        story="keras#8048, tensorflow#18706, tfjs#8594; torch.nn.init.trunc_normal_ by design",
    ),
    Mistake(
        name="truncation corrected twice, or corrected without a cut",
        ratio=lambda p: _cut(p, -2),
        story="the 0.8796 of a truncated normal applied to a plain one",
    ),
)


def ratio_of(mistake: Mistake, scheme: Scheme, case: Case) -> float | None:
    """The variance ratio that a mistake leaves at a case; None where it makes no sense there."""
    return mistake.ratio(place(scheme, case))


def fitting(scheme: Scheme, seen: list[tuple[Case, float, float]]) -> list[Mistake]:
    """The mistakes whose predicted ratio lies in the interval of every case that was looked at.

    seen: (case, lowest, highest variance ratio that the sample does not exclude). A mistake that
    changes nothing explains nothing: it fits only where 1 does, and then there is nothing to explain.
    """
    return [mistake for mistake in MISTAKES if all(_explains(mistake, scheme, *one) for one in seen)]


def _explains(mistake: Mistake, scheme: Scheme, case: Case, low: float, high: float) -> bool:
    ratio = ratio_of(mistake, scheme, case)
    return ratio is not None and low <= ratio <= high
