"""The family `flax`: the weights that modules of flax.linen and flax.nnx are made with by default.

flax.linen.initializers are those of the family `jax`, under the same names; what is Flax's own are the
defaults. Kernels are `lecun_normal`, which is truncated. `Embed` writes `variance_scaling(1.0, "fan_in",
"normal", out_axis=0)`: of its matrix (number of embeddings, features) the first axis counts as out, and the
fan in is the second, so that each row has length 1 on average. In verinit's layout that is mode fan_out.

Left out: biases, which are zeros; `DenseGeneral`, `Einsum` and attention, whose kernels are Dense's in
other shapes; `ConvLocal`, which has a kernel for each place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.laws.schemes import parse
from verinit.targets.flax.framework import google_flax
from verinit.targets.jax.catalogue import traced
from verinit.targets.jax.framework import google_jax
from verinit.targets.jax.keys import key
from verinit.targets.probing import KERNEL, SHAPE
from verinit.targets.results import plain
from verinit.vocabulary import Target

_DENSE = (2,)
_CONVOLUTIONS = (3, 4, 5)
"""Numbers of axes of kernels over one, two and three dimensions."""
_LECUN = "lecun_truncated_normal"
_ROWS = "variance_scaling(mode=fan_out)"

Build = Callable[..., Any]
"""`build(key, shape, groups, **dtype)`: the weights of a module that is made with this key."""


@cache
def targets() -> tuple[Target, ...]:
    """The whole family.

    Raises `TargetError` where flax is not installed.
    """
    google_flax()
    rows: tuple[tuple[str, Build, str, tuple[int, ...], tuple[str, ...]], ...] = (
        ("Dense", _dense, _LECUN, _DENSE, ()),
        ("Conv", _conv, _LECUN, _CONVOLUTIONS, ("groups",)),
        ("ConvTranspose", _conv_transpose, _LECUN, _CONVOLUTIONS, ()),
        ("Embed", _embed, _ROWS, _DENSE, ()),
        ("nnx.Linear", _nnx_linear, _LECUN, _DENSE, ()),
        ("nnx.Conv", _nnx_conv, _LECUN, _CONVOLUTIONS, ("groups",)),
        ("nnx.ConvTranspose", _nnx_conv_transpose, _LECUN, _CONVOLUTIONS, ()),
        ("nnx.Embed", _nnx_embed, _ROWS, _DENSE, ()),
    )
    return tuple(
        Target(
            name=f"flax:{word}",
            kind="initializer",
            object=Fresh(build),
            scheme=parse(declared),
            parameters=parameters,
            ranks=ranks,
            dtypes=traced(partial(_made, build), shape=SHAPE if ranks == _DENSE else KERNEL),
        )
        for word, build, declared, ranks, parameters in rows
    )


class Fresh:
    """Draws the weights of a module that has just been made.

    The making is compiled, as in `jax.jit(module.init)`: module by module it would take 10 ms, and the
    numbers are the same, bit for bit.
    """

    def __init__(self, build: Build) -> None:
        self.drawn = lru_cache(maxsize=8)(partial(_compiled, build))

    def __call__(
        self, shape: tuple[int, ...], rng: np.random.Generator, *, dtype: str | None = None, groups: int = 1
    ) -> NDArray[Any]:
        array: NDArray[Any] = plain(self.drawn(shape, dtype, groups)(key(rng)))
        return array


def _compiled(build: Build, shape: tuple[int, ...], dtype: str | None, groups: int) -> Callable[..., Any]:
    function: Callable[..., Any] = google_jax().jit(
        partial(_made, build, shape=shape, dtype=dtype, groups=groups)
    )
    return function


def _made(build: Build, key: Any, *, shape: tuple[int, ...], dtype: Any = None, groups: int = 1) -> Any:
    """The weights of a module; its own `param_dtype` where none is asked for."""
    kind = {} if dtype is None else {"param_dtype": np.dtype(dtype)}
    return build(key, shape, groups, **kind)


def _ones(*shape: int) -> Any:
    """A batch of one input."""
    return google_jax().numpy.ones((1, *shape))


def _dense(key: Any, shape: tuple[int, ...], groups: int, **kind: Any) -> Any:
    module = google_flax().linen.Dense(shape[1], **kind)
    return module.init(key, _ones(shape[0]))["params"]["kernel"]


def _conv(key: Any, shape: tuple[int, ...], groups: int, **kind: Any) -> Any:
    """`shape: (*kernel, in / groups, out)`."""
    *kernel, inputs, outputs = shape
    module = google_flax().linen.Conv(outputs, tuple(kernel), feature_group_count=groups, **kind)
    return module.init(key, _ones(*kernel, inputs * groups))["params"]["kernel"]


def _conv_transpose(key: Any, shape: tuple[int, ...], groups: int, **kind: Any) -> Any:
    *kernel, inputs, outputs = shape
    module = google_flax().linen.ConvTranspose(outputs, tuple(kernel), **kind)
    return module.init(key, _ones(*kernel, inputs))["params"]["kernel"]


def _embed(key: Any, shape: tuple[int, ...], groups: int, **kind: Any) -> Any:
    module = google_flax().linen.Embed(*shape, **kind)
    return module.init(key, google_jax().numpy.zeros(1, dtype=np.int32))["params"]["embedding"]


def _rngs(key: Any) -> Any:
    return google_flax().nnx.Rngs(params=key)


def _nnx_linear(key: Any, shape: tuple[int, ...], groups: int, **kind: Any) -> Any:
    return google_flax().nnx.Linear(*shape, rngs=_rngs(key), **kind).kernel[...]


def _nnx_conv(key: Any, shape: tuple[int, ...], groups: int, **kind: Any) -> Any:
    *kernel, inputs, outputs = shape
    module = google_flax().nnx.Conv(
        inputs * groups, outputs, tuple(kernel), feature_group_count=groups, rngs=_rngs(key), **kind
    )
    return module.kernel[...]


def _nnx_conv_transpose(key: Any, shape: tuple[int, ...], groups: int, **kind: Any) -> Any:
    *kernel, inputs, outputs = shape
    module = google_flax().nnx.ConvTranspose(inputs, outputs, tuple(kernel), rngs=_rngs(key), **kind)
    return module.kernel[...]


def _nnx_embed(key: Any, shape: tuple[int, ...], groups: int, **kind: Any) -> Any:
    return google_flax().nnx.Embed(*shape, rngs=_rngs(key), **kind).embedding[...]
