"""Attention as one loop nest: for each key head, tiles of keys and values stream past its queries.

A tile of scores is made, turned into weights by the vector unit (with the running maximum and sum of each row, and the
rescaling of what was summed before), and multiplied with the tile of values, all in one accumulator entry.
"""

from __future__ import annotations

from itertools import pairwise

from bitline.arch.npu.body import ACTIVATIONS, ARRAY, VECTOR, WEIGHTS, Row, load, store
from bitline.arch.npu.gemm import Nest
from bitline.arch.npu.jobs import AttentionJob, VectorTimer, packed_bytes
from bitline.arch.npu.memory_map import MemoryMap
from bitline.arch.npu.nest import times
from bitline.arch.npu.places import Cut, place
from bitline.arch.npu.spec import NpuSpec
from bitline.arch.npu.tiling import ceil_div
from bitline.base.errors import CapacityError


def tile_shape(job: AttentionJob, spec: NpuSpec) -> tuple[int, int]:
    """(queries, keys) of a tile: as many queries as leave room for a block of keys, then as many keys as fit.

    Raises CapacityError where not one query and a block of keys do.
    """
    query = packed_bytes(job.key_dim, job.queries.bits)
    # Keys and values are entries of the same FIFO.
    key = packed_bytes(2 * max(job.key_dim, job.value_dim), max(job.key_cache.bits, job.value_cache.bits))
    block = min(spec.array.columns, job.keys)
    m = min(
        job.m,
        spec.result_elements // (block + job.value_dim),
        (spec.tile_bytes - key * block) // query,
    )
    if m < 1:
        missing = max(
            (query + key * block) * spec.scratchpad.buffers - spec.scratchpad.bytes,
            (block + job.value_dim) * spec.accumulator.element_bytes * spec.accumulator.buffers
            - spec.accumulator.bytes,
        )
        raise CapacityError(
            f"a query and {block} keys of '{job.name}' do not fit in the core: {missing} bytes are missing",
            field="mapping",
            expected="a larger scratchpad and accumulator, or attention as score, softmax and context",
        )
    fit = min((spec.tile_bytes - m * query) // key, spec.result_elements // m - job.value_dim)
    return m, min(job.keys, fit // block * block)


def attention_nests(job: AttentionJob, spec: NpuSpec, memory: MemoryMap, timer: VectorTimer) -> list[Nest]:
    """A nest a core; key heads are spread over cores."""
    attention = _Attention(job, spec, memory, timer)
    bounds = [core * job.batch // spec.cores for core in range(spec.cores + 1)]
    return [
        times(high - low, attention.head(low), attention.head_strides) if high > low else []
        for low, high in pairwise(bounds)
    ]


class _Attention:
    def __init__(self, job: AttentionJob, spec: NpuSpec, memory: MemoryMap, timer: VectorTimer) -> None:
        self.job, self.timer = job, timer
        m, keys = tile_shape(job, spec)
        self.m, self.keys = Cut(job.m, m), Cut(job.keys, keys)
        key_dim, value_dim = Cut(job.key_dim, job.key_dim), Cut(job.value_dim, job.value_dim)
        self.queries = place(job.queries, self.m, key_dim, memory)
        self.key_cache = place(job.key_cache, self.keys, key_dim, memory)
        self.value_cache = place(job.value_cache, value_dim, self.keys, memory)
        self.results = place(job.results, self.m, value_dim, memory)
        self.head_strides = {
            "query": self.queries.batch_stride,
            "key": self.key_cache.batch_stride,
            "value": self.value_cache.batch_stride,
            "result": self.results.batch_stride,
        }

    def head(self, head: int) -> Nest:
        """All tiles of queries of one key head."""
        strides = {"query": self.queries.outer_stride, "result": self.results.outer_stride}
        items = times(self.m.alike, self._tile_of_queries(head, 0), strides)
        if self.m.alike < self.m.count:
            items += self._tile_of_queries(head, self.m.count - 1)
        return items

    def _tile_of_queries(self, head: int, m_index: int) -> Nest:
        m = self.m.of(m_index)
        query = self.queries.at(head, m_index, 0)
        items: Nest = [load("query", ACTIVATIONS, query, *self.queries.span(m, self.job.key_dim))]
        items += self._tile(head, m, 0)
        if self.keys.count > 2:
            strides = {"key": self.key_cache.outer_stride, "value": self.value_cache.inner_stride}
            items += times(self.keys.count - 2, self._tile(head, m, 1), strides)
        if self.keys.count > 1:
            items += self._tile(head, m, self.keys.count - 1)
        result = self.results.at(head, m_index, 0)
        items.append(store("result", result, *self.results.span(m, self.job.value_dim)))
        return items

    def _tile(self, head: int, m: int, index: int) -> list[Row]:
        job = self.job
        n, last = self.keys.of(index), index == self.keys.count - 1
        weights, both = 1 << WEIGHTS, 1 << ACTIVATIONS | 1 << WEIGHTS
        cycles = self.timer.cycles("softmax", m, n)
        if index:
            cycles += self.timer.cycles("multiply", m, job.value_dim)
        first = int(index == 0)
        key_depth, depth = ceil_div(job.key_dim, job.macs_per_pe), ceil_div(n, job.macs_per_pe)
        keys, values = self.key_cache, self.value_cache
        pop = both if last else weights
        return [
            load("key", WEIGHTS, keys.at(head, index, 0), *keys.span(n, job.key_dim)),
            load("value", WEIGHTS, values.at(head, 0, index), *values.span(job.value_dim, n)),
            Row(ARRAY, 0, both, pop, first=first, rows=m, row_bytes=key_depth, pitch=n),
            Row(VECTOR, rows=m, row_bytes=n, cycles=cycles, fused=1),
            Row(ARRAY, 0, weights, weights, last=int(last), rows=m, row_bytes=depth, pitch=job.value_dim),
        ]
