"""Passes of the vector unit as loop nests: rows come in, are worked on, and leave, a chunk at a time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from bitline.arch.npu.body import ACTIVATIONS, OTHERS, VECTOR, WEIGHTS, Row, load, store
from bitline.arch.npu.gemm import Nest
from bitline.arch.npu.jobs import ROW_FUNCTIONS, Rows, VectorJob, VectorTimer, packed_bytes
from bitline.arch.npu.memory_map import MemoryMap
from bitline.arch.npu.nest import times
from bitline.arch.npu.spec import NpuSpec
from bitline.base.errors import CapacityError, SpecError

# Chunks of a core's rows where memory and scratchpad allow any number: loads, compute and stores of eight overlap.
CHUNKS = 8

FIFOS = (ACTIVATIONS, WEIGHTS, OTHERS)


@dataclass(frozen=True)
class _Side:
    key: str
    rows: Rows
    address: int
    pitch: int

    def span(self, rows: int) -> tuple[int, int, int]:
        return rows, self.rows.row_bytes, self.pitch


def pass_nests(job: VectorJob, spec: NpuSpec, memory: MemoryMap, timer: VectorTimer) -> list[Nest]:
    """A nest a core. Raises CapacityError where a row does not fit, or a tensor in memory."""
    if len(job.inputs) > len(FIFOS) or len(job.outputs) != 1:
        raise SpecError(f"'{job.name}' has {len(job.inputs)} inputs and {len(job.outputs)} outputs", expected="3 and 1")
    inputs = [_side(f"input{i}", rows, job.rows, memory) for i, rows in enumerate(job.inputs)]
    output = _side("output", job.outputs[0], job.rows, memory)
    chunk = chunk_rows(job, spec)
    bounds = [core * job.rows // spec.cores for core in range(spec.cores + 1)]
    return [_nest(job, inputs, output, chunk, low, high, timer) for low, high in pairwise(bounds)]


def chunk_rows(job: VectorJob, spec: NpuSpec) -> int:
    """Rows at a time. Raises CapacityError where not even one fits."""
    shared = sum(rows.row_bytes for rows in job.inputs if rows.shared)
    a_row = sum(rows.row_bytes for rows in job.inputs if not rows.shared)
    fit = (spec.tile_bytes - shared) // max(1, a_row)
    results = max(job.elements, packed_bytes(job.outputs[0].elements, job.outputs[0].bits))
    fit = min(fit, spec.result_elements // max(1, job.outputs[0].elements))
    if fit < 1:
        missing = max(
            (shared + a_row) * spec.scratchpad.buffers - spec.scratchpad.bytes,
            results * spec.accumulator.element_bytes * spec.accumulator.buffers - spec.accumulator.bytes,
        )
        raise CapacityError(
            f"a row of {job.elements} elements of '{job.name}' does not fit in the core: {missing} bytes are missing",
            field="scratchpad.bytes",
            expected="a larger scratchpad and accumulator",
        )
    pieces = -(-job.rows // (CHUNKS * spec.cores))
    return max(1, min(fit, pieces))


def _side(key: str, rows: Rows, count: int, memory: MemoryMap) -> _Side:
    pitch = rows.pitch_bytes or rows.row_bytes
    size = rows.tensor_bytes or (1 if rows.shared else count) * pitch
    address = rows.address
    if address is None:
        address = memory.keep(rows.name, size) if rows.kept else memory.passes(rows.name, size)
    return _Side(key, rows, address + rows.offset_bytes, pitch)


def _nest(
    job: VectorJob, inputs: list[_Side], output: _Side, chunk: int, low: int, high: int, timer: VectorTimer
) -> Nest:
    if low >= high:
        return []
    full, rest = divmod(high - low, chunk)
    # The last chunk takes the shared rows with it.
    sizes = (full, rest) if rest else (full - 1, chunk)
    items: Nest = [
        load(side.key, FIFOS[i], side.address, *side.span(1)) for i, side in enumerate(inputs) if side.rows.shared
    ]
    strides = {side.key: chunk * side.pitch for side in [*inputs, output] if not side.rows.shared}
    items += times(sizes[0], _chunk(job, inputs, output, low, chunk, timer, last=False), strides)
    items += _chunk(job, inputs, output, low + sizes[0] * chunk, sizes[1], timer, last=True)
    return items


def _chunk(
    job: VectorJob, inputs: list[_Side], output: _Side, row: int, rows: int, timer: VectorTimer, *, last: bool
) -> list[Row]:
    items: list[Row] = []
    mask = pop = 0
    for fifo, side in zip(FIFOS, inputs):
        mask |= 1 << fifo
        if not side.rows.shared:
            items.append(load(side.key, fifo, side.address + row * side.pitch, *side.span(rows)))
        if last or not side.rows.shared:
            pop |= 1 << fifo
    cycles = timer.cycles(job.function, rows, job.elements)
    items.append(Row(VECTOR, 0, mask, pop, first=1, last=1, rows=rows, row_bytes=job.elements, cycles=cycles))
    items.append(store("output", output.address + row * output.pitch, *output.span(rows)))
    return items


def flat(job: VectorJob, limit: int) -> VectorJob:
    """The job with rows of at most `limit` elements, where its function works element by element."""
    if job.function in ROW_FUNCTIONS or job.elements <= limit:
        return job
    sides = job.inputs + job.outputs
    if any(side.shared or side.pitch_bytes or side.elements != job.elements for side in sides):
        return job
    cut = next((size for size in range(limit, 0, -1) if job.elements % size == 0), 1)

    def narrow(side: Rows) -> Rows:
        total = side.tensor_bytes or job.rows * side.row_bytes
        return Rows(side.name, side.bits, cut, side.kept, False, 0, total, side.offset_bytes, side.address)

    factor = job.elements // cut
    inputs, outputs = tuple(map(narrow, job.inputs)), tuple(map(narrow, job.outputs))
    return VectorJob(job.name, job.function, job.rows * factor, cut, inputs, outputs)
