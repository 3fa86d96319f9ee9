"""The files of a report, each whole or absent: the page, the page of the ledger, the summary and the data."""

from __future__ import annotations

from pathlib import Path

from verinit.report.pages import LEDGER, html, ledger_html
from verinit.report.placing import place
from verinit.report.summary import markdown
from verinit.vocabulary import Report, UsageError
from verinit.vocabulary.document import encode


def write(report: Report, folder: Path) -> Path:
    """Write report.json, report.md and index.html into `folder`; return the path of index.html.

    A report with rulings has textbook.html too; one without leaves none of an earlier report. All are
    rendered before anything is written, staged beside their places, and moved there one by one, so that a
    reader never sees half a file and a crash leaves the old report as it was.

    Raises `UsageError` if the folder cannot be written.
    """
    folder = Path(folder)
    texts = {"report.json": encode(report), "report.md": markdown(report)}
    if report.rulings:
        texts[LEDGER] = ledger_html(report)
    texts["index.html"] = html(report)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        place({folder / name: text for name, text in texts.items()})
        if not report.rulings:
            (folder / LEDGER).unlink(missing_ok=True)
    except OSError as error:
        raise cannot(folder, error.strerror or str(error)) from error
    return folder / "index.html"


def cannot(folder: Path, why: str) -> UsageError:
    """The one sentence for a folder into which no report can be written."""
    return UsageError(
        f"report={str(folder)!r}: the report cannot be written there ({why}); "
        "give a folder that you may write to"
    )
