"""How a comparison reads: what regressed comes first, every state is counted, and the noise is named."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from verinit.vocabulary import Finding
from verinit.vocabulary.wording import number, short

if TYPE_CHECKING:
    from verinit.comparison.states import Change, Comparison

WIDTH = 80
SHOWN = 20
"""Messages printed of each state; the rest is counted."""
PRINTED = ("regressed", "undecided", "improved", "changed", "not comparable")
_INDENT = 12
_NAMED, _LISTED = 3, 8


def change(one: Change) -> str:
    """The message of one claim, in at most `WIDTH` columns where its names allow it."""
    return block([one])


def block(group: Sequence[Change]) -> str:
    """One message for all cases at which the same became of a claim for a target."""
    first = group[0]
    if _apart(first):
        return _many(group)
    place = f"{first.check} {str(first.state).upper()} for {first.target} at {first.case}"
    lines = [place, *_said("because", first.reason), *_numbers(first)]
    if first.needs:
        lines += _said("needs", f"about n = {first.needs} in each run")
    if len(group) > 1:
        others = ", ".join(one.case for one in group[1 : 1 + _NAMED])
        left = len(group) - 1 - _NAMED
        lines += _said("also at", others + (f" and {left} more" if left > 0 else ""))
    return "\n".join(lines)


def _apart(one: Change) -> bool:
    """Whether the two sides were never held against one another."""
    return str(one.state) == "not comparable"


def _many(group: Sequence[Change]) -> str:
    """One message for all checks of a target that may not be compared for the same reason."""
    first = group[0]
    checks = list(dict.fromkeys(one.check for one in group))
    left = len(checks) - _LISTED
    named = ", ".join(checks[:_LISTED]) + (f" and {left} more" if left > 0 else "")
    cases = list(dict.fromkeys(one.case for one in group))
    places = ", ".join(cases[:_NAMED]) + (f" and {len(cases) - _NAMED} more" if len(cases) > _NAMED else "")
    head = f"{str(first.state).upper()} for {first.target}: {len(group)} of {named}"
    return "\n".join([*_folded(head), *_said("because", first.reason), *_said("at", places)])


def _said(name: str, text: str) -> list[str]:
    """One entry of a block, folded to the width of the terminal."""
    if not text:
        return []
    return textwrap.wrap(
        " ".join(text.split()),
        WIDTH,
        initial_indent=f"  {name:<{_INDENT - 2}}",
        subsequent_indent=" " * _INDENT,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _numbers(one: Change) -> list[str]:
    old, new = one.old, one.new
    if not (isinstance(old, Finding) and isinstance(new, Finding) and one.difference is not None):
        return []
    before, now = old.evidence, new.evidence
    if before is None or now is None:
        return []
    lines = _said(
        "distance",
        f"{short(before.distance)} -> {short(now.distance)} from {now.quantity} = {number(now.expected)}",
    )
    if one.interval is not None:
        low, high = one.interval
        lines += _said("change", f"{span(low, high)} in that distance; margin {short(one.margin)}")
    if one.method and one.p is not None:
        lines += _said("test", chance(one))
    return lines


def span(low: float, high: float) -> str:
    """An interval: "[0.08, 0.12]"."""
    return f"[{short(low)}, {short(high)}]"


def chance(one: Change) -> str:
    """The p-value of no change, with the test: "F test, p = 2e-40"."""
    if one.p is None:
        return ""
    return f"{one.method}, p {'< 1e-300' if one.p < 1e-300 else f'= {one.p:.2g}'}"


def grouped(changes: Iterable[Change]) -> list[list[Change]]:
    """Changes of one target, check and reason together, those whose distance grew most first."""
    groups: dict[tuple[str, str, str], list[Change]] = {}
    for one in changes:
        groups.setdefault((one.target, "" if _apart(one) else one.check, one.reason), []).append(one)
    for group in groups.values():
        group.sort(key=_weight)
    return sorted(groups.values(), key=lambda group: (_weight(group[0]), group[0].key))


def _weight(one: Change) -> float:
    """Sort key: crashes and what is not finite, then the largest difference in margins."""
    if one.difference is None:
        return -math.inf
    return -abs(one.difference) / one.margin if one.margin else -1e300


HEADER = ("State", "Check", "Target", "Case", "Change of the distance", "Margin", "Because")


def listed(whole: Comparison) -> list[list[Change]]:
    """What is not as it was, in the order in which it is printed, each group to be told in one row."""
    every = (*whole.changes, *whole.rulings)
    return [group for state in PRINTED for group in grouped(one for one in every if str(one.state) == state)]


def cells(group: Sequence[Change]) -> tuple[str, ...]:
    """One row of a table, under `HEADER`, for all members of a group."""
    first = group[0]
    moved = span(*first.interval) if first.interval is not None else ""
    moved = moved or ("" if first.difference is None or _apart(first) else short(first.difference))
    return (
        str(first.state),
        _counted([one.check for one in group]),
        first.target,
        _counted([one.case for one in group]),
        moved,
        short(first.margin) if moved else "",
        "; ".join(part for part in (first.reason, chance(first)) if part),
    )


def _counted(names: Sequence[str]) -> str:
    """The first of several names, and how many others there are."""
    left = len(set(names)) - 1
    return names[0] + (f" and {left} more" if left else "")


def headline(whole: Comparison) -> str:
    """What became of everything, in one line: what fails first."""
    if whole.empty:
        return "nothing to compare: the two reports have no finding and no ruling in common"
    counts = whole.counts
    return ", ".join(f"{counts[state]} {state}" for state in counts if counts[state] or state == "regressed")


def closing(whole: Comparison) -> list[str]:
    """The closing lines: counts, what was skipped or is on one side only, noise and runs."""
    skipped = sum("skipped in both" in one.reason for one in whole.changes)
    lines = [headline(whole)]
    if skipped:
        lines.append(f"skipped in both runs: {skipped} of them")
    for state, words in (("gone", "not run again"), ("new", "not run before")):
        alone = [one for one in (*whole.changes, *whole.rulings) if str(one.state) == state]
        if alone:
            lines.append(f"{state} ({words}): {_places(alone)}")
    lines.append(
        f"false alarms of the whole comparison at most {short(whole.alpha)}, over {whole.tested} pairs "
        "with the noise of both runs"
    )
    return [*lines, *whole.notes]


def _places(changes: Sequence[Change]) -> str:
    """Which targets and checks, commonest first, and how often."""
    counts: dict[str, int] = {}
    for one in changes:
        name = f"{one.target} {one.check}"
        counts[name] = counts.get(name, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    said = ", ".join(f"{name} ({count})" for name, count in ranked[:_NAMED])
    left = len(ranked) - _NAMED
    return said + (f" and {left} more" if left > 0 else "")


def comparison(whole: Comparison) -> str:
    """Everything that is not as it was, state by state, and the closing lines."""
    parts = []
    for state in PRINTED:
        groups = grouped(one for one in (*whole.changes, *whole.rulings) if str(one.state) == state)
        parts += [block(group) for group in groups[:SHOWN]]
        if len(groups) > SHOWN:
            parts.append(f"{len(groups) - SHOWN} more {state}: see verinit compare --format json")
    parts.append("\n".join(line for text in closing(whole) for line in _folded(text)))
    return "\n\n".join(parts)


def _folded(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    ) or [""]
