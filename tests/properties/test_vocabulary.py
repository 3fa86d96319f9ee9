"""The nouns: frozen, exact in JSON and in words, and judged by one inequality."""

import dataclasses
import json
import math
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.laws.schemes import CATALOGUE, parse, scheme
from verinit.vocabulary import (
    FAMILIES,
    MODES,
    ROOT,
    Axis,
    Battery,
    Case,
    Check,
    Claim,
    Evidence,
    Exhibit,
    Fault,
    Finding,
    Measured,
    Outcome,
    Rates,
    Report,
    Ruling,
    Scheme,
    Target,
    Trial,
    UsageError,
    Verdict,
    entropy,
    judge,
    parameter,
)
from verinit.vocabulary.document import decode, encode, plain, restore

FEW = settings(max_examples=settings.default.max_examples // 4)
HOSTILE = [
    "",
    "null",
    "true",
    "NaN",
    "Infinity",
    "1e5",
    "</script>",
    "\x00\x1b[31m",
    "\u202e초기값 🦊",
    '"\\\n',
]
texts = st.text(max_size=12) | st.sampled_from(HOSTILE)
reals = st.floats()
finite = st.floats(allow_nan=False, allow_infinity=False)
positive = st.floats(min_value=1e-300, max_value=1e300)
rates = st.builds(
    Rates,
    false_fail=st.floats(min_value=0, max_value=0.5, exclude_min=True, exclude_max=True),
    false_pass=st.floats(min_value=0, max_value=0.5, exclude_min=True, exclude_max=True),
)
identifiers = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
words = st.from_regex(r"[A-Za-z0-9_.+\-]{1,9}", fullmatch=True).filter(
    lambda word: type(parameter(word)) is str
)
tricky = st.sampled_from(["True", "FALSE", "null", "None", "yes", "t", "0x1", "1e", "-", "."])
values = st.booleans() | st.integers() | finite | words | tricky
cases = st.builds(
    Case,
    shape=st.lists(st.integers(0, 10**6), max_size=5).map(tuple),
    dtype=st.none() | identifiers | st.just("null"),
    draw=st.integers(0, 10**20),
    parameters=st.dictionaries(identifiers, values, max_size=3).map(lambda pairs: tuple(pairs.items())),
)
evidence = st.builds(
    Evidence,
    quantity=texts,
    expected=reals,
    observed=reals,
    distance=reals,
    tolerance=reals,
    resolution=reals,
    interval=st.none() | st.tuples(reals, reals),
    n=st.integers(0, 10**15),
    basis=texts,
    p=st.none() | st.floats(0, 1),
    log10_p=st.none() | reals,
    detail=texts,
)
axes = st.builds(Axis, label=texts, unit=texts, log=st.booleans())


@st.composite
def exhibits(draw):
    kind = draw(st.sampled_from(["histogram", "curve", "table"]))
    x = draw(st.lists(reals, min_size=1, max_size=4).map(tuple))
    series = st.tuples(*[reals] * (len(x) - (kind == "histogram")))
    header = draw(st.lists(texts, max_size=3).map(tuple))
    return Exhibit(
        id=draw(texts),
        kind=kind,
        title=draw(texts),
        caption=draw(texts),
        x_axis=draw(axes),
        y_axis=draw(axes),
        x=x,
        observed=draw(series),
        expected=draw(series | st.just(())),
        band=draw(st.none() | st.tuples(series, series)),
        n=draw(st.integers(0, 10**9)),
        plate=draw(texts),
        notes=draw(st.lists(st.tuples(texts, texts), max_size=2).map(tuple)),
        header=header,
        rows=draw(st.lists(st.tuples(*[texts] * len(header)), max_size=2).map(tuple)),
    )


claims = st.sampled_from(["IN101", "IN201", "AC301"]).map(
    lambda code: Claim(id=code, summary=f"{code} </b>", equation="W ~ '\"\\", source="He et al. 2015, eq. 10")
)
findings = st.builds(
    Finding,
    claim=claims,
    target=texts,
    case=cases,
    root=st.integers(0, 2**80),
    rates=rates,
    discrepancy=finite,
    verdict=st.sampled_from(Verdict),
    evidence=st.none() | evidence,
    likely=texts,
    reason=texts,
    excuse=texts,
    replayable=st.booleans(),
    sufficient=st.lists(st.tuples(texts, reals), max_size=2).map(tuple),
    exhibits=st.lists(exhibits(), max_size=1).map(tuple),
)
rulings = st.builds(
    Ruling,
    id=texts,
    ruling=st.sampled_from(Outcome),
    claim=texts,
    summary=texts,
    conditions=texts,
    evidence=st.lists(evidence, max_size=2).map(tuple),
    exhibits=st.lists(exhibits(), max_size=1).map(tuple),
)
reports = st.builds(
    Report,
    battery=texts,
    root=st.integers(0, 2**80),
    false_fail=st.floats(0, 0.5),
    planned=st.integers(0, 99),
    unasked=st.integers(0, 99),
    findings=st.lists(findings, max_size=3).map(tuple),
    rulings=st.lists(rulings, max_size=2).map(tuple),
    surprises=st.lists(texts, max_size=2).map(tuple),
    exhibits=st.lists(exhibits(), max_size=1).map(tuple),
    complete=st.booleans(),
    environment=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    run=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
)


@st.composite
def schemes(draw):
    family = draw(st.sampled_from(FAMILIES))
    low, high = sorted(draw(st.lists(st.floats(allow_nan=False), min_size=2, max_size=2, unique=True)))
    return Scheme(
        name=draw(texts),
        family=family,
        scale=draw(positive),
        mode=draw(st.sampled_from(MODES)),
        mean=draw(finite),
        cut=(low, high) if family == "truncated_normal" else None,
        corrected=draw(st.booleans()),
    )


def there_and_back(noun):
    """The noun after a trip through strict JSON text."""
    return restore(json.loads(json.dumps(plain(noun), allow_nan=False)), type(noun))


@pytest.mark.parametrize(
    "nouns",
    [claims, schemes(), cases, rates, evidence, exhibits(), findings, rulings, reports],
    ids=["Claim", "Scheme", "Case", "Rates", "Evidence", "Exhibit", "Finding", "Ruling", "Report"],
)
@FEW
@given(data=st.data())
def test_a_noun_survives_json(nouns, data):
    noun = data.draw(nouns)
    # repr tells nan from nan, -0.0 from 0.0 and 1 from True and 1.0, which == does not
    assert repr(there_and_back(noun)) == repr(noun)


@FEW
@given(reports)
def test_a_report_file_holds_the_whole_report(report):
    ordered = replace(report, findings=tuple(sorted(report.findings, key=lambda found: found.id)))
    assert repr(decode(encode(report))) == repr(ordered)


def test_an_id_survives_json_whatever_kind_of_number_was_promised():
    found = replace(finding("failed"), discrepancy=28)
    assert there_and_back(found).id == found.id


@given(cases)
def test_a_case_reads_back_what_it_prints(case):
    assert repr(Case.parse(str(case))) == repr(case)


@given(cases, cases)
def test_two_cases_print_alike_only_if_they_are_equal(one, other):
    assert (str(one) == str(other)) == (repr(one) == repr(other))


@given(cases)
def test_parameters_have_no_order(case):
    assert replace(case, parameters=case.parameters[::-1]) == case


@pytest.mark.parametrize(
    ("text", "case"),
    [
        ("64x32", Case(shape=(64, 32))),
        ("scalar", Case(shape=())),
        ("0x3#2", Case(shape=(0, 3), draw=2)),
        (
            "64x32/float32?groups=4#7",
            Case(shape=(64, 32), dtype="float32", draw=7, parameters=(("groups", 4),)),
        ),
        ("5?b=true,a=0.5", Case(shape=(5,), parameters=(("a", 0.5), ("b", True)))),
    ],
)
def test_a_case_is_read_as_people_write_it(text, case):
    assert Case.parse(text) == case


@pytest.mark.parametrize(
    "text", ["", "64 x 32", "64x", "x32", "-3x2", "64*32", "64x32#", "64x32#-1", "64x32?", "64x32/", "a"]
)
def test_what_is_no_case_is_told_how_one_reads(text):
    with pytest.raises(UsageError) as raised:
        Case.parse(text)
    assert str(raised.value) == (
        f"case={text!r}: a case reads like '64x32', '3x5x8x16/float32' or '64x32/float32?groups=4#7'"
    )


DTYPES = "a dtype is one word such as 'float32', or None"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"shape": (3, -1)}, "shape=(3, -1): a shape is a tuple of whole numbers, none below 0"),
        ({"shape": (3.0,)}, "shape=(3.0,): a shape is a tuple of whole numbers, none below 0"),
        ({"shape": (True,)}, "shape=(True,): a shape is a tuple of whole numbers, none below 0"),
        ({"shape": (3,), "draw": -1}, "draw=-1: draws are numbered from 0"),
        (
            {"shape": (3,), "parameters": (("a b", 1),)},
            "parameter a b=1: names are identifiers, values are numbers or plain words",
        ),
        (
            {"shape": (3,), "parameters": (("a", "x,y"),)},
            "parameter a='x,y': names are identifiers, values are numbers or plain words",
        ),
        (
            {"shape": (3,), "parameters": (("a", "4"),)},
            "parameter a='4': the word '4' reads as a number or truth value",
        ),
        *(
            ({"shape": (3,), "dtype": dtype}, f"dtype={dtype!r}: {DTYPES}")
            for dtype in ("float 32", "", "0", "float32\n", "8bit")
        ),
        *(
            (
                {"shape": (3,), "parameters": (("a", value),)},
                f"parameter a={value!r}: a number must be finite",
            )
            for value in (math.nan, math.inf, -math.inf)
        ),
        *(
            ({"shape": (3,), "parameters": pairs}, f"parameters={pairs!r}: every parameter is given once")
            for pairs in ((("a", 1), ("a", 2)), (("a", 1), ("b", 2), ("a", "x")))
        ),
    ],
)
def test_a_case_that_could_not_be_read_back_is_refused(arguments, sentence):
    with pytest.raises(UsageError) as raised:
        Case(**arguments)
    assert str(raised.value) == sentence


@given(
    st.none() | texts,
    st.lists(st.tuples(st.sampled_from(["a", "b", "", "a b"]), reals | texts | values), max_size=3),
)
def test_every_case_that_is_accepted_survives_words_and_json(dtype, pairs):
    try:
        case = Case(shape=(3,), dtype=dtype, parameters=tuple(pairs))
    except UsageError:
        return
    assert len(dict(case.parameters)) == len(case.parameters)
    assert repr(Case.parse(str(case))) == repr(there_and_back(case)) == repr(case)


def test_numbers_of_evidence_are_floats_whatever_was_measured():
    seen = Evidence(quantity="q", expected=np.float32(1), observed=2, distance=True, tolerance=np.int64(3))
    numbers = (seen.expected, seen.observed, seen.distance, seen.tolerance, seen.resolution)
    assert repr(numbers) == "(1.0, 2.0, 1.0, 3.0, 0.0)"
    assert repr(there_and_back(seen)) == repr(seen)


def parameter_of(name, default):
    """A strategy for one parameter of a catalogue row."""
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, str):
        return st.sampled_from(MODES if name == "mode" else ["normal", "uniform", "truncated_normal"])
    # squares of these stay finite and above 0
    size = st.floats(min_value=1e-50, max_value=1e50)
    return size if name in ("std", "gain", "scale") else size | size.map(lambda x: -x) | st.just(0.0)


@pytest.mark.parametrize("name", CATALOGUE)
@FEW
@given(data=st.data())
def test_every_scheme_reads_back_what_it_prints(name, data):
    defaults = CATALOGUE[name].defaults
    optional = {key: parameter_of(key, value) for key, value in defaults.items()}
    given_ = data.draw(st.fixed_dictionaries({}, optional=optional))
    chosen = {**defaults, **given_}
    if "low" in chosen and not chosen["low"] < chosen["high"]:
        with pytest.raises(UsageError, match=r"low"):
            scheme(name, **given_)
        return
    made = scheme(name, **given_)
    assert parse(str(made)) == made


SCHEMES = ["he_normal", "glorot_uniform", "kaiming_normal", "normal(std=0.02/sqrt(2*12))", "normal(0.02)"]


@pytest.mark.parametrize("text", SCHEMES)
def test_a_spelling_people_use_is_a_scheme_that_reads_back(text):
    assert parse(str(parse(text))) == parse(text)


@given(texts | st.builds("{}({})".format, st.sampled_from(list(CATALOGUE)), texts))
def test_no_text_makes_a_scheme_raise_anything_but_a_usage_error(text):
    try:
        made = parse(text)
    except UsageError:
        return
    assert parse(str(made)) == made


@pytest.mark.parametrize(
    "text", ["normal(std=1e200)", "he_normal(negative_slope=1e200)", f"normal({10**400})"]
)
def test_a_number_too_large_to_square_is_a_usage_error(text):
    with pytest.raises(UsageError):
        parse(text)


@pytest.mark.parametrize(
    ("distance", "tolerance", "resolution", "discrepancy", "verdict"),
    [
        (0.0, 0.0, 0.0, 0.0, "passed"),
        (0.0, 0.0, 0.1, 0.0, "inconclusive"),
        (1e-300, 0.0, 0.0, 0.0, "failed"),
        (1.0, 1.0, 0.0, 0.0, "passed"),
        (math.nextafter(1.0, 2.0), 1.0, 0.0, 0.0, "failed"),
        (0.5, 1.0, 2.0, 2.0, "passed"),
        (0.5, 1.0, math.nextafter(2.0, 3.0), 2.0, "inconclusive"),
        (2.0, 1.0, 9.0, 0.1, "failed"),
        (0.5, 1.0, math.nan, 0.1, "inconclusive"),
        (0.5, 1.0, math.inf, 0.1, "inconclusive"),
        (0.5, 1.0, 0.1, math.nan, "inconclusive"),
        (math.nan, 1.0, 0.0, 0.1, "failed"),
        (math.inf, 1.0, 0.0, 0.1, "failed"),
        (-math.inf, 1.0, 0.0, 0.1, "failed"),
        (math.inf, math.inf, 0.0, 0.1, "failed"),
        (math.nan, math.nan, 0.0, 0.1, "failed"),
        (0.5, math.nan, 0.0, 0.1, "failed"),
        (0.5, math.inf, 0.0, 0.1, "passed"),
        (0.0, -1.0, 0.0, 0.1, "failed"),
    ],
)
def test_the_judge_has_one_inequality(distance, tolerance, resolution, discrepancy, verdict):
    seen = Evidence(
        quantity="q",
        expected=0.0,
        observed=0.0,
        distance=distance,
        tolerance=tolerance,
        resolution=resolution,
    )
    assert str(judge(seen, discrepancy)) == verdict


@given(evidence, reals)
def test_nothing_passes_that_is_too_far_or_could_not_have_been_seen(seen, discrepancy):
    verdict = judge(seen, discrepancy)
    assert verdict in (Verdict.passed, Verdict.inconclusive, Verdict.failed)
    if verdict is not Verdict.failed:
        assert math.isfinite(seen.distance)
        assert seen.distance <= seen.tolerance
    if verdict is Verdict.passed:
        assert seen.resolution <= discrepancy


@pytest.mark.parametrize("p", [-5e-324, math.nextafter(1.0, 2.0), math.nan, math.inf, -math.inf])
def test_p_outside_its_range_is_refused(p):
    with pytest.raises(UsageError, match=r"^p=.* for 'q': a p-value lies between 0 and 1$"):
        Evidence(quantity="q", expected=0.0, observed=0.0, distance=0.0, tolerance=0.0, p=p)


@pytest.mark.parametrize("rate", [0.0, 0.5, -0.1, math.nan, math.inf])
@pytest.mark.parametrize("name", ["false_fail", "false_pass"])
def test_a_rate_outside_its_range_is_refused(name, rate):
    with pytest.raises(UsageError) as raised:
        Rates(**{name: rate})
    assert str(raised.value) == f"{name}={rate!r}: a rate lies strictly between 0 and 0.5"


def finding(verdict, *, excuse=""):
    return Finding(
        claim=Claim(id="IN201", summary="s", equation="e", source="definition"),
        target="t",
        case=Case(shape=(2,)),
        root=ROOT,
        rates=Rates(),
        discrepancy=0.0,
        verdict=Verdict(verdict),
        excuse=excuse,
    )


PASS = finding("passed")
TOLD = Ruling(id="T01", ruling=Outcome.refuted, claim="c", summary="s")


@pytest.mark.parametrize(
    ("verdict", "excuse", "red"),
    [
        ("passed", "", False),
        ("failed", "", True),
        ("errored", "", True),
        ("inconclusive", "", False),
        ("skipped", "", False),
        ("passed", "known", True),
        ("failed", "known", False),
        ("errored", "known", False),
        ("inconclusive", "known", False),
        ("skipped", "known", False),
    ],
)
def test_a_finding_is_red_if_it_broke_without_excuse_or_kept_an_excuse_in_vain(verdict, excuse, red):
    found = finding(verdict, excuse=excuse)
    assert found.red is red
    assert bool(report(PASS, found)) is not red


def report(*found, **changes):
    given_ = {"battery": "smoke", "root": ROOT, "false_fail": 1e-6, "planned": len(found), "findings": found}
    return Report(**{**given_, **changes})


@pytest.mark.parametrize(
    ("whole", "green"),
    [
        (report(PASS), True),
        (report(PASS, finding("inconclusive"), finding("skipped")), True),
        (report(PASS, finding("failed", excuse="known")), True),
        (report(PASS, complete=False), False),
        (report(PASS, surprises=("T05: expected holds, got refuted",)), False),
        (report(), False),
        (report(finding("skipped")), False),
        (report(finding("inconclusive")), False),
        (report(finding("failed", excuse="known")), False),
        (report(planned=0, rulings=(TOLD,)), True),
        (report(planned=3, rulings=(TOLD,)), False),
        (report(planned=0, rulings=(TOLD,), complete=False), False),
        (report(PASS, rulings=(TOLD,)), True),
    ],
)
def test_a_report_is_green_only_if_something_passed_and_nothing_is_wrong_or_missing(whole, green):
    assert bool(whole) is green


def test_every_verdict_is_counted_also_where_it_is_nought():
    counts = report(PASS, PASS, finding("failed")).counts
    assert counts == {"passed": 2, "failed": 1, "inconclusive": 0, "skipped": 0, "errored": 0}


def test_red_findings_come_worst_first():
    seen = Evidence(quantity="q", expected=0.0, observed=1.0, distance=1.0, tolerance=0.5)
    worse, exact = replace(seen, distance=9.0), replace(seen, tolerance=0.0)
    failed = [replace(finding("failed"), evidence=one, target=one.basis) for one in (seen, worse, exact)]
    crash = finding("errored")
    assert report(*failed, crash).red == (crash, failed[2], failed[1], failed[0])


def test_entropy_is_the_same_on_every_machine_and_for_ever():
    # sha256 of "20260101", "torch:Linear", "IN201", "64x32#0" joined by the unit separator, as
    # little-endian words; found with coreutils' sha256sum
    digest = bytes.fromhex("c02baf751acb2da6e3550c299a62dd600f9a2fd309cebf32a68bfed7357445b4")
    golden = [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 32, 4)]
    assert entropy(ROOT, "torch:Linear", "IN201", "64x32#0") == golden
    assert golden[0] == 0x75AF2BC0


contents = st.tuples(st.integers(0, 2**40), st.lists(st.from_regex(r"[a-z0-9#:x]{0,4}", fullmatch=True)))


@given(contents, contents)
def test_entropy_is_a_function_of_content_and_of_nothing_else(one, other):
    # 256 bits: an accidental collision has probability 2^-256 per pair
    same = entropy(one[0], *one[1]) == entropy(other[0], *other[1])
    assert same == (one == other)


def test_trailing_noughts_make_another_stream():
    assert entropy(1, 0) != entropy(1, 0, 0) != entropy(1)


def test_words_cannot_flow_into_one_another():
    assert entropy(1, "ab", "c") != entropy(1, "a", "bc")
    assert entropy(1, "2") != entropy(12)


NOUNS = [
    Axis,
    Battery,
    Case,
    Check,
    Claim,
    Evidence,
    Exhibit,
    Fault,
    Finding,
    Measured,
    Rates,
    Report,
    Ruling,
    Scheme,
    Target,
    Trial,
]


@pytest.mark.parametrize("noun", NOUNS, ids=lambda noun: noun.__name__)
def test_a_noun_is_frozen_slotted_and_keyword_only(noun):
    assert noun.__dataclass_params__.frozen
    assert noun.__dictoffset__ == 0  # instances have no __dict__
    assert set(noun.__slots__) == {field.name for field in fields(noun)}
    assert all(field.kw_only for field in fields(noun))
    assert noun.__mro__ == (noun, object)
    with pytest.raises(TypeError):
        noun(*[None] * len(fields(noun)))


def test_a_noun_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PASS.verdict = Verdict.failed
    with pytest.raises((AttributeError, TypeError)):
        object.__setattr__(PASS, "colour", "red")
