"""Targets of JAX and Flax: drawn from rng alone, in the dtype asked for, and loaded only when asked for."""

import subprocess
import sys

import numpy as np
import pytest

from verinit.cases import battery
from verinit.runner import plan, run_plan
from verinit.targets import resolve
from verinit.vocabulary import TargetError

pytestmark = pytest.mark.jax

JAX_WORDS = {
    "random.normal": "normal",
    "random.uniform": "uniform",
    "random.truncated_normal": "truncated_normal(corrected=false)",
    "uniform": "uniform(high=0.01)",
    "normal": "normal(std=0.01)",
    "truncated_normal": "truncated_normal(std=0.01)",
    "truncated_normal@documented": "truncated_normal(std=0.01, corrected=false)",
    "constant": "constant(value=0.1)",
    "ones": "ones",
    "zeros": "zeros",
    "glorot_uniform": "xavier_uniform",
    "glorot_normal": "xavier_truncated_normal",
    "he_uniform": "he_uniform",
    "he_normal": "he_truncated_normal",
    "he_normal@untruncated": "he_normal",
    "lecun_uniform": "lecun_uniform",
    "lecun_normal": "lecun_truncated_normal",
    "variance_scaling@normal": "variance_scaling(scale=2)",
    "variance_scaling@uniform": "variance_scaling(scale=2, mode=fan_out, distribution=uniform)",
    "variance_scaling@truncated_normal": (
        "variance_scaling(scale=2, mode=fan_avg, distribution=truncated_normal)"
    ),
    "orthogonal": "orthogonal",
    "orthogonal@sqrt2": f"orthogonal(gain={2**0.5})",
}
FLAX_WORDS = {
    "Dense": "lecun_truncated_normal",
    "Conv": "lecun_truncated_normal",
    "ConvTranspose": "lecun_truncated_normal",
    "Embed": "variance_scaling(mode=fan_out)",
    "nnx.Linear": "lecun_truncated_normal",
    "nnx.Conv": "lecun_truncated_normal",
    "nnx.ConvTranspose": "lecun_truncated_normal",
    "nnx.Embed": "variance_scaling(mode=fan_out)",
}
WORDS = [*(f"jax:{word}" for word in JAX_WORDS), *(f"flax:{word}" for word in FLAX_WORDS)]


@pytest.fixture(scope="module")
def jax():
    """JAX, which spends most of these tests compiling, and here does it in a hurry."""
    jax = pytest.importorskip("jax")
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield jax
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(scope="module")
def flax(jax):
    return pytest.importorskip("flax")


@pytest.mark.parametrize(("family", "words"), [("jax", JAX_WORDS), ("flax", FLAX_WORDS)])
def test_the_family_is_whole_and_declared_as_documented(flax, family, words):
    found = {member.name: str(member.scheme) for member in resolve(family) if member.kind == "initializer"}
    assert found == {f"{family}:{word}": scheme for word, scheme in words.items()}


def test_second_names_in_jax_are_the_same_functions(jax):
    kept = jax.nn.initializers
    for family, other in (("xavier", "glorot"), ("kaiming", "he")):
        for law in ("normal", "uniform"):
            assert getattr(kept, f"{family}_{law}") is getattr(kept, f"{other}_{law}")


def test_flax_gives_the_initializers_of_jax(jax, flax):
    import flax.linen

    for word in JAX_WORDS:
        name = word.partition("@")[0]
        if not name.startswith("random."):
            assert getattr(flax.linen.initializers, name) is getattr(jax.nn.initializers, name)


def shape_of(found):
    """One shape for each number of axes, so that most targets share what JAX has compiled."""
    return (6, 5) if 2 in found.ranks or not found.ranks else (3, 2, 4)


@pytest.mark.parametrize("word", WORDS)
def test_draws_come_from_rng_alone(flax, word, rngs, states):
    (found,) = resolve(word)
    shape = shape_of(found)
    before = states()
    one, two = rngs()
    first, again, other = found.object(shape, one), found.object(shape, two), found.object(shape, one)
    assert states() == before
    assert (type(first), first.shape, first.dtype) == (np.ndarray, shape, np.float32)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    (resolved,) = resolve(word)
    np.testing.assert_array_equal(first, resolved.object(shape, rngs()[0]))
    if found.scheme.family != "constant":
        assert not np.array_equal(first, other)


@pytest.mark.parametrize("word", WORDS)
def test_half_precision_is_offered_but_for_orthogonal_matrices(flax, word):
    """And no float64, which JAX draws only where it is enabled."""
    (found,) = resolve(word)
    halves = () if found.scheme.family == "orthogonal" else ("float16", "bfloat16")
    assert found.dtypes == ("float32", *halves)


@pytest.mark.parametrize("word", ["jax:normal", "jax:he_uniform", "jax:zeros", "flax:Embed"])
def test_the_dtypes_that_are_offered_are_delivered(flax, word):
    (found,) = resolve(word)
    for dtype in found.dtypes:
        drawn = found.object(shape_of(found), np.random.default_rng(0), dtype=dtype)
        assert str(drawn.dtype) == dtype


def test_float64_is_offered_where_it_is_enabled(jax):
    code = (
        "import jax; jax.config.update('jax_enable_x64', True)\n"
        "from verinit.targets.jax.catalogue import traced\n"
        "print(traced(jax.nn.initializers.normal()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "('float32', 'float64', 'float16', 'bfloat16')"


@pytest.mark.parametrize(
    ("word", "shape", "variance", "wrong"),
    [
        ("jax:variance_scaling@normal", (64, 32), 2 / 64, 2 / 32),
        ("jax:variance_scaling@normal", (15, 8, 16), 2 / (15 * 8), 2 / (15 * 16)),
        ("flax:Embed", (64, 32), 1 / 32, 1 / 64),
        ("flax:nnx.Embed", (64, 32), 1 / 32, 1 / 64),
    ],
)
def test_fans_keep_their_roles(flax, word, shape, variance, wrong, within):
    array = resolve(word)[0].object(shape, np.random.default_rng(2))
    assert within(array, variance)
    assert not within(array, wrong)


CUT = 2 / 0.87962566103423978
"""Where a standard normal that is cut at 2 ends, in units of its own standard deviation."""


@pytest.mark.parametrize("word", ["flax:Conv", "flax:nnx.Conv"])
@pytest.mark.parametrize("groups", [1, 4])
def test_grouped_convolutions_have_the_fan_of_one_group(flax, word, groups):
    """1440 weights come within 10 % of the bound but for (1 - 0.0276)^1440 = 3e-18 (the law's mass there).

    The std is rounded four times on its way: variance, root, correction, product.
    """
    array = resolve(word)[0].object((15, 2, 48), np.random.default_rng(groups), groups=groups)
    assert array.shape == (15, 2, 48)
    bound = CUT / np.sqrt(15 * 2)  # shape (*kernel, in / groups, out)
    assert 0.9 * bound < np.max(np.abs(array)) <= bound * (1 + 4 * np.finfo(np.float32).eps)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_flax_draws_is_what_its_modules_are_made_with(jax, flax, dtype):
    from verinit.targets.jax import key

    array = resolve("flax:Dense")[0].object((6, 5), np.random.default_rng(4), dtype=dtype)
    module = flax.linen.Dense(5, param_dtype=np.dtype(dtype))
    variables = module.init(key(np.random.default_rng(4)), np.ones((1, 6), np.float32))
    np.testing.assert_array_equal(array, np.asarray(variables["params"]["kernel"]))
    assert not np.any(variables["params"]["bias"])


@pytest.mark.parametrize(
    ("family", "missing", "sentence"),
    [
        ("jax", "jax", "target 'jax' needs JAX: pip install 'verinit[jax]'"),
        ("flax", "flax.linen", "target 'flax' needs Flax: pip install 'verinit[jax]'"),
    ],
)
def test_without_the_framework_its_targets_name_what_to_install(monkeypatch, family, missing, sentence):
    import importlib

    catalogue = importlib.import_module(f"verinit.targets.{family}.catalogue")
    monkeypatch.setattr(catalogue, "targets", catalogue.targets.__wrapped__)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(TargetError) as raised:
        resolve(family)
    assert str(raised.value) == sentence


@pytest.mark.parametrize(
    ("word", "dtype", "code"),
    [
        ("jax:he_normal", "bfloat16", "IN202"),  # 128 values: the mean is a hundredth of a std off
        ("jax:random.normal", "float16", "IN209"),  # nothing below -3.49 std
    ],
)
def test_what_half_precision_draws_in_jax_is_reported_for_what_it_is(jax, word, dtype, code):
    """If JAX mends its lattice these pass, and the sentence in the documentation goes."""
    look = battery("standard", only=(f"48x80/{dtype}",))
    report = run_plan(plan(resolve(word), battery=look, codes=[code]))
    assert [finding.claim.id for finding in report.red] == [code], str(report)
