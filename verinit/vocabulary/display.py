"""How a noun shows itself in a notebook: floor 0 asks the door of the package, and knows no floor above.

Vocabulary imports nothing of the report, and the report is not loaded until something is shown.
`docs/decisions/0013-nouns-show-themselves.md` says why it is done so.
"""

from __future__ import annotations

import sys
from typing import Protocol


class Pretty(Protocol):
    """The printer that IPython hands to `_repr_pretty_`."""

    def text(self, text: str, /) -> None: ...


def html(noun: object) -> str:
    """A piece of HTML that shows `noun` as the report does."""
    door = sys.modules[__name__.partition(".")[0]]  # loaded before any of its modules
    return str(door.in_a_notebook(noun))


def pretty(noun: object, printer: Pretty, *, cycle: bool) -> None:
    """The words of `noun`, where an interactive session would print every field of it."""
    printer.text("..." if cycle else str(noun))
