"""`verify_batchnorm`: any form is taken, held to one convention that is read or found out, and left alone."""

import copy

import numpy as np
import pytest

import verinit
from verinit import UsageError, verify_batchnorm
from verinit.targets.batchnorms import batchnorm
from verinit.targets.normalizers import BatchNormalization
from verinit.vocabulary import Verdict


class Student:
    """As students write it from the chapter: names of their own, state in attributes."""

    def __init__(self, gamma, beta, momentum=0.9, eps_inside=10e-7, ddof=0, taken=False):
        self.gamma, self.beta, self.momentum = gamma, beta, momentum
        self._eps, self._ddof, self._taken = eps_inside, ddof, taken
        self.running_mean = self.running_var = None
        self.dgamma = self.dbeta = None

    def forward(self, x, train_flg=True):
        if self.running_mean is None:
            self.running_mean, self.running_var = np.zeros(x.shape[1]), np.zeros(x.shape[1])
        if not train_flg:
            return self.gamma * (x - self.running_mean) / np.sqrt(self.running_var + self._eps) + self.beta
        mu = x.mean(axis=0)
        self.std = np.sqrt(x.var(axis=0) + self._eps)
        self.xn = (x - mu) / self.std
        keep = 1 - self.momentum if self._taken else self.momentum
        self.running_mean = keep * self.running_mean + (1 - keep) * mu
        self.running_var = keep * self.running_var + (1 - keep) * x.var(axis=0, ddof=self._ddof)
        return self.gamma * self.xn + self.beta

    def backward(self, dout):
        self.dbeta, self.dgamma = dout.sum(axis=0), (dout * self.xn).sum(axis=0)
        inner = dout - dout.mean(axis=0) - self.xn * (dout * self.xn).mean(axis=0)
        return self.gamma / self.std * inner


def student(**settings):
    return Student(np.ones(4), np.zeros(4), **settings)


def declared(bn, **given):
    return dict(batchnorm(bn, **given).declared)


@pytest.mark.parametrize("eps", [1e-3, 1e-5, 10e-7, 2.5e-8])
def test_epsilon_is_found_out(eps):
    assert declared(student(eps_inside=eps))["eps"] == eps
    assert verify_batchnorm(student(eps_inside=eps))


@pytest.mark.parametrize("taken", [False, True])
@pytest.mark.parametrize("ddof", [0, 1])
@pytest.mark.parametrize("momentum", [0.9, 0.1, 0.99, 0.5])
def test_every_convention_is_accepted(taken, ddof, momentum):
    bn = student(momentum=momentum, ddof=ddof, taken=taken)
    found = declared(bn)
    assert found["unbiased"] is bool(ddof)
    if momentum != 0.5:
        assert found["convention"] == ("take" if taken else "keep")
    assert verify_batchnorm(bn, checks=("BN401", "BN402", "BN406"))


def test_a_convention_that_is_given_is_held_to():
    for code, given in (
        ("BN203", {"eps": 1e-3}),
        ("BN401", {"momentum": 0.5}),
        ("BN402", {"unbiased": True}),
    ):
        report = verify_batchnorm(student(), checks=(code,), **given)
        assert {f.claim.id for f in report.red} == {code}


def test_the_object_is_left_as_it_was():
    bn = student()
    bn.forward(np.arange(12.0).reshape(3, 4))
    bn.gamma, before = np.full(4, 2.0), None
    before = copy.deepcopy(vars(bn))
    assert verify_batchnorm(bn, battery="smoke")
    assert vars(bn).keys() == before.keys()
    for name, value in before.items():
        np.testing.assert_array_equal(getattr(bn, name), value)


def forward(x, gamma, beta, bn_param):
    eps, keep = bn_param.get("eps", 1e-4), bn_param.get("momentum", 0.8)
    mean = bn_param.get("running_mean", np.zeros(x.shape[1], x.dtype))
    var = bn_param.get("running_var", np.zeros(x.shape[1], x.dtype))
    if bn_param["mode"] == "test":
        return gamma * (x - mean) / np.sqrt(var + eps) + beta, None
    s = np.sqrt(x.var(axis=0) + eps)
    xhat = (x - x.mean(axis=0)) / s
    bn_param["running_mean"] = keep * mean + (1 - keep) * x.mean(axis=0)
    bn_param["running_var"] = keep * var + (1 - keep) * x.var(axis=0)
    return gamma * xhat + beta, (xhat, s, gamma)


def backward(dout, cache):
    xhat, s, gamma = cache
    dx = gamma / s * (dout - dout.mean(axis=0) - xhat * (dout * xhat).mean(axis=0))
    return dx, (dout * xhat).sum(axis=0), dout.sum(axis=0)


def test_two_functions_are_a_batch_norm():
    found = declared(forward, backward=backward)
    assert (found["eps"], found["momentum"], found["convention"]) == (1e-4, 0.8, "keep")
    report = verify_batchnorm(forward, backward=backward)
    assert report
    assert any(f.claim.id == "BN301" and f.verdict is Verdict.passed for f in report.findings)
    wrong = verify_batchnorm(
        forward, backward=lambda c, cache: (backward(c, cache)[0] * 1.001, *backward(c, cache)[1:])
    )
    assert "BN301" in {f.claim.id for f in wrong.red}


def test_a_function_of_a_batch_alone_is_taken():
    assert verify_batchnorm(lambda x: (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5))
    report = verify_batchnorm(lambda x: (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-5))
    assert {f.claim.id for f in report.red} >= {"BN202"}


@pytest.mark.parametrize("axis", [-1, 1])
def test_channels_may_be_last_or_second(axis):
    def norm(x):
        axes = tuple(k for k in range(x.ndim) if k != axis % x.ndim)
        mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
        return (x - mean) / np.sqrt(var + 1e-5)

    found = batchnorm(norm)
    assert dict(found.declared)["axis"] == axis
    assert 4 in found.ranks
    assert verify_batchnorm(norm)
    if axis == 1:
        assert not verify_batchnorm(norm, axis=-1, cases=("4x3x5x6",))


def test_classes_are_made_at_any_width():
    report = verify_batchnorm(BatchNormalization, cases=("6x3", "9x7", "2x1"))
    assert report
    assert {f.case.shape for f in report.findings} == {(6, 3), (9, 7), (2, 1)}


def test_a_target_of_a_module_is_found_by_its_name():
    (found,) = verinit.resolve("numpy:BatchNormalization@chapter")
    assert verify_batchnorm(found)


@pytest.mark.torch
def test_modules_of_torch_are_batch_norms():
    from torch import nn

    for module in (
        nn.BatchNorm1d(4),
        nn.BatchNorm2d(3, momentum=0.3, eps=1e-3),
        nn.BatchNorm1d(4, affine=False),
        nn.BatchNorm1d(4, track_running_stats=False),
        nn.BatchNorm1d(4, momentum=None),
    ):
        before = {k: v.clone() for k, v in module.state_dict().items()}
        assert verify_batchnorm(module, battery="smoke")
        assert all(bool((v == before[k]).all()) for k, v in module.state_dict().items())
        assert module.training


@pytest.mark.torch
def test_a_layer_norm_of_torch_is_no_batch_norm():
    from torch import nn

    report = verify_batchnorm(nn.LayerNorm(5), battery="smoke")
    assert {"BN201", "BN210"} <= {f.claim.id for f in report.red}
    assert any("layer norm" in f.likely for f in report.red)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bn": 3}, "bn of type int"),
        ({"bn": lambda a, b: a}, "bn needs 2 arguments"),
        ({"bn": student(), "backward": backward}, "has its own"),
        ({"bn": student(), "eps": -1.0}, r"eps=-1\.0"),
        ({"bn": student(), "momentum": 1.5}, r"momentum=1\.5"),
        ({"bn": student(), "axis": 2}, "axis=2"),
        ({"bn": verinit.resolve("numpy:he_normal")[0]}, "kind 'normalizer' is needed"),
        ({"bn": student(), "checks": ("BN999",)}, "no check named 'BN999'"),
    ],
)
def test_misuse_is_answered_in_one_sentence(arguments, words):
    with pytest.raises(UsageError, match=words):
        verify_batchnorm(**arguments)
