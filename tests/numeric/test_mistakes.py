"""The shapes of every battery tell all well-known mistakes apart, but for those that are the same formula.

Exact ratios; no chance is involved.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.cases import BATTERIES, cases
from verinit.checks import CHECKS
from verinit.laws.fans import fans
from verinit.laws.mistakes import MISTAKES, fitting, ratio_of
from verinit.laws.schemes import parse
from verinit.vocabulary import Case, Scheme

NAMES = [mistake.name for mistake in MISTAKES]
TWICE, FAN_IN, FAN_OUT, MEAN, SUM, FIELD, OMITTED, HE, XAVIER, TORCH = NAMES[:10]
VARIANCE, STD, BOUND, NO_BOUND, UNCUT, CUT_TWICE = NAMES[10:]
"""The gain twice; fan_in, fan_out, their mean, their sum for the claimed fan; the field forgotten; the gain
omitted; He's gain; Xavier's rule; torch's default; variance for std; std for variance; std for bound; bound
for std; no correction of a cut; two."""

SAME: dict[tuple[float, str], dict[str, list[str]]] = {
    # (scale, mode): algebra of the variance ratio -> the mistakes that are this formula.
    # n = fan_in, m = fan_out. Ratio 1 is no mistake at all.
    (2.0, "fan_in"): {"1": [FAN_IN, HE], "n / (n + m)": [SUM, XAVIER]},
    (2.0, "fan_out"): {"1": [FAN_OUT, HE], "m / (n + m)": [SUM, XAVIER]},
    (2.0, "fan_avg"): {"1": [MEAN, HE], "1/2": [SUM, OMITTED, XAVIER]},
    (1.0, "fan_in"): {
        "1": [TWICE, FAN_IN, OMITTED],
        "2 n / (n + m)": [MEAN, XAVIER],
        "1/3": [TORCH, BOUND],
    },
    (1.0, "fan_out"): {"1": [TWICE, FAN_OUT, OMITTED], "2 m / (n + m)": [MEAN, XAVIER]},
    (1.0, "fan_avg"): {"1": [TWICE, MEAN, OMITTED, XAVIER]},
}
SCHEMES = [
    parse(f"{rule}_{law}(mode={mode})")
    for rule in ("he", "xavier", "lecun")
    for law in ("normal", "uniform", "truncated_normal")
    for mode in ("fan_in", "fan_out", "fan_avg")
]


def same_pairs(scheme: Scheme) -> set[frozenset[str]]:
    groups = SAME[(scheme.scale, scheme.mode)].values()
    return {frozenset(pair) for group in groups for pair in itertools.combinations(group, 2)}


def confused(scheme: Scheme, places: Iterable[Case], resolution: float) -> set[frozenset[str]]:
    """Pairs of mistakes that a variance test of this resolution cannot tell apart at any of these places.

    Where the truth is ratio p, the interval excludes ratio q but for a share false_pass if q / p is above
    1 / (1 - resolution) or below its inverse.
    """
    pairs = set()
    for one, other in itertools.combinations(MISTAKES, 2):
        ratios = [(ratio_of(one, scheme, case), ratio_of(other, scheme, case)) for case in places]
        if all(p is not None and q is not None for p, q in ratios):
            gap = max(abs(math.log(p / q)) for p, q in ratios if p and q)
            if gap <= -math.log1p(-resolution):
                pairs.add(frozenset((one.name, other.name)))
    return pairs


@pytest.mark.parametrize("battery", BATTERIES)
@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_a_battery_tells_all_mistakes_apart_but_those_that_are_one_formula(
    scheme: Scheme, battery: str
) -> None:
    look = BATTERIES[battery]
    resolution = CHECKS["IN201"].discrepancy * look.coarseness
    assert confused(scheme, look.of("initializer"), resolution) == same_pairs(scheme)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_a_battery_tells_them_apart_without_cases_that_need_groups(scheme: Scheme) -> None:
    """A target of one's own takes no parameters, and often only the default dtype."""
    for look in BATTERIES.values():
        plain = [case for case in look.of("initializer") if not case.parameters and case.dtype is None]
        resolution = CHECKS["IN201"].discrepancy * look.coarseness
        assert confused(scheme, plain, resolution) == same_pairs(scheme)


DIMENSIONS = st.integers(1, 512)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
@given(
    shape=st.one_of(st.tuples(DIMENSIONS, DIMENSIONS), st.tuples(st.integers(1, 7), DIMENSIONS, DIMENSIONS))
)
@settings(deadline=None, max_examples=15)
def test_pairs_listed_as_one_formula_agree_at_every_shape(scheme: Scheme, shape: tuple[int, ...]) -> None:
    n, m = fans(shape)
    case = Case(shape=shape)
    by_name = {mistake.name: mistake for mistake in MISTAKES}
    for algebra, group in SAME[(scheme.scale, scheme.mode)].items():
        formulas = {
            "1": 1.0,
            "1/2": 0.5,
            "1/3": 1 / 3,
            "n / (n + m)": n / (n + m),
            "m / (n + m)": m / (n + m),
            "2 n / (n + m)": 2 * n / (n + m),
            "2 m / (n + m)": 2 * m / (n + m),
        }
        for name in group:
            # four operations, each an ulp
            assert ratio_of(by_name[name], scheme, case) == pytest.approx(formulas[algebra], rel=1e-15)


@pytest.mark.parametrize("scheme", SCHEMES, ids=str)
def test_64x32_alone_tells_not_even_a_gain_from_a_fan(scheme: Scheme) -> None:
    alone = confused(scheme, cases(["64x32"]), CHECKS["IN201"].discrepancy)
    assert alone > same_pairs(scheme)


def test_at_64x32_he_s_gain_twice_looks_like_the_wrong_fan_and_at_48x80_it_does_not() -> None:
    he = parse("he_normal")
    pair = frozenset((TWICE, FAN_OUT))
    assert pair in confused(he, cases(["64x32"]), 0.02)
    assert pair not in confused(he, cases(["48x80"]), 0.02)
    assert [m.name for m in fitting(he, [(Case.parse("64x32"), 1.99, 2.01)])] == [TWICE, FAN_OUT]
    assert [m.name for m in fitting(he, [(Case.parse(s), 1.99, 2.01) for s in ("64x32", "48x80")])] == [TWICE]


@pytest.mark.parametrize("side", [2, 32, 257])
def test_a_square_tells_no_fan_from_another(side: int) -> None:
    square = cases([f"{side}x{side}"])
    for a, b in itertools.combinations((FAN_IN, FAN_OUT, MEAN), 2):
        assert frozenset((a, b)) in confused(parse("he_normal"), square, 1e-6)


# ratio -> what a published bug leaves at these fans: n = 72 (3 x 3 x 8), m = 144 (3 x 3 x 16)
KERNEL = Case.parse("3x3x8x16")
PUBLISHED = [
    ("he_normal", TWICE, 2.0),  # (2/sqrt n)^2 = 4/n against 2/n
    ("he_normal", FAN_OUT, 0.5),
    ("he_normal", MEAN, 72 / 108),
    ("he_normal", SUM, 72 / 216),
    ("he_normal", FIELD, 9.0),
    ("he_normal", OMITTED, 0.5),
    ("lecun_normal", HE, 2.0),
    ("he_normal", XAVIER, (2 / 216) / (2 / 72)),
    ("he_uniform", TORCH, 1 / 6),  # U(-1/sqrt n, 1/sqrt n) has variance 1/(3n)
    ("he_normal", VARIANCE, 2 / 72),  # (2/n)^2 against 2/n
    ("he_normal", STD, math.sqrt(36)),
    ("xavier_uniform", BOUND, 1 / 3),
    ("xavier_normal", NO_BOUND, 3.0),
    ("he_truncated_normal", UNCUT, 0.8796256610342398**2),
    ("he_normal", CUT_TWICE, 0.8796256610342398**-2),
    ("xavier_normal", FAN_IN, 108 / 72),
]


@pytest.mark.parametrize(("scheme", "name", "ratio"), PUBLISHED)
def test_a_mistake_leaves_the_ratio_worked_out_by_hand(scheme: str, name: str, ratio: float) -> None:
    (mistake,) = [each for each in MISTAKES if each.name == name]
    assert ratio_of(mistake, parse(scheme), KERNEL) == pytest.approx(ratio, rel=1e-14)


def test_every_mistake_has_been_worked_out_by_hand() -> None:
    assert {name for _, name, _ in PUBLISHED} == set(NAMES)
    assert len(NAMES) == len(set(NAMES)) == 16


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name[:24])
def test_a_scheme_without_a_fan_has_no_mistake_of_fans(mistake) -> None:
    ratio = ratio_of(mistake, parse("normal(std=0.02)"), Case.parse("5"))
    fanless = mistake.name in (VARIANCE, STD, BOUND, NO_BOUND, UNCUT, CUT_TWICE)
    assert (ratio is not None) == fanless


def test_nothing_fits_what_no_mistake_explains() -> None:
    seen = [(Case.parse("64x32"), 1.30, 1.31), (Case.parse("48x80"), 1.30, 1.31)]
    assert fitting(parse("he_normal"), seen) == []
