"""What each face says of one small report, word for word: a change of wording is seen in review.

VERINIT_SNAPSHOTS=write python -m pytest -n0 tests/faces/test_snapshots.py
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from verinit.cli.outcome import FORMS
from verinit.vocabulary import Case, Claim, Evidence, Finding, Outcome, Rates, Report, Ruling, Verdict
from verinit.vocabulary.document import decode

SNAPSHOTS = Path(__file__).with_name("snapshots")
ENDINGS = {
    "text": "txt",
    "json": "json",
    "markdown": "md",
    "junit": "xml",
    "sarif": "sarif",
    "github": "commands.txt",
}
VARIANCE = Claim(
    id="IN201",
    summary="The variance of the weights is the scheme's scale over its fan.",
    equation="Var[W] = scale / fan",
    source="He et al. 2015, eq. 10",
)
MEAN = Claim(
    id="IN202",
    summary="The mean of the weights is the scheme's, which is 0 for every published one.",
    equation="E[W] = 0",
    source="Glorot and Bengio 2010",
)
SHAPE = Claim(
    id="IN102",
    summary="The array has the shape that was asked for.",
    equation="W.shape = shape",
    source="definition",
)


def seen(ratio, *, quantity="Var[W] / predicted", expected=1.0, resolution=0.018):
    return Evidence(
        quantity=quantity,
        expected=expected,
        observed=ratio,
        distance=abs(ratio - expected),
        tolerance=0.0102,
        resolution=resolution,
        interval=(ratio - 0.01, ratio + 0.01),
        n=524_288,
        basis="chi-square",
        p=0.28 if abs(ratio - expected) < 0.0102 else 0.0,
        log10_p=None if abs(ratio - expected) < 0.0102 else -700.07,
    )


def found(target, claim, case, verdict, **details):
    return Finding(
        claim=claim,
        target=target,
        case=Case.parse(case),
        root=20260101,
        rates=Rates(false_fail=2e-7),
        discrepancy=0.02,
        verdict=Verdict(verdict),
        **details,
    )


SIXTH = "ratio 1/6: uniform bound 1/sqrt(fan_in), i.e. kaiming_uniform_ with a=sqrt(5)"
REPORT = Report(
    battery="smoke",
    root=20260101,
    false_fail=1e-6,
    planned=9,
    unasked=1,
    findings=(
        found("numpy:he_normal", VARIANCE, "64x32", "passed", evidence=seen(1.0021)),
        found(
            "numpy:he_normal",
            MEAN,
            "64x32",
            "passed",
            evidence=seen(0.0003, quantity="E[W] / std", expected=0.0),
        ),
        found("mynet.init:draw", VARIANCE, "64x32", "failed", evidence=seen(0.16688), likely=SIXTH),
        found("mynet.init:draw", VARIANCE, "48x80/float32", "failed", evidence=seen(0.1669), likely=SIXTH),
        found("mynet.init:draw", MEAN, "64x32", "skipped", reason="skipped where IN201 failed"),
        found("mynet.init:cut", VARIANCE, "13x11", "inconclusive", evidence=seen(1.004, resolution=0.09)),
        found("mynet.init:bad", SHAPE, "3x3x4x8", "errored", reason="ValueError: two axes (in bad, line 7)"),
        found(
            "torch:half",
            MEAN,
            "64x32/float16",
            "failed",
            evidence=seen(0.03, quantity="E[W] / std", expected=0.0),
            excuse="float16 sampler, see the tracker",
        ),
        found(
            "numpy:glorot", VARIANCE, "64#1", "skipped", reason="glorot needs two fans; shape (64,) has one"
        ),
    ),
    rulings=(
        Ruling(
            id="T05",
            ruling=Outcome.refuted,
            claim="With activations piled at 0 and 1, the gradient shrinks until it vanishes.",
            summary="At std 1 the gradient grows: rare unsaturated units carry it.",
            conditions="Mean square, width 100, float64.",
            evidence=(seen(2.29, quantity="backward gain per layer", expected=2.31),),
        ),
        Ruling(
            id="T16",
            ruling=Outcome.undecided,
            claim="He's standard deviation is 2/sqrt(n).",
            summary="Needs 400 roots; 36 were run.",
        ),
    ),
    environment=(("python", "3.12.3"), ("verinit", "0.1.0"), ("numpy", "2.4.6"), ("torch", "2.9.0")),
    run=(("seconds", "1.25"), ("command", "verinit run numpy mynet.init:draw --battery smoke")),
)


def hold(place, text):
    """Compare a text with what is kept at `place`, or keep it there."""
    if os.environ.get("VERINIT_SNAPSHOTS") == "write":
        place.write_bytes(text.encode())
    kept = place.read_bytes().decode() if place.exists() else ""
    assert text == kept, f"{place.name} differs: look at it, then VERINIT_SNAPSHOTS=write"


@pytest.mark.parametrize("form", FORMS)
def test_a_face_says_what_it_said(form):
    hold(SNAPSHOTS / f"report.{ENDINGS[form]}", FORMS[form](REPORT))


def test_a_changed_word_is_seen(tmp_path, monkeypatch):
    monkeypatch.delenv("VERINIT_SNAPSHOTS", raising=False)
    place = tmp_path / "kept.txt"
    place.write_bytes(b"one word\n")
    hold(place, "one word\n")
    for text in ("one word", "another word\n", "one word\r\n"):
        with pytest.raises(AssertionError, match=r"kept\.txt differs"):
            hold(place, text)
    assert place.read_bytes() == b"one word\n"


def test_no_snapshot_is_left_over():
    assert {path.name for path in SNAPSHOTS.iterdir()} == {f"report.{ending}" for ending in ENDINGS.values()}


def test_the_sample_has_every_verdict_and_comes_back_from_its_document():
    assert all(REPORT.counts.values())
    again = decode((SNAPSHOTS / "report.json").read_bytes())
    for form in ("text", "markdown", "junit", "sarif", "github"):
        assert FORMS[form](again) == FORMS[form](REPORT)
