"""What batch normalisation does to a gradient on its way back, and a sum of branches to a signal.

**Batch norm.** Let h = BN(y W) and y = f(h'), h' being the batch norm of the layer below. As width and batch
grow, and once the inputs of the batch are as unlike as centring allows, h' is N(0, 1) and independent from
input to input. The statistics are then constants, and what the backward pass of batch norm projects off is
two directions of a whole batch. So a cotangent of h is divided by the standard deviation of y W over the
batch, multiplied by W and by f':

    E[g_below^2] / E[g^2] = n s^2 E[f'^2] / (n s^2 Var[f]) = E[f'(Z)^2] / Var[f(Z)]        Z ~ N(0, 1)

in which neither the width nor the scale of the weights is left. By Poincare's inequality for the normal law,
Var[f] <= E[f'^2], it is never below 1, and 1 for affine f alone: batch norm after every layer of a deep net
without shortcuts makes its gradients *explode* backwards. For ReLU it is pi / (pi - 1) = 1.467.

**Residual blocks.** x' = x + a B(x) whose branch ends in weights of mean 0 that are its own has, over the
draw of them, E[x'^2] = E[x^2] + a^2 E[B^2], exactly and at every width: the cross term has mean 0. If the
branch multiplies mean squares by g, a block multiplies them by 1 + a^2 g, backwards as forwards.

All gains here are of the *mean square*; the RMS grows by the root. How many factors reach the end of a dtype
is in `saturation.underflow_depth` and `flush_depth`.

Sources: Yang et al. 2019 (batch norm); Zhang et al. 2019, section 2 (residual blocks); Chernoff 1981
(Poincare's inequality for the normal law).
"""

from __future__ import annotations

import math

import numpy as np

from verinit.laws.responses import Floats, Name, Response, response
from verinit.laws.signal import Integral, moment, slope_moment, spreads
from verinit.vocabulary import UsageError

__all__ = [
    "batchnorm_growth",
    "prenorm_mean_squares",
    "residual_growth",
    "residual_mean_squares",
]


def batchnorm_growth(activation: Name | Response) -> Integral:
    """E[f'(Z)^2] / Var[f(Z)] is the growth of a gradient's mean square per layer of affine, batch norm and f.

    pi / (pi - 1) for ReLU, 1 for the identity; backwards, at large batch and width, weights of any scale.
    A batch of N > 3 multiplies it by about (N - 2) / (N - 3), exact for the identity (Yang et al. 2019).

    >>> round(batchnorm_growth("relu").value, 4), batchnorm_growth("identity").value
    (1.4669, 1.0)
    """
    f = response(activation)
    passed, variance = slope_moment(f, 1.0), _variance(f)
    value = passed.value / variance.value
    return Integral(
        value=value, error=value * (passed.error / passed.value + variance.error / variance.value)
    )


def _variance(f: Response) -> Integral:
    """Var[f(Z)]; for f(x) = a x + b |x| it is a^2 + b^2 (1 - 2 / pi)."""
    if f.slopes is None:
        centre = float(spreads(f, 1.0)[0]) ** 2
        return Integral(value=centre, error=2.0 * moment(f, 1.0).error)
    odd, even = 0.5 * (f.slopes[1] + f.slopes[0]), 0.5 * (f.slopes[1] - f.slopes[0])
    value = odd * odd + even * even * (1.0 - 2.0 / math.pi)
    return Integral(value=value, error=4.0 * float(np.finfo(np.float64).eps) * value)


def residual_growth(branch_gain: float, *, scale: float = 1.0) -> float:
    """1 + a^2 g is the factor per block of the mean square, of the signal and backwards of the gradient.

    branch_gain  g, by what the branch multiplies mean squares: 2 for a He layer, ReLU and another He layer
    scale        a, by which the branch is multiplied: 1 / sqrt(number of blocks) keeps the product below e^g

    Exact over the draw of the branch's last weights, if they have mean 0 and nothing else depends on them.
    Raises `UsageError` for a gain that is negative or not finite.
    """
    if not (math.isfinite(branch_gain) and branch_gain >= 0.0 and math.isfinite(scale)):
        raise UsageError(
            f"branch_gain={branch_gain!r}, scale={scale!r}: both are finite, and a gain is not negative"
        )
    return 1.0 + scale * scale * branch_gain


def residual_mean_squares(
    blocks: int, branch_gain: float, *, scale: float = 1.0, input_mean_square: float = 1.0
) -> Floats:
    """Mean squares after each block, (blocks,): input_mean_square (1 + a^2 g)^l, exponential in the depth."""
    depth = np.arange(1, _counted(blocks) + 1)
    return np.asarray(input_mean_square * residual_growth(branch_gain, scale=scale) ** depth)


def prenorm_mean_squares(
    blocks: int, branch_mean_square: float, *, scale: float = 1.0, input_mean_square: float = 1.0
) -> Floats:
    """Mean squares after each block where the branch is normalised first: start + l a^2 m, a line.

    branch_mean_square  m, what the branch sends whatever enters it, since a norm stands before it
    """
    depth = np.arange(1, _counted(blocks) + 1)
    return np.asarray(input_mean_square + depth * (residual_growth(branch_mean_square, scale=scale) - 1.0))


def _counted(blocks: int) -> int:
    if blocks < 1:
        raise UsageError(f"blocks={blocks!r}: a stack has at least one block")
    return blocks
