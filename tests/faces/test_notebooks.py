"""A report, a finding and a ruling show themselves in a notebook as they stand in the report."""

import importlib.util
import json
import math
import os
import re
import runpy
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import verinit
from verinit.report import notebooks
from verinit.report.characters import visible
from verinit.report.outline import outline, verdict
from verinit.vocabulary import Verdict

SAMPLE = runpy.run_path(str(Path(__file__).with_name("test_report_sample.py")))
sample, finding, evidence = SAMPLE["sample"], SAMPLE["finding"], SAMPLE["evidence"]
REPORT = sample()
NOUNS = {
    "report": REPORT,
    "failure": REPORT.red[1],
    "crash": REPORT.red[0],
    "hostile": next(found for found in REPORT.red if found.target == SAMPLE["HOSTILE"]),
    "pass": next(found for found in REPORT.findings if found.verdict is Verdict.passed),
    "skip": next(found for found in REPORT.findings if found.verdict is Verdict.skipped),
    "ruling": REPORT.rulings[0],
    "hostile ruling": REPORT.rulings[-1],
}
SHOWN = {name: noun._repr_html_() for name, noun in NOUNS.items()}
each = pytest.mark.parametrize("name", NOUNS)
VOID = {"br", "wbr", "path", "use", "td", "th", "tr"}  # the last three may stay open in HTML


class Reader(HTMLParser):
    """What is opened and closed, what has an id, and what is read."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.ids, self.given, self.words = [], [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.given += attrs
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] != "style":
            self.words.append(data)


@each
def test_an_output_is_one_closed_element_that_runs_and_loads_nothing(name):
    read = Reader(SHOWN[name])
    assert read.open == []
    assert SHOWN[name].startswith('<div class="verinit">')
    assert SHOWN[name].rstrip().endswith("</div>")
    assert not set(read.tags) & {"script", "link", "img", "iframe", "object", "embed", "form"}
    assert not [key for key, _ in read.given if key.startswith("on") or key in ("src", "action")]
    assert not re.search(r"url\(|@import", SHOWN[name])
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\ud800-\udfff\ue000]", SHOWN[name])


@each
def test_the_same_noun_gives_the_same_bytes(name):
    assert NOUNS[name]._repr_html_() == SHOWN[name]


def test_outputs_of_one_notebook_share_no_id():
    ids = [given for text in SHOWN.values() for given in Reader(text).ids]
    assert len(ids) > 20
    assert len(ids) == len(set(ids))


def test_a_report_opens_with_its_verdict_and_its_worst_failures():
    words = "".join(Reader(SHOWN["report"]).words)
    assert words.index(verdict(REPORT)[0]) < words.index(visible(str(REPORT.red[0])))
    groups = outline(REPORT).failures
    most = notebooks.ALLOWANCES[0].blocks
    for group in groups[:most]:
        assert visible(str(group[0])) in words
    assert len(groups) <= most or f"{len(groups) - most} more targets and checks that failed" in words


def test_failures_that_are_not_shown_are_counted():
    many = tuple(finding(f"mine:{index}", verdict=Verdict.failed) for index in range(9))
    words = "".join(Reader(sample(findings=many)._repr_html_()).words)
    assert words.count("IN201 FAILED") == notebooks.ALLOWANCES[0].blocks
    assert f"{9 - notebooks.ALLOWANCES[0].blocks} more targets and checks that failed" in words


@pytest.mark.parametrize("name", ["failure", "hostile", "pass"])
def test_a_finding_shows_its_message_and_a_picture_of_its_evidence(name):
    read = Reader(SHOWN[name])
    assert visible(str(NOUNS[name])) in "".join(read.words)
    assert read.tags.count("svg") == 1


def test_what_was_not_measured_has_no_picture():
    for name in ("crash", "skip"):
        assert "svg" not in Reader(SHOWN[name]).tags
        assert visible(str(NOUNS[name])) in "".join(Reader(SHOWN[name]).words)


def test_a_ruling_shows_what_the_chapter_says_and_what_is_so():
    ruling = NOUNS["ruling"]
    words = "".join(Reader(SHOWN["ruling"]).words)
    for said in (ruling.claim, ruling.summary, ruling.conditions, *(e.quantity for e in ruling.evidence)):
        assert visible(said) in words


def test_colours_follow_the_notebook_and_else_the_system():
    css = SHOWN["pass"].partition("</style>")[0]
    system = css.index("@media (prefers-color-scheme: dark)")
    chosen = [css.index(f'data-jp-theme-light="{light}"') for light in ("true", "false")]
    assert css.index("--paper: #fdfdfb") < system < chosen[0] < chosen[1]
    papers = re.findall(r"--paper: (#\w+);", css)
    assert papers == ["#fdfdfb", "#14171b", "#fdfdfb", "#14171b"]


def test_an_output_is_never_larger_than_its_limit():
    long = SAMPLE["HOSTILE"] * 100
    many = tuple(
        finding(f"{long}{index}", draw=index, verdict=outcome, likely=long, reason=long)
        for index in range(120)
        for outcome in (Verdict.failed, Verdict.skipped, Verdict.inconclusive)
    )
    text = sample(findings=many)._repr_html_()
    assert len(text.encode()) <= notebooks.LIMIT
    assert Reader(text).open == []
    assert "360 trials" in text


def test_the_words_of_a_notebook_are_those_of_the_terminal_and_not_every_field():
    class Printer:
        said = ""

        def text(self, text):
            self.said += text

    for noun in (REPORT, REPORT.red[0], REPORT.rulings[0]):
        printer = Printer()
        noun._repr_pretty_(printer, False)
        assert printer.said == str(noun)


def test_a_report_made_of_the_vocabulary_alone_shows_itself_and_loads_its_artist_only_then():
    code = (
        "import sys\n"
        "from verinit.vocabulary import Report\n"
        "report = Report(battery='smoke', root=1, false_fail=1e-6, planned=0)\n"
        "print('verinit.report.notebooks' in sys.modules, 'matplotlib' in sys.modules)\n"
        "print(report._repr_html_()[:21], 'verinit.report.notebooks' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False False", '<div class="verinit"> True']


def test_numbers_without_a_place_are_shown_as_words():
    lost = evidence(expected=math.nan, observed=math.inf, distance=math.nan, tolerance=math.inf, p=None)
    text = finding(verdict=Verdict.failed, evidence=lost)._repr_html_()
    assert "svg" not in Reader(text).tags
    assert "not a finite distance" in text


CELLS = (
    """
import verinit

def chapter(shape, rng):
    return rng.standard_normal(shape) * 2 / shape[0] ** 0.5

report = verinit.verify(chapter, scheme="he_normal", battery="smoke")
report
""",
    "report.red[0]",
    """
from verinit.vocabulary import Outcome, Ruling
Ruling(id="T99", ruling=Outcome.holds, claim="<b>bold</b>", summary="So it is.")
""",
    'verinit.portrait("he_normal", activation="relu", width=20, depth=2, inputs=50)',
)
RUN = """
import sys
import nbformat
from nbclient import NotebookClient

cells = [nbformat.v4.new_code_cell(cell) for cell in sys.argv[2:]]
book = nbformat.v4.new_notebook(cells=cells)
NotebookClient(book, timeout=240, kernel_name="python3").execute()
nbformat.write(book, sys.argv[1])
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """What each cell of an executed notebook shows, by type; the kernel has a home of its own."""
    if not all(map(importlib.util.find_spec, ("nbclient", "ipykernel"))):
        pytest.skip("no nbclient or no ipykernel")
    home = tmp_path_factory.mktemp("notebook")
    root = str(Path(verinit.__file__).parents[1])
    paths = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH", ""))))
    given = {"HOME": str(home), "IPYTHONDIR": str(home), "JUPYTER_CONFIG_DIR": str(home), "PYTHONPATH": paths}
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(home / "book.ipynb"), *CELLS],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        cwd=home,
        env=kept | given,
    )
    assert done.returncode == 0, done.stderr
    book = json.loads((home / "book.ipynb").read_text(encoding="utf-8"))
    return [
        {key: "".join(text) for key, text in cell["outputs"][-1]["data"].items()} for cell in book["cells"]
    ]


def test_an_executed_notebook_shows_a_report(outputs):
    shown = outputs[0]
    assert set(shown) == {"text/plain", "text/html"}
    assert shown["text/html"].startswith('<div class="verinit">')
    assert "<svg" in shown["text/html"]
    assert re.search(r"Of \d+ trials, \d+ failed", shown["text/html"])
    assert shown["text/plain"].startswith("IN201 FAILED for chapter=he_normal")
    assert sum(len(text.encode()) for text in shown.values()) < notebooks.LIMIT


def test_an_executed_notebook_shows_a_finding_and_a_ruling(outputs):
    _, found, ruling, portrait = outputs
    assert "IN201 FAILED" in found["text/html"]
    assert found["text/html"].count("<svg") == 1
    assert "&lt;b&gt;bold&lt;/b&gt;" in ruling["text/html"]
    assert ruling["text/plain"].startswith("T99 HOLDS: So it is.")
    assert "<svg" in portrait["text/html"]
    assert portrait["text/plain"].startswith("Activations by layer: relu, he_normal")
