"""`verinit gradcheck`: is a gradient the derivative of its function?"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import click

from verinit.cases import battery as battery_named
from verinit.cli import options
from verinit.cli.outcome import deliver
from verinit.cli.progress import progress
from verinit.runner import plan, run_plan
from verinit.runner.planning import fits
from verinit.targets import families, resolve
from verinit.targets.differentiable import Held
from verinit.targets.words import kept
from verinit.targets.written import function_at, word_of
from verinit.vocabulary import Case, Target, UsageError, unknown


@click.command("gradcheck")
@click.argument("word", metavar="MODULE:CALLABLE")
@click.option(
    "--input", "shapes", multiple=True, metavar="32,100", help="Shape of one input; give it once for each."
)
@click.option(
    "--dtype", default=None, metavar="NAME", help="What the inputs are drawn in.  [default: float64]"
)
@click.option(
    "--scale", type=float, default=None, metavar="X", help="Their standard deviation.  [default: 1]"
)
@options.checks
@options.seed
@options.folder
@options.form
@options.output
@options.strict
@options.quiet
def command(
    word: str,
    shapes: tuple[str, ...],
    dtype: str | None,
    scale: float | None,
    codes: tuple[str, ...],
    seed: str | None,
    folder: Path,
    form: str,
    output: Path | None,
    strict: bool,
    quiet: bool,
) -> None:
    """Hold the gradient of a function to differences of the function itself, and write a report.

    MODULE:CALLABLE is a function of torch or JAX, a module of torch, a layer with forward and backward, or a
    class of one of them; or a function without arguments that returns one, alone or as (forward, inputs,
    backward). Parameters that it keeps are differentiated too. Built-in ones have names such as
    numpy:BatchNorm and torch:LayerNorm.

    \b
    verinit gradcheck mynet.layers:Dense --input 32,100
    verinit gradcheck mynet.losses:example
    verinit gradcheck numpy:BatchNorm --scale 30
    """  # noqa: D301
    wanted, root = options.codes_of(codes), options.root_of(seed)
    sizes = tuple(map(shape_of, shapes))
    target, cases = subject_of(word, sizes, dtype, scale)
    look = battery_named("standard", only=cases)
    planned = plan([target], battery=look, codes=wanted, root=root)
    with progress(len(planned.trials), quiet=quiet) as tick:
        report = run_plan(planned, on_findings=tick)
    report = replace(report, run=(*report.run, ("command", options.typed())))
    deliver(report, folder=folder, form=form, output=output, strict=strict)


def shape_of(text: str) -> tuple[int, ...]:
    """The shape that --input spells: whole numbers above 0 with commas between them.

    Raises `UsageError` for anything else.
    """
    words = [word.strip() for word in text.split(",")]
    if not all(word.isascii() and word.isdigit() and int(word) for word in words):
        raise UsageError(f"--input {text!r}: give whole numbers above 0 with commas, such as 32,100")
    return tuple(map(int, words))


def subject_of(
    word: str, shapes: tuple[tuple[int, ...], ...], dtype: str | None, scale: float | None
) -> tuple[Target, tuple[Case, ...] | None]:
    """The target, and the cases at which it is looked at; None for those of the battery.

    Raises `UsageError` for options that the target does not take.
    """
    place, colon, member = word.partition(":")
    if not (place and colon and member):
        raise UsageError(f"target {word!r}: give one function, as module:callable or numpy:BatchNorm")
    target = _built_in(word, place, shapes) if place in families() else _own(word, shapes)
    if dtype is not None and dtype not in target.dtypes:
        raise unknown("dtype", dtype, target.dtypes)
    if scale is not None and not (0.0 < scale < math.inf and "scale" in target.parameters):
        raise UsageError(f"--scale {scale:g}: give a number above 0, to a function whose inputs are drawn")
    if isinstance(target.object, Held):
        if dtype is not None:
            raise UsageError(f"--dtype {dtype}: {word} brings inputs of its own, of a dtype of their own")
        first = target.object.first
        return target, (Case(shape=first.shape, dtype=first.dtype.name),)
    if not shapes and dtype is None and scale is None:
        return target, None
    scales = () if scale is None else (("scale", scale),)
    sizes = [shapes[0]] if shapes else _usual(target)
    return target, tuple(Case(shape=size, dtype=dtype, parameters=scales) for size in sizes)


def _built_in(word: str, family: str, shapes: tuple[tuple[int, ...], ...]) -> Target:
    """A function of a family, which draws all its inputs from the shape of the first."""
    members = {each.name: each for each in resolve(family) if each.kind == "function"}
    word = word if word in members else f"{family}:vjp({word.partition(':')[2]})"
    if word not in members:
        raise unknown(f"function of {family}", word, members)
    if len(shapes) > 1:
        raise UsageError(f"{word} makes its other inputs itself: give --input once, the shape of the first")
    return members[word]


def _own(word: str, shapes: tuple[tuple[int, ...], ...]) -> Target:
    return function_at(kept(word), word_of(word, shapes))


def _usual(target: Target) -> list[tuple[int, ...]]:
    """The shapes at which the standard battery looks at a target, without more."""
    cases = battery_named("standard").of("function")
    return [case.shape for case in cases if fits(target, case) and not (case.dtype or case.parameters)]
