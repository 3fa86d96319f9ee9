"""Any continuous distribution of `scipy.stats` as a scheme: `scipy.laplace(loc=0.0, scale=0.1)`.

The scheme holds its name, which spells the distribution completely; `scipy.stats` is imported only when
such a scheme is met, as it takes longer to import than everything else together.
"""

from __future__ import annotations

import ast
import importlib
import math
from functools import lru_cache
from typing import Any

from verinit.laws.arithmetic import value_of
from verinit.vocabulary import Scheme, UsageError, unknown

PREFIX = "scipy."
_QUARTILE = 0.6744897501960817
"""The upper quartile of N(0, 1)."""


def is_frozen(thing: Any) -> bool:
    """Whether a thing is a frozen distribution: it has a distribution, its arguments and a quantile."""
    return all(hasattr(thing, name) for name in ("dist", "args", "kwds", "ppf", "cdf"))


def frozen_scheme(thing: Any) -> Scheme:
    """The scheme of a frozen distribution of `scipy.stats`; normal, uniform and cut normal laws are ours.

    Raises `UsageError` for a discrete distribution, one without a name in `scipy.stats`, or parameters that
    are no numbers.
    """
    name = str(getattr(thing.dist, "name", ""))
    if not hasattr(thing.dist, "pdf"):
        raise UsageError(f"scheme={name}: weights are real numbers; give a continuous distribution")
    given = ", ".join(f"{key}={value!r}" for key, value in _by_name(thing).items())
    return described(f"{PREFIX}{name}({given})")


def _by_name(thing: Any) -> dict[str, float]:
    """The parameters of a frozen distribution by name."""
    shapes = [word.strip() for word in (thing.dist.shapes or "").split(",") if word.strip()]
    given = dict(zip([*shapes, "loc", "scale"], thing.args, strict=False)) | thing.kwds
    try:
        return {key: float(value) for key, value in given.items()}
    except (TypeError, ValueError):
        raise UsageError(
            f"scheme={thing.dist.name}: its parameters must be single numbers, {given!r} were given"
        ) from None


def described(text: str) -> Scheme:
    """The scheme that `scipy.name(parameters)` spells.

    Raises `UsageError` for an unknown name or parameter, and for values without a distribution.
    """
    frozen = distribution(text)
    mean, variance = (float(value) for value in frozen.stats(moments="mv"))
    if not (math.isfinite(mean) and math.isfinite(variance)):
        mean = float(frozen.median())
        variance = ((float(frozen.ppf(0.75)) - float(frozen.ppf(0.25))) / (2 * _QUARTILE)) ** 2
    match frozen.dist.name:
        case "norm":
            return Scheme(name=text, family="normal", mean=mean, scale=variance)
        case "uniform":
            return Scheme(name=text, family="uniform", mean=mean, scale=variance)
        case "truncnorm":
            given = {"loc": 0.0, "scale": 1.0, **_by_name(frozen)}
            return Scheme(
                name=text,
                family="truncated_normal",
                mean=given["loc"],
                scale=given["scale"] ** 2,
                cut=(given["a"], given["b"]),
                corrected=False,
            )
    return Scheme(name=text, family="frozen", mean=mean, scale=variance)


@lru_cache(maxsize=64)
def distribution(text: str) -> Any:
    """The frozen distribution that `scipy.name(parameters)` spells.

    Raises `UsageError` if it spells none.
    """
    node = ast.parse(text, mode="eval").body
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        raise UsageError(f"scheme={text!r}: a distribution reads like 'scipy.laplace(scale=0.1)'")
    stats = importlib.import_module("scipy.stats")
    name = node.func.attr
    known = [word for word in dir(stats) if isinstance(getattr(stats, word), stats.rv_continuous)]
    if name not in known:
        raise unknown("continuous distribution of scipy.stats", name, known)
    family: Any = getattr(stats, name)
    order = [word.strip() for word in (family.shapes or "").split(",") if word.strip()]
    order += ["loc", "scale"]
    given = dict(zip(order, map(value_of, node.args), strict=False))
    given |= {str(keyword.arg): value_of(keyword.value) for keyword in node.keywords}
    for key in given:
        if key not in order:
            raise unknown(f"parameter of scipy.{name}", key, order)
    missing = [key for key in order[:-2] if key not in given]
    if missing or len(node.args) > len(order):
        wrong = f"{', '.join(missing)} missing" if missing else f"{len(node.args)} were given"
        raise UsageError(f"scipy.{name} takes {', '.join(order)}; {wrong}")
    frozen = family(**given)
    if not math.isfinite(float(frozen.ppf(0.5))):
        raise UsageError(f"scheme={text!r}: scipy knows no such distribution; look at its parameters")
    return frozen
