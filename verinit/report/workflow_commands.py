"""A report as commands of GitHub Actions: annotations that a reviewer sees beside the change.

GitHub shows ten annotations of a kind a step: eight are given, worst first, one says how many more there are,
and one has the verdict. What is kept in `module:callable` is shown at its file. Newlines and signs that would
end a command are escaped as the runner expects it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from verinit.report.characters import brief, clipped, visible
from verinit.report.outline import Group, Outline, outline
from verinit.report.source_files import source_file
from verinit.vocabulary import Report, wording

SHOWN = 8
"""Annotations of a kind, before the one that counts the others and the one with the verdict."""
_TITLE, _TEXT = 120, 3000


def github(report: Report) -> str:
    """Error commands for what failed, warnings for what is undecided, and one notice with the verdict."""
    whole = outline(report)
    changed = (_command("error", "ruling changed", text) for text in report.surprises)
    failed = chain(changed, _groups("error", report, whole.failures))
    lines = [
        *_worst("error", failed, of=len(report.surprises) + len(whole.failures)),
        *_worst("warning", _groups("warning", report, whole.undecided), of=len(whole.undecided)),
        _verdict(report, whole),
    ]
    return "\n".join(lines) + "\n"


def _worst(kind: str, commands: Iterable[str], *, of: int) -> list[str]:
    """As many as are shown, and one that counts the others."""
    more = [_command(kind, f"{of - SHOWN} more", "see the report for all of them")] if of > SHOWN else []
    return [*islice(commands, SHOWN), *more]


def _groups(kind: str, report: Report, groups: Iterable[Group]) -> Iterator[str]:
    for group in groups:
        worst = group[0]
        title = f"{worst.claim.id} {worst.target} at {worst.case}"
        file = source_file(report, worst.target)
        yield _command(kind, title, wording.block(list(group)), file=file)


def _verdict(report: Report, whole: Outline) -> str:
    """Green runs end with a notice; others with an error, so that the log cannot end on a reassuring line."""
    text = "\n".join([whole.headline, *wording.closing(report)])
    return _command("notice" if report else "error", "verinit", text)


def _command(kind: str, title: str, text: str, *, file: str = "") -> str:
    place = f"file={_property(file)},line=1," if file else ""
    said = _message(clipped(visible(text), _TEXT))
    return f"::{kind} {place}title={_property(brief(title, _TITLE))}::{said}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
