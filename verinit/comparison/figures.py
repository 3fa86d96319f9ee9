"""What the report shows of a comparison: a table of what is not as it was, and the differences by size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from verinit.comparison.wording import PRINTED, chance, headline, span
from verinit.vocabulary import Axis, Exhibit
from verinit.vocabulary.wording import short

if TYPE_CHECKING:
    from verinit.comparison.states import Change, Comparison

PREFIX = "comparison"
_ROWS, _POINTS = 60, 200
_TITLE = "Against the older run"


def exhibits(whole: Comparison) -> tuple[Exhibit, ...]:
    """The table first; the figure where some pair has a margin."""
    weighed = [one for one in whole.changes if one.interval is not None and one.margin > 0.0]
    return (_table(whole), *([_forest(weighed)] if weighed else []))


def _table(whole: Comparison) -> Exhibit:
    listed = [one for one in (*whole.changes, *whole.rulings) if str(one.state) in PRINTED]
    ranked = sorted(listed, key=lambda one: (PRINTED.index(str(one.state)), one.key))
    left = len(ranked) - _ROWS
    more = f" The first {_ROWS} of {len(ranked)} are listed." if left > 0 else ""
    return Exhibit(
        id=PREFIX,
        kind="table",
        title=_TITLE,
        plate=_TITLE,
        caption=(
            f"{headline(whole)}. {'; '.join(whole.notes)}. False alarms of the whole comparison at most "
            f"{short(whole.alpha)}, over {whole.tested} pairs with the noise of both runs.{more}"
        ),
        header=("State", "Check", "Target", "Case", "Change of the distance", "Margin", "Because"),
        rows=tuple(_row(one) for one in ranked[:_ROWS]),
    )


def _row(one: Change) -> tuple[str, ...]:
    moved = span(*one.interval) if one.interval is not None else ""
    moved = moved or ("" if one.difference is None else short(one.difference))
    margin = short(one.margin) if moved else ""
    because = "; ".join(part for part in (one.reason, chance(one)) if part)
    return (str(one.state), one.check, one.target, one.case, moved, margin, because)


def _forest(weighed: Sequence[Change]) -> Exhibit:
    """Differences in units of the margin, largest first, between the margins."""
    sizes = sorted(
        ((one.difference or 0.0) / one.margin for one in weighed), key=lambda size: (-abs(size), size)
    )[:_POINTS]
    n = len(sizes)
    cut = f" The {n} largest of {len(weighed)} are drawn." if len(weighed) > n else ""
    return Exhibit(
        id=f"{PREFIX}-differences",
        kind="curve",
        title="Change of the distance to theory, in margins",
        caption=(
            "Every point is one claim measured with chance in both runs, largest change first; the band is "
            "the margin, inside which a change does not matter. Above 0: further from theory than before. A "
            f"point outside is a regression only if both noises leave no doubt: see the table.{cut}"
        ),
        x_axis=Axis(label="claim, largest change first"),
        y_axis=Axis(label="change of the distance to theory", unit="margin"),
        x=tuple(float(rank) for rank in range(1, n + 1)),
        observed=tuple(sizes),
        expected=(0.0,) * n,
        band=((-1.0,) * n, (1.0,) * n),
        plate=_TITLE,
        n=len(weighed),
    )
