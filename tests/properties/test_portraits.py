"""One's own network in the chapter's figure: theory beside measurement, and whatever one may ask for."""

from __future__ import annotations

import math

import numpy as np
import pytest

import verinit
from verinit.laws.marginals import cdf, law_of
from verinit.laws.schemes import parse
from verinit.portraits import portrait
from verinit.reference.activations import ACTIVATIONS
from verinit.targets.drawn import sampler
from verinit.textbook.own import PANELS, drawn_layers
from verinit.vocabulary import UsageError

SPELT = (
    "normal(std=0.5)",
    "uniform(low=-0.3, high=0.1)",
    "truncated_normal(std=0.2)",
    "truncated_normal(std=0.2, low=-1, high=3, corrected=false)",
    "he_truncated_normal",
    "glorot_uniform",
    "lecun_normal(mode=fan_out)",
    "scipy.laplace(scale=0.1)",
)


def numbers(table, column):
    """The measured number of each row; those in brackets are theory."""
    words = [row[column].split(" ")[0] for row in table.rows]
    return [math.nan if word == "not" else float(word) for word in words]


@pytest.mark.parametrize("spelt", SPELT)
def test_a_scheme_draws_its_own_law(spelt: str) -> None:
    """By the bound of Dvoretzky, Kiefer and Wolfowitz on 48,000 draws, wrong 1e-9 of the time."""
    scheme = parse(spelt)
    law = law_of(scheme, (40, 60))
    w = np.concatenate([sampler(scheme)((40, 60), np.random.default_rng(seed)).ravel() for seed in range(20)])
    u, steps = np.sort(cdf(law, w)), np.arange(w.size + 1) / w.size
    assert max(np.max(steps[1:] - u), np.max(u - steps[:-1])) <= math.sqrt(math.log(2e9) / (2 * w.size))
    assert law.low <= w.min()
    assert w.max() <= law.high


def test_an_orthogonal_scheme_draws_orthogonal_matrices_of_its_gain() -> None:
    Q = sampler(parse("orthogonal(gain=2)"))((30, 30), np.random.default_rng(1))
    bound = 30 * 30 * 4 * float(np.finfo(np.float64).eps)  # 30 products a sum, in a QR of 30 steps
    assert np.abs(Q.T @ Q - 4 * np.eye(30)).max() <= 4 * bound


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "gelu"])
def test_theory_stands_beside_every_layer(activation: str) -> None:
    drawn = portrait("xavier_normal", activation=activation, width=60, depth=4, inputs=200)
    *panels, table = drawn.exhibits
    assert [panel.title for panel in panels] == [f"layer {n}" for n in (1, 2, 3, 4)]
    for panel in panels:
        assert sum(panel.observed) == panel.n == 200 * 60
        assert sum(panel.expected) == pytest.approx(panel.n, rel=1e-2)  # theory's tails beyond the last edge
    assert len(table.rows) == 4
    assert all("(" in row[column] for row in table.rows for column in (1, 2, 4))


def test_one_root_gives_one_figure(tmp_path) -> None:
    first, again = (portrait("he_normal", activation="relu", width=20, depth=2, inputs=30) for _ in range(2))
    other = portrait("he_normal", activation="relu", width=20, depth=2, inputs=30, root=7)
    assert first == again != other
    for name in ("a.png", "a.svg"):
        assert first.save(tmp_path / name).read_bytes() == again.save(tmp_path / f"b{name}").read_bytes()
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in (tmp_path / "a.svg").read_bytes()


def test_the_measured_columns_tell_a_fading_network_from_a_healthy_one() -> None:
    fading = portrait("normal(std=0.01)", activation="tanh", width=100, depth=6).exhibits[-1]
    healthy = portrait("xavier_normal", activation="tanh", width=100, depth=6).exhibits[-1]
    assert numbers(fading, 2)[-1] < 1e-5 < 0.1 < numbers(healthy, 2)[-1]
    assert max(numbers(fading, 4)) < 0.15  # theory 0.1
    assert min(numbers(healthy, 4)) > 0.5


def test_ones_own_code_is_drawn(tmp_path, monkeypatch) -> None:
    (tmp_path / "ownnet.py").write_text(
        "def draw(shape, rng):\n    return rng.normal(0, 0.1, shape).astype('float32')\n"
    )
    monkeypatch.chdir(tmp_path)
    kept = portrait("ownnet:draw=normal(std=0.1)", activation="tanh", width=100, depth=2, inputs=20)
    assert "(" in kept.exhibits[-1].rows[0][1]

    def mine(shape, rng):
        return rng.normal(0, 0.1, shape)

    alone = portrait(mine, activation=ACTIVATIONS["tanh"], width=100, depth=2, inputs=20)
    assert alone.exhibits[0].expected == ()
    assert "(" not in alone.exhibits[-1].rows[0][1]


def test_an_overflowing_network_is_drawn_as_far_as_it_is_finite() -> None:
    drawn = portrait("normal(std=1e30)", activation="relu", width=30, depth=20, inputs=10)
    table = drawn.exhibits[-1]
    assert 0 < len(drawn.exhibits) - 1 < 20
    assert table.rows[-1][1] == "not finite"
    assert math.isfinite(numbers(table, 1)[0])


def test_zeros_are_drawn() -> None:
    assert "not finite" in str(portrait("zeros", activation="sigmoid", width=5, depth=2, inputs=3))


@pytest.mark.parametrize("depth", [1, 2, 5, 24, 25, 26, 300])
def test_first_and_last_layer_are_among_those_drawn(depth: int) -> None:
    shown = drawn_layers(depth)
    assert shown[0] == 1
    assert shown[-1] == depth
    assert len(shown) == min(depth, PANELS)


def test_the_text_fits_a_terminal() -> None:
    text = str(verinit.portrait("xavier_normal", activation="tanh", width=30, depth=3, inputs=50))
    rows = [line for line in text.splitlines() if line.startswith(("layer", "1 ", "2 ", "3 "))]
    assert len(rows) == 3 + 1 + 3
    assert max(map(len, text.splitlines())) <= 80


def test_a_notebook_shows_figure_and_table_and_escapes_names() -> None:
    def draw(shape, rng):
        return rng.normal(0, 0.1, shape)

    draw.__name__ = draw.__qualname__ = "<script>alert(1)</script>"
    html = portrait(draw, activation="relu", width=10, depth=2, inputs=10)._repr_html_()
    assert "<svg" in html
    assert "<table" in html
    assert "<script" not in html


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"init": "he_norml"}, r"no scheme named 'he_norml'; did you mean 'he_normal'\?"),
        ({"activation": "tahn"}, r"no activation named 'tahn'; did you mean 'tanh'\?"),
        ({"width": 0}, r"width=0: a whole number from 1 is needed"),
        ({"depth": 2.5}, r"depth=2\.5: a whole number from 1"),
        ({"width": 10**5}, r"numbers would be kept"),
        ({"init": "numpy:sigmoid"}, r"no numpy target named|one initializer is needed"),
        ({"init": lambda shape, rng: np.zeros(3)}, r"shape"),
        ({"init": lambda shape, rng: np.full(shape, np.nan)}, r"not finite numbers"),
        ({"init": lambda shape, rng: 1 / 0}, r"ZeroDivisionError"),
    ],
)
def test_bad_input_is_answered_in_one_sentence(given, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        portrait(**{"width": 4, "depth": 2, "inputs": 5, **given})


def test_a_picture_that_cannot_be_saved_says_why(tmp_path) -> None:
    drawn = portrait(width=4, depth=1, inputs=5)
    with pytest.raises(UsageError, match=r"ends in \.png or \.svg"):
        drawn.save(tmp_path / "a.pdf")
    with pytest.raises(UsageError, match=r"cannot be written \(No such file"):
        drawn.save(tmp_path / "nowhere" / "a.png")
