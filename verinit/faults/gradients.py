"""Differentiable functions whose backward is wrong, or breaks what every caller relies on."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from verinit.faults.chains import (
    BATCH_NORM,
    LAYER_NORM,
    LEAKY,
    LOSS,
    RELU,
    SIGMOID,
    SILU,
    SOFTMAX,
    SOFTPLUS,
    SQUARE,
    TANH,
    Array,
    Chain,
    affine,
)
from verinit.faults.registry import plant
from verinit.faults.slips import SLIPS
from verinit.vocabulary import Case, Fault, Target

DTYPES = ("float16", "bfloat16", "float32", "float64")
LAYERS = (
    affine(6), BATCH_NORM, LAYER_NORM, LOSS, SOFTMAX, RELU, LEAKY, SIGMOID, TANH, SOFTPLUS, SILU, SQUARE
)  # fmt: skip
LINEAR = ("absolute_cotangent", "cotangent_times_its_size", "clipped_cotangent", "guided")
"""Slips that are not linear in the cotangent: seen by that alone."""
WHERE = ("8x6/float64",)
SATURATED = ("5x7/float64?scale=30",)


def _planted(name: str, codes: tuple[str, ...], chain: Any, story: str, cases: tuple[str, ...]) -> None:
    target = Target(
        name=f"fault:{name}",
        kind="function",
        object=chain,
        parameters=("scale", "special"),
        dtypes=DTYPES,
        replayable=False,
    )
    plant(Fault(name=name, codes=codes, target=target, story=story, cases=tuple(map(Case.parse, cases))))


for slip in SLIPS.values():
    layer = next(step for step in LAYERS if slip.fits(step))
    code = "GR106" if slip.name in LINEAR else "GR201"
    cases = SATURATED if slip.name == "small_slopes_zeroed" else WHERE
    _planted(slip.name, (code,), Chain(steps=(slip.in_(layer),)), slip.story, cases)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tampered:
    """A chain of which forward or backward is replaced."""

    chain: Chain
    forwards: Callable[..., Any] | None = None
    backwards: Callable[..., Any] | None = None
    memory: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the chain's inputs."""
        return self.chain.names

    def inputs(
        self, shape: tuple[int, ...], rng: np.random.Generator, **parameters: Any
    ) -> tuple[Array, ...]:
        """The inputs of the chain."""
        return self.chain.inputs(shape, rng, **parameters)

    def forward(self, *inputs: Array) -> Any:
        """The chain's, or what replaces it: (chain, memory, *inputs)."""
        f = self.forwards
        return self.chain.forward(*inputs) if f is None else f(self.chain, self.memory, *inputs)

    def backward(self, cotangent: Array, *inputs: Array) -> Any:
        """The chain's, or what replaces it: (chain, memory, cotangent, *inputs)."""
        g = self.backwards
        if g is None:
            return self.chain.backward(cotangent, *inputs)
        return g(self.chain, self.memory, cotangent, *inputs)


DENSE, NORM, BENT = Chain(steps=(affine(4),)), Chain(steps=(BATCH_NORM,)), Chain(steps=(RELU,))
Way = Callable[..., Any]


def _forward(code: str, chain: Chain, *cases: str) -> Callable[[Way], Way]:
    def keep(way: Way) -> Way:
        made = Tampered(chain=chain, forwards=way)
        _planted(way.__name__, (code,), made, inspect.getdoc(way) or "", cases or WHERE)
        return way

    return keep


def _backward(code: str, chain: Chain, *cases: str) -> Callable[[Way], Way]:
    def keep(way: Way) -> Way:
        made = Tampered(chain=chain, backwards=way)
        _planted(way.__name__, (code,), made, inspect.getdoc(way) or "", cases or WHERE)
        return way

    return keep


@_forward("GR101", DENSE)
def fresh_mask_each_time(chain: Chain, memory: dict[str, Any], *inputs: Array) -> Array:
    """Dropout draws a new mask at every call, the gradient check's among them."""
    memory["calls"] = memory.get("calls", 0) + 1
    keeps = np.random.default_rng(memory["calls"]).random(inputs[0].shape) < 0.5
    return chain.forward(inputs[0] * keeps, *inputs[1:])


@_forward("GR101", NORM)
def running_statistics_enter(chain: Chain, memory: dict[str, Any], *inputs: Array) -> Array:
    """The running mean is subtracted in training too, and moves with every call."""
    memory["mean"] = 0.9 * memory.get("mean", 0.0) + 0.1 * inputs[0].mean(axis=0)
    return np.asarray(chain.forward(*inputs) - memory["mean"])


@_forward("GR101", DENSE)
def forward_returns_a_list(chain: Chain, memory: dict[str, Any], *inputs: Array) -> Any:
    """`.tolist()` for a log line is left in the return."""
    return chain.forward(*inputs).tolist()


@_backward("GR102", DENSE)
def weights_updated_on_the_way(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """Backward takes the step of the optimiser itself, before the caller asks for it."""
    found = chain.backward(c, *inputs)
    inputs[1][...] = inputs[1] - 0.1 * found[1]
    return found


@_forward("GR102", NORM)
def centred_in_place(chain: Chain, memory: dict[str, Any], *inputs: Array) -> Array:
    """`x -= x.mean(axis=0)` saves an array, and changes the caller's."""
    y = chain.forward(*inputs)
    inputs[0][...] = inputs[0] - inputs[0].mean(axis=0)
    return y


@_backward("GR107", BENT)
def cotangent_masked_in_place(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """`dout[mask] = 0; return dout`, as the chapter's Relu has it: the caller's gradient is changed."""
    c[inputs[0] <= 0] = 0
    return (c.copy(),)


@_backward("GR103", DENSE)
def bias_gradient_not_summed(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """Db is the whole cotangent: a later `b -= db` broadcasts b to the batch."""
    dx, dW, _ = chain.backward(c, *inputs)
    return dx, dW, c


@_backward("GR103", DENSE, "8x6/float32")
def gradient_in_double(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """A float64 constant in backward: float32 weights become float64 at the first step."""
    return tuple(g.astype("float64") for g in chain.backward(c, *inputs))


@_backward("GR103", DENSE)
def one_gradient_short(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """The gradient of the bias is not returned."""
    return chain.backward(c, *inputs)[:-1]


@_backward("GR104", Chain(steps=(SIGMOID,)), "5x7/float64?scale=1e4")
def slope_through_exp(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """exp(-x) / (1 + exp(-x))^2 as it stands in the book: infinity over infinity at -1000."""
    with np.errstate(all="ignore"):
        e = np.exp(-inputs[0])
        return (c * e / (1 + e) ** 2,)


@_backward("GR104", Chain(steps=(SQUARE,)), "8x8/float64?special=true")
def divided_by_the_input(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """2 x^2 / x in place of 2 x: nan where x is 0."""
    x = inputs[0]
    with np.errstate(all="ignore"):
        return (c * 2 * x * x / x,)


@_backward("GR105", DENSE)
def gradients_accumulate(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """`self.dW += ...` and nobody clears it."""
    dx, dW, db = chain.backward(c, *inputs)
    memory["dW"] = memory.get("dW", 0.0) + dW
    return dx, memory["dW"].copy(), db


@_backward("GR105", DENSE)
def noisy_gradient(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """Gradient noise of a training trick is left on."""
    memory["calls"] = memory.get("calls", 0) + 1
    dx, dW, db = chain.backward(c, *inputs)
    return dx, dW + 1e-3 * np.random.default_rng(memory["calls"]).standard_normal(dW.shape), db


@_backward("GR201", Chain(steps=(affine(6), TANH)))
def slope_at_another_place(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """The slope of tanh is taken at the layer's input instead of at its pre-activation."""
    x, W, _ = inputs
    d = c * (1 - np.tanh(x) ** 2)
    return d @ W.T, x.T @ d, d.sum(axis=0)


@_backward("GR201", Chain(steps=(SIGMOID,)), "5x7/float64?scale=13")
def dead_when_saturated(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """Y is compared with 1 to four digits: the slope of a saturated sigmoid is set to 0."""
    y = chain.forward(*inputs)
    (dx,) = chain.backward(c, *inputs)
    return (np.where(np.abs(y - 0.5) > 0.4999, 0.0, dx),)


@_backward("GR202", NORM, "8x6/float32", "12x9/float32", "6x5/float32")
def half_precision_inside(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """Sums of single precision are kept in half: right in float64, where the tests run."""
    if inputs[0].dtype == np.float64:
        return chain.backward(c, *inputs)
    found = chain.backward(c, *inputs)
    return tuple(g.astype("float16").astype(g.dtype) for g in found)


@_backward("GR202", DENSE, "8x6/float16", "8x6/bfloat16")
def fast_path_for_half(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """A kernel of its own for 16 bits forgets the transpose of a square product."""
    dx, *others = chain.backward(c, *inputs)
    return (-dx if c.dtype.itemsize == 2 else dx), *others


@_backward("GR203", DENSE, "8x6/float32")
def another_branch_in_single(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """The branch for float32 is of another layer: the sign of dW is wrong there, and there alone."""
    dx, dW, db = chain.backward(c, *inputs)
    return dx, (-dW if dW.dtype == np.float32 else dW), db


@_backward("GR204", BENT, "8x8/float64?special=true")
def minus_one_at_zero(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """`np.sign(x - tiny)`: at exactly 0 the slope is -1."""
    x = inputs[0]
    return (c * np.where(x == 0, -1.0, x > 0),)


@_backward("GR204", Chain(steps=(LEAKY,)), "8x8/float64?special=true")
def both_branches_at_zero(chain: Chain, memory: dict[str, Any], c: Array, *inputs: Array) -> Any:
    """`(x >= 0) + slope * (x <= 0)`: both branches are counted where they meet."""
    x = inputs[0]
    return (c * ((x >= 0) + 0.1 * (x <= 0)),)
