"""Files appear whole or not at all: written beside their places, then moved there one by one."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

IN_PLACE = (errno.EACCES, errno.EPERM, errno.EBUSY, errno.EROFS)
"""Why nothing can be put beside a file that may be written: its folder is another's, or it is mounted."""


def place(texts: Mapping[Path, str]) -> None:
    """Write texts to files, all or none of them but for a crash between two moves.

    A reader never sees half a file; on any failure what was there stays as it was and nothing is left lying
    about. What is no plain file (a pipe, a terminal, /dev/null) is written to as it is, and so is a file in
    a folder that may not be written.
    Raises `OSError`.
    """
    with ExitStack() as litter:
        moves: list[tuple[Path, Path]] = []
        for path, text in texts.items():
            moves += _staged(path, encoded(text), litter)
        for staged, path in moves:
            os.replace(staged, path)


def refusal(folder: Path) -> str:
    """Why nothing could be put into a folder, or into the place where it would be made; empty if it could.

    Nothing is written to find it out, so a full disk is not seen.
    """
    place = Path(os.path.abspath(folder))
    while not os.path.lexists(place) and place != place.parent:
        place = place.parent
    if not place.is_dir():
        return os.strerror(errno.ENOTDIR)
    return "" if os.access(place, os.W_OK | os.X_OK) else os.strerror(errno.EACCES)


def encoded(text: str) -> bytes:
    """UTF-8; a lone surrogate becomes its escape, which JSON reads back as itself."""
    return text.encode("utf-8", errors="backslashreplace")


def _staged(path: Path, data: bytes, litter: ExitStack) -> list[tuple[Path, Path]]:
    """The move that is left to make; none where the file had to be written as it is."""
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return []
    staged = path.with_name(f".verinit-{secrets.token_hex(8)}")  # short: a name may be as long as is allowed
    litter.callback(_gone, staged)
    try:
        staged.write_bytes(data)
        if path.exists():
            staged.chmod(path.stat().st_mode & 0o777)
    except OSError as error:
        if error.errno not in IN_PLACE or not path.exists():
            raise
        path.write_bytes(data)
        return []
    return [(staged, path)]


def _gone(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)
