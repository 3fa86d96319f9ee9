"""How far code that computes an activation may err: by its conditioning, and by its published formula.

Running error analysis (Higham 2002, section 3.3): an operation that is rounded errs by u times its result,
and an exp or tanh of a library by a few. So a value errs by u times the sum of

kept   |f| and |x f'|, the condition number times |f|: no code can do better, as x log2(e) or x / sqrt(2) is
       itself rounded. Sums of terms enter by their absolute values
terms  what the published formula adds and subtracts on the way where that is larger: 1 + erf, exp(x) - 1,
       1 - y, y + alpha. Another formula avoids it, and loses no digit where this one loses all

times a number of operations, `OPERATIONS`. Below the smallest normal number results may be flushed to zero,
and so may what they are products of; that is then multiplied by x, or by a slope.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from verinit.laws.activations import Profile
from verinit.laws.rounding import unit_roundoff
from verinit.laws.saturation import smallest_normal

Floats = NDArray[np.float64]

OPERATIONS = 8.0
"""Roundings of a sound implementation, in units of u (kept + terms): calibrated, not proved.

On every activation of numpy, scipy, torch and jax, in every dtype, the worst value is off by 3.5 units
(XLA's float64 tanh; torch's float32 gelu 3.3) and the worst slope by 4.7 (one minus the square of that tanh);
all others stay below 2.1. The next power of two is allowed, as libraries differ by processor;
`tests/numeric/test_activation_budgets.py` repeats the measurement.
"""
TRUTH = 4.0
"""Units of float64's u times `kept` by which the laws themselves err: 3 at most, beside 60-digit arithmetic
(`tests/numeric/test_activation_laws.py`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What errors are relative to at every x, of the value or of the slope.

    kept    what no code can avoid, beside u
    terms   what the published formula adds, beside u
    factor  by what a number that was flushed to zero on the way is multiplied
    """

    kept: Floats
    terms: Floats
    factor: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What both functions of one activation need: x, its size, and the dtype's u."""

    x: Floats
    a: Floats
    u: float
    law: Profile

    @property
    def none(self) -> Floats:
        """Zeros."""
        return np.zeros_like(self.x)

    @property
    def ones(self) -> Floats:
        """Ones."""
        return np.ones_like(self.x)

    def surviving(self, share: Floats) -> Floats:
        """1 while a share can be told from 0 beside 1 in twice the digits, then falling to 0.

        Where 1 + erf or 1 + tanh is long exactly 0, so is its error, however large the factor x.
        """
        return np.minimum(1.0, share / self.u**2)


Pair = tuple[Sizes, Sizes]
_TAIL = 1024.0
"""Beyond it every tail is 0 in float64, so that products with it are 0 too, and no power of it overflows."""


def _both(
    value: tuple[Floats, Floats], slope: tuple[Floats, Floats], a: Floats, *, steep: Floats | None = None
) -> Pair:
    """Sizes from (kept, terms) of value and slope; steep: by what else a slope multiplies."""
    factor = 2.0 + a
    first = Sizes(kept=value[0], terms=value[1], factor=factor)
    return first, Sizes(kept=slope[0], terms=slope[1], factor=factor if steep is None else factor + steep)


def _sigmoid(n: Numbers) -> Pair:
    s = special.expit(n.x)
    d = s * special.expit(-n.x)
    return _both((s + n.a * d, n.ones), (d + n.a * d, n.ones), n.a)


def _tanh(n: Numbers) -> Pair:
    t, d = np.abs(np.tanh(n.x)), n.law.slope(n.x)
    return _both((t + n.a * d, n.ones), (d + 2.0 * n.a * t * d, 1.0 + 2.0 * t * t), n.a)


def _exact(n: Numbers) -> Pair:
    return _both((n.none, n.none), (n.none, n.none), n.none)


def _linear(n: Numbers) -> Pair:
    """Leaky ReLU; on the right it may be a rounded sum too, as in a x + b |x|, which cancels on the left."""
    slope = np.where(n.x < 0, n.law.parameter("slope"), 1.0)
    return _both((np.abs(n.x) * slope, n.none), (slope, n.none), n.none)


def _exponential(n: Numbers) -> Pair:
    """ELU and SELU: left expm1, right a line of slope 1 or lambda."""
    left, right = abs(n.law.low), n.law.slope_ends[1]
    e, below = np.exp(np.minimum(n.x, 0.0)), n.x < 0
    line = 0.0 if right == 1.0 else right
    terms = np.where(below, left, 0.0)
    kept = np.where(below, left * (np.abs(np.expm1(np.minimum(n.x, 0.0))) + n.a * e), line * np.abs(n.x))
    return _both((kept, terms), (np.where(below, left * (1.0 + n.a) * e, line), terms), n.a)


def _gelu(n: Numbers) -> Pair:
    a, cdf, size = n.a, special.ndtr(n.x), np.abs(n.x)
    pdf = np.exp(-0.5 * a * a) / math.sqrt(2.0 * math.pi)
    return _both(
        (2.0 * (size * cdf) + a * a * pdf, size * n.surviving(cdf)),
        (cdf + a * pdf + a * pdf * (2.0 + a * a), n.ones),
        a,
    )


_FAR = 50.0
"""Beyond it the s of gelu_tanh is 0 or 1 in float64."""


def _gelu_tanh(n: Numbers) -> Pair:
    a, c, cube = np.minimum(n.a, _FAR), 2.0 * math.sqrt(2.0 / math.pi), 0.044715
    v = c * (a + cube * a**3)
    first, second = c * (1.0 + 3.0 * cube * a * a), 6.0 * c * cube * a
    far = special.expit(-v)
    s = np.where(n.x < 0, far, special.expit(v))
    d = far * special.expit(v)
    size = np.abs(n.x)
    return _both(
        (2.0 * (size * s) + a * a * first * d, size * n.surviving(s)),
        (s + a * d * (3.0 * first + a * second + a * first * first), 1.0 + a * first * n.surviving(far)),
        n.a,
        steep=a * first,
    )


def _silu(n: Numbers) -> Pair:
    a, s, size = n.a, special.expit(n.x), np.abs(n.x)
    d = s * special.expit(-n.x)
    return _both(
        (2.0 * (size * s) + a * a * d, size * n.surviving(s)),
        (s + a * d * (3.0 + a), 1.0 + a * n.surviving(d)),
        a,
    )


def _softplus(n: Numbers) -> Pair:
    a, s = n.a, special.expit(n.x)
    lost = np.where(n.x > 0, a * n.surviving(np.exp(-a)), 0.0)  # exp(x - softplus(x)) is off by u |x|
    value = n.law.value(n.x)
    return _both((value + np.abs(n.x) * s, n.ones), (s * (1.0 + a * special.expit(-n.x) + lost), n.ones), a)


_SIZES: dict[str, Callable[[Numbers], Pair]] = {
    "sigmoid": _sigmoid,
    "tanh": _tanh,
    "relu": _exact,
    "identity": _exact,
    "leaky_relu": _linear,
    "elu": _exponential,
    "selu": _exponential,
    "gelu": _gelu,
    "gelu_tanh": _gelu_tanh,
    "silu": _silu,
    "softplus": _softplus,
}


def sizes(f: Profile, x: Floats, dtype: str) -> Pair:
    """What rounding errors are relative to, of value and of slope, at finite x, for code in `dtype`."""
    with np.errstate(all="ignore"):
        numbers = Numbers(x=x, a=np.minimum(np.abs(x), _TAIL), u=unit_roundoff(dtype), law=f)
        return _SIZES[f.name](numbers)


def budget(s: Sizes, dtype: str) -> Floats:
    """How far code may be from the law: roundings, underflow, and the error of the law itself."""
    u, wide = unit_roundoff(dtype), unit_roundoff("float64")
    with np.errstate(over="ignore"):
        rounded = OPERATIONS * u * (s.kept + s.terms) + TRUTH * wide * s.kept
        return rounded + smallest_normal(dtype) * s.factor


def half_the_digits(s: Sizes, dtype: str) -> Floats:
    """How far a result may be off that keeps half of the digits that its conditioning leaves.

    A stated margin: beyond it lies what cancellation does, which leaves no digit at all.
    """
    alone = budget(replace(s, terms=np.zeros_like(s.kept)), dtype)
    with np.errstate(over="ignore"):
        return alone + math.sqrt(unit_roundoff(dtype)) * s.kept
