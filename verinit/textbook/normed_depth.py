"""T26: what batch norm does to signal and gradient through depth, before any training.

Two halves, ruled apart. Forward, the RMS of the activations of a layer over that of the first. Backward, the
RMS of the gradient at the first layer's output over that which comes in at the top. Neither needs data: the
inputs are standard normal, the weights fresh, gamma = 1 and beta = 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from verinit.laws.growth import batchnorm_growth
from verinit.reference.activations import ACTIVATIONS
from verinit.reference.initializers import normal
from verinit.reference.layers import Activate, Affine, BatchNorm
from verinit.reference.network import Network
from verinit.statistics.equivalence import median_within
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import DEPTH, SCHEMES, WIDTH, Floats
from verinit.textbook.rules import combined, share
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, entropy, judge

DEEP = 40
"""Layers of the deep networks."""
BATCH = 100
RUNS = 36
"""Networks of each kind: enough for a median at the ledger's share of its rates."""
MARGIN, OUTER = 1.0, 1.5
"""Decades that a signal or gradient may move and be called kept, and within which a pass must surely lie: a
factor of ten is what tuning a learning rate makes up for. Declared before the run."""
HE = "He, sqrt(2/n)"
STDS = {name: SCHEMES[name](WIDTH) for name in ("std 0.01", HE, "N(0, 1)")} | {"std 0.0001": 1e-4}
"""Weights that without batch norm fade, keep and explode, and such as leave less variance than epsilon."""


def normed(std: float, depth: int, root: int, run: int, *, width: int = WIDTH) -> tuple[Floats, Floats]:
    """RMS of the activations, and of the gradient at them, layer by layer: (depth,) each.

    Affine, batch norm, ReLU, `depth` times; a standard normal gradient is sent back from the top.
    """
    rng = np.random.default_rng(entropy(root, "textbook", "normed depth", std, depth, run))
    layers: list[Any] = []
    for _ in range(depth):
        layers.append(Affine(normal((width, width), rng, std=std), None))
        layers.append(BatchNorm(np.ones(width), np.zeros(width)))
        layers.append(Activate(ACTIVATIONS["relu"]))
    network = Network(layers)
    y = network.forward(normal((BATCH, width), rng))
    network.backward(normal(y.shape, rng))
    return _rms(network.activations[2::3]), _rms(network.gradients[2::3])


def _rms(arrays: list[Any]) -> Floats:
    return np.array([math.sqrt(float(np.vdot(a, a)) / a.size) for a in arrays])


@lru_cache(maxsize=16)
def runs(name: str, depth: int, root: int) -> tuple[Floats, Floats]:
    """Signal and gradient of `RUNS` networks with weights of one of `STDS`: (runs, depth) each."""
    seen = [normed(STDS[name], depth, root, run) for run in range(RUNS)]
    signal, gradient = (np.array(each) for each in zip(*seen, strict=True))
    return signal, gradient


def t26(root: int, rates: Rates) -> Ruling:
    """T26, measured and ruled."""
    shallow = {name: runs(name, DEPTH, root) for name in STDS}
    deep = {HE: runs(HE, DEEP, root)}
    ruling = batch_norm_keeps_the_signal_and_grows_the_gradient(shallow, deep, rates=rates)
    return replace(ruling, exhibits=(*ruling.exhibits, _by_width(shallow[HE][1], deep[HE][1], root)))


def batch_norm_keeps_the_signal_and_grows_the_gradient(
    shallow: Mapping[str, tuple[Floats, Floats]],
    deep: Mapping[str, tuple[Floats, Floats]],
    *,
    rates: Rates,
) -> Ruling:
    """With batch norm nothing vanishes that epsilon does not swallow, but the gradient grows layer by layer.

    shallow, deep  signal and gradient, (runs, depth) each, by scheme
    """
    part = share(rates, 2 * (len(shallow) + len(deep)) + len(deep))
    judged = [
        evidence
        for networks in (shallow, deep)
        for name, (signal, gradient) in networks.items()
        for evidence in _both(name, signal, gradient, part)
    ]
    growth = batchnorm_growth("relu").value
    beside = [_beside_theory(gradient, growth, part) for _, gradient in deep.values()]
    (_, gradient), (*_, backward) = next(iter(deep.values())), judged
    return Ruling(
        id="T26",
        ruling=combined([judge(evidence, OUTER) for evidence in judged]),
        claim=CLAIMS["T26"],
        summary=(
            "Vanishing it prevents while the layers vary by more than epsilon: for weights of std 0.01 to 1 "
            "signal and gradient keep their size through five layers, for those of std 0.0001 both fade. "
            "Exploding it does not: the gradient's RMS grows by "
            f"{math.sqrt(growth):.2f} a layer, which five layers hardly show and {gradient.shape[1]} layers "
            f"make a factor of {10.0**backward.observed:,.0f}."
        ),
        conditions=_conditions(growth, gradient.shape[1]),
        evidence=(*judged, *beside),
        exhibits=(_exhibit(gradient, growth),),
    )


def _both(name: str, signal: Floats, gradient: Floats, rates: Rates) -> list[Evidence]:
    """Decades by which the signal moves from the first layer to the last, and the gradient back."""
    depth = signal.shape[1]
    rows = (
        ("forward: RMS of the activations", signal[:, -1] / signal[:, 0]),
        ("backward: RMS of the gradient", gradient[:, 0] / gradient[:, -1]),
    )
    return [
        median_within(
            np.log10(ratio),
            expected=0.0,
            margin=MARGIN,
            outer_margin=OUTER,
            rates=rates,
            quantity=f"{name}, {depth} layers, {words}, decades moved (kept: at most {MARGIN:g})",
        )
        for words, ratio in rows
    ]


def _beside_theory(gradient: Floats, growth: float, rates: Rates) -> Evidence:
    """Decades of growth beside Yang et al. 2019 at large batch and width, within a tenth."""
    steps = gradient.shape[1] - 1
    theory = 0.5 * steps * math.log10(growth)
    return median_within(
        np.log10(gradient[:, 0] / gradient[:, -1]),
        expected=theory,
        margin=0.1 * theory,
        outer_margin=0.25 * theory,
        rates=rates,
        quantity=f"decades that the gradient's RMS grows over {steps} layers, beside theory",
    )


def _conditions(growth: float, depth: int) -> str:
    tenfold = 2.0 / math.log10(growth)
    return (
        f"before training; median of {RUNS} networks, float64, width {WIDTH}, batch of {BATCH} inputs "
        "N(0, 1), affine, batch norm and ReLU without skips, gamma 1, beta 0. Forward the RMS of the "
        "activations is that of ReLU of a standardised number, 0.71, in every layer whose variance, "
        "n std^2 E[y^2], is far above epsilon = 1e-5; with std 0.0001 it is below. Backward the mean "
        f"square gains pi / (pi - 1) = {growth:.3f} a layer at large batch and width, whatever the scale "
        f"of weights above that: tenfold in RMS every {tenfold:.0f} layers, "
        f"{10 ** (0.5 * (depth - 1) * math.log10(growth)):,.0f} times over {depth} layers. Without batch "
        "norm the same weights of std 0.01 fade and those of std 1 explode. By depth the growth is a power, "
        "by width it hardly moves. What training makes of it is not ruled on here"
    )


OTHERS, SWEPT, FEW = (25, 250), 10, 4
"""Widths beside the chapter's, their layers, and networks of each, for the table: nothing is ruled on."""


def _by_width(shallow: Floats, deep: Floats, root: int) -> Exhibit:
    """Growth of the gradient's RMS a layer, by width and depth.

    shallow, deep  gradients (runs, depth) at the chapter's width, under He's scheme
    """
    seen = [(WIDTH, shallow), (WIDTH, deep)]
    for n in OTHERS:
        std = SCHEMES[HE](n)
        seen.append((n, np.array([normed(std, SWEPT, root, run, width=n)[1] for run in range(FEW)])))
    theory = math.sqrt(batchnorm_growth("relu").value)
    rows = []
    for width, gradient in seen:
        steps = gradient.shape[1] - 1
        growth = float(np.median(gradient[:, 0] / gradient[:, -1])) ** (1.0 / steps)
        rows.append((str(width), str(steps + 1), str(len(gradient)), f"{growth:.3f} ({theory:.3f})"))
    return Exhibit(
        id="T26-width",
        kind="table",
        title="Growth of the gradient's RMS a layer by width and depth",
        caption=f"Affine with He's weights, batch norm over {BATCH} inputs, and ReLU; median network, theory "
        "at large batch and width in brackets.",
        header=("width", "depth", "networks", "growth of the RMS a layer"),
        rows=tuple(rows),
        n=FEW,
    )


def _exhibit(gradient: Floats, growth: float) -> Exhibit:
    depth = gradient.shape[1]
    moved = np.log10(gradient / gradient[:, -1:])
    centre = 0.5 * np.arange(depth - 1, -1, -1) * math.log10(growth)
    low, high = np.quantile(moved, [0.1, 0.9], axis=0)
    return Exhibit(
        id="T26-gradient",
        kind="curve",
        title=f"The gradient through {depth} layers of affine, batch norm and ReLU",
        caption=f"Median of {gradient.shape[0]} networks beside theory at large batch and width; the band "
        "holds the middle 80 % of the networks. The gradient enters at the right.",
        x_axis=Axis(label="layer"),
        y_axis=Axis(label="log10 of the gradient's RMS over that at the top"),
        x=tuple(float(layer) for layer in range(1, depth + 1)),
        observed=tuple(map(float, np.median(moved, axis=0))),
        expected=tuple(map(float, centre)),
        band=(tuple(map(float, low)), tuple(map(float, high))),
        n=gradient.shape[0],
    )
