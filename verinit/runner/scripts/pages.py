"""The frame of every script: what was found, as comments; then the code; then observed beside expected."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from verinit.vocabulary import Evidence, Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """The lines between the frame: they leave `observed` behind, unless they end the script themselves.

    imports  lines of imports
    lines    code
    note     how the numbers of the script are those of the finding
    ends     whether the lines print and exit by themselves
    """

    imports: tuple[str, ...]
    lines: tuple[str, ...]
    note: str
    ends: bool = False


def page(found: Finding, body: Body) -> str:
    """The script as text, in ASCII, whatever a target calls itself."""
    imports = sorted({*body.imports, *(() if body.ends else ("import sys",))}, key=_standard_first)
    parts = [*_head(found, body.note), "", *imports, ""]
    if not body.ends:
        assert found.evidence is not None
        parts += [*_constants(found.evidence), *_spaced(body.lines), *_ending(found.evidence)]
    else:
        parts += _spaced(body.lines)
    return "\n".join(parts) + "\n"


def _spaced(lines: Iterable[str]) -> list[str]:
    """Lines with two empty ones around each definition."""
    spaced: list[str] = []
    defined = False
    for line in lines:
        defines = line.startswith(("def ", "class "))
        spaced += ["", ""] if defines or defined else []
        spaced.append(line)
        defined = defines
    return spaced


def _standard_first(line: str) -> tuple[bool, bool, str]:
    word = line.split()[1].partition(".")[0]
    return (
        line.startswith("from __future__") is False,
        word not in ("os", "random", "sys", "dataclasses"),
        line,
    )


def _head(found: Finding, note: str) -> list[str]:
    return [
        *comment(str(found)),
        "#",
        f"# {note}.",
        *comment(f"Written by: verinit replay {found.id!a} --as-script"),
    ]


def comment(text: str) -> list[str]:
    r"""Text as lines of comment that end where they seem to end.

    >>> comment("a\nb\x0bc\u202e")
    ['# a', '# b\\x0bc\\u202e']
    """
    return [f"# {_plain(line)}".rstrip() for line in text.split("\n")]


def _plain(line: str) -> str:
    return "".join(c if " " <= c <= "~" else ascii(c)[1:-1] for c in line)


def number(x: float) -> str:
    """A number as source text, to the last digit.

    >>> number(0.1), number(math.inf), number(math.nan)
    ('0.1', 'float("inf")', 'float("nan")')
    """
    return repr(float(x)) if math.isfinite(x) else f'float("{x}")'


def arguments(bound: Iterable[tuple[str, object]]) -> str:
    """Keyword arguments as source text."""
    return ", ".join(f"{name}={value!r}" for name, value in bound)


def _constants(evidence: Evidence) -> list[str]:
    """What is predicted, and what it may be off by."""
    return [f"EXPECTED, ALLOWED = {number(evidence.expected)}, {number(evidence.tolerance)}"]


def _ending(evidence: Evidence) -> list[str]:
    """Observed beside expected, and the exit code."""
    return [
        f"print({evidence.quantity!a})",
        'print("observed", observed)',
        'print("expected", EXPECTED, "+-", ALLOWED)',
        "apart = 0.0 if observed == EXPECTED else abs(observed - EXPECTED)",
        "sys.exit(0 if apart <= ALLOWED else 1)",
    ]
