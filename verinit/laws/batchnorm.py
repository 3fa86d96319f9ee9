"""What batch normalisation makes of a batch, forward and backward, and what rounding excuses.

Feature by feature, over the n rows of a batch with mean m and biased variance s^2,

    xhat = (x - m) / sqrt(s^2 + eps)        y = gamma xhat + beta

so y has mean beta and variance gamma^2 s^2 / (s^2 + eps), below gamma^2 by the share eps / (s^2 + eps).
With d = x - m and S = sqrt(s^2 + eps), the quotient rule gives the Jacobian

    dy_i / dx_k = gamma ((i = k) - 1/n) / S - gamma d_i d_k / (n S^3)

which is symmetric; dx is its product with the cotangent c. Two identities follow: sum dx = 0, and
sum dx xhat = gamma / S * sum(c xhat) * eps / (s^2 + eps), which is 0 but for eps.

Everything is computed in NumPy's longest floating type, from inputs that are exact. Rounding is bounded for
the two-pass algorithm (mean first, then squares of differences), whose error grows with |m| / S, whereas
that of E[x^2] - E[x]^2 grows with its square (Higham 2002, sec. 1.9; Chan, Golub & LeVeque 1983).

Source: Ioffe & Szegedy 2015, algorithms 1 and 2, and section 3 for the backward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from verinit.laws.rounding import COARSE, half_ulp, unit_roundoff

Wide = Any
"""An array of the longest floating type, of whose arithmetic NumPy's own types know nothing."""
OWN = float(np.finfo(np.longdouble).eps) / 2
"""Unit roundoff of the numbers on this page."""


def wide(x: Any) -> Wide:
    """The same numbers in the longest floating type."""
    return np.asarray(x).astype(np.float64).astype(np.longdouble)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch feature by feature: x (n, D); its mean, biased variance and mean size |x|, each (D,)."""

    x: Wide
    mean: Wide
    variance: Wide
    size: Wide

    @property
    def n(self) -> int:
        """Rows, over which statistics are taken."""
        return len(self.x)


def batch(x: Any) -> Batch:
    """The moments of `x: (N, ..., D)` over all axes but the last."""
    rows = wide(x).reshape(-1, np.shape(x)[-1])
    mean = rows.mean(axis=0)
    mean = mean + (rows - mean).mean(axis=0)  # once more: what was lost to a large offset
    off = rows - mean
    return Batch(x=rows, mean=mean, variance=(off * off).mean(axis=0), size=np.abs(rows).mean(axis=0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rounding:
    """unit: of one operation; sums: of one step of a sum; least: half the smallest number of the dtype.

    Two-byte numbers are summed in float32 or wider: a mean of 300 of them in their own dtype is a mistake,
    not rounding. To each the roundoff of this page's own numbers is added.
    """

    unit: float
    sums: float
    least: float


def rounding(dtype: str) -> Rounding:
    """What is excused of arithmetic in a dtype."""
    unit = unit_roundoff(dtype)
    sums = unit_roundoff("float32") if dtype in COARSE else unit
    return Rounding(unit=unit + OWN, sums=sums + OWN, least=float(half_ulp(0.0, dtype)))


def scale(b: Batch, eps: float) -> Wide:
    """S = sqrt(s^2 + eps); (D,)."""
    return np.sqrt(b.variance + np.longdouble(eps))


def standardised(b: Batch, eps: float) -> Wide:
    """Xhat = (x - m) / S, (n, D); 0 where S is."""
    s = scale(b, eps)
    return np.divide(b.x - b.mean, s, out=np.zeros_like(b.x), where=s > 0)


def output_std(b: Batch, eps: float) -> Wide:
    """The standard deviation of xhat: s / sqrt(s^2 + eps), below 1; (D,)."""
    s = scale(b, eps)
    return np.divide(np.sqrt(b.variance), s, out=np.zeros_like(s), where=s > 0)


def output(b: Batch, eps: float, gamma: Any, beta: Any) -> Wide:
    """Y = gamma xhat + beta, (n, D)."""
    return wide(gamma) * standardised(b, eps) + wide(beta)


def evaluated(x: Any, mean: Any, variance: Any, eps: float, gamma: Any, beta: Any) -> Wide:
    """Y = gamma (x - mean) / sqrt(variance + eps) + beta for given statistics, (n, D)."""
    rows = wide(x).reshape(-1, np.shape(x)[-1])
    return wide(gamma) * (rows - wide(mean)) / np.sqrt(wide(variance) + np.longdouble(eps)) + wide(beta)


def input_gradient(b: Batch, eps: float, gamma: Any, cotangent: Any) -> Wide:
    """Dx = J c with the Jacobian J at the head of this page; (n, D)."""
    c = wide(cotangent).reshape(b.x.shape)
    s, off = scale(b, eps), b.x - b.mean
    along_mean = (c - c.mean(axis=0)) / s
    along_variance = off * ((c * off).sum(axis=0) / (b.n * s * s * s))
    return wide(gamma) * (along_mean - along_variance)


def gamma_gradient(b: Batch, eps: float, cotangent: Any) -> Wide:
    """dL/dgamma = sum c xhat, (D,)."""
    return (wide(cotangent).reshape(b.x.shape) * standardised(b, eps)).sum(axis=0)


def beta_gradient(b: Batch, cotangent: Any) -> Wide:
    """dL/dbeta = sum c, (D,)."""
    return wide(cotangent).reshape(b.x.shape).sum(axis=0)


def alignment(b: Batch, eps: float, gamma: Any, cotangent: Any) -> Wide:
    """Sum dx xhat = gamma / S * sum(c xhat) * eps / (s^2 + eps), (D,)."""
    s = scale(b, eps)
    return wide(gamma) / s * gamma_gradient(b, eps, cotangent) * (np.longdouble(eps) / (s * s))


def moved(start: Any, values: Sequence[Any], keeps: Sequence[float]) -> Wide:
    """r_k = a_k r_{k-1} + (1 - a_k) v_k: running statistics after all batches; r_0 = `start`."""
    running = wide(start)
    for value, keep in zip(values, keeps, strict=True):
        running = np.longdouble(keep) * running + (1 - np.longdouble(keep)) * value
    return running


def bessel(b: Batch, unbiased: bool) -> Wide:
    """The variance that a running variance takes in: divisor n - 1 where `unbiased`, n otherwise; (D,)."""
    return b.variance * (np.longdouble(b.n) / (b.n - 1)) if unbiased else b.variance
