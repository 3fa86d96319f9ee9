"""Targets of PyTorch: drawn from rng alone, in verinit's layout, and loaded only when asked for."""

import subprocess
import sys

import ml_dtypes
import numpy as np
import pytest

from verinit import Verdict, verify
from verinit.targets import resolve, target

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
        ("import types; sys.modules['torch'] = types.ModuleType('torch')", True),
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
    found = [member.name for member in resolve("torch") if member.kind == "initializer"]
    assert found == [f"torch:{word}" for word in TORCH_WORDS]


@pytest.mark.torch
@pytest.mark.parametrize("word", TORCH_WORDS)
def test_torch_draws_from_rng_alone(torch, word, rngs, states):
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
def test_fans_of_torch_weights_keep_their_roles(torch, word, shape, variance, wrong, within):
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
def test_functions_that_fill_a_tensor_are_recognised(torch, style, rngs, states, within):
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


@pytest.mark.torch
def test_a_name_that_ends_in_an_underscore_is_held_to_what_is_left_in_the_tensor(torch):
    """`init_(layer.weight)` is how it will be called: what is returned is lost."""

    def he_(w):
        return w.clone().normal_(0.0, 0.1)

    assert np.isnan(target(he_).object((64, 32), np.random.default_rng(1))).all()
    report = verify(he_, scheme="normal(std=0.1)", cases=["16x16"], battery="smoke")
    (failed,) = [each for each in report.findings if each.verdict is Verdict.failed]
    assert failed.claim.id == "IN104"
    assert "it was left as it came" in failed.evidence.detail


@pytest.mark.torch
def test_a_function_that_fills_a_copy_and_returns_nothing_is_given_a_tensor(torch):
    def lost(w):
        w.clone().normal_(0.0, 0.1)

    assert np.isnan(target(lost).object((64, 32), np.random.default_rng(1))).all()


SAMPLED = (
    "lambda shape, rng, dtype=None: torch.from_numpy(rng.standard_normal(shape)).to(dtype or torch.float32)"
)
GENERATED = "lambda shape, generator=None: torch.randn(shape, generator=generator)"


@pytest.mark.torch
@pytest.mark.parametrize("function", ["torch.randn", "lambda shape: torch.randn(shape)", GENERATED, SAMPLED])
def test_functions_that_return_tensors_give_arrays(torch, function, rngs, within):
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
def test_an_unknown_state_of_torch_is_seeded_as_torch_does(torch, monkeypatch, rngs):
    from verinit.targets.torch import chance

    monkeypatch.setattr(chance, "_template", lambda: (None, None))
    one, two = rngs()
    first = torch.rand(4, generator=chance.generator(one)).numpy()
    np.testing.assert_array_equal(first, torch.rand(4, generator=chance.generator(two)).numpy())
    assert not np.array_equal(first, torch.rand(4, generator=chance.generator(one)).numpy())
