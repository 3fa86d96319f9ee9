"""Targets of Keras: seeded from rng alone, on a backend that is there, and with the fans of their kernels."""

import json
import os
import random  # noqa: TID251 - Keras draws seeds from it
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from verinit.targets import resolve, target
from verinit.vocabulary import TargetError

pytestmark = pytest.mark.keras

KERAS_WORDS = {
    "RandomUniform": "uniform(low=-0.05, high=0.05)",
    "RandomNormal": "normal(std=0.05)",
    "TruncatedNormal": "truncated_normal(std=0.05)",
    "TruncatedNormal@documented": "truncated_normal(std=0.05, corrected=false)",
    "Constant": "constant(value=0.1)",
    "Ones": "ones",
    "Zeros": "zeros",
    "GlorotUniform": "xavier_uniform",
    "GlorotNormal": "xavier_truncated_normal",
    "HeUniform": "he_uniform",
    "HeNormal": "he_truncated_normal",
    "HeNormal@untruncated": "he_normal",
    "LecunUniform": "lecun_uniform",
    "LecunNormal": "lecun_truncated_normal",
    "VarianceScaling@untruncated_normal": "variance_scaling(scale=2)",
    "VarianceScaling@uniform": "variance_scaling(scale=2, mode=fan_out, distribution=uniform)",
    "VarianceScaling@truncated_normal": (
        "variance_scaling(scale=2, mode=fan_avg, distribution=truncated_normal)"
    ),
    "Orthogonal": "orthogonal",
    "Orthogonal@sqrt2": f"orthogonal(gain={2**0.5})",
    "Dense": "xavier_uniform",
    "Conv2D": "xavier_uniform",
}


@pytest.fixture(scope="module")
def keras():
    """Not by `importorskip`, which would import it on whatever backend its file says."""
    if find_spec("keras") is None or not any(map(find_spec, ("jax", "torch"))):
        pytest.skip("Keras or a backend of it is not installed: pip install 'verinit[keras]' jax")
    from verinit.targets.keras.framework import multi_keras

    keras = multi_keras()
    if keras.backend.backend() != "jax":
        yield keras
        return
    import jax

    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)  # most of these tests is compiling
    yield keras
    jax.config.update("jax_disable_most_optimizations", before)


def test_the_family_is_whole_and_declared_as_documented(keras):
    found = {member.name: str(member.scheme) for member in resolve("keras")}
    assert found == {f"keras:{word}": scheme for word, scheme in KERAS_WORDS.items()}


@pytest.mark.parametrize("word", KERAS_WORDS)
def test_draws_come_from_rng_alone(keras, word, rngs, states):
    (found,) = resolve(f"keras:{word}")
    shape = (6, 5) if 2 in found.ranks or not found.ranks else (1, 2, 3, 4)
    before = states()
    one, two = rngs()
    first, again, other = found.object(shape, one), found.object(shape, two), found.object(shape, one)
    assert states() == before
    assert (type(first), first.shape, first.dtype) == (np.ndarray, shape, np.float32)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    (resolved,) = resolve(f"keras:{word}")
    np.testing.assert_array_equal(first, resolved.object(shape, rngs()[0]))
    if found.scheme.family != "constant":
        assert not np.array_equal(first, other)


def test_making_the_family_draws_no_seed_from_the_users_generator(keras):
    from verinit.targets.keras import catalogue

    before = random.getstate()
    catalogue.targets.__wrapped__()
    assert random.getstate() == before
    keras.initializers.HeNormal()
    assert random.getstate() != before  # which Keras itself does
    random.setstate(before)


@pytest.mark.parametrize("word", ["RandomNormal", "HeUniform", "Orthogonal", "Dense"])
def test_the_dtypes_that_are_offered_are_delivered(keras, word):
    (found,) = resolve(f"keras:{word}")
    assert "float32" in found.dtypes
    assert ("bfloat16" in found.dtypes) is (word != "Orthogonal")
    for dtype in found.dtypes:
        assert str(found.object((6, 5), np.random.default_rng(0), dtype=dtype).dtype) == dtype


@pytest.mark.parametrize(
    ("shape", "variance", "wrong"), [((64, 32), 2 / 64, 2 / 32), ((3, 5, 8, 16), 2 / (15 * 8), 2 / (15 * 16))]
)
def test_fans_of_keras_kernels_keep_their_roles(keras, shape, variance, wrong, within):
    array = resolve("keras:VarianceScaling@untruncated_normal")[0].object(shape, np.random.default_rng(2))
    assert within(array, variance)
    assert not within(array, wrong)


def test_grouped_convolutions_count_outputs_that_no_input_reaches(keras):
    """Uniform on +-sqrt(6 / (fan_in + fan_out)): 5760 weights come within 1 % of it but for 7e-26."""
    draw = resolve("keras:Conv2D")[0].object
    for groups in (1, 4):
        array = draw((3, 5, 8, 48), np.random.default_rng(groups), groups=groups)
        bound = np.sqrt(6 / (15 * 8 + 15 * 48))  # and not 15 * 48 / groups
        assert 0.99 * bound < np.max(np.abs(array)) <= np.float32(bound)


def test_seeds_have_two_words(keras):
    """With one word of 31 bits, two of ten thousand draws are equal with probability 2 %."""
    from verinit.targets.keras.reseeding import words

    state = np.asarray(words(np.random.default_rng(3)).next())
    drawn = np.random.default_rng(3).integers(0, 2**32, 2, dtype=np.uint32)
    np.testing.assert_array_equal(state.astype(np.uint32), drawn)


def test_an_object_in_hand_keeps_its_parameters_and_its_seed(keras, rngs, within):
    own = keras.initializers.RandomNormal(stddev=2.0, seed=7)
    found = target(own, scheme="normal(std=2)")
    before = np.asarray(own((3, 4)))
    one, two = rngs()
    array = found.object((64, 32), one)
    np.testing.assert_array_equal(array, found.object((64, 32), two))
    assert within(array, 4.0)
    np.testing.assert_array_equal(before, np.asarray(own((3, 4))))


CHOICES = [
    ({"KERAS_BACKEND": "torch"}, None, {"jax", "torch"}, "torch"),
    ({"KERAS_BACKEND": "tensorflow"}, None, {"jax"}, "tensorflow"),
    ({}, None, {"jax", "torch"}, "jax"),
    ({}, None, {"torch"}, "torch"),
    ({}, None, {"tensorflow", "jax"}, None),
    ({}, None, set(), None),
    ({}, {"backend": "tensorflow"}, {"jax", "torch"}, "jax"),
    ({}, {"backend": "torch"}, {"jax", "torch"}, None),
    ({}, {"backend": 7}, {"torch"}, "torch"),
    ({}, "not JSON", {"torch"}, "torch"),
]


@pytest.mark.parametrize(("given", "file", "installed", "chosen"), CHOICES)
def test_a_backend_is_chosen_only_where_keras_would_choose_a_missing_one(
    monkeypatch, tmp_path, given, file, installed, chosen
):
    from verinit.targets.keras import framework

    if file is not None:
        text = file if isinstance(file, str) else json.dumps(file)
        (tmp_path / "keras.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(os, "environ", {"KERAS_HOME": str(tmp_path), **given})
    monkeypatch.setattr(framework, "_installed", lambda backend: backend in installed)
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    framework._choose()
    assert os.environ.get("KERAS_BACKEND") == chosen


@pytest.mark.torch
def test_the_backend_torch_draws_too(keras):
    code = (
        "import numpy as np\nfrom verinit.targets import resolve\n"
        "(found,) = resolve('keras:Dense')\n"
        "one, two = (found.object((6, 5), np.random.default_rng(1), dtype='bfloat16') for _ in range(2))\n"
        "import keras, sys\n"
        "print(keras.backend.backend(), one.dtype, (one == two).all(), found.dtypes)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={**os.environ, "KERAS_BACKEND": "torch"},
    )
    assert done.stdout.strip() == "torch bfloat16 True ('float32', 'float64', 'float16', 'bfloat16')"


MISSING = {
    "keras": "target 'keras' needs Keras: pip install 'verinit[keras]'",
    "tensorflow": (
        "target 'keras': the backend of Keras cannot be imported (no tensorflow here); install it, or set "
        "KERAS_BACKEND=jax or torch"
    ),
}


@pytest.mark.parametrize(("name", "sentence"), MISSING.items())
def test_without_keras_or_its_backend_the_message_says_what_to_install(monkeypatch, name, sentence):
    import builtins

    from verinit.targets.keras import catalogue

    plain = builtins.__import__

    def refuse(asked, *others, **more):
        if asked == "keras":
            raise ImportError(f"no {name} here", name=name)
        return plain(asked, *others, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    monkeypatch.setattr(catalogue, "targets", catalogue.targets.__wrapped__)
    catalogue._dtypes.cache_clear()
    with pytest.raises(TargetError) as raised:
        resolve("keras")
    assert str(raised.value) == sentence
