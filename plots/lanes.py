"""Utilisation of an NPU, of the compute in its memory and of the memory's bandwidth over time, one lane each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isclose
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from bitline.base.errors import SpecError
from bitline.plots.groups import legend_columns
from bitline.plots.labels import axis_label, scale
from bitline.plots.style import FAINT, INK, SOFT, drawing, figure_of, find_size, look
from bitline.plots.sweep_axes import is_number
from bitline.plots.table import save_with_data

NAMES = {"npu": "NPU", "pim": "PIM"}
"""How lanes are called; any other by its own name."""

_LANE = 0.8  # height of a lane at full use; the rest is the gap to the next
_AXES_SHARE = 0.72  # of the figure's width

Lanes = Mapping[str, Any]


def lanes_table(lanes: Lanes) -> list[dict[str, Any]]:
    """One row a bin: start_s, end_s, the stage at its middle, and the utilisation, 0 to 1, of each lane.

    `lanes`: {"bin_s": s, "stages": [{"name", "start_s", "end_s"}], "lanes": {"npu": [...], "pim": [...], ...}}.
    Raises SpecError.
    """
    bin_s: Any = lanes.get("bin_s")
    stages, use = lanes.get("stages", []), lanes.get("lanes")
    if not is_number(bin_s) or not bin_s > 0:
        raise SpecError(f"a bin is {bin_s!r} s long", field="bin_s", expected="more than 0")
    if not use or not all(use.values()) or len({len(values) for values in use.values()}) > 1:
        raise SpecError("lanes differ in length, or are empty", field="lanes", expected="one number a bin in each lane")
    for name, values in use.items():
        wrong = [value for value in values if not (is_number(value) and -1e-9 <= value <= 1 + 1e-9)]
        if wrong:
            raise SpecError(f"a utilisation is {wrong[0]!r}", field=f"lanes.{name}", expected="0 to 1")
    for stage in stages:
        if not 0 <= stage["start_s"] <= stage["end_s"]:
            raise SpecError(f"stage '{stage['name']}' ends before it starts", field="stages")
    rows = []
    for index, values in enumerate(zip(*use.values())):
        middle_s = (index + 0.5) * bin_s
        stage = next((stage["name"] for stage in stages if stage["start_s"] <= middle_s < stage["end_s"]), "")
        times = {"start_s": index * bin_s, "end_s": (index + 1) * bin_s, "stage": stage}
        rows.append({**times, **dict(zip(use, values))})
    return rows


def plot_lanes(lanes: Lanes, ax: Axes | None = None, *, size: str = "column") -> Axes:
    """A lane for each unit, first on top: how much of it is in use over time, and its mean at the right.

    Stages are bands with their names above, or numbers where names do not fit. `lanes` as for `lanes_table`.
    """
    table = lanes_table(lanes)
    names, stages = list(lanes["lanes"]), list(lanes.get("stages", []))
    end_s = max([table[-1]["end_s"], *(stage["end_s"] for stage in stages)])
    divisor, unit = scale([end_s], "s")
    preset = find_size(size)
    font_in = preset.font_pt / 72
    numbered = not _names_fit(stages, end_s, size)
    keys = [f"{index}  {stage['name']}" for index, stage in enumerate(stages, 1)] if numbered else []
    columns = legend_columns(keys, size, handle_em=1.4) if keys else 1
    height_in = font_in * (5.5 + 4.2 * len(names) + 1.45 * -(-len(keys) // columns))
    with drawing(ax, size, height_in) as ax:
        edges = [row["start_s"] / divisor for row in table] + [table[-1]["end_s"] / divisor]
        _draw_stages(ax, stages, divisor, len(names) - 1 + _LANE, numbered)
        for index, name in enumerate(names):
            floor = len(names) - 1 - index
            _draw_lane(ax, index, floor, edges, [row[name] for row in table], preset.line_pt)
            mean = _mean(lanes["lanes"][name], lanes["bin_s"], end_s)
            ax.annotate(
                f"{100 * mean:.0f}%",
                (1, floor + _LANE / 2),
                xycoords=("axes fraction", "data"),
                xytext=(4, 0),
                textcoords="offset points",
                va="center_baseline",
                fontsize=0.9 * preset.font_pt,
                gid="mean",
            )
        ax.annotate(
            "mean",
            (1, len(names) - 1 + _LANE),
            xycoords=("axes fraction", "data"),
            xytext=(4, 2),
            textcoords="offset points",
            va="bottom",
            fontsize="small",
        )
        ax.set_xlim(0, end_s / divisor)
        ax.set_ylim(-0.08, len(names) - 1 + _LANE + (0.42 if stages else 0.1))
        labels = [NAMES.get(name, name) for name in reversed(names)]
        ax.set_yticks([index + _LANE / 2 for index in range(len(names))], labels)
        ax.set_yticks([len(names) - 1 + _LANE], ["100%"], minor=True, fontsize="small")
        ax.tick_params(axis="y", which="both", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(axis_label("time", unit))
        if keys:
            handles = [Patch(facecolor="none", edgecolor="none", label=key) for key in keys]
            ax.legend(
                handles=handles,
                loc="lower center",
                bbox_to_anchor=(0.45, 1.0),
                ncols=columns,
                handlelength=0,
                handletextpad=0,
            )
    return ax


def _mean(values: Sequence[float], bin_s: float, end_s: float) -> float:
    """Over the time that is drawn. The last bin may reach beyond the end."""
    total_s = len(values) * bin_s
    last = values[-1] * max(0.0, total_s - end_s) if total_s > end_s and not isclose(total_s, end_s) else 0.0
    return (sum(values) * bin_s - last) / end_s


def _draw_lane(
    ax: Axes, index: int, floor: float, edges: Sequence[float], use: Sequence[float], line_pt: float
) -> None:
    chosen = look(index)
    height = [floor + _LANE * min(1.0, max(0.0, value)) for value in use]
    ax.stairs(
        height,
        edges,
        baseline=floor,
        fill=True,
        facecolor=chosen.color,
        hatch=chosen.hatch,
        edgecolor=INK,
        linewidth=0.3 * line_pt,
        zorder=2,
        gid="lane",
    )
    ax.axhline(floor, color=INK, linewidth=0.5 * line_pt, zorder=3)
    ax.axhline(floor + _LANE, color=SOFT, linewidth=0.5 * line_pt, linestyle=":", zorder=1)


def _draw_stages(ax: Axes, stages: Sequence[Mapping[str, Any]], divisor: float, top: float, numbered: bool) -> None:
    for index, stage in enumerate(stages):
        start, end = stage["start_s"] / divisor, stage["end_s"] / divisor
        if index % 2 == 0:
            ax.axvspan(start, end, facecolor=FAINT, edgecolor="none", alpha=0.55, zorder=0, gid="stage")
        for edge in (start, end):
            ax.axvline(edge, color=SOFT, linewidth=0.5, zorder=1)
        text = str(index + 1) if numbered else stage["name"]
        ax.text((start + end) / 2, top + 0.06, text, ha="center", va="bottom", fontsize="small", gid="name")


def _names_fit(stages: Sequence[Mapping[str, Any]], end_s: float, size: str) -> bool:
    preset = find_size(size)
    pt_per_s = _AXES_SHARE * 72 * preset.width_in / end_s
    letter_pt = 0.56 * 0.83 * preset.font_pt
    return all(len(stage["name"]) * letter_pt < (stage["end_s"] - stage["start_s"]) * pt_per_s for stage in stages)


def save_lanes(lanes: Lanes, *paths: str | Path, size: str = "column") -> list[Path]:
    """Draw lanes and write the figure to each path, with its data beside it. Raises SpecError and OutputError."""
    figure = figure_of(plot_lanes(lanes, size=size))
    return save_with_data(figure, lanes_table(lanes), *map(Path, paths))
