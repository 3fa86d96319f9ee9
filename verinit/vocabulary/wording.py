"""How findings, rulings and reports read: the same words in the terminal, in pytest and in the report."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from verinit.vocabulary.evidence import Evidence, Verdict

if TYPE_CHECKING:
    from verinit.vocabulary.findings import Finding, Report, Ruling


def number(value: float) -> str:
    """Five significant digits, whole numbers whole.

    >>> number(0.166879), number(524288.0), number(2e-7), number(float("inf"))
    ('0.16688', '524288', '2e-07', 'inf')
    """
    if math.isfinite(value) and value == round(value) and abs(value) < 1e12:
        return str(round(value))
    return f"{value:.5g}"


def short(value: float) -> str:
    """Three significant digits, for tolerances and rates."""
    return number(float(f"{value:.3g}")) if math.isfinite(value) else str(value)


def times(ratio: float) -> str:
    """A factor in words: '81.9 times'."""
    return f"{ratio:.3g} times" if ratio < 1e6 else f"{ratio:.1e} times"


def rate(evidence: Evidence) -> str:
    """The p-value as it may be printed: an exact number, or its upper bound where it underflows."""
    if evidence.p is None:
        return ""
    if evidence.p < 1e-300 and evidence.log10_p is not None and math.isfinite(evidence.log10_p):
        return f"p < 1e{math.ceil(evidence.log10_p)}"
    return f"p = {evidence.p:.2g}"


def severity(finding: Finding) -> tuple[float, str]:
    """Sort key, worst first: crashes, then the largest distance in units of what was allowed."""
    evidence = finding.evidence
    if evidence is None or not math.isfinite(evidence.distance):
        return (-math.inf, finding.id)
    if evidence.tolerance == 0:
        return (-1e300 if evidence.distance else 0.0, finding.id)
    return (-evidence.distance / evidence.tolerance, finding.id)


def expectation(finding: Finding) -> str:
    """The predicted value with its tolerance and what that rests on."""
    evidence = finding.evidence
    if evidence is None:
        return ""
    basis = [evidence.basis, f"n = {evidence.n}"] if evidence.n else [evidence.basis]
    if evidence.p is not None:
        basis.append(f"false-fail rate {short(finding.rates.false_fail)}")
    margin = f" +- {short(evidence.tolerance)}" if evidence.tolerance else ""
    return f"{evidence.quantity} = {number(evidence.expected)}{margin}   ({', '.join(basis)})"


def observation(evidence: Evidence) -> str:
    """The measured value, how far off it is, and the sentence that goes with it."""
    text = number(evidence.observed)
    if not math.isfinite(evidence.distance):
        text += ", not a finite distance"
    elif evidence.tolerance and evidence.distance > evidence.tolerance:
        text += f", {times(evidence.distance / evidence.tolerance)} the allowed distance"
    return f"{text}   {evidence.detail}" if evidence.detail else text


def replay(finding: Finding) -> str:
    """The command that shows the finding again."""
    if not finding.replayable:
        return "not replayable: give module:callable"
    return f"verinit replay {finding.short_id}"


def finding(found: Finding) -> str:
    """The message of one finding: a block for a failure, a line for a pass or a skip."""
    claim = found.claim
    where = f"for {found.target} at {found.case}"
    if found.verdict is Verdict.skipped:
        return f"{claim.id} skipped {where}: {found.reason}"
    if found.verdict is Verdict.passed and found.evidence is not None:
        line = f"{claim.id} passed {where}: {seen(found)}"
        mended = f"expected to fail ({found.excuse}) and passed: remove it from expected="
        return f"{line}\n  {mended}" if found.excuse else line
    lines = [f"{claim.id} {str(found.verdict).upper()} {where}"]
    lines.append(f"  claim     {claim.equation or claim.summary}   [{claim.source}]")
    if found.evidence is not None:
        lines.append(f"  expected  {expectation(found)}")
        lines.append(f"  observed  {observation(found.evidence)}")
    if found.verdict is Verdict.inconclusive and found.evidence is not None:
        lines.append(
            f"  undecided a departure below {short(found.evidence.resolution)} would not have been seen; "
            f"the check promises {short(found.discrepancy)}"
        )
    if found.reason:
        lines.append(f"  reason    {found.reason}")
    if found.likely:
        lines.append(f"  likely    {found.likely}")
    if found.excuse:
        lines.append(f"  excused   expected to fail: {found.excuse}")
    lines.append(f"  replay    {replay(found)}")
    return "\n".join(lines)


def seen(found: Finding) -> str:
    """What a pass says: the value, and the smallest departure that would have been seen."""
    evidence = found.evidence
    if evidence is None:
        return ""
    text = f"{evidence.quantity} = {number(evidence.observed)}"
    if evidence.p is None:
        return f"{text} ({evidence.basis})"
    return (
        f"{text} (expected {number(evidence.expected)} +- {short(evidence.tolerance)}); a departure of "
        f"{short(evidence.resolution)} would have been seen {surely(found)}"
    )


def surely(found: Finding) -> str:
    """How surely a departure of the stated resolution would have been seen."""
    return f"with probability 1 - {short(found.rates.false_pass)}"


def ruling(ruled: Ruling) -> str:
    """A ruling in the terminal: what the chapter says, what is so, and the numbers."""
    lines = [f"{ruled.id} {str(ruled.ruling).upper()}: {ruled.summary}", f"  the chapter  {ruled.claim}"]
    if ruled.conditions:
        lines.append(f"  conditions   {ruled.conditions}")
    for item in ruled.evidence:
        interval = (
            f", interval [{number(item.interval[0])}, {number(item.interval[1])}]" if item.interval else ""
        )
        lines.append(
            f"  {item.quantity}: predicted {number(item.expected)}, measured {number(item.observed)}"
            f"{interval} ({item.basis}, n = {item.n})"
        )
    return "\n".join(lines)


def weakest(report: Report) -> Finding | None:
    """The pass that came nearest to seeing nothing: largest resolution for its discrepancy."""
    passes = [
        f
        for f in report.findings
        if f.verdict is Verdict.passed
        and f.evidence is not None
        and f.evidence.p is not None
        and f.discrepancy
    ]
    return max(
        passes,
        key=lambda f: (f.evidence.resolution / f.discrepancy if f.evidence else 0.0, f.id),
        default=None,
    )


IDLE = "expected to fail and did not"
"""What is said of a declared failure that nothing needed."""


def closing(report: Report) -> list[str]:
    """The closing lines: counts, root and budget, and the weakest pass."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in report.counts.items())
    lines = [counts if report.findings else "" if report.rulings else "nothing was examined"]
    if report.rulings:
        outcomes = [str(ruled.ruling) for ruled in report.rulings]
        tally = ", ".join(f"{outcomes.count(word)} {word}" for word in sorted(set(outcomes)))
        lines[0] = "; ".join(filter(None, [lines[0], f"textbook: {tally}"]))
    lines.append(
        f"root {report.root}, battery {report.battery}, false alarms of the whole run at most "
        f"{short(report.false_fail)}"
    )
    excused = sum(found.verdict is Verdict.failed and bool(found.excuse) for found in report.findings)
    if excused:
        lines.append(f"expected to fail, each for its stated reason: {excused} of the failures")
    lines += skips(report)
    lines += unpromised(report)
    weak = weakest(report)
    if weak is not None and weak.evidence is not None:
        lines.append(
            f"weakest pass {weak.claim.id} for {weak.target} at {weak.case}: a departure of "
            f"{short(weak.evidence.resolution)} in {weak.evidence.quantity} would have been seen "
            f"{surely(weak)}"
        )
    lines += [f"ruling changed: {surprise}" for surprise in report.surprises]
    lines += [f"{IDLE}: {excuse}" for excuse in report.idle]
    if not report.complete:
        lines.append(f"INCOMPLETE: {unfinished(report)}; a partial run is never green")
    elif not report.counts[str(Verdict.passed)] and (report.findings or not report.rulings):
        lines.append("NOTHING PASSED: a run without a pass is never green")
    return lines


def unfinished(report: Report) -> str:
    """What an incomplete run did, and what it did not."""
    if report.done < report.planned:
        return f"{report.done} of {report.planned} planned trials were run"
    if not report.planned:
        return "not the whole textbook ledger was made"
    return f"all {report.planned} planned trials were run, but not the whole textbook ledger"


def grouped(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings by target, in the order in which targets first appear, then by claim and by verdict."""
    targets: dict[str, dict[tuple[str, str], list[Finding]]] = {}
    for found in findings:
        kind = (found.claim.id, str(found.verdict))
        targets.setdefault(found.target, {}).setdefault(kind, []).append(found)
    return [kinds[kind] for kinds in targets.values() for kind in sorted(kinds)]


def block(group: list[Finding]) -> str:
    """One message for all cases at which a claim fails for a target: the worst, and where else."""
    text = finding(group[0])
    if len(group) > 1:
        others = ", ".join(str(found.case) for found in group[1:6])
        more = f" and {len(group) - 6} more" if len(group) > 6 else ""
        text += f"\n  also at   {others}{more}"
    return text


def unpromised(whole: Report) -> list[str]:
    """Targets of which only the contract was examined, as they declare no scheme."""
    bare = dict.fromkeys(f.target for f in whole.findings if f.reason.endswith(NO_SCHEME))
    if not bare:
        return []
    named = ", ".join(list(bare)[:3]) + (f" and {len(bare) - 3} more" if len(bare) > 3 else "")
    return [f"NO LAW WAS HELD against {named}: give a scheme, such as mynet.init:he=he_normal"]


NO_SCHEME = "declares no scheme, so no law can be held against it"
"""How the reason ends for which a law says nothing of an initializer."""


def skips(whole: Report) -> list[str]:
    """Why claims were skipped, and how often: the commonest reasons on one line."""
    reasons = Counter(found.reason for found in whole.findings if found.verdict is Verdict.skipped)
    if not reasons:
        return []
    commonest = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))[:4]
    said = "; ".join(f"{reason} ({count})" for reason, count in commonest)
    others = len(reasons) - 4
    more = f"; {others} more reason{'s' * (others > 1)} in the report" if others > 0 else ""
    return [f"skipped where {said}{more}"]


def report(whole: Report) -> str:
    """All failures, worst first, then what is undecided, and the closing lines."""
    undecided = [found for found in whole.findings if found.verdict is Verdict.inconclusive]
    blocks = [block(group) for group in grouped([*whole.red, *undecided])]
    blocks.append("\n".join(closing(whole)))
    return "\n\n".join(blocks)
