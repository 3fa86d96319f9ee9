"""What stops, hangs, dies or returns nonsense becomes a finding, and a partial run is never green."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from verinit.cli import main
from verinit.vocabulary.document import decode

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and process groups are POSIX")

NET = """
import os
import signal
import time

import numpy as np


def he(shape, rng):
    return rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))


def slow(shape, rng):
    open("begun", "a").close()
    time.sleep(0.05)
    return he(shape, rng)


def interrupts(shape, rng):
    if len(shape) == 4:
        signal.raise_signal(signal.SIGINT)
    return he(shape, rng)


def hangs(shape, rng):
    time.sleep(1000)


def dies(shape, rng):
    if len(shape) == 2 and os.path.exists("died"):  # tried again, alone: another way to die
        os.kill(os.getpid(), signal.SIGKILL)
    elif len(shape) == 2:
        open("died", "a").close()
        os._exit(3)
    return he(shape, rng)


def quits(shape, rng):
    raise SystemExit(0)


def raises(shape, rng):
    raise ValueError("no weights today")


def two_lines(shape, rng):
    raise ValueError("no weights today\\nnor tomorrow")


def nan(shape, rng):
    return he(shape, rng) * np.nan


def a_list(shape, rng):
    return he(shape, rng).tolist()


def none(shape, rng):
    he(shape, rng)


def transposed(shape, rng):
    return np.swapaxes(he(shape, rng), -1, -2)


def integers(shape, rng):
    return he(shape, rng).astype("int8")


def doubles(shape, rng, dtype="float64"):
    return he(shape, rng)
"""
LATE = """
import pathlib
import sys
import time

if any("popen_loky" in word for word in sys.orig_argv):  # a worker; the program itself starts at once
    pathlib.Path({place!r}, "late").touch()
    time.sleep({seconds})
"""
"""What Python runs before anything else, where it is called sitecustomize."""
LIMIT = 3
"""Seconds before a target is stopped, counted from the moment at which its worker is awake."""


def command(*words):
    return [sys.executable, "-c", "from verinit.cli import main; main()", "run", *words]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("stopped")
    (place / "stop_net.py").write_text(NET, encoding="utf-8")
    return place


def run_here(folder, *words, report, jobs="0"):
    """A run in this process: how it ended, what it printed, and its report, None if it left none."""
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.chdir(folder)
        patch.syspath_prepend(str(folder))
        with pytest.raises(SystemExit) as ended:
            main(["run", *words, "--jobs", jobs, "--quiet", "--report", report])
    file = folder / report / "report.json"
    return ended.value.code, out.getvalue(), decode(file.read_bytes()) if file.exists() else None


def run(folder, *words, report):
    """A run to its end: exit code, what it printed, and its report."""
    done = subprocess.run(
        command(*words, "--report", report),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, decode((folder / report / "report.json").read_bytes())


def processes_in(folder):
    """Processes that work in `folder`, by id; None where the system does not tell."""
    if not os.path.isdir("/proc/self"):
        return None
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            here = os.readlink(f"/proc/{name}/cwd")
        except OSError:
            continue
        if here == str(folder):
            found.append(int(name))
    return found


def nobody_left(folder, *, within):
    """Whether every process of `folder` ends within so many seconds."""
    end = time.monotonic() + within
    while processes_in(folder) and time.monotonic() < end:
        time.sleep(0.05)
    return not processes_in(folder)


def of(report, name):
    """The findings of one target of the module, those skipped left out."""
    return [
        found
        for found in report.findings
        if re.match(rf"stop_net:{name}\b", found.target) and str(found.verdict) != "skipped"
    ]


def test_the_probe_for_processes_sees_one(folder):
    with subprocess.Popen(["sleep", "30"], cwd=folder) as sleeper:
        seen = processes_in(folder)
        sleeper.kill()
    if seen is None:
        pytest.skip("no /proc")
    assert sleeper.pid in seen
    assert nobody_left(folder, within=5)


PARTIAL = re.compile(
    r"^INCOMPLETE: (\d+) of (\d+) planned trials were run; a partial run is never green$", re.MULTILINE
)


def test_a_run_interrupted_in_its_own_process_keeps_what_it_found_and_is_not_green(folder):
    words = ("stop_net:interrupts=he_normal", "--battery", "smoke")
    code, out, report = run_here(folder, *words, report="interrupted0")
    done, planned = map(int, PARTIAL.search(out).groups())
    assert code == 130
    assert 0 < done < planned
    assert not report.complete
    assert not report
    assert {str(found.case) for found in of(report, "interrupts")} == {"13x11#0"}


def test_a_run_interrupted_while_workers_run_leaves_a_report_and_is_not_green(folder):
    report = "interrupted1"
    with subprocess.Popen(
        command("stop_net:slow=he_normal", "--battery", "exhaustive", "--jobs", "1", "--report", report),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        end = time.monotonic() + 60
        while not (folder / "begun").exists() and running.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert out.splitlines()[-1].startswith(tuple("0123456789"))
    assert PARTIAL.search(out)
    text = (folder / report / "report.json").read_text(encoding="utf-8")
    assert json.loads(text)["complete"] is False
    assert json.loads(text)["green"] is False
    assert not decode(text)
    assert nobody_left(folder, within=10)


@pytest.mark.parametrize("after", [0.0, 0.1, 0.3])
def test_ctrl_c_while_workers_start_prints_no_traceback(folder, after):
    """As a terminal sends it: to the program and to every process that it has started."""
    if processes_in(folder) is None:
        pytest.skip("no /proc")
    with subprocess.Popen(
        command("stop_net:he=he_normal", "--battery", "smoke", "--jobs", "2", "--report", "early"),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        end = time.monotonic() + 60
        while len(processes_in(folder)) < 4 and running.poll() is None and time.monotonic() < end:
            time.sleep(0.005)  # itself, what keeps its books, two workers
        time.sleep(after)
        os.killpg(running.pid, signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert nobody_left(folder, within=10)


@pytest.fixture(scope="module")
def stopped(folder):
    """One run over targets that hang, die and quit, and one that is right."""
    words = [f"stop_net:{name}=he_normal" for name in ("dies", "quits", "he", "hangs")]
    return run(
        folder,
        *words,
        "--battery",
        "smoke",
        "--jobs",
        "2",
        "--timeout",
        str(LIMIT),
        "--quiet",
        report="stopped",
    )


def test_a_run_with_dead_targets_ends_red_and_complete(stopped, folder):
    code, _, report = stopped
    assert code == 1
    assert report.complete
    assert report.planned <= len(report.findings)
    assert nobody_left(folder, within=10)


def test_a_target_that_hangs_is_stopped_and_told_in_one_sentence(stopped):
    hung = of(stopped[2], "hangs")
    assert hung
    assert {str(found.verdict) for found in hung} == {"errored"}
    assert {found.reason for found in hung} == {f"it did not answer within {LIMIT} s and was stopped"}
    assert f"  reason    it did not answer within {LIMIT} s and was stopped\n" in stopped[1]


def test_a_target_that_hung_once_is_not_tried_for_ever(stopped):
    assert len(of(stopped[2], "hangs")) <= 2


def test_a_target_that_kills_its_process_is_told_in_one_sentence(stopped):
    dead = [found for found in of(stopped[2], "dies") if found.red]
    assert {(str(found.case), str(found.verdict), found.reason) for found in dead} == {
        ("13x11#0", "errored", "the process that ran it died (killed, out of memory, or a fault in C code)")
    }


def test_what_ran_beside_a_process_that_died_is_examined_all_the_same(stopped):
    beside = [found for found in of(stopped[2], "dies") if str(found.case) == "3x3x4x10#0"]
    assert {str(found.verdict) for found in beside} == {"passed"}


def test_the_others_are_examined_all_the_same(stopped):
    good = of(stopped[2], "he")
    assert {str(found.verdict) for found in good} == {"passed"}
    assert {str(found.case) for found in good} == {"13x11#0", "3x3x4x10#0"}
    assert {"IN101", "IN201", "IN205"} <= {found.claim.id for found in good}


def test_a_target_that_quits_the_program_is_an_error_of_that_target(stopped):
    assert {str(found.verdict) for found in of(stopped[2], "quits")} == {"errored"}


def test_a_target_that_quits_in_process_does_not_end_the_run(folder):
    words = ("stop_net:quits=he_normal", "stop_net:he=he_normal", "--battery", "smoke")
    code, _, report = run_here(folder, *words, report="quits")
    assert code == 1
    assert {str(found.verdict) for found in of(report, "quits")} == {"errored"}
    assert {str(found.verdict) for found in of(report, "he")} == {"passed"}


def test_a_worker_that_starts_late_is_not_taken_for_a_hang(folder, tmp_path, monkeypatch):
    text = LATE.format(place=str(tmp_path), seconds=LIMIT)
    (tmp_path / "sitecustomize.py").write_text(text, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    words = ("stop_net:he=he_normal", "--battery", "smoke", "--check", "IN101", "--timeout", str(LIMIT - 1))
    code, out, _ = run_here(folder, *words, report="late", jobs="1")
    assert (tmp_path / "late").exists()
    assert code == 0, out


@pytest.fixture(scope="module")
def nonsense(folder):
    """One run over targets that return what no initializer returns."""
    names = ("raises", "two_lines", "nan", "a_list", "none", "transposed", "integers", "doubles", "he")
    words = [f"stop_net:{name}=he_normal" for name in names]
    codes = ("--check", "IN101,IN102,IN103,IN104,IN105,IN106,IN201")
    return run_here(folder, *words, "--battery", "standard", *codes, report="nonsense")


@pytest.mark.parametrize(
    ("name", "code", "verdict", "sentence"),
    [
        ("raises", "IN101", "errored", r"ValueError: no weights today \(in raises, line \d+\)"),
        ("nan", "IN104", "failed", r"all \d+ weights are nan; if a tensor was given .*"),
        ("a_list", "IN101", "failed", "the call returned a list, not an array"),
        ("none", "IN101", "failed", "the call returned None, not an array"),
        ("transposed", "IN102", "failed", r"shape \(32, 64\) was drawn, \(64, 32\) was asked for"),
        ("integers", "IN103", "failed", "dtype int8 is not a floating dtype"),
        ("doubles", "IN103", "failed", "dtype float64 was drawn, float32 was asked for"),
    ],
)
def test_nonsense_is_told_in_one_sentence(nonsense, name, code, verdict, sentence):
    broken = [found for found in of(nonsense[2], name) if found.claim.id == code and found.red]
    assert broken
    assert {str(found.verdict) for found in broken} == {verdict}
    said = [found.reason or found.evidence.detail for found in broken]
    assert any(re.fullmatch(sentence, text) for text in said)


def test_nonsense_is_told_at_its_root_and_its_consequences_are_skipped(nonsense):
    roots = {"raises": {"IN101"}, "a_list": {"IN101"}, "none": {"IN101"}, "transposed": {"IN102"}}
    for name, codes in roots.items():
        assert {found.claim.id for found in of(nonsense[2], name) if found.red} == codes


def test_nonsense_beside_it_leaves_a_right_target_right(nonsense):
    assert {str(found.verdict) for found in of(nonsense[2], "he")} == {"passed"}


def test_an_error_of_several_lines_keeps_its_type_and_its_first_line(nonsense):
    (reason,) = {found.reason for found in of(nonsense[2], "two_lines")}
    assert re.fullmatch(r"ValueError: no weights today \(in two_lines, line \d+\)", reason)
