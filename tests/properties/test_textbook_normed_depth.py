"""T26 before training: the ruling follows the runs, and a fresh root changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from verinit.textbook import rule
from verinit.textbook.ledgers import expected
from verinit.textbook.normed_depth import (
    DEEP,
    MARGIN,
    batch_norm_keeps_the_signal_and_grows_the_gradient,
    normed,
)
from verinit.vocabulary import Outcome, Rates

RNG = np.random.default_rng(3)


def world(growth: float, depth: int, *, fade: float = 1.0):
    """Runs in which the gradient grows, and the signal fades, by a factor a layer, but for 5 % of chance."""
    steps = np.arange(depth)
    noise = np.exp(0.05 * RNG.standard_normal((2, 36, depth)))
    return fade**steps * noise[0], growth ** steps[::-1] * noise[1]


def ruled(growth: float, *, fade: float = 1.0):
    return batch_norm_keeps_the_signal_and_grows_the_gradient(
        {"He": world(growth, 5, fade=fade)}, {"He": world(growth, DEEP, fade=fade)}, rates=Rates()
    )


@pytest.mark.parametrize(
    ("growth", "fade", "outcome"),
    [
        (1.0, 1.0, Outcome.holds),
        (1.21, 1.0, Outcome.depends),
        (10.0, 0.1, Outcome.refuted),
        (0.8, 1.0, Outcome.depends),
    ],
)
def test_the_ruling_follows_the_world(growth: float, fade: float, outcome: Outcome) -> None:
    assert ruled(growth, fade=fade).ruling is outcome


@pytest.mark.parametrize("root", [1, 77])
def test_a_fresh_root_gives_the_committed_ruling(root: int) -> None:
    found = rule("T26", root=root)
    assert str(found.ruling) == expected()["T26"]
    assert found.evidence[-1].distance <= found.evidence[-1].tolerance  # beside theory


def test_what_epsilon_swallows_and_the_deep_backward_half_fail_and_nothing_else() -> None:
    found = rule("T26")
    by_name = {e.quantity: e for e in found.evidence[:-1]}
    failed = [name for name, e in by_name.items() if e.distance > e.tolerance]
    assert [name.partition(":")[0] for name in failed] == [
        "std 0.0001, 5 layers, forward",
        "std 0.0001, 5 layers, backward",
        "He, sqrt(2/n), 40 layers, backward",
    ]
    assert by_name[failed[-1]].observed > 3 * MARGIN


def test_a_run_shows_every_layer() -> None:
    signal, gradient = normed(0.1, 4, 1, 0)
    assert signal.shape == gradient.shape == (4,)
    assert (gradient > 0).all()
