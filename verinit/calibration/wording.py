"""A calibration in 80 columns: levels, controls, kills, and what missed its gate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from verinit.calibration.record import Calibration, Kill, Level
from verinit.vocabulary.wording import short

MANY = 60
"""Planted faults that are shown one by one; of more, those that are missed."""
_MEANING = {
    "exact": "the measured rate is the stated one",
    "discrete": "counts allow no rate between this and a higher one",
    "bound": "a proof says: at most the stated rate",
    "none": "no chance enters",
}


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def rate(level: Level) -> str:
    """A measured rate over the stated one, with its standard error."""
    if level.ratio is None:
        return "by proof"
    return f"{level.ratio:.3f} +- {level.error:.3f}" if level.samples else f"{level.ratio:.3f}"


def _levels(levels: Iterable[Level]) -> Iterable[str]:
    yield f"{'test':21} {'of':18} {'kind':8}  stated  measured / it"
    for x in levels:
        mark = "" if x.held else "  MISSED"
        name = f"{_cut(x.test, 21):21} {_cut(x.variant, 18):18}"
        yield f"{name} {x.kind:8} {x.level:7.1e} {rate(x):>14}{mark}".rstrip()


def _kills(kills: Sequence[Kill]) -> Iterable[str]:
    """Every row of a few, the rows that miss their gate of many."""
    yield f"{'planted fault':52} check    kills"
    for x in kills if len(kills) <= MANY else [x for x in kills if not x.held]:
        mark = "" if x.held else "  MISSED"
        yield f"{_cut(x.fault, 52):52} {x.code}  {x.kills} of {x.roots}{mark}"


def _caught(kills: Sequence[Kill]) -> Iterable[str]:
    if kills:
        whole = sum(x.held for x in kills)
        yield f"faults    {whole} of {len(kills)} caught {max(x.roots for x in kills)} times in as many"


def _summary(found: Calibration) -> Iterable[str]:
    sound = sum(control.held for control in found.controls)
    yield f"controls  {sound} of {len(found.controls)} tests pass nothing that is no sample"
    if found.numerics:
        worst = max(found.numerics, key=lambda x: x.error)
        yield f"numerics  p is off by {worst.error:.1e} of itself at most"
    if found.nulls:
        held = sum(law.held for law in found.nulls)
        yield f"p-values  {held} of {len(found.nulls)} checks have the law they should"
    if found.powers:
        held = sum(curve.held for curve in found.powers)
        yield f"power     {held} of {len(found.powers)} curves are as promised"
    if found.replays is not None:
        runs, failed = found.replays.runs, len(found.replays.failed)
        yield f"replays   {failed} of {runs} runs of the {found.replays.battery} battery on right code failed"
    bare = [code for code, faults in found.sole if not faults]
    if bare:
        yield f"alone     of no planted fault these tell alone: {', '.join(bare)}"


def text(found: Calibration) -> str:
    """The tables, their kinds in words, and the closing lines."""
    kinds = dict.fromkeys(level.kind for level in found.levels)
    lines = [
        *_levels(found.levels),
        "",
        *(f"  {kind:8}  {_MEANING[kind]}" for kind in kinds),
        f"  the standard battery on the NumPy family works at {short(found.level)}",
        "",
        *_kills(found.kills),
        "",
        *_caught(found.kills),
        *_summary(found),
    ]
    missed = found.missed
    lines += [f"MISSED    {sentence}" for sentence in missed] or ["nothing missed its gate"]
    return "\n".join(line.rstrip() for line in lines)
