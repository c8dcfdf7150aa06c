"""Attention as one loop nest: for each key head, tiles of keys and values stream past its queries.

A tile of scores is made, turned into weights by the vector unit (with the running maximum and sum of each row, and the
rescaling of what was summed before), and multiplied with the tile of values, all in one accumulator entry.
"""

from __future__ import annotations

from itertools import pairwise

from bitline.arch.npu.body import ACTIVATIONS, ARRAY, VECTOR, WEIGHTS, Row, load, store
from bitline.arch.npu.gemm import Nest
from bitline.arch.npu.jobs import AttentionJob, VectorTimer, packed_bytes
from bitline.arch.npu.memory_map import MemoryMap, round_up
from bitline.arch.npu.nest import times
from bitline.arch.npu.places import Cut, place
from bitline.arch.npu.spec import NpuSpec
from bitline.arch.npu.tiling import ceil_div
from bitline.base.errors import CapacityError


def tile_keys(job: AttentionJob, spec: NpuSpec) -> int:
    """Keys of a tile: as many as fit. Raises CapacityError where not one column of the array does."""
    queries = packed_bytes(job.m * job.key_dim, job.queries.bits)
    # Keys and values are entries of the same FIFO, which holds `buffers` entries.
    each = packed_bytes(2 * max(job.key_dim, job.value_dim), max(job.key_cache.bits, job.value_cache.bits))
    by_scratchpad = (spec.tile_bytes - queries) // each
    by_results = spec.result_elements // job.m - job.value_dim
    block = min(spec.array.columns, job.keys)
    fit = min(by_scratchpad, by_results)
    if fit < block:
        missing = (queries + each * block) * spec.scratchpad.buffers - spec.scratchpad.bytes
        results = job.m * (block + job.value_dim) * spec.accumulator.element_bytes * spec.accumulator.buffers
        missing = max(missing, results - spec.accumulator.bytes)
        raise CapacityError(
            f"{job.m} queries and {block} keys of '{job.name}' do not fit in the core: {missing} bytes are missing",
            field="mapping",
            expected="a larger scratchpad and accumulator, or attention as score, softmax and context",
        )
    return int(min(job.keys, round_up(fit - block + 1, block)))


def attention_nests(job: AttentionJob, spec: NpuSpec, memory: MemoryMap, timer: VectorTimer) -> list[Nest]:
    """A nest a core; key heads are spread over cores."""
    keys = Cut(job.keys, tile_keys(job, spec))
    m = Cut(job.m, job.m)
    key_dim, value_dim = Cut(job.key_dim, job.key_dim), Cut(job.value_dim, job.value_dim)
    queries = place(job.queries, m, key_dim, memory)
    key_cache = place(job.key_cache, keys, key_dim, memory)
    value_cache = place(job.value_cache, value_dim, keys, memory)
    results = place(job.results, m, value_dim, memory)
    weights, both = 1 << WEIGHTS, 1 << ACTIVATIONS | 1 << WEIGHTS

    def tile(head: int, index: int) -> list[Row]:
        n, last = keys.of(index), index == keys.count - 1
        first = int(index == 0)
        cycles = timer.cycles("softmax", job.m, n)
        if index:
            cycles += timer.cycles("multiply", job.m, job.value_dim)
        return [
            load("key", WEIGHTS, key_cache.at(head, index, 0), *key_cache.span(n, job.key_dim)),
            load("value", WEIGHTS, value_cache.at(head, 0, index), *value_cache.span(job.value_dim, n)),
            Row(
                ARRAY,
                0,
                both,
                both if last else weights,
                first=first,
                rows=job.m,
                row_bytes=ceil_div(job.key_dim, job.macs_per_pe),
                pitch=n,
            ),
            Row(VECTOR, rows=job.m, row_bytes=n, cycles=cycles, fused=1),
            Row(
                ARRAY,
                0,
                weights,
                weights,
                last=int(last),
                rows=job.m,
                row_bytes=ceil_div(n, job.macs_per_pe),
                pitch=job.value_dim,
            ),
        ]

    def one_head(head: int) -> Nest:
        span = queries.span(job.m, job.key_dim)
        items: Nest = [load("query", ACTIVATIONS, queries.at(head, 0, 0), *span)]
        items += tile(head, 0)
        if keys.count > 1:
            strides = {"key": key_cache.outer_stride, "value": value_cache.inner_stride}
            if keys.count > 2:
                items += times(keys.count - 2, tile(head, 1), strides)
            items += tile(head, keys.count - 1)
        items.append(store("result", results.at(head, 0, 0), *results.span(job.m, job.value_dim)))
        return items

    strides = {
        "query": queries.batch_stride,
        "key": key_cache.batch_stride,
        "value": value_cache.batch_stride,
        "result": results.batch_stride,
    }
    bounds = [core * job.batch // spec.cores for core in range(spec.cores + 1)]
    return [times(high - low, one_head(low), strides) if high > low else [] for low, high in pairwise(bounds)]
