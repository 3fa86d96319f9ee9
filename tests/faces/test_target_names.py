"""What targets are called, and what is said of a word or an object that is none."""

import functools
import sys

import numpy as np
import pytest

from verinit.targets import resolve, target
from verinit.vocabulary import Target, TargetError, UsageError


def importable(shape, rng):
    return rng.random(shape)


def test_what_lives_in_a_module_is_found_again_by_name():
    assert target(importable).name == f"{__name__}:importable"
    found = target(importable, scheme="normal(std=0.02)")
    assert (found.name, found.replayable) == (f"{__name__}:importable=normal(std=0.02)", True)
    again = target(found, scheme="uniform")
    assert (again.name, again.replayable) == (f"{__name__}:importable=uniform", True)


class Factory:
    def __call__(self, shape, rng):
        return rng.random(shape)

    def draw(self, shape, rng):
        return rng.random(shape)


def local():
    def inner(shape, rng):
        return rng.random(shape)

    return inner


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (lambda shape, rng: rng.random(shape), "lambda"),
        (local(), "local.inner"),
        (functools.partial(importable), "partial(importable)"),
        (functools.partial(np.full, fill_value=0.5), "partial(full, fill_value=0.5)"),
        (Factory(), "Factory"),
        (Factory().draw, "Factory.draw"),
    ],
)
def test_what_no_name_finds_is_called_readably_and_is_not_replayable(thing, name):
    found = target(thing)
    assert (found.name, found.replayable) == (name, False)
    declared = target(thing, scheme="uniform")
    assert (declared.name, declared.replayable) == (f"{name}=uniform", False)


def test_a_given_name_is_used_as_it_is():
    found = target(importable, scheme="uniform", name="mine")
    assert (found.name, found.replayable) == ("mine", False)


def test_a_given_name_that_says_where_a_thing_is_kept_finds_it(monkeypatch):
    module = type(sys)("kept_here")
    module.bound = functools.partial(importable)
    monkeypatch.setitem(sys.modules, "kept_here", module)
    found = target(module.bound, scheme="uniform", name="kept_here:bound")
    assert (found.name, found.replayable) == ("kept_here:bound=uniform", True)
    assert not target(functools.partial(importable), name="kept_here:bound").replayable


def test_the_main_module_is_found_by_nobody(monkeypatch):
    monkeypatch.setattr(sys.modules["__main__"], "importable", importable, raising=False)
    monkeypatch.setattr(importable, "__module__", "__main__")
    assert not target(importable).replayable


def needs(shape, rng, sharpness):
    return rng.random(shape)


def silent(shape, std):
    return std


def shapeless(*, seed):
    return seed


MISTAKES = {
    "a class": (
        lambda: target(Factory),
        "Factory is a class; give an instance of it, or a function",
    ),
    "a number": (
        lambda: target(0.5),
        "0.5 is of type float and cannot be called; give a function of a shape",
    ),
    "a word": (
        lambda: target("torch:kaiming_normal_"),
        "'torch:kaiming_normal_' is a word; give the object itself, or resolve('torch:kaiming_normal_')",
    ),
    "an unknown argument": (
        lambda: target(needs),
        "needs(shape, rng, sharpness) needs 'sharpness', which verinit has nothing to pass for; bind it: "
        "functools.partial(needs, sharpness=...)",
    ),
    "a number in second place": (
        lambda: target(silent),
        "silent(shape, std) needs 'std', which verinit has nothing to pass for; bind it: "
        "functools.partial(silent, std=...)",
    ),
    "no shape": (
        lambda: target(shapeless),
        "shapeless(*, seed) has no parameter for a shape; give a function of a shape",
    ),
    "an unknown kind": (
        lambda: target(importable, kind="layr"),
        "no kind named 'layr'; did you mean 'layer'? "
        "(allowed: activation, function, initializer, layer, loss, model, normalizer)",
    ),
    "half an activation": (
        lambda: target(np.tanh, kind="activation"),
        "kind='activation' needs value and derivative; <ufunc 'tanh'> has no value; "
        "give target(f, derivative=df)",
    ),
    "half a layer": (
        lambda: target(np.tanh, kind="layer"),
        "kind='layer' needs forward and backward; <ufunc 'tanh'> has no forward",
    ),
    "a derivative of a layer": (
        lambda: target(np.tanh, kind="layer", derivative=np.cos),
        "derivative: only an activation has one, kind='layer' was given",
    ),
    "a derivative that is no function": (
        lambda: target(np.tanh, derivative=1.0),
        "derivative=1.0: an activation is a pair of functions of an array",
    ),
    "a known failure without its reason": (
        lambda: target(importable, expected={"IN204": ""}),
        "expected={'IN204': ''}: a known failure needs its reason, in words",
    ),
    "an unknown scheme": (
        lambda: resolve("numpy:he_normal=he_norml"),
        "no scheme named 'he_norml'; did you mean 'he_normal'? (allowed: constant, he_normal, "
        "he_truncated_normal, he_uniform, lecun_normal, lecun_truncated_normal, lecun_uniform, normal, ones, "
        "orthogonal, truncated_normal, uniform, variance_scaling, xavier_normal, xavier_truncated_normal, "
        "xavier_uniform, zeros)",
    ),
    "an unknown family": (
        lambda: resolve("numpi"),
        "no target named 'numpi'; did you mean 'numpy'? (allowed: numpy, torch, jax, flax, keras, scipy, or "
        "module:callable=scheme)",
    ),
    "a family with a scheme": (
        lambda: resolve("numpy=he_normal"),
        "target 'numpy=he_normal': a scheme is declared for one target, not for a family",
    ),
    "half a word": (
        lambda: resolve("json:"),
        "target 'json:': give module:callable, such as mynet.init:he=he_normal",
    ),
    "a missing attribute": (
        lambda: resolve("json:dump_"),
        "target 'json:dump_': module 'json' has no attribute 'dump_'; did you mean 'dump'?",
    ),
    "a missing attribute of an attribute": (
        lambda: resolve("json:JSONEncoder.encod"),
        "target 'json:JSONEncoder.encod': 'JSONEncoder' in 'json' has no attribute 'encod'; "
        "did you mean 'encode'?",
    ),
    "a constant": (
        lambda: resolve("math:pi"),
        "target 'math:pi': pi is of type float and cannot be called; give a function of a shape",
    ),
    "a class by its word": (
        lambda: resolve("json:JSONEncoder"),
        "target 'json:JSONEncoder': JSONEncoder is a class; give an instance of it, or a function",
    ),
}


@pytest.mark.parametrize(("mistake", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_answered_with_one_sentence(mistake, sentence):
    with pytest.raises(UsageError) as raised:
        mistake()
    assert str(raised.value) == sentence


def test_an_unknown_member_is_answered_with_the_nearest():
    with pytest.raises(UsageError) as raised:
        resolve("numpy:he_norml")
    assert str(raised.value).startswith(
        "no numpy target named 'numpy:he_norml'; did you mean 'numpy:he_normal'? (allowed: "
    )


ABSENT = "a_module_that_nobody_has"
MODULES = {
    "syntax": ("def", "SyntaxError: "),
    "exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "missing": (f"import {ABSENT}", f"ModuleNotFoundError: No module named '{ABSENT}'"),
}


@pytest.mark.parametrize("kind", MODULES)
def test_a_module_that_cannot_be_imported_is_answered_with_its_last_line(kind, tmp_path, monkeypatch):
    text, line = MODULES[kind]
    (tmp_path / f"target_{kind}.py").write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    with pytest.raises(TargetError) as raised:
        resolve(f"target_{kind}:f=he_normal")
    start = f"target 'target_{kind}:f': module 'target_{kind}' cannot be imported ({line}"
    assert str(raised.value).startswith(start)
    assert "\n" not in str(raised.value)


def test_a_jax_function_without_jax_names_what_to_install(monkeypatch):
    from verinit.targets.jax import keys

    keys._words.cache_clear()
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(TargetError) as raised:
        target(lambda key, shape: None).object((2, 2), np.random.default_rng(0))
    assert str(raised.value) == "a parameter named key asks for a JAX key: pip install jax"


ONE = Target(name="one", kind="initializer", object=importable)
MUST = "it must be a Target, an iterable of Targets, or a function that returns one"
OFFERS = {
    "nothing": ([], f"gave nothing; {MUST}"),
    "a stranger": ([ONE, importable], f"gave a function; {MUST}"),
    "a crash": (lambda: 1 / 0, "cannot be loaded (ZeroDivisionError: division by zero)"),
}


@pytest.mark.parametrize("offer", OFFERS)
def test_an_entry_point_that_offers_no_target_is_named(offer, monkeypatch):
    from verinit.targets import words

    thing, sentence = OFFERS[offer]
    point = type("Point", (), {"load": staticmethod(lambda: thing)})
    monkeypatch.setattr(words, "_entry_points", lambda: {"acme": point})
    words._offered.cache_clear()
    with pytest.raises(TargetError) as raised:
        resolve("acme")
    assert str(raised.value) == f"entry point 'acme' of verinit.targets {sentence}"
