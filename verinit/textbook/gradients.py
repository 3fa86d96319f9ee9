"""T05, T11: what the chapter's two bad initial values do to the gradient of a sigmoid network."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from scipy.special import gammaincinv, ndtr

from verinit.laws.saturation import one_by_sum, one_within, zero_by_underflow
from verinit.reference.activations import ACTIVATIONS
from verinit.reference.initializers import normal
from verinit.reference.precision import FLOATING
from verinit.statistics.equivalence import median_within, proportion_within
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import DEPTH, WIDTH
from verinit.textbook.passes import MANY, ROWS, RUNS, Profile, by_exact_law, through_network
from verinit.textbook.rules import combined, share
from verinit.textbook.vanishing import (
    GONE,
    SURELY_GONE,
    SURELY_KEPT,
    beside,
    by_width,
    gains_in_theory,
    kept,
    left_in_theory,
    unit_in_theory,
    vanished,
)
from verinit.vocabulary import Evidence, Exhibit, Rates, Ruling, entropy, judge

SWEEP = (10, 30, WIDTH, 300, 1000)
"""Widths measured, those of `JUDGED` ruled on: a layer of few units, the chapter's, and a modern one."""
JUDGED = (10, WIDTH, 1000)
Profiles = Mapping[int, Profile]


def sweep(activation: str, std: float, root: int) -> dict[int, Profile]:
    """Five layers at every width: the chapter's by the reference network, the others by the exact law."""
    return {
        width: through_network(activation, std, root)
        if width == WIDTH
        else by_exact_law(activation, std, root, width=width)
        for width in SWEEP
    }


def how_measured() -> str:
    """What a ruling on gradients says of its instrument."""
    return (
        f"median run; float64, inputs N(0, 1), depth {DEPTH}, a standard normal gradient sent back from the "
        f"last layer's output; width {WIDTH}: {RUNS} reference networks of {ROWS} inputs, other widths: "
        f"{MANY} runs of 2 inputs by the exact law of the weights"
    )


# T05


SLOPES = 200_000
"""Slopes of layer 1 looked at for exact zeros, of an input, a unit and weights of their own each."""


def t05(root: int, rates: Rates) -> Ruling:
    """T05, measured and ruled."""
    return large_weights_silence_the_typical_unit(sweep("sigmoid", 1.0, root), exact_zeros(root), rates=rates)


def exact_zeros(root: int) -> dict[str, int]:
    """By dtype, how many of `SLOPES` slopes (1 - y) y of layer 1 are exactly 0, std 1, width 100.

    z = x W given x is N(0, |x|^2), and |x|^2 is chi-square with 100 degrees of freedom.
    """
    rng = np.random.default_rng(entropy(root, "textbook", "T05", "zeros"))
    z = np.sqrt(rng.chisquare(WIDTH, SLOPES)) * normal((SLOPES,), rng)
    zeros = {}
    for dtype, kind in FLOATING.items():
        y = ACTIVATIONS["sigmoid"].value(z.astype(kind))
        zeros[dtype] = int(np.count_nonzero((1 - y) * y == 0))
    return zeros


def zeros_in_theory(dtype: str, *, width: int = WIDTH) -> float:
    """P((1 - y) y = 0) in layer 1: y is 1 from p ln 2 on, or from (p + 1) ln 2 where it is rounded once.

    Below, y is 0 from its underflow on. Averaged over |x|^2 ~ chi^2_n, whose root is z's standard deviation.
    """
    high = one_within(dtype, ulps=0.5) if FLOATING[dtype].itemsize == 2 else one_by_sum(dtype)
    shares = (np.arange(_SHARES) + 0.5) / _SHARES
    length = np.sqrt(2.0 * gammaincinv(width / 2.0, shares))
    return float(np.mean(ndtr(-high / length) + ndtr(-zero_by_underflow(dtype) / length)))


_SHARES = 4000
"""Quantiles of |x| that stand for its law."""
ZEROS = 0.1
"""Relative distance that a share of exact zeros may have from theory, which leaves the rounding of z out."""


def large_weights_silence_the_typical_unit(
    profiles: Profiles, zeros: Mapping[str, int], *, rates: Rates
) -> Ruling:
    """With std 1 the RMS of the gradient shrinks by layers in narrow networks only.

    The median unit is silenced where it stands, by its own saturation: that is shown, and not ruled on.

    profiles  by width, five sigmoid layers with std 1
    zeros     by dtype, exact zeros among `SLOPES` slopes of layer 1 at width 100
    """
    part = share(rates, 4 * len(JUDGED) + len(zeros))
    left = [
        vanished(profiles[n].left, part, f"width {n}: RMS of the gradient left after {DEPTH} layers")
        for n in JUDGED
    ]
    unit = [
        vanished(
            profiles[n].unit[:, layer - 1],
            part,
            f"width {n}, layer {layer}: gradient at the median unit over the RMS at the top",
        )
        for n in JUDGED
        for layer in (DEPTH, 1)
    ]
    theory = [
        beside(
            profiles[n].left, left_in_theory("sigmoid", 1.0, width=n), part, f"width {n}: RMS left", width=n
        )
        for n in JUDGED
    ]
    rounded = [_zeros(dtype, hits, part) for dtype, hits in zeros.items()]
    return Ruling(
        id="T05",
        ruling=combined([judge(item, SURELY_GONE) for item in left]),
        claim=CLAIMS["T05"],
        summary=_typical_summary(left, profiles[WIDTH]),
        conditions=f"{how_measured()}. Vanished: at most {GONE:g} of the RMS left after {DEPTH} "
        "layers; the median unit is shown and not ruled on (at width 10 its gradient does shrink by layers, "
        f"from {_unit(profiles[10], DEPTH)} to {_unit(profiles[10], 1)}). Theory: the mean square gains n "
        "E[f'(z)^2] a layer, about 0.094 sqrt(n), which is 1 at width "
        f"{critical_width()}. Narrower, the RMS of a deep enough network vanishes ({_deep(10)} after 25 "
        f"layers at width 10, {_deep(WIDTH)} at {WIDTH}); wider, it explodes ({_deep(1000)} at 1000). What "
        "a layer's weights get is this gradient times slope and input, and the inputs' RMS stays between "
        "0.58 and 1",
        evidence=(*left, *unit, *theory, *rounded),
        exhibits=(
            by_width(
                "T05-width",
                "RMS of the gradient left after five layers, sigmoid with std 1",
                {n: p.left for n, p in profiles.items()},
                lambda n: left_in_theory("sigmoid", 1.0, width=n),
            ),
            by_width(
                "T05-unit",
                "Gradient at the median unit of layer 1, sigmoid with std 1",
                {n: p.unit[:, 0] for n, p in profiles.items()},
                lambda n: unit_in_theory("sigmoid", 1.0, width=n),
            ),
            _table_of_widths("T05-widths", "sigmoid, std 1", "sigmoid", 1.0, profiles),
        ),
    )


def _deep(width: int, *, depth: int = 25) -> str:
    return f"{left_in_theory('sigmoid', 1.0, width=width, depth=depth):.2g}"


def critical_width() -> int:
    """The least width at which sigmoid with std 1 has chi >= 1 in the tenth layer, where q has settled."""
    low, high = 50, 200
    while high - low > 1:
        n = (low + high) // 2
        chi = float(gains_in_theory("sigmoid", 1.0, width=n, depth=10)[-1])
        low, high = (low, n) if chi >= 1.0 else (n, high)
    return high


def _zeros(dtype: str, hits: int, rates: Rates) -> Evidence:
    theory = zeros_in_theory(dtype)
    return proportion_within(
        hits,
        SLOPES,
        expected=theory,
        margin=ZEROS * theory,
        outer_margin=2.0 * ZEROS * theory,
        rates=rates,
        quantity=f"width {WIDTH}, layer 1: share of slopes (1 - y) y that are exactly 0 in {dtype}",
    )


def _typical_summary(left: list[Evidence], chapter: Profile) -> str:
    gains = ", ".join(f"{g:.2f}" for g in np.median(chapter.gain, axis=0))
    rest = ", ".join(f"{e.observed:.2g} at width {n}" for e, n in zip(left, JUDGED, strict=True))
    return (
        f"The RMS of the gradient hardly shrinks at width {WIDTH}: a layer passes {gains} of it (layers 1 "
        f"to {DEPTH}); after five layers {rest} is left, so it vanishes in narrow layers and explodes in "
        "wide ones. But it sits in the few units that are not saturated: the median unit gets "
        f"{_unit(chapter, DEPTH)} of the top's RMS already in layer {DEPTH} and {_unit(chapter, 1)} in layer "
        f"1 (width {WIDTH}), so that it is silenced where it stands and not by the number of layers."
    )


def _unit(profile: Profile, layer: int) -> str:
    """Gradient at the median unit of a layer over the RMS at the top."""
    return f"{np.median(profile.unit[:, layer - 1]):.2g}"


def _table_of_widths(name: str, title: str, activation: str, std: float, profiles: Profiles) -> Exhibit:
    rows = []
    for n, p in profiles.items():
        rows.append(
            (
                str(n),
                f"{np.median(p.gain[:, -1]):.3g}",
                f"{np.median(p.left):.3g} ({left_in_theory(activation, std, width=n):.3g})",
                f"{left_in_theory(activation, std, width=n, depth=25):.2g}",
                f"{np.median(p.slope[:, -1]):.2g}",
                f"{np.median(p.steep[:, -1]):.2g}",
                f"{np.median(p.unit[:, 0]):.2g} ({unit_in_theory(activation, std, width=n):.2g})",
            )
        )
    return Exhibit(
        id=name,
        kind="table",
        title=f"The gradient by width: {title}",
        caption="Median run, theory in brackets. Gain: RMS of the gradient below layer 5 over that above. "
        "Slopes f'(z) of layer 5. Median unit: of layer 1, its gradient over the RMS at the output.",
        header=(
            "width",
            "gain, layer 5",
            "RMS left, 5 layers",
            "25 layers (theory)",
            "median slope",
            "0.9 quantile",
            "median unit",
        ),
        rows=tuple(rows),
        n=len(rows),
    )


# T11


SLOPE = 0.01
"""A median slope is sigmoid's largest, 1/4, if it is within 1 % of it."""


def t11(root: int, rates: Rates) -> Ruling:
    """T11, measured and ruled."""
    return small_weights_let_the_gradient_vanish(
        sweep("sigmoid", 0.01, root), through_network("tanh", 0.01, root), rates=rates
    )


def small_weights_let_the_gradient_vanish(profiles: Profiles, tanh: Profile, *, rates: Rates) -> Ruling:
    """With std 0.01 the slopes are as large as can be, and each layer still passes sqrt(n) / 400 of the RMS.

    profiles  by width, five sigmoid layers with std 0.01
    tanh      the same at width 100
    """
    part = share(rates, 2 * len(JUDGED) + 3)
    left = [
        kept(profiles[n].left, part, f"sigmoid, width {n}: RMS of the gradient left after {DEPTH} layers")
        for n in JUDGED
    ]
    other = kept(tanh.left, part, f"tanh, width {WIDTH}: RMS of the gradient left after {DEPTH} layers")
    theory = [
        beside(
            profiles[n].left,
            left_in_theory("sigmoid", 0.01, width=n),
            part,
            f"sigmoid, width {n}: RMS left",
            width=n,
        )
        for n in JUDGED
    ]
    odd = beside(
        tanh.left,
        left_in_theory("tanh", 0.01, width=WIDTH),
        part,
        f"tanh, width {WIDTH}: RMS left",
        width=WIDTH,
    )
    chapter = profiles[WIDTH]
    slope = median_within(
        chapter.slope[:, -1],
        expected=0.25,
        margin=SLOPE * 0.25,
        outer_margin=2.0 * SLOPE * 0.25,
        rates=part,
        quantity=f"sigmoid, width {WIDTH}: median slope f'(z), layer {DEPTH}",
    )
    return Ruling(
        id="T11",
        ruling=combined([judge(item, SURELY_KEPT) for item in (*left, other)]),
        claim=CLAIMS["T11"],
        summary=f"It vanishes at every width from {min(JUDGED)} to {max(JUDGED)}. No unit is saturated, and "
        f"the slopes are as large as sigmoid's can be ({slope.observed:.3f}), but every layer multiplies "
        f"the RMS of the gradient by std sqrt(n) / 4 = {0.01 * math.sqrt(WIDTH) / 4.0:g}: "
        f"{float(np.median(chapter.left)):.1e} of it is left after five layers of {WIDTH} units "
        f"(theory {theory[JUDGED.index(WIDTH)].expected:.1e}), and {odd.observed:.1e} with tanh.",
        conditions=f"{how_measured()}. Kept: at least {GONE:g} left. The gain of the mean square is n std^2 "
        "/ 16 for sigmoid and n std^2 for tanh near 0, so it is the product 0.01 sqrt(n) that decides: a "
        f"tenth is left from width {first_width('sigmoid'):,} on for sigmoid, {first_width('tanh'):,} for "
        "tanh, by theory. The slope alone, which is what saturation speaks of, does not vanish",
        evidence=(*left, other, *theory, odd, slope),
        exhibits=(
            by_width(
                "T11-width",
                "RMS of the gradient left after five layers, sigmoid with std 0.01",
                {n: p.left for n, p in profiles.items()},
                lambda n: left_in_theory("sigmoid", 0.01, width=n),
            ),
            _table_of_widths("T11-widths", "sigmoid, std 0.01", "sigmoid", 0.01, profiles),
        ),
    )


def first_width(activation: str) -> int:
    """From this width on, rounded up to two digits, std 0.01 leaves a tenth of the RMS after five layers."""
    low, high = 2.0, 7.0  # decades
    for _ in range(10):
        middle = 0.5 * (low + high)
        enough = left_in_theory(activation, 0.01, width=round(10.0**middle)) >= GONE
        low, high = (low, middle) if enough else (middle, high)
    last = round(10.0 ** (math.floor(high) - 1))
    return last * math.ceil(math.pow(10.0, high) / last)
