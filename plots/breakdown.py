"""Where the time of a run went: one bar an operator, its lower bound beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from bitline.plots.labels import axis_label, percent, scale
from bitline.plots.style import BESIDE_BAR, FAINT, drawing, find_size, look
from bitline.plots.table import Table
from bitline.sim.run.result import OperatorResult, Result

SMALL = 0.01
"""Operators that take less than this share of the time are drawn together."""

_BAR = 0.52
_BOUND_BAR = 0.22


def breakdown_table(result: Result) -> list[dict[str, Any]]:
    """The rows of `plot_breakdown`, in order of execution, the small ones as one row at the end."""
    total_s = sum(operator.time_s for operator in result.operators) or 1.0
    small = [operator for operator in result.operators if operator.time_s < SMALL * total_s]
    if len(small) < 2:
        small = []
    rows = [_row(operator.name, [operator], total_s) for operator in result.operators if operator not in small]
    return [*rows, _row(f"other ({len(small)})", small, total_s)] if small else rows


def _row(name: str, group: Sequence[OperatorResult], total_s: float) -> dict[str, Any]:
    time_s = sum(operator.time_s for operator in group)
    bottlenecks = {operator.bottleneck for operator in group}
    return {
        "operator": name,
        "members": " ".join(operator.name for operator in group),
        "unit": " ".join(sorted({operator.unit for operator in group})),
        "level": " ".join(sorted({operator.level for operator in group})),
        "bottleneck": bottlenecks.pop() if len(bottlenecks) == 1 else "several",
        "count": sum(operator.count for operator in group),
        "time_s": time_s,
        "overlapped_s": sum(operator.overlapped_s for operator in group),
        "bound_time_s": sum(operator.bound_time_s for operator in group),
        "share": time_s / total_s,
    }


def plot_breakdown(table: Table, ax: Axes | None = None, *, size: str = "column") -> Axes:
    """Horizontal bars from the first operator down: time, time hidden behind others, and the lower bound below.

    Columns: operator, bottleneck, time_s, overlapped_s, bound_time_s, share, level.
    """
    font_in = find_size(size).font_pt / 72
    bottlenecks = list(dict.fromkeys(row["bottleneck"] for row in table))
    with drawing(ax, size, height_in=font_in * (6.5 + 1.75 * len(table) + 1.4 * -(-(2 + len(bottlenecks)) // 2))) as ax:
        longest_s = [max(row["time_s"] + row["overlapped_s"], row["bound_time_s"]) for row in table]
        divisor, unit = scale(longest_s, "s")
        for place, row in enumerate(table):
            _draw_row(ax, place, row, bottlenecks.index(row["bottleneck"]), divisor)
            ax.annotate(
                percent(row["share"]),
                (longest_s[place] / divisor, place),
                **BESIDE_BAR,
            )
        ax.set_yticks(range(len(table)), [row["operator"] for row in table])
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, 1.16 * max(longest_s, default=1.0) / divisor or 1.0)
        ax.set_xlabel(axis_label(f"time, {_level(table)}", unit))
        ax.grid(axis="x")
        _add_legend(ax, bottlenecks, any(row["overlapped_s"] for row in table))
    return ax


def _draw_row(ax: Axes, place: int, row: Mapping[str, Any], category: int, divisor: float) -> None:
    chosen = look(category)
    above = place - _BOUND_BAR / 2
    time, hidden = row["time_s"] / divisor, row["overlapped_s"] / divisor
    ax.barh(above, time, _BAR, color=chosen.color, hatch=chosen.hatch, gid="time")
    if hidden:
        ax.barh(above, hidden, _BAR, left=time, color="white", linestyle=":", gid="overlapped")
    below = above + (_BAR + _BOUND_BAR) / 2
    ax.barh(below, row["bound_time_s"] / divisor, _BOUND_BAR, color=FAINT, gid="bound")


def _level(table: Table) -> str:
    levels = {level for row in table for level in str(row["level"]).split()}
    if levels == {"cycle"}:
        return "cycle level"
    return "bound level" if levels == {"bound"} else "cycle and bound level"


def _add_legend(ax: Axes, bottlenecks: list[str], any_hidden: bool) -> None:
    handles = [
        Patch(facecolor=look(index).color, hatch=look(index).hatch, label=name)
        for index, name in enumerate(bottlenecks)
    ]
    if any_hidden:
        handles.append(Patch(facecolor="white", linestyle=":", label="hidden behind others"))
    handles.append(Patch(facecolor=FAINT, label="lower bound"))
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.42, 1.0), ncols=2)
