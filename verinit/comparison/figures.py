"""What the report shows of a comparison: a table of what is not as it was, and the differences by size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from verinit.comparison.wording import HEADER, cells, headline, listed
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
    groups = listed(whole)
    more = f" The first {_ROWS} of {len(groups)} rows." if len(groups) > _ROWS else ""
    return Exhibit(
        id=PREFIX,
        kind="table",
        title=_TITLE,
        plate=_TITLE,
        caption=(
            f"In all {'; '.join((headline(whole), *whole.notes))}. False alarms of the whole comparison at "
            f"most {short(whole.alpha)}, over {whole.tested} pairs with the noise of both runs.{more}"
        ),
        header=HEADER,
        rows=tuple(map(cells, groups[:_ROWS])),
    )


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
