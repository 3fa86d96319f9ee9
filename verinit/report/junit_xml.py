"""A report as JUnit XML: a suite for each target, a test case for each trial, and a suite for the ledger.

Readers differ in what they show, so the whole message stands in the body as well as, cut, in the attribute.
What is inconclusive or failed as declared counts as skipped, with its reason: JUnit has no word for either.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Sequence
from itertools import accumulate
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from verinit.report.characters import brief, visible
from verinit.report.states import state
from verinit.vocabulary import Finding, Report, Ruling, wording

_MESSAGE = 300
WHOLE = 8_000_000
"""Characters of messages that stand whole in a body, worst first; GitLab reads no file above 30 MB."""
_COUNTED = ("failure", "error", "skipped")


def junit(report: Report) -> str:
    """The report as one XML document; the same report gives the same text. Times are not told."""
    root = Element("testsuites", name="verinit")
    lengths = accumulate(len(str(found)) for found in report.red)
    whole = {found.id for found, length in zip(report.red, lengths, strict=True) if length <= WHOLE}
    by_target: dict[str, list[Finding]] = {}
    for finding in sorted(report.findings, key=lambda f: f.id):
        by_target.setdefault(visible(finding.target), []).append(finding)
    for target, findings in by_target.items():
        _suite(root, report, target, _trials(findings, whole))
    if report.rulings or report.surprises:
        _suite(root, report, "textbook", _claims(report.rulings, report.surprises))
    if not report.complete:
        _suite(root, report, "verinit", [_incomplete(report)])
    for suite in root:
        for name in ("tests", "failures", "errors", "skipped"):
            root.set(name, str(int(root.get(name, "0")) + int(suite.get(name, "0"))))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, report: Report, name: str, cases: Iterable[Element]) -> None:
    suite = SubElement(root, "testsuite", name=visible(name))
    properties = SubElement(suite, "properties")
    for key, value in (
        ("root", report.root),
        ("battery", report.battery),
        ("false_fail", wording.short(report.false_fail)),
        *report.environment,
    ):
        SubElement(properties, "property", name=visible(key), value=visible(str(value)))
    suite.extend(cases)
    tests = suite.findall("testcase")
    suite.set("tests", str(len(tests)))
    for tag, attribute in zip(_COUNTED, ("failures", "errors", "skipped"), strict=True):
        suite.set(attribute, str(sum(test.find(tag) is not None for test in tests)))


def _trials(findings: Sequence[Finding], whole: Container[str]) -> Iterable[Element]:
    """One test case a trial; a name that comes again is numbered, as readers drop double names."""
    names: Counter[str] = Counter()
    for finding in findings:
        name = f"{finding.claim.id} at {finding.case}"
        names[name] += 1
        test = _case(finding.target, name if names[name] == 1 else f"{name} ({names[name]})")
        stands = state(finding).word
        if stands in ("failed", "unexpected"):
            _say(test, "failure", finding, _first(finding)).text = _body(finding, whole)
        elif stands == "errored":
            _say(test, "error", finding, finding.reason).text = _body(finding, whole)
        elif stands == "excused":
            SubElement(test, "skipped", message=brief(f"expected to fail: {finding.excuse}", _MESSAGE))
        elif stands == "inconclusive":
            SubElement(test, "skipped", message=brief(f"inconclusive: {_first(finding)}", _MESSAGE))
        elif stands == "skipped":
            SubElement(test, "skipped", message=brief(finding.reason, _MESSAGE))
        elif finding.evidence is not None:
            SubElement(test, "system-out").text = visible(wording.seen(finding))
        yield test


def _case(target: str, name: str) -> Element:
    return Element("testcase", classname=visible(target), name=visible(name))


def _say(test: Element, tag: str, finding: Finding, message: str) -> Element:
    return SubElement(test, tag, type=visible(finding.claim.id), message=brief(message, _MESSAGE))


def _body(finding: Finding, whole: Container[str]) -> str:
    """The message as it is everywhere; of too many, the less grave have the command that shows it."""
    return visible(str(finding) if finding.id in whole else wording.replay(finding))


def _first(finding: Finding) -> str:
    """What was measured, in one line; what was claimed where nothing was."""
    if finding.evidence is None:
        return finding.reason or finding.claim.summary
    likely = f"; likely {finding.likely}" if finding.likely else ""
    return f"{finding.evidence.quantity} = {wording.observation(finding.evidence)}{likely}"


def _claims(rulings: Sequence[Ruling], surprises: Sequence[str]) -> Iterable[Element]:
    """One test case a claim; it fails where the ruling is not the committed one."""
    changed = {surprise.partition(":")[0]: surprise for surprise in surprises}
    for ruling in rulings:
        test = _case("textbook", f"{ruling.id} {ruling.ruling}")
        surprise = changed.pop(ruling.id, "")
        if surprise:
            said = SubElement(test, "failure", type="ruling changed", message=brief(surprise, _MESSAGE))
            said.text = visible(str(ruling))
        else:
            SubElement(test, "system-out").text = visible(ruling.summary)
        yield test
    for code, surprise in changed.items():
        test = _case("textbook", code)
        SubElement(test, "failure", type="ruling changed", message=brief(surprise, _MESSAGE))
        yield test


def _incomplete(report: Report) -> Element:
    test = _case("verinit", "every planned trial was run")
    said = f"{report.done} of {report.planned} planned trials were run; a partial run is never green"
    SubElement(test, "error", type="incomplete", message=said)
    return test
