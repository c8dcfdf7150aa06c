"""A memory with its command log, as the checker reads it; and a table's rules, asked one command at a time."""

import numpy as np
import pytest

from bitline.arch.dram.memory import Memory
from bitline.arch.dram.part import load_part
from bitline.arch.dram.standard import LEVELS
from bitline.arch.dram.table import build_table
from bitline.sim.check import CommandLog


def checker_log(memory, rows, channel=0):
    """The rows of `take_log` as a log of the checker."""
    organisation = memory.part.organisation
    sizes = (organisation.pseudo_channels, organisation.ranks, organisation.bank_groups, organisation.banks)
    commands = memory.table.commands
    depth = np.array([LEVELS.index(command.scope) for command in commands])[rows["code"]]
    uses_row = np.array([command.row in ("open", "half_open", "need") for command in commands])[rows["code"]]
    uses_column = np.array([command.bus == "column" for command in commands])[rows["code"]]
    place = rows["unit"].astype(np.int64)
    cells = {}
    for level in range(4, 0, -1):
        cells[LEVELS[level]] = np.where(depth >= level, place % sizes[level - 1], -1)
        place //= sizes[level - 1]
    return CommandLog.from_columns(
        rows["tick"],
        [commands[code].name for code in rows["code"]],
        channel=channel,
        row=np.where(uses_row, rows["place"], -1),
        column=np.where(uses_column, rows["detail"], -1),
        **cells,
    )


@pytest.fixture(scope="session")
def run_with_log():
    """`run_with_log(memory, addresses, writes, ticks)`: the result, and the checker's log of each channel."""

    def run(memory, addresses, writes=None, ticks=None):
        addresses = np.asarray(addresses, np.int64)
        writes = np.zeros(len(addresses), np.int8) if writes is None else np.asarray(writes, np.int8)
        ticks = np.zeros(len(addresses), np.int64) if ticks is None else np.asarray(ticks, np.int64)
        taken = [[] for _ in range(memory.channels)]

        def take():
            for channel, rows in enumerate(taken):
                rows.append(memory.core.take_log(channel))

        memory.core.log_commands()
        result = memory.run_blocks([(addresses, writes, ticks)], take_log=take)
        logs = [checker_log(memory, np.concatenate(rows), channel) for channel, rows in enumerate(taken)]
        return result, logs

    return run


@pytest.fixture(scope="session")
def commands_of():
    """`commands_of(log)`: rows of a checker's log as (tick, name, {level: index}) in time order."""
    from bitline.sim.check import ADDRESS, COMMANDS

    def convert(log):
        return [
            (int(row["cycle"]), COMMANDS[row["command"]], {name: int(row[name]) for name in ADDRESS})
            for row in log.rows
        ]

    return convert


class Rules:
    """The table of a part, asked for the earliest tick of one command after others: `spacing("ACT", "RD")`.

    Places are (pseudo channel, rank, bank group, bank); the default is (0, 0, 0, 0).
    """

    def __init__(self, name, settings=None):
        self.part = load_part(name, settings)
        self.table = build_table(self.part)
        self.issued = []

    def bank(self, place):
        organisation = self.part.organisation
        sizes = (organisation.pseudo_channels, organisation.ranks, organisation.bank_groups, organisation.banks)
        assert all(0 <= index < size for index, size in zip(place, sizes)), f"{self.part.standard} has no {place}"
        number = 0
        for index, size in zip(place, sizes):
            number = number * size + index
        return number

    def issue(self, tick, command, place=(0, 0, 0, 0)):
        self.issued.append((tick, self.table.number(command), self.bank(place)))

    def earliest(self, command, place=(0, 0, 0, 0)):
        """The tick before which the rules do not let the command issue."""
        group = self.table.command_rows[self.table.number(command)]["group"]
        target = self.table.bank_path[self.bank(place)]
        best = 0
        windows = {}
        for row in self.table.updates[self.table.updates["group"] == group]:
            ticks = [
                tick
                for tick, number, bank in self.issued
                if number == row["command"] and self._holds(row, self.table.bank_path[bank], target, row["level"])
            ]
            if row["window"] > 1:
                # Commands with the same window count in it together.
                windows.setdefault((row["level"], int(row["delay"]), int(row["window"])), []).extend(ticks)
            elif ticks:
                best = max(best, max(ticks) + int(row["delay"]))
        for (_level, delay, size), ticks in windows.items():
            if len(ticks) >= size:
                best = max(best, sorted(ticks)[-size] + delay)
        return best

    def _holds(self, row, path, target, level):
        if row["siblings"]:
            return path[level] != target[level] and path[level - 1] == target[level - 1]
        return path[level] == target[level]

    def spacing(self, before, after, where="bank"):
        """Ticks from one command to another: to the same bank, or to another of the same `where` at the least."""
        other = {
            "bank": (0, 0, 0, 0),
            "bank_group": (0, 0, 0, 1),
            "rank": (0, 0, 1, 0),
            "other_rank": (0, 1, 0, 0),
            "other_pseudo_channel": (1, 0, 0, 0),
        }[where]
        self.issued = []
        self.issue(0, before)
        return self.earliest(after, other)


@pytest.fixture(scope="session")
def rules_of():
    return Rules


@pytest.fixture
def memory_of():
    """`memory_of(part, controller, ...)` with `settings` for the controller and without refresh unless asked for."""
    from bitline.arch.dram.controller import load_controller

    def make(part, controller="frfcfs", *, settings=None, **options):
        return Memory(part, load_controller(controller, {"refresh": "none", **(settings or {})}), **options)

    return make


LETTERS = {
    "channel": "h",
    "pseudo_channel": "p",
    "rank": "k",
    "bank_group": "g",
    "bank": "b",
    "row": "r",
    "column": "c",
}


@pytest.fixture(scope="session")
def address_of():
    """`address_of(memory, row=3, bank=1)`: the byte address of a place, for mappings without hashes."""

    def encode(memory, **place):
        line = 0
        for field, index in place.items():
            for i, bits in enumerate(memory.mapping.sources[LETTERS[field]]):
                (line_bit,) = bits
                line |= (index >> i & 1) << line_bit
        return line * memory.line_bytes

    return encode


@pytest.fixture(scope="session")
def trace_commands(run_with_log, commands_of, address_of):
    """`trace_commands(memory, [{"bank": 1, "write": True, "tick": 5}, ...])`: [(tick, name, place)] of channel 0."""

    def run(memory, requests):
        fields = [{key: value for key, value in request.items() if key in LETTERS} for request in requests]
        addresses = [address_of(memory, **place) for place in fields]
        writes = [request.get("write", 0) for request in requests]
        ticks = [request.get("tick", 0) for request in requests]
        _result, logs = run_with_log(memory, addresses, writes, ticks)
        return commands_of(logs[0])

    return run


@pytest.fixture(scope="session")
def ticks_of():
    """`ticks_of(commands, "ACT")`: when commands of these names were issued."""
    return lambda commands, *names: [tick for tick, name, _place in commands if name in names]
