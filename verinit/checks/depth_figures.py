"""What is shown of a model that depth treats otherwise than the law: the curve by depth, and the layer."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from verinit.checks.depth_laws import MARGIN, Curve, Floats
from verinit.vocabulary import Axis, Exhibit, Trial

Part = Callable[[Trial], tuple[Floats, Curve]]


def by_depth(part: Part, what: str, unit: str, name: str) -> Callable[[Trial], Exhibit]:
    """The figure of a failure: medians over seeds by layer, the law, and the margin around it.

    part  the check's own numbers (seeds, depth), and their law
    """

    def drawn(trial: Trial) -> Exhibit:
        observed, curve = part(trial)
        reach = MARGIN * curve.spread
        return Exhibit(
            id=f"{trial.check.code}-{trial.target.name}-{trial.case}",
            kind="curve",
            title=f"{trial.target.name}: {name} by depth",
            caption=(
                f"Median over {len(observed)} seeds of the {what}; the band is the law's margin, half a "
                "standard deviation of one input."
            ),
            x_axis=Axis(label="layer"),
            y_axis=Axis(label=what, unit=unit),
            x=tuple(float(i) for i in range(1, observed.shape[1] + 1)),
            observed=tuple(np.median(observed, axis=0).tolist()),
            expected=tuple(curve.mean.tolist()),
            band=(tuple((curve.mean - reach).tolist()), tuple((curve.mean + reach).tolist())),
            n=len(observed),
        )

    return drawn


def likely(observed: Floats, curve: Curve, way: str) -> str:
    """The layer that multiplies the mean square by most too much or too little, or all of them.

    observed  natural logs (seeds, depth), of a signal from below or of a gradient from above
    """
    with np.errstate(all="ignore"):
        off = np.median(observed, axis=0) - curve.mean
        steps = np.diff(off, prepend=0.0) if way == "signal" else -np.diff(off, append=0.0)
    if not np.isfinite(steps).all():
        return ""
    sizes = np.abs(steps)
    inner = sizes[1:] if way == "signal" else sizes[:-1]
    worst = int(np.argmax(sizes))
    if inner.size and inner.min() > 0.5 * sizes.max():
        return f"every layer multiplies the {way}'s mean square by {_factor(steps, way)} times what it should"
    factor = math.exp(float(steps[worst]))
    return f"layer {worst + 1} multiplies the {way}'s mean square by {factor:.3g} times what it should"


def _factor(steps: Floats, way: str) -> str:
    inner = steps[1:] if way == "signal" else steps[:-1]
    return f"{math.exp(float(np.median(inner))):.3g}"
