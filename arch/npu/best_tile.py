"""The tile sizes with the least time, found by looking at all multiples of the array that fit.

Time is the largest of compute, memory, and what two tiles in turn allow (the latency of a load, its transfer and its
compute pass for each, `buffers` tiles at a time), plus the first tile's load and the last one's store, which nothing
hides. Of those within 1% of the least time, the one with least traffic. Compute cycles are closed forms of the array's
rule without what depends on the order of tiles: they rank tiles, the array core has the exact times.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from bitline.arch.npu.mapping import Resident

# NeuPIMs and ONNXim: a block enters no faster than that (facts of both: SystolicWS.cc).
LEAST_BLOCK_CYCLES = 4

# Of a load, from the request to the data; assumed: an unloaded DRAM read and the network, twice. Longer: larger tiles.
LOAD_LATENCY_NS = 150

EQUAL_TIME = 1.01


class Shape(NamedTuple):
    """A product, bits of what it reads and writes for each element, and tile sizes that are fixed (0: free)."""

    m: int
    k: int
    n: int
    batch: int
    activation_bits: int
    weight_bits: int
    result_bits: int
    other_bits: int
    bias_bits: int
    fixed_m: int
    fixed_k: int
    fixed_n: int


Array = tuple[int, int, int, str, str, bool]


def candidates(size: int, block: int, fixed: int) -> Any:
    """Tile sizes: the whole, and multiples of the block that cut it into different numbers of tiles."""
    if fixed:
        return np.array([min(fixed, size)], np.float64)
    counts = np.arange(1, -(-size // block) + 1)
    sizes = -(-np.ceil(size / counts) // block) * block
    return np.unique(np.minimum(sizes, size))


def compute_cycles(array: Array, m: Any, k: Any, n: Any, tile_m: Any, tile_k: Any, tile_n: Any) -> Any:
    """Cycles of an array, or of all arrays of a core, for a product in those tiles."""
    rows, columns, count, rule, dataflow, double_buffer = array
    tiles_m, tiles_k, tiles_n = np.ceil(m / tile_m), np.ceil(k / tile_k), np.ceil(n / tile_n)

    def blocks(size: Any, tile: Any, tiles: Any, block: int) -> Any:
        # Of all tiles; the last one may be smaller.
        return (tiles - 1) * np.ceil(tile / block) + np.ceil((size - (tiles - 1) * tile) / block)

    blocks_k, blocks_n = blocks(k, tile_k, tiles_k, rows), blocks(n, tile_n, tiles_n, columns)
    if rule == "neupims":
        step = max(-(-rows // count), LEAST_BLOCK_CYCLES)
        return blocks_n * blocks_k * (tiles_m * rows + (blocks(m, tile_m, tiles_m, rows) - tiles_m) * step)
    if rule == "onnxim":
        return blocks_n * blocks_k * tiles_m * np.maximum(rows, tile_m)
    if dataflow == "output":
        return blocks(m, tile_m, tiles_m, rows) * blocks_n * (k + tiles_k * (rows + columns - 2)) / count
    if dataflow == "input":
        folds, length, tiles = blocks_k * blocks(m, tile_m, tiles_m, columns), tile_n, tiles_n
    else:
        folds, length, tiles = blocks_k * blocks_n, tile_m, tiles_m
    fold = np.maximum(length, rows) if double_buffer else 2 * rows + columns + length - 2
    return tiles * folds * fold / count


@lru_cache(maxsize=4096)
def best_tile(
    shape: Shape,
    array: Array,
    cores: int,
    tile_bytes: int,
    result_elements: int,
    buffers: int,
    bytes_per_cycle: float,
    latency_cycles: float,
    resident: str,
    order: str,
) -> tuple[int, int, int, Resident] | None:
    """(tile_m, tile_k, tile_n, resident operand), or None where not even the smallest fits."""
    m, k, n = shape.m, shape.k, shape.n
    rows, columns, dataflow = array[0], array[1], array[4]
    sizes_m = candidates(m, columns if dataflow == "input" else rows, shape.fixed_m)
    sizes_k = candidates(k, rows, shape.fixed_k)
    sizes_n = candidates(n, columns, shape.fixed_n)
    tile_m, tile_k, tile_n = np.meshgrid(sizes_m, sizes_k, sizes_n, indexing="ij")
    tiles_m, tiles_n = np.ceil(m / tile_m), np.ceil(n / tile_n)
    units = shape.batch * tiles_m * tiles_n
    cycles = shape.batch * compute_cycles(array, m, k, n, tile_m, tile_k, tile_n) * np.ceil(units / cores) / units
    results = m * n * shape.result_bits / 8 * shape.batch
    others = (m * n * shape.other_bits + n * tiles_m * shape.bias_bits) / 8 * shape.batch
    waits = np.ceil(units / cores) * np.ceil(k / tile_k) * latency_cycles
    found: list[tuple[float, float, tuple[int, int, int, Resident]]] = []
    choices: tuple[Resident, ...] = ("none", "activations", "weights")
    for choice in choices:
        if (resident and choice != resident) or (order, choice) in (("mn", "weights"), ("nm", "activations")):
            continue
        depth_a = k if choice == "activations" else tile_k
        depth_b = k if choice == "weights" else tile_k
        operands = (tile_m * depth_a * shape.activation_bits + tile_n * depth_b * shape.weight_bits) / 8
        held = operands + (tile_m * tile_n * shape.other_bits + tile_n * shape.bias_bits) / 8
        # Each of up to three operands is rounded up to a byte.
        fits = (np.ceil(held) + 3 <= tile_bytes) & (tile_m * tile_n <= result_elements)
        if not fits.any():
            continue
        reads_a = m * k * shape.activation_bits / 8 * (1 if choice == "activations" else tiles_n)
        reads_b = n * k * shape.weight_bits / 8 * (1 if choice == "weights" else tiles_m)
        traffic = shape.batch * (reads_a + reads_b) + results + others
        transfer = traffic / bytes_per_cycle
        ends = (held + tile_m * tile_n * shape.result_bits / 8) / bytes_per_cycle
        time = np.maximum(np.maximum(cycles, transfer), (waits + transfer + cycles) / buffers) + ends
        time[~fits] = np.inf
        least = np.where(time <= time.min() * EQUAL_TIME, traffic, np.inf)
        place = np.unravel_index(int(np.argmin(least)), least.shape)
        sizes = int(tile_m[place]), int(tile_k[place]), int(tile_n[place])
        found.append((float(time[place]), float(traffic[place]), (*sizes, choice)))
    if not found:
        return None
    limit = min(time for time, _, _ in found) * EQUAL_TIME
    return min((traffic, time, tile) for time, traffic, tile in found if time <= limit)[2]
