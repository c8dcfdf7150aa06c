"""Bars of several systems at several places: a place is a batch, and batches stand together by model and lengths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Any

from matplotlib.axes import Axes

from bitline.base.errors import SpecError
from bitline.plots.style import INK, LOOKS, SOFT, find_size, look
from bitline.plots.sweep_axes import is_number
from bitline.plots.table import Table

KEYS = ("model", "lengths", "batch", "system")

_BARS = 0.84  # of a place, the rest is the gap to the next
_GROUP_GAP = 0.5  # of a place, between groups
_NARROWEST_PT = 1.5
_AXES_SHARE = 0.82  # of the figure's width
_LEGEND_SHARE = 0.9
_LETTER_EM = 0.54  # mean width of a letter of DejaVu Sans
_JOIN = ", "
_MISSING = "cannot run"

Place = tuple[str, str]


def group_rows(rows: Table, value: str) -> list[dict[str, Any]]:
    """The rows with the columns that are drawn, as they come. An empty value is a system that could not run there.

    Raises SpecError for a missing column, for a value that is no number, and for two values of one bar.
    """
    taken = []
    for row in rows:
        for name in KEYS:
            if row.get(name) is None:
                raise SpecError(f"a row has no {name}", field=name, expected=f"rows of {', '.join(KEYS)}, {value}")
        if value not in row or not (row[value] is None or (is_number(row[value]) and 0 <= row[value] < inf)):
            raise SpecError(f"a row has {value} {row.get(value)!r}", field=value, expected="a number, or none")
        taken.append({name: row[name] for name in (*KEYS, value)})
    if not any(row[value] is not None for row in taken):
        raise SpecError("there is nothing to draw", field=value, expected="at least one row with a number")
    seen = [tuple(row[name] for name in KEYS) for row in taken]
    if len(set(seen)) < len(seen):
        twice = next(key for key in seen if seen.count(key) > 1)
        raise SpecError(f"two rows of {', '.join(map(str, twice))}", expected="one row a bar")
    systems = dict.fromkeys(row["system"] for row in taken)
    if len(systems) > len(LOOKS):
        raise SpecError(f"{len(systems)} systems cannot be told apart", expected=f"at most {len(LOOKS)}")
    return taken


def place_of(row: Mapping[str, Any]) -> Place:
    """(group, batch) of a row: ("gpt3-13b, sharegpt", "256")."""
    group = dict.fromkeys(str(row[name]) for name in ("model", "lengths") if row[name] != "")
    return _JOIN.join(group), str(row["batch"])


@dataclass(frozen=True)
class GroupedBars:
    """Where bars stand: from left to right by group, then place, then system, in order of their first appearance."""

    systems: tuple[str, ...]
    middles: Mapping[Place, float]
    """The middle of each place along x."""
    any_missing: bool
    """Is there a system that could not run somewhere?"""

    @classmethod
    def of(cls, table: Table, value: str) -> GroupedBars:
        """The layout of a table of `group_rows`."""
        places = list(dict.fromkeys(map(place_of, table)))
        middles = {}
        x = 0.0
        for index, group in enumerate(dict.fromkeys(group for group, _ in places)):
            x += _GROUP_GAP if index else 0
            for place in places:
                if place[0] == group:
                    middles[place] = x
                    x += 1
        systems = dict.fromkeys(row["system"] for row in table)
        return cls(tuple(systems), middles, any(row[value] is None for row in table))

    @property
    def entries(self) -> tuple[str, ...]:
        """What the legend names."""
        return (*self.systems, _MISSING) if self.any_missing else self.systems

    @property
    def width(self) -> float:
        """Of a bar, along x."""
        return _BARS / len(self.systems)

    @property
    def groups(self) -> dict[str, tuple[float, float]]:
        """The first and last middle of each group."""
        spans: dict[str, tuple[float, float]] = {}
        for (group, _), x in self.middles.items():
            spans[group] = (spans.get(group, (x, x))[0], x)
        return spans

    @property
    def ends(self) -> tuple[float, float]:
        """Limits of x."""
        return min(self.middles.values()) - 0.6, max(self.middles.values()) + 0.6

    def bar_pt(self, size: str) -> float:
        """Width of a bar on paper. Raises SpecError where bars would be mere lines."""
        width_pt = self.points(self.width, size)
        if width_pt < _NARROWEST_PT:
            count = len(self.middles) * len(self.systems)
            raise SpecError(f"{count} bars do not fit", field="size", expected="a larger size, or fewer rows")
        return width_pt

    def points(self, width: float, size: str) -> float:
        """A width along x on paper, about."""
        low, high = self.ends
        return width / (high - low) * _AXES_SHARE * 72 * find_size(size).width_in

    def left(self, row: Mapping[str, Any]) -> float:
        """Left edge of a row's bar."""
        return self.middles[place_of(row)] - _BARS / 2 + self.systems.index(row["system"]) * self.width


def draw_groups(ax: Axes, table: Table, value: str, bars: GroupedBars, size: str) -> None:
    """Bars, ticks, names of groups, and the legend above. A system that could not run has a cross in place of a bar."""
    handles: list[Any] = []
    for index, system in enumerate(bars.systems):
        own = [row for row in table if row["system"] == system]
        chosen = look(index)
        drawn = ax.bar(
            [bars.left(row) for row in own if row[value] is not None],
            [row[value] for row in own if row[value] is not None],
            bars.width,
            align="edge",
            color=chosen.color,
            hatch=chosen.hatch,
            label=system,
        )
        handles.append(drawn)
    missing = [bars.left(row) + bars.width / 2 for row in table if row[value] is None]
    if missing:
        mark_pt = min(0.6 * find_size(size).font_pt, 0.8 * bars.bar_pt(size))
        handles += ax.plot(
            missing,
            [0.03] * len(missing),
            transform=ax.get_xaxis_transform(),
            linestyle="",
            marker="x",
            markersize=mark_pt,
            color=INK,
            label=_MISSING,
        )
    ax.set_xlim(bars.ends)
    ax.set_xticks(list(bars.middles.values()), [batch for _, batch in bars.middles])
    ax.tick_params(axis="x", length=0)
    ax.grid(axis="y")
    _name_groups(ax, bars, size)
    columns = legend_columns(bars.entries, size)
    ax.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=columns)


def _name_groups(ax: Axes, bars: GroupedBars, size: str) -> None:
    """Below each group what tells it from the others, in the label of the axis what they share. Raises SpecError."""
    names = {group: group.split(_JOIN) if group else [] for group in bars.groups}
    shared = [part for part in max(names.values(), key=len) if all(part in parts for parts in names.values() if parts)]
    ax.set_xlabel(f"batch ({_JOIN.join(shared)})" if shared else "batch")
    own = [[part for part in parts if part not in shared] for parts in names.values()]
    spans = list(bars.groups.values())
    for (_, last), (first, _) in pairwise(spans):
        ax.axvline((last + first) / 2, color=SOFT, linewidth=0.5)
    if any(own):
        font_pt = find_size(size).font_pt
        letter_pt = 0.9 * font_pt * _LETTER_EM
        rooms = [int(bars.points(last - first + 1, size) / letter_pt) for first, last in spans]
        texts = [_JOIN.join(parts) for parts in own]
        if any(len(text) > room for text, room in zip(texts, rooms)):
            texts = [f"{_JOIN.rstrip()}\n".join(parts) for parts in own]
        for text, room in zip(texts, rooms):
            if max(map(len, text.split("\n"))) > room:
                raise SpecError(f"no room for the name '{text}'", field="size", expected="a larger size, or fewer rows")
        ax.set_xticks([sum(span) / 2 for span in spans], texts, minor=True)
        ax.tick_params(axis="x", which="minor", length=0, pad=3 + 1.5 * font_pt)
        ax.xaxis.remove_overlapping_locs = False  # a group's middle may be that of a batch


def legend_columns(names: Sequence[str], size: str, *, handle_em: float = 3.4) -> int:
    """As few lines as the width holds, and columns that fill them; a column is as wide as its longest name.

    `handle_em`: what stands beside a name, with the gap to the next, in units of the font.
    """
    preset = find_size(size)
    room_em = _LEGEND_SHARE * 72 * preset.width_in / (0.9 * preset.font_pt)
    for lines in range(1, len(names)):
        longest = [max(map(len, names[at : at + lines])) for at in range(0, len(names), lines)]
        if sum(_LETTER_EM * length + handle_em for length in longest) <= room_em:
            return len(longest)
    return 1


def legend_height_in(names: Sequence[str], size: str) -> float:
    """What the legend adds to a figure's height."""
    return -(-len(names) // legend_columns(names, size)) * 1.35 * find_size(size).font_pt / 72
