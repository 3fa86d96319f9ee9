"""Text, code and tables in Markdown, in which nothing that a target calls itself is anything but text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from verinit.report.characters import brief, clipped

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")


def plain(text: object, width: int) -> str:
    """Text that Markdown shows as it is, on one line; an @ or a link in it calls nobody."""
    line = _SPECIAL.sub(r"\\\1", brief(str(text), width))
    return line.replace("&", "&amp;").replace("@", "&#64;").replace("://", "&#58;//")


def code(text: object, width: int = 60) -> str:
    """Text as code, its fence longer than any run of backticks in it; safe in a table.

    Readers differ on a bar after a backslash in code, so such text is given as text.
    """
    if r"\|" in (shown := brief(str(text), width)):
        return plain(shown, width)
    line = shown.replace("|", r"\|")
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if line.startswith("`") or line.endswith("`") else ""
    return f"{fence}{space}{line}{space}{fence}" if line else ""


def block(text: str, length: int) -> str:
    """Text as a block of code, its fence longer than any run of backticks in it."""
    shown = clipped(text, length)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", shown)), default=0))
    return f"{fence}text\n{shown}\n{fence}"


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], limit: int, *, where: str = "report.json"
) -> str:
    """A table of cells that are Markdown already, of at most `limit` rows; the others are counted."""
    lines = [header, ["---"] * len(header), *rows[:limit]]
    text = "\n".join("| " + " | ".join(cells) + " |" for cells in lines)
    return text + more(len(rows), limit, "rows", where=where)


def more(total: int, limit: int, noun: str, *, where: str = "report.json") -> str:
    """How many were left out; empty if none were."""
    return f"\n\n{total - limit} more {noun}: see {where}." if total > limit else ""
