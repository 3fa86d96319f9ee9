"""What stands behind the equals sign of a word: what the object before it is declared to be.

`mynet:he=he_normal` is an initializer of that scheme, `mynet:f=gelu` an activation like gelu,
`mynet:BN=batchnorm(eps=0.001)` a batch norm, and `mynet:Dense=layer(he_normal, activation=relu, width=64)`
what makes layers of such weights. With the place before it each word says everything, so that a finding is
seen again from its id alone.
"""

from __future__ import annotations

import ast
from typing import Any

from verinit.laws.activations import NAMES, profile
from verinit.laws.schemes import CATALOGUE, parse
from verinit.targets.activations.written import activation
from verinit.targets.adaptation import target
from verinit.targets.batchnorms import batchnorm
from verinit.targets.layer_stacks import layer_stack
from verinit.targets.naming import spelt
from verinit.vocabulary import Target, UsageError, suggestion, unknown

BATCHNORM = ("eps", "momentum", "unbiased", "axis")
LAYER = ("activation", "width")


def declared(obj: Any, text: str, *, name: str) -> Target:
    """An object as the target that a declaration makes of it; `name` is what it is called in errors.

    Raises `UsageError` for a declaration that nobody knows, with the nearest, and for an object that is not
    of its kind.
    """
    head = text.partition("(")[0].strip()
    if head == "batchnorm":
        return batchnorm(obj, **_settings(text, BATCHNORM), name=name)
    if head == "layer":
        scheme, settings = _layer(text)
        return layer_stack(obj, scheme=scheme, **settings, name=name)
    if head in NAMES:
        return activation(obj, like=str(profile(text)), name=name)
    return target(obj, scheme=scheme_of(text), name=name)


def scheme_of(text: str) -> Any:
    """The scheme of a declaration that is none of the other kinds.

    Raises `UsageError` with the nearest of all that may be declared.
    """
    try:
        return parse(text)
    except UsageError:
        head = text.partition("(")[0].strip()
        hint = suggestion(head, (*NAMES, "batchnorm", "layer"))
        if hint and head not in CATALOGUE and not suggestion(head, CATALOGUE):
            raise UsageError(f"nothing named {head!r} can be declared{hint}") from None
        raise


def canonical(text: str) -> str:
    """A declaration as names of targets spell it.

    >>> canonical("kaiming_normal"), canonical("leaky_relu(slope=.2)"), canonical("batchnorm( eps=1e-3 )")
    ('he_normal', 'leaky_relu(slope=0.2)', 'batchnorm(eps=0.001)')
    """
    head = text.partition("(")[0].strip()
    if head == "batchnorm":
        return spelt(head, _settings(text, BATCHNORM))
    if head == "layer":
        scheme, settings = _layer(text)
        return spelt(head, settings, str(parse(scheme)))
    return str(profile(text) if head in NAMES else scheme_of(text))


def _call(text: str, form: str) -> tuple[list[ast.expr], dict[str, ast.expr]]:
    """Arguments of a declaration, by position and by name."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UsageError(f"{text!r}: write it like {form}") from None
    if isinstance(node, ast.Name):
        return [], {}
    if not isinstance(node, ast.Call) or any(keyword.arg is None for keyword in node.keywords):
        raise UsageError(f"{text!r}: write it like {form}")
    return node.args, {str(keyword.arg): keyword.value for keyword in node.keywords}


def _settings(text: str, allowed: tuple[str, ...]) -> dict[str, Any]:
    ordered, named = _call(text, "batchnorm(eps=0.001, axis=1)")
    if ordered:
        raise UsageError(f"{text!r}: settings of a batch norm are given by name: {', '.join(allowed)}")
    return {name: _value(name, node, allowed) for name, node in named.items()}


def _layer(text: str) -> tuple[str, dict[str, Any]]:
    form = "layer(he_normal, activation=relu, width=64)"
    ordered, named = _call(text, form)
    if len(ordered) != 1:
        raise UsageError(f"{text!r}: the scheme of the weights comes first, as in {form}")
    return ast.unparse(ordered[0]), {name: _value(name, node, LAYER) for name, node in named.items()}


def _value(name: str, node: ast.expr, allowed: tuple[str, ...]) -> Any:
    """The number, truth value or word of a setting."""
    if name not in allowed:
        raise unknown("setting", name, allowed)
    if isinstance(node, ast.Name):
        return {"true": True, "false": False}.get(node.id.lower(), node.id)
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise UsageError(f"{name}={ast.unparse(node)}: a number or a word is needed") from None
