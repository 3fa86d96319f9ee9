"""Targets: every calling form draws the same from the same rng, and leaves the world as it was."""
# ruff: noqa: NPY002 - the global generators are what users' code draws from

import functools
import random  # noqa: TID251 - users' code draws from it

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verinit.targets import target
from verinit.targets.globals import borrowed
from verinit.vocabulary import Initializer


def std(shape):
    return np.sqrt(2.0 / shape[0])


class Drawer:
    def __call__(self, shape, rng):
        return rng.normal(0.0, std(shape), shape)

    def draw(self, shape, rng):
        return self(shape, rng)


def with_parameter(shape, rng, gain):
    return gain * rng.normal(0.0, std(shape), shape)


def with_seed(shape, seed):
    return np.random.default_rng(seed).normal(0.0, std(shape), shape)


def with_short_seed(shape, seed):
    return np.random.RandomState(seed).normal(0.0, std(shape), shape)  # refuses seeds of 33 bits


FORMS = {
    "(shape, rng)": lambda shape, rng: rng.normal(0.0, std(shape), shape),
    "(rng, shape)": lambda rng, shape: rng.normal(0.0, std(shape), shape),
    "(shape)": lambda shape: np.random.normal(0.0, std(shape), shape),
    "(size=None)": lambda size=None: np.random.normal(0.0, std(size), size),
    "(shape) of the library's random": lambda shape: np.reshape(
        [random.gauss(0.0, std(shape)) for _ in range(shape[0] * shape[1])], shape
    ),
    "(*shape)": lambda *shape: np.random.normal(0.0, std(shape), shape),
    "(*args)": lambda *args: np.random.normal(0.0, std(args), args),
    "(fan_in, fan_out)": lambda fan_in, fan_out: np.random.randn(fan_in, fan_out) * std((fan_in,)),
    "(n_out, n_in, rng)": lambda n_out, n_in, rng: rng.normal(0.0, std((n_in,)), (n_in, n_out)),
    "(shape, *, rng)": lambda shape, *, rng: rng.normal(0.0, std(shape), shape),
    "(shape, gain=1, rng=None)": lambda shape, gain=1.0, rng=None: rng.normal(0.0, gain * std(shape), shape),
    "(shape, random_state)": lambda shape, random_state: random_state.randn(*shape) * std(shape),
    "(shape, seed)": with_seed,
    "(shape, seed below 2^32)": with_short_seed,
    "silent (a, b) = (shape, rng)": lambda a, b: b.normal(0.0, std(a), a),
    "silent (a, b) = (fan_in, fan_out)": lambda a, b: np.random.randn(a, b) * std((a,)),
    "silent (a, b, c)": lambda a, b, c: c.normal(0.0, std((a,)), (a, b)),
    "silent (n, m, rng)": lambda n, m, rng: rng.normal(0.0, std((n,)), (n, m)),
    "object": Drawer(),
    "method": Drawer().draw,
    "partial": functools.partial(with_parameter, gain=1.0),
}
UNIT = {"numpy's randn": np.random.randn, "numpy's normal": np.random.normal}
"""Of variance 1, where those above have 2 / fan_in."""


@pytest.fixture(params=[*FORMS.values(), *UNIT.values()], ids=[*FORMS, *UNIT])
def initializer(request):
    return target(request.param).object


def test_the_protocol_is_kept(initializer):
    assert isinstance(initializer, Initializer)


def test_equal_states_of_rng_draw_equal_arrays(initializer, rngs):
    one, two = rngs()
    for _ in range(3):
        np.testing.assert_array_equal(initializer((13, 11), one), initializer((13, 11), two))


def test_consecutive_draws_differ(initializer):
    rng = np.random.default_rng(0)
    first, second = initializer((13, 11), rng), initializer((13, 11), rng)
    assert first.shape == second.shape == (13, 11)
    assert not np.any(first == second)  # two of 286 doubles agree with probability below 1e-10


@pytest.mark.parametrize("form", [*FORMS, *UNIT])
def test_a_size_is_passed_where_it_belongs(form, within):
    """Var[W] = 2 / fan_in, and the fan of the wrong axis would leave a ratio of 200 / 30."""
    array = target({**FORMS, **UNIT}[form]).object((200, 30), np.random.default_rng(1))
    variance = 1.0 if form in UNIT else 2 / 200
    assert within(array, variance)
    assert not within(array, variance * 200 / 30)


@pytest.mark.parametrize("form", ["(fan_in, fan_out)", "(n_out, n_in, rng)", "silent (a, b, c)"])
def test_a_function_of_two_fans_is_asked_for_matrices_only(form):
    assert target(FORMS[form]).ranks == (2,)
    assert target(FORMS["(shape, rng)"]).ranks == ()


def test_global_generators_are_left_as_they_were(initializer, states):
    random.gauss(0.0, 1.0)  # caches a second normal number
    while not np.random.get_state()[3]:
        np.random.normal()  # so does this, every other time
    before = states()
    initializer((13, 11), np.random.default_rng(3))
    assert states() == before


def test_adapting_leaves_global_generators_as_they_were(states):
    before = states()
    for function in (*FORMS.values(), *UNIT.values()):
        target(function)
    assert states() == before


def test_the_probe_of_global_states_sees_a_draw(states):
    for draw in (np.random.random, random.random):
        before = states()
        draw()
        assert states() != before


def test_global_generators_are_restored_after_a_crash(states):
    def crashes(shape):
        np.random.randn(3)
        raise ValueError("boom")

    before = states()
    with pytest.raises(ValueError, match="boom"):
        target(crashes).object((3, 4), np.random.default_rng(0))
    assert states() == before


def test_a_user_s_own_global_bit_generator_stays():
    mine = np.random.get_bit_generator()
    other = np.random.PCG64(7)
    np.random.set_bit_generator(other)
    try:
        state = other.state
        with borrowed(np.random.default_rng(0)):
            np.random.seed(3)  # noqa: TID251 - only a Mersenne twister can be seeded so
            np.random.random(5)
            with borrowed(np.random.default_rng(1)):
                inner = np.random.random()
            after = np.random.random()
        assert np.random.get_bit_generator() is other
        assert other.state == state
    finally:
        np.random.set_bit_generator(mine)
    expected = np.random.RandomState(3)
    expected.random(5)
    assert after == expected.random()
    assert inner != after


def test_code_that_seeds_its_own_generator_is_seen_to_ignore_rng():
    def stubborn(shape):
        np.random.seed(0)  # noqa: TID251 - the fault
        return np.random.randn(*shape)

    draw = target(stubborn).object
    np.testing.assert_array_equal(
        draw((3, 4), np.random.default_rng(1)), draw((3, 4), np.random.default_rng(2))
    )


@given(shape=st.lists(st.integers(0, 4), max_size=4).map(tuple), seed=st.integers(0, 2**64))
def test_every_shape_passes_through(shape, seed, rngs):
    one, two = rngs(seed)
    for function in (
        lambda shape, rng: rng.random(shape),
        lambda shape: np.random.uniform(size=shape),
        np.random.rand,
    ):
        draw = target(function).object
        first, second = draw(shape, one), draw(shape, two)
        assert np.shape(first) == shape
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("returned", [[[1.0]], None, "weights", 3.0, (1.0, 2.0)])
def test_what_is_no_array_is_returned_as_it_came(returned):
    assert target(lambda shape, rng: returned).object((1, 1), np.random.default_rng(0)) is returned
