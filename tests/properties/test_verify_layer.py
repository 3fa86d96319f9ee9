"""A layer of which only the outside is known: its gain is judged, and what cannot be judged is told."""

from __future__ import annotations

import numpy as np
import pytest

import verinit
from verinit.reference.layers import Affine
from verinit.vocabulary import UsageError


def dense(fan_in, fan_out, rng):
    return Affine(rng.normal(0.0, (2.0 / fan_in) ** 0.5, (fan_in, fan_out)), None)


class Chapter:
    """As the chapter's readers write it, drawing from the global generator."""

    def __init__(self, inputs, outputs):
        self.W = np.random.randn(inputs, outputs) * np.sqrt(2.0 / inputs)  # noqa: NPY002
        self.b = np.zeros(outputs)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        return dout @ self.W.T


class HalfBack(Chapter):
    def backward(self, dout):
        return 0.9 * dout @ self.W.T


@pytest.mark.parametrize("layer", [dense, Chapter])
def test_a_right_layer_passes(layer) -> None:
    report = verinit.verify_layer(layer, scheme="he_normal", activation="relu", width=48)
    assert report
    assert report.counts["passed"] >= 8


def test_a_gain_error_is_named_with_its_ratio_and_its_mistake() -> None:
    report = verinit.verify_layer(Chapter, scheme="xavier_normal", activation="tanh", width=48)
    assert {"SP201", "SP202"} <= {f.claim.id for f in report.red} <= {"SP201", "SP202", "SP301", "SP302"}
    assert "every layer: its RMS gain" in report.red[0].likely


def test_a_wrong_way_back_is_caught_though_the_way_there_is_right() -> None:
    report = verinit.verify_layer(HalfBack, scheme="he_normal", activation="relu", width=48)
    assert {"SP102", "SP202"} <= {f.claim.id for f in report.red} <= {"SP102", "SP202", "SP302"}
    assert any("0.9 times the product with the weights" in f.likely for f in report.red)


@pytest.mark.torch
def test_modules_of_torch_are_judged_through_autograd() -> None:
    import torch

    def he():
        layer = torch.nn.Linear(48, 48, bias=False)
        torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        return layer

    assert verinit.verify_layer(he, scheme="he_normal", activation="relu")
    report = verinit.verify_layer(torch.nn.Linear, scheme="he_normal", activation="relu", width=48)
    assert any("kaiming_uniform_ with a=sqrt(5)" in f.likely for f in report.red)


def test_the_global_generator_is_left_as_it_was() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    verinit.verify_layer(Chapter, scheme="he_normal", width=24, depth=2)
    assert (np.random.get_state()[1] == before).all()  # noqa: NPY002


@pytest.mark.parametrize(
    ("layer", "more", "message"),
    [
        (Affine(np.eye(3), None), {}, "its weights are drawn already; give what makes it"),
        (dense, {"scheme": "he_norml"}, r"no scheme named 'he_norml'; did you mean 'he_normal'\?"),
        (dense, {"activation": "rlu"}, r"no activation named 'rlu'; did you mean 'relu'\?"),
        (dense, {"depth": 0}, "depth=0: a whole number from 1"),
        (dense, {"width": 1.5}, r"width=1\.5: a whole number from 1"),
        (lambda a, b, c: None, {}, r"a layer is made by make\(fan_in, fan_out\)"),
        (lambda a, b: 3, {}, "a layer of type int has no backward"),
        (lambda: Affine(np.ones((3, 4)), None), {}, "give as many outputs as inputs"),
        (lambda: type("Odd", (), {"forward": 0, "backward": 0})(), {}, "does not tell its size"),
    ],
)
def test_bad_input_is_answered_in_one_sentence(layer, more, message) -> None:
    with pytest.raises(UsageError, match=message):
        verinit.verify_layer(layer, **{"scheme": "he_normal", **more})
