"""Structure tests keep their false alarms, see what they say they see, and each catches its own fault."""

from __future__ import annotations

import math
from functools import partial

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaincinv, ndtr, ndtri

from verinit.statistics import (
    draws,
    family,
    haar,
    lines,
    marginal,
    neighbours,
    pooling,
    repeats,
    spectrum,
    tails,
)
from verinit.vocabulary import Evidence, Rates, UsageError, Verdict, judge

RATES = Rates(false_fail=1e-9, false_pass=1e-9)
EPS = float(np.finfo(np.float64).eps)


def generator(*words: int) -> np.random.Generator:
    return np.random.default_rng([17, *words])


def failed(evidence: Evidence, *, level: float = RATES.false_fail) -> bool:
    verdict = judge(evidence, math.inf) is Verdict.failed
    if evidence.p not in (0.0, 1.0) and abs(evidence.p / level - 1) > 1e-6:
        assert verdict is (evidence.p <= level)  # two readings of one inequality, but for rounding
    return verdict


def above_of(z, rates):
    return spectrum.above(spectrum.factor(z)[0], rates)


def diagonal_of(z, rates):
    return spectrum.diagonal(*spectrum.factor(z), rates)


def both(test):
    return partial(pooling.both_axes, test, quantity="q")


def of_draws(test):
    return lambda z, rates: test(pooling.draws(z), rates)


def of_positions(test):
    return lambda z, rates: test(pooling.positions(z), rates)


def of_columns(test):
    return lambda z, rates: test(pooling.columns(z), rates)


EXACT = {
    "row sums": lines.sums,
    "column sums": of_columns(lines.sums),
    "worst row mean": lines.offset,
    "worst row energy": lines.energies,
    "neighbours": neighbours.neighbours,
    "transpose": neighbours.transpose,
    "above": above_of,
    "diagonal": diagonal_of,
    "means of draws": draws.means,
    "variances of draws": draws.variances,
    "worst position mean": of_positions(lines.offset),
}
BOUNDS = {
    "spread of energies": lines.spread,
    "cosines": spectrum.cosines,
    "cosines of draws": of_draws(spectrum.cosines),
    "repeats": repeats.repeats,
    "both sums": both(lines.sums),
    "both energies": both(lines.energies),
}
MATRIX_TESTS = EXACT | BOUNDS


# -- tails against mpmath --------------------------------------------------------------------------


@pytest.mark.parametrize("z", [0.5, 3.3, 6.1, 20.0, 37.0, 60.0])
def test_the_normal_tail_is_that_of_mpmath(z: float) -> None:
    truth = float(mpmath.log(mpmath.erfc(mpmath.mpf(z) / mpmath.sqrt(2))))
    assert abs(tails.log_normal(z) - truth) <= 16 * EPS * max(1.0, z * z)
    assert tails.log_normal(-z) == tails.log_normal(z)


@pytest.mark.parametrize("n", [2, 3, 8, 257])
@pytest.mark.parametrize("exponent", [-1, -3, -10, -30, -300])
def test_the_tail_of_a_cosine_is_that_of_mpmath(n: int, exponent: int) -> None:
    with mpmath.workdps(50):
        b = mpmath.mpf(n - 1) / 2
        near = mpmath.mpf(10) ** exponent * b * mpmath.beta(b, 0.5)
        sine = float(min(mpmath.mpf("0.99"), near ** (1 / (2 * b))))
        truth = float(mpmath.log(mpmath.betainc(b, 0.5, 0, mpmath.mpf(sine) ** 2, regularized=True)))
    found = tails.log_cosine(sine, n)
    slack = 64 * n * EPS * max(1.0, abs(truth))
    assert truth - slack <= found
    assert found <= truth + (
        slack if truth > -660 else 0.1
    )  # past underflow a bound: b x against b x / (1 - x)
    if exponent >= -30 and sine < 0.99:
        assert abs(tails.sine_limit(n, math.exp(truth)) / sine - 1) <= 1e4 * EPS


@pytest.mark.parametrize("n", [1, 7, 5000])
@pytest.mark.parametrize("p", [0.9, 1e-3, 1e-12, 1e-40, 1e-300])
def test_sidak_is_exact_and_inverts(n: int, p: float) -> None:
    with mpmath.workdps(350):
        truth = mpmath.log(1 - (1 - mpmath.mpf(p)) ** n)
    found = tails.log_sidak(math.log(p), n)
    assert float(truth) - 1e3 * EPS * max(1.0, abs(float(truth))) <= found
    assert found <= float(truth) + 1e-12  # the union n p beyond exp(-30) is right to n p / 2
    if p < 0.5:
        assert abs(tails.sidak(math.exp(tails.log_sidak(math.log(p), n)), n) / p - 1) <= 1e-12


@given(level=st.floats(1e-300, 0.4), n=st.integers(1, 10**6))
@settings(deadline=None)
def test_log_sidak_never_passes_the_union(level: float, n: int) -> None:
    assert (
        math.log(level) - EPS <= tails.log_sidak(math.log(level), n) <= min(0.0, math.log(level * n)) + 1e-12
    )


def test_what_is_not_a_number_is_surely_refused() -> None:
    assert (
        tails.log_normal(math.nan)
        == tails.log_sidak(math.nan, 3)
        == repeats.log_form(9, math.nan)
        == -math.inf
    )
    assert tails.p_value(math.nan) == (0.0, -math.inf)


@pytest.mark.parametrize("n", [1, 2, 9, 4096])
def test_normal_scores_of_a_chi_square_have_its_probabilities(n: int) -> None:
    z = np.array([-7.0, -1.0, 0.0, 0.5, 6.0])
    with mpmath.workdps(40):
        for score in z:
            square = 2 * float(gammaincinv(n / 2, ndtr(score)))
            below = mpmath.gammainc(mpmath.mpf(n) / 2, 0, mpmath.mpf(square) / 2, regularized=True)
            found = tails.chi_square_scores(np.array([square]), n)[0]
            assert abs(float(mpmath.ncdf(found) / below) - 1) <= 1e-9  # n eps, and the slope of the score


# -- false alarms at the working level, by importance sampling ---------------------------------------


def rate(hits: np.ndarray) -> tuple[float, float]:
    return float(hits.mean()), float(hits.std() / math.sqrt(hits.size))


def keeps(weights: list[float], target: float, *, waste: float = 1.25) -> None:
    """The estimate is at most 1.1 times the target and 4 standard errors, and no bound is absurd."""
    estimate, error = rate(np.array(weights))
    assert estimate <= 1.1 * target + 4 * error
    assert estimate >= target / waste - 4 * error > 0


SIZE = 3000


@pytest.mark.parametrize("factor", [7.2, 0.0035])
def test_false_fail_of_sums_is_kept_in_both_tails(factor: float) -> None:
    rng, (rows, n) = generator(1), (8, 6)
    weights = []
    for _ in range(SIZE):
        z = rng.standard_normal((rows, n))
        t = z.sum(axis=1) / math.sqrt(n)
        z += ((math.sqrt(factor) - 1) * t / math.sqrt(n))[:, None]
        t = math.sqrt(factor) * t
        ratio = factor ** (rows / 2) * math.exp(-0.5 * float(t @ t) * (1 - 1 / factor))
        weights.append(ratio * failed(lines.sums(pooling.rows(z), RATES)))
    keeps(weights, RATES.false_fail / 2)


@pytest.mark.parametrize("factor", [8.5, 0.0013])
def test_false_fail_of_energies_is_kept_in_both_tails(factor: float) -> None:
    rng, (rows, n) = generator(2), (10, 7)
    weights = []
    for _ in range(SIZE):
        z = rng.standard_normal((rows, n))
        z[rng.integers(rows)] *= math.sqrt(factor)
        energy = (z * z).sum(axis=1)
        mixture = np.mean(factor ** (-n / 2) * np.exp(0.5 * energy * (1 - 1 / factor)))
        weights.append(failed(lines.energies(pooling.rows(z), RATES)) / mixture)
    keeps(weights, RATES.false_fail / 2)


@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_false_fail_of_neighbours_is_kept(side: float) -> None:
    rng, c = generator(3), side * 6.2
    weights = []
    for _ in range(SIZE):
        z = rng.standard_normal((1, 4, 9))
        a = z[:, 0::2].ravel()
        z[:, 1::2] += (c / np.linalg.norm(a) * a).reshape(1, 2, 9)
        t = float(a @ z[:, 1::2].ravel()) / np.linalg.norm(a)
        weights.append(math.exp(-c * t + c * c / 2) * failed(neighbours.neighbours(z, RATES)))
    keeps(weights, RATES.false_fail / 2)


def test_false_fail_of_the_worst_mean_is_kept() -> None:
    rng, c, rows, n = generator(4), 6.6, 12, 5
    weights = []
    for _ in range(SIZE):
        z = rng.standard_normal((rows, n))
        z[rng.integers(rows)] += c / math.sqrt(n)
        t = z.sum(axis=1) / math.sqrt(n)
        mixture = np.mean(np.exp(c * t - c * c / 2))
        weights.append(failed(lines.offset(pooling.rows(z), RATES)) / mixture)
    keeps(weights, RATES.false_fail / 2)


def _off_axis(x: np.ndarray, axis: np.ndarray) -> np.ndarray:
    unit = axis / np.linalg.norm(axis)
    return x - (x @ unit) * unit


def test_false_fail_of_cosines_is_kept() -> None:
    rng, (rows, n), shrink = generator(5), (4, 6), 0.02
    pairs = [(i, j) for j in range(rows) for i in range(j)]
    weights = []
    for _ in range(SIZE):
        z = rng.standard_normal((rows, n))
        i, j = pairs[rng.integers(len(pairs))]
        z[j] -= (1 - shrink) * _off_axis(z[j], z[i])
        off = np.array([float(np.sum(_off_axis(z[j], z[i]) ** 2)) for i, j in pairs])
        mixture = np.mean(shrink ** (1 - n) * np.exp(-0.5 * off * (shrink**-2 - 1)))
        weights.append(failed(spectrum.cosines(pooling.rows(z), RATES)) / mixture)
    keeps(weights, RATES.false_fail)


@pytest.mark.parametrize("shift", [1, 3])
def test_false_fail_of_an_autocorrelation_is_kept_at_any_shift(shift: int) -> None:
    """The Chernoff bound on the form z_i z_{i+s} against the form itself, tilted to its limit."""
    rng, n = generator(6), 48
    y = repeats.form_limit(n, math.log(RATES.false_fail))
    adjacent = np.eye(n, k=shift) + np.eye(n, k=-shift)
    tilt = min(
        np.linspace(0.2, 0.499, 300),
        key=lambda t: abs(np.trace(np.linalg.solve(np.eye(n) - t * adjacent, adjacent)) / 2 - n * y),
    )
    root = np.linalg.cholesky(np.linalg.inv(np.eye(n) - tilt * adjacent))
    z = rng.standard_normal((40_000, n)) @ root.T
    form = (z[:, :-shift] * z[:, shift:]).sum(axis=1)
    normaliser = -0.5 * np.linalg.slogdet(np.eye(n) - tilt * adjacent)[1]
    keeps(list((form > n * y) * np.exp(normaliser - tilt * form)), RATES.false_fail, waste=400)
    assert abs(repeats.log_form(n, y) / math.log(RATES.false_fail) - 1) <= 1e-9  # limit and tail agree


@pytest.mark.parametrize("n", [2, 5, 48, 10_000])
def test_the_chernoff_bound_of_the_form_is_the_determinant(n: int) -> None:
    """-t y + log det / 2, minimised on a grid over t, is never below what the closed form says."""
    for y in (0.01, 0.1, 0.8):
        t = np.linspace(0.0, 0.4999, 4000)
        exponent = -n * (t * y + 0.5 * np.log((1 + np.sqrt(1 - 4 * t * t)) / 2))
        assert repeats.log_form(n, y) <= exponent.min() + 1e-9 * n
        determinant = np.linalg.slogdet(np.eye(48) - 0.4 * (np.eye(48, k=1) + np.eye(48, k=-1)))[1]
        assert determinant >= 48 * math.log((1 + math.sqrt(1 - 4 * 0.16)) / 2)


# -- the law of p under the null -----------------------------------------------------------------------


REPLAYS = 1000
_BAND = math.sqrt(math.log(2 / 1e-9) / (2 * REPLAYS))
"""A sample of p-values strays further from its law with probability 1e-9 (Massart 1990)."""


def replays(test) -> np.ndarray:
    rng = generator(7)
    return np.sort([test(rng.standard_normal((4, 7, 6)), RATES).p for _ in range(REPLAYS)])


@pytest.mark.parametrize("name", EXACT)
def test_exact_p_values_are_uniform(name: str) -> None:
    p = replays(EXACT[name])
    steps = np.arange(1, REPLAYS + 1) / REPLAYS
    assert np.max(np.abs(steps - p)) <= _BAND


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds_are_never_more_liberal_than_uniform(name: str) -> None:
    p = replays(BOUNDS[name])
    steps = np.arange(1, REPLAYS + 1) / REPLAYS
    assert np.max(steps - p) <= _BAND


@pytest.mark.parametrize("name", MATRIX_TESTS)
@pytest.mark.parametrize("shape", [(2, 3, 3), (3, 5, 40), (40, 3, 3), (2, 64, 48), (2, 128, 128)])
def test_right_matrices_pass(name: str, shape) -> None:
    """At 1e-9 a test, all of them err with probability below 1e-6."""
    for seed in range(6):
        assert not failed(MATRIX_TESTS[name](generator(8, seed, *shape).standard_normal(shape), RATES))


# -- power at the stated resolution -----------------------------------------------------------------


@pytest.mark.parametrize("seed", range(10))
def test_departures_of_the_resolution_are_seen(seed: int) -> None:
    """Ten departures, each missed at most once in 1e9."""
    rng = generator(9, seed)

    rho = neighbours.correlation_resolution(400, RATES)
    a, e = rng.standard_normal((2, 400))
    assert failed(neighbours.correlation(a, rho * a + math.sqrt(1 - rho**2) * e, RATES))

    z = rng.standard_normal((1, 20, 64))
    rho = spectrum.cosines_resolution(190, 64, RATES)
    z[0, 7] = math.sqrt(1 - rho**2) * z[0, 7] - rho * z[0, 2]
    assert failed(spectrum.cosines(z, RATES))

    z = rng.standard_normal((1, 60, 50))
    t = z.sum(axis=2, keepdims=True) / 50
    d = lines.sums_resolution(60, RATES)
    assert failed(lines.sums(z + (math.sqrt(1 + d) - 1) * t, RATES))

    z = rng.standard_normal((1, 60, 50))
    z[0, 3] -= lines.offset_resolution(60, 50, RATES)
    assert failed(lines.offset(z, RATES))

    z = rng.standard_normal((1, 60, 50))
    z[0, 3] *= math.sqrt(1 + lines.energies_resolution(60, 50, RATES))
    assert failed(lines.energies(z, RATES))

    R, p = spectrum.factor(rng.standard_normal((1, 200, 10)))
    R[0, 4, 4] *= math.sqrt(1 - spectrum.diagonal_resolution(10, 200, 10, RATES))
    assert failed(spectrum.diagonal(R, p, RATES))
    R *= math.sqrt(1 + spectrum.above_resolution(45, RATES))
    assert failed(spectrum.above(R, RATES))


@pytest.mark.parametrize("seed", range(10))
def test_draws_too_even_by_the_resolution_are_seen(seed: int) -> None:
    """Each is missed at most once in 1e9."""
    z = generator(10, seed).standard_normal((30, 8, 8))
    d = draws.evenness_resolution(30, RATES)
    mean = z.mean(axis=(1, 2), keepdims=True)
    assert failed(draws.means(z - (1 - math.sqrt(1 - d)) * mean, RATES))
    energy = (z * z).sum(axis=(1, 2))
    score = math.sqrt(1 - d) * tails.chi_square_scores(energy, 64)
    wanted = 2 * gammaincinv(32.0, ndtr(score))
    assert failed(draws.variances(z * np.sqrt(wanted / energy)[:, None, None], RATES))


@pytest.mark.parametrize("n", [3000, 20_000])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_a_repeat_of_the_resolution_is_seen_wherever_it_is(n: int, sign: float) -> None:
    """20 misses at 1e-9 each."""
    for seed in range(5):
        rng = generator(11, seed)
        z = rng.standard_normal(n)
        copied = round(repeats.repeats_resolution(n, RATES) * n)
        shift = int(rng.integers(copied, n - copied + 1))
        start = int(rng.integers(0, n - copied - shift + 1))
        z[start + shift : start + shift + copied] = sign * z[start : start + copied]
        found = repeats.repeats(z, RATES)
        assert failed(found)
        assert found.detail == f"shift {shift}"


def test_resolutions_are_near_their_textbook_values() -> None:
    """The proof of each costs little: (z_{a/2} + z_b) / sqrt(n) for a correlation, twice for a repeat."""
    n = 10_000
    ideal = (tails.normal_limit(RATES.false_fail / 2) + tails.normal_limit(RATES.false_pass)) / math.sqrt(n)
    assert ideal < neighbours.correlation_resolution(n, RATES) < 1.1 * ideal
    assert ideal < repeats.repeats_resolution(n, RATES) < 2 * ideal
    assert lines.offset_resolution(1, n, RATES) == pytest.approx(ideal, rel=1e-12)
    assert 0.0 < spectrum.cosines_resolution(1, n, RATES) < 1.2 * ideal


@pytest.mark.parametrize(
    ("resolution", "samples", "discrepancy"),
    [
        (neighbours.correlation_resolution, neighbours.correlation_samples, 0.05),
        (repeats.repeats_resolution, repeats.repeats_samples, 0.1),
        (lines.sums_resolution, lines.sums_samples, 1.0),
        (lines.spread_resolution, lines.spread_samples, 0.4),
        (
            partial(lambda n, r: lines.offset_resolution(64, n, r)),
            partial(lines.offset_samples, lines=64),
            0.5,
        ),
        (
            partial(lambda n, r: lines.energies_resolution(64, n, r)),
            partial(lines.energies_samples, lines=64),
            2.0,
        ),
        (
            partial(lambda n, r: spectrum.cosines_resolution(2016, n, r)),
            partial(spectrum.cosines_samples, pairs=2016),
            0.7,
        ),
        (
            partial(lambda n, r: spectrum.diagonal_resolution(32, n, 32, r)),
            partial(spectrum.diagonal_samples, lines=32, count=32),
            0.9,
        ),
        (spectrum.above_resolution, spectrum.above_samples, 0.2),
        (draws.evenness_resolution, draws.evenness_samples, 0.9),
        (haar.spread_resolution, haar.spread_samples, 1.0),
        (haar.signs_resolution, haar.signs_samples, 0.3),
        (haar.orientation_resolution, haar.orientation_samples, 0.3),
    ],
)
def test_samples_resolve_what_was_asked(resolution, samples, discrepancy: float) -> None:
    n = samples(RATES, discrepancy)
    assert resolution(n, RATES) <= discrepancy
    assert resolution(n // 2, RATES) > discrepancy


# -- each test catches its own fault ------------------------------------------------------------------


def duplicated(z, rng):
    z[:, 9] = z[:, 40]
    return z


def negated(z, rng):
    z[:, 9] = -z[:, 40]
    return z


def nearly_parallel(z, rng):
    z[:, 9] = z[:, 40] + 0.01 * z[:, 9]
    return z


def symmetric(z, rng):
    return np.triu(z) + np.triu(z, 1).swapaxes(1, 2)


def antisymmetric(z, rng):
    return np.triu(z) - np.triu(z, 1).swapaxes(1, 2)


def sorted_rows(z, rng):
    return np.sort(z, axis=2)


def correlated_rows(z, rng):
    return math.sqrt(0.95) * z + math.sqrt(0.05) * rng.standard_normal((len(z), 1, z.shape[2]))


def correlated_neighbours(z, rng):
    z[:, :, 1::2] = 0.2 * z[:, :, 0::2] + math.sqrt(0.96) * z[:, :, 1::2]
    return z


def uneven_rows(z, rng):
    return z * np.sqrt(np.where(np.arange(z.shape[1]) % 2, 1.2, 0.8))[:, None]


def one_strong_column(z, rng):
    z[:, :, 5] *= 2.0
    return z


def dead_row(z, rng):
    z[:, 5] = 0.01 * z[:, 5]
    return z


def normalised_rows(z, rng):
    return z / np.sqrt((z * z).mean(axis=2, keepdims=True))


def linearly_dependent(z, rng):
    z[:, :, 50] = z[:, :, :40] @ rng.standard_normal(40) / math.sqrt(40)
    return z


def mixed(z, rng):
    mixture = np.eye(z.shape[2]) + 0.03 * rng.standard_normal((z.shape[2], z.shape[2]))
    return z @ (mixture / np.linalg.norm(mixture, axis=0))


def orthogonal_columns(z, rng):
    return np.linalg.qr(z)[0] * math.sqrt(z.shape[1])


def cyclic(z, rng):
    return np.resize(z.ravel()[:5000], z.shape)


def repeated_block(z, rng):
    flat = z.ravel().copy()
    flat[9000:12_000] = -flat[1234:4234]
    return flat.reshape(z.shape)


@pytest.mark.parametrize(
    ("fault", "test"),
    [
        (duplicated, both(spectrum.cosines)),
        (negated, both(spectrum.cosines)),
        (nearly_parallel, both(spectrum.cosines)),
        (symmetric, neighbours.transpose),
        (antisymmetric, neighbours.transpose),
        (sorted_rows, both(lines.sums)),
        (sorted_rows, both(lines.offset)),
        (correlated_rows, both(lines.sums)),
        (correlated_neighbours, both(neighbours.neighbours)),
        (uneven_rows, both(lines.spread)),
        (one_strong_column, both(lines.energies)),
        (dead_row, both(lines.energies)),
        (normalised_rows, lines.spread),
        (linearly_dependent, diagonal_of),
        (orthogonal_columns, above_of),
        (cyclic, repeats.repeats),
        (repeated_block, repeats.repeats),
    ],
)
def test_a_fault_of_one_matrix_is_caught(fault, test) -> None:
    rng = generator(12)
    assert failed(test(fault(rng.standard_normal((1, 128, 128)), rng), RATES))


def test_many_faint_correlations_are_caught_by_the_factor_alone() -> None:
    rng = generator(28)
    z = mixed(rng.standard_normal((1, 1024, 64)), rng)
    assert failed(above_of(z, RATES))
    others = (
        set(MATRIX_TESTS)
        - {"above"}
        - {name for name in MATRIX_TESTS if "draws" in name or "position" in name}
    )
    assert not any(failed(MATRIX_TESTS[name](z, RATES)) for name in others)


def test_a_weak_correlation_of_neighbours_needs_the_planned_pairs() -> None:
    rng = generator(13)
    pairs = neighbours.correlation_samples(RATES, 0.05)
    z = rng.standard_normal((math.ceil(pairs / (128 * 64)), 128, 128))
    assert neighbours.neighbours_pairs(z.shape) >= pairs
    z[:, 1::2] = 0.05 * z[:, 0::2] + math.sqrt(1 - 0.05**2) * z[:, 1::2]
    found = neighbours.neighbours(z, RATES)
    assert failed(found)
    assert found.resolution <= 0.05


def standardised(z):
    z = z - z.mean(axis=(1, 2), keepdims=True)
    return z / z.std(axis=(1, 2), keepdims=True)


def antithetic(z):
    half = z.shape[1] // 2
    z[:, half:] = -z[:, :half]
    return z


def stratified(z):
    """One number in each cell of equal probability, in random order."""
    rng, size = generator(14), z[0].size
    u = (np.argsort(rng.random((len(z), size)), axis=1) + rng.random((len(z), size))) / size
    return ndtri(u).reshape(z.shape)


@pytest.mark.parametrize(
    ("fault", "test"),
    [
        (standardised, draws.means),
        (standardised, draws.variances),
        (antithetic, draws.means),
        (stratified, draws.means),
        (stratified, draws.variances),
    ],
)
def test_draws_that_are_too_even_are_caught_only_side_by_side(fault, test) -> None:
    z = fault(generator(15).standard_normal((24, 16, 16)))
    assert failed(test(z, RATES))
    long = z.ravel()  # as one long sample the same numbers look right
    assert not failed(marginal.mean(float(long.sum()), long.size, RATES, quantity="q"))
    assert not failed(marginal.variance(float(long @ long), long.size, RATES, quantity="q"))


def test_antithetic_draws_are_caught() -> None:
    z = generator(16).standard_normal((12, 10, 10))
    z[1::2] = -z[0::2]
    assert failed(lines.sums(pooling.positions(z), RATES))
    assert failed(spectrum.cosines(pooling.draws(z), RATES))
    assert failed(repeats.repeats(z, RATES))


def test_a_position_of_its_own_is_caught() -> None:
    z = generator(18).standard_normal((64, 10, 10))
    biased, loud, pattern = z.copy(), z.copy(), z.copy()
    biased[:, 2, 3] += 1.5
    loud[:, 4, 4] *= 3.0
    pattern += 0.3 * generator(19).standard_normal((10, 10))
    assert failed(lines.offset(pooling.positions(biased), RATES))
    assert failed(lines.energies(pooling.positions(loud), RATES))
    assert failed(lines.sums(pooling.positions(pattern), RATES))


def test_layers_that_share_a_seed_are_caught() -> None:
    a, b = (np.random.default_rng(5).standard_normal(shape) for shape in ((20, 30), (16, 16)))
    assert failed(neighbours.between(a, b, RATES))
    assert not failed(neighbours.between(a, generator(20).standard_normal((16, 16)), RATES))


# -- Haar matrices ------------------------------------------------------------------------------------


def haar_draws(rng, count: int, n: int, k: int) -> np.ndarray:
    q, r = np.linalg.qr(rng.standard_normal((count, n, k)))
    return q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]


@pytest.mark.parametrize("shape", [(3, 3), (4, 4), (17, 17), (12, 3), (3, 12), (5, 1)])
def test_haar_matrices_pass(shape) -> None:
    """At 1e-9 a test, these 180 err with probability below 2e-7."""
    for seed in range(10):
        q = haar_draws(generator(21, seed), 64, max(shape), min(shape))
        q = q if shape[0] >= shape[1] else q.swapaxes(1, 2)
        assert not failed(haar.spread(2.5 * q, RATES, gain=2.5, excuse=2.0**-20))
        assert not failed(haar.signs(q, RATES))
        if shape[0] == shape[1]:
            assert not failed(haar.orientation(q, RATES))


def test_p_values_of_haar_coordinates_are_no_more_liberal_than_uniform() -> None:
    rng = generator(22)
    p = np.sort([haar.spread(haar_draws(rng, 6, 4, 4), RATES).p for _ in range(REPLAYS)])
    assert np.max(np.arange(1, REPLAYS + 1) / REPLAYS - p) <= _BAND


def unsigned(rng, count):
    return np.linalg.qr(rng.standard_normal((count, 4, 4)))[0]


def rotations(rng, count):
    q = haar_draws(rng, count, 4, 4)
    q[:, :, 0] *= np.linalg.det(q)[:, None]
    return q


def blocks(rng, count):
    q = np.zeros((count, 4, 4))
    q[:, :2, :2], q[:, 2:, 2:] = haar_draws(rng, count, 2, 2), haar_draws(rng, count, 2, 2)
    return q


def permutations(rng, count):
    return np.stack([np.eye(4)[rng.permutation(4)] * rng.choice([-1.0, 1.0], 4) for _ in range(count)])


@pytest.mark.parametrize(
    ("fault", "test"),
    [
        (unsigned, haar.signs),
        (rotations, haar.orientation),
        (blocks, haar.spread),
        (permutations, haar.spread),
    ],
)
def test_what_is_not_haar_is_caught(fault, test) -> None:
    assert failed(test(fault(generator(23), 64), RATES))


def test_a_wrong_gain_is_caught() -> None:
    q = haar_draws(generator(24), 400, 4, 4)
    assert failed(haar.spread(math.sqrt(2.0) * np.clip(q, -0.7, 0.7), RATES))


def test_haar_statistics_refuse_what_they_cannot_judge() -> None:
    for shape in ((10, 2, 2), (10, 4), (0, 4, 4)):
        with pytest.raises(UsageError, match="side of at least 3"):
            haar.spread(np.ones(shape), RATES)
    with pytest.raises(UsageError, match="only square matrices"):
        haar.orientation(np.ones((10, 4, 3)), RATES)
    assert failed(haar.orientation(np.ones((10, 4, 4)), RATES))
    for bad in (math.nan, math.inf):
        q = haar_draws(generator(25), 8, 4, 4)
        q[0, 0, 0] = bad
        assert all(failed(test(q, RATES)) for test in (haar.spread, haar.signs, haar.orientation))


# -- inputs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MATRIX_TESTS)
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e200])
def test_what_is_not_a_number_fails(name: str, bad: float) -> None:
    z = generator(26).standard_normal((3, 6, 6))
    z[1, 2, 3] = bad
    found = MATRIX_TESTS[name](z, RATES)
    assert failed(found)
    assert found.p == 0.0


@pytest.mark.parametrize("name", MATRIX_TESTS)
@pytest.mark.parametrize("value", [0.0, 3.0])
def test_a_constant_fails(name: str, value: float) -> None:
    z = np.full((24, 32, 32), value)
    assert failed(MATRIX_TESTS[name](z, RATES)), name


@pytest.mark.parametrize("name", MATRIX_TESTS)
@pytest.mark.parametrize("shape", [(0,), (5,), (0, 4), (2, 0, 3), (1, 2, 3, 4)])
def test_what_is_no_stack_of_matrices_is_refused(name: str, shape) -> None:
    with pytest.raises(UsageError):
        MATRIX_TESTS[name](pooling.stack(np.zeros(shape)), RATES)


def test_too_few_lines_are_refused() -> None:
    for test in (spectrum.cosines, neighbours.neighbours, above_of, draws.means, draws.variances):
        with pytest.raises(UsageError, match="this test needs at least 2"):
            test(np.ones((1, 1, 5)), RATES)
    with pytest.raises(UsageError, match="this test needs at least 2"):
        pooling.positions(np.ones((1, 4, 4)))
    with pytest.raises(UsageError, match="two or more pairs"):
        neighbours.between(np.ones(1), np.ones(9), RATES)
    with pytest.raises(UsageError, match="a repeat needs at least two"):
        repeats.repeats(np.ones(1), RATES)


# -- families ------------------------------------------------------------------------------------------


def part(distance: float, tolerance: float, p: float, *, resolution: float = 0.1) -> Evidence:
    return Evidence(
        quantity="q",
        expected=0.0,
        observed=distance,
        distance=distance,
        tolerance=tolerance,
        resolution=resolution,
        p=p,
        log10_p=math.log10(p) if p else -math.inf,
    )


def test_the_worst_part_speaks_for_all() -> None:
    found = family.worst([part(1, 2, 0.01), part(3, 4, 1e-3, resolution=7.0), part(0.1, 1, 0.5)])
    assert (found.distance, found.tolerance, found.resolution) == (3, 4, 7.0)
    assert found.p == pytest.approx(3e-3, rel=1e-12)
    assert family.worst([part(9, 10, 0.9), part(math.nan, 1, 0.0)]).p == 0.0
    assert failed(family.worst([part(9, 10, 0.9), part(math.nan, 1, 0.0)]))
    assert family.excess(part(0, 0, 1.0)) == 0.0
    assert family.excess(part(1, 0, 0.0)) == math.inf


def test_both_axes_look_at_rows_and_at_columns() -> None:
    z = generator(27).standard_normal((40, 40))
    for axis, name in ((0, "columns"), (1, "rows")):
        found = pooling.both_axes(lines.sums, np.sort(z, axis=1 - axis), RATES, quantity="q")
        assert failed(found)
        assert found.detail == name
