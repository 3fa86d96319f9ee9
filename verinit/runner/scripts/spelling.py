"""A function as source text: the shortest public path at which it is kept."""

from __future__ import annotations

import functools
import operator
import sys
from collections.abc import Callable
from typing import Any

from verinit.targets.naming import address

HOMES = (
    "torch.nn.init",
    "torch.nn.functional",
    "torch",
    "jax.nn.initializers",
    "jax.nn",
    "jax.random",
    "jax.numpy",
    "scipy.special",
    "verinit.reference.initializers",
)
"""Where a function of a framework is known to its users, whatever file it was written in."""


def spelt(function: Callable[..., Any]) -> tuple[str, str] | None:
    """The module to import and the expression for a function; None for what no path finds."""
    name = getattr(function, "__name__", None)
    for home in HOMES:
        kept = sys.modules.get(home)
        if name and kept is not None and getattr(kept, name, None) is function:
            return home, f"{home}.{name}"
    place = address(function)
    return from_place(place) if place else None


def from_place(place: str) -> tuple[str, str]:
    """The module and the expression of `module:qualname`."""
    module, _, qualname = place.partition(":")
    return module, f"{module}.{qualname}"


def unbound(function: Any) -> tuple[Any, dict[str, Any]]:
    """A function and the keywords that partials have bound to it; None for one with bound positions."""
    bound: dict[str, Any] = {}
    while isinstance(function, functools.partial):
        if function.args:
            return None, {}
        bound = {**function.keywords, **bound}
        function = function.func
    return function, bound


def kept_at(place: str) -> Any:
    """What a loaded module keeps under `module:qualname`; None if it keeps nothing there."""
    module, _, qualname = place.partition(":")
    try:
        return operator.attrgetter(qualname)(sys.modules[module])
    except (KeyError, AttributeError):
        return None
