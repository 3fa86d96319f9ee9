"""`verify_gradient`: what may be given, what is found, and that nothing is left changed."""

import re

import numpy as np
import pytest

import verinit
from verinit.reference.activations import tanh
from verinit.reference.initializers import he_normal
from verinit.reference.layers import BatchNorm, SoftmaxWithLoss
from verinit.reference.network import mlp
from verinit.targets import resolve
from verinit.targets.differentiable import held

X = np.random.default_rng(7).standard_normal((5, 4))
W = np.random.default_rng(8).standard_normal((4, 3))
LABELS = np.array([0, 2, 1, 3, 0])


class Dense:
    """As the textbook chapter writes it."""

    def __init__(self, weights=W):
        self.W, self.b = weights.copy(), np.zeros(3, weights.dtype)
        self.x = self.dW = self.db = None

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


class Listed:
    """As the second volume writes it: gradients are written into arrays that are there before."""

    def __init__(self, weights):
        self.params, self.grads = [weights], [np.zeros_like(weights)]

    def forward(self, x):
        (weights,) = self.params
        self.x = x
        return np.tanh(x @ weights)

    def backward(self, dout):
        (weights,) = self.params
        dz = dout * (1.0 - np.tanh(self.x @ weights) ** 2)
        self.grads[0][...] = self.x.T @ dz
        return dz @ weights.T


class Stack:
    def __init__(self, *layers):
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout):
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout


class Noisy(Dense):
    def forward(self, x, train_flg=True):
        self.mask = np.random.rand(*x.shape) > 0.5 if train_flg else 1.0  # noqa: NPY002 - as written
        return super().forward(x * self.mask)

    def backward(self, dout):
        return super().backward(dout) * self.mask


class Adding(Dense):
    def __init__(self):
        super().__init__()
        self.dW = np.zeros_like(self.W)

    def backward(self, dout):
        self.dW += self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class Cleared(Adding):
    def zero_grad(self):
        self.dW = np.zeros_like(self.W)


class BookLoss:
    """The chapter's, whose backward takes the cotangent to be 1 and ignores it."""

    def forward(self, x, t):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.y, self.t = e / e.sum(axis=1, keepdims=True), t
        return -np.sum(np.log(self.y[np.arange(len(t)), t])) / len(t)

    def backward(self, dout=1):
        dx = self.y.copy()
        dx[np.arange(len(self.t)), self.t] -= 1
        return dx / len(self.t)


def pair(x, weights):
    return np.tanh(x @ weights)


def pulled(c, x, weights):
    dz = c * (1.0 - np.tanh(x @ weights) ** 2)
    return dz @ weights.T, x.T @ dz


def nested(p, x):
    return pair(x, p["W"])


def nested_pulled(c, p, x):
    dx, dw = pulled(c, x, p["W"])
    return {"W": dw}, dx


RIGHT = {
    "pair": (pair, [X, W], pulled),
    "dict": (
        pair,
        {"x": X, "weights": W},
        lambda c, x, w: dict(zip(("x", "weights"), pulled(c, x, w), strict=True)),
    ),
    "nested": (nested, ({"W": W}, X), nested_pulled),
    "no gradient": (pair, [X, W], lambda c, x, w: (None, pulled(c, x, w)[1])),
    "one": (np.sin, X, lambda c, x: c * np.cos(x)),
    "whole numbers": (lambda x, i: x[i], [X, LABELS], lambda c, x, i: (np.eye(len(x))[:, i] @ c, None)),
    "dense": (Dense(), X, None),
    "listed": (Listed(W), X, None),
    "stack": (Stack(Listed(W), Listed(W.T.copy())), X, None),
    "noisy": (Noisy(), X, None),
    "cleared": (Cleared(), X, None),
    "loss": (BookLoss(), [X, LABELS], None),
    "reference loss": (SoftmaxWithLoss(), [X, LABELS], None),
    "batch norm": (BatchNorm(np.array([1.0, -2.0, 0.5, 3.0]), np.zeros(4)), X, None),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_code_passes(name):
    forward, inputs, backward = RIGHT[name]
    report = verinit.verify_gradient(forward, inputs, backward)
    assert report, str(report)


def test_a_network_of_the_reference_passes_with_all_its_parameters():
    network = mlp(
        (4, 5, 3), np.random.default_rng(0), initializer=he_normal, activation=tanh, batch_norm=True
    )
    found = held(network, X)
    assert found.names == ("x", "layers[0].W", "layers[1].gamma", "layers[1].beta", "layers[3].W")
    assert verinit.verify_gradient(network, X)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_narrow_layer_is_verified_in_float64_too(dtype):
    layer = Listed(W.astype(dtype))
    report = verinit.verify_gradient(layer, X.astype(dtype))
    assert report, str(report)
    assert {str(f.case) for f in report.findings} == {f"5x4/{dtype}#0"}
    assert "GR201" in {f.claim.id for f in report.findings if str(f.verdict) == "passed"}


@pytest.mark.parametrize(
    ("forward", "backward", "code"),
    [
        (pair, lambda c, x, w: (pulled(c, x, w)[0], pulled(c, x, w)[1] / len(x)), "GR201"),
        (pair, lambda c, x, w: pulled(c, x, w)[:1], "GR103"),
        (pair, lambda c, x, w: pulled(np.abs(c), x, w), "GR106"),
        (lambda x, w: x @ w + np.random.rand(), pulled, "GR101"),  # noqa: NPY002
    ],
    ids=["divided by N", "one gradient of two", "|dy|", "noise"],
)
def test_wrong_code_is_found_out(forward, backward, code):
    report = verinit.verify_gradient(forward, [X, W], backward)
    assert code in {found.claim.id for found in report.red}
    assert all(not found.replayable for found in report.findings)


def test_a_layer_that_adds_to_its_gradient_is_found_out():
    assert {f.claim.id for f in verinit.verify_gradient(Adding(), X).red} == {"GR105"}


def test_a_layer_is_left_as_it_was():
    layer = Stack(Dense(), Listed(np.eye(3)))
    kept = [layer.layers[0].W.copy(), layer.layers[1].params[0].copy()]
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    given = X.copy()
    verinit.verify_gradient(layer, given)
    assert layer.layers[0].dW is layer.layers[0].x is None
    assert not hasattr(layer.layers[1], "x")
    assert not layer.layers[1].grads[0].any()
    np.testing.assert_array_equal(layer.layers[0].W, kept[0])
    np.testing.assert_array_equal(layer.layers[1].params[0], kept[1])
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    np.testing.assert_array_equal(given, X)


def test_what_a_layer_only_remembers_is_no_parameter():
    layer = Dense()
    layer.forward(X)
    layer.backward(np.ones((5, 3)))
    layer.dx = np.zeros_like(X)  # beside x, which forward sets anew
    assert held(layer, X).names == ("x", "W", "b")


def test_parameters_take_the_dtype_of_the_inputs():
    found = held(Dense(), X.astype(np.float32))
    assert {x.dtype.name for x in found.given} == {"float32"}
    assert {x.dtype.name for x in found.inputs((5, 4), None, dtype="float64")} == {"float64"}


def test_the_discrepancy_is_that_of_the_derivative():
    report = verinit.verify_gradient(*RIGHT["pair"], discrepancy=1e-4)
    sizes = {found.claim.id: found.discrepancy for found in report.findings}
    assert sizes["GR201"] == 1e-4
    assert sizes["GR106"] == verinit.CHECKS["GR106"].discrepancy


def test_a_target_makes_its_own_inputs():
    (found,) = resolve("numpy:vjp(softmax)")
    report = verinit.verify_gradient(found, cases=["4x3", "5x2/float32"])
    assert report, str(report)
    assert {str(f.case) for f in report.findings} == {"4x3#0", "5x2/float32#0"}
    assert verinit.verify_gradient(found.object, cases=["4x3"], name="mine")


def test_known_failures_are_excused_and_names_are_used():
    report = verinit.verify_gradient(
        Adding(), X, name="adding", names=["batch"], expected={"GR105": "adds up, cleared by the optimiser"}
    )
    assert not report.red
    assert {found.target for found in report.findings} == {"adding"}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: (3, X), "forward=3 is of type int and cannot be called: give a function"),
        (lambda: (Dense, X), "forward=Dense is a class: give an instance of it, or a function"),
        (lambda: (np.sin,), "inputs is missing: give an array"),
        (lambda: (np.sin, []), "inputs is empty: give at least one array of floating-point numbers"),
        (lambda: (np.sin, "x", np.cos), "input 'x' is of type str: give an array of real numbers"),
        (lambda: (np.sin, X * 1j, np.cos), "input 'x' is of dtype complex128: give an array of real"),
        (lambda: (np.sin, LABELS, np.cos), "inputs of dtype int64: none is floating-point"),
        (
            lambda: (np.sin, X),
            "backward is missing .*: give backward\\(cotangent, \\*inputs\\), or a torch or jax",
        ),
        (lambda: (np.sin, X, 3), "backward=3 cannot be called: give backward"),
        (
            lambda: (lambda x: [x], X, np.cos),
            "forward returned a list: give a function that returns one array",
        ),
        (lambda: (lambda x: None, X, np.cos), "forward returned None: give a function"),
        (lambda: (lambda x: x.foo, X), "forward cannot be called with these inputs \\(AttributeError: "),
        (lambda: (resolve("numpy:zeros")[0],), "numpy:zeros is of kind 'initializer': give a function"),
        (lambda: (resolve("numpy:vjp(softmax)")[0], X), r"inputs: numpy:vjp\(softmax\) makes its own inputs"),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(call, said):
    with pytest.raises(verinit.UsageError, match=said) as caught:
        verinit.verify_gradient(*call())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"names": ["a"]}, "names=['a']: 2 inputs were given, so give 2 different names"),
        ({"cases": ["3x4"]}, "cases: the inputs that are given are the one case; leave cases out"),
        (
            {"discrepancy": 2.0},
            "discrepancy=2.0: an error relative to the largest entry lies between 0 and 1",
        ),
        ({"checks": ["GR2O1"]}, "no check named 'GR2O1'; did you mean 'GR201'?"),
        ({"expected": {"GR201": ""}}, "expected={'GR201': ''}: a known failure needs its reason, in words"),
    ],
)
def test_a_wrong_option_is_answered_with_one_sentence(words, said):
    with pytest.raises(verinit.UsageError, match=re.escape(said)):
        verinit.verify_gradient(pair, [X, W], pulled, **words)
