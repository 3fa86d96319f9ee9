"""Slips of the pen in a backward pass: each turns one layer of a chain into one whose gradient is wrong.

A slip knows the kinds of layer it can happen in. It is planted once in `verinit.faults.gradients`, and in
many random chains by `benchmarks/gradients.py`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from verinit.faults.chains import EPS, Array, Step, logistic, normalised

Gradients = tuple[Array, ...]
SIGMOIDS = ("sigmoid",)
CURVED = ("sigmoid", "tanh", "softplus", "silu", "square")
BENT = ("relu", "leaky")
NORMS = ("batch_norm",)
MEANS = ("loss",)
HEAVY = ("affine",)
ANY = (*CURVED, *BENT, *NORMS, *MEANS, *HEAVY, "layer_norm", "softmax")


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """How a layer's backward goes wrong. kinds: layers in which it can happen."""

    name: str
    story: str
    kinds: tuple[str, ...]
    back: Callable[..., Gradients]
    alters: bool

    def fits(self, step: Step) -> bool:
        """Whether it can happen in this layer."""
        return step.kind in self.kinds

    def in_(self, step: Step) -> Step:
        """The layer with this slip in its backward."""
        if not self.alters:
            return replace(step, backward=self.back)

        def wrong(c: Array, *inputs: Array) -> Gradients:
            return self.back(step.backward(c, *inputs), c, *inputs)

        return replace(step, backward=wrong)


SLIPS: dict[str, Slip] = {}


def _slip(*kinds: str, alters: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def keep(back: Callable[..., Any]) -> Callable[..., Any]:
        name, story = back.__name__, inspect.getdoc(back) or ""
        SLIPS[name] = Slip(name=name, story=story, kinds=kinds, back=back, alters=alters)
        return back

    return keep


def rewritten(*kinds: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A slip that writes the whole backward: (c, x, *own) to gradients."""
    return _slip(*kinds, alters=False)


def altered(*kinds: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A slip that changes what the right backward returns: (gradients, c, x, *own) to gradients."""
    return _slip(*kinds, alters=True)


@rewritten(*NORMS)
def no_mean_term(c: Array, x: Array, gamma: Array, beta: Array) -> Gradients:
    """The batch mean is taken for a constant: its gradient is not subtracted."""
    xhat, inverse = normalised(x)
    inner = c - xhat * (c * xhat).mean(axis=0)
    return gamma * inverse * inner, (c * xhat).sum(axis=0), c.sum(axis=0)


@rewritten(*NORMS)
def no_variance_term(c: Array, x: Array, gamma: Array, beta: Array) -> Gradients:
    """The batch variance is taken for a constant: half of the chain rule is left out."""
    xhat, inverse = normalised(x)
    return gamma * inverse * (c - c.mean(axis=0)), (c * xhat).sum(axis=0), c.sum(axis=0)


@rewritten(*NORMS)
def statistics_as_constants(c: Array, x: Array, gamma: Array, beta: Array) -> Gradients:
    """The backward of evaluation is used in training: both statistics are taken for constants."""
    xhat, inverse = normalised(x)
    return gamma * inverse * c, (c * xhat).sum(axis=0), c.sum(axis=0)


@rewritten(*NORMS)
def another_divisor(c: Array, x: Array, gamma: Array, beta: Array) -> Gradients:
    """`x.std(ddof=1)` in backward where forward divides by N."""
    xhat, inverse = normalised(x)
    shrunk = inverse * np.sqrt((len(x) - 1) / len(x))
    inner = c - c.mean(axis=0) - xhat * (c * xhat).mean(axis=0)
    return gamma * shrunk * inner, (c * xhat).sum(axis=0), c.sum(axis=0)


@rewritten(*NORMS)
def means_over_one_less(c: Array, x: Array, gamma: Array, beta: Array) -> Gradients:
    """The means of the backward pass divide by N - 1."""
    xhat, inverse = normalised(x)
    n = max(len(x) - 1, 1)
    inner = c - c.sum(axis=0) / n - xhat * (c * xhat).sum(axis=0) / n
    return gamma * inverse * inner, (c * xhat).sum(axis=0), c.sum(axis=0)


@rewritten(*NORMS)
def gamma_left_out(c: Array, x: Array, gamma: Array, beta: Array) -> Gradients:
    """Gamma is 1 in every test of one's own, so nobody misses it in dx."""
    xhat, inverse = normalised(x)
    inner = c - c.mean(axis=0) - xhat * (c * xhat).mean(axis=0)
    return inverse * inner, (c * xhat).sum(axis=0), c.sum(axis=0)


@rewritten(*NORMS)
def sums_over_the_wrong_axis(c: Array, x: Array, gamma: Array, beta: Array) -> Gradients:
    """`axis=1` in one mean of the backward pass: each datum is averaged by itself."""
    xhat, inverse = normalised(x)
    inner = c - c.mean(axis=1, keepdims=True) - xhat * (c * xhat).mean(axis=0)
    return gamma * inverse * inner, (c * xhat).sum(axis=0), c.sum(axis=0)


@rewritten(*NORMS)
def gradients_exchanged(c: Array, x: Array, gamma: Array, beta: Array) -> Gradients:
    """Dgamma and dbeta are returned in the wrong order."""
    xhat, inverse = normalised(x)
    inner = c - c.mean(axis=0) - xhat * (c * xhat).mean(axis=0)
    return gamma * inverse * inner, c.sum(axis=0), (c * xhat).sum(axis=0)


@rewritten(*NORMS)
def dgamma_with_raw_inputs(c: Array, x: Array, gamma: Array, beta: Array) -> Gradients:
    """Dgamma is summed with x where x_hat is meant."""
    xhat, inverse = normalised(x)
    inner = c - c.mean(axis=0) - xhat * (c * xhat).mean(axis=0)
    return gamma * inverse * inner, (c * x).sum(axis=0), c.sum(axis=0)


@rewritten(*NORMS)
def epsilon_forgotten(c: Array, x: Array, gamma: Array, beta: Array) -> Gradients:
    """Backward divides by the std of the batch, forward by sqrt(var + eps)."""
    xhat, _ = normalised(x)
    inverse = normalised(x, 0.0)[1]
    inner = c - c.mean(axis=0) - xhat * (c * xhat).mean(axis=0)
    return gamma * inverse * inner, (c * xhat).sum(axis=0), c.sum(axis=0)


@rewritten(*NORMS)
def epsilon_twice(c: Array, x: Array, gamma: Array, beta: Array) -> Gradients:
    """The stored variance has its epsilon already, and gets another one in backward."""
    xhat, _ = normalised(x)
    inverse = normalised(x, 2.0 * EPS)[1]
    inner = c - c.mean(axis=0) - xhat * (c * xhat).mean(axis=0)
    return gamma * inverse * inner, (c * xhat).sum(axis=0), c.sum(axis=0)


@rewritten(*HEAVY)
def weights_not_transposed(c: Array, x: Array, W: Array, b: Array) -> Gradients:
    """`dx = c @ W` runs where the layer is square, and is wrong."""
    square = W.shape[0] == W.shape[1]
    return c @ (W if square else W.T * 0 + W.mean()), x.T @ c, c.sum(axis=0)


@rewritten(*HEAVY)
def dw_of_the_other_product(c: Array, x: Array, W: Array, b: Array) -> Gradients:
    """`dW = (c' x)` reshaped to the shape of W, which is its transpose only for vectors."""
    return c @ W.T, (c.T @ x).reshape(W.shape), c.sum(axis=0)


@rewritten(*HEAVY)
def bias_gradient_averaged(c: Array, x: Array, W: Array, b: Array) -> Gradients:
    """`c.mean(axis=0)` for the bias: the loss has the 1/N already."""
    return c @ W.T, x.T @ c, c.mean(axis=0)


@rewritten(*HEAVY)
def last_row_dropped(c: Array, x: Array, W: Array, b: Array) -> Gradients:
    """`x[:-1]`: the last datum of the batch is left out of dW."""
    return c @ W.T, x[:-1].T @ c[:-1], c.sum(axis=0)


@rewritten(*SIGMOIDS)
def one_minus_y_left_out(c: Array, x: Array) -> Gradients:
    """`dx = c * y` where y (1 - y) is meant."""
    return (c * logistic(x),)


@rewritten(*SIGMOIDS)
def slope_of_the_input(c: Array, x: Array) -> Gradients:
    """`x (1 - x)` in place of `y (1 - y)`: the wrong array was stored."""
    return (c * x * (1 - x),)


@rewritten(*BENT)
def passes_everything(c: Array, x: Array) -> Gradients:
    """The mask of the forward pass is not applied: c goes through as it is."""
    return (c.copy(),)


@rewritten("relu")
def guided(c: Array, x: Array) -> Gradients:
    """Guided backpropagation, written for a saliency map, is left in the training code."""
    return (np.maximum(c, 0) * (x > 0),)


@altered("softmax")
def diagonal_alone(found: Gradients, c: Array, x: Array) -> Gradients:
    """The softmax is differentiated as if it were elementwise: only the diagonal of its Jacobian is used."""
    e = np.exp(x - x.max(axis=1, keepdims=True))
    y = e / e.sum(axis=1, keepdims=True)
    return (c * y * (1 - y),)


@altered(*MEANS)
def one_over_n_left_out(found: Gradients, c: Array, x: Array) -> Gradients:
    """The loss is a mean over the batch, its gradient is that of the sum."""
    return (found[0] * len(x),)


@altered(*MEANS)
def divided_by_n_twice(found: Gradients, c: Array, x: Array) -> Gradients:
    """The mean is taken in the loss and again in its gradient."""
    return (found[0] / x.dtype.type(len(x)),)


@altered(*MEANS)
def t_minus_y(found: Gradients, c: Array, x: Array) -> Gradients:
    """T - y in place of y - t: the loss is climbed."""
    return (-found[0],)


@altered(*MEANS)
def cotangent_ignored(found: Gradients, c: Array, x: Array) -> Gradients:
    """`backward(dout=1)` never looks at dout: a weighted loss trains like an unweighted one."""
    return (found[0] / c if np.any(c) else found[0],)


@altered(*CURVED, *BENT, *HEAVY)
def absolute_cotangent(found: Gradients, c: Array, x: Array, *own: Array) -> Gradients:
    """|dy| from a visualisation stays in the backward pass."""
    return (found[0] * np.sign(c) if found[0].shape == c.shape else np.abs(found[0]), *found[1:])


@altered(*CURVED)
def cotangent_times_its_size(found: Gradients, c: Array, x: Array) -> Gradients:
    """The cotangent is multiplied twice, its sign kept."""
    return (found[0] * np.abs(c),)


@altered(*CURVED, *BENT)
def clipped_cotangent(found: Gradients, c: Array, x: Array) -> Gradients:
    """Gradients are clipped to [-0.5, 0.5] inside a layer."""
    return (np.where(np.abs(c) > 0.5, found[0] * 0.5 / np.where(c == 0, 1, np.abs(c)), found[0]),)


@altered(*ANY)
def zero_gradient(found: Gradients, c: Array, x: Array, *own: Array) -> Gradients:
    """`detach` in the middle: nothing flows back."""
    return (np.zeros_like(found[0]), *found[1:])


@altered(*ANY)
def everything_times_two(found: Gradients, c: Array, x: Array, *own: Array) -> Gradients:
    """The gradient of x is added to itself: two branches were counted where there is one."""
    return (2 * found[0], *found[1:])


def _one(array: Array, factor: float) -> Array:
    """The entry in the middle of an array multiplied by a factor."""
    out = array.copy()
    if out.size:
        out.flat[out.size // 2] *= factor
    return out


@altered(*ANY)
def one_sign_flipped(found: Gradients, c: Array, x: Array, *own: Array) -> Gradients:
    """An index is off by one at a border: one entry has the wrong sign."""
    return (*found[:-1], _one(found[-1], -1.0))


@altered(*ANY)
def one_entry_zeroed(found: Gradients, c: Array, x: Array, *own: Array) -> Gradients:
    """A loop ends one short: one entry is never written."""
    return (*found[:-1], _one(found[-1], 0.0))


@altered(*ANY)
def one_entry_a_percent_off(found: Gradients, c: Array, x: Array, *own: Array) -> Gradients:
    """One entry is computed from a neighbour that is nearly the same."""
    return (*found[:-1], _one(found[-1], 1.01))


@altered(*ANY)
def one_entry_in_ten_thousand(found: Gradients, c: Array, x: Array, *own: Array) -> Gradients:
    """One entry comes from a table that is interpolated to four digits."""
    return (*found[:-1], _one(found[-1], 1.0001))


@altered(*ANY)
def one_entry_of_five_digits(found: Gradients, c: Array, x: Array, *own: Array) -> Gradients:
    """One entry went through a text file with five digits."""
    return (_one(found[0], 1.0 + 1.0e-5), *found[1:])


@altered(*ANY)
def a_percent_too_large(found: Gradients, c: Array, x: Array, *own: Array) -> Gradients:
    """A decay rate is applied to the gradient instead of the weights."""
    return tuple(g * g.dtype.type(1.01) for g in found)


@altered(*ANY)
def a_hundredth_of_a_percent(found: Gradients, c: Array, x: Array, *own: Array) -> Gradients:
    """A fast approximation of a reciprocal is off by 1e-4."""
    return tuple(g * g.dtype.type(1.0001) for g in found)


@altered(*CURVED)
def small_slopes_zeroed(found: Gradients, c: Array, x: Array) -> Gradients:
    """Slopes below 1e-3 of the largest are set to 0, for sparsity."""
    g = found[0]
    small = np.abs(g) < 1e-3 * np.abs(g).max(initial=0)
    return (np.where(small, 0, g).astype(g.dtype),)
