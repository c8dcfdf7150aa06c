"""A pipeline at work: which micro-batch each stage computes when, and when it has nothing to do."""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from bitline.base.errors import SpecError
from bitline.plots.groups import legend_columns, legend_height_in
from bitline.plots.labels import axis_label, percent, scale
from bitline.plots.style import INK, LOOKS, drawing, find_size, look
from bitline.plots.table import Table
from bitline.sim.run.result import Result

ITERATIONS = 2
"""One to fill the pipeline, one more to see it full."""

MOST_STAGES = 64
_NARROWEST_PT = 7


def pipeline_table(result: Result) -> list[dict[str, Any]]:
    """Spans of micro-batches on stages over two iterations: stage, micro_batch, iteration, start_s, end_s.

    A stage takes micro-batches in turn, each as soon as the stage before has sent it; the first stage takes the next
    token of a micro-batch when the last stage is done with it. All times are the first iteration's. Raises SpecError.
    """
    times = {(row["stage"], row["micro_batch"]): row for row in result.pipeline}
    if not times:
        raise SpecError(f"the run of {result.system} has no pipeline", expected="a run with --pipeline 2 or more")
    stages, batches = (1 + max(place[axis] for place in times) for axis in (0, 1))
    if stages > MOST_STAGES:
        raise SpecError(f"{stages} stages are too many for one figure", expected=f"at most {MOST_STAGES}")
    free_s = [0.0] * stages
    ready_s = [0.0] * batches
    table = []
    for iteration in range(ITERATIONS):
        for batch in range(batches):
            arrives_s = ready_s[batch]
            for stage in range(stages):
                row = times[stage, batch]
                start_s = max(free_s[stage], arrives_s + row["send_s"])
                free_s[stage] = arrives_s = start_s + row["time_s"]
                span = {"stage": stage, "micro_batch": batch, "iteration": iteration}
                table.append({**span, "start_s": start_s, "end_s": arrives_s})
            ready_s[batch] = arrives_s
    return sorted(table, key=lambda row: (row["stage"], row["start_s"]))


def plot_pipeline(table: Table, ax: Axes | None = None, *, size: str = "column") -> Axes:
    """A lane for each stage, the first on top; a bar for each micro-batch; how busy a stage is at the right.

    `table` is one of `pipeline_table`. The dotted line is where the first token of every request is done.
    """
    stages = sorted({row["stage"] for row in table})
    batches = sorted({row["micro_batch"] for row in table})
    end_s = max(row["end_s"] for row in table)
    divisor, unit = scale([end_s], "s")
    preset = find_size(size)
    font_in = preset.font_pt / 72
    coloured = len(batches) <= len(LOOKS)
    entries = [f"micro-batch {batch + 1}" for batch in batches] if coloured else ["odd micro-batches", "even"]
    pt_per_s = 0.72 * 72 * preset.width_in / end_s
    height_in = font_in * (5 + 2.3 * len(stages)) + legend_height_in(entries, size)
    with drawing(ax, size, height_in) as ax:
        for row in table:
            chosen = look(row["micro_batch"] if coloured else row["micro_batch"] % 2)
            start, width = row["start_s"] / divisor, (row["end_s"] - row["start_s"]) / divisor
            at = stages.index(row["stage"])
            ax.barh(at, width, 0.74, left=start, color=chosen.color, hatch=chosen.hatch, gid="span")
            if (row["end_s"] - row["start_s"]) * pt_per_s > _NARROWEST_PT * preset.font_pt / 7:
                ax.text(
                    start + width / 2, at, str(row["micro_batch"] + 1), ha="center", va="center_baseline",
                    fontsize="small", bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85},
                )  # fmt: skip
        for place, stage in enumerate(stages):
            busy_s = sum(row["end_s"] - row["start_s"] for row in table if row["stage"] == stage)
            ax.annotate(
                percent(busy_s / end_s), (1, place), xycoords=("axes fraction", "data"), xytext=(4, 0),
                textcoords="offset points", va="center_baseline", fontsize="small", gid="busy",
            )  # fmt: skip
        first_s = max(row["end_s"] for row in table if row["iteration"] == 0)
        ax.axvline(first_s / divisor, color=INK, linewidth=0.7 * preset.line_pt, linestyle=":", zorder=3)
        ax.annotate(
            "busy", (1, -0.5), xycoords=("axes fraction", "data"), xytext=(4, 1), textcoords="offset points",
            va="bottom", fontsize="small",
        )  # fmt: skip
        ax.set_yticks(range(len(stages)), [f"stage {stage + 1}" for stage in stages])
        ax.set_ylim(len(stages) - 0.4, -0.6)
        ax.tick_params(axis="y", length=0)
        ax.set_xlim(0, end_s / divisor)
        ax.set_xlabel(axis_label("time", unit))
        ax.grid(axis="x")
        picks = [look(index) for index in range(len(entries))]
        handles = [Patch(facecolor=one.color, hatch=one.hatch, label=entry) for one, entry in zip(picks, entries)]
        ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.45, 1.02), ncols=legend_columns(entries, size))
    return ax
