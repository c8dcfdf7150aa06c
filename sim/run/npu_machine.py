"""An NPU and its memory channels as components, and the run of one region on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from bitline.arch.dram.interleave import Interleave
from bitline.arch.dram.table import TimingTable
from bitline.arch.pim.newton import NewtonAttention
from bitline.base.errors import InternalError
from bitline.csrc.dram.memory_channel import WRITES, MemoryChannel
from bitline.csrc.engine.program import Program
from bitline.csrc.engine.simulator import Simulator
from bitline.csrc.systolic.core import NpuCore
from bitline.csrc.tasks.dispatcher import TASK, Dispatcher
from bitline.csrc.tasks.unit import Unit
from bitline.sim.schedule.bank_attention import NAMES as BANK_OPERATORS
from bitline.sim.schedule.bank_attention import BankTasks, ChannelUnits, Tasks
from bitline.sim.schedule.region import BankAttention, NpuOperator, Region

QUEUED = 64
IN_FLIGHT = 512
LINK_MHZ = 1_000_000
"""The link counts picoseconds."""


@dataclass(frozen=True)
class ChannelClass:
    """Channels that do the same in a region; the first one stands for all."""

    channels: tuple[int, ...]
    contexts: tuple[int, ...] = ()


@dataclass
class RegionResult:
    """What one region took. Ticks and commands are over all channels, cycles over all cores."""

    time_ps: int
    barrier_ps: int
    """Of that, from the last result to the end of the barrier."""
    operators: list[str]
    waited_ps: list[int]
    busy_ps: list[int]
    commands: dict[str, int] = field(default_factory=dict)
    ticks: dict[str, int] = field(default_factory=dict)
    core: dict[str, int] = field(default_factory=dict)
    pim_busy_ps: int = 0
    """Time with work in the banks, mean over channels."""
    npu_busy_ps: int = 0
    """Time with a tile in the arrays, mean over cores."""
    bytes_asked: int = 0
    lanes: dict[str, Any] | None = None
    logs: list[tuple[tuple[int, ...], np.ndarray]] = field(default_factory=list)
    """Commands of each class of channels, on request: ticks from the region's start."""
    tasks: list[tuple[str, str, int, int]] = field(default_factory=list)
    """(unit, operator, start, end), ps from the region's start, on request."""
    events: int = 0
    classes: int = 0
    """Of channels: how many were simulated."""
    bytes_by_dma: int = 0
    """Of the bytes asked for, those of vectors and appends that go to the rows of the banks."""

    @staticmethod
    def empty() -> RegionResult:
        """Of a region that was not run."""
        return RegionResult(0, 0, [], [], [])


@dataclass(frozen=True)
class MachineSpec:
    """What a machine is built of."""

    clock_mhz: float
    cores: int
    array: dict[str, Any]
    fifos: tuple[int, int, int]
    accumulators: int
    port_bytes: int
    pool_bytes: tuple[int, int, int]
    """Bytes that operands share, that results share, and of a result; 0: their number alone counts."""
    hop_cycles: tuple[int, ...]
    """Cycles from each core to the memory, one way."""
    table: TimingTable
    controller: dict[str, Any]
    interleave: Interleave
    outstanding: int
    attention: NewtonAttention | None = None


class NpuMachine:
    """`n_classes` channels that stand for all, the cores, the dispatcher. Runs regions one after the other."""

    def __init__(self, spec: MachineSpec, n_classes: int, *, logging: bool = False, fast_forward: bool = True) -> None:
        self.spec, self.logging = spec, logging
        self.cores_n, pim = spec.cores, spec.attention is not None
        self.simulator = Simulator()
        # Cores' programs, cores' vector units, the link; then DMA and PIM of each channel.
        self.link = 2 * spec.cores
        self.dispatcher = Dispatcher("dispatcher", spec.clock_mhz, self.link + 1 + n_classes * (1 + pim))
        interleave = spec.interleave
        decode = interleave.mapping.decode_tables()
        self.channels = [
            MemoryChannel(
                f"channel class {i}",
                spec.table,
                spec.controller,
                decode=decode,
                n_lines=interleave.n_lines,
                granule=interleave.granule_lines,
                channels=interleave.channels,
                channel=i,
                ports=spec.cores + 1,
                pim=pim,
                outstanding=spec.outstanding,
                logging=logging,
            )
            for i in range(n_classes)
        ]
        self.cores = [
            NpuCore(
                f"npu core {i}",
                spec.clock_mhz,
                spec.array,
                self.channels,
                fifos=spec.fifos,
                accumulators=spec.accumulators,
                port_bytes=spec.port_bytes,
                scratchpad_bytes=spec.pool_bytes[0],
                accumulator_bytes=spec.pool_bytes[1],
                result_bytes=spec.pool_bytes[2],
                logging=logging,
            )
            for i in range(spec.cores)
        ]
        self.link_unit = Unit("link", LINK_MHZ)
        self._wire(pim)
        if fast_forward and n_classes > 1:
            for channel in self.channels:
                channel.once_while_alike(self.channels)
        self.programs: dict[int, int] = {}
        self.bank_programs: dict[int, int] = {}
        self.write_shapes: dict[int, int] = {}
        # Address bits of a row, and of a bank of a channel: they do not meet.
        self.row_bits = cache(lambda row: spec.interleave.row_address(0, 0, row))
        self.bank_bits = cache(lambda channel, bank: spec.interleave.row_address(channel, bank, 0))
        self.keep: list[Program] = []

    def _wire(self, pim: bool) -> None:
        simulator, dispatcher = self.simulator, self.dispatcher
        simulator.add(dispatcher, rank=0, device=0)
        for i, core in enumerate(self.cores):
            simulator.add(core, rank=1, device=i)
        simulator.add(self.link_unit, rank=1, device=len(self.cores))
        for i, channel in enumerate(self.channels):
            simulator.add(channel, rank=2, device=i)

        def pair(unit: Any, latency: int = 1) -> None:
            simulator.connect(dispatcher, unit, capacity=QUEUED, latency=latency)
            simulator.connect(unit, dispatcher, capacity=IN_FLIGHT, width=IN_FLIGHT, latency=latency)

        # Ports of a component are numbered as they are wired: a core's program, its vector unit, then channels.
        for core in self.cores:
            pair(core)
        for core in self.cores:
            pair(core)
        pair(self.link_unit)
        for core, hops in zip(self.cores, self.spec.hop_cycles):
            for channel in self.channels:
                simulator.connect(core, channel, capacity=IN_FLIGHT, latency=hops, width=IN_FLIGHT)
                simulator.connect(channel, core, capacity=IN_FLIGHT, latency=hops, width=IN_FLIGHT)
        for channel in self.channels:
            for _port in range(1 + pim):
                pair(channel)

    # --- programs ---

    def _number(self, program: Program) -> int:
        if id(program) not in self.programs:
            numbers = {core.add_program(program) for core in self.cores}
            self.programs[id(program)] = numbers.pop()
            self.keep.append(program)
        return self.programs[id(program)]

    def _bank_number(self, program: Program) -> int:
        if id(program) not in self.bank_programs:
            numbers = {channel.add_program(program) for channel in self.channels}
            self.bank_programs[id(program)] = numbers.pop()
            self.keep.append(program)
        return self.bank_programs[id(program)]

    def _write_shape(self, size: int) -> int:
        if size not in self.write_shapes:
            line, pitch = self.spec.interleave.line_bytes, self.spec.interleave.column_pitch_bytes()
            numbers = {channel.add_shape(WRITES, -(-size // line), line, pitch) for channel in self.channels}
            self.write_shapes[size] = numbers.pop()
        return self.write_shapes[size]

    def _row_address(self, channel: int, bank: int, row: int) -> int:
        return self.row_bits(row) | self.bank_bits(channel, bank)

    # --- a region ---

    def run(
        self,
        region: Region,
        classes: Sequence[ChannelClass],
        *,
        bank_tasks: dict[str, Any] | None = None,
        bins: int = 0,
    ) -> RegionResult:
        """Run one region from the state after a barrier, to the end of the next one."""
        if len(classes) != len(self.channels):
            raise InternalError(f"{len(classes)} channel classes on {len(self.channels)} channels")
        simulator = self.simulator
        simulator.reset()
        for channel, alike in zip(self.channels, classes):
            channel.stand_for(alike.channels[0], len(alike.channels))
        tasks, names = self._tasks(region, classes, bank_tasks)
        rows = np.zeros(len(tasks.unit), TASK)
        rows["unit"], rows["program"], rows["base"] = tasks.unit, tasks.program, tasks.base
        rows["operator"] = tasks.operator
        self.dispatcher.load(rows, tasks.before, tasks.after)
        lanes = _Lanes(self, bins) if bins else None
        if lanes is None:
            simulator.run()
        else:
            lanes.run()
        if not self.dispatcher.finished:
            raise InternalError("a region ended before all of its tasks were done")
        return self._result(names, rows, classes, lanes)

    def _tasks(
        self, region: Region, classes: Sequence[ChannelClass], bank_tasks: dict[str, Any] | None
    ) -> tuple[Tasks, list[str]]:
        tasks, names = Tasks(), [operator.name for operator in region.chain]
        self._chain(tasks, region.chain)
        if region.attention is not None:
            assert bank_tasks is not None
            self._attention(tasks, region.attention, classes, len(names), bank_tasks)
            names += BANK_OPERATORS
        return tasks, names

    def _unit_names(self) -> list[str]:
        names = [f"npu core {i}" for i in range(self.cores_n)] + [f"vector unit {i}" for i in range(self.cores_n)]
        names.append("link")
        for channel in self.channels:
            which = f"channel {channel.channel} (x{channel.multiplicity})"
            names.append(f"dma to {which}")
            if self.spec.attention is not None:
                names.append(f"banks of {which}")
        return names

    def _chain(self, tasks: Tasks, chain: Sequence[NpuOperator]) -> None:
        """Jobs in order. On one core the next job's weights may come early: the core keeps its activations back."""
        waits: tuple[int, ...] = ()
        last: tuple[int, ...] = ()
        for i, operator in enumerate(chain):
            for job in operator.jobs:
                mine = tuple(
                    tasks.add(core, self._number(program), 0, i, waits)
                    for core, program in enumerate(job)
                    if program is not None
                )
                waits = mine if self.cores_n > 1 else ()
                last = mine
            if operator.link_ps:
                waits = (tasks.add(self.link, operator.link_ps, 0, i, last),)

    def _attention(
        self,
        tasks: Tasks,
        attention: BankAttention,
        classes: Sequence[ChannelClass],
        first_operator: int,
        options: dict[str, Any],
    ) -> None:
        assert self.spec.attention is not None
        adder = BankTasks(
            self.spec.attention,
            attention,
            row_address=self._row_address,
            write_shape=self._write_shape,
            number=self._bank_number,
            vector_units=tuple(range(self.cores_n, 2 * self.cores_n)),
            first_operator=first_operator,
            **options,
        )
        for i, alike in enumerate(classes):
            dma = self.link + 1 + 2 * i
            adder.add(tasks, ChannelUnits(alike.channels[0], dma, dma + 1), alike.contexts)

    def _result(
        self, names: list[str], rows: np.ndarray, classes: Sequence[ChannelClass], lanes: _Lanes | None
    ) -> RegionResult:
        end = self.simulator.now
        waited = self.dispatcher.waited(0, len(names))
        over = max(channel.barrier(end) for channel in self.channels)
        start, done = self.dispatcher.times()
        busy = np.zeros((len(names), self.link + 1 + 2 * len(self.channels)), np.int64)
        np.add.at(busy, (rows["operator"], rows["unit"]), done - start)
        found = RegionResult(
            time_ps=over,
            barrier_ps=over - end,
            operators=names,
            waited_ps=waited.tolist(),
            busy_ps=busy.max(axis=1).tolist(),
            events=self.simulator.events,
            classes=len(classes),
        )
        channels = sum(channel.multiplicity for channel in self.channels)
        for channel in self.channels:
            ticks, commands = channel.counts()
            for name, count in ticks.items():
                found.ticks[name] = found.ticks.get(name, 0) + count * channel.multiplicity
            for name, count in commands.items():
                found.commands[name] = found.commands.get(name, 0) + count * channel.multiplicity
            line_bytes = self.spec.interleave.line_bytes
            found.bytes_asked += sum(channel.lines_asked()) * channel.multiplicity * line_bytes
            found.bytes_by_dma += sum(channel.lines_asked(self.cores_n)) * channel.multiplicity * line_bytes
        for core in self.cores:
            for name, count in core.counts().items():
                found.core[name] = found.core.get(name, 0) + count
        found.pim_busy_ps = int(found.ticks["pim_busy"] * self.spec.table.part.tick_ps / channels)
        found.npu_busy_ps = int(found.core["array_busy"] * 1e6 / self.spec.clock_mhz / self.cores_n)
        if lanes is not None:
            found.lanes = lanes.rows(over)
        if self.logging:
            found.logs = [(alike.channels, channel.log_rows()) for alike, channel in zip(classes, self.channels)]
            units = self._unit_names()
            found.tasks = [
                (units[unit], names[operator], begun, ended)
                for unit, operator, begun, ended in zip(
                    rows["unit"].tolist(), rows["operator"].tolist(), start.tolist(), done.tolist()
                )
                if ended > begun
            ]
        return found


class _Lanes:
    """Utilisation over time: the counters of cores and channels at equal steps."""

    def __init__(self, machine: NpuMachine, bins: int) -> None:
        self.machine, self.bins = machine, bins
        self.samples: list[tuple[int, int, int, int]] = []

    def run(self) -> None:
        """Run the region once for its length, then again in steps."""
        simulator = self.machine.simulator
        simulator.run()
        end = simulator.now
        simulator.reset()
        for i in range(1, self.bins + 1):
            until = end * i // self.bins
            simulator.run(until=until)
            for channel in self.machine.channels:
                channel.catch_up(until)
            self._sample(until)
        simulator.run()

    def _sample(self, time: int) -> None:
        npu = sum(core.counts()["array_busy"] for core in self.machine.cores)
        pim = data = 0
        for channel in self.machine.channels:
            ticks, _commands = channel.counts()
            pim += ticks["pim_busy"] * channel.multiplicity
            data += ticks["data"] * channel.multiplicity
        self.samples.append((time, npu, pim, data))

    def rows(self, end: int) -> dict[str, Any]:
        """Shares by bin."""
        spec, n = self.machine.spec, self.machine.spec.interleave.channels
        table = np.array([(0, 0, 0, 0), *self.samples], np.float64)
        steps = np.diff(table, axis=0)
        width = np.maximum(steps[:, 0], 1)
        tick = float(spec.table.part.tick_ps)
        return {
            "bin_s": float(steps[0, 0]) * 1e-12,
            "npu": np.clip(steps[:, 1] * 1e6 / spec.clock_mhz / spec.cores / width, 0, 1).tolist(),
            "pim": np.clip(steps[:, 2] * tick / n / width, 0, 1).tolist(),
            "bandwidth": np.clip(steps[:, 3] * tick / n / width, 0, 1).tolist(),
        }
