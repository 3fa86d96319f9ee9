"""Which finding of one report is which of another, and where two may not be compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from verinit.comparison.states import Change, State
from verinit.vocabulary import Finding, Report, Ruling, Verdict

Key = tuple[str, str, str]
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def key(found: Finding) -> Key:
    """Target, check and case: what does not depend on root, rates or discrepancy."""
    return (found.target, found.claim.id, str(found.case))


def grouped(findings: Iterable[Finding]) -> dict[Key, list[Finding]]:
    """Findings by key; one for each, unless a report was put together by hand."""
    groups: dict[Key, list[Finding]] = {}
    for found in findings:
        groups.setdefault(key(found), []).append(found)
    return groups


def alone(place: Key, state: State, *, old: Finding | None = None, new: Finding | None = None) -> Change:
    """A finding that only one report holds, or that may not be compared."""
    target, check, case = place
    return Change(target=target, check=check, case=case, state=state, old=old, new=new)


def moved(gone: dict[Key, Finding], new: dict[Key, Finding]) -> list[Change]:
    """Findings that differ from an older one in nothing but dtype are taken out of both and named."""
    places: dict[Key, list[Key]] = {}
    for place, found in new.items():
        places.setdefault(_untyped(found), []).append(place)
    changes = []
    for place, found in list(gone.items()):
        twins = places.get(_untyped(found), [])
        if len(twins) == 1 and twins[0] in new:
            other = new.pop(twins[0])
            del gone[place]
            said = f"dtype {found.case.dtype or 'of its own'} before, {other.case.dtype or 'its own'} now"
            changes.append(replace(alone(twins[0], State.incomparable, old=found, new=other), reason=said))
    return changes


def _untyped(found: Finding) -> Key:
    return (found.target, found.claim.id, str(replace(found.case, dtype=None)))


def obstacle(old: Finding, new: Finding) -> str:
    """Why two findings of one key may not be compared; empty if they may."""
    if old.claim.equation != new.claim.equation:
        return f"the claim was {old.claim.equation!r} before, is {new.claim.equation!r} now"
    if old.discrepancy != new.discrepancy:
        return f"discrepancy {old.discrepancy:.4g} before, {new.discrepancy:.4g} now"
    if (old.verdict is Verdict.skipped) != (new.verdict is Verdict.skipped):
        skipped, when = (old, "before") if old.verdict is Verdict.skipped else (new, "now")
        return f"skipped {when}: {skipped.reason}"
    before, now = old.evidence, new.evidence
    if before is None or now is None:
        return ""
    if (before.p is None) != (now.p is None):
        return f"judged {'with' if now.p is not None else 'without'} chance now, otherwise before"
    if now.p is not None and _words(before.quantity) != _words(now.quantity):
        return f"{before.quantity!r} was measured before, {now.quantity!r} now"
    return ""


def _words(quantity: str) -> str:
    return _NUMBER.sub("#", quantity)


def rulings(old: Report, new: Report) -> list[Change]:
    """Rulings by claim: by their words, since a ruling has judged its own noise already."""
    before, now = ({r.id: r for r in report.rulings} for report in (old, new))
    return [_ruling(code, before.get(code), now.get(code)) for code in sorted(before | now)]


def _ruling(code: str, old: Ruling | None, new: Ruling | None) -> Change:
    if old is None or new is None:
        state, reason = (State.gone if new is None else State.new), ""
    elif old.ruling is not new.ruling:
        state, reason = State.changed, f"{old.ruling} before, {new.ruling} now"
    else:
        same = repr(old.evidence) == repr(new.evidence)
        state, reason = (State.identical if same else State.unchanged), f"{new.ruling} as before"
    return Change(target="textbook", check=code, case="ruling", state=state, reason=reason, old=old, new=new)


def notes(old: Report, new: Report) -> tuple[str, ...]:
    """What differs between the runs themselves, a line each."""
    said = [_roots(old, new)]
    if old.battery != new.battery:
        said.append(f"batteries differ: {old.battery} before, {new.battery} now")
    if versions := differing(old, new):
        said.append(f"environments differ: {', '.join(versions)}")
    for word, report in (("older", old), ("newer", new)):
        if not report.complete:
            done = f"{report.done} of {report.planned} planned trials were run"
            said.append(f"INCOMPLETE: of the {word} run {done}; a partial run is never green")
    wrong = len(new.red) + len(new.surprises)
    if wrong:
        said.append(
            f"the newer run fails by itself, in {wrong} place{'s' * (wrong > 1)}: a comparison asks only "
            "what became worse"
        )
    return tuple(said)


def differing(old: Report, new: Report) -> list[str]:
    """Packages that both runs loaded, in different versions."""
    before, now = dict(old.environment), dict(new.environment)
    both = [name for name in before if name in now]
    return [f"{name} {before[name]} -> {now[name]}" for name in both if before[name] != now[name]]


def _roots(old: Report, new: Report) -> str:
    if old.root == new.root:
        return f"paired by root {new.root}: what did not change is identical"
    return f"roots {old.root} and {new.root}: two independent samples, both with their noise"
