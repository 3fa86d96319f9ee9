"""Anybody's batch norm as a target: adapted, with its conventions read from it or found out by probing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from verinit.reference.precision import floating
from verinit.targets.naming import declared_name, spelt
from verinit.targets.normalizer_conventions import Found, Probe, conventions
from verinit.targets.normalizer_forms import Paired, Written, arity, attribute, of_class
from verinit.vocabulary import Target, UsageError
from verinit.vocabulary.places import Parameter

RANKS = (2, 3, 4, 5)
WIDTH = 5
"""Features of what takes any number of them."""
DTYPES = ("float64", "float32")
"""In which NumPy code may be asked to compute; two-byte sums are nobody's promise."""


def batchnorm(
    bn: Any,
    *,
    backward: Callable[..., Any] | None = None,
    eps: float | None = None,
    momentum: float | None = None,
    unbiased: bool | None = None,
    axis: int | None = None,
    name: str | None = None,
) -> Target:
    """A batch norm of any form as a target, held to its own conventions; arguments as in `verify_batchnorm`.

    Raises `UsageError` for what is no batch norm, and for arguments that are not allowed.
    """
    _require(eps=eps, momentum=momentum, axis=axis)
    given: dict[str, Parameter | None] = {"eps": eps, "momentum": momentum, "unbiased": unbiased}
    prototypes, width = _prototypes(bn, backward, given, axis)
    tried = [(at, made, _taken(made, width, sure=axis is not None)) for at, made in prototypes]
    at, prototype, ranks = max(tried, key=lambda row: len(row[2]))  # the first of the best
    rank = ranks[0] if ranks else 2
    dtypes = [d for d in _dtypes(prototype) if _accepts(prototype, width, rank, d)] or ["float64"]
    probe = Probe(prototype=prototype, width=width, rank=rank, dtype=dtypes[0])
    found = _found(probe, given)
    declared = {**found.declared, "axis": at, "width": width, "identified": " ".join(found.identified)}
    settings = {name: value for name, value in {**given, "axis": axis}.items() if value is not None}
    title, findable = declared_name(bn, spelt("batchnorm", settings), given=name)
    return Target(
        name=title,
        kind="normalizer",
        object=prototype,
        declared=tuple(declared.items()),
        parameters=("scale",),
        ranks=ranks or (2,),
        dtypes=tuple(dtypes),
        replayable=findable and backward is None,
    )


def _found(probe: Probe, given: dict[str, Parameter | None]) -> Found:
    """The conventions; where no forward works, the usual ones: the checks then say what is wrong."""
    try:
        return conventions(probe, given)
    except Exception:
        usual: dict[str, Parameter] = {"eps": 1e-5, "momentum": 0.9, "convention": "keep", "unbiased": False}
        return Found(declared={**usual, **{k: v for k, v in given.items() if v is not None}})


def _require(*, eps: float | None, momentum: float | None, axis: int | None) -> None:
    if eps is not None and not 0.0 <= eps < np.inf:
        raise UsageError(f"eps={eps!r}: must be finite and not negative")
    if momentum is not None and not 0.0 <= momentum <= 1.0:
        raise UsageError(f"momentum={momentum!r}: must lie between 0 and 1")
    if axis is not None and axis not in (-1, 1):
        raise UsageError(f"axis={axis!r}: channels are last, axis=-1, or second, axis=1")


Prototypes = list[tuple[int, Any]]


def _prototypes(
    bn: Any, backward: Callable[..., Any] | None, given: dict[str, Parameter | None], axis: int | None
) -> tuple[Prototypes, int]:
    """What may be examined, for every place where its channels may be, and its number of features."""
    places: Sequence[int] = (-1, 1) if axis is None else (axis,)
    if backward is not None and not _is_function(bn):
        raise UsageError("backward: a class or an object has its own; give it beside a forward function only")
    if _is_torch(bn):
        from verinit.targets.torch.normalizers import adapted

        made, width = adapted(bn, axis=1 if axis is None else axis, width=WIDTH)
        return [(made.axis, made)], width
    if isinstance(bn, type):
        make = of_class(bn)
        return [(at, Written(make(WIDTH, "float64"), make=make, axis=at)) for at in places], WIDTH
    if _is_function(bn):
        arity(bn)
        settings = {k: v for k, v in given.items() if k in ("eps", "momentum") and v is not None}

        def paired(width: int, dtype: str) -> Paired:
            return Paired(bn, backward, width, settings)

        return [(at, Written(paired(WIDTH, "float64"), make=paired, axis=at)) for at in places], WIDTH
    if not hasattr(bn, "forward"):
        raise UsageError(
            f"bn of type {type(bn).__name__}: give an object with forward(x, training), its class, a torch "
            "module, or a forward function"
        )
    return [(at, Written(bn, axis=at)) for at in places], _width(bn)


def _is_function(bn: Any) -> bool:
    return callable(bn) and not isinstance(bn, type) and not hasattr(bn, "forward")


def _is_torch(bn: Any) -> bool:
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    module = torch.nn.Module
    return isinstance(bn, module) or (isinstance(bn, type) and issubclass(bn, module))


def _width(bn: Any) -> int:
    """The number of features that an object is made for."""
    for part in ("gamma", "beta", "running_mean"):
        value = getattr(bn, attribute(bn, part) or "_", None)
        if isinstance(value, np.ndarray) and value.size > 1:
            return value.size
    return WIDTH


def _taken(prototype: Any, width: int, *, sure: bool) -> tuple[int, ...]:
    """The numbers of axes that it takes: what comes out has the shape of what went in.

    sure  whether the axis of the channels was given; else images count only where every channel comes out
          with mean 0, and not every position of it: NumPy broadcasts code for (N, D) over images as well
    """
    return tuple(rank for rank in RANKS if _shaped(prototype, width, rank, sure=sure))


def _shaped(prototype: Any, width: int, rank: int, *, sure: bool) -> bool:
    shape = (3, *(2,) * (rank - 2), width)
    x = np.linspace(-1.0, 2.0, int(np.prod(shape))).reshape(shape)
    for dtype in _dtypes(prototype):
        try:
            y = prototype.fresh(width, dtype).forward(x.astype(floating(dtype)), True)
        except Exception:  # foreign code may raise anything
            continue
        return isinstance(y, np.ndarray) and y.shape == shape and (sure or rank < 3 or _of_channels(y))
    return False


def _of_channels(y: Any) -> bool:
    """Whether channels have mean 0 over all other axes, and positions do not have it by themselves."""
    wide = y.astype(np.float64)
    rows = wide.reshape(-1, y.shape[-1])
    largest = np.abs(wide).max() / 16
    return bool(np.abs(rows.mean(axis=0)).max() < largest < np.abs(wide.mean(axis=0)).max())


def _dtypes(prototype: Any) -> Iterator[str]:
    yield from getattr(prototype, "dtypes", None) or DTYPES


def _accepts(prototype: Any, width: int, rank: int, dtype: str) -> bool:
    """Whether outputs in training, and in evaluation where there is one, have the dtype of the input."""
    kind = floating(dtype)
    x = np.linspace(-1.0, 2.0, 3 * width).reshape(3, *(1,) * (rank - 2), width).astype(kind)
    try:
        made = prototype.fresh(width, dtype)
        y = made.forward(x.copy(), True)
    except Exception:
        return False
    if not (isinstance(y, np.ndarray) and y.dtype == kind):
        return False
    try:
        z = made.forward(x.copy(), False)
    except Exception:
        return True
    return not isinstance(z, np.ndarray) or z.dtype == kind
