"""Implementations of sigmoid, tanh and softmax with loss whose saturation is looked at, by library."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from verinit.reference.activations import sigmoid, tanh
from verinit.reference.layers import SoftmaxWithLoss
from verinit.targets.losses import ChapterLoss, Mean

Function = Callable[[Any], Any]

BY_PROCESSOR = (("torch", "tanh"),)
"""Functions of frameworks whose last bits differ between instruction sets."""


def quietly(function: Function) -> Function:
    def call(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return np.asarray(function(x))

    return call


def has_library(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def naive(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def stable(x: Any) -> Any:
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def through_tanh(x: Any) -> Any:
    return x.dtype.type(0.5) * (1 + np.tanh(x / 2))


def by_output(f: Function) -> Function:
    return lambda x: f(x) * (1 - f(x))


def mirrored(f: Function) -> Function:
    return lambda x: f(x) * f(-x)


@cache
def framework(library: str, name: str) -> tuple[Function, Function]:
    """A function of torch or jax on arrays, and the derivative that autodiff makes of it."""
    passes: Any
    if library == "torch":
        torch = importlib.import_module("torch")
        engine = importlib.import_module("verinit.targets.torch.autograd")
        passes = engine.Autograd(
            (lambda x: 1 / (1 + torch.exp(-x))) if name == "naive" else getattr(torch, name)
        )
    else:
        jax = importlib.import_module("jax")
        engine = importlib.import_module("verinit.targets.jax.vjp")
        own = {
            "naive": lambda x: 1 / (1 + jax.numpy.exp(-x)),
            "sigmoid": jax.nn.sigmoid,
            "tanh": jax.numpy.tanh,
        }
        passes = engine.Vjp(own[name], compiled=True)
    return passes.forward, lambda x: passes.backward(np.ones_like(x), x)[0]


def values(name: str) -> Iterator[tuple[str, str, Function, Function]]:
    """Implementations of sigmoid or tanh: words, library, value, derivative."""
    if name == "sigmoid":
        yield "1 / (1 + exp(-x)), y (1 - y)", "numpy", naive, by_output(naive)
        yield "by the exponential that cannot overflow, s(x) s(-x)", "numpy", stable, mirrored(stable)
        yield "the reference of verinit", "numpy", sigmoid.value, sigmoid.derivative
        yield "(1 + tanh(x/2)) / 2, y (1 - y) *", "numpy", through_tanh, by_output(through_tanh)
        expit = importlib.import_module("scipy.special").expit
        yield "scipy.special.expit, y (1 - y)", "scipy", expit, by_output(expit)
    else:
        yield "numpy.tanh, 1 - y^2 *", "numpy", np.tanh, lambda x: 1 - np.tanh(x) ** 2
        yield "the reference of verinit *", "numpy", tanh.value, tanh.derivative
    for library in ("torch", "jax"):
        if has_library(library):
            moved = " *" if (library, name) in BY_PROCESSOR else ""
            yield f"{library} {name}{moved}", library, *framework(library, name)
            if name == "sigmoid":
                yield f"{library}, autodiff of 1 / (1 + exp(-x))", library, *framework(library, "naive")


def losses() -> Iterator[tuple[str, str, Any]]:
    yield "the chapter's softmax, y - t", "numpy", ChapterLoss()
    yield "the reference of verinit", "numpy", SoftmaxWithLoss()
    for library in ("torch", "jax"):
        if has_library(library):
            home = importlib.import_module(f"verinit.targets.{library}.losses")
            yield home.targets()[0].name, library, home.targets()[0].object


def gradient(loss: Any, x: Any) -> Any:
    """What comes back for label 0; of a framework without its forward, compiled for nothing."""
    labels = np.zeros(len(x), dtype=np.int64)
    if isinstance(loss, Mean):
        return loss.passes.backward(np.ones((), x.dtype), x, labels)[0]
    loss.forward(x, labels)
    return loss.backward()


def sent_back(loss: Any, classes: int, k: int) -> Function:
    """Of a gap, whether nothing comes back to class k; each gap is a batch of its own."""

    def flat(gaps: Any) -> Any:
        found = []
        for gap in gaps:
            x = np.zeros((1, classes), dtype=gaps.dtype)
            x[0, 0] = gap
            found.append(gradient(loss, x)[0, k] == 0)
        return np.array(found)

    return flat
