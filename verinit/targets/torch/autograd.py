"""torch's functions and modules as a forward and a backward over NumPy arrays, by autograd."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.targets.torch import chance
from verinit.targets.torch.framework import pytorch
from verinit.targets.torch.tensors import as_array
from verinit.vocabulary import ROOT, entropy

Array = NDArray[Any]


def tensor(x: Any) -> Any:
    """The same numbers as a tensor, in the same memory wherever torch can use it: what writes on one writes
    on the other.
    """
    torch, x = pytorch(), np.asarray(x)
    if not x.flags.writeable or any(stride < 0 for stride in x.strides):
        x = x.copy()
    if x.dtype.name == "bfloat16":
        return torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(x)


GRAIN = 1 << 15
"""Numbers below which torch's own loops are not split over threads (`at::internal::GRAIN_SIZE`)."""


@contextmanager
def alone(arrays: Sequence[Any]) -> Iterator[None]:
    """Inside, torch works in one thread if there is little to do; some of its kernels would not see that.

    Batch norm of 48 numbers took 10 to 1000 times as long in two threads as in one on two busy cores.
    """
    torch = pytorch()
    before = torch.get_num_threads()
    small = before > 1 and sum(np.size(x) for x in arrays) < GRAIN
    if small:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if small:
            torch.set_num_threads(before)


def called(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of tensors makes of arrays; a tensor comes back as an array.

    Raises `TypeError` for complex numbers where the function takes none.
    """
    with alone(arguments):
        try:
            return returned(function(*map(tensor, arguments)))
        except RuntimeError as error:
            if any(map(np.iscomplexobj, arguments)):
                raise TypeError(f"takes no complex numbers ({error})") from error
            raise


def returned(result: Any) -> Any:
    """A tensor as an array that shares its memory; anything else as it is."""
    return as_array(result) if isinstance(result, pytorch().Tensor) else result


class Autograd:
    """A function of tensors, and the product of a cotangent with its Jacobian as autograd forms it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def forward(self, *inputs: Array) -> Any:
        """The function's value."""
        return called(self.function, *inputs)

    def backward(self, cotangent: Array, *inputs: Array) -> tuple[Array | None, ...]:
        """Gradients of the floating inputs, zeros where autograd knows of no path; None of whole numbers."""
        torch = pytorch()
        tensors = [tensor(x) for x in inputs]
        wanted = [t.requires_grad_() for t in tensors if t.is_floating_point()]
        found: tuple[Any, ...] = (None,) * len(wanted)
        with torch.enable_grad(), alone(inputs):
            y = self.function(*tensors)
            if y.requires_grad and wanted:
                v = tensor(cotangent).to(y.dtype)
                found = torch.autograd.grad(y, wanted, v, allow_unused=True)
        gradients = iter(
            as_array(torch.zeros_like(t) if g is None else g) for t, g in zip(wanted, found, strict=True)
        )
        return tuple(next(gradients) if t.is_floating_point() else None for t in tensors)


def parameters_of(module: Any) -> dict[str, Array]:
    """The trained parameters of a module, by name, as copies."""
    return {
        name: as_array(kept).copy()
        for name, kept in module.named_parameters()
        if kept.requires_grad and kept.is_floating_point()
    }


def functional(module: Any, names: tuple[str, ...]) -> Callable[..., Any]:
    """A module as a function of its inputs and of the parameters `names`, in the dtype of those parameters.

    The module is not touched: copies are made, one for each dtype, and buffers are put back before each
    call. Dropout and the like draw the same numbers in every call.
    """
    torch = pytorch()
    copies: dict[Any, Any] = {}

    def copied(dtype: Any) -> Any:
        if dtype not in copies:
            copies[dtype] = copy.deepcopy(module).to(dtype=dtype, device="cpu")
        return copies[dtype]

    def call(*tensors: Any) -> Any:
        cut = len(tensors) - len(names)
        dtypes = [t.dtype for t in reversed(tensors) if t.is_floating_point()]
        held = copied(dtypes[0] if dtypes else torch.get_default_dtype())
        buffers = {name: kept.clone() for name, kept in held.named_buffers()}
        state = {**buffers, **dict(zip(names, tensors[cut:], strict=True))}
        with chance.borrowed(np.random.default_rng(entropy(ROOT, "a module's own chance"))):
            return torch.func.functional_call(held, state, tuple(tensors[:cut]))

    return call


def is_module(obj: Any) -> bool:
    """Whether an object is a module of torch."""
    return isinstance(obj, pytorch().nn.Module)


def is_function_class(obj: Any) -> bool:
    """Whether an object is a subclass of torch.autograd.Function, which is called by its `apply`."""
    return isinstance(obj, type) and issubclass(obj, pytorch().autograd.Function)
