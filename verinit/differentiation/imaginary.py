"""The complex step: Im f(x + i h s) / h is the derivative along s without any subtraction, if f is analytic.

Squire & Trapp 1998. It is right to rounding where every operation continues into the complex plane, and wrong
without a word where one does not: |x|, the variance and the norm of NumPy drop the imaginary part. So its
answer counts only where it agrees with real differences, and where the real part is the function itself.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from verinit.differentiation.problems import Array, Wide, wide

STEP = 2.0**-100
"""So small that its square, the truncation error, is below the last bit of anything."""
ROUNDINGS = 16.0
"""Rounding units, of what the terms of the derivative add up to without cancelling, that it may be off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complex:
    """A derivative by complex step, or why there is none."""

    value: float = math.nan
    tolerance: float = math.inf
    refused: str = ""


def complex_step(
    forward: Callable[..., Array],
    inputs: Sequence[Array],
    j: int,
    s: Wide,
    cotangent: Wide,
    *,
    beside: float,
    within: float,
) -> Complex:
    """The derivative of <cotangent, forward> along `s` of input `j`.

    beside, within: the same derivative by real differences and its tolerance. An answer further from it is
    refused: some operation is not analytic. So is code that does not take complex numbers.
    """
    x = np.asarray(inputs[j])
    if x.dtype != np.float64:
        return Complex(refused=f"complex numbers of double precision only; the input is {x.dtype}")
    stepped = (*inputs[:j], x + 1j * STEP * s, *inputs[j + 1 :])
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy says when an imaginary part is dropped; so do we
            y = np.asarray(forward(*stepped))
            real = wide(forward(*inputs))
    except (TypeError, ValueError) as error:
        return Complex(refused=f"the function takes no complex numbers ({type(error).__name__})")
    if y.dtype.kind != "c":
        return Complex(refused="the function drops the imaginary part: some operation of it is not analytic")
    if not np.array_equal(np.isfinite(y.real), np.isfinite(real)):
        return Complex(refused="the complex function overflows where the real one does not")
    terms = cotangent * (y.imag / STEP)
    value = float(np.sum(terms))
    tolerance = ROUNDINGS * float(np.finfo(np.float64).eps) * float(np.linalg.norm(terms))
    if not abs(value - beside) <= within + tolerance:
        return Complex(
            refused=f"it says {value:.6g} where differences say {beside:.6g} +- {within:.1g}: some operation "
            "is not analytic (|x|, a variance or a norm drops the imaginary part)"
        )
    return Complex(value=value, tolerance=tolerance)
