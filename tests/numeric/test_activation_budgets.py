"""The budget of roundings: what sound implementations need of it, and where they are looked at."""

import numpy as np
import pytest

from verinit.checks.activation_points import RUN, points
from verinit.checks.thresholds import largest
from verinit.laws.activation_rounding import OPERATIONS, sizes
from verinit.laws.activations import profile
from verinit.laws.rounding import unit_roundoff
from verinit.laws.saturation import one_by_sum, smallest_normal
from verinit.targets import resolve

DTYPES = ("float16", "bfloat16", "float32", "float64")


def units(target, dtype):
    """Roundings, of u times what is kept and added, by which values and slopes are off at worst."""
    law = profile(str(target.says("like")))
    x = points(dtype, 50, 1.0, np.random.default_rng(3))
    wide = x.astype(np.float64)
    off = np.ones(x.shape, dtype=bool)
    for kink in law.kinks:
        off &= np.abs(wide - kink.at) >= smallest_normal(dtype)
    worst = []
    with np.errstate(all="ignore"):
        true = law.value(wide), law.slope(wide)
        held = off & (np.abs(true[0]) < largest(dtype) / 2)
        passes = (target.object.value, target.object.derivative)
        for f, exact, size in zip(passes, true, sizes(law, wide, dtype), strict=True):
            got = np.asarray(f(x.copy())).astype(np.float64)
            error = np.where(got == exact, 0.0, np.abs(got - exact) - smallest_normal(dtype) * size.factor)
            share = np.where(error <= 0.0, 0.0, error / (unit_roundoff(dtype) * (size.kept + size.terms)))
            worst.append(float(np.max(share[held & ~np.isnan(got)])))
    return worst


@pytest.mark.parametrize(
    ("family", "share"),
    [
        ("numpy", 0.5),
        ("scipy", 0.5),
        pytest.param("torch", 0.5, marks=pytest.mark.torch),
        pytest.param("jax", 0.75, marks=pytest.mark.jax),
    ],
)
def test_sound_implementations_stay_well_within_the_budget(family, share):
    """On the machine that runs this; `share` leaves room for other processors."""
    found = {
        (target.name, dtype): units(target, dtype)
        for target in resolve(family)
        if target.kind == "activation"
        for dtype in target.dtypes
        if family != "jax" or (dtype in ("float32", "float64") and target.name == "jax:tanh")
    }
    worst = max(found, key=lambda key: max(found[key]))
    assert max(found[worst]) <= share * OPERATIONS, (worst, found[worst])
    assert max(found[worst]) >= 0.5, "nothing was rounded: nothing was measured"


@pytest.mark.parametrize("dtype", DTYPES)
def test_points_are_finite_rising_and_always_as_many(dtype):
    first = points(dtype, 50, 1.0, np.random.default_rng(1))
    other = points(dtype, 50, 30.0, np.random.default_rng(2))
    assert first.dtype.name == dtype
    assert first.size == other.size
    wide = first.astype(np.float64)
    assert np.isfinite(wide).all()
    assert np.all(np.diff(wide) >= 0.0)
    assert np.count_nonzero(wide == 0.0) == 2


@pytest.mark.parametrize("dtype", DTYPES)
def test_points_hold_what_is_special_and_its_neighbours(dtype):
    x = points(dtype, 50, 1.0, np.random.default_rng(1))
    wide = set(x.astype(np.float64).tolist())
    kind = x.dtype
    for landmark in (largest(dtype), smallest_normal(dtype), 1.0, one_by_sum(dtype), 13.0, 20.0):
        near = np.array([landmark]).astype(kind)
        for number in (near, np.nextafter(near, kind.type(0))):
            assert {float(number[0]), -float(number[0])} <= wide


def test_all_numbers_of_a_two_byte_dtype_are_there():
    assert points("float16", 1, 1.0, np.random.default_rng(0)).size == 2 * 0x7C00
    assert points("bfloat16", 1, 1.0, np.random.default_rng(0)).size == 2 * 0x7F80


def test_runs_of_adjacent_numbers_are_there():
    x = points("float32", 1, 1.0, np.random.default_rng(0))
    steps = np.nextafter(x[:-1], np.float32(np.inf)) == x[1:]
    longest = max(len(run) for run in "".join("x" if step else " " for step in steps).split())
    assert longest >= RUN - 1
