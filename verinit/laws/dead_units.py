"""How many ReLU units answer nothing, and to whom: the dead-unit law.

A unit is dead on a batch if its pre-activation is negative for every input of it. Where N inputs share one
cosine c >= 0, its N pre-activations are equicorrelated normal numbers, sqrt(c) Z + sqrt(1 - c) E_i, and

    p(N, c) = E[Phi(-sqrt(c / (1 - c)) Z)^N]

from 2^-N for orthogonal inputs to 1/2 for inputs that are all alike. Given a layer's inputs its units are
independent, so that the dead ones among n are Binomial(n, p), exactly, for Gaussian weights at any width, if
the cosines are those of the layer's inputs. The bias is 0.

Sources: Gupta 1963 (the integral); Lu et al. 2020 (a whole layer dead).
"""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from verinit.laws.correlation import cosines
from verinit.laws.responses import Floats
from verinit.laws.signal import Integral, expectation
from verinit.vocabulary import UsageError

__all__ = ["dead_by_layer", "dead_probability", "layer_dead", "stack_dead"]


def dead_probability(inputs: int, cosine: float) -> Integral:
    """P(a ReLU unit is dead on N inputs of common cosine c) = E[Phi(-sqrt(c / (1 - c)) Z)^N].

    inputs  N, at least 1
    cosine  c in [0, 1], between any two of them

    1/2 for N = 1; 1/4 + arcsin(c) / (2 pi) for N = 2; 1/(N + 1) at c = 1/2. 0 where it is below 1e-308.
    Raises `UsageError` for fewer than one input, and for a cosine outside [0, 1].
    """
    if inputs < 1 or not 0.0 <= cosine <= 1.0:
        raise UsageError(
            f"inputs={inputs!r}, cosine={cosine!r}: one input or more, a common cosine in [0, 1]"
        )
    if cosine == 1.0:
        return Integral(value=0.5, error=0.0)
    return expectation(lambda x: np.exp(inputs * special.log_ndtr(x)), cosine / (1.0 - cosine))


def dead_by_layer(inputs: int, *, depth: int, start: float = 0.0) -> Floats:
    """The share of units that are dead in each layer of a deep ReLU network, (depth,).

    start  common cosine of the inputs, 0 or more

    Cosines rise with depth, and with them the share: it tends to 1/2, where each unit says the same to every
    input. The scale of the weights is not in it. Exact as the width grows; at width n the cosines scatter.
    """
    c = cosines("relu", fan_in=1, std=math.sqrt(2.0), depth=depth, start=start)
    return np.array([dead_probability(inputs, float(each)).value for each in c])


def layer_dead(width: int, *, inputs: int = 1, cosine: float = 0.0) -> float:
    """P(no unit of a ReLU layer answers any of the inputs) = p(N, c)^n; 2^-n for one input, exactly.

    Raises `UsageError` for a width below 1.
    """
    return dead_probability(inputs, cosine).value ** _width(width)


def stack_dead(width: int, depth: int) -> float:
    """P(a network of L ReLU layers sends nothing for one input) = 1 - (1 - 2^-n)^L, exactly, at any scale.

    Given that a layer is alive, each unit of the next is alive with probability 1/2, whatever it was sent.
    """
    if depth < 1:
        raise UsageError(f"depth={depth!r}: a network has at least one layer")
    return -math.expm1(depth * math.log1p(-(2.0 ** -_width(width)))) if width > 1 else 1.0 - 0.5**depth


def _width(width: int) -> int:
    if width < 1:
        raise UsageError(f"width={width!r}: a layer has at least one unit")
    return width
