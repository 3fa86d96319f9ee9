"""Laws beyond the catalogue, dtypes of 16 bits, and a look that ends at the first failure."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri

from verinit import verify
from verinit.cases import battery
from verinit.faults import FAULTS
from verinit.laws import rounding
from verinit.laws.schemes import parse
from verinit.reference.initializers import INITIALIZERS
from verinit.runner import plan, run_plan
from verinit.runner.execution import eager
from verinit.vocabulary import Report, Target, UsageError, Verdict

FROZEN = {
    "laplace": stats.laplace(scale=0.1),
    "logistic": stats.logistic(loc=0.2, scale=0.05),
    "student": stats.t(df=3, scale=0.1),
    "cauchy": stats.cauchy(scale=0.01),
    "beta": stats.beta(2.0, 3.0, loc=-0.4),
    "exponential": stats.expon(scale=0.1),
    "normal": stats.norm(0.0, 0.02),
    "uniform": stats.uniform(-0.1, 0.2),
    "cut": stats.truncnorm(-1.0, 2.0, scale=0.02),
}
CASES = ("16x16", "48x80")


def drawn_from(law):
    def draw(shape, rng):
        return law.rvs(size=shape, random_state=rng)

    return draw


@pytest.mark.parametrize("name", FROZEN)
def test_right_code_passes_under_a_frozen_law(name: str) -> None:
    report = verify(drawn_from(FROZEN[name]), scheme=FROZEN[name], cases=("16x16",), name=name)
    assert report, str(report)
    assert not report.counts["inconclusive"]


@pytest.mark.parametrize(
    ("name", "wrong", "code"),
    [
        ("laplace", stats.laplace(scale=0.1012), "IN201"),
        ("laplace", stats.laplace(loc=0.003, scale=0.1), "IN202"),
        ("laplace", stats.norm(scale=0.1 * np.sqrt(2)), "IN201"),
        ("student", stats.t(df=5, scale=0.1), "IN201"),
        ("beta", stats.beta(2.0, 3.1, loc=-0.4), "IN202"),
        ("beta", stats.beta(2.0, 3.0, loc=-0.44, scale=1.08), "IN203"),
        ("exponential", stats.expon(scale=0.102), "IN202"),
    ],
)
def test_wrong_code_fails_under_a_frozen_law(name: str, wrong, code: str) -> None:
    report = verify(drawn_from(wrong), scheme=FROZEN[name], cases=CASES, checks=[code], name=name)
    assert report.red, str(report)


@pytest.mark.parametrize("name", FROZEN)
def test_a_frozen_law_reads_back_from_its_name(name: str) -> None:
    scheme = parse(FROZEN[name])
    assert parse(str(scheme)) == scheme
    assert parse(str(scheme)).family == scheme.family


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("scipy.laplce(scale=1)", "did you mean 'laplace'"),
        ("scipy.beta(2)", "b missing"),
        ("scipy.norm(0, 1, 2)", "takes loc, scale; 3 were given"),
        ("scipy.norm(width=1)", "no parameter of scipy.norm named 'width'"),
        ("scipy.beta(-1, 2)", "scipy knows no such distribution"),
        (stats.poisson(3), "give a continuous distribution"),
        (stats.norm([0.0, 1.0], 1.0), "single numbers"),
        (7, "a frozen distribution of scipy"),
    ],
)
def test_a_law_that_is_none_is_refused_in_one_sentence(given, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(given)


# -- 16 bits ---------------------------------------------------------------------------------------


def looked_at(target: Target, dtype: str, root: int = 1) -> Report:
    return run_plan(plan([target], battery=battery("standard", only=(f"48x80/{dtype}",)), root=root))


def in_half(draw, scheme: str, name: str) -> Target:
    return Target(
        name=f"test:{name}",
        kind="initializer",
        object=draw,
        scheme=parse(scheme),
        dtypes=("float16", "bfloat16"),
    )


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", ["he_normal", "xavier_uniform", "lecun_truncated_normal", "orthogonal"])
def test_right_code_of_16_bits_passes_and_nothing_is_left_open(name: str, dtype: str) -> None:
    for root in (1, 2, 3):
        report = looked_at(in_half(INITIALIZERS[name], name, name), dtype, root)
        assert report, str(report)
        assert not report.counts["inconclusive"], str(report)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_scale_rounded_to_16_bits_is_excused(dtype: str) -> None:
    """Up and down by half of what three roundings may do together, which hardly ever agree."""
    for side in (-0.5, 0.5):
        factor = 1.0 + side * rounding.scale_excuse(dtype)

        def draw(shape, rng, *, dtype, factor=factor):
            return (factor * INITIALIZERS["he_normal"](shape, rng)).astype(dtype)

        assert looked_at(in_half(draw, "he_normal", f"scaled{side}"), dtype)


def few_values(shape, rng, *, dtype):
    """A normal law through a lattice of 1/128 in probability, as bfloat16's 7 bits make it."""
    u = np.floor(rng.random(shape) * 128) / 128
    return (ndtri(u + 0.5 / 256) * np.sqrt(2 / shape[0])).astype(dtype)


def cut_by_the_lattice(shape, rng, *, dtype):
    z = np.clip(rng.standard_normal(shape), -3.49, 3.49)
    return (z * np.sqrt(2 / shape[0])).astype(dtype)


def off_centre(shape, rng, *, dtype):
    return ((rng.standard_normal(shape) + 0.03) * np.sqrt(2 / shape[0])).astype(dtype)


@pytest.mark.parametrize(
    ("draw", "dtype"),
    [
        (few_values, "bfloat16"),
        (cut_by_the_lattice, "float16"),
        (off_centre, "bfloat16"),
        (off_centre, "float16"),
    ],
)
def test_what_16_bits_have_been_seen_to_do_wrong_is_seen(draw, dtype: str) -> None:
    assert looked_at(in_half(draw, "he_normal", draw.__name__), dtype).red


def test_numbers_below_the_smallest_normal_one_are_judged_by_their_cells() -> None:
    scheme = "normal(std=2e-6)"
    target = in_half(
        lambda shape, rng, *, dtype: INITIALIZERS["normal"](shape, rng, std=2e-6, dtype=dtype), scheme, "tiny"
    )
    report = looked_at(target, "float16")
    assert report, str(report)


# -- the first failure -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["two_over_root_n", "smoothed", "one_nan"])
def test_a_look_that_ends_at_the_first_failure_finds_what_the_whole_finds(name: str) -> None:
    planned = plan([FAULTS[name].target], battery=battery("standard", only=CASES), root=1)
    whole, first = run_plan(planned), run_plan(planned, engine=eager)
    assert len(first.red) == 1
    assert first.red[0].id in {finding.id for finding in whole.red}
    assert not first.complete
    assert first.findings[-1].verdict is not Verdict.inconclusive


def test_right_code_is_looked_at_whole_whether_or_not_failures_end_it() -> None:
    report = verify(INITIALIZERS["he_normal"], scheme="he_normal", cases=CASES, exitfirst=True)
    assert report
    assert report.complete


@pytest.mark.parametrize("shape", ["48x48", "64x64", "48x300", "700x1", "1x1"])
def test_any_shape_can_be_asked_for(shape: str) -> None:
    """Lines of 48 resolve less than lines of 80: what is promised of them follows."""
    report = verify(INITIALIZERS["he_normal"], scheme="he_normal", cases=(shape,), discrepancy=0.05)
    assert report, str(report)
    assert not report.counts["inconclusive"]
