"""Which conventions a batch norm follows, read from its attributes or found out by a few probing forwards.

An implementation is held to one consistent convention, and never rejected for the choice of it. What is found
is what fits; where nothing fits, the usual is declared, and the checks say what does not follow it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from verinit.reference.precision import floating
from verinit.vocabulary.places import Parameter

Array = NDArray[Any]
NEAR = 2.0**-10
"""How near a probe must come to a convention: alternatives are far apart (a factor of 2 in the divisor at two
rows, a momentum and its complement), and float32 sees six digits."""


@dataclass(slots=True, kw_only=True)
class Found:
    """What was found out: declarations by name, and the names of those that were neither given nor read."""

    declared: dict[str, Parameter] = field(default_factory=dict)
    identified: list[str] = field(default_factory=list)

    def add(self, name: str, value: Parameter, *, identified: bool) -> None:
        """One more declaration."""
        self.declared[name] = value
        if identified:
            self.identified.append(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A prototype at one width, number of axes and dtype, with batches of two rows or more to try it on."""

    prototype: Any
    width: int
    rank: int
    dtype: str

    def batch(self, rows: Array) -> Array:
        """Rows (n, D) as a batch of the probe's number of axes; n is the length of its first axis."""
        shape = (len(rows), *(1,) * (self.rank - 2), self.width)
        return rows.astype(floating(self.dtype)).reshape(shape)

    def fresh(self) -> Any:
        """A normalizer that has seen nothing, with gamma 1 and beta 0 where it has them."""
        made = self.prototype.fresh(self.width, self.dtype)
        for part, value in (("gamma", 1.0), ("beta", 0.0)):
            if getattr(made, part, None) is not None:
                setattr(made, part, np.full(self.width, value, floating(self.dtype)))
        return made

    def outputs(self, rows: Array) -> Array:
        """What a fresh one makes of rows in training."""
        y = np.asarray(self.fresh().forward(self.batch(rows), True))
        return y.astype(np.float64).reshape(len(rows), -1)

    def works(self, *steps: str) -> bool:
        """Whether a fresh one goes through these steps without a crash, and gives an array at the end."""
        rows = np.outer([-1.0, 0.5, 2.0], np.linspace(1.0, 2.0, self.width))
        try:
            made, y = self.fresh(), None
            for step in steps:
                if step == "backward":
                    y = made.backward(self.batch(rows))
                elif step == "single":
                    y = made.forward(self.batch(rows[:1]), True)
                else:
                    y = made.forward(self.batch(rows), step == "training")
            finite = isinstance(y, np.ndarray) and bool(np.all(np.isfinite(y.astype(np.float64))))
        except Exception:
            return False
        return finite or ("single" not in steps and isinstance(y, np.ndarray))


def conventions(probe: Probe, given: dict[str, Parameter | None]) -> Found:
    """Everything that the checks need to know of a batch norm; `given` by the user outranks what is read."""
    found = Found()
    made = probe.fresh()
    found.add("affine", getattr(made, "gamma", None) is not None, identified=False)
    found.add("backward", probe.works("training", "backward"), identified=False)
    running = _keeps_statistics(probe)
    found.add("running", running, identified=False)
    found.add("eval_backward", running and _evaluates_backward(probe), identified=False)
    found.add("single", probe.works("single"), identified=False)
    _epsilon(probe, found, given.get("eps"))
    if running:
        _momentum(probe, found, given)
    return found


def _keeps_statistics(probe: Probe) -> bool:
    made = probe.fresh()
    try:
        made.forward(probe.batch(np.outer([-1.0, 2.0], np.ones(probe.width))), True)
        made.forward(probe.batch(np.outer([-1.0, 2.0], np.ones(probe.width))), False)
    except Exception:
        return False
    kept = (getattr(made, "running_mean", None), getattr(made, "running_var", None))
    return all(isinstance(each, np.ndarray) and each.shape == (probe.width,) for each in kept)


def _evaluates_backward(probe: Probe) -> bool:
    """Whether a backward after a forward in evaluation knows the running variance of that forward.

    One that is made for training only crashes there, or gives the gradient of the last batch in training.
    """
    rows = np.outer([-1.0, 0.5, 2.0], np.linspace(1.0, 2.0, probe.width))
    ones, found = np.ones(probe.width, floating(probe.dtype)), []
    try:
        for variance in (1.0, 4.0):
            made = probe.fresh()
            made.running_mean, made.running_var = 0 * ones, variance * ones
            made.forward(probe.batch(rows), False)
            found.append(np.asarray(made.backward(probe.batch(rows))))
    except Exception:
        return False
    return not np.array_equal(found[0], found[1])


def _number(obj: Any, name: str) -> float | None:
    value = getattr(obj, name, None)
    if isinstance(value, (int, float, np.floating)) and not isinstance(value, bool):
        return float(value)
    return None


def _epsilon(probe: Probe, found: Found, given: Parameter | None) -> None:
    value = _number(probe.fresh(), "eps") if given is None else float(given)
    if value is not None:
        found.add("eps", value, identified=False)
    else:
        found.add("eps", epsilon(probe), identified=True)


def epsilon(probe: Probe) -> float:
    """The epsilon that a batch of -a and a betrays: y = a / sqrt(a^2 + eps), so eps = a^2 (1/y^2 - 1).

    Of all a, powers of 2, the one whose output is nearest 1/2 says it best; it is rounded to three digits, as
    people write them, where that is near enough. 0 where no a, down to 2^-30, is moved.
    """
    best = (np.inf, 0.0)
    for power in range(31):
        a = 2.0**-power
        try:
            y = abs(float(probe.outputs(np.outer([-a, a], np.ones(probe.width)))[1, 0]))
        except Exception:
            return 0.0
        if 0.0 < y < 1.0:
            best = min(best, (abs(y - 0.5), a * a * (1.0 / (y * y) - 1.0)))
    if best[0] > 0.4:
        return 0.0
    short = float(f"{best[1]:.3g}")
    return short if abs(short - best[1]) <= NEAR * best[1] else best[1]


def _momentum(probe: Probe, found: Found, given: dict[str, Parameter | None]) -> None:
    """Momentum, its convention and the divisor of the running variance."""
    kept, divisor = _kept_share(probe), _divisor(probe)
    attribute = given.get("momentum")
    said = _number(probe.fresh(), "momentum") if attribute is None else float(attribute)
    if said is None:
        average = kept is not None and abs(kept - 0.5) <= NEAR and _averages(probe)
        momentum, convention = (0.0, "average") if average else (_short(kept), "keep")
        found.add("momentum", momentum, identified=True)
        found.add("convention", convention, identified=True)
    else:
        taken = kept is not None and abs(1.0 - said - kept) < abs(said - kept)
        found.add("momentum", said, identified=False)
        found.add("convention", "take" if taken else "keep", identified=True)
    unbiased = given.get("unbiased")
    found.add("unbiased", divisor if unbiased is None else bool(unbiased), identified=unbiased is None)


def _short(kept: float | None) -> float:
    """A share as people write it: three digits, where that is near enough; 0.9 where none was found."""
    if kept is None or not 0.0 <= kept <= 1.0:
        return 0.9
    short = round(kept, 3)
    return short if abs(short - kept) <= NEAR * max(1.0 - kept, kept) / 8 else kept


def _rows(probe: Probe, centre: float, spread: float) -> Array:
    return probe.batch(np.outer([centre - spread, centre + spread], np.ones(probe.width)))


def _states(probe: Probe, batches: list[Array]) -> list[tuple[float, float]]:
    """Running mean and variance of the first feature after each batch."""
    made, kept = probe.fresh(), []
    for x in batches:
        made.forward(x, True)
        kept.append((float(made.running_mean[0]), float(made.running_var[0])))
    return kept


def _kept_share(probe: Probe) -> float | None:
    """The share a = (r_2 - m_2) / (r_1 - m_2), with another mean in the second batch than in the first."""
    try:
        (r1, _), (r2, _) = _states(probe, [_rows(probe, 1.0, 1.0), _rows(probe, 5.0, 1.0)])
    except Exception:
        return None
    share = (r2 - 5.0) / (r1 - 5.0) if r1 != 5.0 else np.nan
    return float(share) if np.isfinite(share) else None


def _averages(probe: Probe) -> bool:
    """Whether the third of three batches counts a third."""
    batches = [_rows(probe, centre, 1.0) for centre in (1.0, 5.0, 0.0)]
    means = [mean for mean, _ in _states(probe, batches)]
    return abs(means[2] - 2.0) <= NEAR


def _divisor(probe: Probe) -> bool:
    """Whether the running variance of two rows moves towards s^2 n / (n - 1) = 2 s^2, not towards s^2."""
    try:
        batches = [_rows(probe, 0.0, 1.0), _rows(probe, 0.0, 4.0)]
        (_, v1), (_, v2) = _states(probe, batches)
        share = _kept_share(probe)
    except Exception:
        return False
    if share is None or share >= 1.0:
        return False
    target = (v2 - share * v1) / (1.0 - share)
    return abs(target - 32.0) < abs(target - 16.0)
