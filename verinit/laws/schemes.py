"""One row for every published scheme, and how to read one: `parse("he_normal(mode=fan_out)")`."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from verinit.laws.arithmetic import value_of
from verinit.laws.frozen import described, frozen_scheme, is_frozen
from verinit.vocabulary import MODES, Scheme, UsageError, unknown

CUT = (-2.0, 2.0)
"""Where truncated initialisers cut, in standard deviations of the normal they cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A published scheme: its parameters with their defaults, and what it claims."""

    name: str
    source: str
    defaults: dict[str, Any]
    claim: Callable[..., dict[str, Any]]


def _moments(mean: float, std: float) -> dict[str, Any]:
    return {"family": "normal", "mean": mean, "scale": std**2}


def _bounds(low: float, high: float) -> dict[str, Any]:
    if not low < high:
        raise UsageError(f"uniform(low={low!r}, high={high!r}): low must lie below high")
    return {"family": "uniform", "mean": (low + high) / 2, "scale": (high - low) ** 2 / 12}


def _cut(mean: float, std: float, low: float, high: float, corrected: bool) -> dict[str, Any]:
    return {
        "family": "truncated_normal",
        "mean": mean,
        "scale": std**2,
        "cut": (low, high),
        "corrected": corrected,
    }


def _scaled(scale: float, mode: str, distribution: str) -> dict[str, Any]:
    if distribution not in ("normal", "uniform", "truncated_normal"):
        raise unknown("distribution", distribution, ["normal", "uniform", "truncated_normal"])
    if mode not in MODES:
        raise unknown("mode", mode, MODES)
    cut = CUT if distribution == "truncated_normal" else None
    return {"family": distribution, "scale": scale, "mode": mode, "cut": cut}


def _family(name: str, source: str, scale: float, mode: str) -> list[Row]:
    """The normal, uniform and truncated rows of one fan rule; `gain` multiplies the std."""

    def row(distribution: str) -> Row:
        return Row(
            name=f"{name}_{distribution}",
            source=source,
            defaults={"mode": mode, "gain": 1.0},
            claim=lambda mode, gain: _scaled(scale * gain**2, mode, distribution),
        )

    return [row("normal"), row("uniform"), row("truncated_normal")]


def _slope(row: Row) -> Row:
    """He's rule for a leaky rectifier: Var[W] = 2 / ((1 + a^2) fan), eq. 15."""
    claim = row.claim
    return Row(
        name=row.name,
        source=row.source,
        defaults={**row.defaults, "negative_slope": 0.0},
        claim=lambda mode, gain, negative_slope: claim(mode=mode, gain=gain / (1 + negative_slope**2) ** 0.5),
    )


def _constant(value: float) -> dict[str, Any]:
    return {"family": "constant", "mean": value, "scale": 0.0}


_ROWS = [
    Row(name="normal", source="definition", defaults={"mean": 0.0, "std": 1.0}, claim=_moments),
    Row(name="uniform", source="definition", defaults={"low": 0.0, "high": 1.0}, claim=_bounds),
    Row(
        name="truncated_normal",
        source="Johnson et al. 1994, section 13.10.1",
        defaults={"mean": 0.0, "std": 1.0, "low": CUT[0], "high": CUT[1], "corrected": True},
        claim=_cut,
    ),
    *_family("xavier", "Glorot and Bengio 2010, eq. 12", 1.0, "fan_avg"),
    *map(_slope, _family("he", "He et al. 2015, eq. 10", 2.0, "fan_in")),
    *_family("lecun", "LeCun et al. 1998, eq. 16", 1.0, "fan_in"),
    Row(
        name="variance_scaling",
        source="He et al. 2015, eq. 10",
        defaults={"scale": 1.0, "mode": "fan_in", "distribution": "normal"},
        claim=_scaled,
    ),
    Row(
        name="orthogonal",
        source="Saxe et al. 2014, section 3",
        defaults={"gain": 1.0},
        claim=lambda gain: {"family": "orthogonal", "scale": gain**2},
    ),
    Row(name="zeros", source="definition", defaults={}, claim=lambda: _constant(0.0)),
    Row(name="ones", source="definition", defaults={}, claim=lambda: _constant(1.0)),
    Row(name="constant", source="definition", defaults={"value": 0.0}, claim=_constant),
]
CATALOGUE: dict[str, Row] = {row.name: row for row in _ROWS}
_SPELLINGS = {"glorot": "xavier", "kaiming": "he"}


def _canonical(name: str) -> str:
    """`glorot_normal` is `xavier_normal`, `kaiming_uniform` is `he_uniform`."""
    first, _, rest = name.partition("_")
    return f"{_SPELLINGS[first]}_{rest}" if first in _SPELLINGS else name


def scheme(name: str, **parameters: Any) -> Scheme:
    """The scheme of the catalogue with this name and these parameters.

    Raises `UsageError` for an unknown name or parameter, with the nearest known one.

    >>> scheme("kaiming_normal", mode="fan_out").scale
    2.0
    """
    canonical = _canonical(name)
    row = CATALOGUE.get(canonical)
    if row is None:
        raise unknown("scheme", name, CATALOGUE)
    for key, value in parameters.items():
        if key not in row.defaults:
            raise unknown(f"parameter of {canonical}", key, row.defaults)
        if not _fits(value, row.defaults[key]):
            kind = {str: "a word", bool: "true or false"}.get(type(row.defaults[key]), "a number")
            raise UsageError(
                f"{canonical}({key}={value!r}): {kind} is needed, such as {_spelt(row.defaults[key])}"
            )
        if key in ("std", "gain", "scale") and not value > 0:
            raise UsageError(
                f"{canonical}({key}={value!r}): {key} must be above 0; for a constant use 'constant'"
            )
    chosen = {key: parameters.get(key, default) for key, default in row.defaults.items()}
    shown = ", ".join(
        f"{key}={_spelt(chosen[key])}" for key, default in row.defaults.items() if chosen[key] != default
    )
    name = f"{canonical}({shown})" if shown else canonical
    try:
        return Scheme(name=name, **row.claim(**chosen))
    except OverflowError:
        raise UsageError(f"{name}: its variance is not a finite number; give smaller parameters") from None


def _spelt(value: Any) -> str:
    """A parameter as `parse` reads it back, exactly."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, bool | str):
        return type(value) is type(default)
    return isinstance(value, int | float) and not isinstance(value, bool)


def parse(text: Any) -> Scheme:
    """The scheme that `text` spells; a `Scheme` passes through, a frozen distribution of scipy becomes one.

    Parameters may be given by position or name, and may be arithmetic. `scipy.laplace(scale=0.1)` is any
    continuous distribution of `scipy.stats`.
    Raises `UsageError` if it spells none.

    >>> str(parse("he_normal(mode=fan_out)"))
    'he_normal(mode=fan_out)'
    >>> round(parse("normal(std=0.02/sqrt(2*12))").scale ** 0.5, 6)
    0.004082
    """
    if isinstance(text, Scheme):
        return text
    if is_frozen(text):
        return frozen_scheme(text)
    if not isinstance(text, str):
        raise UsageError(
            f"scheme={text!r}: give a name such as 'he_normal', a Scheme, or a frozen distribution of scipy"
        )
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UsageError(f"scheme={text!r}: a scheme reads like 'he_normal' or 'normal(std=0.02)'") from None
    match node:
        case ast.Name(id=name):
            return scheme(name)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords):
            return scheme(name, **_arguments(name, args, keywords))
        case ast.Call(func=ast.Attribute(value=ast.Name(id="scipy"))):
            return described(ast.unparse(node))
    raise UsageError(f"scheme={text!r}: a scheme reads like 'he_normal' or 'normal(std=0.02)'")


def _arguments(name: str, args: list[ast.expr], keywords: list[ast.keyword]) -> dict[str, Any]:
    """Arguments by name: one positional argument of a `normal` is its std, else in the row's order."""
    row = CATALOGUE.get(_canonical(name))
    if row is None:
        raise unknown("scheme", name, CATALOGUE)
    order = list(row.defaults)
    if len(args) == 1 and "std" in row.defaults:
        order = ["std"]
    if len(args) > len(order):
        raise UsageError(f"{name} takes {len(order)} parameters ({', '.join(order)}), {len(args)} were given")
    given = dict(zip(order, map(value_of, args), strict=False))
    for keyword in keywords:
        if keyword.arg is None or keyword.arg in given:
            raise UsageError(f"{name}: parameter {keyword.arg!r} is given twice, or with **")
        given[keyword.arg] = value_of(keyword.value)
    return given
