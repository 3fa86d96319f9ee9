"""Settings from `[tool.verinit]` of pyproject.toml and from the environment, under those of the command line.

An option takes its value from the command line, else from `VERINIT_<KEY>`, else from the file, else its own
default: click's own order. The table of settings is in `keys`. Nothing numeric is imported, and a command
that takes no setting reads no file.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from verinit.cli.keys import KEYS, PREFIX, Key
from verinit.vocabulary import UsageError, VerinitError, suggestion, unknown

FILE = "pyproject.toml"
TOOL = "verinit"
EXPECTED = "expected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the file says, checked, with the file it stands in.

    expected   (target, check code, reason), in the order of the file
    variables  settings that the environment has
    """

    file: Path | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    expected: tuple[tuple[str, str, str], ...] = ()
    variables: tuple[str, ...] = ()

    def wrong(self, key: str, said: str) -> UsageError:
        """The error for a key of the file."""
        return UsageError(f"{shown(self.file or Path(FILE))}: tool.{TOOL}.{key}{said}")


def _toml(value: object) -> str:
    """A value much as it stands in the file."""
    return str(value).lower() if isinstance(value, bool) else repr(value)


def shown(path: Path) -> str:
    """A path as it is told: from here if it lies here, whole elsewhere."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def nearest(folder: Path) -> Path | None:
    """The pyproject.toml of a folder or of the nearest one above it; None if there is none."""
    return next((place / FILE for place in (folder, *folder.parents) if (place / FILE).is_file()), None)


def read(folder: Path) -> Settings:
    """The settings of a folder: those of the nearest pyproject.toml, and no other.

    Raises `UsageError` for a file that is not TOML, an unknown key, or a value that is not allowed; each
    names the file, the key, the value and what is allowed.
    """
    file = nearest(folder)
    if file is None:
        return Settings()
    try:
        tools = tomllib.loads(file.read_text(encoding="utf-8-sig")).get("tool", {})
    except (OSError, ValueError) as error:
        raise UsageError(f"{shown(file)} cannot be read as TOML: {error}") from None
    table = tools.get(TOOL, {}) if isinstance(tools, dict) else {}
    _refuse_a_slip(file, tools)
    if not isinstance(table, dict):
        raise UsageError(f"{shown(file)}: tool.{TOOL} = {_toml(table)}: a table is needed, [tool.{TOOL}]")
    return _checked(Settings(file=file), table)


def _refuse_a_slip(file: Path, tools: object) -> None:
    """An error for [tool.vernit], which would otherwise be the settings of nobody."""
    if isinstance(tools, dict) and TOOL not in tools:
        near = difflib.get_close_matches(TOOL, map(str, tools), n=1, cutoff=0.85)
        if near:
            raise UsageError(f"{shown(file)}: tool.{near[0]}: did you mean [tool.{TOOL}]?")


def _checked(settings: Settings, table: Mapping[str, Any]) -> Settings:
    values = {}
    for name, value in table.items():
        if name == EXPECTED:
            continue
        if name not in KEYS:
            raise UsageError(
                f"{shown(settings.file or Path(FILE))}: [tool.{TOOL}] has "
                f"{unknown('key', name, [*KEYS, EXPECTED])}"
            )
        if not KEYS[name].allows(value):
            raise settings.wrong(f"{name} = {_toml(value)}", f": it must be {KEYS[name].says}")
        values[name] = _value(KEYS[name], value, settings.file or Path(FILE))
    return Settings(
        file=settings.file, values=values, expected=tuple(_excuses(settings, table.get(EXPECTED, {})))
    )


def _value(key: Key, value: Any, file: Path) -> Any:
    """The value as its option takes it: a path from here, a seed as text."""
    if key.path:
        return shown((file.parent / value).absolute())
    return str(value) if key.name == "seed" else value


def _excuses(settings: Settings, table: object) -> list[tuple[str, str, str]]:
    """The excuses of the file: target, code and reason.

    Raises `UsageError` for one that has no target, or no reason in words.
    """
    like = f'[tool.{TOOL}.{EXPECTED}."torch:trunc_normal_"] with lines such as IN201 = "the reason"'
    if not isinstance(table, dict):
        raise settings.wrong(f"{EXPECTED} = {_toml(table)}", f": tables are needed, {like}")
    excuses = []
    for target, reasons in table.items():
        if not isinstance(reasons, dict) or not target.strip():
            raise settings.wrong(f"{EXPECTED}.{target!r} = {_toml(reasons)}", f": a table is needed, {like}")
        for code, reason in reasons.items():
            if not (isinstance(reason, str) and reason.strip()):
                raise settings.wrong(
                    f"{EXPECTED}.{target!r}.{code} = {_toml(reason)}",
                    ": the reason is needed, in words, for which the check is known to fail",
                )
            excuses.append((target, code.upper(), " ".join(reason.split())))
    return excuses


def known(settings: Settings, codes: Mapping[str, object]) -> None:
    """Raise `UsageError` for an expected failure of a check that does not exist."""
    for target, code, _ in settings.expected:
        if code not in codes:
            raise settings.wrong(f"{EXPECTED}.{target!r}", f": {unknown('check', code, codes)}")


def apply(ctx: click.Context, name: str, command: click.Command) -> None:
    """Let a command take what the file and the environment set, below what is typed.

    Raises `UsageError` for a slip in either.
    """
    chosen = {key.options[name]: key for key in KEYS.values() if name in key.options}
    if not chosen and name != "replay":
        return
    variables = tuple(
        variable for variable in sorted(os.environ) if variable.startswith(PREFIX) and os.environ[variable]
    )
    _refuse_a_stranger(variables)
    settings = read(Path.cwd())
    for parameter in command.params:
        if parameter.name in chosen:
            _set(parameter, chosen[parameter.name], settings)
    defaults = {option: settings.values[k.name] for option, k in chosen.items() if k.name in settings.values}
    folder = os.environ.get(KEYS["report"].variable) or settings.values.get("report")
    if name == "replay" and folder:  # a short id is looked up where runs leave their reports
        defaults["source"] = str(Path(folder) / "report.json")
    ctx.default_map = {name: defaults}
    ctx.obj = Settings(
        file=settings.file, values=settings.values, expected=settings.expected, variables=variables
    )


def _refuse_a_stranger(variables: Iterable[str]) -> None:
    """An error for a variable that was meant for a setting; others are somebody else's, and told once."""
    allowed = [key.variable for key in KEYS.values()]
    for variable in variables:
        if variable in allowed:
            continue
        if suggestion(variable.removeprefix(PREFIX).lower(), KEYS):
            raise unknown("environment variable", variable, allowed)
        click.echo(f"verinit: {variable} is no setting of verinit and is ignored", err=True)


def _set(parameter: click.Parameter, key: Key, settings: Settings) -> None:
    """Let an option take its variable, once what the variable and the file say of it has been found good."""
    parameter.envvar = key.variable
    text = os.environ.get(key.variable, "")
    if text and not key.allows(key.spelt(text)):
        raise UsageError(f"{key.variable}={text!r}: it must be {key.says}")
    if isinstance(parameter.type, click.Choice):
        words, written = list(map(str, parameter.type.choices)), settings.values.get(key.name, "")
        if text and text not in words:
            raise UsageError(f"{key.variable}: {unknown(key.name, text, words)}")
        if written and written not in words:
            raise settings.wrong(key.name, f": {unknown(key.name, written, words)}")


def of(ctx: click.Context) -> Settings:
    """The settings of the command that runs."""
    return ctx.obj if isinstance(ctx.obj, Settings) else Settings()


def origin(ctx: click.Context) -> str:
    """Which options of the command were not typed, and where they come from; empty if there are none."""
    sources, file = click.core.ParameterSource, shown(of(ctx).file or Path(FILE))
    told = []
    for source, place in ((sources.ENVIRONMENT, ""), (sources.DEFAULT_MAP, file)):
        names = [
            key.name if place else key.variable
            for key in KEYS.values()
            if ctx.get_parameter_source(key.options.get(ctx.info_name or "", "")) is source
        ]
        if names:
            told.append(f"{', '.join(names)} from {place or 'the environment'}")
    return "; ".join(told)


@contextmanager
def blamed(ctx: click.Context) -> Iterator[None]:
    """Whoever made a mistake learns which options were not typed, and where they come from."""
    try:
        yield
    except VerinitError as error:
        if origin(ctx):
            error.add_note(f"settings: {origin(ctx)}")
        raise


def narrowed(ctx: click.Context) -> bool:
    """Whether the command line or a variable takes the place of targets or a battery that the file names."""
    settings, default = of(ctx), click.core.ParameterSource.DEFAULT_MAP
    return any(
        name in settings.values
        and ctx.get_parameter_source(KEYS[name].options[ctx.info_name or ""]) is not default
        for name in ("targets", "battery")
    )
