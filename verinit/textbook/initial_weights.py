"""T25: how much a network with batch norm still depends on the weights that it starts from.

Without training: batch norm makes the output blind to the scale c of the weights before it, so that their
gradient is c times smaller, and a step of a given rate turns them by 1 / c^2 as much; but only while their
outputs vary by more than epsilon. With training: test accuracy after a fixed number of steps, for seven
scales of the weights over the chapter's four decades, for the smallest with a smaller epsilon, and for
weights that are all one number.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from verinit.reference.activations import ACTIVATIONS
from verinit.reference.initializers import normal
from verinit.reference.layers import Activate, Affine, BatchNorm
from verinit.reference.network import Network
from verinit.reference.optimizers import parameters
from verinit.statistics.equivalence import median_within
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import Floats
from verinit.textbook.rules import combined, exact, share
from verinit.textbook.training import ALIKE, FEW, HE, SEEDS, Courses, Lesson, courses
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, entropy, judge

MUCH, SURELY_MUCH = 0.1, 0.15
"""Test accuracy, between best and worst start, that is called much, and that a pass must surely stay below.
Set after a pilot of three seeds: a tenth of all digits is told right from one start and not from another."""
SCALES = (1.0, 0.3, 0.1, 0.03, 0.01, 0.001, 0.0001)
"""Standard deviations of the weights, over the four decades of the chapter's figure."""
DECADE = (0.3, 0.1, 0.03)
"""Those within a decade about He's 0.14."""
ENDS = (1.0, 0.3, 0.03, 0.0001)
"""Those that are looked at in the sweep: the ends of the decade, and of the four."""
FINE = 1e-12
"""An epsilon that not even weights of std 0.0001 come near."""
SWEEP: dict[str, dict[str, float]] = {
    "learning rate 0.03": {"rate": 0.03},
    "learning rate 0.3": {"rate": 0.3},
    "400 steps": {"steps": 400, "every": 400},
    "depth 2": {"depth": 2},
    "depth 10": {"depth": 10},
    "width 50": {"width": 50},
    "width 200": {"width": 200},
}


def lesson(init: float | str, *, batch_norm: bool, **other: float) -> Lesson:
    """The training of one start; it is looked at once, at the end, unless told otherwise."""
    return Lesson(**{"init": init, "batch_norm": batch_norm, "every": 100, **other})  # type: ignore[arg-type]


def t25(root: int, rates: Rates) -> Ruling:
    """T25, measured and ruled."""
    return batch_norm_forgives_a_decade(
        {std: courses(lesson(std, batch_norm=True), root) for std in SCALES},
        {std: courses(lesson(std, batch_norm=False), root) for std in SCALES},
        he=courses(lesson(HE, batch_norm=True), root),
        alike=courses(lesson(ALIKE, batch_norm=True), root),
        fine=courses(lesson(min(SCALES), batch_norm=True, eps=FINE), root),
        sweep={
            name: {std: courses(lesson(std, batch_norm=True, **other), root, FEW) for std in ENDS}
            for name, other in SWEEP.items()
        },
        scaled=scaled(root),
        rates=rates,
    )


def batch_norm_forgives_a_decade(
    normed: Mapping[float, Courses],
    plain: Mapping[float, Courses],
    *,
    he: Courses,
    alike: Courses,
    fine: Courses,
    sweep: Mapping[str, Mapping[float, Courses]],
    scaled: tuple[float, float],
    rates: Rates,
) -> Ruling:
    """With batch norm a decade in the weights' scale hardly matters; four decades do, and equal weights.

    normed, plain  trainings with and without batch norm, by standard deviation of the weights
    he, alike      trainings with batch norm, from He's weights and from weights that are one number
    fine           trainings with batch norm of epsilon `FINE` from the smallest weights
    sweep          the same at other settings, by name
    scaled         what `scaled` found
    """
    part = share(rates, 6)
    judged = [
        little(
            spread(normed, DECADE), part, f"with batch norm, std {_span(DECADE)}: best less worst accuracy"
        ),
        little(
            spread(normed, SCALES), part, f"with batch norm, std {_span(SCALES)}: best less worst accuracy"
        ),
        little(he.final - alike.final, part, "batch norm: accuracy from He's weights, less from equal ones"),
    ]
    small = min(SCALES)
    beside = [
        median_within(
            fine.final - normed[small].final,
            expected=0.0,
            margin=1.0,
            outer_margin=2.0,
            rates=part,
            quantity=f"with batch norm, std {small:g}: accuracy gained by an epsilon of {FINE:g}",
        ),
        little(
            spread(plain, DECADE), part, f"without batch norm, std {_span(DECADE)}: best less worst accuracy"
        ),
        little(
            spread(plain, SCALES), part, f"without batch norm, std {_span(SCALES)}: best less worst accuracy"
        ),
    ]
    return Ruling(
        id="T25",
        ruling=combined([judge(evidence, SURELY_MUCH) for evidence in judged]),
        claim=CLAIMS["T25"],
        summary=_summary(normed, plain, alike, fine),
        conditions=(
            f"test accuracy (597 images) after 100 steps of gradient descent, median of {SEEDS} seeds, "
            "paired; digits of scikit-learn, 1200 images, batch 100, learning rate 0.1, five hidden "
            f"layers of 100 ReLU units, float32, epsilon 1e-5. Much: more than {MUCH:g} of accuracy. "
            "While the variance of a hidden layer is far above epsilon, the output does not see the "
            "scale c of its weights and their gradient is c times smaller, so that a step turns them by "
            "1/c^2 as much; below epsilon the signal fades as without batch norm (T22), and the last "
            "layer has none. More steps forgive more, a smaller learning rate or more layers less (see "
            "the sweep); equal weights stay equal under any"
        ),
        evidence=(*judged, *beside, *_exactly(*scaled)),
        exhibits=(
            *_figure(normed, plain),
            _table({"as ruled on": {std: normed[std] for std in ENDS}, **sweep}),
        ),
    )


def little(difference: Floats, rates: Rates, quantity: str) -> Evidence:
    """The median difference in accuracy is at most `MUCH`; judge by `SURELY_MUCH`."""
    return median_within(
        difference,
        expected=0.0,
        margin=MUCH,
        outer_margin=SURELY_MUCH,
        rates=rates,
        quantity=f"{quantity} (little: at most {MUCH:g})",
    )


def spread(found: Mapping[float, Courses], scales: tuple[float, ...]) -> Floats:
    """Best test accuracy less the worst, over these scales of the weights: one number a seed."""
    accuracy = np.array([found[std].final for std in scales])
    return np.asarray(accuracy.max(axis=0) - accuracy.min(axis=0))


def scaled(root: int, *, factor: float = 8.0) -> tuple[float, float]:
    """What eight times the weights change: the outputs at most, and eight times their gradient at most.

    A perceptron of five layers with batch norm without epsilon, in float64. Eight is a power of two, so that
    no rounding is excused: both differences are exactly 0 where theory is right.
    """
    rng = np.random.default_rng(entropy(root, "textbook", "scaled weights"))
    weights = [normal((100, 100), rng, std=0.1) for _ in range(5)]
    x, cotangent = normal((50, 100), rng), normal((50, 100), rng)
    outputs, gradients = [], []
    for c in (1.0, factor):
        layers = [
            layer
            for W in weights
            for layer in (
                Affine(c * W, None),
                BatchNorm(np.ones(100), np.zeros(100), eps=0.0),
                Activate(ACTIVATIONS["relu"]),
            )
        ]
        network = Network(layers)
        outputs.append(network.forward(x))
        network.backward(cotangent)
        gradients.append(np.array([c * dW for _, name, dW in parameters(layers) if name == "W"]))
    return tuple(float(np.abs(a - b).max()) for a, b in (outputs, gradients))  # type: ignore[return-value]


def _exactly(output: float, gradient: float) -> tuple[Evidence, Evidence]:
    return (
        exact("weights times 8, batch norm, epsilon 0: change of an output", expected=0, observed=output),
        exact("... and of 8 times the gradient of a weight", expected=0, observed=gradient),
    )


def _span(scales: tuple[float, ...]) -> str:
    return f"{min(scales):g} to {max(scales):g}"


def _summary(
    normed: Mapping[float, Courses], plain: Mapping[float, Courses], alike: Courses, fine: Courses
) -> str:
    def reach(found: Mapping[float, Courses], scales: tuple[float, ...]) -> str:
        medians = [float(np.median(found[std].final)) for std in scales]
        return f"{min(medians):.2f} and {max(medians):.2f}"

    return (
        f"Within a decade about He's it does: for weights of std {_span(DECADE)} test accuracy after "
        f"100 steps lies between {reach(normed, DECADE)}, without batch norm between "
        f"{reach(plain, DECADE)}. Over four decades it does not, between {reach(normed, SCALES)}: "
        "weights of std 1 are hardly turned by a step, of which batch norm does not hide their size, "
        f"and those of std 0.0001 are lost in epsilon ({np.median(fine.final):.2f} with epsilon "
        f"{FINE:g}). And weights that are all alike stay alike: {np.median(alike.final):.2f}, no "
        "better than guessing."
    )


def _figure(normed: Mapping[float, Courses], plain: Mapping[float, Courses]) -> tuple[Exhibit, ...]:
    return tuple(
        Exhibit(
            id=f"T25-{name.replace(' ', '-')}",
            kind="curve",
            title=f"Test accuracy by scale of the weights, {name}",
            caption=f"Median of {SEEDS} seeds after 100 steps; 0.1 is guessing.",
            x_axis=Axis(label="std of the weights", log=True),
            y_axis=Axis(label="test accuracy"),
            x=tuple(sorted(found)),
            observed=tuple(float(np.median(found[std].final)) for std in sorted(found)),
            n=SEEDS,
            plate="Test accuracy by scale of the initial weights",
            column=name,
        )
        for name, found in (("with batch norm", normed), ("without batch norm", plain))
    )


def _table(settings: Mapping[str, Mapping[float, Courses]]) -> Exhibit:
    rows = []
    for name, found in settings.items():
        cells = [f"{np.median(found[std].final):.2f}" for std in ENDS]
        near = tuple(std for std in ENDS if std in DECADE)
        ranges = [f"{np.median(spread(found, scales)):.2f}" for scales in (near, ENDS)]
        rows.append((name, *cells, *ranges))
    return Exhibit(
        id="T25-sweep",
        kind="table",
        title="Test accuracy with batch norm, other settings",
        caption=f"Medians of {SEEDS} seeds as ruled on, of {FEW} elsewhere; one setting at a time changes. "
        "The last two columns: best less worst, median over seeds.",
        header=("setting", *(f"std {std:g}" for std in ENDS), "one decade", "four decades"),
        rows=tuple(rows),
        n=FEW,
    )
