"""Initial weights as their papers define them.

Every function takes `(shape, rng, *, ..., dtype=None)` and returns an array of that shape and dtype.
Dense weights have shape `(fan_in, fan_out)`, convolution kernels `(*kernel, in, out)`; with `groups`,
`(*kernel, in / groups, out)`, and transposed `(*kernel, in, out / groups)`.

Numbers are drawn in float64 and rounded once, so that one state of `rng` gives the same weights in
every dtype up to that rounding. A bounded law therefore stays within its bounds *as rounded to dtype*.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri

from verinit.reference.precision import Array, floating
from verinit.vocabulary import UsageError, unknown

Shape = tuple[int, ...]
DISTRIBUTIONS = ("normal", "uniform", "truncated_normal")


def fans(shape: Shape, *, groups: int = 1, transposed: bool = False) -> tuple[int, int]:
    """A kernel's fan_in is how many inputs reach one output, its fan_out how many outputs one input feeds.

    Borders and strides aside. The receptive field, the product of the kernel's sizes, counts in both.

    Raises `UsageError` for fewer than two axes, or where `groups` does not divide the channels.

    >>> fans((64, 32)), fans((3, 3, 8, 16)), fans((3, 3, 2, 16), groups=4)
    ((64, 32), (72, 144), (18, 36))
    """
    if len(shape) < 2:
        axes = "1 axis" if len(shape) == 1 else "no axis"
        raise UsageError(
            f"two fans need a shape of two or more axes, (fan_in, fan_out) or (*kernel, in, out); "
            f"shape={shape!r} has {axes}"
        )
    channels = shape[-2] if transposed else shape[-1]
    if groups < 1 or channels % groups:
        side = "in" if transposed else "out"
        raise UsageError(f"groups={groups!r} must divide the {channels} {side} channels of shape={shape!r}")
    field = math.prod(shape[:-2])
    if transposed:
        return field * shape[-2] // groups, field * shape[-1]
    return field * shape[-2], field * shape[-1] // groups


def constant(shape: Shape, rng: np.random.Generator, *, value: float = 0.0, dtype: Any = None) -> Array:
    """All entries are `value`; nothing is drawn from `rng`."""
    return np.full(shape, value, floating(dtype))


def zeros(shape: Shape, rng: np.random.Generator, *, dtype: Any = None) -> Array:
    """All entries are 0: what biases and batch-norm shifts begin with."""
    return constant(shape, rng, value=0.0, dtype=dtype)


def ones(shape: Shape, rng: np.random.Generator, *, dtype: Any = None) -> Array:
    """All entries are 1: what batch-norm scales begin with."""
    return constant(shape, rng, value=1.0, dtype=dtype)


def normal(
    shape: Shape, rng: np.random.Generator, *, mean: float = 0.0, std: float = 1.0, dtype: Any = None
) -> Array:
    """Entries are independent N(mean, std^2).

    Raises `UsageError` unless mean and std are finite and std is not negative.
    """
    _require_spread(mean, std)
    return rng.normal(mean, std, shape).astype(floating(dtype), copy=False)


def uniform(
    shape: Shape, rng: np.random.Generator, *, low: float = 0.0, high: float = 1.0, dtype: Any = None
) -> Array:
    """Entries are independent and uniform between low and high: Var = (high - low)^2 / 12.

    Raises `UsageError` unless both are finite and low does not exceed high.
    """
    if not (low <= high and math.isfinite(high - low)):
        raise UsageError(f"low={low!r}, high={high!r}: both must be finite, and low at most high")
    return rng.uniform(low, high, shape).astype(floating(dtype), copy=False)


def truncated_normal(
    shape: Shape,
    rng: np.random.Generator,
    *,
    mean: float = 0.0,
    std: float = 1.0,
    low: float = -2.0,
    high: float = 2.0,
    corrected: bool = True,
    dtype: Any = None,
) -> Array:
    """Entries are independent and follow a parent normal law given that it lies within a cut.

    mean       mean of the parent (and of the draws, where the cut is symmetric)
    std        standard deviation of the draws; of the parent where not `corrected`
    low, high  the cut, in standard deviations of the parent from its mean; may be infinite

    Sampled by inversion in the nearer tail, so both tails are as fine as each other. No draw lies outside
    the cut as rounded to dtype.

    Raises `UsageError` where the cut is empty or holds less than 1e-300 of the parent.
    """
    _require_spread(mean, std)
    if not low < high:
        raise UsageError(f"low={low!r}, high={high!r}: the cut must have low below high")
    inside = float(ndtr(high) - ndtr(low) if low < 0 else ndtr(-low) - ndtr(-high))
    if inside < 1e-300:  # Phi(-37): beyond it probabilities are subnormal and inversion loses its digits
        raise UsageError(
            f"low={low!r}, high={high!r}: the cut holds {inside:.1g} of the normal, it must hold 1e-300"
        )
    u = rng.random(shape)
    below = ndtr(low) + u * inside
    above = ndtr(-high) + (1.0 - u) * inside
    z = ndtri(np.minimum(below, above))
    z = np.clip(np.where(below <= above, z, -z), low, high)
    parent = std / truncated_std(low, high) if corrected else std
    return np.asarray(mean + parent * z).astype(floating(dtype), copy=False)


@lru_cache(maxsize=64)
def truncated_std(low: float, high: float) -> float:
    """A unit normal cut at low and high has this standard deviation (0.8796 at -2 and 2).

    By Gauss-Legendre quadrature of the density relative to its peak, over the part of the cut where
    that exceeds exp(-40): unlike the closed form it loses no digits in a narrow or a far cut.
    """
    peak = min(max(0.0, low), high)
    reach = math.sqrt(peak**2 + 80.0)
    a, b = max(low, -reach), min(high, reach)
    nodes, weights = np.polynomial.legendre.leggauss(96)
    x = (a + b) / 2 + (b - a) / 2 * nodes
    mass = weights * np.exp((peak - x) * (peak + x) / 2)
    mass /= mass.sum()
    centre = mass @ nodes
    return float((b - a) / 2 * np.sqrt(mass @ (nodes - centre) ** 2))


def variance_scaling(
    shape: Shape,
    rng: np.random.Generator,
    *,
    scale: float = 1.0,
    mode: str = "fan_in",
    distribution: str = "normal",
    groups: int = 1,
    transposed: bool = False,
    dtype: Any = None,
) -> Array:
    """Entries are centred with Var[W] = scale / fan, whatever their distribution.

    mode          "fan_in", "fan_out" or "fan_avg", the mean of the two
    distribution  "normal", "uniform" on +-sqrt(3 scale / fan), or "truncated_normal" at 2 parent sigmas
                  with its variance corrected

    Raises `UsageError` for unknown words, a negative scale, or a shape without two fans.
    """
    fan_in, fan_out = fans(shape, groups=groups, transposed=transposed)
    choices = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    if mode not in choices:
        raise unknown("mode", mode, choices)
    if distribution not in DISTRIBUTIONS:
        raise unknown("distribution", distribution, DISTRIBUTIONS)
    if not 0.0 <= scale < math.inf:
        raise UsageError(f"scale={scale!r}: must be finite and not negative")
    if 0 in shape:
        return np.empty(shape, floating(dtype))
    std = math.sqrt(scale / choices[mode])
    if distribution == "normal":
        return normal(shape, rng, std=std, dtype=dtype)
    if distribution == "uniform":
        bound = math.sqrt(3.0) * std
        return uniform(shape, rng, low=-bound, high=bound, dtype=dtype)
    return truncated_normal(shape, rng, std=std, dtype=dtype)


def _published(name: str, law: str, *, scale: float, fan: str, distribution: str) -> Callable[..., Array]:
    """A published scheme is variance scaling with its paper's scale, and its paper's fan unless asked."""

    def draw(
        shape: Shape,
        rng: np.random.Generator,
        *,
        mode: str = fan,
        groups: int = 1,
        transposed: bool = False,
        dtype: Any = None,
    ) -> Array:
        fan_of: dict[str, Any] = {"mode": mode, "groups": groups, "transposed": transposed}
        return variance_scaling(shape, rng, scale=scale, distribution=distribution, dtype=dtype, **fan_of)

    draw.__name__ = draw.__qualname__ = name  # so that it pickles by name
    draw.__doc__ = f"{distribution.replace('_', ' ').capitalize()} weights with {law}."
    return draw


_XAVIER = "Var[W] = 2 / (fan_in + fan_out) [Glorot & Bengio 2010, eqs. 12 and 16]"
_HE = "Var[W] = 2 / fan_in [He et al. 2015, eq. 10]"
_LECUN = "Var[W] = 1 / fan_in [LeCun et al. 1998, eq. 16]"
xavier_normal = _published("xavier_normal", _XAVIER, scale=1.0, fan="fan_avg", distribution="normal")
xavier_uniform = _published("xavier_uniform", _XAVIER, scale=1.0, fan="fan_avg", distribution="uniform")
xavier_truncated_normal = _published(
    "xavier_truncated_normal", _XAVIER, scale=1.0, fan="fan_avg", distribution="truncated_normal"
)
he_normal = _published("he_normal", _HE, scale=2.0, fan="fan_in", distribution="normal")
he_uniform = _published("he_uniform", _HE, scale=2.0, fan="fan_in", distribution="uniform")
he_truncated_normal = _published(
    "he_truncated_normal", _HE, scale=2.0, fan="fan_in", distribution="truncated_normal"
)
lecun_normal = _published("lecun_normal", _LECUN, scale=1.0, fan="fan_in", distribution="normal")
lecun_uniform = _published("lecun_uniform", _LECUN, scale=1.0, fan="fan_in", distribution="uniform")
lecun_truncated_normal = _published(
    "lecun_truncated_normal", _LECUN, scale=1.0, fan="fan_in", distribution="truncated_normal"
)


def orthogonal(shape: Shape, rng: np.random.Generator, *, gain: float = 1.0, dtype: Any = None) -> Array:
    """Rows or columns, whichever are fewer, are orthonormal times gain, and the matrix is Haar distributed.

    A convolution kernel is the matrix `(prod(kernel) * in, out)`. Fixing the signs of R's diagonal makes
    the factorisation of a Gaussian matrix unique and hence Q uniform over the orthogonal group.

    Raises `UsageError` for fewer than two axes or a gain that is not finite.
    Source: Saxe et al. 2014, sec. 3; Mezzadri 2007, "How to generate random matrices", sec. 5.
    """
    fans(shape)
    if not math.isfinite(gain):
        raise UsageError(f"gain={gain!r}: must be finite")
    if 0 in shape:
        return np.empty(shape, floating(dtype))
    rows, columns = math.prod(shape[:-1]), shape[-1]
    gaussian = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(gaussian)
    q *= np.where(np.diagonal(r) < 0, -gain, gain)
    return (q if rows >= columns else q.T).reshape(shape).astype(floating(dtype), copy=False)


def _require_spread(mean: float, std: float) -> None:
    if not (math.isfinite(mean) and 0.0 <= std < math.inf):
        raise UsageError(f"mean={mean!r}, std={std!r}: both must be finite, and std not negative")


INITIALIZERS: dict[str, Callable[..., Array]] = {
    draw.__name__: draw
    for draw in (
        zeros,
        ones,
        constant,
        normal,
        uniform,
        truncated_normal,
        variance_scaling,
        xavier_normal,
        xavier_uniform,
        xavier_truncated_normal,
        he_normal,
        he_uniform,
        he_truncated_normal,
        lecun_normal,
        lecun_uniform,
        lecun_truncated_normal,
        orthogonal,
    )
}
"""Every initialiser by the name of its scheme."""
