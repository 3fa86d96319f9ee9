"""What is known of every named activation: value and slope, range, limits, symmetry, turn and kinks.

Values and slopes are those of `responses`, which shares no formula with `verinit.reference`. How far code
that computes them may err is in `activation_rounding`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.laws.arithmetic import value_of
from verinit.laws.responses import RESPONSES, leaky_relu
from verinit.vocabulary import UsageError, unknown

Floats = NDArray[np.float64]
Function = Callable[[Floats], Floats]
Pair = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kink:
    """A place where the slope jumps, and the slopes on either side."""

    at: float
    left: float
    right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One activation, by what is known of it.

    value, slope  in float64, accurate to a few units of what `activation_rounding.sizes` calls `kept`
    low, high     its values lie between the two, which belong to them where they are reached or rounded to
    ends          limits of the value at -inf and +inf
    slope_ends    limits of the slope there
    mirror        (a, b, c) where f(x) + a f(-x) = b + c x; None where nothing of the kind holds
    turn          it falls before and rises after; -inf where it rises everywhere, nan where neither holds
    kinks         where its slope jumps
    exact         whether every value and slope is a number of the dtype, so that nothing is rounded
    parameters    those it was spelt with, and the others
    """

    name: str
    value: Function
    slope: Function
    low: float
    high: float
    ends: Pair
    slope_ends: Pair
    mirror: tuple[float, float, float] | None = None
    turn: float = -math.inf
    kinks: tuple[Kink, ...] = ()
    exact: bool = False
    parameters: tuple[tuple[str, float], ...] = ()

    def __str__(self) -> str:
        """As it is spelt: parameters that have their usual value are left out."""
        usual = dict(_USUAL.get(self.name, {}))
        said = [f"{name}={value:g}" for name, value in self.parameters if value != usual.get(name)]
        return f"{self.name}({', '.join(said)})" if said else self.name

    @property
    def odd(self) -> bool:
        """Whether f(-x) = -f(x)."""
        return self.mirror == (1.0, 0.0, 0.0)

    @property
    def rising(self) -> bool:
        """Whether it falls nowhere."""
        return self.turn == -math.inf

    def parameter(self, name: str) -> float:
        """The value of one of its parameters."""
        return dict(self.parameters)[name]


def _of(name: str, **facts: Any) -> Profile:
    known = RESPONSES[name]
    taken = {"slope": known.derivative, "turn": known.turn, **facts}
    return Profile(name=name, value=known.value, **taken)


_FAR = 50.0
"""Where the slope of gelu_tanh has long reached its limit in float64, and powers of x do not overflow."""


def _gelu_tanh_slope(x: Floats) -> Floats:
    return RESPONSES["gelu_tanh"].derivative(np.clip(x, -_FAR, _FAR))


RISES = (-math.inf, math.inf)
_LINE = (-1.0, 0.0, 1.0)
"""f(x) - f(-x) = x: what ReLU, and every smooth version of it that is x times a distribution, obeys."""


def _leaky(slope: float) -> Profile:
    """Leaky ReLU is x above 0, else slope times x. Source: Maas et al. 2013, section 2."""
    if not 0.0 <= slope <= 1.0:
        raise UsageError(f"slope={slope!r}: the slope of a leaky ReLU lies between 0 and 1")
    known = leaky_relu(slope)
    return Profile(
        name="leaky_relu",
        value=known.value,
        slope=known.derivative,
        low=-math.inf if slope else 0.0,
        high=math.inf,
        ends=(-math.inf if slope else 0.0, math.inf),
        slope_ends=(slope, 1.0),
        mirror=(-1.0, 0.0, 1.0 + slope),
        kinks=(Kink(at=0.0, left=slope, right=1.0),) if slope < 1.0 else (),
        parameters=(("slope", slope),),
    )


def _elu(alpha: float) -> Profile:
    """ELU is x above 0, else alpha (exp(x) - 1). Source: Clevert et al. 2016, section 3."""
    if not 0.0 < alpha < math.inf:
        raise UsageError(f"alpha={alpha!r}: the alpha of an ELU is finite and positive")
    return Profile(
        name="elu",
        value=lambda x: np.where(x < 0, alpha * np.expm1(np.minimum(x, 0.0)), x),
        slope=lambda x: np.where(x < 0, alpha * np.exp(np.minimum(x, 0.0)), 1.0),
        low=-alpha,
        high=math.inf,
        ends=(-alpha, math.inf),
        slope_ends=(0.0, 1.0),
        kinks=() if alpha == 1.0 else (Kink(at=0.0, left=alpha, right=1.0),),
        parameters=(("alpha", alpha),),
    )


def _softplus(threshold: float) -> Profile:
    """Softplus is log(1 + exp(x)); x itself above a threshold, as in torch, with a step down there."""
    if not threshold > 0.0:
        raise UsageError(f"threshold={threshold!r}: softplus is x above a positive threshold")
    smooth = _of(
        "softplus",
        low=0.0,
        high=math.inf,
        ends=(0.0, math.inf),
        slope_ends=(0.0, 1.0),
        mirror=_LINE,
        parameters=(("threshold", threshold),),
    )
    if threshold == math.inf:
        return smooth
    return replace(
        smooth,
        value=lambda x: np.where(x > threshold, x, smooth.value(x)),
        slope=lambda x: np.where(x > threshold, 1.0, smooth.slope(x)),
        mirror=None,
        turn=math.nan,
    )


_SCALE, _LEFT = 1.0507009873554805, 1.7580993408473766
"""selu: lambda, and lambda alpha. Source: Klambauer et al. 2017, eq. 14."""
_GELU_LEAST, _GELU_TANH_LEAST = -0.16997120747990367, -0.17004075057125405
_SILU_LEAST = -0.2784645427610738
"""Values at the turn, by 50 digits (`tests/numeric/test_activation_laws.py`)."""

_FIXED: dict[str, Profile] = {
    each.name: each
    for each in (
        _of("identity", low=-math.inf, high=math.inf, ends=RISES, slope_ends=(1.0, 1.0),
            mirror=(1.0, 0.0, 0.0), exact=True),
        _of("relu", low=0.0, high=math.inf, ends=(0.0, math.inf), slope_ends=(0.0, 1.0), mirror=_LINE,
            kinks=(Kink(at=0.0, left=0.0, right=1.0),), exact=True),
        _of("selu", low=-_LEFT, high=math.inf, ends=(-_LEFT, math.inf), slope_ends=(0.0, _SCALE),
            kinks=(Kink(at=0.0, left=_LEFT, right=_SCALE),)),
        _of("sigmoid", low=0.0, high=1.0, ends=(0.0, 1.0), slope_ends=(0.0, 0.0), mirror=(1.0, 1.0, 0.0)),
        _of("tanh", low=-1.0, high=1.0, ends=(-1.0, 1.0), slope_ends=(0.0, 0.0), mirror=(1.0, 0.0, 0.0)),
        _of("gelu", low=_GELU_LEAST, high=math.inf, ends=(0.0, math.inf), slope_ends=(0.0, 1.0),
            mirror=_LINE),
        _of("gelu_tanh", low=_GELU_TANH_LEAST, high=math.inf, ends=(0.0, math.inf), slope_ends=(0.0, 1.0),
            mirror=_LINE, slope=_gelu_tanh_slope),
        _of("silu", low=_SILU_LEAST, high=math.inf, ends=(0.0, math.inf), slope_ends=(0.0, 1.0),
            mirror=_LINE),
    )
}  # fmt: skip
_USUAL: dict[str, dict[str, float]] = {
    "leaky_relu": {"slope": 0.01},
    "elu": {"alpha": 1.0},
    "softplus": {"threshold": math.inf},
}
_MADE: dict[str, Callable[..., Profile]] = {"leaky_relu": _leaky, "elu": _elu, "softplus": _softplus}
SPELLINGS = {"swish": "silu", "logistic": "sigmoid"}
NAMES: tuple[str, ...] = tuple(sorted((*_FIXED, *_MADE)))
"""Every activation that is known; some take parameters."""


@lru_cache(maxsize=128)
def profile(like: str) -> Profile:
    """The activation that a word spells: its name, with parameters in brackets where it has some.

    >>> str(profile("gelu")), str(profile("leaky_relu(slope=0.2)")), str(profile("swish"))
    ('gelu', 'leaky_relu(slope=0.2)', 'silu')

    Raises `UsageError` for a name or parameter that nobody knows, or a value that is not allowed.
    """
    name, given = _spelt(like)
    name = SPELLINGS.get(name, name)
    if name not in NAMES:
        raise unknown("activation", name, NAMES)
    usual = _USUAL.get(name, {})
    for word in given:
        if not usual:
            raise UsageError(f"like={like!r}: {name} takes no parameter")
        if word not in usual:
            raise unknown(f"parameter of {name}", word, usual)
    return _MADE[name](**{**usual, **given}) if name in _MADE else _FIXED[name]


def _spelt(like: str) -> tuple[str, dict[str, float]]:
    """The name and the parameters of a word."""
    wrong = UsageError(f"like={like!r}: an activation is spelt like 'gelu' or 'leaky_relu(slope=0.2)'")
    try:
        node = ast.parse(str(like).strip(), mode="eval").body
    except SyntaxError:
        raise wrong from None
    match node:
        case ast.Name(id=name):
            return name, {}
        case ast.Call(func=ast.Name(id=name), args=[], keywords=keywords):
            return name, {str(each.arg): _number(str(each.arg), each.value) for each in keywords}
    raise wrong


def _number(name: str, node: ast.expr) -> float:
    value = value_of(node)
    if isinstance(value, (str, bool)):
        raise UsageError(f"{name}={value!r}: the parameter of an activation is a number")
    return float(value)
