"""`bitline plot`: the figures of a run, a sweep or a command log."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bitline.base.errors import SpecError, TraceError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FIGURES = ("breakdown", "energy", "energy-operators", "gantt", "sweep")
SIZES = ("column", "page", "slide")
MAX_RESULT_BYTES = 256 << 20

# What a folder may hold, the first that is there counts, and the figures that each can give.
_IN_FOLDER = {
    "result.json": ("breakdown", "energy", "energy-operators"),
    "table.csv": ("sweep",),
    "commands.csv": ("gantt",),
}


@dataclass(frozen=True)
class Choices:
    """What the options say, for whichever figure they concern."""

    size: str
    window: tuple[int, int] | None
    channel: int | None
    spec: str | None
    x: str | None
    y: str
    series: tuple[str, ...] | None


@click.command("plot", short_help="Draw the figures of a result, a sweep or a command log.")
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FIGURE",
    help="A .png, .svg or .pdf. [default: NAME.png]",
)
@click.option("--figure", type=click.Choice(FIGURES), help="What to draw (default: what suits RESULTS).")
@click.option("--size", type=click.Choice(SIZES), default="column", show_default=True, help="Where it will stand.")
@click.option("--window", metavar="START:END", help="gantt: cycles to show.")
@click.option("--channel", type=click.IntRange(0), help="gantt: the channel (default: that of the first command).")
@click.option("--spec", metavar="NAME", help="gantt: DRAM part that gives the length of commands.")
@click.option("--x", metavar="COLUMN", help="sweep: the parameter along x.")
@click.option("--y", metavar="COLUMN", default="time_per_token_s", show_default=True, help="sweep: the quantity.")
@click.option("--series", metavar="COLUMNS", help="sweep: parameters, by commas, that make a line each.")
def command(
    results: Path,
    output: Path | None,
    figure: str | None,
    size: str,
    window: str | None,
    channel: int | None,
    spec: str | None,
    x: str | None,
    y: str,
    series: str | None,
) -> None:
    """Draw RESULTS: a result.json, the folder of a run or a sweep, the table.csv of a sweep, or a command log.

    The numbers that are drawn are written beside the figure, as .data.csv.
    """
    choices = Choices(
        size, _window(window), channel, spec, x, y, None if series is None else tuple(filter(None, series.split(",")))
    )
    file, figure = _find(results, figure)
    if figure != "gantt" and (window is not None or channel is not None or spec is not None):
        raise click.UsageError(f"--window, --channel and --spec go with --figure gantt, not with {figure}")
    if figure != "sweep" and (x is not None or series is not None):
        raise click.UsageError(f"--x and --series go with --figure sweep, not with {figure}")
    output = output or Path(f"{figure}.png")

    from bitline.plots.style import check_figure_path, figure_of
    from bitline.plots.table import save_with_data

    check_figure_path(output)
    table, ax = _draw(file, figure, choices)
    if not table:
        raise TraceError(f"holds nothing to draw as {figure}", file=file)
    for path in save_with_data(figure_of(ax), table, output, keep=file):
        click.echo(f"wrote {path}")


def _window(text: str | None) -> tuple[int, int] | None:
    """START:END as two cycles."""
    if text is None:
        return None
    start, _, end = text.replace("_", "").replace(",", "").partition(":")
    if not (start.isdecimal() and end.isdecimal() and len(start) < 19 and len(end) < 19 and int(start) < int(end)):
        raise click.UsageError(f"--window '{text}' is not START:END, two cycles of which the first is lower")
    return int(start), int(end)


def _find(results: Path, figure: str | None) -> tuple[Path, str]:
    """The file to read and the figure to draw from it."""
    if results.is_dir():
        fitting = [name for name, figures in _IN_FOLDER.items() if figure is None or figure in figures]
        for name in fitting:
            if (results / name).is_file():
                return results / name, figure or _IN_FOLDER[name][0]
        raise TraceError("holds no results to draw", file=results, expected=f"a file {' or '.join(fitting)} in it")
    possible = _figures_of(results)
    if figure is not None and figure not in possible:
        raise TraceError(f"gives no figure '{figure}'", file=results, expected=f"--figure {' or '.join(possible)}")
    return results, figure or possible[0]


def _figures_of(file: Path) -> tuple[str, ...]:
    from bitline.sim.run.command_window import is_command_log

    if file.suffix.lower() == ".json":
        return _IN_FOLDER["result.json"]
    return _IN_FOLDER["commands.csv" if is_command_log(file) else "table.csv"]


def _draw(file: Path, figure: str, choices: Choices) -> tuple[list[dict[str, Any]], Axes]:
    """The figure and the table that it shows."""
    if figure == "gantt":
        return _draw_gantt(file, choices)
    if figure == "sweep":
        return _draw_sweep(file, choices)
    from bitline.plots.breakdown import breakdown_table, plot_breakdown
    from bitline.plots.energy import energy_table, operator_energy_table, plot_energy
    from bitline.sim.run.result import Result

    result = Result.from_dict(_read_json(file), file)
    if figure == "breakdown":
        table = breakdown_table(result)
        return table, plot_breakdown(table, size=choices.size)
    table = energy_table(result) if figure == "energy" else operator_energy_table(result)
    return table, plot_energy(table, size=choices.size)


def _draw_gantt(file: Path, choices: Choices) -> tuple[list[dict[str, Any]], Axes]:
    from bitline.arch.dram.part import load_part
    from bitline.plots.commands import commands_table, plot_commands
    from bitline.sim.run.command_timing import command_timing
    from bitline.sim.run.command_window import read_window

    timing = None if choices.spec is None else command_timing(load_part(choices.spec))
    table = commands_table(read_window(file, choices.window, choices.channel), timing)
    tick_ps = None if timing is None else timing.tick_ps
    return table, plot_commands(table, tick_ps=tick_ps, size=choices.size)


def _draw_sweep(file: Path, choices: Choices) -> tuple[list[dict[str, Any]], Axes]:
    from bitline.plots.sweep import plot_heat, plot_sweep
    from bitline.plots.sweep_axes import choose_axes, sweep_table
    from bitline.sim.study.table import read_table

    rows = read_table(file)
    if not rows:
        raise TraceError("holds no points", file=file, expected="a sweep with finished points")
    try:
        axes = choose_axes(rows, choices.x, choices.y, choices.series)
        table = sweep_table(rows, axes)
        draw = plot_heat if axes.is_map else plot_sweep
        return table, draw(table, axes=axes, size=choices.size)
    except SpecError as error:
        raise SpecError(error.problem, file=file, field=error.field, expected=error.expected) from None


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not a number")
    return value


def _read_json(file: Path) -> Any:
    try:
        if file.stat().st_size > MAX_RESULT_BYTES:
            raise TraceError("is too large for a result", file=file, expected=f"at most {MAX_RESULT_BYTES >> 20} MiB")
        return json.loads(file.read_bytes(), parse_float=_finite, parse_constant=_finite)
    except OSError as error:
        raise TraceError(f"cannot be read ({error.strerror or error})", file=file) from None
    except (ValueError, RecursionError) as error:
        raise TraceError(f"is not JSON ({error})", file=file, expected="the result.json of a run") from None
