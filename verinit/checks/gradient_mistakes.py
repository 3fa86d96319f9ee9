"""Which well-known mistake of a backward pass fits a gradient that is wrong.

The numerical gradient is taken entry by entry and set beside the claimed one. A mistake is named when it
explains every entry that was looked at, within the tolerance of that entry; nothing is named otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from verinit.checks.places import Place
from verinit.differentiation.directions import size_of
from verinit.differentiation.problems import Problem, Wide, wide

MOST = 1500
"""Entries of which the numerical gradient is taken; larger tensors are not diagnosed entry by entry."""
STEPS = (2.0**-9, 2.0**-11)
SHARE = 0.01
"""What is left of the difference when a mistake explains it: no more than this share."""
DIGITS = 1e-8
"""How good the differences below are, relative to the largest entry: truncation of order 4, and rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Claimed and numerical gradient of one input, and what a mistake may be made of.

    claimed, numerical  of the input, entry by entry
    x                   the input itself
    others              the other inputs by name
    batch               length of the first axis of the first input
    """

    name: str
    claimed: Wide
    numerical: Wide
    x: Wide
    others: tuple[tuple[str, Wide], ...]
    batch: int
    ones: Wide

    def same(self, a: Wide, b: Wide) -> bool:
        """Whether two arrays agree but for a hundredth of what is to be explained."""
        return a.shape == b.shape and bool(np.all(np.abs(a - b) <= self.room))

    @property
    def room(self) -> float:
        """How far apart two equal arrays may be."""
        unit = max(float(np.abs(self.claimed).max()), float(np.abs(self.numerical).max()))
        return SHARE * float(np.abs(self.claimed - self.numerical).max()) + DIGITS * unit


def numerical(problem: Problem, j: int, *, cotangent: Wide | None = None) -> Wide:
    """The gradient of input `j` by two central differences an entry, extrapolated once."""
    x, v = problem.inputs[j], problem.cotangent if cotangent is None else cotangent
    size, found = size_of(x), np.empty(x.size)
    s = np.zeros(x.size)
    for entry in range(x.size):
        s[entry] = size
        slopes = []
        for t in STEPS:
            (right, ahead), (left, behind) = (problem.moved(j, k * t * s.reshape(x.shape)) for k in (1, -1))
            width = float(np.sum(ahead - behind))
            slopes.append(float(np.sum(v * (right - left))) / width if width else 0.0)
        found[entry] = slopes[1] + (slopes[1] - slopes[0]) / 15.0
        s[entry] = 0.0
    return found.reshape(x.shape)


def likely(place: Place, problem: Problem, j: int) -> str:
    """The mistake that explains the claimed gradient of input `j`, in words; empty if none does."""
    x = problem.inputs[j]
    if x.size > MOST or problem.gradients[j] is None:
        return ""
    look = Look(
        name=place.names[j],
        claimed=wide(problem.gradients[j]),
        numerical=numerical(problem, j),
        x=wide(x),
        others=tuple(
            (n, wide(a)) for k, (n, a) in enumerate(zip(place.names, problem.inputs, strict=False)) if k != j
        ),
        batch=problem.inputs[0].shape[0] if problem.inputs[0].ndim else 1,
        ones=numerical(problem, j, cotangent=np.ones_like(problem.cotangent)),
    )
    if not np.all(np.isfinite(look.numerical)):
        return ""
    exchanged = _exchanged(place, problem, j, look)
    return exchanged or next(_explanations(look, problem), "")


def _exchanged(place: Place, problem: Problem, j: int, look: Look) -> str:
    """Two gradients of one shape, each claimed for the other's input."""
    for k, g in enumerate(problem.gradients):
        if k == j or g is None or g.shape != look.claimed.shape:
            continue
        if look.same(look.numerical, wide(g)) and not look.same(look.claimed, look.numerical):
            other = numerical(problem, k)
            if look.same(other, look.claimed):
                return f"the gradients of {look.name} and {place.names[k]} are exchanged"
    return ""


def _explanations(look: Look, problem: Problem) -> Iterator[str]:
    """Every mistake that fits, the plainest first."""
    g, n = look.claimed, look.numerical
    if not np.any(g):
        yield "the gradient is 0 everywhere: nothing flows back"
    yield from _multiples(look)
    if g.shape == problem.cotangent.shape and look.same(g, problem.cotangent):
        yield "the cotangent is passed on as it is: the derivative of the function is missing"
    if look.same(g, look.ones):
        yield "the cotangent is ignored: this is the gradient for a cotangent of ones"
    if g.ndim == 2 and g.shape[0] == g.shape[1] and look.same(g, n.T):
        yield "the gradient is transposed"
    yield from _factors_of_the_output(look, problem)
    yield from _scaled_by_an_input(look)
    yield from _sums_over_the_batch(look)
    wrong = np.abs(g - n) > look.room
    if np.count_nonzero(wrong) == 1 and g.size > 2:
        place = ", ".join(map(str, np.argwhere(wrong)[0]))
        yield f"one entry alone is wrong, [{place}]"
    yield from _rows(look, wrong)
    yield from _epsilon(look)


def _multiples(look: Look) -> Iterator[str]:
    g, n, batch = look.claimed, look.numerical, look.batch
    if look.same(g, -n):
        yield "the sign is wrong"
    if look.same(g, np.abs(n)):
        yield "the absolute value of the gradient is returned"
    factors = {
        2.0: "the gradient is twice the derivative: it is added twice, or a factor 1/2 is missing",
        0.5: "the gradient is half of the derivative: a factor 2 is missing",
    }
    if batch > 2:
        factors[float(batch)] = (
            f"the gradient is {batch} times the derivative: the factor 1/N of the mean is missing"
        )
        factors[1.0 / batch] = (
            f"the gradient is 1/{batch} of the derivative: it is divided by N once too often"
        )
    for factor, words in factors.items():
        if look.same(g, factor * n):
            yield words
    unit = float(np.sum(n * n))
    ratio = float(np.sum(g * n)) / unit if unit else 0.0
    if ratio and look.same(g, ratio * n):
        yield f"the gradient is {ratio:.6g} times the derivative"


def _factors_of_the_output(look: Look, problem: Problem) -> Iterator[str]:
    """What an S-shaped layer gets wrong, and what a product with a square matrix does."""
    g, n, y = look.claimed, look.numerical, problem.output
    if y.shape == g.shape:
        if look.same(g * (1.0 - y), n):
            yield "the factor 1 - y is missing"
        if look.same(g, problem.cotangent * look.x * (1.0 - look.x)):
            yield "x (1 - x) is used where y (1 - y) is meant"
    for name, W in look.others:
        square = W.ndim == 2 and W.shape[0] == W.shape[1] and g.ndim == 2 and g.shape[1] == len(W)
        if square and np.linalg.matrix_rank(W) == len(W) and look.same(g, np.linalg.solve(W, n.T).T @ W):
            yield f"{name} is used where its transpose is meant"


def _scaled_by_an_input(look: Look) -> Iterator[str]:
    """A factor that is one of the other inputs, forgotten or applied twice, along the last axis."""
    g, n = look.claimed, look.numerical
    for name, other in look.others:
        if other.ndim != 1 or not g.ndim or g.shape[-1] != other.size or np.any(other == 0):
            continue
        if look.same(g * other, n):
            yield f"the factor {name} is forgotten"
        elif look.same(g, n * other):
            yield f"the factor {name} is applied twice"


def _sums_over_the_batch(look: Look) -> Iterator[str]:
    """Terms of a normalisation over the batch: its mean, its variance, or both."""
    g, n, x = look.claimed, look.numerical, look.x
    if g.ndim < 2 or g.shape != x.shape or g.shape[0] < 3:
        return
    axes = tuple(range(g.ndim - 1))
    off = g - n
    centred = x - x.mean(axis=axes)
    flat = off - off.mean(axis=axes)
    share = (off * centred).sum(axis=axes) / np.maximum(
        (centred * centred).sum(axis=axes), np.finfo(float).tiny
    )
    null = np.zeros_like(off)
    if float(np.abs(n.mean(axis=axes)).max()) > look.room:
        return  # nothing is normalised: constants do not vanish
    if look.same(flat, null):
        yield "the mean term is missing or wrong: the gradient of the batch mean is not subtracted"
    elif look.same(off, share * centred):
        yield "the variance term is missing or wrong: the gradient of the batch variance is not subtracted"
    elif look.same(flat, share * centred):
        yield "the terms of both mean and variance are missing or wrong"


def _rows(look: Look, wrong: np.ndarray) -> Iterator[str]:
    """Some rows of the batch alone, or entries that are 0 where they should not be."""
    if wrong.ndim >= 2 and wrong.any():
        rows = wrong.reshape(wrong.shape[0], -1).any(axis=1)
        if rows.sum() == 1 and wrong.shape[0] > 2:
            yield f"row {int(np.flatnonzero(rows)[0])} alone is wrong"
    if wrong.any() and np.all(look.claimed[wrong] == 0.0) and not wrong.all():
        yield f"{int(wrong.sum())} of {wrong.size} entries are 0 and should not be"


def _epsilon(look: Look) -> Iterator[str]:
    """A factor near 1 for each feature: another epsilon, or another divisor, in forward than in backward."""
    g, n = look.claimed, look.numerical
    if g.ndim < 2 or not np.any(n):
        return
    axes = tuple(range(g.ndim - 1))
    square = (n * n).sum(axis=axes)
    ratio = np.divide((g * n).sum(axis=axes), square, out=np.ones_like(square), where=square > 0)
    if np.all(np.abs(ratio - 1.0) < 0.2) and np.any(ratio != 1.0) and look.same(g, ratio * n):
        yield (
            "each feature is off by a factor of its own near 1: another epsilon or divisor (N - 1 for N) "
            "than in the forward pass"
        )
