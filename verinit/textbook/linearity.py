"""T13: how linear sigmoid and tanh are near the centre, and whether that is what Xavier needs."""

from __future__ import annotations

import math

import numpy as np

from verinit.laws.signal import mean_squares, slope_moment, spreads
from verinit.reference.activations import ACTIVATIONS
from verinit.statistics.equivalence import median_within
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import DEPTH, SCHEMES, WIDTH, Floats
from verinit.textbook.passes import ROWS, RUNS, through_network
from verinit.textbook.rules import combined, exact, share
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, judge

TAYLOR: dict[str, tuple[float, float, float]] = {"tanh": (0.0, 1.0, 1 / 3), "sigmoid": (0.5, 0.25, 1 / 48)}
"""f(0), f'(0) and the factor of |z|^3 that bounds the remainder: the largest |f'''|/6, which is at 0."""
GRID: Floats = np.arange(1, 4001) / 1000.0
"""0 < z <= 4 by 0.001, beyond which both functions are flat."""
UNIT, NOT_UNIT = 0.2, 0.4
"""A layer keeps the difference between inputs if its RMS gain is 1 within 20 %, and surely within 40 %."""
XAVIER = SCHEMES["Xavier, 1/sqrt(n)"](WIDTH)


def t13(root: int, rates: Rates) -> Ruling:
    """T13, measured and ruled."""
    profiles = {name: through_network(name, XAVIER, root) for name in TAYLOR}
    return linear_near_the_centre_is_not_yet_what_xavier_needs(
        {name: ACTIVATIONS[name].value(GRID) for name in TAYLOR},
        {name: _origin(name) for name in TAYLOR},
        {name: p.apart for name, p in profiles.items()},
        rates=rates,
    )


def _origin(name: str) -> tuple[float, float]:
    f, zero = ACTIVATIONS[name], np.zeros(1)
    return float(f.value(zero)[0]), float(f.derivative(zero)[0])


def linear_near_the_centre_is_not_yet_what_xavier_needs(
    values: dict[str, Floats],
    origins: dict[str, tuple[float, float]],
    apart: dict[str, Floats],
    *,
    rates: Rates,
) -> Ruling:
    """Both have a first-order Taylor polynomial with a cubic remainder; only tanh's is the identity.

    values   by function, on `GRID`
    origins  by function, value and slope at 0
    apart    by function, (runs, depth) RMS difference between inputs by layer, Xavier, width 100
    """
    part = share(rates, 4)
    near = [_remainder(name, y) for name, y in values.items()]
    identity = [
        exact(
            f"{name}: {what} (as Xavier assumes)",
            expected=want,
            observed=seen,
            tolerance=float(np.spacing(1.0)),
            basis="1 ulp of 1",
        )
        for name, (value, slope) in origins.items()
        for what, want, seen in (("value at 0", 0.0, value), ("slope at 0", 1.0, slope))
    ]
    gains = [_gain(name, a, layer, part) for name, a in apart.items() for layer in (1, DEPTH)]
    verdicts = [judge(item, 0.0) for item in (*near, *identity)] + [judge(item, NOT_UNIT) for item in gains]
    return Ruling(
        id="T13",
        ruling=combined(verdicts),
        claim=CLAIMS["T13"],
        summary=_summary(gains),
        conditions=f"remainder in float64 at {GRID.size:,} points up to |z| = {GRID[-1]:g}. Gains: RMS "
        "difference between the responses to two inputs behind a layer over that before it, median of "
        f"{RUNS} networks of width {WIDTH} from {ROWS} inputs N(0, 1), std 1/sqrt(n), within 20 % of 1; by "
        "theory the same at every width. The straight line is off by 1 %, 10 % and 50 % of z f'(0) from "
        f"|z| = {_list('tanh')} (tanh) and {_list('sigmoid')} (sigmoid) on; behind Xavier weights |z| "
        f"exceeds tanh's 10 % in {_beyond():.0%} of layer 1. Glorot & Bengio 2010 assume f'(0) = 1 and "
        "symmetry; for sigmoid the same reasoning asks for std 4/sqrt(n). With depth tanh's z shrinks and "
        "its gain tends to 1; sigmoid's stays below 1/4",
        evidence=(*near, *identity, *gains),
        exhibits=(*(_scale_curve(name) for name in TAYLOR), _table(apart)),
    )


def _remainder(name: str, y: Floats) -> Evidence:
    """The grid point at which |f(z) - f(0) - f'(0) z| is the largest multiple of its bound.

    Three numbers of at most 4 are added and each is rounded: 4 eps of 4.
    """
    value, slope, factor = TAYLOR[name]
    bound = factor * GRID**3
    ratio = (np.abs(y - value - slope * GRID) - 16.0 * np.finfo(np.float64).eps) / bound
    worst = int(ratio.argmax())
    return exact(
        f"{name}: largest remainder over its bound |z|^3 {'/ 48' if name == 'sigmoid' else '/ 3'} (at z = "
        f"{GRID[worst]:g})",
        expected=0.0,
        observed=float(ratio[worst]),
        tolerance=1.0,
        basis="Taylor with Lagrange's remainder",
        n=GRID.size,
    )


def off_from(name: str, share_lost: float) -> float:
    """|z| from which f(z) - f(0) falls short of f'(0) z by this share: the shortfall rises with |z|.

    tanh z = (1 - share) z; sigmoid is tanh at half the argument, so its place is twice as far.
    """
    low, high = 0.0, 100.0
    for _ in range(60):
        z = 0.5 * (low + high)
        low, high = (z, high) if math.tanh(z) > (1.0 - share_lost) * z else (low, z)
    return low if name == "tanh" else 2.0 * low


def _list(name: str) -> str:
    return ", ".join(f"{off_from(name, s):.2f}" for s in (0.01, 0.1, 0.5))


def _beyond() -> float:
    """P(|z| > the place where tanh is off by 10 %), z ~ N(0, 1)."""
    return math.erfc(off_from("tanh", 0.1) / math.sqrt(2.0))


def _gain(name: str, apart: Floats, layer: int, rates: Rates) -> Evidence:
    before = apart[:, layer - 2] if layer > 1 else np.ones(len(apart))
    return median_within(
        apart[:, layer - 1] / before,
        expected=1.0,
        margin=UNIT,
        outer_margin=NOT_UNIT,
        rates=rates,
        quantity=f"{name}, Xavier: RMS gain of a difference between inputs, layer {layer}",
    )


def _summary(gains: list[Evidence]) -> str:
    first, last, sigmoid, settled = (f"{e.observed:.2f}" for e in gains)
    return (
        "Linear they are: |tanh z - z| <= |z|^3/3 and |sigmoid(z) - 1/2 - z/4| <= |z|^3/48. But Xavier "
        "needs the line to be y = z. It is for tanh, within 10 % up to |z| = "
        f"{off_from('tanh', 0.1):.2f}; Xavier makes z of std 1 in layer 1, which passes {first} of a "
        f"difference between inputs instead of 1, and layer {DEPTH}, where z is smaller, {last}. sigmoid's "
        f"line has slope 1/4 and offset 1/2: its layers pass {sigmoid} to {settled}."
    )


Q: Floats = 10.0 ** np.arange(-4.0, 2.25, 0.25)
"""Variances of the pre-activation in the figure."""


def _scale_curve(name: str) -> Exhibit:
    """Share of the variance of z that f passes, beside what its line would pass."""
    value, slope, _ = TAYLOR[name]
    passed = spreads(name, Q) ** 2 / Q if value else mean_squares(name, Q) / Q
    return Exhibit(
        id=f"T13-{name}",
        kind="curve",
        title=f"Variance of {name}(z) over that of z",
        caption=f"By theory, z ~ N(0, q), beside the line's f'(0)^2 = {slope**2:g} (dashed). Xavier has q = "
        f"1 in layer 1; std 1 has q = {WIDTH}.",
        x_axis=Axis(label="variance q of z", log=True),
        y_axis=Axis(label="variance passed over q", log=True),
        x=tuple(map(float, Q)),
        observed=tuple(map(float, passed)),
        expected=(slope**2,) * Q.size,
        n=Q.size,
        plate="Where an S-shaped function is linear",
        row="variance passed",
        column=name,
    )


def _table(apart: dict[str, Floats]) -> Exhibit:
    rows = []
    for name, a in apart.items():
        gains = np.median(a / np.concatenate([np.ones((len(a), 1)), a[:, :-1]], axis=1), axis=0)
        rows.append((name, *(f"{g:.3f}" for g in gains)))
    rows += [
        (
            f"sqrt(E f'^2), q = {q:g}",
            *(f"{f}: {math.sqrt(slope_moment(f, q).value):.3f}" for f in TAYLOR),
            "",
            "",
            "",
        )
        for q in (0.01, 1.0)
    ]
    return Exhibit(
        id="T13-gains",
        kind="table",
        title="RMS gain of a difference between inputs, Xavier",
        caption=f"Median of {RUNS} networks of width {WIDTH}. 1 is what Xavier assumes. Below: the gain of "
        "small differences, by theory.",
        header=("", *(f"layer {k}" for k in range(1, DEPTH + 1))),
        rows=tuple(rows),
        n=len(rows),
    )
