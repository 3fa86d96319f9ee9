"""The map of the cosine: how alike two inputs are behind a layer, by how alike they are before it.

Given two inputs of one norm and cosine c, the pre-activations of a unit are jointly normal, exactly, at any
width: they are drawn as such for 1000 units, and the cosine between the two responses stands beside the map
that holds as the width grows. The variance is that of the chapter's fifth layer under each scheme.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from verinit.laws.correlation import cosine_map, cosine_slope, stable_cosine
from verinit.laws.signal import variances
from verinit.reference.activations import ACTIVATIONS
from verinit.textbook.experiment import DEPTH, SCHEMES, WIDTH, Floats
from verinit.textbook.gradients import critical_width
from verinit.vocabulary import Axis, Exhibit, entropy

UNITS = 1000
COSINES = (-1.0, -0.5, 0.0, 0.5, 0.75, 0.9, 1.0)
SHOWN: dict[str, tuple[str, ...]] = {
    "sigmoid": tuple(SCHEMES),
    "tanh": tuple(SCHEMES),
    "relu": ("He, sqrt(2/n)",),
}
"""ReLU's map is the same at every variance, hence for every scheme."""


def responses(activation: str, q: float, c: float, rng: np.random.Generator) -> float:
    """The cosine between the responses of `UNITS` units to two inputs."""
    f = ACTIVATIONS[activation].value
    g = rng.standard_normal((2, UNITS))
    u = f(math.sqrt(q) * g[0])
    v = f(math.sqrt(q) * (c * g[0] + math.sqrt((1.0 - c) * (1.0 + c)) * g[1]))
    return float(u @ v) / math.sqrt(float(u @ u) * float(v @ v))


def panels(root: int) -> Iterator[Exhibit]:
    """A row an activation, a column a scheme."""
    for activation, schemes in SHOWN.items():
        for scheme in schemes:
            yield panel(activation, scheme, root)


def variance_of(activation: str, scheme: str) -> float:
    """Of the pre-activations in the chapter's fifth layer."""
    return float(variances(activation, fan_in=WIDTH, std=SCHEMES[scheme](WIDTH), depth=DEPTH)[-1])


def panel(activation: str, scheme: str, root: int) -> Exhibit:
    """The map at one variance, with its stable fixed point and its slope at 1."""
    q = variance_of(activation, scheme)
    rng = np.random.default_rng(entropy(root, "textbook", "cosine maps", activation, scheme))
    seen: Floats = np.array([responses(activation, q, c, rng) for c in COSINES])
    law: Floats = np.array([cosine_map(activation, q, c) for c in COSINES])
    fixed = stable_cosine(activation, q)
    return Exhibit(
        id=f"cosine-{activation}-{list(SCHEMES).index(scheme) + 1}",
        kind="curve",
        title=f"{activation}, {scheme}",
        caption=f"Cosine between the responses of {UNITS} units to two inputs of cosine c, one draw, beside "
        "theory of wide layers (dashed), at the variance q of layer 5. Every start above 0 is drawn to the "
        "fixed point; where the slope at 1 is above 1, inputs that are nearly alike part again. Critical, "
        "with a slope of 1: tanh with Xavier, whose variance tends to 0; ReLU with He, at every variance; "
        f"sigmoid with std 1 from width {critical_width()} on.",
        x_axis=Axis(label="cosine before the layer"),
        y_axis=Axis(label="behind it"),
        x=COSINES,
        observed=tuple(map(float, seen)),
        expected=tuple(map(float, law)),
        n=UNITS,
        plate="The map of the cosine",
        row=activation,
        column=scheme,
        notes=(
            ("fixed point:", f"{fixed:.3g}, q = {q:.2g}"),
            ("slope at c = 1:", f"{cosine_slope(activation, q, 1.0):.3g}"),
        ),
    )
