"""`verinit gradcheck`: what it accepts, what it says, and the code it ends with."""

import json
import re

import pytest

NET = '''
"""Layers as people write them."""

import numpy as np


class Dense:
    def __init__(self):
        self.W, self.b = np.random.default_rng(0).normal(size=(6, 4)), np.zeros(4)
        self.dW = self.db = None

    def forward(self, x):
        self.x = x
        return np.tanh(x @ self.W + self.b)

    def backward(self, dout):
        dz = dout * (1 - np.tanh(self.x @ self.W + self.b) ** 2)
        self.dW, self.db = self.x.T @ dz, dz.sum(axis=0)
        return dz @ self.W.T


class Mean(Dense):
    def backward(self, dout):
        dx = super().backward(dout)
        self.dW /= len(dout)
        return dx


class Sized:
    def __init__(self, size):
        self.size = size


layer = Dense()


def make():
    return Dense()


def example():
    x = np.linspace(-2, 2, 12).reshape(3, 4)
    return np.tanh, x, lambda c, x: c * (1 - np.tanh(x) ** 2)


def flat():
    x = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
    return np.tanh, x, lambda c, x: 0 * c


def plain(x):
    return x * x


def broken(x):
    raise ValueError("no luck")


def four():
    return np.tanh, 1.0, np.cos, 3
'''


@pytest.fixture
def net(here):
    (here / "grad_net.py").write_text(NET, encoding="utf-8")
    return here


def results(here):
    return json.loads((here / "verinit-report" / "report.json").read_text(encoding="utf-8"))["results"]


@pytest.mark.parametrize("word", ["Dense", "layer", "make"])
def test_a_layer_or_what_makes_one_passes(verinit, net, word):
    code, out, err = verinit("gradcheck", f"grad_net:{word}", "--input", "8,6")
    assert (code, err) == (0, "")
    assert re.match(r"\d+ passed, 0 failed, 0 inconclusive, \d+ skipped, 0 errored\n", out)
    assert re.search(r"\n\d+\.\d\d s, report verinit-report/index\.html, digest [0-9a-f]{16}\n$", out)
    assert {(r["target"], r["case"]) for r in results(net)} == {(f"grad_net:{word}(8x6)", "8x6#0")}


def test_a_wrong_layer_fails_and_its_replay_line_works(verinit, net):
    code, out, _ = verinit("gradcheck", "grad_net:Mean", "--input", "8,6")
    assert code == 1
    block = out.split("\n\n")[0]
    assert block.startswith("GR201 FAILED for grad_net:Mean(8x6) at 8x6#0\n")
    assert "dL/dW" in block
    again, replayed, _ = verinit(*re.search(r"verinit (replay [0-9a-f]{8})", block).group(1).split())
    assert again == 1
    assert replayed.split("\n\n")[1].strip() == block


def test_inputs_that_the_module_brings_are_used(verinit, net):
    assert verinit("gradcheck", "grad_net:example")[0] == 0
    assert {r["case"] for r in results(net)} == {"3x4/float64#0"}
    code, out, _ = verinit("gradcheck", "grad_net:flat", "--check", "gr201")
    assert code == 1
    assert {r["case"] for r in results(net)} == {"3x4/float32#0"}
    assert verinit(*re.search(r"verinit (replay [0-9a-f]{8})", out).group(1).split())[0] == 1


def test_dtype_scale_and_seed_are_those_of_the_inputs(verinit, net):
    words = ("gradcheck", "grad_net:layer", "--input", "8,6", "--dtype", "float32", "--scale", "0.5")
    code, out, _ = verinit(*words, "--seed", "5", "--quiet")
    assert code == 0
    assert "\nroot 5, " in out
    assert {r["case"] for r in results(net)} == {"8x6/float32?scale=0.5#0"}


def test_built_in_functions_are_checked_in_their_battery_or_where_asked(verinit, here):
    assert verinit("gradcheck", "numpy:BatchNorm", "--check", "GR103,GR104")[0] == 0
    assert len({r["case"] for r in results(here)}) > 3
    assert verinit("gradcheck", "numpy:BatchNorm", "--input", "7,3", "--scale", "30")[0] == 0
    assert {r["case"] for r in results(here)} == {"7x3?scale=30.0#0"}


@pytest.mark.torch
def test_a_function_and_a_module_of_torch_are_checked(verinit, here):
    pytest.importorskip("torch")
    code = "import torch\n\n\ndef make():\n    return torch.nn.Linear(4, 2)\n"
    (here / "torch_net.py").write_text(code, encoding="utf-8")
    assert verinit("gradcheck", "torch_net:make", "--input", "3,4")[0] == 0
    assert verinit("gradcheck", "torch.nn.functional:silu", "--input", "3,4", "--dtype", "float32")[0] == 0


@pytest.mark.jax
def test_a_function_of_jax_is_checked(verinit, here):
    pytest.importorskip("jax")
    assert verinit("gradcheck", "jax.nn:softplus", "--input", "3,4")[0] == 0


def test_json_is_printed_and_nothing_selected_is_not_green(verinit, net):
    code, out, _ = verinit("gradcheck", "grad_net:example", "--format", "json")
    assert (code, json.loads(out)["results"]) == (0, results(net))
    assert verinit("gradcheck", "grad_net:example", "--check", "IN101")[0] == 5


def test_a_function_at_given_shapes_is_asked_for_no_other(verinit, net):
    code, out, _ = verinit("run", "grad_net:layer(8x5)", "--battery", "smoke", "--jobs", "0")
    assert code == 1
    assert "takes no other" in out


def test_a_crash_of_foreign_code_is_a_finding(verinit, net):
    (net / "crash_net.py").write_text(
        "import numpy as np\n\n\ndef f(x):\n    raise ValueError('no luck')\n\n\n"
        "def make():\n    return f, np.ones(3), f\n",
        encoding="utf-8",
    )
    code, out, _ = verinit("gradcheck", "crash_net:make")
    assert code == 1
    assert "  reason    ValueError: no luck (in f, line " in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("grad_net:Dense",), "grad_net:Dense needs inputs: give the shape of each, such as --input 32,100"),
        (("grad_net:plain",), "grad_net:plain needs inputs: "),
        (("grad_net:plain", "--input", "3"), "backward is missing for a function of NumPy's arrays: give"),
        (("grad_net:broken", "--input", "3"), "forward cannot be called with these inputs (ValueError: no"),
        (("grad_net:Sized", "--input", "3"), "grad_net:Sized cannot be called without arguments ("),
        (("grad_net:four",), "grad_net:four returned 4 things: return (forward, inputs[, backward])"),
        (
            ("grad_net:example", "--input", "3"),
            "grad_net:example brings inputs of its own: leave --input out",
        ),
        (
            ("grad_net:example", "--scale", "3"),
            "--scale 3: give a number above 0, to a function whose inputs are",
        ),
        (("grad_net:Dense", "--input", "8x6"), "--input '8x6': give whole numbers above 0 with commas, such"),
        (("grad_net:Dense", "--input", "8,0"), "--input '8,0': give whole numbers above 0"),
        (
            ("grad_net:Dens", "--input", "8"),
            "target 'grad_net:Dens': module 'grad_net' has no attribute 'Dens'; did",
        ),
        (("grad_net",), "target 'grad_net': give one function, as module:callable or numpy:BatchNorm"),
        (("numpy:he_normal",), "no function of numpy named 'numpy:vjp(he_normal)'"),
        (("numpy:softmax", "--dtype", "float31"), "no dtype named 'float31'; did you mean 'float32'?"),
        (
            ("numpy:softmax", "--input", "3,4", "--input", "4"),
            "numpy:vjp(softmax) makes its other inputs itself",
        ),
        (("cli_broken:f",), "target 'cli_broken:f': module 'cli_broken' cannot be imported ("),
    ],
    ids=lambda value: "" if isinstance(value, str) else " ".join(value),
)
def test_a_slip_is_answered_with_one_sentence(verinit, net, words, said):
    code, out, err = verinit("gradcheck", *words)
    assert (code, out) == (2, "")
    assert err.startswith(f"verinit: {said}")
    assert err.count("\n") == 1
