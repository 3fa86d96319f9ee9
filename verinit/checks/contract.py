"""IN1xx: what every initializer owes its caller, whatever its law."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from verinit.checks.registry import check
from verinit.checks.sampling import call, generator, law_at, pool_of, scheme_of
from verinit.checks.violations import violations
from verinit.laws.rounding import UNIT_ROUNDOFF, offset
from verinit.vocabulary import Case, CheckSkipped, Evidence, Target, Trial

CONTRACT = ("IN101", "IN102", "IN103", "IN104")
"""Without these no law can be tested."""
LOOKS = 8
"""Draws, or seeds, that a contract check looks at."""


def _counted(draws: list[Any], wrong: Callable[[Any], str]) -> tuple[int, int, str]:
    """How many draws are wrong, of how many, and what is said of the first."""
    said = [text for text in map(wrong, draws) if text]
    return len(said), len(draws), said[0] if said else ""


@check("IN101", equation="init(shape, rng) is an array", source="SPEC 7")
def draws_an_array(trial: Trial) -> Evidence:
    """An initializer returns an array of numbers.

    A list, None or an array of objects works in some callers and breaks in others.
    """

    def wrong(draw: Any) -> str:
        if not isinstance(draw, np.ndarray):
            given = "None" if draw is None else f"a {type(draw).__name__}"
            return f"the call returned {given}, not an array"
        kind = draw.dtype.kind
        return "" if kind in "fiub" or draw.dtype.name in UNIT_ROUNDOFF else f"the array holds {draw.dtype}"

    draws = pool_of(trial).raw(LOOKS)
    return violations("draws that are not arrays of numbers", *_counted(draws, wrong))


@check("IN102", equation="init(shape, rng).shape = shape", source="SPEC 7", after=("IN101",))
def shape_is_the_one_asked_for(trial: Trial) -> Evidence:
    """The array has the shape that was asked for.

    A kernel stored transposed has the right number of weights and the wrong fans.
    """
    asked = trial.case.shape

    def wrong(draw: Any) -> str:
        shape = np.shape(draw)
        return "" if shape == asked else f"shape {shape} was drawn, {asked} was asked for"

    return violations("draws of another shape", *_counted(pool_of(trial).raw(LOOKS), wrong))


@check("IN103", equation="init(shape, rng, dtype).dtype = dtype", source="SPEC 7", after=("IN101",))
def dtype_is_the_one_asked_for(trial: Trial) -> Evidence:
    """The array has the dtype that was asked for, or a floating one if none was.

    A silent float64 doubles memory and hides what half precision will do; integers truncate every weight.
    """
    asked = trial.case.dtype

    def wrong(draw: Any) -> str:
        drawn = str(draw.dtype)
        if asked is None:
            return "" if drawn in UNIT_ROUNDOFF else f"dtype {drawn} is not a floating dtype"
        return "" if drawn == asked else f"dtype {drawn} was drawn, {asked} was asked for"

    return violations("draws of another dtype", *_counted(pool_of(trial).raw(LOOKS), wrong))


@check("IN104", equation="|W_ij| < inf", source="definition", after=("IN101",))
def weights_are_finite(trial: Trial) -> Evidence:
    """Every weight is a finite number.

    One nan reaches every output of the network in a single forward pass.
    """
    draws = [np.asarray(draw, dtype=np.float64) for draw in pool_of(trial).raw(LOOKS)]
    bad = sum(int(np.count_nonzero(~np.isfinite(draw))) for draw in draws)
    size = sum(draw.size for draw in draws)
    said = f"{bad} of {size} weights are nan or infinite" if bad else ""
    if size and all(np.isnan(draw).all() for draw in draws):
        said = f"all {size} weights are nan; if a tensor was given to be filled, it was left as it came"
    return violations("weights that are not finite", bad, size, said)


def _seeded(trial: Trial, seed: int) -> bytes:
    """The bytes drawn from a fresh generator with this seed."""
    rng = generator(trial.root, trial.target, trial.case, "seed", seed)
    array = np.asarray(call(trial.target, trial.case, rng))
    if array.dtype.char != "g":
        return np.ascontiguousarray(array).tobytes()
    with np.errstate(all="ignore"):  # between the numbers of a long double lie bytes that nobody has set
        high = array.astype(np.float64)
        return high.tobytes() + (array - high).astype(np.float64).tobytes()


@check("IN105", equation="init(shape, rng(s)) = init(shape, rng(s))", source="SPEC 7", after=("IN101",))
def same_seed_draws_the_same_array(trial: Trial) -> Evidence:
    """The same seed draws the same array.

    Without it no experiment can be repeated: somewhere the initializer draws from a generator that it
    was not given.
    """
    bad = sum(_seeded(trial, seed) != _seeded(trial, seed) for seed in range(2))
    said = "two calls with equal generators gave different arrays" if bad else ""
    return violations("seeds that drew two different arrays", bad, 2, said)


def _chance_of_equal_arrays(target: Target, case: Case, dtype: str) -> float:
    """An upper bound on the chance that a draw equals a given array in every entry.

    A rounding cell has mass `2u |x| f(x)`, at most `4u (1 + |mean| / std)` for the catalogue's laws and
    lattice generators of step 2u; entries are independent, but for orthogonal matrices, where one entry
    is counted.
    """
    law = law_at(target, case)
    entries = 1 if scheme_of(target).family == "orthogonal" else case.size
    return min(1.0, 4.0 * UNIT_ROUNDOFF[dtype] * offset(law.mean, law.std)) ** entries


def _entropic(target: Target, case: Case) -> str:
    """Why another seed may rightly draw the same array; empty if it may not."""
    if case.size == 0:
        return "the array is empty: every seed draws the same"
    scheme = target.scheme
    if scheme is None:
        return f"{target.name} declares no scheme, so its randomness is unknown"
    if scheme.family == "constant":
        return "a constant has no randomness: every seed draws the same array"
    longest = max(case.size // case.shape[-1], case.shape[-1]) if case.shape else 1
    if scheme.family == "orthogonal" and longest < 3:
        return f"an orthogonal matrix of shape {case.shape} has too little randomness for seeds to differ"
    return ""


@check(
    "IN106",
    equation="init(shape, rng(s)) != init(shape, rng(t))",
    source="SPEC 7",
    discrepancy=math.comb(LOOKS, 2),
    samples=lambda trial: LOOKS,
    scales=False,
    after=("IN101", "IN103", "IN104"),
    applies=_entropic,
)
def another_seed_draws_another_array(trial: Trial) -> Evidence:
    """Another seed draws another array.

    An initializer that ignores its generator makes every layer of one shape identical, and every repeated
    experiment the same experiment.
    """
    arrays = [_seeded(trial, seed) for seed in range(LOOKS)]
    equal = sum(arrays[i] == arrays[j] for i in range(LOOKS) for j in range(i))
    chance = _chance_of_equal_arrays(trial.target, trial.case, str(pool_of(trial).raw(1)[0].dtype))
    allowed = _allowed(chance, trial.rates.false_fail)
    if allowed == math.comb(LOOKS, 2):
        raise CheckSkipped(
            f"{trial.case.size} weights of this dtype have too little randomness for seeds to differ"
        )
    log_p = _log_collisions(chance, equal)
    return Evidence(
        quantity="pairs of seeds that drew equal arrays",
        expected=0.0,
        observed=float(equal),
        distance=float(equal),
        tolerance=float(allowed),
        resolution=float(allowed + 1),
        n=LOOKS,
        basis="collision bound",
        p=math.exp(log_p),
        log10_p=log_p / math.log(10.0),
        detail=f"{equal} of {math.comb(LOOKS, 2)} pairs agree in every weight" if equal > allowed else "",
    )


def _log_collisions(chance: float, pairs: int) -> float:
    """Natural logarithm of a bound on the probability of at least `pairs` equal pairs among the seeds.

    So many equal pairs need a forest of j edges between equal arrays, where j + 1 arrays in one class
    make at most C(j + 1, 2) pairs; each of at most C(C(seeds, 2), j) forests has probability `chance^j`.
    """
    edges = next(j for j in range(LOOKS) if math.comb(j + 1, 2) >= pairs)
    if edges == 0:
        return 0.0
    if chance == 0.0:
        return -math.inf
    return min(0.0, math.log(math.comb(math.comb(LOOKS, 2), edges)) + edges * math.log(chance))


def _allowed(chance: float, false_fail: float) -> int:
    """The most equal pairs that right code draws but for a share `false_fail`."""
    pairs = math.comb(LOOKS, 2)
    return next((m for m in range(pairs) if _log_collisions(chance, m + 1) <= math.log(false_fail)), pairs)
