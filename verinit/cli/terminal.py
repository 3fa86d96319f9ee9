"""Text as it is printed: as wide as the terminal and in its colours, whole lines without colour in a pipe.

What goes into a pipe or a file is the same for everybody: one finding's fact a line, never broken, so that it
can be searched. On a terminal long lines are folded between words; a name or a command is never broken.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from typing import TextIO

import click

from verinit.report.characters import breadth, visible

NARROWEST = 40
"""Columns below which folding would not help reading."""
_HANG = re.compile(r" *(?:undecided |\S.{0,14}? {2,})")
"""A label before its text: "  claim     ", "  the chapter  ", "IN201  "."""
_COMMAND = re.compile(r"(?:  replay  |go on with  )")
"""Lines to be copied as they are."""
_COLOURS = {
    "PASSED": "green",
    "HOLDS": "green",
    "FAILED": "red",
    "ERRORED": "red",
    "NOTHING PASSED": "red",
    "REFUTED": "magenta",
    "DEPENDS": "yellow",
    "INCONCLUSIVE": "yellow",
    "INCOMPLETE": "yellow",
    "UNDECIDED": "yellow",
}
_WORDS = "|".join(_COLOURS)
_VERDICT = re.compile(rf"^((?:[A-Z]{{1,2}}\d{{2,3}} )?)({_WORDS})(?= for |[:.] )", re.MULTILINE)


def lively(stream: TextIO) -> bool:
    """Whether somebody watches: a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def coloured(stream: TextIO) -> bool:
    """Whether to colour: NO_COLOR forbids it, else FORCE_COLOR asks for it, else a terminal that can."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or lively(stream)


def columns(stream: TextIO) -> int | None:
    """How many columns a line may take; None where nobody watches and lines stay whole."""
    return max(NARROWEST, shutil.get_terminal_size().columns) if stream.isatty() else None


def folded(text: str, width: int) -> str:
    """Text with its long lines folded between words, what follows a label below its own beginning.

    >>> print(folded("  observed  0.1663, 76.2 times the allowed distance", 32))
      observed  0.1663, 76.2 times
                the allowed distance
    """
    return "\n".join(piece for line in text.split("\n") for piece in _pieces(line, width))


def _pieces(line: str, width: int) -> list[str]:
    if breadth(line) <= width or _COMMAND.match(line):
        return [line]
    label = _HANG.match(line)
    hang = len(label[0]) if label else len(line) - len(line.lstrip()) + 2
    pieces = [""]
    for word in re.findall(r" *\S+", line):
        if pieces[-1].strip() and breadth(pieces[-1] + word) > width:
            pieces.append(" " * hang + word.lstrip())
        else:
            pieces[-1] += word
    return pieces


def painted(text: str) -> str:
    """Text with its verdicts in colour: the first words of a finding, of a ruling, of the last lines."""
    return _VERDICT.sub(lambda m: m[1] + click.style(m[2], fg=_COLOURS[m[2]], bold=True), text)


def say(text: str, *, err: bool = False) -> None:
    """Print text for people, to standard output or to standard error.

    Characters that would steer the terminal are shown instead; those that it cannot show become escapes.
    """
    place = sys.stderr if err else sys.stdout
    width = columns(place)
    shown = visible(text.rstrip("\n"))
    encoding = getattr(place, "encoding", None) or "utf-8"
    shown = shown.encode(encoding, "backslashreplace").decode(encoding)
    shown = folded(shown, width) if width else shown
    colour = coloured(place)
    click.echo(painted(shown) if colour else shown, file=place, color=colour)
