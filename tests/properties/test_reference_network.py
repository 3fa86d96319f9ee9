"""A network's probes hold every activation and every gradient, and walks draw what they are told."""

from itertools import pairwise

import numpy as np
import pytest

from verinit.reference.activations import ACTIVATIONS, Elementwise, relu, sigmoid, softplus, tanh
from verinit.reference.initializers import he_normal, normal, xavier_normal
from verinit.reference.layers import Activate, Affine, BatchNorm, Dropout
from verinit.reference.network import Echo, Network, Step, activations_by_layer, mlp
from verinit.vocabulary import Model, UsageError

EPS = float(np.finfo(float).eps)
H = 2.0**-100
SMOOTH = {  # values that take complex numbers; the slopes are those of the reference
    "tanh": Elementwise(name="tanh", value=np.tanh, derivative=tanh.derivative),
    "sigmoid": Elementwise(
        name="sigmoid", value=lambda x: 1 / (1 + np.exp(-x)), derivative=sigmoid.derivative
    ),
    "softplus": Elementwise(
        name="softplus", value=lambda x: np.log1p(np.exp(x)), derivative=softplus.derivative
    ),
}


def batch(rows, columns, *, seed=0):
    return np.random.default_rng([seed, 99]).standard_normal((rows, columns))


def there(net, x, seed):
    """The steps of a walk, without the way back."""
    return [s for s in net.walk(x, np.random.default_rng(seed)) if isinstance(s, Step)]


def absolute_gradients(net, cotangent):
    """What flows back when every term counts with its absolute value: the scale of rounding errors."""
    flows, flow = [], np.abs(cotangent)
    for layer in reversed(net.layers):
        flows.append(flow)
        if isinstance(layer, Affine):
            flow = flow @ np.abs(layer.W).T
        else:
            flow = flow * np.abs(layer.activation.derivative(layer.x))
    return [*reversed(flows)], flow


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("bias", [False, True])
def test_gradients_are_the_complex_step_of_the_network(name, bias):
    rng = np.random.default_rng([1, len(name)])
    net = mlp((4, 6, 5, 3), rng, initializer=xavier_normal, activation=SMOOTH[name], bias=bias)
    x, c = batch(7, 4), batch(7, 3, seed=1)
    net.forward(x)
    dx = net.backward(c)
    flows, flow = absolute_gradients(net, c)
    # five layers of at most 11 roundings on both sides; |f''| <= 2 |f'|: slopes err by twice what z does
    reach = 1 + 2 * max(np.abs(layer.x).sum(axis=1).max() for layer in net.layers)
    slack = 2 * 5 * 11 * EPS * reach

    def derivative(array, place, run):
        saved = array[place]
        array[place] = saved + 1j * H
        value = (c * run()).sum().imag / H
        array[place] = saved
        return value

    z = x.astype(complex)
    for place in np.ndindex(x.shape):
        assert abs(derivative(z, place, lambda: net.forward(z)) - dx[place]) <= slack * flow[place]
    for index, layer in enumerate(net.layers):
        if isinstance(layer, Affine):
            net.forward(x)
            terms = np.abs(layer.x).T @ flows[index]
            layer.W = layer.W.astype(complex)
            for place in np.ndindex(layer.W.shape):
                step = derivative(layer.W, place, lambda: net.forward(x))
                assert abs(step - layer.dW[place]) <= slack * terms[place]
            layer.W = layer.W.real


def test_probes_hold_what_every_layer_sent_and_received():
    rng = np.random.default_rng(2)
    net = mlp((4, 6, 5, 3), rng, initializer=he_normal, activation=relu, batch_norm=True, bias=True)
    kinds = [type(layer) for layer in net.layers]
    assert kinds == [Affine, BatchNorm, Activate, Affine, BatchNorm, Activate, Affine]
    x, c = batch(9, 4), batch(9, 3)
    y = net.forward(x)
    dx = net.backward(c)
    assert len(net.activations) == len(net.gradients) == len(net.layers)
    assert net.activations[-1] is y
    assert net.gradients[-1] is c
    for a, g in zip(net.activations, net.gradients, strict=True):
        assert a.shape == g.shape
    assert (net.layers[0].backward(net.gradients[0]) == dx).all()
    assert (net.layers[3].forward(net.activations[2]) == net.activations[3]).all()
    net.forward(x)
    assert len(net.activations) == len(net.layers)


def test_evaluation_reaches_batch_norm_and_dropout():
    rng = np.random.default_rng(3)
    net = Network([Dropout(0.5, rng), BatchNorm(np.ones(4), np.zeros(4), eps=0.0)])
    x = batch(8, 4)
    assert (net.forward(x, training=False) == x).all()
    assert (net.forward(x) != x).any()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_a_network_keeps_its_dtype(dtype):
    rng = np.random.default_rng(4)
    net = mlp((4, 5, 3), rng, initializer=he_normal, activation=relu, batch_norm=True, bias=True, dtype=dtype)
    x = batch(6, 4).astype(net.layers[0].W.dtype)
    net.backward(net.forward(x))
    assert {a.dtype.name for a in net.activations + net.gradients} == {dtype}
    assert {s.output.dtype.name for s in there(net, x, 1)} == {dtype}
    assert {e.gradient.dtype.name for e in net.walk(x, rng) if isinstance(e, Echo)} == {dtype}


def test_textbook_experiment_is_the_network_without_its_last_function():
    rng = np.random.default_rng(5)
    net = mlp((10, 10, 10, 10, 10), rng, initializer=normal, activation=tanh)
    x = batch(20, 10)
    net.forward(x)
    ys = list(activations_by_layer(x, [layer.W for layer in net.layers[::2]], tanh))
    assert len(ys) == 4
    for y, probed in zip(ys, net.activations[1::2], strict=False):
        assert (y == probed).all()
    assert (ys[-1] == tanh.value(net.activations[-1])).all()


def test_textbook_experiment_asks_for_one_layer_at_a_time():
    asked = []

    def weights():
        for number in range(3):
            asked.append(number)
            yield np.eye(4)

    layers = activations_by_layer(batch(2, 4), weights(), ACTIVATIONS["identity"])
    assert asked == []
    next(layers)
    assert asked == [0]
    assert (list(layers)[-1] == batch(2, 4)).all()
    assert asked == [0, 1, 2]


@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_walk_chains_inputs_to_outputs_through_fresh_weights(batch_norm):
    rng = np.random.default_rng(6)
    net = mlp((4, 6, 5, 3), rng, initializer=he_normal, activation=relu, batch_norm=batch_norm)
    assert isinstance(net, Model)
    old, x = [layer.W for layer in net.layers if isinstance(layer, Affine)], batch(9, 4)
    steps = there(net, x, 7)
    assert [s.layer for s in steps] == [0, 1, 2]
    assert steps[0].inputs is x
    for s, following in pairwise(steps):
        assert following.inputs is s.output
        assert (s.output >= 0).all()
    for s, W in zip(steps, old, strict=True):
        assert (s.preactivation == s.inputs @ s.weights).all()
        assert s.weights.shape == W.shape
        assert not np.intersect1d(s.weights, W).size  # fresh: two float64 draws agree with chance 1e-13
    assert steps[-1].output is steps[-1].preactivation


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_way_back_is_that_of_backward(batch_norm):
    rng = np.random.default_rng(6)
    net = mlp((4, 6, 5, 3), rng, initializer=he_normal, activation=tanh, batch_norm=batch_norm)
    walked = list(net.walk(batch(9, 4), np.random.default_rng(7)))
    echoes = [e for e in walked if isinstance(e, Echo)]
    assert walked[-3:] == echoes
    assert [e.layer for e in echoes] == [2, 1, 0]
    assert (net.backward(echoes[0].cotangent) == echoes[-1].gradient).all()
    for echo, step in zip(reversed(echoes), walked[:3], strict=True):
        assert (echo.gradient == echo.cotangent @ step.weights.T).all()


def test_a_walk_depends_on_its_rng_alone():
    net = mlp((4, 6, 3), np.random.default_rng(8), initializer=he_normal, activation=relu)
    one, again, other = ([s.weights for s in there(net, batch(2, 4), seed)] for seed in (1, 1, 2))
    assert all((a == b).all() for a, b in zip(one, again, strict=True))
    assert all((a != b).all() for a, b in zip(one, other, strict=True))
    drawn = np.random.default_rng(1)
    assert (one[0] == he_normal((4, 6), drawn)).all()
    assert (one[1] == he_normal((6, 3), drawn)).all()


def test_layers_before_the_first_weights_shape_its_inputs():
    layers = [Activate(relu), Affine(np.ones((4, 2)), None), Activate(tanh)]
    net = Network(layers, initializer=he_normal)
    x = batch(5, 4)
    (step,) = there(net, x, 9)
    assert (step.inputs == np.maximum(x, 0)).all()
    assert (step.output == tanh.value(step.preactivation)).all()


def test_misuse_is_answered_in_words():
    with pytest.raises(UsageError) as caught:
        Network([Affine(np.eye(2), None)]).walk(np.eye(2), np.random.default_rng(0))
    message = "this network cannot draw fresh weights: give Network(layers, initializer=...)"
    assert str(caught.value) == message
    with pytest.raises(UsageError) as caught:
        mlp((3,), np.random.default_rng(0), initializer=he_normal, activation=relu)
    assert str(caught.value) == "widths=(3,): a network needs two or more, (inputs, ..., outputs)"
