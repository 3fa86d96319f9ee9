"""T22, T23: what epsilon, gamma and beta do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from verinit.laws.batchnorm import batch, input_gradient, output, output_std, standardised
from verinit.laws.batchnorm_rounding import input_gradient_error, output_error
from verinit.reference.layers import BatchNorm
from verinit.targets.normalizers import BatchNormalization
from verinit.textbook.batchnorm import (
    DOUBLE,
    EPS,
    RATIOS,
    affine_outputs,
    beside,
    bound,
    chapters,
    excess,
)
from verinit.textbook.claims import CLAIMS
from verinit.textbook.experiment import INPUTS, WIDTH, Floats
from verinit.textbook.rules import combined, exact
from verinit.vocabulary import Axis, Evidence, Exhibit, Rates, Ruling, entropy, judge


def t22(root: int, rates: Rates) -> Ruling:
    """T22, measured and ruled."""
    z = standardised(batch(affine_outputs(root, "T22", 1.0)), 0.0).astype(np.float64)
    seen = {ratio: _with_and_without(z * (ratio * EPS) ** 0.5, root) for ratio in (1e6, 1e3, 1.0, 1e-2)}
    with np.errstate(all="ignore"):
        dead = [_forward(np.zeros_like(z), eps) for eps in (EPS, 0.0)]
    return epsilon_weighs_in_small_variances(seen, dead[0], dead[1])


def _forward(z: Floats, eps: float) -> Floats:
    width = z.shape[1]
    return np.asarray(BatchNorm(np.ones(width), np.zeros(width), eps=eps).forward(z, True))


def _with_and_without(z: Floats, root: int) -> tuple[float, float, float]:
    """Output variance with epsilon, and the size of dx with epsilon and without, over one cotangent."""
    rng = np.random.default_rng(entropy(root, "textbook", "T22", "cotangent"))
    c = rng.choice((-1.0, 1.0), z.shape) * rng.uniform(0.5, 1.0, z.shape)
    sizes, width = [], z.shape[1]
    for eps in (EPS, 0.0):
        layer = BatchNorm(np.ones(width), np.zeros(width), eps=eps)
        y = layer.forward(z, True)
        sizes.append(float(np.sqrt((layer.backward(c) ** 2).mean())))
        if eps:
            variance = float(y.var(axis=0).mean())
    return variance, sizes[0], sizes[1]


SEEN = 0.005
"""What epsilon does besides is seen if it changes the variance, or the size of the gradient, by 0.5 %."""


def epsilon_weighs_in_small_variances(
    seen: dict[float, tuple[float, float, float]], dead: Floats, dead_without: Floats
) -> Ruling:
    """It prevents 0/0; nothing else is to be seen of it at s^2 = 1000 eps, and at s^2 = eps very much.

    seen                by s^2 / eps: variance of the output, size of dx, and its size without epsilon
    dead, dead_without  outputs of a batch of zeros, with epsilon and without
    """
    division = [
        exact(
            "outputs of a constant unit that are not finite", expected=0, observed=_lost(dead), n=dead.size
        ),
        exact(
            "the same without epsilon", expected=dead.size, observed=_lost(dead_without), n=dead_without.size
        ),
    ]
    only = [each for ratio, row in seen.items() for each in _besides(ratio, row)]
    half = seen[1.0]
    return Ruling(
        id="T22",
        ruling=combined([judge(e, 0.0) for e in (*division, *only)]),
        claim=CLAIMS["T22"],
        summary="It does prevent 0/0 for a unit that is constant over the batch. But not only: it lowers "
        f"the variance to s^2 / (s^2 + eps), which is {half[0]:.3f} at s^2 = eps, and it bounds the "
        f"gradient's gain, 1 / sqrt(s^2 + eps), by {EPS**-0.5:,.0f}: dx is {half[1] / half[2]:.3f} of what "
        f"it is without at s^2 = eps, and {seen[1e-2][1] / seen[1e-2][2]:.3f} of it at eps / 100. From s^2 "
        "= 1000 eps on nothing of it is seen.",
        conditions=f"float64, eps {EPS:g} under the root, {INPUTS} inputs, width {WIDTH}, gamma 1; 'seen' "
        "is 0.5 % of the variance, or of the RMS of dx under a cotangent of mixed signs. For the same "
        "reason batch norm does not forget the scale of its input entirely, and sum dx xhat is not 0. Depth "
        "enters through s^2 alone, which is width times std^2 times the mean square of what comes in",
        evidence=(*division, *only),
        exhibits=(_gain_curve(),),
    )


def _lost(y: Floats) -> int:
    return int(np.count_nonzero(~np.isfinite(y)))


def _besides(ratio: float, row: tuple[float, float, float]) -> tuple[Evidence, Evidence]:
    variance, size, without = row
    what = f"s^2 = {ratio:g} eps"
    return (
        exact(
            f"{what}: variance of the output (1 within 0.5 %; law {ratio / (1 + ratio):.6f})",
            expected=1.0,
            observed=variance,
            tolerance=SEEN,
            basis="stated margin",
        ),
        exact(
            f"{what}: RMS of dx over that without epsilon (1 within 0.5 %)",
            expected=1.0,
            observed=size / without,
            tolerance=SEEN,
            basis="stated margin",
        ),
    )


def _gain_curve() -> Exhibit:
    """The largest gain of a gradient that batch norm can have: 1 / sqrt(s^2 + eps)."""
    z = np.linspace(-1.0, 1.0, INPUTS)
    z = z / z.std()
    off = z**2 - 1.0
    c = off - off @ z / (z @ z) * z  # orthogonal to constants and to z: what both means leave alone
    x = z[:, None] * np.sqrt(RATIOS * EPS)
    layer = BatchNorm(np.ones(RATIOS.size), np.zeros(RATIOS.size), eps=EPS)
    layer.forward(x, True)
    dx = layer.backward(np.repeat(c[:, None], RATIOS.size, axis=1))
    gain = np.sqrt((dx**2).sum(axis=0) / (c @ c))
    return Exhibit(
        id="batchnorm-gain",
        kind="curve",
        title="Gain of the gradient through batch norm",
        caption="RMS of dx over that of a cotangent orthogonal to constants and to x, beside 1 / sqrt(s^2 "
        f"+ eps), eps {EPS:g}: epsilon bounds it by {EPS**-0.5:,.0f}.",
        x_axis=Axis(label="variance of the input over eps", log=True),
        y_axis=Axis(label="gain", log=True),
        x=tuple(map(float, RATIOS)),
        observed=tuple(map(float, gain)),
        expected=tuple(map(float, (RATIOS * EPS + EPS) ** -0.5)),
        n=INPUTS,
    )


STEPS, RATE = 40, 0.25
"""Steps of gradient descent for T23, and their size."""
AIM = (2.0, -1.5)
"""The gamma and beta that are to be learnt."""


def t23(root: int, rates: Rates) -> Ruling:
    """T23, measured and ruled."""
    z = affine_outputs(root, "T23", 1.0)
    rng = np.random.default_rng(entropy(root, "textbook", "T23", "factors"))
    factors = rng.uniform(0.5, 1.5, WIDTH) * rng.choice((-1.0, 1.0), WIDTH), rng.standard_normal(WIDTH)
    layer = BatchNormalization(*factors)
    path = _learnt(z)
    ruling = factor_and_shift_start_neutral_and_learn(
        z, chapters().forward(z, True), (factors, layer.forward(z, True)), path[-1]
    )
    return replace(ruling, exhibits=(*_descent(z, path), *ruling.exhibits))


def _laws(z: Floats) -> list[tuple[Floats, float]]:
    """Gamma by unit, and beta, at the start and after each step of descent."""
    v = (output_std(batch(z), EPS) ** 2).astype(np.float64)
    return [
        (
            AIM[0] + (1.0 - AIM[0]) * (1.0 - RATE * v) ** step,
            AIM[1] * (1.0 - (1.0 - RATE) ** step),
        )
        for step in range(STEPS + 1)
    ]


def _descent(z: Floats, path: list[tuple[Floats, Floats]]) -> tuple[Exhibit, Exhibit]:
    """Gamma and beta, mean over the units, step by step beside their laws."""
    laws = _laws(z)
    first, second = (
        Exhibit(
            id=f"T23-{name}",
            kind="curve",
            title=f"{name} by step",
            caption=f"Mean over {z.shape[1]} units under gradient descent towards gamma = {AIM[0]:g} and "
            f"beta = {AIM[1]:g}, beside theory (dashed).",
            x_axis=Axis(label="step"),
            y_axis=Axis(label="value"),
            x=tuple(map(float, range(len(path)))),
            observed=tuple(float(np.mean(each[k])) for each in path),
            expected=tuple(float(np.mean(each[k])) for each in laws),
            n=z.shape[1],
            plate="Gamma and beta are learnt",
            column=name,
        )
        for k, name in enumerate(("gamma", "beta"))
    )
    return first, second


def _learnt(z: Floats) -> list[tuple[Floats, Floats]]:
    """Gamma and beta, step by step, of gradient descent on the mean square distance from AIM, halved."""
    layer = chapters(z.shape[1])
    target = output(batch(z), EPS, np.full(z.shape[1], AIM[0]), np.full(z.shape[1], AIM[1])).astype(
        np.float64
    )
    path = [(layer.gamma, layer.beta)]
    for _ in range(STEPS):
        layer.backward((layer.forward(z, True) - target) / len(z))
        layer.gamma = layer.gamma - RATE * np.asarray(layer.dgamma)
        layer.beta = layer.beta - RATE * np.asarray(layer.dbeta)
        path.append((layer.gamma, layer.beta))
    return path


def factor_and_shift_start_neutral_and_learn(
    z: Floats, start: Floats, scaled: tuple[tuple[Floats, Floats], Floats], learnt: tuple[Floats, Floats]
) -> Ruling:
    """At first y = xhat; with any gamma and beta y = gamma xhat + beta; descent moves both as predicted.

    start   output of the fresh layer; `scaled` factors and the output with them
    learnt  gamma and beta after `STEPS` steps; with v = s^2 / (s^2 + eps) the law is
            gamma_k = g + (1 - g) (1 - rate v)^k, beta_k = h (1 - (1 - rate)^k) for the aims g and h
    """
    b = batch(z)
    v = output_std(b, EPS) ** 2
    laws = AIM[0] + (1.0 - AIM[0]) * (1.0 - RATE * v) ** STEPS, AIM[1] * (1.0 - (1.0 - RATE) ** STEPS)
    (gamma, beta), y = scaled
    width = z.shape[1]
    room = 4.0 * STEPS * len(z) * DOUBLE.sums * (abs(AIM[0]) + abs(AIM[1]))  # one mean of n rows a step
    rows: tuple[tuple[str, Any, Any, Any, int], ...] = (
        ("xhat at the start, worst entry", start, standardised(b, EPS), bound(z), start.size),
        ("gamma xhat + beta, worst entry", y, output(b, EPS, gamma, beta), _room(z, gamma, beta), y.size),
        (f"gamma after {STEPS} steps towards {AIM[0]:g}, worst unit", learnt[0], laws[0], room, width),
        (f"beta after {STEPS} steps towards {AIM[1]:g}, worst unit", learnt[1], laws[1], room, width),
    )
    evidence = tuple(beside(name, *excess(seen, law, allowed), n) for name, seen, law, allowed, n in rows)
    return Ruling(
        id="T23",
        ruling=combined([judge(e, 0.0) for e in evidence]),
        claim=CLAIMS["T23"],
        summary="With gamma 1 and beta 0 the output is xhat; with others it is gamma xhat + beta, unit by "
        f"unit. Both are learnt: {STEPS} steps of gradient descent take gamma from 1 to "
        f"{learnt[0].mean():.4f} and beta from 0 to {learnt[1].mean():.4f}, where theory puts them.",
        conditions=f"float64, {INPUTS} inputs, width {WIDTH}, eps {EPS:g}; loss half the mean square "
        f"distance from {AIM[0]:g} xhat - {-AIM[1]:g}, rate {RATE:g}. gamma 1 and beta 0 are how PyTorch "
        "and Keras start too; it is a choice, and gamma 0 in a residual branch is another. With gamma = "
        "sqrt(s^2 + eps) and beta = m the layer is the identity. Unit by unit: at every width and depth",
        evidence=evidence,
        exhibits=(_gradients(z),),
    )


def _room(z: Floats, gamma: Floats, beta: Floats) -> Any:
    return output_error(batch(z), EPS, gamma, beta, DOUBLE)


def _gradients(z: Floats) -> Exhibit:
    """Whether the chapter's backward is that of its forward: one row a gradient."""
    c = np.where(np.arange(z.size).reshape(z.shape) % 3, 0.75, -1.0)
    layer = chapters(z.shape[1])
    layer.forward(z, True)
    dx, b, ones = layer.backward(c), batch(z), np.ones(z.shape[1])
    law, seen, allowed = excess(
        dx, input_gradient(b, EPS, ones, c), input_gradient_error(b, EPS, ones, c, DOUBLE)
    )
    sums = np.abs(dx.sum(axis=0)).max()
    return Exhibit(
        id="batchnorm-backward",
        kind="table",
        title="The chapter's backward pass beside the Jacobian",
        caption="The entry of dx that is furthest off, by its own bound from rounding, and the sums that "
        "must vanish.",
        header=("what", "predicted", "measured", "allowed"),
        rows=(
            ("dx, worst entry", f"{law:.6g}", f"{seen:.6g}", f"{allowed:.1e}"),
            ("sum of dx, worst unit", "0", f"{sums:.1e}", f"{allowed * len(z):.1e}"),
        ),
        n=z.size,
    )
