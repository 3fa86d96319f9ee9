"""The order of a report, for the page and for the summary alike: what is wrong comes first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verinit.report.matrix import Matrix, matrices, pairs
from verinit.report.plates import Plate, is_experiment, plates
from verinit.report.states import State, state
from verinit.vocabulary import Claim, Finding, Outcome, Report, Ruling, Verdict, wording


@dataclass(frozen=True, slots=True, kw_only=True)
class Skip:
    """One reason for which a claim was not asked, with the targets and the number of cases."""

    check: str
    reason: str
    targets: tuple[str, ...]
    count: int


TOOL = "calibration-"
"""How the names of exhibits begin that tell of verinit itself, not of what was examined."""
Group = tuple[Finding, ...]
"""Findings of one target and one check, the first of which speaks for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A report's findings and rulings, sorted into the sections that a reader goes through."""

    headline: str
    tone: str
    closing: tuple[str, ...]
    faintest: str
    failures: tuple[Group, ...]
    undecided: tuple[Group, ...]
    excused: tuple[Finding, ...]
    open_rulings: tuple[tuple[Ruling, ...], ...]
    matrices: tuple[Matrix, ...]
    claims: tuple[Claim, ...]
    plates: tuple[Plate, ...]
    tool: tuple[Plate, ...]
    weakest: tuple[Finding, ...]
    skips: tuple[Skip, ...]


def outline(report: Report) -> Outline:
    """What the report says, in the order in which it should be read."""
    red = report.red
    undecided = [f for f in report.findings if f.verdict is Verdict.inconclusive]
    headline, tone = verdict(report)
    gallery = plates(e for e in report.exhibits if not e.id.startswith(TOOL))
    return Outline(
        headline=headline,
        tone=tone,
        closing=tuple(wording.closing(report)),
        faintest=_faintest(report),
        failures=_groups(red),
        undecided=_groups(sorted(undecided, key=_weakness)),
        excused=tuple(f for f in sorted(report.findings, key=lambda f: f.id) if state(f).word == "excused"),
        open_rulings=_open(report.rulings),
        matrices=tuple(sorted(matrices(report.findings), key=lambda m: m.worst)),
        claims=_claims(report.findings),
        plates=tuple(sorted(gallery, key=lambda plate: not is_experiment(plate))),
        tool=plates(e for e in report.exhibits if e.id.startswith(TOOL)),
        weakest=_weakest(report.findings),
        skips=_skips(report.findings),
    )


def verdict(report: Report) -> tuple[str, str]:
    """The verdict sentence, and its tone: "failed", "inconclusive" or "passed"."""
    wrong = _counted(_wrong(report))
    found = f"Of {_many(len(report.findings), 'trial')}, {wrong}." if wrong else ""
    if not report.complete:
        partial = f"Incomplete: {wording.unfinished(report)}."
        return f"{partial} {found}".strip(), "failed"
    if found:
        return found, "failed"
    if not report:
        return "Nothing passed: a run without a pass is never green.", "failed"
    if not report.findings:
        return f"The textbook ledger: {_tally(report.rulings)}.", "passed"
    counts = report.counts
    excused = sum(state(finding).word == "excused" for finding in report.findings)
    right = _counted(
        [
            (counts["passed"], "passed"),
            (counts["inconclusive"], "inconclusive"),
            (excused, "failed as expected"),
            (counts["skipped"], "skipped"),
        ]
    )
    unexpectedly = " unexpectedly" if excused else ""
    sentence = f"Nothing failed{unexpectedly}: of {_many(len(report.findings), 'trial')}, {right}."
    return sentence, "inconclusive" if counts["inconclusive"] else "passed"


def _wrong(report: Report) -> list[tuple[int, str]]:
    """What makes the run red, with how often."""
    kinds = (
        (Verdict.failed, "failed"),
        (Verdict.errored, "errored"),
        (Verdict.passed, "passed where a failure was declared"),
    )
    changed, idle = len(report.surprises), len(report.idle)
    return [
        *((sum(f.verdict is verdict for f in report.red), words) for verdict, words in kinds),
        (changed, "ruling changed" if changed == 1 else "rulings changed"),
        (idle, f"declared failure{'s' * (idle != 1)} met nothing"),
    ]


def _counted(parts: Iterable[tuple[int, str]]) -> str:
    return _listed([f"{count} {words}" for count, words in parts if count])


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _listed(parts: Sequence[str]) -> str:
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


def _tally(rulings: Sequence[Ruling]) -> str:
    counts = [(sum(r.ruling is outcome for r in rulings), str(outcome)) for outcome in Outcome]
    return ", ".join(f"{count} {word}" for count, word in counts if count)


def tally(report: Report) -> str:
    """How many claims of the textbook had each outcome."""
    return _tally(report.rulings)


def _groups(findings: Iterable[Finding]) -> tuple[Group, ...]:
    return tuple(map(tuple, wording.grouped(findings)))


def _open(rulings: Iterable[Ruling]) -> tuple[tuple[Ruling, ...], ...]:
    """Undecided rulings, those together that are undecided for the same reason."""
    reasons: dict[str, list[Ruling]] = {}
    for ruling in rulings:
        if ruling.ruling is Outcome.undecided:
            reasons.setdefault(ruling.summary, []).append(ruling)
    return tuple(map(tuple, reasons.values()))


def _faintest(report: Report) -> str:
    """The pass that came nearest to seeing nothing, as a sentence."""
    weak = wording.weakest(report)
    if weak is None or weak.evidence is None:
        return ""
    return (
        f"Weakest pass: {weak.claim.id} for {weak.target} at {weak.case}, where a departure of "
        f"{wording.short(weak.evidence.resolution)} in {weak.evidence.quantity} would have been seen "
        f"{wording.surely(weak)}."
    )


def _claims(findings: Iterable[Finding]) -> tuple[Claim, ...]:
    claims = {finding.claim.id: finding.claim for finding in findings}
    return tuple(claims[code] for code in sorted(claims))


def _weakness(finding: Finding) -> tuple[float, str]:
    """Sort key: how many times coarser than promised the look was, coarsest first."""
    if finding.evidence is None or not finding.discrepancy:
        return 0.0, finding.id
    return -finding.evidence.resolution / finding.discrepancy, finding.id


def _weakest(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The weakest pass of each target and check, weakest first."""
    passes = pairs(f for f in findings if f.verdict is Verdict.passed and f.evidence is not None)
    return tuple(sorted((min(group, key=_weakness) for group in passes.values()), key=_weakness))


def _skips(findings: Iterable[Finding]) -> tuple[Skip, ...]:
    groups: dict[tuple[str, str], list[str]] = {}
    for finding in sorted(findings, key=lambda f: f.id):
        if finding.verdict is Verdict.skipped:
            groups.setdefault((finding.claim.id, finding.reason), []).append(finding.target)
    return tuple(
        Skip(check=check, reason=reason, targets=tuple(dict.fromkeys(targets)), count=len(targets))
        for (check, reason), targets in sorted(groups.items())
    )


def remedy(finding: Finding) -> str:
    """What would decide a finding that is inconclusive."""
    evidence = finding.evidence
    if evidence is None or not finding.discrepancy:
        return "Decided by a look that resolves what the check promises."
    seen, promised = wording.short(evidence.resolution), wording.short(finding.discrepancy)
    return (
        f"Decided by a finer look: n = {evidence.n} resolves {seen} in {evidence.quantity}, and the check "
        f"promises {promised}. Raise the cap on draws or time, or take a finer battery."
    )


def command(report: Report) -> str:
    """The command line that repeats the run, as far as the report knows it."""
    given = dict(report.run).get("command", "")
    return given or f"verinit run --battery {report.battery} --seed {report.root}"


def signed(what: State) -> str:
    """A state as sign and word: the word alone must do for those who see no sign."""
    return f"{what.sign} {what.word}"
