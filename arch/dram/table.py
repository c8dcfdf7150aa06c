"""From a standard's rules and a part's numbers to the flat arrays that the core runs on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bitline.arch.dram.part import PartSpec
from bitline.arch.dram.standard import LEVELS, Command, evaluate

ROW_EFFECTS = ("none", "open", "half_open", "close", "need", "need_closed")
PIM_BUFFER = 8  # added to a row effect that concerns the second row buffer alone
NO_DATA, READ_DATA, WRITE_DATA = range(3)

UPDATE = np.dtype([("command", "i4"), ("level", "i4"), ("group", "i4"), ("delay", "i4"), ("window", "i4"),
                   ("siblings", "i4"), ("each", "i4"), ("least", "i4")])  # fmt: skip
COMMAND = np.dtype([("scope", "i4"), ("row", "i4"), ("bus", "i4"), ("data", "i4"), ("auto_precharge", "i4"),
                    ("group", "i4"), ("falling_edge", "i4"), ("ticks", "i4")])  # fmt: skip


@dataclass(frozen=True)
class TimingTable:
    """A part as the core sees it. Delays are in ticks.

    `updates`: for each command, which groups of following commands it holds back, where and for how long (`each` more
    for each column of a composite, of which at least `least` count). A group is a set of commands that every rule
    treats alike. Levels with one node each below their parent are merged into it.
    """

    part: PartSpec
    commands: tuple[Command, ...]
    command_rows: np.ndarray
    updates: np.ndarray
    level_nodes: tuple[int, ...]
    bank_path: np.ndarray
    n_groups: int

    def number(self, name: str) -> int:
        """Index of a command."""
        return [command.name for command in self.commands].index(name)

    def ticks(self, timing: str) -> int:
        """A timing of the part in ticks."""
        return to_ticks(self.part, self.part.timing[timing])


def to_ticks(part: PartSpec, clocks: float) -> int:
    """Clocks to ticks, rounded up."""
    return math.ceil(clocks * part.rules_of.ticks_per_clock - 1e-9)


def build_table(part: PartSpec) -> TimingTable:
    """Evaluate every rule of the part's standard, merge what is one place, drop what another rule implies."""
    standard, organisation = part.rules_of, part.organisation
    sizes = {
        "channel": 1,
        "pseudo_channel": organisation.pseudo_channels,
        "rank": organisation.ranks,
        "bank_group": organisation.bank_groups,
        "bank": organisation.banks,
    }
    kept = [level for level in LEVELS if level in ("channel", "bank") or sizes[level] > 1]
    place = {
        level: max(i for i, other in enumerate(kept) if LEVELS.index(other) <= LEVELS.index(level)) for level in LEVELS
    }
    commands = standard.commands
    ticks = [to_ticks(part, part.command_ck.get(command.name, command.cycles)) for command in commands]
    delays = _delays(part, commands, ticks, place, sizes)
    _drop_implied(delays)
    group_of = _groups(delays, len(commands))
    rows = sorted(
        {
            (before, level, group_of[after], delay, window, siblings, each, least)
            for (before, after, level, window, siblings, each, least), delay in delays.items()
        }
    )
    command_rows = np.zeros(len(commands), COMMAND)
    for i, command in enumerate(commands):
        falling = standard.ticks_per_clock == 2 and command.row == "close"
        data = {"": NO_DATA, "read": READ_DATA, "write": WRITE_DATA}[command.data]
        column_bus = int(standard.two_command_buses and command.bus == "column")
        row_effect = ROW_EFFECTS.index(command.row) + (PIM_BUFFER if command.buffer == "pim" else 0)
        command_rows[i] = (place[command.scope], row_effect, column_bus, data,
                           command.auto_precharge, group_of[i], falling, ticks[i])  # fmt: skip
    nodes = [math.prod(sizes[level] for level in LEVELS[: LEVELS.index(name) + 1]) for name in kept]
    banks = np.arange(organisation.n_banks)
    path = np.stack([banks // (organisation.n_banks // count) for count in nodes], axis=1).astype(np.int32)
    return TimingTable(
        part,
        commands,
        command_rows,
        np.array(rows, UPDATE),
        tuple(nodes),
        np.ascontiguousarray(path),
        max(group_of) + 1,
    )


Delays = dict[tuple[int, int, int, int, int, int, int], int]


def _delays(
    part: PartSpec, commands: tuple[Command, ...], ticks: list[int], place: dict[str, int], sizes: dict[str, int]
) -> Delays:
    """(before, after, level, window, siblings, each, least) -> ticks, the longest of alike rules."""
    standard = part.rules_of
    numbers = {command.name: i for i, command in enumerate(commands)}
    delays: Delays = {}

    def add(
        before: int, after: int, level: int, window: int, siblings: bool, delay: int, each: int = 0, least: int = 0
    ) -> None:
        key = (before, after, level, window, int(siblings), each, least)
        if delay > 0 or each:
            delays[key] = max(delays.get(key, 0), delay)

    for row in standard.rules:
        if any(name in standard.optional and name not in part.timing for name in row.timings):
            continue
        if row.siblings and sizes[row.level] == 1:
            continue
        clocks = evaluate(row.delay, part.timing)
        each, least = to_ticks(part, evaluate(row.each, part.timing)), int(evaluate(row.least, part.timing))
        for before in (numbers[name] for name in row.before):
            for after in (numbers[name] for name in row.after):
                # A delay counts between the last bus cycles of two commands; what is kept is the first ones'.
                shift = 0 if row.exact else ticks[before] - ticks[after]
                add(
                    before,
                    after,
                    place[row.level],
                    row.window,
                    row.siblings,
                    to_ticks(part, clocks) + shift,
                    each,
                    least,
                )
    for before, first in enumerate(commands):
        for after, second in enumerate(commands):
            same_bus = not standard.two_command_buses or first.bus == second.bus
            if same_bus and ticks[before] > 1:
                add(before, after, 0, 1, False, ticks[before])
    return delays


def _drop_implied(delays: Delays) -> None:
    """Drop rules that a rule of an enclosing level, at least as long, makes redundant."""
    for (before, after, level, window, siblings, each, least), delay in list(delays.items()):
        if window > 1 or siblings or each:
            continue
        if any(delays.get((before, after, outer, 1, 0, 0, 0), -1) >= delay for outer in range(level)):
            del delays[(before, after, level, window, siblings, each, least)]


def _groups(delays: Delays, n_commands: int) -> list[int]:
    """Commands that no rule tells apart as followers share a group."""
    columns: dict[tuple[object, ...], int] = {}
    group_of = []
    for after in range(n_commands):
        column = tuple(sorted((key[0], *key[2:], delay) for key, delay in delays.items() if key[1] == after))
        group_of.append(columns.setdefault(column, len(columns)))
    return group_of
