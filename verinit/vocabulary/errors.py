"""What goes wrong, in words: errors of use, and the exceptions a check may raise."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from verinit.vocabulary.findings import Finding


class VerinitError(Exception):
    """Every error that verinit raises on purpose."""


class UsageError(VerinitError, ValueError):
    """An argument has a value that is not allowed; the message says which, and what is."""


class TargetError(VerinitError, RuntimeError):
    """A target could not be loaded or adapted."""


class CheckFailed(VerinitError, AssertionError):
    """A claim is not true of the code; `finding` holds the evidence."""

    def __init__(self, message: str, *, finding: Finding | None = None) -> None:
        super().__init__(message)
        self.finding = finding


class CheckInconclusive(CheckFailed):
    """The sample could not have seen the fault that the check promises to see."""


class CheckSkipped(VerinitError):
    """The claim does not apply to this target at this case; the message says why."""


_ALIKE = str.maketrans("Ol", "01")
"""Letters that look like digits."""


def suggestion(given: str, allowed: Iterable[str]) -> str:
    """The nearest allowed word, as the end of a sentence.

    >>> suggestion("he_norml", ["he_normal", "orthogonal"])
    "; did you mean 'he_normal'?"
    >>> suggestion("IN2O1", ["IN201", "IN211"])
    "; did you mean 'IN201'?"
    >>> suggestion("qqq", ["he_normal"])
    ''
    """
    words = [str(word) for word in allowed]
    near = [word for word in words if word.translate(_ALIKE) == str(given).translate(_ALIKE)]
    near = near or difflib.get_close_matches(str(given), words, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


LISTED = 40
"""Names that are listed in full, which is some lines of a terminal."""


def unknown(what: str, given: object, allowed: Iterable[str]) -> UsageError:
    """The one sentence for a name that nobody knows: what was given, what is allowed.

    Of more than `LISTED` names only the first and the last are told, with their number.
    """
    names = sorted(allowed)
    listed = ", ".join(names)
    if len(names) > LISTED:
        listed = f"{len(names)} names, from {names[0]} to {names[-1]}"
    return UsageError(f"no {what} named {given!r}{suggestion(str(given), names)} (allowed: {listed})")
