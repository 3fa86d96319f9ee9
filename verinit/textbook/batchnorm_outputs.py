"""T20, T24: which law a batch-normed output follows, and what the order of layers guarantees."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.special import betainc, ndtr, ndtri

from verinit.reference.activations import ACTIVATIONS
from verinit.reference.initializers import normal
from verinit.reference.layers import BatchNorm
from verinit.statistics.equivalence import distribution_within, median_within
from verinit.textbook.batchnorm import EPS, chapters
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import INPUTS, WIDTH, Floats
from verinit.textbook.rules import combined, exact, share
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, entropy, judge

BATCHES = 40_000
"""Independent batches for T20; of each the first output is taken, so that draws are independent."""
ROWS = 16
"""Rows of each batch: few, so that what a batch itself does to the law is seen."""
RARE = 0.1
"""Share of ones in a feature that is 0 or 1."""
MANY_ROWS = 100
"""Rows of its batches: of batches of 16 it would be constant in 0.9^16, or 19 %; of these in 3e-5."""
FAN_IN = 32
FOLLOWS, NOT_FOLLOWS = 0.03, 0.05
"""Kolmogorov distance at which a law still passes for normal, and beyond which it surely does not."""
RELU = ACTIVATIONS["relu"]


def t20(root: int, rates: Rates) -> Ruling:
    """T20, measured and ruled."""
    sums = {fan_in: _first(z) for fan_in, z in _partial_sums(_rng(root, WIDE)) if fan_in in FAN_INS}
    outputs = {
        name: sums[FAN_IN] if name == WIDE else _first(draw(_rng(root, name)))
        for name, draw in INPUT_LAWS.items()
    }
    ruling = two_moments_are_not_a_law(outputs, rates=rates)
    return replace(ruling, exhibits=(*ruling.exhibits, _by_fan_in(sums)))


def _rng(root: int, name: str) -> np.random.Generator:
    return np.random.default_rng(entropy(root, "textbook", "T20", name))


def _first(z: Floats) -> Floats:
    """The first output of every batch, `z: (rows, batches)`: batches are units, normalised by themselves."""
    return np.asarray(chapters(z.shape[1]).forward(z, True)[0])


def _partial_sums(rng: np.random.Generator) -> Iterator[tuple[int, Floats]]:
    """Affine outputs of 1, 2, .. inputs, each the ReLU of normal numbers, with weights of its own a batch."""
    z = np.zeros((ROWS, BATCHES))
    for fan_in in range(1, FAN_IN + 1):
        z += RELU.value(rng.standard_normal(z.shape, dtype=np.float32)) * rng.standard_normal(BATCHES)
        yield fan_in, z


def _wide(rng: np.random.Generator) -> Floats:
    """The affine output of all of them."""
    *_, (_, z) = _partial_sums(rng)
    return z


WIDE = f"{FAN_IN} ReLU inputs"
FAN_INS = (1, 2, 8, FAN_IN)
"""Numbers of inputs at which the law is looked at."""
INPUT_LAWS: dict[str, Any] = {
    "normal inputs": lambda rng: rng.standard_normal((ROWS, BATCHES)),
    WIDE: _wide,
    "one ReLU input": lambda rng: RELU.value(rng.standard_normal((ROWS, BATCHES))),
    f"one input that is 1 in {RARE:.0%}, else 0, batches of {MANY_ROWS}": lambda rng: (
        rng.random((MANY_ROWS, BATCHES), dtype=np.float32) < RARE
    ).astype(float),
    "normal inputs, batches of two": lambda rng: rng.standard_normal((2, BATCHES)),
}
"""Affine outputs: whatever the weights of one layer are, normal inputs give a normal one."""


def distance_of_a_normal_batch(rows: int) -> float:
    """Kolmogorov distance from N(0, 1) of one output of a normal batch of so many rows, without epsilon.

    xhat^2 / (n - 1) ~ Beta(1/2, (n - 2)/2), from -sqrt(n - 1) to sqrt(n - 1) (Thompson 1935): at two rows
    xhat is -1 or 1.
    """
    if rows == 2:
        return max(0.5 - float(ndtr(-1.0)), float(ndtr(-1.0)))
    x = np.linspace(0.0, math.sqrt(rows - 1.0), 100_001)
    above = 0.5 + 0.5 * betainc(0.5, (rows - 2) / 2, np.minimum(x * x / (rows - 1), 1.0))
    return float(np.abs(above - ndtr(x)).max())


def distance_of_a_rare_feature(share_of_ones: float) -> float:
    """Kolmogorov distance from N(0, 1) of a feature that is 0 or 1, in a batch without end.

    xhat is -sqrt(p / q) with probability q = 1 - p, else sqrt(q / p).
    """
    p, q = share_of_ones, 1.0 - share_of_ones
    low, high = float(ndtr(-math.sqrt(p / q))), float(ndtr(math.sqrt(q / p)))
    return max(low, abs(q - low), abs(high - q), 1.0 - high)


def two_moments_are_not_a_law(outputs: dict[str, Floats], *, rates: Rates) -> Ruling:
    """Mean 0 and variance 1 say nothing of the law: a large batch moves and stretches that of the output.

    outputs  by what enters: independent batch-normed outputs
    """
    part = share(rates, len(outputs))
    parts = {
        name: distribution_within(
            ndtr(y),
            margin=FOLLOWS,
            outer_margin=NOT_FOLLOWS,
            rates=part,
            quantity=f"{name}: Kolmogorov distance from N(0, 1) of the batch-normed output (follows: at most "
            f"{FOLLOWS:g}, surely {NOT_FOLLOWS:g})",
        )
        for name, y in outputs.items()
    }
    listed = ", ".join(f"{e.observed:.3f} ({name})" for name, e in parts.items())
    theory = ", ".join(f"{distance_of_a_normal_batch(n):.3f} at {n}" for n in (2, 3, 8, ROWS, 100))
    return Ruling(
        id="T20",
        ruling=combined([judge(e, NOT_FOLLOWS) for e in parts.values()]),
        claim=CLAIMS["T20"],
        summary="Two moments are not a law. A large batch only moves and stretches the law of the affine "
        "output; a small one bends it too (batches of two: -1 or 1). Distance from N(0, 1): "
        f"{listed}. Within a batch, a feature that is 0 or 1 still has two values.",
        conditions=f"float64, eps {EPS:g}, {BATCHES:,} independent batches of {ROWS} rows where no other "
        f"number is named, one output of each; 'follows' is a distance below {FOLLOWS:g}. Normal it is where "
        "the affine output was: of normal inputs, and nearly of many inputs, by the central limit theorem. "
        f"Even then it is bounded by sqrt(n - 1) in a batch of n: theory's distance is {theory} rows; of the "
        f"feature that is 1 in {RARE:.0%} it is {distance_of_a_rare_feature(RARE):.3f} in a batch without "
        "end. The width before the layer is the number of inputs of a unit (see the table); depth changes "
        "nothing but the law that comes in",
        evidence=tuple(parts.values()),
        exhibits=tuple(_histogram(k, name, y) for k, (name, y) in enumerate(outputs.items(), 1)),
    )


def _by_fan_in(sums: Mapping[int, Floats]) -> Exhibit:
    """How near to normal the output of a unit is, by the number of its inputs."""
    rows = []
    for fan_in, y in sums.items():
        below = ndtr(np.sort(y))
        steps = np.arange(y.size + 1) / y.size
        distance = max(float((steps[1:] - below).max()), float((below - steps[:-1]).max()))
        rows.append((str(fan_in), f"{distance:.3f}", f"{float((y**4).mean()):.2f}"))
    return Exhibit(
        id="batchnorm-fan-in",
        kind="table",
        title="Batch-normed outputs by the number of inputs of a unit",
        caption=f"ReLU of normal numbers, weights of their own a batch of {ROWS}; Kolmogorov distance from "
        f"N(0, 1), {distance_of_a_normal_batch(ROWS):.3f} for a normal output, and fourth moment, 3 for N(0, "
        f"1) and {3.0 * (ROWS - 1) / (ROWS + 1):.2f} in batches of {ROWS}.",
        header=("inputs of a unit", "distance", "fourth moment"),
        rows=tuple(rows),
        n=BATCHES,
    )


EDGES: Floats = np.linspace(-4.0, 4.0, 41)


def _histogram(number: int, name: str, y: Floats) -> Exhibit:
    return Exhibit(
        id=f"batchnorm-law-{number}",
        kind="histogram",
        title=f"Batch-normed output, {name}",
        caption=f"{y.size:,} independent outputs, mean {y.mean():.3f}, variance {y.var():.3f}, beside N(0, "
        "1) (dashed).",
        x_axis=Axis(label="output"),
        y_axis=Axis(label="count"),
        x=tuple(map(float, EDGES)),
        observed=tuple(map(float, np.histogram(y, EDGES)[0])),
        expected=tuple(map(float, y.size * np.diff(ndtr(EDGES)))),
        n=y.size,
        plate="Batch-normed outputs beside the standard normal",
        row="batch norm",
        column=name,
    )


RUNS = 36
"""Runs for T24: enough for the median at a ledger's share of 1e-6."""
BIAS = 10.0
"""Standard deviation of the biases that either order is tried with; that of the affine output is sqrt(2)."""
MILD = 1.0
"""The same of biases that are smaller than what they are added to."""
HALF = 0.05
"""How far the median run may lie from what theory says of wide layers, absolute."""
ORDERS = ("affine, BN, ReLU", "affine, ReLU, BN")


def t24(root: int, rates: Rates) -> Ruling:
    """T24, measured and ruled."""
    runs = {order: np.array([_run(root, order, run) for run in range(RUNS)]) for order in ORDERS}
    mild = np.array([_run(root, ORDERS[1], run, bias=MILD) for run in range(RUNS)])
    ruling = each_order_guarantees_another_thing(runs, mild, rates=rates)
    return replace(ruling, exhibits=(*(_silent(root, order) for order in ORDERS), *ruling.exhibits))


BIASES = (0.0, MILD, 2.0, 5.0, 10.0, 30.0)
"""Standard deviations of the bias in the figure."""
SOME = 2
"""Runs for each of them."""


def _silent(root: int, order: str) -> Exhibit:
    """Share of silent units by the spread of the biases: 0 where batch norm comes first."""
    law = [0.0 if order == ORDERS[0] else silent_in_theory(bias) for bias in BIASES]
    seen = [np.mean([_run(root, order, run, bias=bias)[0] for run in range(SOME)]) for bias in BIASES]
    return Exhibit(
        id=f"T24-silent-{ORDERS.index(order) + 1}",
        kind="curve",
        title=order,
        caption=f"Share of units without a positive entry among {INPUTS} inputs, {SOME} layers of {WIDTH} "
        "units, by the std of their biases, beside theory (dashed); that of the affine output is 1.41.",
        x_axis=Axis(label="std of the biases"),
        y_axis=Axis(label="share of silent units"),
        x=BIASES,
        observed=tuple(map(float, seen)),
        expected=tuple(law),
        n=SOME * WIDTH,
        plate="Silent units by order of the layers",
        column=order,
    )


def silent_in_theory(bias: float) -> float:
    """Before batch norm a unit is silent if its bias is below minus the largest of its z ~ N(0, 2)."""
    largest = math.sqrt(2.0) * ndtri(((np.arange(200) + 0.5) / 200.0) ** (1.0 / INPUTS))
    return float(ndtr(-largest / bias).mean()) if bias else 0.0


def _run(root: int, order: str, run: int, *, bias: float = BIAS) -> tuple[float, float, float, float, float]:
    """Of one layer with He weights and biases: share of units without a positive entry, share of entries that
    are positive, largest mean, mean and variance of what the next layer gets.
    """
    rng = np.random.default_rng(entropy(root, "textbook", "T24", run))
    z = normal((INPUTS, WIDTH), rng) @ normal((WIDTH, WIDTH), rng, std=math.sqrt(2.0 / WIDTH))
    z = z + normal((WIDTH,), rng, std=bias)
    norm = BatchNorm(np.ones(WIDTH), np.zeros(WIDTH), eps=EPS, unbiased=False)
    first = order == ORDERS[0]
    enters = norm.forward(z, True) if first else z
    fires = enters > 0
    sent = RELU.value(enters) if first else norm.forward(RELU.value(enters), True)
    silent = float(np.mean(~fires.any(axis=0)))
    largest = float(np.abs(sent.mean(axis=0)).max())
    return silent, float(fires.mean()), largest, float(sent.mean()), float(sent.var(axis=0).mean())


def each_order_guarantees_another_thing(runs: dict[str, Floats], mild: Floats, *, rates: Rates) -> Ruling:
    """Before ReLU no unit is silent and half of the entries are positive; after it, the next gets mean 0.

    runs  by order: (runs, 5) of `_run`
    mild  the same with biases of std 1, ReLU first
    """
    before, after = (runs[order] for order in ORDERS)
    part = share(rates, 5)
    kept = {
        "share of units without a positive entry": (before[:, 0].max(), after[:, 0].min()),
        "largest mean of a unit that the next layer gets": (before[:, 2].min(), after[:, 2].max()),
    }
    silent, means = (_pair(name, *seen) for name, seen in kept.items())
    theory = (("positive entries", 1, 0.5), ("mean", 3, _MEAN), ("variance", 4, 0.5 - _MEAN**2))
    beside = [
        _near(before[:, k], at, part, f"{ORDERS[0]}: {word} of what ReLU sends") for word, k, at in theory
    ]
    still = _near(
        after[:, 4], 1.0 - float(np.median(after[:, 0])), part, f"{ORDERS[1]}: mean variance of the units"
    )
    few = f"{ORDERS[1]}, biases of std {MILD:g}"
    beside.append(_near(mild[:, 0], silent_in_theory(MILD), part, f"{few}: share of silent units"))
    return Ruling(
        id="T24",
        ruling=combined([judge(e, 0.0) for e in (*silent, *means)]),
        claim=CLAIMS["T24"],
        summary="It is a convention, and each order guarantees another thing. Batch norm before ReLU: half "
        f"of the entries are positive ({np.median(before[:, 1]):.3f}) and no unit is silent, whatever the "
        f"bias, which it cancels; the next layer gets a mean of {_MEAN:.3f} and a variance of "
        f"{0.5 - _MEAN**2:.3f}. After ReLU: the next layer gets mean 0, but "
        f"{100 * np.median(after[:, 0]):.0f} % of the units were silent, and stay so, with biases of std "
        f"{BIAS:g} ({100 * np.median(mild[:, 0]):.0f} % with biases of std {MILD:g}).",
        conditions=f"float64, {RUNS} runs, inputs {INPUTS} x {WIDTH}, width {WIDTH}, He weights and biases "
        f"of std {BIAS:g}, one layer at initialisation, gamma 1, beta 0, in training. The order is "
        "a definition; the ruling is on what each order guarantees. That no unit is silent follows from mean "
        "0; the chapter's own network has no bias, and with none neither order has silent units here. Ioffe "
        "& Szegedy 2015 (sec. 3.2) put it before the nonlinearity. Unit by unit: no width enters, and no "
        "depth, for one layer is looked at. Which order trains better is not examined",
        evidence=(*silent, *means, *beside, still),
        exhibits=(_orders({**runs, few: mild}),),
    )


_MEAN = 1.0 / math.sqrt(2.0 * math.pi)
"""E[max(Z, 0)] of a standard normal Z; its variance is 1/2 - 1/(2 pi)."""
OFFSET = 64
"""More than any mean in units of its spread: six of the bias, over sqrt(2), are 43."""
ZERO = OFFSET * INPUTS * 2.0**-53
"""A mean is 0 for float64 if it is below this: n u times the mean of what entered, in units of its spread."""


def _pair(name: str, before: float, after: float) -> tuple[Evidence, Evidence]:
    """The worst run of either order; 0 is what would be guaranteed."""
    first, second = (
        exact(
            f"{order}: {name} (0)",
            expected=0.0,
            observed=float(seen),
            tolerance=ZERO,
            basis="rounding",
            n=RUNS,
        )
        for order, seen in zip(ORDERS, (before, after), strict=True)
    )
    return first, second


def _near(values: Floats, theory: float, rates: Rates, quantity: str) -> Evidence:
    return median_within(
        values, expected=theory, margin=HALF, outer_margin=2 * HALF, rates=rates, quantity=quantity
    )


def _orders(runs: dict[str, Floats]) -> Exhibit:
    header = ("order", "silent units", "positive entries", "largest mean sent", "mean sent", "variance sent")
    medians = {order: np.median(found, axis=0) for order, found in runs.items()}
    return Exhibit(
        id="batchnorm-order",
        kind="table",
        title="What each order guarantees",
        caption=f"Median of {RUNS} runs: one layer of {WIDTH} units with biases of std {BIAS:g} where no "
        f"other is named, on {INPUTS} inputs.",
        header=header,
        rows=tuple((order, *(f"{x:.3g}" for x in found)) for order, found in medians.items()),
        n=RUNS * INPUTS * WIDTH,
    )
