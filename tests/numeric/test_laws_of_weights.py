"""The predicted laws of weights against mpmath, against counting, and against rounding itself.

No chance is involved but in the excuses of rounding, where draws are rounded and the movement is compared
with a bound that holds for every sample.
"""

from __future__ import annotations

import itertools
import math

import ml_dtypes
import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from verinit.laws import marginals, rounding
from verinit.laws.fans import fan, fans
from verinit.laws.schemes import CATALOGUE, parse, scheme
from verinit.vocabulary import Scheme, UsageError

EPS = float(np.finfo(np.float64).eps)
DTYPES = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32, "float64": np.float64}


# -- fans, by counting connections ------------------------------------------------------------------------


def counted(kernel: tuple[int, ...], inputs: int, outputs: int, groups: int) -> tuple[int, int]:
    """How many numbers reach one output of a stride-1 convolution, and how many one input reaches.

    Positions away from the border; input channel i and output channel o are joined if their groups agree.
    """
    field = len(list(itertools.product(*map(range, kernel))))
    joined = [
        (i, o) for i in range(inputs) for o in range(outputs) if i * groups // inputs == o * groups // outputs
    ]
    return field * sum(o == 0 for _, o in joined), field * sum(i == 0 for i, _ in joined)


@given(
    kernel=st.lists(st.integers(1, 4), max_size=3).map(tuple),
    groups=st.integers(1, 4),
    per_in=st.integers(1, 4),
    per_out=st.integers(1, 4),
    transposed=st.booleans(),
)
@settings(deadline=None)
def test_fans_count_connections(kernel, groups: int, per_in: int, per_out: int, transposed: bool) -> None:
    inputs, outputs = groups * per_in, groups * per_out
    shape = (*kernel, inputs, per_out) if transposed else (*kernel, per_in, outputs)
    truth = counted(kernel, inputs, outputs, groups)
    assert fans(shape, groups=groups, transposed=transposed) == truth
    for mode, value in (
        ("fan_in", truth[0]),
        ("fan_out", truth[1]),
        ("fan_avg", sum(truth) / 2),
        ("none", 1),
    ):
        assert fan(mode, shape, groups=groups, transposed=transposed) == value


@pytest.mark.parametrize(
    ("shape", "words"), [((), {}), ((5,), {}), ((3, 4), {"groups": 3}), ((3, 4), {"groups": 0})]
)
def test_a_shape_without_fans_is_refused(shape: tuple[int, ...], words: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        fans(shape, **words)
    assert fan("none", shape) == 1.0


# -- schemes ------------------------------------------------------------------------------------------------


VARIANCES = {
    # He et al. 2015, eq. 10 and 15; Glorot and Bengio 2010, eq. 12; LeCun et al. 1998, eq. 16
    "he_normal": lambda i, o: 2 / i,
    "he_uniform(mode=fan_out)": lambda i, o: 2 / o,
    "he_truncated_normal(mode=fan_avg)": lambda i, o: 4 / (i + o),
    "he_uniform(negative_slope=sqrt(5))": lambda i, o: 1 / (3 * i),
    "kaiming_normal(negative_slope=0.1)": lambda i, o: 2 / (1.01 * i),
    "xavier_normal": lambda i, o: 2 / (i + o),
    "glorot_uniform(gain=5/3)": lambda i, o: 50 / (9 * (i + o)),
    "xavier_truncated_normal": lambda i, o: 2 / (i + o),
    "lecun_uniform": lambda i, o: 1 / i,
    "lecun_normal(gain=2)": lambda i, o: 4 / i,
    "variance_scaling(scale=0.1,mode=fan_out,distribution=uniform)": lambda i, o: 0.1 / o,
    "normal(0.02/sqrt(2*12))": lambda i, o: 0.0004 / 24,
    "normal(1, 0.5)": lambda i, o: 0.25,
    "uniform(-0.05, 0.1)": lambda i, o: 0.15**2 / 12,
    "truncated_normal(std=0.3)": lambda i, o: 0.09,
}
SHAPES = st.lists(st.integers(1, 9), min_size=2, max_size=4).map(tuple)


@pytest.mark.parametrize("text", VARIANCES)
@given(shape=SHAPES)
@settings(deadline=None, max_examples=20)
def test_the_variance_of_a_scheme_is_the_paper_s(text: str, shape: tuple[int, ...]) -> None:
    field = math.prod(shape[:-2])
    truth = VARIANCES[text](field * shape[-2], field * shape[-1])
    law = marginals.law_of(parse(text), shape)
    assert law.std**2 == pytest.approx(truth, rel=16 * EPS)
    if law.family == "uniform":  # Var = (high - low)^2 / 12; the bounds cancel where the mean is far off
        assert (law.high - law.low) ** 2 / 12 == pytest.approx(truth, rel=64 * EPS)
    if "normal" in law.family and "truncated" not in law.family:
        assert not law.bounded


@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in ("constant", "zeros", "ones")])
def test_every_scheme_reads_back_as_it_is_written(name: str) -> None:
    for one in (scheme(name), parse(str(scheme(name)))):
        assert one == scheme(name)
    for key, default in CATALOGUE[name].defaults.items():
        if isinstance(default, float):
            changed = scheme(name, **{key: 0.75 if key == "low" else default + 0.37})
            assert parse(str(changed)) == changed
            assert changed != scheme(name)


def test_an_uncorrected_cut_keeps_the_parent_and_a_corrected_one_the_std() -> None:
    plain = marginals.law_of(parse("truncated_normal(std=0.5,corrected=false)"), (3, 3))
    assert plain.parent == (0.0, 0.5)
    assert (plain.low, plain.high) == (-1.0, 1.0)
    assert plain.std == pytest.approx(0.5 * 0.8796256610342398, rel=8 * EPS)
    fixed = marginals.law_of(parse("truncated_normal(std=0.5)"), (3, 3))
    assert fixed.std == pytest.approx(0.5, rel=8 * EPS)
    assert fixed.high == pytest.approx(1.0 / 0.8796256610342398, rel=8 * EPS)


# -- moments, distribution functions and scores against mpmath ----------------------------------------


def mass(low: float, high: float) -> mp.mpf:
    """P(low < Z < high), to 40 digits relative, whichever tail it lies in."""
    low, high = mp.mpf(low), mp.mpf(high)
    if low > 0:
        return (mp.erfc(low / mp.sqrt(2)) - mp.erfc(high / mp.sqrt(2))) / 2
    return mass(-high, -low) if high < 0 else (mp.erf(high / mp.sqrt(2)) - mp.erf(low / mp.sqrt(2))) / 2


def exact_moments(low: float, high: float) -> tuple[float, float]:
    with mp.workdps(60):
        density = [mp.npdf(x) if math.isfinite(x) else mp.mpf(0) for x in (low, high)]
        edges = [mp.mpf(x) * f if math.isfinite(x) else 0 for x, f in zip((low, high), density, strict=True)]
        inside = mass(low, high)
        mean = (density[0] - density[1]) / inside
        return float(mean), float(mp.sqrt(1 + (edges[0] - edges[1]) / inside - mean**2))


CUTS = st.tuples(st.floats(-12, 12), st.floats(0.0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(cut=CUTS)
@example(cut=(-2.0, 2.0))
@example(cut=(0.0, math.inf))
@example(cut=(-math.inf, math.inf))
@example(cut=(-1.0, math.inf))
@example(cut=(30.0, 35.0))
@example(cut=(37.5, 39.0))
@example(cut=(1.0, 1.0 + 1e-7))
@settings(deadline=None, max_examples=150)
def test_the_moments_of_a_cut_are_right_to_six_digits_or_refused(cut: tuple[float, float]) -> None:
    assume(cut[0] < cut[1])
    try:
        mean, std = marginals.cut_moments(*cut)
    except UsageError:
        return
    exact_mean, exact_std = exact_moments(*cut)
    assert std == pytest.approx(exact_std, rel=1e-6)
    assert abs(mean - exact_mean) <= 1e-6 * exact_std


@pytest.mark.parametrize("cut", [(-2.0, 2.0), (-1.0, 3.0), (0.0, 2.0), (2.0, 4.0), (-3.0, -1.0), (0.5, 1.5)])
def test_the_cuts_that_people_make_lose_nothing(cut: tuple[float, float]) -> None:
    mean, std = marginals.cut_moments(*cut)
    exact_mean, exact_std = exact_moments(*cut)
    assert abs(mean - exact_mean) <= 64 * EPS
    assert abs(std - exact_std) <= 256 * EPS * exact_std / (cut[1] - cut[0]) ** 2 * 12


LAWS = {
    text: marginals.law_of(parse(text), (4, 3))
    for text in (
        "he_normal",
        "normal(1, 0.5)",
        "he_uniform",
        "uniform(-0.05, 0.1)",
        "he_truncated_normal",
        "truncated_normal(mean=0.3,std=0.02,low=-1,high=3)",
        "truncated_normal(low=1,high=4)",
        "truncated_normal(low=-4,high=-1)",
        "truncated_normal(low=-100,high=100)",
    )
}


def exact_tails(law: marginals.Law, x: float) -> tuple[mp.mpf, mp.mpf]:
    """P(W <= x), P(W >= x)."""
    with mp.workdps(40):
        x = min(max(x, law.low), law.high)
        if law.family == "uniform":
            below = (mp.mpf(x) - law.low) / (mp.mpf(law.high) - law.low)
            return below, 1 - below
        mean, std = law.parent if law.family == "truncated_normal" else (law.mean, law.std)
        low, z, high = ((mp.mpf(edge) - mean) / std for edge in (law.low, x, law.high))
        return mass(low, z) / mass(low, high), mass(z, high) / mass(low, high)


@pytest.mark.parametrize("text", LAWS)
@given(score=st.floats(-9, 9))
@settings(deadline=None, max_examples=40)
def test_distribution_functions_are_those_of_mpmath(text: str, score: float) -> None:
    law = LAWS[text]
    x = law.mean + score * law.std
    below, above = (float(tail) for tail in exact_tails(law, x))
    # an ulp of x and of the parent's mean moves the argument, whose density is at most 1 / std
    slack = 64 * EPS * (1 + abs(law.mean) / law.std)
    assert abs(float(marginals.cdf(law, np.array(x))) - below) <= slack
    assert abs(float(marginals.cdf(marginals.mirrored(law), np.array(-x))) - above) <= slack
    assert marginals.mirrored(marginals.mirrored(law)) == law


@pytest.mark.parametrize("text", LAWS)
@given(tail=st.floats(1e-11, 0.4999), upper=st.booleans())
@settings(deadline=None, max_examples=40)
def test_the_score_of_a_quantile_is_that_of_the_normal(text: str, tail: float, upper: bool) -> None:
    """P(|Z| > score(x)) = 2 min(P(W <= x), P(W >= x)), into both tails."""
    law = LAWS[text]
    side = marginals.mirrored(law) if upper else law
    low, high = max(side.low, side.mean - 9 * side.std), min(side.high, side.mean + 9 * side.std)
    for _ in range(80):  # the quantile, by bisection of the package's own distribution function
        middle = (low + high) / 2
        low, high = (middle, high) if float(marginals.cdf(side, np.array(middle))) < tail else (low, middle)
    x = -high if upper else high
    smaller = min(exact_tails(law, x))
    assert float(marginals.score(law, x)) >= 0.0
    found = math.erfc(marginals.score(law, x) / math.sqrt(2))
    slack = 256 * EPS * (1 + abs(law.mean) / law.std)
    assert abs(found - float(2 * smaller)) <= slack + 1e-12 * found


@pytest.mark.parametrize("text", LAWS)
def test_the_score_is_infinite_beyond_the_support_and_nan_of_nan(text: str) -> None:
    law = LAWS[text]
    assert math.isnan(marginals.score(law, math.nan))
    assert marginals.score(law, math.inf) == marginals.score(law, -math.inf) == math.inf
    if text not in ("he_normal", "normal(1, 0.5)"):
        for outside in (law.low - 0.01 * law.std, law.high + 0.01 * law.std):
            assert marginals.score(law, outside) == math.inf


@pytest.mark.parametrize("text", [text for text, law in LAWS.items() if law.bounded])
@given(share=st.floats(0, 3), excuse=st.sampled_from([0.0, 1e-3, 0.1]))
@settings(deadline=None, max_examples=30)
def test_escape_is_the_mass_beyond_the_bounds(text: str, share: float, excuse: float) -> None:
    law = LAWS[text]
    half, middle = (law.high - law.low) / 2, (law.high + law.low) / 2
    with mp.workdps(40):
        if law.family == "uniform":
            truth = max(share - mp.mpf(excuse), 0) / (1 + mp.mpf(share))
        else:
            mean, std = law.parent
            near, far = half * (1 + mp.mpf(excuse)), half * (1 + mp.mpf(share))
            inside = mass((middle - near - mean) / std, (middle + near - mean) / std)
            truth = 1 - inside / mass((middle - far - mean) / std, (middle + far - mean) / std)
            truth = max(truth, mp.mpf(0))
    # half-widths carry a few ulps, which move the mass by as many; a cut of 100 std has none to move
    assert abs(marginals.escape(law, share, excuse=excuse) - float(truth)) <= 256 * EPS


@pytest.mark.parametrize("text", [text for text, law in LAWS.items() if law.bounded])
def test_nodes_give_the_moments_of_the_law(text: str) -> None:
    values, weights = map(np.array, marginals.standard_nodes(LAWS[text]))
    law = LAWS[text]
    if law.family == "uniform":
        moments = [0.0, 1.0, 0.0, 9 / 5, 0.0, 27 / 7]
    else:
        low, high = ((edge - law.parent[0]) / law.parent[1] for edge in (law.low, law.high))
        low, high = max(low, -45.0), min(high, 45.0)
        with mp.workdps(18):
            points = mp.linspace(low, high, 9 if high - low < 9 else 31)
            total = mp.quad(mp.npdf, points)
            shift, scale = (law.parent[0] - law.mean) / law.std, law.parent[1] / law.std
            moments = [
                float(mp.quad(lambda y, k=k: mp.npdf(y) * (shift + scale * y) ** k, points) / total)
                for k in range(1, 7)
            ]
    # the offset of the mean is known to eps (1 + |mean| / std), and enters a k-th moment k times
    unit = 1e3 * EPS * (1 + abs(law.mean) / law.std)
    for k, moment in enumerate(moments, 1):
        absolute = float(weights @ np.abs(values) ** k)
        assert abs(float(weights @ values**k) - moment) <= k * unit * max(absolute, 1.0)


def test_a_normal_law_has_no_nodes() -> None:
    with pytest.raises(UsageError, match="nodes"):
        marginals.standard_nodes(LAWS["he_normal"])


@pytest.mark.parametrize("text", LAWS)
def test_predicted_counts_add_up_to_the_draws(text: str) -> None:
    law = LAWS[text]
    edges = law.mean + law.std * np.linspace(-40, 40, 81)
    counts = marginals.counts(law, edges, 1000)
    assert counts.shape == (80,)
    assert float(counts.sum()) == pytest.approx(1000.0, rel=256 * EPS)
    assert counts.min() >= 0


def test_an_orthogonal_product_is_standard_normal_and_a_fan_of_0_is_refused() -> None:
    law = marginals.law_of(parse("orthogonal(gain=2)"), (5, 3))
    assert (law.family, law.mean, law.std) == ("normal", 0.0, 1.0)
    with pytest.raises(UsageError, match="fan is 0"):
        marginals.law_of(parse("he_normal"), (0, 3))


# -- rounding -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_unit_roundoff_is_half_the_step_at_1(dtype: str) -> None:
    info = ml_dtypes.finfo(DTYPES[dtype])
    assert rounding.unit_roundoff(dtype) == float(info.eps) / 2
    assert rounding._SMALLEST[dtype] == float(info.smallest_subnormal)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
@given(x=st.floats(-6e4, 6e4))
@example(x=3e-8)
@example(x=2.0**-14 * (1 - 2.0**-12))
@settings(deadline=None, max_examples=200)
def test_a_rounded_number_lies_within_half_an_ulp(dtype: str, x: float) -> None:
    rounded = float(np.float64(x).astype(DTYPES[dtype]))
    assert abs(rounded - x) <= float(rounding.half_ulp(rounded, dtype))


def test_a_dtype_without_rules_is_refused() -> None:
    with pytest.raises(UsageError, match="float8"):
        rounding.unit_roundoff("float8")


COARSE = [("float16", 0.0, 0.1), ("float16", 0.0, 2e-7), ("float16", 1.0, 0.05), ("float16", 0.0, 1e-5)]
COARSE += [("bfloat16", 0.0, 0.3), ("bfloat16", -2.0, 0.5)]


@pytest.mark.parametrize(("dtype", "mean", "std"), COARSE)
@pytest.mark.parametrize(
    "text", ["normal(mean={mean}, std={std})", "truncated_normal(mean={mean}, std={std})", "uniform"]
)
def test_numbers_put_back_into_their_cells_have_the_law(dtype, mean, std, text) -> None:
    """Whatever the dtype rounds away, the probabilities are uniform: exact, so at a rate of 1e-9 by DKW."""
    half = std * math.sqrt(3)
    bounds = f"uniform(low={mean - half}, high={mean + half})"
    law = marginals.law_of(parse(bounds if text == "uniform" else text.format(mean=mean, std=std)), (1, 1))
    rng, n = np.random.default_rng(31), 100_000
    x = marginals.quantile(law, rng.random(n))
    rounded = x.astype(DTYPES[dtype]).astype(np.float64)
    half_cells = rounding.half_ulp(rounded, dtype)
    y = marginals.unrounded(law, rounded, half_cells, rng.random(n))
    # the way back and forth through the law costs a few roundings of float64
    assert (np.abs(y - rounded) <= half_cells + 64 * EPS * (np.abs(rounded) + std)).all()
    assert y.min() >= law.low - 8 * EPS * abs(law.low) or law.low == -math.inf
    grid = np.arange(1, 4096) / 4096
    u = np.sort(marginals.cdf(law, y))
    distance = np.abs(np.searchsorted(u, grid, side="right") / n - grid).max()
    assert distance <= math.sqrt(math.log(2 / 1e-9) / (2 * n)) + 1 / n


@pytest.mark.parametrize(("dtype", "mean", "std"), COARSE)
def test_a_scale_that_was_rounded_moves_statistics_by_less_than_its_excuse(dtype, mean, std) -> None:
    law = marginals.law_of(Scheme(name="law", family="normal", scale=std**2, mean=mean), (1, 1))
    e, u = rounding.scale_excuse(dtype), (np.arange(4096) + 0.5) / 4096
    x = marginals.quantile(law, u)
    for s in (1 - e, 1 + e):
        z = (s * x - mean) / std
        assert abs(z.mean()) <= rounding.mean_excuse(dtype, mean, std) * (1 + 64 * EPS) + 64 * EPS
        shift = abs((z**2).mean() - (((x - mean) / std) ** 2).mean())
        assert shift <= rounding.variance_excuse(dtype, mean, std)
        assert np.abs(marginals.cdf(law, s * x) - u).max() <= rounding.distribution_excuse(dtype, mean, std)


PLACES = [("float32", 0.0, 0.02), ("float32", 100.0, 0.1)]


@pytest.mark.parametrize(("dtype", "mean", "std"), PLACES)
@pytest.mark.parametrize("family", ["normal", "uniform"])
def test_rounding_moves_statistics_by_less_than_its_excuse(dtype, mean, std, family) -> None:
    """Of any sample whose mean square is within a tenth of the law's, as that of 1e5 draws is."""
    rng, n = np.random.default_rng(31), 100_000
    unit = rng.standard_normal(n) if family == "normal" else rng.uniform(-math.sqrt(3), math.sqrt(3), n)
    x = mean + std * unit
    rounded = x.astype(DTYPES[dtype]).astype(np.float64)
    z, moved = (x - mean) / std, (rounded - mean) / std
    slack = 64 * EPS * rounding.offset(mean, std)
    assert abs(moved.mean() - z.mean()) <= rounding.mean_excuse(dtype, mean, std) + slack
    assert abs((moved**2).mean() - (z**2).mean()) <= rounding.variance_excuse(dtype, mean, std) + slack
    law = marginals.law_of(Scheme(name="law", family=family, scale=std**2, mean=mean), (1, 1))
    grid = np.arange(1, 4096) / 4096
    before, after = (
        np.abs(np.searchsorted(np.sort(marginals.cdf(law, y)), grid, side="right") / n - grid).max()
        for y in (x, rounded)
    )
    # F_n after rounding lies between F_n half a cell below and above, whatever the sample
    assert after <= before + 1 / 4096 + rounding.distribution_excuse(dtype, mean, std)


def test_rounding_excuses_are_not_blank_cheques() -> None:
    """At the std of an ordinary layer float32 excuses less than a thousandth of what a battery resolves."""
    for rule in (rounding.mean_excuse, rounding.variance_excuse, rounding.distribution_excuse):
        assert rule("float32", 0.0, 0.02) <= 1e-6
        assert rule("float16", 0.0, 0.02) <= 5e-3
