"""Scripts of findings run by themselves, show the number that was found, and end as it deserves."""

import ast
import importlib.util
import re
import subprocess
import sys
from dataclasses import replace

import pytest

from verinit.cases import battery
from verinit.cases.batteries import cases as spelt
from verinit.runner import plan, run_plan
from verinit.runner.replaying import replay
from verinit.runner.scripts import script
from verinit.runner.scripts.pages import comment
from verinit.targets import resolve
from verinit.vocabulary import Verdict

pytestmark = pytest.mark.slow
NET = """
import numpy as np


def fan_out(shape, rng):
    return rng.normal(0.0, (2 / shape[-1]) ** 0.5, shape)


def shifted(shape, rng):
    return rng.normal(0.2, (2 / np.prod(shape[:-1])) ** 0.5, shape)


def outlier(shape, rng):
    w = rng.normal(0.0, (2 / np.prod(shape[:-1])) ** 0.5, shape)
    w.flat[0] = 3.0
    return w


def careless(shape):
    return np.random.uniform(-1.0, 1.0, shape)


def seeded(shape, seed):
    return fan_out(shape, np.random.default_rng(seed))


def sides(fan_in, fan_out, rng):
    return rng.normal(0.0, 0.5, (fan_in, fan_out))


def listed(shape, rng):
    return fan_out(shape, rng).tolist()


def transposed(shape, rng):
    return fan_out(shape[::-1], rng)


def whole(shape, rng, dtype=None):
    return np.rint(10 * fan_out(shape, rng)).astype(np.int32)


def holed(shape, rng):
    w = fan_out(shape, rng)
    w.flat[0] = np.nan
    return w


def fixed(shape, rng):
    return fan_out(shape, np.random.default_rng(0))


def nearly(shape, rng):
    return np.full(shape, 0.10001)


def clumped(shape, rng):
    return np.clip(rng.normal(0.0, (2 / np.prod(shape[:-1])) ** 0.5, shape), -0.55, 0.55)


def flat(x):
    return x / (1 + np.exp(-1.702 * x))


def beyond(x):
    return np.where(x > 20, x + 1, np.maximum(x, 0))


class Sloped:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, cotangent):
        return 3.0 * self.x * cotangent


class Spotted:
    def forward(self, x):
        self.x = x
        return np.sin(x)

    def backward(self, cotangent):
        g = np.cos(self.x) * cotangent
        g[1, 2] += 0.25
        return g


wrong_sign = __import__("itertools").count()


def restless(shape, rng):
    next(wrong_sign)
    return fan_out(shape, rng) * (1 + 1e-3 * next(wrong_sign))
"""

SMALL = {"IN": ["40x30"], "SP": ["16x64?depth=3"]}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a module of somebody's own."""
    (tmp_path / "script_net.py").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("script_net", None)
    yield tmp_path
    sys.modules.pop("script_net", None)


def ran(text, folder, name="script.py"):
    """Exit code, and the number observed, of a script that is run by itself."""
    (folder / name).write_text(text, encoding="ascii")
    done = subprocess.run([sys.executable, name], cwd=folder, capture_output=True, text=True)
    observed = re.findall(r"^observed (\S+)$", done.stdout, flags=re.MULTILINE)
    assert done.stderr == ""
    return done.returncode, [float(number) for number in observed], done.stdout


def found_in(word, code, *, cases=None, verdict=Verdict.failed):
    """The first finding of a check with a verdict; by the standard battery what smoke does not ask."""
    small = code not in ("IN204", "IN210", "IN301", "SP201")
    look = battery("smoke" if small else "standard", only=cases or (None if small else SMALL[code[:2]]))
    report = run_plan(plan(resolve(word), battery=look, codes=[code]))
    return next(found for found in report.findings if found.verdict is verdict)


OWN = [
    ("script_net:fan_out=he_normal", "IN201"),
    ("script_net:shifted=he_normal", "IN202"),
    ("script_net:careless=he_uniform", "IN203"),
    ("script_net:outlier=he_normal", "IN204"),
    ("script_net:clumped=he_normal", "IN210"),
    ("script_net:seeded=he_normal", "IN201"),
    ("script_net:sides=he_normal", "IN201"),
    ("script_net:listed", "IN101"),
    ("script_net:transposed", "IN102"),
    ("script_net:whole", "IN103"),
    ("script_net:holed", "IN104"),
    ("script_net:restless", "IN105"),
    ("script_net:fixed=he_normal", "IN106"),
    ("script_net:nearly=constant(value=0.1)", "IN207"),
    ("script_net:flat=gelu", "AC201"),
    ("script_net:beyond=relu", "AC201"),
]


@pytest.mark.parametrize(("word", "code"), OWN, ids=lambda value: value)
def test_a_failure_of_ones_own_code_is_shown_without_verinit(folder, word, code):
    found = found_in(word, code)
    text = script(found.id)
    ended, (observed,), _ = ran(text, folder)
    assert ended == 1
    assert not re.search(r"^\s*(import|from) verinit", text, flags=re.MULTILINE)
    assert found.evidence is not None
    if code == "IN204":
        assert observed == pytest.approx(found.evidence.observed, rel=1e-6)
    elif code != "IN105":  # that it draws something else each time is what is wrong with it
        assert repr(observed) == repr(found.evidence.observed)


@pytest.mark.parametrize(
    "code", ["IN101", "IN102", "IN103", "IN104", "IN105", "IN106", "IN201", "IN202", "IN204"]
)
def test_what_passes_passes_in_its_script_with_the_same_number(tmp_path, code):
    found = found_in("numpy:he_normal", code, verdict=Verdict.passed)
    ended, (observed,), _ = ran(script(found.id), tmp_path)
    assert ended == 0
    assert observed == pytest.approx(found.evidence.observed, rel=1e-6 if code == "IN204" else 0.0, abs=0.0)


@pytest.mark.parametrize("case", ["13x11/float64", "3x3x4x10/float32?groups=2", "20x20/float64#4"])
def test_a_script_draws_at_the_case_of_its_finding(tmp_path, case):
    found = found_in("numpy:he_uniform", "IN201", cases=spelt([case]), verdict=Verdict.passed)
    ended, (observed,), _ = ran(script(found.id), tmp_path)
    assert (ended, observed) == (0, found.evidence.observed)


def test_an_activation_of_the_reference_is_shown_at_its_worst_number(tmp_path):
    for code in ("AC201", "AC202", "AC302", "AC204"):
        found = found_in("numpy:gelu", code, verdict=Verdict.passed)
        ended, (observed,), out = ran(script(found.id), tmp_path)
        assert (ended, observed) == (0, found.evidence.observed)
        assert re.search(r"^x = \S+ +observed - expected = \S+ ulp$", out, flags=re.MULTILINE)


def test_a_wrong_entry_of_a_gradient_is_shown_by_differences(folder):
    from verinit.targets.words import kept
    from verinit.targets.written import function_at, word_of

    word = word_of("script_net:Spotted", [(3, 4)])
    target = function_at(kept("script_net:Spotted"), word)
    report = run_plan(plan([target], battery=battery("smoke", only=["3x4/float64"]), codes=["GR201"]))
    found = report.red[0]
    assert "[1, 2]" in found.evidence.quantity
    text = script(found.id)
    ended, _, out = ran(text, folder)
    assert ended == 1
    says, differ = map(float, re.search(r"backward says (\S+)  differences say (\S+)", out).groups())
    assert says - differ == pytest.approx(0.25, abs=1e-6)
    mended = NET.replace("g[1, 2] += 0.25", "pass")
    (folder / "script_net.py").write_text(mended, encoding="utf-8")
    assert ran(text, folder)[0] == 0


def test_a_gradient_that_is_wrong_everywhere_has_a_script_too(folder):
    from verinit.targets.words import kept
    from verinit.targets.written import function_at

    target = function_at(kept("script_net:Sloped"), "script_net:Sloped(3x4)")
    report = run_plan(plan([target], battery=battery("smoke", only=["3x4/float64"]), codes=["GR201"]))
    assert ran(script(report.red[0].id), folder)[0] == 1


@pytest.mark.parametrize(
    ("word", "code"),
    [("numpy:he_normal", "IN301"), ("numpy:orthogonal", "IN206"), ("numpy:BatchNormalization", "BN201"),
     ("numpy:mlp(relu, he_normal)", "SP201"), ("numpy:sigmoid", "AC305"), ("numpy:he_uniform", "IN204")],
)  # fmt: skip
def test_what_takes_more_than_a_few_lines_is_measured_by_verinit(tmp_path, word, code):
    words = [t.name for t in resolve(word.partition(":")[0]) if t.name.startswith(word)]
    found = found_in(words[0], code, verdict=Verdict.passed)
    text = script(found.id)
    assert "verinit.CHECKS" in text
    ended, (observed,), out = ran(text, tmp_path)
    assert (ended, repr(observed)) == (0, repr(found.evidence.observed))
    assert str(found) in out


def test_a_script_of_a_skip_says_the_reason_and_fails(tmp_path):
    found = replay("numpy:zeros::IN201::13x11#0::root=1,false_fail=1e-07,false_pass=1e-06,discrepancy=0.2")
    ended, observed, out = ran(script(found.id), tmp_path)
    assert (ended, observed) == (1, [])
    assert found.reason in out


TORCH = [
    ("torch:Linear.reset_parameters", "IN201"),
    ("torch:trunc_normal_", "IN201"),
    ("torch:sigmoid", "AC302"),
    ("torch:gelu", "AC204"),
    ("torch:gelu", "AC303"),
]


@pytest.mark.torch
@pytest.mark.parametrize(("word", "code"), TORCH)
def test_a_failure_of_torch_is_shown_in_torch_alone(tmp_path, word, code):
    found = found_in(word, code)
    text = script(found.id)
    assert "import torch" in text
    assert "verinit" not in "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    ended, (observed,), _ = ran(text, tmp_path)
    assert (ended, repr(observed)) == (1, repr(found.evidence.observed))


@pytest.mark.torch
@pytest.mark.parametrize(
    ("word", "code"),
    [("torch:kaiming_uniform_@fan_out", "IN203"), ("torch:Conv2d.reset_parameters@documented", "IN202"),
     ("torch:orthogonal_", "IN105"), ("torch:normal_", "IN106")],
)  # fmt: skip
def test_a_pass_of_torch_is_shown_with_the_same_number(tmp_path, word, code):
    found = found_in(word, code, verdict=Verdict.passed)
    ended, (observed,), _ = ran(script(found.id), tmp_path)
    assert (ended, observed) == (0, found.evidence.observed)


@pytest.mark.jax
@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed")
@pytest.mark.parametrize(
    ("word", "code"),
    [("jax:truncated_normal", "IN201"), ("jax:gelu", "AC204"), ("jax:sigmoid", "AC302")],
)  # fmt: skip
def test_a_failure_of_jax_is_shown_in_jax_alone(tmp_path, word, code):
    found = found_in(word, code)
    text = script(found.id)
    assert "verinit" not in "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    ended, (observed,), _ = ran(text, tmp_path)
    assert ended == 1
    assert observed == pytest.approx(found.evidence.observed, rel=0.0, abs=0.0, nan_ok=True)


@pytest.mark.keras
@pytest.mark.skipif(importlib.util.find_spec("keras") is None, reason="Keras is not installed")
def test_a_failure_of_keras_is_shown_in_keras_alone(tmp_path, monkeypatch):
    found = found_in("keras:TruncatedNormal", "IN201")
    text = script(found.id)
    assert "verinit" not in "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    ended, (observed,), _ = ran(text, tmp_path)
    assert (ended, observed) == (1, found.evidence.observed)


def test_no_name_breaks_out_of_a_comment():
    hostile = "a\nimport os\rb\x0bc\u2028d\u202ee\x00f\ud800"
    lines = comment(hostile)
    assert all(line.startswith("# ") and line.isascii() and line.isprintable() for line in lines)
    assert ast.parse("\n".join(lines)).body == []


def test_every_script_of_a_battery_is_source_text():
    report = run_plan(plan(resolve("numpy"), battery=battery("smoke")))
    seen = set()
    for found in report.findings:
        if found.claim.id not in seen and found.evidence is not None:
            seen.add(found.claim.id)
            text = script(found.id)
            ast.parse(text)
            assert text.isascii()
            assert text.startswith(f"# {found.claim.id} ")
    assert len(seen) > 80


def test_the_command_prints_the_script_and_nothing_else(verinit, here, tmp_path):
    verinit("run", "cli_net:chapter=he_normal", "--battery", "smoke", "--jobs", "0")
    from verinit.vocabulary.document import decode

    report = decode((here / "verinit-report" / "report.json").read_bytes())
    found = next(f for f in report.red if f.claim.id == "IN201")
    code, out, err = verinit("replay", found.short_id, "--as-script")
    assert (code, err) == (0, "")
    assert out == script(found.id, report=report)
    assert "#   likely    ratio 2: 2/sqrt(n)" in out
    assert ran(out, here)[0] == 1
    mended = replace(found, target="cli_net:he=he_normal").id
    code, out, _ = verinit("replay", mended, "--as-script")
    assert ran(out, here)[0] == 0
