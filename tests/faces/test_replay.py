"""A finding is seen again from its id alone: in another process, of any target, to the last digit."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import verinit
from verinit.cases import battery
from verinit.cli import main
from verinit.runner import plan, run_plan
from verinit.runner.replaying import remarks, replay, spelt_out
from verinit.targets import resolve
from verinit.targets.naming import FAMILIES
from verinit.targets.normalizers import BatchNormalization
from verinit.targets.words import BUILT_IN
from verinit.vocabulary import Report, Scheme, UsageError, Verdict
from verinit.vocabulary.document import plain

NET = """
import numpy as np
from verinit.reference.layers import Affine


def fan_out(shape, rng):
    return rng.normal(0.0, (2 / shape[-1]) ** 0.5, shape)


def laplace(shape, rng):
    return rng.laplace(0.0, 0.2, shape)


def careless(shape):
    return np.random.normal(0.0, (2 / shape[0]) ** 0.5, shape)


def gelu(x):
    return x * 0.5 * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3)))


def gelu_slope(x):
    return np.where(x > 0, 1.0, 0.0)


def leaky(x):
    return np.where(x > 0, x, 0.3 * x)


def dense(n, m, rng):
    return Affine(rng.normal(0.0, (2 / n) ** 0.5, (n, m)), None)


class Sloped:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, cotangent):
        return 3.0 * self.x * cotangent


class Drawers:
    @staticmethod
    def he(shape, rng):
        return fan_out(shape, rng)


table = {"::": fan_out}
"""
SMOKE = {"battery": "smoke"}


@pytest.fixture
def net(tmp_path, monkeypatch):
    """A module of somebody's own."""
    (tmp_path / "replay_net.py").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("replay_net", None)
    import replay_net

    yield replay_net
    sys.modules.pop("replay_net", None)


def blocked(found):
    """Whether a run skipped a claim because of another."""
    return found.reason.endswith("at this case")


def assert_seen_again(report):
    """Every finding of a report is what its id gives, but for claims that were skipped for another's sake."""
    measured = [found for found in report.findings if not blocked(found)]
    assert measured
    for found in measured:
        again = replay(found.id, report=report)
        assert repr(plain(again)) == repr(plain(found)), found.id


@pytest.mark.parametrize(("family", "step"), [("numpy", 7), ("scipy", 3)])
def test_a_finding_of_a_family_is_seen_again_to_the_last_digit(family, step):
    report = run_plan(plan(resolve(family), battery=battery("smoke")))
    assert_seen_again(replace(report, findings=report.findings[::step]))
    assert {f.claim.id for f in report.findings if f.verdict is Verdict.failed} or family == "numpy"


def test_a_finding_of_the_standard_battery_is_seen_again():
    members = [t for t in resolve("numpy") if t.name in ("numpy:he_uniform", "numpy:mlp(relu, he_normal)")]
    report = run_plan(plan(members, battery=battery("standard"), codes=["IN201", "IN301", "SP201"]))
    assert len(report.findings) > 10
    assert_seen_again(replace(report, findings=report.findings[::5]))


@pytest.mark.torch
def test_a_finding_of_torch_is_seen_again_with_its_mistake():
    words = ("Linear.reset_parameters", "vjp(Linear)", "BatchNorm1d@module", "gelu", "orthogonal_")
    members = [member for word in words for member in resolve(f"torch:{word}")]
    report = run_plan(plan(members, battery=battery("smoke")))
    assert any(found.likely for found in report.findings)
    assert_seen_again(replace(report, findings=(*report.red, *report.findings[::4])))


OWN = {
    "a function": lambda net: verinit.verify(net.fan_out, scheme="kaiming_normal", **SMOKE),
    "a method": lambda net: verinit.verify(net.Drawers.he, scheme="he_normal(mode=fan_out)", **SMOKE),
    "a law of scipy": lambda net: verinit.verify(net.laplace, scheme=stats.laplace(scale=0.1), **SMOKE),
    "no scheme": lambda net: verinit.verify(net.fan_out, **SMOKE),
    "global chance": lambda net: verinit.verify(net.careless, scheme="he_normal", **SMOKE),
    "cases and discrepancy": lambda net: verinit.verify(
        net.fan_out, scheme="he_normal", cases=["30x20/float32", "5x6#3"], discrepancy=0.1
    ),
    "expected failures": lambda net: verinit.verify(
        net.fan_out, scheme="he_normal", expected={"IN201": "fan of the other side"}, **SMOKE
    ),
    "another scheme": lambda net: verinit.verify(
        resolve("numpy:he_normal")[0], scheme="normal(std=0.1)", **SMOKE
    ),
    "an activation": lambda net: verinit.verify_activation(net.gelu, like="gelu", **SMOKE),
    "its parameters": lambda net: verinit.verify_activation(net.leaky, like="leaky_relu(slope=0.2)", **SMOKE),
    "another activation": lambda net: verinit.verify_activation(
        resolve("numpy:gelu")[0], like="gelu_tanh", **SMOKE
    ),
    "a class of batch norm": lambda net: verinit.verify_batchnorm(BatchNormalization, **SMOKE),
    "its settings": lambda net: verinit.verify_batchnorm(
        BatchNormalization, eps=0.001, unbiased=True, axis=1, **SMOKE
    ),
    "a layer": lambda net: verinit.verify_layer(
        net.dense, scheme="he_normal(mode=fan_out)", activation="relu", width=24, depth=2, **SMOKE
    ),
}


@pytest.mark.parametrize("verify", OWN.values(), ids=OWN)
def test_a_finding_of_ones_own_code_is_seen_again(net, verify):
    report = verify(net)
    assert all(found.replayable for found in report.findings)
    assert_seen_again(report)


def test_a_gradient_is_seen_again_at_its_shapes_dtype_and_scale(net, capsys, tmp_path):
    with pytest.raises(SystemExit):
        main(
            [
                "gradcheck",
                "replay_net:Sloped",
                "--input",
                "3,4",
                "--dtype",
                "float32",
                "--scale",
                "2",
                "--quiet",
            ]
        )
    capsys.readouterr()
    report = verinit_report(tmp_path)
    assert [f.claim.id for f in report.red]
    assert str(report.red[0].case) == "3x4/float32?scale=2.0#0"
    assert_seen_again(report)


def verinit_report(folder):
    from verinit.vocabulary.document import decode

    return decode((folder / "verinit-report" / "report.json").read_bytes())


def test_an_id_is_enough_in_another_process(net, tmp_path):
    found = verinit.verify(net.careless, scheme="he_normal", **SMOKE).findings[0]
    found = next(f for f in verinit.verify(net.careless, scheme="he_normal", **SMOKE).findings
                 if f.claim.id == "IN202")  # fmt: skip
    code = f"from verinit.runner.replaying import replay; print(repr(replay({found.id!r}).evidence))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == repr(found.evidence)


@pytest.mark.torch
def test_what_a_process_has_loaded_besides_changes_no_number(net, tmp_path):
    found = next(f for f in verinit.verify(net.careless, scheme="he_normal", **SMOKE).findings
                 if f.claim.id == "IN202")  # fmt: skip
    code = "import torch; from verinit.runner.replaying import replay; "
    code += f"print(repr(replay({found.id!r}).evidence))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == repr(found.evidence)


UNSEEN = {
    "a lambda": lambda net: verinit.verify(
        lambda shape, rng: rng.normal(size=shape), scheme="he_normal", **SMOKE
    ),
    "a scheme of one's own": lambda net: verinit.verify(
        net.fan_out, scheme=Scheme(name="mine", family="normal", scale=2.0, mode="fan_out"), **SMOKE
    ),
    "a scheme that bears another's name": lambda net: verinit.verify(
        net.fan_out, scheme=Scheme(name="he_normal", family="normal", scale=2.0, mode="fan_out"), **SMOKE
    ),
    "a name that says otherwise": lambda net: verinit.verify(
        net.fan_out, scheme="he_normal", name="replay_net:fan_out=he_uniform", **SMOKE
    ),
    "a name of a family": lambda net: verinit.verify(
        net.fan_out, scheme="he_normal", name="numpy:he_normal", **SMOKE
    ),
    "a function that a family's module keeps": lambda net: verinit.verify_activation(
        np.tanh, like="tanh", **SMOKE
    ),
    "a lambda for an activation": lambda net: verinit.verify_activation(
        lambda x: np.maximum(x, 0), like="relu", **SMOKE
    ),
    "a derivative beside it": lambda net: verinit.verify_activation(
        net.gelu, derivative=net.gelu_slope, like="gelu", **SMOKE
    ),
    "a pair made a target": lambda net: verinit.verify_activation(
        verinit.target(net.gelu, derivative=net.gelu_slope), **SMOKE
    ),
    "inputs that were given": lambda net: verinit.verify_gradient(
        net.gelu, np.linspace(-1, 1, 5), lambda v, x: v * x
    ),
}


@pytest.mark.parametrize("verify", UNSEEN.values(), ids=UNSEEN)
def test_what_no_name_finds_says_so_and_never_finds_something_else(net, verify):
    report = verify(net)
    assert not any(found.replayable for found in report.findings)
    shown = [str(found) for found in report.findings if found.verdict is Verdict.failed]
    assert all(text.endswith("replay    not replayable: give module:callable") for text in shown)


def test_families_are_never_taken_for_modules_of_that_name():
    assert set(FAMILIES) == set(BUILT_IN)


def test_a_mistake_told_from_one_case_is_said_to_be(net):
    report = verinit.verify(net.fan_out, scheme="he_normal", **SMOKE)
    wrong = [found for found in report.red if found.claim.id == "IN201"]
    assert len(wrong) == 2
    alone = [replay(found.id) for found in wrong]
    for found, again in zip(wrong, alone, strict=True):
        assert replay(found.id, report=report).likely == found.likely
        assert (again.likely, again.evidence) == (again.likely, found.evidence)
    said = [remark for again in alone if again.likely for remark in remarks(again)]
    assert said
    assert set(said) == {
        "likely fits this case; a run names a mistake only where it fits all cases of the check"
    }


def test_what_a_run_skipped_for_anothers_sake_is_measured_and_said_to_mean_little(net):
    report = verinit.verify(net.fan_out, scheme="he_normal", cases=["13x11"], battery="smoke")
    skipped = next(found for found in report.findings if blocked(found))
    again = replay(skipped.id, report=report)
    assert again.evidence is not None
    assert remarks(again, report) == ["skipped in the report: IN201 failed at this case"]
    alone = replay(skipped.id)
    expected = (
        [
            f"IN201 failed at this case too, and {alone.claim.id} builds on it: "
            f"a run skips {alone.claim.id} here"
        ]
        if alone.verdict is Verdict.failed
        else []
    )
    assert remarks(alone) == expected


def test_a_finding_that_has_changed_is_told_with_what_was_seen_then(net):
    report = verinit.verify(net.fan_out, scheme="he_normal", **SMOKE)
    wrong = next(found for found in report.red if found.claim.id == "IN201")
    assert wrong.evidence is not None
    moved = replace(wrong, evidence=replace(wrong.evidence, observed=7.5))
    others = tuple(moved if found is wrong else found for found in report.findings)
    there = replace(report, findings=others, environment=(("numpy", "1.0"), ("fortran", "9")))
    assert remarks(replay(wrong.id, report=there), there) == [
        f"not as in the report: failed there, observed 7.5; numpy 1.0 there, {np.__version__} here"
    ]
    assert remarks(replay(wrong.id, report=report), report) == [
        "the same as in the report, to the last digit"
    ]


def test_a_short_id_of_two_findings_asks_which(monkeypatch, net):
    report = verinit.verify(net.fan_out, scheme="he_normal", **SMOKE)
    kind = type(report.findings[0])
    monkeypatch.setattr(kind, "short_id", property(lambda self: "abcdef01"))
    with pytest.raises(UsageError) as told:
        spelt_out("abcdef01", report)
    lines = str(told.value).splitlines()
    assert lines[0] == (
        f"id='abcdef01' is short for {len(report.findings)} findings of the report; give one in full:"
    )
    assert sorted(line.strip() for line in lines[1:]) == sorted(found.id for found in report.findings)


def test_an_unknown_short_id_is_answered_with_the_nearest(net):
    report = verinit.verify(net.fan_out, scheme="he_normal", **SMOKE)
    short = report.findings[3].short_id
    assert spelt_out(short.upper(), report) == report.findings[3].id
    mistyped = short[:-1] + ("0" if short[-1] != "0" else "1")
    with pytest.raises(UsageError, match=f"no finding of the report has it; did you mean '{short}'"):
        spelt_out(mistyped, report)


def test_a_short_id_of_what_nobody_can_replay_says_so():
    report = verinit.verify(
        lambda shape, rng: rng.normal(size=shape), scheme="he_normal", name="mine", **SMOKE
    )
    with pytest.raises(UsageError, match=r"^id='[0-9a-f]{8}': mine is not importable; give module:callable$"):
        spelt_out(report.findings[0].short_id, report)


KNOBS = "root=1,false_fail=1e-07,false_pass=1e-06,discrepancy=0.2"


@pytest.mark.parametrize(
    ("identity", "sentence"),
    [
        (
            f"numpy:relu::IN201::13x11#0::{KNOBS}",
            r"IN201 is a claim about kind 'initializer'; numpy:relu is of kind 'activation'$",
        ),
        (
            f"numpy:he_normal::IN201::7#0::{KNOBS}",
            r"numpy:he_normal takes 2 or 3 or 4 or 5 axes; shape \(7,\) has 1$",
        ),
        (
            f"numpy:he_normal::IN201::3x4/int8#0::{KNOBS}",
            r"numpy:he_normal takes float32, .*; int8 was asked for$",
        ),
        (f"numpy:he_normal::IN201::3x4?depth=2#0::{KNOBS}", r"numpy:he_normal takes no parameter 'depth'$"),
        (
            f"numpy:he_normal::IN201::3x4#0::{KNOBS.replace('=0.2', '=nan')}",
            r"^discrepancy='nan': a finite number from 0 is needed$",
        ),
        (
            f"numpy:he_normal::IN201::3x4#0::{KNOBS},rot=2",
            r"^no part of an id named 'rot'; did you mean 'root'",
        ),
        ("x" * 10_000, r"^id='x{150}\.\.\.x{47}': a short id has 8 hexadecimal digits"),
    ],
)
def test_an_id_that_describes_no_finding_is_answered_in_one_sentence(identity, sentence):
    with pytest.raises(UsageError, match=sentence) as told:
        replay(identity)
    assert "\n" not in str(told.value)


def test_the_command_compares_with_the_report_that_is_named(verinit, here):
    verinit("run", "cli_net:chapter=he_normal", "--battery", "smoke", "--jobs", "0")
    found = next(f for f in verinit_report(here).red if f.claim.id == "IN201")
    code, out, _ = verinit("replay", found.short_id)
    assert code == 1
    assert out.endswith("\n\nnote: the same as in the report, to the last digit\n")
    code, out, _ = verinit("replay", found.id)
    assert "\nnote: likely fits this case; a run names a mistake only where it fits all cases" in out
    code, _, err = verinit("replay", found.id, "--from", "nowhere.json")
    assert (code, err) == (
        2,
        "verinit: nowhere.json cannot be read (No such file or directory); give --from FILE\n",
    )
    code, out, _ = verinit("replay", found.id.replace("IN201", "IN303"))
    assert code in (0, 1)
    skipped = found.id.replace("cli_net:chapter=he_normal", "numpy:zeros")
    assert verinit("replay", skipped)[0] == 4


def test_a_report_without_findings_has_no_short_ids():
    empty = Report(battery="smoke", root=1, false_fail=1e-6, planned=0)
    with pytest.raises(UsageError, match=re.escape("no finding of the report has it; 'verinit run' writes")):
        spelt_out("00000000", empty)
