"""`compare`: two reports, claim by claim, with one budget of false alarms for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from verinit.comparison.judging import (
    Setting,
    by_chance,
    decided,
    exact,
    identical,
    setting_of,
    tested,
    unjudged,
)
from verinit.comparison.pairing import Key, alone, differing, grouped, key, moved, notes, obstacle, rulings
from verinit.comparison.states import Change, Comparison, State
from verinit.vocabulary import Finding, Rates, Report, UsageError, Verdict

Pair = tuple[Finding, Finding]


def compare(old: Report, new: Report, *, alpha: float | None = None) -> Comparison:
    """Say what became of every claim between two reports: regressed, improved, changed, or as it was.

    alpha  the chance that anything at all is called regressed, improved or changed where nothing changed
           (default: the false_fail of a run, 1e-6), with the noise of the older run and of the newer one
    Returns a Comparison, which is false if anything regressed, if `new` is incomplete, or if the reports have
    nothing in common. Direction is the distance to theory, not to the older value.
    Raises `UsageError` for what is no report, and for an alpha that is no rate.

    >>> import verinit
    >>> from verinit.reference.initializers import he_normal
    >>> report = verinit.verify(he_normal, scheme="he_normal", battery="smoke")
    >>> bool(compare(report, report)), compare(report, report).counts["regressed"]
    (True, 0)
    """
    for name, given in (("old", old), ("new", new)):
        if not isinstance(given, Report):
            raise UsageError(
                f"{name}={given!r:.60}: a Report is compared with a Report; "
                "verinit.vocabulary.document.decode reads report.json"
            )
    alpha = Rates().false_fail if alpha is None else alpha
    if not 0.0 < alpha < 0.5:
        raise UsageError(f"alpha={alpha!r}: a rate lies strictly between 0 and 0.5")
    pairs, apart = _sorted_out(old, new)
    refused = [(c.old, c.new) for c in apart if isinstance(c.old, Finding) and isinstance(c.new, Finding)]
    count = sum(any(map(_has_chance, pair)) for pair in (*pairs, *refused))
    judged = _judged(pairs, old, new, alpha, count)
    changes = sorted([*apart, *judged], key=lambda change: change.key)
    return Comparison(
        changes=tuple(changes),
        rulings=tuple(rulings(old, new)),
        alpha=alpha,
        tested=count,
        notes=notes(old, new),
        partial=not new.complete,
    )


def _sorted_out(old: Report, new: Report) -> tuple[list[Pair], list[Change]]:
    """Pairs that may be compared, and everything else."""
    before, now = grouped(old.findings), grouped(new.findings)
    pairs: list[Pair] = []
    apart: list[Change] = []
    gone = {place: found[0] for place, found in before.items() if place not in now}
    fresh = {place: found[0] for place, found in now.items() if place not in before}
    apart += moved(gone, fresh)
    apart += [alone(place, State.gone, old=found) for place, found in gone.items()]
    apart += [alone(place, State.new, new=found) for place, found in fresh.items()]
    for place, found in now.items():
        if place not in before:
            continue
        first, second = before[place], found
        reason = _ambiguous(first, second) or obstacle(first[0], second[0])
        if reason:
            change = alone(place, State.incomparable, old=first[0], new=second[0])
            apart.append(replace(change, reason=reason))
        else:
            pairs.append((first[0], second[0]))
    return pairs, apart


def _ambiguous(old: Sequence[Finding], new: Sequence[Finding]) -> str:
    for word, found in (("older", old), ("newer", new)):
        if len(found) > 1:
            return f"{len(found)} findings of the {word} report have this target, check and case"
    return ""


def _has_chance(found: Finding) -> bool:
    return found.evidence is not None and found.evidence.p is not None


def _judged(pairs: list[Pair], old: Report, new: Report, alpha: float, shared: int) -> list[Change]:
    """The state of every pair.

    shared: claims with chance that both reports hold and that share alpha, comparable or not: what is skipped
    because something else failed must not make the others' share larger.
    """
    same_root = old.root == new.root
    setting = setting_of(
        paired=same_root and not differing(old, new),
        dependent=same_root,
        alpha=alpha,
        pairs=shared,
    )
    noisy = _broken_laws(old.findings) & _broken_laws(new.findings)
    done: list[Change] = []
    waiting: list[tuple[Change, Pair]] = []
    for pair in pairs:
        if pair[0].verdict is Verdict.skipped:
            done.append(_skipped(*pair))
        elif identical(*pair):
            done.append(replace(unjudged(*pair, State.identical), reason="the same to the last bit"))
        elif by_chance(*pair):
            trusted = key(pair[1])[::2] not in noisy
            waiting.append((tested(*pair, setting, trusted=trusted), pair))
        else:
            done.append(exact(*pair, setting))
    return [*done, *_by_holm(waiting, setting, alpha / 2, shared)]


def _by_holm(
    waiting: Iterable[tuple[Change, Pair]], setting: Setting, level: float, pairs: int
) -> Iterable[Change]:
    """Holm's step-down over all pairs, those that are identical counted in."""
    ranked = sorted(waiting, key=lambda each: each[0].p if each[0].p is not None else 1.0)
    rejecting = True
    for rank, (change, pair) in enumerate(ranked):
        rejecting = rejecting and change.p is not None and change.p <= level / (pairs - rank)
        yield decided(change, *pair, setting, significant=rejecting)


def _broken_laws(findings: Iterable[Finding]) -> set[tuple[str, str]]:
    """Targets and cases at which a statistical check failed."""
    return {
        key(f)[::2]
        for f in findings
        if f.verdict is Verdict.failed and f.evidence is not None and f.evidence.p is not None
    }


def _skipped(old: Finding, new: Finding) -> Change:
    state = State.identical if old.reason == new.reason else State.unchanged
    place: Key = key(new)
    return replace(alone(place, state, old=old, new=new), reason=f"skipped in both runs: {new.reason}")
