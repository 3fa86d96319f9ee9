"""Tensors of torch's layout, and the arrays of verinit's layout that they are.

torch keeps dense weights as (out, in) and convolution kernels as (out, in / groups, *kernel); verinit as
(in, out) and (*kernel, in / groups, out). The array is a view of the tensor wherever NumPy can hold one.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
from numpy.typing import NDArray

from verinit.targets.torch.framework import pytorch


def layout(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape torch has for what verinit calls `shape`.

    >>> layout((64, 32)), layout((3, 5, 8, 16)), layout((7,))
    ((32, 64), (16, 8, 3, 5), (7,))
    """
    return shape if len(shape) < 2 else (shape[-1], shape[-2], *shape[:-2])


def blank(shape: tuple[int, ...], dtype: str | None) -> Any:
    """A tensor for a function to fill: nan, so that a weight which was left out is seen."""
    torch = pytorch()
    kind = None if dtype is None else getattr(torch, dtype)
    return torch.full(layout(shape), float("nan"), dtype=kind, device="cpu")


def filled(tensor: Any, result: Any) -> NDArray[Any]:
    """The weights that a function left in `tensor`, or returned instead of filling it, as verinit's array."""
    returned = isinstance(result, pytorch().Tensor) and result.shape == tensor.shape
    array = as_array(result if returned else tensor)
    return array if array.ndim < 2 else array.transpose((*range(2, array.ndim), 1, 0))


def as_array(tensor: Any) -> NDArray[Any]:
    """The same numbers as a NumPy array, of the same shape and dtype; bfloat16 as `ml_dtypes.bfloat16`."""
    torch = pytorch()
    tensor = tensor.detach().cpu()
    if tensor.dtype is torch.bfloat16:
        words: NDArray[Any] = tensor.view(torch.int16).numpy()
        return words.view(ml_dtypes.bfloat16)
    array: NDArray[Any] = tensor.numpy()
    return array
