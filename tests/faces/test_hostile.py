"""Code, names, files, streams and numbers that mean harm: one clear sentence, nothing lost, nothing half."""

import errno
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import verinit
from verinit.cli import main, outcome
from verinit.report import placing
from verinit.report.placing import place, refusal
from verinit.runner.isolation import undisturbed
from verinit.vocabulary import UsageError, Verdict
from verinit.vocabulary.document import decode, document, encode

NAMES = {
    "HTML": "<script>alert('x')</script>&amp;\"'><img src=x onerror=y>",
    "control characters": "a\x00b\x1b[31mc\r\nd\x07\x7f",
    "emoji": "🧨‍👩‍👧",
    "from right to left": "abc\u202edef\u2066ghi\u200f",
    "half a character": "half\ud83d",
    "Korean": "초깃값 가중치",
    "very long": "x" * 10_000,
    "parts of an id": "a::b::c::root=1,false_fail=2=he_normal#3?x/y",
    "markup": "`|*_#[]()~~ %0A::error ]]> <![CDATA[",
    "nothing": " ",
}
SMOKE = {"battery": "smoke", "checks": ["IN101", "IN102", "IN104", "IN201"]}


def half(shape, rng):
    return 0.5 * rng.normal(0.0, (2 / np.prod(shape[:-1])) ** 0.5, shape)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_name_goes_through_every_face_and_comes_back_whole(name, tmp_path):
    report = verinit.verify(half, scheme="he_normal", name=name, **SMOKE)
    assert {found.target for found in report.findings} == {name}
    assert report.red
    assert name in str(report)
    page = verinit_write(report, tmp_path)
    again = decode(page.with_name("report.json").read_bytes())
    assert document(again) == document(report)
    assert [found.short_id for found in again.findings] == [found.short_id for found in report.findings]
    for form, told in outcome.FORMS.items():
        body = told(report)
        place({tmp_path / form: body})
        assert (tmp_path / form).stat().st_size > 100
    assert not {"\x1b", "\x00"} & {*page.read_text(encoding="utf-8")}
    if "<script>" in name:
        assert "<script>alert" not in page.read_text(encoding="utf-8")


def verinit_write(report, folder):
    from verinit.report import write

    return write(report, folder)


class Worse(BaseException):
    pass


class Mute(Exception):
    def __str__(self):
        raise ValueError("no words")


def crashing(error):
    def draw(shape, rng):
        raise error

    return draw


def recursing(shape, rng):
    return recursing(shape, rng)


CRASHES = {
    "sys.exit": (crashing(SystemExit(0)), "SystemExit: 0"),
    "worse than an exception": (crashing(Worse("boom")), "Worse: boom"),
    "the end of a generator": (crashing(GeneratorExit()), "GeneratorExit"),
    "no message": (crashing(Mute()), "Mute: its message cannot be read"),
    "a message without end": (crashing(ValueError("x" * 20_000)), f"ValueError: {'x' * 500}..."),
    "a message of many lines": (crashing(ValueError("one\x1b[31m\ntwo")), "ValueError: one\x1b[31m"),
    "no end": (recursing, "RecursionError: maximum recursion depth exceeded"),
    "memory": (crashing(MemoryError()), "MemoryError"),
}


@pytest.mark.parametrize(("draw", "said"), CRASHES.values(), ids=CRASHES)
def test_a_crash_of_any_kind_is_a_finding_and_the_run_goes_on(draw, said):
    report = verinit.verify(draw, scheme="he_normal", name="bad", **SMOKE)
    assert report.complete
    crashed = [found for found in report.findings if found.verdict is Verdict.errored]
    assert crashed
    assert all(found.reason.startswith(said) for found in crashed)
    assert not report


def test_an_interruption_is_no_crash():
    report = verinit.verify(crashing(KeyboardInterrupt()), scheme="he_normal", **SMOKE)
    assert not report.complete


def test_what_pytest_says_to_itself_passes_through():
    def skipping(shape, rng):
        pytest.skip("not here")

    with pytest.raises(pytest.skip.Exception, match="not here"):
        verinit.verify(skipping, scheme="he_normal", **SMOKE)


def weights(shape, rng):
    return rng.normal(0.0, (2 / np.prod(shape[:-1])) ** 0.5, shape)


class Own(np.ndarray):
    def __array_ufunc__(self, *arguments, **named):
        raise RuntimeError("do not touch")


def spoilt(number, every):
    def draw(shape, rng):
        w = weights(shape, rng)
        w.flat[::every] = number
        return w

    return draw


ANSWERS = {
    "None": (lambda shape, rng: None, "IN101"),
    "a list": (lambda shape, rng: weights(shape, rng).tolist(), "IN101"),
    "a generator": (lambda shape, rng: (x for x in range(3)), "IN101"),
    "a word": (lambda shape, rng: "weights", "IN101"),
    "a number": (lambda shape, rng: 0.5, "IN101"),
    "objects": (lambda shape, rng: np.full(shape, None), "IN101"),
    "complex numbers": (lambda shape, rng: weights(shape, rng) + 1j, "IN101"),
    "records": (lambda shape, rng: np.zeros(shape, dtype=[("a", "f4")]), "IN101"),
    "dates": (lambda shape, rng: np.zeros(shape, dtype="M8[s]"), "IN101"),
    "nothing at all": (lambda shape, rng: np.empty(0), "IN102"),
    "nan everywhere": (spoilt(np.nan, 1), "IN104"),
    "inf everywhere": (spoilt(np.inf, 1), "IN104"),
    "-inf here and there": (spoilt(-np.inf, 7), "IN104"),
    "the largest number": (spoilt(1.7e308, 1), "IN201"),
    "masked": (
        lambda shape, rng: np.ma.masked_array(5 * weights(shape, rng), rng.random(shape) < 0.5),
        "IN201",
    ),
    "a subclass": (lambda shape, rng: (5 * weights(shape, rng)).view(Own), "IN201"),
    "memory of its own": (lambda shape, rng: np.broadcast_to(np.float64(0.3), shape), "IN106"),
}


@pytest.mark.parametrize(("draw", "code"), ANSWERS.values(), ids=ANSWERS)
def test_any_answer_is_judged_and_nothing_crashes(draw, code):
    report = verinit.verify(draw, scheme="he_normal", battery="smoke", name="bad")
    assert not [str(found) for found in report.findings if found.verdict is Verdict.errored]
    assert code in {found.claim.id for found in report.red}
    assert document(decode(encode(report))) == document(report)


def test_bytes_that_nobody_has_set_are_no_chance():
    def long(shape, rng):
        return weights(shape, rng).astype(np.longdouble)

    report = verinit.verify(long, battery="smoke", checks=["IN105"], name="long")
    assert [found.verdict for found in report.findings] == [Verdict.passed] * 2


def test_a_figure_that_cannot_be_drawn_costs_no_finding():
    calls = iter(range(10**6))

    def tiring(shape, rng):
        if next(calls) > limit:
            raise RuntimeError("tired")
        return 5 * weights(shape, rng)

    limit = 10**6
    whole = verinit.verify(tiring, scheme="he_normal", cases=["60x60"], battery="smoke", checks=["IN201"])
    assert whole.findings[0].exhibits
    seen = whole.findings[0].evidence.n // 3600 + 1
    calls, limit = iter(range(10**6)), seen
    report = verinit.verify(tiring, scheme="he_normal", cases=["60x60"], battery="smoke", checks=["IN201"])
    assert [(found.verdict, found.exhibits) for found in report.findings] == [(Verdict.failed, ())]


def test_what_a_target_changes_of_the_process_is_put_back(tmp_path, monkeypatch):
    import warnings

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VERINIT_TEST", "before")
    before = os.getcwd(), np.geterr(), list(warnings.filters), sys.stdout, sys.getrecursionlimit()

    def meddling(shape, rng):
        os.chdir("/")
        os.environ["VERINIT_TEST"] = "after"
        os.environ["VERINIT_MORE"] = "more"
        np.seterr(all="raise")
        np.random.seed(0)  # noqa: NPY002, TID251 - what is tested
        warnings.simplefilter("ignore")
        sys.stdout = sys.stderr
        sys.setrecursionlimit(5000)
        return weights(shape, rng)

    report = verinit.verify(meddling, scheme="he_normal", **SMOKE)
    assert report
    assert (os.getcwd(), np.geterr(), list(warnings.filters), sys.stdout, sys.getrecursionlimit()) == before
    assert os.environ["VERINIT_TEST"] == "before"
    assert "VERINIT_MORE" not in os.environ


def test_a_folder_that_has_gone_is_no_hindrance(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with undisturbed():
        pass
    monkeypatch.chdir(tmp_path)


def test_twenty_thousand_findings_are_written_read_worded_and_judged_in_seconds():
    report = verinit.verify(half, scheme="he_normal", name="half", **SMOKE)
    many = tuple(
        replace(found, target=f"{found.target}@{i:05d}", exhibits=())
        for i in range(20_000 // len(report.findings))
        for found in report.findings
    )
    whole = replace(report, findings=many, planned=len(many))
    assert len(whole.findings) >= 19_000
    started = time.process_time()
    text = encode(whole)
    again = decode(text)
    assert (len(again.findings), again.findings[-1]) == (len(many), max(many, key=lambda f: f.id))
    assert str(whole).count("\n\n") == len({f.target for f in whole.red})
    assert (outcome.exit_code(whole), bool(whole)) == (1, False)
    assert time.process_time() - started < 60.0


def test_json_is_what_the_standard_library_would_write():
    report = verinit.verify(half, scheme="he_normal", name='é한\u2028"\\<b>', **SMOKE)
    for whole in (report, replace(report, battery="half\ud800"), replace(report, findings=())):
        wanted = json.dumps(document(whole), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        assert encode(whole) == wanted


# -- files ------------------------------------------------------------------------------------------


def test_files_are_written_all_or_none(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("old")
    real = Path.write_bytes

    def full(path, data):
        if data == b"second":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        place({tmp_path / "a": "first", tmp_path / "b": "second"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}
    place({tmp_path / "a": "first", tmp_path / "b": "third"})
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "first", "b": "third"}


def test_a_file_keeps_its_rights_and_a_link_its_end(tmp_path):
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    place({link: "new"})
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("new", 0o640)


def test_what_is_no_file_is_written_to_and_stays_what_it_is(tmp_path):
    place({Path(os.devnull): "gone"})
    assert Path(os.devnull).is_char_device()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(
        [sys.executable, "-c", f"print(open({str(pipe)!r}).read())"], stdout=subprocess.PIPE
    )
    place({pipe: "through"})
    assert reader.communicate()[0].strip() == b"through"
    assert pipe.is_fifo()


def test_a_file_in_a_folder_that_may_not_be_written_is_written_as_it_is(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("old")
    real = Path.write_bytes

    def refused(path, data):
        if path.name.startswith(".verinit-"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", refused)
    place({tmp_path / "a": "new"})
    assert (tmp_path / "a").read_text() == "new"
    with pytest.raises(PermissionError):
        place({tmp_path / "b": "new"})


def test_what_would_refuse_is_known_without_writing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    assert refusal(tmp_path / "new" / "folder") == ""
    assert refusal(tmp_path / "file") == refusal(tmp_path / "file" / "x") == "Not a directory"
    monkeypatch.setattr(placing.os, "access", lambda path, mode: False)
    assert refusal(tmp_path / "new") == "Permission denied"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


RUN = ("run", "cli_net:he=he_normal", "--battery", "smoke", "--jobs", "0", "--quiet")


def test_a_folder_that_refuses_is_told_before_anything_runs(verinit, here, monkeypatch):
    monkeypatch.setattr("verinit.cli.run_command.run_plan", lambda *a, **k: pytest.fail("it ran"))
    code, out, err = verinit(*RUN, "--report", "cli_net.py/x")
    assert (code, out) == (2, "")
    assert err.startswith(
        "verinit: report='cli_net.py/x': the report cannot be written there (Not a directory)"
    )
    code, out, err = verinit(*RUN, "--output", "no/where.txt")
    assert (code, out) == (2, "")
    assert err.startswith("verinit: --output no/where.txt: cannot be written (No such file or directory)")


@pytest.mark.parametrize(("word", "ended"), [("he", 3), ("chapter", 1)])
def test_what_was_found_is_printed_and_kept_where_the_disk_is_full(
    verinit, here, monkeypatch, tmp_path, word, ended
):
    elsewhere = tmp_path / "temporary"
    elsewhere.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(elsewhere))
    real = Path.write_bytes

    def full(path, data):
        if elsewhere not in path.parents:
            real(path, data[:100])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    code, out, err = verinit("run", f"cli_net:{word}=he_normal", *RUN[2:])
    assert code == ended
    assert " passed, " in out
    first, second = err.strip().splitlines()
    assert first == (
        "verinit: report='verinit-report': the report cannot be written there (No space left on device); "
        "give a folder that you may write to"
    )
    kept = Path(second.removeprefix("verinit: the result is kept in ").partition(":")[0])
    assert second == f"verinit: the result is kept in {kept}: verinit report {kept} --report DIR"
    assert len(decode(kept.read_bytes()).findings) > 10
    assert list((here / "verinit-report").iterdir()) == []
    monkeypatch.undo()
    monkeypatch.chdir(here)
    assert verinit("report", str(kept), "--report", "drawn")[:2] == (0, "report drawn/index.html\n")


def test_where_nothing_can_be_kept_that_is_said(verinit, here, monkeypatch):
    def full(path, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    code, out, err = verinit(*RUN)
    assert code == 3
    assert " passed, " in out
    assert "; what is printed is all there is" in err.splitlines()[-1]


def test_an_output_that_fails_costs_neither_report_nor_words(verinit, here):
    code, out, err = verinit(*RUN, "--output", "/dev/full", "--format", "json")
    assert code == 3
    assert err == (
        "verinit: --output /dev/full: cannot be written (No space left on device); choose another file\n"
    )
    assert " passed, " in out
    assert decode((here / "verinit-report" / "report.json").read_bytes())


WRONG = {
    "": "not a verinit report: the JSON is cut off or damaged",
    "[]": "not a verinit report: it has no 'schema'",
    "null": "not a verinit report: it has no 'schema'",
    '{"schema": "verinit.report/2"}': "schema='verinit.report/2': this version of verinit reads",
    '{"schema": ["x"]}': "schema=['x']: this version of verinit reads",
    '{"schema": "verinit.report/1"}': "not a verinit report: 'claims' is missing or has the wrong form",
    '{"schema": "verinit.report/1", "claims": {}, "results": [1]}': "its results have the wrong form",
    '{"schema": "verinit.report/1", "claims": {}, "results": {}}': "not a Report: Object missing required",
    '{"schema": "verinit.report/1", "claims": {}, "results": [{"check": "A", "case": "1#0"}]}': "not a",
    "[" * 100_000: "not a verinit report: the JSON is cut off or damaged",
    "\ufffe\x00": "not a verinit report: the JSON is cut off or damaged",
}


@pytest.mark.parametrize("words", [("report", "wrong.json"), ("replay", "12345678", "--from", "wrong.json")])
@pytest.mark.parametrize(("text", "sentence"), WRONG.items(), ids=range(len(WRONG)))
def test_a_file_that_is_no_report_is_answered_in_one_sentence(verinit, here, words, text, sentence):
    (here / "wrong.json").write_text(text, encoding="utf-8")
    code, out, err = verinit(*words)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert sentence in err
    assert not (here / "verinit-report").exists()


@pytest.mark.parametrize("words", [("report", "cut.json"), ("replay", "12345678", "--from", "cut.json")])
def test_a_report_cut_off_anywhere_is_answered_in_one_sentence(verinit, here, words):
    verinit(*RUN, "--check", "IN101")
    whole = (here / "verinit-report" / "report.json").read_bytes()
    for length in range(1, len(whole) - 2, max(1, len(whole) // 25)):
        (here / "cut.json").write_bytes(whole[:length])
        code, _, err = verinit(*words)
        assert (code, err.count("\n")) == (2, 1)
        assert "the JSON is cut off or damaged" in err


# -- streams ----------------------------------------------------------------------------------------

PROGRAM = (sys.executable, "-c", "from verinit.cli import main; main()")


def started(*words, **named):
    return subprocess.Popen([*PROGRAM, *words], stderr=subprocess.PIPE, **named)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("list", "numpy"), 0),
        ((*RUN, "--format", "json"), 0),
        (("run", "cli_net:chapter=he_normal", *RUN[2:], "--format", "json"), 1),
    ],
)
def test_a_reader_who_leaves_changes_no_code_and_sees_no_traceback(here, words, code):
    with started(*words, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (code, b"")
    if words[0] == "run":
        assert decode((here / "verinit-report" / "report.json").read_bytes()).findings


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no /dev/full")
@pytest.mark.parametrize(("word", "code"), [("he", 3), ("chapter", 1)])
def test_words_that_a_full_disk_swallows_are_told_and_the_report_is_there(here, word, code):
    with open("/dev/full", "wb") as full:
        process = started("run", f"cli_net:{word}=he_normal", *RUN[2:], stdout=full)
        _, said = process.communicate()
    assert process.returncode == code
    assert said == b"verinit: what was to be printed could not be written (No space left on device)\n"
    assert decode((here / "verinit-report" / "report.json").read_bytes()).findings


def test_closed_streams_are_no_hindrance(here):
    line = " ".join(
        ["exec", sys.executable, "-c", "'from verinit.cli import main; main()'", *RUN, ">&-", "2>&-"]
    )
    assert subprocess.run(["sh", "-c", line], cwd=here).returncode == 0
    assert decode((here / "verinit-report" / "report.json").read_bytes()).findings


@pytest.mark.slow
@pytest.mark.parametrize("more", [{}, {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}], ids=["C", "ASCII"])
@pytest.mark.parametrize("words", [("textbook", "T16", "--lang", "ko"), ("run", "모듈:가=he_normal")])
def test_a_locale_without_korean_is_no_crash(here, words, more):
    variables = {**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii", **more}
    process = started(*words, stdout=subprocess.PIPE, env=variables)
    out, said = process.communicate()
    assert b"Traceback" not in said
    assert process.returncode == (0 if words[0] == "textbook" else 2)
    assert out if words[0] == "textbook" else b"cannot be imported" in said


MEDDLING = """
import os, sys
import numpy as np


def he(shape, rng):
    return rng.normal(0.0, (2 / np.prod(shape[:-1])) ** 0.5, shape)


def chatty(shape, rng):
    print("chatter")
    return he(shape, rng)


def closing(shape, rng):
    sys.stdout.close()
    return he(shape, rng)


def moving(shape, rng):
    os.chdir("/")
    return he(shape, rng)


def leaving(x):
    sys.exit(0)
"""


@pytest.mark.parametrize("word", ["chatty", "closing", "moving"])
def test_code_that_meddles_with_the_process_costs_no_report(here, word):
    (here / "meddling.py").write_text(MEDDLING, encoding="utf-8")
    process = started("run", f"meddling:{word}=he_normal", *RUN[2:], stdout=subprocess.PIPE)
    out, said = process.communicate()
    assert (process.returncode, said) == (0, b"")
    assert b"report verinit-report/index.html" in out
    assert decode((here / "verinit-report" / "report.json").read_bytes()).findings


@pytest.mark.parametrize("jobs", ["0", "1"])
def test_code_that_leaves_while_it_is_looked_at_is_named(here, jobs):
    (here / "meddling.py").write_text(MEDDLING, encoding="utf-8")
    process = started(
        *("run", "meddling:leaving=relu", "--battery", "smoke", "--jobs", jobs, "--quiet"),
        stdout=subprocess.PIPE,
    )
    out, said = process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert said == (
        b"verinit: target 'meddling:leaving' cannot be looked at (SystemExit: 0 when it was called)\n"
    )


def test_an_error_of_use_stays_one_in_process(here, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["replay", ""])
    assert ended.value.code == 2
    with pytest.raises(UsageError):
        decode("")
