"""Energy of an NPU's cores: what is counted of a job's programs, and joules from counts. The memory counts its own."""

from __future__ import annotations

from dataclasses import dataclass, fields

from bitline.arch.npu.body import ARRAY, LOAD, STORE, VECTOR, Row
from bitline.arch.npu.jobs import AttentionJob, GemmJob, Job, VectorJob
from bitline.arch.npu.lower import Lowered
from bitline.arch.npu.nest import counted_rows
from bitline.arch.npu.spec import NpuSpec
from bitline.arch.npu.tiling import ceil_div
from bitline.arch.npu.vector import operations


@dataclass(frozen=True)
class Work:
    """What costs energy."""

    macs: int = 0
    sram_bytes: int = 0
    """Read from and written to scratchpads and accumulators."""
    vector_ops: int = 0
    network_byte_hops: int = 0

    def __add__(self, other: Work) -> Work:
        return Work(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(Work)))

    def times(self, count: int) -> Work:
        """All of it `count` times."""
        return Work(*(count * getattr(self, field.name) for field in fields(Work)))


@dataclass(frozen=True)
class Energy:
    """Joules by part."""

    mac_j: float
    sram_j: float
    vector_j: float
    network_j: float
    static_j: float

    @property
    def total_j(self) -> float:
        """All parts."""
        return self.mac_j + self.sram_j + self.vector_j + self.network_j + self.static_j


def energy_of(work: Work, seconds: float, spec: NpuSpec) -> Energy:
    """Energy of work that took that long."""
    energy = spec.energy
    return Energy(
        work.macs * energy.mac_pj * 1e-12,
        work.sram_bytes * energy.sram_pj_per_byte * 1e-12,
        work.vector_ops * energy.vector_op_pj * 1e-12,
        work.network_byte_hops * energy.network_pj_per_byte * 1e-12,
        seconds * energy.static_mw * 1e-3,
    )


def work_of(lowered: Lowered, spec: NpuSpec) -> Work:
    """What the programs of a job do."""
    job = lowered.job
    sram = network = 0
    for core, nest in enumerate(lowered.nests):
        for row, trips in counted_rows(nest):
            sram += trips * sram_bytes(row, job, spec)
            if row.kind in (LOAD, STORE):
                network += trips * row.moved_bytes * spec.hops(core)
    macs = 0 if isinstance(job, VectorJob) else job.macs
    return Work(macs, sram, _vector_ops(job), network)


def sram_bytes(row: Row, job: Job, spec: NpuSpec) -> int:
    """Bytes that a row reads from and writes to the memories of its core."""
    element = spec.accumulator.element_bytes
    if row.kind == LOAD:
        return row.moved_bytes
    if row.kind == STORE:
        return row.moved_bytes
    if row.kind == VECTOR:
        return _vector_sram_bytes(row, job, element)
    assert row.kind == ARRAY
    assert not isinstance(job, VectorJob)
    a, b = _operand_bits(job)
    pack = job.macs_per_pe
    m, k, n = row.rows, row.row_bytes, row.pitch
    reads_a, reads_b, results = operand_passes(spec, m, k, n)
    # The first of the passes over a new result writes only.
    touched = m * n * element * (2 * results - row.first)
    return (m * k * pack * a * reads_a + k * pack * n * b * reads_b + 7) // 8 + touched


def operand_passes(spec: NpuSpec, m: int, k: int, n: int) -> tuple[int, int, int]:
    """How often a tile's activations and weights are read, and its results are added to.

    What stands still is read once; what streams, once for each block that stands still beside it.
    """
    array = spec.array
    if array.dataflow == "output":
        return ceil_div(n, array.columns), ceil_div(m, array.rows), 1
    if array.dataflow == "input":
        return 1, ceil_div(m, array.columns), ceil_div(k, array.rows)
    return ceil_div(n, array.columns), 1, ceil_div(k, array.rows)


def _operand_bits(job: GemmJob | AttentionJob) -> tuple[int, int]:
    if isinstance(job, GemmJob):
        return job.activations.bits, job.weights.bits
    return job.queries.bits, job.key_cache.bits


def _vector_sram_bytes(row: Row, job: Job, element_bytes: int) -> int:
    results = row.rows * row.row_bytes * element_bytes
    if isinstance(job, VectorJob):
        read = sum((1 if side.shared else row.rows) * side.row_bytes for side in job.inputs)
        return read + results
    # In and out of the accumulator; a second operand out of the scratchpad.
    seconds = [step.operand.bits for step in job.epilogue if step.operand] if isinstance(job, GemmJob) else []
    second = row.rows * row.row_bytes * max(seconds, default=0) // 8 if row.operand else 0
    return 2 * results + second


def _vector_ops(job: Job) -> int:
    if isinstance(job, VectorJob):
        return operations(job.function, job.rows, job.elements)
    if isinstance(job, GemmJob):
        return sum(operations(step.function, job.batch * job.m, job.n) for step in job.epilogue)
    return operations("softmax", job.batch * job.m, job.keys)
