"""The family `jax`: the initializers of jax.nn.initializers, and the samplers of jax.random under them.

Two declarations are what people believe, and fail. The docstring of `truncated_normal` says both that
`stddev` is that of the normal before the cut, and that what is drawn has the standard deviation `stddev`;
only the first is so, and stands beside it as `@documented`. And `he_normal`, like `glorot_normal` and
`lecun_normal`, is documented to draw truncated weights, corrected for the cut, and does; whoever goes by
its name, or by the paper's, expects `he_normal@untruncated` (tensorflow#19996).

Kernels are `(*kernel, in, out)`, as in verinit: `in_axis=-2, out_axis=-1`.

Most of the time goes into compiling, 0.3 to 3 s for each law, shape and dtype in each process; where
JAX_COMPILATION_CACHE_DIR names a folder, and JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS is 0.1, JAX keeps
what it has compiled.

Left out: `xavier_*` and `kaiming_*` are second names of the same functions; `delta_orthogonal` has no
scheme in the catalogue, for its kernels are zero but for the middle, where they are orthogonal matrices;
the mode fan_geo_avg is no published scheme's.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import numpy as np

from verinit.laws.schemes import parse
from verinit.targets.adaptation import ranks_of
from verinit.targets.calling import Adapted
from verinit.targets.forms import Form
from verinit.targets.jax.framework import google_jax
from verinit.targets.jax.keys import key
from verinit.targets.probing import DTYPES, SHAPE, delivered
from verinit.vocabulary import Target

FORM = Form(arguments=(("key", "key"), ("shape", "shape")), dtype="dtype")
"""`f(key, shape, dtype)`, as every initializer of JAX is called."""

_Row = tuple[str, str, dict[str, Any]]

_SAMPLERS: tuple[_Row, ...] = (
    ("random.normal", "normal", {}),
    ("random.uniform", "uniform", {}),
    ("random.truncated_normal", "truncated_normal(corrected=false)", {"lower": -2, "upper": 2}),
)
"""(function of jax.random, what it is declared to be, bound parameters)."""

_READY = ("zeros", "ones")
"""Initializers by themselves; all other names of jax.nn.initializers make one."""

_INITIALIZERS: tuple[_Row, ...] = (
    ("uniform", "uniform(low=0, high=0.01)", {}),
    ("normal", "normal(std=0.01)", {}),
    ("truncated_normal", "truncated_normal(std=0.01)", {}),
    ("truncated_normal@documented", "truncated_normal(std=0.01, corrected=false)", {}),
    ("constant", "constant(value=0.1)", {"value": 0.1}),
    ("ones", "ones", {}),
    ("zeros", "zeros", {}),
    ("glorot_uniform", "xavier_uniform", {}),
    ("glorot_normal", "xavier_truncated_normal", {}),
    ("he_uniform", "he_uniform", {}),
    ("he_normal", "he_truncated_normal", {}),
    ("he_normal@untruncated", "he_normal", {}),
    ("lecun_uniform", "lecun_uniform", {}),
    ("lecun_normal", "lecun_truncated_normal", {}),
    *(
        (
            f"variance_scaling@{distribution}",
            f"variance_scaling(scale=2, mode={mode}, distribution={distribution})",
            {"scale": 2.0, "mode": mode, "distribution": distribution},
        )
        for distribution, mode in (
            ("normal", "fan_in"),
            ("uniform", "fan_out"),
            ("truncated_normal", "fan_avg"),
        )
    ),
    ("orthogonal", "orthogonal", {}),
    ("orthogonal@sqrt2", "orthogonal(gain=sqrt(2))", {"scale": math.sqrt(2.0)}),
)
"""(name in jax.nn.initializers, what it is declared to be, arguments of the function that makes it)."""


@cache
def targets() -> tuple[Target, ...]:
    """The whole family.

    Raises `TargetError` where jax is not installed.
    """
    return tuple(
        _target(word, declared, Adapted(function=function, form=FORM))
        for word, declared, function in (*_samplers(), *_initializers())
    )


def _samplers() -> Iterator[tuple[str, str, Callable[..., Any]]]:
    for word, declared, bound in _SAMPLERS:
        function = getattr(google_jax().random, word.partition(".")[2])
        yield word, declared, partial(function, **bound) if bound else function


def _initializers() -> Iterator[tuple[str, str, Callable[..., Any]]]:
    for word, declared, arguments in _INITIALIZERS:
        name = word.partition("@")[0]
        kept = getattr(google_jax().nn.initializers, name)
        yield word, declared, kept if name in _READY else kept(**arguments)


def _target(word: str, declared: str, initializer: Adapted) -> Target:
    scheme = parse(declared)
    return Target(
        name=f"jax:{word}",
        kind="initializer",
        object=initializer,
        scheme=scheme,
        ranks=ranks_of(scheme),
        dtypes=delivered(initializer) if scheme.family == "orthogonal" else traced(initializer.function),
    )


def traced(function: Callable[..., Any], *, shape: tuple[int, ...] = SHAPE) -> tuple[str, ...]:
    """The dtypes of which `function(key=, shape=, dtype=)` would draw an array when asked.

    JAX finds it without drawing: a draw is compiled first, for each shape and dtype, and takes 0.3 s. It
    has no float64 unless that is enabled (`jax_enable_x64`), and warns that it draws a float32 instead.
    Tracing promises QR decompositions in half precision, which LAPACK does not have: orthogonal matrices
    must be drawn to be sure.
    """
    jax, words = google_jax(), key(np.random.default_rng(0))

    def drawn(dtype: str) -> str:
        traced_ = jax.eval_shape(lambda k: function(key=k, shape=shape, dtype=np.dtype(dtype)), words)
        return str(traced_.dtype)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(dtype for dtype in DTYPES if drawn(dtype) == dtype)


def source(word: str) -> tuple[str, dict[str, Any]] | None:
    """What a member of the family calls, as source text, and what is bound to it; None for no initializer.

    >>> source("he_normal"), source("random.uniform")
    (('jax.nn.initializers.he_normal()', {}), ('jax.random.uniform', {}))
    """
    samplers = {row[0]: row[2] for row in _SAMPLERS}
    if word in samplers:
        return f"jax.{word}", samplers[word]
    rows = {row[0]: row[2] for row in _INITIALIZERS}
    if word not in rows:
        return None
    name = word.partition("@")[0]
    given = ", ".join(f"{key}={value!r}" for key, value in rows[word].items())
    return f"jax.nn.initializers.{name}" + ("" if name in _READY else f"({given})"), {}
