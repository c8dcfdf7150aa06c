"""Several runs beside each other: where the time, or the energy, of each went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from bitline.base.errors import SpecError
from bitline.plots.groups import legend_columns, legend_height_in
from bitline.plots.labels import axis_label, name_and_unit, scale, short_number
from bitline.plots.style import BESIDE_BAR, LOOKS, drawing, find_size, look
from bitline.plots.table import Table
from bitline.sim.run.result import Result

OTHER = "other"
MOST_RUNS = 40

Runs = Iterable[tuple[str, Result]]
"""Results with the names under which they stand."""


def time_stack_table(runs: Runs) -> list[dict[str, Any]]:
    """One row an operator of each run: its time, which the run waited for. They sum to the run's time."""
    return _stack(((run, {row.name: row.time_s for row in result.operators}) for run, result in runs), "time_s")


def energy_stack_table(runs: Runs) -> list[dict[str, Any]]:
    """One row a part of the hardware in each run: its energy. They sum to the run's energy."""
    return _stack(((run, result.energy_parts_j) for run, result in runs), "energy_j")


def _stack(runs: Iterable[tuple[str, Mapping[str, float]]], value: str) -> list[dict[str, Any]]:
    """Rows run, part, value, share, where only the largest parts of all runs have a colour of their own.

    Parts stand in order of the sum of their shares; the small ones are added up as `other`. Raises SpecError.
    """
    shares: dict[str, float] = {}
    known = {run: parts for run, parts in runs if sum(parts.values())}
    for parts in known.values():
        total = sum(parts.values())
        for name, amount in parts.items():
            shares[name] = shares.get(name, 0.0) + amount / total
    if not known:
        raise SpecError(f"no run has any {name_and_unit(value)[0]}", expected="results at the cycle level")
    if len(known) > MOST_RUNS:
        raise SpecError(f"{len(known)} runs are too many for one figure", expected=f"at most {MOST_RUNS}")
    order = sorted((name for name in shares if shares[name]), key=lambda name: -shares[name])
    named = order if len(order) <= len(LOOKS) else order[: len(LOOKS) - 1]
    rows = []
    for run, parts in known.items():
        total = sum(parts.values())
        own = {name: parts[name] for name in named if parts.get(name)}
        rest = [amount for name, amount in parts.items() if name not in named]
        if sum(rest):
            own[OTHER] = sum(rest)
        rows += [{"run": run, "part": name, value: amount, "share": amount / total} for name, amount in own.items()]
    return rows


def plot_stack(table: Table, ax: Axes | None = None, *, size: str = "column") -> Axes:
    """A horizontal bar for each run, cut into its parts; the run's total at its end.

    Columns: run, part, share, and `time_s` or `energy_j`.
    """
    value = next(name for name in ("time_s", "energy_j") if name in table[0])
    parts = sorted(dict.fromkeys(row["part"] for row in table), key=lambda part: part == OTHER)
    runs = list(dict.fromkeys(row["run"] for row in table))
    font_in = find_size(size).font_pt / 72
    totals = {run: sum(row[value] for row in table if row["run"] == run) for run in runs}
    name, base_unit = name_and_unit(value)
    divisor, unit = scale(totals.values(), base_unit)
    height_in = font_in * (4.5 + 2.1 * len(runs)) + legend_height_in(parts, size)
    with drawing(ax, size, height_in) as ax:
        for place, run in enumerate(runs):
            end = 0.0
            for row in sorted((row for row in table if row["run"] == run), key=lambda row: parts.index(row["part"])):
                chosen = look(parts.index(row["part"]))
                length = row[value] / divisor
                ax.barh(place, length, 0.7, left=end, color=chosen.color, hatch=chosen.hatch, gid=row["part"])
                end += length
            own_divisor, own_unit = scale([totals[run]], base_unit)
            ax.annotate(f"{short_number(totals[run] / own_divisor)} {own_unit}", (end, place), **BESIDE_BAR)
        ax.set_yticks(range(len(runs)), runs)
        ax.set_ylim(len(runs) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, 1.22 * max(totals.values()) / divisor)
        ax.set_xlabel(axis_label(name, unit))
        ax.grid(axis="x")
        looks = [look(index) for index in range(len(parts))]
        handles = [Patch(facecolor=one.color, hatch=one.hatch, label=part) for one, part in zip(looks, parts)]
        columns = legend_columns(parts, size)
        ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=columns)
    return ax
