"""T27: whether batch norm suppresses overfitting, and whether dropout still helps beside it.

Overfitting is the gap between the accuracy on the images that were learnt from and that on the test images,
after the same steps of the same architecture on few images. It is suppressed where a fifth of the gap goes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from verinit.statistics.equivalence import median_within
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import Floats
from verinit.textbook.rules import combined, share
from verinit.textbook.training import FEW, Courses, Lesson, courses, panel
from verinit.vocabulary import Evidence, Exhibit, Rates, Ruling, judge

SUPPRESSED, SURELY = 0.8, 1.0
"""Share of the gap that may be left where it is suppressed, and below which a pass must surely stay: at 1
nothing is gained. Set after a pilot of nine seeds."""
DROPPED = 0.2
"""Share of the units that dropout drops."""
BASE = Lesson(images=100, batch=50, steps=200, every=10)
"""A hundred images, each seen a hundred times: all of them are told right long before the end."""
SEEDS = 60
"""Trainings of each arm: a hundred images make gaps that scatter widely from seed to seed."""
Arm = tuple[bool, bool]
ARMS: dict[Arm, str] = {
    (False, False): "neither",
    (True, False): "batch norm",
    (False, True): "dropout",
    (True, True): "batch norm and dropout",
}
"""(batch norm, dropout) and its name."""
SWEEP: dict[str, Callable[[bool], Lesson]] = {
    "50 images": lambda normed: replace(BASE, images=50),
    "200 images": lambda normed: replace(BASE, images=200),
    "batch 10, 400 steps": lambda normed: replace(BASE, batch=10, steps=400),
    "learning rate 0.3": lambda normed: replace(BASE, rate=0.3),
    "rate 1 with batch norm": lambda normed: replace(BASE, rate=1.0 if normed else 0.1),
    "depth 2": lambda normed: replace(BASE, depth=2),
    "width 50": lambda normed: replace(BASE, width=50),
}
"""The lesson, by name, with batch norm or without."""


def arm(base: Lesson, batch_norm: bool, dropout: bool) -> Lesson:
    """One arm of the experiment."""
    return replace(base, batch_norm=batch_norm, dropout=DROPPED if dropout else 0.0)


def t27(root: int, rates: Rates) -> Ruling:
    """T27, measured and ruled."""
    return batch_norm_is_no_dropout(
        {each: courses(arm(BASE, *each), root, SEEDS) for each in ARMS},
        {
            name: {each: courses(arm(base(each[0]), *each), root, FEW) for each in ARMS}
            for name, base in SWEEP.items()
        },
        rates=rates,
    )


def batch_norm_is_no_dropout(
    arms: Mapping[Arm, Courses], sweep: Mapping[str, Mapping[Arm, Courses]], *, rates: Rates
) -> Ruling:
    """Batch norm by itself does not close the gap of a network that has few images; dropout beside it does.

    arms   trainings by (batch norm, dropout), paired by seed
    sweep  the same at other settings, by name
    """
    part = share(rates, 3 + len(ARMS))
    alone = left(arms[True, False], arms[False, False], part, "batch norm alone: share of the gap left")
    beside = [
        left(arms[True, True], arms[True, False], part, "dropout beside batch norm: share of the gap left"),
        left(arms[True, True], arms[False, True], part, "batch norm beside dropout: share of the gap left"),
    ]
    return Ruling(
        id="T27",
        ruling=combined([judge(alone, SURELY)]),
        claim=CLAIMS["T27"],
        summary=_summary(arms, alone, beside[0]),
        conditions=(
            f"gap: accuracy on the {BASE.images} images learnt from less that on 597 test images after "
            f"{BASE.steps} steps; median of {SEEDS} seeds, paired; digits of scikit-learn, batch "
            f"{BASE.batch}, learning rate 0.1, five hidden layers of 100 ReLU units from He's weights, "
            f"float32, dropout {DROPPED:g}. Suppressed: at most {SUPPRESSED:g} of the gap left. All arms "
            "end with every image told right, so the gap is what the test images lack. What batch norm "
            "adds depends on batch and learning rate (see the sweep): with 10 images a batch its noise makes "
            "up for what it costs, and so does a rate of 1, at which the plain network does not learn at "
            "all; in no setting looked at is a fifth of the gap gone"
        ),
        evidence=(alone, *beside, *_gaps(arms, part)),
        exhibits=(*_figure(arms), _table({"as ruled on": arms, **sweep})),
    )


def left(treated: Courses, untreated: Courses, rates: Rates, quantity: str) -> Evidence:
    """The median seed keeps at most `SUPPRESSED` of its gap; judge by `SURELY`."""
    return median_within(
        ratio(treated, untreated),
        expected=0.0,
        margin=SUPPRESSED,
        outer_margin=SURELY,
        rates=rates,
        quantity=f"{quantity} (suppressed: at most {SUPPRESSED:g})",
    )


def ratio(treated: Courses, untreated: Courses) -> Floats:
    """The gap of each seed over that of the same seed without the treatment; nan where there was none."""
    with np.errstate(all="ignore"):
        return np.where(untreated.gap > 0.0, np.maximum(treated.gap, 0.0) / untreated.gap, np.nan)


def _gaps(arms: Mapping[Arm, Courses], rates: Rates) -> list[Evidence]:
    """The gap of each arm itself; the tolerance is the range of an accuracy, for nothing is claimed."""
    return [
        median_within(
            found.gap,
            expected=0.0,
            margin=1.0,
            outer_margin=2.0,
            rates=rates,
            quantity=f"gap with {ARMS[each]}",
        )
        for each, found in arms.items()
    ]


def _summary(arms: Mapping[Arm, Courses], alone: Evidence, beside: Evidence) -> str:
    gaps = {each: float(np.median(found.gap)) for each, found in arms.items()}
    change = f"{abs(alone.observed - 1.0):.0%} {'larger' if alone.observed > 1.0 else 'smaller'}"
    return (
        "On few images it does not: after 200 steps at the same learning rate, the gap between 100 images "
        f"learnt from and the test images is {gaps[True, False]:.3f} with batch norm and "
        f"{gaps[False, False]:.3f} without, in a typical pair {change}. Dropout, which may be used beside "
        f"it, does: it leaves {beside.observed:.2f} of batch norm's gap, {gaps[True, True]:.3f}."
    )


def _figure(arms: Mapping[Arm, Courses]) -> tuple[Exhibit, ...]:
    return tuple(
        panel(
            found,
            name=f"T27-{'-'.join(ARMS[each].split())}",
            title=f"Test accuracy by step, {ARMS[each]}",
            caption=f"Median of {SEEDS} seeds; {BASE.images} images to learn from.",
            plate="Test accuracy while few images are learnt",
            row="with dropout" if each[1] else "without dropout",
            column="with batch norm" if each[0] else "without batch norm",
        )
        for each, found in arms.items()
    )


def _table(settings: Mapping[str, Mapping[Arm, Courses]]) -> Exhibit:
    rows = []
    for name, arms in settings.items():
        gaps = [f"{np.median(arms[each].gap):.3f}" for each in ARMS]
        with np.errstate(all="ignore"):
            alone = np.nanmedian(ratio(arms[True, False], arms[False, False]))
            beside = np.nanmedian(ratio(arms[True, True], arms[True, False]))
        rows.append((name, *gaps, f"{alone:.2f}", f"{beside:.2f}"))
    return Exhibit(
        id="T27-sweep",
        kind="table",
        title="The gap between images learnt from and test images",
        caption=f"Medians of {SEEDS} seeds as ruled on, of {FEW} elsewhere; one setting at a time changes. "
        "The last two columns: share of the gap that batch norm leaves, and dropout beside it.",
        header=("setting", *ARMS.values(), "batch norm leaves", "dropout leaves"),
        rows=tuple(rows),
        n=FEW,
    )
