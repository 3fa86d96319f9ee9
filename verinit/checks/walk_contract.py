"""SP101 to SP104: what a walk must be before anything can be said of signal and gradient by depth."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.checks.registry import check
from verinit.checks.violations import said
from verinit.checks.walks import inputs_of, walk_of
from verinit.laws.responses import RESPONSES, STEEPEST
from verinit.vocabulary import Case, CheckSkipped, Evidence, Measured, Target, Trial

Array = NDArray[Any]


def _split(trial: Trial, seed: int, *, inputs: Array | None = None) -> tuple[list[Any], list[Any]]:
    """Steps and echoes of one walk."""
    records = walk_of(trial, seed, inputs=inputs)
    steps = [record for record in records if hasattr(record, "preactivation")]
    return steps, [record for record in records if not hasattr(record, "preactivation")]


@check(
    "SP101",
    kind="model",
    equation="x_0 = inputs, x_l+1 = output of layer l",
    source="definition",
)
def layers_follow_one_another(trial: Trial) -> Evidence:
    """Each layer sees what the one before it sent, and on the way back the other way round.

    Layers are counted from 0; every array is finite, of the shape that the weights say and of the dtype of
    the inputs. Whoever writes a walk of his own gets the order wrong first.
    """
    x = inputs_of(trial, 0)
    steps, echoes = _split(trial, 0, inputs=x)
    return said("breaks in the chain of layers", _breaks(x, steps, echoes))


def _breaks(x: Array, steps: list[Any], echoes: list[Any]) -> Iterator[str]:
    if not steps:
        yield "the walk yields no layer"
        return
    sent, dtype = x, x.dtype
    for number, step in enumerate(steps):
        where = f"layer {number + 1}"
        yield "" if step.layer == number else f"{where} says that it is number {step.layer} counted from 0"
        same = np.shape(step.inputs) == np.shape(sent) and bool(np.array_equal(step.inputs, sent))
        yield "" if same else f"{where} does not see what was sent to it"
        wanted = (len(x), np.shape(step.weights)[1])
        yield from _numbers(f"{where}: its pre-activation", step.preactivation, wanted, dtype)
        sent = step.output
    yield "" if len(echoes) in (0, len(steps)) else f"{len(steps)} layers there and {len(echoes)} back"
    for number, echo in enumerate(echoes):
        step = steps[len(steps) - 1 - number]
        where = f"layer {len(steps) - number}"
        yield "" if echo.layer == step.layer else f"{where} on the way back says that it is {echo.layer}"
        yield from _numbers(f"{where}: its cotangent", echo.cotangent, np.shape(step.preactivation), dtype)
        yield from _numbers(f"{where}: its gradient", echo.gradient, np.shape(step.inputs), dtype)


def _numbers(what: str, array: Any, shape: tuple[int, ...], dtype: Any) -> Iterator[str]:
    found = np.asarray(array)
    yield "" if found.shape == shape else f"{what} has shape {found.shape}, not {shape}"
    yield "" if found.dtype == dtype else f"{what} is {found.dtype}, the inputs are {dtype}"
    finite = np.isfinite(found.astype(np.float64)).all()
    yield "" if finite else f"{what} holds numbers that are not finite"


@check(
    "SP102",
    kind="model",
    equation="z = x W + b; what is sent back is c W'",
    source="Higham 2002, sec. 3.1",
    after=("SP101",),
)
def a_layer_multiplies_by_its_weights(trial: Trial) -> Measured:
    """What a layer sends, there and back, is the product with its weights, to rounding.

    A gain that is applied beside the weights, a dropout that was left on or other weights on the way back
    show here. An entry is allowed (terms + 2) units of the sum of its absolute products.
    """
    steps, echoes = _split(trial, 0)
    rows = [
        row
        for step in steps
        for row in [
            _product(
                f"layer {step.layer + 1}: pre-activation",
                step.preactivation,
                step.inputs,
                step.weights,
                getattr(step, "bias", None),
            )
        ]
    ]
    for echo in echoes:
        weights = np.asarray(steps[echo.layer].weights).T
        rows.append(
            _product(f"layer {echo.layer + 1}: gradient", echo.gradient, echo.cotangent, weights, None)
        )
    name, worst, ratio = max(rows, key=lambda row: row[1])
    told = f"{name} is {ratio:.4g} times the product with the weights" if worst > 1.0 and ratio else ""
    return Measured(
        evidence=Evidence(
            quantity=f"{name}, distance from the product in units of its rounding",
            expected=0.0,
            observed=worst,
            distance=worst,
            tolerance=1.0,
            n=sum(np.asarray(step.preactivation).size for step in steps),
            basis="(terms + 2) rounding units of the sum of absolute products",
        ),
        likely=told,
    )


def _product(name: str, sent: Any, x: Any, W: Any, b: Any) -> tuple[str, float, float]:
    """How far `sent` is from x W + b in units of what rounding may do, and their ratio where it is one."""
    unit = float(np.finfo(np.asarray(sent).dtype).eps)
    y, x, W = (np.asarray(a, dtype=np.float64) for a in (sent, x, W))
    exact, size = x @ W, np.abs(x) @ np.abs(W)
    if b is not None:
        bias = np.asarray(b, dtype=np.float64)
        exact, size = exact + bias, size + np.abs(bias)
    with np.errstate(divide="ignore", invalid="ignore"):
        off = np.where(y == exact, 0.0, np.abs(y - exact) / ((W.shape[0] + 2) * unit * size + _tiny(sent)))
    norm = float(np.vdot(exact, exact))
    ratio = float(np.vdot(exact, y)) / norm if norm > 0.0 else 0.0
    straight = bool(np.abs(y - ratio * exact).max() <= 2.0 * (W.shape[0] + 2) * unit * size.max())
    return name, float(np.nan_to_num(off, nan=np.inf).max(initial=0.0)), ratio if straight else 0.0


def _tiny(sent: Any) -> float:
    """The spacing of subnormal numbers, below which nothing is relative."""
    return float(np.finfo(np.asarray(sent).dtype).smallest_subnormal)


@check(
    "SP103",
    kind="model",
    equation="walk(x, rng) is a function of x and of the state of rng",
    source="definition",
    after=("SP101",),
)
def a_walk_depends_on_its_generator_alone(trial: Trial) -> Evidence:
    """The same generator draws the same network, another one another, and the inputs stay as they were.

    Weights that are drawn from elsewhere, or once and for all, make every seed one experiment or none.
    """
    x = inputs_of(trial, 0)
    kept = x.copy()
    first, again = (_split(trial, 0, inputs=x)[0] for _ in range(2))
    other = _split(trial, 1, inputs=x)[0]
    same = len(first) == len(again) and all(
        np.array_equal(a.weights, b.weights) and np.array_equal(a.output, b.output)
        for a, b in zip(first, again, strict=False)
    )
    pairs = enumerate(zip(first, other, strict=False), start=1)
    stale = [number for number, (a, b) in pairs if np.array_equal(a.weights, b.weights)]
    layers = f"layer{'s' if len(stale) > 1 else ''} {', '.join(map(str, stale[:6]))}"
    return said(
        "ways in which a walk depends on something else",
        (
            "" if same else "two walks from one state of the generator differ",
            f"another state of the generator draws the same weights in {layers}" if stale else "",
            "" if np.array_equal(x, kept) else "the inputs were written on",
        ),
    )


def _elementwise(target: Target, case: Case) -> str:
    if target.says("activation") not in RESPONSES:
        return "no activation with a known law is declared"
    if target.says("batch_norm"):
        return "batch norm stands between the pre-activation and the activation"
    return ""


@check(
    "SP104",
    kind="model",
    equation="c_l = f'(z_l) g_l+1",
    source="Schoenholz et al. 2017, eq. 9",
    applies=_elementwise,
    after=("SP101",),
)
def an_activation_passes_its_slope(trial: Trial) -> Measured:
    """What an activation lets through of the gradient is its slope at the pre-activation.

    Saturation enters a network's gain as the mean square of this slope and as nothing else; with normal
    pre-activations (SP201) that mean is E[f'(z)^2]. Sixteen rounding units of the steepest slope are allowed,
    where a sound derivative, the product and the quotient err by eight.
    """
    activation = str(trial.target.says("activation"))
    steps, echoes = _split(trial, 0)
    if len(echoes) < 2:
        raise CheckSkipped("nothing is sent back through an activation")
    unit = float(np.finfo(np.asarray(echoes[0].cotangent).dtype).eps) * STEEPEST[activation]
    rows = [_slopes(activation, steps[echo.layer], above, echo) for above, echo in pairwise(echoes)]
    looked = [(off, ratio, layer, n) for off, ratio, layer, n in rows if n]
    if not looked:
        raise CheckSkipped("nothing comes back to any activation")
    off, ratio, layer, _ = max(looked)
    wrong = off > SLOPE_UNITS * unit
    return Measured(
        evidence=Evidence(
            quantity=f"slope that layer {layer + 1} passes less f'(z), the entry that is furthest off",
            expected=0.0,
            observed=off,
            distance=off,
            tolerance=SLOPE_UNITS * unit,
            n=sum(n for *_, n in looked),
            basis=f"{SLOPE_UNITS:g} rounding units of the steepest slope",
        ),
        likely=f"layer {layer + 1} passes {ratio:.4g} times the mean square that its slopes would"
        if wrong
        else "",
    )


SLOPE_UNITS = 16.0


def _slopes(activation: str, step: Any, above: Any, echo: Any) -> tuple[float, float, int, int]:
    """How far the slopes of one layer are off at most, their mean square over f's, and how many are seen."""
    z, came, left = (
        np.asarray(a, dtype=np.float64) for a in (step.preactivation, above.gradient, echo.cotangent)
    )
    told = (came != 0.0) & (z != 0.0)  # at a kink either side is right
    if not told.any():
        return 0.0, 1.0, step.layer, 0
    slopes, right = left[told] / came[told], RESPONSES[activation].derivative(z[told])
    expected = float(np.mean(right * right))
    ratio = float(np.mean(slopes * slopes)) / expected if expected > 0.0 else float("inf")
    return float(np.abs(slopes - right).max()), ratio, step.layer, int(np.count_nonzero(told))
