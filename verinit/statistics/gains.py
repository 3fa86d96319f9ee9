"""How sure we may be of the gain of each of several layers: the mean square of normal numbers, by layer.

Whatever a layer's inputs are, normal weights of standard deviation s make its whitened pre-activations iid
N(0, s^2) given those inputs (see `verinit.checks.walks`). So the sum of their squares over s^2 is chi-square
at any width, depth and activation, and sums over independent networks add up. Layers are judged together:
each spends an equal part of `false_fail` (union bound, no independence needed), while a fault of one layer is
missed with probability `false_pass`.

The gain is that of the RMS: sqrt(sum of squares / freedom), 1 for right code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from scipy.special import chdtr, chdtrc

from verinit.statistics.planning import root_n
from verinit.statistics.tails import chi_square_limits, p_value
from verinit.vocabulary import Evidence, Rates, UsageError

_LEAST = 1e-290


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """What was seen of one layer: the sum of `freedom` squared standard normal numbers.

    excuse  how far rounding may have moved the root of their mean
    """

    squares: float
    freedom: int
    excuse: float = 0.0

    @property
    def gain(self) -> float:
        """The RMS, 1 for right code."""
        return math.sqrt(self.squares / self.freedom)


def gain_resolution(freedom: int, layers: int, rates: Rates, *, excuse: float = 0.0) -> float:
    """The relative change of one layer's RMS that is seen, the worse of both directions."""
    low, high = map(math.sqrt, chi_square_limits(freedom, rates.false_fail / (2 * layers)))
    least, most = map(math.sqrt, chi_square_limits(freedom, rates.false_pass))
    if least <= 0.0:
        return math.inf
    return max((high + 2 * excuse) / least - 1.0, 1.0 - (low - 2 * excuse) / most)


@lru_cache(maxsize=256)
def gain_samples(layers: int, rates: Rates, discrepancy: float, *, excuse: float = 0.0) -> int:
    """Squares a layer that see the RMS of one of so many layers change by `discrepancy`, rounding excused."""
    return root_n(lambda n: gain_resolution(n, layers, rates, excuse=excuse), discrepancy)


def log_p(energy: Energy) -> float:
    """Natural logarithm of the two-sided p-value of one layer; past underflow Chernoff's bound."""
    n, observed = energy.freedom, energy.gain
    if not math.isfinite(observed):
        return -math.inf
    near = max(observed - energy.excuse, 1.0) if observed >= 1.0 else min(observed + energy.excuse, 1.0)
    ratio = near * near
    if ratio <= 0.0:
        return -math.inf
    tail = float(chdtrc(n, n * ratio)) if ratio >= 1.0 else float(chdtr(n, n * ratio))
    if tail > _LEAST:
        return math.log(2.0) + math.log(min(tail, 0.5))
    return math.log(2.0) + n / 2 * (1.0 - ratio + math.log(ratio))


def gains(energies: Sequence[Energy], rates: Rates, *, names: Sequence[str]) -> tuple[Evidence, int]:
    """Every layer's RMS is what its weights promise; the evidence is that of the layer that is least likely.

    names  what each layer's gain is called
    Returns the evidence, and which layer it speaks of. Raises `UsageError` for no layer, or one without
    freedom.
    """
    if not energies or any(energy.freedom < 1 for energy in energies):
        raise UsageError("energies: one layer or more is needed, each with one square or more")
    logs = [log_p(energy) for energy in energies]
    worst = min(range(len(logs)), key=logs.__getitem__)
    energy, count = energies[worst], len(energies)
    low, high = map(math.sqrt, chi_square_limits(energy.freedom, rates.false_fail / (2 * count)))
    tolerance = (high - 1.0 if energy.gain >= 1.0 else 1.0 - low) + energy.excuse
    p, log10_p = p_value(logs[worst] + math.log(count))
    evidence = Evidence(
        quantity=names[worst],
        expected=1.0,
        observed=energy.gain,
        distance=abs(energy.gain - 1.0),
        tolerance=tolerance,
        resolution=max(gain_resolution(e.freedom, count, rates, excuse=e.excuse) for e in energies),
        interval=(energy.gain / (high + energy.excuse), energy.gain / max(low - energy.excuse, 1e-300)),
        n=energy.freedom,
        basis=f"chi-square, least likely of {count} layers" if count > 1 else "chi-square",
        p=p,
        log10_p=log10_p,
    )
    return evidence, worst
