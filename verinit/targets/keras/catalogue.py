"""The family `keras`: the initializers of keras.initializers, and the kernels that layers have by default.

Three declarations are what people believe, and fail. Of `TruncatedNormal` the documentation says that
`stddev` is the standard deviation of the values; it is that of the normal before the cut (keras#8048), as
`@documented` declares it, after the same page's "discarded and re-drawn". `HeNormal`, like `GlorotNormal`
and `LecunNormal`, is documented to draw truncated weights, corrected for the cut, and does; whoever goes by
its name, or by the paper's, expects `HeNormal@untruncated` (tensorflow#19996). And `Conv2D` has Glorot's
fans without groups only: with them it counts outputs that an input never reaches, as torch does
(pytorch#23854).

On the backend torch all truncated weights fail besides: of four normal numbers the first inside the cut is
taken, and the first of all where none is, so that one weight in 0.0455^-4 = 233,000 lies beyond the cut.

Kernels are `(*kernel, in, out)`, as in verinit; the dtypes are those that the backend delivers.

Left out: `Identity` and `STFT` draw nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.laws.schemes import parse
from verinit.targets.adaptation import ranks_of
from verinit.targets.calling import Adapted
from verinit.targets.forms import Form
from verinit.targets.globals import borrowed
from verinit.targets.keras.framework import multi_keras
from verinit.targets.keras.reseeding import reseeded
from verinit.targets.probing import delivered
from verinit.targets.results import plain
from verinit.vocabulary import Target

FORM = Form(arguments=(("", "shape"),), dtype="dtype", spelling="word")
"""`f(shape, dtype)`, as every initializer of Keras is called."""

_CLASSES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("RandomUniform", "uniform(low=-0.05, high=0.05)", {}),
    ("RandomNormal", "normal(std=0.05)", {}),
    ("TruncatedNormal", "truncated_normal(std=0.05)", {}),
    ("TruncatedNormal@documented", "truncated_normal(std=0.05, corrected=false)", {}),
    ("Constant", "constant(value=0.1)", {"value": 0.1}),
    ("Ones", "ones", {}),
    ("Zeros", "zeros", {}),
    ("GlorotUniform", "xavier_uniform", {}),
    ("GlorotNormal", "xavier_truncated_normal", {}),
    ("HeUniform", "he_uniform", {}),
    ("HeNormal", "he_truncated_normal", {}),
    ("HeNormal@untruncated", "he_normal", {}),
    ("LecunUniform", "lecun_uniform", {}),
    ("LecunNormal", "lecun_truncated_normal", {}),
    *(
        (
            f"VarianceScaling@{distribution}",
            f"variance_scaling(scale=2, mode={mode}, distribution={drawn})",
            {"scale": 2.0, "mode": mode, "distribution": distribution},
        )
        for distribution, drawn, mode in (
            ("untruncated_normal", "normal", "fan_in"),
            ("uniform", "uniform", "fan_out"),
            ("truncated_normal", "truncated_normal", "fan_avg"),
        )
    ),
    ("Orthogonal", "orthogonal", {}),
    ("Orthogonal@sqrt2", "orthogonal(gain=sqrt(2))", {"gain": math.sqrt(2.0)}),
)
"""(class in keras.initializers, what it is declared to be, arguments)."""

_DEFAULT = "xavier_uniform"
"""`kernel_initializer="glorot_uniform"` of every layer with a kernel."""


@cache
def targets() -> tuple[Target, ...]:
    """The whole family.

    Raises `TargetError` where keras, or its backend, is not installed.
    """
    return (
        *(_of_class(*row) for row in _CLASSES),
        _of_layer("Dense", Built(build=_dense), (2,), ()),
        _of_layer("Conv2D", Built(build=_conv2d), (4,), ("groups",)),
    )


def _of_class(word: str, declared: str, arguments: dict[str, Any]) -> Target:
    scheme = parse(declared)
    return Target(
        name=f"keras:{word}",
        kind="initializer",
        object=_adapted(word.partition("@")[0], **arguments),
        scheme=scheme,
        ranks=ranks_of(scheme),
        dtypes=_dtypes("Orthogonal" if scheme.family == "orthogonal" else "RandomNormal"),
    )


def _of_layer(word: str, built: Built, ranks: tuple[int, ...], parameters: tuple[str, ...]) -> Target:
    return Target(
        name=f"keras:{word}",
        kind="initializer",
        object=built,
        scheme=parse(_DEFAULT),
        parameters=parameters,
        ranks=ranks,
        dtypes=_dtypes("RandomNormal"),
    )


def _adapted(name: str, **arguments: Any) -> Adapted:
    """An initializer of Keras; made without a seed, it takes one from the global generator."""
    with borrowed(np.random.default_rng(0)):
        made = getattr(multi_keras().initializers, name)(**arguments)
    return Adapted(function=made, form=FORM)


@cache
def _dtypes(name: str) -> tuple[str, ...]:
    """The dtypes in which the backend draws an initializer that stands for all of its kind.

    A backend delivers a dtype or does not, whatever the law; but QR decompositions are a matter of their
    own. Where the backend is JAX each look at a dtype costs a compilation.
    """
    return delivered(_adapted(name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """Draws the kernel that a layer has when it is built.

    `build(shape, groups, **dtype)` gives a new layer and the shape of its input. Its initializer is its
    own, with a seed from rng in place of the 30 bits that it takes from the global generator.
    """

    build: Callable[..., tuple[Any, tuple[int | None, ...]]]

    def __call__(
        self, shape: tuple[int, ...], rng: np.random.Generator, *, dtype: str | None = None, groups: int = 1
    ) -> NDArray[Any]:
        kind = {} if dtype is None else {"dtype": dtype}
        with borrowed(rng):
            layer, inputs = self.build(shape, groups, name="verinit", use_bias=False, **kind)
            layer.kernel_initializer = reseeded(layer.kernel_initializer, rng)
            layer.build(inputs)
        array: NDArray[Any] = plain(layer.kernel.value)
        return array


def _dense(shape: tuple[int, ...], groups: int, **others: Any) -> tuple[Any, tuple[int | None, ...]]:
    fan_in, fan_out = shape
    return multi_keras().layers.Dense(fan_out, **others), (None, fan_in)


def _conv2d(shape: tuple[int, ...], groups: int, **others: Any) -> tuple[Any, tuple[int | None, ...]]:
    """`shape: (*kernel, in / groups, out)`."""
    height, width, inputs, outputs = shape
    layer = multi_keras().layers.Conv2D(
        outputs, (height, width), groups=groups, data_format="channels_last", **others
    )
    return layer, (None, height, width, inputs * groups)


def source(word: str) -> tuple[str, dict[str, Any]] | None:
    """How a member of the family is made, as source text (`seed`: its seed); None for a layer.

    >>> source("Zeros"), source("Dense")
    (('keras.initializers.Zeros()', {}), None)
    """
    rows = {row[0]: row[2] for row in _CLASSES}
    if word not in rows:
        return None
    name = word.partition("@")[0]
    said = [f"{key}={value!r}" for key, value in rows[word].items()]
    if name not in ("Constant", "Ones", "Zeros"):
        said.append("seed=seed")
    return f"keras.initializers.{name}({', '.join(said)})", {}
