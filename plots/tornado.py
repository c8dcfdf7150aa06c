"""Which parameter matters: how far a quantity swings while one parameter goes through its values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch

from bitline.base.errors import SpecError, did_you_mean
from bitline.plots.groups import legend_height_in
from bitline.plots.labels import axis_label, name_and_unit, scale, short_number
from bitline.plots.objectives import Directions, cost, direction
from bitline.plots.style import INK, drawing, find_size, look
from bitline.plots.sweep_axes import is_number, parameters, values_of
from bitline.plots.table import Table

MOST_LEVELS = 8
"""Different numbers of a parameter beyond which its points are gathered in quarters."""

ONE_AT_A_TIME = "one at a time"
MEANS = "means"

_OUTCOMES = ("number", "error", "feasible")  # columns before `status` that no one chose


def tornado_table(
    rows: Table, y: str, *, base: Mapping[str, Any] | None = None, directions: Directions | None = None
) -> list[dict[str, Any]]:
    """One row a parameter, the widest swing of `y` first: the least and the most of it, and at which values.

    Around `base` (some parameters' values; the best point that has them), where points are there that differ from it in
    that parameter alone, for every parameter; else over the means of all points that share a value. The column `method`
    says which. Raises SpecError.
    """
    known = list(rows[0]) if rows else []
    for name in (y, *(base or ())):
        if name not in known:
            raise SpecError(f"the table has no column '{name}'", expected=did_you_mean(name, known))
    points = [row for row in rows if row.get("status", "done") == "done" and is_number(row.get(y))]
    names = [name for name in parameters(points) if name not in (y, *_OUTCOMES)]
    if not names:
        raise SpecError("no parameter varies", expected="a sweep over at least one parameter")
    goal = direction(y, directions)
    chosen = [row for row in points if all(row[name] == value for name, value in (base or {}).items())]
    if not chosen:
        raise SpecError("no point has these values", field="base", expected="values of a point of the table")
    middle = min(chosen, key=lambda row: cost(row[y], goal))
    alone = {name: _neighbours(points, middle, name, names) for name in names}
    if all(len({row[name] for row in alone[name]}) > 1 for name in names):
        swings = [_swing(name, [(_text(row[name]), row[y]) for row in alone[name]]) for name in names]
        start, method = middle[y], ONE_AT_A_TIME
    else:
        swings = [_swing(name, _means(points, name, y)) for name in names]
        start, method = float(np.mean([row[y] for row in points])), MEANS
    for swing in swings:
        swing |= {"base": start, "quantity": y, "method": method}
    return sorted(swings, key=lambda row: -(row["most"] - row["least"]))


def _neighbours(points: Table, middle: Mapping[str, Any], name: str, names: list[str]) -> list[Mapping[str, Any]]:
    """The points that differ from the middle in `name` at most."""
    return [row for row in points if all(row[other] == middle[other] for other in names if other != name)]


def _means(points: Table, name: str, y: str) -> list[tuple[str, float]]:
    """Mean of `y` over the points of each value, or of each quarter of many numbers."""
    values = values_of(points, name)
    groups: dict[str, list[float]] = {}
    if len(values) > MOST_LEVELS and all(map(is_number, values)):
        cuts = np.quantile([row[name] for row in points], [0.25, 0.5, 0.75])
        for row in points:
            groups.setdefault(f"quarter {1 + int(np.searchsorted(cuts, row[name]))}", []).append(row[y])
    else:
        for row in points:
            groups.setdefault(_text(row[name]), []).append(row[y])
    return [(text, float(np.mean(found))) for text, found in groups.items()]


def _swing(name: str, found: list[tuple[str, float]]) -> dict[str, Any]:
    least, most = min(found, key=lambda one: one[1]), max(found, key=lambda one: one[1])
    return {"parameter": name, "least": least[1], "least_at": least[0], "most": most[1], "most_at": most[0]}


def _text(value: Any) -> str:
    return short_number(value) if is_number(value) else "default" if value is None else str(value)


def plot_tornado(table: Table, ax: Axes | None = None, *, size: str = "column") -> Axes:
    """A bar for each parameter, from the least to the most of the quantity, with the values at its ends.

    `table` is one of `tornado_table`. The line is the base point, or the mean of all points.
    """
    name, base_unit = name_and_unit(table[0]["quantity"])
    divisor, unit = scale([row["most"] for row in table], base_unit)
    start = table[0]["base"] / divisor
    one = table[0]["method"] == ONE_AT_A_TIME
    sides = {"below": "less than the base point" if one else "less than the mean", "above": "more"}
    drawn = [
        side
        for side, at in (("below", "least"), ("above", "most"))
        if any(row[at] != table[0]["base"] for row in table)
    ]
    entries = [sides[side] for side in drawn]
    preset = find_size(size)
    font_in = preset.font_pt / 72
    with drawing(ax, size, font_in * (4.5 + 2.3 * len(table)) + legend_height_in(entries, size)) as ax:
        # Text of both ends stands inside the axes: room by its length.
        low, high = (edge(row[end] for row in table) / divisor for edge, end in ((min, "least"), (max, "most")))
        span = (high - low) or abs(high) or 1.0
        width_pt = 0.62 * 72 * preset.width_in
        room = [
            0.6 * 0.83 * preset.font_pt * (1 + max(len(row[end]) for row in table)) for end in ("least_at", "most_at")
        ]
        per_pt = span / max(width_pt - sum(room), 0.35 * width_pt)
        for place, row in enumerate(table):
            for index, (end, at, across, offset) in enumerate(
                ((row["least"], row["least_at"], "right", -3), (row["most"], row["most_at"], "left", 3))
            ):
                chosen = look(index)
                inner = min(max(start, row["least"] / divisor), row["most"] / divisor)
                ax.barh(
                    place, end / divisor - inner, 0.62, left=inner, color=chosen.color, hatch=chosen.hatch,
                    gid=("below", "above")[index],
                )  # fmt: skip
                ax.annotate(
                    at, (end / divisor, place), xytext=(offset, 0), textcoords="offset points", ha=across,
                    va="center", fontsize="small",
                )  # fmt: skip
        ax.axvline(start, color=INK, linewidth=0.8 * preset.line_pt, zorder=3)
        ax.set_yticks(range(len(table)), [_label(row["parameter"]) for row in table])
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(low - room[0] * per_pt, high + room[1] * per_pt)
        ax.locator_params(axis="x", nbins=5)
        ax.set_xlabel(axis_label(name if one else f"mean {name}", unit))
        ax.grid(axis="x")
        looks = [look(list(sides).index(side)) for side in drawn]
        handles = [Patch(facecolor=one.color, hatch=one.hatch, label=entry) for one, entry in zip(looks, entries)]
        ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
    return ax


def _label(parameter: str) -> str:
    """A path on two lines where it is long: `memory.override.timing.tCCDL`."""
    if len(parameter) <= 18 or "." not in parameter:
        return parameter
    head, _, tail = parameter.rpartition(".")
    return f"{head}.\n{tail}"
