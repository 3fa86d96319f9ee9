"""`portrait`: the chapter's figure and table for one's own network, in the terminal, a notebook or a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verinit.laws.schemes import parse
from verinit.reference.activations import ACTIVATIONS
from verinit.report.fragments import strip
from verinit.report.notebooks import gallery
from verinit.report.pictures import FORMS, picture
from verinit.targets import resolve, target
from verinit.targets.drawn import sampler
from verinit.textbook.experiment import DEPTH, INPUTS, WIDTH
from verinit.textbook.own import Network, exhibits
from verinit.vocabulary import ROOT, Exhibit, Target, UsageError, display, unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Portrait:
    """One network as the chapter draws it: a histogram of activations a layer, and a table.

    `str()` is the text of the terminal; a notebook shows figure and table.
    """

    title: str
    exhibits: tuple[Exhibit, ...]

    def __str__(self) -> str:
        return strip(self.title, self.exhibits)

    def _repr_html_(self) -> str:
        return gallery(self.exhibits)

    def _repr_pretty_(self, printer: display.Pretty, cycle: bool) -> None:
        display.pretty(self, printer, cycle=cycle)

    def save(self, path: str | Path) -> Path:
        """Write the figure to `path`, a PNG or an SVG by its ending; the same network gives the same bytes.

        Raises `UsageError` for another ending, and where the file cannot be written.
        """
        place = figure_file(path)
        data = picture(self.exhibits, place.suffix.lower())
        try:
            place.write_bytes(data)
        except OSError as error:
            raise UsageError(
                f"figure {str(path)!r}: cannot be written ({error.strerror}); choose another file"
            ) from None
        return place


def figure_file(path: str | Path) -> Path:
    """Where a figure may be written.

    Raises `UsageError` for a file that ends like no picture.
    """
    place = Path(path)
    if place.suffix.lower() not in FORMS:
        raise UsageError(f"figure {str(path)!r}: give a file that ends in {' or '.join(FORMS)}")
    return place


def portrait(
    init: Any = "xavier_normal",
    *,
    activation: Any = "sigmoid",
    width: int = WIDTH,
    depth: int = DEPTH,
    inputs: int = INPUTS,
    root: int = ROOT,
) -> Portrait:
    """Draw the chapter's figure for a network of one's own: standard normal inputs, `depth` layers f(x W).

    init        a scheme such as "normal(std=0.5)" or "he_normal", a frozen distribution of scipy, one's own
                initializer in any calling form, or where it is kept: "mynet.init:he=he_normal"
    activation  a name such as "tanh", or an object with `value` and `derivative`
    width       units of every layer; depth: weighted layers; inputs: rows of X
    root        of the random stream: one root gives one figure
    Returns a Portrait. Raises `UsageError` naming the argument, the value and what is allowed.

    >>> print(str(portrait("normal(std=0.01)", activation="sigmoid", width=20, depth=2, inputs=50))[:39])
    Activations by layer: sigmoid, normal(s
    """
    source = _initializer(init)
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise unknown("activation", activation, ACTIVATIONS)
        name, f = activation, ACTIVATIONS[activation]
    else:
        found = target(activation, kind="activation")
        name, f = found.name, found.object
    network = Network(
        init=source.name,
        draw=source.object,
        scheme=source.scheme,
        activation=name,
        f=f,
        width=width,
        depth=depth,
        inputs=inputs,
        root=root,
    )
    return Portrait(title=network.title, exhibits=exhibits(network))


def _initializer(init: Any) -> Target:
    """What draws the weights, under the name by which it was asked for."""
    if isinstance(init, str) and ":" in init:
        found = resolve(init)
        if len(found) != 1 or found[0].kind != "initializer":
            raise UsageError(f"init={init!r}: one initializer is needed, such as mynet.init:he=he_normal")
        return found[0]
    if callable(init) and not hasattr(init, "dist"):
        return target(init)
    scheme = parse(init)
    return Target(name=str(scheme), kind="initializer", object=sampler(scheme), scheme=scheme)
