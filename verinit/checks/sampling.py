"""The draws that all checks of one target at one case share.

One generator per (root, target, case), and calls in sequence: a check that needs fewer numbers reads a
prefix, so it sees the same bytes alone as in the battery.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.laws.marginals import Law, law_of, normal_scores
from verinit.laws.rounding import half_ulp
from verinit.vocabulary import Case, CheckSkipped, Scheme, Target, Trial, entropy

Floats = NDArray[np.float64]


def generator(root: int, target: Target, case: Case, *words: object) -> np.random.Generator:
    """The stream that belongs to this content; another word, another stream."""
    return np.random.default_rng(entropy(root, target.name, case, *words))


def call(target: Target, case: Case, rng: np.random.Generator) -> Any:
    """One draw of the target as it came, whatever that is."""
    return target.object(case.shape, rng, dtype=case.dtype, **dict(case.parameters))


class Pool:
    """Draws of one target at one case, made as they are asked for and kept."""

    def __init__(self, target: Target, case: Case, root: int) -> None:
        self.target, self.case, self.root = target, case, root
        self._rng = generator(root, target, case)
        self._factors = generator(root, target, case, "Bartlett factor")
        self._raw: list[Any] = []
        self._values: list[Floats] = []
        self._joined: Floats = np.empty(0)
        self._places = generator(root, target, case, "place in the rounding cell")
        self._scores: list[Floats] = []

    def raw(self, count: int) -> list[Any]:
        """The first `count` draws as they came."""
        while len(self._raw) < count:
            self._raw.append(call(self.target, self.case, self._rng))
        return self._raw[:count]

    def values(self, n: int) -> Floats:
        """At least n numbers in float64, whole draws in order.

        For an orthogonal target: entries of `Q R / gain`, which are iid N(0, 1) exactly when Q is Haar
        and R an independent Bartlett factor (Muirhead 1982, theorem 3.2.14).
        """
        size = self.case.size
        if size == 0:
            raise CheckSkipped("the array is empty: contract checks only")
        count = math.ceil(n / size)
        for array in self.raw(count)[len(self._values) :]:
            self._values.append(self._numbers(np.asarray(array, dtype=np.float64)))
        if self._joined.size < count * size:
            self._joined = np.concatenate(self._values)
        return self._joined[: count * size]

    def scores(self, draws: int) -> Floats:
        """Normal scores of the first `draws` draws as matrices (draws, m, n): iid N(0, 1) for right code.

        A number of a bounded law, or of half precision, stands for its rounding cell, and gets the score
        of a uniformly random point of it: exactly right where the number is the law's, rounded.
        """
        size = self.case.size
        numbers = self.values(draws * size).reshape(draws, size)
        law = law_at(self.target, self.case)
        shape = self.case.shape
        for row in numbers[len(self._scores) :]:
            self._scores.append(self.scored(row, law, self._places))
        matrix = (-1, shape[-1]) if not self._orthogonal else (-1, min(size // shape[-1], shape[-1]))
        return np.stack(self._scores[:draws]).reshape(draws, *matrix)

    @property
    def _orthogonal(self) -> bool:
        scheme = self.target.scheme
        return scheme is not None and scheme.family == "orthogonal"

    def scored(self, x: Floats, law: Law, places: np.random.Generator) -> Floats:
        """Normal scores of numbers x by their law; `places` says where in its rounding cell each stands."""
        dtype = self.case.dtype or str(getattr(self.raw(1)[0], "dtype", "float64"))
        fine = dtype in ("float32", "float64")
        if self._orthogonal or (law.family == "normal" and fine):
            return (x - law.mean) / law.std
        return normal_scores(law, x, half_ulp(x, dtype), places.random(x.size))

    def _numbers(self, array: Floats) -> Floats:
        scheme = self.target.scheme
        if scheme is None or not self._orthogonal:
            return array.ravel()
        tall = semiorthogonal(array)
        factor = bartlett(tall.shape[0], tall.shape[1], self._factors)
        return np.asarray(tall @ factor).ravel() / math.sqrt(scheme.scale)


def semiorthogonal(array: NDArray[Any]) -> NDArray[Any]:
    """A kernel as the matrix whose columns are orthonormal up to the gain: (prod(kernel) * in, out), or
    its transpose where that is wider than tall.
    """
    matrix = array.reshape(-1, array.shape[-1])
    return matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T


def bartlett(rows: int, columns: int, rng: np.random.Generator) -> Floats:
    """The triangular factor of a (rows, columns) Gaussian matrix: R_jj = chi(rows - j), normal above."""
    factor = np.triu(rng.standard_normal((columns, columns)), 1)
    np.fill_diagonal(factor, np.sqrt(rng.chisquare(rows - np.arange(columns))))
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
        raise CheckSkipped(f"{target.name} declares no scheme, so no law can be held against it")
    return target.scheme


def law_at(target: Target, case: Case) -> Law:
    """The law that the target's scheme gives to an entry at this case."""
    chosen = {name: value for name, value in case.parameters if name in ("groups", "transposed")}
    return law_of(scheme_of(target), case.shape, **chosen)  # type: ignore[arg-type]


def dtype_of(trial: Trial) -> str:
    """The dtype that the case asks for, or that the first draw has."""
    return trial.case.dtype or str(getattr(pool_of(trial).raw(1)[0], "dtype", "float64"))


def pool_of(trial: Trial) -> Pool:
    """The pool that this trial shares with all others at its place."""
    return pool(trial.target, trial.case, trial.root)
