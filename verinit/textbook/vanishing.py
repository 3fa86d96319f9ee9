"""When a gradient, or a difference between inputs, has vanished: the scale on which the rulings speak.

Declared before any measurement. A signal has vanished if less than a tenth of it is left, for a factor of
ten is what tuning a learning rate makes up for; it needs a loss of 37 % in each of the chapter's five layers.
A pass must surely stay within a fifth, so that a median between the two is undecided. "Left" is an RMS at the
one end of the network over the RMS at the other; what grows has not vanished.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erf

from verinit.laws.correlation import activation_cosines
from verinit.laws.responses import RESPONSES
from verinit.laws.signal import expectation, gradient_gains, mean_squares, slope_moment, variances
from verinit.statistics.equivalence import median_within
from verinit.textbook.experiment import DEPTH, Floats
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates

GONE, SURELY_GONE = 0.1, 0.2
"""Share left that counts as vanished, and beyond which it surely has not."""
KEPT, SURELY_KEPT = 1.0, 1.3
"""The same two in decades lost, for a sentence that says it is kept: a tenth left, and a twentieth."""


def vanished(left: ArrayLike, rates: Rates, quantity: str) -> Evidence:
    """The median run keeps at most a tenth; judge by `SURELY_GONE`."""
    return median_within(
        left,
        expected=0.0,
        margin=GONE,
        outer_margin=SURELY_GONE,
        rates=rates,
        quantity=f"{quantity} (vanished: at most {GONE:g}, surely {SURELY_GONE:g})",
    )


def kept(left: ArrayLike, rates: Rates, quantity: str) -> Evidence:
    """The median run loses at most one decade; judge by `SURELY_KEPT`."""
    with np.errstate(divide="ignore"):  # nothing left is lost without end
        lost = np.maximum(0.0, -np.log10(np.asarray(left, dtype=np.float64)))
    return median_within(
        lost,
        expected=0.0,
        margin=KEPT,
        outer_margin=SURELY_KEPT,
        rates=rates,
        quantity=f"{quantity}, decades lost (kept: at most {KEPT:g}, surely {SURELY_KEPT:g})",
    )


def beside(
    values: ArrayLike, theory: float, rates: Rates, quantity: str, *, width: int, depth: int = DEPTH
) -> Evidence:
    """A median beside mean-field theory, within the scatter of one run, of relative order sqrt(depth/width).

    The logarithm of what L layers of n units leave is a sum of L terms of variance of order 1/n each.
    """
    scatter = math.sqrt(depth / width) * abs(theory)
    return median_within(
        values,
        expected=theory,
        margin=scatter,
        outer_margin=2.0 * scatter,
        rates=rates,
        quantity=f"{quantity}, beside theory",
    )


_SETTLED = 10
"""Layers after which the pre-activations' variance is looked at: where it has settled it is held."""


@lru_cache(maxsize=256)
def gains_in_theory(activation: str, std: float, *, width: int, depth: int = DEPTH) -> Floats:
    """chi_1 .. chi_L: the gain of the gradient's mean square in each layer of a wide network, (depth,)."""
    q = variances(activation, fan_in=width, std=std, depth=min(depth, _SETTLED))
    if depth > _SETTLED and abs(q[-1] - q[-2]) > 1e-9 * q[-1]:
        q = variances(activation, fan_in=width, std=std, depth=depth)
    chi = gradient_gains(activation, q, fan_out=width, std=std)
    return np.concatenate([chi, np.full(depth - chi.size, chi[-1])])


def left_in_theory(activation: str, std: float, *, width: int, depth: int = DEPTH) -> float:
    """sqrt(chi_1 .. chi_L): RMS of the gradient at the input over that at the output, wide networks."""
    return math.exp(0.5 * float(np.log(gains_in_theory(activation, std, width=width, depth=depth)).sum()))


_DEEP = 50
"""Layers that are computed together for all depths below."""
_ALIKE = 1e-5
"""1 - c below which a difference between inputs is propagated by slopes, to a relative 1 - c."""


def apart_in_theory(activation: str, std: float, *, width: int, depth: int = DEPTH) -> Floats:
    """sqrt(E[y^2] (1 - c)): RMS difference between the responses to independent inputs over theirs, (depth,).

    Small differences grow by n std^2 E[f'^2] in the mean square: by chi, as gradients do.
    """
    return _apart(activation, std, width, depth if depth <= _SETTLED else max(depth, _DEEP))[:depth]


@lru_cache(maxsize=64)
def _apart(activation: str, std: float, width: int, depth: int) -> Floats:
    q = variances(activation, fan_in=width, std=std, depth=depth)
    c = activation_cosines(activation, fan_in=width, std=std, depth=depth, start=0.0)
    squares = mean_squares(activation, q) * (1.0 - c)
    for layer in np.flatnonzero(1.0 - c[:-1] < _ALIKE) + 1:
        squares[layer] = squares[layer - 1] * width * std**2 * slope_moment(activation, float(q[layer])).value
    return np.asarray(np.sqrt(squares))


@lru_cache(maxsize=256)
def unit_in_theory(activation: str, std: float, *, width: int, depth: int = DEPTH) -> float:
    """Median of |g f'(z)| in layer 1 over the RMS of the gradient at the output, wide networks.

    g ~ N(0, left^2) is independent of z ~ N(0, q_1), so P(|g f'| <= t) = E[erf(t / (sqrt(2) left f'(z)))].
    """
    q = float(width * std**2)
    sent = math.sqrt(float(np.prod(gains_in_theory(activation, std, width=width, depth=depth)[1:])))
    slope = RESPONSES[activation].derivative

    def below(log_t: float) -> float:
        return expectation(lambda z: erf(math.exp(log_t) / np.maximum(slope(z), _TINY)), q).value

    low, high = math.log(_TINY), 0.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if below(middle) > 0.5 else (middle, high)
    return sent * math.sqrt(2.0) * math.exp(low)


_TINY, _HALVINGS = float(np.finfo(np.float64).tiny), 26
"""The smallest slope looked at, and halvings of its logarithm that leave four digits."""


def by_width(name: str, title: str, values: Mapping[int, Floats], theory: Callable[[int], float]) -> Exhibit:
    """The median run at each width beside theory."""
    widths = tuple(values)
    return Exhibit(
        id=name,
        kind="curve",
        title=title,
        caption=f"Median of {min(v.size for v in values.values())} runs or more beside mean-field theory "
        f"(dashed); below {GONE:g} it counts as vanished.",
        x_axis=Axis(label="width", log=True),
        y_axis=Axis(label="left", log=True),
        x=tuple(map(float, widths)),
        observed=tuple(float(np.median(values[n])) for n in widths),
        expected=tuple(theory(n) for n in widths),
        n=min(v.size for v in values.values()),
    )
