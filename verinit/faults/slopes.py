"""Activations whose slope is wrong: of another function, without its digits, of the wrong sign, or nan."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from verinit.faults.activations import Array, slope
from verinit.reference.activations import ACTIVATIONS


@slope("AC301", "sigmoid")
def x_times_one_minus_x(x: Array) -> Any:
    """The product y (1 - y) is formed of x: the cache holds the input, not the output."""
    return x * (1 - x)


@slope("AC301", "tanh")
def slope_at_the_output(x: Array) -> Any:
    """The derivative is called with y where it expects x: it applies tanh a second time."""
    return ACTIVATIONS["tanh"].derivative(np.tanh(x))


@slope("AC301", "tanh")
def square_forgotten(x: Array) -> Any:
    """1 - y in place of 1 - y^2."""
    return 1 - np.tanh(x)


@slope("AC301", "sigmoid")
def slope_with_the_sign_of_the_loss(x: Array) -> Any:
    """The minus of gradient descent is put here, and once more in the update."""
    return -ACTIVATIONS["sigmoid"].derivative(x)


@slope("AC301", "gelu")
def gelu_slope_without_density(x: Array) -> Any:
    """Phi(x) alone: the product rule is left off halfway."""
    return special.ndtr(x)


@slope("AC301", "silu")
def silu_slope_without_product_rule(x: Array) -> Any:
    """The gate s(x) alone, as if it were a constant."""
    return ACTIVATIONS["sigmoid"].value(x)


@slope("AC301", "leaky_relu")
def slope_on_the_left_missing(x: Array) -> Any:
    """The backward of relu is kept when the forward learns to leak."""
    return np.where(x > 0, x.dtype.type(1), x.dtype.type(0))


@slope("AC301", "elu")
def alpha_not_added_back(x: Array) -> Any:
    """The slope on the left is y + alpha, and only y is returned."""
    return np.where(x > 0, x.dtype.type(1), np.expm1(np.minimum(x, 0)))


@slope("AC301", "gelu")
def slope_of_the_approximation(x: Array) -> Any:
    """The forward is exact, the backward that of the approximation by tanh."""
    return ACTIVATIONS["gelu_tanh"].derivative(x)


@slope("AC302", "sigmoid")
def slope_by_one_minus_y(x: Array) -> Any:
    """The product y (1 - y) has no digit left where y rounds to 1."""
    y = ACTIVATIONS["sigmoid"].value(x)
    return y * (1 - y)


@slope("AC303", "silu")
def silu_slope_at_infinity(x: Array) -> Any:
    """The product s (1 + x (1 - s)) at +inf is inf times 0."""
    s = ACTIVATIONS["sigmoid"].value(x)
    return s * (1 + x * (1 - s))


@slope("AC304", "leaky_relu(slope=0.2)")
def both_slopes_at_zero(x: Array) -> Any:
    """(x >= 0) + slope (x <= 0): at 0 both are added."""
    return (x >= 0).astype(x.dtype) + x.dtype.type(0.2) * (x <= 0).astype(x.dtype)


@slope("AC304", "relu")
def slope_of_minus_one_at_zero(x: Array) -> Any:
    """A three-way comparison, `np.sign(x - tiny)`, comes out as -1 at 0."""
    return np.where(x == 0, x.dtype.type(-1), (x > 0).astype(x.dtype))


@slope("AC305", "sigmoid")
def slope_cut_off_at_ten(x: Array) -> Any:
    """Beyond 10 the slope is set to 0 as "saturated": at 13 it is 2e-6, and a unit there never comes back."""
    return np.where(np.abs(x) > 10, x.dtype.type(0), ACTIVATIONS["sigmoid"].derivative(x))


@slope("AC305", "tanh")
def slope_below_zero(x: Array) -> Any:
    """1 - y^2 of a tanh that exceeds 1 by its last bit is negative."""
    y = np.nextafter(np.tanh(x), np.copysign(x.dtype.type(np.inf), x))
    return 1 - y * y


@slope("AC306", "gelu_tanh")
def cube_that_overflows(x: Array) -> Any:
    """Multiplied out, the slope has a term x^3 sech^2: infinity times 0 from 1e13 on in float32."""
    c, cube = x.dtype.type(0.7978845608), x.dtype.type(0.044715)
    t = np.tanh(c * (x + cube * x * x * x))
    return (1 + t + (1 - t * t) * (c * x + 3 * c * cube * x * x * x)) / 2
