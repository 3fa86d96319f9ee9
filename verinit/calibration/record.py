"""What was measured of the battery itself, as data: `verinit.calibration/1`, shipped as calibration.json.

The text is deterministic: no host, no time; equal measurements give equal bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from verinit.vocabulary import UsageError
from verinit.vocabulary.document import plain

SCHEMA = "verinit.calibration/1"
SHIPPED = "calibration.json"
Kind = Literal["exact", "discrete", "bound", "none"]
"""What a stated rate is: met by a continuous statistic, the next rate that counts allow, a proven bound, or
the rate of a test into which no chance enters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How often one test rejects what is true, over the rate that it states.

    test, variant   a function of `verinit.statistics`, and the law or sizes it was given
    level           the rate that is stated
    ratio, error    measured over stated, and the standard error of that; None where only a proof speaks
    samples         how many samples were weighed; 0 for enumerations and closed forms
    how             where the samples were drawn, or what was computed
    """

    test: str
    variant: str
    kind: Kind
    level: float
    ratio: float | None
    error: float
    samples: int
    how: str

    @property
    def held(self) -> bool:
        """Whether the measured rate is the stated one, or below it where it may be; see `MOST`."""
        if self.ratio is None:
            return True
        if self.kind in ("discrete", "none"):
            return self.ratio <= 1.0 + ROUNDING
        slack = SIGMAS * self.error
        least = LEAST if self.kind == "exact" else 0.0
        return slack <= LEAST and least - slack <= self.ratio <= MOST + slack


SIGMAS = 4.0
MOST, LEAST = 1.1, 0.5
"""A rate is kept up to a tenth, and an exact one is not below half of what is stated; 4 standard errors on
top, which together may not exceed a half, or the measurement says too little."""
ROUNDING = 1e-9
"""Relative error of an enumerated tail: 1e6 terms of 1e-16 each, with room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numeric:
    """The largest relative error of one p-value function against mpmath, from p = 1e-3 to 1e-280.

    beyond  the least p reported over the true one, down to 1e-300, where some are bounds; below 1 is too
    small
    """

    name: str
    points: int
    error: float
    beyond: float

    @property
    def held(self) -> bool:
        """Whether no p is off by more than a millionth, nor below the truth where it is a bound."""
        return self.error <= ACCURACY and self.beyond >= 1.0 - ACCURACY


ACCURACY = 1e-6
"""A millionth of a level is nothing beside the tenth that `MOST` allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What one test says of input on which nothing may pass: "failed", "refused" or "inconclusive"."""

    test: str
    outcomes: tuple[tuple[str, str], ...]

    @property
    def held(self) -> bool:
        """Whether nothing passed, and something was tried."""
        return bool(self.outcomes) and all(outcome != "passed" for _, outcome in self.outcomes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """How many of `roots` fresh experiments with a planted fault fail under one check, asked alone."""

    fault: str
    code: str
    kills: int
    roots: int

    @property
    def held(self) -> bool:
        """Whether every experiment failed; 59 of 59 shows a power of 0.95 with 95 % confidence."""
        return self.kills == self.roots > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """All checks that fail at one root for a planted fault, each asked alone."""

    fault: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Replays:
    """Runs of right code with the roots `first` to `last`: how many raised an alarm, and at which roots."""

    battery: str
    targets: int
    trials: int
    first: int
    last: int
    failed: tuple[int, ...]

    @property
    def runs(self) -> int:
        """How many runs there were."""
        return self.last - self.first + 1

    @property
    def held(self) -> bool:
        """Whether none raised an alarm."""
        return not self.failed


@dataclass(frozen=True, slots=True, kw_only=True)
class NullLaw:
    """The p-values of one check over right code: the share of them at most x, for each x of `GRID`.

    excess   how far that share lies above x at worst, over all p-values
    lack     how far it lies below
    """

    code: str
    kind: Kind
    target: str
    case: str
    runs: int
    shares: tuple[float, ...]
    excess: float
    lack: float
    allowed: float

    @property
    def held(self) -> bool:
        """Whether small p-values are no more frequent than they say, and of an exact test no rarer."""
        return self.excess <= self.allowed and (self.kind != "exact" or self.lack <= self.allowed)


GRID = tuple(k / 50 for k in range(51))
"""Where distribution functions of p-values are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """How many of `roots` experiments with a departure of known size fail, size by size.

    sizes      in units of what the check promises to see
    expected   the power in closed form, where there is one
    intervals  in which the power lies, each but for 1 in 20 (Clopper and Pearson 1934)
    """

    code: str
    departure: str
    discrepancy: float
    roots: int
    sizes: tuple[float, ...]
    kills: tuple[int, ...]
    expected: tuple[float, ...]
    intervals: tuple[tuple[float, float], ...]
    allowed: tuple[tuple[int, int], ...]

    @property
    def held(self) -> bool:
        """Whether every count is what the closed form, or the promise, allows."""
        return all(low <= k <= high for k, (low, high) in zip(self.kills, self.allowed, strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """One calibration: of which version, at which levels, and all that was measured.

    level      the share of one trial when the standard battery runs on the NumPy family
    uses       the tests on which each check rests
    sole       for each statistical check, the planted faults of which it alone tells in a whole run
    commands   how to measure each part again
    """

    version: str
    environment: tuple[tuple[str, str], ...]
    codes: tuple[str, ...]
    faults: tuple[str, ...]
    first: int
    level: float
    uses: tuple[tuple[str, tuple[str, ...]], ...]
    levels: tuple[Level, ...]
    numerics: tuple[Numeric, ...]
    controls: tuple[Control, ...]
    kills: tuple[Kill, ...]
    caught: tuple[Caught, ...]
    sole: tuple[tuple[str, tuple[str, ...]], ...]
    replays: Replays | None
    nulls: tuple[NullLaw, ...]
    powers: tuple[Power, ...]
    commands: tuple[tuple[str, str], ...]

    @property
    def missed(self) -> tuple[str, ...]:
        """What misses its gate, one sentence each; empty if nothing does."""
        found = [
            *(f"{x.test} ({x.variant}) at {x.level:.3g}: {x.ratio} of it" for x in _not_held(self.levels)),
            *(f"{x.name}: p off by {x.error:.2g}, beyond {x.beyond:.2g}" for x in _not_held(self.numerics)),
            *(f"{x.test}: {_passes(x) or 'no control'}" for x in _not_held(self.controls)),
            *(f"{x.code} on {x.fault}: {x.kills} kills of {x.roots}" for x in _not_held(self.kills)),
            *(f"{x.code}: p-values {x.excess} above, {x.lack} below" for x in _not_held(self.nulls)),
            *(f"{x.code}: {x.kills} of {x.roots} seen, allowed {x.allowed}" for x in _not_held(self.powers)),
        ]
        if self.replays is not None and not self.replays.held:
            found.append(f"alarms on right code at the roots {', '.join(map(str, self.replays.failed))}")
        return tuple(found)


class _Gated(Protocol):
    """What meets its gate or does not."""

    @property
    def held(self) -> bool: ...


Gated = TypeVar("Gated", bound=_Gated)


def _not_held(rows: tuple[Gated, ...]) -> tuple[Gated, ...]:
    return tuple(row for row in rows if not row.held)


def _passes(control: Control) -> str:
    said = [bad for bad, outcome in control.outcomes if outcome == "passed"]
    return f"passes {', '.join(said)}" if said else ""


def encode(calibration: Calibration) -> str:
    """The calibration as text."""
    data = {"schema": SCHEMA, **plain(calibration)}
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def decode(text: str | bytes) -> Calibration:
    """The calibration that `encode` wrote.

    Raises `UsageError` for anything else.
    """
    try:
        data: Any = json.loads(text)
    except ValueError as error:
        raise UsageError(f"not a calibration: the JSON is cut off or damaged ({error})") from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise UsageError(f"schema={schema!r}: this version of verinit reads {SCHEMA!r}")
    try:
        return msgspec.convert(data, Calibration, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"not a calibration: {error}") from None


@cache
def shipped() -> Calibration | None:
    """The calibration that came with the package; None for a package without one."""
    path = resources.files("verinit.calibration").joinpath(SHIPPED)
    return decode(path.read_bytes()) if path.is_file() else None
