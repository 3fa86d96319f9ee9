"""False alarms of tests on correlation: neighbours, mirrored entries, two arrays, angles, repeats."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.optimize import brentq

from verinit.calibration.tilting import Floats, Samples, sampled, scaled, shifted, weight
from verinit.statistics import neighbours, repeats, spectrum
from verinit.statistics.tails import chi_square_limits, normal_limit, sine_limit
from verinit.vocabulary import Evidence, Rates

Rng = np.random.Generator
Split = Callable[[Floats], tuple[Floats, Floats]]


def _shifted(split: Split, shape: tuple[int, ...], test: Callable[[Floats, Rates], Evidence]):  # type: ignore[no-untyped-def]
    """A sampler that shifts b along a until a.b / |a| lies at a limit; split: views of z on a and b."""

    def sampler(rates: Rates, rng: Rng) -> Samples:
        shifts = normal_limit(rates.false_fail / 2) * np.array([-1.0, 1.0])
        while True:
            z = rng.standard_normal(shape)
            a, b = split(z)
            length = math.sqrt(float(np.sum(a * a)))
            b += shifts[rng.integers(2)] * a / length
            yield weight(shifted(float(np.sum(a * b)) / length, shifts)), test(z, rates)

    return sampler


_ALONG = "one half shifted along the other to either limit"
sampled("neighbours.correlation", "40 pairs", "exact", drawn=_ALONG)(
    _shifted(lambda z: (z[0], z[1]), (2, 40), lambda z, rates: neighbours.correlation(z[0], z[1], rates))
)
sampled("neighbours.neighbours", "4 lines of 9", "exact", drawn=_ALONG)(
    _shifted(lambda z: (z[:, 0::2], z[:, 1::2]), (1, 4, 9), neighbours.neighbours)
)
sampled("neighbours.between", "5 x 7 and 6 x 6", "exact", drawn=_ALONG)(
    _shifted(
        lambda z: (z[:35], z[36:71]),
        (72,),
        lambda z, rates: neighbours.between(z[:35].reshape(5, 7), z[36:].reshape(6, 6), rates),
    )
)


@sampled("neighbours.transpose", "7 x 6", "exact", drawn="the upper triangle shifted along the lower")
def transpose(rates: Rates, rng: Rng) -> Samples:
    """Entries below the diagonal are shifted along their mirror images."""
    shifts = normal_limit(rates.false_fail / 2) * np.array([-1.0, 1.0])
    i, j = np.triu_indices(6, 1)
    while True:
        z = rng.standard_normal((1, 7, 6))
        a = z[0, i, j]
        length = math.sqrt(float(a @ a))
        z[0, j, i] += shifts[rng.integers(2)] * a / length
        yield (
            weight(shifted(float(a @ z[0, j, i]) / length, shifts)),
            neighbours.transpose(z, rates),
        )


@sampled("neighbours.overlaps", "8 lines of 5", "exact", drawn="all overlaps scaled to either limit")
def overlaps(rates: Rates, rng: Rng) -> Samples:
    """The part of every second line along the one before it is scaled."""
    scales = np.array(chi_square_limits(4, rates.false_fail / 2))
    while True:
        z = rng.standard_normal((1, 8, 5))
        a, b = z[:, 0::2], z[:, 1::2]
        unit = a / np.linalg.norm(a, axis=2, keepdims=True)
        along = (unit * b).sum(axis=2, keepdims=True)
        root = math.sqrt(scales[rng.integers(2)])
        b += (root - 1.0) * along * unit
        energy = float(np.sum((root * along) ** 2))
        yield weight(scaled(energy, 4, scales)), neighbours.overlaps(z, rates)


@sampled("spectrum.cosines", "4 lines of 6", "bound", drawn="one line turned towards another")
def cosines(rates: Rates, rng: Rng) -> Samples:
    """What a line has along another one, whichever pair it is, is stretched, and the rest shrunk.

    Of lines that are refused, |along|^2 is about chi-square with n degrees of freedom, and the rest is
    smaller by the sine that is refused.
    """
    count, n = 4, 6
    pairs = [(i, j) for j in range(count) for i in range(j)]
    shrink, stretch = sine_limit(n, rates.false_fail / len(pairs)), math.sqrt(n)

    def parts(z: Floats, i: int, j: int) -> tuple[Floats, Floats]:
        unit = z[i] / np.linalg.norm(z[i])
        along = np.asarray((z[j] @ unit) * unit)
        return along, z[j] - along

    while True:
        z = rng.standard_normal((count, n))
        i, j = pairs[rng.integers(len(pairs))]
        along, off = parts(z, i, j)
        z[j] = stretch * along + shrink * off
        energies = np.array([[float(x @ x) for x in parts(z, i, j)] for i, j in pairs])
        ratios = scaled(energies, [1, n - 1], [stretch**2, shrink**2]).sum(axis=1)
        yield weight(ratios), spectrum.cosines(z[np.newaxis], rates)


@sampled(
    "repeats.repeats", "n = 40", "bound", drawn="tilted by the autocorrelation at one shift, of either sign"
)
def autocorrelation(rates: Rates, rng: Rng) -> Samples:
    """The form of one shift is tilted to the limit: normal numbers with the covariance (I - t A)^-1."""
    n = 40
    wanted = n * repeats.form_limit(n, math.log(rates.false_fail / 2 / (n - 1)))
    forms = [sign * (np.eye(n, k=s) + np.eye(n, k=-s)) for s in range(1, n) for sign in (1.0, -1.0)]
    tilts = [_tilt(form, wanted) for form in forms]
    roots = [np.linalg.cholesky(np.linalg.inv(np.eye(n) - t * a)) for t, a in zip(tilts, forms, strict=True)]
    logs = [0.5 * np.linalg.slogdet(np.eye(n) - t * a)[1] for t, a in zip(tilts, forms, strict=True)]
    while True:
        z = roots[rng.integers(len(roots))] @ rng.standard_normal(n)
        form = np.array([[s, -s] for s in _products(z)]).ravel()
        yield weight(np.array(tilts) * form + np.array(logs)), repeats.repeats(z, rates)


def _products(z: Floats) -> list[float]:
    return [float(z[:-s] @ z[s:]) for s in range(1, z.size)]


def _tilt(form: Floats, wanted: float) -> float:
    """The t at which the form's expectation, sum l / (1 - t l) / 2 over its eigenvalues l, is `wanted`."""
    values = np.linalg.eigvalsh(form)
    top = 0.999 / float(values.max())

    def short_of(t: float) -> float:
        return float(np.sum(values / (1 - t * values))) / 2 - wanted

    return top if short_of(top) < 0 else float(brentq(short_of, 0.0, top))
