"""The laws of batch norm beside differences, exact rationals and an independent implementation."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.laws.batchnorm import (
    OWN,
    alignment,
    batch,
    bessel,
    beta_gradient,
    evaluated,
    gamma_gradient,
    input_gradient,
    moved,
    output,
    output_std,
    rounding,
    scale,
    standardised,
    wide,
)
from verinit.laws.batchnorm_mistakes import fitting, wrong_gradients, wrong_outputs
from verinit.laws.batchnorm_rounding import (
    beta_gradient_error,
    evaluated_error,
    foreseen,
    gamma_gradient_error,
    input_gradient_error,
    mean_error,
    moved_error,
    output_error,
    variance_error,
)
from verinit.reference.layers import BatchNorm
from verinit.reference.precision import FLOATING, floating

EPS = 1e-5
RNG = np.random.default_rng(20260101)
LONG = rounding("float64")


def drawn(n=7, width=4, offset=0.0, spread=1.0):
    x = spread * (RNG.standard_normal((n, width)) + offset)
    gamma = RNG.choice((-1.0, 1.0), width) * RNG.uniform(0.5, 1.5, width)
    c = RNG.choice((-1.0, 1.0), (n, width)) * RNG.uniform(0.5, 1.0, (n, width))
    return x, gamma, RNG.standard_normal(width), c


def test_moments_are_those_of_exact_rationals():
    x = np.array([[1.0, 1e8], [2.0, 1e8 + 1], [4.0, 1e8 + 2], [8.0, 1e8 + 5]])
    b = batch(x)
    for j in range(2):
        column = [Fraction(v) for v in x[:, j]]
        mean = sum(column) / 4
        variance = sum((v - mean) ** 2 for v in column) / 4
        assert Fraction(float(b.mean[j])) == mean
        assert Fraction(float(b.variance[j])) == variance
        assert Fraction(float(bessel(b, True)[j])) == Fraction(float(variance * Fraction(4, 3)))


def test_the_gradient_is_the_quotient_of_differences():
    """Fourth-order differences in the long type; their error is h^4 times the fifth derivative, about 24."""
    x, gamma, beta, c = drawn()
    law = input_gradient(batch(x), EPS, gamma, c)
    h = 2.0**-12
    for i, j in np.ndindex(*x.shape):

        def loss(step, i=i, j=j):
            moved_x = x.copy()
            moved_x[i, j] += step
            return (wide(c) * output(batch(moved_x), EPS, gamma, beta)).sum()

        slope = (8 * (loss(h) - loss(-h)) - (loss(2 * h) - loss(-2 * h))) / (12 * h)
        spread = float(scale(batch(x), EPS)[j])
        truncation = 24.0 * h**4 / spread**5 * np.abs(c).sum() * np.abs(gamma).max()
        noise = 64.0 * OWN * np.abs(c).sum() / h * (1.0 + np.abs(beta).max())
        assert abs(float(slope - law[i, j])) <= truncation + noise


def test_the_gradient_is_the_product_with_the_jacobian():
    x, gamma, _, c = drawn(n=6, width=3)
    b = batch(x)
    s, off, n = scale(b, EPS), b.x - b.mean, 6
    for j in range(3):
        jacobian = (np.eye(n) - 1 / wide(n)) / s[j] - np.outer(off[:, j], off[:, j]) / (n * s[j] ** 3)
        product = gamma[j] * (jacobian.T @ wide(c[:, j]))
        gap = np.abs(product - input_gradient(b, EPS, gamma, c)[:, j])
        assert float(gap.max()) <= 64 * OWN * float(np.abs(jacobian).sum() * np.abs(gamma).max())


@pytest.mark.parametrize("eps", [1e-3, 1e-5, 0.0])
def test_identities_of_the_gradient(eps):
    x, gamma, _, c = drawn(n=9, spread=0.01)
    b = batch(x)
    dx = input_gradient(b, eps, gamma, c)
    size = np.abs(dx).sum(axis=0)
    assert np.all(np.abs(dx.sum(axis=0)) <= 64 * OWN * size)
    seen = (dx * standardised(b, eps)).sum(axis=0)
    assert np.all(np.abs(seen - alignment(b, eps, gamma, c)) <= 256 * OWN * size * 3)
    if eps == 0.0:
        assert np.all(alignment(b, eps, gamma, c) == 0)


def test_variance_is_one_half_where_it_equals_epsilon():
    z = np.array([[1.0], [-1.0]])
    assert float(output_std(batch(z * EPS**0.5), EPS)[0]) ** 2 == pytest.approx(0.5, rel=8 * 2.0**-53)
    assert float(output_std(batch(z * 0.0), EPS)[0]) == 0.0
    assert float(output_std(batch(z * 0.0), 0.0)[0]) == 0.0


def test_running_statistics_are_a_geometric_mean_of_all():
    """r_k = a^k r_0 + (1 - a) sum a^(k - i) v_i, summed the other way round."""
    values = [wide(RNG.standard_normal(3)) for _ in range(6)]
    start, keep = wide(RNG.standard_normal(3)), 0.75
    closed = keep**6 * start + sum((1 - keep) * keep ** (5 - i) * v for i, v in enumerate(values))
    assert np.all(np.abs(moved(start, values, [keep] * 6) - closed) <= 64 * OWN)
    averaged = moved(0 * start, values, [1 - 1 / wide(k) for k in range(1, 7)])
    assert np.all(np.abs(averaged - sum(values) / 6) <= 64 * OWN)


@settings(max_examples=80, deadline=None)
@given(
    n=st.integers(2, 40),
    dtype=st.sampled_from(sorted(FLOATING)),
    offset=st.sampled_from([0.0, 1.0, -3.0, 40.0]),
    spread=st.sampled_from([0.001, 0.0316, 1.0, 20.0]),
    seed=st.integers(0, 999),
)
def test_the_reference_lies_within_what_rounding_excuses(n, dtype, offset, spread, seed):
    rng = np.random.default_rng(seed)
    kind = floating(dtype)
    x = (spread * (rng.standard_normal((n, 3)) + offset)).astype(kind)
    gamma, beta, c = (rng.uniform(0.5, 1.5, s).astype(kind) for s in (3, 3, (n, 3)))
    layer = BatchNorm(gamma, beta, eps=EPS, momentum=0.75)
    y = layer.forward(x, True)
    dx = layer.backward(c)
    b, r = batch(x), rounding(dtype)
    start = wide(np.zeros(3)), wide(np.ones(3))
    keeps = [0.75]
    variance = bessel(b, True)
    pairs = (
        (y, output(b, EPS, gamma, beta), output_error(b, EPS, gamma, beta, r)),
        (dx, input_gradient(b, EPS, gamma, c), input_gradient_error(b, EPS, gamma, c, r)),
        (layer.dgamma, gamma_gradient(b, EPS, c), gamma_gradient_error(b, EPS, c, r)),
        (layer.dbeta, beta_gradient(b, c), beta_gradient_error(b, c, r)),
        (
            layer.running_mean,
            moved(start[0], [b.mean], keeps),
            moved_error(start[0], [b.mean], [mean_error(b, r)], keeps, r),
        ),
        (
            layer.running_var,
            moved(start[1], [variance], keeps),
            moved_error(start[1], [variance], [2 * variance_error(b, r)], keeps, r),
        ),
    )
    for seen, law, bound in pairs:
        assert np.all(np.abs(wide(seen) - law) <= bound)


@pytest.mark.parametrize("dtype", sorted(FLOATING))
def test_evaluation_lies_within_what_rounding_excuses(dtype):
    kind = floating(dtype)
    x, gamma, beta, _ = (a.astype(kind) for a in drawn(n=50))
    mean, variance = (RNG.uniform(0.5, 1.5, 4).astype(kind) for _ in range(2))
    layer = BatchNorm(gamma, beta, running_mean=mean, running_var=variance)
    given_all = (x, mean, variance, EPS, gamma, beta)
    gap = np.abs(wide(layer.forward(x, False)) - evaluated(*given_all))
    assert np.all(gap <= evaluated_error(*given_all, rounding(dtype)))


def test_bounds_are_sharp_enough_to_see_what_they_are_for():
    """Per entry a few hundred ulp at most for a short batch, and less than a percent at a large offset."""
    x, gamma, beta, _ = drawn(n=8)
    bound = output_error(batch(x), EPS, gamma, beta, rounding("float32"))
    assert float(np.median(bound)) < 100 * 2.0**-24
    far = batch(x + 2.0**12)
    assert float(np.median(output_error(far, EPS, np.ones(4), beta, rounding("float32")))) < 0.02
    squared = 2.0**-24 * 2.0**24
    assert squared / 2 > 10 * float(np.median(output_error(far, EPS, np.ones(4), beta, rounding("float32"))))


def test_rounding_that_leaves_nothing_is_said_to_leave_nothing():
    x = np.array([[1e4], [1e4], [1e4 + 8]])
    assert np.all(np.isinf(output_error(batch(x), 1e-12, [1.0], [0.0], rounding("bfloat16"))))


def test_what_is_foreseen_grows_with_rows_and_offset():
    r = rounding("float32")
    assert foreseen(8, EPS, r) < foreseen(800, EPS, r)
    assert foreseen(8, EPS, r) < foreseen(8, EPS, r, offset=100.0)
    assert foreseen(8, EPS, rounding("float64")) < foreseen(8, EPS, r) < foreseen(8, EPS, rounding("float16"))


def test_no_two_mistakes_are_one():
    x, gamma, beta, c = drawn(n=9, spread=0.01)
    b = batch(x + 0.003)
    with np.errstate(all="ignore"):
        for found, bound in (
            (wrong_outputs(b, EPS, gamma, beta), output_error(b, EPS, gamma, beta, LONG)),
            (wrong_gradients(b, EPS, gamma, c), input_gradient_error(b, EPS, gamma, c, LONG)),
        ):
            for name, seen in found.items():
                assert fitting(seen, found, bound) == (name,)


def test_what_fits_everything_is_not_named():
    b = batch(np.ones((4, 2)) * 0.0)
    with np.errstate(all="ignore"):
        found = wrong_outputs(b, EPS, np.ones(2), np.zeros(2))
        assert fitting(np.zeros((4, 2)), found, np.full((4, 2), 1e-9)) == ()
