"""Names of targets: `module:qualname=scheme` where that finds the object again, a readable word elsewhere."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import Any

from verinit.vocabulary import Scheme


def name_of(obj: Any, *, scheme: Scheme | None, given: str | None) -> tuple[str, bool]:
    """The name of a target, and whether the name alone finds the object again in another process.

    Lambdas, local functions, what lives in `__main__`, instances and partials cannot be found, unless the
    name that was given says where they are kept.
    """
    plain = given or address(obj) or readable(obj)
    found = finds(plain.partition("=")[0], obj)
    if scheme is not None and (given is None or (found and "=" not in plain)):
        return f"{plain}={scheme}", found
    return plain, found


def address(obj: Any) -> str:
    """`module:qualname` if that is where an object is kept; empty otherwise."""
    qualname = getattr(obj, "__qualname__", None)
    place = f"{getattr(obj, '__module__', None)}:{qualname}"
    return place if finds(place, obj) else ""


def finds(place: str, obj: Any) -> bool:
    """Whether `module:qualname` is kept in a loaded module, other than the main one, and is this object."""
    module, colon, qualname = place.partition(":")
    kept = sys.modules.get(module)
    if not colon or not qualname or kept is None or module == "__main__":
        return False
    try:
        found = functools.reduce(getattr, qualname.split("."), kept)
    except AttributeError:
        return False
    return found is obj or (inspect.ismethod(obj) and bool(found == obj))


def readable(obj: Any) -> str:
    """What to call an object that no name finds.

    >>> readable(functools.partial(max, 1, key=abs, default=0))
    'partial(max, 1, key=..., default=0)'
    >>> readable(lambda shape: shape)
    'lambda'
    """
    if isinstance(obj, functools.partial):
        bound = [_spelt(value) for value in obj.args]
        bound += [f"{name}={_spelt(value)}" for name, value in obj.keywords.items()]
        return f"partial({', '.join([readable(obj.func), *bound])})"
    qualname = getattr(obj, "__qualname__", None) or type(obj).__qualname__
    words = [part for part in str(qualname).split(".") if part != "<locals>"]
    return words[-1].strip("<>") if words[-1] == "<lambda>" else ".".join(words)


def _spelt(value: Any) -> str:
    return repr(value) if value is None or isinstance(value, int | float | str) else "..."
