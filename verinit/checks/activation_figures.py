"""What is shown of a failed activation: what came out beside the law, around the number that is worst."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from verinit.checks.activation_looks import Flags, Floats, Look, look_of
from verinit.vocabulary import Axis, Exhibit, Trial

WIDTH = 8.0
"""How far to either side of the worst number is shown, at least; twice its size where that is more."""
STEPS = 97
_MOST = 2.0**1000
"""Farther from the worst number nothing is shown: sums would overflow."""


def around(name: str) -> Callable[[Trial], Exhibit]:
    """The figure of a failed value ("f") or slope ("f'")."""

    def drawn(trial: Trial) -> Exhibit:
        look = look_of(trial)
        got, true, allowed = _seen(look, name)
        with np.errstate(all="ignore"):
            share = np.where(got == true, 0.0, np.abs(got - true) / allowed)
            band = true - allowed, true + allowed
            finite = np.isfinite(got) & np.isfinite(band[0]) & np.isfinite(band[1])
        worst = float(look.wide[int(np.argmax(np.where(finite, share, -1.0)))])
        chosen = _window(look.wide, worst, finite)
        symbol = "y" if name == "f" else "y'"
        return Exhibit(
            id=f"{trial.check.code}-{trial.target.name}-{trial.case}",
            kind="curve",
            title=f"{trial.target.name} in {look.dtype}, beside {look.law}",
            caption=f"{symbol}(x) around x = {worst:.6g}, where it is farthest from what is allowed.",
            x_axis=Axis(label="x"),
            y_axis=Axis(label=f"{symbol}(x)"),
            x=tuple(look.wide[chosen].tolist()),
            observed=tuple(got[chosen].tolist()),
            expected=tuple(true[chosen].tolist()),
            band=(tuple(band[0][chosen].tolist()), tuple(band[1][chosen].tolist())),
            n=look.x.size,
        )

    return drawn


def _seen(look: Look, name: str) -> tuple[Floats, Floats, Floats]:
    if name == "f":
        return look.y, look.true, look.allowed
    return look.slope, look.true_slope, look.allowed_slope


def _window(x: Floats, worst: float, finite: Flags) -> NDArray[np.int64]:
    """Places of at most `STEPS` numbers around the worst one, evenly; none where no result is finite."""
    if not finite.any():
        return np.zeros(0, dtype=np.int64)
    reach = min(max(WIDTH, abs(worst)), _MOST)
    inside = np.flatnonzero((x >= worst - reach) & (x <= worst + reach) & finite)
    if not inside.size:
        inside = np.flatnonzero(finite)
    wanted = np.linspace(x[inside[0]], x[inside[-1]], STEPS)
    near = inside[np.clip(np.searchsorted(x[inside], wanted), 0, inside.size - 1)]
    at = np.flatnonzero(x == worst)
    return np.unique(np.concatenate([near, at]))
