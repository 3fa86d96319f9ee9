"""The exact law of a signal's size by depth, for activations that are linear on each side of 0.

With Gaussian weights the log of the mean square of layer L is a sum of L independent terms log(gain S / n)
(`finite_width`), at every width. The density of one term is known:

    ReLU, given that a unit is alive: a mixture over k >= 1 of log chi^2_k with Binomial(n, 1/2) weights
    l x, r x: log T + log R with T = |z|^2 ~ chi^2_n independent of the direction z / |z|, and
              R = l^2 + (r^2 - l^2) sin(t)^2, sin(t)^2 the share of |z|^2 on the positive side

and so is that of the sum, by the discrete Fourier transform. Three errors are made, each far below 1e-12:
the grid ends where Chernoff's bound has 1e-18 left of the mass; steps of h cut a characteristic function at
pi / h, where that of log chi^2_k is below 1e-17 for h <= min(1/8, sqrt(2 / k) / 3); and rounding, 1e-15 of
probability in all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from verinit.laws.relu import alive_shares
from verinit.laws.responses import Floats, Name, Response, response
from verinit.laws.signal import slope_moment
from verinit.vocabulary import UsageError

__all__ = ["log_norm_band", "log_norm_quantiles"]

_LOST = math.log(1e-18)
"""Mass beyond the ends of the grid, and of the parts of a mixture that are left out."""
Complexes = NDArray[np.complex128]
FINEST = 1e-12
"""The smallest probability whose quantile is given: a thousand times the rounding of a probability."""
_NODES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mixture:
    """Log S is, with probability `weights`, log chi^2 with `freedom` degrees plus a shift; each (m,)."""

    weights: Floats
    freedom: Floats
    shift: Floats

    @property
    def mean(self) -> float:
        """E[log S]."""
        return float(self.weights @ (special.digamma(0.5 * self.freedom) + math.log(2.0) + self.shift))

    def density(self, x: Floats) -> Floats:
        """Of log S at x, (N,)."""
        half = 0.5 * self.freedom
        y = x[:, None] - self.shift - math.log(2.0)
        with np.errstate(over="ignore"):
            log = half * y - np.exp(y) - special.gammaln(half)
        return np.asarray(np.exp(log) @ self.weights)

    def log_moment(self, order: Floats) -> Floats:
        """Log E[S^v] for orders v above -min(freedom) / 2, (N,)."""
        half, v = 0.5 * self.freedom, order[:, None]
        log = v * (math.log(2.0) + self.shift) + special.gammaln(half + v) - special.gammaln(half)
        return np.asarray(special.logsumexp(log, axis=1, b=self.weights))


def _relu_layer(width: int) -> _Mixture:
    k, p = alive_shares(width)
    kept = (k > 0) & (p > math.exp(_LOST) / width)
    return _Mixture(weights=p[kept] / p[kept].sum(), freedom=k[kept], shift=np.zeros(int(kept.sum())))


def _flat_layer(width: int, slope: float) -> _Mixture:
    """One line through 0: S = slope^2 chi^2_n."""
    return _Mixture(
        weights=np.ones(1), freedom=np.array([float(width)]), shift=np.array([2.0 * math.log(slope)])
    )


def _bent_layer(width: int, low: float, high: float) -> _Mixture:
    """Two slopes, 0 < low < high in size: a mixture over the share of |z|^2 that meets the steeper one."""
    t, share = _angles(width, low / high)
    squares = low * low + (high * high - low * low) * np.sin(t) ** 2
    ends = 0.5**width
    weights = np.concatenate([[ends, ends], share])
    shift = np.log(np.concatenate([[low * low, high * high], squares]))
    kept = weights > math.exp(_LOST) / width
    weights = weights[kept] / weights[kept].sum()
    return _Mixture(weights=weights, freedom=np.full(weights.size, float(width)), shift=shift[kept])


def _angles(width: int, ratio: float) -> tuple[Floats, Floats]:
    """Nodes of the angle t and what they weigh: sin(t)^2 ~ Beta(K/2, (n-K)/2), K ~ Binomial(n, 1/2).

    0 < K < n: the ends are atoms. Near t = 0 the log of R bends on the scale of the ratio of the slopes, so
    panels halve down to there. The law is centred at pi / 4, with a standard deviation of 0.87 / sqrt(n).
    """
    k, p = alive_shares(width)
    inner = (k > 0) & (k < width) & (p > math.exp(_LOST) / width)
    k, p = k[inner], p[inner]
    if not k.size:
        return np.empty(0), np.empty(0)
    halved = 0.5 * math.pi * 0.5 ** np.arange(0, max(3, math.ceil(-math.log2(ratio)) + 4))
    central = math.pi / 4 + 0.87 / math.sqrt(width) * np.arange(-12, 13)
    edges = np.unique(np.concatenate([[0.0], halved, central[(central > 0) & (central < 0.5 * math.pi)]]))
    x, w = np.polynomial.legendre.leggauss(_NODES)
    half = 0.5 * np.diff(edges)[:, None]
    t = (0.5 * (edges[1:] + edges[:-1])[:, None] + half * x).ravel()
    log = (k - 1.0) * np.log(np.sin(t))[:, None] + (width - k - 1.0) * np.log(np.cos(t))[:, None]
    density = 2.0 * np.exp(log - special.betaln(0.5 * k, 0.5 * (width - k))) @ p
    return t, (half * w).ravel() * density


def _layer(f: Response, width: int) -> _Mixture:
    if f.slopes is None:
        raise UsageError(
            f"{f.name}: the exact law by depth needs an activation that is linear on each side of 0; "
            "finite_width.log_norm_moments has the leading order for every other"
        )
    low, high = sorted(map(abs, f.slopes))
    if high == 0.0:
        raise UsageError(f"{f.name} is 0 everywhere: no signal passes it")
    if low == high:
        return _flat_layer(width, high)
    if low > 0.0:
        return _bent_layer(width, low, high)
    relu = _relu_layer(width)
    return _Mixture(weights=relu.weights, freedom=relu.freedom, shift=relu.shift + 2.0 * math.log(high))


def _reach(layers: list[tuple[_Mixture, int]]) -> tuple[float, float]:
    """How far below and above its mean the sum lies, but for 1e-18: P(X > x) <= E[e^(v X)] e^(-v x).

    layers  laws of the terms, and how many there are of each
    """
    least = min(float(each.freedom.min()) for each, _ in layers)
    share = np.geomspace(1e-4, 0.98, 60)
    below, above = -0.5 * least * share, 1e3 * least * np.geomspace(1e-7, 1.0, 80)

    def logs(order: Floats) -> Floats:
        total = np.zeros_like(order)
        for each, count in layers:
            total += count * (each.log_moment(order) - order * each.mean)
        return total

    return float(np.max((logs(below) - _LOST) / below)), float(np.min((logs(above) - _LOST) / above))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """A period of `size` steps that starts at `start`: places of the centred sum."""

    start: float
    step: float
    size: int

    @property
    def frequencies(self) -> Floats:
        """(size / 2 + 1,)."""
        return 2.0 * math.pi / (self.size * self.step) * np.arange(self.size // 2 + 1, dtype=np.float64)

    def transform(self, law: _Mixture) -> Complexes:
        """The characteristic function of log S less its mean, conjugate, at the grid's frequencies."""
        place = np.arange(self.size, dtype=np.float64) * self.step
        x = np.where(place - self.size * self.step >= self.start, place - self.size * self.step, place)
        result: Complexes = np.fft.rfft(self.step * law.density(x + law.mean))
        result /= result[0].real
        return result


def _grid(layers: list[tuple[_Mixture, int]]) -> _Grid:
    low, high = _reach(layers)
    sharpest = max(float(each.freedom.max()) for each, _ in layers)
    step = min(0.125, math.sqrt(2.0 / sharpest) / 3.0)
    size = 1 << math.ceil(math.log2((high - low) / step + 2.0))
    spare = 0.5 * (size * step - (high - low))
    return _Grid(start=low - spare, step=step, size=size)


_ROUNDS = 12
"""Newton steps at most; from a grid this fine 4 reach the last bits."""
_FAINT = 1e-19
"""Size of a Fourier coefficient that is left out: all of them together weigh less than 1e-15."""


class _Sum:
    """The law of a centred sum on a grid, as a Fourier series over its period."""

    def __init__(self, transform: Complexes, grid: _Grid) -> None:
        self.grid, self.transform = grid, transform
        last = int(np.flatnonzero(np.abs(transform) > _FAINT)[-1])
        self._t, self._waves = grid.frequencies[1 : last + 1], transform[1 : last + 1]
        self._start = float(((np.exp(1j * self._t * grid.start) * self._waves).imag / self._t).sum())

    def both(self, x: float) -> tuple[float, float]:
        """P(X <= x) and the density there."""
        wave, period = np.exp(1j * self._t * x) * self._waves, self.grid.size * self.grid.step
        below = x - self.grid.start + 2.0 * (float((wave.imag / self._t).sum()) - self._start)
        return below / period, (1.0 + 2.0 * float(wave.real.sum())) / period

    def quantiles(self, levels: tuple[float, ...]) -> list[float]:
        """Where P(X <= x) reaches the levels."""
        size, step = self.grid.size, self.grid.step
        first = math.floor(self.grid.start / step) + 1
        summed = np.cumsum(np.roll(np.fft.irfft(self.transform, size), -first))
        return [
            self._quantile(level, (first + int(np.searchsorted(summed, level))) * step) for level in levels
        ]

    def _quantile(self, level: float, x: float) -> float:
        """Newton's method on the log of the smaller tail, which is nearly straight."""
        tail, sign = (level, 1.0) if level <= 0.5 else (1.0 - level, -1.0)
        for _ in range(_ROUNDS):
            below, density = self.both(x)
            mass = below if sign > 0.0 else 1.0 - below
            if mass <= 0.0 or density <= 0.0:
                x += sign * self.grid.step
                continue
            move = sign * mass * math.log(tail / mass) / density
            x += max(-self.grid.step, min(self.grid.step, move))
            if abs(move) <= 1e-6 * self.grid.step:  # the next step would be its square
                break
        return x


def log_norm_quantiles(
    activation: Name | Response,
    *,
    width: int,
    depth: int,
    levels: tuple[float, ...],
    gain: float | None = None,
    preactivations: bool = False,
) -> Floats:
    """Quantiles of the natural log of m_l / m_0 by depth l, (len(levels), depth): exact at every width.

    width           n, units of every layer
    levels          probabilities, from 1e-12 to 1 - 1e-12
    gain            fan_in Var[W], the same in every layer; without one 2 / (l^2 + r^2), which keeps the mean
    preactivations  m_l is the mean square of z_l rather than of f(z_l)

    m_0 is the mean square of *one* input's entries. Weights are Gaussian and there is no bias. For ReLU given
    that all l layers are alive (before z_l: l - 1). Absolute error about 1e-10, more where a density is flat.
    Raises `UsageError` for an activation that is not linear on each side of 0, and for levels beyond those.
    """
    f = response(activation)
    if width < 1 or depth < 1:
        raise UsageError(f"width={width!r}, depth={depth!r}: a network has a unit and a layer at least")
    if not all(FINEST <= level <= 1.0 - FINEST for level in levels):
        raise UsageError(f"levels={levels!r}: each lies between {FINEST:g} and 1 - {FINEST:g}")
    layer = _layer(f, width)
    own = 1.0 / slope_moment(f, 1.0).value if gain is None else gain
    if not (own > 0.0 and math.isfinite(own)):
        raise UsageError(f"gain={gain!r}: a gain is a positive number")
    last = _flat_layer(width, 1.0) if preactivations else layer
    grid = _grid([(layer, depth - 1), (last, 1)])
    one, end = grid.transform(layer), grid.transform(last)
    shift, rows = math.log(own / width), []
    for before in range(depth):
        centre = before * (layer.mean + shift) + last.mean + shift
        rows.append(centre + np.array(_Sum(end, grid).quantiles(levels)))
        end = end * one
    return np.array(rows).T


def log_norm_band(
    activation: Name | Response,
    *,
    width: int,
    depth: int,
    level: float,
    gain: float | None = None,
    preactivations: bool = False,
) -> tuple[Floats, Floats]:
    """Where log(m_l / m_0) lies, layer by layer, but for a share `level`: lower and upper, each (depth,).

    level  chance of lying outside at one depth, half on either side; for all depths at once divide by depth

    Exact at every width; arguments and errors as of `log_norm_quantiles`. Natural logs: divide by log 2 for
    octaves.
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"level={level!r}: the chance of lying outside is strictly between 0 and 1")
    low, high = log_norm_quantiles(
        activation,
        width=width,
        depth=depth,
        levels=(0.5 * level, 1.0 - 0.5 * level),
        gain=gain,
        preactivations=preactivations,
    )
    return low, high
