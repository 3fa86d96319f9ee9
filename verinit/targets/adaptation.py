"""`target`: what people have, behind the Protocol of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from verinit.laws.responses import RESPONSES
from verinit.laws.schemes import parse
from verinit.targets.batchnorms import batchnorm
from verinit.targets.kinds import kind_of, of_kind, require, takes_depth
from verinit.targets.naming import name_of, says_all
from verinit.targets.probing import adapted, dtypes
from verinit.vocabulary import Kind, Scheme, Target, UsageError, suggestion, unknown

FANS = (2, 3, 4, 5)
"""Numbers of axes that have two fans: dense weights, and kernels of up to three dimensions."""


def target(
    obj: Any,
    *,
    scheme: Any = None,
    name: str | None = None,
    kind: Kind | None = None,
    expected: Mapping[str, str] | None = None,
    derivative: Callable[..., Any] | None = None,
    activation: str | None = None,
    batch_norm: bool | None = None,
) -> Target:
    """Any object with one of verinit's kinds is a target.

    obj         an initializer in any calling form: `f(shape)`, `f(shape, rng)`, `f(shape, rng, dtype)`,
                `f(rng, shape)`, `f(*shape)`, `f(fan_in, fan_out)`, jax's `f(key, shape, dtype)`, torch's
                in-place `f(tensor)`, a keras object, a partial, a method; or an activation, layer,
                normalizer, loss or model; or a Target, which is given the other arguments
    scheme      what an initializer says it is: a name such as "he_normal(mode=fan_out)", a Scheme, or a
                frozen continuous distribution of scipy.stats
    name        in place of its own; `module:attribute` if that is where it is kept
    kind        where the object does not say it: activation, layer, ...
    expected    known failures, code to reason
    derivative  makes an activation of the function `obj`
    activation  of a model, by name, where it has no attribute `activation` that says it
    batch_norm  whether a model normalises before it activates, likewise
    Raises `UsageError` for what cannot be adapted; it says why.

    >>> he = lambda fan_in, fan_out, rng: rng.normal(0, (2 / fan_in) ** 0.5, (fan_in, fan_out))
    >>> found = target(he, scheme="he_normal", name="mine")
    >>> str(found), found.kind, found.ranks, found.replayable
    ('mine', 'initializer', (2,), False)
    """
    chosen = None if scheme is None else parse(scheme)
    excuses = _reasons(expected)
    given = {"activation": activation, "batch_norm": batch_norm}
    declared = {what: value for what, value in given.items() if value is not None}
    if declared:
        _require_model(obj, kind, declared)
    if isinstance(obj, Target):
        return _declaring(_changed(obj, scheme=chosen, name=name, expected=excuses), declared)
    what = kind or kind_of(obj, title=name, paired=derivative is not None)
    if derivative is None:
        require(obj, what)
    if what == "normalizer":
        return replace(batchnorm(obj, name=name), scheme=chosen, expected=excuses)
    title, found = name_of(obj, scheme=chosen, given=name)
    found = found and derivative is None and (kind is None or _speaks_for(obj, kind))
    common: dict[str, Any] = {
        "name": title,
        "kind": what,
        "scheme": chosen,
        "expected": excuses,
        "replayable": found,
    }
    if what == "model":
        common |= {"ranks": (2,), "parameters": ("depth",) if takes_depth(obj) else ()}
    if what != "initializer" or derivative is not None:
        made = Target(object=of_kind(obj, what, derivative=derivative), **common)
        return _declaring(replace(made, declared=_said(obj)), declared) if what == "model" else made
    initializer = adapted(obj)
    return Target(
        object=initializer,
        parameters=initializer.form.parameters,
        ranks=initializer.form.ranks,
        dtypes=dtypes(initializer),
        **common,
    )


def _require_model(obj: Any, kind: Kind | None, declared: Mapping[str, Any]) -> None:
    """Raises `UsageError` where something is declared of an object that is no model, or no word."""
    what = obj.kind if isinstance(obj, Target) else kind or kind_of(obj)
    word, value = next(iter(declared.items()))
    if what != "model":
        raise UsageError(f"{word}={value!r}: only a model is told so; a target of kind {what!r} was given")
    if "activation" in declared and declared["activation"] not in RESPONSES:
        raise unknown("activation", declared["activation"], RESPONSES)


def _said(model: Any) -> tuple[tuple[str, Any], ...]:
    """What a model says of itself: `activation` by name, `batch_norm` and `residual` as yes or no.

    Raises `UsageError` for the name of an activation that no law knows, where one resembles it.
    """
    found = ((word, getattr(model, word, None)) for word in ("activation", "batch_norm", "residual"))
    said = tuple((word, value) for word, value in found if isinstance(value, str | bool))
    named = dict(said).get("activation")
    if isinstance(named, str) and named not in RESPONSES and suggestion(named, RESPONSES):
        raise unknown("activation", named, RESPONSES)
    return said


def _declaring(target: Target, declared: Mapping[str, Any]) -> Target:
    """A model of which more is declared than it says itself, and which its name alone then does not find."""
    known = dict(target.declared)
    if all(word in known and known[word] == value for word, value in declared.items()):
        return target
    return replace(target, declared=tuple((known | dict(declared)).items()), replayable=False)


def _speaks_for(obj: Any, kind: Kind) -> bool:
    """Whether an object says of itself that it is of a kind; what it must be told, no name tells."""
    try:
        return kind_of(obj) == kind
    except UsageError:
        return False


def ranks_of(scheme: Scheme) -> tuple[int, ...]:
    """Numbers of axes that a scheme says anything of; empty for any."""
    return FANS if scheme.mode != "none" or scheme.family == "orthogonal" else ()


def _changed(
    given: Target, *, scheme: Scheme | None, name: str | None, expected: tuple[tuple[str, str], ...]
) -> Target:
    """A target with another scheme, name or list of known failures; found again only under its own name."""
    if scheme is None and name is None and not expected:
        return given
    own = scheme is None or scheme == given.scheme
    plain = given.name.removesuffix(f"={given.scheme}")
    return replace(
        given,
        scheme=scheme or given.scheme,
        name=name or (given.name if own else f"{plain}={scheme}"),
        expected=expected or given.expected,
        replayable=given.replayable
        and name in (None, given.name)
        and (scheme is None or own or says_all(scheme)),
    )


def _reasons(expected: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    reasons = dict(expected or {})
    for code, reason in reasons.items():
        if not str(reason or "").strip():
            raise UsageError(f"expected={{{code!r}: {reason!r}}}: a known failure needs its reason, in words")
    return tuple(sorted(reasons.items()))
