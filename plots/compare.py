"""Two runs side by side: a pair of bars an operator, and by how much the second is longer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from bitline.plots.labels import axis_label, scale, short_number
from bitline.plots.style import BESIDE_BAR, drawing, find_size, look
from bitline.plots.table import Table
from bitline.sim.compare import Comparison, OperatorPair

SMALL = 0.01
"""Operators that are below this share of the longer run on both sides are drawn together."""

_BAR = 0.38
_NAME_CHARS = 44


def compare_table(found: Comparison) -> list[dict[str, Any]]:
    """The rows of `plot_compare`, in order of execution, the small ones as one row at the end.

    `a_s` and `b_s` sum to the times of the two runs.
    """
    longest_s = max(found.a.time_s, found.b.time_s)
    small = [pair for pair in found.operators if max(_times_s(pair)) < SMALL * longest_s]
    if len(small) < 2:
        small = []
    rows = [_row(found, pair.name, [pair]) for pair in found.operators if pair not in small]
    if small:
        rows.append(_row(found, f"other ({len(small)})", small))
    return rows


def _times_s(pair: OperatorPair) -> tuple[float, float]:
    return pair.a.time_s if pair.a else 0.0, pair.b.time_s if pair.b else 0.0


def _row(found: Comparison, name: str, pairs: Sequence[OperatorPair]) -> dict[str, Any]:
    a_s, b_s = (sum(_times_s(pair)[side] for pair in pairs) for side in (0, 1))
    return {
        "operator": name,
        "members": " ".join(pair.name for pair in pairs),
        "a": found.names[0],
        "b": found.names[1],
        "a_s": a_s,
        "b_s": b_s,
        "difference_s": b_s - a_s,
        "difference_j": sum(pair.energy_difference_j for pair in pairs),
    }


def plot_compare(table: Table, ax: Axes | None = None, *, size: str = "column") -> Axes:
    """Horizontal pairs of bars, the first operator at the top, each with the difference of the second to the first.

    Columns: operator, a, b (the names of the runs), a_s, b_s, difference_s.
    """
    font_in = find_size(size).font_pt / 72
    with drawing(ax, size, height_in=font_in * (6.5 + 2.0 * len(table) + 2.8)) as ax:
        longest_s = [max(row["a_s"], row["b_s"]) for row in table]
        divisor, unit = scale(longest_s, "s")
        for place, row in enumerate(table):
            for side, offset in (("a_s", -_BAR / 2), ("b_s", _BAR / 2)):
                chosen = look(0 if side == "a_s" else 1)
                ax.barh(place + offset, row[side] / divisor, _BAR, color=chosen.color, hatch=chosen.hatch, gid=side[0])
            ax.annotate(_difference(row["difference_s"] / divisor), (longest_s[place] / divisor, place), **BESIDE_BAR)
        ax.set_yticks(range(len(table)), [row["operator"] for row in table])
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, 1.22 * max(longest_s, default=1.0) / divisor or 1.0)
        ax.set_xlabel(axis_label("time, with the difference", unit))
        ax.grid(axis="x")
        if table:
            _add_legend(ax, table)
    return ax


def _difference(value: float) -> str:
    return "=" if value == 0 else f"{'+' if value > 0 else '−'}{short_number(abs(value))}"


def _add_legend(ax: Axes, table: Table) -> None:
    """Each run with its whole time."""
    handles = []
    for index, side in enumerate(("a", "b")):
        total_s = sum(row[f"{side}_s"] for row in table)
        divisor, unit = scale([total_s], "s")
        label = f"{_short(str(table[0][side]))}: {short_number(total_s / divisor)} {unit}"
        handles.append(Patch(facecolor=look(index).color, hatch=look(index).hatch, label=label))
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.42, 1.0), ncols=1)


def _short(name: str) -> str:
    """A long path or command by its end, which tells it from another."""
    return name if len(name) <= _NAME_CHARS else f"...{name[3 - _NAME_CHARS :]}"
