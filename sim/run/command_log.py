"""DRAM and PIM commands as CSV lines: cycle, command and where it went."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO

import numpy as np

from bitline.arch.dram.memory import Memory
from bitline.arch.dram.part import PartSpec
from bitline.arch.dram.standard import LEVELS, Command

HEADER = "cycle,command,channel,pseudo_channel,rank,bank_group,bank,row,column\n"


class CommandText:
    """Turns logged commands of a part into lines.

    Cycles are ticks of the part (half clocks on HBM3). Cells that say nothing of a command are empty: a row where none
    is opened or used, a bank where the command acts on all of them.
    """

    def __init__(self, part: PartSpec, commands: Sequence[Command]) -> None:
        organisation = part.organisation
        self.sizes = (organisation.pseudo_channels, organisation.ranks, organisation.bank_groups, organisation.banks)
        self.commands = commands

    def write(self, stream: BinaryIO, logs: Iterable[tuple[int, np.ndarray]]) -> None:
        """Append the LOG_ROW rows of (channel, rows), in order of tick, then channel."""
        found = list(logs)
        rows = np.concatenate([log for _channel, log in found])
        channels = np.concatenate([np.full(len(log), channel) for channel, log in found])
        order = np.lexsort((channels, rows["tick"]))
        lines = (self._line(row, channel) for row, channel in zip(rows[order].tolist(), channels[order].tolist()))
        stream.write("".join(lines).encode())

    def _line(self, row: tuple[int, int, int, int, int], channel: int) -> str:
        tick, number, bank, dram_row, column = row
        command = self.commands[number]
        place = []
        for size in reversed(self.sizes):
            bank, index = divmod(bank, size)
            place.append(index)
        depth = LEVELS.index(command.scope)
        cells = [str(index) if level < depth else "" for level, index in enumerate(reversed(place))]
        uses_row = command.row in ("open", "half_open", "need") and dram_row >= 0
        uses_column = command.bus == "column" and column >= 0
        return (
            f"{tick},{command.name},{channel},{','.join(cells)},"
            f"{dram_row if uses_row else ''},{column if uses_column else ''}\n"
        )


class CommandLog:
    """Takes the commands that a memory has logged and appends them to a stream while the run goes on."""

    def __init__(self, memory: Memory, stream: BinaryIO) -> None:
        self.memory = memory
        self.stream = stream
        self.text = CommandText(memory.part, memory.table.commands)
        memory.core.log_commands()
        stream.write(HEADER.encode())

    def take(self) -> None:
        """Write what was logged so far. Every channel has to be at the same tick."""
        self.text.write(
            self.stream, [(channel, self.memory.core.take_log(channel)) for channel in range(self.memory.channels)]
        )
