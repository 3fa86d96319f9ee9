"""Two findings of one claim, one target and one case: what may be said of the difference.

Chance enters twice. Where a verdict turned, the two samples must differ (a two-sample test, Holm over all
pairs), unless one root and one environment gave other numbers: then it was not chance that moved them. Where
a claim failed before and fails still, the distance to theory must have moved by more than the margin, both
noises deducted. Each way spends half of the comparison's alpha. Two passes are never a regression: each lies
within the check's discrepancy of theory, but for a share `false_pass`.

A two-sample test trusts the noise that the law gives. Code that breaks its law in both runs may be noisier,
so where both runs have a statistical failure at one target and case, only the second way is open there; the
margin and twice the reach of the noise leave room for a kurtosis of about 15.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from verinit.comparison.noises import difference, log_level, measured, two_sample, within
from verinit.comparison.states import Change, State
from verinit.vocabulary import Finding, Verdict

BROKEN = (Verdict.failed, Verdict.errored)
_HOPELESS = 1e6
"""Where an interval is so much too wide, no number of draws is worth naming."""
_BEYOND = {1: State.regressed, -1: State.improved}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a pair is judged in.

    paired      whether both runs had one root and one environment: other numbers come from other code
    dependent   whether both runs had one root, so that their noises are not independent
    strictness  log(2 / level) of each interval of a distance
    """

    paired: bool
    dependent: bool
    strictness: float


def by_chance(old: Finding, new: Finding) -> bool:
    """Whether both findings are measurements with chance, and numbers that can be compared."""
    return all(
        f.evidence is not None and f.evidence.p is not None and math.isfinite(f.evidence.distance)
        for f in (old, new)
    )


def tested(old: Finding, new: Finding, setting: Setting, *, trusted: bool) -> Change:
    """A pair with its p-value, difference and interval, still without a state."""
    low, high = difference(old, new, setting.strictness)
    p, method = two_sample(old, new, dependent=setting.dependent) if trusted else (1.0, "intervals")
    change = unjudged(old, new, State.undecided)
    return replace(change, interval=(low, high), p=p, method=method)


def decided(change: Change, old: Finding, new: Finding, setting: Setting, *, significant: bool) -> Change:
    """The state of a tested pair."""
    assert change.interval is not None
    assert change.difference is not None
    (low, high), margin = change.interval, change.margin
    turn = _turn(old, new)
    if turn and turn * change.difference > 0 and (significant or setting.paired):
        return turned(change if significant else _without_chance(change), turn, old, new)
    if old.verdict is new.verdict is Verdict.passed:
        state = State.changed if significant else State.unchanged
        return replace(change, state=state, reason="both pass, each within the margin of theory")
    if low > margin or high < -margin:
        return replace(change, state=_BEYOND[1 if low > margin else -1], reason="beyond the margin")
    if turn:
        return _open(change, old, f"{_was(old)}, {_is(new)}, yet both noises could have done that")
    if (-margin <= low and high <= margin) or within(old, new, margin, dependent=setting.dependent):
        state = State.changed if significant else State.unchanged
        return replace(change, state=state, reason=f"{_is(new)} as before, within the margin")
    return _open(change, old, "the difference may be more than the margin, or less")


def _without_chance(change: Change) -> Change:
    """A change that no test had to find: at one root other numbers come from other code."""
    return replace(change, interval=None, p=None, method="")


def _open(change: Change, old: Finding, reason: str) -> Change:
    """Undecided, with the n of each run at which the interval would be narrow enough."""
    assert change.interval is not None
    assert change.difference is not None
    half = (change.interval[1] - change.interval[0]) / 2
    size = abs(change.difference)
    gap = max(abs(size - change.margin), size if "noises" in reason else 0.0)
    factor = half / gap if gap > 0.0 else math.inf
    n = measured(old).n * factor**2 if 0.0 < factor < _HOPELESS else 0.0
    return replace(change, state=State.undecided, reason=reason, needs=_round_up(n))


def _round_up(n: float) -> int:
    """Two significant digits, upwards; 0 for more than any run can draw."""
    if not 0.0 < n < 1e12:
        return 0
    unit = int(10.0 ** max(0, math.floor(math.log10(n)) - 1))
    return math.ceil(n / unit) * unit


def exact(old: Finding, new: Finding, setting: Setting) -> Change:
    """The state of a pair in which chance has no say, or no number: claims held to rounding, and crashes."""
    change = unjudged(old, new, State.unchanged)
    turn = _turn(old, new)
    if turn:
        return turned(change, turn, old, new)
    if new.verdict not in BROKEN:
        if old.verdict is new.verdict is Verdict.passed:
            return replace(change, reason="both pass, within what rounding excuses")
        return replace(change, state=State.undecided, reason=f"{_was(old)}, {_is(new)}")
    if old.evidence is None or new.evidence is None:
        same = old.verdict is new.verdict and _error(old) == _error(new)
        state = State.unchanged if same else State.changed
        return replace(change, state=state, reason=f"{_was(old)}, {_is(new)}")
    return _both_fail(change, old, new, setting)


def _error(found: Finding) -> str:
    """The type of the error that was raised: its message may hold numbers that were drawn."""
    return found.reason.partition(":")[0].partition(" (in ")[0]


def _both_fail(change: Change, old: Finding, new: Finding, setting: Setting) -> Change:
    before, now = (math.isfinite(measured(f).distance) for f in (old, new))
    if not (before and now):
        if before == now:
            return replace(change, state=State.unchanged, reason="fails as before, without a finite distance")
        state = State.regressed if before else State.improved
        return replace(
            change, state=state, reason=f"the distance is {'no longer' if before else 'now'} finite"
        )
    assert change.difference is not None
    rounding = measured(old).tolerance + measured(new).tolerance
    size = abs(change.difference)
    if size <= rounding:
        return replace(change, reason="fails as before, within what rounding excuses")
    if size <= change.margin + rounding:
        state = State.changed if setting.paired else State.unchanged
        return replace(change, state=state, reason="fails as before, within the margin")
    if setting.paired:
        state = _BEYOND[1 if change.difference > 0 else -1]
        return replace(change, state=state, reason="fails as before, beyond the margin")
    reason = "fails as before, at other inputs: compare runs of one root and one environment"
    return replace(change, state=State.undecided, reason=reason)


def turned(change: Change, turn: int, old: Finding, new: Finding) -> Change:
    """A verdict that turned: regressed or improved, or changed where the failure is declared."""
    if turn > 0 and new.excuse:
        reason = f"{_was(old)}, {_is(new)}, as declared: {new.excuse}"
        return replace(change, state=State.changed, reason=reason)
    return replace(change, state=_BEYOND[turn], reason=f"{_was(old)}, {_is(new)}")


def identical(old: Finding, new: Finding) -> bool:
    """Whether both runs found the same to the last bit; not a number equals itself here."""

    def seen(found: Finding) -> str:
        return repr((found.verdict, found.evidence, found.reason, found.sufficient))

    return seen(old) == seen(new)


def _turn(old: Finding, new: Finding) -> int:
    return int(new.verdict in BROKEN) - int(old.verdict in BROKEN)


def _was(found: Finding) -> str:
    return f"{found.verdict} before"


def _is(found: Finding) -> str:
    words = {Verdict.passed: "passes", Verdict.failed: "fails", Verdict.errored: "raises"}
    return f"{words.get(found.verdict, f'is {found.verdict}')} now"


def unjudged(old: Finding, new: Finding, state: State) -> Change:
    """A pair in a state that is still to be confirmed, with the difference of its distances."""
    gap = None
    if old.evidence is not None and new.evidence is not None:
        gap = new.evidence.distance - old.evidence.distance
        gap = gap if math.isfinite(gap) else None
    return Change(
        target=new.target,
        check=new.claim.id,
        case=str(new.case),
        state=state,
        old=old,
        new=new,
        difference=gap,
        margin=new.discrepancy,
    )


def setting_of(*, paired: bool, dependent: bool, alpha: float, pairs: int) -> Setting:
    """The setting of a comparison in which `pairs` pairs share half of alpha for their intervals."""
    level = alpha / 2 / max(1, pairs) / 2
    return Setting(paired=paired, dependent=dependent, strictness=log_level(level))
