"""`bitline plot`: the figures of runs, a sweep, a command log or a validation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bitline.base.errors import TraceError
from bitline.sim.cli.figures import FIGURES, Choices, assignments, draw
from bitline.sim.cli.sources import IN_FOLDER, kind_of

SIZES = ("column", "page", "slide")
FONTS = ("sans", "serif")


@click.command("plot", short_help="Draw figures of results, a sweep, a command log or a validation.")
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FIGURE",
    help="A .png, .svg or .pdf. [default: NAME.png]",
)
@click.option("--figure", type=click.Choice(list(FIGURES)), help="What to draw (default: what suits RESULTS).")
@click.option("--size", type=click.Choice(SIZES), default="column", show_default=True, help="Where it will stand.")
@click.option("--font", type=click.Choice(FONTS), default="sans", show_default=True, help="serif is cut like Times.")
@click.option("--window", metavar="START:END", help="gantt: cycles to show.")
@click.option("--channel", type=click.IntRange(0), help="gantt: the channel (default: that of the first command).")
@click.option("--spec", metavar="NAME", help="gantt: DRAM part that gives the length of commands.")
@click.option("--x", metavar="COLUMN", help="sweep, scaling: the parameter along x. pareto: an objective.")
@click.option("--y", metavar="COLUMN", help="sweep, scaling, tornado: the quantity. pareto: an objective.")
@click.option("--series", metavar="COLUMNS", help="sweep, scaling: parameters, by commas, that make a line each.")
@click.option("--base", metavar="COLUMN=VALUE,...", help="tornado: the point to vary around (default: the best).")
@click.option("--maximize", metavar="COLUMNS", help="scaling, pareto, tornado: columns of which more is better.")
def command(
    results: tuple[Path, ...], output: Path | None, figure: str | None, size: str, font: str, **given: Any
) -> None:
    """Draw RESULTS: a result.json, the folder of a run or a sweep, a table.csv of a sweep, a command log, or the rows
    of `bitline validate --csv`. Several results stand beside each other in breakdown, energy and roofline.

    The numbers that are drawn are written beside the figure, as .data.csv.
    """
    figure, files = _find(results, figure)
    for option, value in given.items():
        if value is not None and option not in FIGURES[figure].options:
            takers = " or ".join(name for name, kind in FIGURES.items() if option in kind.options)
            raise click.UsageError(f"--{option} goes with --figure {takers}, not with {figure}")
    choices = Choices(
        size,
        window=_window(given["window"]),
        channel=given["channel"],
        spec=given["spec"],
        x=given["x"],
        y=given["y"],
        series=_columns(given["series"]),
        base=None if given["base"] is None else assignments(given["base"]),
        maximize=_columns(given["maximize"]) or (),
    )
    output = output or Path(f"{figure}.png")

    from bitline.plots.style import check_figure_path, figure_of, lettered
    from bitline.plots.table import save_with_data

    check_figure_path(output)
    with lettered(font):
        table, ax = draw(figure, files, choices)
    if not table:
        raise TraceError(f"holds nothing to draw as {figure}", file=files[0])
    for path in save_with_data(figure_of(ax), table, output, keep=files):
        click.echo(f"wrote {path}")


def _columns(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(filter(None, text.split(",")))


def _window(text: str | None) -> tuple[int, int] | None:
    """START:END as two cycles."""
    if text is None:
        return None
    start, _, end = text.replace("_", "").replace(",", "").partition(":")
    if not (start.isdecimal() and end.isdecimal() and len(start) < 19 and len(end) < 19 and int(start) < int(end)):
        raise click.UsageError(f"--window '{text}' is not START:END, two cycles of which the first is lower")
    return int(start), int(end)


def _find(results: tuple[Path, ...], figure: str | None) -> tuple[str, list[Path]]:
    """The figure to draw and the files to read."""
    figure, first = _find_one(results[0], figure)
    if len(results) > 1 and not FIGURES[figure].takes_several:
        several = ", ".join(name for name, kind in FIGURES.items() if kind.takes_several)
        raise click.UsageError(f"{figure} is drawn from one file; several go with --figure {several}")
    return figure, [first, *(_find_one(path, figure)[1] for path in results[1:])]


def _find_one(path: Path, figure: str | None) -> tuple[str, Path]:
    """The figure to draw from a path, and the file to read."""
    if path.is_dir():
        fitting = [name for name in IN_FOLDER if figure is None or FIGURES[figure].reads == name]
        for kind in fitting:
            if (path / IN_FOLDER[kind]).is_file():
                return figure or _figures_of(kind)[0], path / IN_FOLDER[kind]
        names = " or ".join(IN_FOLDER[kind] for kind in fitting)
        raise TraceError("holds no results to draw", file=path, expected=f"a file {names} in it")
    possible = _figures_of(kind_of(path))
    if figure is not None and figure not in possible:
        raise TraceError(f"gives no figure '{figure}'", file=path, expected=f"--figure {' or '.join(possible)}")
    return figure or possible[0], path


def _figures_of(kind: str) -> list[str]:
    return [name for name, figure in FIGURES.items() if figure.reads == kind]
