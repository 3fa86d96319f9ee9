"""The ledger in Korean: every claim and every ruling has its sentence, which follows the numbers alone."""

import dataclasses
import json
import re

import numpy as np
import pytest

from verinit.textbook import CLAIMS, TRAINED, rule
from verinit.textbook.digits import NEEDED
from verinit.textbook.histograms import end_bins_hold_about
from verinit.textbook.korean import CLAIMS_KO, WORDS, claim_ko, power_of_ten, summary_ko
from verinit.textbook.korean_sentences import SENTENCES, Sentence, power
from verinit.textbook.ledgers import UNASKED, expected
from verinit.textbook.rectifiers import (
    he_keeps_the_mean_but_not_the_typical_run,
    two_over_root_n_doubles_every_layer,
)
from verinit.textbook.rules import unexamined
from verinit.textbook.schemes import small_weights_crowd_at_one_half, xavier_spreads_more_widely
from verinit.vocabulary import Outcome, Rates, Ruling, UsageError
from verinit.vocabulary.document import plain, restore

RATES, RUNS = Rates(), 36
HANGUL = re.compile("[가-힣]")


def made_up(code: str) -> Ruling | None:
    """Rulings whose experiments take long, from numbers of the same kind."""
    jitter = np.linspace(0.99, 1.01, RUNS)
    layered = {
        row: np.array(row)[None, None] * jitter[:, None, None] * np.ones((1, 5, 1))
        for row in ((0.0125, 0.99, 0.0), (0.12, 0.1, 0.0))
    }
    small, wide = layered.values()
    match code:
        case "T01":
            ends = np.array([36_800, 30_600, 30_600, 30_600, 30_600])[None, :, None]
            return end_bins_hold_about(ends * jitter[:, None, None] * np.ones(2), rates=RATES)
        case "T10":
            return small_weights_crowd_at_one_half(small, rates=RATES)
        case "T14":
            return xavier_spreads_more_widely(wide, small, rates=RATES)
        case "T16":
            steady = jitter[:, None] * np.ones((1, 5))
            return two_over_root_n_doubles_every_layer(steady * 2.0 ** np.arange(5), steady, rates=RATES)
        case "T17":
            deep = np.ones((RUNS, 100, 3)) * (1.0, 0.5, 12)
            deep[:, :, 0] = jitter[:, None] * 0.8 ** np.arange(100)
            even = jitter[:, None, None] * np.ones((1, 5, 1)) * (1.0, 0.5)
            return he_keeps_the_mean_but_not_the_typical_run(even, deep, width=25, rates=RATES)
    return None


@pytest.fixture(scope="module")
def rulings():
    return {code: made_up(code) or rule(code) for code in CLAIMS if code not in TRAINED}


def test_every_claim_is_said_in_korean():
    assert list(CLAIMS_KO) == list(CLAIMS)
    for text in CLAIMS_KO.values():
        assert HANGUL.search(text)
        assert re.search(r"[다]\.$", text)
    assert len(set(CLAIMS_KO.values())) == len(CLAIMS_KO)
    assert claim_ko("T05") == CLAIMS_KO["T05"]


def test_an_unknown_claim_is_answered_in_one_sentence():
    with pytest.raises(UsageError, match="no textbook claim named 'T99'"):
        claim_ko("T99")


def test_every_expected_ruling_has_a_sentence_of_its_own():
    for code, word in expected().items():
        assert (code, Outcome(word)) in SENTENCES


def test_every_sentence_is_filled_from_the_evidence_of_its_ruling(rulings):
    for code, ruling in rulings.items():
        assert str(ruling.ruling) == expected()[code]
        text = summary_ko(ruling)
        told = SENTENCES[code, ruling.ruling]
        assert text != summary_ko(dataclasses.replace(ruling, evidence=())) or not told.numbers
        assert "판정은" not in text
        assert not re.search(r"[{}]|nan|inf|None", text)
        assert text.endswith("다.")
        assert len(re.findall(r"다\. ", text)) == 0  # one sentence


def test_a_sentence_follows_the_numbers_and_nothing_else(rulings):
    ruling = rulings["T16"]
    line = next(e for e in ruling.evidence if "sqrt(2/n)" in e.quantity and "gain" in e.quantity)
    moved = tuple(dataclasses.replace(e, observed=0.123) if e is line else e for e in ruling.evidence)
    assert "0.12배" in summary_ko(dataclasses.replace(ruling, evidence=moved))
    assert summary_ko(dataclasses.replace(ruling, summary="", conditions="")) == summary_ko(ruling)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_another_outcome_is_never_contradicted(rulings, outcome):
    for code, ruling in rulings.items():
        text = summary_ko(dataclasses.replace(ruling, ruling=outcome))
        if outcome is not ruling.ruling:
            assert f"'{WORDS[outcome]}'" in text
            assert all(word not in text for word in WORDS.values() if word != WORDS[outcome])
            assert text != SENTENCES[code, ruling.ruling].text


def test_a_ruling_without_its_numbers_says_no_more_than_the_outcome(rulings):
    ruling = rulings["T05"]
    bare = dataclasses.replace(ruling, evidence=())
    assert summary_ko(bare) == "이 주장에 대한 판정은 '조건부'이다."
    line = dataclasses.replace(ruling.evidence[0], observed=float("inf"))
    broken = dataclasses.replace(ruling, evidence=(line, *ruling.evidence[1:]))
    assert summary_ko(broken).startswith("이 주장에 대한 판정은 '조건부'이며")
    twice = dataclasses.replace(ruling, evidence=(*ruling.evidence, ruling.evidence[0]))
    assert summary_ko(twice).startswith("이 주장에 대한 판정은 '조건부'이며")


def test_a_claim_that_was_not_examined_says_what_would_decide_it():
    for code in TRAINED:
        text = summary_ko(rule(code))
        assert text.startswith("이 주장에 대한 판정은 '판정 보류'이다. ")
        assert text.endswith(": verinit textbook --with-training")
        assert summary_ko(unexamined(code, NEEDED)).endswith(": pip install 'verinit[data]'")
    assert "--with-training" in UNASKED
    assert "pip install 'verinit[data]'" in NEEDED


def test_an_undecided_ruling_that_was_examined_needs_nothing_more(rulings):
    ruling = dataclasses.replace(rulings["T05"], ruling=Outcome.undecided)
    assert "필요하다" not in summary_ko(ruling)
    assert "필요하다" not in summary_ko(dataclasses.replace(ruling, evidence=()))


@pytest.mark.parametrize(
    ("field", "observed", "text"),
    [
        ("left", 3.0, "1.0×10⁻³"),
        ("decades", 2.5, "320"),
        ("decades", 3.5, "3.2×10³"),
        ("doublings", -14.0, "6.1×10⁻⁵"),
        ("doublings", 3.0, "8"),
        ("doublings", -5000.0, "0"),
    ],
)
def test_a_logarithm_is_told_as_the_factor_that_it_stands_for(rulings, monkeypatch, field, observed, text):
    ruling = rulings["T16"]
    line = dataclasses.replace(ruling.evidence[0], quantity="the line", observed=observed)
    told = Sentence(text="{0}배다.", numbers=(power("the line", field=field),))
    monkeypatch.setitem(SENTENCES, ("T16", ruling.ruling), told)
    assert summary_ko(dataclasses.replace(ruling, evidence=(line,))) == f"{text}배다."
    beyond = dataclasses.replace(line, observed=-5000.0 if field == "left" else 5000.0)
    told_plainly = summary_ko(dataclasses.replace(ruling, evidence=(beyond,)))
    assert told_plainly.startswith("이 주장에 대한 판정은 '반박됨'이며")


def test_an_old_report_is_told_again_in_the_same_words(rulings):
    for ruling in rulings.values():
        again = restore(json.loads(json.dumps(plain(ruling), allow_nan=False)), Ruling)
        assert summary_ko(again) == summary_ko(ruling)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.32, "0.32"),
        (9.73e-9, "9.7×10⁻⁹"),
        (0.0, "0"),
        (316.0, "320"),
        (999.0, "1000"),
        (12345.0, "1.2×10⁴"),
        (-2e-5, "-2.0×10⁻⁵"),
    ],
)
def test_powers_of_ten_are_written_as_in_print(value, text):
    assert power_of_ten(value) == text
