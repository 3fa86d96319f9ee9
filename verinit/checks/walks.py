"""Walks of one model at one case: many fresh networks, each reduced to what the exact laws speak of.

Forward. Given a layer's inputs X: (B, in), take X = U S V' (thin). The rows of V' are orthonormal and depend
on X alone, so V' W is iid N(0, s^2) for normal weights of standard deviation s, whatever came before; and it
is what the layer sent, whitened: S^-1 U' (X W). Its squares over s^2 add up to chi-square with rank(X) x out
degrees of freedom.

Backward. The cotangent D: (B, out) at the pre-activation depends on W through X W, so |D W'|^2 is not
chi-square. But X W says nothing of the part of W orthogonal to the inputs: with P the projector off the rows
of X, P W is independent of X, X W and D, and P (D W')' whitened by D in the same way is iid N(0, s^2) within
in - B dimensions.

Weights that are independent but not normal are looked at in all directions at once: |W|^2 / s^2.

Rounding. A product sums at most `in` terms, so an entry of X W is off by at most (in + 2) u |x| |w| (Higham
2002, section 3.1), and its whitened row i by that of all rows over S_i: u (in + 2) |S| |W| / S_i in all. Near
underflow each term is off by half a subnormal number t too, an entry by (in + 2) t, the row by the root of B
times that over S_i. Directions for which this exceeds `rounded` are left out: which ones depends on X alone.
What is left is the excuse; where the product was made in fewer digits than float64 it is no more than what
rounding did, which is seen by making it again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.checks.sampling import generator
from verinit.laws.marginals import law_of
from verinit.vocabulary import Case, Target, Trial

Array = NDArray[Any]
Floats = NDArray[np.float64]


def rounded(dtype: str) -> float:
    """Bound on the relative error of a whitened direction that is still used.

    In float64 hardly a direction is lost by it. With fewer digits sums of 512 terms would leave none: there
    the bound is wider, and what rounding did is measured: 3e-7 there, where the bound is 1e-2.
    """
    return 2.0**-12 if dtype == "float64" else 2.0**-6


EXCUSED = 2.0**-11
"""Relative rounding error that a plan makes room for: above the bound of float64, above what is measured."""
MOST = 2048
"""Networks that are walked at most."""
_FINE = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """What was seen of one layer: the sum of `freedom` squared standard normal numbers.

    excuse  how far rounding may have moved the root of their mean
    """

    squares: float
    freedom: int
    excuse: float = 0.0

    @property
    def gain(self) -> float:
        """The RMS over the predicted one."""
        return math.sqrt(self.squares / self.freedom)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """What one walk tells of one layer.

    forward, backward  energies of what it sent on and back, in units of the promised variance; None where it
                       saw nothing, or has no direction that its inputs leave free
    positive           of the first input: how many pre-activations are above 0, of how many
    one_sided          units below 0 on all inputs, and above 0 on all of them
    links              correlation of its weights with earlier ones of their shape, by name: with the first,
                       the last, and the sum of three and more; N(0, 1 / size) each
    size               number of its weights
    """

    forward: Energy | None
    backward: Energy | None
    positive: tuple[int, int]
    one_sided: tuple[int, int]
    links: dict[str, float]
    size: int


@dataclass(slots=True, kw_only=True)
class _Seen:
    """One layer while a walk is on its way back."""

    step: Any
    std: float
    basis: Floats
    layer: Layer


def inputs_of(trial: Trial, seed: int) -> Array:
    """Standard normal inputs (batch, width), in the case's dtype."""
    return _inputs(trial.target, trial.case, trial.root, seed)


def walk_of(trial: Trial, seed: int, *, inputs: Array | None = None) -> list[Any]:
    """All records of one walk, as they came."""
    return list(_walked(trial.target, trial.case, trial.root, seed, inputs))


def _inputs(target: Target, case: Case, root: int, seed: int) -> Array:
    x = generator(root, target, case, "inputs", seed).standard_normal(case.shape)
    return x.astype(case.dtype or "float64")


def _walked(target: Target, case: Case, root: int, seed: int, inputs: Array | None = None) -> Iterator[Any]:
    x = _inputs(target, case, root, seed) if inputs is None else inputs
    rng = generator(root, target, case, "walk", seed)
    records: Iterator[Any] = iter(target.object.walk(x, rng, **dict(case.parameters)))
    return records


class Walks:
    """Walks of one target at one case, made as they are asked for; only their layers are kept."""

    def __init__(self, target: Target, case: Case, root: int) -> None:
        self.target, self.case, self.root = target, case, root
        self._kept: list[tuple[Layer, ...]] = []

    def first(self, count: int) -> list[tuple[Layer, ...]]:
        """The layers of the first `count` walks."""
        while len(self._kept) < count:
            walked = _walked(self.target, self.case, self.root, len(self._kept))
            self._kept.append(tuple(_layers(walked, self.target)))
        return self._kept[:count]

    def enough(self, freedom: Callable[[Layer], int], n: int) -> list[tuple[Layer, ...]]:
        """The first walks in which every layer has `n` in all, or `MOST` walks."""
        totals: list[int] = []
        count = 0
        while True:
            layers = map(freedom, self.first(count + 1)[count])
            totals = [sum(pair) for pair in itertools.zip_longest(totals, layers, fillvalue=0)]
            count += 1
            least = min(totals, default=0)
            if least >= n or count >= MOST or (count >= 8 and not least):
                return self.first(count)

    def energies(self, way: str, n: int) -> list[Energy | None]:
        """The energy of every layer over as many walks as it takes to have `n` squares of each.

        None for a layer that nothing reached.
        """
        have = self.enough(lambda layer: 0 if (e := getattr(layer, way)) is None else e.freedom, n)
        columns = zip(*have, strict=True)
        return [_together([e for layer in column if (e := getattr(layer, way))]) for column in columns]

    @property
    def dtype(self) -> str:
        """The dtype of inputs and weights."""
        return self.case.dtype or "float64"


def _together(seen: list[Energy]) -> Energy | None:
    """The energies of one layer in several walks as one."""
    if not seen:
        return None
    squares, freedom = sum(e.squares for e in seen), sum(e.freedom for e in seen)
    excuse = math.sqrt(sum(e.freedom * e.excuse**2 for e in seen) / freedom)
    return Energy(squares=squares, freedom=freedom, excuse=excuse)


@lru_cache(maxsize=4)
def walks(target: Target, case: Case, root: int) -> Walks:
    """The walks of this target at this case; the last few are kept."""
    return Walks(target, case, root)


def _layers(records: Iterator[Any], target: Target) -> list[Layer]:
    """Steps on the way there, echoes on the way back."""
    seen: list[_Seen] = []
    earlier: dict[tuple[int, ...], _Earlier] = {}
    for record in records:
        if hasattr(record, "preactivation"):
            W = np.asarray(record.weights, dtype=np.float64)
            before = earlier.get(W.shape)
            seen.append(_forward(record, target, before.named() if before else {}))
            here = (f"layer {len(seen)}", W)
            earlier[W.shape] = before.and_then(here) if before else _Earlier(first=here, last=here, total=W)
        else:
            spot = seen[record.layer]
            spot.layer = _with_echo(spot, record)
    return [spot.layer for spot in seen]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Earlier:
    """Layers of one shape, each with its name: the first, the last, and the sum of all."""

    first: tuple[str, Floats]
    last: tuple[str, Floats]
    total: Floats
    layers: int = 1

    def and_then(self, here: tuple[str, Floats]) -> _Earlier:
        """One layer more."""
        return replace(self, last=here, total=self.total + here[1], layers=self.layers + 1)

    def named(self) -> dict[str, Floats]:
        """What the next layer is compared with; two layers need no sum."""
        told = dict((self.first, self.last))
        return told if self.layers < 3 else {**told, "all before it": self.total}


def _forward(step: Any, target: Target, others: dict[str, Floats]) -> _Seen:
    X, Z, W = (np.asarray(a, dtype=np.float64) for a in (step.inputs, step.preactivation, step.weights))
    bias = getattr(step, "bias", None)
    Z = Z if bias is None else Z - np.asarray(bias, dtype=np.float64)
    std = law_of(target.scheme, W.shape).std if target.scheme is not None else 0.0
    U, S, basis = _decomposed(X)
    dtype = np.asarray(step.preactivation).dtype
    energy = _energy(
        U.T @ Z,
        None if dtype == np.float64 else S[:, None] * (basis @ W),
        S,
        dtype=dtype,
        terms=W.shape[0] + 2,
        weights=float(np.linalg.norm(W)),
        usual=math.sqrt(W.shape[0]),
        std=std,
    )
    if target.scheme is not None and target.scheme.family != "normal" and std > 0.0:
        excuse = 4.0 * float(np.finfo(dtype).eps)
        energy = Energy(squares=float(np.vdot(W, W)) / std**2, freedom=W.size, excuse=excuse)
    below, above = (Z < 0.0).all(axis=0), (Z > 0.0).all(axis=0)
    layer = Layer(
        forward=energy,
        backward=None,
        positive=(int(np.count_nonzero(Z[0] > 0.0)), int(np.count_nonzero(Z[0]))),
        one_sided=(int(np.count_nonzero(below)), int(np.count_nonzero(above))),
        links={name: _link(W, other, std) for name, other in others.items()},
        size=W.size,
    )
    return _Seen(step=step, std=std, basis=basis, layer=layer)


def _decomposed(X: Floats) -> tuple[Floats, Floats, Floats]:
    """U, S and V' of X = U S V', thin; empty where X is 0 or holds what is no number."""
    if not np.isfinite(X).all():
        return np.empty((len(X), 0)), np.empty(0), np.empty((0, X.shape[1]))
    scale = float(np.abs(X).max(initial=0.0)) or 1.0  # or squares within the decomposition would underflow
    U, S, basis = np.linalg.svd(X / scale, full_matrices=False)
    return U, np.abs(S) * scale, basis  # the decomposition also answers -0


def _energy(
    rotated: Floats,
    again: Floats | None,
    S: Floats,
    *,
    dtype: Any,
    terms: int,
    weights: float,
    usual: float,
    std: float,
) -> Energy | None:
    """The energy of the directions that rounding leaves; `rotated` is U' times what was sent, (rank, any).

    again    the same of the product made in float64; None where it was
    terms    of one sum of the product, which was made in `dtype`, and two more
    weights  Frobenius norm of the weights; `usual`: what it should be, over std and the root of the columns,
             by which directions are chosen, so that their choice does not depend on the weights
    """
    total = float(np.linalg.norm(S))
    if not (0.0 < total < math.inf and std > 0.0 and rotated.shape[1]):
        return None
    told = np.finfo(dtype)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):  # nan is left out below
        relative = (terms * float(told.eps) + 8 * len(S) * _FINE) * total / S
        absolute = terms * float(told.smallest_subnormal) * math.sqrt(len(S)) / (S * std)
    used = relative * usual + absolute <= rounded(told.dtype.name)
    if not used.any():
        return None
    errors = (relative * weights / (std * math.sqrt(rotated.shape[1])) + absolute)[used]
    white = rotated[used] / (S[used, None] * std)
    if again is not None:
        seen = white - again[used] / (S[used, None] * std)
        errors = np.minimum(errors, np.sqrt(np.mean(seen * seen, axis=1)))
    return Energy(
        squares=float(np.sum(white * white)),
        freedom=white.size,
        excuse=math.sqrt(float(np.mean(errors**2))),
    )


def _with_echo(spot: _Seen, echo: Any) -> Layer:
    layer = spot.layer
    D, G, W = (np.asarray(a, dtype=np.float64) for a in (echo.cotangent, echo.gradient, spot.step.weights))
    free = W.shape[0] - spot.basis.shape[0]
    energy = None
    if free > 0 and spot.basis.shape[0]:
        U, S, above = _decomposed(D)
        dtype = np.asarray(echo.gradient).dtype
        found = _energy(
            U.T @ _beside(G, spot.basis),
            None if dtype == np.float64 else _beside(S[:, None] * (above @ W.T), spot.basis),
            S,
            dtype=dtype,
            terms=W.shape[1] + 2,
            weights=float(np.linalg.norm(W)),
            usual=math.sqrt(W.shape[1]),
            std=spot.std,
        )
        if found is not None:  # it has `in` columns, of which the inputs' span leaves `free`
            rank = found.freedom // W.shape[0]
            shrunk = math.sqrt(W.shape[0] / free)
            energy = Energy(squares=found.squares, freedom=rank * free, excuse=found.excuse * shrunk)
    return replace(layer, backward=energy)


def _beside(rows: Floats, basis: Floats) -> Floats:
    """The part of each row that is orthogonal to all rows of an orthonormal basis."""
    return rows - (rows @ basis.T) @ basis


def _link(W: Floats, before: Floats, std: float) -> float:
    """<W, W'> / (s |W'| sqrt(size)): N(0, 1 / size) where W is drawn independently of W'."""
    norm = float(np.linalg.norm(before)) * std * math.sqrt(W.size)
    return float(np.vdot(W, before)) / norm if norm > 0.0 else 0.0
