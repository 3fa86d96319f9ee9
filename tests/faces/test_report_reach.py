"""The page can be read by keyboard, by ear and in either scheme, and a large run fits into it."""

import dataclasses
import itertools
import math
import re
import runpy
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

import verinit.report
from verinit.report.pages import LIMIT
from verinit.vocabulary import Verdict
from verinit.vocabulary.document import decode

SAMPLE = runpy.run_path(str(Path(__file__).with_name("test_report_sample.py")))
finding, evidence, sample = SAMPLE["finding"], SAMPLE["evidence"], SAMPLE["sample"]
PAGES = {
    "run": verinit.report.html(sample()),
    "ledger": verinit.report.ledger_html(sample()),
    "bare": verinit.report.html(sample(findings=(), rulings=(), exhibits=(), surprises=())),
}
COMMITTED = sorted(Path(__file__).parents[2].glob("reports/*/report.json"))
each = pytest.mark.parametrize("name", PAGES)


class Outline(HTMLParser):
    """Every element with its attributes, in order, and what tables hold."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.tables = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag == "table":
            self.tables.append({"caption": 0, "col": 0, "row": 0, "unscoped": 0})
        elif tag == "caption":
            self.tables[-1]["caption"] += 1
        elif tag == "th":
            self.tables[-1][given.get("scope", "unscoped")] += 1

    def all(self, tag):
        return [given for name, given in self.elements if name == tag]


@each
def test_headings_never_skip_a_level_and_the_first_is_the_verdict(name):
    read = Outline(PAGES[name])
    levels = [int(tag[1]) for tag, _ in read.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert read.all("h1")[0]["id"] == "verdict"


@each
def test_landmarks_are_there_once_and_the_first_link_skips_to_the_main_one(name):
    read = Outline(PAGES[name])
    assert read.all("html") == [{"lang": "en"}]
    for landmark in ("header", "main", "nav", "footer"):
        assert len(read.all(landmark)) == 1
    assert read.all("nav")[0]["aria-label"]
    assert read.all("a")[0] == {"class": "skip", "href": "#main"}
    assert read.all("main")[0]["id"] == "main"


@each
def test_sections_and_articles_are_named_by_what_is_in_the_page(name):
    read = Outline(PAGES[name])
    ids = {given["id"] for _, given in read.elements if "id" in given}
    named = [given["aria-labelledby"] for tag in ("section", "article", "svg") for given in read.all(tag)]
    assert named or name == "bare"
    assert {part for names in named for part in names.split()} <= ids


@each
def test_every_table_has_a_caption_and_every_header_a_scope(name):
    read = Outline(PAGES[name])
    assert read.tables or name == "bare"
    for table in read.tables:
        assert table["caption"] == 1
        assert table["unscoped"] == 0
        assert table["col"] + table["row"] > 0


@each
def test_focus_is_visible(name):
    css = PAGES[name].partition("</style>")[0]
    assert re.search(r"a:focus-visible, summary:focus-visible \{ outline: 2px solid", css)
    assert re.search(r"\.scroll:focus-visible \{ outline: 2px solid", css)
    assert "outline: none" not in css
    assert "outline: 0" not in css


def colours(css):
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6})\b", css))


def channels(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    return [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]


def contrast(one, other, *, opacity=1.0):
    """The ratio of WCAG between `one`, laid on `other` with an opacity, and `other`."""
    below = channels(other)
    above = [opacity * a + (1 - opacity) * b for a, b in zip(channels(one), below, strict=True)]

    def luminance(shares):
        linear = [s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return sum(w * s for w, s in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    low, high = sorted((luminance(above), luminance(below)))
    return (high + 0.05) / (low + 0.05)


def schemes():
    css = PAGES["run"].partition("</style>")[0]
    light, rest = css.split("@media screen and (prefers-color-scheme: dark)")
    dark, printed = rest.split("@media print")
    inks = colours(light)
    return {"light": inks, "dark": inks | colours(dark.split("\n} }")[0]), "print": inks | colours(printed)}


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
    assert contrast("#000000", "#ffffff", opacity=0.0) == 1.0


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_text_can_be_read_and_shapes_can_be_told_from_the_paper(scheme):
    inks = schemes()[scheme]
    words = [n for n in inks if n not in ("paper", "raised", "hair") and not n.startswith("fig-")]
    assert len(words) > 12
    for paper in (inks["paper"], inks["raised"]):
        for name in words:
            assert contrast(inks[name], paper) >= 4.5, name
    for name in ("fig-observed", "fig-expected", "failed"):
        assert contrast(inks[name], inks["paper"]) >= 3.0, name


def test_the_dark_and_the_light_scheme_name_the_same_inks():
    css = PAGES["run"].partition("</style>")[0]
    light, rest = css.split("@media screen and (prefers-color-scheme: dark)")
    shared = {"fig-failed", "fig-ink", "fig-muted"}  # these stand for others
    assert set(colours(light)) - shared == set(colours(rest.split("\n} }")[0])) - shared


def many(count, verdicts):
    """`count` findings of 60 targets and 90 checks, a third of the failures without one finite number."""
    lost = evidence(
        expected=math.nan,
        observed=math.inf,
        distance=math.nan,
        tolerance=math.nan,
        resolution=math.inf,
        interval=(math.nan, math.inf),
        p=None,
    )
    claims = [dataclasses.replace(SAMPLE["VARIANCE"], id=f"XX{100 + index}") for index in range(90)]
    for index in range(count):
        verdict = verdicts[index % len(verdicts)]
        measured = verdict not in (Verdict.skipped, Verdict.errored)
        made = finding(f"mine:{index // 90 % 60}", draw=index // 5400, verdict=verdict, reason="no reason")
        seen = lost if verdict is Verdict.failed and index % 3 == 0 else evidence()
        yield dataclasses.replace(made, claim=claims[index % 90], evidence=seen if measured else None)


@pytest.mark.slow
def test_fifty_thousand_findings_are_counted_and_drawn_in_time():
    report = sample(findings=tuple(many(50_000, tuple(Verdict))), complete=True, surprises=(), planned=50_000)
    started = time.process_time()
    page = verinit.report.html(report)
    assert time.process_time() - started < 20
    assert len(page.encode()) <= LIMIT
    assert "Of 50000 trials, 10000 failed and 10000 errored." in page
    groups = len({(f.target, f.claim.id, f.verdict) for f in report.red})
    shown = page.count('<article class="finding is-failed"') + page.count(
        '<article class="finding is-errored"'
    )
    assert 0 < shown < groups
    assert f"{groups - shown} more targets and checks that failed" in page


def test_every_target_and_every_check_of_a_large_run_is_in_the_matrix():
    page = verinit.report.html(sample(findings=tuple(many(60 * 90, (Verdict.passed,))), exhibits=()))
    matrix = page[page.index('<table class="matrix">') :]
    matrix = matrix[: matrix.index("</table>")]
    assert matrix.count('<th scope="col">') == 1 + 90
    assert matrix.count('<th scope="row">') == 60
    assert matrix.count('<td class="is-passed">') == 60 * 90
    assert "60 targets by 90 checks" in matrix
    assert all(f">XX{100 + index}</a>" in matrix for index in range(90))


def test_what_a_check_claims_is_one_link_away_from_its_column():
    page = PAGES["run"]
    heads = re.findall(r'<th scope="col"><a href="#([^"]+)">(\w+)</a>', page)
    assert {code for _, code in heads} == {"IN201", "IN204", "AC101"}
    for anchor, code in heads:
        row = page[page.index(f'<tr id="{anchor}">') :]
        assert row.startswith(f'<tr id="{anchor}"><th scope="row">{code}</th>')


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.parent.name)
def test_the_pages_of_real_runs_are_below_one_mebibyte(path):
    report = decode(path.read_bytes())
    assert len(verinit.report.html(report).encode()) < 2**20
    if report.rulings:
        assert len(verinit.report.ledger_html(report).encode()) < 2**20
