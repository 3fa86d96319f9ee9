"""Targets of kind function: the reference's layers, forward and backward; torch's and JAX's by autodiff."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from verinit.cases import BATTERIES, battery
from verinit.reference.layers import Affine, BatchNorm, SoftmaxWithLoss
from verinit.runner import plan, run_plan
from verinit.runner.planning import fits
from verinit.targets import resolve
from verinit.targets.functions import targets
from verinit.vocabulary import Function

NUMPY = targets()
FAMILIES = [
    pytest.param("numpy"),
    pytest.param("torch", marks=pytest.mark.torch),
    pytest.param("jax", marks=pytest.mark.jax),
]
DTYPES = ("float16", "bfloat16", "float32", "float64")


def shape_of(target):
    return (2, 3, 6, 5) if target.ranks == (4,) else (6, 5)


def made(target, *, seed=3, **parameters):
    """The function, its inputs, its output and a cotangent of mixed signs."""
    rng = np.random.default_rng(seed)
    inputs = target.object.inputs(shape_of(target), rng, **parameters)
    y = target.object.forward(*inputs)
    return target.object, inputs, y, rng.standard_normal(np.shape(y)).astype(y.dtype)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_family_names_every_target_once(family):
    pytest.importorskip(family)
    names = [found.name for found in resolve(family)]
    assert len(set(names)) == len(names)
    functions = [found for found in resolve(family) if found.kind == "function"]
    assert functions
    assert all(isinstance(found.object, Function) for found in functions)
    assert all(resolve(found.name) == (found,) for found in functions)


@pytest.mark.parametrize("name", BATTERIES)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_function_is_looked_at_in_every_battery(family, name):
    pytest.importorskip(family)
    for found in resolve(family):
        if found.kind == "function":
            assert any(fits(found, case) for case in BATTERIES[name].of("function"))


@pytest.mark.parametrize(
    ("family", "dtype"),
    [
        *(pytest.param("numpy", dtype) for dtype in DTYPES),
        *(pytest.param("torch", dtype, marks=pytest.mark.torch) for dtype in DTYPES),
    ],
)
def test_both_passes_keep_shape_and_dtype(family, dtype):
    pytest.importorskip(family)
    for found in resolve(family):
        if found.kind != "function":
            continue
        function, inputs, y, c = made(found, dtype=dtype)
        assert (type(y), y.dtype.name) == (np.ndarray, dtype)
        gradients = function.backward(c, *inputs)
        assert len(gradients) == len(inputs) == len(function.names)
        for x, g in zip(inputs, gradients, strict=True):
            assert (g is None) or (g.shape, g.dtype) == (x.shape, x.dtype)
        assert any(g is not None for g in gradients)


@pytest.mark.parametrize("found", NUMPY, ids=str)
def test_both_passes_are_pure(found):
    function, inputs, y, c = made(found)
    kept = [x.copy() for x in inputs]
    first, again = function.backward(c, *inputs), function.backward(c, *inputs)
    np.testing.assert_array_equal(function.forward(*inputs), y)
    for a, b in zip((*inputs, *first), (*kept, *again), strict=True):
        np.testing.assert_array_equal(a, b)  # None is None


@pytest.mark.parametrize("family", FAMILIES)
def test_backward_is_the_derivative_of_forward(family):
    pytest.importorskip(family)
    functions = [found for found in resolve(family) if found.kind == "function"]
    functions = functions[:: 3 if family == "jax" else 1]  # which compiles each anew
    look = battery("smoke", only=["6x5", "2x3x6x5"] if family == "torch" else ["6x5"])
    report = run_plan(plan(functions, battery=look, codes=["GR201"]))
    assert report, str(report)
    assert report.counts["passed"] >= len(functions)


def test_layers_are_those_of_the_reference():
    function, (x, W, b), y, c = made(resolve("numpy:vjp(Affine)")[0])
    layer = Affine(W, b)
    np.testing.assert_array_equal(y, layer.forward(x))
    dx, dW, db = function.backward(c, x, W, b)
    np.testing.assert_array_equal(dx, layer.backward(c))
    np.testing.assert_array_equal(dW, layer.dW)
    np.testing.assert_array_equal(db, layer.db)


def test_batch_norm_in_evaluation_uses_the_statistics_that_are_inputs():
    function, inputs, y, c = made(resolve("numpy:vjp(BatchNorm@eval)")[0])
    layer = BatchNorm(*inputs[1:3], running_mean=inputs[3], running_var=inputs[4])
    np.testing.assert_array_equal(y, layer.forward(inputs[0], False))
    assert [g is None for g in function.backward(c, *inputs)] == [False, False, False, True, True]


def test_the_loss_has_no_axes_and_labels_have_no_gradient():
    function, (x, labels), y, c = made(resolve("numpy:vjp(SoftmaxWithLoss)")[0])
    layer = SoftmaxWithLoss()
    assert (y.shape, float(y)) == ((), layer.forward(x, labels))
    dx, none = function.backward(c, x, labels)
    np.testing.assert_array_equal(dx, float(c) * layer.backward())
    assert none is None


def test_dropout_forgets_the_same_entries_in_every_call():
    function, (x,), y, c = made(resolve("numpy:vjp(Dropout)")[0])
    assert 0 < np.count_nonzero(y) < x.size
    np.testing.assert_array_equal(function.backward(c, x)[0] == 0, y == 0)


@given(seed=st.integers(0, 2**32), rows=st.integers(2, 9), columns=st.integers(1, 9))
def test_special_inputs_have_zeros_and_ties_and_scale_multiplies(seed, rows, columns):
    (found,) = resolve("numpy:vjp(Activate(relu))")
    plain, large = (
        found.object.inputs((rows, columns), np.random.default_rng(seed), scale=scale)[0]
        for scale in (1.0, 32.0)
    )
    np.testing.assert_array_equal(large, 32.0 * plain)
    (x,) = found.object.inputs((rows, columns), np.random.default_rng(seed), special=True)
    named = np.isin(x, (0.0, 1.0, -1.0, 1e-8, 2.0**-20))
    np.testing.assert_array_equal(x[~named], plain[~named])


def test_one_root_gives_the_same_place_in_every_dtype():
    for found in NUMPY:
        wide = found.object.inputs((6, 5), np.random.default_rng(0), dtype="float64")
        for dtype in ("float16", "bfloat16", "float32"):
            narrow = found.object.inputs((6, 5), np.random.default_rng(0), dtype=dtype)
            for a, b in zip(wide, narrow, strict=True):
                np.testing.assert_array_equal(b, a.astype(b.dtype))


@pytest.mark.torch
def test_torch_computes_in_one_thread_where_there_is_little_to_do_and_puts_the_number_back():
    torch = pytest.importorskip("torch")
    from verinit.targets.torch.autograd import GRAIN, called

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        seen = []
        for size in (1, GRAIN):
            called(lambda x: seen.append(torch.get_num_threads()) or x, np.zeros(size))
        assert seen == [1, 2]
        with pytest.raises(TypeError, match="takes no complex numbers"):
            called(torch.nn.functional.elu, np.zeros(2, complex))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.jax
@pytest.mark.parametrize("dtype", ["bfloat16", "float64"])
def test_jax_has_double_precision_inside_only(dtype):
    jax = pytest.importorskip("jax")
    before = jax.config.jax_enable_x64
    function, inputs, y, c = made(resolve("jax:vjp(gelu)")[0], dtype=dtype)
    (dx,) = function.backward(c, *inputs)
    assert (y.dtype.name, dx.dtype.name, jax.config.jax_enable_x64) == (dtype, dtype, before)
