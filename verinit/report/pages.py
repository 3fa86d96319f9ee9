"""The page: one self-contained HTML file, offline, without scripts, light and dark, for screen and paper."""

from __future__ import annotations

from verinit.report.characters import clipped
from verinit.report.markup import Allowance, Page, environment
from verinit.report.outline import Outline, outline
from verinit.vocabulary import Report
from verinit.vocabulary.document import document

_SECTIONS = (
    *("main", "verdict", "failed", "undecided", "excused", "matrix"),
    *("figures", "textbook", "tool", "skipped", "environment", "again"),
)
LEDGER = "textbook.html"
"""The page of the ledger, beside the page of the run."""
LIMIT = 3 * 2**20
"""No page is larger, in bytes."""


ALLOWANCES = (
    Allowance(blocks=120, figures=1_900_000, rows=400, text=6000),
    Allowance(blocks=60, figures=900_000, rows=120, text=1500),
    Allowance(blocks=20, figures=300_000, rows=40, text=400),
    Allowance(blocks=8, figures=0, rows=15, text=160),
)


def html(report: Report) -> str:
    """The report as one page of at most `LIMIT` bytes.

    Where a full page would be larger, the least urgent text and figures are left out and counted.
    """
    return _fitted(report, "page.html.j2")


def ledger_html(report: Report) -> str:
    """The rulings of a report as a page of their own: each with evidence, figures and an id to link to.

    At most `LIMIT` bytes, as `html`.
    """
    return _fitted(report, "ledger.html.j2")


def _fitted(report: Report, template: str) -> str:
    whole = outline(report)
    text = ""
    for allowance in ALLOWANCES:
        text = _render(report, whole, allowance, template)
        if len(text.encode()) <= LIMIT:
            break
    return text


def _render(report: Report, whole: Outline, allowance: Allowance, template: str) -> str:
    page = Page(allowance=allowance, left=allowance.figures)
    page.taken.update(_SECTIONS)
    rulings = [(ruling, page.anchor(ruling.id)) for ruling in report.rulings]
    claims = {claim.id: page.anchor(f"claim-{claim.id}") for claim in whole.claims[: allowance.rows]}
    links: dict[str, str] = {}
    for group in (*whole.failures[: allowance.blocks], *whole.undecided[: allowance.blocks]):
        links |= dict.fromkeys((finding.id for finding in group), page.anchor(f"f-{group[0].short_id}"))
    return (
        environment()
        .get_template(template)
        .render(
            report=report,
            outline=whole,
            page=page,
            allowance=allowance,
            links=links,
            claims=claims,
            rulings=rulings,
            ledger_page=LEDGER,
            rulings_by_id={ruling.id: anchor for ruling, anchor in rulings},
            digest=document(report)["digest"],
            clipped=lambda value: clipped(str(value), allowance.text),
            first=lambda values: list(values)[: allowance.rows],
        )
    )
