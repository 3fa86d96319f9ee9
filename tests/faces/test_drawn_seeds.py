"""Inside `@given` chance is a function of the place; a drawn seed is refused, and the remedy named."""

import pytest

HEAD = """
import numpy as np
import verinit
from cli_net import fixed, he
from hypothesis import HealthCheck, given, settings, strategies as st

mine = verinit.target(he, scheme="he_normal")
place = verinit.Case.parse("16x16")
quiet = settings(deadline=None, max_examples=10, database=None, derandomize=True)

"""
REMEDY = [
    "Draw the place to look at instead; its content is the seed:",
    "    @given(case=verinit.cases_for(mine))",
    '    def test_it(case): verinit.CHECKS["{code}"](mine, case)',
]
SMOKE = "battery='smoke', cases=['13x11']"
WRONG = {
    "an argument called seed": (
        "@quiet\n@given(seed=st.integers(0))\ndef test_it(seed):\n"
        f"    verinit.verify(he, scheme='he_normal', {SMOKE}, root=seed)\n",
        "'seed' is drawn by Hypothesis",
        "IN106",
    ),
    "a root": (
        "@quiet\n@given(number=st.integers(0, 99))\ndef test_it(number):\n"
        f"    verinit.verify(he, scheme='he_normal', {SMOKE}, root=number)\n",
        "the root of IN106 is drawn by Hypothesis",
        "IN106",
    ),
    "a draw index": (
        "@quiet\n@given(number=st.integers(0, 99))\ndef test_it(number):\n"
        "    verinit.CHECKS['IN201'](mine, verinit.Case(shape=(16, 16), draw=number))\n",
        "the draw index of IN201 is drawn by Hypothesis",
        "IN201",
    ),
    "a generator of a drawn number": (
        "@quiet\n@given(number=st.integers(0, 99))\ndef test_it(number):\n"
        "    rng = np.random.default_rng(number)\n"
        "    own = verinit.target(lambda shape: he(shape, rng), scheme='he_normal')\n"
        "    verinit.CHECKS['IN201'](own, place)\n",
        "says one thing in one example and another in the next",
        "IN201",
    ),
    "a drawn number that is the seed of every draw": (
        "@quiet\n@given(number=st.integers(0, 99))\ndef test_it(number):\n"
        "    def own(shape):\n        return he(shape, np.random.default_rng(number))\n"
        "    own = verinit.target(own, scheme='he_normal')\n"
        "    verinit.CHECKS['IN201'](own, place)\n",
        "says one thing in one example and another in the next",
        "IN201",
    ),
    "a method with an argument called rng": (
        "class TestIt:\n    @quiet\n    @given(init_rng=st.integers(0))\n    def test_it(self, init_rng):\n"
        "        verinit.CHECKS['IN201'](mine, place)\n",
        "'init_rng' is drawn by Hypothesis",
        "IN201",
    ),
    "an argument called seed beside a decorator": (
        "@verinit.parametrize_with_checks(['numpy:he_normal'], checks=['IN201'], cases=['16x16'])\n"
        "@quiet\n@given(seed=st.integers(0))\n"
        "def test_it(target, check, case, seed):\n    check(target, case)\n",
        "'seed' is drawn by Hypothesis",
        "IN201",
    ),
}
RIGHT = {
    "the place": (
        "@quiet\n@given(case=verinit.cases_for(mine))\ndef test_it(case):\n"
        "    verinit.CHECKS['IN201'](mine, case)\n"
    ),
    "a place of a battery, which has two draws of one": (
        "@quiet\n@given(case=st.sampled_from(verinit.BATTERIES['exhaustive'].of('initializer')[:20:5]))\n"
        "def test_it(case):\n    verinit.CHECKS['IN101'](mine, case)\n"
        "@quiet\n@given(draw=st.sampled_from([0, 1]))\n"
        "def test_two(draw):\n    verinit.CHECKS['IN201'](mine, verinit.Case(shape=(16, 16), draw=draw))\n"
    ),
    "a setting that is in the scheme": (
        "@quiet\n@given(std=st.floats(0.1, 2))\ndef test_it(std):\n"
        "    def own(shape, rng):\n        return rng.normal(0, std, shape)\n"
        "    own = verinit.target(own, scheme=f'normal(std={std})')\n"
        "    verinit.CHECKS['IN201'](own, place)\n"
    ),
    "a setting that is in the name": (
        "@quiet\n@given(block=st.integers(1, 9))\ndef test_it(block):\n"
        "    def own(shape, rng):\n        rng.normal(size=block)\n        return he(shape, rng)\n"
        "    verinit.CHECKS['IN201'](verinit.target(own, scheme='he_normal', name=f'he {block}'), place)\n"
    ),
    "the same two roots in every example": (
        "@quiet\n@given(number=st.integers(1, 9))\ndef test_it(number):\n"
        "    for root in (7, 8):\n"
        f"        assert verinit.verify(he, scheme='he_normal', {SMOKE}, root=root)\n"
    ),
    "a seed of what no chance decides": (
        "@quiet\n@given(seed=st.integers(0, 99))\ndef test_it(seed):\n"
        "    x = np.random.default_rng(seed).normal(size=5)\n"
        "    assert verinit.verify_gradient(np.sin, x, lambda v, x: v * np.cos(x))\n"
    ),
    "two targets of one name in every example": (
        "@quiet\n@given(number=st.integers(1, 9))\ndef test_it(number):\n"
        "    for skip in (1, 2):\n"
        "        def own(shape, rng):\n            rng.normal(size=skip)\n            return he(shape, rng)\n"
        "        verinit.CHECKS['IN201'](verinit.target(own, scheme='he_normal'), place)\n"
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_drawn_seed_is_refused_with_its_remedy(session, name):
    text, said, code = WRONG[name]
    seen = session(test_given=HEAD + text)
    assert seen.code == pytest.ExitCode.TESTS_FAILED
    lines = seen.text.splitlines()
    (first,) = [place for place, line in enumerate(lines) if line.startswith("verinit.UsageError: ")]
    assert said in lines[first]
    assert lines[first + 1 : first + 4] == [line.format(code=code) for line in REMEDY]
    assert "Traceback" not in seen.text
    assert "During handling" not in seen.text


def test_the_remedy_works_as_it_is_printed(session):
    remedy = "\n".join(line.removeprefix("    ") for line in REMEDY[1:]).format(code="IN201")
    assert session(test_given=f"{HEAD}@quiet\n{remedy}\n").code == 0


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_no_seed_may_be_drawn(session, name):
    seen = session(test_given=HEAD + RIGHT[name])
    assert seen.code == 0, seen.text


def test_a_refusal_ends_with_its_test(session):
    text = WRONG["a root"][0] + (
        "@quiet\n@given(case=verinit.cases_for(mine))\ndef test_after(case):\n"
        "    verinit.CHECKS['IN201'](mine, case)\n"
        "def test_plain():\n    verinit.CHECKS['IN201'](mine, place)\n"
    )
    assert "1 failed, 2 passed" in session(test_given=HEAD + text).text


RNG = (
    "@settings(quiet, suppress_health_check=[HealthCheck.function_scoped_fixture])\n"
    "@given(number=st.integers(1, 9))\n"
)


def test_the_generator_of_a_test_is_not_drawn_from_inside_an_example(session):
    text = RNG + "def test_it(verinit_rng, number):\n    verinit_rng.normal(size=number)\n"
    seen = session(test_given=HEAD + text)
    assert seen.code == pytest.ExitCode.TESTS_FAILED
    assert "verinit_rng is drawn from inside @given" in seen.text
    assert "rng = np.random.default_rng(entropy(0, shape))" in seen.text


def test_what_is_drawn_before_the_examples_is_the_same_for_all(session):
    text = (
        "import pytest\n@pytest.fixture\ndef weights(verinit_rng):\n    return verinit_rng.normal(size=3)\n"
        f"{RNG}def test_it(weights, number):\n    assert weights.shape == (3,)\n"
        "def test_plain(verinit_rng):\n    assert isinstance(verinit_rng, np.random.Generator)\n"
        "    assert 0 <= verinit_rng.random() < 1\n"
        "    assert np.random.default_rng(verinit_rng) is verinit_rng\n"
    )
    assert session(test_given=HEAD + text).code == 0
