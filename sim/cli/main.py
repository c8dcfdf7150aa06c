"""`bitline`: finds the command, turns errors into one line and an exit status.

0 done, 1 a check fell short, 2 wrong input, 3 a broken invariant of the simulator, 130 interrupted.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from bitline import __version__
from bitline.base.errors import BitlineError, did_you_mean

COMMANDS = {
    "run": "Run a model on a system.",
    "trace": "Turn a model into an operator trace.",
    "show": "Show a trace, result, study or spec.",
    "list": "List models, specs, systems, policies.",
    "sweep": "Run a grid of design points.",
    "plot": "Draw the figures of a result or a sweep.",
    "report": "Turn a study or a result into one HTML page.",
    "compare": "Hold two results or systems side by side.",
    "dram": "Run a request trace through a DRAM part.",
    "check": "Check a command log against a part's timing rules.",
    "validate": "Hold the simulator against numbers that it did not make.",
}


class _Commands(click.Group):
    """Commands by name, each in a module of its own that is imported on use. `--help` imports none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"bitline.sim.cli.{cmd_name}_command")
        command: click.Command = module.command
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise click.UsageError(f"no command '{args[0]}'; {did_you_mean(args[0], COMMANDS)}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="bitline")
def bitline() -> None:
    """A cycle-level simulator of LLM accelerators."""


def main() -> None:
    """The console script. Never shows a traceback for wrong input."""
    sys.exit(_status())


def _status() -> int:
    try:
        result = bitline.main(prog_name="bitline", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        return _fail(error.format_message().replace("\n", " "), 2)
    except BitlineError as error:
        text = str(error)
        if error.exit_status == 3:
            text += " (this is a defect of bitline: please report it with the command that you ran)"
        return _fail(text, error.exit_status)
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except MemoryError:
        return _fail("not enough memory for this run", 2)
    except Exception as error:  # an invariant of ours: say so, and show where only to those who ask
        if os.environ.get("BITLINE_TRACEBACK"):
            raise
        kind = type(error).__name__
        return _fail(f"internal error, {kind}: {error} (set BITLINE_TRACEBACK=1 and report what it shows)", 3)


def _fail(text: str, status: int) -> int:
    click.echo(f"bitline: {' '.join(text.split())}", err=True)
    return status
