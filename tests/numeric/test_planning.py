"""Plans ask for enough numbers, refuse the impossible, and spend one budget.

Comparisons with enumeration and exact arithmetic; the tests of the Bartlett factor draw at fixed streams and
judge at 1e-10 each, with exact laws.
"""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from verinit.cases import BATTERIES, battery
from verinit.checks import CHECKS, contract, sampling
from verinit.laws import rounding
from verinit.laws.schemes import parse
from verinit.reference import initializers as reference
from verinit.runner.planning import plan
from verinit.statistics import marginal
from verinit.statistics.budget import shares
from verinit.statistics.planning import MOST, root_n, smallest_n
from verinit.vocabulary import Case, Rates, Target, UsageError, Verdict

EPS = float(np.finfo(np.float64).eps)
ONE_IN_1E10 = Rates(false_fail=1e-10)


def target(scheme: str, **details) -> Target:
    draw = getattr(reference, scheme.partition("(")[0])
    parameters = ("groups", "transposed") if scheme.startswith(("he", "xavier", "lecun")) else ()
    return Target(
        name=f"reference:{scheme}",
        kind="initializer",
        object=draw,
        scheme=parse(scheme),
        parameters=parameters,
        dtypes=("float16", "float32", "float64"),
        **details,
    )


# -- n ------------------------------------------------------------------------------------------------


@given(power=st.floats(0.2, 2.0), factor=st.floats(1e-2, 1e2), discrepancy=st.floats(1e-2, 10.0))
@settings(deadline=None)
def test_smallest_n_is_the_smallest(power: float, factor: float, discrepancy: float) -> None:
    def resolution(n: int) -> float:
        return factor * n**-power

    if resolution(MOST) > discrepancy:
        with pytest.raises(UsageError, match="cannot be resolved"):
            smallest_n(resolution, discrepancy)
        return
    n = smallest_n(resolution, discrepancy)
    assert resolution(n) <= discrepancy
    assert n == 2 or resolution(n - 1) > discrepancy


@given(factor=st.floats(1e-2, 50.0), floor=st.floats(0, 0.01), discrepancy=st.floats(0.02, 10.0))
@settings(deadline=None)
def test_root_n_resolves_the_discrepancy_and_wastes_one_percent(factor, floor, discrepancy) -> None:
    def resolution(n: int) -> float:
        return floor + factor / math.sqrt(n)

    n = root_n(resolution, discrepancy)
    assert resolution(n) <= discrepancy
    least = smallest_n(resolution, discrepancy)
    # 0.5 % of the resolution is 1 % of n where there is no floor, at most 2 % over a floor of half of it
    assert n <= math.ceil(least * 1.025) + 1


@given(steps=st.lists(st.floats(0.001, 1.0), min_size=1, max_size=12), discrepancy=st.floats(0.01, 2.0))
@settings(deadline=None)
def test_a_staircase_is_planned_too(steps: list[float], discrepancy: float) -> None:
    heights = np.cumsum(steps)[::-1]

    def resolution(n: int) -> float:
        return float(heights[min(int(math.log2(n)), len(heights) - 1)])

    if heights[-1] > discrepancy:
        with pytest.raises(UsageError):
            root_n(resolution, discrepancy)
    else:
        assert resolution(root_n(resolution, discrepancy)) <= discrepancy
        assert resolution(smallest_n(resolution, discrepancy)) <= discrepancy


@pytest.mark.parametrize("planner", [smallest_n, root_n])
@pytest.mark.parametrize("discrepancy", [0.0, -0.1, math.nan, -math.inf])
def test_a_departure_of_nothing_cannot_be_planned(planner, discrepancy: float) -> None:
    with pytest.raises(UsageError, match="above 0"):
        planner(lambda n: 1 / n, discrepancy)


@pytest.mark.parametrize("planner", [smallest_n, root_n])
@pytest.mark.parametrize("reached", [math.nan, math.inf, 1.0])
def test_a_resolution_that_never_arrives_is_an_error(planner, reached: float) -> None:
    with pytest.raises(UsageError, match="cannot be resolved"):
        planner(lambda n: reached, 0.1)


# -- the budget ----------------------------------------------------------------------------------------


@given(total=st.floats(1e-12, 0.4), trials=st.integers(1, 1_000_000))
@settings(deadline=None)
def test_shares_never_sum_to_more_than_the_budget(total: float, trials: int) -> None:
    assert trials * Fraction(shares(total, trials)) <= Fraction(total) * (1 + Fraction(EPS))


@pytest.mark.parametrize("total", [0.0, -1e-6, 0.5, 1.0, math.nan, math.inf])
def test_a_budget_that_is_no_rate_is_refused(total: float) -> None:
    with pytest.raises(UsageError, match="false_fail"):
        shares(total, 10)


TARGETS = [
    target(name) for name in ("he_normal", "xavier_uniform", "he_truncated_normal", "orthogonal", "zeros")
]


@pytest.mark.parametrize("name", BATTERIES)
def test_a_plan_spends_at_most_one_in_a_million(name: str) -> None:
    planned = plan(TARGETS, battery=battery(name))
    spent = sum(
        Fraction(trial.rates.false_fail) for trial in planned.trials if trial.check.samples is not None
    )
    assert Fraction(1, 10**6) * Fraction(99, 100) <= spent <= Fraction(1, 10**6) * (1 + Fraction(EPS))
    assert planned.false_fail == 1e-6


@pytest.mark.parametrize("codes", [("IN201",), ("IN204", "IN106"), ("IN105",)])
def test_selecting_checks_changes_neither_level_nor_draws_nor_verdicts(codes: tuple[str, ...]) -> None:
    whole = {(t.check.code, t.target.name, t.case): t for t in plan(TARGETS, battery=battery("smoke")).trials}
    part = plan(TARGETS, battery=battery("smoke"), codes=codes)
    assert part.trials
    for trial in part.trials:
        assert trial == whole.pop((trial.check.code, trial.target.name, trial.case))
    assert not [key for key in whole if key[0] in codes]


@pytest.mark.parametrize("name", BATTERIES)
def test_every_planned_trial_can_be_resolved(name: str) -> None:
    """A plan that misses its power is an error when it is made: every n exists and is affordable."""
    for trial in plan(TARGETS, battery=battery(name)).trials:
        if trial.check.samples is not None:
            n = trial.n
            assert 2 <= n <= 20_000_000


def test_adding_a_target_changes_no_stream() -> None:
    case = Case.parse("13x11")
    alone = sampling.Pool(TARGETS[0], case, 1).values(500)
    sampling.Pool(TARGETS[1], case, 1).values(100)
    again = sampling.Pool(TARGETS[0], case, 1)
    assert np.array_equal(again.values(50), alone[: case.size])
    assert np.array_equal(again.values(1000)[: alone.size], alone)


# -- IN106: how many equal arrays right code may draw ------------------------------------------------------


def pairs_law(probabilities: tuple[float, ...], seeds: int) -> dict[int, float]:
    """The exact law of the number of equal pairs among `seeds` draws from a small alphabet."""
    law: dict[int, float] = {}
    letters = len(probabilities)
    for counts in itertools.product(range(seeds + 1), repeat=letters):
        if sum(counts) == seeds:
            ways = math.factorial(seeds) / math.prod(map(math.factorial, counts))
            chance = ways * math.prod(p**k for p, k in zip(probabilities, counts, strict=True))
            pairs = sum(math.comb(k, 2) for k in counts)
            law[pairs] = law.get(pairs, 0.0) + chance
    return law


ALPHABETS = [
    (0.5, 0.5),
    (0.9, 0.1),
    (0.05,) * 20,
    (1e-3, 1 - 1e-3),
    (0.01, 0.01, 0.01, 0.97),
    (0.25,) * 4,
]


@pytest.mark.parametrize("probabilities", [p for p in ALPHABETS if len(p) <= 4], ids=str)
def test_the_collision_bound_holds_by_enumeration(probabilities: tuple[float, ...]) -> None:
    law = pairs_law(probabilities, contract.LOOKS)
    assert math.fsum(law.values()) == pytest.approx(1.0, abs=1e3 * EPS)
    for pairs in range(math.comb(contract.LOOKS, 2) + 1):
        exact = math.fsum(chance for equal, chance in law.items() if equal >= pairs)
        assert exact <= math.exp(contract._log_collisions(max(probabilities), pairs)) * (1 + 1e3 * EPS)


@pytest.mark.parametrize("letters", [100, 10_000, 2**22])
def test_the_collision_bound_holds_for_a_large_uniform_alphabet(letters: int) -> None:
    """By the law of the partition of 8 draws into classes: letters (letters - 1) ... over letters^8."""
    seeds = contract.LOOKS
    tail: dict[int, Fraction] = {}
    for sizes in partitions(seeds):
        ways = Fraction(math.factorial(seeds), math.prod(map(math.factorial, sizes)))
        ways /= math.prod(math.factorial(sizes.count(size)) for size in set(sizes))
        chance = ways * Fraction(math.perm(letters, len(sizes)), letters**seeds)
        pairs = sum(math.comb(size, 2) for size in sizes)
        tail[pairs] = tail.get(pairs, Fraction(0)) + chance
    assert sum(tail.values()) == 1
    for pairs in range(math.comb(seeds, 2) + 1):
        exact = sum((chance for equal, chance in tail.items() if equal >= pairs), Fraction(0))
        assert float(exact) <= math.exp(contract._log_collisions(1 / letters, pairs)) * (1 + 1e3 * EPS)
    for false_fail in (1e-3, 1e-9, 1e-12):
        allowed = contract._allowed(1 / letters, false_fail)
        assert sum((c for equal, c in tail.items() if equal > allowed), Fraction(0)) <= Fraction(false_fail)


@pytest.mark.parametrize("chance", [1e-4, 2.0**-22, 2.0**-40])
def test_the_collision_bound_gives_away_little(chance: float) -> None:
    """To first order one pair has probability 28 q, two C(28, 2) q^2, all q^7, by C(28, 7) forests."""
    for pairs, exact in ((1, 28 * chance), (2, math.comb(28, 2) * chance**2), (28, chance**7)):
        assert contract._log_collisions(chance, pairs) <= math.log(
            1.01 * (math.comb(28, 7) if pairs == 28 else 1)
        ) + math.log(exact)
    assert contract._allowed(2.0**-22, 1e-9) == 1
    assert contract._allowed(2.0**-40, 1e-9) == 0


def partitions(n: int, most: int | None = None) -> list[tuple[int, ...]]:
    """All partitions of n into parts of at most `most`."""
    if n == 0:
        return [()]
    top = min(n, most or n)
    return [(part, *rest) for part in range(1, top + 1) for rest in partitions(n - part, part)]


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_no_number_is_likelier_than_the_collision_bound_says(dtype: str) -> None:
    """The commonest of a million draws of a catalogue law, against the bound on any one number's chance."""
    n, rng = 1_000_000, np.random.default_rng(11)
    for scheme in ("normal", "uniform", "truncated_normal", "uniform(-1, 1)"):
        drawn = target(scheme.partition("(")[0]).object((n,), rng, dtype=dtype)
        if scheme == "uniform(-1, 1)":
            drawn = reference.uniform((n,), rng, low=-1.0, high=1.0, dtype=dtype)
        chance = contract._chance_of_equal_arrays(
            Target(name="t", kind="initializer", object=None, scheme=parse(scheme)), Case(shape=(1,)), dtype
        )
        most = int(np.unique(drawn, return_counts=True)[1].max())
        # the largest of at most n counts, each binomial with a chance below the bound: 1e-10 in all
        assert most <= stats.binom.isf(1e-10 / n, n, chance)


# -- orthogonal matrices ---------------------------------------------------------------------------------


def haar(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((rows, columns)))
    return q * np.sign(np.diag(r))


SHAPES = [(3, 3), (13, 11), (40, 2), (5, 1)]


def products(shape: tuple[int, int], draw, draws: int, key: int) -> np.ndarray:
    rng = np.random.default_rng([key, *shape])
    drawn = np.stack([draw(*shape, rng) for _ in range(draws)])
    return drawn @ sampling.bartlett(drawn.shape, rng, np.random.default_rng([key + 1, *shape]))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_haar_matrix_times_a_bartlett_factor_is_iid_normal(shape: tuple[int, int]) -> None:
    z = products(shape, haar, 1500, 20)
    n = z.size
    cells = np.bincount((stats.norm.cdf(z.ravel()) * marginal.GRID).astype(int), minlength=marginal.GRID)
    evidences = [
        marginal.mean(float(z.sum()), n, ONE_IN_1E10, quantity="m"),
        marginal.variance(float((z * z).sum()), n, ONE_IN_1E10, quantity="v"),
        marginal.extreme(float(np.abs(z).max()), float(np.abs(z).max()), n, ONE_IN_1E10, quantity="x"),
        marginal.distribution(cells, ONE_IN_1E10, quantity="d"),
    ]
    flat = z.reshape(len(z), -1)
    for k in range(1, flat.shape[1]):  # a . b / |a| is N(0, 1) for independent normal a, b
        a, b = flat[:, 0], flat[:, k]
        evidences.append(marginal.mean(float(a @ b / np.linalg.norm(a)), 1, ONE_IN_1E10, quantity="c"))
    for found in evidences:
        assert found.distance <= found.tolerance, found


@pytest.mark.parametrize("shape", SHAPES)
def test_the_bartlett_factor_has_the_law_of_the_factor_of_a_normal_matrix(shape: tuple[int, int]) -> None:
    """R_jj^2 is chi-square with rows - j degrees of freedom; above the diagonal N(0, 1); below, 0."""
    draws, above = 1500, np.random.default_rng([22, *shape])
    r = sampling.bartlett((draws, *shape), np.random.default_rng([21, *shape]), above)
    assert not np.any(np.tril(r, -1))
    assert np.all(np.einsum("kjj->kj", r) > 0)
    for j in range(shape[1]):
        freedom = draws * (shape[0] - j)
        found = marginal.variance(float((r[:, j, j] ** 2).sum()), freedom, ONE_IN_1E10, quantity="R_jj")
        assert found.distance <= found.tolerance
    above = r[:, *np.triu_indices(shape[1], 1)]
    if above.size:
        found = marginal.variance(float((above**2).sum()), above.size, ONE_IN_1E10, quantity="R_ij")
        assert found.distance <= found.tolerance


@pytest.mark.parametrize("wrong", ["identity", "negative first row", "one reflection"])
def test_a_matrix_that_is_not_haar_is_seen_through_its_product(wrong: str) -> None:
    def draw(rows: int, columns: int, rng: np.random.Generator) -> np.ndarray:
        if wrong == "identity":
            return np.eye(rows, columns)
        if wrong == "negative first row":  # a sign convention on Q in place of one on R
            q = haar(rows, columns, rng)
            return q * -np.sign(q[0])
        v = rng.standard_normal((rows, 1))
        return (np.eye(rows) - 2 * v @ v.T / (v * v).sum())[:, :columns]

    z = products((13, 11), draw, 1500, 22)
    first = z[:, 0, 0]
    cells = np.bincount((stats.norm.cdf(z.ravel()) * marginal.GRID).astype(int), minlength=marginal.GRID)
    found = [
        marginal.distribution(cells, ONE_IN_1E10, quantity="d"),
        marginal.mean(float(first.sum()), first.size, ONE_IN_1E10, quantity="m"),
    ]
    assert any(not each.distance <= each.tolerance for each in found)


def battery_matrices() -> list[tuple[int, int]]:
    cases = {case.shape for name in BATTERIES for case in BATTERIES[name].of("initializer")}
    return sorted({sampling.semiorthogonal(np.empty((1, *shape))).shape[1:] for shape in cases})


@pytest.mark.parametrize("shape", [*battery_matrices(), (1, 1), (2, 1), (2, 2), (3, 1)])
@pytest.mark.parametrize("gain", [1.0, math.sqrt(2.0), 5 / 3])
def test_rounding_excuses_the_gram_matrix_of_a_float32_factorisation(shape, gain) -> None:
    """Householder's bound is a worst case, so no seed may exceed it; yet it stays below what must be seen."""
    rows, columns = shape
    allowed = rounding.gram_excuse("float32", rows, columns)
    for seed in range(40 if rows < 20 else 1):
        a = np.random.default_rng([seed, 24]).standard_normal(shape).astype(np.float32)
        q = np.linalg.qr(a)[0]
        scaled = (np.float32(gain) * q).astype(np.float64)
        gram = scaled.T @ scaled / gain**2
        assert np.abs(gram - np.eye(columns)).max() <= allowed
    assert allowed < CHECKS["IN206"].discrepancy


def test_gram_matrices_of_the_reference_pass_at_every_case_of_the_battery() -> None:
    orthogonal = target("orthogonal")
    for case in battery("standard").of("initializer"):
        if not case.parameters:
            assert CHECKS["IN206"].examine(orthogonal, case).verdict is Verdict.passed
