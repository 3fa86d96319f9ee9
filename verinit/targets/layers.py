"""A layer with parameters and a backward of its own, as one function of its inputs and its parameters.

Parameters are what the layer keeps beside their gradients: `W` and `dW`, `gamma` and `dgamma`, or lists and
dicts `params` and `grads`; those of layers that it holds are found too. Each call works on a deep copy in
which the parameters are the arrays that are asked about, wherever the layer refers to them.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.targets.cotangents import floating, gradients, output
from verinit.targets.globals import borrowed
from verinit.targets.kinds import kind_of
from verinit.vocabulary import ROOT, UsageError, entropy

Array = NDArray[Any]
Path = tuple[tuple[bool, Any], ...]
"""Steps into an object: (True, name of an attribute) or (False, key of an item)."""
LISTS = ("params", "grads")
"""Under which names layers keep all their parameters and all their gradients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One parameter: what it is called, where it is kept, where its gradient is, and what it is."""

    name: str
    value: Path
    gradient: Path
    array: Array


class Opened:
    """A layer as a function of its inputs and its parameters.

    The layer itself is not touched. Only its gradients outlive a call, as they would in the layer: one that
    adds to them is seen to. Chance that it takes from global generators is the same in every call.
    """

    def __init__(self, layer: Any, inputs: Sequence[Array]) -> None:
        self._layer = _copied(layer, {})
        self._count = len(inputs)
        self._loss = kind_of(layer) == "loss"
        self.parameters = _parameters(self._layer, inputs, self._passes)
        self._left: dict[str, Any] = {}

    def forward(self, *inputs: Array) -> Any:
        """The layer's output, in training where it has a switch."""
        with _chance():
            return output(self._forward(self._fresh(inputs), inputs), inputs)

    def backward(self, cotangent: Array, *inputs: Array) -> tuple[Any, ...]:
        """Gradients of the inputs as the layer returns them, those of the parameters as it keeps them."""
        layer = self._fresh(inputs)
        with _chance():
            found = self._passes(layer, inputs[: self._count], cotangent)
        missing = inputs[len(found) : self._count]
        if self._loss or not any(map(floating, missing)):
            found = (*found, *(None for _ in missing))
        kept = {each.name: _follow(layer, each.gradient) for each in self.parameters}
        self._left = {name: np.array(g) for name, g in kept.items() if isinstance(g, np.ndarray)}
        return (*found, *(gradients(g, 1)[0] for g in kept.values()))

    def _passes(self, layer: Any, inputs: Sequence[Array], cotangent: Any) -> tuple[Any, ...]:
        """Forward, then backward; what that returned. A loss is not given the cotangent: it is 1 there."""
        y = self._forward(layer, inputs)
        cotangent = np.zeros(np.shape(y)) if cotangent is None else cotangent
        if not (self._loss and np.ndim(y) == 0):
            return gradients(layer.backward(cotangent), self._count)
        found = gradients(layer.backward(), self._count)
        return tuple(
            g if g is None else np.asarray(np.multiply(g, cotangent)).astype(np.asarray(g).dtype)
            for g in found
        )

    def _forward(self, layer: Any, inputs: Sequence[Array]) -> Any:
        given = inputs[: self._count]
        switches = (True,) * max(0, _required(layer.forward) - len(given))
        return layer.forward(*given, *switches)

    def _fresh(self, inputs: Sequence[Array]) -> Any:
        """A copy of the layer whose parameters are the last of `inputs`."""
        memo: dict[int, Any] = {}
        unset: list[tuple[Path, Any]] = []
        for each, array in zip(self.parameters, inputs[self._count :], strict=True):
            memo[id(each.array)] = array
            kept = _follow(self._layer, each.gradient)
            last = self._left.get(each.name, kept)
            if isinstance(kept, np.ndarray):  # in the dtype of its parameter, or it would round what it gets
                memo[id(kept)] = np.array(last, dtype=array.dtype)
            elif isinstance(last, np.ndarray):
                unset.append((each.gradient, last.astype(array.dtype)))
        layer = _copied(self._layer, memo)
        for path, gradient in unset:
            _put(layer, path, gradient)
        if callable(getattr(layer, "zero_grad", None)):
            layer.zero_grad()
        return layer


def is_layer(obj: Any) -> bool:
    """Whether an object has a forward and a backward of its own."""
    return not isinstance(obj, type) and hasattr(obj, "forward") and hasattr(obj, "backward")


def _chance() -> Any:
    return borrowed(np.random.default_rng(entropy(ROOT, "a layer's own chance")))


def _copied(layer: Any, memo: dict[int, Any]) -> Any:
    try:
        return copy.deepcopy(layer, memo)
    except Exception as error:
        raise UsageError(
            f"forward={type(layer).__name__}(): the layer cannot be copied ({error}); give two functions, "
            "forward(*inputs) and backward(cotangent, *inputs)"
        ) from error


def _parameters(layer: Any, inputs: Sequence[Array], passes: Callable[..., Any]) -> tuple[Parameter, ...]:
    """What a layer keeps beside a gradient, and forward reads but does not set anew.

    Gradients may be there only after a backward, so both passes are tried on a copy; where they crash, what
    the layer has before them must do.
    """
    memo: dict[int, Any] = {}
    tried = _copied(layer, memo)
    try:
        with _chance():
            passes(tried, tuple(x.copy() for x in inputs), None)
    except Exception:
        tried = _copied(layer, memo := {})
    found: dict[int, Parameter] = {}
    for name, value, gradient in _pairs(tried):
        array = _follow(layer, value)
        if not (isinstance(array, np.ndarray) and floating(array)):
            continue
        if _follow(tried, value) is memo.get(id(array)):
            each = Parameter(name=name, value=value, gradient=gradient, array=array)
            found.setdefault(id(array), each)
    return tuple(found.values())


def _pairs(layer: Any) -> Iterator[tuple[str, Path, Path]]:
    """Names, places of values and places of gradients."""
    for path, prefix, owner in _owners(layer, (), "", set()):
        kept = vars(owner)
        for name in kept:
            if f"d{name}" in kept:
                yield f"{prefix}{name}", (*path, (True, name)), (*path, (True, f"d{name}"))
        values, sums = (kept.get(name) for name in LISTS)
        for key in _keys(values):
            if key in _keys(sums):
                label = f"{prefix}{key}" if isinstance(values, Mapping) else f"{prefix}{LISTS[0]}[{key}]"
                first, second = ((*path, (True, name), (False, key)) for name in LISTS)
                yield label, first, second


def _owners(layer: Any, path: Path, prefix: str, seen: set[int]) -> Iterator[tuple[Path, str, Any]]:
    """The layers that a layer holds, inner ones first, and itself."""
    if id(layer) in seen or not hasattr(layer, "__dict__"):
        return
    seen.add(id(layer))
    for name, value in list(vars(layer).items()):
        here = (*path, (True, name))
        if is_layer(value):
            yield from _owners(value, here, f"{prefix}{name}.", seen)
        for key in _keys(value):
            if is_layer(value[key]):
                yield from _owners(value[key], (*here, (False, key)), f"{prefix}{name}[{key}].", seen)
    yield path, prefix, layer


def _keys(held: Any) -> list[Any]:
    if isinstance(held, Mapping):
        return list(held)
    return list(range(len(held))) if isinstance(held, (list, tuple)) else []


def _follow(obj: Any, path: Path) -> Any:
    """What lies at the end of a path; None where it does not lead there."""
    for attribute, key in path:
        try:
            obj = getattr(obj, key) if attribute else obj[key]
        except (AttributeError, LookupError):
            return None
    return obj


def _put(obj: Any, path: Path, value: Any) -> None:
    owner, (attribute, key) = _follow(obj, path[:-1]), path[-1]
    if attribute:
        setattr(owner, key, value)
    elif not isinstance(owner, tuple):
        owner[key] = value


def _required(function: Callable[..., Any]) -> int:
    """How many arguments must be given by position."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return 0
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in positional and p.default is p.empty for p in parameters)
