"""GR2xx: the gradient is the derivative, in float64, in the dtype it is used in, and at kinks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from verinit.checks.backward import CONTRACT
from verinit.checks.gradient_figures import error_by_step
from verinit.checks.gradient_mistakes import likely
from verinit.checks.narrow import compared
from verinit.checks.places import DIFFERENCED, NARROW, WIDE, Array, Place, place_of, takes_wide, unless_wide
from verinit.checks.registry import check
from verinit.differentiation import Problem, Reading, State, read
from verinit.differentiation.directions import probes_for
from verinit.differentiation.kinks import Kink, corners, judged
from verinit.differentiation.location import located
from verinit.differentiation.probes import MORE_PROBES
from verinit.differentiation.problems import floating, noise_values
from verinit.differentiation.sharpening import sharpened
from verinit.laws.rounding import unit_roundoff
from verinit.vocabulary import Case, CheckSkipped, Evidence, Exhibit, Measured, Target, Trial

SOURCE = "More & Wild 2011"
LINEAR = (*CONTRACT, "GR106")
JITTERS = 2
"""How often inputs are moved away from kinks before a gradient is left undecided."""


def _readings(
    trial: Trial, place: Place, inputs: Sequence[Array], word: str, *, times: int = 1
) -> list[Reading]:
    """What probing every differentiated input said; inputs at kinks are probed beside them too.

    times: how many times the probes that `false_pass` asks for are made, where rounding leaves little room.
    """
    problems = place.problems(inputs, word, times * probes_for(trial.rates.false_pass))
    found = [_reading(trial, place, problems, j, word) for j in _differentiated(problems)]
    for turn in range(JITTERS):
        kinked = [r.input for r in found if r.state is State.kinked]
        if not kinked:
            break
        word = f"{word}, moved {turn}"
        beside = place.problems(place.jittered(inputs, word), word, len(problems))
        again = {j: _reading(trial, place, beside, j, word) for j in kinked}
        found = [again.get(r.input, r) if r.state is State.kinked else r for r in found]
    return found


def _reading(trial: Trial, place: Place, problems: Sequence[Problem], j: int, word: str) -> Reading:
    asked = {"discrepancy": trial.discrepancy, "false_pass": trial.rates.false_pass}
    found = read(problems, j, rng=place.rng("directions", word, j), **asked)
    return sharpened(found, problems, **asked) if found.state is State.unresolved else found


def _differentiated(problems: Sequence[Problem]) -> list[int]:
    first = problems[0]
    return [j for j, g in enumerate(first.gradients) if g is not None and first.inputs[j].size]


def _measured(trial: Trial, place: Place, found: list[Reading]) -> Measured:
    """The most telling of the readings as evidence, and how many said what."""
    if not found:
        raise CheckSkipped("no input is differentiated here")
    worst = max(found, key=_telling)
    tally = [(state.value, float(sum(r.state is state for r in found))) for state in State]
    sufficient = (("tensors", float(len(found))), *tally, ("probes", float(sum(r.probes for r in found))))
    if worst.suspect is None:
        return Measured(evidence=_agreement(place, worst), sufficient=sufficient)
    where = located(worst.suspect, worst.input)
    cause = likely(place, worst.suspect.problem, worst.input)
    name = place.names[worst.input]
    block = f"[{', '.join(map(str, where.index))}]" if len(where.entries) == 1 else ""
    more = "" if block else f", along a direction over {len(where.entries)} entries,"
    evidence = Evidence(
        quantity=f"dL/d{name}{block}{more} over the largest entry of the gradient",
        expected=where.numerical / worst.largest,
        observed=where.analytic / worst.largest,
        distance=_finite(where.analytic - where.numerical) / worst.largest,
        tolerance=where.tolerance / worst.largest,
        resolution=worst.resolution,
        n=worst.probes,
        basis="Richardson differences, certified",
        detail=f"{name}{block}: backward says {where.analytic:.9g}, differences say {where.numerical:.9g} "
        f"+- {where.tolerance:.1g}",
    )
    return Measured(evidence=evidence, sufficient=sufficient, likely=cause)


def _figure(word: str, *, times: int = 1) -> Callable[[Trial], Exhibit]:
    """The figure of a failure: the probe that told it, with all its steps."""

    def drawn(trial: Trial) -> Exhibit:
        place = place_of(trial)
        inputs = place.widened() if word == "wide" else place.inputs
        found = _readings(trial, place, inputs, word, times=times)
        worst = max((r for r in found if r.suspect is not None), key=_telling)
        assert worst.suspect is not None
        return error_by_step(trial, place, worst.suspect, worst.input)

    return drawn


def _finite(x: float) -> float:
    return abs(x) if math.isfinite(x) else math.inf


_ORDER = (State.null, State.agrees, State.kinked, State.unresolved, State.differs)


def _telling(reading: Reading) -> tuple[bool, float, float]:
    """Failures first, by size; then what is least resolved."""
    differs = reading.state is State.differs
    return (differs, reading.worst if differs else 0.0, reading.resolution)


_WORDS = {
    State.agrees: "",
    State.null: "the gradient is 0 but for rounding, and so are the differences",
    State.kinked: "kinks lie so close that no step avoids them",
    State.unresolved: "rounding of the function hides what must be seen",
}


def _agreement(place: Place, reading: Reading) -> Evidence:
    name = place.names[reading.input]
    said = _WORDS[reading.state]
    return Evidence(
        quantity=f"error of dL/d{name}, over the largest entry of the gradient",
        expected=0.0,
        observed=reading.worst * reading.tolerance / (reading.largest or 1.0),
        distance=reading.worst * reading.tolerance / (reading.largest or 1.0),
        tolerance=reading.tolerance / (reading.largest or 1.0),
        resolution=reading.resolution,
        n=reading.probes,
        basis="Richardson differences",
        detail=f"{name}: {said}" if said else "",
    )


@check(
    "GR201",
    kind="function",
    equation="<g, s> = d/dt <v, f(x + t s)> at t = 0",
    source=SOURCE,
    discrepancy=1e-6,
    applies=unless_wide,
    after=LINEAR,
    exhibit=_figure("wide"),
)
def gradient_is_the_derivative(trial: Trial) -> Measured:
    """The gradient is the derivative of the function that is computed.

    Every input is stepped along random directions, in float64 whatever the dtype of the case, and the
    differences must agree within an error that is estimated beside them. Its discrepancy is the error of one
    entry relative to the largest of its gradient; how rarely that is missed follows from the number of
    probes. An input that sits on a kink is moved off it; GR204 judges the kink.
    """
    place = place_of(trial)
    return _measured(trial, place, _readings(trial, place, place.widened(), "wide"))


def _single(target: Target, case: Case) -> str:
    if case.dtype not in (None, "float32"):
        return f"differences are formed in float32 where the case is; this one is in {case.dtype}"
    if case.dtype is None and "float64" in (*target.dtypes, ""):
        return "the case is in the target's own dtype; GR201 looks at it in float64"
    return ""


@check(
    "GR203",
    kind="function",
    equation="<g, s> = d/dt <v, f(x + t s)> at t = 0, in float32",
    source=SOURCE,
    discrepancy=0.25,
    applies=_single,
    after=LINEAR,
    exhibit=_figure("native", times=MORE_PROBES),
)
def gradient_is_the_derivative_of_what_float32_computes(trial: Trial) -> Measured:
    """In float32 as well the gradient is the derivative of the function that is computed.

    Differences of single precision see little, but they see the code that runs: another branch for another
    dtype, a kernel of its own. Its discrepancy is the error of one entry relative to the largest.
    """
    place = place_of(trial)
    if place.dtype not in DIFFERENCED:
        raise CheckSkipped(f"differences in {place.dtype} are mostly exactly 0")
    return _measured(trial, place, _readings(trial, place, place.inputs, "native", times=MORE_PROBES))


def _kinks_wanted(target: Target, case: Case) -> str:
    reason = unless_wide(target, case)
    if reason or "special" not in target.parameters:
        return reason
    special = dict(case.parameters).get("special", False)
    return "" if special else "random inputs lie on no kink; cases with special=true do"


MOST = 128
"""Entries of one input that are looked at for kinks: zeros and ties first."""


@check(
    "GR204",
    kind="function",
    equation="min(f'-, f'+) <= g <= max(f'-, f'+)",
    source="Clarke 1983, ch. 2",
    applies=_kinks_wanted,
    after=LINEAR,
)
def gradient_at_a_kink_lies_between_both_slopes(trial: Trial) -> Measured:
    """At a kink the gradient is one of those between the slope on the left and the slope on the right.

    relu'(0) may be 0, 1/2 or 1, and a tie of a maximum may go to either; -1 or 2 is no convention.
    """
    place = place_of(trial)
    inputs = place.widened()
    found = list(_kinks(place, inputs))
    if not found:
        raise CheckSkipped("the function has no kink at these inputs")
    worst = max(found, key=lambda k: k.departure)
    name = place.names[worst.input]
    index = ", ".join(map(str, np.unravel_index(worst.entry, inputs[worst.input].shape)))
    nearest = min(max(worst.analytic, worst.low), worst.high)
    evidence = Evidence(
        quantity=f"dy[{worst.output}]/d{name}[{index}] at a kink, over the steeper slope",
        expected=nearest / worst.scale,
        observed=worst.analytic / worst.scale,
        distance=worst.departure,
        tolerance=0.0,
        interval=(worst.low / worst.scale, worst.high / worst.scale),
        n=len(found),
        basis="one-sided Richardson differences",
        detail=f"backward says {worst.analytic:.6g}; the slopes are {worst.low:.6g} and {worst.high:.6g}",
    )
    outside = worst.departure > 0.0
    return Measured(
        evidence=evidence,
        sufficient=(("kinks", float(len(found))),),
        likely="no one-sided slope: the branch at equality is wrong" if outside else "",
    )


def _kinks(place: Place, inputs: Sequence[Array]) -> Iterable[Kink]:
    forward, backward = place.function.forward, place.function.backward
    noise = noise_values(forward, inputs, rng=place.rng("noise at kinks"))
    for j, x in enumerate(inputs):
        if floating(x) and x.size:
            for corner in corners(forward, inputs, j, _candidates(place, x, j)):
                kink = judged(forward, backward, inputs, corner, noise=noise)
                if math.isfinite(kink.low) and not math.isnan(kink.analytic):
                    yield kink


def _candidates(place: Place, x: Array, j: int) -> list[int]:
    """Entries where a kink is likely: zeros and ties, then others by chance, `MOST` in all."""
    flat = x.ravel()
    _, inverse, counts = np.unique(flat, return_inverse=True, return_counts=True)
    likely_ones = np.flatnonzero((flat == 0) | (counts[inverse.ravel()] > 1))
    order = place.rng("kinks", j).permutation(flat.size)
    return list(dict.fromkeys([*map(int, likely_ones), *map(int, order)]))[:MOST]


def _coarse(target: Target, case: Case) -> float:
    """256 rounding units: a gradient with a condition of 10 and the safety of its budget; 1 in bfloat16."""
    return 2.0**8 * unit_roundoff(case.dtype or WIDE)


def _narrow(target: Target, case: Case) -> str:
    if not takes_wide(target, case):
        return f"{target.name} does not compute in float64"
    if case.dtype not in NARROW:
        return "the case is in float64 already"
    return ""


@check(
    "GR202",
    kind="function",
    equation="g in its dtype = g in float64 within its conditioning",
    source="Higham 2002, sec. 1.6",
    discrepancy=0.5,
    applies=_narrow,
    floor=_coarse,
    after=LINEAR,
)
def gradient_in_its_dtype_is_near_the_one_in_float64(trial: Trial) -> Measured:
    """Computed in its own dtype, the gradient is that of float64 but for what rounding does to it.

    The budget follows the conditioning: how far both gradients move when every input changes in the last bit
    of the narrow dtype, and the rounding of the output itself. Its discrepancy is the error of one entry
    relative to the largest.
    """
    return compared(place_of(trial))
