"""The options of the plugin, and what must be right about them before a test is collected."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT: pytest.StashKey[int] = pytest.StashKey()
"""The root that --verinit-seed asks for, drawn once for a session; absent if nothing was asked for."""
WORKER = "verinit_root"
"""Under which name a worker of xdist is told the root."""


def add_options(parser: pytest.Parser) -> None:
    """Options, all of which are without effect on tests that are not verinit's."""
    group = parser.getgroup("verinit", "verinit: initializers, activations, batch norm, gradients")
    group.addoption(
        "--verinit-battery",
        metavar="NAME",
        help="smoke, standard or exhaustive, where a decorator names none [standard]",
    )
    group.addoption(
        "--verinit-report", metavar="DIR", help="write one report of all verinit tests into this folder"
    )
    group.addoption(
        "--verinit-seed",
        metavar="N|fresh",
        help="root of all random streams; 'fresh' takes new entropy and prints it",
    )
    group.addoption(
        "--verinit-baseline",
        metavar="FILE",
        help="compare with the report.json of another run; what has regressed fails the session",
    )


def prepare(config: pytest.Config) -> None:
    """Read the options that were given.

    Raises `pytest.UsageError` for a value that is not allowed, before anything is collected.
    """
    workerinput = getattr(config, "workerinput", None)
    if workerinput is not None:
        if workerinput.get(WORKER) is not None:
            config.stash[ROOT] = workerinput[WORKER]
        return
    seed = config.getoption("verinit_seed")
    if seed is not None:
        config.stash[ROOT] = root_of(seed)
    battery = config.getoption("verinit_battery")
    if battery is not None:
        _require_battery(battery)
    folder = path_of(config, "verinit_report")
    if folder is not None and folder.exists() and not folder.is_dir():
        raise pytest.UsageError(f"--verinit-report {folder}: this is a file; give a folder")
    baseline = path_of(config, "verinit_baseline")
    if baseline is not None and not baseline.is_file():
        raise pytest.UsageError(
            f"--verinit-baseline {baseline}: there is no such file; give the report.json of another run"
        )


def path_of(config: pytest.Config, name: str) -> Path | None:
    """The path that an option gives, from the folder that pytest was called in."""
    text = config.getoption(name)
    return None if text is None else config.invocation_params.dir / text


def root_of(text: str) -> int:
    """The root that --verinit-seed asks for: a whole number, or "fresh" for new entropy.

    Raises `pytest.UsageError` for anything else.
    """
    if text == "fresh":
        import secrets

        return secrets.randbits(32)
    if text.isascii() and text.isdigit():
        return int(text)
    raise pytest.UsageError(f"--verinit-seed {text!r}: give a whole number, or 'fresh' for new entropy")


def _require_battery(name: str) -> None:
    from verinit.cases import battery
    from verinit.vocabulary import UsageError

    try:
        battery(name)
    except UsageError as error:
        raise pytest.UsageError(f"--verinit-battery: {error}") from None
