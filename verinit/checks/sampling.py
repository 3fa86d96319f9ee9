"""The draws that all checks of one target at one case share.

One generator per (root, target, case), and calls in sequence: a check that needs fewer numbers reads a
prefix, so it sees the same bytes alone as in the battery.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from verinit.laws.marginals import Law, cdf, law_of, normal_scores, unrounded
from verinit.laws.rounding import COARSE, half_ulp
from verinit.vocabulary import Case, CheckSkipped, Scheme, Target, Trial, entropy
from verinit.vocabulary.wording import NO_SCHEME

Floats = NDArray[np.float64]


def generator(root: int, target: Target, case: Case, *words: object) -> np.random.Generator:
    """The stream that belongs to this content; another word, another stream."""
    return np.random.default_rng(entropy(root, target.name, case, *words))


def call(target: Target, case: Case, rng: np.random.Generator) -> Any:
    """One draw of the target as it came, whatever that is."""
    return target.object(case.shape, rng, dtype=case.dtype, **dict(case.parameters))


_AHEAD = 1 << 20
"""How many numbers more than were asked for there is room for, so that asking often does not copy often."""


class Numbers:
    """Numbers that are computed in order as they are asked for, and kept."""

    def __init__(self) -> None:
        self._kept: Floats = np.empty(0)
        self._size = 0

    def first(self, n: int, compute: Callable[[int, int], Floats]) -> Floats:
        """The first n numbers; compute(a, b) makes those from a up to b.

        It is handed over at every call and not kept: a pool that its own parts refer to would stay in memory
        long after its turn.
        """
        if not self._size and n:
            self._kept = compute(0, n)
            self._size = n
        if n > self._kept.size:
            kept = np.empty(max(n, min(2 * self._kept.size, n + _AHEAD)))
            kept[: self._size] = self._kept[: self._size]
            self._kept = kept
        if n > self._size:
            self._kept[self._size : n] = compute(self._size, n)
            self._size = n
        return self._kept[:n]


class Pool:
    """Draws of one target at one case, made as they are asked for and kept.

    The numbers of a coarse dtype are put back to a random place of their rounding cells (see
    `laws.rounding.COARSE`), so that every test may take them for numbers without rounding.
    """

    def __init__(self, target: Target, case: Case, root: int) -> None:
        self.target, self.case, self.root = target, case, root
        self._rng = generator(root, target, case)
        self._raw: list[Any] = []
        self._rounded, self._values = Numbers(), Numbers()
        self._probabilities, self._scores = Numbers(), Numbers()

    def _stream(self, word: str) -> np.random.Generator:
        """A stream of this pool's own, beside that of its draws."""
        return generator(self.root, self.target, self.case, word)

    @cached_property
    def _cells(self) -> np.random.Generator:
        return self._stream("place in the rounding cell")

    @cached_property
    def _ends(self) -> np.random.Generator:
        return self._stream("place at the end of the law")

    @cached_property
    def _factors(self) -> tuple[np.random.Generator, np.random.Generator]:
        return self._stream("Bartlett factor, diagonal"), self._stream("Bartlett factor, above")

    @cached_property
    def law(self) -> Law:
        """The law of one number."""
        return law_at(self.target, self.case)

    @cached_property
    def dtype(self) -> str:
        """The dtype that the case asks for, or that the first draw has."""
        return self.case.dtype or str(getattr(self.raw(1)[0], "dtype", "float64"))

    @cached_property
    def orthogonal(self) -> bool:
        """Whether the target draws orthogonal matrices."""
        scheme = self.target.scheme
        return scheme is not None and scheme.family == "orthogonal"

    @property
    def coarse(self) -> bool:
        """Whether the numbers are put back to a place of their rounding cells."""
        return self.dtype in COARSE

    def raw(self, count: int) -> list[Any]:
        """The first `count` draws as they came."""
        while len(self._raw) < count:
            self._raw.append(call(self.target, self.case, self._rng))
        return self._raw[:count]

    def arrays(self, count: int) -> list[NDArray[Any]]:
        """The first `count` draws as arrays of the shape that was asked for.

        Raises `ValueError` for a draw of another shape: whatever it says is of another law.
        """
        return [shaped(draw, self.case) for draw in self.raw(count)]

    def whole(self, n: int) -> int:
        """How many numbers the draws hold that it takes to have n."""
        if self.case.size == 0:
            raise CheckSkipped("the array is empty: contract checks only")
        return math.ceil(n / self.case.size) * self.case.size

    def rounded(self, n: int) -> Floats:
        """At least n numbers in float64 as they came, whole draws in order.

        For an orthogonal target: entries of `Q R / gain`, which are iid N(0, 1) exactly when Q is Haar
        and R an independent Bartlett factor (Muirhead 1982, theorem 3.2.14).
        """
        return self._rounded.first(self.whole(n), self._new_numbers)

    def values(self, n: int) -> Floats:
        """At least n numbers of the law in float64, whole draws in order."""
        if not self.coarse or self.orthogonal:
            return self.rounded(n)
        return self._values.first(self.whole(n), self._new_values)

    def probabilities(self, n: int) -> Floats:
        """At least n probabilities P(W <= w) of the numbers by the law: iid uniform for right code."""
        return self._probabilities.first(self.whole(n), self._new_probabilities)

    def scores(self, draws: int) -> Floats:
        """Normal scores of the first `draws` draws as matrices (draws, m, n): iid N(0, 1) for right code."""
        size, shape = self.case.size, self.case.shape
        columns = min(size // shape[-1], shape[-1]) if self.orthogonal else shape[-1]
        return self.scored(draws * size).reshape(draws, -1, columns)

    def scored(self, n: int) -> Floats:
        """The normal scores of the first n numbers."""
        return self._scores.first(self.whole(n), self._new_scores)[:n]

    def _new_numbers(self, start: int, stop: int) -> Floats:
        size = self.case.size
        arrays = [shaped(draw, self.case) for draw in self.raw(stop // size)[start // size :]]
        if self.orthogonal:
            return self._mixed(np.stack(arrays).astype(np.float64))
        return np.concatenate([array.ravel() for array in arrays]).astype(np.float64, copy=False)

    def _new_values(self, start: int, stop: int) -> Floats:
        x = self.rounded(stop)[start:]
        return unrounded(self.law, x, half_ulp(x, self.dtype), self._cells.random(x.size))

    def _new_probabilities(self, start: int, stop: int) -> Floats:
        return cdf(self.law, self.values(stop)[start:])

    def _new_scores(self, start: int, stop: int) -> Floats:
        x = self.values(stop)[start:]
        if self.law.family == "normal":
            return (x - self.law.mean) / self.law.std
        u = self.probabilities(stop)[start:]
        return end_scores(self.law, x, u, self.dtype, self._ends)

    def _mixed(self, arrays: Floats) -> Floats:
        tall = semiorthogonal(arrays)
        return np.asarray(tall @ bartlett(tall.shape, *self._factors)).ravel() / math.sqrt(
            scheme_of(self.target).scale
        )


END = 2.0**-12
"""Tail probability below which a number is scored by its rounding cell: nearer to the middle of a law the
score moves by less than a thousandth of itself when a float32 is rounded, and few numbers lie beyond."""


def end_scores(law: Law, x: Floats, u: Floats, dtype: str, places: np.random.Generator) -> Floats:
    """Normal scores of numbers x with probabilities u; at the ends of the law, those of their cells."""
    z = np.asarray(ndtri(u))
    end = ~((u > END) & (u < 1.0 - END))
    if end.any():
        z[end] = normal_scores(law, x[end], half_ulp(x[end], dtype), places.random(int(end.sum())))
    return z


def shaped(draw: Any, case: Case) -> NDArray[Any]:
    """A draw as the array that the case asks for.

    Raises `ValueError` for another shape.
    """
    array = np.asarray(draw)
    if array.shape != case.shape:
        raise ValueError(f"a draw has shape {array.shape}, {case.shape} was asked for")
    return array


def scores_apart(array: NDArray[Any], law: Law, rng: np.random.Generator) -> Floats:
    """The normal scores of one array that belongs to no pool, flat; rng: places in rounding cells."""
    dtype, x = str(array.dtype), array.astype(np.float64).ravel()
    if dtype in COARSE:
        x = unrounded(law, x, half_ulp(x, dtype), rng.random(x.size))
    if law.family == "normal":
        return (x - law.mean) / law.std
    return end_scores(law, x, cdf(law, x), dtype, rng)


def semiorthogonal(arrays: NDArray[Any]) -> NDArray[Any]:
    """Kernels (R, ...) as the matrices (R, N, k) whose columns are orthonormal up to the gain: each as
    (prod(kernel) * in, out), or its transpose where that is wider than tall.
    """
    matrices = arrays.reshape(len(arrays), -1, arrays.shape[-1])
    return matrices if matrices.shape[1] >= matrices.shape[2] else matrices.swapaxes(1, 2)


def bartlett(shape: tuple[int, ...], diagonal: np.random.Generator, above: np.random.Generator) -> Floats:
    """The triangular factors (R, k, k) of R Gaussian matrices (N, k): R_jj = chi(N - j), normal above.

    shape: (R, N, k). Each generator is read draw by draw, so that more draws do not change the first.
    """
    draws, rows, columns = shape
    factor = np.zeros((draws, columns, columns))
    i, j = np.triu_indices(columns, 1)
    factor[:, i, j] = above.standard_normal((draws, i.size))
    k = np.arange(columns)
    factor[:, k, k] = np.sqrt(diagonal.chisquare(rows - k, (draws, columns)))
    return factor


@lru_cache(maxsize=2)
def pool(target: Target, case: Case, root: int) -> Pool:
    """The pool of this target at this case; the last two are kept."""
    return Pool(target, case, root)


def scheme_of(target: Target) -> Scheme:
    """What the target says it is.

    Raises `CheckSkipped` where it says nothing.
    """
    if target.scheme is None:
        raise CheckSkipped(f"{target.name} {NO_SCHEME}")
    return target.scheme


def law_at(target: Target, case: Case) -> Law:
    """The law that the target's scheme gives to an entry at this case."""
    chosen = {name: value for name, value in case.parameters if name in ("groups", "transposed")}
    return law_of(scheme_of(target), case.shape, **chosen)


def dtype_of(trial: Trial) -> str:
    """The dtype that the case asks for, or that the first draw has."""
    return pool_of(trial).dtype


def pool_of(trial: Trial) -> Pool:
    """The pool that this trial shares with all others at its place."""
    return pool(trial.target, trial.case, trial.root)
