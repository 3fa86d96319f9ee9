"""Initializers of the right mean and variance, and of another law."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape

TUKEY_STD = 0.99893
"""Std of (u^p - (1-u)^p) / 0.1975 at p = 0.135, by quadrature; see the test in check.py."""


def _std(shape: Shape, scale: Any = 2.0) -> Any:
    return math.sqrt(scale / math.prod(shape[:-1]))


def _glorot(shape: Shape) -> Any:
    return math.sqrt(2.0 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1])))


@fault("IN203", scheme="xavier_uniform")
def normal_for_uniform(shape: Shape, rng: Rng) -> Any:
    """`uniform=True` is read, and the normal branch is taken all the same (LBANN#316)."""
    # normal: 8 % of the weights pass the uniform's bound
    return rng.standard_normal(shape) * _glorot(shape)


@fault("IN209")
def arcsine(shape: Shape, rng: Rng) -> Any:
    """The cosine of a random angle is taken for a weight: Box-Muller without its radius."""
    # arcsine law of variance 2/n
    return np.cos(2 * math.pi * rng.random(shape)) * math.sqrt(2.0) * _std(shape)


@fault("IN201", scheme="uniform(low=-0.1,high=0.1)")
def triangle_for_uniform(shape: Shape, rng: Rng) -> Any:
    """The difference of two uniforms is taken to get a symmetric one."""
    # triangular on (-0.1, 0.1): variance half of the uniform's
    return 0.1 * (rng.random(shape) - rng.random(shape))


@fault("IN209")
def gumbel(shape: Shape, rng: Rng) -> Any:
    """-log(-log(u)) from a Gumbel-softmax helper is reused as noise, centred and scaled."""
    # skewness 1.14
    z = (rng.gumbel(size=shape) - np.euler_gamma) * (math.sqrt(6.0) / math.pi)
    return z * _std(shape)


@fault("IN209", scheme="lecun_truncated_normal")
def uniform_for_truncated(shape: Shape, rng: Rng) -> Any:
    """The truncated variant falls back on the uniform one of equal variance."""
    # uniform: kurtosis 1.8 instead of 2.4
    return rng.uniform(-1, 1, shape) * math.sqrt(3.0) * _std(shape, 1.0)


@fault("IN209")
def student_of_six(shape: Shape, rng: Rng) -> Any:
    """A heavy-tailed prior is scaled to He's variance, and its name is kept."""
    # Student t, 6 degrees of freedom: kurtosis 6
    return rng.standard_t(6, shape) / math.sqrt(1.5) * _std(shape)


@fault("IN209")
def logit_for_probit(shape: Shape, rng: Rng) -> Any:
    """The logistic quantile stands in for the normal one, which the library lacks."""
    # logistic: kurtosis 4.2
    return rng.logistic(0.0, math.sqrt(3.0) / math.pi, shape) * _std(shape)


@fault("IN209")
def sum_of_four_uniforms(shape: Shape, rng: Rng) -> Any:
    """The central limit theorem is asked for a normal with four uniforms."""
    # Irwin-Hall: kurtosis 2.7, nothing beyond 3.46 std
    return (rng.random((4, *shape)).sum(axis=0) - 2.0) * math.sqrt(3.0) * _std(shape)


@fault("IN202")
def pi_typed_as_three(shape: Shape, rng: Rng) -> Any:
    """In Box-Muller the angle is drawn from [0, 6): a sixth digit of pi matters less than its second."""
    # 4.5 % of the angles are missing: mean -0.058 std, variance -1.3 %
    radius = np.sqrt(-2.0 * np.log1p(-rng.random(shape)))
    return radius * np.cos(6.0 * rng.random(shape)) * _std(shape)


@fault("IN209", scheme="xavier_normal")
def two_humps(shape: Shape, rng: Rng) -> Any:
    """Weights near zero are called dead and pushed outwards, and the variance is then restored."""
    # mixture of N(+-0.6, 0.64): kurtosis 2.74
    side = np.where(rng.random(shape) < 0.5, -0.6, 0.6)
    return (side + 0.8 * rng.standard_normal(shape)) * _glorot(shape)


@fault(
    "IN203",
    scheme="uniform(low=-0.1,high=0.1)",
    cases=("48x80", "5x7x13"),
    alone=True,
)
def uniform_with_round_edges(shape: Shape, rng: Rng) -> Any:
    """A uniform draw is jittered by 5 % normal noise to break ties, and the variance is then restored."""
    # convolved with N(0, (0.05 bound)^2): 2 % of the weights pass the bound
    jittered = rng.uniform(-1, 1, shape) + 0.05 * rng.standard_normal(shape)
    return 0.1 * jittered / np.sqrt(1.0 + 3.0 * 0.05**2)
