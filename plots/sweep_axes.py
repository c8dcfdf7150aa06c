"""What a figure of a sweep shows along x, along y and as lines, chosen from the sweep's table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bitline.base.errors import SpecError, did_you_mean
from bitline.plots.table import Table

_MAP_SIDE = 4
"""A grid with this many values on both sides is a map, not lines."""


@dataclass(frozen=True)
class SweepAxes:
    """`y` over `x` for each combination of `series`, or, as a map, over `x` and one series."""

    x: str
    y: str
    series: tuple[str, ...]
    is_map: bool = False


def parameters(table: Table) -> list[str]:
    """The columns before `status` (all, where there is none) in which the points differ."""
    names = list(table[0]) if table else []
    names = names[: names.index("status")] if "status" in names else names
    return [name for name in names if len({row.get(name) for row in table}) > 1]


def choose_axes(
    table: Table, x: str | None = None, y: str = "time_per_token_s", series: tuple[str, ...] | None = None
) -> SweepAxes:
    """Fill in what is not given: x is the number with the most values, the series are all else that varies.

    Two numbers with many values each make a map, unless `series` asks for lines.
    Raises SpecError for an unknown column and for a table in which nothing varies.
    """
    known = list(table[0]) if table else []
    for name in (x, y, *(series or ())):
        if name is not None and name not in known:
            raise SpecError(f"the table has no column '{name}'", expected=did_you_mean(name, known))
    if not is_numeric(table, y):
        raise SpecError(f"column '{y}' holds no numbers", expected="a column of numbers as y")
    varying = [name for name in parameters(table) if name != y]
    if x is None:
        free = [name for name in varying if name not in (series or ())]
        if not free:
            raise SpecError("all points of the table are alike", expected="a sweep over at least one parameter")
        x = max(free, key=lambda name: (is_numeric(table, name), len(values_of(table, name))))
    if series is not None:
        return SweepAxes(x, y, series)
    series = tuple(name for name in varying if name != x)
    both = (x, *series)
    is_map = len(both) == 2 and all(is_numeric(table, n) and len(values_of(table, n)) >= _MAP_SIDE for n in both)
    return SweepAxes(x, y, series, is_map)


def sweep_table(table: Table, axes: SweepAxes) -> list[dict[str, Any]]:
    """The points that are drawn: finished ones, by series, then x. Raises SpecError for two at one place."""
    place = (*axes.series, axes.x)
    rows = [
        {name: row[name] for name in (*place, axes.y)}
        for row in table
        if row.get("status", "done") == "done" and is_number(row.get(axes.y)) and row.get(axes.x) is not None
    ]
    if not rows:
        raise SpecError(f"no point of the table has a number in '{axes.y}'", expected="a sweep with finished points")
    if len({tuple(row[name] for name in place) for row in rows}) < len(rows):
        left = [name for name in parameters(table) if name not in (*place, axes.y)]
        raise SpecError(f"several points have the same {axes.x}", expected=f"a series by {', '.join(left) or 'more'}")
    order = {name: {value: at for at, value in enumerate(values_of(rows, name))} for name in place}
    return sorted(rows, key=lambda row: [order[name].get(row[name], -1) for name in place])


def is_number(value: Any) -> bool:
    """Is this a number, and no truth value?"""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_numeric(table: Table, name: str) -> bool:
    """Does a column hold numbers, and nothing else but empty cells?"""
    values = [row.get(name) for row in table if row.get(name) is not None]
    return bool(values) and all(map(is_number, values))


def values_of(table: Table, name: str) -> list[Any]:
    """The different values of a column: numbers by size, all else as they come."""
    values = list(dict.fromkeys(row.get(name) for row in table if row.get(name) is not None))
    return sorted(values) if all(map(is_number, values)) else values
