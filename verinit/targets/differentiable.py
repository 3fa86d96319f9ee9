"""`held`: anything that can be differentiated, at inputs that were given, behind the Protocol `Function`.

Which code may be given: functions of NumPy's arrays with a backward, functions of torch or JAX with or
without one, modules of torch, subclasses of torch.autograd.Function, and layers with forward and backward.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.targets.cotangents import floating, gradients, output
from verinit.targets.layers import Opened, is_layer
from verinit.targets.results import plain
from verinit.targets.trees import leaves, refilled
from verinit.vocabulary import UsageError

Array = NDArray[Any]
BACKWARD = "give backward(cotangent, *inputs), or a torch or jax function"
ENGINES = {"torch": "verinit.targets.torch.autograd", "jax": "verinit.targets.jax.vjp"}
"""Where functions of a framework are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A function at the inputs it was given: every case is that one, in the dtype that is asked for."""

    names: tuple[str, ...]
    given: tuple[Array, ...]
    forward: Callable[..., Any]
    backward: Callable[..., tuple[Any, ...]]

    @property
    def first(self) -> Array:
        """The first input that is differentiated: the case has its shape and dtype."""
        return next(x for x in self.given if floating(x))

    def inputs(
        self, shape: tuple[int, ...], rng: np.random.Generator, *, dtype: str | None = None
    ) -> tuple[Array, ...]:
        """Copies of what was given; floating-point numbers in `dtype` where that is not the first's.

        Raises `UsageError` for another shape than the first's.
        """
        require_shape(shape, self.first.shape)
        if dtype is None or dtype == self.first.dtype.name:
            return tuple(x.copy() for x in self.given)
        return tuple(x.astype(dtype) if floating(x) else x.copy() for x in self.given)


def require_shape(asked: tuple[int, ...], given: tuple[int, ...]) -> None:
    """Raises `UsageError` where a function is asked for inputs of another shape than it was given."""
    if asked != given:
        raise UsageError(f"shape={asked}: the function was given inputs of shape {given}, and takes no other")


def held(forward: Any, inputs: Any, backward: Any = None, *, names: Sequence[str] | None = None) -> Held:
    """A forward, its inputs, and a backward where autodiff is not to be examined, as one function.

    inputs  an array, a sequence of arrays or of nested lists and dicts of arrays, or a dict of them by name
    names   of the inputs, in place of the forward's own
    Raises `UsageError` naming the argument, what was given and what is allowed.
    """
    _require_callable(forward, backward)
    tree, titles = _named(forward, inputs, names)
    flat = [pair for part, title in zip(tree, titles, strict=True) for pair in leaves(part, title)]
    if not flat:
        raise UsageError("inputs is empty: give at least one array of floating-point numbers")
    arrays = tuple(_array(leaf, name) for name, leaf in flat)
    labels = tuple(name for name, _ in flat)
    home = next(filter(None, (_home(leaf) for _, leaf in flat)), "")
    calls = _Calls(tree=tree, home=home)
    if backward is not None:
        return _complete(labels, arrays, calls.value(forward), calls.gradient(backward, inputs))
    return _own_backward(forward, labels, arrays, calls)


def _own_backward(forward: Any, labels: tuple[str, ...], arrays: tuple[Array, ...], calls: _Calls) -> Held:
    """What a forward that came without a backward is differentiated by: itself, or its framework."""
    if _of_torch(forward, "is_module"):
        autograd = importlib.import_module(ENGINES["torch"])
        extra = {name: _cast(x, arrays) for name, x in autograd.parameters_of(forward).items()}
        passes = autograd.Autograd(calls.filled(autograd.functional(forward, tuple(extra)), extra=len(extra)))
        return _complete((*labels, *extra), (*arrays, *extra.values()), passes.forward, passes.backward)
    if is_layer(forward) and not isinstance(forward, type):
        opened = Opened(forward, arrays)
        own = opened.parameters
        return _complete(
            (*labels, *(each.name for each in own)),
            (*arrays, *(_cast(each.array, arrays) for each in own)),
            opened.forward,
            opened.backward,
        )
    function = forward.apply if _of_torch(forward, "is_function_class") else forward
    home = calls.home or _engine(function, calls, arrays)
    engine = importlib.import_module(ENGINES[home])
    differentiated = engine.Autograd if home == "torch" else engine.Vjp
    passes = differentiated(calls.filled(function))
    return _complete(labels, arrays, passes.forward, passes.backward)


def _complete(
    names: tuple[str, ...],
    given: tuple[Array, ...],
    forward: Callable[..., Any],
    backward: Callable[..., Any],
) -> Held:
    if not any(map(floating, given)):
        dtypes = ", ".join(sorted({x.dtype.name for x in given}))
        raise UsageError(
            f"inputs of dtype {dtypes}: none is floating-point, and whole numbers are not differentiated"
        )
    return Held(names=names, given=given, forward=forward, backward=backward)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calls:
    """How functions are called: with inputs of this form, as arrays of this framework ("": NumPy's)."""

    tree: tuple[Any, ...]
    home: str

    def filled(self, function: Callable[..., Any], *, extra: int = 0) -> Callable[..., Any]:
        """A function of the leaves, and of `extra` arrays after them, that is called with the tree."""

        def call(*arrays: Any) -> Any:
            cut = len(arrays) - extra
            return function(*refilled(self.tree, arrays[:cut]), *arrays[cut:])

        return call

    def value(self, forward: Callable[..., Any]) -> Callable[..., Any]:
        """The forward of a pair."""
        call = self.filled(forward)
        return lambda *inputs: output(self._called(call, *inputs), inputs)

    def gradient(self, backward: Callable[..., Any], inputs: Any) -> Callable[..., tuple[Any, ...]]:
        """The backward of a pair: `(cotangent, *inputs)`; by name where the inputs came so."""

        def call(cotangent: Any, *arrays: Any) -> Any:
            found = backward(cotangent, *refilled(self.tree, arrays))
            if isinstance(inputs, Mapping) and isinstance(found, Mapping):
                return [found.get(name) for name in inputs]
            return found

        def listed(cotangent: Any, *arrays: Any) -> tuple[Any, ...]:
            return gradients(self._called(call, cotangent, *arrays), len(arrays))

        return listed

    def _called(self, function: Callable[..., Any], *arrays: Any) -> Any:
        if not self.home:
            return function(*arrays)
        return importlib.import_module(ENGINES[self.home]).called(function, *arrays)


def _require_callable(forward: Any, backward: Any) -> None:
    if isinstance(forward, type) and not _of_torch(forward, "is_function_class"):
        raise UsageError(f"forward={forward.__name__} is a class: give an instance of it, or a function")
    if not callable(forward) and (backward is not None or not is_layer(forward)):
        raise UsageError(
            f"forward={_cut(forward)} is of type {type(forward).__name__} and cannot be called: give a "
            "function of the inputs, or a layer with forward and backward"
        )
    if backward is not None and not callable(backward):
        raise UsageError(f"backward={_cut(backward)} cannot be called: {BACKWARD}")


def _named(forward: Any, inputs: Any, names: Sequence[str] | None) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The inputs one by one, and what each is called."""
    if isinstance(inputs, Mapping):
        tree, titles = tuple(inputs.values()), tuple(map(str, inputs))
    else:
        tree = tuple(inputs) if isinstance(inputs, (list, tuple)) else (inputs,)
        titles = _signature(forward, len(tree))
    if names is None:
        return tree, titles
    given = (names,) if isinstance(names, str) else tuple(names)
    if len(given) != len(tree) or len(set(given)) != len(given):
        raise UsageError(
            f"names={names!r}: {len(tree)} inputs were given, so give {len(tree)} different names"
        )
    return tree, given


def _signature(forward: Any, count: int) -> tuple[str, ...]:
    """The names that a forward has for so many inputs; x, or x0, x1, ... where it does not say."""
    call = forward if inspect.isroutine(forward) else getattr(forward, "forward", forward)
    try:
        parameters = list(inspect.signature(call).parameters.values())
    except (ValueError, TypeError):
        parameters = []
    named = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if _of_torch(forward, "is_function_class") and named[:1] == ["ctx"]:
        named = named[1:]
    if len(named) >= count:
        return tuple(named[:count])
    return ("x",) if count == 1 else tuple(f"x{i}" for i in range(count))


def _array(leaf: Any, name: str) -> Array:
    """A leaf as an array of its own.

    Raises `UsageError` for what holds no numbers.
    """
    array = np.array(plain(leaf))
    if array.dtype.kind not in "fiub" and array.dtype.name != "bfloat16":
        kind = f"of dtype {array.dtype}" if isinstance(leaf, np.ndarray) else f"of type {type(leaf).__name__}"
        raise UsageError(f"input {name!r} is {kind}: give an array of real numbers")
    return array


def _cast(parameter: Array, inputs: Iterable[Array]) -> Array:
    """A parameter in the dtype of the first floating input: the inputs decide in which dtype one computes."""
    first = next((x for x in inputs if floating(x)), parameter)
    return parameter.astype(first.dtype)


def _home(obj: Any) -> str:
    """The framework that a tensor belongs to; empty for everything else."""
    if isinstance(obj, np.ndarray):
        return ""
    homes = {base.__module__.partition(".")[0] for base in type(obj).__mro__}
    if "torch" in homes and hasattr(obj, "detach"):
        return "torch"
    return "jax" if homes & {"jax", "jaxlib"} and hasattr(obj, "__array__") else ""


def _of_torch(obj: Any, question: str) -> bool:
    """Whether torch, if anything has loaded it, says yes to a question about an object."""
    if "torch" not in sys.modules:
        return False
    return bool(getattr(importlib.import_module(ENGINES["torch"]), question)(obj))


def _engine(function: Callable[..., Any], calls: _Calls, arrays: tuple[Array, ...]) -> str:
    """The framework that can differentiate a function: where it comes from, or what it returns.

    Raises `UsageError` for a function of NumPy, and for one that cannot be called with its inputs.
    """
    known = _origin(function)
    if known:
        return known
    said = ""
    for home in ("", *(name for name in ENGINES if name in sys.modules)):
        call = calls.filled(function)
        try:
            if home:
                importlib.import_module(ENGINES[home]).called(call, *(x.copy() for x in arrays))
                return home
            result = call(*(x.copy() for x in arrays))
        except Exception as error:
            said = said or f"{type(error).__name__}: {error}".strip().splitlines()[0]
            continue
        if _home(result):
            return _home(result)
        raise UsageError(f"backward is missing for a function of NumPy's arrays: {BACKWARD}")
    raise UsageError(f"forward cannot be called with these inputs ({said})")


def _origin(function: Any) -> str:
    """The framework whose module a function, or its type, was made in; empty for the user's own."""
    while isinstance(function, functools.partial):
        function = function.func
    owners = (function, getattr(function, "__self__", None), *type(function).__mro__)
    owners = (*owners, *getattr(getattr(function, "__self__", None), "__mro__", ()))
    homes = {str(getattr(owner, "__module__", "")).partition(".")[0] for owner in owners}
    return "torch" if "torch" in homes else "jax" if homes & {"jax", "jaxlib"} else ""


def _cut(obj: Any) -> str:
    text = repr(obj)
    return text if len(text) <= 40 else f"{text[:37]}..."
