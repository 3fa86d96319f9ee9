"""How far a batch norm that is computed in a dtype may lie from its law, entry by entry.

All bounds are rigorous for the two-pass algorithm and for every order of its sums, up to the constants in
front of the unit roundoff u, which count the roundings of the longest of the usual ways to write a step; u'
is the roundoff of a step of a sum (`laws.batchnorm.Rounding`) and eta half the smallest number of the dtype.

mean        e = (n u' + 2u) mean|x|: a sum of n terms (Higham 2002, eq. 4.4), a division, a rounding
variance    the mean square of x - m' exceeds s^2 by e^2 exactly, as sum(x - m) = 0; the sum, two for the
            difference squared, the square, the division, epsilon, its sum and a rounding move s^2 + eps by a
            share K = n u' + 8u + (e^2 + 4 eta) / (s^2 + eps) at most
scale       then 1/S moves by a share rho = (1 - K)^(-1/2) - 1, and 3u for root, reciprocal, product
xhat        e / S (1 + rho) from the mean, |xhat| rho from the scale, and 6u (|x| + |m|) / S, as y may be
            computed as x alpha + (beta - m alpha) with alpha = gamma / S rounded
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import numpy as np

from verinit.laws.batchnorm import Batch, Rounding, Wide, scale, standardised, wide


def _told(bound: Callable[..., Wide]) -> Callable[..., Wide]:
    """The same bound, infinite where nothing is told: 0 times an infinite share is not a number."""

    @wraps(bound)
    def told(*arguments: Any) -> Wide:
        with np.errstate(invalid="ignore"):
            found = bound(*arguments)
        return np.where(np.isnan(found), np.inf, found)

    return told


def mean_error(b: Batch, r: Rounding) -> Wide:
    """How far a computed mean may lie from m; (D,)."""
    return (b.n * r.sums + 2 * r.unit) * b.size + r.least


def _share(b: Batch, eps: float, r: Rounding) -> Wide:
    """K: how far s^2 + eps may be moved, relative to itself; (D,)."""
    e, total = mean_error(b, r), b.variance + np.longdouble(eps)
    absolute = e * e + 4 * r.least
    return b.n * r.sums + 8 * r.unit + _over(absolute, total)


def _over(a: Wide, b: Wide) -> Wide:
    return np.divide(a, b, out=np.full_like(b, np.inf), where=b > 0)


def scale_error(b: Batch, eps: float, r: Rounding) -> Wide:
    """rho: how far a computed 1/S may lie from it, relative; infinite where nothing is left; (D,)."""
    k = _share(b, eps, r)
    root = np.sqrt(np.maximum(1 - k, 0))
    return _over(np.ones_like(k), root) - 1 + 3 * r.unit


def variance_error(b: Batch, r: Rounding) -> Wide:
    """How far a computed variance may lie from s^2, before any epsilon; (D,)."""
    e = mean_error(b, r)
    return (b.n * r.sums + 8 * r.unit) * (b.variance + e * e) + e * e + 4 * r.least


@_told
def standardised_error(b: Batch, eps: float, r: Rounding) -> Wide:
    """How far a computed xhat may lie from it; (n, D)."""
    s, rho = scale(b, eps), scale_error(b, eps, r)
    offset = mean_error(b, r) * (1 + rho) + 6 * r.unit * (np.abs(b.x) + np.abs(b.mean))
    return _over(offset, np.broadcast_to(s, b.x.shape)) + np.abs(standardised(b, eps)) * rho


@_told
def output_error(b: Batch, eps: float, gamma: Any, beta: Any, r: Rounding) -> Wide:
    """How far a computed y may lie from it: that of xhat, and 4u for product, shift and storing; (n, D)."""
    g, shift = np.abs(wide(gamma)), np.abs(wide(beta))
    last = 4 * r.unit * (g * np.abs(standardised(b, eps)) + shift) + 2 * r.least
    return g * standardised_error(b, eps, r) + last


def evaluated_error(x: Any, mean: Any, variance: Any, eps: float, gamma: Any, beta: Any, r: Rounding) -> Wide:
    """How far y in evaluation may lie from it, where the statistics are given: 8u of either term; (n, D)."""
    rows = np.abs(wide(x).reshape(-1, np.shape(x)[-1]))
    total = wide(variance) + np.longdouble(eps)
    slope = np.abs(wide(gamma)) / np.sqrt(total) * (1 + 4 * r.least / total)
    return (8 * r.unit + 4 * r.least / total) * (rows + np.abs(wide(mean))) * slope + (
        4 * r.unit * np.abs(wide(beta)) + 2 * r.least
    )


@_told
def input_gradient_error(b: Batch, eps: float, gamma: Any, cotangent: Any, r: Rounding) -> Wide:
    """How far a computed dx may lie from it; (n, D).

    dx = gamma / S (c - mean c - xhat G) with G = mean(c xhat), and mean(xhat) may be subtracted with mean c,
    as by code that sums both paths into the mean. So: the error of each mean, G's from xhat, xhat G's from
    both, the share rho of S three times, as S^3 may be formed, and 8u for the products.
    """
    c = np.abs(wide(cotangent).reshape(b.x.shape))
    xhat, dxhat = np.abs(standardised(b, eps)), standardised_error(b, eps, r)
    g = np.abs((wide(cotangent).reshape(b.x.shape) * standardised(b, eps)).mean(axis=0))
    dg = (c * dxhat).mean(axis=0) + (b.n * r.sums + 3 * r.unit) * (c * xhat).mean(axis=0)
    reach = g + dg
    whole = c + c.mean(axis=0) + (xhat + dxhat) * reach
    means = (b.n * r.sums + 2 * r.unit) * (c.mean(axis=0) + (xhat + dxhat).mean(axis=0) * reach)
    crossed = dxhat * reach + dxhat.mean(axis=0) * reach + xhat * dg
    shares = (1 + scale_error(b, eps, r)) ** 3 - 1 + 8 * r.unit
    s = np.broadcast_to(scale(b, eps), b.x.shape)
    return np.abs(wide(gamma)) * _over((means + crossed) * (1 + shares) + shares * whole, s) + 2 * r.least


def foreseen(n: int, eps: float, r: Rounding, *, offset: float = 2.0) -> float:
    """The error of a typical xhat that may be foreseen of n rows with |m| = offset S and |x - m| = 2 S.

    The same terms as above, with s = S and the smallest S that eps allows; it says below which departure
    rounding hides what a check looks for.
    """
    e = (n * r.sums + 2 * r.unit) * (offset + 1.0) + r.least / max(eps, r.least) ** 0.5
    k = n * r.sums + 8 * r.unit + e * e + 4 * r.least / max(eps, 4 * r.least)
    rho = (1.0 - min(k, 0.9)) ** -0.5 - 1.0 + 3 * r.unit
    return float(e * (1.0 + rho) + 6 * r.unit * (2.0 + 2.0 * offset) + 2.0 * rho + 8 * r.unit)


@_told
def gamma_gradient_error(b: Batch, eps: float, cotangent: Any, r: Rounding) -> Wide:
    """How far a computed sum c xhat may lie from it; (D,)."""
    c = np.abs(wide(cotangent).reshape(b.x.shape))
    xhat, dxhat = np.abs(standardised(b, eps)), standardised_error(b, eps, r)
    return (c * dxhat + (b.n * r.sums + 3 * r.unit) * c * (xhat + dxhat)).sum(axis=0) + 2 * r.least


def beta_gradient_error(b: Batch, cotangent: Any, r: Rounding) -> Wide:
    """How far a computed sum c may lie from it; (D,)."""
    c = np.abs(wide(cotangent).reshape(b.x.shape))
    return (b.n * r.sums + 2 * r.unit) * c.sum(axis=0) + 2 * r.least


def moved_error(
    start: Any, values: Sequence[Any], errors: Sequence[Any], keeps: Sequence[float], r: Rounding
) -> Wide:
    """How far running statistics may lie from `laws.batchnorm.moved`; (D,).

    errors  how far each batch's own statistic may lie off
    Each step takes six roundings of either term: of the factor and of its complement, two products, a sum,
    and the storing; what was wrong before is kept in the share a.
    """
    running, off = wide(start), np.zeros_like(wide(start))
    for value, error, keep in zip(values, errors, keeps, strict=True):
        a = np.longdouble(keep)
        size = a * np.abs(running) + (1 - a) * np.abs(value)
        off = (1 + 6 * r.unit) * (a * off + (1 - a) * error) + 6 * r.unit * size + 2 * r.least
        running = a * running + (1 - a) * value
    return off
