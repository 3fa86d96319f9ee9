"""`parametrize_with_checks`: a test of one line becomes one item for each check at each case."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest

from verinit.vocabulary import Battery, Case, Target, UsageError

Function = TypeVar("Function", bound=Callable[..., Any])
ARGUMENTS = ("target", "check", "case")
"""What the decorated test takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one decorator asks for; what is None is the session's to say."""

    targets: tuple[Target | str, ...]
    battery: str | Battery | None
    cases: tuple[str | Case, ...] | None
    checks: tuple[str, ...]
    discrepancy: float | None
    expected: tuple[tuple[str, str], ...]


def parametrize_with_checks(
    targets: Sequence[Target | str],
    *,
    battery: str | Battery | None = None,
    cases: Iterable[str | Case] | None = None,
    checks: Iterable[str] = (),
    discrepancy: float | None = None,
    expected: Mapping[str, str] | None = None,
) -> Callable[[Function], Function]:
    """Run a test once for each check at each case of each target: `def test_mine(target, check, case)`.

    The body is `check(target, case)`. Each decorator is one run with false alarms of 1e-6 at most, its shares
    fixed before -k, -x or xdist choose what is run, so a check that is run alone has the bytes, the level and
    the verdict that `verinit.verify` gives it in company. A claim that says nothing of a case is a skip; what
    is expected to fail is an xfail, and fails if it passes.

    targets      Targets (`verinit.target(f, scheme="he_normal")`) or words ("numpy:he_normal",
                 "mynet.init:he=he_normal", "torch"), in a list
    battery      "smoke", "standard" or "exhaustive"; left out, what --verinit-battery says, or standard
    cases        places to look in place of the battery's, such as ["64x32", "3x5x8x16/float32"]
    checks       codes to run; their level and draws are those they have in the whole battery
    discrepancy  the smallest relative error of the std that must be seen (standard: 0.01)
    expected     known failures of all these targets, code to reason; those of one are
                 `verinit.target(f, expected=...)`
    Raises `UsageError` naming the argument; what only the session can tell is an error of collection.
    """
    if isinstance(targets, str | Target) or not isinstance(targets, Sequence):
        raise UsageError(f"targets={_shown(targets)}: give a list of targets, such as ['numpy:he_normal']")
    if not targets:
        raise UsageError("targets=[]: give at least one target")
    for given in targets:
        if not isinstance(given, str | Target):
            raise UsageError(
                f"targets holds {_shown(given)}, which is no Target: wrap it, "
                f"verinit.target({_shown(given)}, scheme=...)"
            )
    for name, several in (("cases", cases), ("checks", checks)):
        if isinstance(several, str):
            raise UsageError(f"{name}={several!r}: give a list, [{several!r}]")
    asked = Asked(
        targets=tuple(targets),
        battery=battery,
        cases=None if cases is None else tuple(cases),
        checks=tuple(checks),
        discrepancy=discrepancy,
        expected=tuple(sorted((expected or {}).items())),
    )
    return pytest.mark.verinit.with_args(asked)


def _shown(given: object) -> str:
    return getattr(given, "__name__", None) or repr(given)
