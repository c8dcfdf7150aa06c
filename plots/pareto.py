"""Points of a study in two objectives and the front of those that nothing beats in both."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf
from typing import Any

from matplotlib.axes import Axes

from bitline.base.errors import SpecError, did_you_mean
from bitline.plots.groups import legend_columns, legend_height_in
from bitline.plots.labels import axis_label, name_and_unit, scale
from bitline.plots.objectives import Directions, direction
from bitline.plots.style import INK, LOOKS, SOFT, drawing, find_size, look
from bitline.plots.sweep_axes import is_number, parameters
from bitline.plots.table import Table
from bitline.sim.study.pareto import as_costs, on_front

_MOST_DRAWN_AS_LINES = 2000
"""Bound points beyond which a vector file holds them as an image: nobody can edit a cloud dot by dot."""

_BOUND = "bound level"
_FRONT = "front"
_INFEASIBLE = "breaks a constraint"


def pareto_table(
    rows: Table, x: str, y: str, *, bound_rows: Table = (), directions: Directions | None = None
) -> list[dict[str, Any]]:
    """The finished points with numbers in both objectives: parameters, x, y, `level`, `feasible`, `front`.

    The front is that of the feasible points at the finest level there is; bound points are there to be compared with.
    `directions`: min or max of a column (see objectives.py). Raises SpecError.
    """
    known = list(dict.fromkeys(name for row in rows for name in row))
    for name in (x, y):
        if name not in known:
            raise SpecError(f"the table has no column '{name}'", expected=did_you_mean(name, known))
    if x == y:
        raise SpecError(f"'{x}' is both objectives", expected="two columns")
    shown = [
        name for name in dict.fromkeys(("system", *parameters(rows))) if name not in (x, y, "level") and name in known
    ]
    table = [_point(row, shown, x, y, "cycle") for row in rows if _is_point(row, x, y)]
    # At the bound level energy may not be known, which stands as 0.
    table += [_point(row, shown, x, y, "bound") for row in bound_rows if _is_point(row, x, y) and row[x] and row[y]]
    if not table:
        raise SpecError(f"no point has numbers in '{x}' and '{y}'", expected="a sweep with finished points")
    finest = "cycle" if any(row["level"] == "cycle" for row in table) else "bound"
    running = [row for row in table if row["level"] == finest and row["feasible"]]
    goals = {name: direction(name, directions) for name in (x, y)}
    costs = as_costs({name: [row[name] for row in running] for name in goals}, goals)
    for row, found in zip(running, on_front(costs)):
        row["front"] = bool(found)
    return table


def _is_point(row: Mapping[str, Any], x: str, y: str) -> bool:
    return row.get("status", "done") == "done" and all(
        is_number(row.get(name)) and abs(row[name]) < inf for name in (x, y)
    )


def _point(row: Mapping[str, Any], shown: list[str], x: str, y: str, level: str) -> dict[str, Any]:
    own = {name: row.get(name) for name in shown}
    feasible = row.get("feasible") is not False
    return {**own, x: row[x], y: row[y], "level": row.get("level") or level, "feasible": feasible, "front": False}


def plot_pareto(
    table: Table,
    ax: Axes | None = None,
    *,
    x: str,
    y: str,
    directions: Directions | None = None,
    size: str = "column",
) -> Axes:
    """Bound points faint, simulated points solid by system, those that break a constraint hollow, and the front.

    `table` is one of `pareto_table`. The front is a staircase: no point below it is known.
    """
    rows = [row for row in table if row["feasible"]]
    finest = "cycle" if any(row["level"] == "cycle" for row in table) else "bound"
    faint = [row for row in table if row["level"] != finest]
    solid = [row for row in rows if row["level"] == finest]
    broken = [row for row in table if row["level"] == finest and not row["feasible"]]
    systems = list(dict.fromkeys(row.get("system", "") for row in (*solid, *broken)))
    if len(systems) > len(LOOKS):
        raise SpecError(f"{len(systems)} systems cannot be told apart", expected=f"at most {len(LOOKS)}")
    (x_name, x_base), (y_name, y_base) = name_and_unit(x), name_and_unit(y)
    x_divisor, x_unit = scale((row[x] for row in table), x_base)
    y_divisor, y_unit = scale((row[y] for row in table), y_base)
    preset = find_size(size)
    names = [*([_BOUND] if faint else []), *map(str, systems), *([_INFEASIBLE] if broken else []), _FRONT]

    def draw(chosen: list[Mapping[str, Any]], **style: Any) -> None:
        axes.plot([row[x] / x_divisor for row in chosen], [row[y] / y_divisor for row in chosen], **style)

    with drawing(ax, size, preset.height_in + legend_height_in(names, size)) as axes:
        if faint:
            cloud = len(faint) > _MOST_DRAWN_AS_LINES
            style = {"marker": ".", "color": "#b5b5b5", "markersize": 2.6 * preset.line_pt, "markeredgewidth": 0}
            draw(faint, linestyle="", label=_BOUND, gid="bound", rasterized=cloud, zorder=1.5, **style)
        for index, system in enumerate(systems):
            own = [row for row in solid if row.get("system", "") == system]
            shape = {"marker": look(index).marker, "markersize": 4 * preset.line_pt, "markeredgewidth": 0.4}
            draw(
                own,
                linestyle="",
                color=look(index).line,
                markeredgecolor="white",
                label=str(system),
                gid="points",
                **shape,
            )
        if broken:
            shape = {"marker": "o", "markersize": 3.4 * preset.line_pt, "markerfacecolor": "none"}
            draw(
                broken,
                linestyle="",
                color=SOFT,
                markeredgewidth=0.6 * preset.line_pt,
                label=_INFEASIBLE,
                gid="broken",
                **shape,
            )
        front = sorted((row for row in table if row["front"]), key=lambda row: (row[x], row[y]))
        draw(
            front,
            drawstyle="steps-post" if direction(x, directions) == "min" else "steps-pre",
            color=INK,
            label=_FRONT,
            gid="front",
            zorder=2.5,
        )
        for set_limits, column, divisor in ((axes.set_xlim, x, x_divisor), (axes.set_ylim, y, y_divisor)):
            values = [row[column] / divisor for row in table]
            if min(values) >= 0 and min(values) < 0.4 * max(values):
                set_limits(0, 1.06 * max(values))
        axes.set_xlabel(axis_label(x_name, x_unit))
        axes.set_ylabel(axis_label(y_name, y_unit))
        axes.grid(axis="both")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=legend_columns(names, size))
    return axes
