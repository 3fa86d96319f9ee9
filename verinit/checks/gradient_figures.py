"""The figure of a gradient that is wrong: difference quotients of all steps, and what backward claims."""

from __future__ import annotations

import numpy as np

from verinit.checks.places import Place
from verinit.differentiation.ladders import FIRST, RATIO, RUNGS, SAFETY
from verinit.differentiation.probes import Probe
from verinit.vocabulary import Axis, Exhibit, Trial


def error_by_step(trial: Trial, place: Place, suspect: Probe, j: int) -> Exhibit:
    """|difference quotient - claimed derivative| along the direction that tells most, step by step.

    Of a right gradient it falls with the square of the step until rounding makes it rise again; of a wrong
    one it stays where the error is. The band is what a right gradient may be off, extrapolated to step 0.
    """
    steps = [FIRST * RATIO**-k for k in range(RUNGS)][::-1]
    differences = suspect.problem.residuals(j, suspect.s)
    observed = [abs(float(differences(t)[0].sum())) for t in steps]
    rounding = [2.0 * suspect.problem.noise / t for t in steps]
    shown = [i for i, value in enumerate(observed) if np.isfinite(value)]
    name = place.names[j]
    return Exhibit(
        id=f"{trial.check.code}-{trial.target.name}-{trial.case}",
        kind="curve",
        title=f"{trial.target.name} at {trial.case}: gradient of {name}",
        caption=(
            "Difference quotient less claimed derivative, along one random direction. A right gradient falls "
            "with the square of the step down to the rounding of the function (dashed); a wrong one stays. "
            f"Extrapolated to step 0 it is off by {abs(suspect.slope.value):.3g}, and "
            f"{suspect.tolerance:.3g} is allowed ({SAFETY:g} times its own error estimate)."
        ),
        x_axis=Axis(label=f"step, of the size of {name}", log=True),
        y_axis=Axis(label="|difference quotient - claimed derivative|", log=True),
        x=tuple(steps[i] for i in shown),
        observed=tuple(observed[i] for i in shown),
        expected=tuple(rounding[i] for i in shown),
        band=(tuple(0.0 for _ in shown), tuple(suspect.tolerance for _ in shown)),
        n=len(shown),
        notes=(("off by", f"{abs(suspect.slope.value):.3g}"), ("allowed", f"{suspect.tolerance:.3g}")),
    )
