"""What is printed fits a terminal of 80 or 120 columns, and is the same in every pipe."""

import contextlib
import os
import re
import struct
import subprocess
import sys
import time

import pytest

from verinit.cli import progress, terminal
from verinit.cli.terminal import folded, painted
from verinit.report.characters import breadth

fcntl = pytest.importorskip("fcntl", reason="pseudo-terminals are POSIX")
import pty  # noqa: E402
import termios  # noqa: E402

STEER = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WRONG = "cli_net:chapter=he_normal"
FAST = ("--battery", "smoke", "--jobs", "0")
SETTING = ("NO_COLOR", "FORCE_COLOR", "COLUMNS")
PROGRAM = "from verinit.cli import main; main()"


def watched(folder, *words, width, **environment):
    """What somebody sees who runs the program in a terminal of this width: raw text and exit code."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    plain = {name: value for name, value in os.environ.items() if name not in SETTING}
    paths = {"TERM": "xterm-256color", "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words],
        cwd=folder,
        env=plain | paths | environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    ) as running:
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # a terminal whose program has ended
            while data := os.read(ours, 65536):
                seen += data
    os.close(ours)
    return seen.decode(), running.returncode


def lines_of(raw):
    """The lines that stay on the terminal, once what was moved back to has been wiped."""
    raw = re.sub(r"[^\n]*\n(?:\x1b\[\?25h)?\r?\x1b\[1A\x1b\[2K", "", raw)
    return [STEER.sub("", line.split("\r")[-1]) for line in raw.replace("\r\n", "\n").split("\n")]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize(
    "words",
    [
        ("run", WRONG, *FAST),
        ("list", "numpy", *FAST[:2]),
        ("explain", "IN201", "BN205", "SP201"),
        ("textbook", "T16"),
        ("textbook", "T16", "--lang", "ko"),
        ("textbook", "--init", "normal(std=0.5)", "--activation", "tanh"),
    ],
    ids=["run", "list", "explain", "textbook", "korean", "portrait"],
)
def test_nothing_is_wider_than_the_terminal(here, words, width):
    raw, code = watched(here, *words, width=width)
    assert code == (1 if words[0] == "run" else 0), raw
    too_wide = [line for line in lines_of(raw) if breadth(line) > width]
    assert not too_wide


def test_a_terminal_folds_what_a_pipe_has_whole(here, verinit):
    raw, _ = watched(here, "run", WRONG, *FAST, width=80)
    _, piped, _ = verinit("run", WRONG, *FAST)
    assert max(map(len, piped.splitlines())) > 100
    spoken = " ".join(" ".join(lines_of(raw)).split())
    for line in piped.splitlines()[:-1]:  # the last has the seconds
        assert " ".join(line.split()) in spoken


def test_a_pipe_is_the_same_whatever_the_terminal(verinit, monkeypatch):
    told = set()
    for columns, term in (("40", "dumb"), ("200", "xterm-256color")):
        monkeypatch.setenv("COLUMNS", columns)
        monkeypatch.setenv("TERM", term)
        monkeypatch.delenv("FORCE_COLOR", raising=False)
        _, out, _ = verinit("run", WRONG, *FAST)
        assert "\x1b" not in out
        told.add(re.sub(r"^\d+\.\d\d s", "", out, flags=re.MULTILINE))
    assert len(told) == 1


def test_only_verdicts_have_a_colour_and_only_where_it_is_wanted(here):
    words = ("run", WRONG, *FAST, "--check", "IN101,IN201", "--quiet")
    raw, _ = watched(here, *words, width=80)
    assert set(re.findall(r"\x1b\[\d+m\x1b\[1m(.*?)\x1b\[0m", raw)) == {"FAILED"}
    assert len(STEER.findall(raw)) == 3 * raw.count("FAILED")
    assert "\x1b" not in watched(here, *words, width=80, NO_COLOR="1")[0]
    assert "\x1b" not in watched(here, *words, width=80, TERM="dumb")[0]


def test_colour_is_forced_into_a_pipe_unless_it_is_forbidden(verinit, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    words = ("run", WRONG, *FAST, "--check", "IN101,IN201", "--quiet")
    assert "IN201 \x1b[31m\x1b[1mFAILED\x1b[0m for" in verinit(*words)[1]
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in verinit(*words)[1]


def test_a_bar_is_drawn_for_whoever_watches_and_is_gone_at_the_end(here):
    raw, _ = watched(here, "run", "numpy", *FAST, width=80)
    assert re.search(r"trials .*\d+/\d+.* failed 0 .*left", STEER.sub("", raw))
    assert not any("━" in line for line in lines_of(raw))
    dumb, _ = watched(here, "run", "numpy", *FAST, width=80, TERM="dumb")
    assert "━" not in dumb
    assert "\x1b" not in dumb


def test_names_and_commands_are_never_broken():
    name = "mypackage.initialisers.of.a.long.name:" + "x" * 90
    text = f"IN201 FAILED for {name} at 64x32#0\n  replay    verinit replay '{name}::IN201 with spaces in it'"
    assert name in folded(text, 80)
    assert folded(text, 80).splitlines()[-1] == text.splitlines()[-1]
    assert folded("go on with  " + "word " * 40, 80) == "go on with  " + "word " * 40


def test_folding_keeps_every_word_and_hangs_below_the_label():
    line = "  observed  " + " ".join(f"word{i}" for i in range(40))
    pieces = folded(line, 50).split("\n")
    assert all(len(piece) <= 50 for piece in pieces)
    assert all(piece.startswith(" " * 12) and piece[12] != " " for piece in pieces[1:])
    assert " ".join(pieces).split() == line.split()


def test_a_verdict_inside_a_sentence_keeps_its_colour_to_itself():
    assert painted("it FAILED for him") == "it FAILED for him"
    assert painted("IN201 FAILED for x") != "IN201 FAILED for x"
    assert painted("PASSED. Nothing failed") != "PASSED. Nothing failed"


def test_a_name_does_not_steer_the_terminal(capsys):
    terminal.say("IN201 FAILED for \x1b[2Jname\x07\u202e at 1x1#0")
    assert capsys.readouterr().out == "IN201 FAILED for ␛[2Jname␇\\u202e at 1x1#0\n"


def test_what_a_terminal_cannot_show_is_escaped_not_fatal(here, monkeypatch):
    raw, code = watched(here, "textbook", "T16", "--lang", "ko", width=80, PYTHONIOENCODING="ascii")
    assert code == 0
    assert "\\ucd08" in raw


def test_the_heart_beats_while_nothing_is_finished(monkeypatch, capsys):
    monkeypatch.setattr(progress, "HEARTBEAT", 0.05)
    with progress.progress(10, quiet=False) as tick:
        time.sleep(0.12)
        tick([progress.Mark(red=True), progress.Mark(red=False)])
        time.sleep(0.12)
    told = capsys.readouterr().err.splitlines()
    assert told[0] == "[00:00] 0/10 trials, failed 0, nothing finished in the last 0.05 s"
    assert any(re.fullmatch(r"\[00:00\] 2/10 trials, failed 1, about \d+ s left", line) for line in told)
    time.sleep(0.12)
    assert capsys.readouterr().err == ""


def test_what_was_finished_before_is_no_measure_of_what_is_left():
    heart = progress._Heartbeat(100, "trials", 50)
    heart.count([progress.Mark(red=False)] * 50)
    assert heart.line(10.0) == "[00:10] 50/100 trials, failed 0, no estimate yet"
    heart.count([progress.Mark(red=False)] * 25)
    assert heart.line(75.0) == "[01:15] 75/100 trials, failed 0, about 75 s left"


def test_quiet_says_nothing_before_the_end(verinit):
    assert verinit("run", WRONG, *FAST, "--quiet")[2] == ""
