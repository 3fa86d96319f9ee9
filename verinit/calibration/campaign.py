"""A whole calibration, or that of a few checks: which cells there are, and what they say together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import msgspec
import numpy
import scipy

import verinit
from verinit.calibration import kills, levels, nulls, numerics, power, pvalues
from verinit.calibration.cells import Cell, cell
from verinit.calibration.departures import DEPARTURES
from verinit.calibration.healthy import standard_level
from verinit.calibration.inventory import rests_on, statistical_codes, statistical_tests
from verinit.calibration.ledgers import Ledger
from verinit.calibration.record import (
    Calibration,
    Caught,
    Control,
    Kill,
    Level,
    Numeric,
    Replays,
)
from verinit.calibration.tilting import WAYS
from verinit.checks import CHECKS
from verinit.faults import FAULTS

COMMANDS = (
    ("levels, kills", "verinit calibrate CODE..."),
    ("everything", "verinit calibrate --replays {replays} --roots {roots} --seed {first} --output FILE"),
    ("replays alone", "python benchmarks/null_smoke.py --runs {replays} --first {first}"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """What is asked for.

    codes      these checks alone: levels, controls and kills; all checks, and everything, if empty
    replays    runs of right code
    roots      fresh experiments for each fault and each point of a power curve
    runs       p-values of each check
    samples    weighed samples of each false-alarm rate
    first      the first root
    """

    codes: tuple[str, ...] = ()
    replays: int = nulls.REPLAYS
    roots: int = kills.ROOTS
    runs: int = pvalues.RUNS
    samples: int = levels.SAMPLES
    first: int = 1

    @property
    def whole(self) -> bool:
        """Whether everything is asked for."""
        return not self.codes


def tests_of(codes: Iterable[str]) -> tuple[str, ...]:
    """The tests on which these checks rest."""
    return tuple(sorted({test for code in codes for test in rests_on(code)}))


def _at_levels(campaign: Campaign) -> list[Cell]:
    tests = tuple(test for test, _ in WAYS) if campaign.whole else tests_of(campaign.codes)
    both = tuple(dict.fromkeys((levels.ROUND_LEVEL, standard_level())))
    return [
        cell("level", way.test, way.variant, level, campaign.samples, campaign.first)
        for way in levels.ways_of(tests)
        for level in both
    ]


def _controls(campaign: Campaign) -> list[Cell]:
    tests = tuple(statistical_tests()) if campaign.whole else tests_of(campaign.codes)
    return [cell("control", test) for test in tests if test in statistical_tests()]


def _kills(campaign: Campaign) -> list[Cell]:
    pairs = kills.pairs(campaign.codes)
    return [cell("kill", fault, code, campaign.first, campaign.roots) for fault, code in pairs]


def _caught(campaign: Campaign) -> list[Cell]:
    return [cell("caught", fault, campaign.first) for fault in sorted(FAULTS)]


def _powers(campaign: Campaign) -> dict[str, list[Cell]]:
    return {
        code: [cell("power", code, size, campaign.first, campaign.roots) for size in power.sizes(code)]
        for code in sorted(DEPARTURES)
        if code in CHECKS
    }


def _nulls(campaign: Campaign) -> list[Cell]:
    return [cell("null", *block) for block in nulls.blocks(campaign.first, campaign.replays)]


def _p(campaign: Campaign) -> dict[str, Cell]:
    return {code: cell("p", code, campaign.first, campaign.runs) for code in statistical_codes()}


def _uses() -> dict[str, Cell]:
    return {code: cell("uses", code) for code in sorted(CHECKS)}


def cells(campaign: Campaign) -> list[Cell]:
    """All that is to be measured, what is quick and telling first."""
    quick = [*_at_levels(campaign), *_controls(campaign), *_kills(campaign)]
    if not campaign.whole:
        return quick
    return [
        *_uses().values(),
        *quick,
        *(cell("numeric", name) for name in numerics.ROWS),
        *_caught(campaign),
        *(one for group in _powers(campaign).values() for one in group),
        *_p(campaign).values(),
        *_nulls(campaign),
    ]


def _replays(campaign: Campaign, ledger: Ledger) -> Replays | None:
    if not campaign.replays:
        return None
    failed = [root for one in _nulls(campaign) for root in ledger[one]]
    targets, trials = nulls.size()
    return Replays(
        battery=nulls.BATTERY,
        targets=targets,
        trials=trials,
        first=campaign.first,
        last=campaign.first + campaign.replays - 1,
        failed=tuple(sorted(failed)),
    )


Row = TypeVar("Row", Level, Numeric, Control, Kill, Caught)


def _rows(kind: type[Row], asked: Sequence[Cell], ledger: Ledger) -> tuple[Row, ...]:
    return tuple(msgspec.convert(ledger[one], kind, strict=False) for one in asked)


def assembled(campaign: Campaign, ledger: Ledger) -> Calibration:
    """What the cells say together; every cell of the campaign must be in the ledger."""
    whole = campaign.whole
    caught = _rows(Caught, _caught(campaign), ledger) if whole else ()
    laws = [pvalues.law(code, ledger[one]) for code, one in _p(campaign).items()] if whole else []
    curves = (
        [
            power.curve(c, [ledger[one] for one in group], campaign.roots)
            for c, group in _powers(campaign).items()
        ]
        if whole
        else []
    )
    values = {"replays": campaign.replays, "roots": campaign.roots, "first": campaign.first}
    return Calibration(
        version=verinit.__version__,
        environment=(("numpy", numpy.__version__), ("scipy", scipy.__version__)),
        codes=campaign.codes or tuple(sorted(CHECKS)),
        faults=tuple(sorted(FAULTS))
        if whole
        else tuple(dict.fromkeys(f for f, _ in kills.pairs(campaign.codes))),
        first=campaign.first,
        level=standard_level(),
        uses=tuple((code, tuple(ledger[one])) for code, one in _uses().items()) if whole else (),
        levels=_rows(Level, _at_levels(campaign), ledger),
        numerics=_rows(Numeric, [cell("numeric", name) for name in numerics.ROWS], ledger) if whole else (),
        controls=_rows(Control, _controls(campaign), ledger),
        kills=_rows(Kill, _kills(campaign), ledger),
        caught=caught,
        sole=kills.sole(caught, statistical_codes()) if whole else (),
        replays=_replays(campaign, ledger) if whole else None,
        nulls=tuple(law for law in laws if law is not None),
        powers=tuple(curves),
        commands=tuple((what, how.format(**values)) for what, how in COMMANDS),
    )
