"""Functions that a module keeps, as targets: `mynet:dense(32x100,100x10)`, `mynet:example()`.

In brackets are the shapes of the inputs that are to be drawn; nothing is in them where the module brings
inputs of its own.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verinit.reference.precision import FLOATING
from verinit.targets.cotangents import floating
from verinit.targets.differentiable import ENGINES, Array, Held, held, require_shape
from verinit.targets.function_inputs import Drawn
from verinit.targets.layers import is_layer
from verinit.vocabulary import Case, Target, UsageError

WIDE = "float64"
_WORD = re.compile(r"(?P<place>[^()]+)\((?P<shapes>[0-9x,]*|scalar)\)")
NEEDED = ("names", "inputs", "forward", "backward")
"""What an object of the kind "function" has: it makes its own inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrawn:
    """A function at inputs of given shapes, drawn anew for each root; its parameters stay."""

    held: Held
    shapes: tuple[tuple[int, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What inputs and parameters are called."""
        return self.held.names

    def inputs(
        self,
        shape: tuple[int, ...],
        rng: np.random.Generator,
        *,
        dtype: str | None = None,
        scale: float = 1.0,
    ) -> tuple[Array, ...]:
        """Normal numbers of standard deviation `scale`, the first of the case's shape; then parameters."""
        require_shape(shape, self.shapes[0])
        drawn = Drawn(rng=rng, dtype=FLOATING[dtype or WIDE], scale=scale)
        kept = self.held.given[len(self.shapes) :]
        return (
            *(drawn.signal(size) for size in self.shapes),
            *(x.astype(drawn.dtype) if floating(x) else x.copy() for x in kept),
        )

    def forward(self, *inputs: Array) -> Any:
        """The function's value."""
        return self.held.forward(*inputs)

    def backward(self, cotangent: Array, *inputs: Array) -> tuple[Any, ...]:
        """One gradient for each input and parameter."""
        return self.held.backward(cotangent, *inputs)


def word_of(place: str, shapes: Sequence[tuple[int, ...]]) -> str:
    """The word for what is kept at a place, at inputs of these shapes.

    >>> word_of("mynet:dense", [(32, 100), (100, 10)])
    'mynet:dense(32x100,100x10)'
    """
    return f"{place}({','.join('x'.join(map(str, shape)) or 'scalar' for shape in shapes)})"


def spelt(word: str) -> tuple[str, tuple[tuple[int, ...], ...]]:
    """The place and the shapes of a word.

    >>> spelt("mynet:dense(32x100,100x10)"), spelt("mynet:example()")
    (('mynet:dense', ((32, 100), (100, 10))), ('mynet:example', ()))

    Raises `UsageError` for a word of another form.
    """
    match = _WORD.fullmatch(word)
    if match is None:
        raise UsageError(
            f"target {word!r}: shapes are written like mynet:dense(32x100,100x10), and nothing is between "
            "the brackets where the module brings inputs of its own"
        )
    texts = [text for text in match["shapes"].split(",") if text]
    return match["place"], tuple(Case.parse(text).shape for text in texts)


def function_at(obj: Any, word: str) -> Target:
    """What a module keeps, as a target of kind function under a word that finds it again.

    obj: a function, a layer, a module of torch or a class of one of them; or a function without arguments
    that returns one, alone or in a tuple `(forward, inputs)` or `(forward, inputs, backward)`.
    Raises `UsageError` where inputs are missing, or given twice.
    """
    place, shapes = spelt(word)
    made = _made(obj, place)
    if isinstance(made, Target):
        if made.kind != "function":
            raise UsageError(f"{place} is a target of kind {made.kind!r}; a gradient belongs to a function")
        return replace(made, name=word, replayable=True)
    if not isinstance(made, tuple) and all(hasattr(made, part) for part in NEEDED):
        return Target(name=word, kind="function", object=made)
    if isinstance(made, tuple):
        if shapes:
            raise UsageError(f"{place} brings inputs of its own: leave --input out")
        if len(made) not in (2, 3):
            raise UsageError(f"{place} returned {len(made)} things: return (forward, inputs[, backward])")
        function: Any = held(*made)
        return Target(name=word, kind="function", object=function, dtypes=dtypes_of(function))
    if not shapes:
        raise UsageError(
            f"{place} needs inputs: give the shape of each, such as --input 32,100, or let a function "
            "without arguments return (forward, inputs, backward)"
        )
    rng = np.random.default_rng(0)
    function = Redrawn(held=held(made, [rng.standard_normal(size) for size in shapes]), shapes=shapes)
    return Target(
        name=word,
        kind="function",
        object=function,
        parameters=("scale",),
        ranks=(len(shapes[0]),),
        dtypes=tuple(d for d in FLOATING if d == WIDE or _computes(function, shapes[0], d)),
    )


def dtypes_of(function: Held) -> tuple[str, ...]:
    """Its own dtype, and float64 where the forward can be called in that."""
    own = function.first.dtype.name
    return tuple(
        dict.fromkeys(d for d in (own, WIDE) if d == own or _computes(function, function.first.shape, d))
    )


def _computes(function: Any, shape: tuple[int, ...], dtype: str) -> bool:
    """Whether the forward of a function can be called in a dtype."""
    inputs = function.inputs(shape, np.random.default_rng(0), dtype=dtype)
    try:
        function.forward(*inputs)
    except Exception:
        return False
    return True


def _made(obj: Any, place: str) -> Any:
    """What is to be examined: the object, or what it makes when it is called without arguments."""
    if isinstance(obj, Target) or is_layer(obj) or not callable(obj) or _is_torch(obj):
        return obj
    if not isinstance(obj, type) and _takes_arguments(obj):
        return obj
    try:
        return obj()
    except TypeError as error:
        raise UsageError(
            f"{place} cannot be called without arguments ({error}); give a function that returns a layer, or "
            "(forward, inputs, backward)"
        ) from error


def _takes_arguments(function: Any) -> bool:
    try:
        return bool(inspect.signature(function).parameters)
    except (ValueError, TypeError):
        return True


def _is_torch(obj: Any) -> bool:
    if "torch" not in sys.modules:
        return False
    torch = importlib.import_module(ENGINES["torch"])
    return bool(torch.is_module(obj) or torch.is_function_class(obj))
