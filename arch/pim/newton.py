"""Newton-style attention in the banks: how keys and values lie, and the programs of scores and contexts.

Keys: token t of a request lies in bank t mod banks of the request's channel, the heads of a token side by side along
rows. Values: element j of a head lies in bank j mod banks, tokens along the row. A tile is one row index in every bank.
A vector (a piece of a query, or of the probabilities of a head) is written to a row, copied to the channel's global
buffer, and multiplied with tile after tile. The same programs run on banks with one or two row buffers (Newton, MICRO
2020; NeuPIMs, ASPLOS 2024, section 5; casys-kaist/NeuPIMs, src/operations).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bitline.arch.dram.part import PartSpec
from bitline.arch.pim.device import ceil_div
from bitline.base.errors import SpecError
from bitline.csrc.dram.memory_channel import COMPS, GWRITE, HEADER, PIM_QUEUE_BODY
from bitline.csrc.engine.program import Loop, Program

VECTOR_BANK = 0
"""Bank whose rows hold the vectors."""


@dataclass(frozen=True)
class KvShape:
    """What one request keeps on one device in one layer."""

    queries: int
    """Query heads of a key/value head."""
    kv_heads: int
    head_dim: int
    value_dim: int


@dataclass(frozen=True)
class Piece:
    """A vector in the global buffer and the tiles that it is multiplied with, on one channel."""

    program: Program
    row: int
    """First row of its tiles, from the first row of the request's keys or values."""
    vector_bytes: int
    tiles: int
    results: int
    """Reads of the results; each returns a number from every bank."""
    comps: int
    """All-bank computes."""


class NewtonAttention:
    """Programs of one channel of a part with a global buffer and compute in every bank."""

    def __init__(self, part: PartSpec) -> None:
        if part.pim is None:
            raise SpecError("has no compute in its banks", field="memory.part", expected="a part with a pim section")
        self.part = part
        self.banks = part.organisation.n_banks
        self.lanes = part.pim.lanes_per_bank
        self.element_bytes = 2 if part.pim.dtype in ("bf16", "fp16") else 1
        self.row_elements = part.organisation.row_bytes // self.element_bytes
        # A vector lies half the rows above its first tile, where nothing else does.
        self.vector_offset = part.organisation.rows // 2

    # --- layout ---

    def heads_of_row(self, head_dim: int) -> int:
        """Heads whose part of a token's key fits a row. Raises SpecError for heads longer than a row."""
        if head_dim > self.row_elements:
            raise SpecError(f"heads of {head_dim} elements", expected=f"at most {self.row_elements}, a row")
        return self.row_elements // head_dim

    def key_rows(self, shape: KvShape, tokens: int) -> int:
        """Rows of every bank that the keys of so many tokens take."""
        return ceil_div(shape.kv_heads, self.heads_of_row(shape.head_dim)) * ceil_div(tokens, self.banks)

    def value_rows(self, shape: KvShape, tokens: int) -> int:
        """Rows of every bank that the values of so many tokens take."""
        return shape.kv_heads * ceil_div(shape.value_dim, self.banks) * ceil_div(tokens, self.row_elements)

    # --- programs ---

    @lru_cache(maxsize=4096)  # noqa: B019 (lives as long as its run)
    def score(self, shape: KvShape, tokens: int) -> tuple[tuple[Piece, ...], ...]:
        """For each group of heads that shares rows, a piece for each query of its heads."""
        at_once = self.heads_of_row(shape.head_dim)
        groups = ceil_div(shape.kv_heads, at_once)
        found = []
        for group in range(groups):
            heads = min(at_once, shape.kv_heads - group * at_once)
            comps = ceil_div(shape.head_dim, self.lanes)
            elements = heads * shape.head_dim
            piece = self._tiles(ceil_div(tokens, self.banks), groups, heads, comps, group, elements)
            found.append((piece,) * shape.queries)
        return tuple(found)

    @lru_cache(maxsize=4096)  # noqa: B019
    def context(self, shape: KvShape, tokens: int) -> tuple[tuple[Piece, ...], ...]:
        """For each key/value head, a piece for each of its queries and each row's worth of tokens."""
        tiles, per_chunk = ceil_div(shape.value_dim, self.banks), shape.kv_heads * ceil_div(shape.value_dim, self.banks)
        found = []
        for head in range(shape.kv_heads):
            pieces = []
            for chunk in range(ceil_div(tokens, self.row_elements)):
                here = min(self.row_elements, tokens - chunk * self.row_elements)
                first = chunk * per_chunk + head * tiles
                pieces.append(self._tiles(tiles, 1, 1, ceil_div(here, self.lanes), first, here))
            found.append(tuple(pieces) * shape.queries)
        return tuple(found)

    @lru_cache(maxsize=4096)  # noqa: B019
    def _program(self, tiles: int, stride: int, results: int, comps: int) -> Program:
        body = np.zeros(3, PIM_QUEUE_BODY)
        body[0] = (self.vector_offset, GWRITE, VECTOR_BANK, 0, 0)
        body[1] = (0, HEADER, 0, comps * results, results)
        body[2] = (0, COMPS, 0, comps, 1)
        tile: list[int | Loop] = [1, *[2] * results]
        return Program(body, [0, Loop(tiles, tile, stride=stride)])

    def _tiles(self, tiles: int, stride: int, results: int, comps: int, row: int, elements: int) -> Piece:
        program = self._program(tiles, stride, results, comps)
        return Piece(program, row, elements * self.element_bytes, tiles, tiles * results, tiles * results * comps)

    # --- bound ---

    def least_ticks(self, shape: KvShape, seen: int) -> int:
        """Ticks that the all-bank computes of one request take back to back."""
        pieces = (piece for group in (*self.score(shape, seen), *self.context(shape, seen)) for piece in group)
        timing = self.part.timing
        spacing = max(timing["tBL"], timing["tCCDS"]) * self.part.rules_of.ticks_per_clock
        return round(sum(piece.comps for piece in pieces) * spacing)
