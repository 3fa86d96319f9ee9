"""What may be said of one claim after two runs, and of two runs as a whole."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass

from verinit.comparison import figures, wording
from verinit.vocabulary import Exhibit, Finding, Ruling, display


class State(enum.Enum):
    """How a claim stands against what an older run found; only `regressed` makes a comparison fail."""

    regressed = "regressed"
    undecided = "undecided"
    incomparable = "not comparable"
    improved = "improved"
    changed = "changed"
    gone = "gone"
    new = "new"
    unchanged = "unchanged"
    identical = "identical"

    def __str__(self) -> str:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One claim for one target at one case, in the older report and in the newer one.

    reason      why it is in this state, in one sentence without a full stop
    difference  distance to theory now, less that of the older run; in units of the claim's quantity
    interval    values of the true difference that both noises together do not exclude
    margin      the smallest difference that matters: the check's discrepancy
    p           of no change at all, by `method`; None where no chance is involved, or none was asked
    needs       numbers in each run that would decide it; 0 where none would, or it is decided
    """

    target: str
    check: str
    case: str
    state: State
    reason: str = ""
    old: Finding | Ruling | None = None
    new: Finding | Ruling | None = None
    difference: float | None = None
    interval: tuple[float, float] | None = None
    margin: float = 0.0
    p: float | None = None
    method: str = ""
    needs: int = 0

    @property
    def key(self) -> tuple[str, str, str]:
        """What the two runs have in common, whatever their roots and rates: target, check, case."""
        return (self.target, self.check, self.case)

    def __str__(self) -> str:
        return wording.change(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two reports, claim by claim.

    `alpha` bounds the chance that anything at all is called regressed, improved or changed by chance where
    nothing changed; `tested` counts the pairs of findings that share it. `notes` say what differs between the
    runs themselves: root, battery, versions, completeness. `rulings` are those of the textbook, which are
    compared by their words and never fail. `partial`: whether the newer report is incomplete.
    """

    changes: tuple[Change, ...]
    rulings: tuple[Change, ...] = ()
    alpha: float
    tested: int
    notes: tuple[str, ...] = ()
    partial: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """How many findings and rulings stand in each state, every state named."""
        tally = Counter(str(change.state) for change in (*self.changes, *self.rulings))
        return {str(state): tally[str(state)] for state in State}

    def of(self, *states: State) -> tuple[Change, ...]:
        """The findings and rulings in any of these states, in the order of their keys."""
        return tuple(change for change in (*self.changes, *self.rulings) if change.state in states)

    @property
    def open(self) -> tuple[Change, ...]:
        """What could not be told, or was not run again."""
        return self.of(State.undecided, State.incomparable, State.gone)

    @property
    def empty(self) -> bool:
        """Whether the two reports have no finding and no ruling in common."""
        return all(change.state in (State.new, State.gone) for change in (*self.changes, *self.rulings))

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """A table of what differs, and a figure of the differences beside the margin, for the report."""
        return figures.exhibits(self)

    def __bool__(self) -> bool:
        """False if anything regressed, if the newer run is incomplete, or if nothing could be compared."""
        return not self.of(State.regressed) and not self.partial and not self.empty

    def __str__(self) -> str:
        return wording.comparison(self)

    def _repr_pretty_(self, printer: display.Pretty, cycle: bool) -> None:
        display.pretty(self, printer, cycle=cycle)
