"""A run on a PIM system: every token's graph, then time, energy and bottleneck of each operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from bitline.arch.asic.spec import AsicSpec
from bitline.arch.pim.bound import ProgramWorks
from bitline.arch.pim.device import PimDevice, pim_device
from bitline.arch.pim.layout import make_layout
from bitline.arch.systems.system import System, memory_part
from bitline.base.columns import Column
from bitline.base.errors import CapacityError, SpecError
from bitline.base.files import whole_file
from bitline.sim.run.command_log import HEADER, CommandText
from bitline.sim.run.pim_bound import operator_bounds_ps, token_bound_ps
from bitline.sim.run.pim_machine import PimMachine
from bitline.sim.run.pim_totals import Taken, Totals
from bitline.sim.run.timeline import Span
from bitline.sim.run.workload import Workload
from bitline.sim.schedule.classes import channel_classes
from bitline.sim.schedule.graph import Graph, OperatorWork
from bitline.sim.schedule.pim_graph import GraphBuilder
from bitline.sim.schedule.policy import Policy
from bitline.traces import Operator, Trace, load_model

DEFAULT_RESERVED = 4096
TICKS_AT_ONCE = 1 << 16
IN_BANKS = ("matmul", "attention", "embedding", "kv_append")


class PimRun:
    """A run on a memory with compute in its banks: `run()` or `bound()`, then pim_result.py."""

    def __init__(
        self, name: str, system: System, policy: Policy, workload: Workload, *, fast_forward: bool, logging: bool
    ) -> None:
        if system.memory is None or system.asic is None:
            raise SpecError(f"system '{name}' has no memory with compute in its banks")
        self.system, self.policy, self.workload = system, policy, workload
        self.asic: AsicSpec = system.asic
        self.part = part = memory_part(system.memory)
        self.device: PimDevice = pim_device(part, system.memory.part)
        self.n_channels = system.memory.channels
        self._check_policy()
        first = workload.trace(workload.contexts[0])
        self.reserved = self._reserved_tokens()
        layout = make_layout(first, self.device, self.n_channels, self.reserved, workload.batch)
        check_sram(first, self.asic.sram_bytes)
        self.classes = channel_classes(self.device, self.n_channels, first, layout, workload.contexts)
        self.builder = GraphBuilder(
            self.device, self.asic, policy, layout, self.n_channels, self.classes, self.reserved
        )
        self.refresh, self.fast_forward, self.logging = system.memory.refresh, fast_forward, logging
        self.works = ProgramWorks(self.device)
        self.forget()
        self.last: tuple[Graph, int] | None = None

    def forget(self) -> None:
        """Begin the sums anew."""
        self.totals = Totals(self.works, self.classes)
        self.bound_ps: Column = 0.0

    @cached_property
    def machine(self) -> PimMachine:
        """What the cycles run on: a bound needs none."""
        return PimMachine(
            self.device,
            self.asic,
            self.classes,
            refresh=self.refresh,
            fast_forward=self.fast_forward,
            logging=self.logging,
        )

    def _check_policy(self) -> None:
        for kind in IN_BANKS:
            if self.policy.unit_of(kind) != "pim":
                problem = f"maps {kind} to '{self.policy.unit_of(kind)}'"
                raise SpecError(problem, file="policy", field="mapping", expected=f"{kind}: pim, on this system")
        others = {kind: unit for kind, unit in self.policy.mapping.items() if kind not in IN_BANKS and unit != "asic"}
        for kind, unit in others.items():
            raise SpecError(f"maps {kind} to '{unit}'", file="policy", field=f"mapping.{kind}", expected="asic")

    def _reserved_tokens(self) -> int:
        positions = load_model(self.workload.model).max_position
        reserved = self.policy.reserved_tokens or min(positions, DEFAULT_RESERVED)
        longest = max(self.workload.contexts)
        if longest > reserved:
            raise CapacityError(
                f"a context of {longest} tokens, with rows reserved for {reserved}",
                field="policy.reserved_tokens",
                expected=f"at least {longest}",
            )
        return reserved

    # --- running ---

    def run(self, progress: Callable[[int], None] | None = None) -> None:
        """Every token, request by request."""
        contexts = self.workload.contexts
        for i, context in enumerate(contexts):
            trace = self.workload.trace(context, head=self.workload.needs_head(i))
            for request in range(self.workload.batch):
                self._run_token(trace, request)
            if progress is not None:
                progress(i + 1)
        self.machine.finish()

    def _run_token(self, trace: Trace, request: int) -> None:
        graph = self.builder.graph(trace, request)
        self.machine.learn(self.builder.programs)
        since = self.machine.simulator.now
        waited = self.machine.run(graph)
        self.last = (graph, since)
        costs = [one.on_asic(self.asic) for one in graph.work]
        bounds = operator_bounds_ps(graph.work, self.works, costs, self.asic.clock_mhz)
        self.bound_ps += token_bound_ps(trace, bounds, self.policy)
        busy, opened = self.machine.busy(graph), self.machine.opened(graph)
        for i, one in enumerate(graph.work):
            self.totals.add(one, costs[i], bounds[i], Taken(int(waited[i]), int(busy[i]), int(opened[i])))

    def bound(self) -> None:
        """Every token at its bound, without executing a cycle."""
        for trace, work in self.tokens():
            self.add_bound(self.asic, trace, work)

    def tokens(self) -> Iterator[tuple[Trace, list[OperatorWork]]]:
        """What every token of one request asks for."""
        for i, context in enumerate(self.workload.contexts):
            trace = self.workload.trace(context, head=self.workload.needs_head(i))
            yield trace, self.builder.work(trace)

    def add_bound(self, asic: AsicSpec, trace: Trace, work: Sequence[OperatorWork]) -> None:
        """Add a token of every request at its bound. The spec of the ASIC may hold columns."""
        costs = [one.on_asic(asic) for one in work]
        bounds = operator_bounds_ps(work, self.works, costs, asic.clock_mhz)
        token_ps = token_bound_ps(trace, bounds, self.policy)
        for _request in range(self.workload.batch):
            self.bound_ps = self.bound_ps + token_ps
            for one, cost, bound in zip(work, costs, bounds):
                self.totals.add(one, cost, bound, Taken())

    # --- what it took ---

    @property
    def time_ps(self) -> int:
        """Time of all tokens."""
        now: int = self.machine.simulator.now
        return now

    # --- logs ---

    def first_product_tick(self) -> int:
        """The tick at which the last token's first vector-matrix product began: where a look at commands pays."""
        if self.last is None:
            return 0
        graph, since = self.last
        start, _end = self.machine.dispatcher.times()
        products = [i for i, one in enumerate(graph.work) if one.kind == "matmul"]
        of_product = np.isin(graph.tasks["operator"], products) & (graph.tasks["unit"] > 0)
        first = int(start[of_product].min()) if of_product.any() else since
        return int(first / self.device.part.tick_ps)

    def write_commands(self, path: Path, first_tick: int = 0, last_tick: int | None = None) -> None:
        """Write the commands of first_tick <= tick < last_tick as CSV, one channel of each class, in pieces."""
        text = CommandText(self.device.part, self.device.table.commands)
        end = int(self.time_ps / self.device.part.tick_ps) + 1 if last_tick is None else last_tick
        with whole_file(path) as stream:
            stream.write(HEADER.encode())
            for start in range(first_tick, end, TICKS_AT_ONCE):
                stop = min(start + TICKS_AT_ONCE, end)
                text.write(
                    stream,
                    [
                        (alike.channel, channel.commands(start, stop))
                        for alike, channel in zip(self.classes, self.machine.channels)
                    ],
                )

    def spans(self) -> Iterator[Span]:
        """The last token's tasks, by unit."""
        if self.last is None:
            return
        graph, _since = self.last
        start, end = self.machine.dispatcher.times()
        tracks = ["asic", *(f"pim channel {alike.channel} (x{alike.multiplicity})" for alike in self.classes)]
        order = np.argsort(start, kind="stable")
        for i in order.tolist():
            task = graph.tasks[i]
            if end[i] > start[i]:
                one = graph.work[int(task["operator"])]
                yield Span(tracks[int(task["unit"])], one.name, int(start[i]), int(end[i]))


def vectors_bytes(trace: Trace) -> Iterator[tuple[Operator, int]]:
    """Products that keep their vectors in the SRAM, and the bytes of these. The logits of the head stream out."""
    for block in trace.blocks:
        for operator in block.operators:
            if operator.kind == "matmul" and operator.layer >= 0:
                yield operator, 2 * (operator.k + operator.n)


def check_sram(trace: Trace, sram_bytes: int) -> None:
    """Raise CapacityError where the vectors of an operator do not fit in so much SRAM."""
    for operator, needed in vectors_bytes(trace):
        if needed > sram_bytes:
            raise CapacityError(
                f"operator '{operator.name}' needs {needed} bytes for its vectors",
                field="asic.sram_bytes",
                expected=f"at least {needed}, it is {sram_bytes}",
            )
