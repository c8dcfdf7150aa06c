"""A run on a PIM system: every token's graph, then time, energy and bottleneck of each operator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from bitline.arch.asic.spec import AsicSpec
from bitline.arch.dram.energy import banks_driven, energy_of
from bitline.arch.pim.bound import ProgramWorks
from bitline.arch.pim.device import PimDevice, pim_device
from bitline.arch.pim.layout import make_layout
from bitline.arch.systems.system import System, memory_part
from bitline.base.errors import CapacityError, InternalError, SpecError
from bitline.base.files import whole_file
from bitline.sim.run.command_log import HEADER, CommandText
from bitline.sim.run.pim_bound import operator_bounds_ps, token_bound_ps
from bitline.sim.run.pim_machine import PimMachine
from bitline.sim.run.result import OperatorResult, Result
from bitline.sim.run.timeline import Span
from bitline.sim.run.workload import Workload
from bitline.sim.schedule.classes import channel_classes
from bitline.sim.schedule.graph import Graph, OperatorWork
from bitline.sim.schedule.pim_graph import GraphBuilder
from bitline.sim.schedule.policy import Policy
from bitline.traces import Trace, load_model

DEFAULT_RESERVED = 4096
TICKS_AT_ONCE = 1 << 16
IN_BANKS = ("matmul", "attention", "embedding", "kv_append")


@dataclass
class _Total:
    """What is added up for the operators of one name."""

    kind: str
    unit: str
    count: int = 0
    waited_ps: int = 0
    busy_ps: int = 0
    bound_ps: float = 0.0
    flops: float = 0.0
    bytes: float = 0.0
    adds: int = 0
    multiplies: int = 0
    sram_bytes: float = 0.0
    rows_opened: int = 0
    commands: dict[str, int] = field(default_factory=dict)
    compute_ticks: int = 0
    pin_ticks: int = 0


class PimRun:
    """A run on a memory with compute in its banks. `result` after `run()`."""

    def __init__(
        self, name: str, system: System, policy: Policy, workload: Workload, *, fast_forward: bool, logging: bool
    ) -> None:
        if system.memory is None or system.asic is None:
            raise SpecError(f"system '{name}' has no memory with compute in its banks")
        self.system, self.policy, self.workload = system, policy, workload
        self.asic: AsicSpec = system.asic
        part = memory_part(system.memory)
        self.device: PimDevice = pim_device(part, system.memory.part)
        self.n_channels = system.memory.channels
        self._check_policy()
        first = workload.trace(workload.contexts[0])
        self.reserved = self._reserved_tokens()
        layout = make_layout(first, self.device, self.n_channels, self.reserved, workload.batch)
        self._check_sram(first)
        self.classes = channel_classes(self.device, self.n_channels, first, layout, workload.contexts)
        self.builder = GraphBuilder(
            self.device, self.asic, policy, layout, self.n_channels, self.classes, self.reserved
        )
        self.machine = PimMachine(
            self.device,
            self.asic,
            self.classes,
            refresh=system.memory.refresh,
            fast_forward=fast_forward,
            logging=logging,
        )
        self.works = ProgramWorks(self.device)
        self.totals: dict[str, _Total] = {}
        self.bound_ps = 0.0
        self.last: tuple[Graph, int] | None = None

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

    def _check_sram(self, trace: Trace) -> None:
        for block in trace.blocks:
            for operator in block.operators:
                # The logits of the head stream out; every other product keeps its vectors.
                if operator.kind == "matmul" and operator.layer >= 0:
                    needed = 2 * (operator.k + operator.n)
                    if needed > self.asic.sram_bytes:
                        raise CapacityError(
                            f"operator '{operator.name}' needs {needed} bytes for its vectors",
                            field="asic.sram_bytes",
                            expected=f"at least {needed}, it is {self.asic.sram_bytes}",
                        )

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
        bounds = operator_bounds_ps(graph.work, self.works, self.asic.clock_mhz)
        self.bound_ps += token_bound_ps(trace, bounds, self.policy)
        busy, opened = self.machine.busy(graph), self.machine.opened(graph)
        for i, one in enumerate(graph.work):
            total = self.totals.setdefault(one.name, _Total(one.kind, one.unit))
            self._add(total, one, bounds[i], int(waited[i]), int(busy[i]), int(opened[i]))

    def _add(self, total: _Total, one: OperatorWork, bound: float, waited: int, busy: int, opened: int) -> None:
        total.count += one.repeats
        total.waited_ps += waited
        total.busy_ps += busy
        total.bound_ps += bound * one.repeats
        total.flops += one.flops * one.repeats
        total.bytes += one.bytes * one.repeats
        total.adds += one.adds * one.repeats
        total.multiplies += one.multiplies * one.repeats
        total.sram_bytes += one.sram_bytes * one.repeats
        total.rows_opened += opened
        for programs in one.steps:
            for alike, program in programs.items():
                times = one.repeats * self.classes[alike].multiplicity
                work = self.works.of(program)
                total.compute_ticks += work.compute_ticks * times
                total.pin_ticks += work.pin_ticks * times
                for name, count in work.commands.items():
                    total.commands[name] = total.commands.get(name, 0) + count * times

    def bound_result(self, system_name: str, policy_name: str, provenance: dict[str, Any]) -> Result:
        """The bank-level bound of every operator, without running a cycle. Energy is not known at this level."""
        for i, context in enumerate(self.workload.contexts):
            trace = self.workload.trace(context, head=self.workload.needs_head(i))
            graph = self.builder.graph(trace)
            bounds = operator_bounds_ps(graph.work, self.works, self.asic.clock_mhz)
            self.bound_ps += self.workload.batch * token_bound_ps(trace, bounds, self.policy)
            for one, bound in zip(graph.work, bounds):
                total = self.totals.setdefault(one.name, _Total(one.kind, one.unit))
                for _request in range(self.workload.batch):
                    self._add(total, one, bound, 0, 0, 0)
        time_s, tokens = self.bound_ps * 1e-12, self.workload.tokens
        return Result(
            system=system_name,
            policy=policy_name,
            workload=self.workload.to_dict(),
            level="bound",
            time_s=time_s,
            bound_time_s=time_s,
            tokens=tokens,
            tokens_per_s=tokens / time_s,
            time_per_token_s=time_s / tokens,
            energy_j=0.0,
            power_w=0.0,
            energy_parts_j={},
            bottleneck=self._bottleneck(lambda total: total.bound_ps),
            traffic_bytes={"weights_and_kv": sum(total.bytes for total in self.totals.values())},
            utilisation={},
            row_hit_rate=None,
            counts={},
            fast_forward={"on": False},
            operators=tuple(self._bound_operators()),
            provenance=provenance,
        )

    def _bound_operators(self) -> Iterator[OperatorResult]:
        for name, total in self.totals.items():
            yield OperatorResult(
                name=name,
                kind=total.kind,
                unit=total.unit,
                level="bound",
                count=total.count,
                time_s=total.bound_ps * 1e-12,
                bound_time_s=total.bound_ps * 1e-12,
                overlapped_s=0.0,
                energy_j=0.0,
                bottleneck=self._limit(total),
                flops=total.flops,
                bytes=total.bytes,
                commands=dict(sorted(total.commands.items())),
            )

    # --- the result ---

    @property
    def time_ps(self) -> int:
        """Time of all tokens."""
        now: int = self.machine.simulator.now
        return now

    def energy_parts_j(self) -> dict[str, float]:
        """Energy by part. The terms are all there is: their sum is the run's energy."""
        counts = self.machine.counts()
        tick_ns = float(self.device.part.tick_ps) / 1000
        memory = energy_of(
            self.device.part,
            counts.commands,
            counts.ticks["open_standby"] * tick_ns,
            counts.ticks["closed_standby"] * tick_ns,
        )
        parts = {name: memory[name] * 1e-12 for name in memory if name != "total"}
        adds = sum(total.adds for total in self.totals.values())
        multiplies = sum(total.multiplies for total in self.totals.values())
        parts["asic"] = (adds * self.asic.add_pj + multiplies * self.asic.multiply_pj) * 1e-12
        parts["sram"] = sum(total.sram_bytes for total in self.totals.values()) * self.asic.sram_pj_per_byte * 1e-12
        parts["asic_static"] = self.asic.static_mw * 1e-3 * self.time_ps * 1e-12
        return parts

    def result(self, system_name: str, policy_name: str, provenance: dict[str, Any]) -> Result:
        """Everything that was asked for. Raises InternalError where a conservation law is broken."""
        counts = self.machine.counts()
        parts = self.energy_parts_j()
        energy = sum(parts.values())
        time_s = self.time_ps * 1e-12
        self._check(counts.commands)
        tokens = self.workload.tokens
        part = self.device.part
        accesses, opened = self._row_use(counts.commands)
        bursts = sum(counts.commands.get(c.name, 0) for c in self.device.table.commands if c.data)
        ticks = self.n_channels * self.time_ps / float(part.tick_ps)
        compute = self.device.compute_ticks(counts.commands)
        return Result(
            system=system_name,
            policy=policy_name,
            workload=self.workload.to_dict(),
            level="cycle",
            time_s=time_s,
            bound_time_s=self.bound_ps * 1e-12,
            tokens=tokens,
            tokens_per_s=tokens / time_s,
            time_per_token_s=time_s / tokens,
            energy_j=energy,
            power_w=energy / time_s,
            energy_parts_j=parts,
            bottleneck=self._bottleneck(lambda total: total.waited_ps),
            traffic_bytes={
                "off_chip": float(bursts * part.organisation.access_bytes),
                "in_bank": float((accesses - self._pin_accesses(counts.commands)) * part.organisation.access_bytes),
                "weights_and_kv": sum(total.bytes for total in self.totals.values()),
            },
            utilisation={
                "bank compute": compute / ticks,
                "pins": counts.ticks["data"] / ticks,
                "channels": counts.ticks["busy"] / ticks,
                "asic": counts.asic_cycles * float(Fraction(10**6) / Fraction(str(self.asic.clock_mhz))) / self.time_ps,
            },
            row_hit_rate=1 - opened / accesses if accesses else None,
            counts=dict(sorted(counts.commands.items())),
            fast_forward=self.machine.fast_forward_report(),
            operators=tuple(self._operators(parts)),
            provenance=provenance,
        )

    def _check(self, commands: dict[str, int]) -> None:
        """Every command that the operators asked for was issued, and the time is not below the bound."""
        asked: dict[str, int] = {}
        for total in self.totals.values():
            for name, count in total.commands.items():
                asked[name] = asked.get(name, 0) + count
        # Precharges and activations come on top, as rows and refreshes need them.
        accesses = {command.name for command in self.device.table.commands if command.bus == "column"}
        for name, count in asked.items():
            issued = commands.get(name, 0)
            if issued < count or (name in accesses and issued > count):
                raise InternalError(f"{issued} {name} commands were issued, {count} were asked for")
        if sum(total.waited_ps for total in self.totals.values()) != self.time_ps:
            raise InternalError("the times of the operators do not add up to the run's")
        if self.time_ps < self.bound_ps * (1 - 1e-9):
            raise InternalError(f"the run took {self.time_ps} ps, less than its bound of {self.bound_ps:.0f} ps")

    def _row_use(self, commands: dict[str, int]) -> tuple[int, int]:
        """(column accesses, activations), both counted over banks."""
        accesses = opened = 0
        for command in self.device.table.commands:
            count = commands.get(command.name, 0) * banks_driven(self.device.part, command)
            if command.row == "need":
                accesses += count
            elif command.row == "open":
                opened += count
        return accesses, opened

    def _pin_accesses(self, commands: dict[str, int]) -> int:
        return sum(commands.get(c.name, 0) for c in self.device.table.commands if c.data and c.row == "need")

    def _operators(self, parts: dict[str, float]) -> Iterator[OperatorResult]:
        part = self.device.part
        time = self.time_ps
        shared = parts["refresh"] + parts["background"] + parts["asic_static"]
        activations = sum(total.rows_opened for total in self.totals.values())
        for name, total in self.totals.items():
            moved = energy_of(part, total.commands, 0.0, 0.0)["total"]
            own = moved + total.adds * self.asic.add_pj + total.multiplies * self.asic.multiply_pj
            own += total.sram_bytes * self.asic.sram_pj_per_byte
            activate = parts["activate"] * total.rows_opened / activations if activations else 0.0
            yield OperatorResult(
                name=name,
                kind=total.kind,
                unit=total.unit,
                level="cycle",
                count=total.count,
                time_s=total.waited_ps * 1e-12,
                bound_time_s=total.bound_ps * 1e-12,
                overlapped_s=max(0, total.busy_ps - total.waited_ps) * 1e-12,
                energy_j=own * 1e-12 + activate + shared * total.waited_ps / time,
                bottleneck=self._limit(total),
                flops=total.flops,
                bytes=total.bytes,
                commands=dict(sorted(total.commands.items())),
            )

    def _limit(self, total: _Total) -> str:
        """What takes most of an operator's time in the banks: compute, pins, or opening and closing rows."""
        if not total.commands:
            return "asic compute"
        timing, banks = self.device.part.timing, self.device.outputs_at_once
        to_column = timing.get("tRCDRDMAC", timing["tRCDRD"])
        row_ticks = (to_column + timing["tRTP"] + timing["tRP"]) * self.device.part.rules_of.ticks_per_clock
        rows = total.rows_opened / banks * row_ticks
        limits = {"bank compute": total.compute_ticks, "pins": total.pin_ticks, "row activation": rows}
        return max(limits, key=lambda name: limits[name])

    def _bottleneck(self, weight: Callable[[_Total], float]) -> str:
        times: dict[str, float] = {}
        for total in self.totals.values():
            limit = self._limit(total)
            times[limit] = times.get(limit, 0.0) + weight(total)
        return max(times, key=lambda name: times[name])

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
