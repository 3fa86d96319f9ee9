"""Two reports beside one another: no cry of wolf, no regression missed, both noises counted."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

import verinit
from verinit.comparison import State, compare
from verinit.comparison.noises import disjoint, distances, log_level, sample, two_sample, within
from verinit.reference.initializers import he_normal, he_uniform
from verinit.statistics import binomial, marginal
from verinit.statistics.family import worst
from verinit.vocabulary import Case, Claim, Evidence, Finding, Outcome, Rates, Report, Ruling, Verdict, judge

RATES = Rates(false_fail=1e-9)
N = 620_000
"""Numbers in which a variance is seen to 2 %, at these rates."""
CLAIM = Claim(id="IN201", summary="s", equation="Var[W] = scale / fan", source="x")
WRONG = (State.regressed, State.improved, State.changed)
BROKEN = (Verdict.failed, Verdict.errored)


def finding(evidence, *, target="mine", check="IN201", shape=(8, 8), discrepancy=0.02, **changes):
    claim = replace(CLAIM, id=check, equation=f"{check} holds")
    verdict = judge(evidence, discrepancy) if evidence is not None else Verdict.passed
    given = {"verdict": verdict, "root": 1, "rates": RATES, "case": Case(shape=shape), **changes}
    return Finding(claim=claim, target=target, discrepancy=discrepancy, evidence=evidence, **given)


def report(*findings, root=1, **changes):
    given = {"environment": (("numpy", "2"),), **changes}
    held = tuple(replace(f, root=root) for f in findings)
    return Report(battery="standard", root=root, false_fail=1e-6, planned=len(held), findings=held, **given)


def exact(distance, *, tolerance=1e-9, **changes):
    evidence = Evidence(
        quantity="error", expected=0.0, observed=distance, distance=distance, tolerance=tolerance
    )
    return finding(evidence, check="GR201", **changes)


def variance(rng, *, ratio=1.0, n=N, shape=(8, 8), **changes):
    """What IN201 finds of a normal law whose variance is `ratio` times the promised one."""
    total = ratio * rng.chisquare(n)
    return finding(marginal.variance(total, n, RATES, quantity="Var[W] / predicted"), shape=shape, **changes)


def state(old, new, *, roots=(1, 2), **changes):
    """What becomes of one finding."""
    (change,) = compare(report(old, root=roots[0]), report(new, root=roots[1]), **changes).changes
    return change.state


@pytest.fixture(scope="module")
def whole():
    """A report of every kind of statistical check, at a small battery."""
    return verinit.verify(he_normal, scheme="he_normal", cases=("16x16",), root=5)


@pytest.fixture(scope="module")
def broken():
    """A report with failures: the same initializer, 5 % too loud."""
    return verinit.verify(
        lambda shape, rng: 1.05 * he_normal(shape, rng),
        scheme="he_normal",
        cases=("16x16",),
        name=None,
        root=6,
    )


# -- a report and itself ---------------------------------------------------------------------------


def test_a_report_is_identical_to_itself(whole, broken):
    for one in (whole, broken):
        found = compare(one, one)
        assert {change.state for change in found.changes} == {State.identical}
        assert len(found.changes) == len(one.findings)
        assert found
        assert "paired by root" in str(found)


DISTANCES = st.one_of(st.floats(0, 10), st.sampled_from([0.0, 1e-12, 0.01, math.nan, math.inf]))


@given(distances=st.lists(st.tuples(DISTANCES, DISTANCES), min_size=1, max_size=8), same_root=st.booleans())
def test_swapping_the_reports_swaps_regressed_and_improved(distances, same_root):
    roots = (1, 1 if same_root else 2)
    old = report(*(exact(a, shape=(i + 1,)) for i, (a, _) in enumerate(distances)), root=roots[0])
    new = report(*(exact(b, shape=(i + 1,)) for i, (_, b) in enumerate(distances)), root=roots[1])
    mirrored = {State.regressed: State.improved, State.improved: State.regressed}
    there = {change.key: change.state for change in compare(old, new).changes}
    back = {change.key: change.state for change in compare(new, old).changes}
    assert back == {key: mirrored.get(found, found) for key, found in there.items()}
    assert {c.state for c in compare(old, old).changes} == {State.identical}


@given(ratios=st.tuples(st.floats(0.5, 2.0), st.floats(0.5, 2.0)), seed=st.integers(0, 1000))
def test_swapping_is_symmetric_with_noise_too(ratios, seed):
    rng = np.random.default_rng(seed)
    old, new = (variance(rng, ratio=ratio, n=20_000) for ratio in ratios)
    mirrored = {State.regressed: State.improved, State.improved: State.regressed}
    there = state(old, new)
    assert state(new, old, roots=(2, 1)) is mirrored.get(there, there)


# -- noise -----------------------------------------------------------------------------------------


def drawn_variance(rng):
    return variance(rng, n=2000)


def drawn_bounded_variance(rng):
    """The mean square of uniform numbers, whose tolerance is Chernoff's."""
    law = verinit.target(he_uniform, scheme="he_uniform")
    from verinit.checks.samples import squares

    x = rng.uniform(-1, 1, 2000) * math.sqrt(3)
    terms = squares(law)
    return finding(marginal.variance(float(x @ x), x.size, RATES, terms=terms, quantity="ratio"))


def drawn_mean(rng):
    total = rng.standard_normal() * math.sqrt(2000)
    return finding(marginal.mean(total, 2000, RATES, quantity="mean"), check="IN202")


def drawn_share(rng):
    hits = int(rng.binomial(2000, 0.3))
    return finding(binomial.share(hits, 2000, RATES, expected=0.3, quantity="share"), check="IN402")


def drawn_distribution(rng):
    cells = rng.multinomial(2000, np.full(marginal.GRID, 1 / marginal.GRID))
    return finding(marginal.distribution(cells, RATES, quantity="sup |F_n - F|"), check="IN205")


def drawn_extreme(rng):
    z = float(np.abs(rng.standard_normal(2000)).max())
    return finding(marginal.extreme(z, z, 2000, RATES, quantity="largest"), check="IN204", discrepancy=0.85)


DRAWN = [
    (drawn_variance, "F test"),
    (drawn_mean, "two-sample z test"),
    (drawn_share, "Fisher's exact test"),
    (drawn_bounded_variance, "disjoint intervals"),
    (drawn_distribution, "disjoint intervals"),
    (drawn_extreme, "disjoint intervals"),
]


@pytest.mark.parametrize(("draw", "method"), DRAWN, ids=lambda value: getattr(value, "__name__", ""))
def test_p_values_of_unchanged_code_are_no_smaller_than_they_say(draw, method):
    """P(p <= x) <= x for both noises together: refuted at 1e-6 by the exact binomial, at four levels."""
    rng = np.random.default_rng(20260101)
    pairs = 2000
    found = [two_sample(draw(rng), draw(rng), dependent=False) for _ in range(pairs)]
    assert {name for _, name in found} == {method}
    for level in (0.001, 0.01, 0.05, 0.2):
        hits = sum(p <= level for p, _ in found)
        assert stats.binom.sf(hits - 1, pairs, level) > 1e-6, (level, hits)


def test_exact_two_sample_tests_are_exact():
    """Not only bounds: the F and z tests use all of their level, so that no power is given away."""
    rng = np.random.default_rng(7)
    for draw in (drawn_variance, drawn_mean):
        p = [two_sample(draw(rng), draw(rng), dependent=False)[0] for _ in range(3000)]
        assert stats.kstest(p, "uniform").pvalue > 1e-6


def test_two_samples_are_those_of_scipy():
    a, b = variance(np.random.default_rng(1), n=300), variance(np.random.default_rng(2), n=500)
    ratio = b.evidence.observed / a.evidence.observed
    p, _ = two_sample(a, b, dependent=False)
    assert p == pytest.approx(2 * min(stats.f.sf(ratio, 500, 300), stats.f.cdf(ratio, 500, 300)), rel=1e-6)
    for hits, others in ((5, 12), (40, 12), (0, 0), (90, 91), (150, 10)):
        shares = [
            finding(binomial.share(k, 150, RATES, expected=0.3, quantity="q, layer 1"))
            for k in (hits, others)
        ]
        table = [[hits, 150 - hits], [others, 150 - others]]
        tails = [stats.fisher_exact(table, alternative=side).pvalue for side in ("greater", "less")]
        p, name = two_sample(shares[1], shares[0], dependent=False)
        assert name == "Fisher's exact test"
        parts = max(1.0, *(sample(s).parts for s in shares))
        assert p == pytest.approx(min(1.0, parts * min(1.0, 2 * min(tails))), rel=1e-6)


def test_the_evidence_proves_its_own_law():
    """A sample is known by the tolerance that law and n reproduce; over how many parts it was split, too."""
    rng = np.random.default_rng(3)
    assert sample(variance(rng, n=777)).parts == pytest.approx(1.0, rel=1e-6)
    part = Rates(false_fail=RATES.false_fail / 5)
    parts = [marginal.variance(rng.chisquare(100), 100, part, quantity="gain, layer 1") for _ in range(5)]
    assert sample(finding(worst(parts))).parts == pytest.approx(5.0, rel=1e-6)
    foreign = replace(variance(rng, n=777).evidence, n=3000)
    assert sample(finding(foreign)) is None
    assert sample(drawn_distribution(rng)) is None


def test_the_worst_of_several_parts_is_tested_only_against_the_same_part():
    part = Rates(false_fail=RATES.false_fail / 2)

    def of(layer, total):
        found = marginal.variance(total, 1000, part, quantity=f"gain, layer {layer}")
        return finding(worst([found, found]))

    p, name = two_sample(of(1, 1000.0), of(1, 1400.0), dependent=False)
    assert name == "F test"
    assert p == pytest.approx(2 * 2 * stats.f.sf(1.4, 1000, 1000), rel=1e-3)
    assert two_sample(of(1, 1000.0), of(2, 1400.0), dependent=False)[1] == "disjoint intervals"


@given(level=st.floats(1e-12, 1e-10), n=st.sampled_from([2, 3, 10, 200, 50_000]), seed=st.integers(0, 10_000))
def test_a_stretched_interval_covers_the_one_of_the_stricter_level(level, n, seed):
    """Intervals at 1e-9 are stretched to any stricter level, never too little: chi-square and normal."""
    rng = np.random.default_rng(seed)
    total = float(rng.chisquare(n))
    stricter = Rates(false_fail=level)
    for test in (marginal.variance, marginal.mean):
        seen = total if test is marginal.variance else total - n
        wide, given_at = (test(seen, n, rates, quantity="q") for rates in (stricter, RATES))
        low, high = distances(finding(given_at), log_level(level))
        want = distances(finding(wide, rates=stricter), log_level(level))
        assert low <= want[0] * (1 + 1e-9)
        assert high >= want[1] * (1 - 1e-9)


def test_both_noises_count():
    """A run that strays by 5 of its own standard errors from a single other run is no change."""
    n = 10_000
    old, new = (
        finding(marginal.variance(n * (1 + z * math.sqrt(2 / n)), n, RATES, quantity="q"), discrepancy=0.2)
        for z in (-2.5, 2.5)
    )
    one_sided = 2 * stats.norm.sf(5.0)
    p, _ = two_sample(old, new, dependent=False)
    assert p > 100 * one_sided
    assert disjoint(old, new) == 1.0
    assert state(old, new) is State.unchanged


# -- states ----------------------------------------------------------------------------------------


def test_a_change_beyond_doubt_is_named_by_its_direction():
    rng = np.random.default_rng(10)
    right, wrong, worse = (variance(rng, ratio=ratio) for ratio in (1.0, 1.1, 1.3))
    below = variance(rng, ratio=0.9)
    assert state(right, wrong) is State.regressed
    assert state(wrong, right) is State.improved
    assert state(wrong, worse) is State.regressed
    assert state(worse, wrong) is State.improved
    assert state(right, below) is State.regressed


def test_direction_is_the_distance_to_theory_and_not_to_the_older_value():
    """From 0.7 to 1.1 is a large change, and towards theory."""
    rng = np.random.default_rng(11)
    assert state(variance(rng, ratio=0.7), variance(rng, ratio=1.1)) is State.improved
    assert state(variance(rng, ratio=1.1), variance(rng, ratio=0.7)) is State.regressed


@given(ratios=st.tuples(st.floats(0.985, 1.015), st.floats(0.985, 1.015)), same_root=st.booleans())
def test_two_passes_are_never_a_regression(ratios, same_root):
    old, new = (finding(marginal.variance(N * r, N, RATES, quantity="q")) for r in ratios)
    assume(old.verdict is new.verdict is Verdict.passed)
    assert state(old, new, roots=(1, 1 if same_root else 2)) not in (State.regressed, State.improved)


def test_a_significant_change_inside_the_margin_is_changed_and_does_not_fail():
    """Both pass a tolerance of 0.011; 0.991 and 1.009 differ by six standard errors of their difference."""
    n = N
    old, new = (
        finding(marginal.variance(n * ratio, n, Rates(false_fail=1e-9), quantity="q"))
        for ratio in (0.991, 1.009)
    )
    found = compare(report(old), report(new, root=2))
    assert [change.state for change in found.changes] == [State.changed]
    assert found


def test_a_turned_verdict_within_both_noises_is_undecided():
    """The older run passed by a hair and the newer one failed by a hair: the code may well be the same."""
    n = N
    old, new = (finding(marginal.variance(n * r, n, RATES, quantity="q")) for r in (1.0108, 1.0114))
    assert (old.verdict, new.verdict) == (Verdict.passed, Verdict.failed)
    (change,) = compare(report(old), report(new, root=2)).changes
    assert change.state is State.undecided
    assert change.needs > n
    assert f"\n  needs     about n = {change.needs} in each run" in str(change)
    (change,) = compare(report(old), report(new)).changes
    assert change.state is State.regressed
    assert (change.p, change.interval) == (None, None)  # no test found it: one root gave other numbers
    assert "test" not in str(change)


def test_other_versions_unpair_runs_of_one_root():
    n = N
    old, new = (finding(marginal.variance(n * r, n, RATES, quantity="q")) for r in (1.0108, 1.0114))
    found = compare(report(old), report(new, environment=(("numpy", "3"),)))
    assert found.changes[0].state is State.undecided
    assert "environments differ: numpy 2 -> 3" in found.notes


def test_what_fails_as_before_is_unchanged_at_fresh_roots():
    """Known failures in the baseline are no alarm, whatever the root: 200 pairs, none worse or better."""
    rng = np.random.default_rng(13)
    states = [state(variance(rng, ratio=1.1), variance(rng, ratio=1.1)) for _ in range(200)]
    assert not set(states) & set(WRONG)
    assert states.count(State.unchanged) > 150


def test_code_that_breaks_its_law_is_not_trusted_to_have_the_laws_noise():
    """Heavy tails make a variance noisy: where the law failed in both runs, a turned verdict is no proof."""
    n = N
    shape_fails = finding(
        marginal.distribution(np.bincount(np.zeros(9000, int), minlength=marginal.GRID), RATES, quantity="F"),
        check="IN205",
    )
    assert shape_fails.verdict is Verdict.failed
    old, new = (finding(marginal.variance(n * r, n, RATES, quantity="q")) for r in (1.0, 1.025))
    alone = compare(report(old), report(new, root=2))
    assert alone.counts["regressed"] == 1
    beside = compare(report(old, shape_fails), report(new, shape_fails, root=2))
    assert beside.counts["regressed"] == 0
    assert beside.counts["undecided"] == 1


def test_exact_claims_regress_whatever_the_root():
    right, wrong = exact(0.0), exact(0.01)
    for roots in ((1, 1), (1, 2)):
        assert state(right, wrong, roots=roots) is State.regressed
        assert state(wrong, right, roots=roots) is State.improved
    assert state(exact(1e-12), exact(1e-10)) is State.unchanged
    assert state(exact(0.5), exact(0.1), roots=(1, 1)) is State.improved
    assert state(exact(0.1), exact(0.5), roots=(1, 2)) is State.undecided


def test_crashes_and_declared_failures():
    right = exact(0.0)
    crashed = replace(right, verdict=Verdict.errored, evidence=None, reason="ValueError: no (in f, line 3)")
    elsewhere = replace(crashed, reason="ValueError: 17 (in f, line 9)")
    another = replace(crashed, reason="TypeError: no")
    assert state(right, crashed) is State.regressed
    assert state(crashed, right) is State.improved
    assert state(crashed, elsewhere) is State.unchanged
    assert state(crashed, another) is State.changed
    declared = replace(exact(0.5), excuse="known, see #7")
    (change,) = compare(report(right), report(declared)).changes
    assert change.state is State.changed
    assert "known, see #7" in change.reason


def test_what_may_not_be_compared_says_why():
    rng = np.random.default_rng(14)
    one = variance(rng)
    other_claim = replace(one.claim, equation="E = 1")
    cases = {
        "discrepancy 0.02 before, 0.05 now": replace(one, discrepancy=0.05),
        "the claim was 'IN201 holds' before, is 'E = 1' now": replace(one, claim=other_claim),
        "skipped now: too small": replace(one, verdict=Verdict.skipped, evidence=None, reason="too small"),
        "judged without chance now, otherwise before": replace(one, evidence=replace(one.evidence, p=None)),
        "'Var[W] / predicted' was measured before, 'kurtosis' now": replace(
            one, evidence=replace(one.evidence, quantity="kurtosis")
        ),
        "dtype of its own before, float16 now": replace(one, case=Case(shape=(8, 8), dtype="float16")),
    }
    for reason, other in cases.items():
        (change,) = compare(report(one), report(other)).changes
        assert (change.state, change.reason) == (State.incomparable, reason)


def test_nothing_is_silent():
    a, b, c = (exact(0.0, shape=(size,)) for size in (1, 2, 3))
    found = compare(report(a, b), report(b, c))
    assert found.counts["gone"] == found.counts["new"] == found.counts["identical"] == 1
    assert "gone (not run again): mine GR201 (1)" in str(found)
    assert sum(found.counts.values()) == 3
    assert not compare(report(a), report(c))
    assert "nothing to compare" in str(compare(report(a), report(c)))


def test_findings_that_share_a_key_are_counted_and_not_compared():
    (change,) = compare(report(exact(0.0), exact(0.5)), report(exact(0.5))).changes
    assert change.state is State.incomparable
    assert "2 findings of the older report have this target" in change.reason


def test_a_partial_run_is_never_green():
    one = exact(0.0)
    found = compare(report(one), report(one, complete=False))
    assert not found
    assert any(note.startswith("INCOMPLETE: of the newer run") for note in found.notes)
    assert compare(report(one, complete=False), report(one))


def test_a_ruling_that_changed_is_named_and_does_not_fail():
    ruling = Ruling(id="T05", ruling=Outcome.holds, claim="c", summary="s")
    old = report(exact(0.0), rulings=(ruling,))
    new = report(exact(0.0), rulings=(replace(ruling, ruling=Outcome.depends),))
    found = compare(old, new)
    assert [(change.check, change.state) for change in found.rulings] == [("T05", State.changed)]
    assert found
    assert "holds before, depends now" in str(found)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_never_passes_for_unchanged(value):
    numbers = {"expected": 1.0, "observed": value, "distance": value, "tolerance": 0.1}
    fails = Evidence(quantity="Var[W] / predicted", **numbers, n=9, p=0.0)
    wrong, right = finding(fails), variance(np.random.default_rng(1))
    assert state(right, wrong) is State.regressed
    assert state(wrong, right) is State.improved
    assert state(wrong, wrong) is State.identical
    assert state(variance(np.random.default_rng(1), ratio=1.5), wrong) is State.regressed


@given(
    numbers=st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=10, max_size=10),
    n=st.sampled_from([0, 1, 2, 500, 2**60, -3]),
    basis=st.sampled_from(["chi-square", "normal", "binomial", "Chernoff", "chi-square, Sidak"]),
    p=st.sampled_from([None, 0.0, 1.0]),
    interval=st.booleans(),
)
def test_hostile_numbers_break_nothing(numbers, n, basis, p, interval):
    names = ("expected", "observed", "distance", "tolerance", "resolution")

    def made(values):
        kept = dict(zip(names, values, strict=True))
        return finding(
            Evidence(
                quantity="q", **kept, n=n, basis=basis, p=p, interval=tuple(values[:2]) if interval else None
            )
        )

    old, new = made(numbers[:5]), made(numbers[5:])
    found = compare(report(old), report(new, root=2))
    assert sum(found.counts.values()) == 1
    assert str(found)
    assert len(found.exhibits) >= 1


# -- the whole -------------------------------------------------------------------------------------


def test_unchanged_code_compares_clean_at_fresh_roots(whole):
    for root in range(100, 104):
        fresh = verinit.verify(he_normal, scheme="he_normal", cases=("16x16",), root=root)
        found = compare(whole, fresh)
        assert not found.of(*WRONG, State.undecided, State.incomparable)
        assert found


def test_planted_regressions_are_seen_at_any_root(whole):
    spread = math.sqrt(2.0 / 16)
    planted = {
        "std": lambda shape, rng: 1.05 * he_normal(shape, rng),
        "uniform": lambda shape, rng: rng.uniform(-1, 1, shape) * math.sqrt(3) * spread,
        "clipped": lambda shape, rng: np.clip(he_normal(shape, rng), -2.5 * spread, 2.5 * spread),
        "shifted": lambda shape, rng: he_normal(shape, rng) + 0.05 * spread,
        "copied rows": lambda shape, rng: np.repeat(
            he_normal((shape[0] // 2, shape[1]), rng) / math.sqrt(2), 2, 0
        ),
    }
    right = replace(whole, findings=tuple(replace(f, target="mine") for f in whole.findings))
    for name, wrong in planted.items():
        for root in (5, 77):
            new = verinit.verify(wrong, scheme="he_normal", cases=("16x16",), root=root, name="mine")
            found = compare(right, new)
            assert found.of(State.regressed), (name, root)
            assert not found
            assert compare(new, right).of(State.improved), (name, root)


def test_holm_is_shared_by_all_pairs():
    """One p-value that would do alone is not enough among thousands."""
    n = N
    pairs = [(0.9925, 1.0085), *([(1.0, 1.0001)] * 3000)]

    def of(side):
        return [
            finding(marginal.variance(n * pair[side], n, RATES, quantity="q"), shape=(i + 1,))
            for i, pair in enumerate(pairs)
        ]

    old, new = of(0), of(1)
    alone = compare(report(old[0]), report(new[0], root=2))
    among = compare(report(*old), report(*new, root=2))
    assert alone.counts["changed"] == 1
    assert among.counts["changed"] == 0
    assert among.tested == 3001


def test_equivalence_keeps_its_rate():
    """`within` says "inside the margin" of what lies on the margin at most once in a thousand."""
    rng = np.random.default_rng(21)
    rates = Rates(false_fail=1e-9, false_pass=1e-3)
    n = 200_000

    def one(ratio):
        return finding(marginal.variance(ratio * rng.chisquare(n), n, rates, quantity="q"), rates=rates)

    hits = sum(within(one(1.1), one(1.13), 0.03, dependent=False) for _ in range(3000))
    assert stats.binom.sf(hits - 1, 3000, 1e-3) > 1e-6


@pytest.mark.parametrize("alpha", [0.0, 0.5, -1.0, math.nan, 1.0])
def test_an_alpha_that_is_no_rate_is_refused(alpha):
    with pytest.raises(verinit.UsageError, match=r"alpha=.*a rate lies strictly between 0 and 0\.5"):
        compare(report(exact(0.0)), report(exact(0.0)), alpha=alpha)


def test_what_is_no_report_is_refused():
    with pytest.raises(verinit.UsageError, match=r"new='report.json': a Report is compared with a Report"):
        compare(report(exact(0.0)), "report.json")
