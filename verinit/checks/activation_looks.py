"""One activation at one case: numbers, values and slopes, computed once for all checks, beside their law."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.checks.activation_points import points, specials
from verinit.checks.sampling import generator
from verinit.checks.thresholds import largest
from verinit.laws.activation_rounding import Sizes, budget, half_the_digits, sizes
from verinit.laws.activations import Profile, profile
from verinit.laws.rounding import half_ulp
from verinit.laws.saturation import smallest_normal
from verinit.reference.precision import FLOATING
from verinit.vocabulary import Case, CheckSkipped, Evidence, Target, Trial

Array = NDArray[Any]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
ROUNDED = "conditioning and roundings, calibrated"
HALVED = "a margin of half the digits"
_DIGITS = {"float16": 5, "bfloat16": 4, "float32": 9, "float64": 17}
"""Significant digits that tell any two numbers of a dtype apart."""
PASSES = {"f": "value", "f'": "derivative"}
"""What an activation can be asked, and under which name."""


def dtype_of(target: Target, case: Case) -> str:
    """The dtype that is looked at: the case's, else float64, else the first that the target takes."""
    own = target.dtypes
    return case.dtype or ("float64" if not own or "float64" in own else own[0])


def passes_of(target: Target) -> dict[str, Callable[[Array], Any]]:
    """The functions that a target has: its value, and its slope where there is one."""
    wanted = PASSES if has_slope(target) else {"f": "value"}
    return {name: getattr(target.object, attribute) for name, attribute in wanted.items()}


def has_slope(target: Target) -> bool:
    """Whether a target has a derivative."""
    return target.says("derivative") is not False


def quietly(function: Callable[[Array], Any], x: Array) -> Any:
    """What a function makes of a copy of numbers; AC109 looks for floating-point alarms, so here is none."""
    with np.errstate(all="ignore"):
        return function(x.copy())


def unnamed(target: Target, case: Case | None = None) -> str:
    """Why a claim that needs a law says nothing of a target; empty if it does."""
    return "" if target.says("like") else f"{target.name} does not say which activation it is (like=...)"


def unnamed_slope(target: Target, case: Case | None = None) -> str:
    """As `unnamed`, of a claim about the derivative."""
    return unnamed(target) or without_slope(target)


def without_slope(target: Target, case: Case | None = None) -> str:
    """Why a claim about the derivative says nothing of a target; empty if it does."""
    return "" if has_slope(target) else f"{target.name} came without a derivative"


def law_of(target: Target) -> Profile:
    """The activation that a target says it is.

    Raises `CheckSkipped` where it says nothing.
    """
    if unnamed(target):
        raise CheckSkipped(unnamed(target))
    return profile(str(target.says("like")))


class Look:
    """What is seen of a target in one dtype: finite numbers `x`, rising, with values and slopes there.

    Everything compared is in float64; `x`, `value` and `slope` are in the dtype.
    """

    def __init__(self, target: Target, case: Case, root: int) -> None:
        self.target, self.case, self.root = target, case, root
        self.dtype = dtype_of(target, case)

    def rng(self, *words: object) -> np.random.Generator:
        """A stream of this place's own."""
        return generator(self.root, self.target, self.case, *words)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """Scale and special numbers, as the case asks for them."""
        return {"scale": 1.0, "special": False, **dict(self.case.parameters)}

    @cached_property
    def x(self) -> Array:
        """All finite numbers of a two-byte dtype, else some thousand; (n,)."""
        return points(self.dtype, self.case.size, float(self.parameters["scale"]), self.rng("points"))

    @cached_property
    def batch(self) -> Array:
        """Normal numbers of the case's shape and scale; special ones among them where it asks for them."""
        rng = self.rng("batch")
        drawn = (self.parameters["scale"] * rng.standard_normal(self.case.shape)).astype(FLOATING[self.dtype])
        if self.parameters["special"]:
            places = rng.random(self.case.shape) < 0.5
            drawn = np.where(places, rng.choice(specials(self.dtype), self.case.shape), drawn)
        return np.asarray(drawn)

    def of(self, name: str, x: Array) -> Any:
        """What one of the passes makes of numbers, as it came."""
        return quietly(passes_of(self.target)[name], x)

    @cached_property
    def wide(self) -> Floats:
        """The numbers in float64."""
        return self.x.astype(np.float64)

    @cached_property
    def y(self) -> Floats:
        """Values at the numbers."""
        return numbers(self.of("f", self.x), self.x)

    @cached_property
    def slope(self) -> Floats:
        """Slopes at the numbers."""
        return numbers(self.of("f'", self.x), self.x)

    @cached_property
    def law(self) -> Profile:
        """What the target says it is."""
        return law_of(self.target)

    @cached_property
    def true(self) -> Floats:
        """Values by the law."""
        with np.errstate(all="ignore"):
            return self.law.value(self.wide)

    @cached_property
    def true_slope(self) -> Floats:
        """Slopes by the law."""
        with np.errstate(all="ignore"):
            return self.law.slope(self.wide)

    @cached_property
    def sizes(self) -> tuple[Sizes, Sizes]:
        """What rounding errors are relative to, of value and of slope."""
        return sizes(self.law, self.wide, self.dtype)

    @cached_property
    def allowed(self) -> Floats:
        """How far values may be from the law."""
        return budget(self.sizes[0], self.dtype)

    @cached_property
    def allowed_slope(self) -> Floats:
        """How far slopes may be from the law."""
        return budget(self.sizes[1], self.dtype)

    @cached_property
    def half_kept(self) -> Floats:
        """How far values may be off that keep half of their digits."""
        return half_the_digits(self.sizes[0], self.dtype)

    @cached_property
    def half_kept_slope(self) -> Floats:
        """How far slopes may be off that keep half of their digits."""
        return half_the_digits(self.sizes[1], self.dtype)

    @cached_property
    def held(self) -> Flags:
        """Where the value by the law is well within the dtype's range."""
        return np.abs(self.true) < largest(self.dtype) / 2.0

    @cached_property
    def off_kinks(self) -> Flags:
        """Numbers at no kink; one below the smallest normal number may be taken for 0."""
        away = np.ones(self.wide.shape, dtype=bool)
        for kink in self.law.kinks:
            away &= np.abs(self.wide - kink.at) >= smallest_normal(self.dtype)
        return away

    def worst(
        self,
        symbol: str,
        got: Floats,
        true: Floats,
        allowed: Floats,
        where: Flags,
        *,
        basis: str = ROUNDED,
    ) -> Evidence:
        """The number at which what was got is farthest from the law, in units of what is allowed there.

        A result that is nan is judged elsewhere (AC107, AC306), and left out.
        """
        seen = where & ~np.isnan(got)
        if not seen.any():
            raise CheckSkipped("no number is left to look at: every result is nan")
        with np.errstate(all="ignore"):
            distance = np.where(got == true, 0.0, np.abs(got - true))
            share = np.where(distance == 0.0, 0.0, distance / allowed)
        share = np.where(seen, np.where(np.isnan(share), np.inf, share), -1.0)
        i = plainest(self.wide, share >= ALIKE * np.max(share))
        return self.evidence(symbol, i, got, true, distance[i], allowed[i], int(seen.sum()), basis=basis)

    def evidence(
        self,
        symbol: str,
        i: int,
        got: Floats,
        true: Floats,
        distance: float,
        allowed: float,
        n: int,
        *,
        basis: str = ROUNDED,
    ) -> Evidence:
        """One number, named: what was got there and what was expected."""
        digits = _DIGITS[self.dtype]
        pair = (shown(number, digits=digits) for number in (got[i], true[i]))
        said = f"at x = {shown(self.wide[i])} {symbol} is {', expected '.join(pair)}"
        said = f"{said}: {self._measure(float(true[i]), distance, allowed)}"
        return Evidence(
            quantity=f"{symbol}({shown(self.wide[i])})",
            expected=float(true[i]),
            observed=float(got[i]),
            distance=float(distance),
            tolerance=float(allowed),
            n=n,
            basis=basis,
            detail=said,
        )

    def _measure(self, true: float, distance: float, allowed: float) -> str:
        """How far apart two numbers are, in ulp where that says something."""
        if abs(true) < smallest_normal(self.dtype) or math.isinf(distance):
            return f"{distance:.3g} apart, {allowed:.3g} is allowed"
        ulp = 2.0 * float(half_ulp(true, self.dtype))
        return f"{distance / ulp:.3g} ulp of {self.dtype} apart, {allowed / ulp:.3g} are allowed"


ALIKE = 1.0 - 2.0**-10
"""Share of the worst that is as bad as the worst, when one number is to be named."""


def plainest(x: Floats, among: Flags) -> int:
    """Of numbers that are equally telling, the place of the one whose size is nearest to 1."""
    with np.errstate(divide="ignore"):
        size = np.where(x == 0.0, np.finfo(np.float64).max, np.abs(np.log2(np.abs(x))))
    return int(np.argmin(np.where(among, size, np.inf)))


def shown(x: float, *, digits: int = 9) -> str:
    """A number as people read it, with so many significant digits at most."""
    return f"{float(x):.{digits}g}"


def numbers(result: Any, x: Array) -> Floats:
    """A result in float64.

    Raises `CheckSkipped` where it is not an array of numbers of the shape of x.
    """
    array = np.asarray(result)
    if array.shape != x.shape or (array.dtype.kind in "OSUcVM" and array.dtype.name not in FLOATING):
        raise CheckSkipped("the result is no array of numbers of this shape; see AC101 and AC102")
    return array.astype(np.float64)


LANES = 67
"""Copies of one number, so that vector loops and what comes after them are both seen: a prime above 64."""


def everywhere(look: Look, name: str, x: float) -> Floats:
    """Results at copies of one number, nan or infinite."""
    given = np.full(LANES, x).astype(look.x.dtype)
    return numbers(look.of(name, given), given)


@lru_cache(maxsize=6)
def _look(target: Target, case: Case, root: int) -> Look:
    return Look(target, case, root)


def look_of(trial: Trial) -> Look:
    """The look that this trial shares with all others at its place."""
    return _look(trial.target, trial.case, trial.root)
