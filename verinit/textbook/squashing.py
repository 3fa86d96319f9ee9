"""T03, T04, T08: what enters the sigmoid, and what an S-shaped function does to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import ndtr

from verinit.laws.signal import histogram_shares
from verinit.reference.activations import ACTIVATIONS
from verinit.reference.initializers import normal
from verinit.statistics.equivalence import distribution_within, proportion_within
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import EDGES, WIDTH, Floats, end_counts
from verinit.textbook.rules import combined, exact, share
from verinit.textbook.s_curves import away_from_the_centre, squeezed, what_enters
from verinit.vocabulary import Evidence, Rates, Ruling, entropy, judge

MATRICES = 10
"""Weight matrices W for T03: 100,000 entries, as many as the chapter's figure has activations."""
FOLLOWS = 0.03
"""Kolmogorov distance that "follows" must stay below with certainty: invisible in 30 bins, each 1/30 wide."""
PILED = 1.0 / 15.0
"""Share of both end bins beyond which activations pile up: with 30 even bins it is 1/15."""

SIGMOID, TANH = ACTIVATIONS["sigmoid"], ACTIVATIONS["tanh"]
PRINTED = (0.73105858, 0.95257413, 0.99330715, 0.99908895, 0.99987661)
"""sigmoid of 1, 3, 5, 7, 9 as the chapter prints it, to eight digits."""


def t03(root: int, rates: Rates) -> Ruling:
    """T03, measured and ruled."""
    rng = np.random.default_rng(entropy(root, "textbook", "T03"))
    w = normal((MATRICES, WIDTH, WIDTH), rng).ravel()
    return replace(weights_alone_would_not_pile_up(w, rates=rates), exhibits=what_enters(w, rng))


def weights_alone_would_not_pile_up(w: Floats, *, rates: Rates) -> Ruling:
    """W follows the normal density and sigmoid(W) does not pile up, but sigmoid(W) is not normal.

    w  (n,) entries of W, claimed iid N(0, 1)
    """
    part = share(rates, 3)
    y = SIGMOID.value(w)
    both = float(histogram_shares("sigmoid", 1.0, EDGES)[[0, -1]].sum())
    piled = proportion_within(
        sum(end_counts(y)),
        w.size,
        expected=both,
        margin=PILED / 2 - both,
        outer_margin=PILED - both,
        rates=part,
        quantity="share of sigmoid(W) in the two end bins of 30",
    )
    enters = _normality("W, if it entered", w, part)
    leaves = _normality("sigmoid(W), the activations", y, part)
    parts = [judge(piled, PILED - both), judge(enters, FOLLOWS), judge(leaves, FOLLOWS)]
    return Ruling(
        id="T03",
        ruling=combined(parts),
        claim=CLAIMS["T03"],
        summary=f"X W enters, with variance {WIDTH}; W alone would not pile up ({100 * piled.observed:.2f} % "
        "in the end bins). But it is W that follows the standard normal density: the activations sigmoid(W) "
        f"lie between 0 and 1, at a Kolmogorov distance of {leaves.observed:.3f} from it.",
        conditions=f"float64, W {WIDTH} x {WIDTH} with std 1. sigmoid(W) is logit-normal (mean 0.5, std "
        "0.208): a single hump, and no normal law, standard or other, since it is bounded. W has one law at "
        "every width and in every layer; the variance of X W is the width in layer 1, and so the width "
        "decides how much piles up",
        evidence=(piled, enters, leaves),
    )


def _normality(what: str, x: Floats, rates: Rates) -> Evidence:
    return distribution_within(
        ndtr(x),
        margin=0.0,
        outer_margin=FOLLOWS,
        rates=rates,
        quantity=f"Kolmogorov distance from N(0, 1) of {what}",
    )


GRID: Floats = np.linspace(0.0, 700.0, 70_001)
"""|z| from 0 to 700 by 0.01: beyond 745 exp(-|z|) underflows to 0 in float64."""


def t04(root: int, rates: Rates) -> Ruling:
    """T04, measured and ruled."""
    ruling = slopes_fall_away_from_the_centre(
        GRID, SIGMOID.value(-GRID), SIGMOID.derivative(GRID), SIGMOID.derivative(-GRID)
    )
    return replace(ruling, exhibits=away_from_the_centre())


def slopes_fall_away_from_the_centre(z: Floats, gap: Floats, right: Floats, left: Floats) -> Ruling:
    """1 - sigmoid(z) = sigmoid(-z) < exp(-z), and both slopes fall with |z| and stay below exp(-|z|).

    z            rising from 0
    gap          distance of sigmoid from its limit at z: sigmoid(-z)
    right, left  slopes at z and at -z
    """
    bound = np.exp(-z) * (1.0 + 4.0 * np.finfo(np.float64).eps)  # each side is right to about 2 ulp
    rows = [
        ("steps of |z| at which the distance to the limit does not fall", np.diff(gap) >= 0),
        ("steps of |z| at which the slope at z > 0 does not fall", np.diff(right) >= 0),
        ("steps of |z| at which the slope at z < 0 does not fall", np.diff(left) >= 0),
        ("points at which the distance to the limit exceeds exp(-|z|)", gap > bound),
        ("points at which a slope exceeds exp(-|z|)", np.maximum(left, right) > bound),
    ]
    evidence = tuple(
        exact(name, expected=0, observed=int(np.count_nonzero(bad)), n=bad.size) for name, bad in rows
    )
    return Ruling(
        id="T04",
        ruling=combined([judge(item, 0.0) for item in evidence]),
        claim=CLAIMS["T04"],
        summary="The distance to the nearer limit is below exp(-|z|), and so is the slope; both fall at "
        f"every step. At |z| = 5 they are {SIGMOID.value(np.array(-5.0)):.2g} and "
        f"{SIGMOID.derivative(np.array(5.0)):.2g}.",
        conditions=f"sigmoid, |z| from {z[0]:g} to {z[-1]:g} in {z.size - 1:,} steps, float64, where "
        "1 - sigmoid(z) is computed as sigmoid(-z); sigmoid(z) itself is rounded to exactly 1 from about "
        "z = 53 ln 2 = 36.7 on. A function of one number: no width and no depth enters",
        evidence=evidence,
    )


def t08(root: int, rates: Rates) -> Ruling:
    """T08, measured and ruled."""
    x = np.array([1.0, 3.0, 5.0, 7.0, 9.0])
    ruling = squeezing_is_strongest_at_the_ends(
        SIGMOID.value(x), {f.name: f.derivative(x) for f in (SIGMOID, TANH)}, TANH.value(x)
    )
    return replace(ruling, exhibits=squeezed(PRINTED))


def squeezing_is_strongest_at_the_ends(
    values: Floats, slopes: dict[str, Floats], tanh: Floats, *, printed: tuple[float, ...] = PRINTED
) -> Ruling:
    """The printed digits are right, and both slopes, the local squeezing, fall all the way out.

    values, tanh  sigmoid and tanh of 1, 3, 5, 7, 9; `slopes` of both at these points
    """
    half = 0.5 * 10.0**-8
    evidence = [
        exact(f"sigmoid({x})", expected=p, observed=float(v), tolerance=half, basis="printed digits")
        for x, p, v in zip((1, 3, 5, 7, 9), printed, values, strict=True)
    ]
    evidence += [
        exact(
            f"steps of [1 3 5 7 9] at which the slope of {name} does not fall",
            expected=0,
            observed=int(np.count_nonzero(np.diff(slope) >= 0)),
            n=slope.size - 1,
        )
        for name, slope in slopes.items()
    ]
    evidence.append(_same_kind(tanh))
    listed = " ".join(f"{v:.8f}" for v in tanh)
    return Ruling(
        id="T08",
        ruling=combined([judge(item, 0.0) for item in evidence]),
        claim=CLAIMS["T08"],
        summary=f"{_digits(evidence)} tanh sends [1 3 5 7 9] to [{listed}]: it is sigmoid at twice "
        f"the argument, stretched to (-1, 1). From 1 to 9 the slope falls from {slopes['sigmoid'][0]:.3f} to "
        f"{slopes['sigmoid'][-1]:.1e} (sigmoid) and from {slopes['tanh'][0]:.3f} to {slopes['tanh'][-1]:.1e} "
        "(tanh).",
        conditions="float64. At the centre tanh does not squeeze at all (slope 1), sigmoid does (slope 1/4). "
        "Functions of one number: no width and no depth enters",
        evidence=tuple(evidence),
    )


def _digits(evidence: list[Evidence]) -> str:
    right = sum(item.basis == "printed digits" and item.distance <= item.tolerance for item in evidence)
    return f"{right} of the {len(PRINTED)} printed values are right to their last digit."


def _same_kind(tanh: Floats) -> Evidence:
    """By definition tanh x = 2 sigmoid(2 x) - 1, here to 4 ulp of 1: each side is rounded twice."""
    other = 2.0 * SIGMOID.value(2.0 * np.array([1.0, 3.0, 5.0, 7.0, 9.0])) - 1.0
    worst = int(np.argmax(np.abs(other - tanh)))
    return exact(
        f"tanh({1 + 2 * worst}) beside 2 sigmoid(2 x) - 1",
        expected=float(other[worst]),
        observed=float(tanh[worst]),
        tolerance=4 * float(np.spacing(1.0)),
        basis="4 ulp of 1",
        n=tanh.size,
    )
