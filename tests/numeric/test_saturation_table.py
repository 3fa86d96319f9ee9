"""The page docs/saturation.md: every entry is found again by search, or lies where sound code must be."""

import importlib
import math
import re
from importlib import metadata
from pathlib import Path

import pytest

from verinit.checks.thresholds import at_or_above

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "saturation.md").read_text(encoding="utf-8")
FRAMEWORKS = ("torch", "jax")


def tables():
    """{title: {line: cells}} of the page."""
    found = {}
    for part in PAGE.split("\n## ")[1:]:
        title, _, body = part.partition("\n")
        rows = [line.strip("| ").split(" | ") for line in body.splitlines() if line.startswith("| ")]
        found[title] = {cells[0]: [c.strip(" |") for c in _padded(cells[1:])] for cells in rows[1:]}
    return found


def _padded(cells):
    return cells + [""] * (4 - len(cells))


def named(library):
    """The version that the page was made with."""
    return re.search(rf"{library} (\S+?)[,;]", PAGE)[1]


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        yield importlib.import_module("saturation_table")


def held(script, library):
    """Every entry of one library: found again where its version is the page's, sound elsewhere."""
    page, count = tables(), 0
    same = metadata.version(library) == named(library)
    for section in script.sections():
        for row in (row for row in section.rows if row.by == library):
            cells = page[section.title][row.name]
            for dtype, cell in zip(script.DTYPES, cells, strict=True):
                if dtype in row.dtypes:
                    held_entry(script, row, dtype, cell, exact=same and not row.name.endswith("*"))
                    count += 1
                else:
                    assert cell == ""
    return count


def held_entry(script, row, dtype, cell, *, exact):
    found = cell if exact else script.entry(row, dtype)
    if exact:
        assert script.entry(row, dtype) == cell, (row.name, dtype)
    low, high = row.sound(dtype)
    for said in (cell, found):
        assert low <= float(said.partition(",")[0]) <= at_or_above(high, dtype), (row.name, dtype)


def test_entries_of_numpy_and_scipy_are_found_again(script):
    assert held(script, "numpy") > 100
    assert held(script, "scipy") == 8


@pytest.mark.parametrize("library", [pytest.param(f, marks=getattr(pytest.mark, f)) for f in FRAMEWORKS])
def test_entries_of_a_framework_are_found_again(script, library):
    assert held(script, library) == 44


def test_the_page_has_a_line_for_everything_that_is_asked(script):
    page = tables()
    for section in script.sections():
        asked = {row.name for row in section.rows}
        assert asked <= set(page[section.title])
        extra = {name for name in page[section.title] if not name.startswith(FRAMEWORKS)}
        assert extra <= asked


def test_closed_forms_and_depths_are_those_of_the_law_and_of_multiplication(script):
    said = {line for line in PAGE.splitlines() if line.startswith("| ")}
    made = {line for line in (*script.closed_forms(), *script.depths()) if line.startswith("| ")}
    assert made <= said
    assert len(made) == 2 + len(script.FORMS) + len(script.STEPS) + len(script.GAINS)


def test_entries_are_finite_numbers():
    cells = [cell for rows in tables().values() for cells in rows.values() for cell in cells if cell]
    numbers = [float(x) for cell in cells for x in re.findall(r"[-+]?\d+\.?\d*(?:e[-+]?\d+)?", cell)]
    assert len(numbers) >= len(cells) > 180
    assert all(math.isfinite(x) and x > 0 for x in numbers)
