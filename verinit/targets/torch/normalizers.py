"""Normalizers of the family `torch`: modules with batch statistics, and autograd's gradients."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.targets.normalizer_forms import first, last
from verinit.targets.torch.autograd import alone, tensor
from verinit.targets.torch.framework import pytorch
from verinit.targets.torch.tensors import as_array
from verinit.vocabulary import Target, UsageError

Array = NDArray[Any]
DTYPES = ("float32", "float64", "float16", "bfloat16")
CHANNELS = 1
"""torch keeps channels second."""
PARTS = {"gamma": "weight", "beta": "bias", "running_mean": "running_mean", "running_var": "running_var"}


class Module:
    """A module of torch with weight, bias and running statistics, as a normalizer of NumPy arrays.

    The module that is given is not touched: `fresh` copies it, or makes one of the width that is asked for by
    `make(width)`, with running statistics as they are at the start.
    """

    dtypes = DTYPES

    def __init__(self, module: Any, *, axis: int = CHANNELS, make: Any = None) -> None:
        self.module, self.axis, self.make = module, axis, make
        self.dgamma: Array | None = None
        self.dbeta: Array | None = None
        self._passed: tuple[Any, Any] | None = None

    def fresh(self, width: int, dtype: str | None = None) -> Module:
        """One that has seen nothing, of this width and dtype."""
        module = copy.deepcopy(self.module) if self.make is None else self.make(width)
        if hasattr(module, "reset_running_stats"):
            module.reset_running_stats()
        kind = pytorch().float32 if dtype is None else getattr(pytorch(), dtype)
        return Module(module.to(dtype=kind, device="cpu"), axis=self.axis)

    def forward(self, x: Array, training: bool) -> Array:
        """The module's output in training, or in evaluation."""
        self.module.train(training)
        given = tensor(first(x, self.axis))
        with pytorch().enable_grad(), alone([x]):
            leaf = given.detach().requires_grad_()
            y = self.module(leaf)
        self._passed = leaf, y
        return np.asarray(last(as_array(y), self.axis))

    def backward(self, cotangent: Array) -> Array:
        """The gradient of the input by autograd; those of weight and bias are kept."""
        torch = pytorch()
        if self._passed is None:
            raise RuntimeError("backward was called before forward")
        leaf, y = self._passed
        wanted = [leaf, *(p for p in (self._part("gamma"), self._part("beta")) if p is not None)]
        with alone([cotangent]):
            found = torch.autograd.grad(y, wanted, tensor(first(cotangent, self.axis)), retain_graph=True)
        if len(found) == 3:
            self.dgamma, self.dbeta = as_array(found[1]), as_array(found[2])
        return np.asarray(last(as_array(found[0]), self.axis))

    def _part(self, name: str) -> Any:
        return getattr(self.module, PARTS[name], None)

    def __getattr__(self, name: str) -> Any:
        if name in PARTS:
            kept = self._part(name)
            return None if kept is None else as_array(kept)
        if name in ("eps", "momentum"):
            return getattr(self.module, name, None)
        raise AttributeError(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in PARTS:
            object.__setattr__(self, name, value)
            return
        kept = self._part(name)
        with pytorch().no_grad():
            kept.copy_(tensor(np.asarray(value)))


def adapted(module: Any, *, axis: int, width: int) -> tuple[Module, int]:
    """Anybody's module, or a class that makes one of a width, and its number of features.

    Raises `UsageError` for a module without one.
    """
    if isinstance(module, type):
        return Module(module(width), axis=axis, make=module), width
    for name in ("num_features", "weight", "running_mean"):
        value = getattr(module, name, None)
        if value is not None:
            return Module(module, axis=axis), value if name == "num_features" else len(value)
    raise UsageError(
        f"bn={type(module).__name__}(): it has neither num_features, weight nor running_mean, so its number "
        "of features is unknown; give its class"
    )


@cache
def targets() -> tuple[Target, ...]:
    """BatchNorm1d, of (N, D) and (N, D, L), and BatchNorm2d.

    Raises `TargetError` where torch is not installed.
    """
    nn = pytorch().nn
    return tuple(
        Target(
            name=f"torch:{kind.__name__}@module",
            kind="normalizer",
            object=Module(kind(1), make=kind),
            declared=(
                ("eps", 1e-5),
                ("momentum", 0.1),
                ("convention", "take"),
                ("unbiased", True),
                ("axis", CHANNELS),
                ("single", False),
            ),
            parameters=("scale",),
            ranks=ranks,
            dtypes=DTYPES,
        )
        for kind, ranks in ((nn.BatchNorm1d, (2, 3)), (nn.BatchNorm2d, (4,)))
    )
