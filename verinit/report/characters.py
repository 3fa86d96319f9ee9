"""What a target calls itself is not to be trusted: text is shown as it is, never as it would act."""

from __future__ import annotations

import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def _shown(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if unicodedata.category(character) in _HIDDEN:
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character


def visible(text: str) -> str:
    r"""Characters that steer instead of being read are replaced by signs that are read; lines stay lines.

    Control characters become their pictures; direction marks, joiners, unassigned code points and lone
    surrogates become their escapes, so that the result can always be encoded and never reorders a page.

    >>> visible("a\x00b\x1b[31m"), visible("x\u202ey"), visible("one\ntwo")
    ('a␀b␛[31m', 'x\\u202ey', 'one\ntwo')
    """
    if text.isascii() and text.replace("\n", "").isprintable():
        return text
    return "".join(character if character == "\n" else _shown(character) for character in text)


def breadth(text: str) -> int:
    """Columns that `text` takes where every character is one wide, East Asian wide ones two."""
    if text.isascii():
        return len(text)
    return sum(1 + (unicodedata.east_asian_width(character) in "WF") for character in text)


def brief(text: str, width: int) -> str:
    """`text` on one line of at most `width` columns, its middle left out where it is longer.

    >>> brief("mypackage.initialisers:he_normal", 20)
    'mypackage.…he_normal'
    """
    line = visible(" ".join(text[: 8 * width].split()) if len(text) <= 8 * width else text.replace("\n", " "))
    if breadth(line) <= width:
        return line
    head, tail = width // 2, width - width // 2 - 1
    start = line[:head]
    end = line[-tail:] if tail else ""
    while breadth(start) > head:
        start = start[:-1]
    while breadth(end) > tail:
        end = end[1:]
    return f"{start}…{end}"


def clipped(text: str, length: int) -> str:
    """`text`, made visible, with what exceeds `length` characters counted instead of shown."""
    shown = visible(text[:length])
    left = len(text) - length
    return f"{shown}… ({left} more characters in report.json)" if left > 0 else shown
