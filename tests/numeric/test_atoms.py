"""Values come again as often as rounding brings them: bounds by enumeration, faults on small samples."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction

import ml_dtypes
import mpmath
import numpy as np
import pytest

from verinit.statistics import atoms
from verinit.vocabulary import Evidence, Rates, UsageError, Verdict, judge

RATES = Rates(false_fail=1e-9, false_pass=1e-9)
FLOAT32 = 2.0**-22
FLOAT16 = 2.0**-9
EPS = float(np.finfo(np.float64).eps)


def failed(evidence: Evidence) -> bool:
    verdict = judge(evidence, math.inf) is Verdict.failed
    if evidence.p not in (0.0, 1.0):
        assert verdict is (evidence.p <= RATES.false_fail)  # two readings of one inequality
    return verdict


def multiplied(left: Counter, right: Counter, n: int) -> Counter:
    """The product of two polynomials in (draws, ties), up to n draws."""
    product: Counter = Counter()
    for (i, a), x in left.items():
        for (j, b), y in right.items():
            if i + j <= n:
                product[i + j, a + b] += x * y
    return product


def law_of_counts(n: int, values: int, tally, *, top: int | None = None) -> dict[int, Fraction]:
    """P(sum over values of tally(multiplicity) = k) for n draws from `values` equally likely ones.

    The coefficient of x^n in (sum_j x^j / j! y^tally(j))^values times n! / values^n, in whole fractions.
    """
    one = Counter({(j, tally(j)): Fraction(1, math.factorial(j)) for j in range((top or n) + 1)})
    power: Counter = Counter({(0, 0): Fraction(1)})
    for bit in bin(values)[2:]:
        power = multiplied(power, power, n)
        if bit == "1":
            power = multiplied(power, one, n)
    scale = Fraction(math.factorial(n), values**n)
    return {k: c * scale for (size, k), c in power.items() if size == n}


@pytest.mark.parametrize(("n", "values"), [(8, 40), (12, 7), (16, 1000)])
def test_the_bound_on_a_multiplicity_holds_by_enumeration(n: int, values: int) -> None:
    for k in range(2, n + 1):
        below = sum(law_of_counts(n, values, lambda j: 0, top=k - 1).values(), Fraction(0))
        assert float(1 - below) <= math.exp(atoms.log_multiplicity(n, k, 1 / values)) * (1 + 64 * n * EPS)


@pytest.mark.parametrize(("n", "values"), [(8, 40), (9, 200), (12, 1000)])
def test_the_bound_on_ties_holds_by_enumeration(n: int, values: int) -> None:
    law = law_of_counts(n, values, lambda j: j // 2)
    assert sum(law.values()) == 1
    for k in range(1, n // 2 + 1):
        truth = sum(p for ties, p in law.items() if ties >= k)
        assert float(truth) <= math.exp(atoms.log_ties(n, k, 1 / values)) * (1 + 64 * n * EPS)
        loose = (n * n / values / 2) ** k / math.factorial(k)
        assert math.exp(atoms.log_ties(n, k, 1 / values)) <= loose * (1 + 64 * n * EPS)


@pytest.mark.parametrize(("draws", "n", "values"), [(2, 5, 3), (3, 4, 7), (4, 9, 2)])
def test_the_bound_on_constant_entries_holds_exactly(draws: int, n: int, values: int) -> None:
    stays = Fraction(1, values ** (draws - 1))
    for k in range(1, n + 1):
        truth = sum(math.comb(n, j) * stays**j * (1 - stays) ** (n - j) for j in range(k, n + 1))
        assert float(truth) <= math.exp(atoms.log_constant(draws, n, k, 1 / values)) * (1 + 64 * n * EPS)


@pytest.mark.parametrize(
    ("bound", "exact"),
    [
        (lambda: atoms.log_multiplicity(65_536, 9, FLOAT32), (math.comb(65_536, 9), 8)),
        (lambda: atoms.log_constant(6, 500, 3, FLOAT32), (math.comb(500, 3), 15)),
        (
            lambda: atoms.log_ties(4096, 60, FLOAT32),
            (math.factorial(4096) // (math.factorial(3976) * 2**60 * math.factorial(60)), 60),
        ),
    ],
)
def test_bounds_are_those_of_whole_numbers(bound, exact) -> None:
    count, power = exact
    with mpmath.workdps(40):
        truth = float(mpmath.log(count) - 22 * power * mpmath.log(2))
    assert abs(bound() - truth) <= 1e5 * EPS * 10  # lgamma near 3e4 has an ulp of 4e-12; three of them


@pytest.mark.parametrize("n", [16, 4096, 65_536, 600_000])
@pytest.mark.parametrize("q", [FLOAT32, FLOAT16])
def test_the_first_refused_count_is_the_least_below_the_level(n: int, q: float) -> None:
    a = RATES.false_fail
    for allowed, bound, most in (
        (atoms._allowed_multiplicity(n, q, a), lambda k: atoms.log_multiplicity(n, k, q), n),
        (atoms._allowed_ties(n, q, a), lambda k: atoms.log_ties(n, k, q), n // 2),
        (atoms._allowed_constant(3, n, q, a), lambda k: atoms.log_constant(3, n, k, q), n),
    ):
        for k in {allowed + 1, allowed + 2, (allowed + most) // 2 + 1, most}:
            assert k <= allowed or k > most or bound(k) <= math.log(a)
        assert allowed < 2 or bound(allowed) > math.log(a)


# -- faults ----------------------------------------------------------------------------------------


def draws(seed: int, shape, dtype="float32"):
    return np.random.default_rng([11, seed]).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("dtype", "q"), [("float32", FLOAT32), ("float16", FLOAT16), ("bfloat16", 2.0**-6)])
def test_right_draws_pass(seed: int, dtype: str, q: float) -> None:
    """At 1e-9 a test, these 90 err with probability below 1e-7."""
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.dtype(dtype)
    x = draws(seed, (3, 64, 64), kind)
    assert not failed(atoms.multiplicity(x, RATES, q=q))
    assert not failed(atoms.ties(x[0], RATES, q=q))
    assert not failed(atoms.constant(x, RATES, q=q))
    u = np.random.default_rng([12, seed]).random(20_000, dtype=np.float32) * np.float32(0.3)
    assert not failed(atoms.multiplicity(u, RATES, q=FLOAT32))


def clipped(x):
    return np.clip(x, -3, 3)


def coarse(x):
    return x.astype(ml_dtypes.bfloat16).astype(np.float32)


def few_values(x):
    return np.quantile(x, np.linspace(0, 1, 4096)).astype(np.float32)[
        np.random.default_rng(5).integers(4096, size=x.shape)
    ]


def with_zeros(x):
    return np.where(np.random.default_rng(6).random(x.shape) < 1e-3, np.float32(0), x)


@pytest.mark.parametrize("fault", [clipped, coarse, few_values, with_zeros])
def test_atoms_are_caught(fault) -> None:
    assert failed(atoms.multiplicity(fault(draws(1, (128, 128))), RATES, q=FLOAT32))


def copied_row(x):
    x[5] = x[40]
    return x


def negated_row(x):
    x[5] = -x[40]
    return x


def half_copied(x):
    x[32:] = x[:32]
    return x


def symmetric(x):
    return np.triu(x) + np.triu(x, 1).T


@pytest.mark.parametrize("fault", [copied_row, negated_row, half_copied, symmetric, coarse])
def test_ties_are_caught(fault) -> None:
    assert failed(atoms.ties(fault(draws(2, (64, 64))), RATES, q=FLOAT32))


def test_entries_that_never_change_are_caught() -> None:
    x = draws(3, (3, 8, 8))
    x[:, 2, 3] = 0.25
    assert failed(atoms.constant(x, RATES, q=FLOAT32))
    assert not failed(atoms.multiplicity(x, RATES, q=FLOAT32))  # only the draws side by side show it
    assert failed(atoms.constant(np.broadcast_to(draws(4, (8, 8)), (2, 8, 8)), RATES, q=FLOAT32))


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_the_last_bit_of_a_rounded_weight_is_fair(dtype) -> None:
    u = 2.0**-11 if dtype is np.float16 else 2.0**-8
    x = draws(5, 20_000).astype(dtype)
    assert not failed(atoms.last_bit(x, RATES, excuse=u))
    lost = (x.view(np.uint16) & np.uint16(0xFFFE)).view(dtype)
    assert failed(atoms.last_bit(lost, RATES, excuse=u))
    half = np.where(np.arange(x.size) % 5 < 4, x, lost)
    assert failed(atoms.last_bit(half, RATES, excuse=u))  # odd in 2 of 5 instead of 1 of 2


def test_the_last_bit_of_a_smooth_law_is_fair_within_u() -> None:
    """The masses of all cells of float16 with an odd significand, from the normal law itself."""
    bits = np.arange(0x7BFF, dtype=np.uint16)
    x = bits.view(np.float16).astype(np.float64)
    edges = np.concatenate([[-x[1] / 2], (x[1:] + x[:-1]) / 2, [np.inf]])
    upper = np.array([math.erfc(e / math.sqrt(2)) / 2 for e in edges])
    odd = 2 * float((upper[:-1] - upper[1:])[bits & 1 == 1].sum())
    assert abs(odd - 0.5) <= 2.0**-11


# -- power -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_an_atom_of_the_resolution_is_seen(seed: int) -> None:
    """20 misses at 1e-9 each."""
    rng, n = np.random.default_rng([13, seed]), 4000
    d = atoms.multiplicity_resolution(n, RATES, q=FLOAT32)
    x = np.where(rng.random(n) < d, 0.5, rng.standard_normal(n))
    assert failed(atoms.multiplicity(x, RATES, q=FLOAT32))


def test_the_false_pass_of_an_atom_is_exact() -> None:
    n = 4000
    d = atoms.multiplicity_resolution(n, RATES, q=FLOAT32)
    allowed = atoms._allowed_multiplicity(n, FLOAT32, RATES.false_fail)
    with mpmath.workdps(30):
        miss = mpmath.betainc(n - allowed, allowed + 1, 0, 1 - mpmath.mpf(d), regularized=True)
    assert abs(float(miss) / RATES.false_pass - 1) <= 1e-9


@pytest.mark.parametrize("n", [500, 4096, 65_536])
def test_twins_of_the_resolution_are_seen_and_one_fewer_is_allowed(n: int) -> None:
    pairs = round(atoms.ties_resolution(n, RATES, q=FLOAT32) * n / 2)
    x = np.arange(1.0, n + 1.0)
    x[n - pairs :] = -x[:pairs]
    assert failed(atoms.ties(x, RATES, q=FLOAT32))
    x[-1] = 0.5
    assert not failed(atoms.ties(x, RATES, q=FLOAT32))


def test_constant_entries_of_the_resolution_are_seen_and_one_fewer_is_allowed() -> None:
    x = draws(6, (2, 4000))
    k = round(atoms.constant_resolution(2, 4000, RATES, q=FLOAT32) * 4000)
    x[:, :k] = 1.0
    assert failed(atoms.constant(x, RATES, q=FLOAT32))
    x[0, 0] = 2.0
    assert not failed(atoms.constant(x, RATES, q=FLOAT32))


def test_samples_resolve_what_was_asked() -> None:
    n = atoms.multiplicity_samples(RATES, 0.01, q=FLOAT32)
    assert atoms.multiplicity_resolution(n, RATES, q=FLOAT32) <= 0.01
    assert atoms.multiplicity_resolution(n - 1, RATES, q=FLOAT32) > 0.01
    n = atoms.ties_samples(RATES, 0.05, q=FLOAT32)
    assert atoms.ties_resolution(n, RATES, q=FLOAT32) <= 0.05
    assert atoms.constant_samples(RATES, 1000, q=FLOAT32) == 3  # 1000 q = 2.4e-4, 1000 q^2 = 5.7e-11
    n = atoms.last_bit_samples(RATES, 0.05)
    assert atoms.last_bit_resolution(n, RATES) <= 0.05


# -- inputs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_what_is_not_a_number_fails(bad: float) -> None:
    x = np.array([[0.5, 0.25], [bad, 1.0]])
    assert failed(atoms.multiplicity(x, RATES, q=FLOAT32))
    assert failed(atoms.ties(x, RATES, q=FLOAT32))
    assert failed(atoms.constant(x, RATES, q=FLOAT32))
    assert failed(atoms.last_bit(x.astype(np.float16), RATES))


def test_too_few_draws_are_refused() -> None:
    for test in (atoms.multiplicity, atoms.ties):
        for x in (np.empty(0), np.ones(1)):
            with pytest.raises(UsageError, match="two or more"):
                test(x, RATES, q=FLOAT32)
    for shape in ((1, 5), (5,), (2, 0)):
        with pytest.raises(UsageError, match="two or more draws"):
            atoms.constant(np.ones(shape), RATES, q=FLOAT32)


@pytest.mark.parametrize("q", [0.0, 1.0, -1.0, math.nan])
def test_a_mass_that_is_none_is_refused(q: float) -> None:
    with pytest.raises(UsageError, match="strictly between 0 and 1"):
        atoms.multiplicity(np.ones(3), RATES, q=q)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
def test_the_last_bit_is_for_16_bit_weights(dtype: str) -> None:
    with pytest.raises(UsageError, match="16-bit floating weights"):
        atoms.last_bit(np.ones(4, dtype=dtype), RATES)


def test_a_constant_sample_fails() -> None:
    x = np.full((4, 100), 0.5, dtype=np.float32)
    for test in (atoms.multiplicity, atoms.ties, atoms.constant):
        assert failed(test(x, RATES, q=FLOAT32))
