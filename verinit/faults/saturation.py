"""Sigmoids, tanhs and losses that are flat where rounding does not make them so, or are never flat at all."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.faults.registry import plant
from verinit.vocabulary import Case, Fault, Target

Array = NDArray[Any]
Function = Callable[[Array], Array]
DTYPES = ("float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A value and a derivative that need not belong together."""

    value: Function
    derivative: Function


def sigmoid(x: Array) -> Array:
    """As textbooks write it."""
    return np.asarray(1 / (1 + np.exp(-x)))


def slope(x: Array) -> Array:
    """The slope by the output: y (1 - y)."""
    y = sigmoid(x)
    return np.asarray(y * (1 - y))


def tanh_slope(x: Array) -> Array:
    """1 - y^2."""
    return np.asarray(1 - np.tanh(x) ** 2)


def curve(*codes: str, like: str = "sigmoid", cases: str = "8x8/float64") -> Callable[[Any], Any]:
    """Plant what the decorated function returns: value and derivative."""

    def planted(make: Callable[[], tuple[Function, Function]]) -> Any:
        value, derivative = make()
        name = make.__name__
        plant(
            Fault(
                name=name,
                codes=codes,
                target=Target(
                    name=f"fault:{name}",
                    kind="activation",
                    object=Curve(value=value, derivative=derivative),
                    declared=(("like", like),),
                    dtypes=DTYPES,
                    replayable=False,
                ),
                story=inspect.getdoc(make) or "",
                cases=tuple(map(Case.parse, cases.split())),
            )
        )
        return make

    return planted


@curve("SA101", "SA102", cases="8x8/float64 8x8/float32")
def argument_clipped_at_ten() -> tuple[Function, Function]:
    """The argument is clipped to [-10, 10] against a warning of overflow.

    The value stops 4.5e-5 short of its limits, and beyond 10 a true slope would be 0 everywhere.
    """
    return lambda x: sigmoid(np.clip(x, -10, 10)), slope


@curve("SA101", "SA102", cases="8x8/float64 8x8/float32")
def kept_off_one() -> tuple[Function, Function]:
    """Outputs are clipped to [1e-7, 1 - 1e-7], so that a logarithm behind them stays finite."""
    return lambda x: np.clip(sigmoid(x), 1e-7, 1 - 1e-7), slope


@curve("SA101", cases="8x8/float64 8x8/float32")
def sigmoid_of_half_precision() -> tuple[Function, Function]:
    """A mixed-precision kernel computes in float16, and its result is cast to what the caller uses."""
    return lambda x: sigmoid(x.astype(np.float16)).astype(x.dtype), slope


@curve("SA101", cases="8x8/float64 8x8/float32 8x8/bfloat16")
def straight_between_three_and_three() -> tuple[Function, Function]:
    """Hard sigmoid, (x + 3) / 6 cut to [0, 1], is deployed under the name of sigmoid."""
    return lambda x: np.clip(x / x.dtype.type(6) + x.dtype.type(0.5), 0, 1), slope


@curve("SA102", cases="8x8/float64 8x8/float32 8x8/float16")
def through_tanh() -> tuple[Function, Function]:
    """Sigmoid is formed as (1 + tanh(x/2)) / 2, which cannot overflow.

    On the left 1 + tanh cancels: the tail of exp(x) is lost from -38 on instead of -745.
    """
    return lambda x: np.asarray((1 + np.tanh(x / 2)) / 2), slope


@curve("SA102", cases="8x8/float64 8x8/float32 8x8/float16 8x8/bfloat16")
def one_minus_the_mirrored() -> tuple[Function, Function]:
    """The left half is computed as 1 - s(-x), by a symmetry that rounding does not have."""
    return lambda x: np.where(x < 0, 1 - sigmoid(np.abs(x)), sigmoid(np.abs(x))), slope


@curve("SA103", cases="8x8/float64 8x8/float32 8x8/float16")
def slope_of_the_quotient() -> tuple[Function, Function]:
    """The quotient rule is written out, exp(-x) / (1 + exp(-x))^2, or left to autodiff.

    The square overflows at half the range of exp: from there on the slope is 0 while the value is not.
    """

    def derivative(x: Array) -> Array:
        e = np.exp(-x)
        with np.errstate(over="ignore"):
            return np.asarray(e / ((1 + e) * (1 + e)))

    return sigmoid, derivative


@curve("SA103", cases="8x8/float64 8x8/float32")
def output_stored_in_half() -> tuple[Function, Function]:
    """Activations are kept in float16 for the backward pass, to save memory."""

    def derivative(x: Array) -> Array:
        y = sigmoid(x).astype(np.float16)
        return (y * (1 - y)).astype(x.dtype)

    return sigmoid, derivative


@curve("SA103", like="tanh", cases="8x8/float64 8x8/float32")
def tanh_stored_in_half() -> tuple[Function, Function]:
    """Activations are kept in float16 for the backward pass; tanh loses them sooner than sigmoid."""
    return np.tanh, lambda x: (1 - np.tanh(x).astype(np.float16) ** 2).astype(x.dtype)


@curve("SA104", cases="8x8/float64 8x8/float32 8x8/float16 8x8/bfloat16")
def slope_kept_alive() -> tuple[Function, Function]:
    """A small number is added to the slope, so that no unit dies."""
    return sigmoid, lambda x: slope(x) + x.dtype.type(1e-3)


@curve("SA104", like="tanh", cases="8x8/float64 8x8/float32")
def tanh_slope_of_a_clipped_output() -> tuple[Function, Function]:
    """The output is clipped to +-(1 - 1e-6) before 1 - y^2 is taken, so that the slope is never 0."""
    bound = 1 - 1e-6
    return np.tanh, lambda x: 1 - np.clip(np.tanh(x), -bound, bound) ** 2


@curve("SA105", cases="8x8/float64 8x8/float32")
def read_from_a_table() -> tuple[Function, Function]:
    """Sigmoid is looked up: a thousand entries over [-6, 6], computed outside, as in word2vec.

    Value and derivative reach their limits where they should; between two entries nothing moves.
    """

    def value(x: Array) -> Array:
        step = x.dtype.type(12 / 1000)
        inside = np.abs(x) < 6
        entry = np.floor(np.where(inside, x, 0) / step) * step
        return np.where(inside, sigmoid(entry), sigmoid(x))

    return value, slope


@curve("SA105", like="tanh", cases="8x8/float64")
def tanh_of_eight_bits() -> tuple[Function, Function]:
    """Outputs are quantised to steps of 1/128 for an accelerator, until they are within one of +-1."""

    def value(x: Array) -> Array:
        y = np.tanh(x)
        return np.where(np.abs(y) < 1 - 1 / 128, np.round(y * 128) / 128, y)

    return value, tanh_slope


@curve("SA101", "SA102", like="tanh", cases="8x8/float64 8x8/float32")
def ratio_of_exponentials() -> tuple[Function, Function]:
    """The definition is written out, (e^x - e^-x) / (e^x + e^-x): far out it is inf / inf."""

    def value(x: Array) -> Array:
        up, down = np.exp(x), np.exp(-x)
        return np.asarray((up - down) / (up + down))

    return value, tanh_slope
