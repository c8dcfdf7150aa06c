"""Operators of a trace as operators of the NPU: jobs, programs, bounds and work, each made once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from bitline.arch.dram.interleave import Interleave
from bitline.arch.dram.part import PartSpec
from bitline.arch.npu.bound import job_bound, vector_unit
from bitline.arch.npu.energy import Work, work_of
from bitline.arch.npu.jobs import GemmJob, Job
from bitline.arch.npu.lower import Lowered, lower
from bitline.arch.npu.mapping import Mapping
from bitline.arch.npu.memory_map import MemoryMap
from bitline.arch.npu.operators import OperatorJobs, jobs_of, macs_per_pe
from bitline.arch.npu.spec import NpuSpec
from bitline.csrc.engine.program import Program
from bitline.sim.schedule.region import NpuOperator
from bitline.traces import Operator
from bitline.traces.operator import FIELDS

LOAD, STORE = 0, 3
PS = 1e12
SEEN_FROM_LAYER = {"id", "name", "layer", "inputs", "outputs", "dependencies"}
CONTENT = tuple(name for name in FIELDS if name not in SEEN_FROM_LAYER)


class NpuLowering:
    """Lowers operators for one NPU and its memory."""

    def __init__(self, npu: NpuSpec, tiling: Mapping, interleave: Interleave, part: PartSpec, kv_page: int = 1) -> None:
        self.npu, self.tiling, self.interleave, self.kv_page = npu, tiling, interleave, kv_page
        self.timer = vector_unit(npu.vector)
        self.bandwidth_gb_s = part.peak_bandwidth_gb_s * interleave.channels
        self.memory = MemoryMap(
            capacity_bytes=interleave.n_lines * interleave.line_bytes,
            line_bytes=interleave.line_bytes,
            interleave_bytes=interleave.period_bytes or interleave.line_bytes,
            bandwidth_gb_s=self.bandwidth_gb_s,
            alignment_bytes=max(interleave.slab_bytes, 4096),
        )
        self.known: dict[tuple[object, ...], tuple[NpuOperator, ...]] = {}
        self.alike: dict[int, bool] = {}

    def hop_cycles(self, tick_ps: float) -> tuple[int, ...]:
        """Cycles of the receiver from each core to the memory, one way: the network's cycles, rounded up."""
        network = self.npu.network
        cycle_ps = 1e6 / network.clock_mhz * network.hop_cycles
        slower = min(tick_ps, self.npu.period_ps)
        return tuple(max(1, int(np.ceil(self.npu.hops(core) * cycle_ps / slower))) for core in range(self.npu.cores))

    def rows_above_weights(self) -> int:
        """The first row index above everything that is kept."""
        return -(-self.memory.kept_bytes // self.interleave.slab_bytes)

    def asks_alike(self, operator: NpuOperator) -> bool:
        """Does every channel see the same of an operator?"""
        return all(self._alike(program) for job in operator.jobs for program in job if program is not None)

    def _alike(self, program: Program) -> bool:
        if id(program) not in self.alike:
            period = self.interleave.period_bytes
            rows = program.body[np.isin(program.body["kind"], (LOAD, STORE))]
            aligned = period is not None and not (rows["offset"] % period).any()
            if aligned:
                aligned = not (rows["row_bytes"] % period).any() and not (rows["strides"] % period).any()
                aligned = aligned and not (rows["pitch"][rows["rows"] > 1] % period).any()
            self.alike[id(program)] = bool(aligned)
        return self.alike[id(program)]

    def chain(self, operators: Sequence[Operator]) -> list[NpuOperator]:
        """Operators that follow each other on the NPU."""
        key = tuple(operators)
        if key not in self.known:
            found = jobs_of(operators, fuse=self.tiling.fuse, kv_page=self.kv_page)
            self.known[key] = tuple(self._operator(one) for one in found)
        return list(self.known[key])

    def _operator(self, one: OperatorJobs) -> NpuOperator:
        operator = one.operator
        name = operator.name.split(".", 1)[1] if operator.layer >= 0 else operator.name
        lowered = [self._lower(job, operator) for job in one.jobs]
        bounds = [job_bound(found.job, self.npu, self.bandwidth_gb_s) for found in lowered]
        content = tuple(getattr(operator, field) for field in CONTENT)
        work = Work()
        for found in lowered:
            work += work_of(found, self.npu)
        return NpuOperator(
            name,
            operator.kind,
            tuple(found.programs for found in lowered),
            float(operator.flops),
            float(operator.bytes),
            sum(bound.compute_s for bound in bounds) * PS,
            sum(bound.memory_s for bound in bounds) * PS,
            work,
            (name, content, tuple(found.job.unique_bytes for found in lowered)),
        )

    def _lower(self, job: Job, operator: Operator) -> Lowered:
        if isinstance(job, GemmJob):
            job = replace(job, macs_per_pe=macs_per_pe(self.npu.array.macs_per_pe, operator))
        return lower(job, self.npu, self.tiling, self.memory, self.timer)
