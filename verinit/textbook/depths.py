"""T15: whether Xavier keeps the signal alive through depth, forward and backward, of tanh and sigmoid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import DEPTH, SCHEMES, WIDTH, Floats
from verinit.textbook.gradients import how_measured
from verinit.textbook.passes import MANY, Profile, by_exact_law, through_network
from verinit.textbook.rules import combined, share
from verinit.textbook.vanishing import (
    GONE,
    SURELY_KEPT,
    apart_in_theory,
    beside,
    gains_in_theory,
    kept,
    left_in_theory,
)
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, judge

DEEP = 25
"""Layers of the deep tanh network."""
SHALLOW = 10
"""Layers in the figure of sigmoid: beyond, differences between inputs come near to rounding."""
WIDTHS = (10, 1000)
"""Widths beside the chapter's."""
XAVIER = SCHEMES["Xavier, 1/sqrt(n)"]


def t15(root: int, rates: Rates) -> Ruling:
    """T15, measured and ruled."""
    std = XAVIER(WIDTH)
    return xavier_keeps_the_signal_of_tanh(
        tanh=through_network("tanh", std, root),
        sigmoid=through_network("sigmoid", std, root),
        deep=by_exact_law("tanh", std, root, width=WIDTH, depth=DEEP),
        fading=by_exact_law("sigmoid", std, root, width=WIDTH, depth=SHALLOW),
        widths={
            (f, width): by_exact_law(f, XAVIER(width), root, width=width)
            for f in ("tanh", "sigmoid")
            for width in WIDTHS
        },
        rates=rates,
    )


def xavier_keeps_the_signal_of_tanh(
    *,
    tanh: Profile,
    sigmoid: Profile,
    deep: Profile,
    fading: Profile,
    widths: Mapping[tuple[str, int], Profile],
    rates: Rates,
) -> Ruling:
    """With Xavier tanh loses signal and gradient like a power of depth, sigmoid by a constant factor a layer.

    tanh, sigmoid  five layers of 100 units
    deep           25 tanh layers of 100 units
    fading         10 sigmoid layers of 100 units, for the figure
    widths         five layers of other widths, by activation and width, for the table
    """
    part = share(rates, 14)
    cases = (("tanh", DEPTH, tanh), ("tanh", DEEP, deep), ("sigmoid", DEPTH, sigmoid))
    forward = [
        kept(p.apart[:, -1], part, f"{f}, depth {d}: difference between inputs left") for f, d, p in cases
    ]
    backward = [kept(p.left, part, f"{f}, depth {d}: RMS of the gradient left") for f, d, p in cases]
    spread = kept(
        sigmoid.spread[:, -1] / sigmoid.spread[:, 0],
        part,
        f"sigmoid, depth {DEPTH}: spread of the activations over that of layer 1",
    )
    return Ruling(
        id="T15",
        ruling=combined([judge(item, SURELY_KEPT) for item in (*forward, *backward, spread)]),
        claim=CLAIMS["T15"],
        summary=_summary(tanh, deep, sigmoid),
        conditions=f"{how_measured()}; std 1/sqrt(n), width {WIDTH}. Kept: at least {GONE:g} left. Signal "
        "is the RMS difference between the responses to two independent inputs, over that between the "
        "inputs: what all inputs share tells nothing. tanh: the mean square falls like 1/(2 l) and the "
        f"gradient's like 1/l, to a tenth of the RMS near depth 50 ({_theory('tanh', 50)}). sigmoid: slope "
        "1/4 at 0, so each layer passes at most a quarter of either. By theory the width does not matter; in "
        "a typical run narrow layers lose more, by a relative order of depth/width",
        evidence=(*forward, *backward, spread, *_beside(cases, part)),
        exhibits=(*_curves("tanh", deep), *_curves("sigmoid", fading), _table(cases, widths)),
    )


def _theory(activation: str, depth: int) -> str:
    std = XAVIER(WIDTH)
    apart = apart_in_theory(activation, std, width=WIDTH, depth=depth)[-1]
    return f"{apart:.2g} and {left_in_theory(activation, std, width=WIDTH, depth=depth):.2g} left"


def _beside(cases: tuple[tuple[str, int, Profile], ...], rates: Rates) -> list[Evidence]:
    std, lines = XAVIER(WIDTH), []
    for f, depth, p in cases:
        apart = float(apart_in_theory(f, std, width=WIDTH, depth=depth)[-1])
        left = left_in_theory(f, std, width=WIDTH, depth=depth)
        place = f"{f}, depth {depth}"
        lines += [
            beside(
                p.apart[:, -1], apart, rates, f"{place}: difference between inputs", width=WIDTH, depth=depth
            ),
            beside(p.left, left, rates, f"{place}: RMS of the gradient", width=WIDTH, depth=depth),
        ]
    return lines


def _summary(tanh: Profile, deep: Profile, sigmoid: Profile) -> str:
    def both(p: Profile) -> str:
        apart, left = np.median(p.apart[:, -1]), np.median(p.left)
        return f"{apart:.2g} of the difference between two inputs and {left:.2g} of the gradient"

    spread = float(np.median(sigmoid.spread[:, -1] / sigmoid.spread[:, 0]))
    cosine = float(np.median(sigmoid.cosine[:, -1]))
    return (
        f"For tanh it does: {both(tanh)} are left after five layers, {np.median(deep.apart[:, -1]):.2g} and "
        f"{np.median(deep.left):.2g} after {DEEP}, a slow power of depth. For sigmoid it does not: "
        f"{both(sigmoid)} are left after five, less than a quarter a layer. Its activations still spread "
        f"({spread:.2f} of layer 1's), but in the same way for every input (cosine 1 - {1.0 - cosine:.0e})."
    )


def _curves(activation: str, profile: Profile) -> tuple[Exhibit, Exhibit]:
    depth, std = profile.gain.shape[1], XAVIER(WIDTH)
    chi = gains_in_theory(activation, std, width=WIDTH, depth=depth)
    return (
        _curve(
            activation,
            "forward: difference between inputs",
            profile.apart,
            apart_in_theory(activation, std, width=WIDTH, depth=depth),
        ),
        _curve(
            activation,
            "backward: RMS of the gradient",
            profile.down,
            np.sqrt(np.asarray(np.cumprod(chi[::-1])[::-1], dtype=np.float64)),
        ),
    )


def _curve(activation: str, what: str, values: Floats, theory: Floats) -> Exhibit:
    depth = values.shape[1]
    return Exhibit(
        id=f"T15-{activation}-{what.partition(':')[0]}",
        kind="curve",
        title=f"{activation}, {what}",
        caption=f"Median of {MANY} runs, width {WIDTH}, std 1/sqrt(n), beside mean-field theory (dashed).",
        x_axis=Axis(label="layer"),
        y_axis=Axis(label="left", log=True),
        x=tuple(map(float, range(1, depth + 1))),
        observed=tuple(map(float, np.median(values, axis=0))),
        expected=tuple(map(float, theory)),
        n=MANY,
        plate="Signal and gradient by layer: Xavier",
        row=activation,
        column=what,
    )


def _table(cases: tuple[tuple[str, int, Profile], ...], widths: Mapping[tuple[str, int], Profile]) -> Exhibit:
    lines = [(f, WIDTH, depth, p) for f, depth, p in cases]
    lines += [(f, width, DEPTH, p) for (f, width), p in widths.items()]
    rows = []
    for f, width, depth, p in lines:
        apart = apart_in_theory(f, XAVIER(WIDTH), width=WIDTH, depth=depth)[-1]
        left = left_in_theory(f, XAVIER(WIDTH), width=WIDTH, depth=depth)
        rows.append(
            (
                f,
                str(width),
                str(depth),
                f"{np.median(p.apart[:, -1]):.2g} ({apart:.2g})",
                f"{np.median(p.left):.2g} ({left:.2g})",
                f"{np.median(p.spread[:, -1]):.2g}",
                f"{np.median(p.cosine[:, -1]):.4f}",
            )
        )
    return Exhibit(
        id="T15-table",
        kind="table",
        title="What is left of signal and gradient with Xavier",
        caption="Median run, mean-field theory in brackets, the same at every width. Spread: standard "
        "deviation of the last layer's activations; cosine: between its responses to two inputs.",
        header=("f", "width", "depth", "difference left", "gradient left", "spread", "cosine"),
        rows=tuple(rows),
        n=len(rows),
    )
