"""Whose code is examined: `Target`, and one Protocol for each kind of object behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from verinit.vocabulary.errors import unknown
from verinit.vocabulary.places import Parameter, Scheme

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]

Kind = Literal["initializer", "activation", "layer", "normalizer", "loss", "model", "function"]
KINDS: tuple[Kind, ...] = ("initializer", "activation", "layer", "normalizer", "loss", "model", "function")


@runtime_checkable
class Initializer(Protocol):
    """Draws one array. `rng` is the only source of chance; `dtype` None means the object's own."""

    def __call__(
        self, shape: tuple[int, ...], rng: np.random.Generator, *, dtype: str | None = None, **parameters: Any
    ) -> Array: ...


@runtime_checkable
class Activation(Protocol):
    """An elementwise function and its derivative; `x` has any shape, the result has the same."""

    def value(self, x: Array) -> Array: ...
    def derivative(self, x: Array) -> Array: ...


@runtime_checkable
class Layer(Protocol):
    """A differentiable map: `backward` takes the cotangent of the output, returns that of the input."""

    def forward(self, x: Array) -> Array: ...
    def backward(self, cotangent: Array) -> Array: ...


@runtime_checkable
class Normalizer(Protocol):
    """Batch normalisation over a batch `x: (N, D)`, with running statistics `(D,)`."""

    running_mean: Array
    running_var: Array

    def forward(self, x: Array, training: bool) -> Array: ...
    def backward(self, cotangent: Array) -> Array: ...


@runtime_checkable
class Loss(Protocol):
    """A scalar of predictions and labels, and its gradient with respect to the predictions."""

    def forward(self, x: Array, labels: Array) -> float: ...
    def backward(self) -> Array: ...


@runtime_checkable
class Model(Protocol):
    """Walks freshly initialised weights layer by layer; yields what each layer saw and sent."""

    def walk(self, inputs: Array, rng: np.random.Generator) -> Iterable[Any]: ...


@runtime_checkable
class Function(Protocol):
    """A differentiable function of one or more arrays, and its vector-Jacobian product.

    `names` are the names of its inputs. `inputs` makes them for a case; `forward(*inputs)` is one array;
    `backward(cotangent, *inputs)` is the gradient of <cotangent, forward(*inputs)>, one array for each
    input, None for one that is not differentiated.
    """

    names: tuple[str, ...]

    def inputs(
        self, shape: tuple[int, ...], rng: np.random.Generator, *, dtype: str | None = None, **parameters: Any
    ) -> tuple[Array, ...]: ...
    def forward(self, *inputs: Array) -> Array: ...
    def backward(self, cotangent: Array, *inputs: Array) -> tuple[Array | None, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """One object under examination.

    name        how it is asked for: 'torch:kaiming_normal_', 'mypackage.init:he=he_normal'
    kind        which Protocol `object` satisfies
    object      the adapted code
    scheme      what an initializer says it is; None for the other kinds
    declared    what an object of another kind says it is: (("like", "gelu"),), (("eps", 1e-05),)
    expected    codes of checks that are known to fail, each with its reason
    parameters  case parameters that the object understands ("groups", "transposed")
    ranks       numbers of axes it accepts; empty means any
    dtypes      dtypes that may be asked for; empty means only its own
    replayable  whether `name` alone finds the object again in another process
    """

    name: str
    kind: Kind
    object: Any
    scheme: Scheme | None = None
    declared: tuple[tuple[str, Parameter], ...] = ()
    expected: tuple[tuple[str, str], ...] = ()
    parameters: tuple[str, ...] = ()
    ranks: tuple[int, ...] = ()
    dtypes: tuple[str, ...] = ()
    replayable: bool = True

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise unknown("kind", self.kind, KINDS)

    def __str__(self) -> str:
        return self.name

    def says(self, name: str) -> Parameter | None:
        """What is declared of it under a name; None if nothing is."""
        return dict(self.declared).get(name)

    def excuse(self, code: str) -> str:
        """Why check `code` is known to fail here; empty if it must not."""
        return dict(self.expected).get(code, "")
