"""The chapter's experiment with a network of the reader's own: any initializer, activation, width, depth.

Forward, each layer's activations beside mean-field theory; backward, what a layer does to the RMS of a
gradient; and the cosine between inputs, which tells whether a layer still says different things of different
inputs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.laws.marginals import law_of
from verinit.laws.responses import RESPONSES
from verinit.laws.signal import gradient_gains, spreads, variances
from verinit.reference.network import activations_by_layer
from verinit.reference.precision import product
from verinit.textbook.experiment import DEPTH, INPUTS, WIDTH, spread
from verinit.textbook.figures import at_the_edges, bars
from verinit.vocabulary import ROOT, Activation, Exhibit, Scheme, UsageError, entropy

Array = NDArray[Any]
Draw = Callable[..., Any]
ROWS = 64
"""Inputs whose gradients and cosines are looked at: enough for an RMS over 64 x width entries."""
PANELS, ACROSS = 25, 5
"""At most so many layers are drawn, so many of them in a row, as in the chapter."""
_FAR = 1e150
"""Variances beyond which squares overflow within the quadrature of the theory's moments: 39^2 q^2 < 1e308."""
MOST = 1 << 28
"""Numbers that one experiment may keep: weights of all layers, and the activations of one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One's own network in the chapter's experiment: y_l = f(y_{l-1} W_l), W_l: (width, width), no bias.

    init        what the weights are called; `draw` makes them, `(shape, rng) -> array`
    scheme      what they claim to follow, where that is known: theory is drawn for those with mean 0
    activation  its name, and `f` itself
    """

    init: str
    draw: Draw
    activation: str
    f: Activation
    scheme: Scheme | None = None
    width: int = WIDTH
    depth: int = DEPTH
    inputs: int = INPUTS
    root: int = ROOT

    def __post_init__(self) -> None:
        for name in ("width", "depth", "inputs"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise UsageError(f"{name}={value!r}: a whole number from 1 is needed")
        kept = self.depth * self.width**2 + self.inputs * self.width
        if kept > MOST:
            raise UsageError(
                f"width={self.width}, depth={self.depth}, inputs={self.inputs}: {kept:,} numbers would be "
                f"kept, at most {MOST:,} are; give a narrower or shallower network"
            )

    @property
    def title(self) -> str:
        """What the figure is called."""
        return f"Activations by layer: {self.activation}, {self.init}"

    @property
    def variances(self) -> NDArray[np.float64] | None:
        """q_1 .. q_depth by mean-field theory; None for weights or an activation that it does not cover."""
        if self.scheme is None or self.activation not in RESPONSES:
            return None
        law = law_of(self.scheme, (self.width, self.width))
        mean = 0.0 if self.scheme.family == "orthogonal" else law.mean
        std = math.sqrt(self.scheme.scale / self.width) if self.scheme.family == "orthogonal" else law.std
        if mean or not math.isfinite(std):
            return None
        return variances(self.activation, fan_in=self.width, std=std, depth=self.depth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one layer did.

    pre      mean square of its pre-activations z
    spread   standard deviation of its activations
    edges    what is printed of the ends: ("at the edges", "12%") or ("exactly 0", "50%")
    gain     RMS of the gradient at its input over that at its output
    cosine   median cosine between two inputs, as the layer shows them
    """

    pre: float
    spread: float
    edges: tuple[str, str]
    gain: float
    cosine: float


def exhibits(network: Network) -> tuple[Exhibit, ...]:
    """The figure and the table of one network: a panel a layer, then a row a layer.

    Raises `UsageError` for weights that are not finite numbers of the shape that was asked for.
    """
    n = network
    rng = np.random.default_rng(entropy(n.root, "own network", n.init, n.activation, n.width, n.inputs))
    weights = [_weights(n, rng, layer) for layer in range(1, n.depth + 1)]
    x = rng.standard_normal((n.inputs, n.width)).astype(weights[0].dtype, copy=False)
    q = n.variances
    shown = drawn_layers(n.depth)
    place = {layer: f"layers {row[0]} to {row[-1]}" for row in _rows(shown) for layer in row}
    panels: list[Exhibit] = []
    layers: list[Layer] = []
    with np.errstate(over="ignore", invalid="ignore"):
        gains = _gains(n, x[:ROWS], weights, rng)
        before = x
        for number, (W, y) in enumerate(
            zip(weights, activations_by_layer(x, weights, n.f), strict=True), start=1
        ):
            z = product(before[:ROWS], W)
            layers.append(_layer(n, z, y, gains[number - 1]))
            if number in shown and np.isfinite(y).all():
                panels.append(_panel(n, y, number, place[number], q))
            before = y
    return (*panels, _table(n, layers, q))


def _weights(network: Network, rng: np.random.Generator, layer: int) -> Array:
    shape = (network.width, network.width)
    try:
        W = np.asarray(network.draw(shape, rng))
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"init={network.init}: drawing weights of shape {shape} for layer {layer} failed "
            f"({type(error).__name__}: {error})"
        ) from error
    if W.shape != shape or W.dtype.kind not in "fV" or not np.isfinite(W.astype(np.float64)).all():
        what = (
            f"shape {W.shape}" if W.shape != shape else f"{W.dtype} with values that are not finite numbers"
        )
        raise UsageError(
            f"init={network.init}: layer {layer} was given {what}; floating numbers of shape {shape} "
            "are needed"
        )
    return W


def _gains(network: Network, x: Array, weights: Sequence[Array], rng: np.random.Generator) -> list[float]:
    """RMS of the gradient below each layer over that above it, from a cotangent of both signs at the top.

    The top is the last layer whose pre-activations are finite; above it there is no gradient to speak of.
    """
    slopes = []
    for W in weights:
        z = product(x, W)
        if not np.isfinite(z).all():
            break
        slopes.append(network.f.derivative(z))
        x = network.f.value(z)
    gradient = rng.standard_normal(x.shape).astype(x.dtype, copy=False)
    gains = [math.nan] * (len(weights) - len(slopes))
    for W, slope in zip(reversed(weights[: len(slopes)]), reversed(slopes), strict=True):
        below = product(gradient * slope, W.T)
        above, sent = _rms(gradient), _rms(below)
        gains.append(sent / above if above > 0.0 else math.nan)
        gradient = below / np.asarray(sent, below.dtype) if 0.0 < sent < math.inf else below
    return gains[::-1]


def _rms(a: Array) -> float:
    """The root of the mean square, in float64 whatever the dtype."""
    wide = a.astype(np.float64, copy=False).ravel()
    return math.sqrt(float(wide @ wide) / wide.size)


def _layer(network: Network, z: Array, y: Array, gain: float) -> Layer:
    wide = y.astype(np.float64, copy=False)
    return Layer(
        pre=_rms(z) ** 2,
        spread=spread(wide),
        edges=at_the_edges(wide, network.activation),
        gain=gain,
        cosine=_cosine(wide[:ROWS]),
    )


def _cosine(y: NDArray[np.float64]) -> float:
    """The median cosine over all pairs of rows that are not zero; nan where there is no such pair."""
    lengths = np.sqrt(np.einsum("ij,ij->i", y, y))
    alive = y[(lengths > 0.0) & np.isfinite(lengths)] / lengths[(lengths > 0.0) & np.isfinite(lengths), None]
    if len(alive) < 2:
        return math.nan
    gram = alive @ alive.T
    return float(np.median(gram[np.triu_indices(len(alive), 1)]))


def drawn_layers(depth: int) -> tuple[int, ...]:
    """The layers that are drawn: all, or `PANELS` of them evenly spaced, the first and the last included."""
    return tuple(sorted({round(1 + i * (depth - 1) / (PANELS - 1)) for i in range(PANELS)}))


def _rows(layers: Sequence[int]) -> Iterator[Sequence[int]]:
    return (layers[start : start + ACROSS] for start in range(0, len(layers), ACROSS))


def _panel(network: Network, y: Array, layer: int, place: str, q: NDArray[np.float64] | None) -> Exhibit:
    at = math.inf if q is None else float(q[layer - 1])
    return bars(
        y.astype(np.float64, copy=False),
        network.activation,
        name=f"own-{layer}",
        title=f"layer {layer}",
        q=at if math.isfinite(at) else None,
        plate=network.title,
        row=f"{network.activation}, {network.init}, width {network.width}, {place}",
        column="",
    )


def _table(network: Network, layers: Sequence[Layer], q: NDArray[np.float64] | None) -> Exhibit:
    f = network.activation
    known: NDArray[np.float64] = np.empty(0) if q is None else q[q < _FAR]
    theory: list[tuple[float, ...]] = [(math.nan,) * 3] * len(layers)
    if known.size:
        std = math.sqrt(float(known[0]) / network.width)
        gains = np.sqrt(gradient_gains(f, known, fan_out=network.width, std=std))
        theory[: known.size] = zip(known.tolist(), spreads(f, known).tolist(), gains.tolist(), strict=True)
    rows = tuple(
        (
            str(number),
            _beside(layer.pre, pre),
            _beside(layer.spread, spread),
            layer.edges[1],
            _beside(layer.gain, gain),
            _told(layer.cosine),
        )
        for number, (layer, (pre, spread, gain)) in enumerate(zip(layers, theory, strict=True), start=1)
    )
    return Exhibit(
        id="own-table",
        kind="table",
        title=f"Layer by layer: {f}, {network.init}, width {network.width}, depth {network.depth}",
        caption=(
            "Measured in one run, mean-field theory in brackets where there is one. The gradient's gain is "
            f"that of its RMS from a layer's output to its input, over {min(ROWS, network.inputs)} inputs."
        ),
        n=network.inputs * network.width,
        header=("layer", "mean square of z", "std of y", layers[0].edges[0], "gradient RMS gain", "cosine"),
        rows=rows,
    )


def _told(value: float) -> str:
    return f"{value:.3g}" if math.isfinite(value) else "not finite"


def _beside(measured: float, theory: float) -> str:
    return f"{_told(measured)} ({theory:.3g})" if math.isfinite(theory) else _told(measured)
