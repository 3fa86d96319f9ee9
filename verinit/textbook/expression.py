"""T12: whether units that all answer about one half can still say different things."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, repeat

import numpy as np
from numpy.typing import NDArray

from verinit.reference.activations import ACTIVATIONS
from verinit.reference.initializers import normal
from verinit.reference.network import activations_by_layer
from verinit.reference.precision import FLOATING
from verinit.statistics.equivalence import median_within
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import DEPTH, WIDTH, Floats
from verinit.textbook.rules import combined, share
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, entropy, judge

RUNS = 36
"""Networks a width: enough for the median at a ledger's share, whose least number is 31."""
STD = 0.01
NARROW = 25
"""A width beside the chapter's."""
PER_UNIT = 2
"""Inputs for each unit: more than width + 1, so that an affine map of the input is not a fit by itself."""
ALIKE, NOT_ALIKE = 0.01, 0.02
"""Responses to different inputs are alike if 1 - cosine is at most 1 %, surely at most 2 %."""
ONE, FEW = 1.0, 2.0
"""Units are redundant if their effective rank is 1, at most 2; surely at most 3."""
MERGED, NOT_MERGED = 0.05, 0.1
"""A unit cannot tell inputs apart if it takes at most 5 % as many values as there are inputs, surely 10 %."""
NEAR = 0.2
"""Relative margin between a median run and theory at width 100: twice 1 / sqrt(100)."""
DTYPES = {"float64": DEPTH, "float32": DEPTH, "float16": 3}
"""The layer at which each dtype is judged; the table shows all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Responses:
    """What networks of one width answer to inputs; (runs, depth) each, `values` one for each dtype.

    unlike  1 - mean cosine between the responses to two inputs
    rank    participation ratio of the centred responses: (sum of eigenvalues)^2 / sum of their squares
    bent    share of the centred responses' variance that no affine map of the input explains
    values  distinct values of the median unit over the number of inputs, by dtype
    """

    unlike: Floats
    rank: Floats
    bent: Floats
    values: dict[str, Floats]


@lru_cache(maxsize=8)
def responses(width: int, root: int, *, dtypes: tuple[str, ...] = ()) -> Responses:
    """Five sigmoid layers with std 0.01, from N(0, 1) inputs, twice as many as there are units."""
    rows, values = [], []
    for run in range(RUNS):
        rng = np.random.default_rng(entropy(root, "textbook", "T12", width, run))
        x = normal((PER_UNIT * width, width), rng)
        weights = [normal((width, width), rng, std=STD) for _ in range(DEPTH)]
        basis = np.linalg.qr(np.column_stack([np.ones(len(x)), x]))[0]
        layers = list(activations_by_layer(x, weights, ACTIVATIONS["sigmoid"]))
        rows.append([(_unlike(y), *_rank_and_bend(y, basis)) for y in layers])
        values.append([_distinct(layers, x, weights, dtype) for dtype in dtypes])
    unlike, rank, bent = np.moveaxis(np.array(rows), 2, 0)
    merged = np.array(values)  # (runs, dtypes, depth)
    by_dtype = {dtype: merged[:, k] for k, dtype in enumerate(dtypes)}
    return Responses(unlike=unlike, rank=rank, bent=bent, values=by_dtype)


def _unlike(y: Floats) -> float:
    """1 - mean cosine over all pairs of rows: half the mean squared distance between unit vectors."""
    unit = y / np.sqrt(np.einsum("ij,ij->i", y, y))[:, None]
    off = unit - unit.mean(axis=0)
    return float(np.einsum("ij,ij->", off, off)) / (len(y) - 1)


def _rank_and_bend(y: Floats, basis: Floats) -> tuple[float, float]:
    """The residual of a least-squares fit is scaled by the degrees of freedom that it has left."""
    centred = y - y.mean(axis=0)
    gram = centred.T @ centred
    total = float(np.trace(gram))
    residual = centred - basis @ (basis.T @ centred)
    rest = float(np.einsum("ij,ij->", residual, residual)) / (len(y) - basis.shape[1])
    return total**2 / float(np.einsum("ij,ij->", gram, gram)), rest / (total / (len(y) - 1))


def _distinct(layers: list[Floats], x: Floats, weights: list[Floats], dtype: str) -> list[float]:
    """Share of distinct values among a unit's responses, median unit, layer by layer, computed in a dtype."""
    if dtype == "float64":
        return [_values(y) for y in layers]
    kind = FLOATING[dtype]
    low = [w.astype(kind) for w in weights]
    rounded = activations_by_layer(x.astype(kind), low, ACTIVATIONS["sigmoid"])
    return [_values(y.astype(np.float32)) for y in rounded]


def _values(y: NDArray[np.floating]) -> float:
    ordered = np.sort(y.T, axis=1)
    steps = ordered[:, 1:] != ordered[:, :-1]
    return float(np.median(1 + np.count_nonzero(steps, axis=1))) / len(y)


def rank_in_theory(width: int, *, depth: int = DEPTH) -> Floats:
    """Effective rank behind 1 .. L linear layers of Gaussian weights: about n / (l + 1 + n/N), (depth,).

    Let G = C'C, C the centred inputs with N - 1 degrees of freedom. With a = E tr G^2, b = E (tr G)^2, a
    layer of std 1/sqrt(n), G -> W'GW, makes a' = (1 + 1/n) a + b/n and b' = b + 2 a/n (moments of Wishart
    matrices), whatever G was. The ratio b/a of the means stands for the mean of the ratio.
    """
    m, n = PER_UNIT * width - 1, width
    start = ((m + n + 1) / (m * n), (m * n + 2) / (m * n))

    def layer(ab: tuple[float, float], _: None) -> tuple[float, float]:
        a, b = ab
        return (1.0 + 1.0 / n) * a + b / n, b + 2.0 * a / n

    return np.array([b / a for a, b in list(accumulate(repeat(None, depth), layer, initial=start))[1:]])


def bend_in_theory(width: int) -> float:
    """q^2 / 24 is the share of sigmoid's variance that is not linear, for z ~ N(0, q), q = n std^2 small.

    sigmoid(z) = 1/2 + z/4 - z^3/48: the cubic has (q^3/48^2) E[He_3^2] = 6 q^3/48^2 beside q/16. It is
    layer 1's; the layers behind see differences so small that they add nothing.
    """
    return (width * STD**2) ** 2 / 24.0


def t12(root: int, rates: Rates) -> Ruling:
    """T12, measured and ruled."""
    chapter = responses(WIDTH, root, dtypes=tuple(DTYPES))
    return one_half_is_not_all_they_say(chapter, responses(NARROW, root), rates=rates)


def one_half_is_not_all_they_say(chapter: Responses, narrow: Responses, *, rates: Rates) -> Ruling:
    """All responses are nearly one vector; around it the units still span as much as a linear network's.

    chapter  width 100; `narrow` width 25, for the table
    """
    part = share(rates, 11)
    unlike = [
        _median(
            chapter.unlike[:, k - 1],
            0.0,
            ALIKE,
            NOT_ALIKE,
            part,
            f"layer {k}: 1 - cosine between two inputs (alike: at most {ALIKE:g}, surely {NOT_ALIKE:g})",
        )
        for k in (1, DEPTH)
    ]
    rank = [
        _median(
            chapter.rank[:, k - 1],
            ONE,
            FEW - ONE,
            FEW,
            part,
            f"layer {k}: effective rank of the centred responses (redundant: 1 to {FEW:g}, surely "
            f"{ONE + FEW:g})",
        )
        for k in (1, DEPTH)
    ]
    values = [
        _median(
            chapter.values[dtype][:, k - 1],
            0.0,
            MERGED,
            NOT_MERGED,
            part,
            f"layer {k}, {dtype}: distinct values of the median unit over inputs (merged: at most "
            f"{MERGED:g}, surely {NOT_MERGED:g})",
        )
        for dtype, k in DTYPES.items()
    ]
    verdicts = [judge(item, NOT_ALIKE) for item in unlike]
    verdicts += [judge(item, FEW) for item in rank] + [judge(item, NOT_MERGED) for item in values]
    return Ruling(
        id="T12",
        ruling=combined(verdicts),
        claim=CLAIMS["T12"],
        summary=_summary(chapter),
        conditions=f"median of {RUNS} networks; std {STD:g}, sigmoid, float64 where no dtype is named, "
        f"{PER_UNIT * WIDTH} inputs N(0, 1), width {WIDTH}, depth {DEPTH}. Uncentred, every response is "
        "about 1/2 in every unit. Centred, layer l has rank n / (l + 1) if there are many inputs, as a "
        "linear network of any std has; the next layer's bias, or batch norm, takes the 1/2 away. The "
        "difference shrinks 40 times a layer, so a dtype ends it: its spacing near 1/2 is 6e-8 in float32 "
        "and 5e-4 in float16. What such layers lack is a bend: all five together are an affine map of the "
        "input, so that it is the depth that is pointless",
        evidence=(*unlike, *rank, *values, *_beside(chapter, part)),
        exhibits=(_curve(chapter), _table(chapter, narrow)),
    )


def _median(
    values: Floats, expected: float, margin: float, outer: float, rates: Rates, quantity: str
) -> Evidence:
    return median_within(
        values, expected=expected, margin=margin, outer_margin=outer, rates=rates, quantity=quantity
    )


def _beside(chapter: Responses, rates: Rates) -> list[Evidence]:
    """Ranks and bends beside theory."""
    rank, bend = rank_in_theory(WIDTH), bend_in_theory(WIDTH)
    lines = [
        (chapter.rank[:, 0], rank[0], "layer 1: effective rank, beside theory"),
        (chapter.rank[:, -1], rank[-1], f"layer {DEPTH}: effective rank, beside theory"),
        (chapter.bent[:, 0], bend, "layer 1: share of variance that is not affine, beside theory"),
        (chapter.bent[:, -1], bend, f"layer {DEPTH}: share of variance that is not affine, beside theory"),
    ]
    return [
        _median(v, float(law), NEAR * float(law), 2 * NEAR * float(law), rates, what)
        for v, law, what in lines
    ]


def _summary(chapter: Responses) -> str:
    unlike = np.median(chapter.unlike, axis=0)
    rank = np.median(chapter.rank, axis=0)
    counts = {d: PER_UNIT * WIDTH * float(np.median(chapter.values[d][:, k - 1])) for d, k in DTYPES.items()}
    return (
        f"Uncentred the units say nearly the same to every input (cosine 1 - {unlike[0]:.1e} in layer 1, 1 "
        f"- {unlike[-1]:.0e} in layer {DEPTH}). But around that common value they differ: their effective "
        f"rank is {rank[0]:.0f} of {WIDTH} in layer 1 and {rank[-1]:.0f} in layer {DEPTH}, not 1, so many "
        f"units do say more than one. Rounding ends it: of {PER_UNIT * WIDTH} inputs a unit of layer "
        f"{DEPTH} tells {counts['float64']:.0f} apart in float64 and {counts['float32']:.0f} in float32, "
        f"one of layer {DTYPES['float16']} {counts['float16']:.0f} in float16. And the five layers are one "
        f"affine map, but for {np.median(chapter.bent[:, -1]):.0e} of the variance."
    )


def _curve(chapter: Responses) -> Exhibit:
    return Exhibit(
        id="T12-rank",
        kind="curve",
        title="Effective rank of the centred responses, sigmoid with std 0.01",
        caption=f"Median of {RUNS} networks of width {WIDTH} beside the law of a linear network (dashed). "
        "One unit's worth is 1.",
        x_axis=Axis(label="layer"),
        y_axis=Axis(label="effective rank", unit=f"of {WIDTH}"),
        x=tuple(float(k) for k in range(1, DEPTH + 1)),
        observed=tuple(map(float, np.median(chapter.rank, axis=0))),
        expected=tuple(map(float, rank_in_theory(WIDTH))),
        n=RUNS,
    )


def _table(chapter: Responses, narrow: Responses) -> Exhibit:
    def row(
        name: str, values: Floats, form: str, *, times: float = 1.0, law: Floats | None = None
    ) -> tuple[str, ...]:
        medians = times * np.median(values, axis=0)
        beside = [""] * DEPTH if law is None else [f" ({each:.1f})" for each in law]
        return (name, *(f"{m:{form}}{b}" for m, b in zip(medians, beside, strict=True)))

    rows = [row("1 - cosine", chapter.unlike, ".1e")]
    rows += [
        row(f"effective rank, width {n}", r.rank, ".1f", law=rank_in_theory(n))
        for n, r in ((WIDTH, chapter), (NARROW, narrow))
    ]
    rows.append(row("share not affine", chapter.bent, ".1e"))
    rows += [
        row(f"distinct values, {d}", v, ".0f", times=PER_UNIT * WIDTH) for d, v in chapter.values.items()
    ]
    return Exhibit(
        id="T12-table",
        kind="table",
        title="What the units still say, sigmoid with std 0.01",
        caption=f"Median of {RUNS} networks, theory in brackets; width {WIDTH} and {PER_UNIT * WIDTH} "
        "inputs where no other is named. Distinct values are those of the median unit.",
        header=("", *(f"layer {k}" for k in range(1, DEPTH + 1))),
        rows=tuple(rows),
        n=RUNS,
    )
