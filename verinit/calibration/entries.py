"""How a sample enters each test: the arguments that hold data, and the others.

Controls spoil the data one argument at a time. A test that is not here is reported as one without controls,
and misses its gate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import ndtr

from verinit.calibration.tilting import Floats
from verinit.statistics import lines, marginal, shape

SHAPE = (40, 12, 10)
"""Draws, rows and columns of the sample that is spoilt."""
Data = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """data: the arguments that a stack (R, m, n) of normal numbers becomes; fixed: all others.

    whole     whether all numbers are spoilt: a median has its own rule for a few
    together  whether all arguments are spoilt at once: the edges of one rounding cell
    """

    data: Callable[[Floats], Data]
    fixed: Data = field(default_factory=dict)
    whole: bool = False
    together: bool = False


def _stack(name: str, **fixed: Any) -> Entry:
    return Entry(data=lambda z: {name: z}, fixed=fixed)


def _counts(z: Floats) -> Data:
    return {"counts": shape.tail_counts(z), "n": z.size}


def _cells(z: Floats) -> Data:
    places = np.minimum((ndtr(z.ravel()) * marginal.GRID).astype(np.intp), marginal.GRID - 1)
    return {"cells": np.bincount(places, minlength=marginal.GRID)}


def _largest(z: Floats) -> Data:
    top = float(np.abs(z).max())
    return {"inner": top, "outer": top, "n": z.size}


def _hits(z: Floats) -> Data:
    return {"hits": int(np.count_nonzero(z > 0)), "n": z.size}


def _square(z: Floats) -> Floats:
    side = min(z.shape[1:])
    return z[:, :side, :side]


def _orthogonal(z: Floats) -> Data:
    """Haar matrices of normal numbers; whatever is too small for a matrix, as it is."""
    if z.size == 1:
        return {"q": z}
    q, r = np.linalg.qr(_square(z))
    return {"q": q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]}


_Q = Entry(data=_orthogonal)
_NAMED = {"quantity": "control"}
_NEAR = {"margin": 0.01, "outer_margin": 0.1, **_NAMED}
ENTRIES: dict[str, Entry] = {
    "marginal.mean": Entry(data=lambda z: {"total": float(z.sum()), "n": z.size}, fixed=_NAMED),
    "marginal.variance": Entry(data=lambda z: {"squares": float((z * z).sum()), "n": z.size}, fixed=_NAMED),
    "marginal.extreme": Entry(data=_largest, fixed=_NAMED, together=True),
    "marginal.support": Entry(
        data=lambda z: {"excess": max(float(np.abs(z).max()) - 6.0, 0.0), "n": z.size},
        fixed={"escape": lambda d: float(2 * ndtr(-6.0 / (1 + d))), "excuse": 1e-9, **_NAMED},
    ),
    "marginal.distribution": Entry(data=_cells, fixed=_NAMED),
    "binomial.share": Entry(data=_hits, fixed={"expected": 0.5, **_NAMED}),
    "shape.score": Entry(
        data=lambda z: {"total": float(shape.legendre(3, ndtr(z)).sum()), "n": z.size}, fixed={"k": 3}
    ),
    "shape.scores": Entry(data=lambda z: {"u": ndtr(z)}),
    "shape.tails": _stack("z"),
    "shape.tails_counted": Entry(data=_counts),
    "atoms.multiplicity": _stack("x", q=2.0**-40),
    "atoms.ties": _stack("x", q=2.0**-40),
    "atoms.constant": _stack("x", q=2.0**-40),
    "atoms.last_bit": Entry(data=lambda z: {"x": z.astype(np.float16)}),
    "lines.sums": _stack("x"),
    "lines.offset": _stack("x"),
    "lines.energies": _stack("x"),
    "lines.spread": _stack("x"),
    "pooling.both_axes": _stack("z", test=lines.sums, **_NAMED),
    "draws.means": _stack("z"),
    "draws.variances": _stack("z"),
    "neighbours.correlation": Entry(data=lambda z: {"a": z[::2], "b": z[1::2]}),
    "neighbours.between": Entry(data=lambda z: {"a": z[::2], "b": z[1::2]}),
    "neighbours.neighbours": _stack("x"),
    "neighbours.overlaps": _stack("x"),
    "neighbours.transpose": _stack("z"),
    "repeats.repeats": _stack("z"),
    "spectrum.cosines": _stack("x"),
    "spectrum.above": Entry(data=lambda z: {"R": _factors(z)}),
    "spectrum.diagonal": Entry(data=lambda z: {"R": _factors(z)}, fixed={"p": SHAPE[1]}),
    "haar.spread": _Q,
    "haar.signs": _Q,
    "haar.orientation": _Q,
    "equivalence.median_within": Entry(
        data=lambda z: {"values": z.ravel()}, fixed={"expected": 0.0, **_NEAR}, whole=True
    ),
    "equivalence.proportion_within": Entry(data=_hits, fixed={"expected": 0.5, **_NEAR}),
    "equivalence.distribution_within": Entry(data=lambda z: {"probabilities": ndtr(z.ravel())}, fixed=_NEAR),
}


def _factors(z: Floats) -> Floats:
    return np.asarray(np.linalg.qr(z, mode="r"))
