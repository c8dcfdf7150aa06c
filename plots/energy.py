"""Where the energy of a run went: by part of the hardware, or by operator."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes

from bitline.plots.labels import axis_label, percent, scale, short_number
from bitline.plots.style import BESIDE_BAR, drawing, find_size, look
from bitline.plots.table import Table
from bitline.sim.run.result import Result


def energy_table(result: Result) -> list[dict[str, Any]]:
    """One row a part that used energy, largest first. The parts sum to the run's energy."""
    parts = sorted(result.energy_parts_j.items(), key=lambda item: (-item[1], item[0]))
    return [
        {"part": part, "energy_j": energy_j, "share": energy_j / (result.energy_j or 1.0)}
        for part, energy_j in parts
        if energy_j
    ]


def operator_energy_table(result: Result) -> list[dict[str, Any]]:
    """One row an operator in order of execution, under the unit that ran it; then what no operator caused."""
    total_j = result.energy_j or 1.0
    rows = [
        {"operator": row.name, "part": row.unit, "energy_j": row.energy_j, "share": row.energy_j / total_j}
        for row in result.operators
        if row.energy_j
    ]
    rest_j = result.energy_j - sum(row.energy_j for row in result.operators)
    if rest_j > 1e-9 * total_j:
        row = {"operator": "background", "part": "background", "energy_j": rest_j, "share": rest_j / total_j}
        rows.append(row)
    return rows


def plot_energy(table: Table, ax: Axes | None = None, *, size: str = "column") -> Axes:
    """Horizontal bars: one a part, or, where the table has a column `operator`, one an operator with its parts stacked.

    Columns: part, energy_j, share, and perhaps operator.
    """
    by_operator = bool(table) and "operator" in table[0]
    key = "operator" if by_operator else "part"
    parts = list(dict.fromkeys(row["part"] for row in table))
    bars = list(dict.fromkeys(row[key] for row in table))
    font_in = find_size(size).font_pt / 72
    legend_lines = -(-len(parts) // 3) if by_operator else 0
    with drawing(ax, size, height_in=font_in * (5.5 + 1.75 * len(bars) + 1.4 * legend_lines)) as ax:
        length_j = {bar: sum(row["energy_j"] for row in table if row[key] == bar) for bar in bars}
        divisor, unit = scale(length_j.values(), "J")
        end = dict.fromkeys(bars, 0.0)
        named: set[str] = set()
        for row in table:
            bar, part = row[key], row["part"]
            chosen = look(parts.index(part) if by_operator else 0)
            length = row["energy_j"] / divisor
            ax.barh(
                bars.index(bar),
                length,
                0.68,
                left=end[bar],
                color=chosen.color,
                hatch=chosen.hatch,
                label=part if by_operator and part not in named else None,
            )
            named.add(part)
            end[bar] += length
        for place, bar in enumerate(bars):
            share = sum(row["share"] for row in table if row[key] == bar)
            own_divisor, own_unit = scale([length_j[bar]], "J")
            text = f"{short_number(length_j[bar] / own_divisor)} {own_unit}, {percent(share)}"
            ax.annotate(text, (end[bar], place), **BESIDE_BAR)
        ax.set_yticks(range(len(bars)), bars)
        ax.set_ylim(len(bars) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, 1.32 * max(end.values(), default=1.0) or 1.0)
        ax.set_xlabel(axis_label("energy", unit))
        ax.grid(axis="x")
        if by_operator:
            ax.legend(loc="lower center", bbox_to_anchor=(0.42, 1.0), ncols=3)
    return ax
