"""Every format bears what a target may call itself, what a number may be, and how many there may be."""

from __future__ import annotations

import json
import math
import re
import runpy
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from verinit.cli.outcome import FORMS
from verinit.cli.outputs import save
from verinit.report.sarif_log import SHOWN as RESULTS
from verinit.report.workflow_commands import SHOWN as ANNOTATIONS
from verinit.vocabulary import Case, Claim, Evidence, UsageError, Verdict

SAMPLE = runpy.run_path(str(Path(__file__).with_name("test_report_sample.py")))
sample, finding = SAMPLE["sample"], SAMPLE["finding"]
STEP_SUMMARY = 200 * 1024
"""Bytes of a summary; GitHub drops one of more than 1 MiB."""
NAMES = {
    "markup": "<script>alert(1)</script><!-- ]]> & &amp; </testcase>",
    "table": "a|b\\|c\\\\|d `x` ``y`` | --- |\n| z |",
    "control": "".join(map(chr, range(32))) + "\x7f\x85\x1b[31m",
    "marks": "\u202eevil\u200f\u2066\u200d\ufeff\ufffe\uffff",
    "pictures": "🦊👩\u200d🔬🇰🇷é",
    "half": "\ud800\udfff",
    "command": "x::error title=y::z%0A,file=/etc/passwd\n::stop-commands::t",
    "braces": "{}{0}{name}%s%(x)s[a](b)",
    "long": "m" * 10_000,
}


def hostile(name, verdict):
    """One finding in which every text is `name`."""
    return replace(
        finding(f"mine:{name}", verdict=verdict, reason=name, likely=name),
        claim=Claim(id="IN201", summary=name, equation=name, source=name),
        case=Case(shape=(64, 32), parameters=(("mode", "fan_out"),)),
        excuse=name if verdict is Verdict.failed else "",
    )


def report_of(name):
    findings = tuple(hostile(name, verdict) for verdict in Verdict)
    return sample(
        findings=findings,
        surprises=(name,),
        rulings=tuple(replace(ruling, claim=name, summary=name) for ruling in sample().rulings),
        environment=((name, name),),
        run=(("command", name),),
        exhibits=(),
    )


def cells(row):
    """How many cells GitHub sees: a sign after a backslash is a letter."""
    return len(re.findall(r"\|", re.sub(r"\\.", "", row)))


def readable(form, text):
    """What another program would find wrong with a text, as an exception."""
    if form in ("json", "sarif"):
        return json.loads(text)
    if form == "junit":
        return ElementTree.fromstring(text.encode())
    if form == "github":
        for line in text.splitlines():
            assert re.fullmatch(r"::(error|warning|notice) [^\r\n:]+::[^\r\n]+", line), line
    if form == "markdown":
        outside = re.sub(r"(?ms)^(`{3,})text$.*?^\1$", "", text)
        tables = re.findall(r"(?m)(?:^\|.*\|$\n?)+", outside)
        assert tables
        for table in tables:
            assert len({cells(row) for row in table.splitlines()}) == 1, table
    return text


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_no_name_breaks_a_format(form, name):
    text = FORMS[form](report_of(name))
    assert readable(form, text)
    assert text == FORMS[form](report_of(name))
    if form != "json":
        text.encode("utf-8")
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_number_breaks_a_format(form, value):
    everywhere = Evidence(
        quantity="x",
        expected=value,
        observed=value,
        distance=value,
        tolerance=value,
        resolution=value,
        interval=(value, value),
        p=0.0,
        log10_p=value,
    )
    findings = tuple(
        replace(finding(verdict=verdict), evidence=everywhere, discrepancy=value, sufficient=(("n", value),))
        for verdict in Verdict
    )
    rulings = tuple(replace(ruling, evidence=(everywhere,)) for ruling in sample().rulings)
    report = sample(findings=findings, rulings=rulings, false_fail=value, exhibits=())
    text = FORMS[form](report)
    assert readable(form, text)
    assert not re.search(r"\bNone\b", text)
    if form in ("json", "sarif"):
        json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.mark.parametrize("form", FORMS)
def test_every_format_says_that_a_run_is_partial(form):
    said = {"json": '"complete": false', "sarif": '"executionSuccessful": false'}.get(form, "planned trials")
    assert said in FORMS[form](sample())
    assert said not in FORMS[form](sample(complete=True))


@pytest.mark.parametrize("form", [form for form in FORMS if form != "text"])
def test_the_order_in_which_workers_finished_changes_no_byte(form):
    findings = {found.id: found for found in sample().findings}
    report = sample(findings=tuple(findings.values()))
    assert FORMS[form](replace(report, findings=report.findings[::-1])) == FORMS[form](report)


@pytest.mark.slow
def test_twenty_thousand_findings_fit_into_what_each_reader_takes():
    verdicts = list(Verdict)
    findings = tuple(
        finding(f"mine.m{n % 7}:f{n % 499}", draw=n, verdict=verdicts[n % 5]) for n in range(20_000)
    )
    report = sample(findings=findings, planned=20_000, complete=True, exhibits=())
    texts = {form: FORMS[form](report) for form in FORMS}
    assert len(texts["markdown"].encode()) <= STEP_SUMMARY
    for kind in ("error", "warning"):
        assert texts["github"].count(f"::{kind} ") <= ANNOTATIONS + 2 == 10
    suites = ElementTree.fromstring(texts["junit"].encode())
    named = [(case.get("classname"), case.get("name")) for case in suites.iter("testcase")]
    assert len(set(named)) == len(named) == 20_000 + len(report.rulings) + len(report.surprises)
    assert len(texts["junit"].encode()) < 12e6
    assert all("claim " in said.text for said in suites.iter("failure") if said.get("type") == "IN201")
    assert len(json.loads(texts["sarif"])["runs"][0]["results"]) <= RESULTS
    assert len(json.loads(texts["json"])["results"]) == 20_000


def test_two_names_that_look_alike_keep_test_cases_of_their_own():
    alike = (finding("mine:\x00"), finding("mine:\u2400"))
    suites = ElementTree.fromstring(FORMS["junit"](sample(findings=alike)).encode())
    named = [(case.get("classname"), case.get("name")) for case in suites.iter("testcase")]
    assert len(set(named)) == len(named)


def test_a_file_is_written_whole_or_the_old_one_stays(tmp_path, monkeypatch):
    place = tmp_path / "out.json"
    save(place, "old")
    save(place, "half \ud800")
    assert place.read_text(encoding="utf-8") == "half \\ud800"

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(UsageError, match=r"^--output .*out\.json: cannot be written \(No space left"):
        save(place, "new")
    assert place.read_text(encoding="utf-8") == "half \\ud800"
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_what_is_no_file_is_written_as_it_is(tmp_path):
    aside = tmp_path / "aside.txt"
    aside.write_text("old", encoding="utf-8")
    link = tmp_path / "link"
    link.symlink_to(aside)
    save(link, "new")
    assert aside.read_text(encoding="utf-8") == "new"
    assert link.is_symlink()
