"""Marks become SVG through matplotlib: the same bytes for the same marks, on every run.

The only module that knows matplotlib. No pyplot and no backend is chosen, so a user's own figures are
untouched. Colours are drawn as sentinels, one for each ink; `verinit.report.inline` makes variables of them.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Transform

from verinit.report.marks import INKS, Area, Dots, Ink, Line, Mark, Words

SENTINELS: dict[Ink, str] = {ink: f"#0a0b{index:02x}" for index, ink in enumerate(INKS, start=1)}
_DPI = 72  # one point is one pixel
_FINE = 2  # pixels a point of a PNG
_SETTINGS: dict[Any, Any] = {
    "svg.hashsalt": "verinit",
    "svg.fonttype": "none",
    "path.simplify": False,
    "path.snap": False,
    "text.parse_math": False,
    "text.usetex": False,
    "font.family": ["DejaVu Sans"],
}
_ALIGN: dict[str, Any] = {"start": "left", "middle": "center", "end": "right"}


def svg(marks: Iterable[Mark], *, width: float, height: float, colours: Mapping[Ink, str] = SENTINELS) -> str:
    """An SVG document of `width` by `height` pixels, text as text; sentinels for colours, or real ones."""
    buffer = io.BytesIO()
    _save(marks, buffer, "svg", width, height, colours)
    return buffer.getvalue().decode()


def png(marks: Iterable[Mark], *, width: float, height: float, colours: Mapping[Ink, str]) -> bytes:
    """A PNG of `width` by `height` points on white paper, two pixels a point."""
    buffer = io.BytesIO()
    _save(marks, buffer, "png", width, height, colours)
    return buffer.getvalue()


def _save(
    marks: Iterable[Mark],
    buffer: io.BytesIO,
    form: str,
    width: float,
    height: float,
    colours: Mapping[Ink, str],
) -> None:
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # the reader's font will have it
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        dpi = _DPI if form == "svg" else _FINE * _DPI
        figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=dpi)
        figure.patch.set_visible(colours is not SENTINELS)
        downwards = Affine2D().scale(1, -1).translate(0, height).scale(dpi / _DPI)
        for mark in marks:
            _add(figure, mark, downwards, colours)
        about: dict[str, Any] = {"Date": None, "Creator": None} if form == "svg" else {"Software": None}
        figure.savefig(buffer, format=form, metadata=about, dpi=dpi)


def _add(figure: Figure, mark: Mark, transform: Transform, colours: Mapping[Ink, str]) -> None:
    artist: Artist
    if isinstance(mark, Words):
        artist = _text(mark, colours)
    elif isinstance(mark, Area):
        path = Path([*mark.points, mark.points[0]], closed=True)
        artist = PathPatch(path, facecolor=colours[mark.ink], alpha=mark.opacity, linewidth=0)
    elif isinstance(mark, Line):
        artist = _line(mark, colours)
    else:
        artist = _dots(mark, colours)
    artist.set_transform(transform)
    artist.set_zorder(1)  # all alike: what comes later lies on top
    figure.add_artist(artist)


def _text(mark: Words, colours: Mapping[Ink, str]) -> Text:
    return Text(
        *mark.point,
        mark.text,
        color=colours[mark.ink],
        fontsize=mark.size,
        fontweight="bold" if mark.bold else "normal",
        horizontalalignment=_ALIGN[mark.anchor],
        verticalalignment="baseline",
    )


def _line(mark: Line, colours: Mapping[Ink, str]) -> Line2D:
    xs, ys = zip(*mark.points, strict=True)
    dashes: Any = (0, (4, 2.5)) if mark.dashed else "solid"
    return Line2D(xs, ys, color=colours[mark.ink], linewidth=mark.width, linestyle=dashes, alpha=mark.opacity)


def _dots(mark: Dots, colours: Mapping[Ink, str]) -> Line2D:
    xs, ys = zip(*mark.points, strict=True)
    colour = colours[mark.ink]
    return Line2D(
        xs,
        ys,
        linestyle="none",
        marker=mark.shape,
        markersize=mark.size,
        markerfacecolor=colour,
        markeredgecolor=colour,
        markeredgewidth=1.6 if mark.shape == "x" else 0,
    )
