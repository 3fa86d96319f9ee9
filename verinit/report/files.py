"""The files of a report, each whole or absent: the page, the page of the ledger, the summary and the data."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from verinit.report.pages import LEDGER, html, ledger_html
from verinit.report.summary import markdown
from verinit.vocabulary import Report, UsageError
from verinit.vocabulary.document import encode

DATA = "report.json"
"""The file that holds what the others show."""


def write(report: Report, folder: Path) -> Path:
    """Write report.json, report.md and index.html into `folder`; return the path of index.html.

    A report with rulings has textbook.html too; one without leaves none of an earlier report. All are
    rendered before anything is written, staged beside their places, and moved there one by one, so that a
    reader never sees half a file and a crash leaves the old report as it was.

    Raises `UsageError` if the folder cannot be written.
    """
    folder = Path(folder)
    texts = {DATA: encode(report), "report.md": markdown(report)}
    if report.rulings:
        texts[LEDGER] = ledger_html(report)
    texts["index.html"] = html(report)
    _put(texts, folder)
    if not report.rulings:
        (folder / LEDGER).unlink(missing_ok=True)
    return folder / "index.html"


def prepare(folder: Path) -> None:
    """Make the folder, so that a run learns before it begins whether its report can be written there.

    Raises as `write` does.
    """
    _put({}, Path(folder))


def keep(report: Report, folder: Path) -> Path:
    """Write report.json alone, which is all that a later run needs to go on; return its path.

    The pages beside it are those of an earlier report until `write` draws them. Raises as `write` does.
    """
    _put({DATA: encode(report)}, Path(folder))
    return Path(folder) / DATA


def _put(texts: dict[str, str], folder: Path) -> None:
    """Files into a folder, each whole or not at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".verinit-", dir=folder) as staging:
            for name, text in texts.items():
                (Path(staging) / name).write_bytes(_bytes(text))
            for name in texts:
                os.replace(Path(staging) / name, folder / name)
    except OSError as error:
        raise UsageError(
            f"report={str(folder)!r}: the report cannot be written there "
            f"({error.strerror or error}); give a folder that you may write to"
        ) from error


def _bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate becomes its escape, which JSON reads back as itself."""
    return text.encode("utf-8", errors="backslashreplace")
