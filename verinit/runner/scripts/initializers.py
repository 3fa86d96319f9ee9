"""Scripts of initializers: draws from the finding's own stream, and the one statistic that was found."""

from __future__ import annotations

import math

from verinit.checks.contract import LOOKS
from verinit.checks.sampling import law_at, pool_of
from verinit.laws.rounding import UNIT_ROUNDOFF
from verinit.runner.scripts.drawing import drawing
from verinit.runner.scripts.pages import Body, number
from verinit.vocabulary import Evidence, Trial, entropy

SAME = "The same stream of random numbers as in the run: the same number but for the order of one sum"
ROUNDED = "The same stream of random numbers as in the run: the same but for the rounding of one weight"
FLOATS = tuple(UNIT_ROUNDOFF)
CONTRACT = {
    "IN101": (
        "# draws that are no arrays of numbers",
        "wrong = [w for w in draws if not isinstance(w, np.ndarray) or (",
        f'    w.dtype.kind not in "fiub" and w.dtype.name not in {FLOATS})]',
    ),
    "IN102": (
        "# draws of another shape",
        "wrong = [np.shape(w) for w in draws if np.shape(w) != {shape}]",
    ),
    "IN103": (
        "# draws of another dtype",
        "wrong = [str(w.dtype) for w in draws if str(w.dtype) not in {dtypes}]",
    ),
}
LAW: dict[str, tuple[str, ...]] = {
    "IN201": (
        "mean, std = {mean}, {std}  # what {scheme} promises at shape {shape}",
        "x = w - mean",
        "observed = float(x @ x) / std / std / x.size  # Var[W] over what is promised",
    ),
    "IN202": (
        "mean, std = {mean}, {std}  # what {scheme} promises at shape {shape}",
        "observed = float((w - mean).sum()) / std / w.size",
    ),
    "IN203": (
        "low, high = {low}, {high}  # the bounds that {scheme} promises at shape {shape}",
        "observed = max(low - w.min(), w.max() - high, 0.0) / ((high - low) / 2)  # excess, in half-widths",
        "observed = float(observed) if np.isfinite(w).all() else float('nan')",
    ),
    "IN204": (
        "mean, std = {mean}, {std}  # what {scheme} promises at shape {shape}",
        "observed = float(np.abs((w - mean) / std).max())",
    ),
    "IN210": (
        "_, counts = np.unique(w, return_counts=True)",
        "observed = counts.max() / w.size  # share of the commonest weight",
    ),
}


def initializer(trial: Trial, evidence: Evidence) -> Body | None:
    """The script of an initializer's finding; None where it takes more than a few lines."""
    lines = _measured(trial, evidence)
    drawn = drawing(trial) if lines is not None else None
    if lines is None or drawn is None:
        return None
    said = ROUNDED if trial.check.code == "IN204" else SAME
    return Body(imports=("import numpy as np", *drawn.imports), lines=(*drawn.lines, *lines), note=said)


def _measured(trial: Trial, evidence: Evidence) -> tuple[str, ...] | None:
    """The lines from `draw` to `observed`."""
    code = trial.check.code
    if code in CONTRACT:
        dtypes = (trial.case.dtype,) if trial.case.dtype else FLOATS
        filled = (line.format(shape=trial.case.shape, dtypes=dtypes) for line in CONTRACT[code][1:])
        return (
            *_stream(trial),
            CONTRACT[code][0],
            f"draws = [draw(rng) for _ in range({LOOKS})]",
            *(filled if code != "IN101" else CONTRACT[code][1:]),
            "print(wrong[:1])",
            "observed = len(wrong)",
        )
    if code == "IN104":
        return (
            *_stream(trial),
            f"draws = [np.asarray(draw(rng), dtype=np.float64) for _ in range({LOOKS})]",
            "observed = sum(int((~np.isfinite(w)).sum()) for w in draws)  # weights that are nan or infinite",
        )
    seeds = {"IN105": _twice, "IN106": _apart}.get(code)
    if seeds is not None:
        return seeds(trial)
    if code == "IN207":
        return (
            *_stream(trial),
            "w = np.asarray(draw(rng), dtype=np.float64)",
            f"observed = float(np.abs(w - {number(_mean(trial))}).max())",
        )
    return _of_the_law(trial, evidence) if code in LAW else None


def _mean(trial: Trial) -> float:
    assert trial.target.scheme is not None
    return trial.target.scheme.mean


def _stream(trial: Trial) -> tuple[str, ...]:
    return stream(entropy(trial.root, trial.target.name, trial.case))


def stream(words: list[int]) -> tuple[str, ...]:
    """The generator of a finding."""
    return (
        f"words = [{', '.join(map(str, words[:4]))},\n         {', '.join(map(str, words[4:]))}]",
        "rng = np.random.default_rng(words)  # the finding's own stream",
    )


def _seeds(trial: Trial, count: int) -> str:
    listed = [entropy(trial.root, trial.target.name, trial.case, "seed", seed) for seed in range(count)]
    return "seeds = [\n" + "".join(f"    {words},\n" for words in listed) + "]  # 256 bits each"


_BYTES = "def drawn(seed):\n    return np.ascontiguousarray(draw(np.random.default_rng(seed))).tobytes()"


def _twice(trial: Trial) -> tuple[str, ...]:
    return (
        _seeds(trial, 2),
        _BYTES,
        "observed = sum(drawn(s) != drawn(s) for s in seeds)  # seeds that drew two different arrays",
    )


def _apart(trial: Trial) -> tuple[str, ...]:
    return (
        _seeds(trial, LOOKS),
        _BYTES,
        "arrays = [drawn(s) for s in seeds]",
        "observed = sum(arrays[i] == arrays[j] for i in range(len(arrays)) for j in range(i))  # equal pairs",
    )


def _of_the_law(trial: Trial, evidence: Evidence) -> tuple[str, ...] | None:
    """A statistic of the numbers, whole draws in order; of laws whose moments say it."""
    law, code, pool = law_at(trial.target, trial.case), trial.check.code, pool_of(trial)
    plain = not pool.orthogonal and (not pool.coarse or code == "IN210") and math.isfinite(evidence.observed)
    if not plain or law.family == "frozen" or (code == "IN204" and law.family != "normal"):
        return None
    size = trial.case.size
    said = {
        "mean": number(law.mean),
        "std": number(law.std),
        "low": number(law.low),
        "high": number(law.high),
        "scheme": trial.target.scheme,
        "shape": trial.case.shape,
    }
    count = math.ceil(evidence.n / size)
    return (
        *_stream(trial),
        f"draws = [draw(rng) for _ in range({count})]",
        f"w = np.concatenate([np.asarray(d).ravel() for d in draws]).astype(np.float64)[:{evidence.n}]",
        *(line.format(**said) for line in LAW[code]),
    )
