"""A step goes against the gradient; with momentum it remembers; PyTorch takes the same steps."""

import numpy as np
import pytest

from verinit.reference.layers import Affine, BatchNorm
from verinit.reference.optimizers import GradientDescent, parameters
from verinit.vocabulary import UsageError

RNG = np.random.default_rng(5)


def layers():
    """A layer with two parameters and one with two others, each with a gradient."""
    affine = Affine(RNG.standard_normal((3, 2)), np.zeros(2))
    norm = BatchNorm(np.ones(2), np.zeros(2))
    norm.forward(affine.forward(RNG.standard_normal((5, 3))), True)
    affine.backward(norm.backward(RNG.standard_normal((5, 2))))
    return affine, norm


def test_a_step_without_momentum_is_rate_times_gradient():
    affine, norm = layers()
    before = {(id(layer), name): getattr(layer, name) for layer, name, _ in parameters((affine, norm))}
    GradientDescent((affine, norm), rate=0.5).step()
    moved = list(parameters((affine, norm)))
    assert {name for _, name, _ in moved} == {"W", "b", "gamma", "beta"}
    for layer, name, gradient in moved:
        assert np.array_equal(getattr(layer, name), before[id(layer), name] - 0.5 * gradient)


def test_a_layer_without_a_gradient_stays():
    affine = Affine(np.ones((2, 2)), None)
    GradientDescent([affine], rate=1.0).step()
    assert np.array_equal(affine.W, np.ones((2, 2)))


def test_dtype_is_kept_and_the_old_array_is_not_written_on():
    affine = Affine(np.ones((2, 2), np.float32), None)
    held, affine.dW = affine.W, np.full((2, 2), 0.25, np.float32)
    GradientDescent([affine], rate=1.0).step()
    assert affine.W.dtype == np.float32
    assert held[0, 0] == 1.0
    assert affine.W[0, 0] == 0.75


@pytest.mark.torch
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_pytorch_takes_the_same_steps(momentum):
    torch = pytest.importorskip("torch")
    affine = Affine(RNG.standard_normal((3, 2)), None)
    theirs = torch.nn.Parameter(torch.tensor(affine.W))
    descent = GradientDescent([affine], rate=0.1, momentum=momentum)
    other = torch.optim.SGD([theirs], lr=0.1, momentum=momentum)
    for _ in range(5):
        affine.dW = RNG.standard_normal((3, 2))
        theirs.grad = torch.tensor(affine.dW)
        descent.step()
        other.step()
        off = np.abs(affine.W - theirs.detach().numpy()).max()
        assert off <= 8 * np.spacing(np.abs(affine.W).max())  # each step rounds a few times


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_that_is_none_is_refused(rate):
    with pytest.raises(UsageError, match=r"rate=.*above 0"):
        GradientDescent([], rate=rate)


@pytest.mark.parametrize("momentum", [-0.1, 1.0, float("nan")])
def test_a_momentum_that_is_none_is_refused(momentum):
    with pytest.raises(UsageError, match=r"momentum=.*less than 1"):
        GradientDescent([], rate=0.1, momentum=momentum)
