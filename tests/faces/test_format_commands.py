"""Every command that finds something tells it in every format, and a result is told again without a run."""

from __future__ import annotations

import json

import pytest

from verinit.vocabulary.document import decode

RESULT = "verinit-report/report.json"
RUN = ("run", "cli_net:chapter=he_normal", "--battery", "smoke", "--check", "IN201", "--jobs", "0")


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_a_result_is_told_again_as_the_run_told_it(verinit, here, form):
    code, _, _ = verinit(*RUN, "--format", form, "--output", "told")
    assert code == 1
    again = verinit("report", RESULT, "--format", form, "--output", "again")
    assert again == (0, "", "")
    assert (here / "again").read_bytes() == (here / "told").read_bytes()
    _, printed, _ = verinit("report", RESULT, "--format", form)
    assert printed.rstrip("\n") == (here / "told").read_text(encoding="utf-8").rstrip("\n")


def test_to_tell_a_result_draws_no_page(verinit, here):
    verinit(*RUN)
    (here / "verinit-report" / "index.html").unlink()
    verinit("report", RESULT, "--format", "markdown")
    assert not (here / "verinit-report" / "index.html").exists()
    assert verinit("report", RESULT)[0] == 0
    assert (here / "verinit-report" / "index.html").exists()


@pytest.mark.parametrize(
    "words",
    [("run", "cli_net:he=he_normal", "--jobs", "0"), ("textbook", "T16"), ("gradcheck", "numpy:Affine")],
    ids=lambda words: words[0],
)
def test_each_command_writes_the_same_kind_of_document(verinit, here, words):
    code, _, _ = verinit(*words, "--format", "json", "--output", "told.json")
    report = decode((here / "told.json").read_bytes())
    assert (code == 0) == bool(report)
    assert report.findings or report.rulings
    verinit(*words, "--format", "sarif", "--output", "told.sarif")
    log = json.loads((here / "told.sarif").read_text(encoding="utf-8"))
    assert log["runs"][0]["invocations"][0]["executionSuccessful"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("report", RESULT, "--output", "x"),
            "--output x: give --format too; a page is drawn into the folder",
        ),
        (
            ("report", "none.json", "--format", "sarif"),
            "none.json cannot be read (No such file or directory)",
        ),
        (
            ("report", RESULT, "--format", "text", "--output", "no/x"),
            "--output no/x: cannot be written (No such",
        ),
    ],
)
def test_a_slip_has_one_sentence(verinit, here, words, says):
    verinit(*RUN)
    code, said, error = verinit(*words)
    assert (code, said) == (2, "")
    assert error.startswith(f"verinit: {says}")


def test_a_name_does_not_steer_the_terminal(verinit, here):
    verinit(*RUN)
    place = here / RESULT
    place.write_text(
        place.read_text(encoding="utf-8").replace("cli_net:chapter", "cli_net:\\u001b[31m\\u202e")
    )
    _, said, _ = verinit("report", RESULT, "--format", "text")
    assert "cli_net:␛[31m\\u202e" in said
    assert not {"\x1b", "\u202e"} & set(said)
