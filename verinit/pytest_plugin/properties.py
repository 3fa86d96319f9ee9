"""What travels with the report of a test: its finding, and what was selected in its session, as JSON.

A finding is a function of its place and of what was selected, so both are the same bytes in a serial session
and under xdist.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from verinit.vocabulary import Finding
from verinit.vocabulary.document import plain, restore

FINDING = "verinit"
SESSION = "verinit_session"
_UNASKED = "unasked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What a session is to run, over all its decorators.

    tests    how many decorated tests, each a run with a budget of its own; `false_fail` is their sum
    planned  trials that are to run; unasked: claims that say nothing, and are not to run
    """

    root: int
    battery: str
    false_fail: float
    tests: int
    planned: int
    unasked: int

    def text(self) -> str:
        """The selection as JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, text: str) -> Selection:
        """The selection that `text` was."""
        return cls(**json.loads(text))


def told(finding: Finding, *, unasked: bool) -> str:
    """A finding as JSON, with its id; unasked: whether it was known before anything ran."""
    row: Mapping[str, Any] = {"id": finding.id, "replay": finding.short_id, **plain(finding)}
    return json.dumps({**row, _UNASKED: unasked}, allow_nan=False)


def heard(text: str) -> tuple[Finding, bool]:
    """The finding that `told` wrote, and whether it was known before anything ran."""
    row = json.loads(text)
    return restore(row, Finding), row[_UNASKED]
