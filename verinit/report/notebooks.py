"""What a notebook shows of a report, a finding, a ruling or a portrait: a piece of the page, in its words.

It brings its own colours, light and dark, follows the theme of the notebook where that has one, and
runs no script.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from verinit.report.characters import clipped
from verinit.report.markup import Allowance, Page, environment
from verinit.report.outline import outline
from verinit.vocabulary import Exhibit, Finding, Report, Ruling, Verdict

LIMIT = 300_000
"""No output is larger, in bytes."""
ALLOWANCES = (
    Allowance(blocks=5, figures=120_000, rows=60, text=3000),
    Allowance(blocks=3, figures=60_000, rows=25, text=800),
    Allowance(blocks=1, figures=0, rows=8, text=160),
)
_HERE = "\ue000"
"""Stands for the name of an output until that is known; shown text never holds it."""


def html(noun: Report | Finding | Ruling) -> str:
    """One element of HTML for a notebook, at most `LIMIT` bytes; the same bytes for the same noun.

    Of a report: the verdict, the worst failures with their figures, and the rest folded away and counted.
    """
    if isinstance(noun, Report):
        return _fitted(report=noun, outline=outline(noun), rulings=noun.rulings)
    if isinstance(noun, Finding):
        return _fitted(group=(noun,), advice=noun.verdict is Verdict.inconclusive)
    return _fitted(ruling=noun)


def gallery(exhibits: Iterable[Exhibit]) -> str:
    """Figures and tables as one element of HTML for a notebook."""
    return _fitted(exhibits=tuple(exhibits))


def _fitted(**given: Any) -> str:
    text = ""
    for allowance in ALLOWANCES:
        text = _render(allowance, given)
        if len(text.encode()) <= LIMIT:
            break
    name = f"v{hashlib.sha256(text.encode()).hexdigest()[:10]}-"
    return text.replace(_HERE, name)


def _render(allowance: Allowance, given: dict[str, Any]) -> str:
    """The element; ids begin with a stand-in, so that two outputs of one notebook share none."""
    return (
        environment()
        .get_template("notebook.html.j2")
        .render(
            page=Page(allowance=allowance, left=allowance.figures, prefix=_HERE),
            allowance=allowance,
            links={},
            claims={},
            clipped=lambda value: clipped(str(value), allowance.text),
            first=lambda values: list(values)[: allowance.rows],
            **given,
        )
    )
