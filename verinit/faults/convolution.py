"""Initializers that mistake the kernel axes. All of them show on kernels with a receptive field above 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, he, std


def _taps(w: Any, shape: Shape) -> Any:
    """A view (field, in, out)."""
    return w.reshape(-1, shape[-2], shape[-1])


@fault(
    "IN211",
    cases=(
        "5x7x13",
        "3x5x8x16",
    ),
)
def positions_equal(shape: Shape, rng: Rng) -> Any:
    """One matrix is drawn and broadcast over the kernel positions."""
    # all taps equal
    w = rng.standard_normal(shape[-2:]) * std(shape)
    return np.broadcast_to(w, shape).copy()


@fault("IN211", cases=("3x5x8x16",))
def input_channels_tied(shape: Shape, rng: Rng) -> Any:
    """RGB weights are copied to every input channel, as for a changed number of input channels."""
    # all input channels equal; shows on dense layers too
    w = rng.standard_normal((*shape[:-2], 1, shape[-1])) * std(shape)
    return np.broadcast_to(w, shape).copy()


@fault("IN211")
def subpixel_groups(shape: Shape, rng: Rng) -> Any:
    """ICNR is applied to every convolution: output channels come in equal fours."""
    # channels 4k..4k+3 equal; shows on dense layers too
    w = he(shape, rng)
    return np.ascontiguousarray(w[..., np.arange(shape[-1]) // 4 * 4])


@fault(
    "IN211",
    cases=(
        "5x7x13",
        "3x5x8x16",
    ),
)
def centre_only(shape: Shape, rng: Rng) -> Any:
    """A Dirac kernel's mask stays: only the centre tap is drawn, with all the variance."""
    # all taps but the centre are 0
    w = np.zeros(shape)
    centre = tuple(k // 2 for k in shape[:-2])
    w[centre] = rng.standard_normal(shape[-2:]) * math.sqrt(2.0 / shape[-2])
    return w


@fault(
    "IN211",
    cases=(
        "5x7x13",
        "3x5x8x16",
    ),
)
def mirrored(shape: Shape, rng: Rng) -> Any:
    """Kernels are made symmetric under reflection, for equivariance."""
    # w[k] = w[-1-k] along the first kernel axis
    w = he(shape, rng)
    if len(shape) > 2:
        half = shape[0] // 2
        w[shape[0] - half :] = w[:half][::-1]
    return w


@fault(
    "IN211",
    cases=(
        "5x7x13",
        "3x5x8x16",
    ),
)
def rotated_copies(shape: Shape, rng: Rng) -> Any:
    """Odd output channels are the even ones with their taps shifted by one."""
    # channel 2k+1 is channel 2k, rolled along the first kernel axis
    w = he(shape, rng)
    if len(shape) > 2:
        half = shape[-1] // 2
        w[..., 1 : 2 * half : 2] = np.roll(w[..., 0 : 2 * half : 2], 1, axis=0)
    return w


@fault(
    "IN302",
    cases=(
        "5x7x13",
        "3x5x8x16",
    ),
)
def centre_tap_wide(shape: Shape, rng: Rng) -> Any:
    """The centre tap gets the identity's share of the variance."""
    # the centre tap has std 1.3, the others a little less
    w = he(shape, rng)
    if len(shape) > 2:
        field = math.prod(shape[:-2])
        w *= math.sqrt(field / (field - 1 + 1.69))
        w[tuple(k // 2 for k in shape[:-2])] *= 1.3
    return w


@fault(
    "IN301",
    cases=(
        "5x7x13",
        "3x5x8x16",
    ),
)
def taps_centred(shape: Shape, rng: Rng) -> Any:
    """Each kernel's taps are made to sum to zero, as for an edge detector."""
    # the sum over taps is exactly 0, variance restored
    w = _taps(he(shape, rng), shape)
    field = len(w)
    if field > 1:
        w = (w - w.mean(axis=0)) * math.sqrt(field / (field - 1))
    return w.reshape(shape)


@fault(
    "IN307",
    cases=(
        "5x7x13",
        "3x5x8x16",
    ),
)
def taps_smooth(shape: Shape, rng: Rng) -> Any:
    """Kernels are blurred a little against checkerboards."""
    # correlation 0.1 between neighbouring taps along the first kernel axis
    if len(shape) == 2:
        return he(shape, rng)
    z = rng.standard_normal((shape[0] + 1, *shape[1:]))
    b = 0.1011
    return (math.sqrt(1.0 - b * b) * z[:-1] + b * z[1:]) * std(shape)


@fault("IN209")
def taps_share_their_size(shape: Shape, rng: Rng) -> Any:
    """Each kernel is scaled by a random norm of its own."""
    # the taps of one (in, out) pair share a lognormal scale of 15 %
    scale = np.exp(0.15 * rng.standard_normal(shape[-2:]) - 0.15**2)
    return he(shape, rng) * scale
