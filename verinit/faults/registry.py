"""Where faults are planted: `@fault("IN201")` over one wrong initializer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from verinit.laws.schemes import parse
from verinit.vocabulary import Case, Fault, Kind, Target, UsageError

FAULTS: dict[str, Fault] = {}
Draw = Callable[..., Any]


def faults_of(kind: Kind) -> dict[str, Fault]:
    """The planted faults of one kind of target, by name."""
    return {name: fault for name, fault in sorted(FAULTS.items()) if fault.target.kind == kind}


def plant(fault: Fault) -> Fault:
    """Put a planted fault of any kind on the list.

    Raises `UsageError` without a code, without a story, or for a name that is taken.
    """
    if not fault.codes or not fault.story:
        raise UsageError(
            f"fault {fault.name!r}: give the codes that must catch it, and a docstring that tells how"
        )
    if fault.name in FAULTS:
        raise UsageError(f"fault {fault.name!r} is planted already; choose another name")
    FAULTS[fault.name] = fault
    return fault


def fault(
    *codes: str, scheme: str = "he_normal", cases: tuple[str, ...] = (), alone: bool = False
) -> Callable[[Draw], Draw]:
    """Plant a fault: the decorated `f(shape, rng)` claims `scheme`, and the checks `codes` must catch it.

    Its docstring says how the mistake happens in practice. `cases` says where it shows; nowhere named
    means everywhere. `alone` claims that no other check sees it.
    Raises `UsageError` without a code, without a docstring, or for a name that is taken.
    """

    def planted(draw: Draw) -> Draw:
        name = draw.__name__
        takes = inspect.signature(draw).parameters

        def adapted(shape: tuple[int, ...], rng: Any, *, dtype: str | None = None, **parameters: Any) -> Any:
            if "dtype" in takes:
                return draw(shape, rng, dtype=dtype)
            array = draw(shape, rng, **parameters)
            return array if dtype is None else array.astype(dtype)

        plant(
            Fault(
                name=name,
                codes=codes,
                target=Target(
                    name=f"fault:{name}",
                    kind="initializer",
                    object=adapted,
                    scheme=parse(scheme),
                    parameters=tuple(name for name in ("groups", "transposed") if name in takes),
                    dtypes=("float16", "float32", "float64"),
                    replayable=False,
                ),
                story=inspect.getdoc(draw) or "",
                cases=tuple(map(Case.parse, cases)),
                alone=alone,
            )
        )
        return draw

    return planted
