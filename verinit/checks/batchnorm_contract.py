"""BN1xx: what every batch norm owes its caller before any law is compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from verinit.checks.batches import Array, Bench, affine, bench_of, offers
from verinit.checks.registry import check
from verinit.checks.violations import said
from verinit.vocabulary import Evidence, Trial

SOURCE = "Ioffe & Szegedy 2015, algorithm 1"
FORWARD = ("BN101", "BN102", "BN103", "BN104", "BN105")
"""Without these no output can be compared."""
BACKWARD = (*FORWARD, "BN106", "BN107")
"""Without these no gradient can be compared."""


def _modes(bench: Bench) -> tuple[bool, ...]:
    return (True, False) if bench.target.says("running") is not False else (True,)


def _word(training: bool) -> str:
    return "training" if training else "evaluation"


def _outputs(bench: Bench) -> list[tuple[str, Any]]:
    """The output in each mode, as it came."""
    x = bench.signal()
    return [(_word(mode), bench.fresh(scaled=True).forward(x.copy(), mode)) for mode in _modes(bench)]


@check("BN101", kind="normalizer", equation="shape of y = shape of x", source="definition", applies=offers())
def output_has_the_shape_of_the_input(trial: Trial) -> Evidence:
    """The output is an array of the shape of the input.

    Images that were flattened for the statistics and not restored fail one layer later, or broadcast.
    """
    bench = bench_of(trial)

    def wrong(mode: str, y: Any) -> str:
        if not isinstance(y, np.ndarray):
            given = "None" if y is None else f"a {type(y).__name__}"
            return f"forward in {mode} returned {given}, not an array"
        asked = bench.case.shape
        return "" if y.shape == asked else f"shape {y.shape} came out in {mode}, {asked} went in"

    return said("outputs of another shape", (wrong(*row) for row in _outputs(bench)))


@check(
    "BN102",
    kind="normalizer",
    equation="dtype of y = dtype of x",
    source="definition",
    applies=offers(),
    after=("BN101",),
)
def output_has_the_dtype_of_the_input(trial: Trial) -> Evidence:
    """The output has the dtype of the input.

    A float64 constant inside turns every later layer to float64, in memory and in time.
    """
    bench = bench_of(trial)
    return said(
        "outputs of another dtype",
        (
            "" if y.dtype == bench.dtype else f"dtype {y.dtype} came out in {mode}, {bench.dtype} went in"
            for mode, y in _outputs(bench)
        ),
    )


@check(
    "BN103",
    kind="normalizer",
    equation="y(x) = y(x)",
    source="definition",
    applies=offers(),
    after=("BN101",),
)
def same_batch_gives_the_same_output(trial: Trial) -> Evidence:
    """Two fresh normalizers make the same of the same batch, bit for bit.

    Batch norm has no chance of its own; noise, or state shared between layers through a default argument,
    makes no run like another.
    """
    bench = bench_of(trial)
    pairs = zip(_outputs(bench), _outputs(bench), strict=True)
    return said(
        "modes that gave two outputs",
        ("" if _same(y, z) else f"two fresh normalizers differ in {mode}" for (mode, y), (_, z) in pairs),
    )


def _same(a: Any, b: Any) -> bool:
    return bool(np.asarray(a).tobytes() == np.asarray(b).tobytes())


@check(
    "BN104",
    kind="normalizer",
    equation="x after = x before",
    source="definition",
    applies=offers(),
    after=("BN101",),
)
def arrays_that_are_given_are_left_alone(trial: Trial) -> Evidence:
    """Neither forward nor backward writes on what it is given.

    `x -= x.mean(0)` changes the batch of the caller, and with it every layer that still needs it.
    """
    bench = bench_of(trial)
    complaints = [_written(bench, mode) for mode in _modes(bench)]
    if bench.target.says("backward") is not False:
        x, c = bench.signal(), bench.cotangent()
        made = bench.fresh(scaled=True)
        made.forward(x, True)
        made.backward(c)
        complaints.append("" if _same(c, bench.cotangent()) else "backward wrote on the cotangent")
        complaints.append("" if _same(x, bench.signal()) else "a pass of both wrote on the batch")
    if affine(bench.target):
        made = bench.fresh(scaled=True)
        made.forward(bench.signal(), True)
        kept = _same(made.gamma, bench.gamma) and _same(made.beta, bench.beta)
        complaints.append("" if kept else "forward wrote on gamma or beta")
    return said("arrays that were written on", complaints)


def _written(bench: Bench, mode: bool) -> str:
    x = bench.signal()
    bench.fresh(scaled=True).forward(x, mode)
    return "" if _same(x, bench.signal()) else f"forward in {_word(mode)} wrote on the batch"


@check(
    "BN105",
    kind="normalizer",
    equation="|y| < inf",
    source=SOURCE,
    applies=offers(),
    after=("BN101",),
)
def outputs_are_finite(trial: Trial) -> Evidence:
    """Every output is finite, of a batch whose features are all one number too.

    A unit that is dead for a whole batch has variance 0; without epsilon it becomes 0/0.
    """
    bench = bench_of(trial)
    batches = {"an ordinary batch": bench.signal(), "a batch of zeros": bench.shaped(_zeros(bench))}
    if bench.eps == 0.0:
        del batches["a batch of zeros"]  # without an epsilon 0/0 is what is declared
    complaints = []
    for word, x in batches.items():
        y = np.asarray(bench.fresh(scaled=True).forward(x, True)).astype(np.float64)
        bad = int(np.count_nonzero(~np.isfinite(y)))
        complaints.append(f"{bad} of {y.size} outputs of {word} are nan or infinite" if bad else "")
    return said("batches with outputs that are not finite", complaints)


def _zeros(bench: Bench) -> Array:
    return np.zeros((bench.rows, bench.width))


@check(
    "BN106",
    kind="normalizer",
    equation="shape, dtype of dL/dx = shape, dtype of x",
    source="definition",
    applies=offers("backward"),
    after=FORWARD,
)
def gradients_have_the_form_of_what_they_are_of(trial: Trial) -> Evidence:
    """Each gradient has the shape and dtype of what it is the gradient of, and is finite.

    A dgamma of shape (1, D), or of one number, broadcasts in the update without a word.
    """
    bench = bench_of(trial)
    x, c = bench.signal(), bench.cotangent()
    made = bench.fresh(scaled=True)
    made.forward(x, True)
    rows = [("dx", made.backward(c), x)]
    rows += [(f"d{name}", g, getattr(bench, name)) for name, g in _parameters(bench, made)]
    return said("gradients of another form", (_misfit(*row) for row in rows))


def _parameters(bench: Bench, made: Any) -> list[tuple[str, Any]]:
    if not affine(bench.target):
        return []
    return [("gamma", made.dgamma), ("beta", made.dbeta)]


def _misfit(name: str, g: Any, x: Array) -> str:
    if not isinstance(g, np.ndarray):
        return f"{name} is {'None' if g is None else f'a {type(g).__name__}'}, not an array"
    if g.shape != x.shape:
        return f"{name} has shape {g.shape}, not {x.shape}"
    if g.dtype != x.dtype:
        return f"{name} has dtype {g.dtype}, not {x.dtype}"
    bad = int(np.count_nonzero(~np.isfinite(g.astype(np.float64))))
    return f"{bad} of {g.size} entries of {name} are nan or infinite" if bad else ""


@check(
    "BN107",
    kind="normalizer",
    equation="backward(c) = backward(c)",
    source="definition",
    applies=offers("backward"),
    after=(*FORWARD, "BN106"),
)
def backward_starts_anew_each_time(trial: Trial) -> Evidence:
    """A second step of forward and backward gives the gradients of the first.

    Gradients that are added to what is there, with nobody to set them to 0, grow with every step.
    """
    bench = bench_of(trial)
    x, c = bench.signal(), bench.cotangent()
    made = bench.fresh(scaled=True)
    steps = []
    for _ in range(2):
        made.forward(x.copy(), True)
        dx = np.array(made.backward(c.copy()))
        steps.append([("x", dx), *((name, np.array(g)) for name, g in _parameters(bench, made))])
    pairs = zip(*steps, strict=True)
    return said(
        "gradients that changed in a second step",
        ("" if _same(a, b) else f"d{name} is another in the second step" for (name, a), (_, b) in pairs),
    )
