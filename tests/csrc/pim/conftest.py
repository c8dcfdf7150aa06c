"""A channel of a PIM part and a host that asks it for programs."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from bitline.arch.dram.part import load_part
from bitline.arch.pim.device import pim_device
from bitline.csrc.engine import PythonComponent, Simulator, TransitionTable
from bitline.csrc.pim.channel import PimChannel

START = 1


class Host(PythonComponent):
    """Sends (ps, program, base) as START messages; notes every DONE."""

    def __init__(self, asked):
        super().__init__("host", 1_000_000)  # edges 1 ps apart
        self.todo = [(ps, (START, task, program, base)) for task, (ps, program, base) in enumerate(asked)]
        self.answers = []

    def advance(self):
        while (message := self.receive()) is not None:
            self.answers.append((self.cycle, *message[1:]))
        while self.todo:
            ps, message = self.todo[0]
            if ps > self.cycle:
                self.wake_at(ps)
                return
            if not self.has_room():
                return
            self.send(0, *message)
            self.todo.pop(0)

    def waits(self):
        return ("room", 0) if self.todo else super().waits()


@dataclass
class Outcome:
    """All that one run of a channel can tell."""

    answers: list
    """(ps received, task, ps of its start, rows opened)"""
    ticks: dict
    issued: dict
    log: list
    """(tick, command, bank, row, column)"""
    statistics: dict = field(default_factory=dict)

    @property
    def seen(self):
        """What has to be the same however it was simulated."""
        return self.answers, self.ticks, self.issued, self.log

    def at(self, *names):
        """Ticks of the commands of those names."""
        return [row[0] for row in self.log if row[1] in names]


def run_channel(device, programs, asked, *, until=0, fast_forward=False, refresh=True, multiplicity=1, fixed_rows=None):
    """Run programs on one channel: `asked` is (ps, program number, base row), one after the other."""
    table = TransitionTable(1, 1, logging=True) if fast_forward else None
    channel = PimChannel(
        "channel",
        device.table,
        device.accesses,
        refresh=refresh,
        multiplicity=multiplicity,
        fixed_rows=fixed_rows or device.data_rows,
        transitions=table,
        logging=True,
    )
    for program in programs:
        channel.add_program(program)
    host = Host(asked)
    simulator = Simulator()
    simulator.add(host, device=0)
    simulator.add(channel, device=1)
    simulator.connect(host, channel, capacity=64)
    simulator.connect(channel, host, capacity=64)
    simulator.run()
    channel.finish(max(until, simulator.now))
    ticks, issued = channel.counts()
    rows = channel.commands()
    assert channel.n_logged == len(rows) == sum(issued.values())
    names = np.array([command.name for command in device.table.commands])
    log = list(
        zip(
            rows["tick"].tolist(),
            names[rows["code"]].tolist(),
            rows["unit"].tolist(),
            rows["place"].tolist(),
            rows["detail"].tolist(),
        )
    )
    statistics = channel.region.statistics() if fast_forward else {}
    return Outcome(host.answers, ticks, issued, log, statistics)


@pytest.fixture(scope="session")
def aim():
    part = load_part("gddr6-aim")
    return pim_device(part, "gddr6-aim")


@pytest.fixture(scope="session")
def hbm_pim():
    part = load_part("hbm-pim")
    return pim_device(part, "hbm-pim")


@pytest.fixture(scope="session")
def run():
    return run_channel
