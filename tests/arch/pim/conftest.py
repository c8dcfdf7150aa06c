"""What a program touches: it is run on a channel, and its commands are read from the log."""

from collections import Counter

import numpy as np
import pytest

from bitline.arch.dram.part import load_part
from bitline.arch.pim.device import pim_device
from bitline.csrc.engine import Simulator
from bitline.csrc.pim.channel import PimChannel
from bitline.csrc.tasks.dispatcher import TASK, Dispatcher


class Bank:
    """One channel on which steps are run."""

    def __init__(self, device):
        self.device = device
        self.names = [command.name for command in self.device.table.commands]

    def touched(self, steps, base=0):
        """(command, bank, row, column) -> times, of all column commands of steps run one after the other."""
        device = self.device
        channel = PimChannel(
            "channel", device.table, device.accesses, refresh=False, fixed_rows=device.data_rows, logging=True
        )
        simulator, dispatcher = Simulator(), Dispatcher("dispatcher", 1000, 1)
        simulator.add(dispatcher, device=0)
        simulator.add(channel, device=1)
        simulator.connect(dispatcher, channel)
        simulator.connect(channel, dispatcher)
        tasks = np.zeros(len(steps), TASK)
        for task, step in zip(tasks, steps):
            task["program"], task["base"] = channel.add_program(step.program), base + step.offset
        dispatcher.load(tasks, (), ())
        simulator.run()
        rows = channel.commands()
        cells = zip(*(rows[name].tolist() for name in ("code", "unit", "place", "detail")))
        found = Counter((self.names[code], bank, row, column) for code, bank, row, column in cells)
        data = {command.name for command in device.table.commands if command.bus == "column"}
        return Counter({key: times for key, times in found.items() if key[0] in data})

    def places(self, steps, *commands, base=0):
        """(bank, row, column) that commands of those names touch."""
        return {key[1:] for key in self.touched(steps, base) if key[0] in commands}


@pytest.fixture(scope="session")
def bank_of():
    return Bank


@pytest.fixture(scope="session")
def aim():
    return Bank(pim_device(load_part("gddr6-aim"), "gddr6-aim"))


@pytest.fixture(scope="session")
def hbm_pim():
    return Bank(pim_device(load_part("hbm-pim"), "hbm-pim"))
