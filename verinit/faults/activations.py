"""Activations with mistakes that people make: wrong functions, lost tails, broken contracts."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from verinit.faults.registry import plant
from verinit.reference.activations import ACTIVATIONS, leaky_relu
from verinit.vocabulary import Case, Fault, Target

Array = NDArray[Any]
Function = Callable[[Array], Any]
DTYPES = ("float16", "bfloat16", "float32", "float64")
WHERE = ("9x7/float64", "9x7/float32")
RIGHT = {**ACTIVATIONS, "leaky_relu(slope=0.2)": leaky_relu(slope=0.2)}
"""What is right of a fault: a wrong value has the right slope, and a wrong slope the right value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A value and a slope, one of which is wrong."""

    value: Function
    derivative: Function


def _plant(code: str, like: str, pair: Pair, wrong: Function, cases: tuple[str, ...]) -> None:
    name = wrong.__name__
    target = Target(
        name=f"fault:{name}",
        kind="activation",
        object=pair,
        declared=(("like", like),),
        parameters=("scale", "special"),
        dtypes=DTYPES,
        replayable=False,
    )
    story = inspect.getdoc(wrong) or ""
    plant(Fault(name=name, codes=(code,), target=target, story=story, cases=tuple(map(Case.parse, cases))))


def value(code: str, like: str, *cases: str) -> Callable[[Function], Function]:
    """Plant a wrong value of the activation `like`, whose slope is right; check `code` must catch it."""

    def planted(wrong: Function) -> Function:
        _plant(code, like, Pair(value=wrong, derivative=RIGHT[like].derivative), wrong, cases or WHERE)
        return wrong

    return planted


def slope(code: str, like: str, *cases: str) -> Callable[[Function], Function]:
    """Plant a wrong slope of the activation `like`, whose value is right; check `code` must catch it."""

    def planted(wrong: Function) -> Function:
        _plant(code, like, Pair(value=RIGHT[like].value, derivative=wrong), wrong, cases or WHERE)
        return wrong

    return planted


@value("AC101", "relu")
def activation_as_a_list(x: Array) -> Any:
    """A comprehension over the entries, `[max(v, 0.0) for v in x]`, returns a list."""
    return [max(float(v), 0.0) for v in x.ravel()]


@value("AC101", "relu")
def activation_that_forgets_to_return(x: Array) -> Any:
    """The result is made, and the line `return` is missing."""
    np.maximum(x, 0.0)


@value("AC102", "tanh")
def activation_that_flattens(x: Array) -> Any:
    """`ravel` for a loop over the entries, and the shape is not restored."""
    return np.tanh(x.ravel())


@slope("AC102", "sigmoid")
def slope_summed_over_the_batch(x: Array) -> Any:
    """The sum over rows that belongs to the bias is taken here."""
    return ACTIVATIONS["sigmoid"].derivative(x).sum(axis=0)


@value("AC103", "sigmoid", "9x7/float32")
def activation_in_double(x: Array) -> Any:
    """`np.asarray(x, dtype=float)` at the door: every layer after it computes in float64."""
    return ACTIVATIONS["sigmoid"].value(np.asarray(x, dtype=float))


@slope("AC103", "relu")
def slope_as_a_mask(x: Array) -> Any:
    """The mask x > 0 itself is returned: truth values, which do not multiply as numbers do."""
    return x > 0


@value("AC104", "relu")
def relu_in_place(x: Array) -> Any:
    """`x[x < 0] = 0` on the input itself, which the layer before still needs."""
    x[x < 0] = 0
    return x


@slope("AC104", "sigmoid")
def slope_written_on_its_input(x: Array) -> Any:
    """`out=x` saves an array, and leaves nothing for the second backward."""
    x[...] = ACTIVATIONS["sigmoid"].derivative(x)
    return x


@value("AC105", "leaky_relu(slope=0.2)")
def leak_drawn_anew(x: Array) -> Any:
    """A randomised leaky ReLU that is left in training mode draws another slope at every call."""
    slopes = np.random.default_rng().uniform(0.1, 0.3, x.shape).astype(x.dtype)
    return np.where(x > 0, x, slopes * x)


@value("AC106", "sigmoid")
def softmax_for_sigmoid(x: Array) -> Any:
    """Probabilities of classes that exclude each other, where each unit should decide for itself."""
    e = np.exp(x - x.max())
    return e / e.sum()


@value("AC106", "tanh")
def scaled_by_the_batch(x: Array) -> Any:
    """The input is divided by its largest entry "for stability"."""
    return np.tanh(x / np.abs(x).max())


@value("AC107", "tanh")
def tanh_of_two_exponentials(x: Array) -> Any:
    """(e^x - e^-x) / (e^x + e^-x) is inf / inf from 89 on in float32."""
    a, b = np.exp(x), np.exp(-x)
    return (a - b) / (a + b)


@value("AC107", "silu")
def silu_by_exp_over_exp(x: Array) -> Any:
    """The form x exp(x) / (1 + exp(x)), right on the left, is inf / inf far on the right."""
    e = np.exp(x)
    return x * (e / (1 + e))


@value("AC108", "relu")
def relu_that_hides_nan(x: Array) -> Any:
    """`np.where(x > 0, x, 0)`: a comparison with nan is false, and a diverged network looks alive."""
    return np.where(x > 0, x, x.dtype.type(0))


@value("AC109", "sigmoid")
def both_branches_evaluated(x: Array) -> Any:
    """`np.where` chooses the stable branch, after both have been computed: the other one overflows."""
    return np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x)))


@value("AC201", "gelu")
def gelu_by_tanh(x: Array) -> Any:
    """The approximation of 2016 is kept where weights were trained with the exact function."""
    return ACTIVATIONS["gelu_tanh"].value(x)


@value("AC201", "gelu")
def quick_gelu(x: Array) -> Any:
    """Some checkpoints were trained with x s(1.702 x), and call it gelu."""
    return x * ACTIVATIONS["sigmoid"].value(x.dtype.type(1.702) * x)


@value("AC201", "sigmoid")
def tanh_for_sigmoid(x: Array) -> Any:
    """Both are called "the S-shaped one": tanh is returned."""
    return np.tanh(x)


@value("AC201", "sigmoid")
def hard_sigmoid(x: Array) -> Any:
    """The piecewise linear stand-in of a mobile backend."""
    return np.clip(x.dtype.type(0.2) * x + x.dtype.type(0.5), 0, 1)


@value("AC201", "sigmoid")
def sigmoid_with_the_sign_lost(x: Array) -> Any:
    """1 / (1 + exp(x)): the minus of the exponent is forgotten."""
    return ACTIVATIONS["sigmoid"].value(-x)


@value("AC201", "tanh")
def tanh_without_its_shift(x: Array) -> Any:
    """Tanh is 2 s(2x) - 1, and the last part is forgotten."""
    return ACTIVATIONS["sigmoid"].value(2 * x)


@value("AC201", "relu")
def relu_that_stops_at_six(x: Array) -> Any:
    """ReLU6 of a mobile network under the name relu."""
    return np.clip(x, 0, 6)


@value("AC201", "leaky_relu")
def leak_of_another_framework(x: Array) -> Any:
    """Keras leaks 0.3 by default, torch 0.01."""
    return np.where(x > 0, x, x.dtype.type(0.3) * x)


@value("AC201", "selu")
def selu_without_lambda(x: Array) -> Any:
    """The outer factor is forgotten: the fixed point at variance 1 is gone."""
    return ACTIVATIONS["selu"].value(x) / x.dtype.type(1.0507009873554805)


@value("AC201", "softplus")
def softplus_that_overflows(x: Array) -> Any:
    """log1p(exp(x)) as it stands is infinite from 89 on in float32, from 710 on in float64."""
    return np.log1p(np.exp(x))


@value("AC201", "sigmoid")
def clipped_at_ten(x: Array) -> Any:
    """`np.clip(x, -10, 10)` against overflow, four orders of magnitude too early."""
    return ACTIVATIONS["sigmoid"].value(np.clip(x, -10, 10))


@value("AC201", "gelu")
def gelu_in_half_precision(x: Array) -> Any:
    """Autocast is left on: the result has the right dtype and eleven bits."""
    return ACTIVATIONS["gelu"].value(x.astype(np.float16)).astype(x.dtype)


@value("AC202", "sigmoid")
def sigmoid_by_tanh(x: Array) -> Any:
    """(1 + tanh(x/2)) / 2 is one call, and 0 from -17 on in float32."""
    return (1 + np.tanh(x / 2)) / 2


@value("AC202", "elu")
def elu_by_exp(x: Array) -> Any:
    """exp(x) - 1 in place of expm1: near 0 all digits cancel."""
    return np.where(x > 0, x, np.exp(np.minimum(x, 0)) - 1)


@value("AC202", "softplus")
def softplus_by_log(x: Array) -> Any:
    """A plain log(1 + exp(x)) in place of log1p: on the left exp(x) is lost beside 1."""
    return np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x)))


@value("AC202", "gelu")
def gelu_by_erf(x: Array) -> Any:
    """1 + erf, as in the paper, in place of erfc: the left tail is 0 from -6 on in float32."""
    half = x.dtype.type(0.5)
    return x * half * (1 + special.erf(x * np.sqrt(half)))


@value("AC203", "tanh")
def tanh_above_one(x: Array) -> Any:
    """A rational approximation that is not clamped exceeds 1 by its last bit."""
    return np.nextafter(np.tanh(x), np.copysign(x.dtype.type(np.inf), x))


@value("AC203", "softplus")
def softplus_below_zero(x: Array) -> Any:
    """-log(s(-x)) with an epsilon inside the logarithm is negative where s(-x) is 1."""
    return -np.log(ACTIVATIONS["sigmoid"].value(-x) + x.dtype.type(1e-7))


@value("AC204", "silu")
def infinity_times_zero(x: Array) -> Any:
    """The product x s(x) at -inf is nan, where the limit is 0."""
    return x * ACTIVATIONS["sigmoid"].value(x)


@value("AC205", "sigmoid")
def both_sides_alike(x: Array) -> Any:
    """The stable form uses |x|, and the branch of negative x is forgotten."""
    return ACTIVATIONS["sigmoid"].value(np.abs(x))


@value("AC206", "softplus", "9x7/float64")
def step_at_the_threshold(x: Array) -> Any:
    """It is x itself above 20, as is right in float32: in float64 it steps down by 2e-9 there."""
    return np.where(x > 20, x, ACTIVATIONS["softplus"].value(x))


@value("AC206", "sigmoid")
def table_that_wraps(x: Array) -> Any:
    """A table of 1024 entries over (-8, 8), whose index wraps at the ends."""
    table = ACTIVATIONS["sigmoid"].value(np.linspace(-8, 8, 1024).astype(x.dtype))
    place = np.clip((x.astype(np.float64) + 8) * 64, -(2**40), 2**40).astype(np.int64)
    return table[place % 1024]


@value("AC207", "tanh")
def epsilon_inside(x: Array) -> Any:
    """A small number is added to the input against a division by 0 that is not there."""
    return np.tanh(x + x.dtype.type(1e-8))


@value("AC207", "tanh")
def sign_of_zero_lost(x: Array) -> Any:
    """2 s(2x) - 1 makes +0 of both zeros."""
    return 2 * ACTIVATIONS["sigmoid"].value(2 * x) - 1
