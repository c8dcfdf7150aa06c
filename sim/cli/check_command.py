"""`bitline check`: a command log against a part's timing rules."""

from __future__ import annotations

from pathlib import Path

import click

from bitline.sim.check import run_check


@click.command("check", short_help="Check a command log against a part's timing rules.")
@click.argument("commands", type=click.Path(path_type=Path))
@click.option("--spec", required=True, metavar="NAME", help="DRAM part: a name of `bitline list specs`, or a file.")
@click.option("--postponed", type=click.IntRange(0, 64), default=1, show_default=True, help="Refreshes owed at most.")
@click.option("--no-refresh", is_flag=True, help="Do not ask for refreshes.")
def command(commands: Path, spec: str, postponed: int, no_refresh: bool) -> int:
    """Check COMMANDS, a log of `bitline dram --commands` or of DRAMsim3 or Ramulator 2.1, against the standard's rules.

    Exit status 1 at a violation, which is named with its two commands.
    """
    status, text = run_check(commands, spec, postponed=postponed, refresh=not no_refresh)
    click.echo(text)
    return status
