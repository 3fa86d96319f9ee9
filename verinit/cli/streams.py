"""Standard output and error of a program whose files and exit code count more than its words.

Nobody may read on (`verinit list | head -1`), the disk under `> file` may be full, and the locale may know no
Korean. None of it ends the program: it goes on, writes its report, and ends with the code that it would have
had, but for 3 where something that was to be kept was not.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any


class Forgiving(io.FileIO):
    """A file descriptor whose first failure to write sends everything after it nowhere.

    lost  the error, unless it is only that nobody reads on
    """

    lost: OSError | None = None

    def write(self, data: Any) -> int | None:  # type: ignore[override]
        """As a file does; what cannot be written counts as written."""
        try:
            return super().write(data)
        except OSError as error:
            self.lost = None if isinstance(error, BrokenPipeError) else error
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(data)


class Lasting(io.TextIOWrapper):
    """A text stream that the code under test cannot close."""

    def close(self) -> None:
        """What has been printed is sent; more may follow."""
        self.flush()


def forgive() -> None:
    """From here on, standard output and error forgive; those that somebody has replaced stay as they are."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed before the program began
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - as long as the program
            continue
        if stream is not getattr(sys, f"__{name}__") or not hasattr(stream, "reconfigure"):
            continue
        stream.flush()
        raw = Forgiving(stream.fileno(), "wb", closefd=False)
        forgiving = Lasting(
            io.BufferedWriter(raw),
            encoding=stream.encoding,
            errors="backslashreplace",
            line_buffering=stream.line_buffering or name == "stderr",
        )
        setattr(sys, name, forgiving)


def lost() -> OSError | None:
    """Why standard output could not be written, after all of it has been sent; None if it could."""
    try:
        sys.stdout.flush()
    except (AttributeError, ValueError, OSError):
        return None
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.lost if isinstance(raw, Forgiving) else None
