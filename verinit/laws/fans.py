"""How many inputs feed one output, and how many outputs one input feeds."""

from __future__ import annotations

import math

from verinit.vocabulary import UsageError


def fans(shape: tuple[int, ...], *, groups: int = 1, transposed: bool = False) -> tuple[float, float]:
    """(fan_in, fan_out) of a kernel.

    Shapes: dense `(fan_in, fan_out)`; convolution `(*kernel, in / groups, out)`; transposed convolution
    `(*kernel, in, out / groups)`, counted at stride 1, as every published scheme does.
    Source: He et al. 2015, sections 2.2 (forward: k^2 c) and 2.2 (backward: k^2 d).
    Raises `UsageError` where a shape has only one fan, or groups do not divide it.
    """
    if len(shape) < 2:
        raise UsageError(f"a scheme with a fan needs two axes; shape {shape!r} has {len(shape)}")
    *kernel, rows, columns = shape
    whole = rows if transposed else columns
    if groups < 1 or whole % groups:
        raise UsageError(f"groups={groups!r} does not divide {whole} channels of shape {shape!r}")
    field = math.prod(kernel)
    if transposed:
        return field * rows / groups, float(field * columns)
    return float(field * rows), field * columns / groups


def fan(mode: str, shape: tuple[int, ...], *, groups: int = 1, transposed: bool = False) -> float:
    """The fan that a mode names; 1 for mode "none", the mean of both for "fan_avg"."""
    if mode == "none":
        return 1.0
    fan_in, fan_out = fans(shape, groups=groups, transposed=transposed)
    return {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[mode]
