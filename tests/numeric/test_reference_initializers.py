"""Every initialiser draws from its law: exact tests at a rate of 1e-9 each, and a wrong law is refused."""

import math

import ml_dtypes
import mpmath
import numpy as np
import pytest
from scipy import stats

from verinit.reference.initializers import (
    INITIALIZERS,
    normal,
    orthogonal,
    truncated_normal,
    truncated_std,
    uniform,
    variance_scaling,
)

RATE = 1e-9


def cut_normal(std, *, low=-2.0, high=2.0, corrected=True):
    parent = std / stats.truncnorm(low, high).std() if corrected else std
    return stats.truncnorm(low, high, scale=parent)


def centred(std):
    """The three laws of variance std^2 and mean 0, from scipy."""
    half = math.sqrt(3.0) * std
    return {
        "normal": stats.norm(scale=std),
        "uniform": stats.uniform(-half, 2 * half),
        "truncated_normal": cut_normal(std),
    }


def p_values(w, law):
    """Exact p-values of iid draws `w: (rows, columns)` under `law`, by transformation to unit normals.

    Mean, mean square, rows, columns: normal and chi-square laws. Shape: the Dvoretzky-Kiefer-Wolfowitz
    bound with Massart's constant, which is proven, not asymptotic.
    """
    w = w.reshape(-1, w.shape[-1])
    below, above = law.cdf(w), law.sf(w)
    z = np.where(below < above, stats.norm.ppf(below), stats.norm.isf(above))
    n = z.size
    grid = np.arange(n + 1) / n
    u = np.sort(below.ravel())
    deviation = max((grid[1:] - u).max(), (u - grid[:-1]).max())

    def two_sided(statistic, df):
        return 2 * min(stats.chi2.cdf(statistic, df), stats.chi2.sf(statistic, df))

    return {
        "mean": 2 * stats.norm.sf(abs(z.sum()) / math.sqrt(n)),
        "square": two_sided((z * z).sum(), n),
        "rows": two_sided((z.sum(1) ** 2).sum() / z.shape[1], z.shape[0]),
        "columns": two_sided((z.sum(0) ** 2).sum() / z.shape[0], z.shape[1]),
        "shape": 2 * math.exp(-2 * n * deviation**2),
    }


# scale / fan, with the fans counted by hand: (256, 96) and nine places of 24 in and 40 out
VARIANCES = {
    ("xavier", (256, 96)): 2 / 352,
    ("he", (256, 96)): 2 / 256,
    ("lecun", (256, 96)): 1 / 256,
    ("xavier", (3, 3, 24, 40)): 2 / 576,
    ("he", (3, 3, 24, 40)): 2 / 216,
    ("lecun", (3, 3, 24, 40)): 1 / 216,
}


@pytest.mark.parametrize("family", ["normal", "uniform", "truncated_normal"])
@pytest.mark.parametrize(("paper", "shape"), VARIANCES)
def test_published_schemes_draw_from_their_laws(paper, shape, family):
    w = INITIALIZERS[f"{paper}_{family}"](shape, np.random.default_rng([1, *shape]))
    law = centred(math.sqrt(VARIANCES[paper, shape]))[family]
    assert min(p_values(w, law).values()) > RATE


@pytest.mark.parametrize("family", ["normal", "uniform", "truncated_normal"])
@pytest.mark.parametrize(
    ("options", "variance"),
    [
        ({"mode": "fan_out"}, 3 / 360),
        ({"mode": "fan_avg"}, 3 / 288),
        ({"groups": 4}, 3 / 216),
        ({"groups": 4, "mode": "fan_out"}, 3 / 90),
        ({"groups": 4, "transposed": True}, 3 / 54),
        ({"groups": 4, "transposed": True, "mode": "fan_out"}, 3 / 360),
    ],
)
def test_variance_scaling_follows_the_fan_it_is_told(family, options, variance):
    w = variance_scaling((9, 24, 40), np.random.default_rng(2), scale=3.0, distribution=family, **options)
    assert min(p_values(w, centred(math.sqrt(variance))[family]).values()) > RATE


@pytest.mark.parametrize(
    ("draw", "law"),
    [
        (lambda s, r: normal(s, r), stats.norm()),
        (lambda s, r: normal(s, r, mean=3.0, std=0.2), stats.norm(3.0, 0.2)),
        (lambda s, r: uniform(s, r), stats.uniform()),
        (lambda s, r: uniform(s, r, low=-1.0, high=2.0), stats.uniform(-1.0, 3.0)),
        (lambda s, r: truncated_normal(s, r), cut_normal(1.0)),
        (lambda s, r: truncated_normal(s, r, std=0.02, corrected=False), cut_normal(0.02, corrected=False)),
        (lambda s, r: truncated_normal(s, r, low=-1.0, high=3.0), cut_normal(1.0, low=-1.0, high=3.0)),
        (lambda s, r: truncated_normal(s, r, low=-np.inf, high=0.5), cut_normal(1.0, low=-np.inf, high=0.5)),
        (lambda s, r: truncated_normal(s, r, low=5.0, high=9.0), cut_normal(1.0, low=5.0, high=9.0)),
        (lambda s, r: truncated_normal(s, r, low=-20.0, high=-12.0), cut_normal(1.0, low=-20.0, high=-12.0)),
    ],
)
def test_plain_laws_are_drawn_as_named(draw, law):
    assert min(p_values(draw((200, 150), np.random.default_rng(3)), law).values()) > RATE


@pytest.mark.parametrize(
    ("wrong", "seen_by"),
    [
        (lambda w: 1.05 * w, "square"),
        (lambda w: w + 0.05, "mean"),
        (lambda w: np.abs(w), "mean"),
        (lambda w: np.repeat(w[:1], len(w), axis=0), "columns"),
        (lambda w: np.repeat(w[:, :1], w.shape[1], axis=1), "rows"),
        (lambda w: math.sqrt(12.0) * (stats.norm.cdf(w) - 0.5), "shape"),
    ],
)
def test_a_wrong_law_is_refused(wrong, seen_by):
    w = normal((256, 96), np.random.default_rng(4))
    assert p_values(wrong(w), stats.norm())[seen_by] < RATE


def test_both_tails_are_equally_fine():
    class Outermost:
        def random(self, shape):
            return np.array([2.0**-53 * k for k in (1, 2, 3)] + [1 - 2.0**-53 * k for k in (1, 2, 3)])

    z = truncated_normal((6,), Outermost(), low=-38.0, high=38.0, corrected=False)
    assert (z[:3] == -z[3:]).all()
    with mpmath.workdps(40):
        exact = [-mpmath.sqrt(2) * mpmath.erfinv(1 - 2 * mpmath.mpf(k) / 2**53) for k in (1, 2, 3)]
    for k, value in enumerate(exact):  # ndtri's own error: a few ulp
        assert abs(z[k] - float(value)) <= 8 * np.spacing(abs(z[k]))


@pytest.mark.parametrize(
    ("low", "high"),
    [(-2, 2), (-1, 3), (0, 1e-6), (5, 6), (-0.001, 30), (-30, -29.9), (-math.inf, math.inf), (0, math.inf)],
)
@mpmath.workdps(40)
def test_truncated_std_is_that_of_the_cut_law(low, high):
    peak = min(max(0, low), high)
    a, b = (mpmath.mpf(max(-40.0, low)), mpmath.mpf(min(40.0, high)))
    places = [a, *(p for p in map(mpmath.mpf, (-8, -4, -2, 0, 2, 4, 8)) if a < p < b), b]

    def moment(f):
        return mpmath.quad(lambda x: f(x) * mpmath.exp((peak * peak - x * x) / 2), places)

    mass = moment(lambda x: 1)
    centre = moment(lambda x: x) / mass
    exact = mpmath.sqrt(moment(lambda x: (x - centre) ** 2) / mass)
    # a quadrature is a mean of 96 rounded terms, and the square root halves relative errors
    assert abs(truncated_std(low, high) / exact - 1) <= 48 * np.finfo(float).eps


@pytest.mark.parametrize("shape", [(16, 16), (40, 7), (7, 40), (3, 3, 4, 10), (2, 2, 2, 30), (1, 1), (5, 1)])
@pytest.mark.parametrize("gain", [1.0, 2.5, -0.3, 0.0])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_fewer_of_rows_and_columns_are_orthonormal_times_gain(shape, gain, dtype):
    w = orthogonal(shape, np.random.default_rng(5), gain=gain, dtype=dtype)
    info = ml_dtypes.finfo(w.dtype)
    q = w.astype(np.float64).reshape(-1, shape[-1])
    q = q if q.shape[0] >= q.shape[1] else q.T
    n = q.shape[0]
    # Householder QR: c n eps (Higham 2002, th. 19.4, in practice c < 1, taken as 8); rounding q to dtype
    # moves an inner product of unit vectors by eps by Cauchy-Schwarz, and by the spacing below normals
    allowed = gain**2 * (8 * n * np.finfo(float).eps + float(info.eps) * (1 + float(info.eps)))
    allowed += abs(gain) * n * float(info.smallest_subnormal)
    assert np.abs(q.T @ q - gain**2 * np.eye(q.shape[1])).max() <= allowed


@pytest.mark.parametrize("shape", [(4, 4), (3, 3), (6, 2), (2, 6)])
def test_orthogonal_matrices_are_haar_distributed(shape):
    rng = np.random.default_rng(6)
    n, draws = max(shape), 400
    q = np.stack([orthogonal(shape, rng) for _ in range(draws)])
    squares = stats.beta(0.5, (n - 1) / 2)  # any entry of Q, squared
    for i, j in [(0, 0), (shape[0] - 1, shape[1] - 1), (0, shape[1] - 1)]:
        entry = q[:, i, j]
        assert stats.binomtest(int((entry > 0).sum()), draws).pvalue > RATE
        assert min(p_values(entry[:, None] ** 2, squares).values()) > RATE
    if shape[0] == shape[1]:
        assert stats.binomtest(int((np.linalg.det(q) > 0).sum()), draws).pvalue > RATE


def test_without_the_sign_fix_the_haar_test_fails():
    rng = np.random.default_rng(7)
    entry = np.array([np.linalg.qr(rng.standard_normal((4, 4)))[0][0, 0] for _ in range(400)])
    assert stats.binomtest(int((entry > 0).sum()), 400).pvalue < RATE
