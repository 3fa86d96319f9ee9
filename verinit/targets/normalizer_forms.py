"""Batch norms as people write them, behind one Protocol: classes with attributes, and functions.

Cases are channels last, `(N, ..., D)`; what keeps its channels elsewhere is given a view with the axis moved.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.reference.precision import floating
from verinit.vocabulary import UsageError

Array = NDArray[Any]
NAMES: dict[str, tuple[str, ...]] = {
    "gamma": ("gamma", "weight"),
    "beta": ("beta", "bias"),
    "dgamma": ("dgamma", "dweight", "grad_gamma", "gamma_grad", "d_gamma"),
    "dbeta": ("dbeta", "dbias", "grad_beta", "beta_grad", "d_beta"),
    "running_mean": ("running_mean", "moving_mean"),
    "running_var": ("running_var", "moving_var", "moving_variance", "running_variance"),
    "momentum": ("momentum", "decay"),
    "eps": ("eps", "epsilon"),
}
"""Under which attributes people keep the parts of a batch norm; the first that there is counts."""
SWITCHES = ("training", "train_flg", "train", "is_training")


def attribute(obj: Any, part: str) -> str:
    """The attribute under which an object keeps a part; empty if it has none of the usual names."""
    return next((name for name in NAMES[part] if hasattr(obj, name)), "")


def first(array: Any, axis: int) -> Any:
    """A batch with its channels moved from the last axis to `axis`; a view."""
    return array if axis == -1 or np.ndim(array) < 3 else np.moveaxis(array, -1, axis)


def last(array: Any, axis: int) -> Any:
    """A batch with its channels moved back to the last axis; what is no such batch as it is."""
    moves = isinstance(array, np.ndarray) and array.ndim > 2 and axis != -1
    return np.moveaxis(array, axis, -1) if moves else array


class Written:
    """A batch norm of NumPy arrays that keeps its parts as attributes.

    The object that is given is not touched: `fresh` makes a copy, or a new one by `make(width, dtype)`. All
    other attributes are read from and written to the object itself.
    """

    __slots__ = ("_axis", "_inner", "_kept", "_make")

    def __init__(self, inner: Any, *, axis: int = -1, make: Callable[[int, str], Any] | None = None) -> None:
        for name, value in (("_inner", inner), ("_axis", axis), ("_make", make), ("_kept", {})):
            object.__setattr__(self, name, value)

    def fresh(self, width: int, dtype: str | None = None) -> Written:
        """One that has seen nothing, of this width; its factor and shift in this dtype."""
        kind = floating(dtype)
        inner = copied(self._inner) if self._make is None else self._make(width, kind.name)
        made = Written(inner, axis=self._axis)
        for part in ("gamma", "beta"):
            value = getattr(inner, attribute(inner, part) or "_", None)
            if isinstance(value, np.ndarray):
                setattr(made, part, value.astype(kind))
        return made

    def forward(self, x: Any, training: Any) -> Any:
        """The output; in training by the second argument, or by a switch that the object keeps."""
        given, inner = first(x, self._axis), self._inner
        if _positional(inner.forward) > 1:
            return last(inner.forward(given, training), self._axis)
        for switch in SWITCHES:
            if hasattr(inner, switch):
                setattr(inner, switch, training)
        return last(inner.forward(given), self._axis)

    def backward(self, cotangent: Any) -> Any:
        """The gradient of the input; gradients of gamma and beta that are returned beside it are kept."""
        found = self._inner.backward(first(cotangent, self._axis))
        if isinstance(found, (tuple, list)) and len(found) == 3:
            found, self._kept["dgamma"], self._kept["dbeta"] = found
        return last(found, self._axis)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in Written.__slots__:
            raise AttributeError(name)
        if name in self._kept:
            return self._kept[name]
        return getattr(self._inner, attribute(self._inner, name) if name in NAMES else name, None)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._inner, (attribute(self._inner, name) if name in NAMES else "") or name, value)


def copied(inner: Any) -> Any:
    """A deep copy.

    Raises `UsageError` where there is none.
    """
    try:
        return copy.deepcopy(inner)
    except Exception as error:
        raise UsageError(
            f"bn={type(inner).__name__}(): it cannot be copied ({error}); give its class, or a function"
        ) from error


class Paired:
    """A batch norm of two functions, with the state that they pass around kept as attributes.

    `forward(x)`, `forward(x, gamma, beta)` or `forward(x, gamma, beta, bn_param)`, where the last is a dict
    with mode, eps, momentum and running statistics; it returns y, or y and a cache.
    `backward(cotangent, cache)` returns dx, or dx, dgamma and dbeta.
    """

    def __init__(
        self,
        forward: Callable[..., Any],
        backward: Callable[..., Any] | None,
        width: int,
        settings: Mapping[str, Any],
    ) -> None:
        self._forward, self._backward = forward, backward
        self._arity = _required(forward)
        if self._arity > 1:
            self.gamma, self.beta = np.ones(width), np.zeros(width)
        self.bn_param = dict(settings)
        self.cache: Any = None
        self.dgamma = self.dbeta = None

    @property
    def running_mean(self) -> Any:
        """The running mean, where the function keeps one."""
        return self.bn_param.get("running_mean")

    @running_mean.setter
    def running_mean(self, value: Any) -> None:
        self.bn_param["running_mean"] = value

    @property
    def running_var(self) -> Any:
        """The running variance, where the function keeps one."""
        return self.bn_param.get("running_var")

    @running_var.setter
    def running_var(self, value: Any) -> None:
        self.bn_param["running_var"] = value

    def forward(self, x: Any, training: bool) -> Any:
        """The output; what else the function returns is kept for backward."""
        self.bn_param["mode"] = "train" if training else "test"
        parameters = (self.gamma, self.beta) if self._arity > 1 else ()
        found = self._forward(x, *parameters, *((self.bn_param,) if self._arity > 3 else ()))
        if isinstance(found, tuple):
            found, *rest = found
            self.cache = rest[0] if len(rest) == 1 else tuple(rest)
        return found

    def backward(self, cotangent: Any) -> Any:
        """The gradient of the input; those of gamma and beta are kept where they are returned."""
        if self._backward is None:
            raise UsageError("backward: none was given")
        found = self._backward(cotangent, self.cache)
        if isinstance(found, (tuple, list)):
            found, *rest = found
            self.dgamma, self.dbeta = (*rest, None, None)[:2]
        return found


def _ordered(function: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (ValueError, TypeError):
        return []
    return [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]


def _positional(function: Callable[..., Any]) -> int:
    """How many arguments may be given by position."""
    return len(_ordered(function))


def _required(function: Callable[..., Any]) -> int:
    """How many arguments must be given by position."""
    return sum(parameter.default is parameter.empty for parameter in _ordered(function))


def arity(function: Callable[..., Any]) -> int:
    """How many arguments a forward function needs: 1, 3 or 4.

    Raises `UsageError` for another number.
    """
    count = _required(function)
    if count not in (1, 3, 4):
        raise UsageError(
            f"bn needs {count} arguments: a forward function takes (x), (x, gamma, beta) or "
            "(x, gamma, beta, bn_param)"
        )
    return count


def of_class(kind: type) -> Callable[[int, str], Any]:
    """How a class makes a batch norm of a width: from gamma and beta, or from the width alone."""
    arrays = [p.name for p in _ordered(kind) if p.default is p.empty][:2] != [] and _required(kind) >= 2

    def make(width: int, dtype: str) -> Any:
        if arrays:
            return kind(np.ones(width, floating(dtype)), np.zeros(width, floating(dtype)))
        return kind(width)

    return make
