"""A figure as a file of its own: PNG or SVG, on white paper, with the report's ink."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from verinit.report.figures import png, svg
from verinit.report.marks import Ink
from verinit.report.plates import drawing, plates
from verinit.vocabulary import Exhibit, UsageError, unknown

INK: Mapping[Ink, str] = {
    "ink": "#1c2127",
    "muted": "#59616b",
    "hair": "#e4e4de",
    "observed": "#4a86b8",
    "expected": "#c2570c",
    "failed": "#b3211b",
}
"""The colours of the page on light paper."""
FORMS = (".png", ".svg")


def picture(exhibits: Iterable[Exhibit], form: str) -> bytes:
    """The first figure that the exhibits form, as the bytes of a ".png" or ".svg" file; always the same.

    Raises `UsageError` for another form, and for exhibits without a figure.
    """
    if form not in FORMS:
        raise unknown("form of a picture", form, FORMS)
    plate = next((plate for plate in plates(exhibits) if plate.panels), None)
    if plate is None:
        raise UsageError("there is no figure to save: no layer has finite activations")
    sheet = drawing(plate)
    if form == ".png":
        return png(sheet.marks, width=sheet.width, height=sheet.height, colours=INK)
    return svg(sheet.marks, width=sheet.width, height=sheet.height, colours=INK).encode()
