"""One budget of false alarms, split before anything runs."""

from __future__ import annotations

from verinit.vocabulary import Rates, UsageError


def shares(total: float, trials: int) -> float:
    """The equal, static share of each of `trials` verdicts in a run's `total` false_fail.

    The union bound holds under any dependence between the verdicts, so trials may share draws.
    Raises `UsageError` for a total that is no rate.

    >>> shares(1e-6, 200)
    5e-09
    """
    Rates(false_fail=total)
    if trials < 0:
        raise UsageError(f"trials={trials!r}: a run has no negative number of trials")
    return total / max(trials, 1)
