"""Tasks of attention in the banks: vectors written, scores, softmax on the vector units, probabilities, contexts.

Per request: its new key and value are appended and its query is written, a group of heads at a time; scores of a
group come back with the results of each tile; softmax of the group runs on the vector unit; the probabilities of each
head are written and multiplied with the values; partial sums of long contexts are added. Programs of one channel run in
the order in which they become ready.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from bitline.arch.pim.newton import KvShape, NewtonAttention, Piece
from bitline.csrc.engine.program import Program
from bitline.sim.schedule.region import BankAttention

SCORE, SOFTMAX, CONTEXT, APPEND = range(4)
NAMES = ("attention.score", "attention.softmax", "attention.context", "attention.kv_append")
KINDS = ("attention", "softmax", "attention", "kv_append")

RowAddress = Callable[[int, int, int], int]
"""Byte address of the first access of (channel, bank, row)."""


@dataclass
class Tasks:
    """Tasks and edges of a graph, as lists."""

    unit: list[int] = field(default_factory=list)
    program: list[int] = field(default_factory=list)
    base: list[int] = field(default_factory=list)
    operator: list[int] = field(default_factory=list)
    before: list[int] = field(default_factory=list)
    after: list[int] = field(default_factory=list)

    def add(self, unit: int, program: int, base: int, operator: int, waits_for: tuple[int, ...] = ()) -> int:
        """A task that waits for others. Returns its number."""
        number = len(self.unit)
        self.unit.append(unit)
        self.program.append(program)
        self.base.append(base)
        self.operator.append(operator)
        self.before.extend(waits_for)
        self.after.extend([number] * len(waits_for))
        return number


@dataclass(frozen=True)
class ChannelUnits:
    """Units of a channel class in the task graph, and the channel that stands for it."""

    channel: int
    dma: int
    pim: int


class BankTasks:
    """Adds the attention of one region to its tasks."""

    def __init__(
        self,
        device: NewtonAttention,
        attention: BankAttention,
        *,
        row_address: RowAddress,
        write_shape: Callable[[int], int],
        number: Callable[[Program], int],
        vector_units: tuple[int, ...],
        softmax_cycles: Callable[[int, int], int],
        add_cycles: Callable[[int], int],
        first_operator: int,
        first_row: int,
    ) -> None:
        self.device, self.attention, self.shape = device, attention, attention.shape
        self.row_address, self.write_shape, self.number = row_address, write_shape, number
        self.vector_units, self.softmax_cycles, self.add_cycles = vector_units, softmax_cycles, add_cycles
        self.first_operator, self.first_row = first_operator, first_row
        self.vector_turn = 0

    def add(self, tasks: Tasks, units: ChannelUnits, contexts: tuple[int, ...]) -> None:
        """The requests of one channel."""
        row = self.first_row
        for context in contexts:
            row += self._request(tasks, units, context, row)

    def _request(self, tasks: Tasks, units: ChannelUnits, context: int, row: int) -> int:
        """One request, whose keys begin at a row. Returns the rows that it takes."""
        device, shape = self.device, self.shape
        seen = self.attention.seen(context)
        key_rows = device.key_rows(shape, context)
        value_row = row + key_rows
        appended = self._append(tasks, units, row, value_row, context)
        scores = device.score(shape, seen)
        contexts = device.context(shape, seen)
        heads_of_group = device.heads_of_row(shape.head_dim)
        for group, pieces in enumerate(scores):
            scored = [self._piece(tasks, units, piece, row, SCORE, appended) for piece in pieces]
            heads = min(heads_of_group, shape.kv_heads - group * heads_of_group)
            cycles = self.softmax_cycles(heads * shape.queries, seen)
            softmax = self._vector(tasks, cycles, SOFTMAX, tuple(scored))
            for head in range(group * heads_of_group, group * heads_of_group + heads):
                self._context(tasks, units, contexts[head], value_row, softmax)
        return key_rows + device.value_rows(shape, context)

    def _append(self, tasks: Tasks, units: ChannelUnits, key_row: int, value_row: int, context: int) -> tuple[int, ...]:
        """The new key to its bank, and the new value, which is written as a row of its own (see deviations)."""
        device, shape = self.device, self.shape
        token = context - 1
        found = []
        for first_row, dim, bank in (
            (key_row, shape.head_dim, token % device.banks),
            (value_row, shape.value_dim, (token + 1) % device.banks),
        ):
            left = shape.kv_heads * dim * device.element_bytes
            row_bytes = device.row_elements * device.element_bytes
            row = first_row
            while left > 0:
                found.append(self._write(tasks, units, bank, row, min(left, row_bytes), APPEND, ()))
                left -= row_bytes
                row += 1
        return tuple(found)

    def _write(
        self, tasks: Tasks, units: ChannelUnits, bank: int, row: int, size: int, kind: int, waits_for: tuple[int, ...]
    ) -> int:
        address = self.row_address(units.channel, bank, row)
        return tasks.add(units.dma, self.write_shape(size), address, self.first_operator + kind, waits_for)

    def _piece(
        self, tasks: Tasks, units: ChannelUnits, piece: Piece, row: int, kind: int, waits_for: tuple[int, ...]
    ) -> int:
        """Write the vector, then multiply."""
        base = row + piece.row
        written = self._write(
            tasks, units, 0, base + self.device.vector_offset, piece.vector_bytes, kind, waits_for if kind else ()
        )
        before = (written,) if kind else (written, *waits_for)
        return tasks.add(units.pim, self.number(piece.program), base, self.first_operator + kind, before)

    def _context(self, tasks: Tasks, units: ChannelUnits, pieces: tuple[Piece, ...], row: int, softmax: int) -> None:
        done = [self._piece(tasks, units, piece, row, CONTEXT, (softmax,)) for piece in pieces]
        chunks = len(pieces) // self.shape.queries
        if chunks > 1:
            cycles = self.add_cycles((chunks - 1) * self.shape.value_dim * self.shape.queries)
            self._vector(tasks, cycles, CONTEXT, tuple(done))

    def _vector(self, tasks: Tasks, cycles: int, kind: int, waits_for: tuple[int, ...]) -> int:
        unit = self.vector_units[self.vector_turn % len(self.vector_units)]
        self.vector_turn += 1
        return tasks.add(unit, cycles, 0, self.first_operator + kind, waits_for)


def work_of(device: NewtonAttention, shape: KvShape, seen: int) -> tuple[int, int, int]:
    """What one request asks of the banks: global buffer writes, tiles, all-bank computes."""
    pieces = [piece for group in (*device.score(shape, seen), *device.context(shape, seen)) for piece in group]
    return len(pieces), sum(piece.tiles for piece in pieces), sum(piece.comps for piece in pieces)
