"""`bitline sweep`: every point of a grid, kept as it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from bitline.base.document import parse_yaml, read_yaml
from bitline.base.errors import SpecError
from bitline.sim.cli.options import json_option, print_json
from bitline.sim.cli.sweep_progress import SweepBar
from bitline.sim.study.check import check_study
from bitline.sim.study.folder import TABLE_NAME, SweepSummary, sweep
from bitline.sim.study.grid import grid_size
from bitline.sim.study.spec import StudySpec, load_study, make_study
from bitline.sim.study.table import read_table

# From here on a grid is more likely a slip of the keyboard than a plan.
MANY_POINTS = 10**6

Callback = Callable[[click.Context, click.Parameter, Sequence[str]], Any]


def _words(_context: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> list[str]:
    return [word.strip() for value in values for word in value.split(",")]


def _counts(_context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> list[int]:
    counts = []
    for word in _words(_context, parameter, values):
        if not (word.isascii() and word.isdigit()):
            raise SpecError(
                f"'{word}' is not a count", file=parameter.opts[0], expected="whole numbers such as 512,1024"
            )
        counts.append(int(word))
    return counts


def _settings(_context: click.Context, _parameter: click.Parameter, values: Sequence[str]) -> dict[str, list[Any]]:
    settings: dict[str, list[Any]] = {}
    for text in values:
        path, sign, value = (part.strip() for part in text.partition("="))
        if not sign or not path:
            problem = f"'{text}' is not a setting"
            raise SpecError(problem, file="--set", expected="PATH=VALUES, such as memory.channels=8,16")
        if path in settings:
            raise SpecError("is set twice", file="--set", field=path)
        try:
            found = parse_yaml(value if value.startswith("[") else f"[{value}]", "--set").data
        except SpecError as error:
            raise SpecError(error.problem, file="--set", field=path, expected=error.expected) from None
        settings[path] = found
    return settings


def _axis(name: str, metavar: str, callback: Callback, text: str) -> Callable[[Any], Any]:
    return click.option(name, multiple=True, metavar=metavar, callback=callback, help=text)


@click.command("sweep", short_help="Run a grid of design points.")
@click.argument("study", metavar="SYSTEM|STUDY.yaml")
@_axis("--model", "NAME,...", _words, "Models.")
@_axis("--phase", "NAME,...", _words, "Phases: prefill, decode (default), generate.")
@_axis("--batch", "N,...", _counts, "Batch sizes (default: 1).")
@_axis("--context", "N,...", _counts, "Contexts (default: 1024).")
@_axis("--prompt", "N,...", _counts, "Lengths of the prompt; phase generate only.")
@_axis("--tokens", "N,...", _counts, "Tokens to generate; phase generate only.")
@_axis("--set", "PATH=V,V,...", _settings, "Values of a field of the system.")
@click.option("--policy", metavar="NAME", help="Policy (default: the system's).")
@click.option("--level", metavar="LEVEL", help="cycle (default) or bound.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the results; resumed if it has any."
)
@click.option("--jobs", type=click.IntRange(1, 256), default=1, show_default=True, help="Worker processes.")
@click.option("--retry-failed", is_flag=True, help="Run points again that failed before.")
@click.option("--dry-run", is_flag=True, help="Print the number of points and stop.")
@click.option("--yes", is_flag=True, help=f"Run a grid of {MANY_POINTS:,} points or more.")
@json_option
def command(
    study: str,
    out: Path | None,
    jobs: int,
    retry_failed: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **axes: Any,
) -> int:
    """Run a grid: of SYSTEM with the values of the options, or of a STUDY.yaml.

    Each point is kept in DIR as soon as it ends: the same command goes on after a kill, and runs nothing twice. Writes
    table.csv and a figure. Exit status 1 when points failed.
    """
    grid = _grid(study, {name: value for name, value in axes.items() if value})
    points = grid_size(grid)
    if dry_run:
        check_study(grid)
        print_json({"points": points}) if as_json else click.echo(f"{points:,} points")
        return 0
    if points >= MANY_POINTS and not yes:
        raise SpecError(f"the grid has {points:,} points", expected=f"fewer than {MANY_POINTS:,}, or --yes")
    if out is None:
        raise click.UsageError("give --out DIR, the folder of the results")
    try:
        with SweepBar() as bar:
            summary = sweep(grid, out, jobs=jobs, retry_failed=retry_failed, watch=bar)
    except KeyboardInterrupt:
        click.echo(f"bitline: interrupted; finished points are kept in {out}, the same command goes on", err=True)
        return 130
    figures = _draw(out) if summary.done else []
    if as_json:
        print_json(summary.to_dict())
    else:
        _print(summary, [out / TABLE_NAME, *figures])
    if summary.failed:
        text = f"{summary.failed:,} of {summary.points:,} points failed; the first: {summary.first_error}"
        click.echo(f"bitline: {text}", err=True)
    return 1 if summary.failed else 0


def _grid(study: str, axes: dict[str, Any]) -> StudySpec:
    if study.endswith((".yaml", ".yml")) and _is_study(study):
        if axes:
            options = ", ".join(f"--{name}" for name in axes)
            raise click.UsageError(f"{study} is a study: its axes stand in the file, not in {options}")
        return load_study(study)
    plural = {"model": "models", "phase": "phases", "batch": "batches", "context": "contexts", "prompt": "prompts"}
    renamed = {**plural, "set": "settings"}
    if "model" not in axes:
        raise click.UsageError("the grid is empty: give at least one --model")
    return make_study(system=study, **{renamed.get(name, name): value for name, value in axes.items()})


def _is_study(file: str) -> bool:
    data = read_yaml(file).data
    return isinstance(data, dict) and bool({"system", "models"} & set(data))


def _draw(folder: Path) -> list[Path]:
    """The figure of a sweep as PNG and SVG, with its data; none where the points do not make one."""
    from bitline.plots.style import figure_of
    from bitline.plots.sweep import plot_heat, plot_sweep
    from bitline.plots.sweep_axes import choose_axes, sweep_table
    from bitline.plots.table import save_with_data

    rows = read_table(folder / TABLE_NAME)
    try:
        axes = choose_axes(rows)
        table = sweep_table(rows, axes)
        ax = (plot_heat if axes.is_map else plot_sweep)(table, axes=axes)
    except SpecError as error:
        click.echo(f"bitline: no figure: {error}", err=True)
        return []
    return save_with_data(figure_of(ax), table, folder / "figure.png", folder / "figure.svg")


def _print(summary: SweepSummary, files: list[Path]) -> None:
    click.echo(
        f"points   {summary.points:,}: {summary.done:,} done, {summary.failed:,} failed ({summary.ran:,} run now)"
    )
    click.echo(f"written  {', '.join(str(file) for file in files)}")
