"""DRAM and PIM commands over a window of time: a Gantt chart, one lane a bank, bus lanes above."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from bitline.plots.style import INK, LOOKS, SOFT, Look, drawing, find_size
from bitline.plots.table import Table
from bitline.sim.run.command_timing import CommandTiming

# Commands by class, in the order of the legend. A name that stands nowhere is of the class `other`.
CLASSES = {
    "activate": ("ACT", "ACT1", "ACT2", "ACT4", "ACT16", "ACT_AB", "G_ACT"),
    "read": ("RD", "RDA", "RD_AB", "CAS_RD"),
    "write": ("WR", "WRA", "WRA16", "WR_AB", "CAS_WR"),
    "compute": ("MAC16", "AF16", "EWMUL16", "COMP", "COMPS_READRES"),
    "move": ("RDCP", "WRCP", "WRGB", "RDMAC16", "RDAF16", "WRMAC16", "GWRITE", "READRES", "PWRITE"),
    "precharge": ("PRE", "PRE4", "PREab", "PRE_AB", "PIM_PRECHARGE"),
    "refresh": ("REFab", "REFpb"),
    "other": ("TMOD", "P_HEADER"),
}
_CLASS_OF = {command: name for name, commands in CLASSES.items() for command in commands}
_LOOK = dict(zip(CLASSES, (LOOKS[i] for i in (1, 5, 2, 0, 6, 3, 4, 7)), strict=True))

MOST_LANES = 40
"""Banks beyond which a lane is a bank group."""

# Commands that move what stands in buffers and registers: they keep no bank.
_OF_BUFFERS = ("WRGB", "RDMAC16", "RDAF16", "WRMAC16", "READRES")

_NARROW_PT = 1.2
_PLACE = ("pseudo_channel", "rank", "bank_group", "bank")
_SHORT = {"pseudo_channel": "PC", "rank": "R", "bank_group": "BG", "bank": "B"}
_COMMAND_LANE = "commands"
_DATA_LANE = "data bus"
_BUFFER_LANE = "buffers"

Place = tuple[int | None, ...]


def commands_table(rows: Iterable[Mapping[str, Any]], timing: CommandTiming | None = None) -> list[dict[str, Any]]:
    """The bars of `plot_commands`, by lane, then time, from commands of one channel in order of time.

    With a part's `timing` a bar is as long as the command keeps its bank, and data bursts have a lane; without it, a
    bar ends where the next command of its lane begins.
    """
    rows = list(rows)
    bars = [_bar(_COMMAND_LANE, row, row["cycle"], row["cycle"] + 1) for row in rows]
    if timing is not None:
        bars += _data_bars(rows, timing)
    last = rows[-1]["cycle"] if rows else 0
    for lane, own in _by_lane(rows).items():
        for row, following in zip(own, [*own[1:], {"cycle": last}]):
            end = max(following["cycle"], row["cycle"] + 1)
            if timing is not None and row["command"] in timing.busy:
                end = row["cycle"] + timing.busy[row["command"]]
            bars.append(_bar(lane, row, row["cycle"], end))
    return bars


def _by_lane(rows: list[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The commands of each lane: buffers, then what is for all banks, then bank by bank."""
    of_banks = [row for row in rows if row["command"] not in _OF_BUFFERS]
    depth = len(_PLACE)
    if len({_place(row, depth) for row in of_banks}) > MOST_LANES:
        depth -= 1
    by_place: dict[Place, list[Mapping[str, Any]]] = {}
    for row in of_banks:
        by_place.setdefault(_place(row, depth), []).append(row)
    places = sorted(by_place, key=lambda place: [-1 if index is None else index for index in place])
    names = _lane_names(places)
    of_buffers = [row for row in rows if row["command"] in _OF_BUFFERS]
    lanes = {_BUFFER_LANE: of_buffers} if of_buffers else {}
    return lanes | {names[place]: by_place[place] for place in places}


def _data_bars(rows: list[Mapping[str, Any]], timing: CommandTiming) -> list[dict[str, Any]]:
    """The bursts on the data bus, or on that of each pseudo channel, by lane, then time."""
    several = len({row["pseudo_channel"] for row in rows}) > 1
    bars = []
    for row in rows:
        if row["command"] in timing.data:
            start, end = timing.data[row["command"]]
            lane = f"{_DATA_LANE} PC{row['pseudo_channel']}" if several else _DATA_LANE
            bars.append(_bar(lane, row, row["cycle"] + start, row["cycle"] + end))
    return sorted(bars, key=lambda bar: (bar["lane"], bar["start_tick"]))


def _place(row: Mapping[str, Any], depth: int) -> Place:
    return tuple(row[name] for name in _PLACE[:depth])


def _lane_names(places: list[Place]) -> dict[Place, str]:
    """Short names: without the levels of which there is only one, unless two would be called the same."""
    levels = range(len(places[0]) if places else 0)
    several = [level for level in levels if len({place[level] for place in places} - {None}) > 1]
    names = {place: _lane_name(place, several) for place in places}
    if len(set(names.values())) < len(names):
        names = {place: _lane_name(place, list(levels)) for place in places}
    return names


def _lane_name(place: Place, levels: list[int]) -> str:
    known = [f"{_SHORT[_PLACE[level]]}{place[level]}" for level in levels if place[level] is not None]
    return " ".join([*known, "all banks"] if None in place else known) or "bank"


def _bar(lane: str, row: Mapping[str, Any], start: float, end: float) -> dict[str, Any]:
    address = {name: row[name] for name in ("channel", *_PLACE, "row", "column")}
    kind = _CLASS_OF.get(row["command"], "other")
    return {"lane": lane, "start_tick": start, "end_tick": end, "command": row["command"], "class": kind, **address}


def plot_commands(table: Table, ax: Axes | None = None, *, tick_ps: float | None = None, size: str = "column") -> Axes:
    """One lane a row, bus lanes first; a bar a command in the colour of its class, with its name where that fits.

    Columns: lane, start_tick, end_tick, command, class. `tick_ps`: length of a cycle, where a part's timing is known.
    """
    lanes = list(dict.fromkeys(row["lane"] for row in table))
    classes = [name for name in CLASSES if any(row["class"] == name for row in table)]
    preset = find_size(size)
    font_in = preset.font_pt / 72
    columns = min(len(classes), 4 if preset.width_in < 5 else 8) or 1
    height_in = font_in * (5.2 + 1.65 * len(lanes) + 1.4 * -(-len(classes) // columns))
    with drawing(ax, size, height_in=height_in) as ax:
        start = min((row["start_tick"] for row in table), default=0)
        end = max((row["end_tick"] for row in table), default=1)
        margin = 0.01 * (end - start)
        ax.set_xlim(start - margin, end + margin)
        ax.set_ylim(len(lanes) - 0.4, -0.6)
        pt_per_tick = 0.8 * 72 * preset.width_in / (end - start)
        for name in classes:
            for lane in lanes:
                bars = [row for row in table if row["class"] == name and row["lane"] == lane]
                _draw_bars(ax, bars, lanes.index(lane), _LOOK[name], pt_per_tick)
        _write_names(ax, table, lanes, pt_per_tick, preset.font_pt)
        ax.set_yticks(range(len(lanes)), lanes)
        ax.tick_params(axis="y", length=0)
        ax.ticklabel_format(axis="x", style="plain", useOffset=False)
        note = "a bar ends at its lane's next command" if tick_ps is None else f"1 cycle = {tick_ps / 1000:g} ns"
        ax.set_xlabel(f"cycle ({note})")
        ax.grid(axis="x")
        bus_lanes = sum(lane.startswith((_COMMAND_LANE, _DATA_LANE)) for lane in lanes)
        ax.axhline(bus_lanes - 0.5, color=SOFT, linewidth=0.5)
        handles = [Patch(facecolor=_LOOK[name].color, hatch=_LOOK[name].hatch, label=name) for name in classes]
        ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=columns)
    return ax


def _draw_bars(ax: Axes, bars: Table, place: int, chosen: Look, pt_per_tick: float) -> None:
    """Bars of one class in one lane: those too narrow for it go without hatch and edge."""
    for narrow in (True, False):
        spans = [
            (row["start_tick"], row["end_tick"] - row["start_tick"])
            for row in bars
            if ((row["end_tick"] - row["start_tick"]) * pt_per_tick < _NARROW_PT) is narrow
        ]
        if spans:
            hatch, edge_pt = ("", 0) if narrow else (chosen.hatch, 0.25)
            shape = (place - 0.36, 0.72)
            ax.broken_barh(spans, shape, facecolor=chosen.color, hatch=hatch, edgecolor=INK, linewidth=edge_pt)


def _write_names(ax: Axes, table: Table, lanes: list[str], pt_per_tick: float, font_pt: float) -> None:
    """Write a command's name into every bar that is long enough for it."""
    small_pt = 0.75 * font_pt
    for row, following in zip(table, [*table[1:], None]):
        end = row["end_tick"]
        if following is not None and following["lane"] == row["lane"]:
            end = min(end, following["start_tick"])
        if (end - row["start_tick"]) * pt_per_tick < 0.75 * small_pt * (len(row["command"]) + 0.6):
            continue
        hatched = bool(_LOOK[row["class"]].hatch)
        ax.text(
            (row["start_tick"] + end) / 2,
            lanes.index(row["lane"]),
            row["command"],
            ha="center",
            va="center_baseline",
            fontsize=small_pt,
            color="white" if row["class"] == "compute" else INK,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85} if hatched else None,
        )
