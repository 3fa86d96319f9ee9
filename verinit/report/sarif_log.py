"""A report as a log in SARIF 2.1.0, for code scanning: one result for each target and check that is not well.

A pass has no result. What failed or errored is an error, what is inconclusive a warning, and what failed as
declared a note that is suppressed with its reason. Results are matched from run to run by what was examined,
never by a p-value or a number that was measured.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from verinit.report.characters import brief, clipped, visible
from verinit.report.outline import Group, Outline, outline
from verinit.report.source_files import source_file
from verinit.report.states import state
from verinit.vocabulary import Claim, Report, wording
from verinit.vocabulary.document import plain

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SHOWN = 5000
"""Results of a run; GitHub refuses a file with more than 25,000 and shows the first 5,000."""
NOWHERE = "pyproject.toml"
"""The file that is named where what was examined lies in none of the repository: here it is asked for.

Code scanning refuses a whole file for one result without a file.
"""
_LEVELS = {"inconclusive": "warning", "excused": "note"}
_NAME, _LINE, _TEXT, _CASES = 300, 1000, 3000, 50
Object = dict[str, Any]


def sarif(report: Report) -> str:
    """The report as one SARIF log; the same report gives the same text."""
    whole = outline(report)
    rules = _rules(report, whole)
    places = {rule["id"]: index for index, rule in enumerate(rules)}
    results = [*_changed(report), *_results(report, whole)]
    for result in results:
        result["ruleIndex"] = places[result["ruleId"]]
    run = {
        "tool": {"driver": _driver(report, rules)},
        "invocations": [_invocation(report, left=len(results) - SHOWN)],
        "results": results[:SHOWN],
        "properties": {
            "verdict": visible(whole.headline),
            "closing": [clipped(line, _TEXT) for line in whole.closing],
            "battery": visible(report.battery),
            "root": report.root,
            "falseFail": plain(report.false_fail),
            "counts": report.counts,
            "environment": {visible(name): visible(value) for name, value in report.environment},
        },
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _driver(report: Report, rules: list[Object]) -> Object:
    version = dict(report.environment).get("verinit", "")
    return {"name": "verinit", **({"version": visible(version)} if version else {}), "rules": rules}


def _invocation(report: Report, *, left: int) -> Object:
    """Whether the run came to its end; a partial run is marked, and what is left out is counted."""
    command = dict(report.run).get("command", "")
    said = [("error", line) for line in wording.closing(report) if line.startswith(("INCOMPLETE", "NOTHING"))]
    if left > 0:
        said.append(("warning", f"{left} more results, less grave than these, are in report.json"))
    return {
        "executionSuccessful": report.complete,
        **({"commandLine": clipped(command, _TEXT)} if command else {}),
        "toolExecutionNotifications": [{"level": level, "message": _message(text)} for level, text in said],
    }


def _rules(report: Report, whole: Outline) -> list[Object]:
    """One rule for each claim that was examined, and for each claim of the textbook that changed."""
    told = {ruling.id: ruling for ruling in report.rulings}
    book = [
        _rule(
            Claim(
                id=code,
                summary=told[code].claim if code in told else f"The ruling on {code} is the expected one.",
                equation="",
                source="the textbook chapter",
            ),
            more="textbook",
        )
        for code in dict.fromkeys(map(_code, report.surprises))
    ]
    return [*map(_rule, whole.claims), *book]


def _rule(claim: Claim, *, more: str = "explain") -> Object:
    lines = [claim.summary, claim.equation, f"Source: {claim.source}", f"More: verinit {more} {claim.id}"]
    return {
        "id": brief(claim.id, _NAME),
        "shortDescription": {"text": brief(claim.summary, _LINE)},
        "fullDescription": {"text": brief(f"{claim.summary} {claim.equation}".strip(), _LINE)},
        "help": {"text": "\n".join(clipped(line, _LINE) for line in lines if line)},
        "defaultConfiguration": {"level": "error"},
        "properties": {"equation": clipped(claim.equation, _TEXT), "source": clipped(claim.source, _TEXT)},
    }


def _changed(report: Report) -> Iterable[Object]:
    """A result for each ruling of the textbook that is not the committed one."""
    for surprise in report.surprises:
        code = _code(surprise)
        yield {
            "ruleId": brief(code, _NAME),
            "level": "error",
            "message": _message(f"ruling changed: {surprise}"),
            "locations": [_location(report, f"textbook {code}")],
            "partialFingerprints": _fingerprints("textbook", code),
        }


def _code(surprise: str) -> str:
    """The claim that a changed ruling is about: its sentence begins with it."""
    return (surprise.split() or ["textbook"])[0].rstrip(":")


def _results(report: Report, whole: Outline) -> Iterable[Object]:
    excused = wording.grouped(whole.excused)
    for group in (*whole.failures, *whole.undecided, *map(tuple, excused)):
        yield _result(report, group)


def _result(report: Report, group: Group) -> Object:
    """The worst finding of a target and a check, and at which other cases it is so."""
    worst = group[0]
    word = state(worst).word
    result = {
        "ruleId": brief(worst.claim.id, _NAME),
        "level": _LEVELS.get(word, "error"),
        "message": _message(wording.block(list(group))),
        "locations": [_location(report, worst.target)],
        "partialFingerprints": _fingerprints(worst.target, worst.claim.id, worst.case, also=word),
        "properties": {
            "state": word,
            "target": brief(worst.target, _NAME),
            "cases": [str(finding.case) for finding in group[:_CASES]],
            "trials": len(group),
            "replay": worst.short_id,
        },
    }
    if word == "excused":
        reason = clipped(worst.excuse, _LINE)
        result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": reason}]
    return result


def _message(text: str) -> Object:
    """Plain text in which nothing is a placeholder or a link."""
    shown = clipped(text, _TEXT).replace("{", "{{").replace("}", "}}")
    return {"text": shown.replace("](", "] (")}


def _location(report: Report, target: str) -> Object:
    """Where a target is kept, as far as its name says; which line is not known."""
    uri = quote(source_file(report, target)) or NOWHERE
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
            "region": {"startLine": 1},
        },
        "logicalLocations": [{"fullyQualifiedName": brief(target, _NAME)}],
    }


def _fingerprints(target: str, check: str, case: object = "", *, also: str = "") -> Object:
    """What tells a result from others: with the worst case in it, and without for GitHub's own matching.

    GitHub reads one name only, which is meant for a hash of the line; an alert keeps its number there when
    another case becomes the worst.
    """
    return {
        "verinit/v1": _hash(target, check, case),
        "primaryLocationLineHash": _hash(target, check, also),
    }


def _hash(*words: object) -> str:
    content = "\x1f".join(map(str, words))
    return hashlib.sha256(content.encode("utf-8", "backslashreplace")).hexdigest()[:32]
