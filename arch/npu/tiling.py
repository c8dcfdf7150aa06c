"""The policies that choose tiles, and the check that a tile fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isqrt
from typing import Any

from bitline.arch.npu.best_tile import LOAD_LATENCY_NS, Shape, best_tile
from bitline.arch.npu.jobs import GemmJob, packed_bytes
from bitline.arch.npu.mapping import Mapping, Order, Resident
from bitline.arch.npu.spec import NpuSpec
from bitline.base.errors import CapacityError


def ceil_div(count: int, size: int) -> int:
    """Groups of `size` that hold `count`."""
    return -(-count // size)


@dataclass(frozen=True)
class Tiling:
    """Tiles of a product, and the order of the loops over them. `resident`: its whole k is one entry."""

    tile_m: int
    tile_k: int
    tile_n: int
    order: Order = "mn"
    resident: Resident = "none"
    checked: bool = True
    """Does a tile have to fit in the scratchpad?"""


def choose_tiling(job: GemmJob, spec: NpuSpec, mapping: Mapping, bandwidth_gb_s: float) -> Tiling:
    """Tiles of a product. Raises CapacityError where they do not fit."""
    bytes_per_cycle = bandwidth_gb_s * 1e3 / spec.clock_mhz
    tiling = _POLICIES[mapping.kind](job, spec, mapping, bytes_per_cycle)
    given: dict[str, Any] = {
        name: getattr(mapping, name)
        for name in ("tile_m", "tile_k", "tile_n", "order", "resident")
        if getattr(mapping, name) is not None
    }
    if given:
        resident = given.get("resident", "none")
        tiling = replace(tiling, **{"resident": resident, **given})
        if resident != "none":
            tiling = replace(tiling, order="mn" if resident == "activations" else "nm")
    if any(step.whole_rows for step in job.epilogue):
        tiling = replace(tiling, tile_n=job.n)
    tiling = replace(
        tiling,
        tile_m=min(tiling.tile_m, job.m),
        tile_k=min(tiling.tile_k, job.k),
        tile_n=min(tiling.tile_n, job.n),
    )
    if tiling.checked:
        check_fit(job, spec, tiling)
    return tiling


def operand_bytes(job: GemmJob, tiling: Tiling) -> int:
    """What a tile takes of the scratchpad."""
    m, k, n = tiling.tile_m, tiling.tile_k, tiling.tile_n
    a = packed_bytes(m * (job.k if tiling.resident == "activations" else k), job.activations.bits)
    b = packed_bytes(n * (job.k if tiling.resident == "weights" else k), job.weights.bits)
    others = packed_bytes(n, job.bias.bits) if job.bias else 0
    others += sum(packed_bytes(m * n, step.operand.bits) for step in job.epilogue if step.operand)
    return a + b + others


def check_fit(job: GemmJob, spec: NpuSpec, tiling: Tiling) -> None:
    """Raise CapacityError where a tile is larger than a buffer, saying how many bytes are missing."""
    shown = f"a tile of {tiling.tile_m} x {tiling.tile_k} x {tiling.tile_n} of '{job.name}'"
    pad = spec.scratchpad
    missing = operand_bytes(job, tiling) * pad.buffers - pad.bytes
    if missing > 0:
        raise CapacityError(
            f"{shown} does not fit in the scratchpad: {missing} bytes are missing",
            field="mapping",
            expected=f"{pad.buffers} tiles in {pad.bytes} bytes: smaller tiles, or a larger scratchpad.bytes",
        )
    accumulator = spec.accumulator
    results = tiling.tile_m * tiling.tile_n * accumulator.element_bytes
    missing = results * accumulator.buffers - accumulator.bytes
    if missing > 0:
        raise CapacityError(
            f"{shown} does not fit in the accumulator: {missing} bytes are missing",
            field="mapping",
            expected=f"{accumulator.buffers} results in {accumulator.bytes} bytes: smaller tile_m or tile_n",
        )


def _scale_sim(job: GemmJob, spec: NpuSpec, _mapping: Mapping, _bandwidth: float) -> Tiling:
    """One column of folds a tile, so that the array sees all folds in SCALE-Sim's order; any operand fits."""
    if spec.array.dataflow == "input":
        return Tiling(spec.array.columns, job.k, job.n, "nm", "weights", checked=False)
    return Tiling(job.m, job.k, spec.array.columns, "mn", "activations", checked=False)


def _neupims(job: GemmJob, spec: NpuSpec, _mapping: Mapping, _bandwidth: float) -> Tiling:
    """Halve the largest dimension until the padded operands and results fit in a buffer of the scratchpad."""
    sizes = [job.m, job.k, job.n]
    block = spec.array.rows

    def padded_bytes() -> int:
        m, k, n = (ceil_div(size, block) * block for size in sizes)
        return packed_bytes(m * k + m * n, job.activations.bits) + packed_bytes(k * n, job.weights.bits)

    while padded_bytes() > spec.tile_bytes and max(sizes) > 1:
        largest = sizes.index(max(sizes))
        sizes[largest] = ceil_div(sizes[largest], 2)
    m, k, n = sizes
    return Tiling(m, k, n)


def _onnxim(job: GemmJob, spec: NpuSpec, _mapping: Mapping, _bandwidth: float) -> Tiling:
    """Square results that fill the accumulator, k as deep as half of the scratchpad allows (Gemmini)."""
    block = spec.array.rows
    element = max(job.activations.bits, job.weights.bits) / 8
    # A row of the scratchpad holds `block` elements, a block x block matrix `block` rows; A and B have half each.
    matrices = int(spec.tile_bytes / (block * element)) // 2 // block
    results = spec.result_elements // (block * block)
    side = max(1, isqrt(results))
    depth = max(1, matrices // side)

    def tiles(size: int, blocks: int) -> int:
        return ceil_div(size, blocks * block)

    count_m, count_k, count_n = tiles(job.m, side), tiles(job.k, depth), tiles(job.n, side)
    grow_n = job.n > job.m and job.n > spec.cores
    grow_m = job.m > job.n and job.m > spec.cores
    if count_m * count_n < spec.cores:
        factor = ceil_div(spec.cores, count_m * count_n)
        count_n, count_m = count_n * (factor if grow_n else 1), count_m * (factor if grow_m else 1)
    more = count_m * count_n % spec.cores
    count_n, count_m = count_n + (more if grow_n else 0), count_m + (more if grow_m else 0)

    def inner(size: int, count: int) -> int:
        padded = ceil_div(size, block) * block
        return max(block, ceil_div(padded, count) // block * block)

    return Tiling(inner(job.m, count_m), inner(job.k, count_k), inner(job.n, count_n))


def _traffic(job: GemmJob, spec: NpuSpec, mapping: Mapping, bandwidth: float) -> Tiling:
    """The tiles with the least time; see best_tile."""
    array = spec.array
    others = sum(step.operand.bits for step in job.epilogue if step.operand)
    whole_rows = any(step.whole_rows for step in job.epilogue)
    shape = Shape(
        job.m,
        ceil_div(job.k, job.macs_per_pe),
        job.n,
        job.batch,
        job.activations.bits * job.macs_per_pe,
        job.weights.bits * job.macs_per_pe,
        job.results.bits,
        others,
        job.bias.bits if job.bias else 0,
        mapping.tile_m or 0,
        ceil_div(mapping.tile_k, job.macs_per_pe) if mapping.tile_k else 0,
        job.n if whole_rows else mapping.tile_n or 0,
    )
    found = best_tile(
        shape,
        (array.rows, array.columns, array.count, array.rule, array.dataflow, array.weight_double_buffer),
        spec.cores,
        spec.tile_bytes,
        spec.result_elements,
        spec.scratchpad.buffers,
        bandwidth,
        LOAD_LATENCY_NS * spec.clock_mhz / 1e3,
        mapping.resident or "",
        mapping.order or "",
    )
    if found is None:
        # Nothing fits: the smallest tile, for the check to say what is missing.
        smallest = (array.rows, array.rows * job.macs_per_pe, job.n if whole_rows else array.columns)
        return Tiling(*smallest)
    m, k, n, resident = found
    order: Order = "nm" if resident == "weights" else mapping.order or "mn"
    return Tiling(m, k * job.macs_per_pe, n, order, resident)


def _manual(job: GemmJob, _spec: NpuSpec, mapping: Mapping, _bandwidth: float) -> Tiling:
    sizes = mapping.tile_m or 1, mapping.tile_k or 1, mapping.tile_n or 1  # a manual mapping has all three
    return Tiling(*sizes, mapping.order or "mn")


_POLICIES: dict[str, Callable[[GemmJob, NpuSpec, Mapping, float], Tiling]] = {
    "scale-sim": _scale_sim,
    "neupims": _neupims,
    "onnxim": _onnxim,
    "traffic": _traffic,
    "manual": _manual,
}
