"""Targets: what an object can do says which kind it is, and the chapter's own classes are understood."""

import numpy as np
import pytest

from verinit.targets import target


class Drawer:
    def __call__(self, shape, rng):
        return rng.random(shape)


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
