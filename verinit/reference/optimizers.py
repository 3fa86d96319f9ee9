"""Optimisers: what one step makes of the gradients that backward left in the layers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from verinit.reference.precision import Array, rounded, widened
from verinit.vocabulary import UsageError

PARAMETERS = (("W", "dW"), ("b", "db"), ("gamma", "dgamma"), ("beta", "dbeta"))
"""What layers learn, and where `backward` leaves its gradient."""


def parameters(layers: Iterable[Any]) -> Iterator[tuple[Any, str, Array]]:
    """Every parameter that has a gradient: (layer, its name, the gradient), layer by layer."""
    for layer in layers:
        for name, gradient in PARAMETERS:
            found = getattr(layer, gradient, None)
            if found is not None:
                yield layer, name, found


class GradientDescent:
    """A step goes against the gradient, and remembers: v = momentum v + g, then w = w - rate v.

    Parameters keep their dtype; the step is computed in float32 or wider and rounded once. A layer gets a new
    array, so that whoever kept the old one still has it. Source: Sutskever et al. 2013, eq. 1 and 2, with the
    rate outside of v.

    Raises `UsageError` for a rate that is not finite and positive, or a momentum outside [0, 1).
    """

    def __init__(self, layers: Iterable[Any], *, rate: float, momentum: float = 0.0) -> None:
        if not (math.isfinite(rate) and rate > 0.0):
            raise UsageError(f"rate={rate!r}: must be finite and above 0")
        if not 0.0 <= momentum < 1.0:
            raise UsageError(f"momentum={momentum!r}: must be at least 0 and less than 1")
        self.layers = list(layers)
        self.rate, self.momentum = rate, momentum
        self.velocities: dict[tuple[int, str], Array] = {}

    def step(self) -> None:
        """Move every parameter that has a gradient."""
        for layer, name, gradient in parameters(self.layers):
            velocity = widened(gradient)
            if self.momentum:
                key = (id(layer), name)
                if key in self.velocities:
                    velocity = velocity + self.momentum * self.velocities[key]
                self.velocities[key] = velocity
            held = getattr(layer, name)
            setattr(layer, name, rounded(widened(held) - self.rate * velocity, held.dtype))
