"""Rows of an NPU program's body: what the load, execute and store queues of a core are asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from bitline.csrc.systolic.core import NPU_BODY

LOAD, ARRAY, VECTOR, STORE = range(4)

# FIFOs of the scratchpad, in `operand` of LOAD; as bits in `operand` and `pop` of ARRAY and VECTOR.
ACTIVATIONS, WEIGHTS, OTHERS = range(3)

MAX_STRIDES = NPU_BODY["strides"].shape[0]

FIELDS: tuple[str, ...] = tuple(NPU_BODY.names or ())


@dataclass(frozen=True, slots=True)
class Row:
    """A body row before its place is known. `address` counts from the start of the loops around it."""

    kind: int
    address: int = 0
    operand: int = 0
    pop: int = 0
    first: int = 0
    last: int = 0
    rows: int = 0
    row_bytes: int = 0
    """LOAD, STORE: bytes of a row; ARRAY: k of the tile; VECTOR: elements of a row."""
    pitch: int = 0
    """LOAD, STORE: from row to row; ARRAY: n of the tile."""
    cycles: int = 0
    fused: int = 0
    stall: int = 0
    """ARRAY: cycles that bank conflicts add to each block of rows."""
    tensor: str = ""
    """LOAD, STORE: whose strides the address follows in loops."""

    @property
    def moved_bytes(self) -> int:
        """Bytes between memory and core."""
        return self.rows * self.row_bytes if self.kind in (LOAD, STORE) else 0


def load(tensor: str, fifo: int, address: int, rows: int, row_bytes: int, pitch: int) -> Row:
    """A tile from memory to a FIFO; rows without a gap between them become one."""
    rows, row_bytes, pitch = _joined(rows, row_bytes, pitch)
    return Row(LOAD, address, fifo, rows=rows, row_bytes=row_bytes, pitch=pitch, tensor=tensor)


def store(tensor: str, address: int, rows: int, row_bytes: int, pitch: int) -> Row:
    """The oldest finished result to memory."""
    rows, row_bytes, pitch = _joined(rows, row_bytes, pitch)
    return Row(STORE, address, rows=rows, row_bytes=row_bytes, pitch=pitch, tensor=tensor)


def _joined(rows: int, row_bytes: int, pitch: int) -> tuple[int, int, int]:
    if rows == 1 or pitch == row_bytes:
        return 1, rows * row_bytes, 0
    return rows, row_bytes, pitch
