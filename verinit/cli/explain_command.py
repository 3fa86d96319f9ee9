"""`verinit explain`: what a check claims."""

from __future__ import annotations

import sys
import textwrap
from typing import Any

import click

from verinit.checks import CHECKS
from verinit.cli.terminal import columns, say
from verinit.faults import FAULTS
from verinit.vocabulary import Check, unknown
from verinit.vocabulary.wording import short


def prose(text: str, width: int | None) -> list[str]:
    """Paragraphs as lines with room for a margin of two; as they are written where no width is given."""
    if width is None:
        return text.splitlines()
    paragraphs = text.split("\n\n")
    lines = []
    for paragraph in paragraphs:
        flowing = not any(line.startswith((" ", ">>>")) for line in paragraph.splitlines())
        lines += [*(textwrap.wrap(paragraph, width - 2, **_WHOLE) if flowing else paragraph.splitlines()), ""]
    return lines[:-1]


_WHOLE: dict[str, Any] = {"break_long_words": False, "break_on_hyphens": False}


def explanation(check: Check, *, width: int | None = None) -> str:
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
        lines += ["", *(f"  {line}".rstrip() for line in prose(body, width))]
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
    say("\n\n".join(explanation(CHECKS[code], width=columns(sys.stdout)) for code in wanted))
