"""What is said of a mistake on the command line, and with which code the program ends."""

from __future__ import annotations

from collections.abc import Iterable

import click

from verinit.vocabulary import TargetError, UsageError, VerinitError, unknown


def no_command(given: str, allowed: Iterable[str]) -> click.UsageError:
    """The error for a command that does not exist, with the nearest one."""
    return click.UsageError(str(unknown("command", given, allowed)))


def exit_code(error: Exception) -> int:
    """Say what went wrong in one sentence; 2 for usage, 3 for infrastructure, 130 for an abort.

    An error that is nobody's mistake but ours is raised again, with its traceback.
    """
    if isinstance(error, click.Abort):
        click.echo("verinit: interrupted", err=True)
        return 130
    if isinstance(error, click.ClickException):
        error.show()
        return 2
    if not isinstance(error, VerinitError):
        raise error
    click.echo("\n".join([f"verinit: {error}", *getattr(error, "__notes__", ())]), err=True)
    return 2 if isinstance(error, UsageError | TargetError) else 3
