"""Templates and figures become markup: everything is escaped, and nothing grows without bound."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from verinit.report.characters import brief, visible
from verinit.report.figures import svg
from verinit.report.inline import inline
from verinit.report.intervals import intervals
from verinit.report.outline import command, remedy, tally
from verinit.report.plates import Plate, plates
from verinit.report.readings import Illustration, basis, figure, illustration
from verinit.report.states import MEANING, OUTCOME_SIGNS, STATES, state
from verinit.vocabulary import Exhibit, Finding, wording


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


@dataclass(slots=True, kw_only=True)
class Page:
    """What one rendering gives away: the room left for figures, and the names already taken."""

    allowance: Allowance
    left: int
    prefix: str = ""
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
        return [self._figure(illustration(plate)) for plate in (*whole, *loose)]

    def figures_of_findings(self, group: Sequence[Finding]) -> list[Markup]:
        """The figures that a check drew for the worst of its findings, or one made of their evidence."""
        drawn = next((finding for finding in group if finding.exhibits), None)
        if drawn is None:
            made = intervals(group)
            return [self._figure(made)] if made else []
        shown = map(illustration, plates(drawn.exhibits))
        return [self._figure(replace(one, count=_joined(one.count, basis(drawn)))) for one in shown]

    def _figure(self, shown: Illustration) -> Markup:
        self.figures += 1
        key = self.prefix + self.anchor(f"figure-{self.figures}")
        text = figure_markup(shown, key, self.allowance) if self.left > 0 else ""
        if not text or len(text) > self.left:
            return Markup('<p class="note">Left out for the size of the page: figure “{}”. ').format(
                brief(shown.title, 80)
            ) + Markup("Its data are in report.json.</p>")
        self.left -= len(text)
        return Markup(text)


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


def figure_markup(shown: Illustration, key: str, allowance: Allowance) -> str:
    """A figure with its caption, what it shows in words, and its numbers; `key` is unique in the page."""
    drawn, wide = "", 0.0
    if shown.drawing:
        sheet = shown.drawing
        wide = sheet.width
        drawn = inline(
            svg(sheet.marks, width=sheet.width, height=sheet.height),
            key=key,
            title=brief(shown.title, 200),
            description=shown.description,
        )
    return (
        environment()
        .get_template("figure.html.j2")
        .render(
            shown=shown,
            key=key,
            drawing=Markup(drawn),
            width=wide,
            rows=allowance.rows,
            text=allowance.text,
        )
    )


@cache
def environment() -> Environment:
    """The templates, with everything escaped, and the words that they use."""
    made = Environment(
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
    made.filters.update(filters)
    made.globals.update(
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
    return made


def _breakable(name: str) -> Markup:
    """A name that may be broken after its joints, and need not be broken elsewhere."""
    return Markup("<wbr>").join(re.findall(r"[^:_@./]*[:_@./]?", name))
