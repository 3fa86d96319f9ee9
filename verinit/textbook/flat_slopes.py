"""Saturation by layer: the share of slopes that are next to nothing, or exactly 0, beside theory."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy.special import erfc, ndtr

from verinit.laws.saturation import one_by_sum, zero_by_underflow
from verinit.laws.signal import variances
from verinit.textbook.depth_profiles import FLAT, LAYERS, RUNS, SHOWN, depths
from verinit.textbook.experiment import SCHEMES, WIDTH, Floats
from verinit.vocabulary import Axis, Exhibit

DRAWN = ("sigmoid", "tanh")
"""The activations that have flat ends on both sides."""
LISTED = (1, 2, 3, 5, 10, 25)
PLATE = "Saturation by layer"


def flat_in_theory(activation: str, q: Floats) -> Floats:
    """P(f'(z) <= 1 % of f'(0)), z ~ N(0, q), from |z| = atanh(sqrt(0.99)) on, twice that for sigmoid.

    tanh's slope is 1 - tanh^2; sigmoid is tanh at half the argument.
    """
    reach = math.atanh(math.sqrt(1.0 - FLAT)) * (2.0 if activation == "sigmoid" else 1.0)
    return np.asarray(erfc(reach / np.sqrt(2.0 * q)))


def zero_in_theory(q: Floats, *, dtype: str = "float32") -> Floats:
    """P((1 - y) y = 0), z ~ N(0, q): y is 1 from p ln 2 on, and 0 from its underflow on."""
    s = np.sqrt(q)
    return np.asarray(ndtr(-one_by_sum(dtype) / s) + ndtr(-zero_by_underflow(dtype) / s))


def _q(activation: str, scheme: str) -> Floats:
    return variances(activation, fan_in=WIDTH, std=SCHEMES[scheme](WIDTH), depth=LAYERS)


def exhibits(root: int) -> Iterator[Exhibit]:
    """Two panels for std 1, where most is flat, and a table of every scheme."""
    for activation in DRAWN:
        yield _curve(activation, "N(0, 1)", root)
    yield _table(root)


def _curve(activation: str, scheme: str, root: int) -> Exhibit:
    seen = depths(activation, SCHEMES[scheme](WIDTH), root).flat.mean(axis=0)
    law = flat_in_theory(activation, _q(activation, scheme))
    at = [layer - 1 for layer in SHOWN]
    return Exhibit(
        id=f"flat-{activation}",
        kind="curve",
        title=f"{activation}, {scheme}",
        caption=f"Share of slopes f'(z) that are at most {FLAT:.0%} of the steepest, over {RUNS} networks of "
        f"width {WIDTH}, beside mean-field theory (dashed; in brackets in the table).",
        x_axis=Axis(label="layer"),
        y_axis=Axis(label="share of flat slopes"),
        x=tuple(map(float, SHOWN)),
        observed=tuple(map(float, seen[at])),
        expected=tuple(map(float, law[at])),
        n=RUNS * WIDTH,
        plate=PLATE,
        column=f"{activation}, {scheme}",
    )


def _table(root: int) -> Exhibit:
    rows = []
    for activation in DRAWN:
        for scheme, std in SCHEMES.items():
            seen, q = depths(activation, std(WIDTH), root), _q(activation, scheme)
            rows.append(_row(f"{activation}, {scheme}: flat", seen.flat, flat_in_theory(activation, q)))
    seen = depths("sigmoid", 1.0, root)
    rows.append(
        _row("sigmoid, N(0, 1): exactly 0 in float32", seen.zero, zero_in_theory(_q("sigmoid", "N(0, 1)")))
    )
    return Exhibit(
        id="flat-table",
        kind="table",
        title="Share of flat slopes by layer",
        n=RUNS * WIDTH,
        plate=PLATE,
        header=("network", *(f"layer {layer}" for layer in LISTED)),
        rows=tuple(rows),
    )


def _row(name: str, seen: Floats, law: Floats) -> tuple[str, ...]:
    means = seen.mean(axis=0)
    return (name, *(f"{means[k - 1]:.1%} ({law[k - 1]:.1%})" for k in LISTED))
