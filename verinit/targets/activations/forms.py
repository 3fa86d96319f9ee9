"""Functions of a framework as activations: the value, and the slope that its own autodiff finds."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from verinit.vocabulary import Target

Array = NDArray[Any]
DTYPES = ("float32", "float64", "float16", "bfloat16")
PARAMETERS = ("scale", "special")
"""Parameters of a case: the scale of the numbers that are drawn, and whether special ones are among them."""

TIMES_ZERO = "the formula multiplies an infinite x by 0, which is nan"
"""Why functions that are x times a distribution have no limit at infinity as they are computed."""
LIMITS = (("AC204", TIMES_ZERO), ("AC303", TIMES_ZERO))
ONE_MINUS = "1 - y cancels where y is near 1, and no digit of a small slope is left"
ONE_PLUS = "1 + erf or 1 + tanh cancels on the left, and no digit of the tail is left"
"""Formulas that are published so, and lose what they lose."""

Expected = tuple[tuple[str, str], ...]
"""Codes that are known to fail, each with its reason."""


class Passes(Protocol):
    """A function and the product of a cotangent with its Jacobian, over NumPy arrays."""

    def forward(self, *inputs: Array) -> Any: ...
    def backward(self, cotangent: Array, *inputs: Array) -> tuple[Any, ...]: ...


class Differentiated:
    """An elementwise function of a framework: the slope at x is its autodiff's gradient for the cotangent 1.

    It is elementwise: entry i of the gradient of sum(f(x)) is f'(x_i) and nothing else.
    """

    def __init__(self, passes: Passes) -> None:
        self._passes = passes

    def value(self, x: Array) -> Any:
        """f(x), of the shape and dtype of x."""
        return self._passes.forward(x)

    def derivative(self, x: Array) -> Any:
        """f'(x), of the shape and dtype of x."""
        return self._passes.backward(np.ones_like(x), x)[0]


def built_in(
    name: str,
    like: str,
    activation: Any,
    *,
    dtypes: tuple[str, ...] = DTYPES,
    expected: Expected = (),
) -> Target:
    """An activation of one of the families, under the name by which it is asked for."""
    return Target(
        name=name,
        kind="activation",
        object=activation,
        declared=(("like", like),),
        expected=expected,
        parameters=PARAMETERS,
        dtypes=dtypes,
    )
