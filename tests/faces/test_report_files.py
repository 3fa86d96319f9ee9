"""All files of a report appear whole or not at all; the summary is Markdown that names cannot break."""

import os
import re
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import verinit.report
from verinit.report import files, placing
from verinit.report.summary import LIMIT
from verinit.vocabulary import UsageError, Verdict
from verinit.vocabulary.document import decode, document

SAMPLE = runpy.run_path(str(Path(__file__).with_name("test_report_sample.py")))
sample, finding, HOSTILE = SAMPLE["sample"], SAMPLE["finding"], SAMPLE["HOSTILE"]
NAMES = ["index.html", "report.json", "report.md", "textbook.html"]
SMALL = sample(exhibits=())
"""Without the many figures, for tests of the files and not of what is in them."""


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_all_files_are_written_and_the_page_is_named(tmp_path):
    page = verinit.report.write(SMALL, tmp_path / "new" / "folder")
    assert page == tmp_path / "new" / "folder" / "index.html"
    assert listing(page.parent) == NAMES
    assert page.read_text(encoding="utf-8") == verinit.report.html(SMALL)


def test_the_data_are_read_back_whole_even_half_a_character(tmp_path):
    page = verinit.report.write(SMALL, tmp_path)
    again = decode(page.with_name("report.json").read_bytes())
    assert document(again) == document(SMALL)
    assert any("\ud800" in found.likely for found in again.findings)


def test_the_same_report_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        verinit.report.write(SMALL, tmp_path / name)
    for name in NAMES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_report_without_rulings_has_no_ledger_and_leaves_no_old_one(tmp_path):
    verinit.report.write(SMALL, tmp_path)
    verinit.report.write(replace(SMALL, rulings=()), tmp_path)
    assert listing(tmp_path) == [name for name in NAMES if name != "textbook.html"]


def test_a_folder_that_is_a_file_gives_a_sentence(tmp_path):
    place = tmp_path / "taken"
    place.write_text("mine")
    with pytest.raises(
        UsageError, match=r"^report='.*taken': the report cannot be written there \(.+\); give"
    ):
        verinit.report.write(SMALL, place)
    assert place.read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_gives_a_sentence(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(UsageError, match="Permission denied"):
            verinit.report.write(SMALL, tmp_path)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("broken", ["write_bytes", "replace"])
def test_a_failure_in_mid_writing_leaves_the_old_report_and_no_litter(tmp_path, monkeypatch, broken):
    verinit.report.write(SMALL, tmp_path)
    before = {name: (tmp_path / name).read_bytes() for name in NAMES}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(
        *((Path, "write_bytes") if broken == "write_bytes" else (placing.os, "replace")), full
    )
    with pytest.raises(UsageError, match="No space left on device"):
        verinit.report.write(replace(SMALL, root=7), tmp_path)
    assert listing(tmp_path) == NAMES
    assert {name: (tmp_path / name).read_bytes() for name in NAMES} == before


def test_an_interruption_leaves_the_old_report_and_no_litter(tmp_path, monkeypatch):
    verinit.report.write(SMALL, tmp_path)
    before = (tmp_path / "report.json").read_bytes()

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(placing.os, "replace", stop)
    with pytest.raises(KeyboardInterrupt):
        verinit.report.write(replace(SMALL, root=7), tmp_path)
    assert listing(tmp_path) == NAMES
    assert (tmp_path / "report.json").read_bytes() == before


def test_a_rendering_that_fails_touches_no_file(tmp_path, monkeypatch):
    def broken(_):
        raise ZeroDivisionError

    monkeypatch.setattr(files, "html", broken)
    with pytest.raises(ZeroDivisionError):
        verinit.report.write(SMALL, tmp_path / "never")
    assert not (tmp_path / "never").exists()


def test_the_summary_loads_no_numeric_library():
    code = (
        "import sys, verinit.report; verinit.report.markdown; "
        "print(sorted({'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_summary_keeps_the_order_of_the_page():
    heads = re.findall("^## (.*)$", verinit.report.markdown(sample()), flags=re.MULTILINE)
    assert heads == [
        "What failed or errored, worst first",
        "What is undecided, and what would decide it",
        "Failures that were expected, with their reasons",
        "All targets and checks",
        "The textbook ledger",
        "Skipped, with reasons",
        "Environment and how to run it again",
    ]


def outside_code(text):
    without = re.sub(r"(?ms)^(`{3,})text$.*?^\1$", "", text)
    return re.sub(r"(?<!\\)(`+)(?!`).*?(?<!`)\1(?!`)", "", without)


def test_names_do_not_act_in_the_summary():
    rest = outside_code(verinit.report.markdown(sample()))
    assert "script" in rest
    assert not re.search(r"(?<!\\)<(?!br>)", rest)
    assert "@all" not in rest
    assert "://" not in rest


def test_every_row_of_a_table_has_as_many_cells_as_its_header():
    rows = []
    for line in [*verinit.report.markdown(sample()).splitlines(), ""]:
        if line.startswith("| "):
            rows.append(len(re.findall(r"(?<!\\)\|", line)))
        elif rows:
            assert len(set(rows)) == 1
            rows = []


def test_a_fence_is_longer_than_any_in_the_text():
    ticks = "`````"
    text = verinit.report.markdown(sample(findings=(finding(ticks, verdict=Verdict.failed),)))
    assert "``````text\n" in text


def test_a_summary_fits_into_a_comment():
    many = tuple(
        finding(f"{HOSTILE}{'z' * 3000}{index}", draw=index, verdict=Verdict.failed) for index in range(300)
    )
    text = verinit.report.markdown(sample(findings=many))
    assert len(text) <= LIMIT
    assert "see report.json" in text
