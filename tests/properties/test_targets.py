"""Targets: every calling form draws the same from the same rng, and leaves the world as it was."""
# ruff: noqa: NPY002 - the global generators are what users' code draws from

import functools
import random  # noqa: TID251 - users' code draws from it
import subprocess
import sys
import types

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import chdtri

from verinit.targets import families, jax, resolve, target
from verinit.targets.globals import borrowed
from verinit.vocabulary import Initializer, Scheme, Target, UsageError

RATE = 1e-9
"""How often a test with an exact law may fail on right code."""


def std(shape):
    return np.sqrt(2.0 / shape[0])


def within(array, variance):
    """Whether a sum of squares of independent centred normal weights is where chi-square puts it."""
    low, high = chdtri(array.size, [1.0 - RATE / 2, RATE / 2])
    return low < np.sum(np.square(array, dtype=np.float64)) / variance < high


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


def rngs(seed=5):
    """Two generators in one state."""
    return np.random.default_rng(seed), np.random.default_rng(seed)


def test_the_protocol_is_kept(initializer):
    assert isinstance(initializer, Initializer)


def test_equal_states_of_rng_draw_equal_arrays(initializer):
    one, two = rngs()
    for _ in range(3):
        np.testing.assert_array_equal(initializer((13, 11), one), initializer((13, 11), two))


def test_consecutive_draws_differ(initializer):
    rng = np.random.default_rng(0)
    first, second = initializer((13, 11), rng), initializer((13, 11), rng)
    assert first.shape == second.shape == (13, 11)
    assert not np.any(first == second)  # two of 286 doubles agree with probability below 1e-10


@pytest.mark.parametrize("form", [*FORMS, *UNIT])
def test_a_size_is_passed_where_it_belongs(form):
    """Var[W] = 2 / fan_in, and the fan of the wrong axis would leave a ratio of 200 / 30."""
    array = target({**FORMS, **UNIT}[form]).object((200, 30), np.random.default_rng(1))
    variance = 1.0 if form in UNIT else 2 / 200
    assert within(array, variance)
    assert not within(array, variance * 200 / 30)


def states():
    """The state of every global generator that this process has."""
    torch = sys.modules.get("torch")
    return (
        [str(part.tolist() if isinstance(part, np.ndarray) else part) for part in np.random.get_state()],
        random.getstate(),
        bytes(torch.get_rng_state().numpy()) if torch else b"",
    )


def test_global_generators_are_left_as_they_were(initializer):
    random.gauss(0.0, 1.0)  # caches a second normal number
    while not np.random.get_state()[3]:
        np.random.normal()  # so does this, every other time
    before = states()
    initializer((13, 11), np.random.default_rng(3))
    assert states() == before


def test_adapting_leaves_global_generators_as_they_were():
    before = states()
    for function in (*FORMS.values(), *UNIT.values()):
        target(function)
    assert states() == before


def test_the_probe_of_global_states_sees_a_draw():
    for draw in (np.random.random, random.random):
        before = states()
        draw()
        assert states() != before


def test_global_generators_are_restored_after_a_crash():
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
def test_every_shape_passes_through(shape, seed):
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


# dtypes and parameters ---------------------------------------------------------------------------------


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


@pytest.mark.parametrize("form", ["(fan_in, fan_out)", "(n_out, n_in, rng)", "silent (a, b, c)"])
def test_a_function_of_two_fans_is_asked_for_matrices_only(form):
    assert target(FORMS[form]).ranks == (2,)
    assert target(FORMS["(shape, rng)"]).ranks == ()


def test_what_a_partial_has_bound_stays_bound():
    own = np.random.default_rng(8)
    bound = functools.partial(FORMS["(shape, rng)"], rng=own)
    one, two = rngs()
    draw = target(bound).object
    assert not np.any(draw((13, 11), one) == draw((13, 11), two))


# keras, jax --------------------------------------------------------------------------------------------


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


def test_a_keras_initializer_is_drawn_with_seeds_from_rng():
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
    jax._words.cache_clear()
    yield
    jax._words.cache_clear()


def test_a_jax_key_has_all_its_words_from_rng(fake_jax):
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


# other kinds -------------------------------------------------------------------------------------------


class BatchNormalization:
    """As the textbook chapter writes it."""

    def __init__(self):
        self.gamma, self.dgamma = 2.0, None
        self.running_mean = self.running_var = None

    def forward(self, x, train_flg=True):
        self.training = train_flg
        return self.gamma * x

    def backward(self, dout):
        self.dgamma = np.sum(dout)
        return self.gamma * dout


class Dropout:
    def forward(self, x, train_flg=True):
        return x

    def backward(self, dout):
        return dout


class Noise:
    def forward(self, x, train_flg):
        self.flag = train_flg
        return x

    def backward(self, dout):
        return dout


class SoftmaxWithLoss:
    def forward(self, x, t):
        return float(np.sum(x - t))

    def backward(self, dout=1):
        return np.full(3, dout)


class Network:
    def walk(self, inputs, rng):
        return iter([inputs])


class Smooth:
    def value(self, x):
        return x

    def derivative(self, x):
        return np.ones_like(x)


@pytest.mark.parametrize(
    ("thing", "kind"),
    [
        (BatchNormalization(), "normalizer"),
        (Dropout(), "layer"),
        (SoftmaxWithLoss(), "loss"),
        (Network(), "model"),
        (Smooth(), "activation"),
        (Drawer(), "initializer"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_kind_is_recognised(thing, kind):
    found = target(thing)
    assert (found.kind, found.scheme) == (kind, None)
    assert target(thing, kind=kind).kind == kind


def test_the_chapters_batch_normalization_is_a_normalizer():
    own = BatchNormalization()
    normalizer = target(own).object
    x = np.arange(3.0)
    np.testing.assert_array_equal(normalizer.forward(x, training=False), 2.0 * x)
    assert own.training is False
    np.testing.assert_array_equal(normalizer.backward(x), 2.0 * x)
    assert normalizer.dgamma == own.dgamma == np.sum(x)
    normalizer.gamma = 5.0
    assert own.gamma == 5.0


def test_a_layer_with_a_switch_is_examined_in_training():
    own = Noise()
    target(own).object.forward(np.ones(3))
    assert own.flag is True


def test_the_chapters_loss_needs_no_cotangent():
    loss = target(SoftmaxWithLoss()).object
    assert loss.forward(np.ones(3), np.zeros(3)) == 3.0
    np.testing.assert_array_equal(loss.backward(), np.ones(3))


def test_two_functions_make_an_activation():
    found = target(np.tanh, derivative=lambda x: 1.0 - np.tanh(x) ** 2, kind="activation")
    assert found.kind == target(np.tanh, derivative=np.cos).kind == "activation"
    assert found.object.value(np.zeros(1))[0] == 0.0
    assert found.object.derivative(np.zeros(1))[0] == 1.0


# words -------------------------------------------------------------------------------------------------


def test_numpy_is_the_whole_reference_under_its_own_schemes():
    found = resolve("numpy")
    names = {member.name for member in found}
    assert {"numpy:he_normal", "numpy:he_normal@fan_out", "numpy:orthogonal", "numpy:zeros"} <= names
    assert len(names) == len(found)
    for member in found:
        assert isinstance(member.scheme, Scheme)
        assert resolve(member.name) == (member,)
        array = member.object((4, 3), np.random.default_rng(0), dtype="float16")
        assert (array.shape, array.dtype) == ((4, 3), np.float16)


def test_families_come_first_and_are_words():
    assert families()[:2] == ("numpy", "torch")
    assert resolve(families()[0]) == resolve("numpy")


def test_another_scheme_may_be_declared():
    (found,) = resolve("numpy:he_normal=lecun_normal")
    assert (found.name, str(found.scheme)) == ("numpy:he_normal=lecun_normal", "lecun_normal")
    assert resolve(found.name)[0].scheme == found.scheme
    assert found.replayable


OWN = """
from functools import partial
import verinit

def he(shape, rng):
    return rng.standard_normal(shape) * (2 / shape[0]) ** 0.5

bound = partial(he)
ready = verinit.target(he, scheme="he_normal", name="ready", expected={"IN204": "known"})

class Box:
    he = staticmethod(he)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder that holds a module `targets_own`, and in which the program is started."""
    (tmp_path / "targets_own.py").write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("targets_own", None)


@pytest.mark.parametrize("attribute", ["he", "bound", "ready", "Box.he"])
def test_a_module_of_the_current_directory_is_found(own, attribute):
    word = f"targets_own:{attribute}=he_normal(mode=fan_out)"
    (found,) = resolve(word)
    assert (found.name, found.replayable, found.scheme.mode) == (word, True, "fan_out")
    again = resolve(found.name)[0].object((3, 4), np.random.default_rng(0))
    np.testing.assert_array_equal(found.object((3, 4), np.random.default_rng(0)), again)


def test_what_a_module_declares_is_kept(own):
    (found,) = resolve("targets_own:ready")
    assert str(found.scheme) == "he_normal"
    assert found.excuse("IN204") == "known"
    (plain,) = resolve("targets_own:he")
    assert plain.scheme is None


class Point:
    def __init__(self, thing):
        self.thing = thing

    def load(self):
        return self.thing


ONE = Target(name="one", kind="initializer", object=FORMS["(shape, rng)"], replayable=False)


@pytest.fixture
def offered(monkeypatch):
    """Packages that offer targets by entry points."""
    from verinit.targets import words

    def offer(**things):
        points = {name: Point(thing) for name, thing in things.items()}
        monkeypatch.setattr(words, "_entry_points", lambda: points)
        words._offered.cache_clear()

    yield offer
    words._offered.cache_clear()


@pytest.mark.parametrize("thing", [ONE, [ONE], lambda: ONE, lambda: iter([ONE])])
def test_an_entry_point_offers_targets(offered, thing):
    offered(acme=thing)
    assert families() == ("numpy", "torch", "acme")
    (found,) = resolve("acme")
    assert (found.name, found.replayable) == ("acme:one", True)
    assert resolve("acme:one") == (found,)


def test_a_built_in_family_is_not_replaced(offered):
    offered(numpy=ONE)
    assert families() == ("numpy", "torch")
    assert len(resolve("numpy")) > 1


# torch -------------------------------------------------------------------------------------------------

LOADED = "import sys; {}; print('torch' in sys.modules)"


def torch_loaded(code):
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(code)], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout.strip() == "True"


@pytest.mark.torch
@pytest.mark.parametrize(
    ("code", "loads"),
    [
        ("import verinit.targets", False),
        ("from verinit.targets import resolve; resolve('numpy')", False),
        ("from verinit.targets import target; target(lambda w: w).object((2, 3), None)", False),
        ("from verinit.targets import resolve; resolve('torch')", True),
    ],
)
def test_torch_is_loaded_only_when_it_is_asked_for(code, loads):
    code = code.replace("None)", "__import__('numpy').random.default_rng(0))")
    assert torch_loaded(code) is loads


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


def test_without_torch_its_targets_name_what_to_install(monkeypatch):
    from verinit.targets.torch import catalogue
    from verinit.vocabulary import TargetError

    catalogue.targets.cache_clear()
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(TargetError) as raised:
        resolve("torch:kaiming_normal_")
    assert str(raised.value) == "target 'torch' needs PyTorch: pip install 'verinit[torch]'"


TORCH_WORDS = [
    "uniform_",
    "normal_",
    "trunc_normal_",
    "trunc_normal_@documented",
    "constant_",
    "ones_",
    "zeros_",
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_uniform_@fan_out",
    "kaiming_normal_",
    "kaiming_normal_@fan_out",
    "orthogonal_",
    "orthogonal_@sqrt2",
    "Linear.reset_parameters",
    "Linear.reset_parameters@documented",
    "Conv2d.reset_parameters@documented",
]


@pytest.mark.torch
def test_torch_is_the_whole_family(torch):
    assert [member.name for member in resolve("torch")] == [f"torch:{word}" for word in TORCH_WORDS]


@pytest.mark.torch
@pytest.mark.parametrize("word", TORCH_WORDS)
def test_torch_draws_from_rng_alone(torch, word):
    (found,) = resolve(f"torch:{word}")
    shape = (3, 5, 4, 6) if found.ranks in ((4,), (2, 3, 4, 5)) else (9, 8)
    torch.randn(3)  # an odd number leaves a cached normal number behind
    before = states()
    one, two = rngs()
    first, again, other = found.object(shape, one), found.object(shape, two), found.object(shape, one)
    np.testing.assert_array_equal(first, again)
    assert states() == before
    assert (first.shape, first.dtype) == (shape, np.float32)
    assert np.isfinite(first).all()
    if found.scheme.family != "constant":
        assert not np.array_equal(first, other)
        np.testing.assert_array_equal(first, again)  # and the second draw did not overwrite the first
    assert {"float32", "float64"} <= set(found.dtypes)
    for dtype in found.dtypes:
        assert str(found.object(shape, one, dtype=dtype).dtype) == dtype


@pytest.mark.torch
@pytest.mark.parametrize(
    ("word", "shape", "variance", "wrong"),
    [
        ("kaiming_normal_", (64, 32), 2 / 64, 2 / 32),
        ("kaiming_normal_@fan_out", (64, 32), 2 / 32, 2 / 64),
        ("kaiming_normal_", (3, 5, 8, 16), 2 / (15 * 8), 2 / (15 * 16)),
        ("kaiming_normal_@fan_out", (3, 5, 8, 16), 2 / (15 * 16), 2 / (15 * 8)),
        ("xavier_normal_", (64, 32), 2 / 96, 2 / 64),
    ],
)
def test_fans_of_torch_weights_keep_their_roles(torch, word, shape, variance, wrong):
    array = resolve(f"torch:{word}")[0].object(shape, np.random.default_rng(2))
    assert within(array, variance)
    assert not within(array, wrong)


@pytest.mark.torch
def test_a_torch_weight_is_transposed_to_verinits_layout(torch):
    def numbered(tensor: "torch.Tensor"):
        tensor.copy_(torch.arange(tensor.numel()).reshape(tensor.shape))

    draw = target(numbered).object
    dense = draw((4, 3), np.random.default_rng(0))
    np.testing.assert_array_equal(dense, np.arange(12).reshape(3, 4).T)
    kernel = draw((2, 3, 4, 5), np.random.default_rng(0))
    np.testing.assert_array_equal(kernel, np.arange(120).reshape(5, 4, 2, 3).transpose(2, 3, 1, 0))
    np.testing.assert_array_equal(draw((7,), np.random.default_rng(0)), np.arange(7))
    assert draw((), np.random.default_rng(0)).shape == ()


def bound_of(array):
    return np.max(np.abs(array.astype(np.float64)))


@pytest.mark.torch
def test_grouped_convolutions_have_the_fan_of_one_group(torch):
    """Uniform on +-1/sqrt(fan_in): 5760 weights come within 1 % of the bound but for 0.99^5760 = 7e-26."""
    draw = resolve("torch:Conv2d.reset_parameters@documented")[0].object
    for groups in (1, 4):
        fan_in = 15 * 8  # shape (*kernel, in / groups, out)
        array = draw((3, 5, 8, 48), np.random.default_rng(groups), groups=groups)
        assert array.shape == (3, 5, 8, 48)
        assert 0.99 / np.sqrt(fan_in) < bound_of(array) <= np.float32(1 / np.sqrt(fan_in))


@pytest.mark.torch
@pytest.mark.parametrize("style", ["in place", "returned", "untouched", "by name"])
def test_functions_that_fill_a_tensor_are_recognised(torch, style):
    def in_place(w):
        w.normal_(0.0, 0.1)

    def returned(w: "torch.Tensor"):
        return torch.randn_like(w) * 0.1

    def untouched(w: "torch.Tensor"):
        return None

    def by_name(weight, std=0.1):
        with torch.no_grad():
            return weight.normal_(0.0, std)

    functions = {"in place": in_place, "returned": returned, "untouched": untouched, "by name": by_name}
    found = target(functions[style])
    before = states()
    one, two = rngs()
    array, again = found.object((64, 32), one), found.object((64, 32), two)
    assert states() == before
    assert set(found.dtypes) >= {"float32", "float64", "bfloat16"}
    assert found.object((4, 3), one, dtype="bfloat16").dtype == ml_dtypes.bfloat16
    if style == "untouched":
        assert np.isnan(array).all()
    else:
        np.testing.assert_array_equal(array, again)
        assert within(array, 0.01)


SAMPLED = (
    "lambda shape, rng, dtype=None: torch.from_numpy(rng.standard_normal(shape)).to(dtype or torch.float32)"
)
GENERATED = "lambda shape, generator=None: torch.randn(shape, generator=generator)"


@pytest.mark.torch
@pytest.mark.parametrize("function", ["torch.randn", "lambda shape: torch.randn(shape)", GENERATED, SAMPLED])
def test_functions_that_return_tensors_give_arrays(torch, function):
    found = target(eval(function, {"torch": torch}))
    one, two = rngs()
    array, again = found.object((64, 32), one), found.object((64, 32), two)
    np.testing.assert_array_equal(array, again)
    assert (type(array), array.dtype) == (np.ndarray, np.float32)
    assert within(array, 1.0)
    if found.dtypes:
        assert found.object((3, 4), one, dtype="bfloat16").dtype == ml_dtypes.bfloat16


@pytest.mark.torch
def test_a_bfloat16_tensor_becomes_an_array_without_a_copy(torch):
    from verinit.targets.torch.tensors import as_array

    tensor = torch.tensor([[1.5, -2.0, 3.25]], dtype=torch.bfloat16).T
    array = as_array(tensor)
    np.testing.assert_array_equal(array.astype(np.float32), [[1.5], [-2.0], [3.25]])
    tensor[0, 0] = 7.0
    assert float(array[0, 0]) == 7.0


@pytest.mark.torch
def test_draws_of_torch_are_not_limited_to_32_bits_of_seed(torch):
    """`manual_seed` keeps the low half of a seed only, so the whole state is drawn instead."""
    from verinit.targets.torch import chance

    generator = torch.Generator()
    low = torch.rand(4, generator=generator.manual_seed(1))
    assert torch.equal(low, torch.rand(4, generator=generator.manual_seed(1 + 2**32)))
    _, words = chance._template()
    assert words is not None
    chance.seed(generator, np.random.default_rng(3))
    drawn = np.random.default_rng(3).integers(0, 2**32, 624, dtype=np.uint32)
    np.testing.assert_array_equal(generator.get_state().numpy()[24 : 24 + 8 * 624].view(np.uint64), drawn)


@pytest.mark.torch
def test_an_unknown_state_of_torch_is_seeded_as_torch_does(torch, monkeypatch):
    from verinit.targets.torch import chance

    monkeypatch.setattr(chance, "_template", lambda: (None, None))
    one, two = rngs()
    first = torch.rand(4, generator=chance.generator(one)).numpy()
    np.testing.assert_array_equal(first, torch.rand(4, generator=chance.generator(two)).numpy())
    assert not np.array_equal(first, torch.rand(4, generator=chance.generator(one)).numpy())


def test_a_scheme_is_read_and_kept():
    found = target(FORMS["(shape, rng)"], scheme="kaiming_normal", expected={"IN204": "why"})
    assert (str(found.scheme), found.expected) == ("he_normal", (("IN204", "why"),))
    assert target(found, scheme="lecun_normal").expected == found.expected
    assert target(found) is found
    with pytest.raises(UsageError, match="no scheme named 'he_norml'"):
        target(FORMS["(shape, rng)"], scheme="he_norml")
