"""Byte addresses of tiles: where an operand's tile lies, and how far from it the next one is in each loop."""

from __future__ import annotations

from dataclasses import dataclass

from bitline.arch.npu.jobs import Operand, packed_bytes
from bitline.arch.npu.memory_map import MemoryMap, round_up


@dataclass(frozen=True)
class Cut:
    """A dimension in tiles: all of `tile` but the last, which has what is left."""

    size: int
    tile: int

    @property
    def count(self) -> int:
        """Tiles."""
        return -(-self.size // self.tile)

    @property
    def alike(self) -> int:
        """Tiles of full size: all, or all but the last."""
        return self.size // self.tile

    @property
    def last(self) -> int:
        """Size of the last one."""
        return self.size - (self.count - 1) * self.tile

    def of(self, index: int) -> int:
        """Size of a tile."""
        return self.tile if index < self.count - 1 else self.last


@dataclass(frozen=True)
class Place:
    """The tiles of one operand: outer dimension x inner dimension of its loops, matrices of a batch.

    `rows` is the dimension that runs down the tile, `columns` the one along a row of memory.
    """

    bits: int
    address: int
    batch_stride: int
    outer_stride: int
    inner_stride: int
    pitch: int
    """Bytes from row to row; 0: the tile is one piece."""
    outer_is_rows: bool = True
    unit: int = 1
    """Tiles in one piece are moved in whole units of so many bytes: a line of every channel."""
    least: int = 0
    """Smaller ones as they are."""

    def at(self, batch: int, outer: int, inner: int) -> int:
        """Address of a tile."""
        return self.address + batch * self.batch_stride + outer * self.outer_stride + inner * self.inner_stride

    def span(self, outer_size: int, inner_size: int) -> tuple[int, int, int]:
        """(rows, bytes of a row, pitch) of a tile of that size."""
        if self.pitch == 0:
            size = packed_bytes(outer_size * inner_size, self.bits)
            return 1, round_up(size, self.unit) if size >= self.least else size, 0
        rows, columns = (outer_size, inner_size) if self.outer_is_rows else (inner_size, outer_size)
        return rows, packed_bytes(columns, self.bits), self.pitch


def place(operand: Operand, outer: Cut, inner: Cut, memory: MemoryMap, least_slot: int = 0) -> Place:
    """Where the tiles of an operand lie; asks the memory map for room. Raises CapacityError.

    `outer`: the dimension that is its own (rows of A, columns of B), `inner`: the one tiled inside it. `least_slot`:
    tiles of the tiled layout are at least so far apart.
    """
    found = _by_tiles(operand, outer, inner, memory, least_slot)
    if operand.layout == "rows":
        found = _by_rows(operand, outer, inner)
    size = found.batch_stride * operand.matrices
    address = operand.address
    if address is None:
        address = memory.keep(operand.name, size) if operand.kept else memory.passes(operand.name, size)
    return Place(
        found.bits,
        address + operand.first * found.batch_stride,
        found.batch_stride * operand.step,
        found.outer_stride,
        found.inner_stride,
        found.pitch,
        found.outer_is_rows,
        found.unit,
        found.least,
    )


def slot_bytes(bits: int, elements: int, memory: MemoryMap) -> int:
    """Room for a tile of the tiled layout: whole lines of all channels."""
    return round_up(packed_bytes(elements, bits), memory.interleave_bytes)


def _by_tiles(operand: Operand, outer: Cut, inner: Cut, memory: MemoryMap, least_slot: int) -> Place:
    """Tiles of an outer index follow each other, then those of the next."""
    slot = max(slot_bytes(operand.bits, outer.tile * inner.tile, memory), least_slot)
    last = slot_bytes(operand.bits, outer.tile * inner.last, memory)
    panel = (inner.count - 1) * slot + last
    end = (inner.count - 1) * slot + slot_bytes(operand.bits, outer.last * inner.last, memory)
    unit = memory.interleave_bytes
    # What is kept was laid out so beforehand; of what passes, small pieces are not worth the padding.
    least = 0 if operand.kept else unit
    return Place(operand.bits, 0, (outer.count - 1) * panel + end, panel, slot, 0, True, unit, least)


def _by_rows(operand: Operand, outer: Cut, inner: Cut) -> Place:
    rows, columns = (inner, outer) if operand.across else (outer, inner)
    pitch = packed_bytes(columns.size, operand.bits)
    matrix = max(operand.reserved_rows, rows.size) * pitch
    down, along = rows.tile * pitch, packed_bytes(columns.tile, operand.bits)
    strides = (along, down) if operand.across else (down, along)
    return Place(operand.bits, 0, matrix, *strides, pitch, not operand.across)
