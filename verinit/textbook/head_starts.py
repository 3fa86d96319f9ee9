"""T28: whether training for ever is forbidden, and whether a well-chosen start gets as good in fewer steps.

Steps until a test accuracy of 0.9, for the chapter's schemes and activations; and what a network that is
trained on long after every image is told right loses of its best test accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from verinit.statistics.equivalence import median_within
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import SCHEMES, Floats
from verinit.textbook.overfitting import BASE
from verinit.textbook.overfitting import SEEDS as OVERFIT
from verinit.textbook.rules import combined, share
from verinit.textbook.training import FEW, HE, SEEDS, Courses, Lesson, courses, panel
from verinit.textbook.vanishing import left_in_theory
from verinit.vocabulary import Evidence, Exhibit, Rates, Ruling, Verdict, judge

AS_GOOD = 0.9
"""Test accuracy that counts as good, set after a pilot of three seeds."""
FEWER, SURELY_FEWER = 2.0 / 3.0, 1.0
"""Steps over those of the other start that are called fewer, and that a pass must surely stay below."""
FORBIDS, HARDLY = 0.02, 0.01
"""Test accuracy that training on must cost if it is to be forbidden, and that a pass must surely exceed."""
SMALL, XAVIER = "std 0.01", "Xavier, 1/sqrt(n)"
FOURFOLD = 0.4
"""4 / sqrt(100), which makes up for sigmoid's slope of a quarter."""
Start = tuple[str, float | str]
STARTS: tuple[Start, ...] = tuple(
    (f, init) for f in ("sigmoid", "tanh", "relu") for init in (SMALL, XAVIER, HE)
)
PAIRS: tuple[tuple[Start, Start], ...] = (
    (("relu", HE), ("relu", SMALL)),
    (("relu", HE), ("relu", XAVIER)),
    (("tanh", XAVIER), ("tanh", SMALL)),
    (("sigmoid", XAVIER), ("sigmoid", FOURFOLD)),
)
"""What the chapter recommends, and what it is held against."""
SLOW = {"rate": 0.5, "steps": 150}
"""How the pair of sigmoid is trained, so that at least one of the two gets there."""
SWEEP: dict[str, dict[str, float]] = {
    "depth 2": {"depth": 2},
    "depth 10": {"depth": 10},
    "width 50": {"width": 50},
    "width 200": {"width": 200},
    "learning rate 0.3": {"rate": 0.3},
}


def lesson(start: Start, **other: float) -> Lesson:
    """A training of so many steps from one start."""
    return Lesson(**{"activation": start[0], "init": start[1], **other})  # type: ignore[arg-type]


def t28(root: int, rates: Rates) -> Ruling:
    """T28, measured and ruled."""
    return a_good_start_saves_steps(
        {start: courses(lesson(start), root) for start in STARTS},
        slow={start: courses(lesson(start, **SLOW), root) for start in PAIRS[-1]},
        long=courses(BASE, root, OVERFIT),
        sweep={
            name: {start: courses(lesson(start, **other), root, FEW) for start in STARTS}
            for name, other in SWEEP.items()
        },
        rates=rates,
    )


def a_good_start_saves_steps(
    found: Mapping[Start, Courses],
    *,
    slow: Mapping[Start, Courses],
    long: Courses,
    sweep: Mapping[str, Mapping[Start, Courses]],
    rates: Rates,
) -> Ruling:
    """A good start saves steps wherever it keeps the gradient; overfitting takes next to nothing away.

    found  trainings by (activation, start), paired by seed
    slow   trainings of the pair of sigmoid
    long   trainings that go on long after all images that are learnt from are told right
    sweep  as `found`, at other settings, by name
    """
    part = share(rates, len(PAIRS) + 3)
    saved = [fewer(slow if good in slow else found, good, other, part) for good, other in PAIRS]
    costs = forbidding(long, part)
    return Ruling(
        id="T28",
        ruling=combined([*(_verdict(item) for item in saved), judge(costs, HARDLY)]),
        claim=CLAIMS["T28"],
        summary=_summary(found, slow, long),
        conditions=(
            f"steps of gradient descent until {AS_GOOD:g} of 597 test images are told right, looked at "
            f"every 5 of 100 steps; median of {SEEDS} seeds, paired; digits of scikit-learn, 1200 images, "
            "batch 100, learning rate 0.1, five hidden layers of 100 units, float32; the pair of sigmoid "
            "at rate 0.5 for 150 steps. Fewer: at most 2/3 of the steps, surely fewer than all. Who is "
            "not there at the end counts as one look later, a bound; where neither is there the ratio is "
            f"not known and not ruled on. Forbidden: training on costs at least {FORBIDS:g} of the best "
            f"test accuracy; {BASE.steps} steps on {BASE.images} images, a hundred times each (the test "
            "loss does rise: see the numbers). A start helps where it keeps the gradient: Xavier leaves "
            "sigmoid at most a quarter of it a layer (T15)"
        ),
        evidence=(*saved, costs, *_beside(long, part)),
        exhibits=(*_figure(found), _table({"as ruled on": found, "rate 0.5, 150 steps": slow, **sweep})),
    )


def until(found: Courses) -> Floats:
    """Steps until `AS_GOOD`; one look more than there were where it was not reached."""
    return np.asarray(np.minimum(found.reaches(AS_GOOD), found.steps[-1] + found.steps[0]))


def _verdict(evidence: Evidence) -> Verdict:
    """Undecided where most seeds know no ratio, as neither start got there."""
    return judge(evidence, SURELY_FEWER) if np.isfinite(evidence.observed) else Verdict.inconclusive


def fewer(found: Mapping[Start, Courses], good: Start, other: Start, rates: Rates) -> Evidence:
    """The median seed needs at most 2/3 of the steps; judge by `SURELY_FEWER`.

    Where only one of the two got there the ratio is a bound, on its own side of 1. Where neither did it is
    not known: nan, which stands for any.
    """
    ours, theirs = until(found[good]), until(found[other])
    neither = np.isinf(found[good].reaches(AS_GOOD)) & np.isinf(found[other].reaches(AS_GOOD))
    return median_within(
        np.where(neither, np.nan, ours / theirs),
        expected=0.0,
        margin=FEWER,
        outer_margin=SURELY_FEWER,
        rates=rates,
        quantity=f"{good[0]}, {good[1]}: steps over those from {other[1]} (fewer: at most 2/3)",
    )


def lost(long: Courses) -> Floats:
    """Best test accuracy of each seed less the last."""
    return np.asarray(long.test.max(axis=1) - long.final)


def forbidding(long: Courses, rates: Rates) -> Evidence:
    """How far the median seed's loss of test accuracy is short of `FORBIDS`; judge by `HARDLY`."""
    return median_within(
        np.maximum(0.0, FORBIDS - lost(long)),
        expected=0.0,
        margin=0.0,
        outer_margin=HARDLY,
        rates=rates,
        quantity=f"training on: what the accuracy lost since its best is short of {FORBIDS:g}",
    )


def _beside(long: Courses, rates: Rates) -> list[Evidence]:
    rows = (
        ("training on: test accuracy lost since its best", lost(long)),
        (
            "training on: last test loss over its lowest, less 1",
            long.loss[:, -1] / long.loss.min(axis=1) - 1.0,
        ),
    )
    return [
        median_within(values, expected=0.0, margin=1.0, outer_margin=2.0, rates=rates, quantity=quantity)
        for quantity, values in rows
    ]


def _median(found: Courses) -> str:
    steps = float(np.median(until(found)))
    return f"{steps:.0f}" if steps <= found.steps[-1] else f"more than {found.steps[-1]:.0f}"


def _summary(found: Mapping[Start, Courses], slow: Mapping[Start, Courses], long: Courses) -> str:
    recommended, other = (slow[start] for start in PAIRS[-1])
    return (
        f"A good start does save steps where it keeps the gradient: ReLU gets to {AS_GOOD:g} in "
        f"{_median(found['relu', HE])} steps with He, {_median(found['relu', XAVIER])} with Xavier and "
        f"{_median(found['relu', SMALL])} with std 0.01, tanh with Xavier in "
        f"{_median(found['tanh', XAVIER])}. Sigmoid with Xavier, as recommended, needs "
        f"{_median(recommended)} where std 0.4 needs {_median(other)}. And training on is not forbidden: a "
        f"hundred passes over a hundred images cost {np.median(lost(long)):.3f} of the best test accuracy."
    )


def _figure(found: Mapping[Start, Courses]) -> tuple[Exhibit, ...]:
    return tuple(
        panel(
            found[f, init],
            name=f"T28-{f}-{list(SCHEMES).index(str(init)) + 1}",
            title=f"Test accuracy by step: {f}, {init}",
            caption=f"Median of {SEEDS} seeds; {AS_GOOD:g} counts as good, 0.1 is guessing.",
            plate="Test accuracy while training, by start",
            row=f,
            column=str(init),
        )
        for f, init in STARTS
    )


def _table(settings: Mapping[str, Mapping[Start, Courses]]) -> Exhibit:
    rows = []
    for name, starts in settings.items():
        width = int(SWEEP.get(name, {}).get("width", 100))
        depth = int(SWEEP.get(name, {}).get("depth", 5))
        for (f, init), course in starts.items():
            std = init if isinstance(init, float) else SCHEMES[init](width)
            gradient = left_in_theory(f, std, width=width, depth=depth)
            rows.append(
                (
                    name,
                    f,
                    init if isinstance(init, str) else f"std {init:g}",
                    _median(course),
                    f"{np.median(course.final):.2f}",
                    f"{gradient:.1e}",
                )
            )
    return Exhibit(
        id="T28-sweep",
        kind="table",
        title=f"Steps until {AS_GOOD:g}, by start",
        caption=f"Medians of {SEEDS} seeds as ruled on, of {FEW} elsewhere; one setting at a time changes. "
        "Gradient: RMS that the hidden layers leave of it before training, by mean-field theory.",
        header=("setting", "f", "start", "steps", "accuracy at the end", "gradient left"),
        rows=tuple(rows),
        n=FEW,
    )
