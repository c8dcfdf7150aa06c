"""A PIM system as components: channels by class, the ASIC, and the dispatcher that hands them tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bitline.arch.asic.spec import AsicSpec
from bitline.arch.pim.device import PimDevice
from bitline.base.errors import InternalError
from bitline.csrc.engine.program import Program
from bitline.csrc.engine.simulator import Simulator
from bitline.csrc.engine.transitions import TransitionTable
from bitline.csrc.pim.channel import PimChannel
from bitline.csrc.tasks.dispatcher import Dispatcher
from bitline.csrc.tasks.unit import Unit
from bitline.sim.schedule.classes import ChannelClass
from bitline.sim.schedule.graph import Graph

QUEUED_TASKS = 16
"""Tasks that a unit's port holds. A unit that is never starved is as fast as one with an endless queue."""


@dataclass
class Counts:
    """What a run counted over all channels."""

    commands: dict[str, int] = field(default_factory=dict)
    ticks: dict[str, int] = field(default_factory=dict)
    asic_cycles: int = 0
    busy_ticks_most: int = 0
    """Of the channel that worked longest."""


class PimMachine:
    """Runs task graphs one after the other. Times are ps."""

    def __init__(
        self,
        device: PimDevice,
        asic: AsicSpec,
        classes: Sequence[ChannelClass],
        *,
        refresh: bool,
        fast_forward: bool,
        logging: bool,
    ) -> None:
        self.classes = classes
        self.simulator = Simulator()
        self.dispatcher = Dispatcher("dispatcher", asic.clock_mhz, 1 + len(classes))
        self.asic = Unit("asic", asic.clock_mhz)
        self.transitions = TransitionTable(1, 1, logging=logging) if fast_forward else None
        self.channels = [
            PimChannel(
                f"channel {alike.channel}",
                device.table,
                device.accesses,
                refresh=refresh,
                multiplicity=alike.multiplicity,
                fixed_rows=device.data_rows,
                transitions=self.transitions,
                logging=logging,
            )
            for alike in classes
        ]
        self.simulator.add(self.dispatcher, rank=0, device=0)
        for i, unit in enumerate([self.asic, *self.channels]):
            self.simulator.add(unit, rank=1, device=i)
            self.simulator.connect(self.dispatcher, unit, capacity=QUEUED_TASKS)
            self.simulator.connect(unit, self.dispatcher, capacity=QUEUED_TASKS, width=QUEUED_TASKS)
        self.known = 0

    def learn(self, programs: Sequence[Program]) -> None:
        """Make the channels know the programs that they do not know yet."""
        for program in programs[self.known :]:
            for channel in self.channels:
                channel.add_program(program)
        self.known = len(programs)

    def run(self, graph: Graph) -> np.ndarray:
        """Run a graph from now on. Returns the ps that its end waited for each operator."""
        since = self.simulator.now
        self.dispatcher.load(graph.tasks, graph.before, graph.after)
        self.simulator.wake(self.dispatcher, since)
        self.simulator.run()
        if not self.dispatcher.finished:
            raise InternalError("a task graph ended before all of its tasks were done")
        waited: np.ndarray = self.dispatcher.waited(since, len(graph.work))
        return waited

    def busy(self, graph: Graph) -> np.ndarray:
        """Time in ps that the busiest unit spent on each operator of the last graph."""
        start, end = self.dispatcher.times()
        found = np.zeros((len(graph.work), 1 + len(self.classes)), np.int64)
        np.add.at(found, (graph.tasks["operator"], graph.tasks["unit"]), end - start)
        most: np.ndarray = found.max(axis=1)
        return most

    def opened(self, graph: Graph) -> np.ndarray:
        """Rows of banks that each operator of the last graph opened, over all channels."""
        weights = np.array([0, *(alike.multiplicity for alike in self.classes)])[graph.tasks["unit"]]
        found = np.zeros(len(graph.work), np.int64)
        np.add.at(found, graph.tasks["operator"], self.dispatcher.told() * weights)
        return found

    def finish(self) -> None:
        """Let refresh and standby of all channels reach the present."""
        for channel in self.channels:
            channel.finish(self.simulator.now)

    def counts(self) -> Counts:
        """Everything counted so far, over all channels."""
        found = Counts(asic_cycles=self.asic.counts()["busy"])
        for channel in self.channels:
            ticks, commands = channel.counts()
            found.busy_ticks_most = max(found.busy_ticks_most, ticks["busy"])
            for name, count in commands.items():
                found.commands[name] = found.commands.get(name, 0) + count * channel.multiplicity
            for name, count in ticks.items():
                found.ticks[name] = found.ticks.get(name, 0) + count * channel.multiplicity
        return found

    def fast_forward_report(self) -> dict[str, object]:
        """How much was replayed, and why not where it was not."""
        if self.transitions is None:
            return {"on": False}
        replayed = simulated = 0
        reasons: dict[str, int] = {}
        for channel in self.channels:
            statistics = channel.region.statistics()
            replayed += statistics["replayed"]
            simulated += statistics["simulated"]
            for reason, times in statistics["off_because"].items():
                reasons[reason] = reasons.get(reason, 0) + times
        total = replayed + simulated
        return {
            "on": True,
            "iterations": total,
            "replayed_share": replayed / total if total else 0.0,
            "transitions": self.transitions.sizes()["transitions"],
            "off_because": reasons,
        }
