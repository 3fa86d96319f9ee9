"""T19, T21: what batch norm makes of an affine output, and over what it takes its statistics."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import ndtr

from verinit.laws.batchnorm import batch, output_std, rounding
from verinit.laws.batchnorm_rounding import output_error
from verinit.reference.initializers import normal
from verinit.targets.normalizers import BatchNormalization
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import INPUTS, SCHEMES, WIDTH, Floats
from verinit.textbook.rules import combined, exact
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, entropy, judge

EPS = 10e-7
"""The chapter's epsilon, under the root."""
ONE = 0.01
"""A variance is called 1 if it is within 1 % of it."""
TINY = 1e-5
"""A std of the weights at which 100 N(0, 1) inputs leave an affine output the variance eps / 100."""
DOUBLE = rounding("float64")


def chapters(width: int = WIDTH) -> BatchNormalization:
    """The chapter's class as it starts: gamma 1, beta 0."""
    return BatchNormalization(np.ones(width), np.zeros(width))


def affine_outputs(root: int, word: str, std: float) -> Floats:
    """The chapter's x W: 1000 standard normal inputs, 100 x 100 weights of this std."""
    rng = np.random.default_rng(entropy(root, "textbook", word, std))
    x = normal((INPUTS, WIDTH), rng)
    return np.asarray(x @ normal((WIDTH, WIDTH), rng, std=std))


def t19(root: int, rates: Rates) -> Ruling:
    """T19, measured and ruled."""
    spreads = {name: std(WIDTH) for name, std in SCHEMES.items()} | {f"std {TINY:g}": TINY}
    batches = {name: affine_outputs(root, "T19", std) for name, std in spreads.items()}
    return variance_is_one_where_epsilon_is_small(
        {name: (z, chapters().forward(z, True)) for name, z in batches.items()}
    )


def variance_is_one_where_epsilon_is_small(seen: dict[str, tuple[Floats, Floats]]) -> Ruling:
    """The mean is 0; the variance is s^2 / (s^2 + eps), which is 1 where s^2 is much larger than eps only.

    seen  by scheme: affine outputs (rows, width), and what batch norm made of them
    """
    means = [_mean(name, z, y) for name, (z, y) in seen.items()]
    laws = [_law(name, z, y) for name, (z, y) in seen.items()]
    ones = [_near_one(name, y) for name, (_, y) in seen.items()]
    off = ", ".join(f"{1 - e.observed:.1e} ({n})" for n, e in zip(seen, ones, strict=True))
    return Ruling(
        id="T19",
        ruling=combined([judge(e, 0.0) for e in (*means, *ones)]),
        claim=CLAIMS["T19"],
        summary="The mean of every unit is 0 but for rounding. Its variance is s^2 / (s^2 + eps), s^2 "
        f"being that of the affine output: it falls short of 1 by {off}.",
        conditions=f"float64, eps {EPS:g} under the root, {INPUTS} inputs, width {WIDTH}, biased variance "
        "of the batch, in training; the worst unit of each layer. Within 1 % of 1 from s^2 = 99 eps on; "
        "1/2 at s^2 = eps; 0 for a unit that is constant over the batch, and for a batch of one. With "
        "PyTorch's eps of 1e-5 the same holds at ten times the variance. Width and depth enter through s^2 "
        "alone, which is width times std^2 times the mean square of what comes in",
        evidence=(*means, *ones, *laws),
        exhibits=(_variance_curve(),),
    )


def excess(y: Any, law: Any, bound: Any) -> tuple[float, float, float]:
    """Predicted, observed and allowed at the entry that is furthest off by its own bound."""
    law, bound = np.broadcast_to(law, np.shape(y)), np.broadcast_to(bound, np.shape(y))
    at = np.unravel_index(int((np.abs(y - law) / bound).argmax()), np.shape(y))
    return float(law[at]), float(y[at]), float(bound[at])


def bound(z: Floats) -> Any:
    """How far rounding may take the outputs of a fresh layer, entry by entry."""
    return output_error(batch(z), EPS, np.ones(z.shape[1]), np.zeros(z.shape[1]), DOUBLE)


def _mean(name: str, z: Floats, y: Floats) -> Evidence:
    found = excess(y.mean(axis=0, dtype=np.longdouble), 0.0, bound(z).mean(axis=0))
    return beside(f"{name}: mean of the worst unit", *found, z.shape[1])


def _law(name: str, z: Floats, y: Floats) -> Evidence:
    """The root of the variance beside its law; a standard deviation is a norm, so bounds add in it."""
    wide = y.astype(np.longdouble)
    root = np.sqrt(((wide - wide.mean(axis=0)) ** 2).mean(axis=0))
    room = np.sqrt((bound(z) ** 2).mean(axis=0))
    found = excess(root, output_std(batch(z), EPS), room)
    return beside(f"{name}: root of the variance of the worst unit, by law", *found, z.shape[1])


def beside(quantity: str, law: float, seen: float, bound: float, n: int) -> Evidence:
    """A number beside its law, as far as rounding lets it lie off."""
    return exact(
        quantity,
        expected=law,
        observed=seen,
        tolerance=bound,
        basis="rounding of the two-pass algorithm",
        n=n,
    )


def _near_one(name: str, y: Floats) -> Evidence:
    variance = y.var(axis=0)
    worst = float(variance[np.abs(variance - 1.0).argmax()])
    return exact(
        f"{name}: variance of the worst unit (1 within 1 %)",
        expected=1.0,
        observed=worst,
        tolerance=ONE,
        basis="stated margin",
        n=y.size,
    )


RATIOS: Floats = 10.0 ** np.arange(-4.0, 7.5, 0.5)
"""s^2 / eps in the figure."""


def _variance_curve() -> Exhibit:
    """Batches of a thousand rows whose variance is a given multiple of epsilon."""
    z = np.linspace(-1.0, 1.0, INPUTS)
    z = z / z.std()
    y = chapters(RATIOS.size).forward(z[:, None] * np.sqrt(RATIOS * EPS), True)
    return Exhibit(
        id="batchnorm-variance",
        kind="curve",
        title="Variance after batch norm",
        caption=f"Variance of the output over a batch of {INPUTS} rows beside s^2 / (s^2 + eps), eps "
        f"{EPS:g}: it is 1/2 where the variance of the input is eps.",
        x_axis=Axis(label="variance of the input over eps", log=True),
        y_axis=Axis(label="variance of the output"),
        x=tuple(map(float, RATIOS)),
        observed=tuple(map(float, y.var(axis=0))),
        expected=tuple(map(float, RATIOS / (RATIOS + 1.0))),
        n=INPUTS,
    )


def t21(root: int, rates: Rates) -> Ruling:
    """T21, measured and ruled."""
    return statistics_are_taken_across_inputs(
        affine_outputs(root, "T21", 1.0), lambda z: chapters(z.shape[1]).forward(z, True)
    )


def statistics_are_taken_across_inputs(z: Floats, normalise: Any) -> Ruling:
    """Every unit has mean 0 over the inputs; one unit's numbers leave the others alone, one input's do not.

    z          affine outputs (rows, width)
    normalise  of such a batch, in training
    """
    y = normalise(z)
    room = bound(z)
    law, mean, room = excess(y.mean(axis=0, dtype=np.longdouble), 0.0, room.mean(axis=0))
    other_unit, other_row, alone = z.copy(), z.copy(), normalise(z[: len(z) // 2])
    other_unit[:, 0] = 3.0 * other_unit[::-1, 0] + 5.0
    other_row[0] += 100.0
    moved = int(np.count_nonzero(normalise(other_unit)[:, 1:] != y[:, 1:]))
    still = int(np.count_nonzero(np.all(normalise(other_row)[1:] == y[1:], axis=1)))
    same = int(np.count_nonzero(np.all(alone == y[: len(alone)], axis=1)))
    rows = float(np.abs(y.mean(axis=1)).max())
    evidence = (
        beside("mean of the worst unit across the inputs", law, mean, room, z.shape[1]),
        exact("outputs of other units that one unit changes", expected=0, observed=moved, n=y[:, 1:].size),
        exact("other inputs that one input leaves as they were", expected=0, observed=still, n=len(y) - 1),
        exact("inputs that come out the same from half the batch", expected=0, observed=same, n=len(alone)),
    )
    return Ruling(
        id="T21",
        ruling=combined([judge(e, 0.0) for e in evidence]),
        claim=CLAIMS["T21"],
        summary=f"Each unit has mean 0 across the {len(z)} inputs ({mean:.0e}), whereas the units of one "
        f"input have means of up to {rows:.2f}. Changing one unit changes no other unit; changing one input "
        "changes all other inputs. Within one input it would be layer norm.",
        conditions=f"float64, {len(z)} inputs, width {z.shape[1]}, in training. In evaluation no statistics "
        "are taken: running ones are used, and an input comes out the same in any company. In a "
        "convolution the positions of an image count as inputs. Unit by unit: at every width and depth",
        evidence=evidence,
        exhibits=(*_means(y), _across(z, y)),
    )


def _means(y: Floats) -> tuple[Exhibit, Exhibit]:
    """Means of the units across the inputs, all 0, and means within inputs, which scatter."""
    edges = np.linspace(-0.5, 0.5, 32)
    centre = np.where((edges[:-1] < 0.0) & (edges[1:] > 0.0), 1.0, 0.0)
    normal_means = np.diff(ndtr(edges * math.sqrt(y.shape[1])))
    places = (("of a unit, across the inputs", 0, centre), ("of an input, across its units", 1, normal_means))
    first, second = (
        Exhibit(
            id=f"T21-means-{axis}",
            kind="histogram",
            title=f"Means {name}",
            caption="Means of what batch norm made, along either axis; dashed: all 0, and N(0, 1/width).",
            x_axis=Axis(label="mean"),
            y_axis=Axis(label="count"),
            x=tuple(map(float, edges)),
            observed=tuple(map(float, np.histogram(y.mean(axis=axis), edges)[0])),
            expected=tuple(map(float, y.shape[1 - axis] * shares)),
            n=y.shape[1 - axis],
            plate="Means along either axis of the batch",
            column=f"means {name}",
        )
        for name, axis, shares in places
    )
    return first, second


def _across(z: Floats, y: Floats) -> Exhibit:
    def spread(x: Floats, axis: int) -> tuple[str, str]:
        return f"{np.abs(x.mean(axis=axis)).max():.2g}", f"{x.var(axis=axis).min():.3g}"

    places = (("across the inputs, a unit", 0), ("within one input", 1))
    return Exhibit(
        id="batchnorm-axis",
        kind="table",
        title="Where the statistics are taken",
        caption="Largest mean and least variance, along either axis of the batch, before and after batch "
        "norm.",
        header=("along", "mean before", "variance before", "mean after", "variance after"),
        rows=tuple((name, *spread(z, axis), *spread(y, axis)) for name, axis in places),
        n=z.size,
    )
