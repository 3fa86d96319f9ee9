"""What a dtype excuses: every tolerance that comes from rounding is derived on this page.

`u` is the unit roundoff, half the distance from 1 to the next larger number: a value rounded to nearest
moves by at most `u |x|` (Higham 2002, section 2.1). Below the smallest normal number it moves by at most
half the smallest subnormal.
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


def half_ulp(x: float | NDArray[np.float64], dtype: str) -> NDArray[np.float64]:
    """How far a number that was rounded to `x` may lie from it; units of `x`."""
    return np.maximum(unit_roundoff(dtype) * np.abs(x), _SMALLEST[dtype] / 2)


def computed(x: float | NDArray[np.float64], dtype: str) -> NDArray[np.float64]:
    """How far a weight that was computed in its dtype may lie from its law's; units of `x`.

    A scale sqrt(scale / fan) takes a division, a product and a root (u / 2 + u / 2 + u), its product with
    the draw and the draw itself one rounding each: four at most.
    """
    return 4.0 * half_ulp(x, dtype)


def offset(mean: float, std: float) -> float:
    """1 + |mean| / std: how much larger the numbers are than their spread, hence the rounding."""
    return 1.0 + abs(mean) / std


def mean_excuse(dtype: str, mean: float, std: float) -> float:
    """How far rounding may move the mean, in units of std.

    One rounding of every value moves it by `u E|x|` at most, and E|x| <= std + |mean|; a generator that
    draws from a lattice of step `2u` instead of the continuum moves it once more by the same. Each moves
    a number too small to be normal by half the smallest subnormal instead.
    """
    return 2.0 * unit_roundoff(dtype) * offset(mean, std) + _SMALLEST[dtype] / std


def variance_excuse(dtype: str, mean: float, std: float) -> float:
    """How far rounding may move the mean square, relative to it.

    Twice the excuse of the mean, as (x (1 + d))^2 = x^2 (1 + 2 d) to first order, times the offset, as
    an offset law is larger than its spread.
    """
    return 2.0 * mean_excuse(dtype, mean, std) * offset(mean, std)


def distribution_excuse(dtype: str, mean: float, std: float) -> float:
    """How far rounding may move a distribution function.

    Rounding moves x by `u |x|`, past a mass of `u |x| f(x)`; `|x| f(x) <= 1 + |mean| / std` for every law
    of the catalogue (normal, uniform and truncated normal have `f <= 1/std`, as every log-concave
    density). A lattice of step `2u` in probability adds `2u`. Among subnormal numbers a cell is as wide
    as the smallest of them.
    """
    return 3.0 * unit_roundoff(dtype) * offset(mean, std) + _SMALLEST[dtype] / std


def gram_excuse(dtype: str, rows: int, columns: int) -> float:
    """How far Q'Q may be from the identity, entry by entry, for Q computed by Householder QR.

    Each column of the computed Q is within `gamma(rows * columns)` of an orthonormal one (Higham 2002,
    theorem 19.4, with constant 1); the gain is rounded, and its product with the column: two more. An
    entry of the Gram matrix moves by twice the sum.
    """
    return 2.0 * (rows * columns + 2) * unit_roundoff(dtype)
