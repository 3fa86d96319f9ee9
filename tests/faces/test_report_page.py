"""The page is one file that needs nothing else, shows names as they are, and never grows without bound."""

import dataclasses
import re
import runpy
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

import verinit.report
from verinit.report import pages
from verinit.report.characters import breadth, brief, clipped, visible
from verinit.report.outline import outline, verdict
from verinit.report.pages import LIMIT
from verinit.vocabulary import Outcome, Report, Ruling, Verdict

SAMPLE = runpy.run_path(str(Path(__file__).with_name("test_report_sample.py")))
finding, evidence, sample = SAMPLE["finding"], SAMPLE["evidence"], SAMPLE["sample"]
PAGE = verinit.report.html(sample())
VOID = {"meta", "br", "path", "use", "wbr"}


class Reader(HTMLParser):
    """Elements in order, with what is left open and the ids and links seen."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.links, self.texts, self.attributes = [], [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.append(tag)
        self.attributes.append((tag, attributes))
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if "href" in attributes else []
        if tag not in VOID | {"td", "th", "tr"}:  # these may stay open in HTML
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID | {"td", "th", "tr"}:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))


READ = Reader(PAGE)
LEDGER = verinit.report.ledger_html(sample())
READ_LEDGER = Reader(LEDGER)
BOTH = pytest.mark.parametrize(("text", "read"), [(PAGE, READ), (LEDGER, READ_LEDGER)], ids=["run", "ledger"])


def green(**changes):
    passed = (finding(draw=draw) for draw in range(3))
    return sample(**{"findings": tuple(passed), "surprises": (), "complete": True, **changes})


@BOTH
def test_elements_are_closed_and_ids_are_given_once(text, read):
    assert read.open == []
    assert [name for name, count in Counter(read.ids).items() if count > 1] == []


@BOTH
def test_every_link_leads_to_a_place_in_the_page_or_its_neighbour(text, read):
    assert {link[1:] for link in read.links if link.startswith("#")} <= set(read.ids)
    neighbours = {"textbook.html": READ_LEDGER, "index.html": READ}
    for link in read.links:
        name, _, anchor = link.partition("#")
        assert not name or not anchor or anchor in neighbours[name].ids
        assert not name or name in neighbours


def test_every_ruling_of_the_page_leads_to_its_place_in_the_ledger():
    assert {f"textbook.html#{ruling.id}" for ruling in sample().rulings} <= set(READ.links)
    assert {ruling.id for ruling in sample().rulings} <= set(READ_LEDGER.ids)


@BOTH
def test_the_page_refers_to_nothing_outside_and_runs_nothing(text, read):
    assert "script" not in read.tags
    assert not set(read.tags) & {"link", "img", "iframe", "object", "embed", "base", "form"}
    loading = {"src", "srcset", "data", "action", "background", "ping"}
    for tag, attributes in read.attributes:
        assert not loading & set(attributes), tag
        assert not [name for name in attributes if name.startswith("on")], tag
        spoken = {"aria-label"}  # text, in which a name may say anything
        assert not [
            name for name, value in attributes.items() if "http" in (value or "") and name not in spoken
        ]
    outside_texts = "".join(data for tag, data in read.texts if tag == "style")
    assert not re.search(r"url\(|@import|http", outside_texts)


def test_the_order_is_that_of_a_reader_in_a_hurry():
    sections = ["verdict", "failed", "undecided", "excused", "matrix", "figures", "textbook", "skipped"]
    places = [PAGE.index(f'id="{name}"') for name in (*sections, "environment", "again")]
    assert places == sorted(places)


def test_the_experiment_of_the_chapter_is_the_first_figure():
    gallery = PAGE[PAGE.index('id="figures"') :]
    assert gallery.index("Five layers of sigmoid") < gallery.index("Mean square of the gradient by depth")


def test_every_failure_shows_its_message_and_how_to_see_it_again():
    texts = "".join(data for _, data in READ.texts)
    for group in outline(sample()).failures:
        assert visible(str(group[0])) in texts
        if group[0].replayable:
            assert f"verinit replay {group[0].short_id}" in texts


def test_every_ruling_has_its_anchor():
    assert {ruling.id for ruling in sample().rulings} <= set(READ.ids)


@pytest.mark.parametrize(("text", "count"), [(PAGE, 9), (LEDGER, 1)], ids=["run", "ledger"])
def test_every_svg_is_an_image_with_a_title_and_a_description(text, count):
    images = re.findall(r"<svg .*?</svg>", text, flags=re.DOTALL)
    assert len(images) == count
    for image in images:
        assert re.match(
            r'<svg id="\S+" role="img" [^>]*aria-labelledby="\S+ \S+"><title id=[^>]+>[^<]', image
        )
        assert re.search(r"</title><desc id=[^>]+>[^<]{20,}</desc>", image)


@BOTH
def test_what_scrolls_can_be_reached_by_keyboard_and_has_a_name(text, read):
    regions = [given for tag, given in read.attributes if "scroll" in (given.get("class") or "").split()]
    assert regions
    assert all(given["tabindex"] == "0" and given["aria-label"] for given in regions)


def test_names_of_targets_are_shown_and_never_act():
    hostile = SAMPLE["HOSTILE"]
    assert "<script" not in PAGE
    assert "&lt;script&gt;alert(" in PAGE
    assert visible(hostile) in "".join(data for _, data in READ.texts)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\ud800-\udfff]", PAGE)
    PAGE.encode("utf-8")


def test_hostile_names_of_exhibits_do_not_leave_their_svg():
    name = "</title></svg><marquee>$x$" + SAMPLE["HOSTILE"]
    given = dict.fromkeys(("title", "plate", "row", "column", "caption"), name)
    exhibit = dataclasses.replace(SAMPLE["cells"](), **given, notes=((name, name),))
    read = Reader(verinit.report.html(green(exhibits=(exhibit, exhibit))))
    assert read.open == []
    assert "script" not in read.tags
    assert "marquee" not in read.tags


def test_a_name_of_ten_thousand_characters_is_shortened_and_counted():
    page = verinit.report.html(sample(findings=(finding("x" * 10_000, verdict=Verdict.failed),), exhibits=()))
    assert "more characters in report.json" in page
    assert len(page) < 100_000


def test_a_default_page_is_below_one_mebibyte():
    assert len(PAGE.encode()) < 2**20


def failures(count, **details):
    name = f"{SAMPLE['HOSTILE']}{'y' * 5000}"
    return tuple(
        finding(f"{name}{index}", draw=index, verdict=Verdict.failed, likely=name, **details)
        for index in range(count)
    )


def test_no_page_is_larger_than_its_limit():
    page = verinit.report.html(sample(findings=failures(400), exhibits=()))
    assert len(page.encode()) <= LIMIT
    assert "see report.json" in page
    assert Reader(page).open == []


def test_a_page_that_would_be_too_large_is_drawn_again_with_less(monkeypatch):
    exhibits = [dataclasses.replace(SAMPLE["cells"](), id=name) for name in "abcdefghij"]
    tight, drawn, render = 200_000, [], pages._render
    monkeypatch.setattr(pages, "LIMIT", tight)
    monkeypatch.setattr(pages, "_render", lambda *given: drawn.append(render(*given)) or drawn[-1])
    page = verinit.report.html(sample(findings=failures(60), exhibits=tuple(exhibits)))
    assert [len(text.encode()) > tight for text in drawn] == [*[True] * (len(drawn) - 1), False]
    assert len(drawn) > 1
    assert page == drawn[-1]
    assert "see report.json" in page
    assert Reader(page).open == []


@pytest.mark.parametrize("figures", [0, 1, 3000])
def test_every_figure_that_has_no_room_is_named(figures):
    report = sample(findings=(), exhibits=(SAMPLE["cells"](), SAMPLE["gains"]()), rulings=())
    small = dataclasses.replace(pages.ALLOWANCES[-1], figures=figures)
    page = pages._render(report, outline(report), small, "page.html.j2")
    assert page.count("Left out for the size of the page: figure") == 2


def test_the_page_is_the_same_bytes_for_the_same_report():
    assert verinit.report.html(sample()) == PAGE
    assert verinit.report.ledger_html(sample()) == LEDGER


@pytest.mark.parametrize(
    ("report", "sentence", "tone"),
    [
        (green(), "Nothing failed: of 3 trials, 3 passed.", "passed"),
        (green(surprises=("T06",)), "Of 3 trials, 1 ruling changed.", "failed"),
        (green(complete=False), "Incomplete: 3 of 60 planned trials were run.", "failed"),
        (green(findings=()), "Nothing passed: a run without a pass is never green.", "failed"),
        (
            green(findings=(), planned=0),
            "The textbook ledger: 1 holds, 1 refuted, 1 depends, 1 undecided.",
            "passed",
        ),
        (
            green(findings=(finding(), finding("slow", verdict=Verdict.inconclusive))),
            "Nothing failed: of 2 trials, 1 passed and 1 inconclusive.",
            "inconclusive",
        ),
        (
            green(findings=(finding(), finding("a", verdict=Verdict.failed, excuse="known"))),
            "Nothing failed unexpectedly: of 2 trials, 1 passed and 1 failed as expected.",
            "passed",
        ),
        (
            green(findings=(finding(), finding("a", verdict=Verdict.failed))),
            "Of 2 trials, 1 failed.",
            "failed",
        ),
    ],
)
def test_the_verdict_is_one_sentence_and_never_greener_than_the_report(report, sentence, tone):
    assert verdict(report) == (sentence, tone)
    assert (tone == "failed") == (not report)


def test_a_report_of_nothing_renders():
    empty = Report(battery="smoke", root=1, false_fail=1e-6, planned=0)
    assert Reader(verinit.report.html(empty)).open == []
    assert "Nothing passed" in verinit.report.markdown(empty)


def test_cases_collapse_to_the_worst_and_are_counted():
    broken = (finding(draw=9, verdict=Verdict.failed), finding(draw=8, verdict=Verdict.inconclusive))
    whole = outline(green(findings=(*green().findings, *broken)))
    cell = whole.matrices[0].rows[0][1][0]
    assert (cell.state.word, cell.count, cell.total) == ("failed", 1, 5)


def test_targets_without_a_common_check_stand_in_matrices_of_their_own():
    blocks = outline(sample()).matrices
    assert [matrix.checks for matrix in blocks] == [("IN201", "IN204"), ("AC101",)]


def test_ids_of_rulings_do_not_clash_with_sections():
    clashing = Ruling(id="failed", ruling=Outcome.holds, claim="c", summary="s")
    read = Reader(verinit.report.html(green(rulings=(clashing, clashing))))
    assert [name for name, count in Counter(read.ids).items() if count > 1] == []


@pytest.mark.parametrize(
    ("text", "width", "short"),
    [
        ("short", 10, "short"),
        ("two\nlines", 12, "two lines"),
        ("mypackage.initialisers:he_normal", 20, "mypackage.…he_normal"),
        ("초기값초기값초기값", 9, "초기…기값"),
    ],
)
def test_long_names_lose_their_middle(text, width, short):
    assert brief(text, width) == short
    assert breadth(short) <= width


def test_what_is_clipped_is_counted():
    assert clipped("abcdef", 4) == "abcd… (2 more characters in report.json)"
