"""What is shown of a failed law: the histogram beside the prediction, and the likely mistake."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from verinit.checks.sampling import law_at, pool_of, scheme_of
from verinit.laws import marginals, mistakes
from verinit.vocabulary import Axis, Evidence, Exhibit, Trial


def histogram(trial: Trial) -> Exhibit:
    """The draws of a failed trial beside the counts that the law predicts."""
    x = pool_of(trial).values(min(65536, 8 * trial.case.size + 4096))
    x = x[np.isfinite(x)]
    law = law_at(trial.target, trial.case)
    reach = max(4.0 * law.std, min(float(np.max(np.abs(x - law.mean), initial=0.0)), 12.0 * law.std))
    with np.errstate(over="ignore", invalid="ignore"):  # of weights near the largest number
        spread = float(x.std()) if x.size else math.nan
    edges = np.linspace(law.mean - reach, law.mean + reach, 49)
    observed, _ = np.histogram(np.clip(x, edges[0], edges[-1]), edges)
    return Exhibit(
        id=f"{trial.check.code}-{trial.target.name}-{trial.case}",
        kind="histogram",
        title=f"{trial.target.name} at {trial.case}",
        caption=f"{x.size} weights beside {trial.target.scheme}; the end bins hold all that lies beyond.",
        x_axis=Axis(label="weight"),
        y_axis=Axis(label="weights in the bin"),
        x=tuple(edges.tolist()),
        observed=tuple(observed.astype(float).tolist()),
        expected=tuple(marginals.counts(law, edges, x.size).tolist()),
        n=x.size,
        notes=(
            ("std", f"{spread:.4g}"),
            ("promised std", f"{law.std:.4g}"),
        ),
    )


def _fraction(value: float) -> str:
    """A predicted ratio as people write it: 1/6, 2, or three digits."""
    near = Fraction(value).limit_denominator(16)
    return str(near) if math.isclose(value, near, rel_tol=16 * np.finfo(float).eps) else f"{value:.3g}"


def scale_mistake(seen: Sequence[tuple[Trial, Evidence]]) -> str:
    """The well-known mistakes whose ratio fits all cases of a target; empty if none does."""
    scheme = scheme_of(seen[0][0].target)
    if scheme.family == "orthogonal":
        return ""
    rows = [(t.case, e.interval[0], e.interval[1]) for t, e in seen if e.interval is not None]
    fits = mistakes.fitting(scheme, rows)
    if not fits:
        return ""
    predicted = sorted({_fraction(mistakes.ratio_of(fits[0], scheme, case) or 0.0) for case, _, _ in rows})
    head = f"ratio {predicted[0]}" if len(predicted) == 1 else f"ratios {', '.join(predicted[:4])} by shape"
    return f"{head}: {'; or '.join(mistake.name for mistake in fits)}"
