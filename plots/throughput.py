"""Tokens per second of several systems over batches, models and request lengths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from bitline.plots.groups import GroupedBars, draw_groups, group_rows, legend_height_in
from bitline.plots.labels import short_number
from bitline.plots.style import drawing, figure_of, find_size
from bitline.plots.table import Table, save_with_data

VALUE = "tokens_per_s"


def throughput_table(rows: Table) -> list[dict[str, Any]]:
    """The rows of `plot_throughput`, from rows with `system`, `model`, `batch`, `lengths` and `tokens_per_s`.

    Without a number: a system that could not run there, as its memory was too small. Raises SpecError.
    """
    return group_rows(rows, VALUE)


def plot_throughput(table: Table, ax: Axes | None = None, *, size: str = "column") -> Axes:
    """Bars of tokens/s: one a system at each batch, batches grouped by model and request lengths.

    `table` is one of `throughput_table`. Systems and places stand in order of their first appearance.
    """
    bars = GroupedBars.of(table, VALUE)
    bars.bar_pt(size)
    height_in = find_size(size).height_in + legend_height_in(bars.entries, size)
    with drawing(ax, size, height_in) as ax:
        draw_groups(ax, table, VALUE, bars, size)
        ax.set_ylim(0, 1.06 * max(row[VALUE] or 0.0 for row in table) or 1.0)
        ax.yaxis.set_major_formatter(lambda value, _place: short_number(value))
        ax.set_ylabel("tokens/s")
    return ax


def save_throughput(rows: Table, *paths: str | Path, size: str = "column") -> list[Path]:
    """Draw rows and write the figure to each path, with its data beside it. Raises SpecError and OutputError."""
    table = throughput_table(rows)
    return save_with_data(figure_of(plot_throughput(table, size=size)), table, *map(Path, paths))
