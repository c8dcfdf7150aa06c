"""The commands of a memory run as a CSV file, written while the run goes on."""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from bitline.arch.dram.memory import Memory
from bitline.arch.dram.standard import LEVELS

HEADER = "cycle,command,channel,pseudo_channel,rank,bank_group,bank,row,column\n"


class CommandLog:
    """Takes the commands that a memory has logged and appends them to a stream, in order of tick, then channel.

    Cycles are ticks of the part (half clocks on HBM3). Cells that say nothing of a command are empty: a row where none
    is opened or used, a bank where the command acts on all of them.
    """

    def __init__(self, memory: Memory, stream: BinaryIO) -> None:
        self.memory = memory
        self.stream = stream
        organisation = memory.part.organisation
        self.sizes = (organisation.pseudo_channels, organisation.ranks, organisation.bank_groups, organisation.banks)
        self.commands = memory.table.commands
        memory.core.log_commands()
        stream.write(HEADER.encode())

    def take(self) -> None:
        """Write what was logged so far. Every channel has to be at the same tick."""
        logs = [self.memory.core.take_log(channel) for channel in range(self.memory.channels)]
        rows = np.concatenate(logs)
        channels = np.repeat(np.arange(len(logs)), [len(log) for log in logs])
        order = np.lexsort((channels, rows["tick"]))
        text = "".join(self._line(row, channel) for row, channel in zip(rows[order].tolist(), channels[order].tolist()))
        self.stream.write(text.encode())

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
