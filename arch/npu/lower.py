"""From jobs to the programs of an NPU's cores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from bitline.arch.npu.fused_attention import attention_nests
from bitline.arch.npu.gemm import Nest, gemm_nests
from bitline.arch.npu.jobs import AttentionJob, GemmJob, Job, Operand, VectorJob, VectorTimer
from bitline.arch.npu.mapping import Mapping
from bitline.arch.npu.memory_map import MemoryMap
from bitline.arch.npu.nest import Counts, count, to_program
from bitline.arch.npu.row_pass import flat, pass_nests
from bitline.arch.npu.spec import NpuSpec
from bitline.arch.npu.stream import as_stream
from bitline.arch.npu.tiling import Tiling, choose_tiling
from bitline.csrc.engine.program import Program


@dataclass(frozen=True)
class Lowered:
    """A job on the cores of an NPU."""

    job: Job
    tiling: Tiling | None
    nests: tuple[Nest, ...]
    """One a core; empty where the core has nothing to do."""

    @cached_property
    def programs(self) -> tuple[Program | None, ...]:
        """The nests as programs over NPU_BODY rows."""
        return tuple(to_program(nest) if nest else None for nest in self.nests)

    @cached_property
    def counts(self) -> Counts:
        """What all cores do together."""
        total = Counts()
        for nest in self.nests:
            total += count(nest)
        return total


def lower(
    job: Job,
    spec: NpuSpec,
    mapping: Mapping,
    memory: MemoryMap,
    timer: VectorTimer | None = None,
    *,
    tiling: Tiling | None = None,
) -> Lowered:
    """Programs of a job. `tiling`: in place of what the mapping would choose (jobs that share a weight's layout).

    Raises CapacityError where a tile does not fit in the core or a tensor in the memory.
    """
    nests: list[Nest]
    if isinstance(job, GemmJob):
        if mapping.layout == "row_major":
            job = _row_major(job)
        tiling = tiling or choose_tiling(job, spec, mapping, memory.bandwidth_gb_s)
        nests = gemm_nests(job, tiling, memory, timer, spec.cores)
    elif isinstance(job, AttentionJob):
        assert timer is not None
        nests = attention_nests(job, spec, memory, timer)
    else:
        assert timer is not None
        job = flat(job, max(1, min(spec.tile_bytes // 8, spec.result_elements)) // max(1, len(job.inputs)))
        nests = pass_nests(job, spec, memory, timer)
    if mapping.layout == "ideal_stream":
        nests = [as_stream(nest, memory) for nest in nests]
    return Lowered(job, tiling, tuple(nests))


def _row_major(job: GemmJob) -> GemmJob:
    def by_rows(operand: Operand) -> Operand:
        return replace(operand, layout="rows")

    return replace(
        job,
        activations=by_rows(job.activations),
        weights=by_rows(job.weights),
        results=by_rows(job.results),
        epilogue=tuple(replace(s, operand=by_rows(s.operand) if s.operand else None) for s in job.epilogue),
    )


__all__ = ["Lowered", "VectorJob", "lower"]
