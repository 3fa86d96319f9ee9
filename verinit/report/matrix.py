"""Targets by checks: what was found at all cases, collapsed to the worst of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from verinit.report.states import State, state, worst
from verinit.vocabulary import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The worst state of a check over all cases of a target; `count` of `total` cases are in it."""

    state: State
    count: int
    total: int
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """One block of targets that share checks; a cell is None where a check was not asked of a target."""

    checks: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell | None, ...]], ...]

    @property
    def worst(self) -> int:
        """Rank of the worst cell."""
        return min(cell.state.rank for _, cells in self.rows for cell in cells if cell is not None)


Pairs = dict[tuple[str, str], list[Finding]]


def pairs(findings: Iterable[Finding]) -> Pairs:
    """Findings by (target, check), in the order of their ids."""
    found: Pairs = {}
    for finding in sorted(findings, key=lambda f: f.id):
        found.setdefault((finding.target, finding.claim.id), []).append(finding)
    return found


def matrices(findings: Iterable[Finding]) -> tuple[Matrix, ...]:
    """One matrix for each group of targets linked by common checks, so that no block is mostly empty."""
    found = pairs(findings)
    return tuple(_matrix(targets, found) for targets in _linked(found))


def _linked(found: Pairs) -> list[list[str]]:
    """Targets in groups; two of one group share a check, or are linked by others that do."""
    checks: dict[str, list[str]] = {}
    targets: dict[str, list[str]] = {}
    for target, check in found:
        checks.setdefault(target, []).append(check)
        targets.setdefault(check, []).append(target)
    groups: list[list[str]] = []
    grouped: set[str] = set()
    for first in checks:
        group, waiting = [], [first]
        while waiting:
            target = waiting.pop()
            if target not in grouped:
                grouped.add(target)
                group.append(target)
                waiting += (other for check in checks[target] for other in targets.pop(check, ()))
        groups += [sorted(group)] if group else []
    return sorted(groups)


def _matrix(targets: Sequence[str], found: Pairs) -> Matrix:
    members = set(targets)
    checks = sorted({check for target, check in found if target in members})
    rows = [(target, tuple(_cell(found.get((target, check), [])) for check in checks)) for target in targets]
    return Matrix(checks=tuple(checks), rows=tuple(rows))


def _cell(findings: Sequence[Finding]) -> Cell | None:
    if not findings:
        return None
    bad = worst(findings)
    those = [finding for finding in findings if state(finding) == bad]
    return Cell(state=bad, count=len(those), total=len(findings), finding=those[0])
