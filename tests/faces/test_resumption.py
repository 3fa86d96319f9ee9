"""A run that was interrupted goes on, and ends as if nothing had happened."""

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import pytest

from verinit.cli import interruption, main, ruling, run_command
from verinit.vocabulary import Outcome, Ruling
from verinit.vocabulary.document import decode, encode

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")

NET = """
import os
import signal
import time

import numpy as np


def he(shape, rng):
    return rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[:-1]))


def interrupts(shape, rng):
    if len(shape) == 4 and os.path.exists("stop"):
        os.remove("stop")
        signal.raise_signal(getattr(signal, os.environ.get("STOP", "SIGINT")))
    return he(shape, rng)


def wrong(shape, rng):
    interrupts(shape, rng)
    return 2 * he(shape, rng)


def slow(shape, rng):
    open("begun", "a").close()
    time.sleep(0.02)
    return he(shape, rng)
"""
WORDS = ("run", "go_net:interrupts=he_normal", "go_net:he=he_normal", "--battery", "smoke", "--jobs", "0")
KEPT = re.compile(r"^going on: (\d+) of these trials are done$", re.MULTILINE)


@pytest.fixture
def net(here):
    (here / "go_net.py").write_text(NET, encoding="utf-8")
    return here


def data(folder):
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))


def lasting(folder):
    """What two runs of one plan have in common, as text: claims, results and rulings."""
    return json.dumps({name: data(folder)[name] for name in ("digest", "claims", "results", "rulings")})


def interrupted(verinit, net, *more, words=WORDS):
    (net / "stop").touch()
    code, out, err = verinit(*words, *more)
    assert code == 130, (out, err)
    return out


def way_on(out):
    """The command that an interrupted run prints."""
    return shlex.split(re.search(r"^go on with  verinit (.*)$", out, re.MULTILINE)[1])


@pytest.mark.parametrize("stop", ["SIGINT", "SIGTERM"])
def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(verinit, net, monkeypatch, stop):
    monkeypatch.setenv("STOP", stop)
    out = interrupted(verinit, net)
    partial = decode((net / "verinit-report" / "report.json").read_bytes())
    assert not partial.complete
    assert 0 < partial.done < partial.planned
    words = way_on(out)
    assert words == [*WORDS, "--resume"]
    code, out, err = verinit(*words)
    assert code == 0, out
    assert int(KEPT.search(err)[1]) == partial.done
    assert verinit(*WORDS, "--report", "whole")[0] == 0
    assert lasting(net / "verinit-report") == lasting(net / "whole")
    assert data(net / "verinit-report")["complete"] is True
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_what_is_done_is_not_done_again(verinit, net):
    interrupted(verinit, net)
    before = {row["id"] for row in data(net / "verinit-report")["results"] if row["verdict"] != "skipped"}
    file = net / "verinit-report" / "report.json"
    text = file.read_text(encoding="utf-8").replace('"basis": "exact"', '"basis": "kept"')
    file.write_text(text, encoding="utf-8")  # a mark that only a finding that is kept can bear
    assert verinit(*WORDS, "--resume")[0] == 0
    marked = {
        r["id"]
        for r in data(net / "verinit-report")["results"]
        if (r["evidence"] or {}).get("basis") == "kept"
    }
    assert marked
    assert marked <= before


def test_the_likely_mistake_is_named_from_all_cases_after_a_pause_too(verinit, net):
    words = ("run", "go_net:wrong=he_normal", *WORDS[3:])
    interrupted(verinit, net, words=words)
    assert verinit(*words, "--resume")[0] == 1
    verinit(*words, "--report", "whole")
    assert lasting(net / "verinit-report") == lasting(net / "whole")


def test_a_run_goes_on_with_other_workers_than_it_began_with(verinit, net):
    interrupted(verinit, net)
    assert verinit(*WORDS[:-1], "1", "--resume")[0] == 0
    assert verinit(*WORDS, "--report", "whole")[0] == 0
    assert lasting(net / "verinit-report") == lasting(net / "whole")


def test_a_drawn_root_is_kept_in_the_command_that_goes_on(verinit, net):
    out = interrupted(verinit, net, "--seed", "fresh", "-x")
    root = data(net / "verinit-report")["root"]
    words = way_on(out)
    assert words == [*WORDS, "--seed", str(root), "--resume"]
    assert verinit(*words)[0] == 0
    assert data(net / "verinit-report")["root"] == root


def test_a_run_that_is_interrupted_twice_goes_on_from_the_second_time(verinit, net):
    interrupted(verinit, net)
    out = interrupted(verinit, net, "--resume")
    assert way_on(out) == [*WORDS, "--resume"]
    assert verinit(*WORDS, "--resume")[0] == 0


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ([*WORDS, "--battery", "standard"], "battery smoke, not standard"),
        ([*WORDS, "--seed", "3"], "root 20260101, not 3"),
        ([*WORDS, "--check", "IN101"], "other targets or checks"),
        (["run", "go_net:he=he_normal", *WORDS[3:]], "other targets or checks"),
    ],
)
def test_another_run_is_refused(verinit, net, words, why):
    interrupted(verinit, net)
    before = (net / "verinit-report" / "report.json").read_bytes()
    code, out, err = verinit(*words, "--resume")
    assert (code, out) == (2, "")
    assert err == (
        f"verinit: --resume: the interrupted run is another one ({why}); what was interrupted is: "
        f"verinit {' '.join(WORDS)}; repeat it as it was, or leave --resume out to begin anew\n"
    )
    assert (net / "verinit-report" / "report.json").read_bytes() == before


def test_another_version_is_refused(verinit, net):
    interrupted(verinit, net)
    file = net / "verinit-report" / "report.json"
    document = data(net / "verinit-report")
    document["environment"] = [[n, "0.0.1" if n == "numpy" else v] for n, v in document["environment"]]
    file.write_text(json.dumps(document), encoding="utf-8")
    assert "(numpy 0.0.1, not " in verinit(*WORDS, "--resume")[2]


def test_what_cannot_go_on_is_told_in_one_sentence(verinit, net):
    code, _, err = verinit(*WORDS, "--resume")
    assert code == 2
    assert err.startswith("verinit: --resume: there is no interrupted run to go on with, verinit-report")
    assert verinit(*WORDS)[0] == 0
    code, _, err = verinit(*WORDS, "--resume")
    assert (code, err) == (
        2,
        "verinit: --resume: the run of this report is complete, nothing is left to do\n",
    )
    (net / "verinit-report" / "report.json").write_text('{"schema": ', encoding="utf-8")
    code, _, err = verinit(*WORDS, "--resume")
    assert code == 2
    assert err.startswith("verinit: --resume: verinit-report")
    assert "report.json is not a verinit report: the JSON is cut off" in err


def test_a_failure_that_stops_the_run_is_a_failure_and_goes_on_too(verinit, net):
    words = ("run", "go_net:wrong=he_normal", "go_net:he=he_normal", *WORDS[3:])
    code, out, _ = verinit(*words, "-x")
    assert code == 1
    assert way_on(out) == [*words, "--resume"]


def _ruling(code, root):
    return Ruling(id=code, ruling=Outcome.holds, claim="c", summary=f"root {root}")


def test_rulings_are_kept_when_the_ledger_is_interrupted(verinit, net, monkeypatch):
    asked = []

    def rule(code, *, root, with_training):
        asked.append(code)
        if len(asked) == 4:
            signal.raise_signal(signal.SIGINT)
        return _ruling(code, root)

    monkeypatch.setattr(ruling, "rule", rule)
    monkeypatch.setattr(run_command, "DEFAULT", ("go_net:he=he_normal",))
    monkeypatch.setattr(
        run_command, "targets_of", lambda words, found=run_command.targets_of: found(["go_net:he=he_normal"])
    )
    words = ("run", "--battery", "smoke", "--jobs", "0")
    code, out, _ = verinit(*words)
    partial = decode((net / "verinit-report" / "report.json").read_bytes())
    assert code == 130
    assert [ruling.id for ruling in partial.rulings] == ["T01", "T02", "T03"]
    assert partial.done == partial.planned
    assert "planned trials were run, but not the whole textbook ledger; a partial run is never green" in out
    assert verinit(*words, "--resume")[0] in (0, 1)  # these rulings are not the committed ones
    assert asked == ["T01", "T02", "T03", "T04", *(f"T{i:02d}" for i in range(4, 29))]
    whole = decode((net / "verinit-report" / "report.json").read_bytes())
    assert whole.complete
    assert [ruling.id for ruling in whole.rulings] == [f"T{i:02d}" for i in range(1, 29)]


def test_ctrl_c_while_the_report_is_written_waits_for_it(verinit, net, monkeypatch):
    def calibration(report, add=run_command.with_calibration):
        signal.raise_signal(signal.SIGINT)
        return add(report)

    monkeypatch.setattr(run_command, "with_calibration", calibration)
    code, out, err = verinit(*WORDS)
    assert code == 130
    assert "verinit: stopping after what is being written; again to end at once" in err
    assert "PASSED. Nothing failed" in out
    assert decode((net / "verinit-report" / "report.json").read_bytes()).complete


def test_a_second_ctrl_c_ends_at_once_and_the_results_are_safe(verinit, net, monkeypatch):
    def calibration(report):
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("the second Ctrl-C was waited for")

    monkeypatch.setattr(run_command, "with_calibration", calibration)
    (net / "stop").touch()
    code, out, err = verinit(*WORDS)
    assert (code, out) == (130, "")
    assert err.endswith("verinit: interrupted\n")
    partial = decode((net / "verinit-report" / "report.json").read_bytes())
    assert 0 < partial.done < partial.planned
    monkeypatch.undo()
    monkeypatch.chdir(net)
    monkeypatch.syspath_prepend(str(net))
    assert verinit(*WORDS, "--resume")[0] == 0


def test_what_swallows_ctrl_c_is_stopped_at_the_next_unit():
    stop = interruption.Stop()

    def units():
        for number in range(5):
            with contextlib.suppress(KeyboardInterrupt):
                if number == 2:
                    stop.signalled(signal.SIGINT, None)
            yield number

    done = []
    with pytest.raises(KeyboardInterrupt):
        done.extend(stop.each(units()))
    assert done == [0, 1, 2]


def test_a_report_that_was_read_back_is_the_same_ledger(verinit, net):
    interrupted(verinit, net)
    text = (net / "verinit-report" / "report.json").read_text(encoding="utf-8")
    assert encode(decode(text)) == text


def test_sigterm_to_the_program_keeps_what_workers_did(net):
    command = ["run", "go_net:slow=he_normal", "--battery", "exhaustive", "--jobs", "1", "--quiet"]
    with subprocess.Popen(
        [sys.executable, "-c", "from verinit.cli import main; main()", *command],
        cwd=net,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        end = time.monotonic() + 120
        while not (net / "begun").exists() and running.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(0.3)
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=120)
    assert running.returncode == 130, err
    assert "Traceback" not in err
    assert way_on(out) == [*command, "--resume"]
    assert data(net / "verinit-report")["complete"] is False


def test_a_ledger_that_is_interrupted_keeps_its_rulings(here, monkeypatch, capsys):
    """Ctrl-C in the middle of the third claim: two are told, and the report is incomplete."""

    made = ruling.rule

    def interrupted(code, **other):
        if code == "T04":
            raise KeyboardInterrupt
        return made(code, **other)

    monkeypatch.setattr(ruling, "rule", interrupted)
    with pytest.raises(SystemExit) as ended:
        main(["textbook", "T02", "T03", "T04", "T08"])
    assert ended.value.code == 130
    said = capsys.readouterr().out
    assert "T02 HOLDS" in said
    assert "T03 DEPENDS" in said
    assert "T08" not in said


def test_an_interrupted_run_survives_another_in_its_folder(verinit, net):
    """It is moved aside, and goes on from there to the bytes of an uninterrupted one."""
    interrupted(verinit, net)
    _, _, err = verinit("run", "go_net:he=he_normal", "--battery", "smoke", "--jobs", "0", "--check", "IN201")
    aside = net / "verinit-report" / "interrupted"
    assert "held an interrupted run, which is kept in" in err
    assert f"--resume --report {aside.relative_to(net)}" in err
    assert verinit(*WORDS, "--resume", "--report", str(aside))[0] == 0
    assert verinit(*WORDS, "--report", "whole")[0] == 0
    assert lasting(aside) == lasting(net / "whole")


def test_a_run_that_examined_nothing_leaves_an_earlier_report(verinit, net):
    verinit(*WORDS)
    before = (net / "verinit-report" / "report.json").read_bytes()
    assert verinit(*WORDS, "--check", "AC101")[0] == 5
    assert (net / "verinit-report" / "report.json").read_bytes() == before
