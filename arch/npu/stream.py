"""NeuPIMs' addresses: whatever the tensor, a transfer takes the lines after those of the transfer before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bitline.arch.npu.body import LOAD, STORE, Row
from bitline.arch.npu.memory_map import MemoryMap, round_up
from bitline.arch.npu.nest import For

STREAM = "stream"


def as_stream(items: Sequence[Row | For], memory: MemoryMap) -> list[Row | For]:
    """The nest with addresses from 0 on in order of execution; a loop that would leave the memory starts again."""
    found, _ = _stream(items, 0, memory)
    return found


def _stream(items: Sequence[Row | For], start: int, memory: MemoryMap) -> tuple[list[Row | For], int]:
    found: list[Row | For] = []
    at = start
    for item in items:
        if isinstance(item, For):
            inner, end = _stream(item.items, at, memory)
            turn = end - at
            stride = turn if at + item.trips * turn <= memory.capacity_bytes else 0
            found.append(For(item.trips, tuple(inner), {STREAM: stride}))
            at += item.trips * stride or turn
        elif item.kind in (LOAD, STORE):
            size = item.moved_bytes
            found.append(replace(item, address=at, rows=1, row_bytes=size, pitch=0, tensor=STREAM))
            at = (at + round_up(size, memory.line_bytes)) % memory.capacity_bytes
        else:
            found.append(item)
    return found, at
