from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from bitline.arch.npu.jobs import GemmJob, Operand
from bitline.arch.npu.memory_map import MemoryMap
from bitline.arch.npu.nest import encode


class LaneTimer:
    """A vector unit of 128 lanes that passes over every row once."""

    def cycles(self, function: str, rows: int, elements: int) -> int:
        return rows * -(-elements // 128)


def make_gemm(m: int, k: int, n: int, *, bits: int = 16, batch: int = 1, **others: Any) -> GemmJob:
    a, b, c = (Operand(name, bits, kept=name == "b", matrices=batch) for name in "abc")
    return GemmJob("product", m, k, n, a, b, c, batch=batch, **others)


def interpret(nest: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """(address, row) of every body row in order, as a core walks the program: a row has a stride for each loop."""
    body, items = encode(nest)

    def walk(items: Sequence[Any], turns: tuple[int, ...]) -> Iterator[tuple[int, Any]]:
        for item in items:
            if hasattr(item, "trips"):
                for turn in range(item.trips):
                    yield from walk(item.items, (*turns, turn))
            else:
                row = body[item]
                yield int(row["offset"]) + sum(turn * int(step) for turn, step in zip(turns, row["strides"])), row

    return walk(items, ())


@pytest.fixture
def timer() -> LaneTimer:
    return LaneTimer()


@pytest.fixture
def memory() -> MemoryMap:
    return MemoryMap(capacity_bytes=32 << 30)
