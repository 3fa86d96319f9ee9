"""Signal and gradient by depth, and how much of it is saturated: single inputs through 25 layers.

A layer with N(0, std^2) weights W: (n, n) sends its input y on as z = std |y| g, g standard normal, and that
is all that W has shown: W = y/|y| (std g)' + a part orthogonal to y that nothing has met. Sent back, a
cotangent d at z becomes W d = y/|y| (std g . d) + std |d| h, h standard normal in the n - 1 directions off y.
No step is an approximation, at any width; inputs have a mean square of exactly 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from verinit.laws.finite_width import gradient_log_moments, log_norm_moments
from verinit.laws.log_norms import log_norm_band
from verinit.laws.signal import variances
from verinit.reference.activations import ACTIVATIONS
from verinit.textbook.experiment import RANGES, SCHEMES, WIDTH, Floats
from verinit.textbook.vanishing import gains_in_theory
from verinit.vocabulary import Axis, Exhibit, entropy

LAYERS, RUNS = 25, 60
SHOWN = (1, 2, 5, 10, 15, 20, 25)
"""Layers that are drawn."""
LEVEL = 0.05
"""One run in twenty lies outside a band at any one layer."""
TWO = 2.0
"""Standard deviations of one run to either side where no exact law is known: about as many."""
FLAT = 0.01
"""A slope is flat if it is at most 1 % of the steepest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Depths:
    """What independent runs did, layer by layer: every array is (runs, layers).

    signal    log10 of the RMS of what enters a layer
    gradient  log10 of the RMS of the gradient there, over that of the cotangent at the last pre-activation
    flat      share of slopes f'(z) that are at most 1 % of the steepest
    zero      share of slopes of sigmoid, (1 - y) y, that are exactly 0 in float32; nan for others
    """

    signal: Floats
    gradient: Floats
    flat: Floats
    zero: Floats


def signals(
    activation: str, std: float, rng: np.random.Generator, *, width: int = WIDTH, layers: int = LAYERS
) -> Iterator[tuple[Floats, Floats, Floats]]:
    """Layer by layer: the y that enters, the standard normal g that it meets, and z; (runs, width) each."""
    y = rng.standard_normal((RUNS, width))
    y *= math.sqrt(width) / np.linalg.norm(y, axis=1, keepdims=True)
    for _ in range(layers):
        norm = np.linalg.norm(y, axis=1, keepdims=True)
        g = rng.standard_normal(y.shape)
        z = std * norm * g
        yield y, g, z
        y = ACTIVATIONS[activation].value(z)


def stream(activation: str, std: float, width: int, root: int) -> np.random.Generator:
    """A stream for each root and setting."""
    return np.random.default_rng(entropy(root, "textbook", "depth profiles", activation, std, width))


@lru_cache(maxsize=16)
def depths(activation: str, std: float, root: int) -> Depths:
    """25 layers of 100 units, forward and backward."""
    rng, slope = stream(activation, std, WIDTH, root), ACTIVATIONS[activation].derivative
    walked = list(signals(activation, std, rng))
    steepest = float(slope(np.full(1, _ABOVE_ZERO))[0])
    down, d = [], rng.standard_normal(walked[-1][0].shape)
    for k, (y, g, z) in reversed(list(enumerate(walked))):
        d = d if k == len(walked) - 1 else d * slope(z)
        with np.errstate(invalid="ignore"):  # what nothing enters has no direction
            towards = np.nan_to_num(y / np.linalg.norm(y, axis=1, keepdims=True))
        free = np.linalg.norm(d, axis=1, keepdims=True) * rng.standard_normal(y.shape)
        met = np.einsum("ij,ij->i", g, d) - np.einsum("ij,ij->i", free, towards)
        d = std * (free + met[:, None] * towards)
        down.append(_log_rms(d))
    flat = [(slope(z) <= FLAT * steepest).mean(axis=1) for *_, z in walked]
    return Depths(
        signal=np.stack([_log_rms(y) for y, *_ in walked], axis=1),
        gradient=np.stack(down[::-1], axis=1),
        flat=np.stack(flat, axis=1),
        zero=np.stack([_zeros(activation, z) for *_, z in walked], axis=1),
    )


_ABOVE_ZERO = 1e-300


def _log_rms(y: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.asarray(0.5 * np.log10(np.einsum("ij,ij->i", y, y) / y.shape[1]))


def _zeros(activation: str, z: Floats) -> Floats:
    if activation != "sigmoid":
        return np.full(len(z), math.nan)
    y = ACTIVATIONS[activation].value(z.astype(np.float32))
    return np.asarray(((1 - y) * y == 0).mean(axis=1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Theory:
    """Mean-field log10 of both RMS by layer, and between which logs a run lies; (layers,) each."""

    signal: Floats
    gradient: Floats
    signal_band: tuple[Floats, Floats]
    gradient_band: tuple[Floats, Floats]


@lru_cache(maxsize=16)
def theory(activation: str, std: float) -> Theory:
    """Of one run: exact for ReLU's signal, else two standard deviations to leading order in 1 / width."""
    gain = WIDTH * std**2
    q = variances(activation, fan_in=WIDTH, std=std, depth=LAYERS)
    chi = gains_in_theory(activation, std, width=WIDTH, depth=LAYERS)[:-1]
    squares = np.concatenate([[1.0], q[1:] / gain])
    back = gain * np.concatenate([np.cumprod(chi[::-1])[::-1], [1.0]])
    if activation == "relu":  # scales with the weights, so that one law does for all
        low, high = log_norm_band("relu", width=WIDTH, depth=LAYERS - 1, level=LEVEL, gain=gain)
        layers = np.arange(LAYERS, 0, -1)
        mean, variance = _relu_gradient()
        mean = mean + layers * math.log(gain / 2.0)
    else:
        moments = log_norm_moments(
            activation, width=WIDTH, depth=LAYERS - 1, gain=gain, cosine=1.0
        ).activations
        reach = TWO * np.sqrt(moments.variance)
        low, high = moments.mean - reach, moments.mean + reach
        law = gradient_log_moments(activation, width=WIDTH, depth=LAYERS, gain=gain, cosine=1.0)
        mean, variance = law.mean, law.variance
    reach = TWO * np.sqrt(variance)
    return Theory(
        signal=0.5 * np.log10(squares),
        gradient=0.5 * np.log10(back),
        signal_band=(_decades(np.concatenate([[0.0], low])), _decades(np.concatenate([[0.0], high]))),
        gradient_band=(_decades(mean - reach), _decades(mean + reach)),
    )


@lru_cache(maxsize=1)
def _relu_gradient() -> tuple[Floats, Floats]:
    law = gradient_log_moments("relu", width=WIDTH, depth=LAYERS, gain=2.0, cosine=1.0)
    return law.mean, law.variance


def _decades(log_square: Floats) -> Floats:
    """Natural logs of a mean square as log10 of its root."""
    return np.asarray(0.5 / math.log(10.0) * log_square)


def panels(root: int) -> Iterator[Exhibit]:
    """A plate an activation: signal and gradient in two rows, the chapter's schemes in four columns."""
    for activation in RANGES:
        for way in ("signal", "gradient"):
            for scheme, std in SCHEMES.items():
                yield panel(activation, way, scheme, depths(activation, std(WIDTH), root))


def _bands(activation: str) -> str:
    reach = f"within {TWO:g} predicted standard deviations, to leading order in depth/width"
    if activation == "relu":
        exact = f"for the signal all but {LEVEL:.0%} at each layer, exactly at this width"
        return f"{exact}; for the gradient {reach}"
    return reach


def panel(activation: str, way: str, scheme: str, seen: Depths) -> Exhibit:
    """The median run beside mean-field theory; the band is where one run lies."""
    law = theory(activation, SCHEMES[scheme](WIDTH))
    observed, expected = getattr(seen, way), getattr(law, way)
    low, high = getattr(law, f"{way}_band")
    at = [layer - 1 for layer in SHOWN]
    words = "RMS of what enters a layer" if way == "signal" else "RMS of the gradient there"
    end = LAYERS - 1 if way == "signal" else 0
    return Exhibit(
        id=f"depth-{way}-{activation}-{list(SCHEMES).index(scheme) + 1}",
        kind="curve",
        title=f"{activation}, {scheme}, {way}",
        caption=f"Median of {RUNS} networks of width {WIDTH}, one input of mean square 1 each, beside "
        "mean-field theory (dashed), in decades; the gradient enters at the last pre-activation, on the "
        f"right. The band is where single networks lie: {_bands(activation)}.",
        x_axis=Axis(label="layer"),
        y_axis=Axis(label="log10 of the RMS"),
        x=tuple(map(float, SHOWN)),
        observed=tuple(float(x) for x in np.median(observed, axis=0)[at]),
        expected=tuple(float(x) for x in expected[at]),
        band=(tuple(map(float, low[at])), tuple(map(float, high[at]))),
        n=RUNS,
        plate=f"Signal and gradient by depth: {activation}",
        row=f"{way}: {words}",
        column=scheme,
        notes=(
            (f"layer {end + 1}:", f"{np.median(observed, axis=0)[end]:.2f} (theory {expected[end]:.2f})"),
        ),
    )
