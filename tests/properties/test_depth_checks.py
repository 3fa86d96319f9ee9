"""Depth from end to end: right stacks pass in every dtype, the layer is named, silence has its reason.

That every planted fault is caught is in `test_propagation_checks`.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import verinit
from verinit.checks import CHECKS
from verinit.checks.depth import SCATTER, growth_seen
from verinit.checks.depth_laws import MARGIN, SEEDS, seeds, theory
from verinit.checks.depth_walks import START, Ensemble, batch
from verinit.faults import FAULTS
from verinit.laws.growth import batchnorm_growth
from verinit.laws.schemes import parse
from verinit.statistics.equivalence import median_rank, median_within, proportion_within
from verinit.targets.networks import Stack, stack
from verinit.vocabulary import Case, Rates, Target, UsageError, Verdict, entropy, examine, judge

PLAIN = ("SP301", "SP302", "SP303", "SP304")
SMALL = Case.parse("16x64?depth=4")
RATES = Rates(false_fail=1e-9, false_pass=1e-9)
EPS = float(np.finfo(np.float64).eps)


def found(target: Target, code: str, case: Case | str = SMALL, *, root: int = 5):
    place = case if isinstance(case, Case) else Case.parse(case)
    return examine(CHECKS[code].trial(target, place, root=root))


def test_the_wrong_layer_is_named_with_its_ratio() -> None:
    """1 / 6 of He's variance in layer 3: the median over 60 seeds of one log is good to a fifth of itself."""
    fault = FAULTS["one_layer_keeps_the_default_of_its_framework"]
    said = found(fault.target, "SP301", fault.cases[0]).likely
    assert said.startswith("layer 3 multiplies the signal's mean square by 0.1")
    back = found(FAULTS["straight_through_slope"].target, "SP302", "16x128?depth=5").likely
    assert back.startswith("every layer multiplies the gradient's mean square by 2")


def test_a_failure_shows_the_signal_by_depth_beside_theory() -> None:
    said = found(FAULTS["tanh_with_five_thirds"].target, "SP301", "16x64?depth=4")
    (shown,) = said.exhibits
    assert len(shown.x) == len(shown.observed) == len(shown.expected) == 4
    assert shown.band is not None
    low, high = shown.band
    assert all(a < e < b for a, e, b in zip(low, shown.expected, high, strict=True))
    assert shown.observed[-1] > high[-1]


@pytest.mark.parametrize(
    ("activation", "scheme", "dtype"),
    [
        ("relu", "he_normal", "float16"),
        ("relu", "he_normal", "bfloat16"),
        ("tanh", "lecun_normal", "float32"),
        ("tanh", "he_truncated_normal", "bfloat16"),
        ("sigmoid", "normal(std=1)", "float16"),
        ("gelu", "he_uniform", "float64"),
    ],
)
def test_right_stacks_pass_end_to_end(activation: str, scheme: str, dtype: str) -> None:
    target = replace(stack(activation, scheme), dtypes=(dtype,))
    for code in PLAIN:
        said = found(target, code, f"16x64/{dtype}?depth=4")
        assert said.verdict is Verdict.passed, str(said)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_right_batch_norm_grows_as_its_law_says(activation: str) -> None:
    said = found(stack(activation, "he_normal", batch_norm=True), "SP305")
    assert said.verdict is Verdict.passed, str(said)


@pytest.mark.parametrize(
    ("activation", "scheme", "width", "depth"),
    [("relu", "he_normal", 128, 5), ("sigmoid", "normal(std=1)", 64, 5), ("tanh", "xavier_normal", 64, 16)],
)
def test_what_the_laws_leave_out_is_less_than_the_margin(
    activation: str, scheme: str, width: int, depth: int
) -> None:
    """The median over 150 seeds cannot lie off by the margin: its interval at 1e-9 would say so."""
    target, case = stack(activation, scheme), Case.parse(f"16x{width}?depth={depth}")
    walked = Ensemble(target, case, 6).first(150)
    laws = theory(CHECKS["SP301"].trial(target, case), depth)
    for part, curve, at in (
        ("signal", laws.signal, -1),
        ("gradient", laws.gradient, 0),
        ("cosines", laws.cosines, -1),
    ):
        scores = curve.scores(np.array([getattr(each, part) for each in walked]))[:, at]
        told = median_within(
            scores, expected=0.0, margin=MARGIN / 2, outer_margin=2.0, rates=RATES, quantity="median"
        )
        assert judge(told, 2.0) is Verdict.passed, told
        beyond = int(np.count_nonzero(np.abs(scores) > 1.0))
        share = proportion_within(
            beyond, 150, expected=0.16, margin=0.16, outer_margin=0.5, rates=RATES, quantity="beyond one"
        )
        assert judge(share, 0.5) is Verdict.passed, share


@pytest.mark.parametrize(("rows", "width", "depth"), [(16, 64, 4), (32, 64, 5)])
def test_growth_scatters_no_more_than_the_plan_reckons(rows: int, width: int, depth: int) -> None:
    """Beyond two planned deviations lie at most 5 % of 100 seeds, if these are normal; 20 % are allowed."""
    target = stack("relu", "he_normal", batch_norm=True)
    walked = Ensemble(target, Case.parse(f"{rows}x{width}?depth={depth}"), 6).first(100)
    growth = growth_seen(np.array([each.gradient for each in walked]))
    law = math.log2(batchnorm_growth("relu").value * (rows - 2) / (rows - 3))
    planned = SCATTER / math.sqrt(rows * width * (depth - 3))
    beyond = int(np.count_nonzero(np.abs(growth - law) > 2 * planned))
    share = proportion_within(
        beyond, 100, expected=0.05, margin=0.15, outer_margin=0.6, rates=RATES, quantity="beyond two"
    )
    assert judge(share, 0.6) is Verdict.passed, share


@given(rows=st.integers(2, 12), width=st.integers(16, 60))
@settings(deadline=None, max_examples=25)
def test_inputs_have_one_size_and_one_cosine(rows: int, width: int) -> None:
    rng = np.random.default_rng(entropy(0, "inputs", rows, width))
    x = batch((rows, width), "float64", rng)
    wanted = width * (START + (1 - START) * np.eye(rows))
    # a frame that is orthonormal to a few eps of its size
    assert np.max(np.abs(x @ x.T - wanted)) <= 16 * width * EPS * math.sqrt(width)


@given(exponent=st.floats(4, 12), reach=st.floats(1.0, 4.0))
@settings(deadline=None, max_examples=25)
def test_a_plan_keeps_its_power(exponent: float, reach: float) -> None:
    """So few of n values lie within the reach as Binomial(n, Phi(-reach)) has it."""
    from scipy.special import bdtrc, ndtr

    rates = Rates(false_fail=10.0**-exponent, false_pass=1e-6)
    n = seeds(rates, reach)
    rank = min(median_rank(n, rates.false_fail), median_rank(n, rates.false_pass))
    assert n >= SEEDS
    assert rank >= 1
    assert 2 * bdtrc(rank - 1, n, float(ndtr(-reach))) <= rates.false_pass
    assert seeds(rates, reach + 1.0) <= n


def test_a_departure_inside_the_margin_has_no_plan() -> None:
    with pytest.raises(UsageError, match="too many seeds"):
        seeds(Rates(), 0.0)


def _saying(target: Target, *declared: tuple[str, object], scheme: str | None = None) -> Target:
    return replace(target, declared=declared, scheme=None if scheme is None else parse(scheme))


RELU = ("activation", "relu")
RIGHT = stack("relu", "he_normal")


@pytest.mark.parametrize(
    ("target", "case", "code", "words"),
    [
        (stack("relu", "he_normal", batch_norm=True), "16x64?depth=4", "SP301", "batch norm resets"),
        (RIGHT, "16x64?depth=4", "SP305", "no batch norm is declared"),
        (RIGHT, "16x16?depth=4", "SP301", "a width above their number"),
        (RIGHT, "8x24?depth=4", "SP301", "a layer may die"),
        (RIGHT, "1x64?depth=4", "SP303", "a batch of two inputs"),
        (RIGHT, "16x1024?depth=50", "SP301", "hundreds of walks"),
        (RIGHT, "8x40?depth=10", "SP302", "trusted up to 1"),
        (stack("tanh", "normal(std=1)"), "8x40?depth=11", "SP302", "are trusted to 0.25"),
        (_saying(RIGHT, RELU), "16x64?depth=4", "SP301", "declares no scheme"),
        (_saying(RIGHT, ("activation", "swoosh"), scheme="he_normal"), "16x64", "SP301", "activation that"),
        (_saying(RIGHT, RELU, scheme="orthogonal"), "16x64?depth=4", "SP304", "independent"),
        (_saying(RIGHT, RELU, ("residual", True), scheme="he_normal"), "16x64", "SP301", "branches"),
        (stack("relu", "he_normal", batch_norm=True), "8x64?depth=4", "SP305", "too small for the law"),
        (stack("relu", "he_normal", batch_norm=True), "16x64?depth=3", "SP305", "none lies between"),
    ],
)  # fmt: skip
def test_where_theory_is_silent_the_check_says_why(target: Target, case: str, code: str, words: str) -> None:
    said = found(target, code, case)
    assert said.verdict is Verdict.skipped, str(said)
    assert words in said.reason


class _OneWay:
    """A walk that never comes back."""

    def walk(self, inputs, rng, *, depth=4):
        whole = Stack(activation="relu", scheme=parse("he_normal")).walk(inputs, rng, depth=depth)
        return (record for record in whole if hasattr(record, "preactivation"))


def test_a_walk_that_does_not_come_back_is_judged_forward_only() -> None:
    target = replace(RIGHT, object=_OneWay(), replayable=False)
    assert found(target, "SP301").verdict is Verdict.passed
    said = found(target, "SP302")
    assert said.verdict is Verdict.skipped
    assert "does not come back" in said.reason


class _Dead:
    """A stack whose units all sleep."""

    def walk(self, inputs, rng, *, depth=4):
        for record in Stack(activation="relu", scheme=parse("he_normal")).walk(inputs, rng, depth=depth):
            yield (
                replace(record, preactivation=0 * record.preactivation)
                if hasattr(record, "output")
                else record
            )


def test_a_signal_that_is_gone_fails_and_says_no_more() -> None:
    target = replace(RIGHT, object=_Dead(), replayable=False)
    for code in ("SP301", "SP303", "SP304"):
        said = found(target, code)
        assert said.verdict is Verdict.failed, str(said)
        assert not said.likely


DOCUMENTED = (Path(__file__).parents[2] / "docs" / "networks.md").read_text(encoding="utf-8")


def documented() -> dict[str, Any]:
    """What the page on networks makes, as it stands there."""
    (block,) = re.findall(r"^```python\n(.*?)^```", DOCUMENTED, flags=re.MULTILINE | re.DOTALL)
    made: dict[str, Any] = {}
    exec(compile(block, "docs/networks.md", "exec"), made)
    return made


def test_the_network_of_the_documentation_is_held_to_every_law() -> None:
    report = documented()["report"]
    assert report, str(report)
    passed = {found.claim.id for found in report.findings if found.verdict is Verdict.passed}
    assert {"SP104", "SP201", "SP202", "SP301", "SP302", "SP303", "SP304"} <= passed


def test_what_a_network_does_not_say_can_be_given() -> None:
    net = type("Silent", (documented()["Net"],), {"activation": None, "batch_norm": None})()
    silent = verinit.verify(net, scheme="he_normal", cases=("16x64?depth=4",), name="net", checks=("SP301",))
    assert next(found.reason for found in silent.findings).endswith("give one, such as activation='relu'")
    told = {"scheme": "he_normal", "cases": ("16x64?depth=4",), "name": "net", "checks": ("SP301",)}
    assert verinit.verify(net, activation="relu", batch_norm=False, **told)
    assert verinit.verify(net, activation="tanh", batch_norm=False, **told).red


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"activation": "rleu"}, "no activation named 'rleu'; did you mean 'relu'"),
        ({"batch_norm": True}, "batch_norm=True: only a model is told so"),
    ],
)
def test_what_is_declared_in_vain_is_answered_in_one_sentence(given, said) -> None:
    subject = documented()["Net"]() if "activation" in given else (lambda shape: np.zeros(shape))
    with pytest.raises(verinit.UsageError, match=re.escape(said)):
        verinit.verify(subject, scheme="he_normal", name="net", **given)


def test_layers_of_several_widths_are_not_held_to_laws_of_one() -> None:
    """Right code: a layer from 64 to 10 units sends back 10/64 of the mean square, and no check minds."""

    class Narrowing(documented()["Net"]):
        def walk(self, inputs, rng):
            sizes, x, kept = (inputs.shape[1], 64, 10), inputs, []
            for layer, (n, m) in enumerate(pairwise(sizes)):
                w = rng.standard_normal((n, m)) * np.sqrt(2 / n)
                z = x @ w
                y = z if m == 10 else np.maximum(z, 0)
                yield SimpleNamespace(layer=layer, weights=w, inputs=x, preactivation=z, output=y)
                kept.append((w, z))
                x = y
            c = rng.standard_normal(x.shape)
            for layer in (1, 0):
                w, z = kept[layer]
                c = c if layer else c * (z > 0)
                g = c @ w.T
                yield SimpleNamespace(layer=layer, cotangent=c, gradient=g)
                c = g

    report = verinit.verify(Narrowing(), scheme="he_normal", cases=("16x128",), name="narrowing")
    assert report, str(report)
    skipped = [found for found in report.findings if found.claim.id in ("SP301", "SP302", "SP303", "SP304")]
    assert all(found.verdict is Verdict.skipped for found in skipped)
    assert {found.reason for found in skipped} == {
        "the laws by depth are of layers of one width; layer 1 has 64 units, not 128"
    }
