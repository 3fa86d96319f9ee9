"""Targets: a dtype, a parameter, a key is passed only where it is taken, as it is wanted."""

import functools
import sys
import types

import ml_dtypes
import numpy as np
import pytest

from verinit.targets import target
from verinit.targets.jax import keys


def he(shape, rng):
    return rng.normal(0.0, np.sqrt(2.0 / shape[0]), shape)


def test_a_dtype_is_passed_only_where_it_is_taken_and_asked_for():
    given_ = []

    def takes(shape, rng, dtype=None):
        given_.append(dtype)
        return np.zeros(shape, dtype)

    found = target(takes)
    given_.clear()
    found.object((2, 2), np.random.default_rng(0))
    assert given_ == [None]
    assert found.object((2, 2), np.random.default_rng(0), dtype="bfloat16").dtype == ml_dtypes.bfloat16
    assert found.dtypes == ("float32", "float64", "float16", "bfloat16")
    deaf = target(lambda shape, rng: rng.random(shape))
    assert deaf.dtypes == ()
    assert deaf.object((2, 2), np.random.default_rng(0), dtype="float32").dtype == np.float64


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda shape, rng, dtype=np.float64: dtype, np.float32),
        (lambda shape, rng, dtype="float64": dtype, "float32"),
        (lambda shape, rng, dtype=None: dtype, np.dtype("float32")),
        (lambda shape, rng, dtype: dtype(0), np.float32(0)),
    ],
    ids=["type", "word", "dtype", "whichever is taken"],
)
def test_a_dtype_is_spelt_as_the_function_wants_it(function, expected):
    passed = target(function).object((2, 2), np.random.default_rng(0), dtype="float32")
    assert passed == expected
    assert type(passed) is type(expected)


def test_half_precision_is_asked_only_of_what_can_draw_it():
    samples_in_dtype = target(lambda shape, rng, dtype: rng.random(shape, dtype=dtype))
    assert samples_in_dtype.dtypes == ("float32", "float64")


def test_a_crash_in_float32_is_no_reason_to_look_away():
    def crashes(shape, rng, dtype=None):
        if dtype is not None:
            raise ValueError("no dtypes here")
        return rng.random(shape)

    assert target(crashes).dtypes == ("float32", "float64")


def test_parameters_of_the_case_are_those_of_the_signature():
    def grouped(shape, rng, *, groups=1):
        return np.full(shape, groups)

    found = target(grouped)
    assert found.parameters == ("groups",)
    assert found.object((2, 2), np.random.default_rng(0), groups=4)[0, 0] == 4
    assert target(lambda shape, rng: rng.random(shape)).parameters == ()


def test_what_a_partial_has_bound_stays_bound(rngs):
    own = np.random.default_rng(8)
    bound = functools.partial(he, rng=own)
    one, two = rngs()
    draw = target(bound).object
    assert not np.any(draw((13, 11), one) == draw((13, 11), two))


class KerasLike:
    """As keras.initializers.RandomNormal: its own seed, the same numbers at every call."""

    def __init__(self, stddev=0.05, seed=1):
        self.stddev, self.seed = stddev, seed

    def __call__(self, shape, dtype=None):
        assert dtype is None or isinstance(dtype, str)
        return np.random.default_rng(self.seed).normal(0.0, self.stddev, shape).astype(dtype or "float32")

    def get_config(self):
        return {"stddev": self.stddev, "seed": self.seed}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def test_a_keras_initializer_is_drawn_with_seeds_from_rng(rngs, within):
    own = KerasLike(stddev=2.0)
    found = target(own)
    one, two = rngs()
    first, again = found.object((13, 11), one), found.object((13, 11), two)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, found.object((13, 11), one))
    assert found.object((2, 2), one, dtype="float16").dtype == np.float16
    assert own.seed == 1
    assert within(first, 4.0)


@pytest.fixture
def fake_jax(monkeypatch):
    """Enough of jax for a key; the adapter was run against the real one when it was written."""
    module = types.ModuleType("jax")
    module.numpy = np
    module.random = types.SimpleNamespace(PRNGKey=lambda seed: np.zeros(2, np.uint32))
    monkeypatch.setitem(sys.modules, "jax", module)
    keys._words.cache_clear()
    yield
    keys._words.cache_clear()


def test_a_jax_key_has_all_its_words_from_rng(fake_jax, rngs):
    keys = []

    def init(key, shape, dtype=np.float32):
        keys.append(key)
        return np.random.default_rng(key).normal(size=shape).astype(dtype)

    found = target(init)
    one, two = rngs()
    np.testing.assert_array_equal(found.object((3, 4), one), found.object((3, 4), two))
    assert (keys[-1].shape, keys[-1].dtype) == ((2,), np.uint32)
    np.testing.assert_array_equal(keys[-1], keys[-2])
    assert found.object((3, 4), one, dtype="float16").dtype == np.float16


def test_a_generator_before_the_shape_may_be_a_jax_key(fake_jax):
    def init(rng, shape):
        if rng.dtype != np.uint32:
            raise TypeError("no key")
        return np.random.default_rng(rng).normal(size=shape)

    assert target(init).object((3, 4), np.random.default_rng(0)).shape == (3, 4)
    numpys = target(lambda rng, shape: rng.normal(size=shape)).object
    assert numpys((3, 4), np.random.default_rng(0)).shape == (3, 4)
