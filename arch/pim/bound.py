"""The bank-level bound of a program on a PIM channel: its compute commands back to back, or its bursts on the pins."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bitline.arch.dram.table import to_ticks
from bitline.arch.pim.device import PimDevice
from bitline.csrc.engine.program import Program


@dataclass(frozen=True)
class ProgramWork:
    """Commands of one execution, and the least ticks for its compute and its bursts."""

    commands: dict[str, int]
    compute_ticks: int
    pin_ticks: int

    @property
    def bound_ticks(self) -> int:
        """No schedule is faster: the compute units and the pins each have one pace."""
        return max(self.compute_ticks, self.pin_ticks)


class ProgramWorks:
    """The work of programs, each looked at once."""

    def __init__(self, device: PimDevice) -> None:
        self.device = device
        self.names = [command.name for command in device.table.commands]
        self.bursts = {command.name for command in device.table.commands if command.data}
        self.burst_ticks = to_ticks(device.part, device.part.timing["tBL"])
        self.of = lru_cache(maxsize=None)(self._work)

    def _work(self, program: Program) -> ProgramWork:
        numbers = self.device.accesses["command"][program.body["access"]]
        issued = program.executions * program.body["count"]
        commands: dict[str, int] = {}
        for number in np.unique(numbers[numbers >= 0]):
            commands[self.names[number]] = int(issued[numbers == number].sum())
        bursts = sum(count for name, count in commands.items() if name in self.bursts)
        return ProgramWork(commands, self.device.compute_ticks(commands), bursts * self.burst_ticks)
