"""Words for targets: `torch`, `numpy:he_normal`, `module:callable=scheme`, names of entry points."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib import metadata
from typing import Any

from verinit.targets.activations.written import activation
from verinit.targets.adaptation import target
from verinit.targets.declarations import canonical, declared, scheme_of
from verinit.targets.written import function_at, spelt
from verinit.vocabulary import Target, TargetError, UsageError, suggestion, unknown

BUILT_IN = {
    "numpy": (
        "verinit.targets.reference",
        "verinit.targets.functions",
        "verinit.targets.losses",
        "verinit.targets.activations.catalogue",
        "verinit.targets.normalizers",
        "verinit.targets.networks",
    ),
    "torch": (
        "verinit.targets.torch.catalogue",
        "verinit.targets.torch.functions",
        "verinit.targets.torch.losses",
        "verinit.targets.torch.activations",
        "verinit.targets.torch.normalizers",
    ),
    "jax": (
        "verinit.targets.jax.catalogue",
        "verinit.targets.jax.functions",
        "verinit.targets.jax.losses",
        "verinit.targets.jax.activations",
    ),
    "flax": ("verinit.targets.flax.catalogue",),
    "keras": ("verinit.targets.keras.catalogue",),
    "scipy": ("verinit.targets.activations.special",),
}
"""Modules of each family, one for each kind of target it has; each has a function `targets()`."""
GROUP = "verinit.targets"
"""The entry points by which other packages offer targets."""


def families() -> tuple[str, ...]:
    """Words that stand for many targets: the built-in families, then the entry points."""
    return (*BUILT_IN, *(name for name in sorted(_entry_points()) if name not in BUILT_IN))


def resolve(word: str) -> tuple[Target, ...]:
    """The targets that a word stands for.

    "torch"                    the whole family, each target under its scheme
    "torch:kaiming_normal_"    one of them; with "=scheme" declared to be something else
    "package.module:function"  one's own, looked for in the current directory too; with "=scheme", or
                               without a law to be held to (contract checks only)
    "module:function=gelu"     an activation; "=batchnorm(eps=0.001)" a batch norm, "=layer(he_normal)" what
                               makes layers (`verinit.targets.declarations`)
    "module:function(32x100)"  a function to differentiate, at drawn inputs of these shapes
    Raises `UsageError` for a word that stands for nothing, `TargetError` where what it stands for cannot
    be loaded.

    >>> [str(found) for found in resolve("numpy:he_normal")]
    ['numpy:he_normal']
    """
    place, equals, said = word.partition("=")
    family, colon, member = place.partition(":")
    if family in families() and not colon:
        if equals:
            raise UsageError(f"target {word!r}: a scheme is declared for one target, not for a family")
        return _family(family)
    if family in families() and member:
        found = _member(_family(family), family, place)
        return (_redeclared(found, said) if equals else found,)
    if not colon:
        hint = suggestion(family, families())
        raise UsageError(
            f"no target named {word!r}{hint} (allowed: {', '.join(families())}, or module:callable=scheme)"
        )
    if not (family and member):
        raise UsageError(f"target {word!r}: give module:callable, such as mynet.init:he=he_normal")
    return (_own(place, said if equals else None),)


def _redeclared(found: Target, said: str) -> Target:
    """A member of a family, declared to be something else than its own module says."""
    return (
        activation(found, like=said) if found.kind == "activation" else target(found, scheme=scheme_of(said))
    )


def _member(found: Iterable[Target], family: str, name: str) -> Target:
    by_name = {member.name: member for member in found}
    if name not in by_name:
        raise unknown(f"{family} target", name, by_name)
    return by_name[name]


def _family(name: str) -> tuple[Target, ...]:
    if name in BUILT_IN:
        homes = map(importlib.import_module, BUILT_IN[name])
        return tuple(found for home in homes for found in home.targets())
    return _offered(name)


@cache
def _entry_points() -> dict[str, metadata.EntryPoint]:
    return {point.name: point for point in metadata.entry_points(group=GROUP)}


@cache
def _offered(name: str) -> tuple[Target, ...]:
    """The targets of an entry point, each under a name by which it is found again.

    Raises `TargetError` where it cannot be loaded or is no target.
    """
    try:
        loaded = _entry_points()[name].load()
        if callable(loaded) and not isinstance(loaded, Target):
            loaded = loaded()
        offered = [loaded] if isinstance(loaded, Target) else list(loaded)
    except Exception as error:
        raise TargetError(
            f"entry point {name!r} of {GROUP} cannot be loaded ({_last_line(error)})"
        ) from error
    stranger = next((thing for thing in offered if not isinstance(thing, Target)), None)
    if stranger is not None or not offered:
        given = "nothing" if not offered else f"a {type(stranger).__name__}"
        raise TargetError(
            f"entry point {name!r} of {GROUP} gave {given}; it must be a Target, an iterable of Targets, or "
            "a function that returns one"
        )
    return tuple(
        replace(
            member,
            name=member.name if member.name.startswith(f"{name}:") else f"{name}:{member.name}",
            replayable=True,
        )
        for member in offered
    )


def _own(place: str, said: str | None) -> Target:
    """What a module keeps under a name, as a target of that name."""
    if place.endswith(")"):
        if said is not None:
            raise UsageError(f"target {place!r}: a scheme is declared for an initializer, not for a function")
        return function_at(kept(spelt(place)[0]), place)
    title = place if said is None else f"{place}={canonical(said)}"
    found, called = kept(place), place.partition(":")[2]
    try:
        own = target(found, name=called) if said is None else declared(found, said, name=called)
    except UsageError as error:
        raise UsageError(f"target {place!r}: {error}") from None
    except BaseException as error:
        if isinstance(error, Exception | KeyboardInterrupt):
            raise
        raise TargetError(  # sys.exit, and worse, in code that is called to see what it takes
            f"target {place!r} cannot be looked at ({_last_line(error)} when it was called)"
        ) from error
    return replace(own, name=title, replayable=True)


def kept(place: str) -> Any:
    """What a module keeps under a name: `package.module:attribute`.

    Raises `UsageError` for a name that it does not keep, `TargetError` where it cannot be imported.
    """
    module, _, qualname = place.partition(":")
    if not (module and qualname):
        raise UsageError(f"target {place!r}: give module:callable, such as mynet.layers:dense")
    found, where = _imported(module, place), f"module {module!r}"
    for part in qualname.split("."):
        if not hasattr(found, part):
            raise UsageError(
                f"target {place!r}: {where} has no attribute {part!r}{suggestion(part, dir(found))}"
            )
        found, where = getattr(found, part), f"{part!r} in {module!r}"
    return found


def _imported(module: str, place: str) -> Any:
    """A module, looked for in the current directory first, as `python -m` does.

    Raises `TargetError` with the last line of whatever the import raised.
    """
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    importlib.invalidate_caches()
    try:
        return importlib.import_module(module)
    except (Exception, SystemExit) as error:
        raise TargetError(
            f"target {place!r}: module {module!r} cannot be imported ({_last_line(error)})"
        ) from error


def _last_line(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
