"""Forward and backward passes through random networks, each layer reduced to a few numbers.

Two ways lead to the same law. `through_network` draws every weight matrix and asks the reference network.
`by_exact_law` draws only what the weights do to the rows that meet them, so that width 10,000 costs what
width 100 does: a matrix W of iid N(0, std^2) entries that has met the inputs Y = R' Q' (Q orthonormal, from
QR) shows them Y W = R' G with G = Q' W, and G is iid N(0, std^2) again. What comes back to W is D = S' P'
with D W' = S' (P' W'), where W' is G' Q' plus a part orthogonal to Q that nothing has met: iid once more. No
step is an approximation, at any width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache

import numpy as np

from verinit.reference.activations import ACTIVATIONS
from verinit.reference.initializers import normal
from verinit.reference.layers import Activate, Affine
from verinit.reference.network import Network
from verinit.textbook.experiment import BINS, DEPTH, RANGES, Floats, Setting
from verinit.vocabulary import entropy

RUNS = 36
"""Runs through the reference network: the median at a ledger's share of 1e-9 needs 31."""
MANY = 60
"""Runs by the exact law, which are cheap: at that share the eighth from either end enclose the median."""
ROWS = 20
"""Inputs through the reference network."""
PAIR = 2
"""Inputs by the exact law: one for the gradient, two for what tells them apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """Networks of one setting, forward and backward; every array is (runs, inputs, width).

    pre        z_1 .. z_L
    outputs    y_0 .. y_L, y_0 being the input
    gradients  g_0 .. g_L, with respect to those; g_L is a standard normal cotangent
    """

    pre: Sequence[Floats]
    outputs: Sequence[Floats]
    gradients: Sequence[Floats]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What independent runs of one setting did, layer by layer: every array is (runs, depth).

    square  mean square of the activations
    spread  their standard deviation, over units and inputs
    apart   RMS difference between the responses to two inputs, over that between the inputs
    cosine  mean cosine between the responses to two inputs; nan where a response is 0
    gain    RMS of the gradient at the layer's input over that at its output; 0 where there is none
    slope   median of f'(z)
    steep   the 0.9 quantile of f'(z)
    flat    share of slopes that are exactly 0
    dead    share of units whose slope is 0 for every input
    unit    median of |gradient at a pre-activation| over the RMS of the gradient at the network's output
    middle  share of activations in the two of 30 bins over f's range that touch its centre; nan for ReLU
    ends    share of activations in the outermost two of those bins; nan for ReLU
    """

    square: Floats
    spread: Floats
    apart: Floats
    cosine: Floats
    gain: Floats
    slope: Floats
    steep: Floats
    flat: Floats
    dead: Floats
    unit: Floats
    middle: Floats
    ends: Floats

    @property
    def down(self) -> Floats:
        """RMS of the gradient at the input of each layer over that at the network's output: (runs, depth)."""
        return np.asarray(np.cumprod(self.gain[:, ::-1], axis=1)[:, ::-1], dtype=np.float64)

    @property
    def left(self) -> Floats:
        """RMS of the gradient at the network's input over that at its output: (runs,)."""
        return self.down[:, 0]


@lru_cache(maxsize=24)
def through_network(activation: str, std: float, root: int) -> Profile:
    """The chapter's five layers of 100 units, from 20 standard normal inputs, by the reference network."""
    setting = Setting(activation=activation, std=std, inputs=ROWS)
    return profile(
        stacked([draw_network(setting, rng_of(setting, root, run)) for run in range(RUNS)]), activation
    )


@lru_cache(maxsize=64)
def by_exact_law(
    activation: str, std: float, root: int, *, width: int, depth: int = DEPTH, scale: float = 1.0
) -> Profile:
    """Any width and depth, from two inputs of entries N(0, scale^2)."""
    setting = Setting(activation=activation, std=std, inputs=PAIR, width=width, depth=depth)
    rng = rng_of(setting, root, f"exact law, {scale!r}")
    return profile(draw_exact_law(setting, rng, runs=MANY, scale=scale), activation)


def rng_of(setting: Setting, root: int, run: object) -> np.random.Generator:
    """A stream for each root, setting and run."""
    s = setting
    return np.random.default_rng(
        entropy(root, "textbook", "passes", s.activation, s.std, s.inputs, s.width, s.depth, run)
    )


def draw_network(setting: Setting, rng: np.random.Generator) -> Pass:
    """One reference network with weights of its own, asked forward and backward."""
    s, f = setting, ACTIVATIONS[setting.activation]
    x = normal((s.inputs, s.width), rng)
    stack: list[Affine | Activate] = []
    for _ in range(s.depth):
        stack += [Affine(normal((s.width, s.width), rng, std=s.std), None), Activate(f)]
    network = Network(stack)
    network.forward(x)
    below = network.backward(rng.standard_normal(x.shape))
    return Pass(
        pre=[z[None] for z in network.activations[::2]],
        outputs=[y[None] for y in (x, *network.activations[1::2])],
        gradients=[g[None] for g in (below, *network.gradients[1::2])],
    )


def draw_exact_law(
    setting: Setting, rng: np.random.Generator, *, runs: int = MANY, scale: float = 1.0
) -> Pass:
    """The same law without a weight matrix: what the weights do to these inputs and these gradients."""
    s, f = setting, ACTIVATIONS[setting.activation]
    rows = (runs, min(s.inputs, s.width), s.width)
    outputs = [normal((runs, s.inputs, s.width), rng, std=scale)]
    pre, met = [], []
    for _ in range(s.depth):
        Q, R = np.linalg.qr(outputs[-1].swapaxes(1, 2))
        G = normal(rows, rng, std=s.std)
        pre.append(R.swapaxes(1, 2) @ G)
        outputs.append(f.value(pre[-1]))
        met.append((Q, G))
    gradients = [rng.standard_normal(outputs[0].shape)]
    for (Q, G), z in zip(reversed(met), reversed(pre), strict=True):
        D = gradients[-1] * f.derivative(z)
        S: Floats = np.linalg.qr(D.swapaxes(1, 2))[1]
        fresh = S.swapaxes(1, 2) @ normal(rows, rng, std=s.std)
        gradients.append(fresh + (D @ G.swapaxes(1, 2) - fresh @ Q) @ Q.swapaxes(1, 2))
    return Pass(pre=pre, outputs=outputs, gradients=gradients[::-1])


def stacked(passes: Sequence[Pass]) -> Pass:
    """Runs side by side."""

    def together(name: str) -> list[Floats]:
        return [np.concatenate(layer) for layer in zip(*(getattr(p, name) for p in passes), strict=True)]

    return Pass(pre=together("pre"), outputs=together("outputs"), gradients=together("gradients"))


def profile(walked: Pass, activation: str) -> Profile:
    """Each layer of each run, reduced to numbers."""
    start, top = _apart(walked.outputs[0]), _rms(walked.gradients[-1])
    rows = [
        _layer(z, y, below, above, activation, start, top)
        for z, y, below, above in zip(
            walked.pre, walked.outputs[1:], walked.gradients[:-1], walked.gradients[1:], strict=True
        )
    ]
    return Profile(
        **{
            field.name: np.stack(layer, axis=1)
            for field, layer in zip(fields(Profile), zip(*rows, strict=True), strict=True)
        }
    )


def _layer(
    z: Floats, y: Floats, below: Floats, above: Floats, activation: str, start: Floats, top: Floats
) -> tuple[Floats, ...]:
    slope = ACTIVATIONS[activation].derivative(z)
    slopes, sent = _flat(slope), _flat(np.abs(above * slope))
    half, steep = _quantile(slopes, 0.5), _quantile(slopes, 0.9)
    middle, ends = _shares(_flat(y), activation)
    return (
        _rms(y) ** 2,
        _flat(y).std(axis=1),
        _apart(y) / start,
        _cosine(y),
        _gain(below, above),
        half,
        steep,
        (slopes == 0.0).mean(axis=1),
        (slope == 0.0).all(axis=1).mean(axis=1),
        _quantile(sent, 0.5) / top,
        middle,
        ends,
    )


def _quantile(a: Floats, p: float) -> Floats:
    """The smallest number of each row that a share p of the row does not exceed."""
    k = math.ceil(p * a.shape[1]) - 1
    return np.asarray(np.partition(a, k, axis=1)[:, k])


def _flat(a: Floats) -> Floats:
    return a.reshape(len(a), -1)


def _rms(a: Floats) -> Floats:
    """The root of the mean square of each run."""
    return np.asarray(np.sqrt(np.einsum("rij,rij->r", a, a) / (a.shape[1] * a.shape[2])))


def _gain(below: Floats, above: Floats) -> Floats:
    sent = _rms(above)
    return np.divide(_rms(below), sent, out=np.zeros_like(sent), where=sent > 0.0)


def _apart(y: Floats) -> Floats:
    """RMS difference between two rows, over all pairs: the root of twice the unbiased variance."""
    count = y.shape[1]
    return math.sqrt(2.0 * count / (count - 1)) * _rms(y - y.mean(axis=1, keepdims=True))


def _cosine(y: Floats) -> Floats:
    """Mean cosine over all pairs of rows."""
    count = y.shape[1]
    with np.errstate(invalid="ignore"):  # a row of zeros has no direction
        unit = y / np.sqrt(np.einsum("rij,rij->ri", y, y))[:, :, None]
    together = unit.sum(axis=1)
    return np.asarray((np.einsum("rj,rj->r", together, together) - count) / (count * (count - 1)))


def _shares(y: Floats, activation: str) -> tuple[Floats, Floats]:
    low, high = RANGES[activation]
    if not math.isfinite(high):
        return np.full(len(y), math.nan), np.full(len(y), math.nan)
    off = np.abs(y - 0.5 * (low + high)) * (BINS / (high - low))  # in bins from the centre
    return (off < 1.0).mean(axis=1), (off >= BINS / 2 - 1.0).mean(axis=1)
