"""The family `scipy`: activations made of scipy.special's functions, which have no loops in half precision.

The slopes are written with the same functions, as their users write them.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, erfc, expit, expm1, log_expit, ndtr

from verinit.targets.activations.forms import LIMITS, ONE_PLUS, built_in
from verinit.targets.kinds import Pair
from verinit.vocabulary import Target

Array = NDArray[Any]
DTYPES = ("float64", "float32")
ROOT = math.sqrt(0.5)
FAR = 40.0
"""Where exp(-x^2 / 2) is 0 in float64, and the square of x does not overflow."""


def _density(x: Array) -> Array:
    z = np.clip(x, -FAR, FAR)
    return np.asarray(np.exp(-0.5 * z * z) * (ROOT / math.sqrt(math.pi)))


CANCELS = (("AC202", ONE_PLUS), ("AC302", ONE_PLUS))


@cache
def targets() -> tuple[Target, ...]:
    """Sigmoid by expit, softplus by log_expit, elu by expm1, and gelu by ndtr, by erf and by erfc."""
    rows: tuple[tuple[str, str, Pair, tuple[tuple[str, str], ...]], ...] = (
        ("expit", "sigmoid", Pair(value=expit, derivative=lambda x: expit(x) * expit(-x)), ()),
        ("log_expit@softplus", "softplus", Pair(value=lambda x: -log_expit(-x), derivative=expit), ()),
        (
            "expm1@elu",
            "elu",
            Pair(
                value=lambda x: np.where(x > 0, x, expm1(np.minimum(x, 0))),
                derivative=lambda x: np.exp(np.minimum(x, 0)),
            ),
            (),
        ),
        ("ndtr@gelu", "gelu", _gelu(ndtr), LIMITS),
        ("erf@gelu", "gelu", _gelu(lambda x: 0.5 * (1.0 + erf(x * ROOT))), (*LIMITS, *CANCELS)),
        ("erfc@gelu", "gelu", _gelu(lambda x: 0.5 * erfc(-x * ROOT)), LIMITS),
    )
    return tuple(
        built_in(f"scipy:{name}", like, pair, dtypes=DTYPES, expected=expected)
        for name, like, pair, expected in rows
    )


def _gelu(distribution: Any) -> Pair:
    """GELU x Phi(x) and its slope Phi(x) + x phi(x), for one way to compute Phi."""
    return Pair(
        value=lambda x: x * distribution(x),
        derivative=lambda x: distribution(x) + x * _density(x),
    )
