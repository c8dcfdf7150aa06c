"""A batch of requests on NPUs and their memory: iterations, their stages, and the regions that these become."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bitline.arch.dram.controller import load_controller, resolve_policy
from bitline.arch.dram.interleave import Interleave, interleave_of
from bitline.arch.dram.mapping import parse_mapping
from bitline.arch.dram.table import build_table
from bitline.arch.link.bound import send_s
from bitline.arch.npu.mapping import Mapping
from bitline.arch.pim.newton import KvShape, NewtonAttention
from bitline.arch.systems.system import MemorySpec, System, memory_part, npu_spec
from bitline.base.errors import SpecError
from bitline.base.files import whole_file
from bitline.sim.run.batch_plan import BatchPlan, BatchWorkload, ByChannel, DeviceMemory, TraceWorkload, contexts_of
from bitline.sim.run.command_log import HEADER, CommandText
from bitline.sim.run.npu_lowering import NpuLowering
from bitline.sim.run.npu_machine import ChannelClass, MachineSpec, NpuMachine, RegionResult
from bitline.sim.run.timeline import Span
from bitline.sim.schedule.iteration import Plan, Stage, Work, interleaved, npu_alone, serial
from bitline.sim.schedule.layer_parts import LayerParts, layer_parts
from bitline.sim.schedule.region import BankAttention, NpuOperator, Region
from bitline.sim.schedule.serving_policy import BatchPolicy
from bitline.sim.schedule.split import Collective, collectives, pipeline_stage, stage_bytes
from bitline.sim.schedule.sub_batch import halves
from bitline.traces import Operator, Trace

PS = 1e12
PLACES = 16
"""Of each FIFO, where tiles share a pool: more than fit."""


@dataclass
class StageTime:
    """A stage of an iteration on one device: its region's result, and how often it comes."""

    name: str
    count: int
    region: Region
    result: RegionResult
    bound_ps: float


@dataclass
class DeviceTime:
    """One micro-batch on the devices of one pipeline stage."""

    stages: list[StageTime] = field(default_factory=list)

    @property
    def time_ps(self) -> int:
        """All stages, as often as they come."""
        return sum(stage.count * stage.result.time_ps for stage in self.stages)

    @property
    def bound_ps(self) -> float:
        """The same at the bound."""
        return sum(stage.count * stage.bound_ps for stage in self.stages)


@dataclass
class Iteration:
    """One token for every request: each pipeline stage on each micro-batch."""

    devices: list[list[DeviceTime]]
    """[pipeline stage][micro-batch]."""
    time_s: float
    bound_s: float
    tokens: int
    contexts: tuple[int, ...]
    sends_s: float = 0.0
    """Of one micro-batch, from stage to stage all the way."""


class BatchRun:
    """A run of a batched workload on a system with an NPU: `run()`, then batch_result.py."""

    def __init__(
        self,
        name: str,
        system: System,
        policy: BatchPolicy,
        tiling: Mapping,
        workload: BatchWorkload | TraceWorkload,
        *,
        fast_forward: bool = True,
        logging: bool = False,
        bins: int = 0,
    ) -> None:
        if system.memory is None or system.npu is None:
            raise SpecError(f"system '{name}' has no NPU", field="npu")
        self.name, self.system, self.policy, self.workload = name, system, policy, workload
        self.npu = npu_spec(system.npu)
        self.part = memory_part(system.memory)
        self.table = build_table(self.part)
        self.interleave = memory_interleave(system.memory)
        self.device: NewtonAttention | None = None
        if policy.attention_in_banks:
            self.device = NewtonAttention(self.part)
        organisation = self.part.organisation
        memory = DeviceMemory(
            organisation.channel_bytes * system.memory.channels,
            system.memory.channels,
            organisation.n_banks,
            organisation.row_bytes,
        )
        self.given = workload.trace if isinstance(workload, TraceWorkload) else None
        if isinstance(workload, BatchWorkload):
            self.plan = BatchPlan(workload, policy, memory)
        self.lowering = NpuLowering(self.npu, tiling, self.interleave, self.part, policy.kv_page_tokens)
        self.machine_spec = self._machine_spec(system.memory)
        self.fast_forward, self.logging, self.bins = fast_forward, logging, bins
        self.machines: dict[int, NpuMachine] = {}
        self.known: dict[Any, RegionResult] = {}
        self.simulated = self.events = 0
        self.only_bound = False
        self.iterations: list[Iteration] = []

    def _machine_spec(self, memory: MemorySpec) -> MachineSpec:
        npu = self.npu
        assert memory.controller is not None
        pool = npu.scratchpad.sharing == "pool"
        controller = load_controller(memory.controller, None if memory.refresh else {"refresh": "none"})
        return MachineSpec(
            clock_mhz=npu.clock_mhz,
            cores=npu.cores,
            array={
                "rows": npu.array.rows,
                "columns": npu.array.columns,
                "arrays": npu.array.count,
                "rule": npu.array.rule,
                "dataflow": npu.array.dataflow,
                "weight_double_buffer": npu.array.weight_double_buffer,
            },
            fifos=(PLACES if pool else npu.scratchpad.buffers,) * 3,
            accumulators=PLACES if pool else npu.accumulator.buffers,
            pool_bytes=(
                (npu.scratchpad.bytes, npu.accumulator.bytes, npu.accumulator.element_bytes) if pool else (0, 0, 0)
            ),
            port_bytes=int(npu.network.port_bytes_per_cycle * npu.network.clock_mhz / npu.clock_mhz),
            hop_cycles=self.lowering.hop_cycles(float(self.part.tick_ps)),
            table=self.table,
            controller=resolve_policy(controller, self.table),
            interleave=self.interleave,
            outstanding=npu.dma.outstanding_per_channel,
            attention=self.device,
        )

    # --- running ---

    def bound(self) -> None:
        """Every iteration at its bound, without executing a cycle."""
        self.only_bound = True
        self.run()

    def fast_forward_report(self) -> dict[str, object]:
        """How many regions were simulated, and for how many they stand."""
        total = sum(
            stage.count for one in self.iterations for row in one.devices for device in row for stage in device.stages
        )
        return {
            "on": self.fast_forward,
            "iterations": total,
            "replayed_share": 1 - self.simulated / total if total else 0.0,
            "regions_simulated": self.simulated,
            "events": self.events,
        }

    def run(self, progress: Callable[[int], None] | None = None) -> None:
        """Every iteration of the workload."""
        if self.given is not None:
            self.iterations.append(self._given(self.given))
            return
        for i in range(self.workload.iterations):
            if not self.plan.pool.running:
                break
            self.iterations.append(self._iteration())
            self.plan.pool.step()
            if progress is not None:
                progress(i + 1)

    def _given(self, trace: Trace) -> Iteration:
        """The operators of a trace, one region for each of its blocks."""
        device = DeviceTime()
        for block in trace.blocks:
            region = Region("operators", block.repeats, tuple(self.lowering.chain(block.operators)))
            result = RegionResult.empty() if self.only_bound else self._run_region(region)
            device.stages.append(StageTime(region.name, region.count, region, result, self._bound_ps(region)))
        return Iteration([[device]], device.time_ps / PS, device.bound_ps / PS, 0, ())

    def _iteration(self) -> Iteration:
        batches = self.plan.micro_batches()
        pipeline = self.workload.split.pipeline
        devices = [[self._device(stage, batch) for batch in batches] for stage in range(pipeline)]
        tokens = sum(len(contexts_of(batch)) for batch in batches)
        times = [[one.time_ps / PS for one in row] for row in devices]
        bounds = [[one.bound_ps / PS for one in row] for row in devices]
        sends = self._sends(batches)
        contexts = tuple(context for batch in batches for context in contexts_of(batch))
        return Iteration(devices, _round_s(times, sends), _round_s(bounds, sends), tokens, contexts, sends)

    def _sends(self, batches: Sequence[ByChannel]) -> float:
        """From each pipeline stage to the next, of the largest micro-batch."""
        link, pipeline = self.system.link, self.workload.split.pipeline
        if link is None or pipeline == 1 or self.policy.exchanges == "ignored":
            return 0.0
        rows = max(len(contexts_of(batch)) for batch in batches)
        return (pipeline - 1) * send_s(link, stage_bytes(self.plan.model, rows, self.workload.dtype))

    def _device(self, stage: int, batch: ByChannel) -> DeviceTime:
        """One micro-batch on the devices of a pipeline stage."""
        self.lowering.memory.release()
        cut = self._halves(batch)
        parts = [self._parts(half, stage) for half in cut]
        plan = self._plan(parts[0], len(cut) > 1)
        found = DeviceTime()
        for step in plan:
            region = self._region(step, parts, cut)
            result = RegionResult.empty() if self.only_bound else self._run_region(region)
            found.stages.append(StageTime(step.name, step.count, region, result, self._bound_ps(region)))
        return found

    # --- logs ---

    def _timed(self) -> Iterator[tuple[int, StageTime]]:
        """The stages of the first device, each kind once, with the time (ps) at which it begins, one after the other.

        Alike layers would say the same again.
        """
        now = 0
        for iteration in self.iterations:
            for one in iteration.devices[0][0].stages:
                yield now, one
                now += one.result.time_ps

    def first_product_tick(self) -> int:
        """The tick at which attention in the banks first begins, if it does: where a look at commands pays."""
        start = next((now for now, one in self._timed() if one.region.attention is not None), 0)
        return int(start / self.part.tick_ps)

    def write_commands(self, path: Path, first_tick: int = 0, last_tick: int | None = None) -> None:
        """Write the commands of first_tick <= tick < last_tick as CSV.

        Every kind of stage is there once, one after the other, with every channel that stands for others in some stage.
        """
        text = CommandText(self.part, self.table.commands)
        shown = {which[0] for _now, one in self._timed() for which, _rows in one.result.logs}
        with whole_file(path) as stream:
            stream.write(HEADER.encode())
            for now, one in self._timed():
                origin = round(now / self.part.tick_ps)
                if last_tick is not None and origin >= last_tick:
                    break
                logs = [
                    (channel, _window(rows, origin, first_tick, last_tick))
                    for which, rows in one.result.logs
                    for channel in which
                    if channel in shown
                ]
                if any(len(rows) for _channel, rows in logs):
                    text.write(stream, logs)

    def spans(self) -> Iterator[Span]:
        """Tasks of every kind of stage, by unit."""
        for now, one in self._timed():
            for unit, operator, start, end in sorted(one.result.tasks, key=lambda task: (task[0], task[2])):
                yield Span(unit, f"{one.name}: {operator}", now + start, now + end)

    @property
    def _in_banks(self) -> bool:
        """Is attention computed in the banks? Prompts are not: they are products of matrices."""
        return self.policy.attention_in_banks and self.workload.phase == "decode"

    def _halves(self, batch: ByChannel) -> list[ByChannel]:
        if self._in_banks and self.policy.interleaves(len(contexts_of(batch))):
            return list(halves(batch))
        return [batch]

    def _parts(self, half: ByChannel, stage: int) -> LayerParts:
        trace = self.plan.trace(contexts_of(half))
        return layer_parts(pipeline_stage(trace, self.workload.split.pipeline, stage))

    def _plan(self, parts: LayerParts, in_halves: bool) -> Plan:
        if not self._in_banks:
            return npu_alone(parts)
        return interleaved(parts) if in_halves else serial(parts)

    # --- regions ---

    def _region(self, stage: Stage, parts: Sequence[LayerParts], cut: Sequence[ByChannel]) -> Region:
        chain: list[NpuOperator] = []
        for work in stage.npu:
            chain += self._chain(work, parts[work.half], cut[work.half])
        attention = None
        if stage.pim:
            work = stage.pim[0]
            attention = self._attention(parts[work.half].operators(work.part), cut[work.half])
        return Region(stage.name, stage.count, tuple(chain), attention)

    def _chain(self, work: Work, parts: LayerParts, half: ByChannel) -> list[NpuOperator]:
        # The banks take what belongs to attention: the append too.
        in_banks = ("kv_append",) if self._in_banks else ()
        operators = [one for one in parts.operators(work.part) if one.kind not in in_banks]
        chain = self.lowering.chain(operators)
        return self._with_collectives(chain, work, len(contexts_of(half)))

    def _with_collectives(self, chain: list[NpuOperator], work: Work, tokens: int) -> list[NpuOperator]:
        """Exchanges between the devices of a tensor-parallel group, after the operators whose results they add."""
        link, tensor = self.system.link, self.workload.split.tensor
        if link is None or tensor == 1 or self.policy.exchanges == "ignored":
            return chain
        for exchange in collectives(self.plan.model, tensor, tokens, self.workload.dtype):
            if exchange.place == work.part.place:
                chain = _after(chain, exchange, round(exchange.time_s(link, tensor) * PS))
        return chain

    def _attention(self, operators: Sequence[Operator], half: ByChannel) -> BankAttention:
        score = next((one for one in operators if one.kind == "attention"), None)
        if score is None:
            raise SpecError("a layer without attention", field="model", expected="attention in every layer")
        if self.plan.share.latent is not None:
            raise SpecError(
                f"{self.plan.model.name} keeps latents, which the banks cannot attend to", field="model",
                expected="a model with keys and values, or a policy with attention on the npu",
            )  # fmt: skip
        shape = KvShape(score.heads // score.kv_heads, score.kv_heads, score.head_dim, score.head_dim)
        return BankAttention(shape, tuple(tuple(r.context for r in channel) for channel in half), score.window)

    def _run_region(self, region: Region) -> RegionResult:
        """Simulate a region, or remember it: all of them start from the state after a barrier."""
        key = (tuple((one.name.partition(".")[2], one.key, one.link_ps) for one in region.chain), region.attention)
        if self.fast_forward and key in self.known:
            return self.known[key]
        classes = self._classes(region)
        machine = self._machine(len(classes))
        options = self._bank_options() if region.attention else None
        for _again in range(1 if self.fast_forward else region.count):
            result = machine.run(region, classes, bank_tasks=options, bins=self.bins)
            self.simulated += 1
            self.events += result.events
        self.known[key] = result
        return result

    def _machine(self, n_classes: int) -> NpuMachine:
        if n_classes not in self.machines:
            self.machines[n_classes] = NpuMachine(
                self.machine_spec, n_classes, logging=self.logging, fast_forward=self.fast_forward
            )
        return self.machines[n_classes]

    def _classes(self, region: Region) -> list[ChannelClass]:
        """Channels with the same requests, where the NPU asks the same of all of them."""
        channels = self.interleave.channels
        contexts = region.attention.contexts if region.attention else ((),) * channels
        alike = all(self.lowering.asks_alike(one) for one in region.chain)
        found: dict[Any, list[int]] = {}
        for channel in range(channels):
            found.setdefault(contexts[channel] if alike else channel, []).append(channel)
        return [ChannelClass(tuple(which), contexts[which[0]]) for which in found.values()]

    def _bank_options(self) -> dict[str, Any]:
        timer = self.lowering.timer
        return {
            "softmax_cycles": lambda rows, elements: timer.cycles("softmax", rows, elements),
            "add_cycles": lambda elements: timer.cycles("add", 1, elements),
            "first_row": self.lowering.rows_above_weights(),
        }

    def _bound_ps(self, region: Region) -> float:
        """The longest of bytes, products with the exchanges that they wait for, and attention on the fullest channel.

        Weights may come while the operator before them computes, so what each operator takes alone does not add up.
        """
        compute = sum(one.compute_ps + one.link_ps for one in region.chain)
        chain = max(compute, sum(one.memory_ps for one in region.chain))
        if region.attention is None:
            return chain
        assert self.device is not None
        attention = region.attention
        ticks = max(
            sum(self.device.least_ticks(attention.shape, attention.seen(context)) for context in contexts)
            for contexts in attention.contexts
        )
        return max(chain, ticks * float(self.part.tick_ps))


def memory_interleave(memory: MemorySpec) -> Interleave:
    """Where the lines of a system's memory lie. Raises SpecError."""
    assert memory.controller is not None
    part = memory_part(memory)
    text = memory.mapping or load_controller(memory.controller).mapping
    return interleave_of(parse_mapping(text, part.organisation, memory.channels), part.organisation, memory.channels)


def _window(rows: np.ndarray, origin: int, first: int, last: int | None) -> np.ndarray:
    """Logged commands of a region that begins at tick `origin`, those of first <= tick < last."""
    moved = rows.copy()
    moved["tick"] += origin
    keep = moved["tick"] >= first
    if last is not None:
        keep &= moved["tick"] < last
    found: np.ndarray = moved[keep]
    return found


def _after(chain: list[NpuOperator], exchange: Collective, link_ps: int) -> list[NpuOperator]:
    """The chain with an exchange after the last product whose name begins so."""
    name = exchange.name
    if name == "residual":
        fitting = [i for i, one in enumerate(chain) if one.kind == "matmul"]
    else:
        fitting = [
            i for i, one in enumerate(chain) if one.name.startswith(name) and one.kind in ("matmul", "embedding")
        ]
    if not fitting:
        return chain
    found = list(chain)
    found[fitting[-1]] = found[fitting[-1]].with_link(link_ps)
    return found


def _round_s(times: list[list[float]], sends_s: float) -> float:
    """Every micro-batch through every pipeline stage, in steady state: the slowest stage, or the longest way round."""
    if len(times) == 1 and len(times[0]) == 1:
        return times[0][0]
    alone = max(sum(row) for row in times)
    way = max(sum(row[j] for row in times) for j in range(len(times[0])))
    return max(alone, way + sends_s)
