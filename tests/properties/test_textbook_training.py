"""T25, T27, T28: rulings follow their worlds, trainings are paired, and nobody trains unasked."""

import dataclasses
import re

import numpy as np
import pytest

from verinit.reference.layers import Affine
from verinit.textbook import TRAINED, digits, ledger, rule, training
from verinit.textbook.head_starts import (
    FORBIDS,
    PAIRS,
    STARTS,
    XAVIER,
    a_good_start_saves_steps,
    fewer,
    until,
)
from verinit.textbook.initial_weights import ENDS, SCALES, batch_norm_forgives_a_decade, scaled
from verinit.textbook.korean import summary_ko
from verinit.textbook.ledgers import expected, surprises
from verinit.textbook.overfitting import ARMS, batch_norm_is_no_dropout, ratio
from verinit.textbook.training import HE, SEEDS, Courses, Lesson, courses, taught
from verinit.vocabulary import Outcome, Rates

RATES = Rates()
JITTER = np.linspace(-0.005, 0.005, SEEDS)
STEPS = np.arange(5.0, 101.0, 5.0)
needs_data = pytest.mark.skipif(not digits.available(), reason=digits.NEEDED)
TINY = Lesson(images=40, batch=20, steps=6, every=2, depth=1, width=8)
TWO_LAYERS = dataclasses.replace(TINY, depth=2)


def world(final: float, *, train: float = 1.0, good_at: float = np.inf) -> Courses:
    """Trainings that end at a test accuracy, or have 0.95 from step `good_at` on, but for a little chance."""
    test = np.where(good_at <= STEPS, 0.95, final - 1e-3) + JITTER[:, None]
    test[:, -1] = (0.95 if good_at <= STEPS[-1] else final) + JITTER
    return Courses(test=test, loss=1.0 - test, train=np.full(SEEDS, train), steps=STEPS)


def weights(network):
    """Of each affine layer."""
    return [layer.W for layer in network.layers if isinstance(layer, Affine)]


def start_world(near: float, far: float, alike: float):
    """T25 in a world where accuracy near He's weights, far from them and from equal weights is this."""
    found = {std: world(0.97 if std == 0.03 else near if 0.03 < std < 1 else far) for std in SCALES}
    return batch_norm_forgives_a_decade(
        found,
        {std: world(0.1) for std in SCALES},
        he=world(0.97),
        alike=world(alike),
        fine=world(0.97),
        sweep={"depth 2": {std: found[std] for std in ENDS}},
        scaled=(0.0, 0.0),
        rates=RATES,
    )


@pytest.mark.parametrize(
    ("near", "far", "alike", "outcome"),
    [
        (0.95, 0.6, 0.1, Outcome.depends),
        (0.96, 0.95, 0.96, Outcome.holds),
        (0.5, 0.3, 0.1, Outcome.refuted),
    ],
)
def test_t25_follows_the_world(near, far, alike, outcome):
    assert start_world(near, far, alike).ruling is outcome


def test_scaled_weights_change_nothing_but_the_gradient_bit_for_bit():
    assert scaled(3) == (0.0, 0.0)
    off = scaled(3, factor=3.0)  # no power of two: rounding shows, and no more
    assert 0.0 < max(off) < 1e-10


def arms_world(normed: float, dropped: float, both: float):
    """T27 in a world with these gaps beside one of 0.15 with neither."""
    gaps = dict(zip(ARMS, (0.15, normed, dropped, both), strict=True))
    arms = {each: world(1.0 - gap) for each, gap in gaps.items()}
    return batch_norm_is_no_dropout(arms, {"50 images": arms}, rates=RATES)


@pytest.mark.parametrize(
    ("normed", "dropped", "both", "outcome"),
    [
        (0.20, 0.12, 0.10, Outcome.refuted),
        (0.08, 0.12, 0.04, Outcome.holds),
        (0.20, 0.10, 0.21, Outcome.refuted),
        (0.135, 0.10, 0.10, Outcome.refuted),
    ],
)
def test_t27_follows_the_world(normed, dropped, both, outcome):
    assert arms_world(normed, dropped, both).ruling is outcome


def test_a_gap_that_was_never_there_has_no_share_left():
    assert np.isnan(ratio(world(0.9), world(1.0 + 2 * JITTER.max()))).all()


def head_start_world(he: float, xavier: float, sigmoid: float, costs: float):
    """T28 where He's ReLU, Xavier's ReLU and tanh, and Xavier's sigmoid are good at these steps."""
    good_at = {("relu", HE): he, ("relu", XAVIER): xavier, ("tanh", XAVIER): xavier}
    found = {start: world(0.1, good_at=good_at.get(start, np.inf)) for start in STARTS}
    slow = {PAIRS[-1][0]: world(0.1, good_at=sigmoid), PAIRS[-1][1]: world(0.1, good_at=70)}
    long = world(0.9)
    long.test[:, 3] = 0.9 + costs + JITTER
    return a_good_start_saves_steps(found, slow=slow, long=long, sweep={"depth 2": found}, rates=RATES)


@pytest.mark.parametrize(
    ("he", "xavier", "sigmoid", "costs", "outcome"),
    [
        (30, 60, np.inf, 0.0, Outcome.depends),
        (30, 60, 40, 3 * FORBIDS, Outcome.holds),
        (80, 60, np.inf, 0.0, Outcome.depends),
    ],
)
def test_t28_follows_the_world(he, xavier, sigmoid, costs, outcome):
    assert head_start_world(he, xavier, sigmoid, costs).ruling is outcome


def test_a_ratio_that_neither_start_gives_is_not_ruled_on():
    """No start gets there, but for tanh with Xavier: only that ratio is known, and it passes."""
    ruled = head_start_world(np.inf, np.inf, 20, 3 * FORBIDS)
    assert ruled.ruling is Outcome.undecided
    neither = fewer({("relu", HE): world(0.1), ("relu", XAVIER): world(0.1)}, *PAIRS[1], RATES)
    assert np.isnan(neither.observed)
    assert neither.interval == (-np.inf, np.inf)


def test_what_is_never_good_counts_as_one_look_after_the_last():
    assert np.array_equal(until(world(0.5)), np.full(SEEDS, 105.0))
    assert np.array_equal(until(world(0.5, good_at=30)), np.full(SEEDS, 30.0))


@pytest.mark.parametrize(
    "ruled",
    [start_world(0.95, 0.6, 0.1), arms_world(0.2, 0.12, 0.1), head_start_world(30, 60, np.inf, 0.0)],
    ids=lambda ruled: ruled.id,
)
def test_the_korean_sentence_is_filled_from_the_evidence(ruled):
    assert str(ruled.ruling) == expected()[ruled.id]
    text = summary_ko(ruled)
    assert "판정은" not in text
    assert not re.search(r"[{}]|nan|inf|None", text)
    assert text.endswith("다.")
    assert len(re.findall(r"다\. ", text)) == 0


def test_nobody_trains_who_was_not_asked_to(monkeypatch):
    monkeypatch.setattr(training, "taught", None)
    book = ledger(only=tuple(TRAINED))
    assert [ruling.ruling for ruling in book.rulings] == [Outcome.undecided] * 3
    assert all("verinit textbook --with-training" in ruling.summary for ruling in book.rulings)
    assert book.surprises == ()


def test_without_the_images_the_ruling_says_what_it_needs(monkeypatch):
    monkeypatch.setattr("verinit.textbook.ledgers.available", lambda: False)
    ruled = rule("T25", with_training=True)
    assert ruled.ruling is Outcome.undecided
    assert ruled.summary.startswith("needs data: pip install")
    assert surprises([ruled], expected()) == ()


def test_a_trained_ruling_that_changed_is_a_surprise():
    ruled = dataclasses.replace(start_world(0.96, 0.95, 0.96))
    assert surprises([ruled], expected()) == ("T25: expected depends, got holds",)


@needs_data
def test_one_root_and_run_give_one_training():
    assert taught(TINY, 1, 0) == taught(TINY, 1, 0)
    assert taught(TINY, 1, 0) != taught(TINY, 1, 1)
    assert taught(TINY, 1, 0) != taught(TINY, 2, 0)


@needs_data
@pytest.mark.parametrize(
    "other", [{"init": 0.3}, {"batch_norm": True}, {"dropout": 0.2}, {"batch_norm": True, "dropout": 0.2}]
)
def test_lessons_of_one_run_are_paired(other):
    """The same directions of weights in every layer, and the same images in the same order."""
    lessons = TWO_LAYERS, dataclasses.replace(TWO_LAYERS, **other)
    streams = [np.random.default_rng(4) for _ in lessons]
    networks = [training.built(each, rng) for each, rng in zip(lessons, streams, strict=True)]
    for ours, theirs in zip(*map(weights, networks), strict=True):
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 1 - 1e-6  # one direction, another length
    orders = [[b.labels for b in training.batches(digits.images(), TINY, rng)] for rng in streams]
    assert all(np.array_equal(a, b) for a, b in zip(*orders, strict=True))


@needs_data
def test_what_is_tested_was_never_learnt_from():
    known, unknown = digits.split(1200, np.random.default_rng(0))
    assert (len(known), len(unknown)) == (1200, digits.TEST)
    rows = np.concatenate([known.pixels, unknown.pixels])
    order = np.lexsort(rows.T)
    every = digits.images().pixels
    assert np.array_equal(rows[order], every[np.lexsort(every.T)])


@needs_data
def test_every_batch_is_full_and_an_epoch_sees_every_image_once():
    seen = list(training.batches(digits.images().at(np.arange(40)), TINY, np.random.default_rng(1)))
    assert [len(batch) for batch in seen] == [20] * 6
    together = np.concatenate([seen[0].pixels, seen[1].pixels])
    assert len(np.unique(together, axis=0)) == len(np.unique(digits.images().pixels[:40], axis=0))


@needs_data
def test_equal_weights_stay_equal_and_a_network_learns():
    alike = training.built(dataclasses.replace(TINY, init=training.ALIKE), np.random.default_rng(0))
    assert np.ptp(alike.layers[0].W) == 0.0
    found = courses(Lesson(steps=40, every=20, depth=1), 1, 2)
    assert found.test.shape == (2, 2)
    assert (found.final > 0.5).all()
    assert (found.gap == found.train - found.final).all()


@needs_data
def test_many_cores_give_what_one_gives():
    found = courses(TINY, 9, 3)
    for run in range(3):
        test, loss, train = taught(TINY, 9, run)
        assert (test, loss, train) == (list(found.test[run]), list(found.loss[run]), found.train[run])
