"""Published, measured or other simulators' numbers against simulated ones: as they are, and as errors."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf, log10
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from bitline.base.errors import SpecError, did_you_mean
from bitline.plots.groups import legend_columns, legend_height_in
from bitline.plots.labels import short_number
from bitline.plots.points import name_points
from bitline.plots.style import FAINT, INK, LOOKS, SOFT, drawing, find_size, look
from bitline.plots.sweep_axes import is_number
from bitline.plots.table import Table

COLUMNS = ("name", "metric", "origin", "reference", "simulated", "error_pct", "tolerance_pct", "pass")
BAND_PCT = 10.0
MOST_NAMES = 6

_OTHERS = "others"
_OUT = "outside its tolerance"
_BAND = f"±{BAND_PCT:.0f}%"


def validation_table(rows: Table) -> list[dict[str, Any]]:
    """The rows of `bitline validate` that can stand on logarithmic axes, with `source`: the first words of the origin.

    Left out: rows in which either number is not above zero. Raises SpecError.
    """
    table = []
    for row in rows:
        for name in COLUMNS:
            if row.get(name) is None:
                raise SpecError(f"a row has no {name}", field=name, expected=did_you_mean(name, row))
        for name in ("reference", "simulated", "error_pct", "tolerance_pct"):
            if not is_number(row[name]) or abs(row[name]) == inf:
                raise SpecError(f"a row has {name} {row[name]!r}", field=name, expected="a number")
        if row["reference"] > 0 and row["simulated"] > 0:
            table.append({**{name: row[name] for name in COLUMNS}, "source": _source(str(row["origin"]))})
    if not table:
        raise SpecError("no row has two numbers above zero", expected="rows of `bitline validate --csv`")
    counts = {name: sum(row["source"] == name for row in table) for name in dict.fromkeys(r["source"] for r in table)}
    if len(counts) > len(LOOKS):
        kept = sorted(counts, key=lambda name: -counts[name])[: len(LOOKS) - 1]
        for row in table:
            row["source"] = row["source"] if row["source"] in kept else _OTHERS
    return table


def _source(origin: str) -> str:
    """`SCALE-Sim v3.0.0 (scalesim-project): printed cycles` is `SCALE-Sim`."""
    words = re.split(r"[(:;,]| v?[0-9]", origin)[0].split()
    return " ".join(words[:3]) or origin[:20]


def plot_validation(table: Table, ax: Axes | None = None, *, size: str = "column") -> Axes:
    """Simulated over reference on logarithmic axes: a marker by source, with the row's tolerance as a bar.

    The line is equality, the band around it ±10%. Rows outside their own tolerance are ringed, and named where there
    is room, the furthest first. `table` is one of `validation_table`.
    """
    sources = list(dict.fromkeys(row["source"] for row in table))
    out = [row for row in table if not row["pass"]]
    entries = [*sources, _BAND, *([_OUT] if out else [])]
    preset = find_size(size)
    height_in = min(preset.width_in, 1.25 * preset.height_in) + legend_height_in(entries, size)
    with drawing(ax, size, height_in) as ax:
        ax.set_xscale("log")
        ax.set_yscale("log")
        low = min(min(row["reference"], row["simulated"]) for row in table) / 1.6
        high = max(max(row["reference"], row["simulated"]) for row in table) * 1.6
        share = BAND_PCT / 100
        ends = [low, high]
        ax.fill_between(
            ends, [x * (1 - share) for x in ends], [x * (1 + share) for x in ends], facecolor=FAINT, edgecolor="none",
            label=_BAND, gid="band",
        )  # fmt: skip
        ax.plot(ends, ends, color=SOFT, linewidth=0.7 * preset.line_pt, gid="equal")
        for index, source in enumerate(sources):
            _draw_source(ax, [row for row in table if row["source"] == source], index, source, preset.line_pt)
        if out:
            _draw_rings(ax, [row["reference"] for row in out], [row["simulated"] for row in out], preset.line_pt)
        for axis, set_limits in ((ax.xaxis, ax.set_xlim), (ax.yaxis, ax.set_ylim)):
            set_limits(low, high)
            axis.set_major_locator(LogLocator(numticks=6))
            axis.set_major_formatter(lambda value, _place: short_number(value))
            axis.set_minor_locator(NullLocator())
        ax.set_xlabel("reference")
        ax.set_ylabel("simulated")
        ax.grid(axis="both")
        columns = legend_columns(entries, size)
        ax.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=columns)
        furthest = sorted(out, key=lambda row: -abs(log10(row["simulated"] / row["reference"])))[:MOST_NAMES]
        names = [(row["reference"], row["simulated"], row["name"]) for row in furthest]
        name_points(ax, names, [(row["reference"], row["simulated"]) for row in table])
    return ax


def plot_validation_errors(table: Table, ax: Axes | None = None, *, size: str = "column") -> Axes:
    """Error in percent of the reference, over the reference: a marker by source, with what the row allows as a bar.

    The band is ±10%. Rows outside their own tolerance are ringed and named as in `plot_validation`.
    """
    sources = list(dict.fromkeys(row["source"] for row in table))
    out = [row for row in table if not row["pass"]]
    entries = [*sources, _BAND, *([_OUT] if out else [])]
    preset = find_size(size)
    with drawing(ax, size, preset.height_in + legend_height_in(entries, size)) as ax:
        ax.set_xscale("log")
        ax.axhspan(-BAND_PCT, BAND_PCT, facecolor=FAINT, edgecolor="none", label=_BAND, gid="band")
        ax.axhline(0, color=SOFT, linewidth=0.7 * preset.line_pt, gid="equal")
        for index, source in enumerate(sources):
            rows = [row for row in table if row["source"] == source]
            at = [row["reference"] for row in rows]
            allowed = [row["tolerance_pct"] for row in rows]
            bar: dict[str, Any] = {"ecolor": SOFT, "elinewidth": 0.6 * preset.line_pt, "zorder": 1.5}
            ax.errorbar(at, [0.0] * len(at), yerr=allowed, linestyle="", **bar)
            _draw_markers(ax, at, [row["error_pct"] for row in rows], index, source, preset.line_pt)
        if out:
            _draw_rings(ax, [row["reference"] for row in out], [row["error_pct"] for row in out], preset.line_pt)
        ax.xaxis.set_major_locator(LogLocator(numticks=6))
        ax.xaxis.set_major_formatter(lambda value, _place: short_number(value))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.set_xlabel("reference")
        ax.set_ylabel("error (%)")
        ax.grid(axis="both")
        ax.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=legend_columns(entries, size))
        furthest = sorted(out, key=lambda row: -abs(row["error_pct"]))[:MOST_NAMES]
        names = [(row["reference"], row["error_pct"], row["name"]) for row in furthest]
        name_points(ax, names, [(row["reference"], row["error_pct"]) for row in table])
    return ax


def _draw_source(ax: Axes, rows: Table, index: int, source: str, line_pt: float) -> None:
    allowed = [row["reference"] * min(row["tolerance_pct"], 99.0) / 100 for row in rows]
    at = [row["reference"] for row in rows]
    # What each row allows stands on the line of equality, where the simulated number should be.
    ax.errorbar(at, at, yerr=allowed, linestyle="", ecolor=SOFT, elinewidth=0.6 * line_pt, zorder=1.5)
    _draw_markers(ax, at, [row["simulated"] for row in rows], index, source, line_pt)


def _draw_markers(ax: Axes, xs: Sequence[float], ys: Sequence[float], index: int, source: str, line_pt: float) -> None:
    chosen = look(index)
    size: dict[str, Any] = {"markersize": 3.6 * line_pt, "markeredgecolor": "white", "markeredgewidth": 0.3 * line_pt}
    ax.plot(xs, ys, linestyle="", marker=chosen.marker, color=chosen.line, label=source, gid="rows", **size)


def _draw_rings(ax: Axes, xs: Sequence[float], ys: Sequence[float], line_pt: float) -> None:
    ring: dict[str, Any] = {"marker": "o", "markerfacecolor": "none", "markersize": 7 * line_pt}
    ax.plot(xs, ys, linestyle="", color=INK, markeredgewidth=0.7 * line_pt, label=_OUT, gid="out", **ring)
