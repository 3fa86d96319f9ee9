"""What is known of each activation agrees with 60 digits; ranges, limits and symmetries are true."""

import math

import mpmath as mp
import numpy as np
import pytest

from verinit.laws.activation_rounding import TRUTH, budget, sizes
from verinit.laws.activations import NAMES, profile
from verinit.laws.rounding import unit_roundoff
from verinit.laws.saturation import smallest_normal

WIDE = "float64"


@pytest.fixture(autouse=True)
def _sixty_digits():
    with mp.workdps(60):
        yield


def logistic(x):
    return 1 / (1 + mp.exp(-x))


def gelu_tanh(x):
    return x * logistic(2 * mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3))


def gelu_tanh_slope(x):
    c, a = 2 * mp.sqrt(2 / mp.pi), mp.mpf("0.044715")
    v = c * (x + a * x**3)
    return logistic(v) * (1 + x * c * (1 + 3 * a * x * x) * logistic(-v))


SCALE, ALPHA = mp.mpf("1.0507009873554804934193349852946"), mp.mpf("1.6732632423543772848170429916717")
EXACT = {
    "sigmoid": (logistic, lambda x: logistic(x) * logistic(-x)),
    "tanh": (mp.tanh, lambda x: mp.sech(x) ** 2),
    "relu": (lambda x: max(x, mp.mpf(0)), lambda x: mp.mpf(x > 0)),
    "identity": (lambda x: x, lambda x: mp.mpf(1)),
    "leaky_relu(slope=0.25)": (lambda x: x if x > 0 else x / 4, lambda x: mp.mpf(1 if x > 0 else 0.25)),
    "elu(alpha=0.5)": (
        lambda x: x if x > 0 else mp.expm1(x) / 2,
        lambda x: mp.mpf(1) if x > 0 else mp.exp(x) / 2,
    ),
    "selu": (
        lambda x: SCALE * (x if x > 0 else ALPHA * mp.expm1(x)),
        lambda x: SCALE * (1 if x > 0 else ALPHA * mp.exp(x)),
    ),
    "gelu": (lambda x: x * mp.ncdf(x), lambda x: mp.ncdf(x) + x * mp.npdf(x)),
    "gelu_tanh": (gelu_tanh, gelu_tanh_slope),
    "silu": (lambda x: x * logistic(x), lambda x: logistic(x) * (1 + x * logistic(-x))),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), logistic),
}


def places():
    rng = np.random.default_rng(5)
    near = rng.choice([-1.0, 1.0], 60) * 2.0 ** rng.uniform(-20.0, 9.4, 60)
    return np.concatenate([rng.uniform(-45.0, 45.0, 60), near])


@pytest.mark.parametrize("like", EXACT)
def test_laws_err_by_no_more_than_they_say(like):
    law, x = profile(like), places()
    for got, exact, size in zip((law.value(x), law.slope(x)), EXACT[like], sizes(law, x, WIDE), strict=True):
        true = [exact(mp.mpf(float(number))) for number in x]
        error = np.array([float(abs(mp.mpf(float(y)) - t)) for y, t in zip(got, true, strict=True)])
        allowed = TRUTH * unit_roundoff(WIDE) * size.kept + smallest_normal(WIDE) * size.factor
        assert np.all(error <= allowed)


def test_every_name_has_been_looked_at():
    assert {like.partition("(")[0] for like in EXACT} == set(NAMES)


@pytest.mark.parametrize("like", ["gelu", "gelu_tanh", "silu"])
def test_the_least_value_lies_at_the_turn(like):
    law, (value, slope) = profile(like), EXACT[like]
    turn = mp.findroot(slope, law.turn)
    assert abs(law.turn - turn) <= 2 * unit_roundoff(WIDE) * abs(turn)
    assert law.low == float(value(turn))


@pytest.mark.parametrize("like", [*EXACT, "softplus(threshold=20)"])
def test_values_and_slopes_tend_to_their_limits_and_stay_in_range(like):
    law = profile(like)
    x = np.linspace(-700.0, 700.0, 20001)
    y = law.value(x)
    assert np.all((y >= law.low) & (y <= law.high))
    for at, end in ((x[0], 0), (x[-1], 1)):
        allowed = budget(sizes(law, x, WIDE)[0], WIDE)[-end]
        if math.isfinite(law.ends[end]):
            assert abs(law.value(np.array([at]))[0] - law.ends[end]) <= allowed
        else:
            assert math.copysign(1.0, law.ends[end]) * law.value(np.array([at]))[0] > 0
        assert abs(law.slope(np.array([at]))[0] - law.slope_ends[end]) <= unit_roundoff(WIDE)


@pytest.mark.parametrize("like", EXACT)
def test_symmetries_turns_and_kinks_are_true(like):
    law, x = profile(like), places()
    allowed = budget(sizes(law, x, WIDE)[0], WIDE) + budget(sizes(law, -x, WIDE)[0], WIDE)
    if law.mirror is not None:
        a, b, c = law.mirror
        excess = np.abs(law.value(x) + a * law.value(-x) - b - c * x)
        assert np.all(excess <= allowed + 4.0 * unit_roundoff(WIDE) * np.abs(c * x))
    if law.rising:
        assert np.all(law.slope(x) >= 0.0)
    else:
        assert np.all(law.slope(x[x > law.turn]) >= 0.0)
        assert np.all(law.slope(x[x < law.turn]) <= 0.0)
    for kink in law.kinks:
        beside = np.nextafter(kink.at, [-math.inf, math.inf])
        assert law.slope(beside).tolist() == [kink.left, kink.right]


def test_every_slope_that_jumps_is_known():
    for like in EXACT:
        law = profile(like)
        left, right = law.slope(np.nextafter(0.0, [-math.inf, math.inf]))
        assert (left != right) == bool(law.kinks)


def test_words_are_read_and_spelt_the_same_way():
    for word in ("leaky_relu", "leaky_relu(slope=0.2)", "elu(alpha=0.5)", "softplus(threshold=20)", "gelu"):
        assert str(profile(word)) == word
    assert str(profile("leaky_relu(slope=0.01)")) == "leaky_relu"
    assert str(profile("logistic")) == "sigmoid"
    assert profile("elu(alpha=1/2)").low == -0.5
