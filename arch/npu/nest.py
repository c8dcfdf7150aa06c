"""Loop nests in which every tensor has strides of its own, and their translation to programs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bitline.arch.npu.body import ARRAY, FIELDS, LOAD, MAX_STRIDES, STORE, VECTOR, Row
from bitline.base.errors import CapacityError
from bitline.csrc.engine.program import Loop, Program
from bitline.csrc.systolic.core import NPU_BODY

MAX_ROWS = 1 << 21
INT32_MAX = (1 << 31) - 1


@dataclass(frozen=True)
class For:
    """`trips` times the items; each turn moves the addresses of a tensor by its stride (none given: by nothing)."""

    trips: int
    items: tuple[Row | For, ...]
    strides: dict[str, int] = field(default_factory=dict)


Items = tuple[Row | For, ...]


def times(trips: int, items: Sequence[Row | For], strides: dict[str, int] | None = None) -> list[Row | For]:
    """The items `trips` times, without a loop where one turn needs none."""
    if trips == 0 or not items:
        return []
    return list(items) if trips == 1 else [For(trips, tuple(items), strides or {})]


def rows_of(items: Sequence[Row | For], shifts: dict[str, int] | None = None) -> Iterator[Row]:
    """Every row in order, loops unrolled, with its address."""
    shifts = shifts or {}
    for item in items:
        if isinstance(item, Row):
            shift = shifts.get(item.tensor, 0)
            yield replace(item, address=item.address + shift) if shift else item
        else:
            for turn in range(item.trips):
                moved = dict(shifts)
                for tensor, stride in item.strides.items():
                    moved[tensor] = moved.get(tensor, 0) + turn * stride
                yield from rows_of(item.items, moved)


def counted_rows(items: Sequence[Row | For], trips: int = 1) -> Iterator[tuple[Row, int]]:
    """Every row once, and how often it runs."""
    for item in items:
        if isinstance(item, Row):
            yield item, trips
        else:
            yield from counted_rows(item.items, trips * item.trips)


@dataclass(frozen=True)
class Counts:
    """What a nest does, all turns counted."""

    load_bytes: int = 0
    store_bytes: int = 0
    macs: int = 0
    """m k n of the array rows."""
    vector_cycles: int = 0
    vector_elements: int = 0
    rows: int = 0

    def times(self, trips: int) -> Counts:
        """All of it `trips` times."""
        return Counts(*(trips * getattr(self, name) for name in Counts.__dataclass_fields__))

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(getattr(self, name) + getattr(other, name) for name in Counts.__dataclass_fields__))


def count(items: Sequence[Row | For]) -> Counts:
    """What the items do."""
    total = Counts()
    for item in items:
        if isinstance(item, For):
            total += count(item.items).times(item.trips)
        elif item.kind == LOAD:
            total += Counts(load_bytes=item.moved_bytes, rows=1)
        elif item.kind == STORE:
            total += Counts(store_bytes=item.moved_bytes, rows=1)
        elif item.kind == ARRAY:
            total += Counts(macs=item.rows * item.row_bytes * item.pitch, rows=1)
        else:
            elements = item.rows * item.row_bytes
            total += Counts(vector_cycles=item.cycles, vector_elements=elements, rows=1)
    return total


def to_program(items: Sequence[Row | For]) -> Program:
    """The nest as a program over NPU_BODY rows. Raises CapacityError where it is too long or a number too large."""
    body, steps = encode(items)
    return Program(body, steps)


def encode(items: Sequence[Row | For]) -> tuple[Any, list[Any]]:
    """The body and the items (row numbers and Loops) of the program."""
    encoder = _Encoder()
    steps = encoder.encode(tuple(items), ())
    return _body(encoder.rows), steps


class _Encoder:
    def __init__(self) -> None:
        self.rows: list[tuple[Any, ...]] = []

    def encode(self, items: Items, around: tuple[dict[str, int], ...]) -> list[Any]:
        """Steps of the items; `around`: what a turn of each enclosing loop adds to each tensor's addresses."""
        steps: list[Any] = []
        for item in items:
            if isinstance(item, Row):
                steps.append(self._row(item, around))
                continue
            if len(around) == MAX_STRIDES:
                raise CapacityError(f"a nest of more than {MAX_STRIDES} loops", field="mapping", expected="fewer")
            steps.append(Loop(item.trips, self.encode(item.items, (*around, item.strides))))
        return steps

    def _row(self, row: Row, around: tuple[dict[str, int], ...]) -> int:
        if len(self.rows) == MAX_ROWS:
            raise CapacityError(
                f"a program of more than {MAX_ROWS} rows", field="mapping", expected="larger tiles, or smaller matrices"
            )
        strides = [0] * MAX_STRIDES
        if row.kind in (LOAD, STORE):
            strides[: len(around)] = [moves.get(row.tensor, 0) for moves in around]
        self.rows.append(
            (
                row.address,
                row.kind,
                row.operand,
                row.pop,
                row.first,
                row.last,
                row.rows,
                row.row_bytes,
                row.pitch,
                row.cycles,
                row.fused,
                row.stall,
                strides,
            )
        )
        return len(self.rows) - 1


def _body(rows: list[tuple[Any, ...]]) -> Any:
    for name in ("rows", "row_bytes"):
        largest = max((row[FIELDS.index(name)] for row in rows), default=0)
        if largest > INT32_MAX:
            raise CapacityError(f"a tile with {largest} {name}", field="mapping", expected=f"at most {INT32_MAX}")
    return np.array(rows, NPU_BODY) if rows else np.zeros(0, NPU_BODY)


__all__ = [
    "ARRAY",
    "LOAD",
    "STORE",
    "VECTOR",
    "Counts",
    "For",
    "Items",
    "count",
    "counted_rows",
    "encode",
    "rows_of",
    "times",
    "to_program",
]
