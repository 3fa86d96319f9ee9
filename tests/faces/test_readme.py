"""What the README says of the checks and of the commands is so."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from verinit.checks import CHECKS
from verinit.cli import COMMANDS

README = Path(__file__).parents[2] / "README.md"


def test_the_table_counts_the_checks_of_the_registry() -> None:
    rows = re.findall(r"^\| ([A-Z]{2}) \| (\d+) \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert {family: int(count) for family, count in rows} == Counter(code[:2] for code in CHECKS)


def test_every_command_it_shows_exists() -> None:
    shown = set(re.findall(r"^verinit (\w+) .*#", README.read_text(encoding="utf-8"), re.MULTILINE))
    assert shown
    assert shown <= set(COMMANDS)


def test_ci_runs_the_command_that_it_prints() -> None:
    pattern = re.compile(r"^pip install -e .* && python -m pytest$", re.MULTILINE)
    assert len(pattern.findall(README.read_text(encoding="utf-8"))) == 1
    assert "grep -m1 -E '^pip install -e .* && python -m pytest$' README.md" in (
        README.parent / ".ci" / "run"
    ).read_text(encoding="utf-8")
