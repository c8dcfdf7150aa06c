"""The figures of `bitline plot`: what each reads, which options it takes, and how it is drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bitline.base.document import scalar
from bitline.base.errors import SpecError, TraceError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bitline.plots.sweep_axes import SweepAxes
    from bitline.sim.run.result import Result

Rows = list[dict[str, Any]]
Drawn = tuple[Rows, "Axes"]


@dataclass(frozen=True)
class Choices:
    """What the options say, for whichever figure they concern."""

    size: str
    window: tuple[int, int] | None
    channel: int | None
    spec: str | None
    x: str | None
    y: str | None
    series: tuple[str, ...] | None
    base: dict[str, Any] | None
    maximize: tuple[str, ...]


@dataclass(frozen=True)
class FigureKind:
    """`draw` takes the files and the choices. `reads` is a kind of file of `sources.py`."""

    reads: str
    draw: Callable[[Sequence[Path], Choices], Drawn]
    options: tuple[str, ...] = ()
    takes_several: bool = False


def named_results(files: Sequence[Path]) -> list[tuple[str, Result]]:
    """Results by system, with what tells those of one system apart."""
    from bitline.sim.run.result_file import read_result

    results = [read_result(file) for file in files]
    telling = _telling(results)
    names = [
        ", ".join([result.system, *(_word(name, result.workload[name]) for name in telling if name in result.workload)])
        for result in results
    ]
    return [
        (name if names.count(name) == 1 else f"{name} ({file.parent.name or file.stem})", result)
        for name, file, result in zip(names, files, results)
    ]


def _telling(results: Sequence[Result]) -> list[str]:
    """Fields of the workload in which results of one system differ: these go into all names, so that all compare."""
    fields = dict.fromkeys(name for result in results for name in result.workload)
    systems = {result.system for result in results}
    return [
        name
        for name in fields
        if any(
            len({str(result.workload.get(name)) for result in results if result.system == system}) > 1
            for system in systems
        )
    ]


def _word(name: str, value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{name} {value}"


# --- of one result ---


def _breakdown(files: Sequence[Path], choices: Choices) -> Drawn:
    if len(files) > 1:
        from bitline.plots.stack import plot_stack, time_stack_table

        table = time_stack_table(named_results(files))
        return table, plot_stack(table, size=choices.size)
    from bitline.plots.breakdown import breakdown_table, plot_breakdown

    ((_, result),) = named_results(files)
    table = breakdown_table(result)
    return table, plot_breakdown(table, size=choices.size)


def _energy(files: Sequence[Path], choices: Choices) -> Drawn:
    if len(files) > 1:
        from bitline.plots.stack import energy_stack_table, plot_stack

        table = energy_stack_table(named_results(files))
        return table, plot_stack(table, size=choices.size)
    from bitline.plots.energy import energy_table, plot_energy

    ((_, result),) = named_results(files)
    table = energy_table(result)
    return table, plot_energy(table, size=choices.size)


def _energy_operators(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.plots.energy import operator_energy_table, plot_energy

    ((_, result),) = named_results(files)
    table = operator_energy_table(result)
    return table, plot_energy(table, size=choices.size)


def _lanes(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.plots.lanes import lanes_table, plot_lanes

    ((_, result),) = named_results(files)
    if result.lanes is None:
        raise TraceError(
            "holds no utilisation over time", file=files[0], expected="a run of `bitline run --out` on an NPU"
        )
    return lanes_table(result.lanes), plot_lanes(result.lanes, size=choices.size)


def _pipeline(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.plots.pipeline import pipeline_table, plot_pipeline

    ((_, result),) = named_results(files)
    table = pipeline_table(result)
    return table, plot_pipeline(table, size=choices.size)


def _roofline(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.plots.roofline import plot_roofline, roofline_table
    from bitline.sim.run.roofs import roofs_of

    table = roofline_table((name, result, roofs_of(result)) for name, result in named_results(files))
    return table, plot_roofline(table, size=choices.size)


# --- of commands ---


def _gantt(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.arch.dram.part import load_part
    from bitline.plots.commands import commands_table, plot_commands
    from bitline.sim.run.command_timing import command_timing
    from bitline.sim.run.command_window import read_window

    timing = None if choices.spec is None else command_timing(load_part(choices.spec))
    table = commands_table(read_window(files[0], choices.window, choices.channel), timing)
    tick_ps = None if timing is None else timing.tick_ps
    return table, plot_commands(table, tick_ps=tick_ps, size=choices.size)


# --- of a sweep ---


def _axes(rows: Rows, choices: Choices) -> SweepAxes:
    from bitline.plots.sweep_axes import choose_axes

    return choose_axes(rows, choices.x, choices.y or "time_per_token_s", choices.series)


def _sweep(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.plots.sweep import plot_heat, plot_sweep
    from bitline.plots.sweep_axes import sweep_table
    from bitline.sim.cli.sources import read_points

    rows = read_points(files[0])
    axes = _axes(rows, choices)
    table = sweep_table(rows, axes)
    draw = plot_heat if axes.is_map else plot_sweep
    return table, draw(table, axes=axes, size=choices.size)


def _scaling(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.plots.scaling import plot_scaling, scaling_table
    from bitline.sim.cli.sources import read_points

    rows = read_points(files[0])
    axes = _axes(rows, choices)
    table = scaling_table(rows, axes, directions=_directions(files[0], choices))
    return table, plot_scaling(table, axes=axes, size=choices.size)


def _tornado(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.plots.tornado import plot_tornado, tornado_table
    from bitline.sim.cli.sources import read_points

    directions = _directions(files[0], choices)
    y = choices.y or next(iter(directions), "time_per_token_s")
    table = tornado_table(read_points(files[0]), y, base=choices.base, directions=directions)
    return table, plot_tornado(table, size=choices.size)


def _pareto(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.plots.pareto import pareto_table, plot_pareto
    from bitline.sim.cli.sources import read_points, read_screen

    directions = _directions(files[0], choices)
    said = [*(name for name in directions if name not in (choices.x, choices.y)), "time_per_token_s", "energy_j"]
    left = iter(dict.fromkeys(name for name in said if name not in (choices.x, choices.y)))
    x = choices.x or next(left)
    y = choices.y or next(left)
    screened = read_screen(files[0])
    table = pareto_table(read_points(files[0]), x, y, bound_rows=screened, directions=directions)
    return table, plot_pareto(table, x=x, y=y, directions=directions, size=choices.size)


def _throughput(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.plots.throughput import plot_throughput, throughput_table

    table = throughput_table(_batched(files[0]))
    return table, plot_throughput(table, size=choices.size)


def _ablation(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.plots.ablation import ablation_table, plot_ablation

    table = ablation_table(_batched(files[0]))
    return table, plot_ablation(table, size=choices.size)


def _batched(file: Path) -> Rows:
    """The points as systems at batches: a system's policies and settings stand for systems of their own."""
    from bitline.plots.sweep_axes import parameters
    from bitline.sim.cli.sources import read_points

    rows = read_points(file)
    beside = ("model", "lengths", "batch", "context", "system")
    others = [name for name in parameters(rows) if name not in beside]
    found = []
    for row in rows:
        words = [_word(name, row[name]) for name in others if row[name] is not None]
        lengths = row.get("lengths") or (f"context {row['context']}" if row.get("context") is not None else "")
        system = ", ".join([row["system"], *words])
        speed = row["tokens_per_s"] if row["status"] == "done" else None
        found.append({**row, "system": system, "lengths": lengths, "tokens_per_s": speed})
    return found


def _directions(file: Path, choices: Choices) -> dict[str, str]:
    """What the study beside the table says of its objectives, and what --maximize adds."""
    from bitline.sim.cli.sources import read_objectives

    return {**read_objectives(file), **dict.fromkeys(choices.maximize, "max")}


# --- of a validation ---


def _validation(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.plots.validation import plot_validation, validation_table
    from bitline.sim.cli.sources import read_validation

    table = validation_table(read_validation(files[0]))
    return table, plot_validation(table, size=choices.size)


def _validation_errors(files: Sequence[Path], choices: Choices) -> Drawn:
    from bitline.plots.validation import plot_validation_errors, validation_table
    from bitline.sim.cli.sources import read_validation

    table = validation_table(read_validation(files[0]))
    return table, plot_validation_errors(table, size=choices.size)


FIGURES: Mapping[str, FigureKind] = {
    "breakdown": FigureKind("result", _breakdown, takes_several=True),
    "energy": FigureKind("result", _energy, takes_several=True),
    "energy-operators": FigureKind("result", _energy_operators),
    "lanes": FigureKind("result", _lanes),
    "pipeline": FigureKind("result", _pipeline),
    "roofline": FigureKind("result", _roofline, takes_several=True),
    "sweep": FigureKind("table", _sweep, ("x", "y", "series")),
    "scaling": FigureKind("table", _scaling, ("x", "y", "series", "maximize")),
    "pareto": FigureKind("table", _pareto, ("x", "y", "maximize")),
    "tornado": FigureKind("table", _tornado, ("y", "base", "maximize")),
    "throughput": FigureKind("table", _throughput),
    "ablation": FigureKind("table", _ablation),
    "gantt": FigureKind("commands", _gantt, ("window", "channel", "spec")),
    "validation": FigureKind("validation", _validation),
    "validation-errors": FigureKind("validation", _validation_errors),
}


def draw(figure: str, files: Sequence[Path], choices: Choices) -> Drawn:
    """The figure and the table that it shows. An error that names no file names the first. Raises BitlineError."""
    try:
        return FIGURES[figure].draw(files, choices)
    except SpecError as error:
        if error.file is not None:
            raise
        raise SpecError(error.problem, file=files[0], field=error.field, expected=error.expected) from None


def assignments(text: str) -> dict[str, Any]:
    """`memory.channels=8,batch=4` as values by column. Raises SpecError."""
    found = {}
    for word in filter(None, text.split(",")):
        name, is_one, value = word.partition("=")
        if not (is_one and name and value):
            raise SpecError(f"'{word}' is not COLUMN=VALUE", file="--base", expected="memory.channels=8,batch=4")
        found[name] = scalar(value)
    return found
