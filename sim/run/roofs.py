"""The roofs of a run's units: peak FLOP/s and peak bytes/s, from the documents that its result was made from."""

from __future__ import annotations

from typing import Any

from bitline.arch.dram.part import PartSpec
from bitline.arch.systems.system import System, memory_part, npu_spec
from bitline.base.document import Source, check
from bitline.base.errors import SpecError
from bitline.sim.run.result import Result
from bitline.traces.dtypes import BITS

Roof = dict[str, Any]
"""`unit`, `flops_per_s`, `bytes_per_s`; the last is None where a unit's own memory is never what limits it."""


def roofs_of(result: Result) -> list[Roof]:
    """One roof for each unit whose operators are counted in FLOPs, of all devices together. Raises SpecError.

    An operator's flops are those of one device of a tensor-parallel group, so its roof is one device's; the devices of
    a pipeline share out the run's time, so theirs are added up.
    """
    resolved = result.provenance.get("resolved", {})
    if "system" not in resolved:
        raise SpecError("does not hold the system that ran", file=f"result of {result.system}", field="provenance")
    system = check(Source(resolved["system"], f"system of {result.system}", {}), System)
    devices = int(result.workload.get("pipeline", 1))
    if system.processor is not None:
        peaks = system.processor
        return [_roof("processor", peaks.peak_tflops * 1e12 * devices, peaks.bandwidth_gb_s * 1e9 * devices)]
    assert system.memory is not None
    part, channels = memory_part(system.memory), system.memory.channels
    if system.npu is not None:
        npu = npu_spec(system.npu)
        flops = 2 * npu.macs_per_cycle(result.workload["dtype"]) * npu.clock_mhz * 1e6
        return [_roof("npu", flops * devices, part.peak_bandwidth_gb_s * 1e9 * channels * devices)]
    assert system.asic is not None
    # An ASIC works on vectors in its SRAM, which feeds every unit.
    asic_flops = (system.asic.adders + system.asic.multipliers) * system.asic.clock_mhz * 1e6
    return [_bank_roof(part, channels), _roof("asic", asic_flops, None)]


def _bank_roof(part: PartSpec, channels: int) -> Roof:
    """Every compute unit multiplies one column of its bank at the pace at which columns of one bank follow."""
    assert part.pim is not None
    column_s = part.timing["tCCDL"] * float(part.clock_ps) * 1e-12
    elements_per_s = channels * part.pim.units * part.pim.lanes_per_bank / column_s
    return _roof("pim", 2 * elements_per_s, elements_per_s * BITS[part.pim.dtype] / 8)


def _roof(unit: str, flops_per_s: float, bytes_per_s: float | None) -> Roof:
    return {"unit": unit, "flops_per_s": flops_per_s, "bytes_per_s": bytes_per_s}
