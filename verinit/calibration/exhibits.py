"""What a report shows of a calibration: one summary, two tables, two figures. Nothing is measured here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from verinit.calibration.record import GRID, Calibration, Kind, Level, NullLaw, Power
from verinit.calibration.wording import rate
from verinit.vocabulary import Axis, Exhibit
from verinit.vocabulary.wording import short

PREFIX = "calibration-"
_COLUMNS = 4
_EVERY = 2
"""Of the points of `GRID`, how many make one that is drawn."""
_SEEN = 3
"""Faults named in a cell of a table; the rest is counted."""
_P_VALUES = "p-values of right code, check by check"
_POWER = "How often a departure is seen, by its size"


def exhibits(found: Calibration) -> tuple[Exhibit, ...]:
    """All exhibits of a calibration, the summary first."""
    return (_summary(found), _levels(found), *_laws(found.nulls), *_curves(found.powers), _kills(found))


# -- the summary -----------------------------------------------------------------------------------


def _summary(found: Calibration) -> Exhibit:
    rows = [
        *_replays(found),
        _rates(found),
        _numerics(found),
        _controls(found),
        _faults(found),
        _alone(found),
    ]
    versions = ", ".join(f"{name} {version}" for name, version in found.environment)
    return Exhibit(
        id=f"{PREFIX}summary",
        kind="table",
        title="What was measured of verinit itself",
        caption=(
            f"{_claim(found)} Measured once for verinit {found.version} ({versions}) and shipped with it; an "
            "ordinary run repeats none of it. Again: verinit calibrate."
        ),
        header=("What", "Result", "What it means"),
        rows=tuple(rows),
    )


def _claim(found: Calibration) -> str:
    """The sentence that the whole section stands for."""
    replays = found.replays
    if replays is None:
        return (
            "That a whole run is wrong about right code with probability 1e-6 at most is proved test by test."
        )
    bound = short(excluded(replays.runs)) if replays.held else "nothing"
    alarms = "without a failure" if replays.held else f"with {len(replays.failed)} failures"
    return (
        f"{replays.runs} replays {alarms} bound the rate of false alarms by {bound}; that it is 1e-6 at most "
        "is proved test by test, and each test's own rate was measured where it works, near 1e-9."
    )


def excluded(runs: int) -> float:
    """The rate that so many runs without a failure exclude at 95 % confidence, about 3 / runs."""
    return -math.expm1(math.log(0.05) / runs)


def _replays(found: Calibration) -> Iterable[tuple[str, str, str]]:
    replays = found.replays
    if replays is not None:
        yield (
            "Runs of right code",
            f"{len(replays.failed)} of {replays.runs} failed",
            f"the {replays.battery} battery on {replays.targets} targets, {replays.trials} trials a run, "
            f"roots {replays.first} to {replays.last}; no number of replays reaches 1e-6",
        )


def _span(levels: Sequence[Level]) -> str:
    ratios = [level.ratio for level in levels if level.ratio is not None]
    return f"{min(ratios):.2f} to {max(ratios):.2f}" if ratios else "none"


def _rates(found: Calibration) -> tuple[str, str, str]:
    by_kind = {kind: [x for x in found.levels if x.kind == kind] for kind in ("exact", "discrete", "bound")}
    return (
        "False alarms of each test",
        "; ".join(f"{kind} {_span(levels)}" for kind, levels in by_kind.items() if levels),
        f"measured over stated rate, at 1e-9 and at the {short(found.level)} of a standard run; above 1.1 a "
        "test would lie, below 1 it wastes draws",
    )


def _numerics(found: Calibration) -> tuple[str, str, str]:
    worst = max((x.error for x in found.numerics), default=math.nan)
    points = sum(x.points for x in found.numerics)
    return (
        "p-values against mpmath",
        f"off by {worst:.1e} of p at most",
        f"{points} points from p = 1e-3 to 1e-300, in {len(found.numerics)} families of laws and bounds",
    )


def _controls(found: Calibration) -> tuple[str, str, str]:
    inputs = [outcome for control in found.controls for _, outcome in control.outcomes]
    return (
        "Input on which nothing may pass",
        f"{inputs.count('passed')} of {len(inputs)} passed",
        f"nan, infinities, no numbers, one number, one value for ever: {len(found.controls)} tests fail "
        "or refuse",
    )


def _faults(found: Calibration) -> tuple[str, str, str]:
    kills, roots = sum(x.kills for x in found.kills), sum(x.roots for x in found.kills)
    each = max((x.roots for x in found.kills), default=0)
    power = 0.05 ** (1 / each) if each else math.nan
    return (
        "Planted faults",
        f"{kills} of {roots} caught",
        f"{len(found.faults)} faults, {each} experiments for each check that must catch one, that check "
        f"alone; all of {each} show a power of {power:.2f} with 95 % confidence",
    )


def _alone(found: Calibration) -> tuple[str, str, str]:
    needed = sum(bool(faults) for _, faults in found.sole)
    return (
        "Checks that nothing replaces",
        f"{needed} of {len(found.sole)}",
        "statistical checks that tell of some planted fault of which no other check tells in a whole run",
    )


# -- tables ----------------------------------------------------------------------------------------


def _users(found: Calibration, test: str) -> str:
    return ", ".join(code for code, tests in found.uses if test in tests) or "none directly"


def _unbroken(text: str) -> str:
    """A measurement that stays on one line."""
    return text.replace("+-", "±").replace(" ", "\u00a0")


def _levels(found: Calibration) -> Exhibit:
    stated = tuple(dict.fromkeys(level.level for level in found.levels))
    groups: dict[tuple[str, str], list[Level]] = {}
    for level in found.levels:
        groups.setdefault((level.test, level.variant), []).append(level)
    rows = [
        (
            test,
            variant,
            members[0].kind,
            *(_unbroken(rate(member)) for member in members),
            _users(found, test),
        )
        for (test, variant), members in groups.items()
    ]
    return Exhibit(
        id=f"{PREFIX}levels",
        kind="table",
        title="False alarms: measured over stated rate",
        caption=(
            "1 is what a test promises. Rates of 1e-9 are measured by drawing where the test rejects and "
            "weighing the samples back (importance sampling; ± one standard error); counts are enumerated. "
            "An exact test must meet its rate, a discrete one or a bound must not exceed it."
        ),
        header=("Test", "Of", "Kind", *(f"At {level:.2g}" for level in stated), "Used by"),
        rows=tuple(row for row in rows if len(row) == 4 + len(stated)),
    )


def _kills(found: Calibration) -> Exhibit:
    alone = dict(found.sole)
    rows = []
    for code in found.codes:
        mine = [kill for kill in found.kills if kill.code == code]
        if mine:
            kills = f"{sum(x.kills for x in mine)} of {sum(x.roots for x in mine)}"
            others = sum(code in row.codes for row in found.caught) - len(mine)
            rows.append((code, str(len(mine)), kills, str(max(others, 0)), _named(alone.get(code, ()))))
    return Exhibit(
        id=f"{PREFIX}kills",
        kind="table",
        title="Planted faults, by the check that must catch them",
        caption=(
            "Every check is asked alone, at the level and fineness that verify gives it. The last column "
            "names faults of which no other check tells in a whole run, where a check that rests on a failed "
            "one is silent; verinit explain CODE tells all the faults of a check."
        ),
        header=("Check", "Its faults", "Caught", "Others' faults it sees too", "Told by no other check"),
        rows=tuple(rows),
    )


def _named(faults: Sequence[str]) -> str:
    more = len(faults) - _SEEN
    return ", ".join(faults[:_SEEN]) + (f" and {more} more" if more > 0 else "")


# -- figures ---------------------------------------------------------------------------------------


def _row(codes: Sequence[str], index: int) -> str:
    """The name of the row of panels in which a code stands: the first and the last of its codes."""
    start = index // _COLUMNS * _COLUMNS
    row = codes[start : start + _COLUMNS]
    return row[0] if len(row) == 1 else f"{row[0]} to {row[-1]}"


_SAYS: dict[Kind, str] = {
    "exact": "exact: on the diagonal",
    "discrete": "counts: not above it",
    "bound": "a bound: not above it",
    "none": "no chance",
}


def _laws(nulls: Sequence[NullLaw]) -> Iterable[Exhibit]:
    codes = [law.code for law in nulls]
    for index, law in enumerate(nulls):
        x, shares = GRID[::_EVERY], law.shares[::_EVERY]
        least = [max(0.0, at - law.allowed) if law.kind == "exact" else 0.0 for at in x]
        yield Exhibit(
            id=f"{PREFIX}p-{law.code}",
            kind="curve",
            title=law.code,
            caption=(
                "The share of right experiments with a p-value of at most x. Were it above the diagonal, "
                "small p-values would come more often than they say; well below it a proof is careful, and "
                "costs draws. The band leaves out one right test in 1e9."
            ),
            plate=_P_VALUES,
            row=_row(codes, index),
            x_axis=Axis(label="p"),
            y_axis=Axis(label="share of p-values up to there"),
            x=x,
            observed=shares,
            expected=x,
            band=(tuple(least), tuple(min(1.0, at + law.allowed) for at in x)),
            n=law.runs,
            notes=((_SAYS[law.kind], ""),),
        )


def _curves(powers: Sequence[Power]) -> Iterable[Exhibit]:
    codes = [curve.code for curve in powers]
    caption = (
        "Size 1 is the departure that the check promises to see in the standard battery, missed once in a "
        "million times; size 0 is right code. The band is what that promise allows, and at every size what a "
        "closed form predicts where there is one (dashed)."
    )
    for index, curve in enumerate(powers):
        lower, upper = (
            tuple(side / curve.roots for side in ends) for ends in zip(*curve.allowed, strict=True)
        )
        yield Exhibit(
            id=f"{PREFIX}power-{curve.code}",
            kind="curve",
            title=curve.code,
            caption=caption,
            plate=_POWER,
            row=_row(codes, index),
            x_axis=Axis(label="size of the departure / what is promised"),
            y_axis=Axis(label="share of experiments that fail"),
            x=curve.sizes,
            observed=tuple(k / curve.roots for k in curve.kills),
            expected=curve.expected,
            band=(lower, upper),
            n=curve.roots,
            notes=((curve.departure, ""),),
        )
    if powers:
        yield _seen(powers)


def _seen(powers: Sequence[Power]) -> Exhibit:
    """The counts behind the power curves, each with the interval in which the power lies."""
    sizes = max((curve.sizes for curve in powers), key=len)
    rows = []
    for curve in powers:
        counts = zip(curve.kills, curve.intervals, strict=True)
        cells = [f"{k}\u00a0({low:.2f}–{high:.2f})" for k, (low, high) in counts]
        cells += [""] * (len(sizes) - len(cells))
        rows.append((curve.code, f"{curve.departure}, d\u00a0=\u00a0{short(curve.discrepancy)}", *cells))
    return Exhibit(
        id=f"{PREFIX}power-counts",
        kind="table",
        title=f"Experiments of {powers[0].roots} that fail, and the interval (95 %) of the power",
        plate=_POWER,
        header=("Check", "Departure, and what is promised", *(f"Size {size:g}" for size in sizes)),
        rows=tuple(rows),
    )
