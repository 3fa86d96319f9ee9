"""JAX's functions as a forward and a backward over NumPy arrays: what jax.vjp makes of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.targets.jax.framework import google_jax

Array = NDArray[Any]


def wide(inputs: tuple[Any, ...]) -> AbstractContextManager[Any]:
    """Inside, JAX has double precision where an input does; outside it has what the user chose."""
    jax = google_jax()
    double = any(np.asarray(x).dtype in (np.float64, np.complex128) for x in inputs)
    if not double or jax.config.jax_enable_x64:
        return nullcontext()
    home = jax if hasattr(jax, "enable_x64") else importlib.import_module("jax.experimental")
    context: AbstractContextManager[Any] = home.enable_x64(True)
    return context


def called(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of JAX's arrays makes of NumPy's; an array comes back as NumPy's."""
    with wide(arguments):
        return returned(function(*map(google_jax().numpy.asarray, arguments)))


def returned(result: Any) -> Any:
    """An array of JAX as one of NumPy that may be written on; anything else as it is."""
    return np.array(result) if isinstance(result, google_jax().Array) else result


class Vjp:
    """A function of JAX's arrays, and the product of a cotangent with its Jacobian as jax.vjp forms it.

    compiled: whether both passes are compiled, once for every shape and dtype.
    """

    def __init__(self, function: Callable[..., Any], *, compiled: bool = False) -> None:
        jax = google_jax()
        self._value = jax.jit(function) if compiled else function
        self._pulled = jax.jit(self._pull, static_argnums=0) if compiled else self._pull
        self.function = function

    def forward(self, *inputs: Array) -> Any:
        """The function's value."""
        return called(self._value, *inputs)

    def backward(self, cotangent: Array, *inputs: Array) -> tuple[Array | None, ...]:
        """Gradients of the floating inputs; None of whole numbers."""
        jax = google_jax()
        with wide((cotangent, *inputs)):
            arrays = [jax.numpy.asarray(x) for x in inputs]
            moving = tuple(
                i for i, x in enumerate(arrays) if jax.numpy.issubdtype(x.dtype, jax.numpy.floating)
            )
            found = self._pulled(moving, jax.numpy.asarray(cotangent), *arrays)
            gradients = dict(zip(moving, map(np.array, found), strict=True))
        return tuple(gradients.get(i) for i in range(len(arrays)))

    def _pull(self, moving: tuple[int, ...], cotangent: Any, *arrays: Any) -> tuple[Any, ...]:
        def partly(*moved: Any) -> Any:
            given = dict(zip(moving, moved, strict=True))
            return self.function(*(given.get(i, x) for i, x in enumerate(arrays)))

        y, pull = google_jax().vjp(partly, *(arrays[i] for i in moving))
        found: tuple[Any, ...] = pull(cotangent.astype(y.dtype).reshape(y.shape))
        return found


def is_array(obj: Any) -> bool:
    """Whether an object is an array of JAX."""
    return isinstance(obj, google_jax().Array)
