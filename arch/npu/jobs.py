"""What an NPU is asked to do: products of matrices and passes of the vector unit over rows."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Literal, Protocol

Layout = Literal["tiled", "rows"]


class VectorTimer(Protocol):
    """How long a vector unit takes."""

    def cycles(self, function: str, rows: int, elements: int) -> int:
        """Cycles for `rows` rows of `elements` elements. Raises SpecError for a function that it does not know."""


def packed_bytes(elements: int, bits: int) -> int:
    """Bytes of packed elements."""
    return -(-elements * bits // 8)


@dataclass(frozen=True)
class Operand:
    """A tensor of matrices in memory, and which of them the items of a batch read or write."""

    name: str
    bits: int
    kept: bool = False
    """Weights; activations and the caches of requests pass."""
    layout: Layout = "tiled"
    """tiled: each tile in one piece, in the order of the loops; rows: row after row."""
    across: bool = False
    """rows layout: the row is the other dimension (a weight as k rows of n, a value cache as tokens of a head)."""
    matrices: int = 1
    """In the tensor."""
    first: int = 0
    """Matrix of the batch's first item."""
    step: int = 1
    """Matrices from item to item; 0: all share one."""
    reserved_rows: int = 0
    """rows layout: rows that a matrix has room for (0: as many as it has)."""
    address: int | None = None
    """Where the tensor is, if the memory map is not to be asked."""


@dataclass(frozen=True)
class Epilogue:
    """A pass of the vector unit over results that are still in the accumulator."""

    function: str
    operand: Operand | None = None
    """A second input, as large as the result."""

    @property
    def whole_rows(self) -> bool:
        """Does it need a whole row at once?"""
        return self.function in ROW_FUNCTIONS


ROW_FUNCTIONS = ("softmax", "layernorm", "rmsnorm", "top_k")


@dataclass(frozen=True)
class GemmJob:
    """C[m, n] = A[m, k] B[k, n], `batch` times."""

    name: str
    m: int
    k: int
    n: int
    activations: Operand
    weights: Operand
    results: Operand
    batch: int = 1
    bias: Operand | None = None
    epilogue: tuple[Epilogue, ...] = ()
    macs_per_pe: int = 1

    @property
    def macs(self) -> int:
        """Products."""
        return self.batch * self.m * self.k * self.n

    @property
    def unique_bytes(self) -> int:
        """Every element once: what has to cross the memory's pins whatever the tiles."""
        groups = {
            (operand.name, operand.first): packed_bytes(elements * (self.batch if operand.step else 1), operand.bits)
            for operand, elements in self.operands()
        }
        return sum(groups.values())

    def operands(self) -> list[tuple[Operand, int]]:
        """Everything read and written, with the elements of one matrix."""
        found = [(self.activations, self.m * self.k), (self.weights, self.k * self.n), (self.results, self.m * self.n)]
        if self.bias:
            found.append((self.bias, self.n))
        return found + [(step.operand, self.m * self.n) for step in self.epilogue if step.operand]


@dataclass(frozen=True)
class Rows:
    """An input or output of a vector job: rows in memory. `pitch_bytes` 0: without gaps."""

    name: str
    bits: int
    elements: int
    """Of a row."""
    kept: bool = False
    shared: bool = False
    """One row for all (a norm's weight): loaded once."""
    pitch_bytes: int = 0
    tensor_bytes: int = 0
    """Of the whole tensor (0: what the rows take)."""
    offset_bytes: int = 0
    """Of the first row from the tensor's start."""
    address: int | None = None

    @property
    def row_bytes(self) -> int:
        """Packed bytes of a row."""
        return packed_bytes(self.elements, self.bits)


@dataclass(frozen=True)
class VectorJob:
    """`rows` rows of `elements` elements through a function of the vector unit."""

    name: str
    function: str
    rows: int
    elements: int
    inputs: tuple[Rows, ...]
    outputs: tuple[Rows, ...]

    @property
    def unique_bytes(self) -> int:
        """Every element once."""
        sides = self.inputs + self.outputs
        return sum(prod((1 if side.shared else self.rows, side.row_bytes)) for side in sides)


@dataclass(frozen=True)
class AttentionJob:
    """softmax(Q K^T) V of `batch` key heads; scores stay in the core. m: queries that share the keys."""

    name: str
    m: int
    keys: int
    key_dim: int
    value_dim: int
    queries: Operand
    key_cache: Operand
    value_cache: Operand
    results: Operand
    batch: int = 1
    macs_per_pe: int = 1

    @property
    def macs(self) -> int:
        """Products."""
        return self.batch * self.m * self.keys * (self.key_dim + self.value_dim)

    @property
    def unique_bytes(self) -> int:
        """Every element once."""
        sides = (
            (self.queries, self.m * self.key_dim),
            (self.key_cache, self.keys * self.key_dim),
            (self.value_cache, self.keys * self.value_dim),
            (self.results, self.m * self.value_dim),
        )
        return sum(packed_bytes(self.batch * elements, operand.bits) for operand, elements in sides)


Job = GemmJob | VectorJob | AttentionJob
