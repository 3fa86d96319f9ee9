"""What was seen: `Evidence` with its one inequality, `Exhibit` with what a figure needs, and the judge."""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass
from typing import Literal

from verinit.vocabulary.errors import UsageError


class Verdict(enum.Enum):
    """What may be said of a claim after looking."""

    passed = "passed"
    failed = "failed"
    inconclusive = "inconclusive"
    skipped = "skipped"
    errored = "errored"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One measurement beside its prediction, with the distance that was allowed and why.

    quantity    what was measured, in the claim's own symbols; every length below has its unit
    expected    the predicted value
    observed    the measured value
    distance    how far apart they are; judged by `distance <= tolerance` and by nothing else
    tolerance   allowed distance on the observed side; derived from rounding, sampling or a stated margin
    resolution  the smallest departure that would have been seen, but for a share of `false_pass`
    interval    values of the quantity that the sample does not exclude at `false_fail`
    n           numbers that entered (draws, entries)
    basis       what the tolerance rests on: "chi-square", "Chernoff", "4 ulp", "exact"
    p           a p-value or a proven upper bound of one; None for claims without chance
    log10_p     upper bound on log10 p where p underflows
    detail      one sentence where a number does not say it ("the call returned a list")
    """

    quantity: str
    expected: float
    observed: float
    distance: float
    tolerance: float
    resolution: float = 0.0
    interval: tuple[float, float] | None = None
    n: int = 1
    basis: str = "exact"
    p: float | None = None
    log10_p: float | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        for name in ("expected", "observed", "distance", "tolerance", "resolution"):
            object.__setattr__(self, name, float(getattr(self, name)))
        if self.p is not None and not 0.0 <= self.p <= 1.0:
            raise UsageError(f"p={self.p!r} for {self.quantity!r}: a p-value lies between 0 and 1")


def judge(evidence: Evidence, discrepancy: float) -> Verdict:
    """The verdict on one piece of evidence.

    A distance that is not finite fails, whatever the tolerance: nan and inf never pass.
    """
    if not (math.isfinite(evidence.distance) and evidence.distance <= evidence.tolerance):
        return Verdict.failed
    return Verdict.passed if evidence.resolution <= discrepancy else Verdict.inconclusive


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One axis of a figure: label, unit, and whether it is logarithmic."""

    label: str
    unit: str = ""
    log: bool = False

    def __str__(self) -> str:
        return f"{self.label} [{self.unit}]" if self.unit else self.label


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """What a figure or table needs, and no more: already binned, in the claim's units.

    histogram   `x` holds the k + 1 edges, `observed` the k counts, `expected` the k predicted counts
    curve       `x` holds the abscissae, `observed` and `expected` the ordinates
    table       `header` and `rows` hold text

    `band` is the allowed region (lower, upper), one value for each of `observed`.
    Exhibits that share `plate` are panels of one figure, placed by `row` and `column`.
    `notes` are printed in the panel: ("std", "0.45").
    """

    id: str
    kind: Literal["histogram", "curve", "table"]
    title: str
    caption: str = ""
    x_axis: Axis = Axis(label="")
    y_axis: Axis = Axis(label="")
    x: tuple[float, ...] = ()
    observed: tuple[float, ...] = ()
    expected: tuple[float, ...] = ()
    band: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    n: int = 0
    plate: str = ""
    row: str = ""
    column: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        wanted = len(self.x) - (self.kind == "histogram")
        for name in ("observed", "expected"):
            length = len(getattr(self, name))
            if length and length != wanted:
                raise UsageError(f"exhibit {self.id!r}: {name} has {length} values, x asks for {wanted}")
        if any(len(row) != len(self.header) for row in self.rows):
            raise UsageError(f"exhibit {self.id!r}: every row must have {len(self.header)} cells")
