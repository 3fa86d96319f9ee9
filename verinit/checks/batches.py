"""One normalizer at one case: its batches, made once, and what all checks of it read.

A case is `(N, ..., D)`, channels last: adapters transpose, nobody else does. A normalizer keeps what it has
seen, so that every look starts from a fresh one, in the dtype of the case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.checks.sampling import generator
from verinit.laws.batchnorm import Batch, Rounding, batch, rounding, wide
from verinit.laws.batchnorm_rounding import foreseen
from verinit.reference.precision import floating
from verinit.vocabulary import Case, Evidence, Target, Trial

Array = NDArray[Any]
BASIS = "rounding of the two-pass algorithm"
SPREADS = (1.0, 0.0, 6.0, 0.0, 0.25)
"""Standard deviations of the features, in turn; 0 stands for one of the size of epsilon, sqrt(eps): there
the output has variance 1/2, and a mistake about epsilon shows in every dtype."""


class Bench:
    """Batches, factors and shifts for a normalizer at a case, and fresh normalizers of the case's width."""

    def __init__(self, target: Target, case: Case, root: int) -> None:
        self.target, self.case, self.root = target, case, root
        self.width = case.shape[-1]
        self.rows = case.size // max(self.width, 1)
        self.dtype = floating(case.dtype or usual_dtype(target))
        self.eps = eps_of(target)
        self.rounding: Rounding = rounding(self.dtype.name)
        self._signals: dict[str, Array] = {}

    def rng(self, *words: object) -> np.random.Generator:
        """A stream of this bench's own."""
        return generator(self.root, self.target, self.case, *words)

    def rounded(self, x: Any) -> Array:
        """Numbers in the dtype of the case."""
        with np.errstate(over="ignore"):
            return np.asarray(x, dtype=np.float64).astype(self.dtype)

    def shaped(self, rows: Any) -> Array:
        """Rows (n, D) as a batch of the case's shape, in its dtype."""
        return self.rounded(rows).reshape(self.case.shape)

    def noise(self, word: str) -> Array:
        """(n, D) normal numbers, each feature with mean 0 and variance 1 exactly but for rounding."""
        z = self.rng(word).standard_normal((self.rows, self.width))
        if self.rows > 1:
            z = z - z.mean(axis=0)
            z = z / np.sqrt((z * z).mean(axis=0))
        return np.asarray(z)

    @cached_property
    def spreads(self) -> Array:
        """The standard deviation of each feature, (D,)."""
        wanted = np.resize(SPREADS, self.width)
        scale = float(dict(self.case.parameters).get("scale", 1.0))
        return scale * np.where(wanted == 0.0, np.sqrt(self.eps) or 1e-3, wanted)

    def signal(self, word: str = "batch") -> Array:
        """A batch of features with means up to two standard deviations, and standard deviations of their own.

        A copy each time: code under examination may write on it.
        """
        if word not in self._signals:
            centres = self.rng(word, "centres").uniform(-2.0, 2.0, self.width)
            self._signals[word] = self.shaped((self.noise(word) + centres) * self.spreads)
        return self._signals[word].copy()

    def cotangent(self, word: str = "cotangent") -> Array:
        """From 1/2 to 1, of mixed signs: a cotangent of ones has the gradient 0 (torch/nn#744).

        Multiples of 1/16: sums of three are exact in every dtype.
        """
        rng = self.rng(word)
        c = rng.choice((-1.0, 1.0), self.case.shape) * rng.integers(8, 17, self.case.shape) / 16.0
        return self.rounded(c)

    @cached_property
    def gamma(self) -> Array:
        """Factors of either sign, between 1/2 and 3/2; 1 where the normalizer has none; (D,)."""
        if not affine(self.target):
            return self.rounded(np.ones(self.width))
        rng = self.rng("gamma")
        return self.rounded(rng.choice((-1.0, 1.0), self.width) * rng.uniform(0.5, 1.5, self.width))

    @cached_property
    def beta(self) -> Array:
        """Shifts between 1/4 and 1 of either sign; 0 where the normalizer has none; (D,)."""
        if not affine(self.target):
            return self.rounded(np.zeros(self.width))
        rng = self.rng("beta")
        return self.rounded(rng.choice((-1.0, 1.0), self.width) * rng.uniform(0.25, 1.0, self.width))

    @property
    def ones(self) -> Array:
        """Gamma at the start."""
        return self.rounded(np.ones(self.width))

    @property
    def zeros(self) -> Array:
        """Beta at the start."""
        return self.rounded(np.zeros(self.width))

    def fresh(self, *, scaled: bool = False) -> Any:
        """A normalizer that has seen nothing, with gamma 1 and beta 0, or with those of the bench."""
        made = self.target.object.fresh(self.width, self.dtype.name)
        if affine(self.target):
            made.gamma = (self.gamma if scaled else self.ones).copy()
            made.beta = (self.beta if scaled else self.zeros).copy()
        return made

    def outputs(self, x: Array, *, scaled: bool = False, training: bool = True) -> Array:
        """What a fresh normalizer makes of a batch; (n, D)."""
        return self.flat(self.fresh(scaled=scaled).forward(x.copy(), training))

    def flat(self, y: Any) -> Array:
        """An output of the case's shape as rows (n, D) of long numbers."""
        return np.asarray(wide(y)).reshape(-1, self.width)

    def statistics(self, word: str = "statistics") -> tuple[Array, Array]:
        """Running means and variances, between 1/2 and 3/2, that no batch of this bench has; (D,)."""
        rng = self.rng(word)
        return self.rounded(rng.uniform(-2.0, 2.0, self.width)), self.rounded(
            rng.uniform(0.5, 1.5, self.width)
        )

    def moments(self, x: Array) -> Batch:
        """The moments of a batch."""
        return batch(x)

    def passes(self, x: Array, c: Array, *, scaled: bool = True) -> tuple[Any, Array]:
        """A fresh normalizer after a forward in training and a backward, and the gradient of the input."""
        made = self.fresh(scaled=scaled)
        made.forward(x.copy(), True)
        return made, self.flat(made.backward(c.copy()))


@lru_cache(maxsize=8)
def _bench(target: Target, case: Case, root: int) -> Bench:
    return Bench(target, case, root)


def bench_of(trial: Trial) -> Bench:
    """The bench of a trial, shared by all checks of one target at one case."""
    return _bench(trial.target, trial.case, trial.root)


def usual_dtype(target: Target) -> str:
    """The dtype of a case that names none: float64 where the target takes it."""
    return "float64" if "float64" in target.dtypes or not target.dtypes else target.dtypes[0]


def eps_of(target: Target) -> float:
    """The epsilon that is declared of a target; 0 if none is."""
    return float(target.says("eps") or 0.0)


def affine(target: Target) -> bool:
    """Whether a normalizer has a factor and a shift of its own."""
    return target.says("affine") is not False


def offers(*parts: str) -> Callable[[Target, Case], str]:
    """Why a claim about these parts says nothing of a target: it declares that it has none, or the batch of
    the case has one row.
    """
    words = {
        "backward": "has no backward",
        "running": "keeps no running statistics",
        "affine": "has no factor and no shift",
        "eval_backward": "has no backward in evaluation",
        "training": "has no training mode",
    }

    def reason(target: Target, case: Case) -> str:
        missing = next((part for part in parts if target.says(part) is False), "")
        if missing:
            return f"{target.name} {words[missing]}"
        if not case.shape or case.size == 0:
            return "an empty batch has no statistics"
        if case.size // case.shape[-1] < 2:
            return "a batch of one row has no spread; BN212 looks at it"
        return ""

    return reason


def hidden(target: Target, case: Case, *, offset: float = 2.0) -> float:
    """Twice the error of xhat that may be foreseen: below it rounding hides what a check looks for."""
    dtype = case.dtype or usual_dtype(target)
    rows = case.size // max(case.shape[-1], 1) if case.shape else 1
    return 4.0 * foreseen(rows, eps_of(target), rounding(dtype), offset=offset)


def hidden_backward(target: Target, case: Case) -> float:
    """The same of a gradient: the errors of xhat, of the mean of c xhat and of the scale, eight in all."""
    return 8.0 * hidden(target, case)


def agreement(
    quantity: str, observed: Any, expected: Any, bound: Any, unit: Any = 1.0, *, basis: str = BASIS
) -> Evidence:
    """The entry that is furthest off its prediction, measured by its own bound, in units of `unit`.

    resolution: of every entry off by so much, the middle one would have been seen.
    """
    observed, expected, bound, unit = np.broadcast_arrays(observed, expected, bound, unit)
    if not observed.size:
        return Evidence(quantity=quantity, expected=0.0, observed=0.0, distance=0.0, tolerance=0.0, n=1)
    distance = np.abs(observed - expected)
    distance = np.where(np.isnan(distance), np.inf, distance)
    ratio = np.divide(distance, bound, out=np.where(distance > 0, np.inf, 0.0), where=bound > 0)
    ratio = np.where(np.isnan(ratio), np.where(np.isinf(distance), np.inf, 0.0), ratio)
    at = np.unravel_index(int(ratio.argmax()), ratio.shape)
    one = float(unit[at])
    return Evidence(
        quantity=quantity,
        expected=float(expected[at]) / one,
        observed=float(observed[at]) / one,
        distance=float(distance[at]) / one,
        tolerance=float(bound[at]) / one,
        resolution=2.0 * float(np.median(bound / unit)),
        n=observed.size,
        basis=basis,
        detail=_place(at),
    )


def _place(at: tuple[Any, ...]) -> str:
    words = ("row", "feature") if len(at) == 2 else ("feature",)
    return "at " + ", ".join(f"{word} {int(i)}" for word, i in zip(words, at, strict=False)) if at else ""


def conventions(target: Target) -> str:
    """What a normalizer is held to, in words; what was found out by probing is said to be."""
    found = str(target.says("identified") or "").split()
    words = {"keep": "of the old is kept", "take": "of the new is taken in", "average": "all count alike"}
    parts = [("eps", f"eps {eps_of(target):.6g}")]
    if target.says("running") is not False:
        share = "" if target.says("convention") == "average" else f"{target.says('momentum')} "
        parts.append(("momentum", f"momentum {share}{words.get(str(target.says('convention')), '')}"))
        parts.append(("unbiased", f"running variance over {'n - 1' if target.says('unbiased') else 'n'}"))
    return "; ".join(f"{text} (identified)" if name in found else text for name, text in parts)


def named(found: Iterable[str]) -> str:
    """All mistakes that fit, joined; empty where none does."""
    return " or ".join(found)
