"""Many walks of one model, from top to bottom: what each shows of the signal and the gradient by depth.

Every seed draws fresh weights and a fresh batch: rows of mean square 1, with one cosine, `START`, between
any two: the laws by depth then begin from two numbers, exactly. Only a few numbers a layer are kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.checks.sampling import generator
from verinit.laws.rounding import UNIT_ROUNDOFF
from verinit.reference.precision import FLOATING
from verinit.vocabulary import Case, CheckSkipped, Target, Trial

Floats = NDArray[np.float64]

START = 0.25
"""Cosine between any two inputs: far from 0, which odd activations keep whatever they are, and from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One walk, layer by layer; natural logs, (depth,) each.

    signal    log of the mean square of the pre-activations
    gradient  log of the mean square of what is sent to the layer's inputs, over that of the top cotangent;
              empty for a model that walks forward only
    widths    units of each layer
    cosines   mean cosine between the pre-activations of two inputs
    ranks     participation ratio of their Gram matrix, of vectors of length 1
    """

    widths: tuple[int, ...]
    signal: Floats
    gradient: Floats
    cosines: Floats
    ranks: Floats


def batch(shape: tuple[int, int], dtype: str, rng: np.random.Generator) -> NDArray[Any]:
    """Rows of mean square 1 with the cosine `START`, in a direction of chance: (N, n), N < n."""
    rows, width = shape
    frame = np.linalg.qr(rng.standard_normal((width, rows + 1)))[0].T
    x = math.sqrt(START) * frame[0] + math.sqrt(1.0 - START) * frame[1:]
    return np.asarray(math.sqrt(width) * x).astype(FLOATING[dtype])


def dtype_of(case: Case) -> str:
    """The dtype that a case asks for, or the widest."""
    return case.dtype or "float64"


def unit(case: Case) -> float:
    """Unit roundoff of the case's dtype."""
    return UNIT_ROUNDOFF[dtype_of(case)]


def _log(square: float) -> float:
    return math.log(square) if square > 0.0 else -math.inf


def _mean_square(a: Any) -> float:
    wide = np.asarray(a).astype(np.float64).ravel()
    return float(wide @ wide) / wide.size


def _likeness(z: Any) -> tuple[float, float]:
    """Mean cosine over pairs of rows, and the participation ratio; nan where a row is 0."""
    wide = np.asarray(z).astype(np.float64).reshape(len(z), -1)
    with np.errstate(all="ignore"):
        rows = wide / np.linalg.norm(wide, axis=1, keepdims=True)
    gram = rows @ rows.T
    n = len(gram)
    mean = (float(gram.sum()) - float(np.trace(gram))) / (n * (n - 1))
    return mean, n * n / float((gram * gram).sum())


def profile(target: Target, case: Case, rng: np.random.Generator) -> Profile:
    """One walk of the model: forward records have a `preactivation`, backward ones a `gradient`."""
    inputs = batch((case.shape[0], case.shape[1]), dtype_of(case), rng)
    widths: list[int] = []
    signal: list[float] = []
    gradient: list[float] = []
    alike: list[tuple[float, float]] = []
    top = math.nan
    for record in target.object.walk(inputs, rng, **dict(case.parameters)):
        if hasattr(record, "preactivation"):
            widths.append(record.preactivation.shape[-1])
            signal.append(_log(_mean_square(record.preactivation)))
            alike.append(_likeness(record.preactivation))
            continue
        top = top if gradient else _log(_mean_square(record.cotangent))
        gradient.append(_log(_mean_square(record.gradient)) - top)
    cosines, ranks = np.array(alike, dtype=np.float64).reshape(-1, 2).T
    return Profile(
        widths=tuple(widths),
        signal=np.array(signal),
        gradient=np.array(gradient[::-1]),
        cosines=cosines,
        ranks=ranks,
    )


class Ensemble:
    """Walks of one target at one case, made as they are asked for and kept as profiles."""

    def __init__(self, target: Target, case: Case, root: int) -> None:
        self.target, self.case, self.root = target, case, root
        self._kept: list[Profile] = []

    def first(self, seeds: int) -> list[Profile]:
        """The profiles of the first `seeds` walks, each from a stream of its own."""
        while len(self._kept) < seeds:
            rng = generator(self.root, self.target, self.case, "depth", len(self._kept))
            self._kept.append(profile(self.target, self.case, rng))
        return self._kept[:seeds]


@lru_cache(maxsize=2)
def ensemble(target: Target, case: Case, root: int) -> Ensemble:
    """The walks of this target at this case; those of the last two are kept."""
    return Ensemble(target, case, root)


def profiles(trial: Trial) -> list[Profile]:
    """The walks that a trial takes: its numbers, over those of one batch.

    Raises `CheckSkipped` for a model whose layers differ in width: the laws by depth are of one width, and a
    layer from n to m units multiplies the gradient by another m / n.
    """
    walked = ensemble(trial.target, trial.case, trial.root)
    width = trial.case.shape[1]
    odd = [(i, n) for i, n in enumerate(walked.first(1)[0].widths, start=1) if n != width]
    if odd:
        layer, units = odd[0]
        raise CheckSkipped(
            f"the laws by depth are of layers of one width; layer {layer} has {units} units, not {width}"
        )
    return walked.first(math.ceil(trial.n / trial.case.size))
