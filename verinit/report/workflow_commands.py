"""A report as commands of GitHub Actions: annotations that a reviewer sees beside the change.

GitHub shows ten annotations of a kind a step: eight are given, worst first, one says how many more there are,
and one has the verdict. Newlines and signs that would end a command are escaped as the runner expects it.
"""

from __future__ import annotations

from collections.abc import Sequence

from verinit.report.characters import brief, clipped, visible
from verinit.report.outline import Group, Outline, outline
from verinit.vocabulary import Report, wording

SHOWN = 8
"""Annotations of a kind, before the one that counts the others and the one with the verdict."""
_TITLE, _TEXT = 120, 3000


def github(report: Report) -> str:
    """Error commands for what failed, warnings for what is undecided, and one notice with the verdict."""
    whole = outline(report)
    changed = [
        *(("ruling changed", text) for text in report.surprises),
        *(("expected to fail and did not", text) for text in report.idle),
    ]
    lines = [
        *(_command("error", title, text) for title, text in changed[:SHOWN]),
        *_groups("error", whole.failures, max(0, SHOWN - len(changed))),
        *_groups("warning", whole.undecided, SHOWN),
        _verdict(report, whole),
    ]
    return "\n".join(lines) + "\n"


def _groups(kind: str, groups: Sequence[Group], room: int) -> list[str]:
    lines = [
        _command(
            kind, f"{group[0].claim.id} {group[0].target} at {group[0].case}", wording.block(list(group))
        )
        for group in groups[:room]
    ]
    left = len(groups) - len(lines)
    if left:
        lines.append(_command(kind, f"{left} more", "see the report for all of them"))
    return lines


def _verdict(report: Report, whole: Outline) -> str:
    """Green runs end with a notice; others with an error, so that the log cannot end on a reassuring line."""
    text = "\n".join([whole.headline, *wording.closing(report)])
    return _command("notice" if report else "error", "verinit", text)


def _command(kind: str, title: str, text: str) -> str:
    return f"::{kind} title={_property(brief(title, _TITLE))}::{_message(clipped(visible(text), _TEXT))}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
