"""Finished cells on disk, one line each: what was interrupted goes on where it stopped.

A ledger belongs to one state of the code: its name holds a digest of every source that decides a verdict,
so that answers of other code are never taken for answers of this one.
"""

from __future__ import annotations

import hashlib
import json
from importlib import resources
from pathlib import Path
from typing import Any

import numpy
import scipy

from verinit.calibration.cells import Cell, Said
from verinit.vocabulary import UsageError

DECIDING = (
    *("vocabulary", "statistics", "laws", "reference", "cases", "targets", "checks", "faults"),
    *("runner", "calibration"),
)
"""Packages whose sources decide verdicts, or how they are counted."""


def digest() -> str:
    """Eight bytes that change with the sources, and with NumPy and SciPy."""
    whole = hashlib.sha256(f"{numpy.__version__} {scipy.__version__}".encode())
    root = resources.files("verinit")
    for package in DECIDING:
        for path in sorted(Path(str(root.joinpath(package))).rglob("*.py")):
            whole.update(path.as_posix().rpartition("/verinit/")[2].encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()[:16]


class Ledger:
    """What was measured so far; kept in `folder` if there is one."""

    def __init__(self, folder: Path | None) -> None:
        self.path = folder / f"cells-{digest()}.jsonl" if folder is not None else None
        self.said: dict[str, Said] = {}
        if self.path is None:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []
            self.path.touch()
        except OSError as error:
            raise UsageError(
                f"--work-dir {folder}: cannot be used ({error.strerror}); choose another folder"
            ) from None
        for line in lines:
            self._recall(line)

    def _recall(self, line: str) -> None:
        try:
            key, said = json.loads(line)
        except ValueError:
            return  # the line at which a run was killed
        self.said[key] = said

    def __contains__(self, cell: Cell) -> bool:
        return cell.key in self.said

    def __getitem__(self, cell: Cell) -> Any:
        return self.said[cell.key]

    def keep(self, cell: Cell, said: Said) -> None:
        """Write down what a cell said, at once; a line that was cut off before is closed first."""
        self.said[cell.key] = said
        if self.path is None:
            return
        with self.path.open("a+b") as file:
            file.seek(0, 2)
            if file.tell():
                file.seek(-1, 2)
                cut = file.read(1) != b"\n"
                file.write(b"\n" if cut else b"")
            file.write(json.dumps([cell.key, said]).encode() + b"\n")
