"""The page: one self-contained HTML file, offline, without scripts, light and dark, for screen and paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from verinit.report.characters import brief, clipped, visible
from verinit.report.figures import svg
from verinit.report.inline import inline
from verinit.report.outline import Outline, command, outline, remedy, tally
from verinit.report.plates import Plate, drawing, plates
from verinit.report.readings import description, figure, table
from verinit.report.states import MEANING, OUTCOME_SIGNS, STATES, state
from verinit.vocabulary import Exhibit, Report, wording
from verinit.vocabulary.document import document

_SECTIONS = (
    *("main", "verdict", "failed", "undecided", "excused", "matrix"),
    *("figures", "textbook", "tool", "skipped", "environment", "again"),
)
LEDGER = "textbook.html"
"""The page of the ledger, beside the page of the run."""
LIMIT = 3 * 2**20
"""No page is larger, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much of each kind a page may hold; what is left out is counted, and stays in report.json.

    blocks   findings shown in full, in each section
    figures  bytes of figures and of the data tables under them
    rows     rows of a table
    text     characters of one block of text
    """

    blocks: int
    figures: int
    rows: int
    text: int


ALLOWANCES = (
    Allowance(blocks=120, figures=1_900_000, rows=400, text=6000),
    Allowance(blocks=60, figures=900_000, rows=120, text=1500),
    Allowance(blocks=20, figures=300_000, rows=40, text=400),
    Allowance(blocks=8, figures=0, rows=15, text=160),
)


@dataclass(slots=True, kw_only=True)
class _Page:
    """What one rendering gives away: the room left for figures, and the names already taken."""

    allowance: Allowance
    left: int
    taken: set[str] = field(default_factory=set)
    figures: int = 0

    def anchor(self, text: str) -> str:
        """An id made of `text`, safe in HTML and given once only."""
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", text)[:64] or "x"
        name, again = stem, 1
        while name in self.taken:
            again += 1
            name = f"{stem}-{again}"
        self.taken.add(name)
        return name

    def figures_of(self, gallery: Iterable[Plate | Exhibit]) -> list[Markup]:
        """Figures for plates, or for the plates that exhibits form."""
        whole = [item for item in gallery if isinstance(item, Plate)]
        loose = plates(item for item in gallery if isinstance(item, Exhibit))
        return [self._figure(plate) for plate in (*whole, *loose)]

    def _figure(self, plate: Plate) -> Markup:
        key = self.anchor(f"figure-{self.figures + 1}")
        self.figures += 1
        text = _figure(plate, key, self.allowance) if self.left > 0 else ""
        if not text or len(text) > self.left:
            return Markup('<p class="note">Left out for the size of the page: figure “{}”. ').format(
                brief(plate.title, 80)
            ) + Markup("Its data are in report.json.</p>")
        self.left -= len(text)
        return Markup(text)


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
    page = _Page(allowance=allowance, left=allowance.figures)
    page.taken.update(_SECTIONS)
    rulings = [(ruling, page.anchor(ruling.id)) for ruling in report.rulings]
    links: dict[str, str] = {}
    for group in (*whole.failures[: allowance.blocks], *whole.undecided[: allowance.blocks]):
        links |= dict.fromkeys((finding.id for finding in group), page.anchor(f"f-{group[0].short_id}"))
    return (
        _environment()
        .get_template(template)
        .render(
            report=report,
            outline=whole,
            page=page,
            allowance=allowance,
            links=links,
            rulings=rulings,
            ledger_page=LEDGER,
            rulings_by_id={ruling.id: anchor for ruling, anchor in rulings},
            digest=document(report)["digest"],
            clipped=lambda value: clipped(str(value), allowance.text),
            first=lambda values: list(values)[: allowance.rows],
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("verinit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., object]] = {
        "visible": lambda value: visible(str(value)),
        "brief": lambda value, width=60: brief(str(value), width),
        "breakable": _breakable,
        "number": wording.number,
        "short": wording.short,
        "figure": figure,
        "state": state,
    }
    environment.filters.update(filters)
    environment.globals.update(
        states=STATES,
        meaning=MEANING,
        outcome_signs=OUTCOME_SIGNS,
        remedy=remedy,
        replay=wording.replay,
        block_of=lambda group: wording.block(list(group)),
        command=command,
        tally=tally,
        seen=wording.seen,
    )
    return environment


def _breakable(name: str) -> Markup:
    """A name that may be broken after its joints, and need not be broken elsewhere."""
    return Markup("<wbr>").join(re.findall(r"[^:_@./]*[:_@./]?", name))


def _figure(plate: Plate, key: str, allowance: Allowance) -> str:
    drawn, size = "", (0.0, 0.0)
    if plate.panels:
        sheet = drawing(plate)
        size = (sheet.width, sheet.height)
        drawn = inline(
            svg(sheet.marks, width=sheet.width, height=sheet.height),
            key=key,
            title=brief(plate.title, 200),
            description=description(plate),
        )
    return (
        _environment()
        .get_template("figure.html.j2")
        .render(
            plate=plate,
            key=key,
            drawing=Markup(drawn),
            width=size[0],
            data=[table(exhibit) for exhibit in plate.panels],
            tables=[table(exhibit) for exhibit in plate.tables],
            rows=allowance.rows,
            text=allowance.text,
        )
    )
