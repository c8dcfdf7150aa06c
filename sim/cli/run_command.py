"""`bitline run`: a model on a system."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bitline.base.errors import SpecError
from bitline.base.files import make_folder, write_atomically
from bitline.sim.cli.options import json_option, print_json
from bitline.sim.cli.run_options import check_work, run_options

if TYPE_CHECKING:
    from bitline.sim.run.batch_run import BatchRun
    from bitline.sim.run.pim_run import PimRun
    from bitline.sim.run.result import Result

LANE_BINS = 120
"""Samples of utilisation in each stage, for the figure of lanes."""

WINDOW_TICKS = 1200
"""Cycles of the command figure where no window is given: a few rows."""


@click.command("run", short_help="Run a model on a system.")
@click.argument("system")
@run_options
@click.option("--no-fast-forward", is_flag=True, help="Simulate every iteration of every loop; the result is the same.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Write the result, tables and figures.")
@click.option("--window", metavar="START:END", help="Cycles of commands.csv and its figure in --out.")
@click.option("--commands", type=click.Path(path_type=Path), metavar="FILE", help="Write every DRAM command as CSV.")
@click.option("--timeline", type=click.Path(path_type=Path), metavar="FILE", help="Write a Perfetto timeline.")
@json_option
def command(
    system: str,
    policy: str | None,
    settings: dict[str, Any],
    level: str,
    no_fast_forward: bool,
    out: Path | None,
    window: str | None,
    commands: Path | None,
    timeline: Path | None,
    as_json: bool,
    **asked: Any,
) -> None:
    """Run a model on SYSTEM, a name of `bitline list systems` or a YAML file, and print where the time went.

    --phase decode: one token at --context. generate: a prompt, then new tokens, each at its own context. prefill: the
    prompt alone. On an NPU a batch is one pass; --lengths gives each request a context of its own.
    """
    from bitline.sim.run.run import execute, plan

    ticks = _window(window)
    for option, given in (("--window", window is not None and out is None),):
        if given:
            raise SpecError("says nothing without --out", file=option)
    check_work(asked, "bitline run")
    planned = plan(system, policy=policy, settings=settings, **asked)
    if out is not None:
        make_folder(out)
    with _Progress(planned.steps) as progress:
        result, machine = execute(
            planned,
            level=level,
            fast_forward=not no_fast_forward,
            logging=out is not None or commands is not None,
            bins=LANE_BINS if out is not None else 0,
            progress=progress.done,
        )
    if machine is None and (commands is not None or timeline is not None):
        raise SpecError("there are no commands at the bound level", file="--commands or --timeline")
    if commands is not None and machine is not None:
        machine.write_commands(commands)
    if timeline is not None and machine is not None:
        from bitline.sim.run.timeline import write_timeline

        write_timeline(machine.spans(), timeline)
    if out is not None:
        _write(out, result, machine, ticks)
    if as_json:
        print_json(result.to_dict())
        return
    from bitline.sim.cli.result_summary import print_result

    print_result(result)
    if out is not None:
        click.echo(f"\nwritten to {out}: {', '.join(sorted(path.name for path in out.iterdir()))}")


def _window(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    start, _, end = text.partition(":")
    if not (start.isascii() and start.isdigit() and end.isascii() and end.isdigit() and int(start) < int(end)):
        raise SpecError(f"'{text}' is not a window", file="--window", expected="START:END in cycles")
    return int(start), int(end)


def _write(out: Path, result: Result, machine: PimRun | BatchRun | None, ticks: tuple[int, int] | None) -> None:
    """The result, its table, and the figures that it has data for."""
    from bitline.plots.breakdown import breakdown_table, plot_breakdown
    from bitline.plots.energy import energy_table, plot_energy
    from bitline.plots.style import figure_of
    from bitline.plots.table import save_with_data

    text = json.dumps(result.to_dict(), indent=2, allow_nan=False) + "\n"
    write_atomically(out / "result.json", text.encode())
    write_atomically(out / "operators.csv", _operators_csv(result))
    table = breakdown_table(result)
    save_with_data(figure_of(plot_breakdown(table, size="page")), table, out / "breakdown.png", out / "breakdown.svg")
    if result.energy_parts_j:
        table = energy_table(result)
        save_with_data(figure_of(plot_energy(table, size="page")), table, out / "energy.png", out / "energy.svg")
    if result.lanes is not None:
        from bitline.plots.lanes import save_lanes

        save_lanes(result.lanes, out / "lanes.png", out / "lanes.svg")
    if machine is not None:
        _write_commands(out, machine, ticks)


def _write_commands(out: Path, machine: PimRun | BatchRun, ticks: tuple[int, int] | None) -> None:
    from bitline.plots.commands import commands_table, plot_commands
    from bitline.plots.style import figure_of
    from bitline.plots.table import save_with_data
    from bitline.sim.run.command_timing import command_timing
    from bitline.sim.run.command_window import read_window

    first = machine.first_product_tick()
    window = ticks or (first, first + WINDOW_TICKS)
    machine.write_commands(out / "commands.csv", *window)
    rows = read_window(out / "commands.csv", window)
    if rows:
        part = machine.part
        table = commands_table(rows, command_timing(part))
        ax = plot_commands(table, tick_ps=float(part.tick_ps), size="page")
        save_with_data(figure_of(ax), table, out / "gantt.png", out / "gantt.svg")


def _operators_csv(result: Result) -> bytes:
    stream = io.StringIO()
    rows = [vars(operator) | {"commands": json.dumps(operator.commands)} for operator in result.operators]
    writer = csv.DictWriter(stream, list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode()


class _Progress:
    """A bar over tokens on a terminal; nothing in a pipe, or for one token."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.done: Callable[[int], None] | None = None
        self._bar: Any = None

    def __enter__(self) -> _Progress:
        if self.total > 1 and sys.stderr.isatty():
            from rich.console import Console
            from rich.progress import Progress

            self._bar = Progress(console=Console(stderr=True), transient=True)
            task = self._bar.add_task("tokens", total=self.total)
            self._bar.start()
            self.done = lambda count: self._bar.update(task, completed=count)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar is not None:
            self._bar.stop()
