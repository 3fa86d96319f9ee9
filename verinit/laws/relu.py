"""What He's ReLU layer does at finite width: exact laws of one input's energy, and the angle between two.

Given the input h, the pre-activations h W with W ~ N(0, 2 / n) are iid N(0, 2 |h|^2 / n), so the energy gain
|y|^2 / |h|^2 is (2 / n) chi^2_K with K ~ Binomial(n, 1/2) units alive: its mean is exactly 1 at every width,
but its logarithm drifts downwards, and it is the logarithms that add up over the layers. A typical run
therefore fades while the mean over runs does not.

Sources: He et al. 2015, eq. 10 (the mean); Hanin & Rolnick 2018 (scatter of order depth / width); Cho &
Saul 2009, eq. 6 (the angle).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from verinit.vocabulary import UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGain:
    """Mean and variance of log(|y|^2 / |h|^2) over one layer, given that a unit is alive."""

    mean: float
    variance: float
    dead: float


def alive_shares(width: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """K ~ Binomial(n, 1/2) units are alive: k = 0 .. n and their probabilities, each (n + 1,)."""
    k = np.arange(width + 1, dtype=np.float64)
    log_p = special.gammaln(width + 1) - special.gammaln(k + 1) - special.gammaln(width - k + 1)
    p = np.exp(log_p - width * math.log(2.0))
    return k, p / p.sum()


def log_gain(width: int, *, gain: float = 1.0) -> LogGain:
    """log((2 gain / n) chi^2_K), K ~ Binomial(n, 1/2) above 0: mean -5/(2n), variance 5/n to leading order.

    width  n, units on both sides of the layer
    gain   n Var[W] / 2: 1 for He's scheme, 2 for std 2 / sqrt(n)

    Exact: E log chi^2_k = psi(k/2) + log 2, Var = psi'(k/2). `dead` = 2^-n is the chance that no unit is
    alive. Raises `UsageError` for a width below 1 or a gain that is not positive.
    """
    if width < 1 or not gain > 0.0:
        raise UsageError(f"width={width!r}, gain={gain!r}: a layer has a unit or more and a positive gain")
    k, p = alive_shares(width)
    k, p = k[1:], p[1:] / p[1:].sum()
    m = special.digamma(k / 2) + math.log(4.0 * gain / width)
    mean = float(p @ m)
    return LogGain(
        mean=mean,
        variance=float(p @ (special.polygamma(1, k / 2) + (m - mean) ** 2)),
        dead=2.0**-width,
    )


def cosines(depth: int, *, start: float = 0.0) -> NDArray[np.float64]:
    """Two inputs grow alike from layer to layer: cos' = (sqrt(1 - c^2) + c (pi - arccos c)) / pi.

    start  cosine between the two inputs

    Returns (depth,), cosines between their activations as the width grows; 1 is the only fixed point,
    approached like 1 - c = 9 pi^2 / (2 depth^2).
    Raises `UsageError` for a depth below 1 or a start beyond [-1, 1].
    """
    if depth < 1 or not -1.0 <= start <= 1.0:
        raise UsageError(f"depth={depth!r}, start={start!r}: depth is 1 or more, a cosine lies in [-1, 1]")
    c, result = start, []
    for _ in range(depth):
        c = (math.sqrt(max(0.0, 1.0 - c * c)) + c * (math.pi - math.acos(c))) / math.pi
        c = min(1.0, c)
        result.append(c)
    return np.array(result)
