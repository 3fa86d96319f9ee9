"""Names of targets: `module:qualname=scheme` where that finds the object again, a readable word elsewhere."""

from __future__ import annotations

import functools
import inspect
import sys
from typing import Any

from verinit.laws.schemes import parse
from verinit.vocabulary import Scheme, UsageError

FAMILIES = ("numpy", "torch", "jax", "flax", "keras", "scipy")
"""Words for built-in families: `numpy:tanh` is the family's, and never what the module numpy keeps."""


def name_of(obj: Any, *, scheme: Scheme | None, given: str | None) -> tuple[str, bool]:
    """The name of a target, and whether the name alone finds the object again in another process.

    Lambdas, local functions, what lives in `__main__`, instances and partials cannot be found, unless the
    name that was given says where they are kept.
    """
    if scheme is None:
        return declared_name(obj, "", given=given, always=True)
    title, found = declared_name(obj, str(scheme), given=given, always=True)
    return title, found and says_all(scheme)


def declared_name(obj: Any, words: str, *, given: str | None, always: bool = False) -> tuple[str, bool]:
    """`module:qualname=words`, and whether that name alone finds the object again and says what it is.

    always: whether the words belong to the name even where it finds nothing.
    """
    kept = given or address(obj)
    place, _, said = kept.partition("=")
    found = finds(place, obj)
    plain = kept or readable(obj)
    if words and not said and (found or (always and given is None)):
        return f"{plain}={words}", found
    return plain, found and said == words


def says_all(scheme: Scheme) -> bool:
    """Whether the name of a scheme is all that it takes to have it again; that of one's own is not."""
    try:
        return parse(str(scheme)) == scheme
    except UsageError:
        return False


def spelt(head: str, settings: dict[str, Any], *ordered: str) -> str:
    """A declaration with its settings, as `declarations` reads it back.

    >>> spelt("batchnorm", {"eps": 0.001, "axis": None})
    'batchnorm(eps=0.001)'
    """
    said = [*ordered, *(f"{name}={_worded(value)}" for name, value in settings.items() if value is not None)]
    return f"{head}({', '.join(said)})" if said else head


def _worded(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def address(obj: Any) -> str:
    """`module:qualname` if that is where an object is kept; empty otherwise."""
    qualname = getattr(obj, "__qualname__", None)
    place = f"{getattr(obj, '__module__', None)}:{qualname}"
    return place if finds(place, obj) else ""


def finds(place: str, obj: Any) -> bool:
    """Whether `module:qualname` is kept in a loaded module, and is this object.

    Not in the main one, which is another in another process, nor in one that bears the name of a family.
    """
    module, colon, qualname = place.partition(":")
    kept = sys.modules.get(module)
    if not colon or not qualname or kept is None or module in ("__main__", *FAMILIES):
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
