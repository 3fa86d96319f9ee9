"""Scripts of activations: the number that was named, in vectors of copies, beside its true value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from verinit.checks.activation_looks import LANES, look_of
from verinit.runner.scripts.drawing import needed
from verinit.runner.scripts.pages import Body, number
from verinit.runner.scripts.spelling import from_place, kept_at, spelt, unbound
from verinit.targets.activations.forms import Differentiated
from verinit.vocabulary import Evidence, Target, Trial

VALUES = ("AC201", "AC202", "AC203")
SLOPES = ("AC301", "AC302", "AC304")
ENDS = {"AC204": False, "AC303": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """An activation as source text: imports, lines before, and what is to be called."""

    framework: str
    imports: tuple[str, ...]
    before: tuple[str, ...]
    path: str


def activation(trial: Trial, evidence: Evidence) -> Body | None:
    """The script of an activation's finding at one number; None where there is no such number."""
    code = trial.check.code
    slope = code in SLOPES or ENDS.get(code, False)
    if code not in (*VALUES, *SLOPES, *ENDS):
        return None
    called, x = _called(trial.target), _number(trial, evidence, slope=slope)
    if called is None or x is None or (slope and not called.framework):
        return None
    return Body(
        imports=("import numpy as np", *called.imports),
        lines=(*called.before, *_lines(trial, called, x, slope=slope)),
        note=f"The value at {LANES} copies of one number, the worst of them; the true one is written below",
    )


def _number(trial: Trial, evidence: Evidence, *, slope: bool) -> float | None:
    """The number that the finding names."""
    look = look_of(trial)
    if trial.check.code in ENDS:
        return float("-inf") if "(-inf)" in evidence.quantity else float("inf")
    got = look.slope if slope else look.y
    named = (got == evidence.observed) | (np.isnan(got) & np.isnan(evidence.observed))
    places = [i for i in np.flatnonzero(named) if _is_named(evidence.quantity, look.wide, int(i))]
    return float(look.wide[places[0]]) if places else None


def _is_named(quantity: str, wide: NDArray[np.float64], i: int) -> bool:
    return f"({wide[i]:.9g})" in quantity


def _called(target: Target) -> Called | None:
    """What an activation calls, as source text."""
    place, obj = target.name.partition("=")[0], target.object
    family, _, word = place.partition(":")
    if family == "numpy" and hasattr(obj, "value"):
        kept = f'ACTIVATIONS["{word}"]'
        if "@" in word:
            return None
        return Called(
            framework="object",
            imports=("from verinit.reference.activations import ACTIVATIONS",),
            before=(),
            path=kept,
        )
    passes = getattr(obj, "_passes", None) if isinstance(obj, Differentiated) else None
    if passes is not None:
        framework = "torch" if type(passes).__module__.startswith("verinit.targets.torch") else "jax"
        found, bound = unbound(passes.function)
        path = None if found is None else spelt(found)
        if path is None and kept_at(place) is not None:
            path = from_place(place)
        if path is None or isinstance(kept_at(place), type):
            return None
        extra = "".join(f", {name}={value!r}" for name, value in bound.items())
        return _function(framework, path[1], extra)
    kept = kept_at(place)
    return (
        None
        if kept is None or isinstance(kept, type) or not callable(kept)
        else _function("", from_place(place)[1], "")
    )


def _function(framework: str, path: str, extra: str) -> Called:
    imports, before = needed(path)
    if framework:
        imports.add(f"import {framework}")
    body = f"def f(x):\n    return {path}(x{extra})"
    return Called(framework=framework, imports=tuple(imports), before=(*before, body), path="f")


def _lines(trial: Trial, called: Called, x: float, *, slope: bool) -> tuple[str, ...]:
    """The lines from the number to `observed`: the copy whose result is farthest from what is expected."""
    dtype = look_of(trial).dtype
    given = (
        f"x = np.full({LANES}, {number(x)}).astype({dtype!r})"
        if dtype != "bfloat16"
        else f"import ml_dtypes\nx = np.full({LANES}, {number(x)}).astype(ml_dtypes.bfloat16)"
    )
    return (
        given,
        *_result(called, dtype, slope=slope),
        "y = np.asarray(y).astype(np.float64)",
        *_worst(trial),
    )


def _worst(trial: Trial) -> tuple[str, ...]:
    return (
        "ulp = np.spacing(np.abs(x.dtype.type(EXPECTED))) if np.isfinite(EXPECTED) else np.nan",
        "apart = np.where(y == EXPECTED, 0.0, np.abs(y - EXPECTED))",
        "observed = float(y[np.argmax(np.where(np.isnan(apart), np.inf, apart))])",
        'print("x =", float(x[0]), " observed - expected =", (observed - EXPECTED) / float(ulp), "ulp")',
    )


def _result(called: Called, dtype: str, *, slope: bool) -> tuple[str, ...]:
    """The value, or the slope by the framework's autodiff, of every copy."""
    if called.framework == "torch":
        given = (
            "t = torch.from_numpy(x)"
            if dtype != "bfloat16"
            else "t = torch.from_numpy(x.view(np.int16)).view(torch.bfloat16)"
        )
        back = ".float().numpy()" if dtype == "bfloat16" else ".numpy()"
        if not slope:
            return (given, f"y = {called.path}(t){back}")
        return (
            f"{given}.requires_grad_()",
            f"(y,) = torch.autograd.grad({called.path}(t).sum(), t)",
            f"y = y{back}",
        )
    if called.framework == "jax":
        wide = ('jax.config.update("jax_enable_x64", True)',) if dtype == "float64" else ()
        compiled = f"jax.jit({called.path})"
        if not slope:
            return (*wide, f"y = {compiled}(jax.numpy.asarray(x))")
        pull = f"jax.jit(lambda t, v: jax.vjp({called.path}, t)[1](v)[0])"
        return (*wide, f"y = {pull}(jax.numpy.asarray(x), jax.numpy.ones_like(x))")
    if called.framework == "object":
        return (f"y = {called.path}.{'derivative' if slope else 'value'}(x)",)
    return (f"y = {called.path}(x)",)
