"""The files of a report, each whole or absent: the page, the page of the ledger, the summary and the data."""

from __future__ import annotations

from pathlib import Path

from verinit.report.pages import LEDGER, html, ledger_html
from verinit.report.placing import place
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
        place({folder / name: text for name, text in texts.items()})
    except OSError as error:
        raise cannot(folder, error.strerror or str(error)) from error


def cannot(folder: Path, why: str) -> UsageError:
    """The one sentence for a folder into which no report can be written."""
    return UsageError(
        f"report={str(folder)!r}: the report cannot be written there ({why}); "
        "give a folder that you may write to"
    )
