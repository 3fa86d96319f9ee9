"""What the documentation says of the program is so: commands, files, links, and what is generated."""

from __future__ import annotations

import importlib
import re
import runpy
import shlex
import sys
import tomllib
from pathlib import Path

import click
import pytest

from verinit import __version__
from verinit.cli import COMMANDS, group
from verinit.cli.outcome import FORMS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
PENDING = {"compare", "--baseline", "--as-script"}
"""Commands and options that are written at the same time, elsewhere; to be emptied when they are merged."""
FILES = [DOCS / "workflow.yml", ROOT / ".pre-commit-hooks.yaml", ROOT / ".pre-commit-config.yaml"]


def commands(text):
    """Every command line of verinit in blocks of code and in code within a sentence."""
    blocks = re.findall(r"(?ms)^```(?:bash|yaml|sh)\n(.*?)^```", text)
    lines = [line for block in blocks for line in block.splitlines()]
    prose = re.sub(r"(?ms)^```.*?^```", "", text)
    lines += [" ".join(code.split()) for code in re.findall(r"`(verinit [^`]+)`", prose)]
    for line in lines:
        match = re.search(r"(?:^|[ >&|-]|: )(verinit [a-z].*)", line)
        if match and "verinit[" not in line and "pip install" not in line:
            words = re.split(r" (?:;|&&|\|\|?|>>?|#)(?: |$)|;", match[1])[0]
            yield shlex.split(words)


FOUND = [
    pytest.param(words, id=f"{page.relative_to(ROOT)}: {shlex.join(words)}")
    for page in [*PAGES, DOCS / "workflow.yml", ROOT / ".pre-commit-hooks.yaml"]
    for words in commands(
        page.read_text(encoding="utf-8")
        if page.suffix == ".md"
        else f"```yaml\n{page.read_text(encoding='utf-8')}```"
    )
]


def parse(words):
    """Read a command line as the program does, running nothing; raise what the program would say of it."""
    with click.Context(group, info_name="verinit") as above:
        name, command, rest = group.resolve_command(above, list(words[1:]))
        assert command is not None
        return command.make_context(name, rest, parent=above)


def test_commands_are_found_where_they_are_written():
    assert len(FOUND) > 30
    text = "```bash\nverinit run x; echo $?\n```\nand `verinit list\ntorch`, `pip install verinit[torch]`\n"
    assert list(commands(text)) == [["verinit", "run", "x"], ["verinit", "list", "torch"]]


@pytest.mark.parametrize("words", FOUND)
def test_every_command_line_is_one_that_the_program_takes(words):
    if PENDING & set(words):
        pytest.skip("written elsewhere at the same time")
    if words[1:] == ["CODE"] or "..." in words:
        return
    parse(words)


@pytest.mark.parametrize(
    "words",
    [["verinit", "rnu"], ["verinit", "run", "--sead", "1"], ["verinit", "report", "x", "--format", "pdf"]],
)
def test_a_command_line_that_the_program_does_not_take_is_seen(words):
    with pytest.raises(click.UsageError):
        parse(words)


def test_nothing_is_pending_that_is_there():
    there = set(COMMANDS)
    for name in COMMANDS:
        command = importlib.import_module(f"verinit.cli.{name}_command").command
        there |= {spelt for option in command.params for spelt in option.opts}
    assert not PENDING & there


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_to_a_file_leads_to_one(page):
    prose = re.sub(r"(?ms)^```.*?^```|`[^`]*`", "", page.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", prose):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_the_reference_of_checks_is_what_is_generated():
    page = runpy.run_path(str(DOCS / "generate_checks.py"))["page"]()
    assert (DOCS / "checks.md").read_text(encoding="utf-8") == page, (
        "python docs/generate_checks.py > docs/checks.md"
    )


def test_every_format_is_told_of():
    text = (DOCS / "continuous-integration.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == set(FORMS)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_file_in_yaml_can_be_read(file):
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with pre-commit: pip install --group lint")
    assert yaml.safe_load(file.read_text(encoding="utf-8"))


def test_the_workflow_examines_then_tells_and_keeps_the_report_of_a_red_gate():
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with pre-commit: pip install --group lint")
    flow = yaml.safe_load((DOCS / "workflow.yml").read_text(encoding="utf-8"))
    steps = flow["jobs"]["verinit"]["steps"]
    (gate,) = (n for n, step in enumerate(steps) if step.get("run", "").startswith("verinit run"))
    assert "--format github" in steps[gate]["run"]
    after = steps[gate + 1 :]
    assert all("always()" in step["if"] or "!cancelled()" in step["if"] for step in after)
    told = after[0]["run"]
    written = set(re.findall(r"--output (\S+)", told))
    sarif = next(step for step in after if "upload-sarif" in step.get("uses", ""))
    assert sarif["with"]["sarif_file"] in written
    assert "!cancelled()" in sarif["if"]
    assert "GITHUB_STEP_SUMMARY" in told


def test_the_citation_is_that_of_this_version():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert f"\nversion: {__version__}\n" in text
    assert f"\nlicense: {project['license']}\n" in text
    assert project["authors"][0]["name"] in text


def test_the_tutorial_prints_what_the_program_prints(verinit, here, monkeypatch):
    text = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"(?ms)^```python\n(import numpy.*?)^```", text)
    (mended,) = re.findall(r"(?ms)^```python\n(    return .*?)^```", text)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # both programs have one length, and one second
    (here / "mynet").mkdir()
    (here / "mynet" / "__init__.py").touch()
    for body, code in ((program, 1), (re.sub(r"    return .*\n", mended, program), 0)):
        (here / "mynet" / "init.py").write_text(body, encoding="utf-8")
        importlib.invalidate_caches()
        ended, said, _ = verinit("run", "mynet.init:he=he_normal", "--jobs", "0", "--quiet")
        for name in ("mynet.init", "mynet"):
            del sys.modules[name]
        assert ended == code
        assert f"exit code {code}\n" in text
        for line in said.splitlines():
            assert "observed" in line or " s, report " in line or line in text, line
