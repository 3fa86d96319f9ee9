"""What a dtype excuses: every tolerance that comes from rounding is derived on this page.

`u` is the unit roundoff, half the distance from 1 to the next larger number: a value rounded to nearest
moves by at most `u |x|` (Higham 2002, section 2.1). Below the smallest normal number it moves by at most
half the smallest subnormal. Where rounding makes an S-shaped function exactly flat is in `saturation`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from verinit.vocabulary import unknown

UNIT_ROUNDOFF = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}
_SMALLEST = {"float16": 2.0**-24, "bfloat16": 2.0**-133, "float32": 2.0**-149, "float64": 2.0**-1074}


def unit_roundoff(dtype: str) -> float:
    """`u` of a floating dtype.

    Raises `UsageError` for a dtype without rounding rules here.
    """
    if dtype not in UNIT_ROUNDOFF:
        raise unknown("floating dtype", dtype, UNIT_ROUNDOFF)
    return UNIT_ROUNDOFF[dtype]


COARSE = ("float16", "bfloat16")
"""Dtypes so coarse that what rounding excuses would hide what must be seen. Their numbers are put back to
a random place of the rounding cell they came from before any test, by the law that is claimed: a number of
that law, rounded once, then has the law exactly. What is left to excuse is the rounding of the scale.
"""


def half_ulp(x: float | NDArray[np.float64], dtype: str) -> NDArray[np.float64]:
    """How far a number that was rounded to `x` may lie from it; units of `x`."""
    return np.maximum(unit_roundoff(dtype) * np.abs(x), _SMALLEST[dtype] / 2)


def computed(x: float | NDArray[np.float64], dtype: str) -> NDArray[np.float64]:
    """How far a weight that was computed in its dtype may lie from its law's; units of `x`.

    A scale sqrt(scale / fan) takes a division, a product and a root (u / 2 + u / 2 + u), its product with
    the draw and the draw itself one rounding each: four at most.
    """
    return 4.0 * half_ulp(x, dtype)


def scale_excuse(dtype: str) -> float:
    """How far a scale sqrt(scale / fan) that was computed in its dtype may lie from the true one, relative.

    As `computed`, without the rounding of the product, which the random place in the cell undoes.
    """
    return 3.0 * unit_roundoff(dtype)


def offset(mean: float, std: float) -> float:
    """1 + |mean| / std: how much larger the numbers are than their spread, hence the rounding."""
    return 1.0 + abs(mean) / std


def mean_excuse(dtype: str, mean: float, std: float) -> float:
    """How far rounding may move the mean, in units of std.

    One rounding of every value moves it by `u E|x|` at most, and E|x| <= std + |mean|; a generator that
    draws from a lattice of step `2u` instead of the continuum moves it once more by the same. Each moves
    a number too small to be normal by half the smallest subnormal instead. Of a coarse dtype only the
    scale is left to excuse, and it moves the mean by its share.
    """
    if dtype in COARSE:
        return scale_excuse(dtype) * abs(mean) / std
    return 2.0 * unit_roundoff(dtype) * offset(mean, std) + _SMALLEST[dtype] / std


def variance_excuse(dtype: str, mean: float, std: float) -> float:
    """How far rounding may move the mean square, relative to it.

    Twice the excuse of the mean, as (x (1 + d))^2 = x^2 (1 + 2 d) to first order, times the offset, as
    an offset law is larger than its spread. Of a coarse dtype only the scale is left to excuse.
    """
    if dtype in COARSE:
        return scale_excuse(dtype) * (2.0 + scale_excuse(dtype)) * offset(mean, std) ** 2
    return 2.0 * mean_excuse(dtype, mean, std) * offset(mean, std)


def distribution_excuse(dtype: str, mean: float, std: float) -> float:
    """How far rounding may move a distribution function.

    Rounding moves x by `u |x|`, past a mass of `u |x| f(x)`; `|x| f(x) <= 1 + |mean| / std` for every law
    of the catalogue (normal, uniform and truncated normal have `f <= 1/std`, as every log-concave
    density). A lattice of step `2u` in probability adds `2u`. Among subnormal numbers a cell is as wide
    as the smallest of them. Of a coarse dtype only the scale is left to excuse, and for a law centred in
    its spread `|x| f(x)` is at most 1/2, the uniform law's at its bounds.
    """
    if dtype in COARSE:
        return scale_excuse(dtype) * offset(mean, std) / 2
    return heaviest_cell(dtype, mean, std)


def heaviest_cell(dtype: str, mean: float, std: float) -> float:
    """An upper bound on the mass of any one value of a dtype.

    A cell of width `2u |x|` holds at most `2u |x| f(x)`, which is `u` in a centred law; a lattice of step
    `2u` in probability adds `2u`; see `distribution_excuse`.
    """
    return 3.0 * unit_roundoff(dtype) * offset(mean, std) + _SMALLEST[dtype] / std


def last_bit_excuse(dtype: str) -> float:
    """How far the share of odd significands of a law may be from one half.

    Cells come in pairs, even and odd, of equal width 2u|x|; within a pair the density of a law of the
    catalogue changes by a share `2u |x f'/f|` of itself, which averages to at most 2u, as E|x f'/f| is 1 for
    a centred normal law and 0 for a uniform one. The last cell of a bounded law may be missing: u again; and
    where the step of the cells doubles, so may one more.
    """
    return 4.0 * unit_roundoff(dtype)


def gram_excuse(dtype: str, rows: int, columns: int) -> float:
    """How far Q'Q may be from the identity, entry by entry, for Q computed by Householder QR.

    Each column of the computed Q is within `gamma(rows * columns)` of an orthonormal one (Higham 2002,
    theorem 19.4, with constant 1); the gain is rounded, and its product with the column: two more. An
    entry of the Gram matrix moves by twice the sum. Half precision has no factorisation of its own: it is
    made in single precision, and rounded once more.
    """
    if dtype in COARSE:
        made = (rows * columns + 2) * unit_roundoff("float32")
        return 2.0 * (made + 3.0 * unit_roundoff(dtype))
    return 2.0 * (rows * columns + 2) * unit_roundoff(dtype)
