"""The file of --output."""

from __future__ import annotations

from pathlib import Path

from verinit.report.placing import place
from verinit.vocabulary import UsageError


def save(path: Path, text: str) -> None:
    """Write the file of --output, whole or not at all.

    Raises `UsageError` where it cannot be written.
    """
    try:
        place({path: text})
    except OSError as error:
        raise UsageError(
            f"--output {path}: cannot be written ({error.strerror}); choose another file"
        ) from None
