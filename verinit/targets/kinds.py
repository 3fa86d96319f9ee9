"""The other kinds: activations, layers, normalizers, losses and models, as people have written them.

An object that satisfies its Protocol is passed on as it is; the classes of the textbook chapter
(`forward(x, train_flg)`, `backward(dout=1)`, `.gamma`, `.dgamma`) are called by position.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from verinit.vocabulary import KINDS, Kind, UsageError, unknown

NEEDED: dict[Kind, tuple[str, ...]] = {
    "initializer": ("__call__",),
    "activation": ("value", "derivative"),
    "layer": ("forward", "backward"),
    "normalizer": ("forward", "backward", "running_mean", "running_var"),
    "loss": ("forward", "backward"),
    "model": ("walk",),
    "function": ("names", "inputs", "forward", "backward"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An activation that is two functions."""

    value: Callable[..., Any]
    derivative: Callable[..., Any]


class Positional:
    """A layer, normalizer or loss whose parameters have names of their own; it gets them by position.

    All other attributes are read from and written to the object itself.
    """

    __slots__ = ("_inner", "_kind")

    def __init__(self, inner: Any, kind: Kind) -> None:
        object.__setattr__(self, "_inner", inner)
        object.__setattr__(self, "_kind", kind)

    def forward(self, x: Any, *others: Any, **named: Any) -> Any:
        """`(x)` of a layer, in training where it has a switch; `(x, training)` and `(x, labels)` as given."""
        if self._kind == "layer":
            others = (True,) * (_required(self._inner.forward) - 1)
        return self._inner.forward(x, *others, *named.values())

    def backward(self, *cotangent: Any) -> Any:
        """The cotangent of the output, which is 1 for a loss."""
        if self._kind == "loss" and _required(self._inner.backward):
            cotangent = (1.0,)
        return self._inner.backward(*cotangent)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._inner, name, value)


def kind_of(obj: Any, *, title: str | None = None, paired: bool = False) -> Kind:
    """The kind that an object's attributes speak for.

    Raises `UsageError` where they speak for none; `title` is what it is called there.
    """
    if isinstance(obj, str):
        raise UsageError(f"{obj!r} is a word; give the object itself, or resolve({obj!r})")
    if isinstance(obj, type):
        raise UsageError(f"{obj.__name__} is a class; give an instance of it, or a function")
    if paired or _has(obj, "activation"):
        return "activation"
    if _has(obj, "model"):
        return "model"
    if _has(obj, "function"):
        return "function"
    if _has(obj, "normalizer"):
        return "normalizer"
    if _has(obj, "layer"):
        return "loss" if _is_loss(obj) else "layer"
    if callable(obj):
        return "initializer"
    raise UsageError(
        f"{title or _cut(obj)} is of type {type(obj).__name__} and cannot be called; "
        "give a function of a shape"
    )


def of_kind(obj: Any, kind: Kind, *, derivative: Callable[..., Any] | None) -> Any:
    """The object behind the Protocol of a kind other than initializer.

    Raises `UsageError` naming what it lacks.
    """
    if derivative is not None:
        if kind != "activation":
            raise UsageError(f"derivative: only an activation has one, kind={kind!r} was given")
        if not (callable(obj) and callable(derivative)):
            raise UsageError(f"derivative={derivative!r}: an activation is a pair of functions of an array")
        return Pair(value=obj, derivative=derivative)
    require(obj, kind)
    return Positional(obj, kind) if kind in ("layer", "normalizer", "loss") else obj


def require(obj: Any, kind: Kind) -> None:
    """Raises `UsageError` where an object lacks what its kind needs, or the kind is unknown."""
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    missing = [name for name in NEEDED[kind] if not hasattr(obj, name)]
    if missing:
        hint = "; give target(f, derivative=df)" if kind == "activation" and callable(obj) else ""
        raise UsageError(
            f"kind={kind!r} needs {' and '.join(NEEDED[kind])}; {_cut(obj)} has no {missing[0]}{hint}"
        )


def takes_depth(model: Any) -> bool:
    """Whether a model's walk is told how many layers to have."""
    try:
        return "depth" in inspect.signature(model.walk).parameters
    except (TypeError, ValueError):
        return False


def _has(obj: Any, kind: Kind) -> bool:
    return all(hasattr(obj, name) for name in NEEDED[kind])


def _cut(obj: Any) -> str:
    """The object as Python shows it, cut at 40 characters."""
    text = repr(obj)
    return text if len(text) <= 40 else f"{text[:37]}..."


_SWITCHES = ("train_flg", "train", "training", "is_training", "train_flag")


def _is_loss(obj: Any) -> bool:
    """A loss takes labels besides predictions, and its backward needs no cotangent."""
    names = [parameter.name for parameter in _ordered(obj.forward)]
    return len(names) > 1 and names[1] not in _SWITCHES and not _required(obj.backward)


def _ordered(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return []
    return [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _required(function: Callable[..., Any]) -> int:
    """How many arguments must be given by position."""
    return sum(parameter.default is parameter.empty for parameter in _ordered(function))
