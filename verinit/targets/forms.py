"""Calling forms of initializers: which argument is the shape, which is chance, which is the dtype.

A form is read from the signature: from the names of parameters first, then from their order. Where a
signature leaves several readings, all are listed, most likely first, and `probing` tries them.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from verinit.vocabulary import UsageError

Role = Literal[
    "shape",
    "sizes",
    "fan_in",
    "fan_out",
    "rng",
    "random_state",
    "seed",
    "short seed",
    "key",
    "torch generator",
]
Spelling = Literal["dtype", "type", "word", "torch"]
Parameters = list[inspect.Parameter]

_NAMES: dict[Role, tuple[str, ...]] = {
    "shape": ("shape", "size", "dims"),
    "rng": ("rng", "generator", "gen", "prng", "random", "random_generator", "np_rng"),
    "random_state": ("random_state", "randomstate"),
    "seed": ("seed",),
    "key": ("key", "prng_key", "rng_key"),
    "fan_in": ("fan_in", "n_in", "nin", "num_in", "in_features", "in_dim", "input_dim", "input_size",
               "in_size", "n_inputs", "num_inputs", "n_input", "d_in", "din", "in_channels", "rows"),
    "fan_out": ("fan_out", "n_out", "nout", "num_out", "out_features", "out_dim", "output_dim", "output_size",
                "out_size", "n_outputs", "num_outputs", "n_output", "d_out", "dout", "out_channels", "cols",
                "columns"),
}  # fmt: skip
ROLES: dict[str, Role] = {name: role for role, names in _NAMES.items() for name in names}
CHANCE: frozenset[Role] = frozenset({"rng", "random_state", "seed", "short seed", "key", "torch generator"})
TENSORS = ("tensor", "weight", "weights", "w", "param", "parameter", "p", "t")
CASE_PARAMETERS = ("groups", "transposed")
_NUMBERS = ("std", "stddev", "sigma", "scale", "gain", "mean", "mu", "value", "val", "low", "high", "bound",
            "mode")  # fmt: skip
"""Second parameters of these names are no generator."""
_ORDERED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a callable takes what verinit has to give.

    arguments   (keyword, role) of each argument; a keyword of "" is passed by position
    dtype       the keyword for a dtype; "" where there is none
    spelling    what is passed there: numpy's dtype or scalar type, a word, or torch's dtype
    in_place    the shape is passed as a torch tensor to be filled
    parameters  case parameters that it takes
    """

    arguments: tuple[tuple[str, Role], ...]
    dtype: str = ""
    spelling: Spelling = "dtype"
    in_place: bool = False
    parameters: tuple[str, ...] = ()

    @property
    def roles(self) -> frozenset[Role]:
        """What is passed."""
        return frozenset(role for _, role in self.arguments)

    @property
    def ranks(self) -> tuple[int, ...]:
        """Numbers of axes that it can be asked for; empty for any."""
        return (2,) if "fan_in" in self.roles else ()


def forms(function: Callable[..., Any]) -> list[Form]:
    """The calling forms that a signature allows, most likely first.

    Raises `UsageError` for a parameter that nothing can be passed for.
    """
    parameters = _parameters(function)
    if parameters is None:
        return [*_starred(), Form(arguments=(("size", "shape"),))]
    shapes, roles = _assigned(parameters, function)
    found = [_form(parameters, reading) for reading in _readings(parameters, shapes, roles, function)]
    if not found:
        found = _starred()
    return [form for reading in found for form in _variants(reading, parameters, function)]


def _parameters(function: Callable[..., Any]) -> Parameters | None:
    """What may be passed; None where the signature is silent. What a partial has bound stays bound."""
    try:
        listed = list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):
        return None
    bound = function.keywords if isinstance(function, functools.partial) else {}
    return [parameter for parameter in listed if parameter.name not in bound]


def _starred() -> list[Form]:
    """Readings of `f(*args)`."""
    return [
        Form(arguments=(("", "shape"), ("", "rng"))),
        Form(arguments=(("", "shape"),)),
        Form(arguments=(("", "sizes"),)),
    ]


def _assigned(parameters: Parameters, function: Callable[..., Any]) -> tuple[bool, dict[str, Role]]:
    """Whether the names say where the shape goes, and the roles that names give."""
    roles: dict[str, Role] = {}
    for parameter in parameters:
        role = ROLES.get(parameter.name.lower())
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            role = "sizes" if parameter.name.lower() in (*_NAMES["shape"], "sizes", "d") else None
        if role and parameter.kind is not inspect.Parameter.VAR_KEYWORD and role not in roles.values():
            roles[parameter.name] = role
    if home(function).partition(".")[0] in ("jax", "flax"):
        roles = {name: "key" if role == "rng" else role for name, role in roles.items()}
    known = {"shape", "sizes"}.intersection(roles.values())
    if known or not {"fan_in", "fan_out"}.issubset(roles.values()):
        roles = {name: role for name, role in roles.items() if role not in ("fan_in", "fan_out")}
    return bool({"shape", "sizes", "fan_in"}.intersection(roles.values())), roles


def _readings(
    parameters: Parameters, shaped: bool, roles: dict[str, Role], function: Callable[..., Any]
) -> list[dict[str, Role]]:
    """Roles for the required parameters whose names say nothing, by their order."""
    taken = {*roles, "dtype", *CASE_PARAMETERS}
    ordered = [p for p in parameters if p.kind in _ORDERED and p.name not in taken]
    silent = [p.name for p in parameters if p.name not in taken and _required(p)]
    if not shaped and not ordered:
        if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters) and not silent:
            return []
        raise UsageError(f"{_shown(function)} has no parameter for a shape; give a function of a shape")
    if not shaped and ordered[0].name not in silent:
        silent.insert(0, ordered[0].name)
    chance = bool(CHANCE.intersection(roles.values()))
    stranger = _stranger(parameters, silent if shaped else silent[1:])
    readings = [
        {**roles, **dict(zip(silent, pattern, strict=True))}
        for pattern in (_AFTER_THE_SHAPE if shaped else _WITH_THE_SHAPE)
        if len(pattern) == len(silent) and not (chance and "rng" in pattern) and not stranger
    ]
    if not readings:
        name = stranger or silent[-1]
        raise UsageError(
            f"{_shown(function)} needs {name!r}, which verinit has nothing to pass for; bind it: "
            f"functools.partial({getattr(function, '__name__', 'f')}, {name}=...)"
        )
    return readings


_AFTER_THE_SHAPE: tuple[tuple[Role, ...], ...] = ((), ("rng",))
_WITH_THE_SHAPE: tuple[tuple[Role, ...], ...] = (
    ("shape",),
    ("shape", "rng"),
    ("fan_in", "fan_out"),
    ("fan_in", "fan_out", "rng"),
)


def _stranger(parameters: Parameters, silent: list[str]) -> str:
    """The first parameter whose name or kind says that it is neither a size nor chance; empty if none is."""
    ordered = [p.name for p in parameters if p.kind in _ORDERED]
    return next((name for name in silent if name in _NUMBERS or name not in ordered), "")


def _required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind in (
        *_ORDERED,
        inspect.Parameter.KEYWORD_ONLY,
    )


def _shown(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", type(function).__name__)
    return f"{name}{inspect.signature(function)}"


def _form(parameters: Parameters, roles: dict[str, Role]) -> Form:
    """By position as long as nothing is left out, by keyword after that."""
    arguments: list[tuple[str, Role]] = []
    gap = False
    for parameter in parameters:
        role = roles.get(parameter.name)
        if role is None:
            gap = True
            continue
        by_position = parameter.kind is inspect.Parameter.VAR_POSITIONAL or (
            parameter.kind in _ORDERED and not gap
        )
        arguments.append(("" if by_position else parameter.name, role))
    names = [p.name for p in parameters]
    return Form(
        arguments=tuple(arguments),
        dtype="dtype" if "dtype" in names else "",
        parameters=tuple(name for name in CASE_PARAMETERS if name in names),
    )


def _variants(form: Form, parameters: Parameters, function: Callable[..., Any]) -> Iterable[Form]:
    """The same reading as torch, and as numbers of other sizes, would have it."""
    if form.arguments[0] == ("", "shape") and parameters:
        first = parameters[0]
        if _is_tensor(first) or (home(function).startswith("torch") and first.name in TENSORS):
            return [_in_place(form)]
        if first.name.lower() in TENSORS:
            return [form, _in_place(form)]
    by_name = {parameter.name: parameter for parameter in parameters}
    generator = by_name.get("generator")
    if generator is not None and "rng" in form.roles:
        torch = _swapped(form, "rng", "torch generator")
        return [torch] if "torch" in str(generator.annotation) else [form, torch]
    if form.arguments[0] == ("", "rng") and sys.modules.get("jax"):
        return [form, _swapped(form, "rng", "key")]
    if "seed" in form.roles:
        return [form, _swapped(form, "seed", "short seed")]
    return [form]


def _in_place(form: Form) -> Form:
    return replace(_swapped(form, "rng", "torch generator"), in_place=True, dtype="")


def _swapped(form: Form, old: Role, new: Role) -> Form:
    arguments = tuple((keyword, new if role == old else role) for keyword, role in form.arguments)
    return replace(form, arguments=arguments)


def _is_tensor(parameter: inspect.Parameter) -> bool:
    annotation = str(parameter.annotation)
    return "Tensor" in annotation and "tensorflow" not in annotation


def home(function: Any) -> str:
    """The module that a callable comes from, through partials and methods; of its class for an object."""
    function = _unbound(function)
    return str(getattr(function, "__module__", None) or type(function).__module__)


def says_in_place(function: Any) -> bool:
    """Whether the name ends in an underscore, torch's word for: what is given is changed.

    >>> def he_(w): pass
    >>> says_in_place(functools.partial(he_, w=1)), says_in_place(setattr)
    (True, False)
    """
    return str(getattr(_unbound(function), "__name__", "")).endswith("_")


def _unbound(function: Any) -> Any:
    while isinstance(function, functools.partial):
        function = function.func
    return function
