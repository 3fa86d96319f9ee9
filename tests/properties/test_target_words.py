"""Targets: words find families, members, modules and entry points, and find them again."""

import sys

import numpy as np
import pytest

from verinit.targets import families, resolve, target
from verinit.vocabulary import Scheme, Target, UsageError


def he(shape, rng):
    return rng.normal(0.0, np.sqrt(2.0 / shape[0]), shape)


def test_numpy_is_the_whole_reference_under_its_own_schemes():
    found = [member for member in resolve("numpy") if member.kind == "initializer"]
    names = {member.name for member in found}
    assert {"numpy:he_normal", "numpy:he_normal@fan_out", "numpy:orthogonal", "numpy:zeros"} <= names
    assert len(names) == len(found)
    for member in found:
        assert isinstance(member.scheme, Scheme)
        assert resolve(member.name) == (member,)
        array = member.object((4, 3), np.random.default_rng(0), dtype="float16")
        assert (array.shape, array.dtype) == ((4, 3), np.float16)


def test_families_come_first_and_are_words():
    assert families()[:5] == ("numpy", "torch", "jax", "flax", "keras")
    assert resolve(families()[0]) == resolve("numpy")


def test_another_scheme_may_be_declared():
    (found,) = resolve("numpy:he_normal=lecun_normal")
    assert (found.name, str(found.scheme)) == ("numpy:he_normal=lecun_normal", "lecun_normal")
    assert resolve(found.name)[0].scheme == found.scheme
    assert found.replayable


OWN = """
from functools import partial
import verinit

def he(shape, rng):
    return rng.standard_normal(shape) * (2 / shape[0]) ** 0.5

bound = partial(he)
ready = verinit.target(he, scheme="he_normal", name="ready", expected={"IN204": "known"})

class Box:
    he = staticmethod(he)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder that holds a module `targets_own`, and in which the program is started."""
    (tmp_path / "targets_own.py").write_text(OWN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("targets_own", None)


@pytest.mark.parametrize("attribute", ["he", "bound", "ready", "Box.he"])
def test_a_module_of_the_current_directory_is_found(own, attribute):
    word = f"targets_own:{attribute}=he_normal(mode=fan_out)"
    (found,) = resolve(word)
    assert (found.name, found.replayable, found.scheme.mode) == (word, True, "fan_out")
    again = resolve(found.name)[0].object((3, 4), np.random.default_rng(0))
    np.testing.assert_array_equal(found.object((3, 4), np.random.default_rng(0)), again)


def test_what_a_module_declares_is_kept(own):
    (found,) = resolve("targets_own:ready")
    assert str(found.scheme) == "he_normal"
    assert found.excuse("IN204") == "known"
    (plain,) = resolve("targets_own:he")
    assert plain.scheme is None


class Point:
    def __init__(self, thing):
        self.thing = thing

    def load(self):
        return self.thing


ONE = Target(name="one", kind="initializer", object=he, replayable=False)


@pytest.fixture
def offered(monkeypatch):
    """Packages that offer targets by entry points."""
    from verinit.targets import words

    def offer(**things):
        points = {name: Point(thing) for name, thing in things.items()}
        monkeypatch.setattr(words, "_entry_points", lambda: points)
        words._offered.cache_clear()

    yield offer
    words._offered.cache_clear()


@pytest.mark.parametrize("thing", [ONE, [ONE], lambda: ONE, lambda: iter([ONE])])
def test_an_entry_point_offers_targets(offered, thing):
    offered(acme=thing)
    assert families() == ("numpy", "torch", "jax", "flax", "keras", "scipy", "acme")
    (found,) = resolve("acme")
    assert (found.name, found.replayable) == ("acme:one", True)
    assert resolve("acme:one") == (found,)


def test_a_built_in_family_is_not_replaced(offered):
    offered(numpy=ONE)
    assert families() == ("numpy", "torch", "jax", "flax", "keras", "scipy")
    assert len(resolve("numpy")) > 1


def test_a_scheme_is_read_and_kept():
    found = target(he, scheme="kaiming_normal", expected={"IN204": "why"})
    assert (str(found.scheme), found.expected) == ("he_normal", (("IN204", "why"),))
    assert target(found, scheme="lecun_normal").expected == found.expected
    assert target(found) is found
    with pytest.raises(UsageError, match="no scheme named 'he_norml'"):
        target(he, scheme="he_norml")
