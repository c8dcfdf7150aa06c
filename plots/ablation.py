"""What each step of a design is worth: speed over the first system, at several batches and request lengths."""

from __future__ import annotations

from math import exp, log
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes

from bitline.base.errors import SpecError
from bitline.plots.groups import GroupedBars, draw_groups, group_rows, legend_height_in, place_of
from bitline.plots.style import INK, drawing, figure_of, find_size
from bitline.plots.table import Table, save_with_data

VALUE = "speed_over_first"
MEAN = "gmean"


def ablation_table(rows: Table) -> list[dict[str, Any]]:
    """The rows of `plot_ablation`, from rows with `system`, `model`, `batch`, `lengths` and `tokens_per_s`.

    The first row's system is what the others are divided by. Where there are several places, the geometric mean of
    each system that ran at all of them follows. Raises SpecError, also where the first system has no speed.
    """
    taken = group_rows(rows, "tokens_per_s")
    first = taken[0]["system"]
    base = {place_of(row): row["tokens_per_s"] for row in taken if row["system"] == first}
    table: list[dict[str, Any]] = []
    for row in taken:
        speed = base.get(place_of(row))
        if not speed:
            where = ", batch ".join(place_of(row))
            raise SpecError(
                f"no speed of {first} at {where}", field="system", expected=f"a row of {first} at each place"
            )
        found = row["tokens_per_s"]
        table.append({**row, VALUE: None if found is None else found / speed})
    if len(base) > 1:
        for system in dict.fromkeys(row["system"] for row in taken):
            own = [row[VALUE] for row in table if row["system"] == system]
            if len(own) == len(base) and all(own):
                mean = exp(sum(map(log, own)) / len(own))
                table.append({"model": "", "lengths": "", "batch": MEAN, "system": system, VALUE: mean})
    return table


def plot_ablation(table: Table, ax: Axes | None = None, *, size: str = "column") -> Axes:
    """Bars of speed over the first system: one a step at each batch, batches grouped by model and request lengths.

    `table` is one of `ablation_table`. The number stands on a bar where there is room for it.
    """
    bars = GroupedBars.of(table, VALUE)
    bar_pt = bars.bar_pt(size)
    preset = find_size(size)
    with drawing(ax, size, preset.height_in + legend_height_in(bars.entries, size)) as ax:
        draw_groups(ax, table, VALUE, bars, size)
        ax.axhline(1, color=INK, linewidth=0.6 * preset.line_pt, linestyle="--", zorder=3)
        small_pt = 0.8 * preset.font_pt
        flat = bar_pt >= 2.5 * small_pt
        if bar_pt >= small_pt:
            ax.grid(visible=False)
            for row in table:
                if row[VALUE] is not None:
                    ax.annotate(
                        f"{row[VALUE]:.2f}",
                        (bars.left(row) + bars.width / 2, row[VALUE]),
                        xytext=(0, 2),
                        textcoords="offset points",
                        ha="center",
                        va="bottom",
                        rotation=0 if flat else 90,
                        fontsize=small_pt,
                    )
        highest = max(row[VALUE] or 0.0 for row in table)
        ax.set_ylim(0, (1.1 if flat else 1.2) * max(highest, 1.0))
        ax.set_ylabel(f"speed over {bars.systems[0]}")
    return ax


def save_ablation(rows: Table, *paths: str | Path, size: str = "column") -> list[Path]:
    """Draw rows and write the figure to each path, with its data beside it. Raises SpecError and OutputError."""
    table = ablation_table(rows)
    return save_with_data(figure_of(plot_ablation(table, size=size)), table, *map(Path, paths))
