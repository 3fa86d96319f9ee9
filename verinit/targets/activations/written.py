"""Activations as people have written them: functions, objects with value and derivative, layers, modules."""

from __future__ import annotations

import copy
import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.laws.activations import profile
from verinit.reference.precision import FLOATING
from verinit.targets.activations.forms import PARAMETERS, Differentiated
from verinit.targets.kinds import Pair
from verinit.targets.layers import is_layer
from verinit.targets.naming import declared_name
from verinit.targets.results import plain
from verinit.vocabulary import CheckSkipped, Target, UsageError
from verinit.vocabulary.places import Parameter

Array = NDArray[Any]
ENGINES = {"torch": "verinit.targets.torch.autograd", "jax": "verinit.targets.jax.vjp"}
"""Where functions of a framework are called."""
TRIED = (-1.5, -0.5, 0.5, 1.5)
"""Numbers at which it is found out what a function is, and which dtypes it takes."""
HALVES = ("float16", "bfloat16")


class Without:
    """A value without a slope: whoever asks for the slope is told so."""

    def __init__(self, value: Callable[[Array], Any], name: str) -> None:
        self.value = value
        self._name = name

    def derivative(self, x: Array) -> Any:
        """There is none.

        Raises `CheckSkipped`.
        """
        raise CheckSkipped(f"{self._name} came without a derivative")


class Layered:
    """A layer of the kind that keeps what its backward needs: `forward(x)`, `backward(dout)`.

    The slope is the gradient of the sum of the output. The layer that is given is not touched.
    """

    def __init__(self, layer: Any) -> None:
        self._layer = layer

    def value(self, x: Array) -> Any:
        """What forward returns."""
        return plain(self._fresh().forward(x))

    def derivative(self, x: Array) -> Any:
        """What backward returns for the cotangent 1, after a forward of its own."""
        layer = self._fresh()
        y = np.asarray(layer.forward(x.copy()))
        return plain(layer.backward(np.ones(y.shape, dtype=x.dtype)))

    def _fresh(self) -> Any:
        return copy.deepcopy(self._layer)


def activation(
    f: Any,
    *,
    derivative: Callable[..., Any] | None = None,
    like: str | None = None,
    name: str | None = None,
) -> Target:
    """Anything that is an activation as a target, in every dtype in which it can be called.

    f           a function of an array, of NumPy, torch or JAX; a module of torch; an object with `value` and
                `derivative`, or with `forward` and `backward`; a class of one of these; or a Target
    derivative  of a function; left out, that of torch or JAX is what autodiff finds, and NumPy has none
    like        what it says it is: "gelu", "leaky_relu(slope=0.2)"
    Raises `UsageError` for what is none of these, or a word for `like` that nobody knows.
    """
    said = None if like is None else str(profile(like))
    if isinstance(f, Target):
        return _held(f, derivative, said)
    title, findable = declared_name(f, said or "", given=name)
    made = _made(f)
    found = _object(made, derivative, title)
    declared: dict[str, Parameter] = {}
    if said is not None:
        declared["like"] = said
    if isinstance(found, Without):
        declared["derivative"] = False
    return Target(
        name=title,
        kind="activation",
        object=found,
        declared=tuple(declared.items()),
        parameters=PARAMETERS,
        dtypes=_dtypes(found, title),
        replayable=findable and said is not None and derivative is None,
    )


def _held(given: Target, derivative: Any, said: str | None) -> Target:
    """A target that is one already, with another word for what it is like."""
    if given.kind != "activation":
        raise UsageError(f"{given.name} is of kind {given.kind!r}: give an activation")
    if derivative is not None:
        raise UsageError(f"derivative: {given.name} has its own; leave it out")
    if said is None:
        return given
    others = tuple(pair for pair in given.declared if pair[0] != "like")
    own = said == given.says("like")
    return Target(
        name=given.name if own else f"{given.name.partition('=')[0]}={said}",
        kind="activation",
        object=given.object,
        declared=(("like", said), *others),
        expected=given.expected if own else (),
        parameters=given.parameters,
        dtypes=given.dtypes,
        replayable=given.replayable,
    )


def _made(f: Any) -> Any:
    """What is to be examined: a class is called without arguments, but for an autograd Function."""
    if isinstance(f, str):
        raise UsageError(f"{f!r} is a word; give the function itself, or verinit.resolve({f!r})")
    if not isinstance(f, type) or _of_torch(f, "is_function_class"):
        return f
    try:
        return f()
    except TypeError as error:
        raise UsageError(f"{f.__name__} is a class and needs arguments ({error}); give an instance") from None


def _object(f: Any, derivative: Any, title: str) -> Any:
    """The object behind the Protocol `Activation`."""
    if derivative is not None and not callable(derivative):
        raise UsageError(f"derivative={derivative!r}: give a function of an array")
    whole = hasattr(f, "value") and hasattr(f, "derivative")
    if derivative is not None and (whole or is_layer(f)):
        raise UsageError(f"derivative: {title} has its own; leave it out")
    if whole:
        return f
    if _of_torch(f, "is_module"):
        autograd = importlib.import_module(ENGINES["torch"])
        return _framed("torch", autograd.functional(f, ()), derivative)
    if is_layer(f):
        return Layered(f)
    function = f.apply if _of_torch(f, "is_function_class") else getattr(f, "value", f)
    if not callable(function):
        raise UsageError(
            f"{title} is of type {type(f).__name__}: give a function of an array, or an object with value "
            "and derivative, or with forward and backward"
        )
    home = _home(function)
    if home:
        return _framed(home, function, derivative)
    written = _plainly(function)
    return (
        Without(written, title)
        if derivative is None
        else Pair(value=written, derivative=_plainly(derivative))
    )


def _plainly(function: Callable[..., Any]) -> Callable[[Array], Any]:
    """A function whose tensors come back as arrays."""

    def called(x: Array) -> Any:
        return plain(function(x))

    return called


def _framed(home: str, function: Callable[..., Any], derivative: Any) -> Any:
    """A function of a framework's tensors, with its autodiff or a derivative of its own."""
    engine = importlib.import_module(ENGINES[home])
    if derivative is None:
        return Differentiated(engine.Autograd(function) if home == "torch" else engine.Vjp(function))
    return Pair(
        value=functools.partial(engine.called, function),
        derivative=functools.partial(engine.called, derivative),
    )


def _home(function: Any) -> str:
    """The framework whose tensors a function takes; empty for NumPy's arrays.

    Raises `UsageError` where it cannot be called with an array of any.
    """
    x, said = np.array(TRIED), ""
    known = _origin(function)
    if known:
        return known
    with np.errstate(all="ignore"):
        for home in ("", *(name for name in ENGINES if name in sys.modules)):
            try:
                if home:
                    importlib.import_module(ENGINES[home]).called(function, x.copy())
                    return home
                return _framework(function(x.copy()))
            except Exception as error:
                said = said or f"{type(error).__name__}: {error}".strip().splitlines()[0]
    raise UsageError(
        f"f cannot be called with an array of numbers ({said}); np.vectorize makes it one that can"
    )


def _framework(result: Any) -> str:
    """The framework whose tensor a result is; empty for everything else."""
    homes = {base.__module__.partition(".")[0] for base in type(result).__mro__}
    if "torch" in homes:
        return "torch"
    return "jax" if homes & {"jax", "jaxlib"} else ""


def _origin(function: Any) -> str:
    """The framework in which a function, or its type, was made; empty for one's own."""
    while isinstance(function, functools.partial):
        function = function.func
    owner = getattr(function, "__self__", None)
    kinds = (function, owner, *type(function).__mro__, *getattr(owner, "__mro__", ()))
    homes = {str(getattr(kind, "__module__", "")).partition(".")[0] for kind in kinds}
    return "torch" if "torch" in homes else "jax" if homes & {"jax", "jaxlib"} else ""


def _of_torch(obj: Any, question: str) -> bool:
    """Whether torch, if anything has loaded it, says yes to a question about an object."""
    if "torch" not in sys.modules:
        return False
    return bool(getattr(importlib.import_module(ENGINES["torch"]), question)(obj))


def _dtypes(made: Any, title: str) -> tuple[str, ...]:
    """Dtypes in which one can be asked for: a two-byte one where all answers are in that, as few promise.

    Raises `UsageError` where it can be called with none.
    """
    found, said = [], ""
    for dtype in ("float64", "float32", *HALVES):
        try:
            results = _tried(made, dtype)
        except Exception as error:
            said = said or f"{type(error).__name__}: {error}".strip().splitlines()[0]
            continue
        kept = (isinstance(y, np.ndarray) and y.dtype == FLOATING[dtype] for y in results)
        if dtype not in HALVES or all(kept):
            found.append(dtype)
    if not found:
        raise UsageError(f"{title} cannot be called with an array of numbers ({said})")
    return tuple(found)


def _tried(made: Any, dtype: str) -> tuple[Any, ...]:
    """Value, and slope where there is one, at a few numbers of a dtype."""
    x = np.array(TRIED).astype(FLOATING[dtype])
    passes = (made.value,) if isinstance(made, Without) else (made.value, made.derivative)
    with np.errstate(all="ignore"):
        return tuple(each(x.copy()) for each in (passes if dtype in HALVES else passes[:1]))
