"""T09: whether ReLU, which has no saturated end on the right, keeps the gradient from vanishing."""

from __future__ import annotations

import math

import numpy as np

from verinit.laws.dead_units import dead_by_layer
from verinit.laws.relu import log_gain
from verinit.statistics.equivalence import median_within
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import DEPTH, SCHEMES, WIDTH, Floats
from verinit.textbook.gradients import how_measured
from verinit.textbook.passes import MANY, ROWS, Profile, by_exact_law, through_network
from verinit.textbook.rules import combined, share
from verinit.textbook.vanishing import GONE, SURELY_KEPT, beside, kept, left_in_theory
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, judge

DEEP = 25
"""Layers of the deep network at the chapter's width."""
NARROW, DEEPEST = 10, 80
"""Depth 8 times the width: a typical run fades like exp(-5/4 depth/width) = exp(-10) in the RMS."""
NO_ENDS, SOME_ENDS = 0.05, 0.1
"""No flat ends: at most 5 % of the slopes are exactly 0, and surely at most 10 %."""
HE, XAVIER = SCHEMES["He, sqrt(2/n)"], SCHEMES["Xavier, 1/sqrt(n)"]


def t09(root: int, rates: Rates) -> Ruling:
    """T09, measured and ruled."""
    return scale_decides_not_the_shape(
        chapter=through_network("relu", HE(WIDTH), root),
        small=by_exact_law("relu", 0.01, root, width=WIDTH),
        xavier=by_exact_law("relu", XAVIER(WIDTH), root, width=WIDTH, depth=DEEP),
        wide=by_exact_law("relu", HE(WIDTH), root, width=WIDTH, depth=DEEP),
        narrow=by_exact_law("relu", HE(NARROW), root, width=NARROW, depth=DEEPEST),
        rates=rates,
    )


def scale_decides_not_the_shape(
    *, chapter: Profile, small: Profile, xavier: Profile, wide: Profile, narrow: Profile, rates: Rates
) -> Ruling:
    """ReLU keeps the gradient with He's scale, and loses it with another, or once depth outgrows width.

    chapter  five layers of 100 units with He's scheme
    small    the same with std 0.01
    xavier   25 layers of 100 units with 1 / sqrt(n)
    wide     the same with He's scheme
    narrow   80 layers of 10 units with He's scheme
    """
    part = share(rates, 12)
    cases = (
        ("He", HE(WIDTH), WIDTH, DEPTH, chapter),
        ("He", HE(WIDTH), WIDTH, DEEP, wide),
        ("std 0.01", 0.01, WIDTH, DEPTH, small),
        ("1/sqrt(n)", XAVIER(WIDTH), WIDTH, DEEP, xavier),
        ("He", HE(NARROW), NARROW, DEEPEST, narrow),
    )
    left = [
        kept(p.left, part, f"{name}, width {width}, depth {depth}: RMS of the gradient left")
        for name, _, width, depth, p in cases
    ]
    theory = [
        beside(
            p.left,
            left_in_theory("relu", std, width=width, depth=depth),
            part,
            f"{name}, width {width}, depth {depth}: RMS left",
            width=width,
            depth=depth,
        )
        for name, std, width, depth, p in cases[:4]
    ]
    flat = median_within(
        chapter.flat.mean(axis=1),
        expected=0.0,
        margin=NO_ENDS,
        outer_margin=SOME_ENDS,
        rates=part,
        quantity=f"He, width {WIDTH}: share of slopes that are exactly 0 (no flat end: at most {NO_ENDS:g}, "
        f"surely {SOME_ENDS:g})",
    )
    dead = median_within(
        chapter.dead[:, -1],
        expected=float(dead_by_layer(ROWS, depth=DEPTH)[-1]),
        margin=NO_ENDS,
        outer_margin=SOME_ENDS,
        rates=part,
        quantity=f"He, width {WIDTH}, layer {DEPTH}: share of units dead on all {ROWS} inputs",
    )
    return Ruling(
        id="T09",
        ruling=combined([*(judge(item, SURELY_KEPT) for item in left), judge(flat, SOME_ENDS)]),
        claim=CLAIMS["T09"],
        summary=_scale_summary([p for *_, p in cases], flat),
        conditions=f"{how_measured()}. Kept: at least {GONE:g} left. The gain of the mean square is n std^2 "
        "/ 2, which is 1 for He's std sqrt(2/n) only; std 1 makes it explode (50 times a layer at width "
        "100). That is a mean over draws: a typical run fades like exp(-5/4 depth/width), to a tenth at "
        f"depth {fading_depth(NARROW)} for width {NARROW}, {fading_depth(WIDTH)} for {WIDTH} and "
        f"{fading_depth(1000):,} for 1000. For each input half of the slopes are exactly 0: the other half, "
        "of slope 1, carries it",
        evidence=(*left, flat, dead, *theory, _drift(narrow.left, part)),
        exhibits=(
            _curve("T09-he", "He", wide, HE(WIDTH)),
            _curve("T09-xavier", "1/sqrt(n)", xavier, XAVIER(WIDTH)),
            _table(cases),
        ),
    )


def fading_depth(width: int) -> int:
    """The depth at which a typical run of He's ReLU network has a tenth of the RMS left."""
    return math.ceil(2.0 * math.log(GONE) / log_gain(width).mean)


def _drift(left: Floats, rates: Rates) -> Evidence:
    """Decades of the RMS beside the exact drift of the energy in ReLU layers of finite width.

    Backward the gain is (2/n) chi^2_n times the share of the gradient's energy at the units that are alive,
    Beta(K/2, (n - K)/2): together (2/n) chi^2_K, K ~ Binomial(n, 1/2), as forward. It holds where the weights
    used backward are fresh, which they are but for one direction of n.
    """
    gain = log_gain(NARROW)
    unit = 0.5 / math.log(10.0)
    scatter = unit * math.sqrt(DEEPEST * gain.variance)
    with np.errstate(divide="ignore"):  # a run in which a whole layer is silent has nothing left
        decades = np.log10(left)
    return median_within(
        decades,
        expected=unit * DEEPEST * gain.mean,
        margin=scatter / 2.0,
        outer_margin=scatter,
        rates=rates,
        quantity=f"He, width {NARROW}, depth {DEEPEST}: log10 of the RMS left, beside a typical run's",
    )


def _scale_summary(profiles: list[Profile], flat: Evidence) -> str:
    chapter, wide, small, xavier, narrow = (float(np.median(p.left)) for p in profiles)
    sigmoid = left_in_theory("sigmoid", HE(WIDTH), width=WIDTH)
    return (
        f"It is solved by the scale. With He's std sqrt(2/n) {chapter:.2f} of the gradient's RMS is left "
        f"after the chapter's five layers and {wide:.2f} after {DEEP} (sigmoid, by theory: {sigmoid:.4f} "
        "after five); "
        f"with std 0.01 {small:.1e} after five, with 1/sqrt(n) {xavier:.1e} after {DEEP}, and with He in "
        f"{DEEPEST} layers of {NARROW} units {narrow:.1e}. And ReLU has an end: {100 * flat.observed:.0f} % "
        "of its slopes are exactly 0."
    )


def _curve(name: str, scheme: str, profile: Profile, std: float) -> Exhibit:
    """RMS of the gradient, from the output of a deep network down to its input."""
    depth = profile.gain.shape[1]
    steps = np.arange(depth, 0, -1)
    return Exhibit(
        id=name,
        kind="curve",
        title=f"RMS of the gradient by layer, ReLU, {scheme}",
        caption=f"Median of {MANY} runs at the input of each layer over that at the output, width {WIDTH}, "
        "beside theory (dashed).",
        x_axis=Axis(label="layer"),
        y_axis=Axis(label="RMS of the gradient", log=True),
        x=tuple(map(float, range(1, depth + 1))),
        observed=tuple(map(float, np.median(profile.down, axis=0))),
        expected=tuple(map(float, left_in_theory("relu", std, width=WIDTH, depth=1) ** steps)),
        n=MANY,
        plate="The gradient by layer: ReLU",
        row=f"width {WIDTH}",
        column=scheme,
    )


def _table(cases: tuple[tuple[str, float, int, int, Profile], ...]) -> Exhibit:
    return Exhibit(
        id="T09-table",
        kind="table",
        title="What is left of the gradient, ReLU",
        caption="Median run; theory is that of wide networks, the mean over draws. Cosine: between the last "
        "layer's responses to two inputs, which grow alike even where the gradient is kept.",
        header=("scheme", "width", "depth", "RMS left", "theory", "slopes 0", "cosine"),
        rows=tuple(
            (
                name,
                str(width),
                str(depth),
                f"{np.median(p.left):.2g}",
                f"{left_in_theory('relu', std, width=width, depth=depth):.2g}",
                f"{p.flat.mean():.0%}",
                f"{np.nanmedian(p.cosine[:, -1]):.3f}",
            )
            for name, std, width, depth, p in cases
        ),
        n=len(cases),
    )
