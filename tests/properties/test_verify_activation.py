"""verify_activation: what people have written is understood, and misuse is told in one sentence."""

import math

import numpy as np
import pytest

import verinit
from verinit.targets.activations.written import activation

CASES = ["5x4/float64", "5x4/float32"]


class Relu:
    """As the chapter writes it: a mask is kept, and backward writes on its cotangent."""

    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class Swish:
    def value(self, x):
        e = np.exp(-np.abs(x))
        return np.maximum(x, -1000) * np.where(x < 0, e, 1) / (1 + e)

    def derivative(self, x):
        (right,) = verinit.resolve("numpy:silu")
        return right.object.derivative(x)


def leaky(x):
    return np.where(x > 0, x, x.dtype.type(0.2) * x)


def leak(x):
    return np.where(x > 0, x.dtype.type(1), x.dtype.type(0.2))


@pytest.mark.parametrize(
    ("f", "options"),
    [
        (Relu(), {"like": "relu"}),
        (Relu, {"like": "relu"}),
        (Swish(), {"like": "swish"}),
        (leaky, {"like": "leaky_relu(slope=0.2)", "derivative": leak}),
        (np.tanh, {"like": "tanh"}),
        (np.tanh, {}),
        (verinit.resolve("numpy:gelu")[0], {}),
    ],
    ids=["layer", "class", "object", "pair", "ufunc", "unnamed", "target"],
)
def test_what_people_have_written_passes(f, options):
    report = verinit.verify_activation(f, cases=CASES, **options)
    assert report, str(report)
    assert not report.red


def test_a_layer_is_not_touched():
    layer = Relu()
    assert verinit.verify_activation(layer, like="relu", cases=CASES)
    assert layer.mask is None


def reasons(report, code):
    return {f.reason for f in report.findings if f.claim.id == code}


def test_without_a_derivative_only_values_are_looked_at():
    report = verinit.verify_activation(np.tanh, like="tanh", cases=["5x4/float64"], name="mine")
    assert {f.claim.id for f in report.findings if f.claim.id[:3] == "AC3"} == {
        f"AC30{i}" for i in range(1, 7)
    }
    assert reasons(report, "AC301") == {"mine came without a derivative"}
    assert reasons(report, "AC201") == {""}


def test_without_a_name_only_the_contract_is_looked_at():
    report = verinit.verify_activation(
        np.cos, derivative=lambda x: -np.sin(x), cases=["5x4/float64"], name="mine"
    )
    assert reasons(report, "AC201") == {"mine does not say which activation it is (like=...)"}
    assert reasons(report, "AC106") == {""}
    assert report


def test_a_lower_slope_on_the_left_is_named():
    report = verinit.verify_activation(
        leaky, derivative=leak, like="leaky_relu", cases=CASES, checks=["AC201"]
    )
    assert "the slope on the left is 0.2, not 0.01" in str(report)


def test_known_failures_are_excused_with_their_reason():
    def naive(x):
        return 1 / (1 + np.exp(-x))

    expected = {"AC109": "exp(-x) overflows on the left"}
    assert verinit.verify_activation(naive, like="sigmoid", cases=CASES, expected=expected)
    assert not verinit.verify_activation(naive, like="sigmoid", cases=CASES)


def test_half_precision_is_asked_of_those_who_answer_in_it():
    assert activation(np.tanh, like="tanh").dtypes == ("float64", "float32", "float16", "bfloat16")

    def doubled(x):
        return np.tanh(np.asarray(x, dtype=float))

    assert activation(doubled, like="tanh").dtypes == ("float64", "float32")
    report = verinit.verify_activation(doubled, like="tanh", cases=CASES)
    assert {(f.claim.id, str(f.case)) for f in report.red} == {("AC103", "5x4/float32#0")}


def test_another_word_for_a_target_drops_its_known_failures():
    (naive,) = verinit.resolve("numpy:sigmoid@naive")
    assert activation(naive, like="sigmoid").expected == naive.expected
    assert activation(naive, like="tanh").expected == ()
    other = activation(naive, like="tanh")
    assert (other.name, other.replayable) == ("numpy:sigmoid@naive=tanh", True)


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ((np.tanh,), {"like": "tahn"}, "no activation named 'tahn'; did you mean 'tanh'?"),
        (
            (np.tanh,),
            {"like": "leaky_relu(slop=0.2)"},
            "no parameter of leaky_relu named 'slop'; did you mean",
        ),
        ((np.tanh,), {"like": "leaky_relu(slope=2)"}, "the slope of a leaky ReLU lies between 0 and 1"),
        ((np.tanh,), {"like": "elu(alpha=-1)"}, "the alpha of an ELU is finite and positive"),
        ((np.tanh,), {"like": "softplus(threshold=0)"}, "softplus is x above a positive threshold"),
        ((np.tanh,), {"like": "gelu(approximate=1)"}, "gelu takes no parameter"),
        ((np.tanh,), {"like": "gelu +"}, "an activation is spelt like 'gelu' or 'leaky_relu(slope=0.2)'"),
        (("numpy:gelu",), {}, "'numpy:gelu' is a word; give the function itself, or verinit.resolve("),
        ((math.tanh,), {}, "cannot be called with an array of numbers"),
        ((3,), {}, "is of type int: give a function of an array"),
        ((np.tanh,), {"derivative": 3}, "derivative=3: give a function of an array"),
        ((Relu(),), {"derivative": np.sign}, "Relu has its own; leave it out"),
        ((verinit.resolve("numpy:he_normal")[0],), {}, "is of kind 'initializer': give an activation"),
        ((np.tanh,), {"like": "tanh", "checks": ["AC21"]}, "no check named 'AC21'"),
    ],
)
def test_misuse_is_told_in_one_sentence(arguments, options, words):
    with pytest.raises(verinit.UsageError) as told:
        verinit.verify_activation(*arguments, **options)
    assert words in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.torch
def test_functions_and_modules_of_torch_are_differentiated_by_autograd():
    torch = pytest.importorskip("torch")

    class Clamp(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, g):
            return g * (ctx.saved_tensors[0] > 0)

    for f, like in (
        (torch.nn.functional.elu, "elu"),
        (torch.nn.ELU(0.5), "elu(alpha=0.5)"),
        (torch.nn.ReLU, "relu"),
        (Clamp, "relu"),
        (lambda x: torch.where(x > 0, x, 0.25 * x), "leaky_relu(slope=0.25)"),
    ):
        report = verinit.verify_activation(f, like=like, cases=[*CASES, "64/bfloat16"])
        assert report, str(report)
        assert reasons(report, "AC301") == {""}


@pytest.mark.torch
def test_a_backward_of_torch_that_is_wrong_is_seen():
    torch = pytest.importorskip("torch")

    class Guided(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clamp(min=0)

        @staticmethod
        def backward(ctx, g):
            return g

    report = verinit.verify_activation(Guided, like="relu", cases=CASES, checks=["AC301"])
    assert "1 everywhere: the derivative is forgotten" in str(report)


@pytest.mark.jax
def test_functions_of_jax_are_differentiated_by_vjp():
    jax = pytest.importorskip("jax")
    report = verinit.verify_activation(
        lambda x: jax.numpy.maximum(x, 0),
        like="relu",
        cases=CASES,
        checks=["AC103", "AC201", "AC301", "AC304"],
    )
    assert report, str(report)
    assert reasons(report, "AC301") == {""}
