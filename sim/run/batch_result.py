"""The result of a batched run on an NPU and its memory, and the laws that hold in every run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bitline.arch.dram.energy import energy_of
from bitline.arch.npu.energy import Work
from bitline.arch.npu.energy import energy_of as energy_of_work
from bitline.arch.npu.vector import operations
from bitline.base.errors import InternalError
from bitline.sim.run.result import OperatorResult, Result
from bitline.sim.schedule.bank_attention import KINDS as BANK_KINDS
from bitline.sim.schedule.bank_attention import NAMES as BANK_NAMES
from bitline.sim.schedule.region import BankAttention

if TYPE_CHECKING:
    from bitline.sim.run.batch_run import BatchRun, DeviceTime, StageTime
    from bitline.sim.run.npu_machine import RegionResult

PS = 1e12
LANE_BINS = 400
OPERANDS_LATE = 0.4
"""Share of the cycles in which arrays that could begin a tile wait for its operands, from which memory is to blame."""
ORDINARY = ("RD", "RDA", "WR", "WRA")
BARRIER = "barrier"


@dataclass
class _Operator:
    kind: str
    unit: str
    count: int = 0
    time_ps: float = 0.0
    busy_ps: float = 0.0
    bound_ps: float = 0.0
    link_ps: float = 0.0
    flops: float = 0.0
    bytes: float = 0.0


@dataclass
class _Sums:
    """Everything of all devices of the run, over all iterations."""

    operators: dict[str, _Operator] = field(default_factory=dict)
    commands: dict[str, int] = field(default_factory=dict)
    ticks: dict[str, int] = field(default_factory=dict)
    core: dict[str, int] = field(default_factory=dict)
    device_ps: int = 0
    """Time of all devices together."""
    npu_busy_ps: float = 0.0
    npu_cycles: float = 0.0
    """Of all cores, whatever they did."""
    pim_busy_ps: float = 0.0
    work: Work = field(default_factory=Work)
    bytes_asked: int = 0


def batch_result(run: BatchRun, system: str, policy: str, provenance: dict[str, Any]) -> Result:
    """Everything that a finished run is asked for. Raises InternalError where a conservation law is broken."""
    sums = _sum(run)
    time_s = sum(one.time_s for one in run.iterations)
    bound_s = sum(one.bound_s for one in run.iterations)
    tokens = sum(one.tokens for one in run.iterations)
    if time_s < bound_s * (1 - 1e-9):
        raise InternalError(f"the run took {time_s} s, less than its bound of {bound_s} s")
    parts = _energy_parts_j(run, sums)
    energy = sum(parts.values())
    channels, part = run.interleave.channels, run.part
    ticks = channels * sums.device_ps / float(part.tick_ps)
    peak = run.npu.macs_per_cycle(run.workload.dtype) * run.npu.clock_mhz * 1e6 * sums.device_ps / PS
    utilisation = {
        "npu compute": sums.work.macs / peak,
        "npu": sums.npu_busy_ps / sums.device_ps,
        "bandwidth": sums.ticks["data"] / ticks,
    }
    if run.device is not None:
        utilisation["pim"] = sums.pim_busy_ps / sums.device_ps
        utilisation["bank compute"] = _compute_ticks(run, sums) / ticks
    accesses = sums.ticks["row_hits"] + sums.ticks["row_misses"] + sums.ticks["row_conflicts"]
    return Result(
        system=system,
        policy=policy,
        workload=run.workload.to_dict(),
        level="cycle",
        time_s=time_s,
        bound_time_s=bound_s,
        tokens=tokens,
        tokens_per_s=tokens / time_s,
        time_per_token_s=time_s / len(run.iterations),
        energy_j=energy,
        power_w=energy / time_s,
        energy_parts_j=parts,
        bottleneck=_bottleneck(sums),
        traffic_bytes={
            "off_chip": float(sums.bytes_asked),
            "in_bank": float(_compute_accesses(run, sums) * part.organisation.access_bytes),
        },
        utilisation=utilisation,
        row_hit_rate=sums.ticks["row_hits"] / accesses if accesses else None,
        counts=dict(sorted(sums.commands.items())),
        fast_forward=run.fast_forward_report(),
        operators=tuple(_operators(run, sums, energy, time_s)),
        provenance=provenance,
        stages=tuple(_stages(run)),
        lanes=_lanes(run),
        pipeline=tuple(_pipeline(run)),
    )


def batch_bound_result(run: BatchRun, system: str, policy: str, provenance: dict[str, Any]) -> Result:
    """The bounds of a run of which no cycle was executed. Energy is not known at this level."""
    time_s = sum(one.bound_s for one in run.iterations)
    tokens = sum(one.tokens for one in run.iterations)
    totals: dict[str, _Operator] = {}
    for stage in (stage for one in run.iterations for row in one.devices for device in row for stage in device.stages):
        for one in stage.region.chain:
            row = totals.setdefault(_plain(one.name), _Operator(one.kind, "npu"))
            row.count += stage.count
            row.bound_ps += one.bound_ps * stage.count
            row.link_ps += one.link_ps * stage.count
            row.flops += one.flops * stage.count
            row.bytes += one.bytes * stage.count
        if stage.region.attention is not None:
            row = totals.setdefault("attention", _Operator("attention", "pim"))
            row.count += stage.count
            # What the banks take beyond the chain beside them.
            alone = sum(one.bound_ps for one in stage.region.chain)
            row.bound_ps += max(0.0, stage.bound_ps - alone) * stage.count
    total = sum(row.bound_ps for row in totals.values()) or 1.0
    scale = time_s * PS / total
    return Result(
        system=system,
        policy=policy,
        workload=run.workload.to_dict(),
        level="bound",
        time_s=time_s,
        bound_time_s=time_s,
        tokens=tokens,
        tokens_per_s=tokens / time_s,
        time_per_token_s=time_s / len(run.iterations),
        energy_j=0.0,
        power_w=0.0,
        energy_parts_j={},
        bottleneck=max(totals, key=lambda name: totals[name].bound_ps),
        traffic_bytes={},
        utilisation={},
        row_hit_rate=None,
        counts={},
        fast_forward={"on": False},
        operators=tuple(
            OperatorResult(
                name=name,
                kind=row.kind,
                unit=row.unit,
                level="bound",
                count=row.count,
                time_s=row.bound_ps * scale / PS,
                bound_time_s=row.bound_ps * scale / PS,
                overlapped_s=0.0,
                energy_j=0.0,
                bottleneck=_limit(row),
                flops=row.flops,
                bytes=row.bytes,
            )
            for name, row in totals.items()
        ),
        provenance=provenance,
    )


def _sum(run: BatchRun) -> _Sums:
    sums, tensor = _Sums(), run.workload.split.tensor
    for iteration in run.iterations:
        for device in (one for row in iteration.devices for one in row):
            for stage in device.stages:
                _add_stage(run, sums, stage, tensor)
    return sums


def _add_stage(run: BatchRun, sums: _Sums, stage: StageTime, tensor: int) -> None:
    result, count = stage.result, stage.count
    # Every device of a tensor-parallel group does the same.
    devices = count * tensor
    if not _conserved(run, result):
        raise InternalError(f"stage {stage.name}: {result.bytes_asked} bytes reached the memory")
    if sum(result.waited_ps) != result.time_ps - result.barrier_ps:
        raise InternalError(f"the times of the operators of stage {stage.name} do not add up to its own")
    for table, found in ((sums.commands, result.commands), (sums.ticks, result.ticks), (sums.core, result.core)):
        for name, value in found.items():
            table[name] = table.get(name, 0) + value * devices
    sums.device_ps += result.time_ps * devices
    sums.npu_busy_ps += result.npu_busy_ps * devices
    sums.npu_cycles += result.time_ps * 1e-6 * run.npu.clock_mhz * run.npu.cores * devices
    sums.pim_busy_ps += result.pim_busy_ps * devices
    sums.bytes_asked += result.bytes_asked * devices
    for i, one in enumerate(stage.region.chain):
        row = sums.operators.setdefault(_plain(one.name), _Operator(one.kind, "npu"))
        row.count += count
        row.time_ps += result.waited_ps[i] * count
        row.busy_ps += result.busy_ps[i] * count
        row.bound_ps += one.bound_ps * count
        row.link_ps += one.link_ps * count
        row.flops += one.flops * count
        row.bytes += one.bytes * count
        sums.work += one.work.times(devices)
    if stage.region.attention is not None:
        sums.work += _softmax_work(stage.region.attention).times(devices)
        first = len(stage.region.chain)
        for i, (name, kind) in enumerate(zip(BANK_NAMES, BANK_KINDS)):
            row = sums.operators.setdefault(name, _Operator(kind, "npu" if kind == "softmax" else "pim"))
            row.count += count
            row.time_ps += result.waited_ps[first + i] * count
            row.busy_ps += result.busy_ps[first + i] * count
    row = sums.operators.setdefault(BARRIER, _Operator(BARRIER, "memory"))
    row.count += count
    row.time_ps += result.barrier_ps * count


def _conserved(run: BatchRun, result: RegionResult) -> bool:
    """Every line that was asked for was one request, every request one access or shared with another."""
    lines = result.bytes_asked // run.part.organisation.access_bytes
    requests = result.ticks["reads"] + result.ticks["writes"]
    names = [command.name for command in run.table.commands if command.data and command.bus == "column"]
    accesses = sum(result.commands.get(name, 0) for name in names if name in ORDINARY)
    shared = result.ticks["merged"] + result.ticks["forwarded"]
    moved = result.core["bytes_loaded"] + result.core["bytes_stored"]
    return lines == requests == accesses + shared and moved <= result.bytes_asked - result.bytes_by_dma


def _softmax_work(attention: BankAttention) -> Work:
    """On the vector units, of every request; results come and go through the accumulator."""
    rows = attention.shape.kv_heads * attention.shape.queries
    elements = sum(rows * attention.seen(context) for contexts in attention.contexts for context in contexts)
    return Work(0, 2 * 2 * elements, operations("softmax", 1, elements), 0)


def _plain(name: str) -> str:
    return name.split(".", 1)[1] if name.startswith("layer") else name


def _operators(run: BatchRun, sums: _Sums, energy_j: float, time_s: float) -> Iterator[OperatorResult]:
    total = sum(row.time_ps for row in sums.operators.values()) or 1.0
    # Stages of a pipeline work at the same time: the rows share out the run's time as they share the devices'.
    scale = time_s / (total / PS)
    for name, row in sums.operators.items():
        share = row.time_ps / total
        yield OperatorResult(
            name=name,
            kind=row.kind,
            unit=row.unit,
            level="cycle",
            count=row.count,
            time_s=row.time_ps / PS * scale,
            bound_time_s=row.bound_ps / PS * scale,
            overlapped_s=max(0.0, row.busy_ps - row.time_ps) / PS * scale,
            energy_j=energy_j * share,
            bottleneck=_limit(row),
            flops=row.flops,
            bytes=row.bytes,
        )


def _limit(row: _Operator) -> str:
    if row.kind == BARRIER:
        return "refresh"
    if row.unit == "pim":
        return "bank compute"
    if row.link_ps > 0.5 * row.time_ps:
        return "link"
    if row.kind != "matmul" and row.kind != "attention":
        return "vector units" if row.bytes == 0 else "memory bandwidth"
    return "npu"


def _compute_accesses(run: BatchRun, sums: _Sums) -> int:
    return sums.ticks.get("comps", 0) * run.part.organisation.n_banks


def _compute_ticks(run: BatchRun, sums: _Sums) -> float:
    timing = run.part.timing
    return sums.ticks.get("comps", 0) * max(timing["tBL"], timing["tCCDS"]) * run.part.rules_of.ticks_per_clock


def _bottleneck(sums: _Sums) -> str:
    """What most of the time is waited for: the banks, the link, or the NPU; and of the NPU, arrays or operands."""
    times = {"bank compute": 0.0, "link": 0.0, "npu": 0.0}
    for row in sums.operators.values():
        if row.unit == "pim":
            times["bank compute"] += row.time_ps
        else:
            link = min(row.link_ps, row.time_ps)
            times["link"] += link
            times["npu"] += row.time_ps - link
    most = max(times, key=lambda name: times[name])
    if most == "npu" and sums.core["load_stall"] > OPERANDS_LATE * sums.npu_cycles:
        return "memory bandwidth"
    return most


def _energy_parts_j(run: BatchRun, sums: _Sums) -> dict[str, float]:
    """Energy of all devices by part. The terms are all there is."""
    tick_ns = float(run.part.tick_ps) / 1000
    memory = energy_of(
        run.part,
        sums.commands,
        sums.ticks["open_standby"] * tick_ns,
        sums.ticks["closed_standby"] * tick_ns,
        composite_columns=sums.ticks["comps"] - sums.commands.get("COMP", 0),
        pim_open_standby_ns=sums.ticks["pim_open_standby"] * tick_ns,
        pim_closed_standby_ns=sums.ticks["pim_closed_standby"] * tick_ns,
    )
    parts = {name: value * 1e-12 for name, value in memory.items() if name != "total"}
    cores = energy_of_work(sums.work, sums.device_ps / PS, run.npu)
    parts["mac"], parts["sram"], parts["vector"] = cores.mac_j, cores.sram_j, cores.vector_j
    parts["network"], parts["npu_static"] = cores.network_j, cores.static_j
    return parts


def _stages(run: BatchRun) -> Iterator[dict[str, Any]]:
    """The stages of the first iteration's first micro-batch on the first devices, in words and shares."""
    device: DeviceTime = run.iterations[0].devices[0][0]
    for stage in device.stages:
        result = stage.result
        yield {
            "name": stage.name,
            "count": stage.count,
            "time_s": result.time_ps / PS,
            "bound_s": stage.bound_ps / PS,
            "npu": result.npu_busy_ps / result.time_ps,
            "pim": result.pim_busy_ps / result.time_ps,
            "bytes": result.bytes_asked,
        }


def _pipeline(run: BatchRun) -> Iterator[dict[str, Any]]:
    """The first iteration: what a pipeline stage takes for a micro-batch, and the way there from the stage before."""
    first = run.iterations[0]
    hops = len(first.devices) - 1
    for stage, row in enumerate(first.devices if hops else ()):
        for micro_batch, device in enumerate(row):
            send_s = first.sends_s / hops if stage else 0.0
            yield {"stage": stage, "micro_batch": micro_batch, "time_s": device.time_ps / PS, "send_s": send_s}


def _lanes(run: BatchRun) -> dict[str, Any] | None:
    """Utilisation over the stages of the first iteration, each once, one after the other, in bins of one width."""
    stages = [stage for stage in run.iterations[0].devices[0][0].stages if stage.result.lanes is not None]
    if not stages:
        return None
    names = ("npu", "pim", "bandwidth") if run.device is not None else ("npu", "bandwidth")
    start, spans, edges = 0.0, [], [0.0]
    worked: dict[str, list[float]] = {name: [0.0] for name in names}
    for stage in stages:
        found = stage.result.lanes or {}
        end = start + stage.result.time_ps / PS
        spans.append({"name": stage.name, "start_s": start, "end_s": end})
        bins = len(found["npu"])
        edges += [start + (i + 1) * found["bin_s"] for i in range(bins)]
        for name in names:
            worked[name] += (worked[name][-1] + np.cumsum(found[name]) * found["bin_s"]).tolist()
        # To the end of the barrier.
        edges.append(end)
        for name in names:
            worked[name].append(worked[name][-1])
        start = end
    count = min(LANE_BINS, len(edges))
    grid = np.linspace(0.0, start, count + 1)
    width = start / count
    lanes = {
        name: np.clip(np.diff(np.interp(grid, edges, values)) / width, 0, 1).tolist() for name, values in worked.items()
    }
    return {"bin_s": width, "stages": spans, "lanes": lanes}
