"""What every layer sends back is the complex step of what it computes, for cotangents of mixed sign.

The complex step Im f(x + ih) / h has no truncation and no cancellation error at h = 2^-100, so what is
left is rounding: (roundings on the longest path) eps, times the sum of the absolute values of the terms.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from verinit.reference.activations import ACTIVATIONS
from verinit.reference.layers import Activate, Affine, BatchNorm, SoftmaxWithLoss

EPS = float(np.finfo(float).eps)
H = 2.0**-100
SHAPES = [(2, 1), (5, 3), (8, 2), (3, 2, 2), (2, 2, 2, 3)]


def complex_step(f, x, cotangent):
    """The gradient of <cotangent, f(x)>, one entry at a time."""
    gradient = np.empty(x.shape)
    for place in np.ndindex(x.shape):
        z = x.astype(complex)
        z[place] += 1j * H
        gradient[place] = (cotangent * f(z)).sum().imag / H
    return gradient


def drawn(seed, *shapes):
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in shapes]


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32), shape=st.sampled_from(SHAPES), out=st.integers(1, 4))
def test_affine_gradients(seed, shape, out):
    x, W, b, c = drawn(seed, shape, (shape[-1], out), (out,), (*shape[:-1], out))
    layer = Affine(W, b)
    layer.forward(x)
    dx = layer.backward(c)
    slack = 4 * (x.size + out + 4) * EPS
    rows, cs = np.abs(x).reshape(-1, shape[-1]), np.abs(c).reshape(-1, out)
    assert (
        np.abs(dx - complex_step(lambda z: Affine(W, b).forward(z), x, c))
        <= slack * (np.abs(c) @ np.abs(W).T)
    ).all()
    dW = complex_step(lambda z: Affine(z, b).forward(x + 0j), W, c)
    assert (np.abs(layer.dW - dW) <= slack * (rows.T @ cs)).all()
    db = complex_step(lambda z: Affine(W, z).forward(x + 0j), b, c)
    assert (np.abs(layer.db - db) <= slack * cs.sum(axis=0)).all()


def terms(x, gamma, c, eps, mean, var, training):
    """Sums of absolute terms of (dx, dgamma), and how far rounding of x - mean is magnified in xhat."""
    batch = tuple(range(x.ndim - 1))
    scale = 1 / np.sqrt(var + eps)
    kappa = 1 + np.abs(x).max(axis=batch) * scale + np.abs(mean) * scale
    xhat, c = np.abs(x - mean) * scale + kappa * EPS, np.abs(c)
    inner = c + (c.mean(axis=batch) + (1 + xhat) * ((1 + xhat) * c).mean(axis=batch) if training else 0.0)
    return kappa * np.abs(gamma) * scale * inner, kappa * ((1 + xhat) * c).sum(axis=batch)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32),
    shape=st.sampled_from(SHAPES),
    training=st.booleans(),
    eps=st.sampled_from([1e-5, 0.1]),
)
def test_batch_norm_gradients(seed, shape, training, eps):
    D = shape[-1]
    x, gamma, beta, c, mean = drawn(seed, shape, (D,), (D,), shape, (D,))
    var = np.exp(mean)

    def forward(x, gamma, beta):
        running = {"running_mean": mean.astype(complex), "running_var": var.astype(complex)}
        return BatchNorm(gamma, beta, eps=eps, **running).forward(x, training)

    layer = BatchNorm(gamma, beta, eps=eps, running_mean=mean, running_var=var)
    layer.forward(x, training)
    dx = layer.backward(c)
    batch = tuple(range(x.ndim - 1))
    used = (x.mean(axis=batch), x.var(axis=batch)) if training else (mean, var)
    dx_terms, dgamma_terms = terms(x, gamma, c, eps, *used, training)
    slack = 4 * (x.size + 16) * EPS
    assert (np.abs(dx - complex_step(lambda z: forward(z, gamma, beta), x, c)) <= slack * dx_terms).all()
    dgamma = complex_step(lambda z: forward(x + 0j, z, beta), gamma, c)
    assert (np.abs(layer.dgamma - dgamma) <= slack * dgamma_terms).all()
    dbeta = complex_step(lambda z: forward(x + 0j, gamma, z), beta, c)
    assert (np.abs(layer.dbeta - dbeta) <= slack * np.abs(c).sum(axis=batch)).all()


def test_batch_norm_gradient_is_orthogonal_to_constants_and_to_xhat():
    """With eps = 0 neither a shift nor a scale of a channel moves the output."""
    x, c = drawn(21, (40, 5), (40, 5))
    layer = BatchNorm(np.ones(5), np.zeros(5), eps=0.0)
    xhat = layer.forward(x, True)
    dx = layer.backward(c)
    dx_terms, _ = terms(x, np.ones(5), c, 0.0, x.mean(axis=0), x.var(axis=0), True)
    slack = 4 * (40 + 16) * EPS * dx_terms.sum(axis=0)
    assert (np.abs(dx.sum(axis=0)) <= slack).all()
    assert (np.abs((dx * xhat).sum(axis=0)) <= slack * np.abs(xhat).max(axis=0)).all()
    assert (np.abs(dx).sum(axis=0) > 1e6 * slack).all()  # the gradient itself is far from 0


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32), rows=st.integers(1, 6), classes=st.integers(1, 6), soft=st.booleans())
def test_softmax_with_loss_gradient(seed, rows, classes, soft):
    (z, t) = drawn(seed, (rows, classes), (rows, classes))
    t = np.exp(t) / np.exp(t).sum(axis=1, keepdims=True) if soft else np.eye(classes)[t.argmax(axis=1)]
    loss = SoftmaxWithLoss()
    value = loss.forward(z, t)

    def plain(z):
        return (np.log(np.exp(z).sum(axis=1)) - (t * z).sum(axis=1)) / rows

    slack = 4 * (classes + 8) * EPS * (1 + np.abs(z).max())  # exp magnifies the rounding of its argument
    gradient = complex_step(plain, z, np.ones(rows))
    assert (np.abs(loss.backward() - gradient) <= slack * (1 + t) / rows).all()
    assert abs(value - plain(z).sum()) <= (rows + 1) * slack


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_activate_scales_the_cotangent_by_the_slope(name):
    x, c = drawn(22, (6, 4), (6, 4))
    layer = Activate(ACTIVATIONS[name])
    assert (layer.forward(x) == ACTIVATIONS[name].value(x)).all()
    assert (layer.backward(c) == c * ACTIVATIONS[name].derivative(x)).all()
