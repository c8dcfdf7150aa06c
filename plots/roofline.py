"""The roofline: FLOP/s that operators reach over the FLOPs that they do for each byte, below the peaks of their unit.

After Williams, Waterman and Patterson, CACM 52(4), 2009. An operator's bytes are those of its tensors, wherever they
come from; its time is its own, also what others hid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bitline.base.errors import SpecError
from bitline.plots.groups import legend_columns, legend_height_in
from bitline.plots.labels import scale, short_number
from bitline.plots.points import name_points
from bitline.plots.style import LOOKS, drawing, find_size, look
from bitline.plots.table import Table
from bitline.sim.run.result import Result

MOST_NAMES = 12
"""Operators that are named, those with the longest time first; a name that finds no room is left out."""

_MARGIN = 2.5  # the axes go this many times beyond the points and ridges
_SHORTEST = 1e-3  # share of the time below which an operator is no point


def roofline_table(results: Iterable[tuple[str, Result, Table]]) -> list[dict[str, Any]]:
    """Rows of kind `roof` and `operator`, from (name, result, rows of `unit`, `flops_per_s`, `bytes_per_s`).

    Left out: operators without FLOPs, of less than a thousandth of the time, and units that ran none. Raises SpecError.
    """
    rows: list[dict[str, Any]] = []
    for name, result, roofs in results:
        own = [
            {
                "kind": "operator",
                "system": name,
                "unit": operator.unit,
                "operator": operator.name,
                "flops_per_byte": operator.flops / operator.bytes,
                "flops_per_s": operator.flops / (operator.time_s + operator.overlapped_s),
                "bytes_per_s": operator.bytes / (operator.time_s + operator.overlapped_s),
                "share": operator.time_s / result.time_s,
            }
            for operator in result.operators
            if operator.flops and operator.bytes and operator.time_s >= _SHORTEST * result.time_s
        ]
        units = {row["unit"] for row in own}
        rows += [{"kind": "roof", "system": name, "operator": "", **roof} for roof in roofs if roof["unit"] in units]
        rows += own
    if not any(row["kind"] == "operator" for row in rows):
        raise SpecError("no operator has FLOPs and bytes", expected="a result of a model")
    places = _places(rows)
    if len(places) > len(LOOKS):
        raise SpecError(f"{len(places)} units cannot be told apart", expected=f"at most {len(LOOKS)}: fewer results")
    return rows


def plot_roofline(table: Table, ax: Axes | None = None, *, size: str = "column") -> Axes:
    """A line for each unit's roof and a marker for each of its operators, both axes logarithmic.

    `table` is one of `roofline_table`. A unit whose memory never limits it has a flat roof.
    """
    places = _places(table)
    entries = [_name(place, places) for place in places]
    points = [row for row in table if row["kind"] == "operator"]
    roofs = [row for row in table if row["kind"] == "roof"]
    divisor, unit = scale([row["flops_per_s"] for row in table], "FLOP/s")
    preset = find_size(size)
    with drawing(ax, size, preset.height_in + legend_height_in(entries, size)) as ax:
        ax.set_xscale("log")
        ax.set_yscale("log")
        low, high = _x_limits(points, roofs)
        for index, place in enumerate(places):
            chosen = look(index)
            for roof in (row for row in roofs if _place(row) == place):
                xs, ys = _roof_line(roof, low, high)
                ax.plot(xs, [y / divisor for y in ys], color=chosen.line, linestyle=chosen.dashes, gid="roof")
            own = [row for row in points if _place(row) == place]
            ax.plot(
                [row["flops_per_byte"] for row in own],
                [row["flops_per_s"] / divisor for row in own],
                linestyle="",
                marker=chosen.marker,
                markeredgecolor="white",
                markeredgewidth=0.3 * preset.line_pt,
                markersize=4.2 * preset.line_pt,
                color=chosen.line,
                gid="operators",
                zorder=3,
            )
            ax.plot([], [], color=chosen.line, linestyle=chosen.dashes, marker=chosen.marker, label=entries[index])
        heights = [row["flops_per_s"] / divisor for row in table]
        ax.set_xlim(low, high)
        ax.set_ylim(min(heights) / _MARGIN, max(heights) * _MARGIN)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(LogLocator(numticks=7))
            axis.set_major_formatter(FuncFormatter(lambda value, _place: short_number(value)))
            axis.set_minor_locator(NullLocator())
        ax.set_xlabel("FLOPs for each byte")
        ax.set_ylabel(unit)
        ax.grid(axis="both")
        ax.legend(
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=legend_columns(entries, size, handle_em=4.4),
            handlelength=2.4,
        )
        longest = sorted(points, key=lambda row: -row["share"])[:MOST_NAMES]
        at = [(row["flops_per_byte"], row["flops_per_s"] / divisor) for row in points]
        names = [(row["flops_per_byte"], row["flops_per_s"] / divisor, row["operator"]) for row in longest]
        name_points(ax, names, at)
    return ax


def _roof_line(roof: Mapping[str, Any], low: float, high: float) -> tuple[list[float], list[float]]:
    """Up along the bandwidth to the ridge, then flat."""
    flops, moved = roof["flops_per_s"], roof["bytes_per_s"]
    if moved is None or flops / moved <= low:
        return [low, high], [flops, flops]
    ridge = flops / moved
    return [low, ridge, high], [low * moved, flops, flops]


def _x_limits(points: Table, roofs: Table) -> tuple[float, float]:
    """Around all points and ridges."""
    at = [row["flops_per_byte"] for row in points]
    at += [roof["flops_per_s"] / roof["bytes_per_s"] for roof in roofs if roof["bytes_per_s"]]
    return min(at) / _MARGIN, max(at) * _MARGIN


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["system"], row["unit"]


def _places(table: Table) -> list[tuple[str, str]]:
    """(system, unit) of every operator, in order of appearance."""
    return list(dict.fromkeys(_place(row) for row in table if row["kind"] == "operator"))


def _name(place: tuple[str, str], places: Sequence[tuple[str, str]]) -> str:
    """The system alone where it has one unit."""
    return place[0] if sum(other[0] == place[0] for other in places) == 1 else f"{place[0]}: {place[1]}"
