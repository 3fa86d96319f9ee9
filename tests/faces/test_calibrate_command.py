"""`verinit calibrate`: quick for a few checks, whole for maintainers, resumable, and honest about a miss."""

import dataclasses
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from verinit.calibration import campaign, numerics, record
from verinit.calibration.campaign import Campaign, assembled, cells
from verinit.calibration.exhibits import excluded, exhibits
from verinit.calibration.record import Calibration, Kill, Replays
from verinit.calibration.wording import text
from verinit.checks import CHECKS
from verinit.cli import calibrate_command
from verinit.report import html, markdown
from verinit.vocabulary import Report
from verinit.vocabulary.document import decode

QUICK_WHOLE = ("--replays", "0", "--jobs", "1", "--quiet")
QUICK = ("--roots", "2", "--jobs", "0", "--quiet")


def empty(**changes):
    kinds = ("numerics", "controls", "kills", "caught", "sole", "nulls", "powers", "commands")
    nothing = dict.fromkeys(("environment", "codes", "faults", "uses", "levels", *kinds), ())
    return Calibration(**{"version": "0", "first": 1, "level": 1e-9, "replays": None, **nothing, **changes})


@pytest.fixture
def sparing(monkeypatch):
    """A tenth of the samples: these tests are about words, not about rates."""
    monkeypatch.setattr(calibrate_command, "Campaign", lambda **asked: Campaign(**{"samples": 600, **asked}))


def test_a_few_checks_are_calibrated_in_a_table_of_80_columns(verinit, here, sparing):
    code, out, err = verinit("calibrate", "IN202", "in301", "IN304", *QUICK)
    lines = out.splitlines()
    assert code in (0, 1)  # 600 samples may say too little
    assert max(len(line) for line in lines if not line.startswith("MISSED")) <= 80
    assert lines[0].split()[:3] == ["test", "of", "kind"]
    assert re.search(
        r"^marginal\.mean +normal law, n = 50 +exact +1\.0e-09 +\d\.\d{3} \+- \d\.\d{3}", out, re.M
    )
    assert re.search(r"^lines\.sums ", out, re.M)
    assert re.search(r"^shifted +IN202  2 of 2$", out, re.M)
    assert "variance" not in {line.partition(" ")[0].rpartition(".")[2] for line in lines}
    assert not list(here.glob("verinit-calibration*"))
    assert err == ""


def test_a_check_without_statistics_has_its_faults_alone(verinit, sparing):
    code, out, _ = verinit("calibrate", "IN101", *QUICK)
    assert code == 0
    assert re.search(r"^a_list +IN101  2 of 2$", out, re.M)
    assert "nothing missed its gate" in out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("INN201",), "no check named 'INN201'; did you mean 'IN201'?"),
        (("IN201", "--output", "x.json"), "a calibration of some checks is printed, not written"),
        (("IN201", "--update"), "--update with IN201"),
        (("--update", "--output", "x.json"), "give one of them"),
        (("--roots", "0"), "--roots 0: give a whole number, at least 1"),
        (("--replays", "-1"), "--replays -1: give a whole number, at least 0"),
        (("--jobs", "-2"), "--jobs -2: give a whole number, at least 0"),
        (("--seed", "soon"), "give a whole number, or 'fresh'"),
    ],
)
def test_a_slip_is_answered_in_one_sentence(verinit, words, said):
    code, out, err = verinit("calibrate", *words)
    assert code == 2
    assert out == ""
    assert said in err
    assert err.count("\n") == 1


def test_mpmath_is_asked_for_in_one_sentence(verinit, monkeypatch):
    monkeypatch.setitem(sys.modules, "mpmath", None)
    numerics.multiprecision.cache_clear()
    code, _, err = verinit("calibrate", "--replays", "0", "--quiet")
    numerics.multiprecision.cache_clear()
    assert code == 2
    assert err.startswith("verinit: p-values are calibrated against mpmath, which is not installed: pip ")
    assert err.count("\n") == 1


@pytest.fixture
def tiny(monkeypatch):
    """A whole calibration of two cells: what surrounds the measurements, without them."""
    wanted = [cell for cell in cells(Campaign(codes=("IN101",), roots=1)) if cell.kind == "kill"][:2]
    monkeypatch.setattr(calibrate_command, "cells", lambda asked: wanted)

    def gathered(asked, ledger):
        rows = tuple(Kill(**ledger[cell]) for cell in wanted)
        return empty(
            kills=rows, replays=Replays(battery="smoke", targets=1, trials=1, first=1, last=9, failed=())
        )

    monkeypatch.setattr(calibrate_command, "assembled", gathered)
    return wanted


def test_the_whole_is_written_where_asked_and_kept_on_the_way(verinit, here, tiny):
    code, out, _ = verinit("calibrate", "--output", "new.json", "--jobs", "0", "--quiet")
    assert code == 0
    assert "calibration new.json" in out
    assert record.decode((here / "new.json").read_text()).kills[0].held
    (kept,) = (here / "verinit-calibration").iterdir()
    assert len(kept.read_text().splitlines()) == len(tiny)


def test_what_is_finished_is_not_measured_again(verinit, here, tiny, monkeypatch):
    verinit("calibrate", "--jobs", "0", "--quiet")
    monkeypatch.setattr("verinit.calibration.crew.perform", lambda cell: pytest.fail("measured again"))
    code, _, _ = verinit("calibrate", "--jobs", "0", "--quiet")
    assert code == 0


def test_update_writes_over_the_shipped_file_and_nothing_else_does(verinit, here, tiny, monkeypatch):
    monkeypatch.setattr(calibrate_command, "shipped_file", lambda: here / "shipped.json")
    verinit("calibrate", "--jobs", "0", "--quiet")
    assert not (here / "shipped.json").exists()
    code, _, _ = verinit("calibrate", "--jobs", "0", "--quiet", "--update")
    assert code == 0
    assert (here / "shipped.json").exists()


def test_a_folder_that_cannot_be_used_is_named(verinit, here, tiny):
    (here / "taken").write_text("")
    code, _, err = verinit("calibrate", "--work-dir", "taken/below", "--jobs", "0", "--quiet")
    assert code == 2
    assert "--work-dir taken/below" in err


def test_a_missed_gate_exits_1_and_is_named(verinit, tiny, monkeypatch):
    missed = empty(kills=(Kill(fault="f", code="IN201", kills=58, roots=59),))
    monkeypatch.setattr(calibrate_command, "assembled", lambda asked, ledger: missed)
    code, out, _ = verinit("calibrate", "--jobs", "0", "--quiet")
    assert code == 1
    assert re.search(r"^f +IN201  58 of 59  MISSED$", out, re.M)
    assert "MISSED    IN201 on f: 58 kills of 59" in out


def test_ctrl_c_exits_130_and_keeps_what_is_finished(here):
    words = [sys.executable, "-c", "from verinit.cli import main; main()", "calibrate", *QUICK_WHOLE]
    run = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True)
    kept = here / "verinit-calibration"
    patience = time.monotonic() + 60
    while not any(file.stat().st_size for file in kept.glob("*.jsonl")) and time.monotonic() < patience:
        time.sleep(0.2)
    os.killpg(run.pid, signal.SIGINT)
    _, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert "interrupted" in err
    (ledger,) = kept.iterdir()
    assert len(ledger.read_text().splitlines()) >= 1


def test_the_cells_of_a_few_checks_hold_nothing_that_takes_long():
    few = {cell.kind for cell in cells(Campaign(codes=("IN201",)))}
    assert few == {"level", "control", "kill"}
    whole = cells(Campaign())
    assert len({cell.key for cell in whole}) == len(whole)
    assert sum(cell.arguments[1] for cell in whole if cell.kind == "null") == 10_000


def test_a_whole_calibration_is_gathered_from_its_cells(monkeypatch):
    """Every cell answered by hand, with as little as it may say."""
    answers = {
        "uses": [],
        "p": [0.5] * 9,
        "null": [],
        "power": 0,
        "caught": {"fault": "f", "codes": ["IN201"]},
        "kill": {"fault": "f", "code": "IN201", "kills": 1, "roots": 1},
        "numeric": {"name": "x", "points": 1, "error": 0.0, "beyond": 1.0},
        "control": {"test": "t", "outcomes": [["nan", "failed"]]},
        "level": {
            "test": "t",
            "variant": "v",
            "kind": "bound",
            "level": 1e-9,
            "ratio": None,
            "error": 0.0,
            "samples": 0,
            "how": "by proof",
        },
    }
    asked = Campaign(replays=30)
    ledger = {cell: answers[cell.kind] for cell in cells(asked)}
    found = assembled(asked, ledger)
    assert found.codes == tuple(sorted(CHECKS))
    assert (found.replays.first, found.replays.last, found.replays.runs) == (1, 30, 30)
    assert dict(found.sole)["IN201"] == ("f",)
    assert "verinit calibrate --replays 30 --roots 59 --seed 1" in dict(found.commands)["everything"]
    assert record.decode(record.encode(found)) == found
    assert {cell.kind for cell in cells(asked)} == set(answers)
    assert campaign.tests_of(("IN202",)) == ("marginal.mean",)


# -- what a report shows of it ---------------------------------------------------------------------------


def test_ten_thousand_replays_exclude_three_in_ten_thousand():
    assert excluded(10_000) == pytest.approx(3e-4, rel=0.002)
    assert (1 - excluded(59)) ** 59 == pytest.approx(0.05, rel=1e-12)


def test_the_shipped_calibration_is_shown_in_a_section_of_its_own():
    shown = exhibits(record.shipped())
    report = Report(battery="smoke", root=1, false_fail=1e-6, planned=0, exhibits=shown)
    page, summary = html(report), markdown(report)
    assert all(exhibit.id.startswith("calibration-") for exhibit in shown)
    assert page.count('<h2 id="tool">Is the tool itself right</h2>') == 1
    assert '<a href="#tool">' in page
    assert 'id="figures"' not in page
    assert "is proved test by test" in page
    assert "## Is the tool itself right" in summary
    assert "Runs of right code" in summary
    assert all(exhibit.title in page for exhibit in shown if exhibit.kind == "table")


def test_a_report_without_a_calibration_has_no_such_section():
    report = Report(battery="smoke", root=1, false_fail=1e-6, planned=0)
    assert "Is the tool itself right" not in html(report) + markdown(report)


def test_a_run_shows_the_calibration(verinit, here):
    code, _, _ = verinit("run", "numpy:he_normal", "--battery", "smoke", "--jobs", "0", "--quiet")
    assert code == 0
    assert 'id="tool"' in (here / "verinit-report" / "index.html").read_text()
    assert "Is the tool itself right" in (here / "verinit-report" / "report.md").read_text()


def test_the_page_of_the_main_job_stays_below_a_mebibyte():
    """The committed report, with the calibration that ships now."""
    found = decode((Path(__file__).parents[2] / "reports" / "numpy" / "report.json").read_bytes())
    own = (exhibit for exhibit in found.exhibits if not exhibit.id.startswith("calibration-"))
    page = html(dataclasses.replace(found, exhibits=(*own, *exhibits(record.shipped()))))
    assert len(page.encode()) < 2**20
    places = [page.index(f'<h2 id="{name}"') for name in ("textbook", "tool", "environment")]
    assert places == sorted(places)
    assert "Left out for the size of the page" not in page


def test_the_table_names_what_no_check_sees_alone():
    said = text(empty(sole=(("IN201", ("f",)), ("IN205", ()))))
    assert "of no planted fault these tell alone: IN205" in said


def test_what_a_report_shows_is_read_without_any_numeric_library():
    code = (
        "import sys\n"
        "from verinit.calibration.exhibits import exhibits\n"
        "from verinit.calibration.record import shipped\n"
        "exhibits(shipped())\n"
        "print(*[name for name in ('numpy', 'scipy', 'msgspec') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["msgspec"]  # so the probe sees what is loaded
