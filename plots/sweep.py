"""A sweep: a line for each series over a number, bars over names, or a map over two numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm, Normalize
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from bitline.base.errors import SpecError
from bitline.plots.groups import legend_columns
from bitline.plots.labels import axis_label, name_and_unit, scale, short_number
from bitline.plots.style import FAINT, INK, SOFT, drawing, figure_of, find_size, look
from bitline.plots.sweep_axes import SweepAxes, is_number, is_numeric, values_of
from bitline.plots.table import Table

MOST_SERIES = 12
"""Lines that can still be told apart."""

_LOG_RATIO = 8  # a parameter that spans more than this has a logarithmic axis,
_WIDE_RATIO = 48  # a result one that spans more than this
_MOST_NUMBERS = 100  # cells of a map that still have their number written in

# From pale to dark without a change of hue: the same order in colour and in grey.
_MAP_COLORS = LinearSegmentedColormap.from_list("bitline", ["#f2f6fa", "#56B4E9", "#0072B2", "#00263d"])


def plot_sweep(table: Table, ax: Axes | None = None, *, axes: SweepAxes, size: str = "column") -> Axes:
    """A line for each series over a numeric x, grouped bars over names. `table` is one of `sweep_table`."""
    lines: dict[str, list[Mapping[str, Any]]] = {}
    for row in table:
        lines.setdefault(series_name(row, axes.series), []).append(row)
    if len(lines) > MOST_SERIES:
        raise SpecError(f"{len(lines)} lines cannot be told apart", expected=f"at most {MOST_SERIES}: choose --x")
    preset = find_size(size)
    columns = legend_columns(list(lines), size, handle_em=4.4)
    legend_lines = -(-len(lines) // columns) + 1 if len(lines) > 1 else 0
    height_in = preset.height_in + legend_lines * 1.3 * preset.font_pt / 72
    with drawing(ax, size, height_in) as ax:
        y_name, y_unit = name_and_unit(axes.y)
        divisor, unit = scale((row[axes.y] for row in table), y_unit)
        heights = [row[axes.y] / divisor for row in table]
        if is_numeric(table, axes.x):
            _draw_lines(ax, lines, axes, divisor)
            _set_x(ax, values_of(table, axes.x))
            _set_y(ax, heights)
        else:
            _draw_bars(ax, lines, axes, divisor)
            ax.set_ylim(0, 1.06 * max(heights) or 1.0)
        ax.set_xlabel(axis_label(*name_and_unit(axes.x)))
        ax.set_ylabel(axis_label(y_name, unit))
        ax.grid(axis="both" if is_numeric(table, axes.x) else "y")
        if len(lines) > 1:
            title = axis_label(*name_and_unit(axes.series[0])) if len(axes.series) == 1 else None
            ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns, title=title, handlelength=2.4)
    return ax


def _draw_lines(ax: Axes, lines: Mapping[str, list[Mapping[str, Any]]], axes: SweepAxes, divisor: float) -> None:
    for index, (name, rows) in enumerate(lines.items()):
        chosen = look(index)
        ax.plot(
            [row[axes.x] for row in rows],
            [row[axes.y] / divisor for row in rows],
            color=chosen.line,
            linestyle=chosen.dashes,
            marker=chosen.marker,
            label=name,
        )


def _draw_bars(ax: Axes, lines: Mapping[str, list[Mapping[str, Any]]], axes: SweepAxes, divisor: float) -> None:
    places = list(dict.fromkeys(str(row[axes.x]) for rows in lines.values() for row in rows))
    width = 0.8 / len(lines)
    for index, (name, rows) in enumerate(lines.items()):
        chosen = look(index)
        middle = [places.index(str(row[axes.x])) - 0.4 + (index + 0.5) * width for row in rows]
        heights = [row[axes.y] / divisor for row in rows]
        ax.bar(middle, heights, width, color=chosen.color, hatch=chosen.hatch, label=name)
    turn = len(places) > 4
    ax.set_xticks(range(len(places)), places, rotation=30 if turn else 0, ha="right" if turn else "center")
    ax.tick_params(axis="x", length=0)


def plot_heat(table: Table, ax: Axes | None = None, *, axes: SweepAxes, size: str = "column") -> Axes:
    """A map of `axes.y` over two numeric parameters: `axes.x` and the one series. A missing point is hatched."""
    (vertical,) = axes.series
    xs, ys = values_of(table, axes.x), values_of(table, vertical)
    name, base_unit = name_and_unit(axes.y)
    divisor, unit = scale((row[axes.y] for row in table), base_unit)
    grid = np.full((len(ys), len(xs)), np.nan)
    for row in table:
        grid[ys.index(row[vertical]), xs.index(row[axes.x])] = row[axes.y] / divisor
    preset = find_size(size)
    wanted_in = 0.5 * preset.height_in + 2.2 * preset.font_pt / 72 * len(ys)
    with drawing(ax, size, height_in=min(wanted_in, preset.width_in)) as ax:
        for y, x in zip(*np.nonzero(np.isnan(grid))):
            corner = (float(x) - 0.5, float(y) - 0.5)
            ax.add_patch(Rectangle(corner, 1, 1, facecolor=FAINT, edgecolor=SOFT, hatch="////", linewidth=0))
        low, high = float(np.nanmin(grid)), float(np.nanmax(grid))
        norm = LogNorm(low, high) if low > 0 and high / low >= _WIDE_RATIO else Normalize(low, high)
        image = ax.imshow(np.ma.masked_invalid(grid), cmap=_MAP_COLORS, norm=norm, aspect="auto", origin="lower")
        ax.set_xticks(range(len(xs)), [short_number(value) for value in xs])
        ax.set_yticks(range(len(ys)), [short_number(value) for value in ys])
        ax.tick_params(length=0)
        ax.set_xlabel(axis_label(*name_and_unit(axes.x)))
        ax.set_ylabel(axis_label(*name_and_unit(vertical)))
        for spine in ax.spines.values():
            spine.set_visible(False)
        if grid.size <= _MOST_NUMBERS:
            _write_values(ax, grid, norm)
        bar = figure_of(ax).colorbar(image, ax=ax, pad=0.02, aspect=24)
        bar.set_label(axis_label(name, unit))
        bar.outline.set_visible(False)
    return ax


def _write_values(ax: Axes, grid: NDArray[np.float64], norm: Normalize) -> None:
    for (y, x), value in np.ndenumerate(grid):
        if not np.isnan(value):
            color = "white" if norm(value) > 0.45 else INK
            ax.text(x, y, short_number(value), ha="center", va="center", fontsize="small", color=color)


def _set_x(ax: Axes, values: list[Any]) -> None:
    """Ticks where the points are, on a logarithmic axis where they would crowd at one end."""
    if len(values) > 2 and min(values) > 0 and max(values) / min(values) >= _LOG_RATIO:
        ax.set_xscale("log", base=2)
    if len(values) <= 10:
        ax.set_xticks(values, [short_number(value) for value in values])
        ax.minorticks_off()


def _set_y(ax: Axes, values: list[float]) -> None:
    if min(values) > 0 and max(values) / min(values) >= _WIDE_RATIO:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.yaxis.set_major_formatter(lambda value, _place: short_number(value))
        ax.yaxis.set_minor_formatter(NullFormatter())
    elif min(values) >= 0:
        ax.set_ylim(0, 1.06 * max(values) or 1.0)


def series_name(row: Mapping[str, Any], series: tuple[str, ...]) -> str:
    """Text stands for itself, a number needs its name where the legend's title is not it: `gpt2-xl, batch 4`."""
    parts = []
    for name in series:
        value = row[name]
        if not is_number(value):
            parts.append(str(value))
        elif len(series) == 1:
            parts.append(short_number(value))
        else:
            text, unit = name_and_unit(name)
            parts.append(f"{text} {short_number(value)} {unit}".strip())
    return ", ".join(parts)
