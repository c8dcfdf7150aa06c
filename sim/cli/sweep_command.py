"""`bitline sweep`: every point of a grid, kept as it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from bitline.base.document import parse_yaml, read_yaml
from bitline.base.errors import SpecError
from bitline.sim.cli.dry_run_summary import print_dry_run
from bitline.sim.cli.options import json_option, print_json
from bitline.sim.cli.sweep_progress import SweepBar
from bitline.sim.study.check import check_study
from bitline.sim.study.choose import study_size
from bitline.sim.study.dry_run import dry_run as size_up
from bitline.sim.study.folder import TABLE_NAME, SweepSummary, sweep
from bitline.sim.study.spec import StudySpec, load_study, make_study
from bitline.sim.study.workers.crew import Jobs
from bitline.sim.study.workers.machine import cores

# From here on a grid is more likely a slip of the keyboard than a plan.
MANY_POINTS = 10**6
MOST_JOBS = 256

# Options whose field of a study is not their plural.
FIELDS = {
    **{name: name for name in ("policy", "level", "lengths", "tokens")},
    "batch": "batches",
    "set": "settings",
}

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


def _jobs(_context: click.Context, _parameter: click.Parameter, text: str) -> Jobs:
    if text == "auto":
        return "auto"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_JOBS):
        raise SpecError(f"'{text}' is no number of workers", file="--jobs", expected=f"1 to {MOST_JOBS}, or auto")
    return int(text)


def _axis(name: str, metavar: str, callback: Callback, text: str) -> Callable[[Any], Any]:
    return click.option(name, multiple=True, metavar=metavar, callback=callback, help=text)


@click.command("sweep", short_help="Run a grid of design points.")
@click.argument("study", metavar="SYSTEM,...|STUDY.yaml")
@_axis("--model", "NAME,...", _words, "Models.")
@_axis("--phase", "NAME,...", _words, "Phases: prefill, decode (default), generate.")
@_axis("--batch", "N,...", _counts, "Batch sizes (default: 1).")
@_axis("--context", "N,...", _counts, "Contexts (default: 1024).")
@_axis("--prompt", "N,...", _counts, "Lengths of the prompt; phase generate only.")
@_axis("--tokens", "N,...", _counts, "Tokens to generate; phase generate only.")
@_axis("--lengths", "NAME,...", _words, "Batches: contexts drawn from sharegpt, alpaca, or a file of lengths.")
@_axis("--seed", "N,...", _counts, "Seeds of the lengths drawn (default: 0).")
@_axis("--tensor", "N,...", _counts, "Batches: devices that share each layer.")
@_axis("--pipeline", "N,...", _counts, "Batches: groups of devices that share out the layers.")
@_axis("--dtype", "NAME,...", _words, "Number formats.")
@_axis("--set", "PATH=V,V,...", _settings, "Values of a field of the system.")
@_axis("--policy", "NAME,...", _words, "Policies (default: the system's).")
@click.option("--level", metavar="LEVEL", help="cycle (default) or bound.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the results; resumed if it has any."
)
@click.option("--jobs", metavar="N|auto", callback=_jobs, default="auto", show_default=True, help="Worker processes.")
@click.option("--scheduler", metavar="ADDRESS", help="Of a Dask cluster that runs the points, such as tcp://host:8786.")
@click.option("--retry-failed", is_flag=True, help="Run points again that failed before.")
@click.option("--dry-run", is_flag=True, help="Say how many points, how long they may take, and the first.")
@click.option("--yes", is_flag=True, help=f"Run a grid of {MANY_POINTS:,} points or more.")
@json_option
def command(
    study: str,
    out: Path | None,
    jobs: Jobs,
    scheduler: str | None,
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
    _check(grid, study)
    if dry_run:
        print_dry_run(size_up(grid, cores() if jobs == "auto" else jobs), as_json)
        return 0
    size = study_size(grid)
    if size.points >= MANY_POINTS and not yes:
        raise SpecError(f"the grid has {size} points", expected=f"fewer than {MANY_POINTS:,}, or --yes")
    if out is None:
        raise click.UsageError("give --out DIR, the folder of the results")
    try:
        with SweepBar(grid) as bar:
            summary = sweep(grid, out, jobs=jobs, scheduler=scheduler, retry_failed=retry_failed, watch=bar)
    except KeyboardInterrupt:
        click.echo(f"bitline: interrupted; finished points are kept in {out}, the same command goes on", err=True)
        return 130
    figures = _draw(grid, out) if summary.done else []
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
    if "model" not in axes:
        raise click.UsageError("the grid is empty: give at least one --model")
    systems = [name.strip() for name in study.split(",")]
    fields = {FIELDS.get(name, f"{name}s"): value for name, value in axes.items()}
    return make_study(system=systems if len(systems) > 1 else study, **fields)


def _check(grid: StudySpec, said_in: str) -> None:
    """Refuse a study that cannot be, by its file and field where it stands in one. Raises SpecError."""
    try:
        check_study(grid)
    except SpecError as error:
        if not said_in.endswith((".yaml", ".yml")) or error.file not in (None, "--set") or not _is_study(said_in):
            raise
        field = f"settings.{error.field}" if error.file == "--set" else error.field
        raise SpecError(error.problem, file=said_in, field=field, expected=error.expected) from None


def _is_study(file: str) -> bool:
    data = read_yaml(file).data
    return isinstance(data, dict) and bool({"system", "models"} & set(data))


def _draw(study: StudySpec, folder: Path) -> list[Path]:
    """The figure that suits a study as PNG and SVG, with its data; none where the points do not make one.

    Several objectives have a front. Else it is the objective over the parameters or, of too many, what each is worth.
    """
    from bitline.plots.style import figure_of
    from bitline.plots.table import save_with_data
    from bitline.sim.cli.figures import Choices, draw

    names = list(study.objectives)
    of_one = Choices("column", None, None, None, None, names[0], None, None, ())
    of_two = replace(of_one, x=names[0], y=names[1]) if len(names) > 1 else None
    problem = None
    for figure, choices in (("pareto", of_two), ("sweep", of_one), ("tornado", of_one)):
        if choices is None:
            continue
        try:
            table, ax = draw(figure, [folder / TABLE_NAME], choices)
        except SpecError as error:
            problem = problem or error
            continue
        return save_with_data(figure_of(ax), table, folder / "figure.png", folder / "figure.svg")
    click.echo(f"bitline: no figure: {problem}", err=True)
    return []


def _print(summary: SweepSummary, files: list[Path]) -> None:
    click.echo(
        f"points   {summary.points:,}: {summary.done:,} done, {summary.failed:,} failed ({summary.ran:,} run now)"
    )
    click.echo(f"written  {', '.join(str(file) for file in files)}")
