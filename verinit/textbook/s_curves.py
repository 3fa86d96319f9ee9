"""Figures of T03, T04 and T08: what enters the sigmoid, and the shape of an S."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import ndtr

from verinit.laws.saturation import one_by_sum, zero_by_overflow
from verinit.laws.signal import histogram_shares
from verinit.reference.activations import ACTIVATIONS
from verinit.reference.initializers import normal
from verinit.reference.precision import FLOATING
from verinit.textbook.experiment import EDGES, WIDTH, Floats, end_counts
from verinit.textbook.saturation import STEP, window
from verinit.vocabulary import Axis, Exhibit

WIDTHS = (25, WIDTH, 1000)
ROWS = 100
"""Inputs whose X W is looked at by width."""
NORMAL_EDGES: Floats = np.linspace(-4.0, 4.0, 31)
FAR: Floats = np.arange(0.0, 41.0, 1.0)
"""|z| in the figure of T04."""
POINTS: Floats = np.arange(-9.0, 9.5, 1.0)
"""Abscissae of the S-curves, the chapter's five among them."""
SIGMOID = ACTIVATIONS["sigmoid"]


# T03


def what_enters(w: Floats, rng: np.random.Generator) -> tuple[Exhibit, ...]:
    """W beside the normal density, sigmoid(W) beside the logit-normal, and what X W makes of it by width.

    w  entries of W; `rng` draws inputs and weights of other widths
    """
    density = np.diff(ndtr(NORMAL_EDGES))
    return (
        _law("W", w, NORMAL_EDGES, density, "N(0, 1)"),
        _law(
            "sigmoid(W)",
            SIGMOID.value(w),
            EDGES,
            histogram_shares("sigmoid", 1.0, EDGES),
            "the logit-normal law",
        ),
        _by_width(rng),
    )


def _law(name: str, values: Floats, edges: Floats, shares: Floats, law: str) -> Exhibit:
    return Exhibit(
        id=f"T03-{name.partition('(')[0]}",
        kind="histogram",
        title=name,
        caption=f"{values.size:,} entries of W ~ N(0, 1), and sigmoid of them, beside the normal and the "
        "logit-normal law (dashed): neither knows the width or the layer.",
        x_axis=Axis(label=name),
        y_axis=Axis(label="count"),
        x=tuple(map(float, edges)),
        observed=tuple(map(float, np.histogram(values, edges)[0])),
        expected=tuple(map(float, values.size * shares)),
        n=values.size,
        plate="If W itself entered",
        column=f"{name}, beside {law}",
        notes=(("mean", f"{values.mean():.3f}"), ("std", f"{values.std():.3f}")),
    )


def _by_width(rng: np.random.Generator) -> Exhibit:
    rows = []
    for n in WIDTHS:
        z = normal((ROWS, n), rng) @ normal((n, n), rng)
        ends = sum(end_counts(SIGMOID.value(z))) / z.size
        law = float(histogram_shares("sigmoid", float(n), EDGES)[[0, -1]].sum())
        alone = float(histogram_shares("sigmoid", 1.0, EDGES)[[0, -1]].sum())
        rows.append((str(n), f"{z.var():.1f} ({n})", f"{ends:.1%} ({law:.1%})", f"{alone:.2%}"))
    return Exhibit(
        id="T03-width",
        kind="table",
        title="What enters layer 1 by width, std 1",
        caption=f"One W a width, {ROWS} inputs N(0, 1); theory in brackets. W itself has variance 1 at every "
        "width.",
        header=("width", "variance of X W", "end bins of sigmoid(X W)", "of sigmoid(W), theory"),
        rows=tuple(rows),
        n=ROWS,
    )


# T04


def away_from_the_centre() -> tuple[Exhibit, ...]:
    """Distance to the limit, and slope, beside exp(-|z|); and where a dtype ends either."""
    panels = (
        ("distance to the limit", SIGMOID.value(-FAR)),
        ("slope", SIGMOID.derivative(FAR)),
    )
    return (*(_decay(name, values) for name, values in panels), _dtypes())


def _decay(name: str, values: Floats) -> Exhibit:
    return Exhibit(
        id=f"T04-{name.partition(' ')[0]}",
        kind="curve",
        title=f"sigmoid: {name}",
        caption="1 - sigmoid(|z|), computed as sigmoid(-|z|), and the slope at |z|, beside their bound "
        "exp(-|z|) (dashed). Float64.",
        x_axis=Axis(label="|z|"),
        y_axis=Axis(label="value", log=True),
        x=tuple(map(float, FAR)),
        observed=tuple(map(float, values)),
        expected=tuple(float(math.exp(-z)) for z in FAR),
        n=FAR.size,
        plate="Away from the centre of sigmoid",
        column=name,
        notes=(("at 5:", f"{values[5]:.3g}"), ("at 40:", f"{values[40]:.3g}")),
    )


def _dtypes() -> Exhibit:
    rows = []
    for dtype in FLOATING:
        found = window(dtype, STEP)
        rows.append(
            (
                dtype,
                f"{found.one:.8g}",
                f"{one_by_sum(dtype):.6g}",
                f"-{found.zero:.8g}",
                f"-{zero_by_overflow(dtype):.6g}",
            )
        )
    return Exhibit(
        id="T04-dtypes",
        kind="table",
        title="Where 1 / (1 + exp(-z)) reaches its limits exactly",
        caption="By search over the numbers of a dtype, beside p ln 2 and the overflow of exp(-z). From "
        "there on the slope (1 - y) y is exactly 0 as well.",
        header=("dtype", "y = 1 from z", "p ln 2", "y = 0 from z", "overflow"),
        rows=tuple(rows),
        n=len(rows),
    )


# T08


def squeezed(printed: tuple[float, ...]) -> tuple[Exhibit, ...]:
    """Both S-curves and their slopes, and the chapter's five numbers.

    printed  sigmoid of 1, 3, 5, 7, 9 in the chapter
    """
    curves = [_shape(name) for name in ("sigmoid", "tanh")]
    slopes = [_slope(name) for name in ("sigmoid", "tanh")]
    return (*curves, *slopes, _five(printed))


_S = "Sigmoid and tanh, and how much either squeezes"
_FIVE = (1, 3, 5, 7, 9)


def _exactly(name: str, x: float) -> tuple[float, float]:
    """Value and slope through one exponential of a negative number, in Python's own floats."""
    e = math.exp(-abs(x) * (1.0 if name == "sigmoid" else 2.0))
    if name == "sigmoid":
        return (1.0 if x >= 0 else e) / (1.0 + e), e / (1.0 + e) ** 2
    return math.copysign((1.0 - e) / (1.0 + e), x), 4.0 * e / (1.0 + e) ** 2


def _shape(name: str) -> Exhibit:
    return _panel(
        name, "value", ACTIVATIONS[name].value(POINTS), [_exactly(name, x)[0] for x in POINTS], log=False
    )


def _slope(name: str) -> Exhibit:
    return _panel(
        name, "slope", ACTIVATIONS[name].derivative(POINTS), [_exactly(name, x)[1] for x in POINTS], log=True
    )


def _panel(name: str, what: str, seen: Floats, law: list[float], *, log: bool) -> Exhibit:
    return Exhibit(
        id=f"T08-{name}-{what}",
        kind="curve",
        title=f"{name}: {what}",
        caption="Values and slopes at whole numbers, those that the chapter prints among them, beside the "
        "closed forms (dashed).",
        x_axis=Axis(label="x"),
        y_axis=Axis(label=what, log=log),
        x=tuple(map(float, POINTS)),
        observed=tuple(map(float, seen)),
        expected=tuple(law),
        n=POINTS.size,
        plate=_S,
        row=what,
        column=name,
    )


def _five(printed: tuple[float, ...]) -> Exhibit:
    rows = []
    for x, digits in zip(_FIVE, printed, strict=True):
        sigmoid, tanh = (
            float(ACTIVATIONS[name].value(np.array([float(x)]))[0]) for name in ("sigmoid", "tanh")
        )
        slopes = (ACTIVATIONS[name].derivative(np.array(float(x))) for name in ("sigmoid", "tanh"))
        rows.append(
            (str(x), f"{digits:.8f}", f"{sigmoid:.10f}", f"{tanh:.10f}", *(f"{s:.2e}" for s in slopes))
        )
    return Exhibit(
        id="T08-five",
        kind="table",
        title="The chapter's five numbers",
        plate=_S,
        header=("x", "printed", "sigmoid", "tanh", "slope of sigmoid", "slope of tanh"),
        rows=tuple(rows),
        n=len(rows),
    )
