"""A layer of which only the outside is known, stacked upon itself with an activation between.

What makes a layer is called anew for every layer of every walk; its weights are found by asking: b = f(0) and
W = f(I) - f(0). Whether it is that affine map at all is for the checks to say. Modules of torch go back by
autograd.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.laws.schemes import parse
from verinit.reference.activations import ACTIVATIONS
from verinit.reference.network import Echo, Step
from verinit.targets.globals import borrowed
from verinit.targets.naming import declared_name, name_of, says_all, spelt
from verinit.vocabulary import Target, UsageError, unknown

Array = NDArray[Any]
DEPTH = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed(Step):
    """A step of a layer that was asked for its weights."""

    bias: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerStack:
    """Fresh layers, `activation` between them, as a model.

    make   what makes one: `make(fan_in, fan_out)`, `make(fan_in, fan_out, rng)` or `make()`
    width  inputs and outputs of every layer
    """

    make: Callable[..., Any]
    activation: str
    width: int

    def walk(self, inputs: Array, rng: np.random.Generator, *, depth: int = DEPTH) -> Iterator[Step | Echo]:
        """Fresh layers, there and back."""
        f = ACTIVATIONS[self.activation]
        layers, seen, x = [], [], inputs
        for number in range(depth):
            layer = opened(made(self.make, self.width, rng))
            n = x.shape[1]
            probe = layer.forward(np.concatenate([np.zeros((1, n)), np.eye(n)]).astype(x.dtype))
            z = layer.forward(x)
            y = f.value(z) if number < depth - 1 else z
            yield Probed(
                layer=number,
                weights=probe[1:] - probe[0],
                bias=probe[0],
                inputs=x,
                preactivation=z,
                output=y,
            )
            layers.append(layer)
            seen.append((x, z))
            x = y
        c = rng.standard_normal(x.shape).astype(x.dtype)
        for number in reversed(range(depth)):
            before, z = seen[number]
            c = c * f.derivative(z) if number < depth - 1 else c
            g = layers[number].backward(c, before)
            yield Echo(layer=number, cotangent=c, gradient=g)
            c = g


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """forward(x) and backward(cotangent, x), over arrays."""

    forward: Callable[[Array], Array]
    backward: Callable[[Array, Array], Array]


def opened(layer: Any) -> Opened:
    """A layer as two functions of arrays.

    Raises `UsageError` for what has neither forward and backward nor autograd.
    """
    if "torch" in sys.modules:
        from verinit.targets.torch.autograd import Autograd, is_module

        if is_module(layer):
            held = Autograd(layer.double())
            return Opened(forward=held.forward, backward=lambda c, x: np.asarray(held.backward(c, x)[0]))
    if hasattr(layer, "forward") and hasattr(layer, "backward"):

        def back(c: Array, x: Array) -> Array:
            layer.forward(x)  # whatever it keeps for the way back is of the last forward
            sent = layer.backward(c)
            return np.asarray(sent[0] if isinstance(sent, tuple | list) else sent)

        return Opened(forward=lambda x: np.asarray(layer.forward(x)), backward=back)
    raise UsageError(
        f"a layer of type {type(layer).__name__} has no backward: give an object with forward(x) and "
        "backward(dout), or a module of torch"
    )


def made(make: Callable[..., Any], width: int, rng: np.random.Generator) -> Any:
    """One fresh layer; what it draws from global generators depends on `rng` alone.

    Raises `UsageError` for a maker that cannot be called so.
    """
    names = _required(make)
    given: dict[str, Any] = {"rng": rng} if "rng" in names else {}
    sizes = [name for name in names if name != "rng"]
    if len(sizes) not in (0, 2):
        raise UsageError(
            f"layer={getattr(make, '__name__', make)!s}({', '.join(names)}): a layer is made by "
            "make(fan_in, fan_out), with rng where it takes one, or by make()"
        )
    with borrowed(rng):
        return make(*[width] * len(sizes), **given)


def _required(make: Callable[..., Any]) -> list[str]:
    try:
        parameters = inspect.signature(make).parameters.values()
    except (TypeError, ValueError):
        return ["fan_in", "fan_out"]
    needed = [
        p.name
        for p in parameters
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    takes_rng = any(p.name == "rng" for p in parameters)
    return [*needed, *(["rng"] if takes_rng and "rng" not in needed else [])]


def layer_stack(
    make: Any, *, scheme: Any, activation: str = "identity", width: int | None = None, name: str | None = None
) -> Target:
    """What makes a layer, as a model target.

    Raises `UsageError` for a layer that is made already, for one that is not square, and for unknown names.
    """
    if activation not in ACTIVATIONS:
        raise unknown("activation", activation, ACTIVATIONS)
    if not callable(make) or (hasattr(make, "forward") and not isinstance(make, type)):
        raise UsageError(
            f"layer={type(make).__name__} object: its weights are drawn already; give what makes it, such as "
            "its class, or lambda: Dense(64, 64)"
        )
    sides = _sides(make, width)
    promised = parse(scheme)
    opened(made(make, sides, np.random.default_rng(0)))  # what cannot be made or run is told now
    settings = {"activation": None if activation == "identity" else activation, "width": width}
    title, findable = declared_name(make, spelt("layer", settings, str(promised)), given=name)
    return Target(
        name=title if findable else name_of(make, scheme=promised, given=name)[0],
        kind="model",
        object=LayerStack(make=make, activation=activation, width=sides),
        scheme=promised,
        declared=(("activation", activation), ("batch_norm", False), ("width", sides)),
        parameters=("depth",),
        ranks=(2,),
        replayable=findable and says_all(promised),
    )


USUAL = 128
"""Units of a layer that may have any number."""


def _sides(make: Callable[..., Any], width: int | None) -> int:
    """How many inputs and outputs the layers have."""
    if any(name != "rng" for name in _required(make)):
        return width or USUAL
    layer = made(make, 0, np.random.default_rng(0))
    shape = next((np.shape(getattr(layer, a)) for a in ("W", "weight", "kernel") if hasattr(layer, a)), None)
    if shape is None and width is None:
        raise UsageError(
            "width=None: this layer does not tell its size; give width=, the number of its inputs"
        )
    if shape is not None and (len(shape) != 2 or shape[0] != shape[1]):
        raise UsageError(
            f"layer of shape {tuple(shape)}: layers are stacked upon one another, so give as many "
            "outputs as inputs"
        )
    return width or int(shape[0] if shape else USUAL)
