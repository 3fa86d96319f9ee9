"""`verinit explain`: what a check claims."""

from __future__ import annotations

import click

from verinit.checks import CHECKS
from verinit.faults import FAULTS
from verinit.vocabulary import Check, unknown
from verinit.vocabulary.wording import short


def explanation(check: Check) -> str:
    """A check in words: claim, equation, source, reasons, what it sees, what it has been shown to catch."""
    claim = check.claim
    lines = [f"{claim.id}  {claim.summary}", f"  equation  {claim.equation}", f"  source    {claim.source}"]
    if check.samples is not None:
        lines.append(
            f"  sees      a departure of {short(check.discrepancy)} (standard battery), "
            f"missed with probability {short(check.rates.false_pass)} at most"
        )
    if check.after:
        lines.append(f"  needs     {', '.join(check.after)} to hold at the same case")
    body = "\n".join(check.doc.splitlines()[1:]).strip("\n")
    if body:
        lines += ["", *(f"  {line}".rstrip() for line in body.splitlines())]
    caught = [fault for fault in FAULTS.values() if claim.id in fault.codes]
    if caught:
        lines += ["", "  planted faults that it must catch"]
        lines += [f"    {fault.name}: {fault.story.splitlines()[0]}" for fault in caught]
    return "\n".join(lines)


@click.command("explain")
@click.argument("codes", nargs=-1, required=True, metavar="CODE...")
def command(codes: tuple[str, ...]) -> None:
    """Say what a check claims, why it matters, what it can see and which faults it must catch."""
    wanted = [code.upper() for code in codes]
    for code in wanted:
        if code not in CHECKS:
            raise unknown("check", code, CHECKS)
    click.echo("\n\n".join(explanation(CHECKS[code]) for code in wanted))
