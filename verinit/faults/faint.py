"""Initializers that one check alone can tell from right code: why each check is in the battery."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from verinit.faults.registry import fault
from verinit.faults.right import Rng, Shape, haar, he, matrix, std


@fault("IN204", cases=("16x16", "64x32", "48x80", "5x7x13", "3x5x8x16", "24x40"), alone=True)
def one_in_fifteen_thousand_is_far_out(shape: Shape, rng: Rng) -> Any:
    """A rare rejection loop of a sampler gives up, and returns its last proposal from the far tail."""
    z = rng.standard_normal(shape)
    far = rng.random(shape) < 1 / 15_000
    return np.where(far, z + np.copysign(9.0, z), z) * std(shape)


@fault("IN205", scheme="uniform(low=-0.1,high=0.1)", alone=True)
def gaps_in_the_shoulders(shape: Shape, rng: Rng) -> Any:
    """A table of quantiles is interpolated with every other knot repeated, so that gaps open between them."""
    u = rng.random(shape)
    side = np.where(u < 0.5, u, 1.0 - u)
    low, width, teeth = 0.17, 0.28, 4
    place = (side - low) / width * teeth
    tooth = np.floor(place)
    narrowed = low + (tooth + 0.25 + (place - tooth) / 2) / teeth * width
    side = np.where((side > low) & (side < low + width), narrowed, side)
    return 0.2 * np.where(u < 0.5, side, 1.0 - side) - 0.1


@fault("IN208", alone=True)
def slightly_bent(shape: Shape, rng: Rng) -> Any:
    """A squashing that was meant for activations bends the weights: a little skewness, and nothing else."""
    z = rng.standard_normal(shape)
    bend = 0.018
    return (z + bend * (z * z - 1.0)) / math.sqrt(1.0 + 2.0 * bend * bend) * std(shape)


@fault("IN209", alone=True)
def tails_cut_at_three_and_a_half(shape: Shape, rng: Rng) -> Any:
    """Weights beyond 3.5 std are drawn again, once, "for stability"."""
    z = rng.standard_normal(shape)
    return np.where(np.abs(z) > 3.5, rng.standard_normal(shape), z) * std(shape)


@fault("IN210", alone=True)
def one_in_eight_thousand_is_zero(shape: Shape, rng: Rng) -> Any:
    """A lookup that misses returns 0 in place of a weight."""
    return np.where(rng.random(shape) < 1 / 8_000, 0.0, he(shape, rng))


@fault("IN211", alone=True)
def one_in_a_thousand_comes_twice(shape: Shape, rng: Rng) -> Any:
    """A lost update in a parallel fill: now and then a thread writes its neighbour's number."""
    w = he(shape, rng).ravel()
    late = np.flatnonzero(rng.random(w.size) < 1e-3)
    w[late] = w[late - 1]
    return w.reshape(shape)


@fault("IN212", cases=("48x80/float16",), alone=True)
def last_bit_lost(shape: Shape, rng: Rng, *, dtype: str | None = None) -> Any:
    """A packed format keeps 15 of 16 bits; the last one comes back as 0."""
    w = he(shape, rng).astype(dtype or "float32")
    if w.dtype != np.float16:
        return w
    return (w.view(np.uint16) & np.uint16(0xFFFE)).view(np.float16)


@fault("IN301", cases=("48x80",), alone=True)
def inputs_with_opposite_offsets(shape: Shape, rng: Rng) -> Any:
    """An excitatory and an inhibitory input share one faint offset, with opposite signs."""
    z = rng.standard_normal((math.prod(shape[:-1]), shape[-1]))
    pairs = z.shape[0] // 2
    offset = np.repeat(rng.standard_normal(pairs), 2) * np.tile([1.0, -1.0], pairs)
    z[: 2 * pairs] = math.sqrt(0.985) * z[: 2 * pairs] + math.sqrt(0.015) * offset[:, None]
    return z.reshape(shape) * std(shape)


@fault("IN302", cases=("48x80",), alone=True)
def inputs_of_two_gains(shape: Shape, rng: Rng) -> Any:
    """Two sensors feed alternate inputs; a calibration gain of 8 % stays in the weights of each."""
    w = matrix(he(shape, rng))
    gains = np.where(np.arange(w.shape[0]) % 2 == 0, math.sqrt(1.16), math.sqrt(0.84))
    return (w * gains[:, None]).reshape(shape)


@fault("IN305", cases=("48x80",), alone=True)
def two_units_nearly_one(shape: Shape, rng: Rng) -> Any:
    """A unit is split in two, as for a wider network, and told apart by too little noise."""
    w = matrix(he(shape, rng))
    w[-3] = 0.85 * w[4] + math.sqrt(1.0 - 0.85**2) * w[-3]
    return w.reshape(shape)


@fault("IN306", cases=("48x80",), alone=True)
def units_lean_on_partners(shape: Shape, rng: Rng) -> Any:
    """A butterfly mixes unit k with unit k + half, with alternating signs, and stops after one stage."""
    w = matrix(he(shape, rng))
    half = w.shape[0] // 2
    signs = np.where(np.arange(half) % 2 == 0, 0.45, -0.45)[:, None]
    w[half : 2 * half] = signs * w[:half] + math.sqrt(1.0 - 0.45**2) * w[half : 2 * half]
    return w.reshape(shape)


@fault("IN307", cases=("48x80",), alone=True)
def seventeen_places_apart(shape: Shape, rng: Rng) -> Any:
    """A lagged-Fibonacci generator shows its short lag, 17 (kokkos#296 was found by such a trace)."""
    z = rng.standard_normal(math.prod(shape) + 17)
    lean = 0.16
    return ((math.sqrt(1.0 - lean * lean) * z[:-17] + lean * z[17:]) * std(shape)).reshape(shape)


@fault("IN310", alone=True)
def a_counter_for_half_of_the_noise(shape: Shape, rng: Rng) -> Any:
    """Half of the noise comes from a stream that is keyed by the number of the call, and by no seed."""
    calls = rng.bit_generator.seed_seq.n_children_spawned  # type: ignore[attr-defined]
    rng.spawn(1)
    counted = he(shape, np.random.default_rng(calls))
    return math.sqrt(0.5) * (he(shape, rng) + counted)


_LAST: dict[str, Any] = {}


@fault("IN311", alone=True)
def first_entry_always_positive(shape: Shape, rng: Rng) -> Any:
    """An `abs` that fixes the sign of one weight, as for an identifiable parametrisation, is left in."""
    w = he(shape, rng)
    w.flat[0] = abs(w.flat[0])
    return w


@fault("IN312", scheme="normal(std=0.02)", cases=("48x80",), alone=True)
def decoder_tied_to_its_encoder(shape: Shape, rng: Rng) -> Any:
    """An autoencoder's initializer returns the last matrix transposed when asked for the transposed shape."""
    seed = str(rng.bit_generator.seed_seq.entropy)  # type: ignore[attr-defined]
    last = _LAST.get(seed)
    if last is not None and last.shape[0] != last.shape[-1] and last.swapaxes(-1, -2).shape == shape:
        return last.swapaxes(-1, -2).copy()
    _LAST.clear()
    _LAST[seed] = 0.02 * rng.standard_normal(shape)
    return _LAST[seed].copy()


@fault("IN313", cases=("48x80",), alone=True)
def a_corner_from_another_layer(shape: Shape, rng: Rng) -> Any:
    """An off-by-one in a slice leaves one entry with the scale of the layer before, three times as large."""
    w = he(shape, rng)
    w.flat[-1] *= 3.0
    return w


@fault("IN314", cases=("48x80",), alone=True)
def a_unit_made_of_others(shape: Shape, rng: Rng) -> Any:
    """A new unit is initialised as a blend of ten others: right in length, and nothing of its own."""
    w = matrix(he(shape, rng))
    signs = np.where(np.arange(10) % 3 == 0, 1.0, -1.0)
    w[20] = signs @ w[0:20:2] / math.sqrt(10.0)
    return w.reshape(shape)


@fault("IN401", scheme="orthogonal", cases=("16x16",), alone=True)
def the_better_of_two(shape: Shape, rng: Rng) -> Any:
    """Of two orthogonal matrices the one with the larger first entry is kept, as a better pivot."""
    pair = [haar(shape, rng) for _ in range(2)]
    return max(pair, key=lambda q: abs(float(q.flat[0])))


@fault("IN402", scheme="orthogonal", cases=("16x16",), alone=True)
def rows_that_lean_to_one_side(shape: Shape, rng: Rng) -> Any:
    """On one of two code paths the sign is normalised so that the first row sums to a positive number."""
    q = haar(shape, rng)
    return q * np.copysign(1.0, q[..., 0, :].sum()) if rng.random() < 0.6 else q


@fault("IN403", scheme="orthogonal", cases=("16x16",), alone=True)
def rotations_only(shape: Shape, rng: Rng) -> Any:
    """A sampler of the rotation group SO(n) is taken for one of the orthogonal group (scipy#8187)."""
    q = matrix(haar(shape, rng))
    if q.shape[0] == q.shape[1] and np.linalg.det(q) < 0:
        q[:, rng.integers(q.shape[1])] *= -1.0
    return q.reshape(shape)
