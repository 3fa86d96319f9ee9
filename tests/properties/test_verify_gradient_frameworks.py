"""`verify_gradient` of what torch and JAX differentiate by themselves, and of what their users teach them."""

import numpy as np
import pytest

import verinit
from verinit.targets.differentiable import held

X = np.random.default_rng(7).standard_normal((5, 4))
W = np.random.default_rng(8).standard_normal((4, 3))


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def jax():
    return pytest.importorskip("jax")


def right(*arguments):
    report = verinit.verify_gradient(*arguments, checks=("GR101", "GR103", "GR105", "GR201"))
    assert report, str(report)
    return report


def codes(report):
    return {found.claim.id for found in report.red}


@pytest.mark.torch
def test_a_function_of_torch_is_known_by_its_home_its_inputs_or_its_result(torch):
    right(torch.nn.functional.gelu, X)
    right(lambda x: x * x, torch.tensor(X))
    right(lambda x: x.sin(), X)
    right(lambda p, x: torch.tanh(x @ p["W"]), [{"W": W}, X])
    right(lambda x: (x * x).sum(), torch.tensor(X, dtype=torch.float32))


@pytest.mark.torch
def test_a_pair_of_functions_of_tensors_is_called_with_tensors(torch):
    right(torch.sin, torch.tensor(X), lambda c, x: c * torch.cos(x))
    wrong = verinit.verify_gradient(torch.sin, torch.tensor(X), lambda c, x: -c * torch.cos(x))
    assert codes(wrong) == {"GR201"}


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_module_is_examined_with_its_parameters_and_left_as_it_was(torch, dtype):
    module = torch.nn.Sequential(
        torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3), torch.nn.Dropout(0.5), torch.nn.Tanh()
    )
    module[1].bias.requires_grad_(False)
    before = {name: kept.clone() for name, kept in module.state_dict().items()}
    state = torch.get_rng_state()
    found = held(module, X.astype(dtype))
    assert found.names == ("input", "0.weight", "0.bias", "1.weight")
    report = right(module, X.astype(dtype))
    assert {str(f.case) for f in report.findings} == {f"5x4/{dtype}#0"}
    assert any(f.claim.id == "GR201" and str(f.verdict) == "passed" for f in report.findings)
    assert all(torch.equal(kept, before[name]) for name, kept in module.state_dict().items())
    assert all(kept.grad is None for kept in module.parameters())
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.torch
def test_a_module_of_whole_numbers_is_examined_by_its_parameters(torch):
    found = held(torch.nn.Embedding(6, 3), np.array([0, 1, 5, 1]))
    assert (found.names, found.first.shape) == (("input", "weight"), (6, 3))
    right(torch.nn.Embedding(6, 3), np.array([0, 1, 5, 1]))


@pytest.mark.torch
@pytest.mark.parametrize("factor", [3.0, 2.0])
def test_a_function_that_was_taught_its_gradient_is_held_to_it(torch, factor):
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, c):
            (x,) = ctx.saved_tensors
            return factor * x**2 * c

    for given in (Cube, Cube.apply):
        assert codes(verinit.verify_gradient(given, X)) == (set() if factor == 3.0 else {"GR201"})


@pytest.mark.torch
def test_a_gradient_that_was_cut_off_is_found_out(torch):
    assert "GR201" in codes(verinit.verify_gradient(lambda x: x.detach() * 2.0 + 0.0 * x, X))
    assert "GR201" in codes(verinit.verify_gradient(lambda x: x.detach() ** 2, X))


@pytest.mark.torch
def test_a_function_that_holds_float32_is_not_asked_for_float64(torch):
    weight = torch.tensor(W, dtype=torch.float32)
    report = right(lambda x: x @ weight, X.astype(np.float32))
    assert any("does not compute in float64" in f.reason for f in report.findings)


@pytest.mark.jax
def test_a_function_of_jax_is_known_by_its_home_its_inputs_or_its_result(jax):
    right(jax.nn.silu, X)
    right(lambda x: x * x, jax.numpy.asarray(X))
    right(lambda p, x: jax.numpy.tanh(x @ p[0] + p[1]), [[W, np.ones(3)], X])


@pytest.mark.jax
@pytest.mark.parametrize("factor", [1.0, 0.99])
def test_custom_derivatives_of_jax_are_held_to_their_function(jax, factor):
    vjp = jax.custom_vjp(jax.numpy.sin)
    vjp.defvjp(lambda x: (jax.numpy.sin(x), x), lambda x, c: (factor * c * jax.numpy.cos(x),))
    jvp = jax.custom_jvp(jax.numpy.sin)
    jvp.defjvp(lambda x, s: (jax.numpy.sin(*x), factor * s[0] * jax.numpy.cos(*x)))
    for given in (vjp, jvp):
        assert codes(verinit.verify_gradient(given, X)) == (set() if factor == 1.0 else {"GR201"})
    assert not jax.config.jax_enable_x64
