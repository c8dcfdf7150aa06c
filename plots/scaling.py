"""Scaling: how much faster a system gets as a parameter grows, beside the ideal."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from bitline.base.errors import SpecError
from bitline.plots.groups import legend_columns, legend_height_in
from bitline.plots.labels import axis_label, name_and_unit, short_number
from bitline.plots.objectives import Directions, direction
from bitline.plots.style import SOFT, drawing, find_size, look
from bitline.plots.sweep import MOST_SERIES, series_name
from bitline.plots.sweep_axes import SweepAxes, is_numeric, sweep_table, values_of
from bitline.plots.table import Table

_IDEAL = "ideal"


def scaling_table(rows: Table, axes: SweepAxes, *, directions: Directions | None = None) -> list[dict[str, Any]]:
    """The points of each series by x: `speed_up` over the series' least x, `efficiency` its share of the ideal.

    Speed is 1/y where less of y is better, else y. Raises SpecError for an x that is no positive number.
    """
    if not is_numeric(rows, axes.x) or min(values_of(rows, axes.x)) <= 0:
        raise SpecError(f"'{axes.x}' holds no positive numbers", field="x", expected="a parameter that can grow")
    goal = direction(axes.y, directions)
    first: dict[tuple[Any, ...], dict[str, Any]] = {}
    table = []
    for row in sweep_table(rows, axes):
        if row[axes.y] <= 0:
            raise SpecError(f"{axes.y} is {row[axes.y]}", field="y", expected="more than 0")
        start = first.setdefault(tuple(row[name] for name in axes.series), row)
        speed_up = start[axes.y] / row[axes.y] if goal == "min" else row[axes.y] / start[axes.y]
        growth = row[axes.x] / start[axes.x]
        table.append({**row, "speed_up": speed_up, "efficiency": speed_up / growth})
    if all(row["speed_up"] == 1 and row["efficiency"] == 1 for row in table):
        raise SpecError(f"every series has one value of '{axes.x}'", field="x", expected="at least two to compare")
    return table


def plot_scaling(table: Table, ax: Axes | None = None, *, axes: SweepAxes, size: str = "column") -> Axes:
    """A line for each series, both axes logarithmic, and the ideal from the least x on as a dashed line.

    `table` is one of `scaling_table`.
    """
    lines: dict[str, list[Any]] = {}
    for row in table:
        lines.setdefault(series_name(row, axes.series), []).append(row)
    if len(lines) > MOST_SERIES:
        raise SpecError(f"{len(lines)} lines cannot be told apart", expected=f"at most {MOST_SERIES}: choose --x")
    named = len(lines) > 1
    entries = [*(lines if named else []), _IDEAL]
    preset = find_size(size)
    title = axis_label(*name_and_unit(axes.series[0])) if named and len(axes.series) == 1 else None
    height_in = preset.height_in + legend_height_in(entries, size) + (1.3 * preset.font_pt / 72 if title else 0)
    with drawing(ax, size, height_in) as ax:
        ax.set_xscale("log", base=2)
        ax.set_yscale("log", base=2)
        xs = values_of(table, axes.x)
        ax.plot([xs[0], xs[-1]], [1, xs[-1] / xs[0]], color=SOFT, linestyle=(0, (2, 2)), label=_IDEAL, gid="ideal")
        for index, (name, rows) in enumerate(lines.items()):
            chosen = look(index)
            ax.plot(
                [row[axes.x] for row in rows],
                [row["speed_up"] for row in rows],
                color=chosen.line,
                linestyle=chosen.dashes,
                marker=chosen.marker,
                label=name if named else None,
                gid="series",
            )
        ticks = xs if len(xs) <= 8 else xs[:: -(-len(xs) // 8)]
        ax.set_xticks(ticks, [short_number(value) for value in ticks])
        ax.minorticks_off()
        ax.yaxis.set_major_formatter(lambda value, _place: short_number(value))
        ax.set_xlabel(axis_label(*name_and_unit(axes.x)))
        ax.set_ylabel(f"speed-up over {short_number(xs[0])}")
        ax.grid(axis="both")
        columns = legend_columns(entries, size, handle_em=4.4)
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns, title=title, handlelength=2.4)
    return ax
