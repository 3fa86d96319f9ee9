"""The gain of each layer beside the exact law, forward and backward: every scheme and activation, 20 layers.

Forward. Given its inputs X = U S V' (thin), a layer with N(0, std^2) weights sends X W = U S (V' W), and V' W
is iid N(0, std^2) whatever came before: whitened, S^-1 U' X W has squares that add up to std^2 chi-square
with rank(X) x n degrees of freedom. Backward. The cotangent depends on W through X W, and X W says nothing of
the part of W orthogonal to X: of what the layer sends back, that part alone, whitened by the cotangent, is
std^2 chi-square with rank(D) x (n - B) degrees of freedom.

Rounding takes directions away. An entry of X W is off by at most (n + 2) u |x| |w| (Higham 2002, section
3.1), and the whitened row i by that of all rows over S_i. Directions in which this may exceed `ROUNDED` are
left out: which ones depends on X alone; what is left widens the band.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verinit.reference.activations import ACTIVATIONS
from verinit.reference.initializers import normal
from verinit.reference.network import Echo, Network, Step, mlp
from verinit.statistics.marginal import variance
from verinit.textbook.experiment import RANGES, SCHEMES, WIDTH, Floats
from verinit.vocabulary import Axis, Exhibit, Rates, entropy

NETWORKS, LAYERS, BATCH = 8, 20, 16
SHOWN = (1, 2, 3, 5, 8, 11, 14, 17, 20)
"""Layers that are drawn, with the farthest and those outside; all are compared with their bands."""
ROUNDED = 2.0**-9
"""Relative error of a whitened direction that is still used: a twenty-fifth of a gain that is off by 5 %."""
WAYS = ("forward", "backward")
_EPS = float(np.finfo(np.float64).eps)
Walk = Iterable[Step | Echo]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """The RMS gain of one layer over what its weights promise, by `freedom` squared standard normal numbers.

    excuse  how far rounding may have moved it
    """

    gain: float
    freedom: int
    excuse: float

    def band(self, rates: Rates) -> tuple[float, float]:
        """Between which gains chi-square leaves it, but for a share `false_fail`."""
        if not self.freedom:
            return 0.0, math.inf
        least, most = variance(self.freedom, self.freedom, rates, quantity="mean square").interval or (
            0.0,
            1.0,
        )
        return math.sqrt(1.0 / most) - self.excuse, math.sqrt(1.0 / least) + self.excuse


def gains(walks: Iterable[Walk], std: float) -> dict[str, list[Gain]]:
    """Forward and backward gain of every layer, pooled over networks of one shape.

    walks  of independent networks with N(0, std^2) weights, such as `Network.walk` yields
    """
    steps: list[list[Step]] = []
    echoes: list[list[Echo]] = []
    for walk in walks:
        records = list(walk)
        steps.append([each for each in records if isinstance(each, Step)])
        echoes.append([each for each in records if isinstance(each, Echo)][::-1])
    basis, below = np.linalg.qr(_stacked(steps, "inputs").swapaxes(-1, -2))
    forward = _pooled(below, _stacked(steps, "preactivation"), std, free=steps[0][0].weights.shape[1])
    above = np.asarray(np.linalg.qr(_stacked(echoes, "cotangent").swapaxes(-1, -2), mode="r"))
    gradient = _stacked(echoes, "gradient")
    rest = gradient - (gradient @ basis) @ basis.swapaxes(-1, -2)
    return {"forward": forward, "backward": _pooled(above, rest, std, free=basis.shape[-2] - basis.shape[-1])}


def _stacked(records: Sequence[Sequence[Any]], name: str) -> Floats:
    """(networks, layers, B, n)."""
    return np.array([[getattr(each, name) for each in layer] for layer in records])


def _pooled(R: Floats, sent: Floats, std: float, *, free: int) -> list[Gain]:
    """Squares of S^-1 U' sent over std^2, added up over networks; what entered is R' Q', and R = V S U'.

    sent  (networks, layers, B, n); its rows span `free` dimensions
    """
    scale = np.abs(R).max(axis=(-1, -2), keepdims=True)  # or squares within the decomposition would underflow
    scale[scale == 0.0] = 1.0
    _, S, U = np.linalg.svd(R / scale)
    n = sent.shape[-1]
    with np.errstate(divide="ignore", invalid="ignore"):  # of nothing, nothing is used
        errors = (n + 2) * _EPS * math.sqrt(n) * np.linalg.norm(S, axis=-1, keepdims=True) / S
    used = errors <= ROUNDED
    white = (U @ (sent / scale))[used] / (S[used, None] * std)
    squares, errors = np.zeros(used.shape), np.where(used, errors, 0.0)
    squares[used] = np.einsum("ij,ij->i", white, white)
    return [
        _gain(float(squares[:, k].sum()), float((errors[:, k] ** 2).sum()), int(used[:, k].sum()), free)
        for k in range(used.shape[1])
    ]


def _gain(squares: float, errors: float, directions: int, free: int) -> Gain:
    if not directions:
        return Gain(gain=math.nan, freedom=0, excuse=0.0)
    freedom = directions * free
    return Gain(gain=math.sqrt(squares / freedom), freedom=freedom, excuse=math.sqrt(errors / directions))


def walk(
    activation: str,
    std: float,
    W: Sequence[Floats],
    x: Floats,
    rng: np.random.Generator,
    *,
    flaw: Callable[[Network], None] | None = None,
) -> Walk:
    """One walk through a reference network whose weights are `std` times standard normal numbers.

    W     (layers, n, n); x: (B, n)
    flaw  may change the network before the walk
    """
    fresh = iter(W)

    def scaled(shape: Any, rng: Any, *, dtype: Any = None) -> Floats:
        return std * next(fresh)

    network = mlp(
        [x.shape[1]] * (len(W) + 1),
        rng,
        initializer=lambda shape, rng, *, dtype=None: W[0],  # `walk` draws anew
        activation=ACTIVATIONS[activation],
    )
    network.initializer = scaled
    if flaw is not None:
        flaw(network)
    return network.walk(x, rng)


def standard_normal(root: int) -> tuple[list[list[Floats]], list[Floats]]:
    """Weights (layers, n, n) and inputs (B, n) of every network, which all panels scale as they need."""
    rng = np.random.default_rng(entropy(root, "textbook", "layer gains"))
    return (
        [list(normal((LAYERS, WIDTH, WIDTH), rng)) for _ in range(NETWORKS)],
        [normal((BATCH, WIDTH), rng) for _ in range(NETWORKS)],
    )


def measured(
    activation: str, scheme: str, root: int, weights: list[list[Floats]], inputs: list[Floats]
) -> dict[str, list[Gain]]:
    """The gains of one panel; each scheme takes the same weights in an order of its own."""
    std, turn = SCHEMES[scheme](WIDTH), list(SCHEMES).index(scheme) * LAYERS // len(SCHEMES)
    rng = np.random.default_rng(entropy(root, "textbook", "layer gains", activation, scheme))
    turned = [(*each[turn:], *each[:turn]) for each in weights]
    return gains((walk(activation, std, W, x, rng) for W, x in zip(turned, inputs, strict=True)), std)


def exhibits(root: int, rates: Rates) -> Iterator[Exhibit]:
    """A panel for either way and each activation, under the scheme made for it, and a table of all."""
    weights, inputs = standard_normal(root)
    found = {
        (activation, scheme): measured(activation, scheme, root, weights, inputs)
        for activation in RANGES
        for scheme in SCHEMES
    }
    for way in WAYS:
        for activation, scheme in MADE_FOR.items():
            yield panel(found[activation, scheme][way], way, activation, scheme, rates)
    yield _table(found, rates)


MADE_FOR = {"sigmoid": "Xavier, 1/sqrt(n)", "tanh": "Xavier, 1/sqrt(n)", "relu": "He, sqrt(2/n)"}
"""The chapter's choice of a scheme for each activation."""
PLATE = "Gain of the RMS in each layer"
_ROWS = {"forward": "forward: the signal", "backward": "backward: the gradient, off the layer's inputs"}


def bands(seen: list[Gain], rates: Rates) -> list[tuple[float, float]]:
    """The band of every layer, at this one's share of the figure's rates: a union bound over its points."""
    points = len(WAYS) * len(RANGES) * len(SCHEMES) * LAYERS
    part = Rates(false_fail=rates.false_fail / points, false_pass=rates.false_pass)
    return [each.band(part) for each in seen]


def outside(seen: list[Gain], rates: Rates) -> list[int]:
    """The layers, from 1, whose gain leaves its band."""
    pairs = zip(seen, bands(seen, rates), strict=True)
    return [layer for layer, (each, (low, high)) in enumerate(pairs, 1) if not low <= each.gain <= high]


def _farthest(seen: list[Gain]) -> int:
    return 1 + max(range(len(seen)), key=lambda k: abs(seen[k].gain - 1.0))


def _told(seen: list[Gain], layer: int) -> str:
    return f"{seen[layer - 1].gain:.3f}, layer {layer}"


def panel(seen: list[Gain], way: str, activation: str, scheme: str, rates: Rates) -> Exhibit:
    """The gains of one network beside 1 and their exact bands; the notes speak of every layer.

    rates  of all points of the figure and of its table together
    """
    band, out, farthest = bands(seen, rates), outside(seen, rates), _farthest(seen)
    shown = [k for k in range(len(seen)) if k + 1 in (*SHOWN, farthest, *out)]
    return Exhibit(
        id=f"gain-{way}-{activation}",
        kind="curve",
        title=f"{activation}, {scheme}",
        caption=f"RMS of what a layer sends over what its weights promise, whitened over {BATCH} inputs of "
        f"each of {NETWORKS} networks of width {WIDTH}. The band is that of the exact law, chi-square at "
        "this width: right layers leave it anywhere in figure and table with a chance of "
        f"{rates.false_fail:g}. It is wider where rounding leaves fewer directions. All networks scale the "
        "same standard normal numbers.",
        x_axis=Axis(label="layer"),
        y_axis=Axis(label="gain of the RMS over the promised one"),
        x=tuple(float(k + 1) for k in shown),
        observed=tuple(seen[k].gain for k in shown),
        expected=(1.0,) * len(shown),
        band=(tuple(band[k][0] for k in shown), tuple(band[k][1] for k in shown)),
        n=seen[0].freedom,
        plate=PLATE,
        row=_ROWS[way],
        column=f"{activation}, {scheme}",
        notes=(("farthest:", _told(seen, farthest)), ("outside:", f"{len(out)} of {len(seen)} layers")),
    )


def _table(found: dict[tuple[str, str], dict[str, list[Gain]]], rates: Rates) -> Exhibit:
    rows = []
    for (activation, scheme), ways in found.items():
        cells = [
            text
            for way in WAYS
            for text in (
                _told(ways[way], _farthest(ways[way])),
                f"{len(outside(ways[way], rates))} of {LAYERS}",
            )
        ]
        rows.append((activation, scheme, *cells))
    return Exhibit(
        id="gain-table",
        kind="table",
        title="The layer whose RMS gain is farthest from the promised one",
        plate=PLATE,
        header=("f", "scheme", "forward", "outside", "backward", "outside"),
        rows=tuple(rows),
    )
