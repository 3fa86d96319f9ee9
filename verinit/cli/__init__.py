"""The command line. Importing it loads click and nothing heavier; each command loads what it needs."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from verinit import __version__
from verinit.cli import streams

COMMANDS = {
    "run": "Hold targets to what is claimed of them (the main job).",
    "textbook": "Rule on what the textbook chapter says.",
    "gradcheck": "Hold the gradient of a function to its differences.",
    "list": "Show the plan before it runs: checks, n, resolution, power, seconds.",
    "explain": "Say what a check claims, why, and what it can see.",
    "replay": "See one finding again, from its id.",
    "compare": "Compare two reports: what regressed, improved or changed.",
    "report": "Draw the report of a result again.",
    "calibrate": "Measure the battery itself: false alarms and power.",
}


class Lazy(click.Group):
    """A group whose commands are imported when they are called, never for the help page."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All commands, in the order in which they are met."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"verinit.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest command in the error."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise _mistakes().no_command(args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands with their one line each, from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="verinit")
def group() -> None:
    """Is what you believe about initial weights, activations and gradients true of the code you run?

    verinit holds initializers, frameworks and a textbook chapter to their own claims. Every verdict is
    a distance against a derived tolerance; false alarms of a whole run have probability 1e-6 at most.

    Exit codes: 0 nothing failed, 1 something failed, 2 usage, 3 infrastructure, 4 inconclusive
    (--strict), 5 nothing selected, 130 interrupted.
    """


def _mistakes() -> Any:
    """The page on mistakes, read only when one is made."""
    return importlib.import_module("verinit.cli.mistakes")


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with its code."""
    streams.forgive()
    try:
        code = group.main(args=args, prog_name="verinit", standalone_mode=False)
    except Exception as error:
        code = _mistakes().exit_code(error)
    except KeyboardInterrupt:
        click.echo("verinit: interrupted", err=True)
        code = 130
    except SystemExit as ending:
        code = ending.code
    code = code if isinstance(code, int) else 0
    lost = streams.lost()
    if lost is not None:
        click.echo(f"verinit: what was to be printed could not be written ({lost.strerror})", err=True)
        code = code or 3
    sys.exit(code)
