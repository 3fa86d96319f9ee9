"""IN206 and IN207: what rounding alone decides, orthogonality and constants."""

from __future__ import annotations

import numpy as np

from verinit.checks.applicability import constants, matrices
from verinit.checks.contract import CONTRACT, LOOKS
from verinit.checks.registry import check
from verinit.checks.sampling import dtype_of, pool_of, scheme_of, semiorthogonal
from verinit.laws import rounding
from verinit.vocabulary import Case, Evidence, Target, Trial


def _gram_floor(target: Target, case: Case) -> float:
    rows = case.size // case.shape[-1]
    size = max(rows, case.shape[-1]), min(rows, case.shape[-1])
    return rounding.gram_excuse(case.dtype or "float32", *size) if case.dtype in rounding.COARSE else 0.0


@check(
    "IN206",
    equation="Q'Q = gain^2 I",
    source="Saxe et al. 2014, section 3",
    discrepancy=0.02,
    applies=matrices,
    floor=_gram_floor,
    after=CONTRACT,
    scales=False,
)
def columns_are_orthonormal(trial: Trial) -> Evidence:
    """The columns (or the rows, where there are fewer) are orthonormal up to the gain.

    Then every singular value is the gain, and a linear layer keeps the length of every signal. No chance
    is involved: the discrepancy is the largest excuse of rounding that still says something.
    """
    worst, size = 0.0, (1, 1)
    for array in pool_of(trial).arrays(LOOKS):
        q = semiorthogonal(np.asarray(array, dtype=np.float64)[np.newaxis])[0]
        gram = q.T @ q / scheme_of(trial.target).scale
        worst, size = float(np.maximum(worst, np.max(np.abs(gram - np.eye(gram.shape[0]))))), q.shape
    dtype = dtype_of(trial)
    tolerance = rounding.gram_excuse(dtype, *size)
    return Evidence(
        quantity="max |Q'Q / gain^2 - I|",
        expected=0.0,
        observed=worst,
        distance=worst,
        tolerance=tolerance,
        resolution=tolerance,
        n=LOOKS,
        basis=f"{tolerance / rounding.unit_roundoff(dtype):.0f} unit roundoffs of {dtype}",
    )


@check(
    "IN207",
    equation="W_ij = value",
    source="definition",
    applies=constants,
    after=CONTRACT,
)
def weights_are_the_constant(trial: Trial) -> Evidence:
    """Every weight of a constant initializer is the constant, to the last bit of its dtype.

    Biases and batch-norm gains start from these: a trace of noise in zeros is a bias that nobody asked for.
    """
    value = scheme_of(trial.target).mean
    x = np.asarray(pool_of(trial).arrays(1)[0], dtype=np.float64)
    worst = float(np.max(np.abs(x - value)))
    return Evidence(
        quantity="max |W - value|",
        expected=0.0,
        observed=worst,
        distance=worst,
        tolerance=float(rounding.half_ulp(value, dtype_of(trial))) if value else 0.0,
        n=x.size,
        basis="half an ulp of the value",
    )
